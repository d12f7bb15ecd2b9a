"""Every function of NumPy, and every method, on dtypes of formats with hostile arguments: no child may crash.

A plain run takes a fixed sample of the calls, `--thorough` all of them.
"""

from __future__ import annotations

import contextlib
import faulthandler
import inspect
import os
import random
import resource
import signal
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import halfulp as hu
import numpy as np
import pytest

FORMATS = ("bfloat16", "float4_e2m1fn", "float8_e8m0fnu", "mxint8", "e6m30:bias=31:ieee")
MODULES = {
    "np": np,
    "np.linalg": np.linalg,
    "np.fft": np.fft,
    "np.ma": np.ma,
    "np.strings": np.strings,
    "np.random": np.random,
    "np.lib.stride_tricks": np.lib.stride_tricks,
    "np.testing": np.testing,
}
# What reads or writes files, settings or NumPy's random state, which these break for all calls after them.
SKIPPED = {
    "DataSource", "__class__", "__init__", "__init_subclass__", "__new__", "__subclasshook__", "break_cycles",
    "bytes", "dump", "fromfile", "fromregex", "genfromtxt", "get_include", "get_printoptions", "get_state", "info",
    "load", "loadtxt", "measure", "memmap", "rundocs", "runstring", "save", "savetxt", "savez", "savez_compressed",
    "seed", "set_bit_generator", "set_printoptions", "set_state", "setbufsize", "seterr", "seterrcall", "show_config",
    "show_runtime", "test", "tofile",
}  # fmt: skip
SECONDS = 0.5  # for one call
SAMPLE = 15_000  # calls of a plain run
Job = tuple[str, Callable[[], Any]]


def arrays(f: hu.Format) -> Iterator[tuple[str, Any]]:
    rng = np.random.default_rng(0)

    def codes(*shape: int) -> Any:
        return rng.integers(0, 256, size=shape).astype(f.code_dtype).view(f.dtype)

    yield "empty", np.empty(0, f.dtype)
    yield "0-d", codes(1)[0:1].reshape(())
    yield "scalar", codes(1)[0]
    yield "1-d", codes(5)
    yield "2-d", codes(3, 4)
    yield "strided", codes(20)[::-3]
    yield "3-d", codes(2, 3, 2).transpose(2, 0, 1)
    yield "square", codes(3, 3)
    yield "long", codes(3000)


def functions() -> Iterator[tuple[str, Any]]:
    for module_name, module in MODULES.items():
        for name in sorted(set(dir(module)) - SKIPPED):
            function = getattr(module, name)
            is_error = inspect.isclass(function) and issubclass(function, BaseException)
            if not name.startswith("_") and callable(function) and not is_error:
                yield f"{module_name}.{name}", function


def calls(f: Callable[..., Any], x: Any) -> Iterator[Callable[[], Any]]:
    yield lambda: f(x)
    yield lambda: f(x, x)
    yield lambda: f(x, 1)
    yield lambda: f(x, x, x)
    yield lambda: f((x, x))
    yield lambda: f(x, axis=0)
    yield lambda: f(x, dtype=np.float32)
    yield lambda: f(x, dtype=getattr(x, "dtype", None))
    yield lambda: f(x, out=x)
    yield lambda: f(1.5, x)
    yield lambda: f([1, 2, 3], x)
    yield lambda: f(lambda v: v, 0, x)


def jobs(f: hu.Format) -> Iterator[Job]:
    for shape, x in arrays(f):
        for name, function in functions():
            for k, call in enumerate(calls(function, x)):
                yield f"{f.text} {name} {shape} {k}", call
        arguments = [(), (x,), (1,), (0, 1), ("x",), (None,), (f.dtype,), (x, x, x), ("O",), ("S",), ((2,),), (b"ab",)]
        for name in sorted(set(dir(x)) - SKIPPED):
            try:
                method = getattr(x, name)
            except Exception:
                continue
            for k, given in enumerate(arguments if callable(method) else []):
                yield f"{f.text} .{name} {shape} {k}", lambda method=method, given=given: method(*given)


def timed_out(*_: Any) -> None:
    raise TimeoutError


def run(batch: list[Job], report: int) -> None:
    """In the child: nothing a call raises matters."""
    faulthandler.disable()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (4 << 30, 4 << 30))
    signal.signal(signal.SIGALRM, timed_out)
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    for name, job in batch:
        os.write(report, f"{name}\n".encode())
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            with contextlib.suppress(BaseException):
                repr(job())
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def crash_of(batch: list[Job]) -> tuple[str, int] | None:
    """The call that ended a child, and how."""
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
        child = os.fork()
    if child == 0:
        os.close(read)
        try:
            run(batch, write)
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as lines:
        names = lines.read().splitlines()
    _, status = os.waitpid(child, 0)
    return (names[-1] if names else "?", status) if status else None


def is_numpys_own(name: str) -> bool:
    """Whether the same call with float32 crashes as well, as `nancumsum(x, out=x)` of no dimensions does in 2.4."""
    twin = f"float32 {name.split(' ', 1)[1]}"
    return crash_of([job for job in jobs(hu.float32) if job[0] == twin]) is not None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("text", FORMATS)
def test_nothing_crashes(text: str, thorough: bool) -> None:
    every = list(jobs(hu.Format(text)))
    random.Random(text).shuffle(every)
    chosen = every if thorough else every[: SAMPLE // len(FORMATS)]
    crashes = [found for at in range(0, len(chosen), 500) if (found := crash_of(chosen[at : at + 500]))]
    assert [(name, status) for name, status in crashes if not is_numpys_own(name)] == []


def test_a_crash_is_seen() -> None:
    assert not is_numpys_own("bfloat16 np.add 1-d 1")
    assert crash_of([("fine", lambda: 1), ("bad", lambda: os.kill(os.getpid(), signal.SIGSEGV))]) == ("bad", 11)
