"""Safetensors files as arrays of formats' dtypes and back: every code, in mapped memory, and hostile files refused."""

from __future__ import annotations

import gc
import json
import os
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from bridges import bits, every_code
from commands import run
from halfulp.io import load as values_of
from hypothesis import given, settings
from hypothesis import strategies as st

TAGS = {
    "bfloat16": "BF16", "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2", "float8_e8m0fnu": "F8_E8M0",
    "float8_e4m3fnuz": "F8_E4M3FNUZ", "float8_e5m2fnuz": "F8_E5M2FNUZ", "float16": "F16", "float32": "F32",
    "float64": "F64", "int8": "I8", "uint8": "U8", "float4_e2m1fn": "F4", "float6_e2m3fn": "F6_E2M3",
    "float6_e3m2fn": "F6_E3M2",
}  # fmt: skip
PACKED = ("float4_e2m1fn", "float6_e2m3fn", "float6_e3m2fn")


def header(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    document: dict[str, Any] = json.loads(content[8 : 8 + length])
    return document


def raw(entries: dict[str, Any], data: bytes, spaces: int = 0) -> bytes:
    text = json.dumps(entries).encode() + b" " * spaces
    return struct.pack("<Q", len(text)) + text + data


def codes_of(x: Any) -> np.ndarray[Any, Any]:
    if isinstance(x, hu.PackedArray):
        return x.codes()
    format = getattr(x.dtype, "format", None)
    return x if format is None else x.view(format.code_dtype)


@pytest.mark.parametrize("mmap", [True, False])
def test_every_code_comes_and_goes(fmt: hu.Format, mmap: bool, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    x = (np.arange(1 << min(fmt.bits, 16)).astype(fmt.code_dtype) << (fmt.bits - min(fmt.bits, 16))).view(fmt.dtype)
    x = x.reshape(2, -1)
    hu.save_safetensors(path, {"x": x})
    tag = TAGS.get(fmt.name, f"U{8 * fmt.code_dtype.itemsize}")
    assert header(path)["x"]["dtype"] == tag
    read = hu.load_safetensors(path, mmap=mmap)
    assert list(read) == ["x"]
    y = read["x"]
    assert y.shape == x.shape
    assert codes_of(y).tobytes() == codes_of(x).tobytes()
    if fmt.name in PACKED:
        assert y.format is fmt
        assert y.packed.flags.writeable != mmap
        assert y.decode(fmt).dtype is fmt.dtype
    else:
        assert y.dtype is x.dtype or y.dtype == x.dtype
        assert y.flags.writeable != mmap
    assert read.scales == {}
    assert ("halfulp.tensors" in read.metadata) == (fmt.name not in TAGS)
    values = fmt.decode(codes_of(x).view(fmt.code_dtype))
    assert np.array_equal(values_of(path)["x"], values, equal_nan=True)  # the command line's reader


@pytest.mark.parametrize("bits_", range(1, 9))
@pytest.mark.parametrize("shape", [(5,), (3, 3), (4, 8), (0, 3), ()])
def test_packed_arrays_come_and_go(bits_: int, shape: tuple[int, ...], tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    fmt = hu.Format(0, bits_, specials="integer", signed=False)
    rng = np.random.default_rng(bits_)
    codes = rng.integers(0, 1 << bits_, shape, np.uint8)
    order = "high_first" if bits_ in (1, 2, 4) else "bitstream"
    p = hu.PackedArray(hu.pack(codes, bits_, order=order, axis=None), shape, fmt, order=order, axis=None)
    hu.save_safetensors(path, {"p": p})
    q = hu.load_safetensors(path)["p"]
    assert q == p
    assert q.order == ("low_first" if bits_ in (1, 2, 4) else "bitstream")


def test_numbers_that_numpy_has(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    dtypes = ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", ">f4", ">i8")
    arrays = {d: np.array([[0, 1, 3], [2, 0, 1]]).astype(d) for d in dtypes}
    arrays |= {"fortran": np.asfortranarray(arrays["f4"]), "reversed": arrays["i4"][::-1], "scalar": np.array(2.5)}
    arrays |= {"strided": np.arange(20).astype(hu.bfloat16)[::3], "none": np.empty((0, 2), hu.bfloat16.dtype)}
    hu.save_safetensors(path, arrays | {"one": np.float32(1.5)})
    read = hu.load_safetensors(path)
    assert list(read) == [*arrays, "one"]
    for name, x in arrays.items():
        assert read[name].dtype == (x.dtype if hasattr(x.dtype, "format") else x.dtype.newbyteorder("="))
        assert np.array_equal(read[name], x)
    assert read["one"] == 1.5


def test_the_file_is_mapped(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    hu.save_safetensors(path, {"x": every_code(hu.float8_e4m3fn), "p": np.zeros(8, dtype=hu.float4_e2m1fn)})
    mapped, copied = hu.load_safetensors(path), hu.load_safetensors(path, mmap=False)
    with path.open("r+b") as file:
        file.seek(-260, os.SEEK_END)
        file.write(bytes(256 + 4))
    assert set(mapped["x"].view(np.uint8).tolist()) == {0}
    assert mapped["p"].tobytes() == bytes(4)
    assert bits(copied["x"]) == bytes(range(256))
    with pytest.raises(ValueError, match="read-only"):
        mapped["x"][0] = 1


def test_arrays_outlive_the_file_and_the_dictionary(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    hu.save_safetensors(path, {"x": every_code(hu.float8_e4m3fn)})
    x = hu.load_safetensors(path)["x"]
    hu.save_safetensors(path, {"x": np.zeros(256, dtype=hu.float8_e4m3fn)})  # in its place, not into it
    gc.collect()
    path.unlink()
    assert bits(x) == bytes(range(256))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("spaces", range(8))
def test_data_of_any_alignment(spaces: int, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    x, n = every_code(hu.bfloat16), np.arange(5.0)
    entries = {
        "b": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},
        "x": {"dtype": "BF16", "shape": [65536], "data_offsets": [1, 131073]},
        "n": {"dtype": "F64", "shape": [5], "data_offsets": [131073, 131113]},
    }
    path.write_bytes(raw(entries, b"\7" + x.tobytes() + n.tobytes(), spaces))
    read = hu.load_safetensors(path)
    assert bits(read["x"]) == bits(x)
    assert np.array_equal(read["x"].astype(np.float32), x.astype(np.float32), equal_nan=True)
    with np.errstate(invalid="ignore"):  # of signalling NaNs
        assert np.array_equal((read["x"] + 1).astype(np.float32), (x + 1).astype(np.float32), equal_nan=True)
    assert np.array_equal(read["n"], n)


def test_metadata_and_scales(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    x = np.array([1, 2.5], dtype=hu.float8_e4m3fn)
    arrays = {"x": x, "f": np.float32([8, 4]), "p": np.array([1, 2], dtype=hu.float4_e2m1fn), "u": x}
    scales = {"x": 2, "f": 0.25, "p": 4.0}
    hu.save_safetensors(path, arrays, {"step": "7", "halfulp.tensors": "stale", "é": "\n"}, scales=scales)
    read = hu.load_safetensors(path)
    assert read.scales == scales
    assert {k: v for k, v in read.metadata.items() if not k.startswith("halfulp.")} == {"step": "7", "é": "\n"}
    want = {"x": [0.5, 1.25], "f": [32, 16], "p": [0.25, 0.5], "u": [1, 2.5]}
    assert {k: v.tolist() for k, v in values_of(path).items()} == want
    assert read["f"].dtype == np.float32
    hu.save_safetensors(path, read, read.metadata, scales=read.scales)
    assert hu.load_safetensors(path).scales == scales


@pytest.mark.parametrize(
    "name", ["float8_e4m3fn", "float4_e2m1fn", "int4", "bfloat16", "e5m3:bias=15:ieee", "fp24", "float32"]
)
@pytest.mark.parametrize("scale", ["none", "absmax"])
def test_files_of_the_command_line(name: str, scale: str, tmp_path: Path) -> None:
    fmt = hu.Format(name)
    w = np.random.default_rng(1).normal(size=(3, 5)).astype(np.float32)
    hu.save_safetensors(tmp_path / "w.safetensors", {"w": w})
    out = tmp_path / "out.safetensors"
    run("cast", tmp_path / "w.safetensors", "--to", name, "--scale", scale, "-o", out)
    read = hu.load_safetensors(out)
    factor = read.scales.get("w", 1.0)
    assert (factor == 1) == (scale == "none")
    codes = codes_of(read["w"])
    assert np.array_equal(codes.view(fmt.code_dtype), fmt.encode((w.astype(np.float64) * factor).astype(np.float32)))
    assert (read["w"].format is fmt) if fmt.bits < 8 else (read["w"].dtype is fmt.dtype)


REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "a list": ({"x": [1.0]}, TypeError, "tensors: 'x' must be an ndarray or a PackedArray, not list"),
    "objects": ({"x": np.array([None])}, TypeError, "tensors: 'x' is of object, for which safetensors has no tag"),
    "text": ({"x": np.array(["a"])}, TypeError, "tensors: 'x' is of <U1, for which safetensors has no tag"),
    "longdouble": ({"x": np.zeros(1, np.longdouble)}, TypeError, "for which safetensors has no tag"),
    "complex128": ({"x": np.zeros(1, "c16")}, TypeError, "complex128, for which safetensors has no tag"),
    "a record": ({"x": np.zeros(1, "u1,f4")}, TypeError, "for which safetensors has no tag"),
    "a name": ({3: np.zeros(1)}, TypeError, "tensors: a name must be a str, not int"),
    "a surrogate": ({"\ud800": np.zeros(1)}, ValueError, "tensors: a name is not Unicode"),
    "the metadata": ({"__metadata__": np.zeros(1)}, ValueError, "none may be '__metadata__'"),
    "a codebook": (
        {"x": hu.PackedArray.encode(np.zeros(4), hu.nf4, order="low_first")},
        TypeError, "tensors: 'x' is of a codebook, nf4; save its .packed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_written_is_refused_and_nothing_is_left(case: str, tmp_path: Path) -> None:
    tensors, kind, message = REFUSED[case]
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"before")
    with pytest.raises(kind, match=message):
        hu.save_safetensors(path, tensors)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        ({"metadata": {"a": 1}}, TypeError, "metadata: 'a' must be a str, not int"),
        ({"metadata": {1: "a"}}, TypeError, "metadata: a key must be a str, not int"),
        ({"metadata": {"a": "\udfff"}}, ValueError, "metadata: 'a' is not Unicode"),
        ({"scales": {"y": 2.0}}, ValueError, "scales: there is no tensor 'y'"),
        ({"scales": {"x": 0.0}}, ValueError, "scales: 'x' must have a positive, finite number"),
        ({"scales": {"x": float("nan")}}, ValueError, "scales: 'x' must have a positive, finite number"),
        ({"scales": {"x": float("inf")}}, ValueError, "scales: 'x' must have a positive, finite number"),
        ({"scales": {"x": 10**400}}, ValueError, "scales: 'x' must have a positive, finite number"),
        ({"scales": {"x": "2"}}, ValueError, "scales: 'x' must have a positive, finite number"),
        ({"scales": {"i": 2.0}}, ValueError, "scales: tensor 'i' is of int64, which is no format"),
    ],
)
def test_words_that_cannot_be_written(words: Any, kind: type[Exception], message: str, tmp_path: Path) -> None:
    tensors = {"x": np.ones(2, dtype=hu.bfloat16), "i": np.arange(3)}
    with pytest.raises(kind, match=message):
        hu.save_safetensors(tmp_path / "x.safetensors", tensors, **words)
    assert list(tmp_path.iterdir()) == []


def test_a_header_that_no_reader_takes_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("halfulp.io.writer.MAX_HEADER", 100)
    with pytest.raises(ValueError, match=r"need a header of \d+ bytes, the limit is 100"):
        hu.save_safetensors(tmp_path / "x.safetensors", {"x" * 100: np.zeros(1)})
    assert list(tmp_path.iterdir()) == []


def test_bits_above_the_width_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    stray = np.array([0xF1, 0xF2], np.uint8)
    hu.save_safetensors(path, {"i": stray.view(hu.int4.dtype), "f": stray.view(hu.float4_e2m1fn.dtype)})
    assert path.read_bytes().endswith(b"\1\2\x21")


# -- files of others

ONE = {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}


def test_hostile_files_are_refused(tmp_path: Path) -> None:
    """The header's own rules are tested in test_tensors; here, that this reader has them too."""
    path = tmp_path / "x.safetensors"
    cases = {
        b"": "at least 8",
        b"\xff" * 8 + b"{}": "limit",
        raw({"a": ONE}, b"\0"): "need 2 bytes of data, the file has 1",
        raw({"a": ONE, "b": ONE}, b"\0\0"): "'b' overlaps 'a'",
        raw({"a": {**ONE, "shape": [0, 2**62, 2**62], "data_offsets": [0, 0]}}, b""): "tensor 'a'",
        raw({"a": {"dtype": "F4", "shape": [3], "data_offsets": [0, 1]}}, b"\0"): "need 1.5",
        raw({"a": ONE, "__metadata__": {"halfulp.tensors": '{"a": {"format": "fp24"}}'}}, b"\0\0"): "cannot be stored",
        raw({"a": ONE, "__metadata__": {"halfulp.tensors": "{"}}, b"\0\0"): "not what halfulp writes",
        raw(
            {
                "a": {**ONE, "shape": [1], "data_offsets": [0, 1]},
                "__metadata__": {"halfulp.tensors": '{"a": {"format": "int4", "order": "low_first", "shape": [1]}}'},
            },
            b"\x10",
        ): "tensor 'a': ",
    }
    for content, message in cases.items():
        path.write_bytes(content)
        for mmap in (True, False):
            with pytest.raises(ValueError, match=message) as caught:
                hu.load_safetensors(path, mmap=mmap)
            assert str(caught.value).startswith(str(path))


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not a regular file"):
        hu.load_safetensors(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="is not a regular file"):
        hu.load_safetensors(tmp_path / "pipe")
    with pytest.raises(FileNotFoundError):
        hu.load_safetensors(tmp_path / "nothing")


def test_bool_bytes_other_than_one_are_true(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(raw({"b": {"dtype": "BOOL", "shape": [3], "data_offsets": [0, 3]}}, b"\0\1\2"))
    assert hu.load_safetensors(path)["b"].view(np.uint8).tolist() == [0, 1, 1]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "x.safetensors"
    arrays = {"a": every_code(hu.float8_e4m3fn)[:5], "b": np.arange(3).astype(hu.bfloat16), "c": np.arange(4)}
    arrays |= {"d": every_code(hu.float4_e2m1fn)[2:6], "e": np.arange(3).astype(hu.int4), "f": np.ones(3, bool)}
    hu.save_safetensors(path, arrays | {"g": np.arange(3).astype(hu.float6_e2m3fn)}, {"k": "v"})
    return path


@settings(max_examples=300)
@given(data=st.data())
def test_changed_files_are_read_or_refused(data: st.DataObject, sample: Path) -> None:
    content = bytearray(sample.read_bytes())
    end = 8 + int.from_bytes(content[:8], "little")
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, end - 1) | st.integers(0, len(content) - 1))
        content[place] = data.draw(st.sampled_from(b'0123456789[]{},":-e \x00\xff') | st.integers(0, 255))
    cut = data.draw(st.just(len(content)) | st.integers(0, len(content)))
    path = sample.with_name("changed.safetensors")
    path.write_bytes(content[:cut])
    try:
        read = hu.load_safetensors(path)
    except ValueError:
        return
    for x in read.values():
        assert codes_of(x).size == x.size  # all of it is there to be read


# -- other readers and writers


def test_the_safetensors_package_reads_and_writes_the_same(tmp_path: Path) -> None:
    peer = pytest.importorskip("safetensors", reason="needs safetensors: pip install safetensors")
    path = tmp_path / "x.safetensors"
    arrays = {n: every_code(hu.formats[n]) for n in TAGS if hu.formats[n].bits <= 16 and n not in ("uint8", "int8")}
    hu.save_safetensors(path, arrays, {"k": "v"})
    theirs = dict(peer.deserialize(path.read_bytes()))
    assert set(theirs) == set(arrays)
    for name, x in arrays.items():
        assert theirs[name]["dtype"] == TAGS[name]
        assert tuple(theirs[name]["shape"]) == x.shape
        width = hu.formats[name].bits
        data = bytes(theirs[name]["data"])
        assert data == (hu.pack(x.view(np.uint8), width, order="bitstream").tobytes() if width < 8 else bits(x))


def test_torch_reads_and_writes_the_same(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs torch: pip install torch")
    peer = pytest.importorskip("safetensors.torch", reason="needs safetensors: pip install safetensors")
    path = tmp_path / "x.safetensors"
    names = ("bfloat16", "float8_e4m3fn", "float8_e5m2")
    arrays = {n: every_code(hu.formats[n]) for n in names} | {"p": every_code(hu.float4_e2m1fn).reshape(2, 8)}
    hu.save_safetensors(path, arrays)
    theirs = peer.load_file(path)
    for name in names:
        assert theirs[name].dtype == getattr(torch, name)
        assert bits(hu.from_torch(theirs[name])) == bits(arrays[name])
    assert np.array_equal(hu.from_torch(theirs["p"]).codes(), arrays["p"].view(np.uint8))
    peer.save_file({n: hu.to_torch(arrays[n]) for n in names}, path)
    read = hu.load_safetensors(path)
    for name in names:
        assert read[name].dtype is hu.formats[name].dtype
        assert bits(read[name]) == bits(arrays[name])


def test_mappings_and_numbers_of_any_kind(tmp_path: Path) -> None:
    x = np.array([1, 2.5], dtype=hu.bfloat16)
    path = tmp_path / "w.safetensors"
    for wrong in {"tensors": [x]}, {"tensors": {"x": x}, "metadata": "m"}, {"tensors": {"x": x}, "scales": 3}:
        with pytest.raises(TypeError, match="must be a mapping from names"):
            hu.save_safetensors(path, **wrong)
    for scale in np.float32(2), hu.bfloat16.dtype.type(2), Fraction(2):
        hu.save_safetensors(os.fsencode(path), {"x": x}, scales={"x": scale})
        assert hu.load_safetensors(path).scales == {"x": 2.0}
