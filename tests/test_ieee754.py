"""The clauses of IEEE 754-2019 one by one, over named and generated formats, in every rounding mode.

docs/ieee754.md says which function each clause is, and which of these tests shows it.
"""

from __future__ import annotations

import re
from fractions import Fraction

import comparison_oracle
import halfulp as hu
import integer_oracle
import numpy as np
import oracle
from arithmetic_oracle import DIVIDE_BY_ZERO, INEXACT, INVALID, OVERFLOW, UNDERFLOW, Rules, compute, read
from arithmetic_strategies import arithmetic_specs, rules, run, tuples
from comparison_oracle import RELATIONS
from hypothesis import assume, given
from hypothesis import strategies as st
from oracle import ROUNDINGS, Spec, canonical_nan, decode, infinity_code
from strategies import codes
from support import product

any_spec = arithmetic_specs()
any_rounding = st.sampled_from(ROUNDINGS)
with_infinity = any_spec.filter(lambda s: s.has_inf and s.signed)
with_nan = any_spec.filter(lambda s: s.has_nan)
ieee = any_spec.filter(lambda s: s.specials == "ieee" and s.signed)
with_payload = ieee.filter(lambda s: s.mantissa_bits >= 2)
anything = st.data()


def equals_oracle(operation: str, spec: Spec, data: st.DataObject, count: int) -> None:
    """An operation of one format is its exact result rounded once, under any rules."""
    operands, chosen = data.draw(tuples(*(spec,) * count)), data.draw(rules(spec.has_nan))
    assert run(operation, spec, *operands, rules=chosen) == compute(operation, spec, operands, chosen)


def value_of(spec: Spec, code: int) -> Fraction:
    return decode(spec, code).real


def finite(spec: Spec, data: st.DataObject) -> int:
    return data.draw(codes(spec).filter(lambda c: decode(spec, c).kind == "finite"))


def zero(spec: Spec, negative: bool = False) -> int:
    return oracle.signed_code(spec, negative, 0)


# -- 5.3 homogeneous operations


def no_integer_to_odd_overflows(spec: Spec, rounding: str) -> bool:
    """Whether no value's odd neighbour lies past the maximum; `test_integers_past_the_maximum` has the others."""
    return rounding != "to_odd" or integer_oracle.to_whole(spec.max, "to_odd") <= spec.max


@given(any_spec, any_rounding, anything)
def test_5_3_1_round_to_integral(spec: Spec, rounding: str, data: st.DataObject) -> None:
    assume(no_integer_to_odd_overflows(spec, rounding))
    code, chosen = data.draw(codes(spec)), Rules(rounding)
    got = run("round_to_integral", spec, code, rules=chosen)
    assert got == integer_oracle.round_to_integral(spec, code, chosen)
    assert not got[1] & INEXACT or got[1] & (OVERFLOW | UNDERFLOW)


@given(any_spec, any_rounding, anything)
def test_5_3_1_round_to_integral_exact(spec: Spec, rounding: str, data: st.DataObject) -> None:
    assume(no_integer_to_odd_overflows(spec, rounding))
    code, chosen = data.draw(codes(spec)), Rules(rounding)
    got = run("round_to_integral", spec, code, rules=chosen, exact=True)
    assert got == integer_oracle.round_to_integral(spec, code, chosen, exact=True)


@given(any_spec, anything)
def test_5_3_1_next_up_and_next_down(spec: Spec, data: st.DataObject) -> None:
    code = data.draw(codes(spec))
    assert run("next_up", spec, code) == comparison_oracle.next_up(spec, code)
    assert run("next_down", spec, code) == comparison_oracle.next_down(spec, code)


@given(any_spec, anything)
def test_5_3_1_remainder(spec: Spec, data: st.DataObject) -> None:
    equals_oracle("remainder", spec, data, 2)
    equals_oracle("fmod", spec, data, 2)


@given(any_spec, anything)
def test_5_3_3_scaleb_and_logb(spec: Spec, data: st.DataObject) -> None:
    code, n, chosen = data.draw(codes(spec)), data.draw(st.integers(-2000, 2000)), data.draw(rules(spec.has_nan))
    assert run("scaleb", spec, code, n, rules=chosen) == integer_oracle.scaleb(spec, code, n, chosen)
    assert run("logb", spec, code) == integer_oracle.logb(spec, code)


# -- 5.4 formatOf operations


@given(any_spec, anything)
def test_5_4_1_addition(spec: Spec, data: st.DataObject) -> None:
    equals_oracle("add", spec, data, 2)


@given(any_spec, anything)
def test_5_4_1_subtraction(spec: Spec, data: st.DataObject) -> None:
    equals_oracle("subtract", spec, data, 2)


@given(any_spec, anything)
def test_5_4_1_multiplication(spec: Spec, data: st.DataObject) -> None:
    equals_oracle("multiply", spec, data, 2)


@given(any_spec, anything)
def test_5_4_1_division(spec: Spec, data: st.DataObject) -> None:
    equals_oracle("divide", spec, data, 2)


@given(any_spec, anything)
def test_5_4_1_square_root(spec: Spec, data: st.DataObject) -> None:
    equals_oracle("sqrt", spec, data, 1)


@given(any_spec, anything)
def test_5_4_1_fused_multiply_add(spec: Spec, data: st.DataObject) -> None:
    equals_oracle("fma", spec, data, 3)


@given(any_spec, st.sampled_from(("add", "subtract", "multiply", "divide", "fma", "sqrt")), anything)
def test_5_4_1_operands_and_result_of_other_formats(wide: Spec, operation: str, data: st.DataObject) -> None:
    count = {"sqrt": 1, "fma": 3}.get(operation, 2)
    formats = (*(data.draw(any_spec) for _ in range(count)), wide)
    operands, chosen = data.draw(tuples(*formats[:-1])), data.draw(rules(wide.has_nan))
    assert run(operation, formats, *operands, rules=chosen) == compute(operation, formats, operands, chosen)


@given(any_spec, st.integers(-(2**63), 2**63 - 1) | st.integers(-300, 300), anything)
def test_5_4_1_convert_from_int(spec: Spec, n: int, data: st.DataObject) -> None:
    chosen = data.draw(rules(spec.has_nan))
    assert run("from_integer", spec, n, rules=chosen) == integer_oracle.from_integer(spec, n, chosen)


@given(any_spec, any_rounding, st.booleans(), st.sampled_from(("int8", "uint8", "int32", "int64", "uint64")), anything)
def test_5_4_1_and_5_8_convert_to_integer(
    spec: Spec, rounding: str, exact: bool, dtype: str, data: st.DataObject
) -> None:
    code, kind = data.draw(codes(spec)), np.dtype(dtype)
    got = run("to_integer", spec, code, dtype, rounding=rounding, exact=exact)
    chosen, signed = Rules(rounding), kind.kind == "i"
    assert got == integer_oracle.to_integer(spec, code, 8 * kind.itemsize, signed, chosen, exact)


@given(any_spec, any_spec, anything)
def test_5_4_2_convert_format(source: Spec, target: Spec, data: st.DataObject) -> None:
    code, chosen = data.draw(codes(source)), data.draw(rules(target.has_nan))
    got = run("convert", (source, target), code, rules=chosen)
    assert got == compute("convert", (source, target), (code,), chosen)


@given(any_spec, any_rounding, st.fractions(-1000, 1000, max_denominator=10**6), st.integers(-60, 60), anything)
def test_5_4_2_convert_from_decimal(spec: Spec, rounding: str, x: Fraction, exponent: int, data: st.DataObject) -> None:
    digits = data.draw(st.integers(1, 40))
    text = f"{'-' if x < 0 else ''}{abs(x) * 10**digits // 1}e{exponent - digits}"
    got = hu.ops.from_string(text, format=product(spec), rounding=rounding, flags=True)
    assert tuple(map(int, got)) == integer_oracle.from_string(spec, text, Rules(rounding))


@given(any_spec, anything)
def test_5_4_2_convert_to_decimal_and_back(spec: Spec, data: st.DataObject) -> None:
    """The shortest string is read as the same code, and none of fewer digits is, unless because it saturates."""
    code, fmt = finite(spec, data), product(spec)
    text = hu.ops.to_string(code, format=fmt)
    assert int(hu.ops.from_string(text, format=fmt)) == code
    value = value_of(spec, code)
    digits = len(re.sub(r"e.*|[-.]", "", text).strip("0"))
    if digits > 1:
        exponent = len(str(abs(value.numerator))) - len(str(value.denominator))
        exponent -= abs(value) < Fraction(10) ** exponent
        place = Fraction(10) ** (exponent - digits + 2)
        end = spec.last + (spec.specials == "integer" and value < 0)
        saturates = (oracle.grid(spec, end) + oracle.grid(spec, end + 1)) / 2
        smallest = 0 if spec.has_zero else oracle.grid(spec, 0)  # without a zero all below becomes that
        for shorter in (value // place * place, -(-value // place) * place):
            if abs(shorter) >= saturates or abs(shorter) < smallest:
                continue
            assert oracle.encode(spec, oracle.real(shorter)) != code or not shorter, (text, shorter)


@given(any_spec, any_rounding, anything)
def test_5_4_3_hexadecimal(spec: Spec, rounding: str, data: st.DataObject) -> None:
    code, fmt = finite(spec, data), product(spec)
    text = hu.ops.to_string(code, format=fmt, style="hex")
    assert integer_oracle.parse(text).magnitude == decode(spec, code).magnitude
    got = hu.ops.from_string(text, format=fmt, rounding=rounding, flags=True)
    assert tuple(map(int, got)) == (code, 0)


# -- 5.5 to 5.7: quiet operations, comparisons, classes


@given(any_spec, anything, st.sampled_from(oracle.OVERFLOWS))
def test_5_5_1_copy_negate_abs_copysign(spec: Spec, data: st.DataObject, overflow: str) -> None:
    a, b = data.draw(tuples(spec, spec))
    chosen = Rules(overflow=overflow)
    assert run("copy", spec, a) == (a, 0)
    assert run("negate", spec, a, overflow=overflow) == comparison_oracle.negate(spec, a, chosen)
    assert run("abs", spec, a, overflow=overflow) == comparison_oracle.absolute(spec, a, chosen)
    assert run("copysign", spec, a, b, overflow=overflow) == comparison_oracle.copysign(spec, a, b, chosen)


@given(any_spec, anything, st.booleans(), st.sampled_from(sorted(RELATIONS)))
def test_5_6_1_and_5_11_comparisons(spec: Spec, data: st.DataObject, signaling: bool, relation: str) -> None:
    a, b = data.draw(tuples(spec, spec))
    order, flags = comparison_oracle.compare((spec, spec), a, b, signaling)
    assert run("compare", spec, a, b, signaling=signaling) == (order, flags)
    assert run(relation, spec, a, b, signaling=signaling) == (order in RELATIONS[relation], flags)


@given(any_spec, anything)
def test_5_7_2_class_and_predicates(spec: Spec, data: st.DataObject) -> None:
    code = data.draw(codes(spec))
    assert run("class_", spec, code) == (comparison_oracle.class_(spec, code), 0)
    for predicate, holds in comparison_oracle.PREDICATES.items():
        assert run(predicate, spec, code) == (holds(spec, code), 0)


@given(any_spec, anything)
def test_5_10_total_order(spec: Spec, data: st.DataObject) -> None:
    a, b = data.draw(tuples(spec, spec))
    assert run("total_order", spec, a, b) == (comparison_oracle.total_order(spec, a, b), 0)
    assert run("total_order_mag", spec, a, b) == (comparison_oracle.total_order(spec, a, b, True), 0)


# -- 6 infinity, NaN, sign


@given(with_infinity, any_rounding, anything)
def test_6_1_infinity_arithmetic(spec: Spec, rounding: str, data: st.DataObject) -> None:
    x, inf, minus = finite(spec, data), infinity_code(spec, False), infinity_code(spec, True)
    negative = decode(spec, x).negative
    chosen = Rules(rounding)
    for got, want in (
        (run("add", spec, inf, x, rules=chosen), inf),
        (run("subtract", spec, x, inf, rules=chosen), minus),
        (run("divide", spec, inf, x, rules=chosen), minus if negative else inf),
        (run("divide", spec, x, inf, rules=chosen), zero(spec, negative)),
        (run("sqrt", spec, inf, rules=chosen), inf),
        (run("add", spec, inf, inf, rules=chosen), inf),
    ):
        assert got == (want, 0)
    if value_of(spec, x):
        assert run("multiply", spec, x, minus, rules=chosen) == (inf if negative else minus, 0)
        assert run("remainder", spec, x, inf, rules=chosen) == compute("convert", spec, (x,), chosen)
    assert run("less", spec, x, inf) == (True, 0)


@given(
    with_nan, any_rounding, st.sampled_from(("add", "subtract", "multiply", "divide", "remainder", "fmod")), anything
)
def test_6_2_quiet_nans_propagate_without_flags(spec: Spec, rounding: str, operation: str, data: st.DataObject) -> None:
    x, quiet = data.draw(codes(spec)), canonical_nan(spec, data.draw(st.booleans()))
    assume(not read(spec, x).signaling)
    for pair in ((x, quiet), (quiet, x)):
        assert run(operation, spec, *pair, rules=Rules(rounding)) == (canonical_nan(spec, False), 0)


@given(with_payload, anything, st.sampled_from(("x86", "arm")))
def test_6_2_3_payloads_propagate(spec: Spec, data: st.DataObject, rule: str) -> None:
    quiet_bit = 1 << spec.mantissa_bits >> 1
    nan = infinity_code(spec, data.draw(st.booleans())) | data.draw(st.integers(1, 2 * quiet_bit - 1))
    other = finite(spec, data)
    flags = INVALID if not nan & quiet_bit else 0
    for pair in ((nan, other), (other, nan)):
        assert run("multiply", spec, *pair, nan=rule) == (nan | quiet_bit, flags)


@given(any_spec.filter(lambda s: s.has_negative_zero), any_rounding, anything)
def test_6_3_sign_bit(spec: Spec, rounding: str, data: st.DataObject) -> None:
    x, y = finite(spec, data), finite(spec, data)
    down, chosen = zero(spec, rounding == "toward_negative"), Rules(rounding)
    minus_x = x ^ spec.sign_bit
    assert run("subtract", spec, x, x, rules=chosen) == (down, 0)
    if value_of(spec, x):
        assert run("add", spec, x, minus_x, rules=chosen) == (down, 0)
    assert run("add", spec, zero(spec, True), zero(spec, True), rules=chosen) == (zero(spec, True), 0)
    assert run("sqrt", spec, zero(spec, True), rules=chosen) == (zero(spec, True), 0)
    negative = decode(spec, x).negative != decode(spec, y).negative
    product_code, flags = run("multiply", spec, x, y, rules=chosen)
    if decode(spec, product_code).kind == "finite":
        assert decode(spec, product_code).negative == negative or flags & INVALID


# -- 7 exceptions


@given(any_spec.filter(lambda s: s.has_inf and s.signed and s.has_nan), anything)
def test_7_2_invalid_operation(spec: Spec, data: st.DataObject) -> None:
    inf, minus, nothing, x = infinity_code(spec, False), infinity_code(spec, True), zero(spec), finite(spec, data)
    wanted = (canonical_nan(spec, False), INVALID)
    for operation, operands in (
        ("multiply", (nothing, inf)),
        ("fma", (inf, nothing, x)),
        ("add", (inf, minus)),
        ("subtract", (inf, inf)),
        ("fma", (inf, inf, minus)),
        ("divide", (nothing, nothing)),
        ("divide", (minus, inf)),
        ("remainder", (inf, x)),
        ("remainder", (x, nothing)),
        ("sqrt", (minus,)),
    ):
        assert run(operation, spec, *operands) == wanted, operation
    if value_of(spec, x) < 0:
        assert run("sqrt", spec, x) == wanted


@given(
    with_payload, st.sampled_from(("add", "divide", "sqrt", "fma", "next_up", "minimum", "maximum_number")), anything
)
def test_7_2_signalling_nans_are_invalid(spec: Spec, operation: str, data: st.DataObject) -> None:
    signaling = infinity_code(spec, False) | 1
    count = {"sqrt": 1, "next_up": 1, "fma": 3}.get(operation, 2)
    operands = [finite(spec, data) for _ in range(count)]
    operands[data.draw(st.integers(0, count - 1))] = signaling
    assert run(operation, spec, *operands)[1] == INVALID
    for silent in ("copy", "negate", "abs", "class_", "is_nan"):
        assert run(silent, spec, signaling)[1] == 0


@given(any_spec.filter(lambda s: s.has_zero), anything)
def test_7_3_division_by_zero(spec: Spec, data: st.DataObject) -> None:
    x = finite(spec, data)
    assume(value_of(spec, x))
    code, flags = run("divide", spec, x, zero(spec))
    assert flags == DIVIDE_BY_ZERO
    assert code == oracle.encode(spec, oracle.inf(decode(spec, x).negative))


@given(any_spec, any_rounding, st.sampled_from(("add", "multiply", "divide", "fma")), anything)
def test_7_4_overflow(spec: Spec, rounding: str, operation: str, data: st.DataObject) -> None:
    """Exactly when the result, rounded without a limit to the exponent, exceeds the largest finite number."""
    operands = [finite(spec, data) for _ in range(3 if operation == "fma" else 2)]
    values = [value_of(spec, c) for c in operands]
    assume(operation != "divide" or values[1])
    exact = {
        "add": lambda a, b: a + b,
        "multiply": lambda a, b: a * b,
        "divide": lambda a, b: a / b,
        "fma": lambda a, b, c: a * b + c,
    }[operation](*values)
    assume(exact and (exact > 0 or spec.signed))
    k, place = oracle.locate(spec, abs(exact))
    k += oracle.goes_up(rounding, exact < 0, k, place)
    beyond = k > (spec.sign_bit if exact < 0 and spec.kind == "integer" else spec.last)
    code, flags = run(operation, spec, *operands, rules=Rules(rounding))
    assert bool(flags & OVERFLOW) == beyond
    assert not beyond or flags & INEXACT
    assert not flags & (INVALID | DIVIDE_BY_ZERO)
    inward = rounding in ("toward_zero", "toward_positive" if exact < 0 else "toward_negative")
    if beyond and inward:
        assert code == oracle.largest(spec, exact < 0)


@given(any_spec, any_rounding, st.sampled_from(("before", "after")), anything)
def test_7_5_underflow(spec: Spec, rounding: str, tininess: str, data: st.DataObject) -> None:
    """Tiny and inexact: never without inexact, never at or above 2^emin, always when inexact far below."""
    a, b = finite(spec, data), finite(spec, data)
    exact = value_of(spec, a) * value_of(spec, b)
    assume(spec.has_zero and (exact >= 0 or spec.signed))
    _, flags = run("multiply", spec, a, b, rules=Rules(rounding, tininess=tininess))
    limit = spec.min_normal if spec.exponent_bits else Fraction(0)
    if flags & UNDERFLOW:
        assert flags & INEXACT
        assert 0 < abs(exact) < limit
    elif flags & INEXACT and tininess == "before":
        assert abs(exact) >= limit
    elif flags & INEXACT:
        assert abs(exact) > limit * (1 - Fraction(1, 1 << spec.mantissa_bits + 1))


@given(any_spec, any_rounding, st.sampled_from(("add", "subtract", "multiply")), anything)
def test_7_6_inexact(spec: Spec, rounding: str, operation: str, data: st.DataObject) -> None:
    a, b = finite(spec, data), finite(spec, data)
    x, y = value_of(spec, a), value_of(spec, b)
    exact = {"add": x + y, "subtract": x - y, "multiply": x * y}[operation]
    code, flags = run(operation, spec, a, b, rules=Rules(rounding))
    result = decode(spec, code)
    if not flags & INVALID:
        assert bool(flags & INEXACT) == (result.kind != "finite" or result.real != exact)
