"""The ufuncs that only look at bits, beside the definition of the same operations, over every code of up to 16 bits."""

from __future__ import annotations

import halfulp as hu
import numpy as np
import pytest

FORMATS = [f for f in hu.formats.values() if f.dtype.type.__module__ == "halfulp"]
FORMATS += [hu.Format(5, 3), hu.Format(3, 2, specials="p3109_e"), hu.Format(4, 3, specials="p3109_f", signed=False)]
FORMATS += [
    hu.Format(8, 7, specials="fnuz"),
    hu.Format(8, 7, specials="p3109_e"),
    hu.Format(8, 12),
    hu.Format(4, 3, specials="p3109_f"),
]
every = pytest.mark.parametrize("of", FORMATS, ids=lambda f: f.name)
UNARY = {
    np.negative: "negate",
    np.absolute: "abs",
    np.fabs: "abs",
    np.positive: "copy",
    np.conjugate: "copy",
    np.isnan: "is_nan",
    np.isinf: "is_infinite",
    np.isfinite: "is_finite",
    np.signbit: "is_sign_minus",
}


@every
def test_one_operand(of: hu.Format) -> None:
    step = 1 if of.bits <= 16 else 61  # prime to every field
    codes = np.arange(0, 1 << of.bits, step, dtype=of.code_dtype)
    x = codes.view(of.dtype)
    for ufunc, name in UNARY.items():
        with np.errstate(all="ignore"):
            want = hu.ops.ufunc(name, format=of)(codes)
            for operand, result in ((x, want), (x[::-3], want[::-3])):
                got = ufunc(operand)
                assert got.dtype in (of.dtype, np.dtype(bool))
                assert np.array_equal(got.view(got.dtype if got.dtype == bool else of.code_dtype), result), ufunc
            assert ufunc(x, out=np.empty_like(ufunc(x))).tobytes() == ufunc(x).tobytes()


@every
def test_copysign(of: hu.Format) -> None:
    rng = np.random.default_rng(7)
    special = np.array([0, 1, (1 << of.bits) - 1, 1 << (of.bits - 1), of.code_of_max], of.code_dtype)
    pool = np.concatenate([special, rng.integers(0, 1 << of.bits, 40, np.uint64).astype(of.code_dtype)])
    a, b = (each.ravel() for each in np.meshgrid(pool, pool))
    with np.errstate(all="ignore"):
        want = hu.ops.ufunc("copysign", format=of)(a, b)
        got = np.copysign(a.view(of.dtype), b.view(of.dtype))
        assert np.array_equal(got.view(of.code_dtype), want)
        x = a.view(of.dtype)
        assert np.copysign.accumulate(x[:50]).shape == (50,)
