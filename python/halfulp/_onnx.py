"""ONNX: a TensorProto as an array of the format's dtype and back; nothing in it is believed before it is checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from halfulp._bridges import Array, as_array, clean_codes, dense_order, described, format_of, library, no_type
from halfulp._format import Format, formats
from halfulp._packed import pack
from halfulp._packed_array import PackedArray

# TensorProto.DataType of onnx.proto, IR version 14.
_FORMATS = {
    16: "bfloat16", 17: "float8_e4m3fn", 18: "float8_e4m3fnuz", 19: "float8_e5m2", 20: "float8_e5m2fnuz",
    21: "uint4", 22: "int4", 23: "float4_e2m1fn", 24: "float8_e8m0fnu", 25: "uint2", 26: "int2",
    27: "float6_e2m3fn", 28: "float6_e3m2fn",
}  # fmt: skip
# NumPy's own, and the field that holds them where raw_data does not.
_NATIVE = {
    1: ("<f4", "float_data"), 2: ("u1", "int32_data"), 3: ("i1", "int32_data"), 4: ("<u2", "int32_data"),
    5: ("<i2", "int32_data"), 6: ("<i4", "int32_data"), 7: ("<i8", "int64_data"), 9: ("?", "int32_data"),
    10: ("<f2", "int32_data"), 11: ("<f8", "double_data"), 12: ("<u4", "uint64_data"), 13: ("<u8", "uint64_data"),
}  # fmt: skip
_NUMBERS = {name: number for number, name in _FORMATS.items()}
_NATIVE_NUMBERS = {np.dtype(text): number for number, (text, _) in _NATIVE.items()}
_FIELDS = ("raw_data", "float_data", "int32_data", "string_data", "int64_data", "double_data", "uint64_data")
_EXTERNAL = 1  # TensorProto.DataLocation
_MAX_DIMENSIONS = 64  # NumPy's own limit
_MAX_ELEMENTS = 2**60


class _Element(NamedTuple):
    """What one element type means: its format if it has one, the dtype of its stored units, and the bits of a code."""

    format: Format | None
    stored: np.dtype[Any]
    field: str
    bits: int


def from_onnx(tensor: Any) -> Any:
    """The numbers of an ONNX TensorProto as an array of the format's dtype.

    Parameters
    ----------
    tensor : onnx.TensorProto, or its bytes
        Any object with its fields will do. Bytes are parsed by the package onnx.

    Returns
    -------
    ndarray
        Read-only, in the memory of ``raw_data``, where that is how the numbers are stored; else a new one. BFLOAT16 and
        the FLOAT8 types have the dtype of their format, others NumPy's own.
    PackedArray
        For types of less than a byte, which ONNX packs: INT4, UINT4, INT2, UINT2, FLOAT4E2M1, FLOAT6E2M3, FLOAT6E3M2.
        ``p.decode(p.format)`` is an array of its dtype.

    Raises
    ------
    TypeError
        For anything else, and for strings and complex numbers.
    ValueError
        If sizes, numbers or padding bits are not what onnx.proto says, and for data in other files.

    Examples
    --------
    >>> import numpy as np, halfulp as hu
    >>> from types import SimpleNamespace
    >>> x = hu.from_onnx(SimpleNamespace(data_type=17, dims=[3], raw_data=bytes([0x38, 0x7E, 0xB8])))
    >>> x.dtype, x.astype(np.float32).tolist()
    (halfulp.float8_e4m3fn, [1.0, 448.0, -1.0])
    >>> hu.from_onnx(SimpleNamespace(data_type=22, dims=[3], int32_data=[0x21, 0x0F])).decode().tolist()
    [1.0, 2.0, -1.0]
    """
    if isinstance(tensor, bytes | bytearray | memoryview):
        tensor = _parsed(bytes(tensor))
    number = getattr(tensor, "data_type", None)
    if not isinstance(number, int) or not hasattr(tensor, "dims"):
        raise TypeError(f"tensor must be an onnx.TensorProto or its bytes, not {described(tensor)}")
    _check_place(tensor)
    element = _element(number)
    shape = _shape(tensor.dims)
    count = math.prod(shape)
    field, content = _content(tensor, element)
    units = _raw(content, element, count) if field == "raw_data" else _typed(content, element, count, field)
    if element.format is not None and element.bits < 8:
        return _packed(units, shape, element.format)
    if element.stored.kind == "b" and units.view(np.uint8).max(initial=0) > 1:
        raise ValueError("tensor: a BOOL is neither 0 nor 1")
    native = units.astype(element.stored.newbyteorder("="), copy=False)
    return (native if element.format is None else native.view(element.format.dtype)).reshape(shape)


def _parsed(data: bytes) -> Any:
    onnx = library("onnx", "from_onnx of bytes")
    try:
        return onnx.TensorProto.FromString(data)
    except Exception as error:  # of protobuf, which is no dependency either
        raise ValueError(f"tensor: these {len(data)} bytes are no TensorProto ({error})") from error


def _check_place(tensor: Any) -> None:
    if getattr(tensor, "data_location", 0) == _EXTERNAL or len(getattr(tensor, "external_data", ())):
        raise ValueError(
            "tensor: its data lie in another file; read them first, "
            "onnx.external_data_helper.load_external_data_for_tensor(tensor, folder)"
        )
    if hasattr(tensor, "HasField") and tensor.HasField("segment"):
        raise ValueError("tensor: is a segment of a larger one, which onnx.proto leaves open how to put together")


def _element(number: int) -> _Element:
    if number in _FORMATS:
        format = formats[_FORMATS[number]]
        return _Element(format, format.code_dtype.newbyteorder("<"), "int32_data", format.bits)
    if number in _NATIVE:
        stored = np.dtype(_NATIVE[number][0])
        return _Element(None, stored, _NATIVE[number][1], 8 * stored.itemsize)
    raise TypeError(f"tensor: element type {number} has no dtype here; try onnx.numpy_helper.to_array(tensor)")


def _shape(dims: Any) -> tuple[int, ...]:
    shape = tuple(dims)
    if len(shape) > _MAX_DIMENSIONS:
        raise ValueError(f"tensor: has {len(shape)} dimensions, an array has at most {_MAX_DIMENSIONS}")
    if not all(isinstance(size, int) and size >= 0 for size in shape):
        raise ValueError(f"tensor: dims must be sizes, not {list(shape)}")
    if math.prod(size or 1 for size in shape) > _MAX_ELEMENTS:
        raise ValueError(f"tensor: dims {list(shape)} are more than any array has")
    return shape


def _content(tensor: Any, element: _Element) -> tuple[str, Any]:
    """The one field that holds the numbers. An empty tensor has none."""
    filled = [name for name in _FIELDS if len(getattr(tensor, name, ()))]
    if len(filled) > 1:
        raise ValueError(f"tensor: has {' and '.join(filled)}, of which onnx.proto allows one")
    name = filled[0] if filled else element.field
    if name not in ("raw_data", element.field):
        raise ValueError(f"tensor: has {name}, where its element type wants raw_data or {element.field}")
    return name, getattr(tensor, name, ())


def _expected(element: _Element, count: int) -> int:
    return -(-count * element.bits // 8)


def _raw(content: Any, element: _Element, count: int) -> Array:
    if not isinstance(content, bytes | bytearray | memoryview):
        raise TypeError(f"tensor: raw_data must be bytes, not {described(content)}")
    data = np.frombuffer(content, np.uint8)
    if data.size != _expected(element, count):
        raise ValueError(f"tensor: raw_data has {data.size} bytes, dims and type need {_expected(element, count)}")
    return data.view(element.stored)


def _typed(content: Any, element: _Element, count: int, field: str) -> Array:
    """The numbers of a field with one of them per element, or, of 4 and 2 bits, per byte."""
    by_bytes = element.bits in (2, 4)
    want = _expected(element, count) if by_bytes else count
    if not isinstance(content, Sequence) and not hasattr(content, "__len__"):
        raise TypeError(f"tensor: {field} must be a sequence of numbers, not {described(content)}")
    if len(content) != want:
        raise ValueError(f"tensor: {field} has {len(content)} entries, dims and type need {want}")
    if field in ("float_data", "double_data"):
        return np.array(content, element.stored)
    signed = element.format is None and element.stored.kind == "i"
    bits = 8 if by_bytes else 1 if element.stored.kind == "b" else element.bits
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    try:
        wide = np.array(content, np.uint64 if field == "uint64_data" else np.int64)
    except (OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"tensor: {field} are no 64-bit integers ({error})") from error
    if wide.size and not (low <= int(wide.min()) and int(wide.max()) <= high):
        raise ValueError(f"tensor: {field} has {int(wide.min())} to {int(wide.max())}, its type {low} to {high}")
    if element.format is not None and element.bits == 6:
        return pack(wide, 6, order=dense_order(6))
    if element.stored.kind == "f":  # float16, by its bits
        return wide.astype("<u2").view(element.stored)
    return wide.astype(element.stored)


def _packed(data: Array, shape: tuple[int, ...], format: Format) -> PackedArray:
    try:
        return PackedArray(data, shape, format, order=dense_order(format.bits), axis=None)
    except ValueError as error:
        raise ValueError(f"tensor: its {format.name} codes are not packed as onnx.proto says ({error})") from error


def to_onnx(array: Any, name: str = "") -> Any:
    """An array of a format's dtype as an ONNX TensorProto, its numbers in ``raw_data``.

    Parameters
    ----------
    array : ndarray or PackedArray
        Formats of less than a byte are packed, as ONNX wants them.
    name : str
        The tensor's name.

    Returns
    -------
    onnx.TensorProto

    Raises
    ------
    TypeError
        If ONNX, or the version that is installed, has no such type.
    ModuleNotFoundError
        If the package onnx is not installed.

    Examples
    --------
    >>> import numpy as np, halfulp as hu  # doctest: +SKIP
    >>> hu.to_onnx(np.array([1, -1], dtype=hu.float4_e2m1fn), name="w").raw_data  # doctest: +SKIP
    b'\\xa2'
    """
    onnx = library("onnx", "to_onnx")
    if not isinstance(name, str):
        raise TypeError(f"name must be a str, not {described(name)}")
    number, data, shape = _stored(array)
    if number not in onnx.TensorProto.DataType.values():
        raise TypeError(f"array: onnx {onnx.__version__} has no element type {number} ({_FORMATS[number]}) yet")
    tensor = onnx.TensorProto(data_type=number, dims=shape, raw_data=data.tobytes())
    if name:
        tensor.name = name
    return tensor


def _stored(array: Any) -> tuple[int, Array, tuple[int, ...]]:
    if isinstance(array, PackedArray):
        format = array.format
        if not isinstance(format, Format) or _number(format) is None:
            raise TypeError(f"array: ONNX has no type for packed {format.name}; array.packed is its storage")
        return _NUMBERS[format.name], _dense(array.codes(), format), array.shape
    data = as_array(array)
    own = format_of(data.dtype)
    if own is None:
        number = _NATIVE_NUMBERS.get(data.dtype.newbyteorder("<"))
        if number is None:
            raise TypeError(f"array: ONNX has no type for {data.dtype} here; try onnx.numpy_helper.from_array")
        return number, data.astype(data.dtype.newbyteorder("<"), copy=False), data.shape
    number = _number(own)
    if number is None:
        raise no_type("ONNX", own)
    bare = clean_codes(data, own)
    if own.bits < 8:
        return number, _dense(bare, own), data.shape
    return number, bare.astype(bare.dtype.newbyteorder("<"), copy=False), data.shape


def _number(format: Format) -> int | None:
    return _NUMBERS.get(format.name) if formats.get(format.name) is format else None


def _dense(bare: Array, format: Format) -> Array:
    return pack(bare, format.bits, order=dense_order(format.bits), axis=None)
