"""The oracle for whole arrays: nearest even by a search among the exact middles between a format's values."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from oracle import Place, Policy, Spec, decode, encode, grid, inf, nan, real, settle

Array = NDArray[Any]
LISTED = 16  # bits; wider formats are not worth a list of their values


def doubles(numbers: list[Fraction]) -> Array:
    """Exactly, or not at all."""
    found = [float(x) for x in numbers]
    assert all(f.as_integer_ratio() == x.as_integer_ratio() for f, x in zip(found, numbers, strict=True))
    return np.array(found)


class Rounder:
    """What the codes of a format are worth, and the code that each number of an array gets."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec

    @property
    def codes(self) -> Sequence[int]:
        """All of them."""
        return self.spec.codes

    @cached_property
    def values(self) -> Array:
        """Of these codes, as binary64: NaN and Inf for what is no number."""
        found = [decode(self.spec, code) for code in self.codes]
        magnitudes = doubles([v.magnitude for v in found])
        for kind, number in (("nan", np.nan), ("inf", np.inf)):
            magnitudes[[v.kind == kind for v in found]] = number
        return np.where([v.negative for v in found], -magnitudes, magnitudes)

    @cached_property
    def middles(self) -> Array:
        """The k-th lies between the k-th magnitude and the next, two beyond the largest among them."""
        points = [grid(self.spec, k) for k in range(self.spec.last + 4)]
        return doubles([(a + b) / 2 for a, b in itertools.pairwise(points)])

    def place(self, magnitude: Array) -> Array:
        """The index of the nearest point of the grid; two past the largest for all that is farther."""
        magnitude = magnitude.astype(np.result_type(magnitude, np.float64))
        middles = self.middles.astype(magnitude.dtype)
        k = np.searchsorted(middles, magnitude, side="left")
        tie = magnitude == middles[np.minimum(k, len(middles) - 1)]
        return np.minimum(k + (tie & (k % 2 == 1)), self.spec.last + 2)

    @cached_property
    def codes_of_places(self) -> Array:
        """For either sign: those of the grid, and what becomes of what is beyond."""
        found = np.empty((2, self.spec.last + 3), np.uint64)
        for negative in (False, True):
            for k in range(self.spec.last + 3):
                found[int(negative), k] = settle(self.spec, negative, k, Place.ON, Policy())
        return found

    def code_at(self, negative: Array, k: Array) -> Array:
        return self.codes_of_places[negative.astype(int), k]

    def encode(self, x: Array) -> Array:
        """Of numbers of any floating dtype, as uint64."""
        finite = np.where(np.isfinite(x), x, 1)
        negative = np.signbit(x)
        codes = self.code_at(negative, self.place(abs(finite)))
        for sign in (False, True):
            codes[(x == 0) & (negative == sign)] = encode(self.spec, real(0, sign))
            codes[np.isinf(x) & (negative == sign)] = encode(self.spec, inf(sign))
            codes[np.isnan(x) & (negative == sign)] = encode(self.spec, nan(sign))
        return codes

    def overflows(self, x: Array) -> Array:
        """Which finite numbers are rounded to something beyond the largest, and have a sign the format has."""
        finite = np.where(np.isfinite(x), x, 0)
        negative = np.signbit(finite) & (finite != 0)
        lowest = self.spec.last + (self.spec.kind == "integer")
        beyond = self.place(abs(finite)) > np.where(negative, lowest, self.spec.last)
        return np.asarray(beyond & ~(negative & (not self.spec.signed)))

    def is_below(self, x: Array) -> Array:
        """Which negative numbers an unsigned format does not round to zero."""
        magnitude = np.where(np.isnan(x), 0, abs(x))
        return np.asarray(np.signbit(x) & (magnitude > 0) & ((self.place(magnitude) > 0) | (not self.spec.has_zero)))

    def ties(self) -> Array:
        """All middles, both signs, as binary64: exact."""
        return np.concatenate([self.middles, -self.middles])


class WideRounder(Rounder):
    """The same for formats too wide for a list: IEEE-like ones, by scaling to an integer and NumPy's `rint`."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        assert spec.specials == "ieee"
        assert spec.signed
        assert spec.mantissa_bits > 0

    def place(self, magnitude: Array) -> Array:
        assert self.spec.bias is not None
        emin, m = 1 - self.spec.bias, self.spec.mantissa_bits
        wide = magnitude.astype(np.longdouble)
        wide = np.minimum(wide, np.ldexp(np.longdouble(2), self.spec.bias + 1))  # beyond the largest
        exponent = np.where(wide == 0, emin, np.maximum(np.frexp(wide)[1] - 1, emin))
        whole = np.rint(np.ldexp(wide, m - exponent)).astype(np.uint64)
        k = whole + ((exponent - emin).astype(np.uint64) << np.uint64(m))
        return np.minimum(k, np.uint64(self.spec.last + 1))

    def code_at(self, negative: Array, k: Array) -> Array:
        beyond = [settle(self.spec, sign, self.spec.last + 1, Place.ON, Policy()) for sign in (False, True)]
        k = k.astype(np.uint64)
        signed = k | np.where(negative, np.uint64(self.spec.sign_bit), np.uint64(0))
        return np.where(k > self.spec.last, np.array(beyond, np.uint64)[negative.astype(int)], signed)

    @cached_property
    def codes(self) -> Sequence[int]:  # type: ignore[override]
        """Those about the ends and the powers of two, and a few others."""
        spec, top = self.spec, 1 << self.spec.bits
        near = {0, spec.last, spec.all_magnitude_bits, 1 << spec.mantissa_bits, *(1 << k for k in range(spec.bits))}
        near |= {spec.sign_bit | k for k in near}
        near |= {k + d for k in near for d in (-2, -1, 1, 2)}
        near |= {k * 0x9E3779B97F4A7C15 % top for k in range(400)}
        return sorted(k for k in near if 0 <= k < top)

    def ties(self) -> Array:
        magnitudes = {code & self.spec.all_magnitude_bits for code in self.codes}
        points = [(grid(self.spec, k) + grid(self.spec, k + 1)) / 2 for k in sorted(magnitudes) if k <= self.spec.last]
        exact = [p for p in points if Fraction(*float(p).as_integer_ratio()) == p]
        return np.concatenate([doubles(exact), -doubles(exact)])


def rounder(spec: Spec) -> Rounder:
    return Rounder(spec) if spec.bits <= LISTED else WideRounder(spec)
