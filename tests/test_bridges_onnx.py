"""ONNX tensors as arrays of formats' dtypes and back: every code, and nothing believed that was not checked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from bridges import bits, every_code, run_examples
from hypothesis import given, settings
from hypothesis import strategies as st

# onnx.proto, TensorProto.DataType: the number, the format's name, the bits of an element.
CODED = {
    16: ("bfloat16", 16), 17: ("float8_e4m3fn", 8), 18: ("float8_e4m3fnuz", 8), 19: ("float8_e5m2", 8),
    20: ("float8_e5m2fnuz", 8), 21: ("uint4", 4), 22: ("int4", 4), 23: ("float4_e2m1fn", 4),
    24: ("float8_e8m0fnu", 8), 25: ("uint2", 2), 26: ("int2", 2), 27: ("float6_e2m3fn", 6), 28: ("float6_e3m2fn", 6),
}  # fmt: skip
NATIVE = {
    1: ("f4", "float_data"), 2: ("u1", "int32_data"), 3: ("i1", "int32_data"), 4: ("u2", "int32_data"),
    5: ("i2", "int32_data"), 6: ("i4", "int32_data"), 7: ("i8", "int64_data"), 9: ("?", "int32_data"),
    10: ("f2", "int32_data"), 11: ("f8", "double_data"), 12: ("u4", "uint64_data"), 13: ("u8", "uint64_data"),
}  # fmt: skip
WHY = "needs onnx: pip install onnx"


def tensor(number: int, dims: Any, **fields: Any) -> Any:
    return SimpleNamespace(data_type=number, dims=dims, **fields)


def packed_bytes(codes: list[int], width: int) -> bytes:
    """The first code in the lowest bits, as onnx.proto says of 2, 4 and 6 bits."""
    whole = sum(code << (i * width) for i, code in enumerate(codes))
    return whole.to_bytes(-(-len(codes) * width // 8), "little")


@pytest.mark.parametrize("number", CODED)
@pytest.mark.parametrize("odd", [0, 1])
def test_every_code_is_read(number: int, odd: int) -> None:
    name, width = CODED[number]
    fmt = hu.formats[name]
    codes = list(range(1 << width))[odd:]
    if width >= 8:
        raw = np.array(codes, f"<u{width // 8}").tobytes()
        x = hu.from_onnx(tensor(number, [len(codes)], raw_data=raw))
        assert x.dtype is fmt.dtype
        assert x.view(fmt.code_dtype).tolist() == codes
        y = hu.from_onnx(tensor(number, [len(codes)], int32_data=codes))
        assert bits(x) == bits(y)
        assert not x.flags.writeable
        return
    raw = packed_bytes(codes, width)
    p = hu.from_onnx(tensor(number, [len(codes)], raw_data=raw))
    assert p.format is fmt
    assert p.codes().tolist() == codes
    entries = codes if width == 6 else list(raw)
    assert hu.from_onnx(tensor(number, [len(codes)], int32_data=entries)) == p
    assert p.decode(fmt).dtype is fmt.dtype
    assert p.decode(fmt).astype(float).tolist() == p.decode().tolist()


@pytest.mark.parametrize("number", NATIVE)
def test_numbers_that_numpy_has(number: int) -> None:
    dtype, field = NATIVE[number]
    x = np.array([[0, 1, 1], [1, 0, 1]]).astype(dtype)
    y = hu.from_onnx(tensor(number, [2, 3], raw_data=x.tobytes()))
    assert y.dtype == x.dtype
    assert np.array_equal(x, y)
    entries = x.reshape(-1).view("u2").tolist() if dtype == "f2" else x.reshape(-1).tolist()
    z = hu.from_onnx(tensor(number, [2, 3], **{field: entries}))
    assert z.dtype == x.dtype
    assert np.array_equal(x, z)


def test_shapes() -> None:
    assert hu.from_onnx(tensor(17, [], raw_data=b"\x38")).shape == ()
    assert hu.from_onnx(tensor(17, [0, 3])).shape == (0, 3)
    assert hu.from_onnx(tensor(17, [2, 0], raw_data=b"")).shape == (2, 0)
    assert hu.from_onnx(tensor(22, [3, 3], raw_data=bytes(5))).shape == (3, 3)
    assert hu.from_onnx(tensor(22, [0])).shape == (0,)
    assert hu.from_onnx(tensor(22, [], int32_data=[7])).codes() == 7


def test_memory_is_that_of_the_bytes() -> None:
    raw = bytearray(range(16))
    x = hu.from_onnx(tensor(17, [16], raw_data=raw))
    p = hu.from_onnx(tensor(22, [32], raw_data=raw))
    raw[0] = 0x55
    assert x.view(np.uint8)[0] == 0x55
    assert p.codes()[:2].tolist() == [5, 5]


REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "nothing": (None, TypeError, "tensor must be an onnx.TensorProto or its bytes, not NoneType"),
    "an array": (np.zeros(2), TypeError, "tensor must be an onnx.TensorProto or its bytes, not numpy.ndarray"),
    "no dims": (SimpleNamespace(data_type=17), TypeError, "tensor must be an onnx.TensorProto"),
    "undefined": (tensor(0, [1], raw_data=b"\0"), TypeError, "element type 0 has no dtype here"),
    "string": (tensor(8, [1], string_data=[b"a"]), TypeError, "element type 8 has no dtype here; try onnx"),
    "complex": (tensor(14, [1], raw_data=bytes(8)), TypeError, "element type 14 has no dtype here"),
    "from the future": (tensor(99, [1], raw_data=b"\0"), TypeError, "element type 99 has no dtype here"),
    "external": (tensor(17, [1], data_location=1), ValueError, "data lie in another file; read them first"),
    "external, unsaid": (tensor(17, [1], external_data=[1]), ValueError, "data lie in another file"),
    "negative size": (tensor(17, [-1], raw_data=b""), ValueError, r"dims must be sizes, not \[-1\]"),
    "size of text": (tensor(17, ["a"], raw_data=b""), ValueError, r"dims must be sizes, not \['a'\]"),
    "size 1.0": (tensor(17, [1.0], raw_data=b"\0"), ValueError, r"dims must be sizes"),
    "too many sizes": (tensor(17, [1] * 65, raw_data=b"\0"), ValueError, "has 65 dimensions, an array has at most 64"),
    "too large": (tensor(17, [2**40, 2**40], raw_data=b"\0"), ValueError, "more than any array has"),
    "too large but for a 0": (tensor(17, [0, 2**62, 2**62]), ValueError, "more than any array has"),
    "too few bytes": (tensor(16, [3], raw_data=bytes(5)), ValueError, "raw_data has 5 bytes, dims and type need 6"),
    "too many bytes": (tensor(17, [3], raw_data=bytes(4)), ValueError, "raw_data has 4 bytes, dims and type need 3"),
    "no bytes": (tensor(17, [3]), ValueError, "int32_data has 0 entries, dims and type need 3"),
    "nibbles": (tensor(22, [3], raw_data=bytes(3)), ValueError, "raw_data has 3 bytes, dims and type need 2"),
    "padding": (tensor(22, [3], raw_data=b"\0\x10"), ValueError, "its int4 codes are not packed as onnx.proto says"),
    "padding of six": (tensor(27, [1], raw_data=b"\x40"), ValueError, "its float6_e2m3fn codes are not packed as"),
    "two fields": (
        tensor(17, [1], raw_data=b"\0", int32_data=[0]), ValueError, "has raw_data and int32_data, of which onnx.proto",
    ),
    "the wrong field": (
        tensor(17, [1], float_data=[0.0]), ValueError, "has float_data, where its element type wants raw_data",
    ),
    "raw_data is a list": (tensor(17, [1], raw_data=[0]), TypeError, "raw_data must be bytes, not list"),
    "byte of 256": (tensor(17, [1], int32_data=[256]), ValueError, "int32_data has 256 to 256, its type 0 to 255"),
    "byte of -1": (tensor(17, [1], int32_data=[-1]), ValueError, "int32_data has -1 to -1, its type 0 to 255"),
    "six bits": (tensor(27, [1], int32_data=[64]), ValueError, "int32_data has 64 to 64, its type 0 to 63"),
    "int8 of 128": (tensor(3, [1], int32_data=[128]), ValueError, "int32_data has 128 to 128, its type -128 to 127"),
    "bool of 2": (tensor(9, [1], int32_data=[2]), ValueError, "int32_data has 2 to 2, its type 0 to 1"),
    "bool byte of 2": (tensor(9, [1], raw_data=b"\2"), ValueError, "a BOOL is neither 0 nor 1"),
    "a huge number": (tensor(17, [1], int32_data=[2**70]), ValueError, "int32_data are no 64-bit integers"),
    "text for numbers": (tensor(17, [1], int32_data=["a"]), ValueError, "int32_data are no 64-bit integers"),
    "negative for uint64": (tensor(13, [1], uint64_data=[-1]), ValueError, "uint64_data are no 64-bit integers"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_hostile_tensors_are_refused(case: str) -> None:
    bad, kind, message = REFUSED[case]
    with pytest.raises(kind, match=message):
        hu.from_onnx(bad)


numbers = st.integers(-3, 20) | st.integers() | st.floats() | st.none() | st.text(max_size=2) | st.booleans()


@settings(max_examples=300)
@given(
    number=st.integers(-1, 30),
    dims=st.lists(st.integers(0, 4), max_size=3) | st.lists(numbers, max_size=4),
    raw=st.binary(max_size=20),
    entries=st.lists(st.integers(-1, 256), max_size=20) | st.lists(numbers, max_size=5),
    field=st.sampled_from(["raw_data", "int32_data", "float_data", "int64_data", "uint64_data", "double_data"]),
)
def test_random_tensors_are_read_right_or_refused(
    number: int, dims: list[Any], raw: bytes, entries: list[Any], field: str
) -> None:
    try:
        x = hu.from_onnx(tensor(number, dims, **{field: raw if field == "raw_data" else entries}))
    except (TypeError, ValueError):
        return
    assert x.shape == tuple(dims)
    assert number in CODED or number in NATIVE
    if field == "raw_data":
        assert (x.packed if isinstance(x, hu.PackedArray) else x).tobytes() == raw


# -- with the package


@pytest.mark.parametrize("number", CODED)
def test_the_package_reads_and_writes_the_same(number: int) -> None:
    onnx = pytest.importorskip("onnx", reason=WHY)
    helper = pytest.importorskip("onnx.numpy_helper", reason=WHY)
    name, width = CODED[number]
    if number not in onnx.TensorProto.DataType.values():
        pytest.skip(f"onnx {onnx.__version__} has no {name}")
    x = every_code(hu.formats[name])[1:]
    made = hu.to_onnx(x, name="w")
    assert made.data_type == number
    assert made.name == "w"
    assert list(made.dims) == [x.size]
    theirs = helper.to_array(made)  # of ml_dtypes
    assert theirs.dtype.name == name
    own = hu.from_ml_dtypes(theirs)
    clean = own.view(np.uint8) & ((1 << width) - 1) if width < 8 else own.view(np.uint8)  # int4: sign-extended
    assert clean.tobytes() == bits(x)
    again = helper.from_array(theirs, "w")
    assert again.raw_data == made.raw_data
    for sent in (made, again, made.SerializeToString(), bytearray(again.SerializeToString())):
        back = hu.from_onnx(sent)
        assert (back.decode(x.dtype) if width < 8 else back).dtype is x.dtype
        assert (back.codes().tobytes() if width < 8 else bits(back)) == bits(x)
    if width < 8:
        assert hu.to_onnx(hu.from_onnx(made), name="w") == made


@pytest.mark.parametrize("number", NATIVE)
def test_native_numbers_through_the_package(number: int) -> None:
    pytest.importorskip("onnx", reason=WHY)
    helper = pytest.importorskip("onnx.helper", reason=WHY)
    dtype, field = NATIVE[number]
    x = np.array([[0, 1, 1], [1, 0, 1]]).astype(dtype)
    made = hu.to_onnx(x.astype(x.dtype.newbyteorder(">")).T)
    assert made.data_type == number
    assert made.name == ""
    assert np.array_equal(hu.from_onnx(made), x.T)
    typed = helper.make_tensor("t", number, x.shape, x.reshape(-1).tolist())
    assert len(getattr(typed, field)) == x.size
    assert np.array_equal(hu.from_onnx(typed), x)
    assert hu.from_onnx(typed).dtype == x.dtype


@pytest.mark.parametrize("number", CODED)
def test_the_package_fills_typed_fields_the_same(number: int) -> None:
    onnx = pytest.importorskip("onnx", reason=WHY)
    helper = pytest.importorskip("onnx.helper", reason=WHY)
    name, width = CODED[number]
    if number not in onnx.TensorProto.DataType.values():
        pytest.skip(f"onnx {onnx.__version__} has no {name}")
    fmt = hu.formats[name]
    x = every_code(fmt)
    with np.errstate(invalid="ignore"):
        x = x[np.isfinite(x)][: 1 << 10]
    if name == "float8_e8m0fnu":  # onnx 1.23's to_float8e8m0 takes 2^-127, subnormal in binary32, up to 2^-126
        x = x[1:]
    made = helper.make_tensor("t", number, x.shape, x.astype(np.float64).tolist())
    assert made.int32_data
    back = hu.from_onnx(made)
    assert (back.codes().tobytes() if width < 8 else bits(back)) == bits(x)


def test_formats_that_onnx_lacks(fmt: hu.Format) -> None:
    pytest.importorskip("onnx", reason=WHY)
    known = {name for name, _ in CODED.values()} | {"float16", "float32", "float64", "int8", "uint8"}
    x = np.zeros(4, fmt.code_dtype).view(fmt.dtype)
    if fmt.name in known:
        assert hu.to_onnx(x).data_type in {*CODED, *NATIVE}
        return
    with pytest.raises(
        TypeError, match=rf"array: ONNX has no type for {fmt.name}; array\.view\(np\.{fmt.code_dtype}\)"
    ):
        hu.to_onnx(x)
    if fmt.bits < 8:
        with pytest.raises(TypeError, match=f"array: ONNX has no type for packed {fmt.name}; array.packed is its"):
            hu.to_onnx(hu.PackedArray(bytes(fmt.bits), 8, fmt, order="bitstream"))


def test_bits_above_the_width_are_left_out() -> None:
    pytest.importorskip("onnx", reason=WHY)
    x = np.array([0xF1, 0xF2], np.uint8).view(hu.int4.dtype)
    assert hu.to_onnx(x).raw_data == b"\x21"


def test_what_the_package_cannot_hold() -> None:
    onnx = pytest.importorskip("onnx", reason=WHY)
    for x in (np.array(["a"]), np.zeros(2, np.longdouble), np.zeros(2, "c8")):
        with pytest.raises(TypeError, match="array: ONNX has no type for"):
            hu.to_onnx(x)
    with pytest.raises(TypeError, match="array must be an ndarray, not list"):
        hu.to_onnx([1.0])
    with pytest.raises(TypeError, match="name must be a str, not int"):
        hu.to_onnx(np.zeros(2), name=3)
    part = onnx.TensorProto(data_type=17, dims=[1], raw_data=b"\0")
    part.segment.begin = 0
    with pytest.raises(ValueError, match="tensor: is a segment of a larger one"):
        hu.from_onnx(part)


@settings(max_examples=200)
@given(data=st.data())
def test_changed_bytes_are_read_or_refused(data: st.DataObject) -> None:
    pytest.importorskip("onnx", reason=WHY)
    x = every_code(hu.float4_e2m1fn) if data.draw(st.booleans()) else every_code(hu.bfloat16)[:5]
    content = bytearray(hu.to_onnx(x, "w").SerializeToString())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        hu.from_onnx(bytes(content[: data.draw(st.integers(1, len(content)))]))
    except (TypeError, ValueError):
        return


def test_examples() -> None:
    pytest.importorskip("onnx", reason=WHY)
    run_examples(hu.to_onnx)
