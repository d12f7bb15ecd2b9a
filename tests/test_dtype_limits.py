"""Printing never fails or warns, `finfo` says what a format's values say, and `round` of a scalar returns at once."""

from __future__ import annotations

import copy
import math
import pickle
import time
from fractions import Fraction
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from oracle import NAMED

OURS = [f for f in hu.formats.values() if f.dtype.type.__module__ == "halfulp"]
OURS += [
    hu.Format(text)
    for text in (
        "e10m52:bias=511:ieee", "e8m30:bias=127:ieee", "e4m3:bias=900:fn", "e4m3:bias=-20:fn", "e5m4:bias=1040:ieee",
        "e2m3:bias=1:finite", "e5m3:bias=15:fnuz",
    )
]  # fmt: skip
each = pytest.mark.parametrize("f", OURS, ids=lambda f: f.text)


def numbers(f: hu.Format) -> Any:
    """All codes, or the smallest, the largest and some between."""
    if f.bits <= 16:
        return np.arange(1 << f.bits, dtype=f.code_dtype).view(f.dtype)
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 1 << min(f.bits, 63), 500, dtype=np.uint64).astype(f.code_dtype)
    return np.concatenate([np.arange(50, dtype=f.code_dtype), codes]).view(f.dtype)


@each
def test_printing_never_warns(f: hu.Format) -> None:
    x = numbers(f)
    with np.errstate(all="raise"):
        for part in (x, x[:1], x[::-1][:7], x[: 1 << (f.bits - 1)][-3:], x[1 << (f.bits - 1) :][:2], x[3], x[:0]):
            assert repr(part)
            assert str(part)
        x = x[np.isfinite(x)][:: max(1, x.size // 100)]
        with np.printoptions(threshold=10**6, precision=60, floatmode="unique"):
            words = str(x).strip("[]").split()
    assert [float(word) for word in words] == x.tolist()


@each
def test_making_ranges(f: hu.Format) -> None:
    if f.has_zero and f.max >= 3 and f.min_subnormal <= 1:
        for x in (np.arange(4, dtype=f), np.linspace(0, 3, 4, dtype=f)):
            assert x.dtype is f.dtype
            assert x.tolist() == [0, 1, 2, 3]


@each
def test_limits(f: hu.Format) -> None:
    with np.errstate(all="raise"):
        for info in (hu.finfo(f), np.finfo(f.dtype)):
            assert info.dtype is f.dtype
            assert [float(x) for x in (info.max, info.min, info.smallest_subnormal)] == [f.max, f.min, f.min_subnormal]
            assert str(info)
            assert repr(info)
            assert (info.nexp, info.iexp, info.nmant) == (f.exponent_bits, f.exponent_bits, f.mantissa_bits)
            assert info.bits == 8 * f.dtype.itemsize
            assert 2.0 ** (info.maxexp - 1) <= f.max < math.ldexp(1.0, info.maxexp)
            assert float(info.tiny) == float(info.smallest_normal)
            assert float(info.resolution) > 0
            assert copy.deepcopy(info) is info
            again = pickle.loads(pickle.dumps(info))
            assert (again.dtype, again.precision) == (info.dtype, info.precision)
        assert np.finfo(f.dtype).precision == max(3, hu.finfo(f).precision)


@pytest.mark.parametrize("f", [f for f in OURS if f.bits <= 16], ids=lambda f: f.text)
def test_places_around_one(f: hu.Format) -> None:
    """By the values themselves, where 1 is one of them."""
    values = sorted(Fraction(v) for v in numbers(f).tolist() if math.isfinite(v) and v > 0)
    if 1 not in values:
        return
    info, at = hu.finfo(f), values.index(Fraction(1))
    if at + 1 < len(values):
        assert Fraction(float(info.eps)) == Fraction(2) ** info.machep == values[at + 1] - 1
    below = values[at - 1] if at > 0 else Fraction(0)
    assert Fraction(2) ** info.negep == 1 - below or not f.has_zero
    if 1 - below in values:
        assert Fraction(float(info.epsneg)) == 1 - below


def test_what_finfo_takes() -> None:
    f = hu.bfloat16
    want = hu.finfo(f).eps
    for given in ("bfloat16", f.dtype, f.dtype.type, f.dtype.type(2), np.ones(2, f)):
        assert hu.finfo(given).eps == want
    assert hu.finfo(np.float32) is np.finfo(np.float32)
    assert hu.finfo(hu.float16) is np.finfo(np.float16)
    assert hu.finfo(f).precision == 2
    assert float(hu.finfo(f).resolution) == float(f.dtype.type(0.01))
    with pytest.raises(TypeError, match="format must be"):
        hu.finfo(None)
    with pytest.raises(ValueError, match="not inexact"):
        hu.finfo(np.int32)


@pytest.mark.parametrize("name", ["float8_e4m3fn", "bfloat16", "int4", "float8_e8m0fnu", "tfloat32"])
def test_rounding_a_scalar_returns_at_once(name: str) -> None:
    f = hu.formats[name]
    started = time.perf_counter()
    for x in numbers(f)[::101] if f.bits > 8 else numbers(f):
        for digits in (10**7, 10**10, 10**30, -(10**7), -(10**30)):
            if np.isfinite(x) and (digits > 0 or f.has_zero):
                assert float(round(x, digits)) == (float(x) if digits > 0 else 0)
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e5m2", "int4", "float4_e2m1fn"])
def test_rounding_a_scalar(name: str) -> None:
    for x in numbers(hu.formats[name]):
        for digits in range(-3, 20) if np.isfinite(x) else ():
            exact = round(Fraction(float(x)), digits)
            with np.errstate(all="ignore"):
                assert round(x, digits).code & ~NAMED[name].sign_bit == type(x)(exact).code & ~NAMED[name].sign_bit
    with pytest.raises(TypeError):
        round(hu.bfloat16.dtype.type(1), 1.5)  # type: ignore[call-overload]


def test_formats_of_many_bits_compute_in_float64() -> None:
    f = hu.Format("e10m52:bias=511:ieee")
    x = np.array([1, 1 + 2.0**-52, 3], f)
    wide = x.astype(np.float64)
    for ufunc in (np.sqrt, np.exp, np.reciprocal, np.rint):
        assert ufunc(x).dtype == np.float64
        assert np.array_equal(ufunc(x), ufunc(wide))
    for two in (np.add, np.divide, np.hypot, np.power):
        assert two(x, x).dtype == two(x, 2.5).dtype == np.float64
        assert np.array_equal(two(x, x[::-1]), two(wide, wide[::-1]))
    assert x.sum() == wide.sum()
    assert x[1] * x[1] == wide[1] * wide[1]
    assert np.abs(x).dtype is f.dtype
    x += x
    assert x.tolist() == (wide + wide).tolist()  # rounded once more, which here changes nothing
