"""A header and bytes in .npz files of our own: written in one step, read as hostile, never unpickled."""

from __future__ import annotations

import io
import json
import math
import os
import stat
import zipfile
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from halfulp._packed import Array
from halfulp._packed_array import PackedArray
from halfulp._temporary import path_of, replacing, target_of

Made = TypeVar("Made")

_VERSION = 1
_MEMBERS = ("header.npy", "packed.npy")
_MAX_HEADER = 10_000  # bytes of JSON, and of an .npy header


def save(array: PackedArray, path: str | bytes | os.PathLike[str]) -> None:
    """Write an array to a file of this very name, replacing it when everything is on disk."""
    document = {
        "halfulp_packed": _VERSION,
        "format": array.format.text,
        "order": array.order,
        "axis": array.axis,
        "shape": list(array.shape),
    }
    write(path, document, array.packed.reshape(-1).view(np.uint8))


def write(path: str | bytes | os.PathLike[str], document: dict[str, object], data: Array) -> None:
    """Write a header and a one-dimensional array of bytes, all or nothing."""
    target = target_of(path)
    header = np.frombuffer(json.dumps(document).encode(), np.uint8)
    if header.size > _MAX_HEADER:
        raise ValueError(f"{target}: the format's text is too long to be read back")
    with replacing(target) as file:
        np.savez(file, header=header, packed=data)


def load(path: str | bytes | os.PathLike[str]) -> PackedArray:
    """Read an array; ValueError says what is wrong with a file."""
    return read(path, "PackedArray.save", _array)


def read(path: str | bytes | os.PathLike[str], writer: str, make: Callable[[Any, Array], Made]) -> Made:
    """What `make` makes of a header and of bytes; ValueError names the function whose file this is not."""
    path = path_of(path)
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{path}: is not a regular file")
    with open(path, "rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                header, packed = (_member(archive, name, status.st_size) for name in _MEMBERS)
            if header.size > _MAX_HEADER:
                raise ValueError("its header is too long")
            return make(json.loads(header.tobytes().decode()), packed)
        except Exception as error:  # what zipfile, NumPy and JSON raise on bytes like these is no closed list
            raise ValueError(f"{path}: is not what {writer} writes ({_one_line(error)})") from error


def _member(archive: zipfile.ZipFile, name: str, file_size: int) -> Array:
    """The bytes of a one-dimensional uint8 array. Stored, not deflated, it cannot be larger than the file."""
    infos = [info for info in archive.infolist() if info.filename == name]
    if len(infos) != 1:
        raise ValueError(f"it has {len(infos)} arrays '{name.removesuffix('.npy')}'")
    info = infos[0]
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size or info.file_size > file_size:
        raise ValueError(f"'{name}' is compressed or of an impossible size")
    data = archive.read(info)
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"'{name}' is .npy version {version}")
    shape, _, dtype = np.lib.format.read_array_header_1_0(file, max_header_size=_MAX_HEADER)
    start = file.tell()
    if dtype != np.dtype(np.uint8) or dtype.names or len(shape) != 1 or shape[0] != len(data) - start:
        raise ValueError(f"'{name}' is not a plain array of bytes")
    array = np.frombuffer(bytearray(memoryview(data)[start:]), np.uint8)
    return array


def _array(document: Any, packed: Array) -> PackedArray:
    shape = checked_shape(document, "halfulp_packed", _VERSION)
    order, axis = document.get("order"), document.get("axis")
    if not isinstance(order, str) or not isinstance(document.get("format"), str):
        raise ValueError("its header has no order or format")
    if axis is not None and type(axis) is not int:
        raise ValueError("its axis is not an integer")
    if math.prod(shape) > 8 * packed.size:
        raise ValueError(f"its {packed.size} bytes hold no array of shape {tuple(shape)}")
    flat = PackedArray(packed, tuple(shape), document["format"], order=order, axis=axis)
    return flat.copy()


def checked_shape(document: Any, kind: str, version: int) -> list[int]:
    """The shape that a header of this kind states."""
    if not isinstance(document, dict) or document.get(kind) != version:
        raise ValueError(f"its header is not of version {version}")
    shape = document.get("shape")
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError("its shape is not a list of sizes")
    return shape


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
