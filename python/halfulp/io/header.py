"""The header of a safetensors file, read as hostile: nothing in it is believed before it is checked."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from halfulp.io.tensor import complaint, printable

MAX_HEADER = 100_000_000  # the limit of the safetensors library itself
MAX_BYTES = 2**63 - 1
MAX_DIMENSIONS = 64  # NumPy's own limit

# Bits of one element. F4 and F6_* are packed densely, so only whole tensors are a whole number of bytes.
TAG_BITS = {
    "F64": 64, "F32": 32, "F16": 16, "BF16": 16, "C64": 64,
    "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U64": 64, "U32": 32, "U16": 16, "U8": 8, "BOOL": 8,
    "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4,
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One tensor of the header: its dtype tag, shape, and where its bytes begin and end within the data."""

    name: str
    tag: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class Header:
    """A checked header: tensors in the order written, the metadata, and where in the file the data begins."""

    entries: tuple[Entry, ...]
    metadata: Mapping[str, str]
    data_start: int


def header_length(path: str, first_bytes: bytes, file_size: int) -> int:
    """The length of the JSON header, from the first eight bytes of the file."""
    if file_size < 8 or len(first_bytes) < 8:
        raise complaint(
            path,
            f"has only {file_size} bytes, a safetensors file has at least 8",
            "it is cut short or not safetensors",
        )
    length = int.from_bytes(first_bytes[:8], "little")
    if length > MAX_HEADER:
        raise complaint(
            path,
            f"its header would be {length} bytes, the limit is {MAX_HEADER}",
            "it is not a safetensors file",
        )
    if length > file_size - 8:
        raise complaint(
            path,
            f"its header would be {length} bytes, only {file_size - 8} follow",
            "it is cut short; fetch it again",
        )
    return length


def parse_header(path: str, text: bytes, file_size: int) -> Header:
    """Check the JSON header of a file of `file_size` bytes; ValueError for anything the rules forbid."""
    document = _parse_json(path, text)
    metadata = _metadata(path, document.pop("__metadata__", {}))
    data_start = 8 + len(text)
    entries = tuple(_entry(path, name, fields) for name, fields in document.items())
    _check_cover(path, entries, file_size - data_start)
    return Header(entries, metadata, data_start)


def _parse_json(path: str, text: bytes) -> dict[str, Any]:
    def no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        unique = dict(pairs)
        if len(unique) != len(pairs):
            twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
            raise ValueError(f"the name '{printable(twice)}' occurs twice")
        return unique

    def no_constant(word: str) -> None:
        raise ValueError(f"{word} is not JSON")

    cure = "it is damaged or not a safetensors file"
    if not text.startswith(b"{"):
        raise complaint(path, "its header does not begin with '{'", cure)
    try:
        document = json.loads(text.decode("utf-8"), object_pairs_hook=no_duplicates, parse_constant=no_constant)
    except UnicodeDecodeError as error:
        raise complaint(path, f"its header is not UTF-8 at byte {error.start}", cure) from error
    except RecursionError as error:
        raise complaint(path, "its header is nested too deeply", cure) from error
    except ValueError as error:
        raise complaint(path, f"its header is not the JSON it should be ({error})", cure) from error
    return _mapping(path, "its header", document)


def _mapping(path: str, what: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise complaint(path, f"{what} is not a JSON object", "the file breaks the safetensors rules")
    return value


def _well_formed(text: str) -> bool:
    """Whether `text` can be written out again: JSON escapes can smuggle in half a surrogate pair."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _metadata(path: str, value: object) -> dict[str, str]:
    metadata = _mapping(path, "__metadata__", value)
    for key, text in metadata.items():
        if not isinstance(text, str) or not _well_formed(key) or not _well_formed(text):
            raise complaint(
                path,
                f"__metadata__ '{printable(key)}' is not a string",
                "safetensors allows only strings there",
            )
    return metadata


def _entry(path: str, name: str, value: object) -> Entry:
    shown = f"tensor '{printable(name)}'"
    rules = "the file breaks the safetensors rules"
    fields = _mapping(path, shown, value)
    if not _well_formed(name):
        raise complaint(path, f"{shown} has a name that is not Unicode", rules)
    if fields.keys() != {"dtype", "shape", "data_offsets"}:
        listed = ", ".join(printable(key) for key in list(fields)[:8]) or "nothing"
        raise complaint(path, f"{shown} has {listed} where dtype, shape, data_offsets belong", rules)
    tag, shape, offsets = fields["dtype"], fields["shape"], fields["data_offsets"]
    if not isinstance(tag, str) or tag not in TAG_BITS:
        raise complaint(
            path, f"{shown} has the unknown dtype {printable(str(tag))}", f"known are {', '.join(TAG_BITS)}"
        )
    if not _counts(shape) or len(shape) > MAX_DIMENSIONS:
        raise complaint(path, f"{shown} has a shape that is not a list of at most {MAX_DIMENSIONS} sizes", rules)
    if not _counts(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise complaint(path, f"{shown} has data_offsets that are not two ascending positions", rules)
    bits = math.prod(shape) * TAG_BITS[tag]
    if bits > 8 * MAX_BYTES:
        raise complaint(path, f"{shown} has a shape of more than 2^63 bytes", rules)
    if bits != 8 * (offsets[1] - offsets[0]):
        have, want = offsets[1] - offsets[0], bits / 8
        raise complaint(path, f"{shown} has {have} bytes, its shape and dtype need {want:g}", rules)
    return Entry(name, tag, tuple(shape), offsets[0], offsets[1])


def _counts(value: object) -> bool:
    """Whether `value` is a list of non-negative 63-bit integers (JSON true and 1.0 are not integers)."""
    return isinstance(value, list) and all(type(item) is int and 0 <= item <= MAX_BYTES for item in value)


def _check_cover(path: str, entries: tuple[Entry, ...], data_size: int) -> None:
    """The tensors must cover the data exactly: no gap, no overlap, nothing left over."""
    edges = sorted((entry.begin, entry.end, entry.name) for entry in entries)
    ends = [(0, 0, "the start of the data"), *edges]
    for (_, end, before), (begin, _, name) in pairwise(ends):
        if begin != end:
            word = "overlaps" if begin < end else "leaves a gap after"
            cure = "the file breaks the safetensors rules"
            raise complaint(path, f"tensor '{printable(name)}' {word} '{printable(before)}'", cure)
    if ends[-1][1] != data_size:
        what = f"its tensors need {ends[-1][1]} bytes of data, the file has {data_size}"
        raise complaint(path, what, "it is cut short or has been added to; fetch it again")
