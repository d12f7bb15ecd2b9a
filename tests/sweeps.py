"""NumPy arrays at and beside every decision a format makes, and the oracle's codes for whole arrays at once.

A deterministic conversion is constant between neighbouring grid points and midpoints.  So the oracle settles
each such cell once, and exact comparisons with the cell borders, which binary64 holds, spread its answers.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

import numpy as np
import oracle
from numpy.typing import NDArray
from oracle import NAMED, Place, Policy, Spec, Value, decode, encode, settle

FLOATS = ("float16", "float32", "float64", "longdouble")
INTEGERS = ("int64", "uint64")


def exact(x: NDArray[np.generic]) -> list[tuple[Value, bool]]:
    """Each element's exact value, and whether its own dtype holds it as a subnormal, from the bits alone."""
    if x.dtype.kind in "iub":
        return [(oracle.real(int(v)), False) for v in x.tolist()]
    size, mantissa = x.dtype.itemsize, np.finfo(x.dtype).nmant
    raw = np.ascontiguousarray(x).tobytes()
    words = [int.from_bytes(raw[i : i + size], "little") for i in range(0, len(raw), size)]
    if mantissa == 63:
        words = [w & (1 << 80) - 1 for w in words]
        return [(v := oracle.x87(w), v.kind == "finite" and not w >> 64 & 0x7FFF and v.magnitude != 0) for w in words]
    spec = {10: NAMED["float16"], 23: NAMED["float32"], 52: NAMED["float64"], 112: oracle.BINARY128}[mantissa]
    return [(v := decode(spec, w), oracle.is_subnormal(spec, v)) for w in words]


def expected_one_by_one(spec: Spec, x: NDArray[np.generic], policy: Policy) -> list[int]:
    return [encode(spec, value, policy, subnormal_input=subnormal) for value, subnormal in exact(x.ravel())]


@lru_cache(maxsize=8)
def borders(spec: Spec) -> NDArray[np.longdouble]:
    """Grid points and midpoints in turn, zero to past the maximum; the conversion to floats is exact."""
    points = spec.points
    rationals = [p for a, b in pairwise(points) for p in (a, (a + b) / 2)]
    floats = [float(p) for p in rationals]
    assert all(Fraction(f) == p for f, p in zip(floats, rationals, strict=True))
    return np.array(floats, np.float64).astype(np.longdouble)


class Expected:
    """The oracle's codes for arrays under one policy; cells settle on first use."""

    def __init__(self, spec: Spec, policy: Policy) -> None:
        self.spec, self.policy = spec, policy
        self.borders = borders(spec)
        self.table = np.full(4 * len(self.borders), -1, np.int64)

    def _settle(self, index: int) -> int:
        cell, negative = divmod(index, 2)
        border, after = divmod(cell, 2)
        k, middle = divmod(border, 2)
        return settle(self.spec, bool(negative), k, Place(2 * middle + after), self.policy)

    def codes(self, x: NDArray[np.generic]) -> NDArray[np.int64]:
        """For finite and infinite elements by cells, for NaNs one by one."""
        if x.dtype.kind == "f":
            with np.errstate(invalid="ignore"):  # signalling NaNs
                wide = x.astype(np.longdouble)
            negative = np.signbit(wide)
            zero_input = np.zeros(x.shape, bool)
            if self.policy.subnormals == "flush_input":
                zero_input = (x != 0) & (np.abs(x) < np.finfo(x.dtype).smallest_normal)
        else:
            wide, zero_input = x.astype(np.longdouble), np.zeros(x.shape, bool)
            negative = x < 0
        magnitude = np.where(zero_input, 0, np.abs(wide))
        border = np.searchsorted(self.borders, magnitude, side="right") - 1
        below_minimum = border < 0
        border = np.maximum(border, 0)
        after = (self.borders[border] != magnitude) & ~below_minimum
        index = (2 * border + after) * 2 + negative
        for cell in np.unique(index[self.table[index] < 0]).tolist():
            self.table[cell] = self._settle(cell)
        result = self.table[index]
        special = ~np.isfinite(wide) | (magnitude == 0)
        result[special] = [
            encode(self.spec, value, self.policy, subnormal_input=flag) for value, flag in exact(x[special])
        ]
        return result


def nans(dtype: str) -> NDArray[np.generic]:
    """Quiet and signalling NaNs of both signs with payloads at both ends of the field."""
    if dtype == "longdouble" and np.finfo(np.longdouble).nmant != 52:
        quiet, fill = (62, 1 << 63) if np.finfo(np.longdouble).nmant == 63 else (111, 0)
        top = 64 if fill else 112
        payloads = (1 << quiet, 1, 1 << quiet | 1, 3 << quiet - 2 | 5, (1 << quiet + 1) - 1)
        words = [sign << top + 15 | 0x7FFF << top | fill | p for p in payloads for sign in (0, 1)]
        return np.frombuffer(b"".join(w.to_bytes(16, "little") for w in words), np.longdouble).copy()
    width, mantissa = {"float16": (16, 10), "float32": (32, 23)}.get(dtype, (64, 52))
    payloads = (1 << mantissa - 1, 1, 1 << mantissa - 1 | 1, 3 << mantissa - 3 | 5, (1 << mantissa) - 1)
    ones = ((1 << width - 1) - 1) >> mantissa << mantissa
    words = [sign << width - 1 | ones | p for p in payloads for sign in (0, 1)]
    return np.array(words, f"uint{width}").view(dtype)


def specials(dtype: str) -> NDArray[np.generic]:
    if dtype in INTEGERS:
        info = np.iinfo(dtype)
        return np.array([0, 1, info.min, info.max, info.max - 1, 257 << 30 | 1, (1 << 30) + (1 << 22) + 1], dtype)
    fi = np.finfo(dtype)
    one = fi.dtype.type(1)
    tiny = fi.smallest_subnormal
    positive = [
        0,
        tiny,
        2 * tiny,
        fi.smallest_normal - tiny,
        fi.smallest_normal,
        fi.max,
        np.inf,
        one + fi.eps,
    ]
    x = np.array(positive, dtype)
    return np.concatenate([x, -x, nans(dtype)])


def beside(points: NDArray[np.longdouble], dtype: str) -> NDArray[np.generic]:
    """Each point, and its neighbours in the dtype on both sides, in both signs where the dtype has them."""
    if dtype in INTEGERS:
        info = np.iinfo(dtype)
        inside = points[points < np.longdouble(info.max)].astype(dtype)
        steps = np.concatenate([inside, inside + np.array(1, dtype), inside[inside > 0] - np.array(1, dtype)])
        return np.concatenate([steps, -steps]) if dtype == "int64" else steps
    with np.errstate(over="ignore", under="ignore"):
        near = points.astype(dtype)
        one_up, one_down = (
            np.nextafter(near, np.array(np.inf, dtype)),
            np.nextafter(near, np.array(-np.inf, dtype)),
        )
    positive = np.unique(np.concatenate([near, one_up, np.abs(one_down)]))
    return np.concatenate([positive, -positive])


def boundary_inputs(spec: Spec, dtype: str, slice_of: int = 0, seed: int = 0) -> NDArray[np.generic]:
    """Sources on and beside every border; of large formats, if asked, the ends and `slice_of` others."""
    every = borders(spec)
    if slice_of and len(every) > 4 * slice_of:
        ends = [0, 2 << spec.mantissa_bits, 2 * spec.last + 2]
        chosen = np.concatenate([np.arange(e - 24, e + 24) for e in ends])
        chosen = np.concatenate([chosen, np.random.default_rng(seed).integers(0, len(every), slice_of)])
        every = every[np.unique(chosen[(chosen >= 0) & (chosen < len(every))])]
    return np.concatenate([beside(every, dtype), specials(dtype)])


def random_patterns(dtype: str, count: int, seed: int) -> NDArray[np.generic]:
    """Uniform bit patterns; longdoubles with the leading bit their exponents call for."""
    rng = np.random.default_rng(seed)
    size = np.dtype(dtype).itemsize
    raw = rng.integers(0, 256, (count, size), dtype=np.uint8)
    if dtype == "longdouble" and np.finfo(dtype).nmant == 63:
        # Exponents within binary64's, so that most of the values mean something to a format.
        field = rng.integers(16383 - 1080, 16383 + 1030, count, dtype=np.uint16)
        raw[:, 8:10] = (field | rng.integers(0, 2, count, dtype=np.uint16) << 15).view(np.uint8).reshape(-1, 2)
        raw[:, 7] |= 0x80
        raw[:, 10:] = 0
    return raw.view(dtype).ravel()
