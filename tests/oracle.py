"""Say in exact rationals, sharing nothing with halfulp, what each code means and which code a value gets.

The method is deliberately unlike a converter's.  `grid` says what the k-th non-negative code would be worth
if every code were a number; rounding finds a value's place on that grid by bisection and exact comparison,
never by shifting a significand.  All widths take the same route; small formats keep their grid as a list.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

ROUNDINGS = ("nearest_even", "nearest_away", "toward_zero", "toward_positive", "toward_negative", "to_odd")
OVERFLOWS = ("default", "saturate", "saturate_keep_inf")
SUBNORMALS = ("gradual", "flush_output", "flush_tiny", "flush_input")
SPECIALS = ("ieee", "fn", "fnuz", "finite", "p3109_e", "p3109_f", "integer")


class Value(NamedTuple):
    """What a code or a source means.  A zero has a sign; a NaN's payload is a fraction of its field."""

    kind: str
    negative: bool
    magnitude: Fraction = Fraction(0)
    payload: Fraction = Fraction(0)

    @property
    def real(self) -> Fraction:
        assert self.kind == "finite"
        return -self.magnitude if self.negative else self.magnitude


def real(x: Fraction | int, negative_zero: bool = False) -> Value:
    return Value("finite", x < 0 or (x == 0 and negative_zero), abs(Fraction(x)))


def inf(negative: bool = False) -> Value:
    return Value("inf", negative)


def nan(negative: bool = False, payload: Fraction = Fraction(0)) -> Value:
    """A NaN whose bits below the quiet bit, read as a binary fraction, are `payload`."""
    return Value("nan", negative, payload=payload)


def power_of_two(exponent: int) -> Fraction:
    return Fraction(1 << exponent) if exponent >= 0 else Fraction(1, 1 << -exponent)


def default_bias(exponent_bits: int, mantissa_bits: int, specials: str) -> int:
    if exponent_bits == 0:
        return 1 - mantissa_bits
    half = 1 << (exponent_bits - 1)
    return half if specials in ("fnuz", "p3109_e", "p3109_f") else half - 1


@dataclass(frozen=True)
class Spec:
    """A format's parameters, and the facts that follow from enumerating its codes."""

    exponent_bits: int
    mantissa_bits: int
    bias: int | None = None
    specials: str = "ieee"
    signed: bool = True
    has_zero: bool = True
    name: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.bias is None:
            object.__setattr__(self, "bias", default_bias(self.exponent_bits, self.mantissa_bits, self.specials))

    @property
    def bits(self) -> int:
        return self.signed + self.exponent_bits + self.mantissa_bits

    @property
    def codes(self) -> range:
        return range(1 << self.bits)

    @property
    def sign_bit(self) -> int:
        return 1 << (self.bits - 1) if self.signed else 0

    @property
    def all_magnitude_bits(self) -> int:
        return (1 << (self.exponent_bits + self.mantissa_bits)) - 1

    @property
    def kind(self) -> str:
        return "integer" if self.specials == "integer" else "float"

    @property
    def has_inf(self) -> bool:
        return self.specials in ("ieee", "p3109_e")

    @property
    def has_nan(self) -> bool:
        return self.specials not in ("finite", "integer")

    @property
    def has_negative_zero(self) -> bool:
        return self.signed and self.specials in ("ieee", "fn", "finite")

    @property
    def nan_has_sign(self) -> bool:
        return self.signed and self.specials in ("ieee", "fn")

    @property
    def has_subnormals(self) -> bool:
        """Whether exponent field 0 lies below the normals; without an exponent field nothing is subnormal."""
        return self.exponent_bits >= 1 and self.has_zero

    @cached_property
    def last(self) -> int:
        """The code of the largest finite value: specials only occupy the end of the non-negative codes."""
        code = self.all_magnitude_bits
        while decode(self, code).kind != "finite":
            # An all-ones exponent field may hold 2^52 NaNs: step over its fractions at once.
            code = code - (1 << self.mantissa_bits) if self.specials == "ieee" else code - 1
        return code

    @cached_property
    def points(self) -> Sequence[Fraction]:
        """The grid up to the two places past the largest finite value, which overflow and |min| need."""
        stop = max(self.last, self.all_magnitude_bits if self.specials == "integer" else 0) + 3
        listed = self.bits <= (16 if self.name else 10)
        return [grid(self, k) for k in range(stop)] if listed else _LazyGrid(self, stop)

    @property
    def max(self) -> Fraction:
        return grid(self, self.last)

    @property
    def min_normal(self) -> Fraction:
        return grid(self, 1 << self.mantissa_bits if self.has_subnormals else int(self.has_zero))

    @property
    def min_positive(self) -> Fraction:
        return grid(self, int(self.has_zero))

    def finite_values(self) -> Iterator[Value]:
        return (v for v in (decode(self, c) for c in self.codes) if v.kind == "finite")


class _LazyGrid(Sequence[Fraction]):
    """A grid not worth listing, so that `bisect` works on it unchanged."""

    def __init__(self, spec: Spec, stop: int) -> None:
        self.spec, self.stop = spec, stop

    def __len__(self) -> int:
        return self.stop

    def __getitem__(self, k: int) -> Fraction:  # type: ignore[override]
        return grid(self.spec, k)


def grid(spec: Spec, k: int) -> Fraction:
    """The value of non-negative code k were every code a number, continued past the last code."""
    assert spec.bias is not None
    exponent, trailing = k >> spec.mantissa_bits, k & ((1 << spec.mantissa_bits) - 1)
    if spec.exponent_bits == 0:
        return k * power_of_two(1 - spec.bias - spec.mantissa_bits)
    if exponent == 0 and spec.has_zero:
        return trailing * power_of_two(1 - spec.bias - spec.mantissa_bits)
    return ((1 << spec.mantissa_bits) + trailing) * power_of_two(exponent - spec.bias - spec.mantissa_bits)


def decode(spec: Spec, code: int) -> Value:
    if not 0 <= code < 1 << spec.bits:
        raise ValueError(f"code {code:#x} has bits above the format's {spec.bits}")
    negative, magnitude = bool(code & spec.sign_bit), code & spec.all_magnitude_bits
    if spec.specials == "integer":
        whole = code - (1 << spec.bits) if negative else code
        return real(whole * grid(spec, 1))
    if spec.specials == "ieee":
        exponent, trailing = magnitude >> spec.mantissa_bits, magnitude & ((1 << spec.mantissa_bits) - 1)
        if exponent == (1 << spec.exponent_bits) - 1:
            below_quiet = 1 << (spec.mantissa_bits - 1)
            return inf(negative) if trailing == 0 else nan(negative, Fraction(trailing % below_quiet, below_quiet))
    elif spec.specials == "fn" and magnitude == spec.all_magnitude_bits:
        return nan(negative)
    elif spec.specials == "fnuz" and code == spec.sign_bit:
        return nan()
    elif spec.specials in ("p3109_e", "p3109_f"):
        if code == (spec.sign_bit or spec.all_magnitude_bits):
            return nan()
        if spec.specials == "p3109_e" and magnitude == spec.all_magnitude_bits - (not spec.signed):
            return inf(negative)
    return real(-grid(spec, magnitude) if negative else grid(spec, magnitude), negative)


class Place(IntEnum):
    """Where a magnitude lies: on a grid point, or below, at or above the middle of the gap after it."""

    ON = 0
    LOW = 1
    MIDDLE = 2
    HIGH = 3


@dataclass(frozen=True)
class Policy:
    rounding: str = "nearest_even"
    overflow: str = "default"
    nan: str | int | tuple[int, int] | None = None
    subnormals: str = "gradual"
    via: str | None = None

    def keywords(self) -> dict[str, object]:
        return {k: v for k, v in vars(self).items() if v is not None}


def locate(spec: Spec, magnitude: Fraction) -> tuple[int, Place]:
    """The last grid point not above the magnitude, and the place after it.  Far past the end is the end."""
    points = spec.points
    k = bisect_right(points, magnitude) - 1
    if k < 0:  # only without a zero, where everything below the minimum is the minimum
        return 0, Place.ON
    if points[k] == magnitude or k == len(points) - 1:
        return k, Place.ON
    twice, middle = 2 * magnitude, points[k] + points[k + 1]
    return k, Place.LOW if twice < middle else Place.MIDDLE if twice == middle else Place.HIGH


def goes_up(rounding: str, negative: bool, k: int, place: Place) -> bool:
    if place == Place.ON:
        return False
    odd = k % 2 == 1  # grid indices are codes, so this is the parity of the code, in 1-bit significands too
    return {
        "nearest_even": place == Place.HIGH or (place == Place.MIDDLE and odd),
        "nearest_away": place >= Place.MIDDLE,
        "toward_zero": False,
        "toward_positive": not negative,
        "toward_negative": negative,
        "to_odd": not odd,
    }[rounding]


def settle(spec: Spec, negative: bool, k: int, place: Place, policy: Policy) -> int:
    """The code for a finite value of known sign and place: everything that comes after the comparisons."""
    if policy.subnormals == "flush_tiny" and spec.has_subnormals and k < 1 << spec.mantissa_bits:
        return signed_code(spec, negative, 0)
    rounded = k + goes_up(policy.rounding, negative, k, place)
    if policy.subnormals == "flush_output" and spec.has_subnormals and rounded < 1 << spec.mantissa_bits:
        rounded = 0
    if negative and not spec.signed:
        return 0 if rounded == 0 and spec.has_zero else beyond_unsigned(spec, policy)
    if rounded <= (spec.sign_bit if negative and spec.specials == "integer" else spec.last):
        return signed_code(spec, negative, rounded)
    inward = {
        "toward_zero": True,
        "toward_positive": negative,
        "toward_negative": not negative,
        "to_odd": spec.last % 2 == 1,
    }.get(policy.rounding, False)
    return largest(spec, negative) if inward else overflowed(spec, negative, policy.overflow)


def signed_code(spec: Spec, negative: bool, k: int) -> int:
    if not negative or not spec.signed or (k == 0 and not spec.has_negative_zero):
        return k
    return (1 << spec.bits) - k if spec.specials == "integer" else spec.sign_bit | k


def largest(spec: Spec, negative: bool) -> int:
    return spec.sign_bit if negative and spec.specials == "integer" else signed_code(spec, negative, spec.last)


def overflowed(spec: Spec, negative: bool, overflow: str) -> int:
    if overflow != "default":
        return largest(spec, negative)
    if spec.has_inf:
        return infinity_code(spec, negative)
    return canonical_nan(spec, negative) if spec.has_nan else largest(spec, negative)


def beyond_unsigned(spec: Spec, policy: Policy) -> int:
    return canonical_nan(spec, False) if spec.has_nan and policy.overflow == "default" else 0


def infinity_code(spec: Spec, negative: bool) -> int:
    ones = spec.all_magnitude_bits
    code = ones >> spec.mantissa_bits << spec.mantissa_bits if spec.specials == "ieee" else ones - (not spec.signed)
    return code | (spec.sign_bit if negative else 0)


def canonical_nan(spec: Spec, negative: bool) -> int:
    if spec.specials == "ieee":
        exponent = ((1 << spec.exponent_bits) - 1) << spec.mantissa_bits
        code = exponent | 1 << (spec.mantissa_bits - 1)
    elif spec.specials == "fn":
        code = spec.all_magnitude_bits
    else:
        code = spec.sign_bit or spec.all_magnitude_bits
    return code | (spec.sign_bit if negative and spec.nan_has_sign else 0)


def nan_rules(spec: Spec) -> tuple[str, ...]:
    """The named NaN rules a format can honour."""
    if not spec.has_nan:
        return ("max", "zero")
    payload = spec.specials == "ieee" and spec.mantissa_bits >= 2
    return ("keep_sign", "canonical", "keep_payload") if payload else ("keep_sign", "canonical")


def encode_nan(spec: Spec, value: Value, rule: str | int | tuple[int, int] | None) -> int:
    if isinstance(rule, tuple):
        return rule[value.negative]
    if isinstance(rule, int):
        return rule
    if rule is None:
        rule = "keep_sign" if spec.has_nan else "max" if spec.kind == "float" else "zero"
    if rule not in nan_rules(spec):
        raise ValueError(f"nan={rule!r} is not for this format")
    if rule in ("max", "zero"):
        return spec.last if rule == "max" else 0
    code = canonical_nan(spec, value.negative and rule != "canonical")
    return code | int(value.payload * (1 << (spec.mantissa_bits - 1))) if rule == "keep_payload" else code


def encode(spec: Spec, value: Value, policy: Policy = Policy(), *, subnormal_input: bool = False) -> int:
    """The code of an exact value; `subnormal_input`: the source's own dtype holds it as a subnormal."""
    if policy.subnormals == "flush_input" and subnormal_input:
        value = Value("finite", value.negative)
    if policy.via == "float32":
        single = NAMED["float32"]
        value = decode(single, encode(single, value, Policy(nan="keep_payload")))
    if value.kind == "nan":
        return encode_nan(spec, value, policy.nan)
    if value.kind == "finite":
        if value.magnitude == 0:
            return signed_code(spec, value.negative, 0)
        return settle(spec, value.negative, *locate(spec, value.magnitude), policy)
    if value.negative and not spec.signed:
        return beyond_unsigned(spec, policy)
    keep = policy.overflow == "saturate_keep_inf" and spec.has_inf
    return overflowed(spec, value.negative, "default" if keep else policy.overflow)


def is_subnormal(spec: Spec, value: Value) -> bool:
    return value.kind == "finite" and spec.has_subnormals and 0 < value.magnitude < spec.min_normal


def x87(bits: int) -> Value:
    """The 80-bit format of x86's longdouble: an explicit leading bit, bias 16383."""
    negative, exponent, significand = bool(bits >> 79), bits >> 64 & 0x7FFF, bits & (1 << 64) - 1
    if exponent == 0x7FFF:
        payload = significand & (1 << 62) - 1
        return inf(negative) if significand == 1 << 63 else nan(negative, Fraction(payload, 1 << 62))
    magnitude = significand * power_of_two(max(exponent, 1) - 16383 - 63)
    return real(-magnitude if negative else magnitude, negative)


_TABLE = """
    float64           11 52 1023  ieee
    float32            8 23  127  ieee
    tfloat32           8 10  127  ieee
    float16            5 10   15  ieee
    bfloat16           8  7  127  ieee
    fp24               7 16   63  ieee
    pxr24              8 15  127  ieee
    float8_e5m2        5  2   15  ieee
    float8_e4m3fn      4  3    7  fn
    float8_e4m3        4  3    7  ieee
    float8_e3m4        3  4    3  ieee
    float8_e4m3fnuz    4  3    8  fnuz
    float8_e5m2fnuz    5  2   16  fnuz
    float8_e4m3b11fnuz 4  3   11  fnuz
    float8_e8m0fnu     8  0  127  fn unsigned nozero
    float8_e5m3fnu     5  3   15  fn unsigned
    float8_ue4m3       4  3    7  fn unsigned
    float6_e2m3fn      2  3    1  finite
    float6_e3m2fn      3  2    3  finite
    float4_e2m1fn      2  1    1  finite
    float4_e1m2fn      1  2    1  finite
    int2               0  1    0  integer
    int4               0  3   -2  integer
    int8               0  7   -6  integer
    uint2              0  2   -1  integer unsigned
    uint4              0  4   -3  integer unsigned
    uint8              0  8   -7  integer unsigned
    mxint8             0  7    0  integer
"""


def _row(name: str, e: str, m: str, bias: str, specials: str, *flags: str) -> Spec:
    return Spec(int(e), int(m), int(bias), specials, "unsigned" not in flags, "nozero" not in flags, name)


NAMED = {row.split()[0]: _row(*row.split()) for row in _TABLE.strip().splitlines()}
BINARY128 = Spec(15, 112, 16383, "ieee", name="binary128")
