"""A format's loops are made when a ufunc is first used with it: however that is, the first time is as any other."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import halfulp as hu
import numpy as np
import pytest

WAYS: dict[str, Callable[[np.ufunc, Any], Any]] = {
    "plainly": lambda u, x: u(*[x] * u.nin),
    "with scalars": lambda u, x: u(*[x[0]] * u.nin),
    "with Python's numbers": lambda u, x: u(x, *[1.0] * (u.nin - 1)),
    "with integers": lambda u, x: u(x, *[np.array([1, 2, 1])] * (u.nin - 1)),
    "with another format": lambda u, x: u(x, *[x.astype(hu.int4)] * (u.nin - 1)),
    "dtype": lambda u, x: u(*[x] * u.nin, dtype=type(x.dtype)),
    "out": lambda u, x: u(*[x] * u.nin, out=(x.copy(),) * u.nout),
    "out of bool": lambda u, x: u(*[x] * u.nin, out=(np.zeros(3, bool),) * u.nout),
    "where": lambda u, x: u(*[x] * u.nin, where=[True, False, True], out=(x.copy(),) * u.nout),
    "reduce": lambda u, x: u.reduce(x),
    "reduce with dtype": lambda u, x: u.reduce(x, dtype=type(x.dtype)),
    "reduce with out": lambda u, x: u.reduce(x, out=np.array(1, x.dtype)),
    "accumulate": lambda u, x: u.accumulate(x),
    "accumulate with out": lambda u, x: u.accumulate(x, out=x.copy()),
    "reduceat": lambda u, x: u.reduceat(x, [0, 1]),
    "outer": lambda u, x: u.outer(x, x),
    "at": lambda u, x: u.at(x.copy(), [0], *[x[:1]] * (u.nin - 1)),
}


def ufuncs() -> list[np.ufunc]:
    found = {u for u in vars(np).values() if isinstance(u, np.ufunc) and u.signature is None and u.nin <= 3}
    return sorted(found, key=lambda u: u.__name__)


def fresh_formats(count: int) -> Iterator[hu.Format]:
    """Formats that no test has used."""
    return (hu.Format(5, 5, bias=100 + k) for k in range(count))


def tried(call: Callable[[], Any]) -> Any:
    try:
        with np.errstate(all="ignore"):
            results = call()
    except Exception as error:
        return type(error), str(error)
    results = results if isinstance(results, tuple) else (results,)
    return [(r.dtype, r.tobytes()) if r is not None else None for r in results]


def check(way: str) -> None:
    for ufunc, f in zip(ufuncs(), fresh_formats(len(ufuncs())), strict=True):
        x = (np.arange(3, dtype=f.code_dtype) * 40).view(f.dtype)
        first, second = (tried(lambda u=ufunc, x=x: WAYS[way](u, x)) for _ in range(2))
        assert first == second, (way, ufunc)


@pytest.mark.parametrize("way", WAYS)
def test_the_first_time(way: str) -> None:
    """In a process of its own, as formats are used for good."""
    code = "import sys; sys.path[:0] = sys.argv[1:2]; import test_dtype_first_use as t; t.check(sys.argv[2])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent), way], capture_output=True, timeout=300, text=True
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_formats_are_cheap_until_used() -> None:
    """Time and memory of a dtype: a few named formats exist. (So far to each other format there is a cast.)"""
    code = """
import halfulp as hu, resource
formats = [hu.Format(5, 6, bias=100 + k) for k in range(40)]
def size(): return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 1024
for f in formats[:10]: f.dtype
before = size()
for f in formats[10:]: f.dtype
print((size() - before) / 30)
"""
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs Linux")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=100, text=True, check=True)
    assert float(done.stdout) < 64  # KiB


def test_the_first_time_in_several_threads_at_once() -> None:
    errors: list[BaseException] = []

    def work(start: threading.Barrier, f: hu.Format) -> None:
        try:
            start.wait()
            x = np.array([0, 0, 0], f.code_dtype).view(f.dtype)
            for ufunc in (np.add, np.sqrt, np.isnan, np.maximum, np.less, np.frexp):
                ufunc(*[x] * ufunc.nin)
        except BaseException as error:
            errors.append(error)

    for k in range(30):
        f, start = hu.Format(4, 6, bias=200 + k), threading.Barrier(4)
        threads = [threading.Thread(target=work, args=(start, f)) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert not errors
