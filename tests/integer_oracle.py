"""Say in exact rationals what the operations with integers, strings and two results give, sharing nothing with halfulp.

What `arithmetic_oracle` says of outcomes, rules and flags holds here: these operations differ in having an operand or
a result that is no code, a rounding of their own, or the rounding error as a second result.
"""

from __future__ import annotations

from fractions import Fraction

from arithmetic_oracle import (
    EXACT,
    INEXACT,
    INVALID,
    OVERFLOW,
    USUAL,
    Exact,
    Rules,
    cell,
    exact_real,
    exact_zero,
    finish,
    outcome,
    read,
    same,
    ties_toward_zero,
)
from oracle import Place, Spec, Value, decode, goes_up, power_of_two


def scaleb(spec: Spec, code: int, n: int, rules: Rules = USUAL) -> tuple[int, int]:
    n = max(-5000, min(n, 5000))  # far beyond every format

    def scaled(x: Value) -> Exact:
        return same(x._replace(magnitude=x.magnitude * power_of_two(n)))

    return finish(spec, outcome(scaled, read(spec, code, rules.flush_input)), rules)


def to_whole(x: Fraction, rounding: str) -> int:
    """A rational as an integer, by the grid of all non-negative integers."""
    floor, rest = divmod(abs(x), 1)
    place = Place.ON if not rest else Place(1 + (rest >= Fraction(1, 2)) + (rest > Fraction(1, 2)))
    whole = floor + goes_up(rounding, x < 0, floor, place)
    return -whole if x < 0 else whole


def round_to_integral(spec: Spec, code: int, rules: Rules = USUAL, exact: bool = False) -> tuple[int, int]:
    x = read(spec, code, rules.flush_input)
    result, flags = finish(spec, outcome(lambda v: _integral(v, rules.rounding), x), rules)
    if exact and x.value.kind == "finite" and _integral(x.value, rules.rounding)[:3] != same(x.value)[:3]:
        flags |= 0 if flags & INVALID else INEXACT
    return result, flags


def _integral(x: Value, rounding: str) -> Exact:
    if x.kind == "inf":
        return same(x)
    return exact_real(Fraction(to_whole(x.real, rounding)), exact_zero(x.negative))


def from_integer(spec: Spec, n: int, rules: Rules = USUAL) -> tuple[int, int]:
    return finish(spec, exact_real(Fraction(n), exact_zero(False)), rules)


def augmented(operation: str, spec: Spec, a: int, b: int, rules: Rules = USUAL) -> tuple[int, int, int]:
    """Codes of the result and of its error, and the flags: clause 9.5, which rounds ties toward zero."""
    rules = Rules("nearest_even", rules.overflow, rules.subnormals, rules.tininess, rules.nan)
    x = outcome(EXACT[operation], *(read(spec, c, rules.flush_input) for c in (a, b)))
    at = ties_toward_zero(cell(spec, x.negative, x.magnitude)) if x.kind == "real" else None
    code, flags = finish(spec, x, rules, at)
    exact = x.kind in ("nan", "inf") or (x.kind != "real" and spec.has_zero)
    if exact or flags & (OVERFLOW | INVALID):
        return code, code, flags
    assert isinstance(x.magnitude, Fraction)
    result = decode(spec, code)
    rest = (-x.magnitude if x.negative else x.magnitude) - result.real
    error = exact_real(rest, exact_zero(result.negative))
    if not rest:
        return code, *finish(spec, error, rules)
    return code, *finish(spec, error, rules, ties_toward_zero(cell(spec, rest < 0, abs(rest))))


# -- integers as results

LOGB_OF_ZERO_AND_NAN, LOGB_OF_INF = -(2**31), 2**31 - 1


def logb(spec: Spec, code: int, rules: Rules = USUAL) -> tuple[int, int]:
    x = read(spec, code, rules.flush_input).value
    if x.kind == "inf":
        return LOGB_OF_INF, INVALID
    if x.kind == "nan" or not x.magnitude:
        return LOGB_OF_ZERO_AND_NAN, INVALID
    exponent = x.magnitude.numerator.bit_length() - x.magnitude.denominator.bit_length()
    return exponent - (x.magnitude < power_of_two(exponent)), 0


def to_integer(
    spec: Spec, code: int, bits: int, signed: bool, rules: Rules, exact: bool = False, invalid: str = "saturate"
) -> tuple[int, int]:
    """An integer of so many bits; Python's own sign, so -1 is -1 in a signed one."""
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    x = read(spec, code, rules.flush_input).value
    whole = to_whole(x.real, rules.rounding) if x.kind == "finite" else high + 1 if not x.negative else low - 1
    if x.kind == "finite" and low <= whole <= high:
        return whole, INEXACT if exact and whole != x.real else 0
    if invalid == "x86":
        return low if signed else high, INVALID
    return 0 if x.kind == "nan" else min(max(whole, low), high), INVALID


# -- strings


def parse(text: str) -> Exact:
    """A decimal or a hexadecimal number, or `inf`."""
    body = text.strip().lower()
    negative = body.startswith("-")
    body = body.lstrip("+-")
    if body in ("inf", "infinity"):
        return Exact("inf", negative)
    if body.startswith("0x"):
        digits, _, exponent = body[2:].partition("p")
        whole, _, rest = digits.partition(".")
        magnitude = Fraction(int(whole + rest, 16), 16 ** len(rest)) * power_of_two(int(exponent or 0))
    else:
        magnitude = Fraction(body)
    return Exact("real" if magnitude else "zero", negative, magnitude)


def from_string(spec: Spec, text: str, rules: Rules = USUAL) -> tuple[int, int]:
    return finish(spec, parse(text), rules)
