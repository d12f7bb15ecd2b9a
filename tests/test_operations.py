"""Operations on arrays: every way gives the definition's codes and flags, on every machine, layout and thread count."""

from __future__ import annotations

import itertools
import threading
import warnings
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from numpy.typing import NDArray

Array = NDArray[Any]
FASTER = [isa for isa in hu.available_isas() if isa != "scalar"]
ROUNDINGS = [r for r in hu.roundings if not r.startswith("stochastic")]
MADE = (
    "e5m3:bias=15:ieee",
    "e8m12:bias=127:ieee",
    "e8m9:bias=120:fn",
    "e4m6:bias=100:finite",
    "e0m11:bias=-10:integer",
)
# Those that the vectors serve; the others have tables and the definition.
FORMATS = [*(n for n, f in hu.formats.items() if f.precision <= 22), *map(lambda t: hu.Format(t).text, MADE)]
POLICIES: tuple[dict[str, Any], ...] = (
    {},
    {"tininess": "before"},
    {"subnormals": "flush_output"},
    {"subnormals": ("flush_input", "flush_tiny")},
    {"overflow": "saturate"},
    {"nan": "x86"},
    {"nan": "arm", "overflow": "saturate_keep_inf"},
)
OPERANDS = {"add": 2, "subtract": 2, "multiply": 2, "divide": 2, "fma": 3, "sqrt": 1, "convert": 1}
few = 40  # elements: too few for a table of any format


def operands(f: hu.Format, count: int, n: int, seed: int) -> list[Array]:
    """Codes of all kinds; half of the second ones beside the first, half of the third beside the product."""
    rng = np.random.default_rng(seed)
    found = [rng.integers(0, 2**f.bits, n, dtype=np.uint64).astype(f.code_dtype) for _ in range(count)]
    for i in range(1, count):
        near = found[0] if i == 1 else hu.ops.ufunc("multiply", format=f, flags=True)(*found[:2])[0]
        span = min(2 ** (f.mantissa_bits + 3), 2**f.bits)
        beside = (near ^ rng.integers(0, span, n).astype(f.code_dtype)) & f.code_dtype.type(2**f.bits - 1)
        found[i][::2] = beside[::2]
    return found


def by_definition(ufunc: np.ufunc, x: list[Array]) -> tuple[Array, Array]:
    """The scalar target with so few elements at a time that nothing but the definition is worth its while."""
    codes, flags = [], []
    with hu.use_isa("scalar"):
        for start in range(0, x[0].size, few):
            c, f = ufunc(*(each[start : start + few] for each in x))
            codes.append(c)
            flags.append(f)
    return np.concatenate(codes), np.concatenate(flags)


@pytest.mark.parametrize("name", FORMATS)
def test_vectors_give_the_definition(name: str) -> None:
    f = hu.Format(name)
    for i, (op, rounding) in enumerate(itertools.product(OPERANDS, ROUNDINGS)):
        policy = POLICIES[i % len(POLICIES)] if f.has_nan else {**POLICIES[i % len(POLICIES)], "nan": "canonical"}
        given: dict[str, Any] = {"format": f, "rounding": rounding, **policy}
        x = operands(f, OPERANDS[op], 700, i)
        # Flags in numbers: each use of a ufunc brings its table nearer, so the definition has one of its own.
        want = by_definition(hu.ops.ufunc(op, flags=True, **given), x)
        for isa in FASTER:
            with hu.use_isa(isa):
                got = hu.ops.ufunc(op, flags=True, **given)(*x)
                with np.errstate(all="ignore"):
                    alone = hu.ops.ufunc(op, **given)(*x)
            np.testing.assert_array_equal(got[0], want[0], f"{isa} {op} {given}")
            np.testing.assert_array_equal(got[1], want[1], f"{isa} {op} {given}: flags")
            np.testing.assert_array_equal(alone, want[0], f"{isa} {op} {given}: without flags")


@pytest.mark.parametrize("op", ["remainder", "minimum", "total_order", "compare", "augmented_multiply", "copysign"])
def test_tables_give_the_definition(op: str) -> None:
    f = hu.Format("e4m3:bias=9:ieee")
    a, b = (each.reshape(-1) for each in np.indices((256, 256), dtype=np.uint8))
    ufunc = hu.ops.ufunc(op, format=f, flags=True)
    want = ufunc(a[:1000], b[:1000])
    ufunc(a, b)  # worth a table now
    for got, wanted in zip(ufunc(a[:1000], b[:1000]), want, strict=True):
        np.testing.assert_array_equal(got, wanted)


OTHERS = (
    "minimum",
    "maximum_number",
    "minimum_magnitude",
    "max_num_mag",
    "compare",
    "less_equal",
    "unordered",
    "remainder",
    "fmod",
)


@pytest.mark.parametrize("name", ["float16", "bfloat16", "tfloat32", "float32", MADE[0], MADE[4]])
@pytest.mark.parametrize("op", OTHERS)
def test_other_operations_give_the_definition(name: str, op: str) -> None:
    f = hu.Format(name)
    a, b = operands(f, 2, 3000, 7)
    b[::5] = a[::5] ^ f.code_dtype.type(1 << (f.bits - 1))
    for i, policy in enumerate(POLICIES):
        given = {"format": f, **policy, "nan": policy.get("nan", "canonical") if f.has_nan else "canonical"}
        want = by_definition(hu.ops.ufunc(op, flags=True, **given), [a, b])
        for isa in FASTER:
            with hu.use_isa(isa):
                got = hu.ops.ufunc(op, flags=True, **given)(a, b)
            np.testing.assert_array_equal(got[0], want[0], f"{isa} {op} {i}")
            np.testing.assert_array_equal(got[1], want[1], f"{isa} {op} {i}: flags")


def test_mixed_formats_in_vectors() -> None:
    formats = ("float8_e4m3fn", "float8_e5m2", "bfloat16", "tfloat32")
    x = [operands(hu.Format(name), 1, 3000, i)[0] for i, name in enumerate(formats[:3])]
    given: dict[str, Any] = {"format": formats, "rounding": "toward_positive"}
    want = by_definition(hu.ops.ufunc("fma", flags=True, **given), x)
    for isa in FASTER:
        with hu.use_isa(isa):
            got = hu.ops.ufunc("fma", flags=True, **given)(*x)
        np.testing.assert_array_equal(got[0], want[0])
        np.testing.assert_array_equal(got[1], want[1])


@pytest.mark.parametrize(("name", "dtype"), [("float16", np.float16), ("float32", np.float32)])
@pytest.mark.parametrize("op", ["add", "subtract", "multiply", "divide", "sqrt", "fmod"])
def test_this_machine(name: str, dtype: type, op: str) -> None:
    x = operands(hu.Format(name), 1 if op == "sqrt" else 2, 200_000, 5)
    with np.errstate(all="ignore"):
        want = getattr(np, op)(*(each.view(dtype) for each in x))
        got = getattr(hu.ops, op)(*x, format=name).view(dtype)
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(np.signbit(got[~np.isnan(got)]), np.signbit(want[~np.isnan(want)]))


@pytest.mark.parametrize("n", [*range(70), 511, 512, 513, 1100])
def test_lengths_strides_and_overlap(n: int) -> None:
    f = hu.bfloat16
    a, b = operands(f, 2, n, n)
    add = hu.ops.ufunc("add", format=f, flags=True)
    codes, flags = by_definition(add, [a, b]) if n else (a, np.empty(0, np.uint8))
    spread = np.zeros((n, 3), np.uint16)
    spread[:, 1], spread[:, 2] = a, b[::-1]
    odd = np.zeros(2 * n + 1, np.uint8)[1:].view(np.uint16)
    odd[:] = a
    for x, y in ((a, b), (spread[:, 1], spread[::-1, 2]), (odd, b)):
        got = add(x, y)
        np.testing.assert_array_equal(got[0], codes)
        np.testing.assert_array_equal(got[1], flags)
    add(a, b, out=(a, None))
    np.testing.assert_array_equal(a, codes)


@pytest.mark.parametrize("name", ["float8_e4m3fn", "bfloat16"])
@pytest.mark.parametrize("op", ["add", "multiply", "maximum"])
def test_reductions_go_one_by_one(name: str, op: str) -> None:
    f = hu.formats[name]
    ufunc = hu.ops.ufunc(op, format=f)
    x = f.encode(np.random.default_rng(3).uniform(0.5, 1.5, (3, 2000)).astype(np.float32))
    with np.errstate(all="ignore"):
        wanted = np.empty_like(x)
        wanted[:, 0] = x[:, 0]
        for i in range(1, x.shape[1]):
            wanted[:, i] = ufunc(wanted[:, i - 1], x[:, i])
        np.testing.assert_array_equal(ufunc.accumulate(x, axis=1), wanted)
        np.testing.assert_array_equal(ufunc.accumulate(x.T, axis=0), wanted.T)
        np.testing.assert_array_equal(ufunc.reduce(x, axis=1), wanted[:, -1])
        np.testing.assert_array_equal(ufunc.reduce(x.T.copy(), axis=0), wanted[:, -1])
        beside = x[0].copy()
        ufunc(beside[:-1], beside[1:], out=beside[1:])  # NumPy copies operands that would change
        np.testing.assert_array_equal(beside[1:], ufunc(x[0, :-1], x[0, 1:]))


def test_threads_change_nothing() -> None:
    f = hu.float8_e5m2
    x = operands(f, 3, 1_000_003, 1)
    for op in ("fma", "multiply", "remainder", "next_up"):
        ufunc = hu.ops.ufunc(op, format=f, flags=True)
        given = x[: ufunc.nin]
        before = hu.get_num_threads()
        want = ufunc(*given)
        try:
            hu.set_num_threads(3)
            got = ufunc(*given)
        finally:
            hu.set_num_threads(before)
        for each, wanted in zip(got, want, strict=True):
            np.testing.assert_array_equal(each, wanted)


def test_the_first_stray_code_is_named(isa: str) -> None:
    a = np.zeros(2000, np.uint8)
    b = a.copy()
    a[1999], b[1500] = 0x40, 0x80
    with hu.use_isa(isa), pytest.raises(ValueError, match=r"code 0x80 of operand 2 has bits above the 6 bits"):
        hu.ops.add(a, b, format="float6_e2m3fn")


WARNINGS = {
    "overflow": ("multiply", 0x7E, 0x7E),
    "divide by zero": ("divide", 0x38, 0x00),
    "invalid value": ("divide", 0x00, 0x00),
    "underflow": ("multiply", 0x01, 0x01),
}


@pytest.mark.parametrize("kind", WARNINGS)
@pytest.mark.parametrize("n", [1, 3000])
def test_flags_become_warnings(isa: str, kind: str, n: int) -> None:
    op, a, b = WARNINGS[kind]
    x, y = np.full(n, 0x38, np.uint8), np.full(n, 0x38, np.uint8)
    x[n // 2], y[n // 2] = a, b
    with hu.use_isa(isa):
        ufunc = hu.ops.ufunc(op, format="float8_e4m3fn")
        with np.errstate(all="raise"), pytest.raises(FloatingPointError, match=kind):
            ufunc(x, y)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error")
            ufunc(x, y)
            with np.errstate(all="warn"):
                hu.ops.ufunc(op, format="float8_e4m3fn", flags=True)(x, y)  # flags asked for warn of nothing
                ufunc(x[:0], y[:0])


def test_exact_results_warn_of_nothing() -> None:
    with np.errstate(all="raise"):
        x = np.full(2000, 0x38, np.uint8)
        for isa in hu.available_isas():
            with hu.use_isa(isa):
                hu.ops.add(x, x, format="float8_e4m3fn")
                hu.ops.multiply(np.full(2000, 0x01, np.uint8), x, format="float8_e4m3fn")  # subnormal, and exact


def test_switching_the_target_meanwhile() -> None:
    """One thread chooses targets while another computes with several: each call keeps the one that it began with."""
    a = np.full(300_000, 0x3F80, np.uint16)
    done = threading.Event()

    def switch() -> None:
        while not done.is_set():
            for isa in hu.available_isas():
                hu.use_isa(isa)

    before, isa = hu.get_num_threads(), hu.isa
    other = threading.Thread(target=switch)
    other.start()
    try:
        hu.set_num_threads(2)
        for _ in range(200):
            codes, flags = hu.ops.multiply(a, a, format="bfloat16", flags=True)
            assert (codes == 0x3F80).all()
            assert not flags.any()
    finally:
        done.set()
        other.join()
        hu.set_num_threads(before)
        hu.use_isa(isa)


def test_results_go_only_where_they_fit() -> None:
    x = np.array([0x3F80], np.uint16)
    for dtype in (np.uint8, np.int16, np.float16):
        with pytest.raises(TypeError, match="Cannot cast ufunc"):
            hu.ops.add(x, x, format="bfloat16", out=np.zeros(1, dtype))
        with pytest.raises(TypeError, match="which does not hold the result's uint16"):
            hu.sum(x, format="bfloat16", out=np.zeros((), dtype))
    assert hu.ops.add(x, x, format="bfloat16", out=np.zeros(1, np.int64)) == 0x4000


def test_words_that_are_no_policy() -> None:
    with pytest.raises(TypeError, match="subnormals must be a word"):
        hu.ops.add(0, 0, format="bfloat16", subnormals=None)
    assert hu.ops.add(1, 0, format="bfloat16", subnormals=["flush_input", "flush_output"]) == 0
    with pytest.raises(ValueError, match="there is no operation named None"):
        hu.ops.ufunc(None, format="bfloat16")  # type: ignore[arg-type]
