"""What gfloat calls the formats and rounding modes that it is compared in."""

GFLOAT = {
    "float16": "binary16",
    "bfloat16": "bfloat16",
    "float8_e5m2": "ocp_e5m2",
    "float8_e4m3fn": "ocp_e4m3",
}
GFLOAT |= {"float6_e2m3fn": "ocp_e2m3", "float6_e3m2fn": "ocp_e3m2", "float4_e2m1fn": "ocp_e2m1"}
GFLOAT_MODES = {"nearest_even": "TiesToEven", "nearest_away": "TiesToAway", "toward_zero": "TowardZero"}
GFLOAT_MODES |= {"toward_positive": "TowardPositive", "toward_negative": "TowardNegative"}
GFLOAT_STOCHASTIC = {
    "stochastic_a": "StochasticFastest",
    "stochastic_b": "StochasticFast",
    "stochastic_c": "Stochastic",
}
