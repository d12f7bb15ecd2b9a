"""A safetensors writer that streams, and leaves either the whole new file or nothing."""

from __future__ import annotations

import contextlib
import json
import math
import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from halfulp.io.header import TAG_BITS
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


def write_safetensors(path: str | Path, tensors: Sequence[Outgoing], metadata: Mapping[str, str]) -> None:
    """Write `tensors` to `path`, replacing it in one step when everything is safely on disk.

    The header lists tensors in the order given. The data lies widest elements first, as the safetensors
    library does it, because PyTorch refuses tensors that are not aligned. On any error, Ctrl-C included,
    nothing is left behind.
    """
    target = Path(path)
    laid_out = sorted(tensors, key=lambda tensor: -TAG_BITS[tensor.tag])
    # In the same directory, since a rename is atomic only within one file system.
    partial = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(_header(tensors, laid_out, metadata))
            for tensor in laid_out:
                written = 0
                for chunk in tensor.chunks():
                    written += file.write(_little_endian(chunk))
                if written != tensor.size_in_bytes:
                    what = f"tensor '{tensor.name}' came to {written} bytes, not {tensor.size_in_bytes}"
                    raise ValueError(f"{path}: {what}; this is a fault in the caller")
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        if isinstance(error, OSError) and error.filename is None:
            raise OSError(error.errno, error.strerror, str(target)) from error
        raise
    _sync_directory(target.parent)


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
    return len(text).to_bytes(8, "little") + text


def _little_endian(chunk: Array) -> Any:
    """The chunk's bytes as a buffer, in the byte order of the file."""
    return np.ascontiguousarray(chunk, chunk.dtype.newbyteorder("<")).reshape(-1).view(np.uint8)


def _sync_directory(folder: Path) -> None:
    """Make the rename itself survive a power cut, where the system lets a directory be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
