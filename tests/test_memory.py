"""Where arrays lie in memory changes nothing: strides, alignment, byte order, out= of any kind, overlap."""

from __future__ import annotations

import halfulp as hu
import numpy as np
import pytest
from arrays import FORMATS, SOURCES, layouts, numbers, same, verbs
from numpy.lib.stride_tricks import as_strided

F = hu.float8_e4m3fn


@pytest.mark.parametrize("dtype", SOURCES)
@pytest.mark.parametrize("f", FORMATS, ids=str)
def test_layouts(f: hu.Format, dtype: str, isa: str) -> None:
    for ufunc, x in verbs(f, dtype, 1100):  # more than two of the blocks that strided arrays are carried in
        want = ufunc(x)
        same(want, np.array([ufunc(e) for e in x[:70]] + list(want[70:]), want.dtype))
        for name, array in layouts(x).items():
            same(ufunc(array), want)
            assert ufunc(array).flags.c_contiguous, name
        for name, out in layouts(np.zeros_like(want)).items():
            if name == "byte-swapped" or not out.flags.writeable:
                continue
            same(ufunc(x, out=out), out)
            same(out.copy(), want)
            out[:] = 0
            ufunc(layouts(x)["unaligned"], out)
            same(out.copy(), want)


def test_strides_of_zero_and_beyond() -> None:
    one = np.float32([1.5])
    for ufunc in (F.encode, F.round):
        many = as_strided(one, (1 << 20,), (0,))
        assert (ufunc(many) == ufunc(one[0])).all()
        assert ufunc(np.broadcast_to(one, (3, 5, 7))).shape == (3, 5, 7)
    far = np.zeros((3, 1 << 20), np.float32)
    far[:, 5] = (1.0, -2.0, 448.0)
    same(F.encode(far[:, 5]), np.uint8([0x38, 0xC0, 0x7E]))
    out = np.zeros((3, 1 << 20), np.uint8)
    F.encode(far[::-1, 5], out=out[:, 7])
    assert out[:, 7].tolist() == [0x7E, 0xC0, 0x38]
    assert np.count_nonzero(out) == 3


def test_overlapping_windows_as_input() -> None:
    x = numbers("float32", 300)
    windows = np.lib.stride_tricks.sliding_window_view(x, 50)
    same(F.encode(windows), F.encode(windows.copy()))


# -- out=


def test_out_of_other_dtypes() -> None:
    x = np.float32([1, 448, -0.0])
    for dtype in ("u1", "u2", "u4", "u8", "i2", "i4", "i8", "f4", "f8", "c16", ">u4"):
        out = np.zeros(3, dtype)
        assert F.encode(x, out=out) is out
        assert out.tolist() == [0x38, 0x7E, 0x80]
    for dtype in ("f4", "f8", "g", "c8"):
        out = np.zeros(3, dtype)
        assert F.decode(np.uint8([0x38, 0x7E, 0x80]), out=out) is out
        assert out.tolist() == [1, 448, 0]
    out = np.zeros(3, object)
    assert F.encode(x, out=out).tolist() == [0x38, 0x7E, 0x80]
    with pytest.raises(TypeError, match=r"float8_e4m3fn.encode .*bool|same_kind"):
        F.encode(x, out=np.zeros(3, bool))
    with pytest.raises(TypeError, match=r"float8_e4m3fn.decode|same_kind"):
        F.decode(np.uint8([1, 2, 3]), out=np.zeros(3, np.uint8))
    with pytest.raises(TypeError, match=r"float32.*float16|same_kind|float8_e4m3fn.round"):
        F.round(x, out=np.zeros(3, np.int32))


def test_out_that_cannot_be() -> None:
    x = np.float32([1, 2, 3])
    fixed = np.zeros(3, np.uint8)
    fixed.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        F.encode(x, out=fixed)
    with pytest.raises(ValueError, match=r"shape|broadcast"):
        F.encode(x, out=np.zeros(2, np.uint8))
    with pytest.raises(ValueError, match=r"shape|broadcast|dimensions"):
        F.encode(x, out=np.zeros((), np.uint8))
    with pytest.raises(TypeError, match=r"must be an ArrayType|return arrays must be"):
        F.encode(x, out=[0, 0, 0])
    with pytest.raises(ValueError, match="'out' tuple must have exactly one entry"):
        F.encode(x, out=(fixed, fixed))
    with pytest.raises(TypeError, match="positional arguments"):
        F.encode(x, x, x)
    big = np.zeros((2, 3), np.uint8)
    assert F.encode(x, out=big) is big
    assert (big == F.encode(x)).all()


@pytest.mark.parametrize("shift", [-17, -3, -1, 0, 1, 2, 5, 64])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_out_overlaps_the_input(dtype: str, shift: int) -> None:
    """As if the input had been copied first, however the two lie in memory."""
    kind = np.dtype(dtype)
    for ufunc, out_kind in ((F.encode, np.dtype("u1")), (F.round, kind), (hu.float16.encode, np.dtype("u2"))):
        memory = numbers(dtype, 4000).view(np.uint8).copy()
        start = 256
        x = memory[start : start + 1000 * kind.itemsize].view(kind)
        want = ufunc(x.copy())
        begin = start + shift * (out_kind.itemsize if shift % 2 == 0 else kind.itemsize)
        out = memory[begin : begin + 1000 * out_kind.itemsize].view(out_kind)
        ufunc(x, out=out)
        same(out.copy(), want)


@pytest.mark.parametrize("step", [-3, -2, -1, 1, 2, 3])
def test_out_overlaps_with_other_strides(step: int) -> None:
    memory = numbers("float32", 3000)
    for to in (memory[::-1][:900], memory[100:1000], memory[:2700:3], memory[2700:0:-3]):
        x = memory[::step][:900]
        want = F.round(x.copy())
        kept = memory.copy()
        F.round(x, out=to)
        same(to.copy(), want)
        memory[:] = kept


def test_in_place() -> None:
    for n in (1, 7, 31, 32, 33, 511, 512, 513, 5000):
        x = numbers("float32", n)
        want = F.round(x)
        same(F.round(x, out=x), want)
        codes = numbers("uint32", n) & 0x7FFFF
        decoded = hu.tfloat32.decode(codes)
        same(hu.tfloat32.decode(codes, out=codes.view(np.float32)), decoded)
        words = numbers("float32", n)
        encoded = hu.tfloat32.encode(words)
        same(hu.tfloat32.encode(words, out=words.view(np.uint32)), encoded)
