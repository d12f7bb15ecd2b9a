"""Readers for .npy and .npz: numpy's own parsers, never pickle, no number believed before it is checked."""

from __future__ import annotations

import io
import math
import tokenize
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from halfulp.io.tensor import Array, Tensor, TensorFile, complaint, printable

# What a damaged header makes numpy.lib.format, zipfile and zlib raise, besides the ValueError they should.
BROKEN = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, SyntaxError, tokenize.TokenError,
    OverflowError, MemoryError, RecursionError, EOFError, RuntimeError, NotImplementedError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
HEADER_LIMIT = 10_000  # as numpy.load
DEFLATE_LIMIT = 1040  # deflate cannot shrink anything more than about 1032 times


def open_npy(path: str | Path) -> TensorFile:
    """Open one .npy array, named after the file. (Plain reads: see the safetensors reader.)"""
    name = str(path)
    try:
        with warnings.catch_warnings(), Path(path).open("rb") as file:
            warnings.simplefilter("ignore")
            stored, shape, fortran = _array_header(file)
            _check_dtype(stored)
            start = file.tell()
            have = file.seek(0, 2) - start
            if have != math.prod(shape) * stored.itemsize:
                raise ValueError(f"its header promises {math.prod(shape) * stored.itemsize} bytes, {have} follow")
    except BROKEN as error:
        raise complaint(
            name,
            f"cannot be read as .npy ({_one_line(error)})",
            "save it as a plain float array with numpy.save, or as safetensors",
        ) from error

    count = math.prod(shape)

    def in_file_order(elements: int) -> Iterator[Array]:
        with Path(path).open("rb", buffering=0) as file:
            file.seek(start)
            for first in range(0, count, elements):
                block = np.empty(min(elements, count - first) * stored.itemsize, np.uint8)
                if file.readinto(block) != block.nbytes:  # type: ignore[arg-type]
                    raise complaint(name, "ended while it was read", "does another program write to it?")
                yield _elements(block, stored)

    chunks = _row_major(in_file_order, shape, stored) if fortran else in_file_order
    tensor = Tensor(Path(path).stem, shape, stored.str, stored, chunks, name)
    return TensorFile(name, [tensor], {}, lambda: None)


def open_npz(path: str | Path) -> TensorFile:
    """Open an .npz archive; its members are decompressed piece by piece, never as a whole."""
    name = str(path)
    archive = None
    try:
        archive = zipfile.ZipFile(name)
        size = Path(path).stat().st_size
        if sum(info.compress_size for info in archive.infolist()) > size:
            raise ValueError("its members together are larger than the file")
        tensors = [_member(name, archive, info) for info in archive.infolist()]
        if twice := [tensor for tensor, count in Counter(t.name for t in tensors).items() if count > 1]:
            raise ValueError(f"it holds '{printable(twice[0])}' twice")
    except BaseException as error:
        if archive is not None:
            archive.close()
        if isinstance(error, BROKEN):
            what = f"cannot be read as .npz ({_one_line(error)})"
            raise complaint(name, what, "save it again with numpy.savez") from error
        raise
    return TensorFile(name, tensors, {}, archive.close)


def _member(path: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Tensor:
    shown = printable(info.filename)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"'{shown}' is compressed in a way numpy never uses")
    if info.file_size > DEFLATE_LIMIT * (info.compress_size + 64):
        raise ValueError(f"'{shown}' claims {info.file_size} bytes out of {info.compress_size}, which cannot be true")
    try:
        with warnings.catch_warnings(), archive.open(info) as file:
            warnings.simplefilter("ignore")
            stored, shape, fortran = _array_header(file)
            start = file.tell()
    except (*BROKEN, OSError) as error:  # OSError: offsets in the directory that lie before the file
        raise ValueError(f"'{shown}': {_one_line(error)}") from error
    name = info.filename.removesuffix(".npy")
    if math.prod(shape) * stored.itemsize != info.file_size - start and not stored.hasobject:
        raise ValueError(f"'{shown}': its header does not fit its {info.file_size} bytes")
    unreadable = _refusal(stored)
    source = _member_chunks(path, archive, info, start, stored, shape if fortran else None)
    return Tensor(name, shape, stored.str, stored, source, path, unreadable=unreadable)


def _member_chunks(
    path: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo, start: int, stored: np.dtype[Any],
    fortran_shape: tuple[int, ...] | None,
) -> Callable[[int], Iterator[Array]]:  # fmt: skip
    count = (info.file_size - start) // max(stored.itemsize, 1)

    def in_file_order(elements: int) -> Iterator[Array]:
        try:
            with archive.open(info) as file:
                file.read(start)
                for first in range(0, count, elements):
                    want = min(elements, count - first) * stored.itemsize
                    data = file.read(want)
                    if len(data) != want:
                        raise EOFError("it ends too early")
                    yield _elements(np.frombuffer(data, np.uint8), stored)
                file.read(1)  # reaching the end makes zipfile compare the checksum
        except (*BROKEN, OSError) as error:
            what = f"member '{printable(info.filename)}' is damaged ({_one_line(error)})"
            raise complaint(path, what, "fetch it again") from error

    return in_file_order if fortran_shape is None else _row_major(in_file_order, fortran_shape, stored)


def _elements(data: Array, stored: np.dtype[Any]) -> Array:
    """Bytes as elements in this machine's order; any byte but 0 is true."""
    elements: Array = data != 0 if stored.kind == "b" else data.view(stored)
    return elements.astype(stored.newbyteorder("="), copy=False)


def _row_major(
    in_file_order: Callable[[int], Iterator[Array]], shape: tuple[int, ...], stored: np.dtype[Any]
) -> Callable[[int], Iterator[Array]]:
    """Column-major data has to be held whole to be walked row by row."""

    def chunks(elements: int) -> Iterator[Array]:
        whole = np.empty(math.prod(shape), stored.newbyteorder("="))
        at = 0
        for part in in_file_order(elements):
            whole[at : at + part.size] = part
            at += part.size
        flat = whole.reshape(shape, order="F").flat
        for first in range(0, whole.size, elements):
            yield np.asarray(flat[first : first + elements])

    return chunks


def _array_header(file: IO[bytes]) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, fortran, stored = np.lib.format.read_array_header_1_0(_bounded_header(file, 2))
    elif version == (2, 0):
        shape, fortran, stored = np.lib.format.read_array_header_2_0(_bounded_header(file, 4))
    else:
        raise ValueError(f"version {version} is for structured arrays, which have no single number per element")
    if any(type(size) is not int or size < 0 for size in shape) or len(shape) > 64:
        raise ValueError(f"the shape {printable(str(shape))} is impossible")
    return stored, shape, fortran


def _bounded_header(file: IO[bytes], length_bytes: int) -> IO[bytes]:
    """The length and the header, read only if the length is believable: numpy reads first and looks then."""
    prefix = file.read(length_bytes)
    length = int.from_bytes(prefix, "little")
    if length > HEADER_LIMIT:
        raise ValueError(f"its header claims {length} bytes; numpy writes at most {HEADER_LIMIT}")
    return io.BytesIO(prefix + file.read(length))


def _check_dtype(stored: np.dtype[Any]) -> None:
    if refusal := _refusal(stored):
        raise ValueError(f"it {refusal}")


def _refusal(stored: np.dtype[Any]) -> str:
    """Why arrays of this dtype cannot be read, or nothing."""
    if stored.hasobject:
        return "holds Python objects, which only pickle can read and halfulp never does"
    if stored.names is not None or stored.subdtype is not None:
        return "is structured; save each field as an array of its own"
    if stored.kind == "V":
        return f"holds raw {stored.itemsize}-byte items of an unknown format (NumPy saves ml_dtypes arrays so)"
    if stored.kind == "c":
        return "is complex, halfulp rounds real numbers"
    if stored.kind not in "fiub" or stored.itemsize > 8:
        return f"has dtype {stored}, which is not a number of at most 64 bits"
    return ""


def _one_line(error: BaseException) -> str:
    """The first line of an error's text, shortened; its type where it has no text."""
    lines = printable(str(error).partition("\n")[0])
    return lines or type(error).__name__
