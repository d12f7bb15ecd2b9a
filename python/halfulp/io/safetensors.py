"""Our own safetensors reader: checks everything first, then reads tensors piece by piece with plain reads.

Plain reads rather than a memory map: a mapped file that another process cuts short kills the reader with
SIGBUS, and mapped pages count as this process's memory.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np

import halfulp as hu
from halfulp._usual import usual
from halfulp.io import packed
from halfulp.io.header import MAX_BYTES, MAX_DIMENSIONS, Entry, Header, header_length, parse_header
from halfulp.io.tensor import Array, Tensor, TensorFile, complaint, printable

PLAIN = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip
CODED = {
    "BF16": "bfloat16", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz", "F8_E5M2FNUZ": "float8_e5m2fnuz",
}  # fmt: skip
TAG_OF_FORMAT = {name: tag for tag, name in CODED.items()} | {
    "float64": "F64", "float32": "F32", "float16": "F16", "int8": "I8", "uint8": "U8",
}  # fmt: skip
TAG_OF_DTYPE = {np.dtype(text): tag for tag, text in PLAIN.items()}
UNREADABLE = {"C64": "is complex, halfulp rounds real numbers"}


@dataclass(frozen=True)
class Note:
    """What a halfulp cast wrote about one tensor: how its codes become values again."""

    format: hu.Format
    scale: float
    order: str = ""  # of packed codes
    shape: tuple[int, ...] | None = None  # of codes packed in bytes


def open_safetensors(path: str | Path) -> TensorFile:
    """Open and check a safetensors file; ValueError says what is wrong with it."""
    name = str(path)
    file = Path(path).open("rb", buffering=0)  # noqa: SIM115 (TensorFile.close closes it)
    try:
        size = os.fstat(file.fileno()).st_size
        length = header_length(name, file.read(8), size)
        header = parse_header(name, file.read(length), size)
        notes = read_notes(name, header)
        tensors = [_tensor(name, file, header.data_start, entry, notes.get(entry.name)) for entry in header.entries]
    except BaseException:
        file.close()
        raise
    return TensorFile(name, tensors, header.metadata, file.close)


def read_notes(path: str, header: Header) -> Mapping[str, Note]:
    """The notes of a halfulp cast from the metadata, as doubtful as the rest of the file."""
    text = header.metadata.get("halfulp.tensors")
    if text is None:
        return {}
    entries = {entry.name: entry for entry in header.entries}
    notes = {}
    try:
        document = json.loads(text)
        if not isinstance(document, dict):
            raise ValueError("it is not a JSON object")
        for name, fields in document.items():
            notes[name] = _note(fields, entries.get(name))
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        what = f"its metadata 'halfulp.tensors' is not what halfulp writes ({error})"
        raise complaint(path, what, "remove that entry to read the bare codes") from error
    return notes


@usual
def _note(fields: Any, entry: Entry | None) -> Note:
    if entry is None:
        raise ValueError("it speaks of a tensor that is not there")
    if not isinstance(fields, dict) or not isinstance(fields.get("format"), str):
        raise ValueError("a tensor has no format")
    written = hu.Format(fields["format"])
    scale = float.fromhex(fields.get("scale", "0x1p+0"))
    if not (0 < scale < math.inf):
        raise ValueError(f"the scale {scale} is not a positive number")
    if "order" in fields:
        return _packed_note(fields, entry, written, scale)
    tag = entry.tag
    if tag in packed.TAGS:
        fits = written is hu.formats[packed.TAGS[tag][0]]
    elif tag in CODED:
        fits = written is hu.formats[CODED[tag]]
    else:
        fits = tag in PLAIN and np.dtype(PLAIN[tag]).itemsize == written.code_dtype.itemsize
    if not fits:
        raise ValueError(f"codes of {written.name} cannot be stored as {tag}")
    return Note(written, scale)


def _packed_note(fields: dict[str, Any], entry: Entry, written: hu.Format, scale: float) -> Note:
    order, shape = fields["order"], fields.get("shape", list(entry.shape))
    if order not in packed.ORDERS or (order == "low_first" and written.bits not in (1, 2, 4)) or written.bits > 8:
        raise ValueError(f"codes of {written.name} are not packed in order {order!r}")
    if not isinstance(shape, list) or not all(type(size) is int and 0 <= size <= MAX_BYTES for size in shape):
        raise ValueError("a shape is not a list of sizes")
    if len(shape) > MAX_DIMENSIONS:
        raise ValueError(f"a shape has {len(shape)} dimensions")
    if entry.tag in packed.TAGS:
        fits = written is hu.formats[packed.TAGS[entry.tag][0]] and tuple(shape) == entry.shape
    else:
        need = packed.size_in_bytes(math.prod(shape), written.bits)
        fits = entry.tag == "U8" and need == entry.end - entry.begin
    if not fits:
        raise ValueError(f"packed codes of {written.name} cannot be stored as {entry.tag} of shape {entry.shape}")
    return Note(written, scale, order, tuple(shape))


def coded_format(entry: Entry, note: Note | None) -> hu.Format | None:
    """The format of the codes that a tensor of a code per element holds; None for numbers that NumPy has."""
    if note and not (entry.tag in ("F64", "F32", "F16") and note.scale == 1.0):
        return note.format
    return hu.formats[CODED[entry.tag]] if entry.tag in CODED else None


def _tensor(path: str, file: FileIO, data_start: int, entry: Entry, note: Note | None) -> Tensor:
    if entry.tag in packed.TAGS or (note and note.order):
        return _packed_tensor(path, file, data_start, entry, note)
    coded = coded_format(entry, note)
    if entry.tag in UNREADABLE:
        stored = np.dtype(np.uint8)
    elif coded is not None:
        stored = coded.code_dtype.newbyteorder("<")
    else:
        stored = np.dtype(PLAIN[entry.tag])
    count = (entry.end - entry.begin) // stored.itemsize
    return Tensor(
        name=entry.name, shape=entry.shape, tag=entry.tag, stored=stored, path=path, format=coded,
        scale=note.scale if note else 1.0, unreadable=UNREADABLE.get(entry.tag, ""),
        source=_reader(path, printable(entry.name), file, data_start + entry.begin, stored, count),
    )  # fmt: skip


def _packed_tensor(path: str, file: FileIO, data_start: int, entry: Entry, note: Note | None) -> Tensor:
    name, order = packed.TAGS.get(entry.tag, ("", ""))
    format = note.format if note else hu.formats[name]
    order = note.order if note and note.order else order
    shape = note.shape if note and note.shape is not None else entry.shape
    shown = printable(entry.name)

    def read(first: int, size: int) -> Array:
        return next(_reader(path, shown, file, data_start + entry.begin + first, np.dtype(np.uint8), size)(size))

    source = packed.unpacked_chunks(path, shown, read, format, order, math.prod(shape))
    return Tensor(
        name=entry.name, shape=shape, tag=entry.tag, stored=np.dtype(np.uint8), path=path, format=format,
        scale=note.scale if note else 1.0, source=source, packed_bits=format.bits,
    )  # fmt: skip


def _reader(
    path: str, name: str, file: FileIO, start: int, stored: np.dtype[Any], count: int
) -> Callable[[int], Iterator[Array]]:
    as_read = np.dtype(np.uint8) if stored.kind == "b" else stored  # a byte of 2 is no NumPy bool

    def chunks(elements: int) -> Iterator[Array]:
        for first in range(0, count, elements):
            block = np.empty(min(elements, count - first), as_read)
            file.seek(start + first * stored.itemsize)
            if file.readinto(block.view(np.uint8)) != block.nbytes:  # type: ignore[arg-type]
                raise complaint(path, f"ended while tensor '{name}' was read", "does another program write to it?")
            yield block != 0 if stored.kind == "b" else block.astype(stored.newbyteorder("="), copy=False)

    return chunks
