"""Arrays without dimensions among the objects that become elements: masked ones, and those of subclasses."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import halfulp as hu
import numpy as np
import pytest


def warned(call: Callable[[], Any]) -> tuple[Any, set[str]]:
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn"):
        warnings.simplefilter("always")
        result = call()
    return result, {str(w.message).split()[0] for w in caught}


class Named(np.ndarray[Any, Any]):
    """A subclass."""


@pytest.mark.parametrize("f", [hu.bfloat16, hu.float8_e4m3fn, hu.float8_e8m0fnu, hu.int4, hu.tfloat32], ids=str)
def test_masked_elements_are_nan_as_in_float32(f: hu.Format) -> None:
    masked = np.ma.masked
    makers: list[Callable[[Any], Any]] = [
        lambda t: np.array([masked], t),
        lambda t: np.array([[masked], [1]], t),
        lambda t: np.array([np.ma.array(4.0, mask=True), 2], t),
        lambda t: np.array([np.ma.array(4.0, mask=False), 2], t),
        lambda t: np.array([np.array(4.0).view(Named), np.array(2)], t),
        lambda t: np.array(np.ma.array([4.0, 2.0], mask=[True, False]), t),
    ]

    def assigned(t: Any) -> Any:
        x = np.ones(3, t)
        x[1] = masked
        return x

    for make in (*makers, assigned):
        want, said = warned(lambda make=make: make(np.float32))
        got, told = warned(lambda make=make: make(f))
        if f.has_nan:
            assert np.array_equal(got.astype(np.float32), want, equal_nan=True)
            assert told == said
        else:
            assert np.array_equal(got.astype(np.float32), np.where(np.isnan(want), 0, want))
            assert told == said | ({"invalid"} if np.isnan(want).any() else set())


def test_elements_of_subclasses_are_rounded_once() -> None:
    """By what they hold, not by way of a float."""
    exact = 2**62 + 2**54 + 1  # just above a tie of bfloat16; as a double, on it
    for made in (np.array(exact).view(Named), np.ma.array(exact), np.ma.array(exact, mask=False)):
        got = np.array([made], hu.bfloat16)
        assert got.view(np.uint16)[0] == hu.encode(exact, hu.bfloat16) != hu.encode(float(exact), hu.bfloat16)
