"""Results too large for the caches, which are stored past them: the same bits as in pieces, and nothing beside them."""

from __future__ import annotations

from typing import Any

import halfulp as hu
import numpy as np
import pytest

Array = np.ndarray[Any, Any]
COUNT = (13 << 20) + 77  # elements; with those of float32 read, each test moves more than 48 MiB
PIECE = 1 << 20


def numbers() -> Array:
    """Every kind of binary32, NaN and Inf among them, in no order."""
    return (np.arange(COUNT, dtype=np.uint32) * np.uint32(2654435761)).view(np.float32)


def offset(size: int, dtype: Any, elements: int) -> tuple[Array, Array]:
    """An array that begins some elements beyond a cache line, and the whole it lies in, filled with 0xA5."""
    whole = np.full((size + 256) * np.dtype(dtype).itemsize, 0xA5, np.uint8)
    start = -whole.ctypes.data % 64 + elements * np.dtype(dtype).itemsize
    return whole[start : start + size * np.dtype(dtype).itemsize].view(dtype), whole


def check(ufunc: np.ufunc, x: Array, elements: int) -> None:
    result, whole = offset(x.size, ufunc(x[:0]).dtype, elements)
    ufunc(x, out=result)
    for start in range(0, x.size, PIECE):
        part = slice(start, start + PIECE)
        assert ufunc(x[part]).tobytes() == result[part].tobytes()
    first = result.ctypes.data - whole.ctypes.data
    assert (whole[:first] == 0xA5).all()
    assert (whole[first + result.nbytes :] == 0xA5).all()


@pytest.mark.parametrize("elements", [0, 1, 15])
@pytest.mark.parametrize("name", ["float8_e4m3fn", "bfloat16", "int8"])
def test_encode_round_and_decode(isa: str, name: str, elements: int) -> None:
    f = hu.formats[name]
    x = numbers()
    check(f.encode, x, elements)
    check(f.round, x, elements)
    codes = (np.arange(COUNT, dtype=np.uint32) * np.uint32(40503)).astype(f.code_dtype)
    check(f.decode, codes, elements)


def test_codes_with_stray_bits_end_it(isa: str) -> None:
    f = hu.formats["float4_e2m1fn"]
    codes = np.arange(COUNT, dtype=np.uint8) & 15
    check(f.decode, codes, 1)
    codes[COUNT // 2] = 16
    with pytest.raises(ValueError, match="0x10"):
        f.decode(codes)


def test_float64(isa: str) -> None:
    check(hu.formats["float8_e5m2"].encode, np.nan_to_num(numbers()[: 7 << 20]).astype(np.float64), 3)


def test_float64_to_float32_is_numpys(isa: str) -> None:
    """The processor's own rounding to nearest, by the route that has no other judge."""
    bits = np.arange(6 << 20, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    # Exponents from below the smallest binary32 to beyond the largest.
    x = (bits & np.uint64(0x807FFFFFFFFFFFFF)) | (
        (bits >> np.uint64(7)) % np.uint64(300) + np.uint64(865)
    ) << np.uint64(52)
    ties = x & ~np.uint64(0xFFFFFFF)
    for each in (x.view(np.float64), ties.view(np.float64)):
        with np.errstate(over="ignore", under="ignore"):
            expected = each.astype(np.float32)
        assert hu.formats["float32"].encode(each).tobytes() == expected.tobytes()
        assert hu.formats["float32"].encode(expected).tobytes() == expected.tobytes()


def test_in_place(isa: str) -> None:
    x = numbers()
    expected = hu.formats["bfloat16"].round(x)
    hu.formats["bfloat16"].round(x, out=x)
    assert x.tobytes() == expected.tobytes()


@pytest.mark.parametrize("elements", [0, 1, 15])
@pytest.mark.parametrize("name", ["float4_e2m1fn", "int4"])
def test_packed(isa: str, name: str, elements: int) -> None:
    f = hu.formats[name]
    x = numbers()
    codes = f.encode(x)
    for order in ("low_first", "high_first", "gptq"):
        array = hu.PackedArray.encode(x, f, order=order)
        assert array.tobytes() == hu.pack(codes, 4, order=order).tobytes()
        values, whole = offset(x.size, np.float32, elements)
        array.decode(out=values)
        assert values.tobytes() == f.decode(codes).tobytes()
        first = values.ctypes.data - whole.ctypes.data
        assert (whole[:first] == 0xA5).all()
        assert (whole[first + values.nbytes :] == 0xA5).all()


@pytest.mark.parametrize("elements", [0, 1, 15])
@pytest.mark.parametrize("name", ["float8_e4m3fn", "bfloat16"])
def test_arithmetic(isa: str, name: str, elements: int) -> None:
    f = hu.formats[name]
    size = (48 << 20) // (3 * f.code_dtype.itemsize) + 77
    codes = [(np.arange(size, dtype=np.uint32) * np.uint32(k)).astype(f.code_dtype) for k in (40503, 2654435761)]
    codes[1][1 << 20 : 3 << 20] = f.encode(1.5)  # where nothing is out of the ordinary
    codes[0][1 << 20 : 3 << 20] &= f.code_dtype.type(f.encode(1.0) - 1)
    multiply = hu.ops.ufunc("multiply", format=f)
    result, whole = offset(size, f.code_dtype, elements)
    with np.errstate(all="ignore"):
        multiply(*codes, out=result)
        for start in range(0, size, PIECE):
            part = slice(start, start + PIECE)
            assert multiply(codes[0][part], codes[1][part]).tobytes() == result[part].tobytes()
        first = result.ctypes.data - whole.ctypes.data
        assert (whole[:first] == 0xA5).all()
        assert (whole[first + result.nbytes :] == 0xA5).all()
        multiply(*codes, out=codes[0])
    assert codes[0].tobytes() == result.tobytes()
