"""The memory loop: what it costs to read the bytes of a conversion and write its result, computing nothing."""

from __future__ import annotations

import ctypes
import math
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

SOURCE = Path(__file__).with_name("memory_loop.c")
FLAGS = (["-O3", "-march=native"], ["-O3"])

# A call of `repeat` passes over the arrays.
Loop = Callable[[int], None]


@cache
def library() -> ctypes.CDLL | None:
    """The compiled loop, None without a C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / "memory_loop.so"
        for flags in FLAGS:
            command = [compiler, *flags, "-shared", "-fPIC", str(SOURCE), "-o", str(built)]
            if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                return ctypes.CDLL(str(built))
    return None


def describe() -> str:
    """One sentence on what the loop is on this machine."""
    if library() is None:
        return (
            "`np.copyto` of (bytes read + bytes written) / 2 bytes from one warm uint8 array to another,\n"
            "as no C compiler was at hand"
        )
    return (
        "`memory_loop.c`, vector loads of the input's bytes and vector stores of the output's into warm memory, no\n"
        "arithmetic but an xor; with and without non-temporal stores, whichever is faster at that size"
    )


def aligned(count: int, dtype: Any) -> np.ndarray[Any, Any]:
    """An array of zeros, touched, that begins on a multiple of 64 bytes."""
    size = count * np.dtype(dtype).itemsize
    raw = np.zeros(size + 64, np.uint8)
    raw[:] = 0  # fault the pages in
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(dtype)


def loops(source: np.ndarray[Any, Any], result: np.ndarray[Any, Any]) -> dict[str, Loop]:
    """The ways to move these bytes; the limit is the fastest of them."""
    built = library()
    if built is None:
        return {"copyto": _copyto((source.nbytes + result.nbytes) // 2)}
    return {"store": _compiled(built, source, result, 0), "stream": _compiled(built, source, result, 1)}


def _compiled(built: ctypes.CDLL, source: np.ndarray[Any, Any], result: np.ndarray[Any, Any], stream: int) -> Loop:
    start = ctypes.c_void_p(source.ctypes.data)
    end = ctypes.c_void_p(result.ctypes.data)
    size = ctypes.c_size_t(source.nbytes)
    # By their ratio (packed nibbles to float32 are 1 to 8), and a few vectors at a time.
    common = math.gcd(source.nbytes, result.nbytes)
    widths = source.nbytes // common, result.nbytes // common
    while max(widths) < 4:
        widths = 2 * widths[0], 2 * widths[1]

    def run(repeat: int) -> None:
        if built.memory_loop(start, end, size, *widths, stream, repeat):
            raise ValueError(f"memory_loop.c has no loop for {source.dtype} to {result.dtype}")

    return run


def _copyto(size: int) -> Loop:
    source, result = aligned(size, np.uint8), aligned(size, np.uint8)

    def run(repeat: int) -> None:
        for _ in range(repeat):
            np.copyto(result, source)

    return run
