"""Threads: dtypes made at once are one, and mixed operations on shared arrays give the bits of one thread."""

from __future__ import annotations

import itertools
import pickle
import sys
from collections.abc import Callable
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from numpy.typing import NDArray
from support import at_once

THREADS = 8
FORMATS = [hu.bfloat16, hu.float8_e4m3fn, hu.float8_e8m0fnu, hu.float4_e2m1fn, hu.int4, hu.Format("e6m9:bias=29:ieee")]
Array = NDArray[Any]
_fresh = itertools.count()


def unused(count: int) -> list[str]:
    """Texts of formats that nobody has made: each has a dtype for as long as the process lives."""
    return [f"e8m5:bias={130 + next(_fresh)}:finite" for _ in range(count)]


def same(got: list[Any], want: Any) -> None:
    assert all(x == want for x in got)


def operations(x: Array, y: Array) -> dict[str, Callable[[], Any]]:
    """Every kind of code that a dtype has: casts, loops made on first use, NumPy's loops, order, text, objects."""
    some = x[:200]
    return {
        "to floats": lambda: x.astype("f4") + x.astype("f8"),
        "from floats": lambda: np.linspace(-9, 9, 4000).astype(x.dtype),
        "to others": lambda: x.astype(hu.float8_e5m2).astype(hu.float6_e3m2fn),
        "integers": lambda: x.astype("i4").astype(x.dtype),
        "text": lambda: some.astype(str).astype(x.dtype),
        "strings": lambda: some.astype(np.dtypes.StringDType()).astype(x.dtype),
        "objects": lambda: some.astype(object).astype(x.dtype),
        "arithmetic": lambda: (x + y) * y - x / y,
        "python's numbers": lambda: 1.5 * some + 2,
        "functions": lambda: np.exp(x) + np.log1p(np.abs(y)),
        "comparisons": lambda: (x < y) | np.isnan(x) | (x == 1.0),
        "sorted": lambda: np.sort(x),
        "order": lambda: np.argsort(y, kind="stable"),
        "sums": lambda: np.stack([x.sum(), x[:40].cumsum()[-1], x.max().astype("f4")]),
        "products": lambda: x.reshape(40, -1) @ y.reshape(-1, 40),
        "printed": lambda: np.array([repr(some[:20]), str(some[3]), f"{some[4]:.3f}"]),
        "scalars": lambda: np.array([float(v) + float(v * v) for v in some]),
        "pickled": lambda: pickle.loads(pickle.dumps(x)),
        "copies": lambda: np.concatenate([x[::-3], np.where(x < y, x, y)]),
    }


@pytest.mark.parametrize("f", FORMATS, ids=lambda f: f.text)
def test_mixed_operations_on_shared_arrays(f: hu.Format) -> None:
    """Each thread does all of them, each from another place in the list."""
    codes = np.random.default_rng(7).integers(0, 1 << f.bits, (2, 4000)).astype(f.code_dtype)
    x, y = codes.view(f.dtype)
    names = list(operations(x, y))

    def work(i: int) -> dict[str, bytes]:
        with np.errstate(all="ignore"):
            jobs = operations(x, y)
            return {name: jobs[name]().tobytes() for name in names[2 * i :] + names[: 2 * i]}

    found = at_once(THREADS, work)
    same(found, work(0))


def test_results_in_shared_places() -> None:
    """Threads write disjoint parts of one array, which lie side by side."""
    x = np.random.default_rng(8).standard_normal(80_000).astype("f4")
    with np.errstate(all="ignore"):
        a = x.astype(hu.bfloat16)
        want, out = np.exp(a) + a, np.zeros(x.size, hu.bfloat16)

        def work(i: int) -> None:
            with np.errstate(all="ignore"):
                np.add(np.exp(a[i::8]), a[i::8], out=out[i::8])

        at_once(THREADS, work)
    assert out.tobytes() == want.tobytes()


def test_warnings_are_each_threads_own() -> None:
    quiet = np.ones(5000, hu.float8_e4m3fn)
    loud = np.full(5000, 448, hu.float8_e4m3fn)

    def work(i: int) -> int:
        raised = 0
        with np.errstate(all="raise"):
            for _ in range(20):
                try:
                    _ = (loud if i % 2 else quiet) * 2
                except FloatingPointError:
                    raised += 1
        return raised

    assert at_once(THREADS, work) == [0, 20] * (THREADS // 2)


def test_dtypes_made_at_once_are_one() -> None:
    for text in unused(20):
        made = at_once(THREADS, lambda i, text=text: hu.Format(text).dtype)
        assert all(dtype is made[0] for dtype in made)
        assert np.dtype(f"halfulp.{text}") is made[0]


def test_different_dtypes_made_at_once_know_each_other() -> None:
    """Each makes its own, and uses it with what is there; then all pairs cast both ways."""
    texts = [unused(3) for _ in range(THREADS)]

    def work(i: int) -> list[Any]:
        made = []
        for text in texts[i]:
            x = np.array([1, 1.5, -2], dtype=hu.Format(text))
            assert (x + x.astype(hu.bfloat16)).astype("f4").tolist() == [2, 3, -4]
            made.append(x.dtype)
        return made

    dtypes = list(itertools.chain(*at_once(THREADS, work)))
    assert len(set(dtypes)) == len(dtypes)
    for a, b in itertools.product(dtypes, repeat=2):
        assert np.array([1, 1.5, -2], dtype=a).astype(b).tolist() == [1, 1.5, -2]


def test_loops_of_a_ufunc_are_there_for_all_threads() -> None:
    """They are added when such an array first arrives, here in all threads at once; random operands make them many."""
    x = np.ones(30, hu.bfloat16)
    for k in range(100):
        rounding = hu.Format(5, 3, bias=20 + k).codec(rounding="stochastic_a", random_bits=8).round
        want = rounding(np.ones(30), np.arange(30)).tolist()
        same(at_once(THREADS, lambda i, f=rounding: f(x, np.arange(30)).tolist()), want)


def test_formats_made_and_dropped_while_others_are_used() -> None:
    def work(i: int) -> float:
        total = 0.0
        for k in range(30):
            f = hu.Format(5, 2 + k % 3, bias=40 + i)
            total += float(f.round(1.1)) + float(np.array([1.5], hu.bfloat16).astype(hu.float8_e5m2)[0])
        return total

    same(at_once(THREADS, lambda i: work(0)), work(0))
    assert len(at_once(THREADS, work)) == THREADS


def test_the_gil_stays_off() -> None:
    """Where Python has none, importing the extension does not bring it back."""
    enabled = getattr(sys, "_is_gil_enabled", lambda: None)()
    if enabled is None or "free-threading" not in sys.version:
        pytest.skip("this Python has a GIL")
    assert not enabled
