"""`PackedArray.save` and `load`: what is written is read back, and files that lie are refused."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packed_cases import E2M1, KINDS, packed, random_codes


def test_save_and_load(tmp_path: Path) -> None:
    for k, (fmt, order) in enumerate(KINDS):
        for axis in (0, -1, None):
            a = packed(fmt, order, random_codes(fmt, (5, 7)), axis=axis)
            path = tmp_path / f"{k}.packed"
            a.save(path)
            b = hu.PackedArray.load(path)
            assert a == b
            assert (b.order, b.axis, b.format, b.packed.dtype) == (a.order, a.axis, a.format, a.packed.dtype)
            b[0] = 0  # it is one's own
    assert np.load(tmp_path / "0.packed")["packed"].dtype == np.uint8
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(f"{k}.packed" for k in range(len(KINDS)))


def test_a_save_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.npz"
    packed(E2M1, "low_first", np.zeros(3, np.uint8)).save(path)
    before = path.read_bytes()

    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space"):
        packed(E2M1, "low_first", np.ones(3, np.uint8)).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


GOOD = {"halfulp_packed": 1, "format": "int4", "order": "low_first", "axis": 0, "shape": [5]}


def archive(
    document: Any, storage: Any = b"\x21\x43\x05", compression: int = zipfile.ZIP_STORED, **more: bytes
) -> bytes:
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w", compression) as out:
            for name, data in {"header": text, "packed": storage}.items():
                member = io.BytesIO()
                np.save(member, np.frombuffer(data, np.uint8) if isinstance(data, bytes) else data)
                out.writestr(f"{name}.npy", member.getvalue())
            for name, raw in more.items():
                out.writestr(f"{name}.npy", raw)
        return file.getvalue()


def npy(text: str, data: bytes = b"") -> bytes:
    header = text.encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


def hostile() -> Iterator[tuple[str, bytes]]:
    yield "empty", b""
    yield "not a zip", b"PK\x03\x04 nonsense"
    yield "no members", archive(GOOD)[:-30]
    yield "deflated", archive(GOOD, compression=zipfile.ZIP_DEFLATED)
    yield "objects", archive(GOOD, np.array([{}, 1], dtype=object))
    yield "floats", archive(GOOD, np.zeros(3))
    yield "two dimensions", archive(GOOD, np.zeros((3, 1), np.uint8))
    for field in GOOD:
        yield (
            f"no {field}",
            archive({k: v for k, v in GOOD.items() if k != field} | ({"axis": "x"} if field == "axis" else {})),
        )
    for field, values in {
        "halfulp_packed": [2, "1", None],
        "format": [4, "int5", "e5m3:bias=x", "float8_e4m3fn", None],
        "order": ["high", 3, "awq", None],
        "axis": [1, -2, 1.0, True, "0"],
        "shape": [[6, 2], [7], [4], [-5], [5.0], 5, None, [2**63], [2**40] * 8, [[5]], [1] * 70, [0] * 9],
    }.items():
        for value in values:
            yield f"{field} {value}", archive(GOOD | {field: value})
    for text in (b"", b"[]", b"3", b"\xff\xfe", b"{" * 5000, b'{"halfulp_packed": 1}', b" " * 20000):
        yield f"header {text[:10]!r}", archive(text)
    yield "padding", archive(GOOD, b"\x21\x43\x15")
    good = archive(GOOD)
    for at in range(0, len(good), 3):
        yield f"cut at {at}", good[:at]
    huge = "{'descr': '|u1', 'fortran_order': False, 'shape': (%d,), }\n"
    for size in (2**62, 2**31, 4, 2, -3):
        with io.BytesIO() as file:
            with zipfile.ZipFile(file, "w") as out:
                out.writestr("header.npy", npy(huge % len(json.dumps(GOOD)), json.dumps(GOOD).encode()))
                out.writestr("packed.npy", npy(huge % size, b"\x21\x43\x05"))
            yield f"npy of {size}", file.getvalue()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_hostile_files(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(archive(GOOD))
    assert hu.PackedArray.load(path).codes().tolist() == [1, 2, 3, 4, 5]
    for what, data in hostile():
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"a\.npz: is not") as caught:
            pytest.fail(f"{what}: {hu.PackedArray.load(path)}")
        assert "\n" not in str(caught.value), what
    with pytest.raises(FileNotFoundError):
        hu.PackedArray.load(tmp_path / "none.npz")


@given(st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), min_size=1, max_size=4))
def test_damaged_files(changes: list[tuple[int, int]]) -> None:
    import tempfile

    data = bytearray(archive(GOOD))
    for at, byte in changes:
        data[at % len(data)] = byte
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.npz"
        path.write_bytes(data)
        try:
            array = hu.PackedArray.load(path)
        except ValueError:
            return
        assert array.size <= 6


def test_codebooks_of_ones_own(tmp_path: Path) -> None:
    book = hu.Codebook([-1, 0, 1], thresholds=[-0.5, 0.5], ties="toward_zero")
    array = hu.PackedArray.encode(np.float32([0.1, 1, -1]), book, order="low_first")
    array.save(tmp_path / "a.npz")
    assert hu.PackedArray.load(tmp_path / "a.npz") == array
    assert hu.PackedArray.load(tmp_path / "a.npz").format is book


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path, Path("/dev/null")):
        with pytest.raises(ValueError, match="is not a regular file"):
            hu.PackedArray.load(path)
    with pytest.raises(FileNotFoundError):
        hu.PackedArray.load(tmp_path / "none")


@pytest.mark.parametrize(
    "text", ["{'descr': (", "(", "'''", "  x\n y\n", "if\n  x:\n y", "{'descr': ',', 'shape': (6,)}"]
)
def test_headers_that_numpy_trips_over(text: str, tmp_path: Path) -> None:
    header = text.encode().ljust(117) + b"\n"
    member = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(6)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("header.npy", member)
        archive.writestr("packed.npy", member)
    with pytest.raises(ValueError, match=r"a\.npz: is not what PackedArray\.save writes"):
        hu.PackedArray.load(tmp_path / "a.npz")
