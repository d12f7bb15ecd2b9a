"""halfulp beside ml_dtypes, NumPy and gfloat; wherever they differ, the peer's fault or choice is named."""

from __future__ import annotations

from fractions import Fraction

import halfulp as hu
import numpy as np
import pytest
import sweeps
from gfloat_names import GFLOAT, GFLOAT_MODES, GFLOAT_STOCHASTIC
from oracle import NAMED, Policy, encode
from support import assert_codes
from sweeps import Expected

ml_dtypes = pytest.importorskip("ml_dtypes", reason="needs ml_dtypes, the differential peer")

FLOATS = [
    name
    for name, fmt in hu.formats.items()
    if hasattr(ml_dtypes, name) and fmt.kind == "float" and name != "float8_e8m0fnu"
]
INTEGERS = [name for name, fmt in hu.formats.items() if fmt.kind == "integer"]


def cast(x: np.ndarray, name: str) -> np.ndarray:
    """ml_dtypes' cast, as codes; it warns about every NaN."""
    with np.errstate(all="ignore"):
        codes = x.astype(getattr(ml_dtypes, name))
    return codes.view(np.uint16 if codes.dtype.itemsize == 2 else np.uint8)


def halves() -> np.ndarray:
    return np.arange(1 << 16, dtype=np.uint16).view(np.float16)


def bfloats() -> np.ndarray:
    return (np.arange(1 << 16, dtype=np.uint32) << 16).view(np.float32)


@pytest.mark.parametrize("name", FLOATS)
def test_preset_equals_ml_dtypes_from_binary32(name: str) -> None:
    """Every tie and its neighbours, all bfloat16 values, NaNs: the same bits."""
    codec = hu.presets["ml_dtypes"](hu.formats[name])
    ties = sweeps.boundary_inputs(NAMED[name], "float32", slice_of=4000)
    for x in (ties, bfloats(), sweeps.random_patterns("float32", 20000, seed=1), sweeps.nans("float32")):
        assert_codes(codec.encode(x), cast(x, name), x, name)


@pytest.mark.parametrize("name", FLOATS)
def test_preset_equals_ml_dtypes_from_binary64(name: str) -> None:
    """Known fault of ml_dtypes: from anything wider it goes through binary32.  So does the preset."""
    codec = hu.presets["ml_dtypes"](hu.formats[name])
    probes = np.array([1 + 2.0**-4 + 2.0**-40, 1 + 2.0**-8 + 2.0**-40, 1 + 2.0**-3 + 2.0**-40])
    ties = sweeps.boundary_inputs(NAMED[name], "float64", slice_of=4000)
    for x in (ties, probes, sweeps.random_patterns("float64", 20000, seed=2), sweeps.nans("float64")):
        assert_codes(codec.encode(x), cast(x, name), x, name)


@pytest.mark.parametrize("name", FLOATS)
def test_preset_equals_ml_dtypes_from_binary16_and_int64(name: str) -> None:
    codec = hu.presets["ml_dtypes"](hu.formats[name])
    assert_codes(codec.encode(halves()), cast(halves(), name), halves(), name)
    numbers = np.concatenate([sweeps.specials("int64"), sweeps.beside(sweeps.borders(NAMED[name])[:2000], "int64")])
    assert_codes(codec.encode(numbers), cast(numbers, name), numbers, name)


def test_default_codecs_round_once_where_ml_dtypes_rounds_twice() -> None:
    """Known fault of ml_dtypes: casts from binary64 and integers go through binary32."""
    for name, x, right, theirs in (
        ("bfloat16", np.float64(1 + 2.0**-8 + 2.0**-40), 0x3F81, 0x3F80),
        ("float8_e4m3fn", np.float64(1 + 2.0**-4 + 2.0**-40), 0x39, 0x38),
        ("bfloat16", np.int64(257 * 2**30 + 1), 0x5281, 0x5280),
        ("bfloat16", np.int64(2**30 + 2**22 + 1), 0x4E81, 0x4E80),
        ("float8_e5m2", np.longdouble(1 + 2.0**-3 + 2.0**-40), 0x3D, 0x3C),
    ):
        assert int(hu.formats[name].encode(x)) == right
        assert int(hu.presets["ml_dtypes"](hu.formats[name]).encode(x)) == theirs
        assert cast(np.array([x]), name)[0] == theirs, "fixed in this ml_dtypes? then the preset's version moved"


@pytest.mark.parametrize("name", [*INTEGERS, "float8_e8m0fnu"])
def test_ml_dtypes_preset_refuses_what_policies_cannot_say(name: str) -> None:
    """ml_dtypes wraps integers modulo their width, and turns e8m0's zero into NaN and its ties upward."""
    with pytest.raises(ValueError, match="ml_dtypes"):
        hu.presets["ml_dtypes"](hu.formats[name])


def test_e8m0_differs_from_ml_dtypes_only_in_its_named_choices() -> None:
    """Its ties go up in magnitude, zero is NaN, and below 2^-126 its test of two bits is not to nearest."""
    x = np.concatenate([bfloats(), sweeps.boundary_inputs(NAMED["float8_e8m0fnu"], "float32")])
    ours, theirs = hu.float8_e8m0fnu.encode(x), cast(x, "float8_e8m0fnu")
    with np.errstate(invalid="ignore"):
        tie = np.frexp(np.abs(x))[0] == 0.75
        named = tie | (x == 0) | (np.abs(x) < np.float32(2.0**-126))
    assert_codes(ours[~named], theirs[~named], x[~named])
    assert (ours != theirs)[named].any()


def test_e8m0_equals_gfloat_at_ties() -> None:
    gfloat = pytest.importorskip("gfloat", reason="needs gfloat, a reader of the P3109 text")
    from gfloat.formats import format_info_ocp_e8m0

    for exponent in range(-20, 20):
        x = 1.5 * 2.0**exponent
        want = gfloat.round_float(format_info_ocp_e8m0, x, gfloat.RoundMode.TiesToEven)
        assert float(hu.float8_e8m0fnu.round(np.float64(x))) == want


def test_float16_equals_numpy() -> None:
    """All but NaNs: NumPy keeps signalling NaNs signalling, halfulp's keep_payload quiets them."""
    for dtype in ("float32", "float64"):
        x = np.concatenate(
            [
                sweeps.boundary_inputs(NAMED["float16"], dtype, 8000),
                sweeps.random_patterns(dtype, 20000, 3),
            ]
        )
        x = x[~np.isnan(x)]
        with np.errstate(all="ignore"):
            theirs = x.astype(np.float16).view(np.uint16)
        assert_codes(hu.float16.encode(x), theirs, x)
    quiet = sweeps.nans("float32")
    ours = hu.float16.codec(nan="keep_payload").encode(quiet)
    with np.errstate(invalid="ignore"):
        theirs = quiet.astype(np.float16).view(np.uint16)
    signalling = (quiet.view(np.uint32) & 0x400000) == 0
    assert_codes(ours[~signalling], theirs[~signalling], quiet[~signalling])
    assert (theirs[signalling] & 0x200 == 0).all()


@pytest.mark.parametrize("name", GFLOAT)
@pytest.mark.parametrize("rounding", GFLOAT_MODES)
def test_round_equals_gfloat(name: str, rounding: str) -> None:
    """From binary64 only: gfloat sends large binary16 inputs to Inf on their way to bfloat16 (known fault)."""
    gfloat = pytest.importorskip("gfloat", reason="needs gfloat, a reader of the OCP text")
    info = getattr(pytest.importorskip("gfloat.formats"), f"format_info_{GFLOAT[name]}")
    x = sweeps.boundary_inputs(NAMED[name], "float64", slice_of=400)
    x = x[np.isfinite(x)]
    with np.errstate(over="ignore"):  # it clamps what its own ldexp made infinite
        theirs = gfloat.round_ndarray(info, x, getattr(gfloat.RoundMode, GFLOAT_MODES[rounding]), True)
    ours = hu.formats[name].codec(rounding=rounding, overflow="saturate").round(x)
    assert ours.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("name", GFLOAT)
@pytest.mark.parametrize("rounding", GFLOAT_STOCHASTIC)
def test_stochastic_rounding_equals_gfloat(name: str, rounding: str) -> None:
    """From binary32, at sizes where the sum that gfloat makes in binary64 is exact."""
    gfloat = pytest.importorskip("gfloat", reason="needs gfloat, a reader of the P3109 text")
    info = getattr(pytest.importorskip("gfloat.formats"), f"format_info_{GFLOAT[name]}")
    mode = getattr(gfloat.RoundMode, GFLOAT_STOCHASTIC[rounding])
    fmt, rng = hu.formats[name], np.random.default_rng(1)
    for bits in (1, 2, 5, 8, 13, 16):
        k = rng.integers(-2, 6 if fmt.bits == 4 else 12, 300)
        x = np.ldexp(rng.integers(1, 2**12, 300), k - 12).astype(np.float32) * fmt.min_normal
        r = hu.random_bits(x.shape, bits, 7)
        ours = fmt.codec(rounding=rounding, random_bits=bits, overflow="saturate").round(x, r)
        pairs = zip(x.tolist(), r.tolist(), strict=True)
        assert ours.tolist() == [gfloat.round_float(info, a, mode, True, b, bits) for a, b in pairs]


# Host-compiled CUDA headers, binary32 bits to codes: the columns of the vendor's saturating conversions.
CUDA_SATFINITE = {
    "float8_e4m3fn": "43E00000:7E 43E80000:7E 43E80001:7E 43F00000:7E 7F7FFFFF:7E 7F800000:7E FF800000:FE "
    "7FC00000:7F FFC00000:7F 7F800001:7F 80000000:80 80000001:80 BA800000:80",
    "float8_e5m2": "47600000:7B 47600001:7B 476FFFFF:7B 47700000:7B 47800000:7B 7F800000:7B FF800000:FB "
    "7FC00000:7F FFC00000:7F 7F800001:7F 7FEDCBA9:7F 80000000:80",
    "float4_e2m1fn": "40A00000:6 40E00000:7 7F7FFFFF:7 7F800000:7 FF800000:F 7FC00000:7 FFC00000:7 "
    "80000000:8 3E800000:0 3E800001:1 BE800000:8 3F400000:2",
    "float6_e2m3fn": "40F80000:1F 7F800000:1F FF800000:3F 7FC00000:1F FFC00000:1F 80000000:20",
    "float6_e3m2fn": "7F800000:1F FF800000:3F 7FC00000:1F FFC00000:1F 80000000:20",
}


@pytest.mark.parametrize("name", CUDA_SATFINITE)
def test_cuda_satfinite_preset_equals_the_vendor_matrix(name: str) -> None:
    cells = [[int(word, 16) for word in cell.split(":")] for cell in CUDA_SATFINITE[name].split()]
    x = np.array([bits for bits, _ in cells], np.uint32).view(np.float32)
    codec = hu.presets["cuda_satfinite"](hu.formats[name])
    assert_codes(codec.encode(x), [code for _, code in cells], x, name)


@pytest.mark.parametrize("name", CUDA_SATFINITE)
def test_cuda_satfinite_preset_rounds_as_everyone(name: str) -> None:
    """In range the vendor's headers equal the definition, so only NaNs are the preset's own."""
    spec = NAMED[name]
    x = np.concatenate([sweeps.boundary_inputs(spec, "float32"), bfloats()])
    x = x[~np.isnan(x)]
    codec = hu.presets["cuda_satfinite"](hu.formats[name])
    assert_codes(codec.encode(x), Expected(spec, Policy(overflow="saturate")).codes(x), x, name)


def test_presets_differ_where_the_peers_do() -> None:
    """One input, two vendors: 1e9 and Inf into e4m3fn."""
    x = np.array([1e9, np.inf, -np.inf], np.float32)
    f = hu.float8_e4m3fn
    assert hu.presets["ml_dtypes"](f).encode(x).tolist() == [0x7F, 0x7F, 0xFF]
    assert hu.presets["cuda_satfinite"](f).encode(x).tolist() == [0x7E, 0x7E, 0xFE]
    assert encode(NAMED["float8_e4m3fn"], sweeps.exact(x)[0][0], Policy(overflow="saturate")) == 0x7E
    assert Fraction(float(f.max)) == NAMED["float8_e4m3fn"].max
