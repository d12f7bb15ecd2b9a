"""Threads, forked and other processes give the same bits; ufuncs pickle; no reference is lost."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
import warnings

import halfulp as hu
import numpy as np
import pytest
from arrays import FORMATS, numbers, same, verbs
from numpy.lib.stride_tricks import as_strided
from support import at_once

F = hu.float8_e4m3fn


@pytest.mark.parametrize("f", FORMATS, ids=str)
def test_threads_give_the_same_bits(f: hu.Format) -> None:
    for ufunc, x in verbs(f, "float64", 20_000):
        want = ufunc(x).tobytes()
        assert at_once(8, lambda i, u=ufunc, x=x: u(x).tobytes()) == [want] * 8
    shared = np.zeros(80_000, f.code_dtype)
    x = numbers("float32", 80_000)
    at_once(8, lambda i: f.encode(x[i::8], out=shared[i::8]))
    same(shared, f.encode(x))


def test_the_gil_is_released() -> None:
    """While one thread is inside a long conversion, another runs Python."""
    x = as_strided(numbers("longdouble", 4), (40_000_000,), (0,))
    out = np.zeros(1, np.uint8)
    sink = as_strided(out, x.shape, (0,), writeable=True)
    ticks: list[float] = []
    done = threading.Event()

    def tick() -> None:
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    clock = threading.Thread(target=tick)
    clock.start()
    begun = time.perf_counter()
    F.encode(x[:1000], out=sink[:1000])
    begun = time.perf_counter()
    n = 1 << 20
    while time.perf_counter() - begun < 0.2 and n < x.size:
        n *= 2
        begun = time.perf_counter()
        F.encode(x[:n], out=sink[:n])
    ended = time.perf_counter()
    done.set()
    clock.join()
    assert sum(begun < t < ended for t in ticks) >= 3, f"{len(ticks)} ticks in all, {ended - begun:.3f} s"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_fork() -> None:
    x = numbers("float32", 5000)
    want = [ufunc(x).tobytes() for ufunc in (F.encode, F.round)]
    child = os.fork()
    if child == 0:
        try:
            made = hu.Format(6, 5, bias=9)
            fine = [ufunc(x).tobytes() for ufunc in (F.encode, F.round)] == want and made.round(1.0) == 1
            os._exit(0 if fine and at_once(2, lambda i: F.encode(x).tobytes() == want[0]) == [True, True] else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert F.encode(x).tobytes() == want[0]


MINE = hu.Format(5, 4, bias=11, name="mine")
PICKLED = [
    F,
    hu.float64,
    MINE,
    hu.Format(0, 5, specials="fn"),
    F.codec(rounding="to_odd", overflow="saturate", nan=(0x7F, 0xFF), subnormals="flush_tiny", via="float32"),
    MINE.codec(nan=3),
    hu.presets["ml_dtypes"](hu.float4_e2m1fn),
]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("owner", PICKLED, ids=lambda owner: owner.text)
def test_pickle(owner: hu.Format | hu.Codec, protocol: int) -> None:
    for ufunc in (owner.encode, owner.decode, owner.round):
        assert pickle.loads(pickle.dumps(ufunc, protocol)) is ufunc


def test_pickle_in_another_process() -> None:
    """What one process pickled, another that never made the format unpickles."""
    mine = hu.Format(5, 4, bias=12, name="made_here")
    odd = mine.codec(rounding="to_odd")
    sent = pickle.dumps([mine.encode, odd.round, mine.decode, mine])
    program = (
        "import pickle, sys\n"
        "e, r, d, f = pickle.loads(sys.stdin.buffer.read())\n"
        "assert e is f.encode and d is f.decode and r is f.codec(rounding='to_odd').round\n"
        "print(e(1.7), r(1.01), f.text)"
    )
    done = subprocess.run([sys.executable, "-c", program], input=sent, capture_output=True, check=True)
    want = f"{mine.encode(1.7)} {odd.round(1.01)} {mine.text}"
    assert done.stdout.decode().strip() == want


def test_no_reference_is_leaked() -> None:
    x = np.ones(10, np.float32)
    out = np.zeros(10, np.uint8)
    counted = [x, out, F.encode, x.dtype, out.dtype, out.dtype.type]

    def call() -> None:
        F.encode(x), F.encode(x, out=out), F.encode(x, out)
        for bad in ("a", None, {}):
            with pytest.raises(TypeError):
                F.encode(bad)
        with pytest.raises(ValueError, match="bits above"):
            hu.float4_e2m1fn.decode(np.uint8([0x10]))

    call()
    before = [sys.getrefcount(thing) for thing in counted]
    for _ in range(100):
        call()
    after = [sys.getrefcount(thing) for thing in counted]
    assert all(b - a < 50 for a, b in zip(before, after, strict=True)), (before, after)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_forked_while_another_thread_makes_formats_makes_its_own() -> None:
    stop = threading.Event()

    def make() -> None:
        while not stop.is_set():
            hu.Format(5, 4, bias=61).codec(nan=1)

    thread = threading.Thread(target=make)
    thread.start()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads, which is the point
            for _ in range(8):
                child = os.fork()
                if child == 0:
                    hu.Format(6, 4, bias=11).codec(nan=2)
                    os._exit(7)
                assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    finally:
        stop.set()
        thread.join()
