"""The codec and rounding laws every deterministic conversion obeys, over named and generated formats.

The numbers in the tests' names count the laws of a conversion: 1-5 are about codes, 7-24 about rounding; those
left out are about packing, arithmetic and stochastic rounding.  Only halfulp encodes; the oracle knows the grid.
"""

from __future__ import annotations

from fractions import Fraction

import halfulp as hu
import numpy as np
import oracle
from halfulp.strategies import formats
from hypothesis import assume, given
from hypothesis import strategies as st
from oracle import ROUNDINGS, Spec, Value, power_of_two
from strategies import codes, near_ties, oracle_spec, specs, values
from support import product

SYMMETRIC = ("nearest_even", "nearest_away", "toward_zero", "to_odd")
NEAREST = ("nearest_even", "nearest_away")
RANGED = ("ieee", "p3109_e", "finite", "integer")  # overflow gives Inf or the maximum: still ordered

any_format = formats()
any_rounding = st.sampled_from(ROUNDINGS)


def enc(fmt: hu.Format, x: Fraction, rounding: str = "nearest_even", **policy: object) -> int:
    return int(hu.encode(x, fmt, rounding=rounding, **policy))


def dec(fmt: hu.Format, code: int) -> Value:
    (value,) = fmt.decode(np.array([code], fmt.code_dtype)).tolist()
    if value != value:
        return oracle.nan()
    if value in (float("inf"), float("-inf")):
        return oracle.inf(value < 0)
    return oracle.real(Fraction(value), negative_zero=str(value)[0] == "-")


def rounded(fmt: hu.Format, x: Fraction, rounding: str = "nearest_even", **policy: object) -> Fraction:
    return dec(fmt, enc(fmt, x, rounding, **policy)).real


def place(spec: Spec, x: Fraction) -> Fraction:
    """The gap between the grid points around a magnitude."""
    k, _ = oracle.locate(spec, abs(x))
    return oracle.grid(spec, k + 1) - oracle.grid(spec, k)


def lowest(spec: Spec) -> Fraction:
    """The least value that rounds without leaving the range."""
    return oracle.decode(spec, oracle.largest(spec, True)).real if spec.signed else oracle.grid(spec, 0)


@st.composite
def format_and_value(draw: st.DrawFn) -> tuple[hu.Format, Fraction]:
    """A format and a value between its least and greatest, ends included."""
    fmt = draw(any_format)
    spec = oracle_spec(fmt)
    return fmt, min(max(draw(values(spec)), lowest(spec)), spec.max)


@given(any_format, st.data())
def test_1_decode_then_encode_is_identity(fmt: hu.Format, data: st.DataObject) -> None:
    code = data.draw(codes(fmt))
    value = fmt.decode(np.array([code], fmt.code_dtype))
    assume(not np.isnan(value[0]))
    for rounding in ROUNDINGS:
        assert int(fmt.codec(rounding=rounding).encode(value)[0]) == code


@given(any_format, st.booleans())
def test_2_nan_codes_are_stable(fmt: hu.Format, negative: bool) -> None:
    assume(fmt.has_nan)
    quiet = np.copysign(np.float64(np.nan), -1 if negative else 1)
    once = fmt.encode(np.array([quiet]))
    decoded = fmt.decode(once)
    assert np.isnan(decoded[0])
    assert fmt.encode(decoded).tolist() == once.tolist()


@given(any_format, st.data())
def test_3_values_increase_with_codes_and_mirror(fmt: hu.Format, data: st.DataObject) -> None:
    spec = oracle_spec(fmt)
    k = data.draw(st.integers(0, spec.last - 1))
    assert dec(fmt, k).real < dec(fmt, k + 1).real
    if spec.signed and k + 1 <= spec.last:
        negated = spec.sign_bit | (k + 1) if spec.kind == "float" else (1 << spec.bits) - (k + 1)
        assert dec(fmt, negated).real == -dec(fmt, k + 1).real


def test_4_distinct_values(fmt: hu.Format) -> None:
    spec = oracle_spec(fmt)
    if spec.bits <= 16:
        decoded = fmt.decode(np.arange(1 << spec.bits, dtype=fmt.code_dtype))
        distinct = np.unique(decoded[np.isfinite(decoded)])
        assert distinct.size == len({v.real for v in spec.finite_values()})


@given(st.data())
def test_5_widening_is_exact(data: st.DataObject) -> None:
    narrow, wide = (data.draw(specs()) for _ in range(2))
    if narrow.bits > wide.bits:
        narrow, wide = wide, narrow
    assume(wide.mantissa_bits >= narrow.mantissa_bits and wide.max >= narrow.max)
    assume(wide.exponent_bits and wide.has_zero)
    assume(oracle.grid(wide, 1) <= place(narrow, Fraction(0)) and wide.signed >= narrow.signed)
    code = data.draw(codes(narrow))
    assume(oracle.decode(narrow, code).kind == "finite")
    f, g = product(narrow), product(wide)
    through = g.decode(g.encode(f.decode(np.array([code], f.code_dtype))))
    value = oracle.decode(narrow, code)
    assert Fraction(float(through[0])) == value.real


@given(format_and_value())
def test_7_results_are_faithful(pair: tuple[hu.Format, Fraction]) -> None:
    fmt, x = pair
    down, up = rounded(fmt, x, "toward_negative"), rounded(fmt, x, "toward_positive")
    assert down <= x <= up
    for rounding in ROUNDINGS:
        assert rounded(fmt, x, rounding, overflow="saturate") in (down, up)


@given(format_and_value(), any_rounding)
def test_8_exact_iff_representable(pair: tuple[hu.Format, Fraction], rounding: str) -> None:
    fmt, x = pair
    spec = oracle_spec(fmt)
    _, where = oracle.locate(spec, abs(x))
    assert (rounded(fmt, x, rounding, overflow="saturate") == x) == (where == oracle.Place.ON)


@given(format_and_value(), st.sampled_from(NEAREST))
def test_9_nearest_is_within_half_a_place(pair: tuple[hu.Format, Fraction], rounding: str) -> None:
    fmt, x = pair
    assert abs(x - rounded(fmt, x, rounding)) <= place(oracle_spec(fmt), x) / 2


@given(format_and_value())
def test_10_directed_modes_err_one_way_by_less_than_a_place(pair: tuple[hu.Format, Fraction]) -> None:
    fmt, x = pair
    gap = place(oracle_spec(fmt), x)
    assert 0 <= rounded(fmt, x, "toward_positive") - x < gap
    assert 0 <= x - rounded(fmt, x, "toward_negative") < gap
    assert abs(rounded(fmt, x, "toward_zero")) <= abs(x)


@given(any_format, st.data(), st.booleans())
def test_11_ties(fmt: hu.Format, data: st.DataObject, negative: bool) -> None:
    spec = oracle_spec(fmt)
    k = data.draw(st.integers(0, spec.last - 1))
    lower, upper = oracle.grid(spec, k), oracle.grid(spec, k + 1)
    sign = -1 if negative and spec.signed else 1
    tie = sign * (lower + upper) / 2
    assert rounded(fmt, tie, "nearest_even") == sign * (lower if k % 2 == 0 else upper)
    assert rounded(fmt, tie, "nearest_away") == sign * upper
    assert rounded(fmt, tie, "to_odd") == sign * (lower if k % 2 else upper)


@given(any_format, st.data(), any_rounding, st.sampled_from(("gradual", "flush_output", "flush_tiny")))
def test_12_monotone(fmt: hu.Format, data: st.DataObject, rounding: str, subnormals: str) -> None:
    spec = oracle_spec(fmt)
    xs = sorted(data.draw(st.lists(values(spec), min_size=2, max_size=12)))
    overflow = "default" if spec.specials in RANGED else "saturate"
    if not spec.signed:
        overflow = "saturate" if spec.has_nan else overflow
    results = [dec(fmt, enc(fmt, x, rounding, overflow=overflow, subnormals=subnormals)) for x in xs]
    line = [float("-inf" if v.negative else "inf") if v.kind == "inf" else v.real for v in results]
    assert line == sorted(line)


@given(any_format, st.data(), st.sampled_from(ROUNDINGS), st.sampled_from(oracle.OVERFLOWS))
def test_13_symmetry(fmt: hu.Format, data: st.DataObject, rounding: str, overflow: str) -> None:
    spec = oracle_spec(fmt)
    assume(spec.signed and spec.kind == "float")
    x = data.draw(values(spec))
    mirrored = {"toward_positive": "toward_negative", "toward_negative": "toward_positive"}.get(rounding, rounding)
    ours, theirs = enc(fmt, x, rounding, overflow=overflow), enc(fmt, -x, mirrored, overflow=overflow)
    a, b = dec(fmt, ours), dec(fmt, theirs)
    assert (a.kind, a.magnitude) == (b.kind, b.magnitude)
    if a.kind != "nan" and x:
        assert a.negative != b.negative or (a.magnitude == 0 and not spec.has_negative_zero)


@given(format_and_value())
def test_14_toward_zero_is_the_inward_direction(pair: tuple[hu.Format, Fraction]) -> None:
    fmt, x = pair
    assert enc(fmt, x, "toward_zero") == enc(fmt, x, "toward_negative" if x >= 0 else "toward_positive")


@given(any_format, st.data(), any_rounding)
def test_15_scaling_by_powers_of_two(fmt: hu.Format, data: st.DataObject, rounding: str) -> None:
    spec = oracle_spec(fmt)
    assume(spec.exponent_bits >= 1)
    # Codes of 1-bit significands alternate parity with the exponent, so only even steps keep their ties.
    step = 1 if spec.mantissa_bits else 2
    x, power = abs(data.draw(values(spec))), step * data.draw(st.integers(1, 8))
    scaled = x * power_of_two(power)
    assume(x >= spec.min_normal and scaled <= spec.max)
    assert rounded(fmt, scaled, rounding) == rounded(fmt, x, rounding) * power_of_two(power)


@given(format_and_value(), any_rounding)
def test_16_sign(pair: tuple[hu.Format, Fraction], rounding: str) -> None:
    fmt, x = pair
    spec = oracle_spec(fmt)
    result = dec(fmt, enc(fmt, x, rounding))
    if result.magnitude == 0:
        assert result.negative == (x < 0 and spec.has_negative_zero)
    else:
        assert result.negative == (x < 0)


@given(any_format, st.booleans())
def test_17_underflow_threshold(fmt: hu.Format, negative: bool) -> None:
    spec = oracle_spec(fmt)
    assume(spec.has_zero and (spec.signed or not negative))
    least, sign = oracle.grid(spec, 1), -1 if negative else 1
    outward = "toward_negative" if negative else "toward_positive"
    below = least / 2 * (1 - Fraction(1, 1 << 90))
    assert rounded(fmt, sign * least / 2) == 0
    assert rounded(fmt, sign * below, "nearest_away") == 0
    assert rounded(fmt, sign * least / 2, "nearest_away") == sign * least
    assert rounded(fmt, sign * below, outward) == sign * least
    assert rounded(fmt, sign * least / 2 * (1 + Fraction(1, 1 << 90))) == sign * least


@given(any_format)
def test_18_overflow_threshold(fmt: hu.Format) -> None:
    spec = oracle_spec(fmt)
    assume(spec.has_inf or spec.has_nan)
    step = oracle.grid(spec, spec.last + 1) - spec.max
    threshold, hair = spec.max + step / 2, step / (1 << 80)
    assert enc(fmt, threshold - hair) == spec.last
    assert (enc(fmt, threshold) == spec.last) == (spec.last % 2 == 0)
    assert dec(fmt, enc(fmt, threshold + hair)).kind != "finite"
    assert dec(fmt, enc(fmt, spec.max + hair, "toward_positive")).kind != "finite"
    for rounding in ("toward_zero", "toward_negative"):
        assert enc(fmt, spec.max * 4, rounding) == spec.last


@given(any_format, st.data(), any_rounding)
def test_19_saturating_is_clamping(fmt: hu.Format, data: st.DataObject, rounding: str) -> None:
    spec = oracle_spec(fmt)
    x = data.draw(values(spec))
    clamped = min(max(x, lowest(spec) if spec.signed or not spec.has_zero else Fraction(0)), spec.max)
    ours, theirs = (
        enc(fmt, x, rounding, overflow="saturate"),
        enc(fmt, clamped, rounding, overflow="saturate"),
    )
    assert ours == theirs


@given(format_and_value(), any_rounding)
def test_20_policies_agree_in_range(pair: tuple[hu.Format, Fraction], rounding: str) -> None:
    fmt, x = pair
    assert len({enc(fmt, x, rounding, overflow=overflow) for overflow in oracle.OVERFLOWS}) == 1


@given(st.data(), st.sampled_from(ROUNDINGS))
def test_21_rounding_to_odd_first_changes_nothing(data: st.DataObject, rounding: str) -> None:
    narrow = data.draw(specs(max_bits=20))
    assume(narrow.exponent_bits and narrow.mantissa_bits and narrow.signed)
    wide = Spec(11, narrow.mantissa_bits + data.draw(st.integers(2, 6)), 1023)
    assume(narrow.max < wide.max / 4 and oracle.grid(narrow, 1) > 16 * oracle.grid(wide, 1))
    x = data.draw(near_ties(narrow) | values(narrow))
    f, g = product(narrow), product(wide)
    assume(abs(x) <= wide.max)
    assert enc(f, rounded(g, x, "to_odd"), rounding) == enc(f, x, rounding) or x == 0


@given(st.data(), st.sampled_from(("toward_zero", "toward_positive", "toward_negative")))
def test_23_directed_modes_compose(data: st.DataObject, rounding: str) -> None:
    narrow = data.draw(specs(max_bits=20))
    assume(narrow.exponent_bits and narrow.signed)
    wide = Spec(11, narrow.mantissa_bits + data.draw(st.integers(1, 3)), 1023)
    x = data.draw(values(narrow))
    assume(narrow.max < wide.max and abs(x) <= wide.max and oracle.grid(narrow, 1) >= oracle.grid(wide, 1))
    f, g = product(narrow), product(wide)
    once, twice = enc(f, x, rounding), enc(f, rounded(g, x, rounding), rounding)
    assert dec(f, once)[:3:2] == dec(f, twice)[:3:2]


@given(any_format, st.data(), any_rounding)
def test_24_two_more_bits_and_a_sticky_bit_suffice(fmt: hu.Format, data: st.DataObject, rounding: str) -> None:
    """Replace everything beyond two bits under the last place by one sticky bit: the code must not change."""
    spec = oracle_spec(fmt)
    x = data.draw(values(spec))
    assume(spec.has_zero)
    unit = place(spec, x) / 4
    quarters, rest = divmod(abs(x), unit)
    sticky = (quarters + (Fraction(1, 2) if rest else 0)) * unit
    assert enc(fmt, sticky if x >= 0 else -sticky, rounding) == enc(fmt, x, rounding)
