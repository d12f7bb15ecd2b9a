"""What casts to dtypes raise: one event among thousands of plain numbers, wherever it is."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from numpy.typing import NDArray

Array = NDArray[Any]
FORMATS = [f for f in hu.formats.values() if f.dtype.type.__module__ == "halfulp"]
FORMATS += [hu.Format(5, 3), hu.Format(3, 2, specials="finite"), hu.Format(4, 3, specials="p3109_f", signed=False)]
FORMATS += [hu.Format(4, 4, specials="finite", signed=False), hu.Format(5, 9, specials="fnuz")]
every = pytest.mark.parametrize("of", FORMATS, ids=lambda f: f.name)
LENGTH = 70_000  # longer than any block
PLACES = (0, 1, 4031, 4095, 4096, 32_703, 32_767, 32_768, LENGTH - 1)


def events(fmt: hu.Format, dtype: str) -> dict[float, str]:
    """Numbers of a type, and what each raises: a number that is too large, or one there is no code for."""
    limit = float(np.finfo(dtype).max)
    below = "invalid" if fmt.has_nan else "overflow"
    found = {fmt.max: "", np.inf: "" if fmt.has_inf else "invalid"}
    found[np.nan] = "" if fmt.has_nan else "invalid"
    found[-np.inf] = found[np.inf] if fmt.signed else "invalid"
    found[-4 * fmt.max] = "overflow" if fmt.signed else below
    found[4 * fmt.max] = "overflow"
    return {x: flag for x, flag in found.items() if not np.isfinite(x) or abs(x) <= limit}


def raised(x: Array, fmt: hu.Format, out: Array | None = None) -> set[str]:
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn"):
        warnings.simplefilter("always")
        if out is None:
            x.astype(fmt.dtype)
        else:
            np.copyto(out, x, casting="unsafe")
    return {str(w.message).split()[0].replace("value", "") for w in caught}


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@every
def test_one_event_is_seen_wherever_it_is(of: hu.Format, dtype: str) -> None:
    plain = np.full(LENGTH, min(1.0, of.max), dtype)
    assert raised(plain, of) == set()
    for number, flag in events(of, dtype).items():
        for place in PLACES:
            x = plain.copy()
            x[place] = number
            want = {flag} - {""}
            assert raised(x, of) == want, (number, place)
            assert raised(np.repeat(x, 2)[::2], of) == want, (number, place)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@every
def test_two_events_are_both_seen(of: hu.Format, dtype: str) -> None:
    for (a, one), (b, other) in itertools.permutations(events(of, dtype).items(), 2):
        for places in ((5, 6), (5, LENGTH - 1), (5, 33_000)):
            x = np.full(LENGTH, min(1.0, of.max), dtype)
            x[list(places)] = a, b
            assert raised(x, of) == {one, other} - {""}, (a, b, places)


@pytest.mark.parametrize("name", ["bfloat16", "float8_e5m2"])
def test_codes_in_the_place_of_the_numbers(name: str) -> None:
    """The last number that is overwritten must have been looked at before."""
    fmt = hu.formats[name]
    x = np.full(LENGTH, 1.0, "f2")
    x[40_000] = 65504
    with np.errstate(over="ignore"):
        want = x.astype(fmt.dtype)
    out = x.view(np.uint8)[: LENGTH * fmt.code_dtype.itemsize].view(fmt.dtype)
    assert raised(x, fmt, out) == ({"overflow"} if name == "float8_e5m2" else set())
    assert np.array_equal(out.view(fmt.code_dtype), want.view(fmt.code_dtype))


@pytest.mark.parametrize("target", hu.available_isas())
def test_every_target_sees_the_same(target: str) -> None:
    with hu.use_isa(target):
        for name in ("float8_e4m3fn", "bfloat16", "float4_e2m1fn", "float8_e4m3fnuz", "tfloat32", "uint4"):
            of = hu.formats[name]
            for dtype in ("f4", "f8"):
                for number, flag in events(of, dtype).items():
                    for place in (0, 4095, 33_000, LENGTH - 1):
                        x = np.ones(LENGTH, dtype)
                        x[place] = number
                        assert raised(x, of) == {flag} - {""}, (name, number, place)


def test_threads_see_the_same() -> None:
    x = np.ones(1 << 20, "f4")
    x[-7] = 1e6
    before = hu.get_num_threads()
    hu.set_num_threads(3)
    try:
        assert raised(x, hu.float8_e4m3fn) == {"overflow"}
        assert raised(x[:-7], hu.float8_e4m3fn) == set()
    finally:
        hu.set_num_threads(before)
