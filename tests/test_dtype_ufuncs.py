"""NumPy's ufuncs on dtypes of formats: operations exactly, special values, layouts, flags."""

from __future__ import annotations

import itertools
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from numpy.typing import NDArray
from oracle import NAMED, Spec, decode, encode, real
from support import product

NATIVE = {"float16", "float32", "float64", "int8", "uint8"}
OURS = [f for name, f in hu.formats.items() if name not in NATIVE]
each = pytest.mark.parametrize("f", OURS, ids=lambda f: f.name)
SMALL = [s for s in NAMED.values() if s.bits <= 8 and s.name not in NATIVE] + [Spec(5, 3), Spec(3, 3, 3, "p3109_e")]
small = pytest.mark.parametrize("spec", SMALL, ids=lambda s: s.name or str(s))
Array = NDArray[Any]


def everything(f: hu.Format, most: int = 3000) -> Array:
    """All codes of a small format, some of a larger one."""
    if f.bits <= 11:
        return np.arange(2**f.bits).astype(f.code_dtype).view(f.dtype)
    codes = np.random.default_rng(5).integers(0, 2**f.bits, most).astype(f.code_dtype)
    return codes.view(f.dtype)


def finite(x: Array) -> Array:
    return x[np.isfinite(x)]


@small
@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide"])
def test_arithmetic_is_exact_and_rounded_once(spec: Spec, name: str) -> None:
    f = product(spec)
    codes = np.random.default_rng(1).integers(0, 2**spec.bits, 3000).reshape(2, -1)
    x, y = (c.astype(f.code_dtype).view(f.dtype) for c in codes)
    with np.errstate(all="ignore"):
        got = getattr(np, name)(x, y)
    combine = {
        "add": lambda a, b: a + b,
        "subtract": lambda a, b: a - b,
        "multiply": lambda a, b: a * b,
        "divide": lambda a, b: a / b,
    }[name]
    checked = 0
    out = NAMED["float32"] if name == "divide" and spec.kind == "integer" else spec
    for a, b, c in zip(*codes.tolist(), got.view(product(out).code_dtype).tolist(), strict=True):
        u, v = decode(spec, a), decode(spec, b)
        if u.kind != "finite" or v.kind != "finite" or (name == "divide" and v.magnitude == 0):
            continue
        exact = combine(u.real, v.real)
        if exact == 0:
            assert decode(out, c).magnitude == 0 or not spec.has_zero
            continue
        assert c == encode(out, real(exact)), (a, b)
        checked += 1
    assert checked > 100


@each
def test_comparisons_are_those_of_the_values(f: hu.Format) -> None:
    x = everything(f, 500)[::-1]
    y = np.roll(x, 7)
    with np.errstate(invalid="ignore"):
        for ufunc in (np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal):
            assert np.array_equal(ufunc(x, y), ufunc(x.astype(float), y.astype(float)))
        for unary in (np.isnan, np.isinf, np.isfinite):
            assert np.array_equal(unary(x), unary(x.astype(float)))


@each
def test_exact_functions_agree_with_those_of_doubles(f: hu.Format) -> None:
    x = everything(f)
    y = np.roll(x, 3)
    with np.errstate(all="ignore"):
        wide, other = x.astype(float), y.astype(float)
        for ufunc in (np.floor, np.ceil, np.trunc, np.rint, np.sqrt, np.square, np.sign, np.absolute, np.positive):
            same(ufunc(x), ufunc(wide).astype(f), ufunc)
        for binary in (np.minimum, np.maximum, np.fmin, np.fmax, np.fmod, np.remainder, np.floor_divide):
            same(binary(x, y), binary(wide, other).astype(f), binary)
        for part, whole in zip((*np.modf(x), *np.divmod(x, y)), (*np.modf(wide), *np.divmod(wide, other)), strict=True):
            same(part, whole.astype(f), "parts")
        mantissa, exponent = np.frexp(x)
        same(mantissa, np.frexp(wide)[0], "frexp")
        assert np.array_equal(exponent, np.frexp(wide)[1])
        for dtype in ("i1", "i4", "i8", "u2"):
            same(np.ldexp(x, np.array(3, dtype)), np.ldexp(wide, 3).astype(f), "ldexp")
        if f.signed and f.kind == "float":
            same(np.negative(finite(x)), -finite(wide).astype(float), "negative")
            same(np.copysign(finite(x), -1), np.copysign(finite(wide), -1), "copysign")
    for logical in (np.logical_and, np.logical_or, np.logical_xor):
        assert np.array_equal(logical(x, y), logical(wide, other))
    assert np.array_equal(np.logical_not(x), np.logical_not(wide))


def same(got: Array, want: Array, what: object) -> None:
    assert np.array_equal(got.astype(float), want.astype(float), equal_nan=True), what


@each
def test_neighbours(f: hu.Format) -> None:
    values = f.values() if f.bits <= 16 else None
    if values is None:
        return
    with np.errstate(all="ignore"):
        x = values.astype(float).astype(f)
        same(np.nextafter(x[:-1], x[1:]), x[1:], "up")
        same(np.nextafter(x[1:], x[:-1]), x[:-1], "down")
        same(np.nextafter(x, x), x, "same")
        if f.exponent_bits and f.signed:
            positive = values[values > 0]
            gaps = np.diff(positive)
            same(np.spacing(positive[:-1].astype(f)), gaps, "spacing")
            same(np.spacing(-positive[:-1].astype(f)), -gaps, "spacing")
            if f.has_negative_zero:
                assert np.spacing(np.array([-0.0], f)) == np.spacing(np.array([0.0], f)) > 0  # as float32's


def test_flags() -> None:
    x = np.array([300.0], hu.float8_e4m3fn)
    zero = np.zeros(1, hu.bfloat16)
    with np.errstate(all="raise"):
        for call in (
            lambda: x + x,
            lambda: x * 2,
            lambda: np.exp(x),
            lambda: 1 / zero,
            lambda: zero / zero,
            lambda: np.log(zero),
            lambda: np.sqrt(zero - 1),
            lambda: np.square(x),
        ):
            with pytest.raises(FloatingPointError):
                call()
        x + 0
        np.exp(zero)


@pytest.mark.parametrize("f", [hu.bfloat16, hu.float8_e4m3fn, hu.float6_e2m3fn], ids=lambda f: f.name)
def test_layouts(f: hu.Format) -> None:
    with np.errstate(all="ignore"):
        x = np.random.default_rng(0).standard_normal((40, 60)).astype(f)
        want = (x + x[::-1]).astype(float)
        out = np.empty((40, 60), f)
        assert np.add(x, x[::-1], out=out) is out
        same(out, want, "out")
        same((x.T + x[::-1].T).T, want, "transposed")
        same((x[::2, ::-3] + x[::-1][::2, ::-3]), want[::2, ::-3], "strided")
        masked = np.add(x, x[::-1], out=np.zeros((40, 60), f), where=want > 0)
        same(masked, np.where(want > 0, want, 0), "where")
        double = x.copy()
        double += double
        same(double, (x * 2).astype(float), "in place")
        shifted = x.ravel().copy()
        np.add(shifted[1:], shifted[:-1], out=shifted[1:])
        same(shifted[1:], (x.ravel()[1:] + x.ravel()[:-1]).astype(float), "overlapping")
        at = np.zeros(5, f)
        np.add.at(at, [0, 0, 1], np.ones(3, f))
        assert at.tolist() == [2, 1, 0, 0, 0]
        same(np.add.outer(x[0], x[1]), (x[0][:, None] + x[1]).astype(float), "outer")
        byte = np.zeros(1 + x.nbytes, "u1")
        byte[1:] = x.ravel().view("u1")
        same(byte[1:].view(f.dtype) + x.ravel(), (x + x).ravel().astype(float), "unaligned")


def test_results_of_both_kinds() -> None:
    x = np.array([1.5, -2], hu.bfloat16)
    assert np.signbit(x).tolist() == [False, True]
    assert np.frexp(x)[1].dtype == np.int32
    assert np.float_power(x, 2).dtype == np.float64
    assert (x**2).tolist() == [2.25, 4]
    assert (abs(x) ** 0.5).dtype is x.dtype
    for pair in itertools.permutations([x, np.float32(1)]):
        assert np.arctan2(*pair).dtype == np.float32
