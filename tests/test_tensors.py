"""The safetensors reader meets hostile files: it reads right or says what is wrong; the writer writes whole or not."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from halfulp.io import Outgoing, Tensor, load, open_tensors, write_safetensors
from halfulp.io.header import parse_header
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

Array = NDArray[Any]


def raw(header: object, data: bytes = b"") -> bytes:
    """A safetensors file with any header at all."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(dtype: object = "F32", shape: object = (2,), offsets: object = (0, 8), **more: object) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets, **more}


def put(folder: Path, content: bytes, name: str = "x.safetensors") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def one(array: Array, tag: str, name: str = "t") -> Outgoing:
    return Outgoing(name, tag, array.shape, lambda: [array.reshape(-1)])


HOSTILE = {
    "empty file": (b"", "at least 8"),
    "seven bytes": (b"\0" * 7, "at least 8"),
    "header beyond the file": (struct.pack("<Q", 100) + b"{}", "cut short"),
    "header one byte beyond": (struct.pack("<Q", 3) + b"{}", "cut short"),
    "header of 2^63": (struct.pack("<Q", 2**63) + b"{}", "limit"),
    "header of 2^64-1": (b"\xff" * 8 + b"{}", "limit"),
    "header just over the limit": (struct.pack("<Q", 100_000_001) + b"{}", "limit"),
    "no header": (raw(b""), "begin with"),
    "leading space": (raw(b" {}"), "begin with"),
    "not UTF-8": (raw(b'{"\xff": 1}'), "not UTF-8"),
    "not JSON": (raw(b"{nope}"), "not the JSON"),
    "JSON and more": (raw(b"{} {}"), "not the JSON"),
    "NaN": (raw(b'{"a": NaN}'), "NaN is not JSON"),
    "deep nesting": (raw(b'{"a":' * 100_000), "nested|JSON"),
    "endless number": (raw(b'{"a": ' + b"9" * 10_000 + b"}"), "not the JSON"),
    "list": (raw(b"[]"), "begin with"),
    "twice the same tensor": (
        raw(
            b'{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'
        ),
        "'a' occurs twice",
    ),
    "twice the same field": (raw(b'{"a":{"dtype":"U8","dtype":"U8"}}'), "'dtype' occurs twice"),
    "half a surrogate pair": (
        raw(b'{"\\ud800":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'),
        "not Unicode",
    ),
    "tensor is a number": (raw({"a": 1}), "not a JSON object"),
    "tensor is a list": (raw({"a": []}), "not a JSON object"),
    "field missing": (raw({"a": {"dtype": "U8", "shape": [0]}}), "dtype, shape, data_offsets"),
    "field too many": (raw({"a": entry(extra=1)}, bytes(8)), "extra"),
    "unknown dtype": (raw({"a": entry("F7")}, bytes(8)), "unknown dtype F7"),
    "dtype is a number": (raw({"a": entry(7)}, bytes(8)), "unknown dtype 7"),
    "dtype is a list": (raw({"a": entry(["F32"])}, bytes(8)), "unknown dtype"),
    "negative size": (raw({"a": entry(shape=[-2])}, bytes(8)), "list of at most 64 sizes"),
    "fractional size": (raw({"a": entry(shape=[2.0])}, bytes(8)), "list of at most 64 sizes"),
    "boolean size": (raw({"a": entry(shape=[True, 2])}, bytes(8)), "list of at most 64 sizes"),
    "shape is a number": (raw({"a": entry(shape=2)}, bytes(8)), "list of at most 64 sizes"),
    "shape is null": (raw({"a": entry(shape=None)}, bytes(8)), "list of at most 64 sizes"),
    "too many dimensions": (raw({"a": entry(shape=[1] * 64 + [2])}, bytes(8)), "list of at most 64 sizes"),
    "size of 2^64": (raw({"a": entry(shape=[2**64])}, bytes(8)), "list of at most 64 sizes"),
    "product of 2^64": (raw({"a": entry(shape=[2**32, 2**32])}, bytes(8)), "more than 2\\^63 bytes"),
    "product wraps to 2": (raw({"a": entry("U8", [2**63 - 1, 2**63 - 1], [0, 1])}, bytes(1)), "more than 2"),
    "negative offset": (raw({"a": entry(offsets=[-8, 0])}, bytes(8)), "two ascending"),
    "offsets descend": (raw({"a": entry(offsets=[8, 0])}, bytes(8)), "two ascending"),
    "three offsets": (raw({"a": entry(offsets=[0, 8, 8])}, bytes(8)), "two ascending"),
    "one offset": (raw({"a": entry(offsets=[8])}, bytes(8)), "two ascending"),
    "text offset": (raw({"a": entry(offsets=["0", 8])}, bytes(8)), "two ascending"),
    "bytes unlike shape": (raw({"a": entry(shape=[3])}, bytes(8)), "8 bytes, its shape and dtype need 12"),
    "bytes more than shape": (raw({"a": entry(shape=[1])}, bytes(8)), "8 bytes, its shape and dtype need 4"),
    "half a byte": (raw({"a": entry("F4", [3], [0, 1])}, bytes(1)), "need 1.5"),
    "beyond the data": (raw({"a": entry()}, bytes(7)), "need 8 bytes of data, the file has 7"),
    "data left over": (raw({"a": entry()}, bytes(9)), "need 8 bytes of data, the file has 9"),
    "data without tensors": (raw({}, b"x"), "need 0 bytes"),
    "gap at the start": (raw({"a": entry(offsets=[1, 9])}, bytes(9)), "leaves a gap"),
    "gap between": (
        raw({"a": entry(), "b": entry(offsets=[9, 17])}, bytes(17)),
        "'b' leaves a gap after 'a'",
    ),
    "overlap": (raw({"a": entry(), "b": entry(offsets=[4, 12])}, bytes(12)), "'b' overlaps 'a'"),
    "same place": (raw({"a": entry(), "b": entry()}, bytes(8)), "'b' overlaps 'a'"),
    "metadata is a list": (raw({"__metadata__": []}), "not a JSON object"),
    "metadata holds a number": (raw({"__metadata__": {"a": 1}}), "not a string"),
    "metadata holds a surrogate": (raw(b'{"__metadata__": {"a": "\\ud800"}}'), "not a string"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_safetensors_are_refused(case: str, tmp_path: Path) -> None:
    content, words = HOSTILE[case]
    path = put(tmp_path, content)
    with pytest.raises(ValueError, match=words) as caught:
        open_tensors(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "; " in message, "says no cure"
    assert message.isprintable()
    assert len(message) < len(str(path)) + 500


NOTES = {
    "not JSON": "{",
    "not an object": "[]",
    "deep": "[" * 100_000,
    "of nothing": '{"b": {"format": "int4", "scale": "0x1p+0"}}',
    "no format": '{"a": {}}',
    "format is a number": '{"a": {"format": 4}}',
    "unknown format": '{"a": {"format": "e99m99"}}',
    "too wide for the codes": '{"a": {"format": "bfloat16"}}',
    "scale zero": '{"a": {"format": "int4", "scale": "0x0p+0"}}',
    "scale negative": '{"a": {"format": "int4", "scale": "-0x1p+0"}}',
    "scale infinite": '{"a": {"format": "int4", "scale": "inf"}}',
    "scale NaN": '{"a": {"format": "int4", "scale": "nan"}}',
    "scale overflows": '{"a": {"format": "int4", "scale": "0x1p99999"}}',
    "scale is a number": '{"a": {"format": "int4", "scale": 2}}',
}


@pytest.mark.parametrize("case", NOTES)
def test_hostile_notes_are_refused(case: str, tmp_path: Path) -> None:
    header = {"__metadata__": {"halfulp.tensors": NOTES[case]}, "a": entry("U8", [2], [0, 2])}
    with pytest.raises(ValueError, match=r"halfulp\.tensors"):
        open_tensors(put(tmp_path, raw(header, b"\1\2")))


def test_codes_that_no_format_has_are_refused_when_read(tmp_path: Path) -> None:
    header = {"__metadata__": {"halfulp.tensors": '{"a": {"format": "int4"}}'}, "a": entry("U8", [2], [0, 2])}
    with (
        open_tensors(put(tmp_path, raw(header, b"\1\x20"))) as file,
        pytest.raises(ValueError, match=r"'a' is not int4.*0x20"),
    ):
        file["a"].read()


def small_file() -> tuple[bytes, dict[str, Array]]:
    arrays = {"w": np.array([1.5, -2.0], np.float32), "i": np.array([[7], [8]], np.int16)}
    header = {"w": entry(), "i": entry("I16", [2, 1], [8, 12])}
    return raw(header, b"".join(a.tobytes() for a in arrays.values())), arrays


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    content, _ = small_file()
    for length in range(len(content)):
        with pytest.raises(ValueError, match=r"x\.safetensors: "):
            load(put(tmp_path, content[:length]))


def test_every_single_byte_change_reads_or_is_refused(tmp_path: Path) -> None:
    content, arrays = small_file()
    intact = 0
    for position in range(len(content)):
        for flip in (0x01, 0x20, 0x80):
            changed = bytearray(content)
            changed[position] ^= flip
            try:
                got = load(put(tmp_path, bytes(changed)))
            except ValueError:
                continue
            intact += 1
            assert [a.size for a in got.values()] == [a.size for a in arrays.values()]
    assert intact >= 3 * 12  # at least every change of a data byte


@settings(max_examples=300)
@given(st.data())
def test_headers_of_random_json_never_crash(data: st.DataObject) -> None:
    numbers = st.integers(-2, 9) | st.integers(2**31, 2**65) | st.booleans() | st.floats(width=16) | st.none()
    fields = st.fixed_dictionaries(
        {},
        optional={
            "dtype": st.sampled_from(["F32", "U8", "F4", "BOOL", "F8_E8M0", "X", 3]),
            "shape": st.lists(numbers, max_size=3) | numbers,
            "data_offsets": st.lists(st.integers(-1, 9) | numbers, max_size=3),
            "more": numbers,
        },
    )
    header = data.draw(st.dictionaries(st.sampled_from("abc") | st.text(max_size=3), fields | numbers, max_size=3))
    text = json.dumps(header).encode()
    size = 8 + len(text) + data.draw(st.integers(0, 9))
    try:
        parsed = parse_header("f", text, size)
    except ValueError:
        return
    assert sum(e.end - e.begin for e in parsed.entries) == size - parsed.data_start
    assert all(type(n) is int and n >= 0 for e in parsed.entries for n in e.shape)


@settings(max_examples=200)
@given(st.binary(max_size=60))
def test_headers_of_random_bytes_never_crash(text: bytes) -> None:
    with pytest.raises(ValueError, match="f: "):
        parse_header("f", b"{" + text + b"!", 200)


PLAIN = {
    "F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32, "I16": np.int16,
    "I8": np.int8, "U64": np.uint64, "U32": np.uint32, "U16": np.uint16, "U8": np.uint8, "BOOL": np.bool_,
}  # fmt: skip
CODED = {
    "BF16": hu.bfloat16, "F8_E4M3": hu.float8_e4m3fn, "F8_E5M2": hu.float8_e5m2, "F8_E8M0": hu.float8_e8m0fnu,
    "F8_E4M3FNUZ": hu.float8_e4m3fnuz, "F8_E5M2FNUZ": hu.float8_e5m2fnuz,
}  # fmt: skip


@pytest.mark.parametrize("tag", PLAIN)
def test_plain_dtypes_round_trip(tag: str, tmp_path: Path) -> None:
    array = np.array([[0, 1, 3], [100, 2, 0]]).astype(PLAIN[tag])
    path = tmp_path / "x.safetensors"
    write_safetensors(path, [one(array, tag)], {})
    got = load(path)["t"]
    assert got.dtype == array.dtype
    assert got.shape == array.shape
    assert got.tobytes() == array.tobytes()


@pytest.mark.parametrize("tag", CODED)
def test_every_code_of_coded_dtypes_is_decoded(tag: str, tmp_path: Path) -> None:
    fmt = CODED[tag]
    codes = np.arange(1 << fmt.bits).astype(fmt.code_dtype)
    path = tmp_path / "x.safetensors"
    write_safetensors(path, [one(codes, tag)], {})
    with open_tensors(path) as file:
        assert file["t"].format == fmt
        assert np.array_equal(file["t"].codes(), codes)
        assert np.array_equal(file["t"].read(), hu.decode(codes, fmt), equal_nan=True)


def test_complex_tensors_are_listed_but_not_read(tmp_path: Path) -> None:
    with open_tensors(put(tmp_path, raw({"c": entry("C64", [1], [0, 8])}, bytes(8)))) as file:
        assert [t.shape for t in file.values()] == [(1,)]
        with pytest.raises(ValueError, match="complex"):
            file["c"].read()


def test_order_and_odd_shapes_are_kept_and_data_is_aligned(tmp_path: Path) -> None:
    arrays = {
        "z": np.array([1, 2, 3], np.uint8),
        "scalar": np.array(2.5),
        "none": np.empty((0, 4), np.float32),
        "a": np.array([[1.0]], np.float32),
    }
    tags = ["U8", "F64", "F32", "F32"]
    path = tmp_path / "x.safetensors"
    write_safetensors(
        path, [one(a, tag, n) for (n, a), tag in zip(arrays.items(), tags, strict=True)], {"k": "v\n\u00e9"}
    )
    with open_tensors(path) as file:
        assert list(file) == list(arrays)
        assert file.metadata == {"k": "v\n\u00e9"}
        for name, array in arrays.items():
            assert file[name].shape == array.shape
            assert np.array_equal(file[name].read(), array)
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    assert length % 8 == 0
    placed = {n: e["data_offsets"][0] for n, e in json.loads(content[8 : 8 + length]).items() if n in arrays}
    assert all(placed[name] % array.itemsize == 0 for name, array in arrays.items())


def test_an_empty_tensor_of_impossible_sizes_is_refused_when_read(tmp_path: Path) -> None:
    path = put(tmp_path, raw({"a": entry("U8", [0, 2**62, 2**62], [0, 0])}))
    with pytest.raises(ValueError, match=r"x\.safetensors: tensor 'a'"):
        load(path)


def test_bool_bytes_other_than_one_are_true(tmp_path: Path) -> None:
    got = load(put(tmp_path, raw({"b": entry("BOOL", [3], [0, 3])}, b"\0\1\2")))["b"]
    assert got.view(np.uint8).tolist() == [0, 1, 1]


def test_a_file_that_shrinks_while_read_is_refused(tmp_path: Path) -> None:
    content, _ = small_file()
    path = put(tmp_path, content)
    with open_tensors(path) as file:
        path.write_bytes(content[:-1])
        with pytest.raises(ValueError, match="does another program write to it"):
            file["i"].read()


def test_chunks_join_to_the_whole(tmp_path: Path) -> None:
    array = np.arange(1000, dtype=np.float32)
    path = tmp_path / "x.safetensors"
    write_safetensors(path, [one(array, "F32")], {})
    with open_tensors(path) as file:
        chunks = list(file["t"].chunks(300))
    assert [c.size for c in chunks] == [300, 300, 300, 100]
    assert np.array_equal(np.concatenate(chunks), array)


def test_the_safetensors_package_reads_and_writes_the_same(tmp_path: Path) -> None:
    peer = pytest.importorskip("safetensors.numpy", reason="the safetensors package is not installed")
    arrays = {
        "b": np.array([True, False]),
        "f": np.array([[1.5], [2.5]], np.float32),
        "i": np.arange(3, dtype=np.int64),
    }
    ours, theirs = tmp_path / "ours.safetensors", tmp_path / "theirs.safetensors"
    tags = {"b": "BOOL", "f": "F32", "i": "I64"}
    write_safetensors(ours, [one(a, tags[n], n) for n, a in arrays.items()], {"made": "here"})
    peer.save_file(arrays, theirs)
    for got in (peer.load_file(ours), load(theirs)):
        assert got.keys() == arrays.keys()
        assert all(np.array_equal(got[n], a) and got[n].dtype == a.dtype for n, a in arrays.items())


# ---- writing


def failing(error: BaseException) -> Outgoing:
    def chunks() -> Iterator[Array]:
        yield np.zeros(1, np.uint8)
        raise error

    return Outgoing("t", "U8", (2,), chunks)


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt(), ValueError("bad")], ids=repr)
def test_a_failed_write_leaves_the_old_file_and_nothing_else(error: BaseException, tmp_path: Path) -> None:
    path = put(tmp_path, b"old")
    with pytest.raises(type(error)):
        write_safetensors(path, [failing(error)], {})
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("size", [1, 3])
def test_a_tensor_of_another_size_than_announced_is_not_written(size: int, tmp_path: Path) -> None:
    liar = Outgoing("t", "U8", (2,), lambda: [np.zeros(size, np.uint8)])
    with pytest.raises(ValueError, match=f"came to {size} bytes, not 2"):
        write_safetensors(tmp_path / "x.safetensors", [liar], {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("names", [["a", "a"], ["__metadata__"]])
def test_names_that_cannot_be_written_are_refused(names: list[str], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="names that differ"):
        write_safetensors(tmp_path / "x.safetensors", [one(np.zeros(1, np.uint8), "U8", n) for n in names], {})
    assert list(tmp_path.iterdir()) == []


def test_written_files_have_ordinary_permissions(tmp_path: Path) -> None:
    plain = put(tmp_path, b"", "plain")
    path = tmp_path / "x.safetensors"
    write_safetensors(path, [], {})
    assert path.stat().st_mode == plain.stat().st_mode


def test_other_suffixes_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="should end in"):
        open_tensors(put(tmp_path, b"", "x.bin"))
    for name in ("no.safetensors", "no.npy", "no.npz"):
        with pytest.raises(FileNotFoundError):
            open_tensors(tmp_path / name)


def test_names_are_safe_to_print(tmp_path: Path) -> None:
    header = {"\x1b[31mred\n": entry("C64", [1], [0, 8])}
    with open_tensors(put(tmp_path, raw(header, bytes(8)))) as file:
        tensor: Tensor = next(iter(file.values()))
        with pytest.raises(ValueError, match="red") as caught:
            tensor.read()
    assert str(caught.value).isprintable()
