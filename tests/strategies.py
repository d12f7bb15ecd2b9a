"""Hypothesis strategies for formats, codes, exact values and policies, biased to where converters break.

A format here is anything with the parameters as attributes; `make` says what builds one.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import oracle
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from oracle import NAMED, OVERFLOWS, ROUNDINGS, SPECIALS, SUBNORMALS, Policy, Spec, power_of_two

# What a source can hold: bits of significand, exponent of its lowest place, exponent above its top.
SOURCES = {"float16": (11, -24, 16), "float32": (24, -149, 128), "float64": (53, -1074, 1024)}


def _bias_limits(e: int, m: int, specials: str, signed: bool, has_zero: bool) -> tuple[int, int]:
    """The biases that keep the lowest bit at 2^-1074 or more and the maximum below 2^1024."""
    if e == 0:
        return -1022, 1075 - m
    unit = Spec(e, m, 0, specials, signed, has_zero)
    top = unit.last >> m  # the exponent field of the maximum; a field of 0 means the maximum is subnormal
    return max(top, 1) - 1023, 1074 - m + (1 if has_zero else 0)


def possible(e: int, m: int, specials: str, signed: bool, has_zero: bool) -> bool:
    if not 1 <= signed + e + m <= 64 or m > 52:
        return False
    if e == 0 and (specials not in ("finite", "fn", "fnuz", "integer") or not has_zero):
        return False
    if specials == "integer" and e:
        return False
    if (specials == "ieee" and (e < 1 or m < 1)) or (specials == "fnuz" and not signed):
        return False
    if not has_zero and (signed or specials == "integer"):
        return False
    # One positive finite value besides a second finite code is the least a format can be.
    finite_codes = (1 << (e + m)) - {"ieee": 1 << m, "fn": 1, "p3109_e": 1 + (not signed)}.get(specials, 0)
    finite_codes -= specials == "p3109_f" and not signed
    if finite_codes < 2:
        return False
    low, high = _bias_limits(e, m, specials, signed, has_zero)
    return low <= high


@st.composite
def specs(draw: DrawFn, max_bits: int = 64) -> Spec:
    """A format made from parameters: any specials, widths to the limit, biases at their extremes too."""
    specials = draw(st.sampled_from(SPECIALS))
    signed = specials == "fnuz" or draw(st.booleans())
    e = 0 if specials == "integer" else draw(st.integers(0, min(11, max_bits)))
    room = max(max_bits - e - signed, 0)
    m = draw(st.integers(0, min(room, 8)) | st.integers(0, min(room, 52)))
    has_zero = signed or e == 0 or draw(st.booleans())
    if not possible(e, m, specials, signed, has_zero):
        return draw(specs(max_bits=max_bits))
    low, high = _bias_limits(e, m, specials, signed, has_zero)
    usual = oracle.default_bias(e, m, specials)
    # Biases where a route through binary32 stops holding: lowest bit 2^-147..2^-149, maximum 2^127..2^128.
    offset = draw(st.integers(-2, 2))
    lowest_bit = [edge - m + (1 if has_zero else 0) for edge in (147, 149, 24)]
    span = (1 << e) - 1
    edges = [usual, low, high, *lowest_bit, span - 127, span - 128, span - 15]
    bias = draw(st.just(usual) | st.sampled_from(edges).map(lambda b: b + offset) | st.integers(low, high))
    return Spec(e, m, min(max(bias, low), high), specials, signed, has_zero)


def formats(make: Callable[[Spec], Any] = lambda spec: spec, max_bits: int = 64) -> SearchStrategy[Any]:
    """A named format half of the time, else one that nobody has named."""
    named = st.sampled_from([s for s in reversed(NAMED.values()) if s.bits <= max_bits])
    return (named | specs(max_bits=max_bits)).map(make)


def codes(fmt: Any) -> SearchStrategy[int]:
    """Any code, with the ends of the format and of its binades drawn often."""
    top = (1 << fmt.bits) - 1
    edges = {
        0,
        1,
        top,
        top - 1,
        top >> 1,
        (top >> 1) + 1,
        1 << fmt.mantissa_bits,
        (1 << fmt.mantissa_bits) - 1,
    }
    return st.sampled_from(sorted(c for c in edges if 0 <= c <= top)) | st.integers(0, top)


@st.composite
def near_ties(draw: DrawFn, fmt: Any, source_dtype: str = "float64") -> Fraction:
    """A value that a source dtype holds, on or a place or two beside a value or midpoint of the format."""
    spec = oracle_spec(fmt)
    k = draw(st.integers(0, spec.last + 1) | st.integers(0, min(spec.last, 4)).map(lambda d: spec.last - d))
    point = draw(st.sampled_from((Fraction(1, 2), Fraction(0))))
    target = oracle.grid(spec, k) + point * (oracle.grid(spec, k + 1) - oracle.grid(spec, k))
    nearby = nearest_in(source_dtype, target, draw(st.integers(-2, 2)))
    return draw(st.sampled_from((1, -1))) * nearby


def nearest_in(source_dtype: str, target: Fraction, steps: int = 0) -> Fraction:
    """The last value of a binary source not above a non-negative target, moved by some of its last places."""
    precision, bottom, top = SOURCES[source_dtype]
    if target <= 0:
        return max(steps, 0) * power_of_two(bottom)
    exponent = target.numerator.bit_length() - target.denominator.bit_length()
    place = max(exponent - (target < power_of_two(exponent)) - precision + 1, bottom)
    value = (target // power_of_two(place) + steps) * power_of_two(place)
    if steps > 0:  # the next binade has wider places
        return nearest_in(source_dtype, value)
    return min(max(value, Fraction(0)), ((1 << precision) - 1) * power_of_two(top - precision))


def values(fmt: Any) -> SearchStrategy[Fraction]:
    """Exact rationals: the format's own, near its ties, and some that no binary dtype holds."""
    spec = oracle_spec(fmt)
    small = st.fractions(-8, 8, max_denominator=64)
    own = codes(spec).map(lambda c: oracle.decode(spec, c)).filter(lambda v: v.kind == "finite").map(lambda v: v.real)
    nudged = st.builds(lambda x, d: x * (1 + Fraction(d, 1 << 70)), near_ties(spec), st.integers(-3, 3))
    return small | own | near_ties(spec) | nudged | st.floats(allow_nan=False, allow_infinity=False).map(Fraction)


def policies(fmt: Any, via: bool = False) -> SearchStrategy[Policy]:
    """Every policy the format can honour, the default one first."""
    spec = oracle_spec(fmt)
    code = codes(spec)
    nan_rules = st.none() | st.sampled_from(oracle.nan_rules(spec)) | code | st.tuples(code, code)
    route = st.sampled_from((None, "float32")) if via else st.none()
    return st.builds(
        Policy,
        st.sampled_from(ROUNDINGS),
        st.sampled_from(OVERFLOWS),
        nan_rules,
        st.sampled_from(SUBNORMALS),
        route,
    )


NAMED_BY_PARAMETERS = {spec: spec for spec in NAMED.values()}


def oracle_spec(fmt: Any) -> Spec:
    """The oracle's own reading of any format's parameters."""
    if isinstance(fmt, Spec):
        return fmt
    spec = Spec(fmt.exponent_bits, fmt.mantissa_bits, fmt.bias, fmt.specials, fmt.signed, fmt.has_zero)
    return NAMED_BY_PARAMETERS.get(spec, spec)
