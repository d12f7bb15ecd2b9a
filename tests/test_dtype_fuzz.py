"""Every function of NumPy, and every method, on dtypes of formats with hostile arguments: no child may crash.

A plain run makes a third of the calls, each with a format and an array that chance chose; `--thorough` makes all.
"""

from __future__ import annotations

import builtins
import contextlib
import faulthandler
import inspect
import operator
import os
import pickle
import random
import resource
import signal
import tempfile
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import halfulp as hu
import numpy as np
import numpy.lib.recfunctions
import numpy.lib.user_array
import pytest

FORMATS = ("bfloat16", "float4_e2m1fn", "float8_e8m0fnu", "mxint8", "e6m30:bias=31:ieee")
MODULES = {
    "np": np,
    "np.char": np.char,
    "np.ctypeslib": np.ctypeslib,
    "np.dtypes": np.dtypes,
    "np.emath": np.emath,
    "np.fft": np.fft,
    "np.lib": np.lib,
    "np.lib.array_utils": np.lib.array_utils,
    "np.lib.format": np.lib.format,
    "np.lib.mixins": np.lib.mixins,
    "np.lib.npyio": np.lib.npyio,
    "np.lib.recfunctions": np.lib.recfunctions,
    "np.lib.scimath": np.lib.scimath,
    "np.lib.stride_tricks": np.lib.stride_tricks,
    "np.lib.user_array": np.lib.user_array,
    "np.linalg": np.linalg,
    "np.ma": np.ma,
    "np.polynomial.polynomial": np.polynomial.polynomial,
    "np.random": np.random,
    "np.random.Generator": np.random.default_rng(0),
    "np.rec": np.rec,
    "np.strings": np.strings,
    "np.testing": np.testing,
    "operator": operator,
}
# Modules of names that are elsewhere, of exceptions and types, and tools that are no functions of arrays.
NO_MODULES = {"core", "exceptions", "f2py", "typing", "polynomial", "introspect", "matlib", "version", "distutils"}
PYTHON = [
    "abs", "all", "any", "ascii", "bool", "bytearray", "bytes", "complex", "divmod", "enumerate", "filter",
    "float", "format", "frozenset", "hash", "hex", "int", "iter", "len", "list", "map", "max", "memoryview",
    "min", "next", "pow", "range", "repr", "reversed", "round", "set", "slice", "sorted", "str", "sum", "tuple",
    "type", "zip",
]  # fmt: skip
# What changes the process for all calls after it, runs tests or programs, only prints, or takes as much memory as it is
# told to.
SKIPPED = {
    "DataSource", "NumpyVersion", "__class__", "__init__", "__init_subclass__", "__new__", "__subclasshook__",
    "break_cycles", "bytes", "check_support_sve", "clear_and_catch_warnings", "decorate_methods", "get_include",
    "get_state", "info", "jiffies", "measure", "memusage", "run_threaded", "rundocs", "runstring", "seed",
    "set_bit_generator", "set_printoptions", "set_state", "setbufsize", "seterr", "seterrcall", "show_config",
    "show_runtime", "suppress_warnings", "test",
}  # fmt: skip
SECONDS = 0.5  # for one call, then an exception; where none can be raised, the child ends after
PATIENCE = 2.0  # of its processor's time
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
    unaligned = np.zeros(6 * f.code_dtype.itemsize + 1, np.uint8)[1:].view(f.dtype)
    unaligned.flags.writeable = False
    yield "unaligned, fixed", unaligned


def functions() -> Iterator[tuple[str, Any]]:
    for module_name, module in MODULES.items():
        for name in sorted(set(dir(module)) - SKIPPED):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # np.char.chararray
                function = getattr(module, name)
            is_error = inspect.isclass(function) and issubclass(function, BaseException)
            if not name.startswith("_") and callable(function) and not is_error:
                yield f"{module_name}.{name}", function
            if module is np and isinstance(function, np.ufunc):
                for method in ("reduce", "accumulate", "reduceat", "outer", "at"):
                    yield f"np.{name}.{method}", getattr(function, method)
    for name in PYTHON:
        yield f"builtins.{name}", getattr(builtins, name)
    yield "pickle", lambda x: [pickle.loads(pickle.dumps(x, protocol)) for protocol in range(6)]


def calls(f: Callable[..., Any], x: Any) -> Iterator[Callable[[], Any]]:
    other = np.ones(3, hu.float8_e5m2)
    dtype = getattr(x, "dtype", None)
    yield lambda: f(x)
    yield lambda: f(x, x)
    yield lambda: f(x, 1)
    yield lambda: f(x, x, x)
    yield lambda: f((x, x))
    yield lambda: f(x, axis=0)
    yield lambda: f(x, dtype=np.float32)
    yield lambda: f(x, dtype=dtype)
    yield lambda: f(x, out=x)
    yield lambda: f(1.5, x)
    yield lambda: f([1, 2, 3], x)
    yield lambda: f(lambda v: v, 0, x)
    yield lambda: f(x, other)
    yield lambda: f(x, dtype)
    yield lambda: f(x, [0, -1], x)
    yield lambda: f(x, None)
    yield lambda: f(x, "S")
    yield lambda: f(x, dtype=type(dtype))
    yield lambda: f(x, axis=None, keepdims=True, where=False, initial=x)
    yield lambda: f(np.asarray(x, object), x)
    yield lambda: f(np.zeros(3, [("a", dtype), ("b", "O")]))
    yield lambda: f(np.asarray(x)[..., None], np.asarray(x)[None, ...], casting="unsafe")
    yield lambda: f(x, 2**62)
    yield lambda: f("file", x)


def methods(x: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    arguments = [(), (x,), (1,), (0, 1), ("x",), (None,), (x.dtype,), (x, x, x), ("O",), ("S",), ((2,),), (b"ab",)]
    arguments += [(-(2**62),), (slice(None), x), ([0, 2**40], x), (np.zeros(3, bool), x), (type(x.dtype),)]
    for owner, thing in (("", x), (".flat", getattr(x, "flat", x)), (".dtype", x.dtype), (".type", type(x.dtype))):
        for name in sorted(set(dir(thing)) - SKIPPED):
            try:
                method = getattr(thing, name)
            except Exception:
                continue
            for k, given in enumerate(arguments if callable(method) else []):
                yield f"{owner}.{name} {k}", lambda method=method, given=given: method(*given)


def jobs(f: hu.Format) -> Iterator[Job]:
    for shape, x in arrays(f):
        for name, function in functions():
            for k, call in enumerate(calls(function, x)):
                yield f"{f.text} {shape}; {name} {k}", call
        for name, call in methods(x):
            yield f"{f.text} {shape}; {name}", call


def timed_out(*_: Any) -> None:
    raise TimeoutError


def run(batch: list[Job], report: int, folder: str) -> None:
    """In the child: nothing a call raises matters."""
    faulthandler.disable()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.chdir(folder)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_DATA, (4 << 30, 4 << 30))
    signal.signal(signal.SIGALRM, timed_out)
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    for name, job in batch:
        os.write(report, f"{name}\n".encode())
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        signal.setitimer(signal.ITIMER_PROF, PATIENCE)
        try:
            with contextlib.suppress(BaseException):
                repr(job())
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.setitimer(signal.ITIMER_PROF, 0)


def crash_of(batch: list[Job]) -> tuple[str, int] | None:
    """The call that ended a child, and how."""
    read, write = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
            child = os.fork()
        if child == 0:
            os.close(read)
            try:
                run(batch, write, folder)
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


def crashes(chosen: list[Job]) -> list[tuple[str, int]]:
    """All calls that end a child; those after one get a child of their own."""
    found = []
    todo = [chosen[at : at + 500] for at in range(0, len(chosen), 500)]
    while todo:
        batch = todo.pop()
        if crash := crash_of(batch):
            if crash[1] != signal.SIGPROF:
                found.append(crash)
            names = [name for name, _ in batch]
            todo.append(batch[names.index(crash[0]) + 1 :] if crash[0] in names else [])
    return [(name, status) for name, status in found if not is_numpys_own(name)]


def sample() -> list[Job]:
    """A choice of calls, each once, with some format and some array."""
    by_call: dict[str, list[Job]] = {}
    for text in FORMATS:
        for job in jobs(hu.Format(text)):
            by_call.setdefault(job[0].partition("; ")[2], []).append(job)
    chance = random.Random(1)
    return [chance.choice(by_call[name]) for name in chance.sample(sorted(by_call), SAMPLE)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_nothing_crashes(thorough: bool) -> None:
    chosen = [job for text in FORMATS for job in jobs(hu.Format(text))] if thorough else sample()
    assert crashes(chosen) == []


def test_every_module_is_fuzzed() -> None:
    for owner, name in ((np, "np"), (np.lib, "np.lib")):
        modules = {n for n in dir(owner) if inspect.ismodule(getattr(owner, n)) and not n.startswith("_")}
        assert {m for m in modules - NO_MODULES - SKIPPED if f"{name}.{m}" not in MODULES} == set()


def test_a_crash_is_seen() -> None:
    assert not is_numpys_own("bfloat16 1-d; np.add 1")
    bad = [
        ("fine", lambda: 1),
        ("float32 1-d; bad", lambda: os.kill(os.getpid(), signal.SIGSEGV)),
        ("after", lambda: 1),
    ]
    assert crash_of(bad) == ("float32 1-d; bad", signal.SIGSEGV)
    assert crashes(bad * 2) == [("float32 1-d; bad", signal.SIGSEGV)] * 2
