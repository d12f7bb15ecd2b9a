"""`pack` and `unpack`: codes of any width as dense bits, in every order that files and matrix units use."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
import numpy.typing as npt

from halfulp import _core
from halfulp._parameters import INTEGER_CHARACTERS

Array = npt.NDArray[Any]

# Orders whose storage is words rather than bytes, and the dtype that checkpoints give them.
_WORDS = {"gptq": np.dtype("<i4"), "awq": np.dtype("<i4"), "tf32": np.dtype("<u4")}
_MOST = 2**48  # codes in one array


def pack(codes: object, bits: int, *, order: str, axis: int | None = -1, out: Array | None = None) -> Array:
    """Codes as dense bits.

    Parameters
    ----------
    codes : array_like of integers
        One code per element, of any integer dtype.
    bits : int
        Width of a code.
    order : str
        Where the codes go; there is no default, because the same bytes mean different numbers to different programs.

        ============== =============== ==========================================================================
        order          bits            a code's place
        ============== =============== ==========================================================================
        ``low_first``  1, 2, 4         bytes, first code in the low bits: ONNX, torchao, compressed-tensors FP4,
                                       TransformerEngine, safetensors F4
        ``high_first`` 1, 2, 4         bytes, first code in the high bits: bitsandbytes NF4 and FP4
        ``bitstream``  1 to 64         one after another across bytes, lowest bit first (FP6: 4 codes in 3 bytes)
        ``gguf``       4               blocks of 32 codes in 16 bytes: 0..15 in low nibbles, 16..31 in high ones
        ``gptq``       1 to 8          the bitstream in whole int32 words: GPTQ `qweight` (``axis=0``) and
                                       `qzeros` (``axis=-1``), KIVI, compressed-tensors `pack_to_int32`
        ``awq``        4               int32 words of codes 0 2 4 6 1 3 5 7: AutoAWQ `qweight`, `qzeros`
        ``tf32``       19              uint32 words, the code at the top, 13 zeros below
        ``mma``        4, 6, 8         bytes, E2M1 in bits 5:2, six bits in 5:0: operands of NVIDIA's `mma`
                                       kind `f8f6f4`
        ============== =============== ==========================================================================
    axis : int or None
        The axis to pack along; every row along it is padded with zero bits to whole bytes (words, blocks). None packs
        the flattened array without padding between rows, as ONNX, safetensors and bitsandbytes do.
    out : ndarray, optional
        Where the result goes: C-contiguous, of its shape and dtype.

    Returns
    -------
    ndarray of uint8, or of int32 (uint32 for ``tf32``) where the order is one of words; C-contiguous, its shape that of
    `codes` with the length along `axis` replaced

    Raises
    ------
    ValueError
        If a code has bits above the width (the message shows the first), or if the order does not pack that width.
    TypeError
        If the codes are not integers.

    Examples
    --------
    >>> import halfulp as hu
    >>> hu.pack([1, 2, 3], 4, order="low_first")
    array([33,  3], dtype=uint8)
    >>> [hex(word) for word in hu.pack(range(8), 4, order="awq")]
    ['0x75316420']
    """
    bits = _width(bits)
    unit = words(order, bits)
    array = _narrow(np.asarray(codes), bits)
    if axis is None:
        rows = np.ascontiguousarray(array).reshape(-1)
    else:
        position = checked_axis(axis, array.ndim)
        rows = np.ascontiguousarray(np.moveaxis(array, position, -1))
    if out is not None and np.may_share_memory(out, rows):
        rows = rows.copy()
    shape = (*rows.shape[:-1], _core.packed_bytes(order, bits, rows.shape[-1]) // unit.itemsize)
    is_last = axis is None or position == array.ndim - 1
    packed = checked_out(out, shape, unit) if is_last else np.empty(shape, unit)
    if not _core.pack(order, bits, rows, math.prod(shape[:-1]), packed):
        _complain(array, bits)
    return packed if is_last else _moved(packed, position, out)


def unpack(
    packed: object,
    bits: int,
    shape: int | tuple[int, ...],
    *,
    order: str,
    axis: int | None = -1,
    strict: bool = True,
    out: Array | None = None,
) -> Array:
    """Codes from dense bits.

    Parameters
    ----------
    packed : ndarray of integers, bytes, bytearray or memoryview
        What `pack` gives, of any integer dtype; words are little-endian.
    bits : int
        Width of a code.
    shape : int or tuple of int
        How many codes there are along `axis`, or the shape of all codes.
    order, axis
        As in `pack`.
    strict : bool
        Whether bits that belong to no code must be 0.
    out : ndarray, optional
        Where the result goes: C-contiguous, of its shape and dtype.

    Returns
    -------
    ndarray of uint8, uint16, uint32 or uint64, whichever is the first to hold a code

    Raises
    ------
    ValueError
        If `packed` is not as long as `shape` and `bits` make it, or if a padding bit is set (the message says which).

    Examples
    --------
    >>> import halfulp as hu
    >>> hu.unpack(bytes([0x21, 0x03]), 4, 3, order="low_first")
    array([1, 2, 3], dtype=uint8)
    >>> hu.unpack(bytes([0x21, 0x43]), 4, 3, order="low_first")
    Traceback (most recent call last):
        ...
    ValueError: packed: bit 6 of byte 1 is set and belongs to no code; strict=False ignores it
    """
    bits = _width(bits)
    words(order, bits)
    array = as_words(packed)
    full, position = _shape_of_codes(shape, array, axis)
    rows, count = (1, math.prod(full)) if position is None else rows_along(full, position)
    lead = array.reshape(-1) if position is None else np.moveaxis(array, position, -1)
    data = np.ascontiguousarray(lead).view(np.uint8).reshape(-1)
    check_length(data.size, rows, count, bits, order)
    if strict:
        check_padding(data, rows, count, bits, order)
    if out is not None and np.may_share_memory(out, data):
        data = data.copy()
    is_last = position is None or position == len(full) - 1
    codes = checked_out(out, full, code_dtype(bits)) if is_last else np.empty(rows * count, code_dtype(bits))
    _core.unpack(order, bits, data, rows, codes)
    if position is None or is_last:
        return codes
    return _moved(codes.reshape(*full[:position], *full[position + 1 :], count), position, out)


def words(order: str, bits: int) -> np.dtype[Any]:
    """The dtype of packed storage; an error if there is no such order, or not of that width."""
    if not isinstance(order, str):
        raise TypeError(f"order must be one of {', '.join(map(repr, _core.orders()))}, not {order!r}")
    _core.packing(order, bits)
    return _WORDS.get(order, np.dtype(np.uint8))


def code_dtype(bits: int) -> np.dtype[Any]:
    """The dtype of codes of a width."""
    return np.dtype(f"u{1 if bits <= 8 else 2 if bits <= 16 else 4 if bits <= 32 else 8}")


def as_words(packed: object) -> Array:
    """Packed storage as an array of integers, without a copy if there need not be one."""
    if isinstance(packed, bytes | bytearray | memoryview):
        return np.frombuffer(packed, np.uint8)
    array = np.asanyarray(packed)
    if array.dtype.char not in INTEGER_CHARACTERS or isinstance(packed, list | tuple | int):
        what = type(packed).__name__ if isinstance(packed, list | tuple | int) else f"one of {array.dtype}"
        raise TypeError(f"packed must be bytes or an array of integers, not {what}")
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def checked_out(out: Array | None, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """The array a result goes to: a new one, or the caller's."""
    if out is None:
        return np.empty(shape, dtype)
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be an ndarray, not {type(out).__name__}")
    if out.shape != shape or out.dtype != dtype or not out.flags.c_contiguous or not out.flags.writeable:
        flags = [
            word for word, has in (("contiguous", out.flags.c_contiguous), ("writable", out.flags.writeable)) if not has
        ]
        raise ValueError(
            f"out must be a writable C-contiguous array of shape {shape} and {dtype}, not one of shape {out.shape} and "
            f"{out.dtype}{''.join(f', not {word}' for word in flags)}"
        )
    return out


def rows_along(shape: tuple[int, ...], axis: int) -> tuple[int, int]:
    """How many rows a shape has along an axis, and how long they are."""
    return math.prod(shape[:axis]) * math.prod(shape[axis + 1 :]), shape[axis]


def check_length(have: int, rows: int, count: int, bits: int, order: str) -> None:
    """A ValueError unless there are as many bytes as `rows` of `count` codes need."""
    need = _core.packed_bytes(order, bits, count)
    if have != rows * need:
        each = f" in each of {rows} rows" if rows != 1 else ""
        raise ValueError(
            f"packed: has {have} bytes; {count} codes of {bits} bits{each} in order {order!r} need {rows * need}"
        )


def check_padding(data: Array, rows: int, count: int, bits: int, order: str) -> None:
    """A ValueError that names the first bit that is set and belongs to no code."""
    bit = _core.stray_bit(order, bits, data, rows, count)
    if bit < 8 * data.size:
        row, byte = divmod(bit // 8, data.size // rows)
        where = f" of row {row}" if rows > 1 else ""
        raise ValueError(
            f"packed: bit {bit % 8} of byte {byte}{where} is set and belongs to no code; strict=False ignores it"
        )


def shape_tuple(shape: object) -> tuple[int, ...]:
    """A shape as a tuple of sizes that an array can have."""
    try:
        sizes = tuple(map(operator.index, shape)) if isinstance(shape, tuple | list) else (operator.index(shape),)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"shape must be an integer or a tuple of integers, not {shape!r}") from None
    if any(size < 0 for size in sizes) or math.prod(size for size in sizes if size) > _MOST or len(sizes) > 64:
        raise ValueError(f"shape must be of at most 64 sizes, 0 or more, and 2**48 codes, not {shape!r}"[:200])
    return sizes


def checked_codes(codes: object, bits: int) -> Array:
    """Codes in their own dtype, each of which has no bits above the width."""
    array = _narrow(np.asarray(codes), bits)
    if 8 * array.dtype.itemsize > bits and array.size and int(array.max()) >> bits:
        _complain(array, bits)
    return array


def _narrow(array: Array, bits: int) -> Array:
    """Codes in their own dtype. Those of this dtype already may still be too wide: packing sees that."""
    if array.dtype.char not in INTEGER_CHARACTERS | {"?"} and array.size:
        raise TypeError(f"codes must be integers, not {array.dtype}")
    own = code_dtype(bits)
    other = array.dtype.kind in "iu" and array.dtype != own and array.size
    if other and (int(array.min()) < 0 or int(array.max()) >> bits):
        _complain(array, bits)
    return array.astype(own, copy=False)


def _moved(last: Array, axis: int, out: Array | None) -> Array:
    """The last axis moved to its place."""
    result = np.moveaxis(last, -1, axis)
    if out is None:
        return np.ascontiguousarray(result)
    np.copyto(checked_out(out, result.shape, result.dtype), result)
    return out


def _complain(array: Array, bits: int) -> None:
    wrong = (array < 0) | (array > array.dtype.type(min(2**bits - 1, np.iinfo(array.dtype).max)))
    at = np.unravel_index(int(np.argmax(wrong)), array.shape)
    index = f" at index {', '.join(map(str, at))}" if array.ndim else ""
    raise ValueError(f"codes: {int(array[at]):#x}{index} does not fit in {bits} bits")


def _width(bits: object) -> int:
    try:
        width = operator.index(bits)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"bits must be an integer, not {bits!r}") from None
    if not 1 <= width <= 64:
        raise ValueError(f"bits must be 1 to 64, not {width}")
    return width


def checked_axis(axis: object, ndim: int) -> int:
    """An axis counted from the front."""
    if isinstance(axis, bool) or not isinstance(axis, int | np.integer):
        raise TypeError(f"axis must be an integer or None, not {axis!r}")
    if not -ndim <= axis < ndim:
        what = f"axis {axis} is not one of the {ndim} there are" if ndim else "a single number has no axis"
        raise ValueError(f"axis: {what}; axis=None packs all as one row")
    return int(axis) % ndim


def _shape_of_codes(shape: object, packed: Array, axis: int | None) -> tuple[tuple[int, ...], int | None]:
    """The full shape of the codes, and the axis counted from the front."""
    sizes = shape_tuple(shape)
    if axis is None:
        return sizes, None
    if not isinstance(shape, tuple | list):
        position = checked_axis(axis, packed.ndim)
        return (*packed.shape[:position], sizes[0], *packed.shape[position + 1 :]), position
    position = checked_axis(axis, len(sizes))
    others = packed.shape[:position] + packed.shape[position + 1 :]
    if packed.ndim != len(sizes) or others != sizes[:position] + sizes[position + 1 :]:
        raise ValueError(f"packed: has shape {packed.shape}, codes of shape {sizes} packed along axis {axis} do not")
    return sizes, position
