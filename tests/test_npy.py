"""The .npy and .npz readers meet hostile files: each is read right, or refused with a ValueError that says why."""

from __future__ import annotations

import copy
import io
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from halfulp.io import load, open_tensors
from numpy.typing import NDArray

Array = NDArray[Any]


def put(folder: Path, content: bytes, name: str) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def npy(array: Array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


ARRAYS = {
    "float32": np.array([[1.5, 2], [3, 4], [5, 6]], np.float32),
    "big-endian": np.array([1.5, -2], ">f8"),
    "fortran": np.asfortranarray(np.arange(6, dtype=np.float16).reshape(2, 3)),
    "bool": np.array([True, False]),
    "scalar": np.array(2.5),
    "empty": np.empty((0, 3), np.float32),
    "int8": np.arange(-3, 3, dtype=np.int8),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_npy_and_npz_are_read(case: str, tmp_path: Path) -> None:
    array = ARRAYS[case]
    np.save(tmp_path / "x.npy", array)
    np.savez(tmp_path / "s.npz", a=array, b=array)
    np.savez_compressed(tmp_path / "c.npz", a=array, b=array)
    for got in (
        load(tmp_path / "x.npy")["x"],
        *load(tmp_path / "s.npz").values(),
        *load(tmp_path / "c.npz").values(),
    ):
        assert got.dtype == array.dtype.newbyteorder("=")
        assert got.shape == array.shape
        assert np.array_equal(got, array)
    with open_tensors(tmp_path / "x.npy") as file:
        assert np.array_equal(np.concatenate([*file["x"].chunks(2), np.empty(0)]), array.reshape(-1))


REFUSED = {
    "objects": (np.array([{}], object), "Python objects"),
    "structured": (np.zeros(2, [("a", "f4")]), "structured"),
    "raw": (np.zeros(2, "V2"), "unknown format"),
    "complex": (np.zeros(2, complex), "complex"),
    "text": (np.array(["a"]), "not a number"),
    "dates": (np.array(["2026-01-01"], "M8[D]"), "not a number"),
    "long double": (np.zeros(2, np.longdouble), "at most 64 bits"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_arrays_that_are_no_plain_numbers_are_refused(case: str, tmp_path: Path) -> None:
    array, words = REFUSED[case]
    if array.dtype.itemsize <= 8 and case == "long double":
        pytest.skip("long double is binary64 on this platform")
    with pytest.raises(ValueError, match=words):
        open_tensors(put(tmp_path, npy(array), "x.npy"))
    np.savez(tmp_path / "x.npz", bad=array, good=np.ones(2))
    with open_tensors(tmp_path / "x.npz") as file:
        assert file["good"].read().tolist() == [1, 1]
        with pytest.raises(ValueError, match=words):
            file["bad"].read()


def npy_with(header: str, data: bytes = b"") -> bytes:
    text = header.encode("latin1")
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + data


def described(shape: str, descr: str = "'<f4'", more: str = "") -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}{more}}}\n"


HOSTILE_NPY = {
    "no magic": b"hello world, this is not npy",
    "unknown version": b"\x93NUMPY\x09\0" + bytes(20),
    "negative shape": npy_with(described("(-1,)")),
    "huge shape": npy_with(described("(10**18, 10**18)")),
    "huge literal": npy_with(described("(1000000000000000000, 1000000000000000000)"), b"\0" * 8),
    "boolean shape": npy_with(described("(True,)"), b"\0" * 4),
    "float shape": npy_with(described("(1.0,)"), b"\0" * 4),
    "shape is text": npy_with(described("'ab'")),
    "too many dimensions": npy_with(described("(" + "1," * 65 + ")"), b"\0" * 4),
    "code in the header": npy_with("__import__('os').system('true')\n"),
    "deep nesting": npy_with("(" * 5000 + "\n"),
    "extra key": npy_with(described("(0,)", more=", 'x': 1")),
    "nonsense dtype": npy_with(described("(0,)", "'zz'")),
    "object dtype": npy_with(described("(1,)", "'|O'"), b"\x80\x04N."),
    "nested dtype": npy_with(described("(1,)", "[('a', [('b', '<f4')])]"), b"\0" * 4),
    "subarray": npy_with(described("(1,)", "('<f4', (2,))"), b"\0" * 8),
    "empty dtype": npy_with(described("(1,)", "'V0'")),
    "header too long": npy_with(described("(0,)") + " " * 20_000),
    "data left over": npy_with(described("(1,)"), bytes(5)),
}


@pytest.mark.parametrize("case", HOSTILE_NPY)
def test_hostile_npy_are_refused(case: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"x\.npy: cannot be read as \.npy \(.+\); "):
        load(put(tmp_path, HOSTILE_NPY[case], "x.npy"))
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("a.npy", HOSTILE_NPY[case])
    with pytest.raises(ValueError, match=r"x\.npz: "):
        load(tmp_path / "x.npz")


def test_every_truncation_of_npy_and_npz_is_refused(tmp_path: Path) -> None:
    content = npy(np.arange(3, dtype=np.float32))
    archive = io.BytesIO()
    np.savez_compressed(archive, a=np.arange(3, dtype=np.float32))
    for name, whole in (("x.npy", content), ("x.npz", archive.getvalue())):
        for length in range(len(whole)):
            with pytest.raises(ValueError, match=name):
                load(put(tmp_path, whole[:length], name))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_damaged_npz_reads_or_is_refused(save: Callable[..., None], tmp_path: Path) -> None:
    array = np.linspace(0, 1, 50, dtype=np.float32)
    archive = io.BytesIO()
    save(archive, a=array)
    whole = archive.getvalue()
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 0x41
        try:
            got = load(put(tmp_path, bytes(changed), "x.npz"))
        except ValueError:
            continue
        # Names and dates carry no checksum; the numbers do.
        assert all(np.array_equal(values, array) for values in got.values())


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", npy_with(described("(1000000000000,)"), bytes(100)))
    with pytest.raises(ValueError, match="does not fit"):
        open_tensors(path)
    # A central directory that lies about the size to match the header.
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\1\2") + 24
    content[at : at + 4] = struct.pack("<I", 2**32 - 2)
    with pytest.raises(ValueError, match="cannot be true"):
        open_tensors(put(tmp_path, bytes(content), "x.npz"))


def test_members_that_share_their_name_or_their_bytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", npy(np.zeros(2)))
        archive.writestr("a", npy(np.ones(2)))
    with pytest.raises(ValueError, match="'a' twice"):
        open_tensors(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", npy(np.zeros(100)))
        for name in "bcd":  # the directory lists the same bytes again under other names
            info = archive.infolist()[0]
            archive.filelist.append(copy.copy(info))
            archive.filelist[-1].filename = f"{name}.npy"
    with pytest.raises(ValueError, match="larger than the file"):
        open_tensors(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compression_numpy_never_uses_is_refused(method: int, tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.npy", npy(np.zeros(3)))
    with pytest.raises(ValueError, match="never uses"):
        open_tensors(path)


def test_what_is_no_regular_file_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    for suffix in (".npy", ".npz", ".safetensors"):
        fifo = tmp_path / f"f{suffix}"
        os.mkfifo(fifo)
        with pytest.raises(ValueError, match="is not a regular file"):
            open_tensors(fifo)


def test_a_header_of_gigabytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(b"\x93NUMPY\x02\x00" + (1_900_000_000).to_bytes(4, "little") + b" " * 100)
    with pytest.raises(ValueError, match="its header claims 1900000000 bytes"):
        open_tensors(path)
