"""Say from exact values what comparisons, orders, neighbours and sign operations give, sharing nothing with halfulp."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from arithmetic_oracle import INEXACT, INVALID, OVERFLOW, USUAL, Exact, Operand, Rules, finish_nan, read
from oracle import (
    Spec,
    Value,
    beyond_unsigned,
    canonical_nan,
    infinity_code,
    is_subnormal,
    largest,
    locate,
    signed_code,
)


class Class(IntEnum):
    SIGNALING_NAN = 0
    QUIET_NAN = 1
    NEGATIVE_INFINITY = 2
    NEGATIVE_NORMAL = 3
    NEGATIVE_SUBNORMAL = 4
    NEGATIVE_ZERO = 5
    POSITIVE_ZERO = 6
    POSITIVE_SUBNORMAL = 7
    POSITIVE_NORMAL = 8
    POSITIVE_INFINITY = 9


def class_(spec: Spec, code: int) -> Class:
    x, signaling = read(spec, code)
    if x.kind == "nan":
        return Class.SIGNALING_NAN if signaling else Class.QUIET_NAN
    # From zero outward the two signs mirror each other.
    outward = 3 if x.kind == "inf" else 0 if not x.magnitude else 1 if is_subnormal(spec, x) else 2
    return Class(Class.NEGATIVE_ZERO - outward if x.negative else Class.POSITIVE_ZERO + outward)


PREDICATES: dict[str, Callable[[Spec, int], bool]] = {
    "is_sign_minus": lambda spec, code: read(spec, code).value.negative,
    "is_normal": lambda spec, code: class_(spec, code) in (Class.NEGATIVE_NORMAL, Class.POSITIVE_NORMAL),
    "is_finite": lambda spec, code: read(spec, code).value.kind == "finite",
    "is_zero": lambda spec, code: class_(spec, code) in (Class.NEGATIVE_ZERO, Class.POSITIVE_ZERO),
    "is_subnormal": lambda spec, code: is_subnormal(spec, read(spec, code).value),
    "is_infinite": lambda spec, code: read(spec, code).value.kind == "inf",
    "is_nan": lambda spec, code: read(spec, code).value.kind == "nan",
    "is_signaling": lambda spec, code: read(spec, code).signaling,
    "is_canonical": lambda spec, code: True,
}


# -- comparisons

LESS, EQUAL, GREATER, UNORDERED = -1, 0, 1, 2
RELATIONS = {
    "equal": (EQUAL,),
    "not_equal": (LESS, GREATER, UNORDERED),
    "less": (LESS,),
    "less_equal": (LESS, EQUAL),
    "greater": (GREATER,),
    "greater_equal": (GREATER, EQUAL),
    "unordered": (UNORDERED,),
}


def line(x: Value) -> tuple[int, object]:
    """A sort key for numbers, in which both zeros are one."""
    return (-1 if x.negative else 1, 0) if x.kind == "inf" else (0, x.real)


def relation(x: Value, y: Value) -> int:
    if x.kind == "nan" or y.kind == "nan":
        return UNORDERED
    a, b = line(x), line(y)
    return EQUAL if a == b else LESS if a < b else GREATER


def compare(
    specs: tuple[Spec, Spec], a: int, b: int, signaling: bool = False, flush_input: bool = False
) -> tuple[int, int]:
    """The 4-way relation and its flags."""
    x, y = read(specs[0], a, flush_input), read(specs[1], b, flush_input)
    result = relation(x.value, y.value)
    invalid = (result == UNORDERED and signaling) or x.signaling or y.signaling
    return result, INVALID if invalid else 0


def _total_key(spec: Spec, code: int, magnitude_only: bool) -> tuple[int, object, int]:
    """Clause 5.10 as a sort key: the NaNs of a sign beyond its infinity, quiet ones outermost, by payload."""
    x, signaling = read(spec, code)
    negative = x.negative and not magnitude_only
    sign = -1 if negative else 1
    if x.kind == "nan":
        if spec.specials in ("fnuz", "p3109_e", "p3109_f"):
            return -3, 0, 0
        return 2 * sign, sign * (x.payload + (0 if signaling else 2)), 0
    if x.kind == "inf":
        return sign, 0, 0
    return 0, -x.magnitude if negative else x.magnitude, sign


def total_order(spec: Spec, a: int, b: int, magnitude_only: bool = False) -> bool:
    x, y = (_total_key(spec, c, magnitude_only) for c in (a, b))
    return x <= y


# -- the lesser and the greater of two


def _before(x: Value, y: Value, by_magnitude: bool) -> bool:
    """Whether x is the lesser, -0 below +0; by magnitude first, if asked."""
    if by_magnitude:
        size = [(v.kind == "inf", v.magnitude) for v in (x, y)]
        if size[0] != size[1]:
            return size[0] < size[1]
    a, b = line(x), line(y)
    return a < b or (a == b and x.negative and not y.negative)


SELECTIONS = {
    f"{word}{magnitude}{number}": (word == "maximum", bool(magnitude), number or "_nan")
    for word in ("minimum", "maximum")
    for magnitude in ("", "_magnitude")
    for number in ("", "_number")
} | {
    f"{word}_num{magnitude}": (word == "max", bool(magnitude), "_2008")
    for word in ("min", "max")
    for magnitude in ("", "_mag")
}


def select(operation: str, spec: Spec, a: int, b: int, rules: Rules = USUAL) -> tuple[int, int]:
    """Minimum and kin: clause 9.6 of 2019 and, as `_2008`, clause 5.3.1 of 2008."""
    greater, by_magnitude, nan_rule = SELECTIONS[operation]
    x, y = read(spec, a, rules.flush_input), read(spec, b, rules.flush_input)
    nans = tuple((i, v) for i, v in enumerate((x, y)) if v.value.kind == "nan")
    if nans:
        flags = INVALID if x.signaling or y.signaling else 0
        keeps_number = nan_rule == "_number" or (nan_rule == "_2008" and not flags)
        if len(nans) == 1 and keeps_number:
            return _as_code(spec, (b, a)[nans[0][0]], (y, x)[nans[0][0]]), flags
        return finish_nan(spec, Exact("nan", flags=flags, sources=nans), rules)
    first_wins = _before(x.value, y.value, by_magnitude) != greater
    return (_as_code(spec, a, x) if first_wins else _as_code(spec, b, y)), 0


def _as_code(spec: Spec, code: int, x: Operand) -> int:
    """The operand's own code, unless flushing made a zero of it."""
    return signed_code(spec, x.value.negative, 0) if x.value == Value("finite", x.value.negative) else code


# -- neighbours


def next_up(spec: Spec, code: int, rules: Rules = USUAL) -> tuple[int, int]:
    return _neighbour(spec, code, rules, up=True)


def next_down(spec: Spec, code: int, rules: Rules = USUAL) -> tuple[int, int]:
    return _neighbour(spec, code, rules, up=False)


def _neighbour(spec: Spec, code: int, rules: Rules, up: bool) -> tuple[int, int]:
    x, signaling = read(spec, code, rules.flush_input)
    if x.kind == "nan":
        source = ((0, Operand(x, signaling)),)
        return finish_nan(spec, Exact("nan", flags=INVALID if signaling else 0, sources=source), rules)
    if x.kind == "inf":
        return (largest(spec, x.negative) if x.negative == up else code), 0
    k, _ = locate(spec, x.magnitude)
    if x.negative == up and k:
        return signed_code(spec, x.negative, k - 1), 0
    if not up and not spec.signed:
        return (canonical_nan(spec, False) if spec.has_nan and rules.overflow == "default" else code), 0
    outward = not up
    if k + 1 <= (spec.sign_bit if outward and spec.specials == "integer" else spec.last):
        return signed_code(spec, outward, k + 1), 0
    if rules.overflow != "default" or not (spec.has_inf or spec.has_nan):
        return largest(spec, outward), 0
    return (infinity_code if spec.has_inf else canonical_nan)(spec, outward and spec.has_inf), 0


# -- operations on the sign


def copysign(spec: Spec, a: int, b: int, rules: Rules = USUAL) -> tuple[int, int]:
    return with_sign(spec, a, read(spec, b).value.negative, rules)


def negate(spec: Spec, a: int, rules: Rules = USUAL) -> tuple[int, int]:
    return with_sign(spec, a, not read(spec, a).value.negative, rules)


def absolute(spec: Spec, a: int, rules: Rules = USUAL) -> tuple[int, int]:
    return with_sign(spec, a, False, rules)


def with_sign(spec: Spec, code: int, negative: bool, rules: Rules) -> tuple[int, int]:
    """A code with another sign; only two's complement and unsigned formats can lack the result."""
    x = read(spec, code).value
    if spec.signed and spec.specials in ("ieee", "fn", "finite"):
        return code & ~spec.sign_bit | (spec.sign_bit if negative else 0), 0
    if x.kind == "nan" or x.negative == negative or (x.kind == "finite" and not x.magnitude and spec.has_zero):
        return code, 0
    if not spec.signed:
        result = beyond_unsigned(spec, rules.policy)
        return result, INVALID if spec.has_nan and rules.overflow == "default" else OVERFLOW | INEXACT
    if x.kind == "inf":
        return infinity_code(spec, negative), 0
    k, _ = locate(spec, x.magnitude)
    if k > spec.last and not negative:
        return spec.last, OVERFLOW | INEXACT
    return signed_code(spec, negative, k), 0
