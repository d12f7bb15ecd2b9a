"""The laws of arithmetic in a format, numbered 22 and 27 to 50 beside those of conversions in `test_properties.py`.

Each is stated in values; only halfulp computes, exact rationals judge.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import halfulp as hu
import oracle
from arithmetic_oracle import DIVIDE_BY_ZERO, INEXACT, INVALID, OVERFLOW, UNDERFLOW, Rules, read
from arithmetic_strategies import arithmetic_specs, rules, run, tuples
from comparison_oracle import Class
from hypothesis import assume, given
from hypothesis import strategies as st
from oracle import ROUNDINGS, Spec, Value, decode, power_of_two
from support import product

any_spec = arithmetic_specs()
any_rounding = st.sampled_from(ROUNDINGS)
# Sign and magnitude with -0, at least one normal binade and a significand: what the laws of error terms are about.
floats = any_spec.filter(lambda s: s.has_negative_zero and s.exponent_bits >= 2 and s.mantissa_bits >= 1)
anything = st.data()
RANGE = OVERFLOW | UNDERFLOW | INVALID | DIVIDE_BY_ZERO
MIRRORED = {"toward_positive": "toward_negative", "toward_negative": "toward_positive"}


def finite(spec: Spec, data: st.DataObject, count: int = 1) -> Any:
    """Codes of numbers."""
    return data.draw(tuples(*(spec,) * count).filter(lambda t: all(decode(spec, c).kind == "finite" for c in t)))


def value(spec: Spec, code: int) -> Fraction:
    return decode(spec, code).real


def one(spec: Spec) -> int:
    code = oracle.encode(spec, oracle.real(1))
    assume(decode(spec, code) == oracle.real(1))
    return code


def line(x: Value) -> float | Fraction:
    return float("-inf" if x.negative else "inf") if x.kind == "inf" else x.real


def representable(spec: Spec, x: Fraction) -> bool:
    at = decode(spec, oracle.encode(spec, oracle.real(x)))
    return at.kind == "finite" and at.real == x


@given(st.data(), st.sampled_from(("add", "subtract", "multiply", "divide", "sqrt")))
def test_22_twice_the_precision_and_two_bits_make_double_rounding_innocuous(
    data: st.DataObject, operation: str
) -> None:
    narrow = data.draw(arithmetic_specs(max_bits=12).filter(lambda s: s.exponent_bits and 1 <= s.mantissa_bits <= 10))
    assume(narrow.signed and narrow.max < power_of_two(40) and oracle.grid(narrow, 1) > power_of_two(-40))
    wide = Spec(8, 2 * narrow.mantissa_bits + 3, 127)
    operands = finite(narrow, data, 1 if operation == "sqrt" else 2)
    once = run(operation, narrow, *operands)
    formats = (*(narrow,) * len(operands), wide)
    first, flags = run(operation, formats, *operands)
    twice = run("convert", (wide, narrow), first)
    # Below the smallest normal there are fewer places than twice rounding needs; that is excluded, as in the law.
    assume(not (flags | once[1] | twice[1]) & (UNDERFLOW | INVALID))
    assert twice[0] == once[0]


@given(any_spec, any_rounding, anything)
def test_27_commutativity(spec: Spec, rounding: str, data: st.DataObject) -> None:
    a, b, c = data.draw(tuples(spec, spec, spec))
    chosen = Rules(rounding)
    for operation in ("add", "multiply", "minimum", "maximum_magnitude"):
        words = {"rules": chosen} if operation in ("add", "multiply") else {}
        assert run(operation, spec, a, b, **words) == run(operation, spec, b, a, **words)
    assert run("fma", spec, a, b, c, rules=chosen) == run("fma", spec, b, a, c, rules=chosen)


@given(floats, any_rounding, anything)
def test_28_identities(spec: Spec, rounding: str, data: st.DataObject) -> None:
    (x,) = finite(spec, data)
    chosen, unit, minus_zero = Rules(rounding), one(spec), spec.sign_bit
    if rounding != "toward_negative" or x:
        assert run("add", spec, x, minus_zero, rules=chosen) == (x, 0)
        assert run("subtract", spec, x, 0, rules=chosen) == (x, 0)
    assert run("multiply", spec, x, unit, rules=chosen) == (x, 0)
    assert run("divide", spec, x, unit, rules=chosen) == (x, 0)
    assert run("add", spec, minus_zero, 0, rules=chosen) == (minus_zero if rounding == "toward_negative" else 0, 0)


@given(any_spec, any_rounding, anything)
def test_29_sterbenz(spec: Spec, rounding: str, data: st.DataObject) -> None:
    a, b = finite(spec, data, 2)
    x, y = value(spec, a), value(spec, b)
    assume(0 <= y <= x <= 2 * y and spec.has_zero)
    code, flags = run("subtract", spec, a, b, rules=Rules(rounding))
    assert (value(spec, code), flags) == (x - y, 0)


@given(floats, st.sampled_from(("nearest_even", "nearest_away")), anything)
def test_30_the_error_of_a_sum_is_a_number(spec: Spec, rounding: str, data: st.DataObject) -> None:
    a, b = finite(spec, data, 2)
    code, flags = run("add", spec, a, b, rules=Rules(rounding))
    assume(not flags & OVERFLOW)
    error = value(spec, a) + value(spec, b) - value(spec, code)
    assert representable(spec, error)


@given(floats, any_rounding, anything)
def test_31_and_37_the_error_of_a_product_by_fma(spec: Spec, rounding: str, data: st.DataObject) -> None:
    a, b = finite(spec, data, 2)
    x, y, chosen = value(spec, a), value(spec, b), Rules(rounding)
    assume(x and y)
    exponents = run("logb", spec, a)[0] + run("logb", spec, b)[0]
    emin = run("logb", spec, 1 << spec.mantissa_bits)[0]
    assume(exponents >= emin + spec.mantissa_bits)
    code, flags = run("multiply", spec, a, b, rules=chosen)
    assume(not flags & OVERFLOW)
    error = x * y - value(spec, code)
    assert representable(spec, error)
    rest, raised = run("fma", spec, a, b, code ^ spec.sign_bit, rules=chosen)
    assert (value(spec, rest), raised) == (error, 0)


@given(floats, any_rounding, anything)
def test_32_small_sums_are_exact(spec: Spec, rounding: str, data: st.DataObject) -> None:
    a, b = finite(spec, data, 2)
    total = value(spec, a) + value(spec, b)
    code, flags = run("add", spec, a, b, rules=Rules(rounding))
    assert not flags & UNDERFLOW
    if abs(total) < min(spec.min_normal, spec.max):
        assert (value(spec, code), flags) == (total, 0)


@given(floats, any_rounding, anything)
def test_33_remainders_are_exact(spec: Spec, rounding: str, data: st.DataObject) -> None:
    a, b = finite(spec, data, 2)
    x, y = value(spec, a), value(spec, b)
    assume(y)
    code, flags = run("remainder", spec, a, b, rules=Rules(rounding))
    rest = value(spec, code)
    assert flags == 0
    assert abs(rest) <= abs(y) / 2
    assert ((x - rest) / y).denominator == 1
    assert rest or decode(spec, code).negative == decode(spec, a).negative
    truncated, flags = run("fmod", spec, a, b, rules=Rules(rounding))
    assert (value(spec, truncated), flags) == (abs(x) % abs(y) * (-1 if x < 0 else 1), 0)


@given(any_spec.filter(lambda s: s.exponent_bits >= 2 and s.has_zero), any_rounding, anything)
def test_34_square_roots(spec: Spec, rounding: str, data: st.DataObject) -> None:
    a, b = sorted(finite(spec, data, 2), key=lambda c: value(spec, c))
    x, y = value(spec, a), value(spec, b)
    assume(x >= 0)
    chosen = Rules(rounding)
    (low, low_flags), (high, _) = run("sqrt", spec, a, rules=chosen), run("sqrt", spec, b, rules=chosen)
    in_range = all(r in (0, INEXACT) for r in (low_flags, run("sqrt", spec, b, rules=chosen)[1]))
    if in_range:
        assert value(spec, low) <= value(spec, high)
        exact = representable(spec, value(spec, low)) and value(spec, low) ** 2 == x
        assert exact == (low_flags == 0)
    square, flags = run("multiply", spec, b, b)
    if not flags & (RANGE) and y >= 0 and spec.mantissa_bits and value(spec, square) >= spec.min_normal:
        assert run("sqrt", spec, square)[0] == b


@given(floats, any_rounding, anything)
def test_35_quotients(spec: Spec, rounding: str, data: st.DataObject) -> None:
    a, b = finite(spec, data, 2)
    chosen, x, y = Rules(rounding), value(spec, a), value(spec, b)
    assume(x and y)
    assert run("divide", spec, a, a, rules=chosen) == (one(spec), 0)
    k, place = oracle.locate(spec, abs(x / y))
    if 1 << spec.mantissa_bits <= k <= spec.last:
        assert place != oracle.Place.MIDDLE
    power = oracle.encode(spec, oracle.real(power_of_two(data.draw(st.integers(-8, 8)))))
    if decode(spec, power).kind == "finite" and (step := value(spec, power)):
        at = abs(x / step)
        if at.numerator.bit_count() >= 1 and representable(spec, x / step):
            assert run("divide", spec, a, power, rules=chosen)[1] == 0


@given(floats, any_rounding, anything)
def test_36_fma_contains_multiplication_and_addition(spec: Spec, rounding: str, data: st.DataObject) -> None:
    a, b, c = finite(spec, data, 3)
    chosen = Rules(rounding)
    times, plus = run("multiply", spec, a, b, rules=chosen), run("add", spec, a, c, rules=chosen)
    with_zero = run("fma", spec, a, b, 0, rules=chosen)
    assert with_zero == times or value(spec, times[0]) == 0 == value(spec, with_zero[0])
    assert run("fma", spec, a, one(spec), c, rules=chosen) == plus


@given(any_spec.filter(lambda s: s.signed), any_rounding, anything)
def test_36_and_38_monotone(spec: Spec, rounding: str, data: st.DataObject) -> None:
    a, larger, b, c = finite(spec, data, 4)
    if value(spec, a) > value(spec, larger):
        a, larger = larger, a
    factor = b if value(spec, b) >= 0 else c
    chosen = Rules(rounding, "default" if spec.has_inf else "saturate")
    pairs = [(run("add", spec, x, b, rules=chosen), x) for x in (a, larger)]
    assert line(decode(spec, pairs[0][0][0])) <= line(decode(spec, pairs[1][0][0]))
    if value(spec, factor) >= 0:
        for operation, rest in (("multiply", ()), ("fma", (c,))):
            low, high = (run(operation, spec, x, factor, *rest, rules=chosen)[0] for x in (a, larger))
            assert line(decode(spec, low)) <= line(decode(spec, high))


@given(any_spec.filter(lambda s: s.signed and s.kind == "float"), any_rounding, anything)
def test_39_directed_modes_mirror(spec: Spec, rounding: str, data: st.DataObject) -> None:
    a, b = finite(spec, data, 2)
    minus_a, minus_b = run("negate", spec, a)[0], run("negate", spec, b)[0]
    mirrored = Rules(MIRRORED.get(rounding, rounding))
    ours, flags = run("add", spec, a, b, rules=Rules(rounding))
    theirs, raised = run("add", spec, minus_a, minus_b, rules=mirrored)
    assert flags == raised
    x, y = decode(spec, ours), decode(spec, theirs)
    assert (x.kind, x.magnitude) == (y.kind, y.magnitude)
    for operation in ("multiply", "divide"):
        x, y = (
            decode(spec, run(operation, spec, c, b, rules=r)[0]) for c, r in ((a, Rules(rounding)), (minus_a, mirrored))
        )
        assert (x.kind, x.magnitude) == (y.kind, y.magnitude)


@given(any_spec, anything)
def test_40_neighbours(spec: Spec, data: st.DataObject) -> None:
    (a,) = finite(spec, data)
    up, flags = run("next_up", spec, a, overflow="saturate")
    assert flags == 0
    x, y = value(spec, a), value(spec, up)
    if a == up:
        assert x == spec.max
    else:
        assert x < y or (x == 0 and y > 0)
        middle = (x + y) / 2
        assert not representable(spec, middle)
        down, _ = run("next_down", spec, up)
        assert value(spec, down) == x
    assert run("next_up", spec, run("next_down", spec, a, overflow="saturate")[0])[1] == 0


@given(any_spec, anything)
def test_41_total_order(spec: Spec, data: st.DataObject) -> None:
    a, b, c = data.draw(tuples(spec, spec, spec))

    def before(x: int, y: int) -> bool:
        return bool(run("total_order", spec, x, y)[0])

    assert before(a, a)
    assert before(a, b) or before(b, a)
    assert a == b or not (before(a, b) and before(b, a)) or read(spec, a) == read(spec, b)
    assert before(a, c) or not (before(a, b) and before(b, c))
    if run("less", spec, a, b)[0]:
        assert before(a, b)
        assert not before(b, a)


@given(any_spec, anything)
def test_42_trichotomy(spec: Spec, data: st.DataObject) -> None:
    a, b = data.draw(tuples(spec, spec))
    relations = [bool(run(r, spec, a, b)[0]) for r in ("less", "equal", "greater", "unordered")]
    assert sum(relations) == 1
    x, y = decode(spec, a), decode(spec, b)
    if x.kind == y.kind == "finite":
        assert relations == [x.real < y.real, x.real == y.real, x.real > y.real, False]
    assert bool(run("equal", spec, a, a)[0]) == (x.kind != "nan")


@given(any_spec.filter(lambda s: s.signed and s.kind == "float"), anything)
def test_43_sign_operations_are_quiet_involutions(spec: Spec, data: st.DataObject) -> None:
    a, b = data.draw(tuples(spec, spec))
    assert run("negate", spec, run("negate", spec, a)[0]) == (a, 0)
    assert run("abs", spec, a) == run("abs", spec, run("negate", spec, a)[0])
    assert run("copysign", spec, a, a) == (a, 0)
    assert run("copysign", spec, run("copysign", spec, a, b)[0], a) == (a, 0)
    x, y = decode(spec, a), decode(spec, run("negate", spec, a)[0])
    assert (x.kind, x.magnitude) == (y.kind, y.magnitude)


@given(any_spec, any_rounding, anything)
def test_44_scaleb_and_logb(spec: Spec, rounding: str, data: st.DataObject) -> None:
    (a,) = finite(spec, data)
    n, m = data.draw(st.tuples(st.integers(-20, 20), st.integers(-20, 20)))
    x = value(spec, a)
    assume(x)
    exponent, flags = run("logb", spec, a)
    assert power_of_two(exponent) <= abs(x) < power_of_two(exponent + 1)
    assert flags == 0
    chosen = Rules(rounding)
    once, flags = run("scaleb", spec, a, n, rules=chosen)
    if flags == 0:
        assert value(spec, once) == x * power_of_two(n)
        assert run("scaleb", spec, once, m, rules=chosen) == run("scaleb", spec, a, n + m, rules=chosen)


@given(any_spec, anything)
def test_45_minimum_and_maximum(spec: Spec, data: st.DataObject) -> None:
    a, b, c = data.draw(tuples(spec, spec, spec))
    for operation in ("minimum", "maximum", "minimum_number", "maximum_number"):

        def least(x: int, y: int, operation: str = operation) -> int:
            return int(run(operation, spec, x, y)[0])

        assert least(a, b) == least(b, a)
        assert least(least(a, b), c) == least(a, least(b, c))
    kinds = [decode(spec, x).kind for x in (a, b)]
    if "nan" in kinds:
        assert decode(spec, run("minimum", spec, a, b)[0]).kind == "nan"
        assert (decode(spec, run("minimum_number", spec, a, b)[0]).kind == "nan") == (kinds == ["nan", "nan"])
    if spec.has_negative_zero:
        assert run("minimum", spec, 0, spec.sign_bit) == (spec.sign_bit, 0)
        assert run("maximum", spec, spec.sign_bit, 0) == (0, 0)


@given(floats, any_rounding, anything)
def test_46_integers(spec: Spec, rounding: str, data: st.DataObject) -> None:
    limit = min(1 << spec.mantissa_bits + 1, int(spec.max))
    n = data.draw(st.integers(-limit, limit))
    assume(representable(spec, Fraction(n)))
    code, flags = run("from_integer", spec, n, rules=Rules(rounding))
    assert flags == 0
    assert run("to_integer", spec, code, "int64", rounding=rounding, exact=True) == (n, 0)
    (a,) = finite(spec, data)
    if abs(value(spec, a)) < 2**63:
        assert run("to_integer", spec, a, "int64") == (int(value(spec, a)), 0)


@given(floats, anything)
def test_47_decimal_and_hexadecimal_round_trips(spec: Spec, data: st.DataObject) -> None:
    (a,) = finite(spec, data)
    fmt, x = product(spec), value(spec, a)
    digits = 1 + -(-(spec.mantissa_bits + 1) * 30103 // 100000)  # 1 + ceil(p log10 2)
    if x:
        exponent = len(str(abs(x.numerator))) - len(str(x.denominator))
        exponent -= abs(x) < Fraction(10) ** exponent
        n = round(abs(x) / Fraction(10) ** (exponent - digits + 1))
        text = f"{'-' if x < 0 else ''}{n}e{exponent - digits + 1}"
        assert int(hu.ops.from_string(text, format=fmt)) == a
    assert int(hu.ops.from_string(hu.ops.to_string(a, format=fmt, style="hex"), format=fmt)) == a


@given(any_spec, st.sampled_from(("add", "multiply", "divide", "fma", "sqrt", "remainder")), anything)
def test_48_flags_imply_one_another(spec: Spec, operation: str, data: st.DataObject) -> None:
    count = {"sqrt": 1, "fma": 3}.get(operation, 2)
    operands, chosen = data.draw(tuples(*(spec,) * count)), data.draw(rules(spec.has_nan))
    _, flags = run(operation, spec, *operands, rules=chosen)
    assert flags & INEXACT or not flags & (OVERFLOW | UNDERFLOW)
    assert not (flags & INVALID and flags != INVALID)
    assert not flags & DIVIDE_BY_ZERO or operation == "divide"


@given(any_spec, any_rounding, st.sampled_from(("multiply", "divide", "fma")), anything)
def test_49_tiny_before_rounding_contains_tiny_after(
    spec: Spec, rounding: str, operation: str, data: st.DataObject
) -> None:
    operands = data.draw(tuples(*(spec,) * (3 if operation == "fma" else 2)))
    after, before = (run(operation, spec, *operands, rules=Rules(rounding, tininess=t)) for t in ("after", "before"))
    assert after[0] == before[0]
    assert after[1] & ~before[1] == 0
    if after[1] != before[1]:
        assert before[1] == after[1] | UNDERFLOW
        assert run("class_", spec, after[0])[0] in (Class.POSITIVE_NORMAL, Class.NEGATIVE_NORMAL)
        assert abs(value(spec, after[0])) == spec.min_normal


@given(floats, anything)
def test_50_augmented_results(spec: Spec, data: st.DataObject) -> None:
    a, b = finite(spec, data, 2)
    for operation, exact in (
        ("augmented_add", value(spec, a) + value(spec, b)),
        ("augmented_multiply", value(spec, a) * value(spec, b)),
    ):
        r, e, flags = run(operation, spec, a, b)
        if flags & OVERFLOW:
            assert r == e
            continue
        k, place = oracle.locate(spec, abs(exact))
        assert abs(value(spec, r)) == oracle.grid(spec, k + (place == oracle.Place.HIGH))
        assert (value(spec, r) + value(spec, e) == exact) == (flags == 0)
        assert flags in (0, INEXACT | UNDERFLOW)
        assert operation == "augmented_multiply" or flags == 0
