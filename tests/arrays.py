"""Arrays with every kind of number in every kind of layout."""

from __future__ import annotations

from typing import Any

import halfulp as hu
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
FORMATS = [hu.float8_e4m3fn, hu.bfloat16, hu.tfloat32, hu.float64, hu.float4_e2m1fn, hu.int8, hu.Format(7, 30)]
SOURCES = ["float16", "float32", "float64", "longdouble", "int8", "uint16", "int32", "int64", "uint64", "bool"]


def numbers(dtype: Any, n: int, seed: int = 1) -> Array:
    """Numbers of every binade that matters and all specials, of any dtype."""
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return rng.integers(0, 2, n).astype(bool)
    if kind.kind in "iu":
        return rng.integers(0, 1 << 8 * kind.itemsize, n, dtype=np.uint64).astype(f"u{kind.itemsize}").view(kind)
    x = np.ldexp(rng.uniform(-2, 2, n), rng.integers(-14, 14, n)).astype(kind)
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -np.nan], kind)
    return np.where(rng.random(n) < 0.05, rng.choice(special, n), x)


def same(a: Any, b: Any) -> None:
    """The same type, shape, dtype and bits."""
    assert type(a) is type(b)
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    if a.dtype != np.longdouble:  # sixteen bytes, six of them padding
        assert a.tobytes() == b.tobytes()
    else:
        assert np.array_equal(a, b, equal_nan=True)
        assert np.array_equal(np.signbit(a), np.signbit(b))


def verbs(f: hu.Format, dtype: str, n: int) -> list[tuple[np.ufunc, Array]]:
    x = numbers(dtype, n)
    return [(f.encode, x), (f.round, x), (f.decode, f.encode(x)), (f.codec(rounding="toward_zero").encode, x)]


def layouts(x: Array) -> dict[str, Array]:
    """The same elements in the same shape, laid out in every way an array can be."""
    n, size = x.size, x.dtype.itemsize
    raw = np.zeros(n * size + 64, np.uint8)
    unaligned = raw[1 : 1 + n * size].view(x.dtype)
    unaligned[:] = x
    wide = np.zeros(3 * n, x.dtype)
    wide[::3] = x
    record = np.zeros(n, np.dtype([("a", "u1"), ("x", x.dtype), ("b", "u2")]))
    record["x"] = x
    swapped = x.astype(x.dtype.newbyteorder()) if x.dtype != np.longdouble else x
    read_only = x.copy()
    read_only.flags.writeable = False
    return {
        "strided": wide[::3],
        "reversed": x[::-1].copy()[::-1],
        "unaligned": unaligned,
        "in a record": record["x"],
        "byte-swapped": swapped,
        "read-only": read_only,
        "a column": np.stack([x] * 3, axis=1)[:, 1],
    }
