"""``halfulp vectors``: operands, results and flags of any operation in any format, as a stream."""

from __future__ import annotations

import argparse
import contextlib
import os
import stat
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from halfulp._temporary import replacing, target_of
from halfulp._vectors import Operation, choices, count, vectors
from halfulp.cli.arguments import file_name
from halfulp.cli.ending import sigterm_as_ctrl_c
from halfulp.cli.operation import add_operation, chosen

HELP = "test vectors with flags, for any operation and format"
DESCRIPTION = """\
Write operands, result and exception flags of an operation, one vector a line,
in the order of Berkeley TestFloat. The same words give the same vectors."""
EPILOG = """\
levels
  1           exponents at the ends and around 1, few bits set or clear, paired
  2           more exponents, every significand of one bit or one run of bits
  exhaustive  every code of every operand
  For encode, 1 and 2 are every middle between values of the format, and beside.
flags
  1 inexact, 2 underflow, 4 overflow, 8 divide by zero, 16 invalid
formats of --as
  testfloat   3C 3C 40 00, hexadecimal digits of whole bytes
  hex         0x3c 0x3c 0x40 0x00
  readmemh    3c_3c_40_00, a word a line for Verilog's $readmemh
  csv         a heading, then 0x3c,0x3c,0x40,0x00
  npz         arrays a, b, result, flags; to a file
file of -o
  It replaces an older one when all of it is written. Links, pipes and devices
  are written as they are.
examples
  halfulp vectors add --format float8_e4m3fn --level exhaustive | head
  halfulp vectors fma --format bfloat16 -n 1000 --seed 7 --rounding to_odd
  halfulp vectors multiply --format float8_e4m3fn,float8_e4m3fn,bfloat16
  halfulp vectors encode --format float8_e4m3fn        (from float32)
  halfulp vectors encode --format float64,bfloat16"""
Array = npt.NDArray[Any]
LEVELS: dict[str, int | str] = {"1": 1, "2": 2, "exhaustive": "exhaustive"}
SHAPES = {"testfloat": (b"", b" "), "hex": (b"0x", b" "), "readmemh": (b"", b"_"), "csv": (b"0x", b",")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_operation(parser)
    parser.add_argument("--level", default="1", choices=LEVELS, help="which operands are combined (default 1)")
    parser.add_argument("-n", type=int, metavar="N", help="so many vectors at random instead of every combination")
    parser.add_argument("--seed", type=int, default=0, help="of the random vectors (default 0)")
    parser.add_argument("--as", dest="shape", default="testfloat", choices=[*SHAPES, "npz"], help="see below")
    parser.add_argument("-o", "--output", type=file_name, metavar="FILE", help="a file instead of standard output")


def run(options: argparse.Namespace) -> None:
    """Write the vectors."""
    op = chosen(options)
    if options.n is not None and options.n < 0:
        raise ValueError(f"-n must not be negative, not {options.n}")
    words = op, LEVELS[options.level], options.n, options.seed
    if options.shape == "npz":
        if options.output is None:
            raise ValueError("--as npz needs --output FILE.npz")
        total = count(choices(op, words[1])) if options.n is None else options.n
        with _opened(target_of(options.output)) as file:
            return write_npz(file, op, total, lambda: vectors(*words))
    if options.output is not None:
        with _opened(target_of(options.output)) as file:
            return write(file, op, options.shape, vectors(*words))
    binary: BinaryIO | None = getattr(sys.stdout, "buffer", None)
    write(_Text(sys.stdout) if binary is None else binary, op, options.shape, vectors(*words))
    return None


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """A file that is replaced when all is written; a link, a pipe or a device, such as /dev/stdout, as `>` opens it."""
    if not os.path.lexists(path) or stat.S_ISREG(os.lstat(path).st_mode):
        with sigterm_as_ctrl_c(), replacing(path) as file:
            yield file
    else:
        with path.open("wb") as file:
            yield file


class _Text:
    """A stream of text that takes ASCII bytes."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream = stream

    def write(self, data: bytes) -> None:
        """Write them as text."""
        self.stream.write(data.decode("ascii"))


def write(file: Any, op: Operation, shape: str, chunks: Iterator[list[Array]]) -> None:
    """Lines of hexadecimal fields."""
    prefix, separator = SHAPES[shape]
    if shape == "csv":
        file.write(",".join(op.names).encode() + b"\n")
    for arrays in chunks:
        file.write(lines(arrays, op.bytes, prefix, separator, upper=shape == "testfloat"))


def lines(arrays: Sequence[Array], sizes: Sequence[int], prefix: bytes, separator: bytes, *, upper: bool) -> bytes:
    """All lines of a chunk at once: a table of characters, a row a line."""
    digits = np.frombuffer(b"0123456789ABCDEF" if upper else b"0123456789abcdef", np.uint8)
    rows = arrays[0].size
    columns: list[Array] = []
    for i, (array, size) in enumerate(zip(arrays, sizes, strict=True)):
        before = (separator if i else b"") + prefix
        columns.append(np.broadcast_to(np.frombuffer(before, np.uint8), (rows, len(before))))
        word = array.astype(np.int64).view(np.uint64) if array.dtype.kind in "ib" else array.astype(np.uint64)
        shifts = np.arange(8 * size - 4, -4, -4, dtype=np.uint64)
        columns.append(digits[((word[:, None] >> shifts) & np.uint64(15)).astype(np.intp)])
    columns.append(np.full((rows, 1), ord("\n"), np.uint8))
    return np.concatenate(columns, axis=1).tobytes()


def write_npz(to: BinaryIO, op: Operation, total: int, again: Any) -> None:
    """An array at a time, each made anew, so that memory holds one chunk."""
    with zipfile.ZipFile(to, "w") as archive:
        for i, name in enumerate(op.names):
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                for number, arrays in enumerate(again()):
                    if number == 0:
                        header = {"descr": arrays[i].dtype.str, "fortran_order": False, "shape": (total,)}
                        np.lib.format.write_array_header_1_0(file, header)
                    file.write(np.ascontiguousarray(arrays[i]).tobytes())
