"""Formats of more significant bits than arithmetic is for, which compute in float64: what stays in the format."""

from __future__ import annotations

import math

import halfulp as hu
import numpy as np
import pytest

WIDE = ["e11m40:bias=1023:ieee", "e8m30:bias=127:fn", "e0m30:bias=-29:integer"]


@pytest.mark.parametrize("text", WIDE)
def test_wide_formats_know_their_own_neighbours(text: str) -> None:
    """Though they compute in float64: that one's neighbours are no numbers of theirs."""
    f = hu.Format(text)
    for start in (3.0, 5.0, 77.0):
        step = 2.0 ** (math.frexp(start)[1] - 1 - f.mantissa_bits) if f.kind != "integer" else 1.0
        x = np.array([start, -start], f)
        assert np.spacing(x).tolist() == [step, -step]
        assert np.nextafter(x, 100).tolist() == [start + step, -start + step]
        assert np.nextafter(x, 10**400).dtype is np.nextafter(x, x[0]).dtype is f.dtype
        assert np.nextafter(x, -(10**400)).tolist() == [start - step, -start - step]


@pytest.mark.parametrize("text", WIDE)
def test_wide_formats_are_scaled_in_float64(text: str) -> None:
    x = np.array([2, 4], hu.Format(text))
    for n in (2, np.int8(2), np.array([2, 2], np.int8), np.array([2, 2])):
        got = np.ldexp(x, n)
        assert (got.dtype, got.tolist()) == (np.dtype(float), [8, 16])


def test_magnitudes_of_the_lowest_integer_raise_nothing() -> None:
    for f in (hu.int4, hu.Format("e0m20:bias=-19:integer"), hu.Format("e0m30:bias=-29:integer")):
        lowest = np.array([f.min], f)
        with np.errstate(all="raise"):
            assert np.abs(lowest).tolist() == np.fabs(lowest).tolist() == [f.max]
            assert str(int(f.min)) in f"{lowest.astype(int)}"
            assert "array" in repr(lowest)
