"""The oracle of arithmetic against MPFR, SoftFloat and worked examples, so that it deserves to judge the product."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import arithmetic_oracle
import comparison_oracle
import integer_oracle
import numpy as np
import pytest
from arithmetic_oracle import DIVIDE_BY_ZERO, INEXACT, INVALID, OVERFLOW, UNDERFLOW, Rules, compute
from arithmetic_sweeps import Outcomes, all_tuples, random_tuples
from oracle import NAMED, Spec, decode, power_of_two

BINARY = ("add", "subtract", "multiply", "divide", "remainder", "fmod")
ARITY = {"sqrt": 1, "fma": 3} | dict.fromkeys(BINARY, 2)


def columns(operation: str, spec: Spec, count: int) -> tuple[Any, ...]:
    if ARITY[operation] == 2 and spec.bits == 8:
        everything = all_tuples(spec, spec)
        chosen = np.random.default_rng(8).integers(0, everything[0].size, count)
        return tuple(column[chosen] for column in everything)
    return random_tuples(count, 754, *(spec,) * ARITY[operation])


# -- MPFR


def mpfr_modes(gmpy2: Any) -> dict[str, Any]:
    return {
        "nearest_even": gmpy2.RoundToNearest,
        "toward_zero": gmpy2.RoundToZero,
        "toward_positive": gmpy2.RoundUp,
        "toward_negative": gmpy2.RoundDown,
    }


def mpfr_context(gmpy2: Any, spec: Spec, mode: Any) -> Any:
    precision = spec.mantissa_bits + 1
    emin, emax = 1 - spec.min_normal.denominator.bit_length(), int(spec.max).bit_length() - 1
    # MPFR counts exponents for significands in [1/2, 1), hence one more at both ends.
    return gmpy2.context(precision=precision, emin=emin - precision + 2, emax=emax + 1, subnormalize=True, round=mode)


def mpfr_values(gmpy2: Any, spec: Spec, codes: Any) -> dict[int, Any]:
    """Operands, exactly: made at a width that holds them all."""
    values = {}
    with gmpy2.context(precision=60):
        for code in np.unique(codes).tolist():
            v = decode(spec, code)
            text = v.kind if v.kind != "finite" else None
            exact = gmpy2.mpq(v.magnitude.numerator, v.magnitude.denominator) if text is None else text
            number = gmpy2.mpfr(exact)
            values[code] = -number if v.negative else number
    return values


def mpfr_equals(gmpy2: Any, spec: Spec, code: int, theirs: Any) -> bool:
    ours = decode(spec, code)
    if ours.kind == "nan" or gmpy2.is_nan(theirs):
        return ours.kind == "nan" and bool(gmpy2.is_nan(theirs))
    if ours.negative != gmpy2.is_signed(theirs):
        return False
    if gmpy2.is_infinite(theirs):
        return ours.kind == "inf"
    return ours.kind == "finite" and ours.real == Fraction(*map(int, theirs.as_integer_ratio()))


@pytest.mark.parametrize("name", ["float8_e5m2", "float8_e4m3", "float8_e3m4", "float16", "bfloat16", "fp24"])
@pytest.mark.parametrize("operation", ["add", "subtract", "multiply", "divide", "sqrt", "fma", "remainder", "fmod"])
def test_arithmetic_equals_mpfr(operation: str, name: str, thorough: bool) -> None:
    """Values, signs of zeros, and every flag but underflow, which MPFR defines for its own range."""
    gmpy2 = pytest.importorskip("gmpy2", reason="needs gmpy2, whose MPFR is the independent arithmetic")
    spec = NAMED[name]
    codes = columns(operation, spec, 20000 if thorough else 600)
    outcomes = Outcomes(operation, spec, codes)
    values = [mpfr_values(gmpy2, spec, column) for column in codes]
    reads = [{c: arithmetic_oracle.read(spec, c) for c in np.unique(column).tolist()} for column in codes]
    for mode, theirs in mpfr_modes(gmpy2).items():
        got, flags = outcomes.results(Rules(mode))
        context = mpfr_context(gmpy2, spec, theirs)
        function = getattr(context, {"subtract": "sub", "multiply": "mul", "divide": "div"}.get(operation, operation))
        for code, flag, *row in zip(got.tolist(), flags.tolist(), *(c.tolist() for c in codes), strict=True):
            context.clear_flags()
            result = function(*(table[c] for table, c in zip(values, row, strict=True)))
            assert mpfr_equals(gmpy2, spec, code, result), (mode, [hex(c) for c in row], hex(code), result)
            want = context.inexact * INEXACT | context.overflow * OVERFLOW | context.divzero * DIVIDE_BY_ZERO
            nans = [x.signaling for table, c in zip(reads, row, strict=True) if (x := table[c]).value.kind == "nan"]
            want |= (any(nans) if nans else context.invalid) * INVALID  # MPFR raises it for every NaN
            assert flag & ~UNDERFLOW == want, (mode, [hex(c) for c in row], flag, want)


# -- SoftFloat


def softfloat_function(soft: Any, operation: str, bits: int) -> Callable[[int, list[int]], tuple[int, int]]:
    kind = getattr(soft, f"Float{bits}")
    word = {"subtract": "sub", "multiply": "mul", "divide": "div", "fma": "mul_add", "remainder": "rem"}
    function = getattr(soft, f"f{bits}_{word.get(operation, operation)}")

    def call(tininess: int, operands: list[int]) -> tuple[int, int]:
        soft.set_tininess_mode(soft.TininessMode(tininess))
        soft.set_exception_flags(0)
        result = function(*(kind.from_bytes(c.to_bytes(bits // 8, "big")) for c in operands))
        return int.from_bytes(result.to_bytes(), "big"), int(soft.get_exception_flags())

    return call


SOFTFLOAT_MODES = {
    "nearest_even": "NEAR_EVEN",
    "nearest_away": "NEAR_MAX_MAG",
    "toward_zero": "MIN_MAG",
    "toward_negative": "MIN",
    "toward_positive": "MAX",
}


@pytest.mark.parametrize("name", ["float16", "float32"])
@pytest.mark.parametrize("operation", ["add", "subtract", "multiply", "divide", "sqrt", "fma", "remainder"])
def test_arithmetic_and_all_flags_equal_softfloat(operation: str, name: str, thorough: bool) -> None:
    soft = pytest.importorskip("softfloatpy", reason="needs softfloatpy, Berkeley SoftFloat")
    spec = NAMED[name]
    count = 60000 if thorough else 1000
    many = random_tuples(count, 3, *(spec,) * ARITY[operation])
    near = near_the_smallest_normal(spec, operation, count)
    codes = tuple(np.concatenate([a, b]) for a, b in zip(many, near, strict=True))
    outcomes = Outcomes(operation, spec, codes)
    call = softfloat_function(soft, operation, spec.bits)
    for mode, theirs in SOFTFLOAT_MODES.items():
        soft.set_rounding_mode(soft.RoundingMode[theirs])
        for tininess in ("before", "after"):
            got, flags = outcomes.results(Rules(mode, tininess=tininess))
            rows = zip(got.tolist(), flags.tolist(), *(c.tolist() for c in codes), strict=True)
            for code, flag, *operands in rows:
                result, raised = call(tininess == "after", operands)
                where = (mode, tininess, [hex(c) for c in operands], hex(code), hex(result), flag, raised)
                assert flag == raised, where
                assert code == result or decode(spec, code).kind == decode(spec, result).kind == "nan", where


def near_the_smallest_normal(spec: Spec, operation: str, count: int) -> tuple[Any, ...]:
    """Factors, quotients and terms whose result lies within some places of 2^emin, where tininess is decided."""
    rng = np.random.default_rng(5)
    one, m = ((1 << spec.exponent_bits - 1) - 1) << spec.mantissa_bits, spec.mantissa_bits
    a = one + rng.integers(-8, 8, count) - (rng.integers(0, (one >> m) - 2, count) << m)
    unit = 1 << m
    partner = unit + one - a if operation != "divide" else a - unit + one
    b = partner + rng.integers(-3, 4, count)
    sign = rng.integers(0, 2, (3, count)) * spec.sign_bit
    c = rng.integers(0, 4, count)
    pool = (a | sign[0], np.abs(b) | sign[1], c | sign[2])
    return tuple(column.astype(np.uint32) for column in pool[: ARITY[operation]])


# -- worked examples


def run(name: str, operation: str, *codes: int, **rules: Any) -> tuple[int, int]:
    return compute(operation, NAMED[name], codes, Rules(**rules))


def test_tininess_is_decided_on_the_finer_grid() -> None:
    """binary16: 2^-14 - 2^-26 is rounded to 2^-14 in both senses, 2^-14 - 2^-25 only with the exponent bounded."""
    e4m3 = NAMED["float8_e4m3"]  # the smallest normal is 2^-6, the lowest place 2^-9, the finer grid's 2^-10
    for quarters, tiny_after in ((29, True), (30, True), (31, False)):
        x = Fraction(quarters, 32) * power_of_two(-6)
        exact = arithmetic_oracle.exact_real(x)
        for tininess, want in (("before", True), ("after", tiny_after)):
            _, flags = arithmetic_oracle.finish(e4m3, exact, Rules(tininess=tininess))
            assert bool(flags & UNDERFLOW) == want, (quarters, tininess)


def test_overflow_in_inward_modes_needs_a_whole_place_more() -> None:
    # 448 + 16 is rounded to 448 exactly in range; 448 + 32 = 480 would be the next number.
    for b, toward_zero in ((0x58, 0x7E), (0x60, 0x7E)):
        assert run("float8_e4m3fn", "add", 0x7E, b, rounding="toward_zero") == (
            toward_zero,
            INEXACT if b == 0x58 else OVERFLOW | INEXACT,
        )
    assert run("float8_e4m3fn", "add", 0x7E, 0x58) == (0x7E, INEXACT)
    assert run("float8_e4m3fn", "add", 0x7E, 0x60) == (0x7F, OVERFLOW | INEXACT)


def test_nan_rules_of_processors() -> None:
    inf, zero, quiet, signaling = 0x7C00, 0x0000, 0x7E01, 0xFC02
    for rule, pair, want in (
        ("x86", (quiet, signaling), (0x7E01, INVALID)),
        ("arm", (quiet, signaling), (0xFE02, INVALID)),
        ("canonical", (quiet, signaling), (0x7E00, INVALID)),
        ("riscv", (quiet, 0x3C00), (0x7E00, 0)),
        ("x86", (zero, quiet), (0x7E01, 0)),
    ):
        assert run("float16", "add", *pair, nan=rule) == want, rule
    for rule, want in (("x86", (0x7E01, 0)), ("arm", (0x7E00, INVALID)), ("riscv", (0x7E00, INVALID))):
        assert run("float16", "fma", inf, zero, quiet, nan=rule) == want
    for rule, code in (("x86", 0xFE00), ("arm", 0x7E00), ("canonical", 0x7E00)):
        assert run("float16", "subtract", inf, inf, nan=rule) == (code, INVALID)
    assert run("float16", "fma", quiet, signaling, 0x7E03, nan="arm") == (0xFE02, INVALID)
    assert run("float16", "fma", quiet, 0, 0x7E03, nan="arm") == (0x7E03, 0)
    assert run("float16", "fma", quiet, 0, 0x7E03, nan="x86") == (0x7E01, 0)


def test_formats_that_lack_something() -> None:
    for name, operation, codes, want in (
        ("float8_e8m0fnu", "subtract", (0x7F, 0x80), (0xFF, INVALID)),
        ("float8_e8m0fnu", "subtract", (0x7F, 0x7F), (0x00, INEXACT | UNDERFLOW)),
        ("float8_e8m0fnu", "multiply", (0x00, 0x00), (0x00, INEXACT | UNDERFLOW)),
        ("float4_e2m1fn", "divide", (0x2, 0x0), (0x7, DIVIDE_BY_ZERO)),
        ("float4_e2m1fn", "divide", (0x0, 0x0), (0x7, INVALID)),
        ("int8", "divide", (0x00, 0x00), (0x00, INVALID)),
        ("int8", "divide", (0x07, 0x02), (0x04, INEXACT)),
        ("int8", "subtract", (0x80, 0x01), (0x80, OVERFLOW | INEXACT)),
        ("uint8", "subtract", (0x01, 0x02), (0x00, OVERFLOW | INEXACT)),
        ("float8_e4m3fnuz", "multiply", (0x81, 0x01), (0x00, INEXACT | UNDERFLOW)),
        ("float8_e4m3fnuz", "divide", (0x40, 0x00), (0x80, DIVIDE_BY_ZERO)),
    ):
        assert run(name, operation, *codes) == want, (name, operation, codes)


def test_signs_of_zeros() -> None:
    one, minus_one, zero, minus_zero = 0x3C00, 0xBC00, 0x0000, 0x8000
    for operation, codes, usual, down in (
        ("add", (one, minus_one), zero, minus_zero),
        ("add", (minus_zero, minus_zero), minus_zero, minus_zero),
        ("add", (zero, minus_zero), zero, minus_zero),
        ("subtract", (zero, zero), zero, minus_zero),
        ("multiply", (minus_one, zero), minus_zero, minus_zero),
        ("sqrt", (minus_zero,), minus_zero, minus_zero),
        ("fma", (one, minus_one, one), zero, minus_zero),
        ("fma", (one, minus_zero, minus_zero), minus_zero, minus_zero),
        ("remainder", (minus_one, one), minus_zero, minus_zero),
    ):
        assert run("float16", operation, *codes) == (usual, 0), operation
        assert run("float16", operation, *codes, rounding="toward_negative") == (down, 0), operation


def test_the_other_oracles_by_example() -> None:
    half, e4m3 = NAMED["float16"], NAMED["float8_e4m3fn"]
    assert integer_oracle.logb(half, 0x0001) == (-24, 0)
    assert integer_oracle.scaleb(half, 0x3C00, -25) == (0x0000, INEXACT | UNDERFLOW)
    assert integer_oracle.to_integer(half, 0xC100, 8, True, Rules("nearest_even"), exact=True) == (-2, INEXACT)
    assert integer_oracle.to_integer(half, 0x5C00, 8, True, Rules(), invalid="x86") == (-128, INVALID)
    assert integer_oracle.round_to_integral(half, 0xB800, exact=True) == (0x8000, INEXACT)
    # 1 + 2^-11 is a tie: 1, and an exact rest.
    assert integer_oracle.augmented("add", half, 0x3C00, 0x1000) == (0x3C00, 0x1000, 0)
    assert integer_oracle.augmented("add", half, 0x3C01, 0x1000) == (0x3C01, 0x1000, 0)
    assert comparison_oracle.next_up(e4m3, 0x7E) == (0x7F, 0)
    assert comparison_oracle.next_up(half, 0x8001) == (0x8000, 0)
    assert comparison_oracle.select("minimum_number", half, 0x7D00, 0x3C00) == (0x3C00, INVALID)
    assert comparison_oracle.select("min_num", half, 0x7D00, 0x3C00) == (0x7E00, INVALID)
    assert comparison_oracle.select("maximum_magnitude", half, 0xC000, 0x3C00) == (0xC000, 0)
    order = [0xFE00, 0xFD00, 0xFC00, 0xBC00, 0x8000, 0x0000, 0x3C00, 0x7C00, 0x7D00, 0x7E00]
    for i, a in enumerate(order):
        assert [comparison_oracle.total_order(half, a, b) for b in order] == [i <= j for j in range(len(order))]
    assert integer_oracle.from_string(half, "0x1.004p0") == (0x3C01, 0)
    assert integer_oracle.from_string(half, "-1e9") == (0xFC00, OVERFLOW | INEXACT)


def roots() -> Iterator[tuple[int, int]]:
    source = random.Random(2)
    for _ in range(200):
        yield source.randrange(1, 1 << 40), source.randrange(1, 1 << 20)


def test_roots_compare_by_squares() -> None:
    for n, d in roots():
        square = Fraction(n, d)
        root = arithmetic_oracle.Root(square)
        below = Fraction(int(square**0.5 * 0.999999), 1)
        assert below < root
        assert root > below
        assert root < Fraction(n + d, d)
        assert 2 * root > root.square**0
