"""Ctrl-C and other signals during long sums and products of matrices: handlers run while they are computed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

if os.name != "posix":
    pytest.skip("needs POSIX signals", allow_module_level=True)

# Each job takes a minute and more where it is not stopped.
JOBS = {
    "steps": "hu.matmul(many, many, format=f, accumulate='sequential')",
    "a_long_row": "hu.sum(line, format=f, accumulate='sequential')",
    "a_long_tree": "hu.sum(line, format=f, accumulate='pairwise')",
    "a_long_row_compensated": "hu.sum(line, format=f, accumulate='kahan')",
    "exact": "hu.sum(np.broadcast_to(np.uint8(0x30), 10**12), format=f)",
    "exact_beyond_binary64": "hu.sum(np.broadcast_to(np.uint32(0x3000), 10**10), format='e11m10:bias=1023:ieee')",
    "small_ones": "hu.dot(np.broadcast_to(line[:2], (5 * 10**8, 2)), line[:2], format=f)",
}
INTERRUPTED = """
import os, signal, sys, threading, time, numpy as np, halfulp as hu
f, line = hu.float8_e4m3fn, np.broadcast_to(np.uint8(0x30), 3 * 10**9)
many = np.full((2500, 2500), 0x30, np.uint8)
hu.set_num_threads(int(sys.argv[1]))
signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell starts in the background ignores it
begun = []
threading.Timer(0.5, lambda: (begun.append(time.monotonic()), os.kill(os.getpid(), signal.SIGINT))).start()
try:
    {job}
except KeyboardInterrupt:
    print(time.monotonic() - begun[0] < 8)
"""
HANDLED = """
import signal, numpy as np, halfulp as hu
calls = []
signal.signal(signal.SIGALRM, lambda *_: calls.append(hu.dot([0x38], [0x38], format=hu.float8_e4m3fn)))
a = np.random.default_rng(1).integers(0, 0x60, (170, 170)).astype(np.uint8)
job = lambda: hu.matmul(a, a, format=hu.float8_e4m3fn, accumulate="kahan", flags=True)
undisturbed = job()
signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
during = len(calls)
disturbed = job()
signal.setitimer(signal.ITIMER_REAL, 0)
print(all(map(np.array_equal, undisturbed, disturbed)), len(calls) - during > 1, set(map(int, calls)))
"""


def child(code: str, *words: str) -> str:
    """What a process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *words], capture_output=True, text=True, check=False, timeout=90
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


@pytest.mark.parametrize("threads", ["1", "2"])
@pytest.mark.parametrize("job", JOBS)
def test_ctrl_c_stops_it(job: str, threads: str) -> None:
    assert child(INTERRUPTED.format(job=JOBS[job]), threads) == "True"


def test_a_handler_that_returns_changes_nothing() -> None:
    assert child(HANDLED) == "True True {56}"
