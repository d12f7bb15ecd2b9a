"""A safetensors writer that streams, and leaves either the whole new file or nothing."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from halfulp._temporary import replacing, target_of
from halfulp.io.header import MAX_HEADER, TAG_BITS
from halfulp.io.partial import Partial
from halfulp.io.tensor import Array


@dataclass(frozen=True)
class Outgoing:
    """A tensor to be written: ``chunks()`` gives its elements in C order, already as the tag stores them."""

    name: str
    tag: str
    shape: tuple[int, ...]
    chunks: Callable[[], Iterable[Array]]

    @property
    def size_in_bytes(self) -> int:
        """Bytes of data this tensor takes in the file."""
        return math.prod(self.shape) * TAG_BITS[self.tag] // 8


class Written(NamedTuple):
    """How much of a file an interrupted writer had left, or why that could not be continued."""

    kept: int
    refused: str


def write_safetensors(
    path: str | bytes | os.PathLike[str],
    tensors: Sequence[Outgoing],
    metadata: Mapping[str, str],
    *,
    resume: bool = False,
    origin: str = "",
    counts: MutableMapping[str, int] | None = None,
) -> Written:
    """Write `tensors` to `path`, replacing it in one step when everything is safely on disk.

    The unfinished file has a name that one writer at a time may use: what even a power cut leaves can be continued.
    A symbolic link is replaced itself.

    The header lists tensors in the order given. The data lies widest elements first, as the safetensors
    library does it, because PyTorch refuses tensors that are not aligned.

    With `resume`, a file of the same header and `origin` (what the tensors are computed from) that a writer left
    unfinished is continued: tensors that are there already are not computed. What an interruption, Ctrl-C or a full
    disk leaves is then kept. Otherwise nothing is left behind on any error.

    `counts` is for whatever ``chunks()`` counts, by the tensor's name: a tensor that is not computed gets the count
    it had when it was.

    Returns
    -------
    Written
        ``kept``, how many bytes were there already; ``refused``, why those there could not be used, or "".
    """
    counts = {} if counts is None else counts
    target = target_of(path)
    header, laid_out = _laid_out(tensors, metadata)
    try:
        with Partial(target, header + origin.encode("utf-8", "surrogateescape"), resume, counts) as partial:
            partial.write(header)
            for tensor in laid_out:
                if partial.skip(tensor.size_in_bytes):
                    if tensor.name in partial.kept_counts:
                        counts[tensor.name] = partial.kept_counts[tensor.name]
                else:
                    _write_tensor(target, partial, tensor)
            partial.finish()
    except OSError as error:
        if error.filename is None:
            raise OSError(error.errno, error.strerror, str(target)) from error
        raise
    return Written(partial.kept, partial.refused)


def replace_safetensors(
    path: str | bytes | os.PathLike[str], tensors: Sequence[Outgoing], metadata: Mapping[str, str]
) -> None:
    """The same file as of `write_safetensors`, for writers that nobody will continue: the last to finish wins."""
    target = target_of(path)
    header, laid_out = _laid_out(tensors, metadata)
    with replacing(target) as file:
        file.write(header)
        for tensor in laid_out:
            _write_tensor(target, file, tensor)


def _write_tensor(path: Path, file: Partial | BinaryIO, tensor: Outgoing) -> None:
    written = sum(file.write(_little_endian(chunk)) for chunk in tensor.chunks())
    if written != tensor.size_in_bytes:
        what = f"tensor '{tensor.name}' came to {written} bytes, not {tensor.size_in_bytes}"
        raise ValueError(f"{path}: {what}; this is a fault in the caller")


def _laid_out(tensors: Sequence[Outgoing], metadata: Mapping[str, str]) -> tuple[bytes, list[Outgoing]]:
    """What comes before the data, and the tensors in the order of their data."""
    laid_out = sorted(tensors, key=lambda tensor: -TAG_BITS[tensor.tag])
    return _header(tensors, laid_out, metadata), laid_out


def _header(tensors: Sequence[Outgoing], laid_out: Sequence[Outgoing], metadata: Mapping[str, str]) -> bytes:
    if len({tensor.name for tensor in tensors} | {"__metadata__"}) != len(tensors) + 1:
        raise ValueError("tensors to be written need names that differ, and none may be '__metadata__'")
    begin = {}
    end = 0
    for tensor in laid_out:
        begin[tensor.name] = end
        end += tensor.size_in_bytes
    document: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    for tensor in tensors:
        offsets = [begin[tensor.name], begin[tensor.name] + tensor.size_in_bytes]
        document[tensor.name] = {"dtype": tensor.tag, "shape": list(tensor.shape), "data_offsets": offsets}
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    if len(text) > MAX_HEADER:
        raise ValueError(f"tensors to be written need a header of {len(text)} bytes, the limit is {MAX_HEADER}")
    return len(text).to_bytes(8, "little") + text


def _little_endian(chunk: Array) -> Any:
    """The chunk's bytes as a buffer, in the byte order of the file."""
    return np.ascontiguousarray(chunk, chunk.dtype.newbyteorder("<")).reshape(-1).view(np.uint8)
