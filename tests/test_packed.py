"""`pack` and `unpack`: every order against a model that places one bit at a time, and the examples of their systems."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

Array = NDArray[Any]
WIDTHS = {
    "low_first": (1, 2, 4),
    "high_first": (1, 2, 4),
    "bitstream": (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 19, 31, 33, 63, 64),
    "gguf": (4,),
    "gptq": (1, 2, 3, 4, 5, 6, 7, 8),
    "awq": (4,),
    "tf32": (19,),
    "mma": (4, 6, 8),
}
CASES = [(order, bits) for order, widths in WIDTHS.items() for bits in widths]
WORDS = {"gptq": np.dtype("<i4"), "awq": np.dtype("<i4"), "tf32": np.dtype("<u4")}


def place(order: str, bits: int, i: int) -> int:
    """Where the lowest bit of code i lies, by the words of each format's own documents."""
    if order == "high_first":
        byte, k = divmod(i, 8 // bits)
        return 8 * byte + 8 - bits * (k + 1)
    if order == "gguf":  # qs[j] has x[j] in its low nibble and x[j + 16] in its high one
        block, j = divmod(i, 32)
        return 128 * block + (8 * j if j < 16 else 8 * (j - 16) + 4)
    if order == "awq":  # nibble k of a word is column [0, 2, 4, 6, 1, 3, 5, 7][k]
        return i // 8 * 32 + 4 * [0, 2, 4, 6, 1, 3, 5, 7].index(i % 8)
    if order == "tf32":
        return 32 * i + 13
    if order == "mma":
        return 8 * i + {4: 2, 6: 0, 8: 0}[bits]
    return bits * i


def model(order: str, bits: int, codes: list[int]) -> bytes:
    unit = {"gguf": 128, "gptq": 32, "awq": 32, "tf32": 32}.get(order, 8)
    end = {"tf32": 32, "mma": 8}.get(order, bits) * len(codes)
    string = bytearray(-(-end // unit) * unit // 8)
    for i, code in enumerate(codes):
        first = place(order, bits, i)
        for b in range(bits):
            string[(first + b) // 8] |= (code >> b & 1) << (first + b) % 8
    return bytes(string)


def random_codes(bits: int, n: int, seed: int = 0) -> Array:
    dtype = np.dtype(f"u{next(size for size in (1, 2, 4, 8) if bits <= 8 * size)}")
    return np.random.default_rng((seed, bits, n)).integers(0, 2**bits - 1, n, dtype, endpoint=True)


@pytest.mark.parametrize(("order", "bits"), CASES)
def test_every_length_against_the_model(order: str, bits: int, isa: str) -> None:
    for n in range(258):
        codes = random_codes(bits, n)
        packed = hu.pack(codes, bits, order=order)
        assert packed.dtype == WORDS.get(order, np.uint8)
        assert packed.tobytes() == model(order, bits, codes.tolist()), n
        back = hu.unpack(packed, bits, n, order=order)
        assert back.dtype == codes.dtype
        assert np.array_equal(back, codes), n


@pytest.mark.parametrize(("order", "bits"), CASES)
def test_long_arrays(order: str, bits: int, isa: str) -> None:
    n = 20011 if bits <= 8 else 2011
    codes = random_codes(bits, n)
    packed = hu.pack(codes, bits, order=order)
    assert packed.tobytes() == model(order, bits, codes.tolist())
    assert np.array_equal(hu.unpack(packed.tobytes(), bits, n, order=order), codes)


def test_every_code_of_every_width_in_every_place(isa: str) -> None:
    for order, bits in CASES:
        if bits <= 8:
            codes = np.tile(np.arange(1 << bits, dtype=np.uint8), 33)[: 32 << bits]
            codes = np.concatenate([codes, codes[1:], codes])
            assert hu.pack(codes, bits, order=order).tobytes() == model(order, bits, codes.tolist())


# -- the systems


def test_onnx() -> None:
    """int4.md: x_first in the low nibble; an odd length is padded by four zero bits. int2.md: x0 in bits 0-1."""
    assert hu.pack([1, 2, 3], 4, order="low_first").tolist() == [0x21, 0x03]
    assert hu.pack([1, 2, 3, 0, 2], 2, order="low_first").tolist() == [0b00_11_10_01, 0b10]
    matrix = np.array([[1, 2, 3], [4, 5, 6]])
    assert hu.pack(matrix, 4, order="low_first", axis=None).tolist() == [0x21, 0x43, 0x65]
    assert hu.pack(matrix, 4, order="low_first").tolist() == [[0x21, 0x03], [0x54, 0x06]]


def test_bitsandbytes() -> None:
    """q[2i] << 4 | q[2i+1]. The NF4 codes of (k - 32) / 32, and a partial block's last byte 0x?7 when padded by 0.0."""
    golden = "000001111111122222333344455566677788999aaabbbccccddddeeeeeeeffff"
    codes = [int(digit, 16) for digit in golden]
    assert hu.pack(codes, 4, order="high_first").tobytes().hex() == golden
    assert hu.unpack(bytes.fromhex(golden), 4, 64, order="high_first").tolist() == codes
    with pytest.raises(ValueError, match="bit 0 of byte 1 is set"):
        hu.unpack(bytes([0x12, 0x37]), 4, 3, order="high_first")
    assert hu.unpack(bytes([0x12, 0x37]), 4, 3, order="high_first", strict=False).tolist() == [1, 2, 3]


def gptq_3_bits(column: list[int]) -> list[int]:
    """AutoGPTQ's loop, from the reference page: 32 values in 3 words."""
    v = column
    word = [0, 0, 0]
    for j in range(10):
        word[0] |= v[j] << 3 * j
    word[0] |= v[10] << 30
    word[1] |= v[10] >> 2 & 1
    for j in range(10):
        word[1] |= v[11 + j] << 3 * j + 1
    word[1] |= v[21] << 31
    word[2] |= v[21] >> 1 & 3
    for j in range(10):
        word[2] |= v[22 + j] << 3 * j + 2
    return [w & 0xFFFFFFFF for w in word]


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_gptq(bits: int) -> None:
    """`qweight` int32 [in / 32 * bits, out]: rows j of a group at bits j * bits of each column's words."""
    codes = random_codes(bits, 96 * 7).reshape(96, 7)
    packed = hu.pack(codes, bits, order="gptq", axis=0)
    assert (packed.dtype, packed.shape) == (np.int32, (96 // 32 * bits, 7))
    for column in range(7):
        words = packed[:, column].view(np.uint32).tolist()
        values = codes[:, column].tolist()
        if bits == 3:
            want = [w for start in (0, 32, 64) for w in gptq_3_bits(values[start : start + 32])]
        else:
            per = 32 // bits
            want = [sum(v << bits * j for j, v in enumerate(values[k : k + per])) for k in range(0, 96, per)]
        assert words == want
    assert np.array_equal(hu.unpack(packed, bits, (96, 7), order="gptq", axis=0), codes)
    assert np.array_equal(hu.unpack(packed, bits, 96, order="gptq", axis=0), codes)


def test_awq() -> None:
    codes = random_codes(4, 3 * 16).reshape(3, 16)
    packed = hu.pack(codes, 4, order="awq")
    assert (packed.dtype, packed.shape) == (np.int32, (3, 2))
    for row in range(3):
        for column in range(2):
            word = int(packed[row, column]) & 0xFFFFFFFF
            nibbles = [word >> 4 * i & 15 for i in range(8)]
            assert nibbles == [codes[row, 8 * column + k] for k in (0, 2, 4, 6, 1, 3, 5, 7)]
            assert [nibbles[k] for k in (0, 4, 1, 5, 2, 6, 3, 7)] == codes[row, 8 * column :][:8].tolist()
    assert hu.pack(np.arange(8), 4, order="awq").view(np.uint32)[0] == 0x75316420


def test_compressed_tensors() -> None:
    """`pack_to_int32`: element i at bits i * B of the row, across words, ceil(cols * B / 32) of them."""
    codes = random_codes(5, 2 * 13).reshape(2, 13)
    packed = hu.pack(codes, 5, order="gptq", axis=1)
    assert packed.shape == (2, 3)
    for row in range(2):
        string = int.from_bytes(packed[row].tobytes(), "little")
        assert [string >> 5 * i & 31 for i in range(13)] == codes[row].tolist()


def test_gguf() -> None:
    """Q4_0: qs[j] = x[j] | x[j + 16] << 4."""
    codes = random_codes(4, 64)
    want = [int(codes[b + j] | codes[b + j + 16] << 4) for b in (0, 32) for j in range(16)]
    assert hu.pack(codes, 4, order="gguf").tolist() == want


def test_containers() -> None:
    values = np.array([1.0, -3.25, 1e30, 0], np.float32)
    codes = hu.tfloat32.encode(values)
    assert np.array_equal(hu.pack(codes, 19, order="tf32").view(np.float32), hu.tfloat32.round(values))
    assert hu.pack([0b1011], 4, order="mma").tolist() == [0b101100]
    assert hu.pack([0b101101], 6, order="mma").tolist() == [0b101101]


# -- refusals


@pytest.mark.parametrize(("order", "bits"), CASES)
def test_a_code_too_wide_is_shown(order: str, bits: int, isa: str) -> None:
    for n in (1, 5, 33, 300, 4099):
        if bits in (8, 64):
            continue
        for at in {0, n // 2, n - 1}:
            codes = random_codes(bits, n)
            codes[at] = 1 << bits
            with pytest.raises(ValueError, match=rf"^codes: {1 << bits:#x} at index {at} does not fit in {bits} bits$"):
                hu.pack(codes, bits, order=order)


def test_the_first_of_several_in_rows_along_any_axis() -> None:
    for axis in (0, 1, 2, None):
        codes = np.zeros((4, 5, 6), np.uint8)
        codes[1, 2, 3] = codes[3, 4, 5] = 9
        with pytest.raises(ValueError, match="0x9 at index 1, 2, 3 does not fit in 3 bits"):
            hu.pack(codes, 3, order="bitstream", axis=axis)
    for dtype in (np.int8, np.int64, object):
        codes = np.array([1, -1, 300 if dtype != np.int8 else 100], dtype)
        with pytest.raises((ValueError, TypeError), match=r"-0x1 at index 1 does not fit|integers, not object"):
            hu.pack(codes, 3, order="bitstream")
    with pytest.raises(ValueError, match="0x100 at index 0"):
        hu.pack([256], 8, order="bitstream")
    with pytest.raises(ValueError, match="-0x1 does not fit in 8 bits"):
        hu.pack(-1, 8, order="bitstream", axis=None)


def padding_bits(order: str, bits: int, n: int) -> Iterator[int]:
    used = {place(order, bits, i) + b for i in range(n) for b in range(bits)}
    yield from (k for k in range(8 * len(model(order, bits, [0] * n))) if k not in used)


@pytest.mark.parametrize(("order", "bits"), CASES)
def test_every_padding_bit_is_noticed(order: str, bits: int) -> None:
    for n in (1, 2, 3, 7, 9, 17, 31, 35):
        clean = model(order, bits, [(1 << bits) - 1] * n)
        hu.unpack(clean, bits, n, order=order)
        for bit in padding_bits(order, bits, n):
            dirty = bytearray(clean)
            dirty[bit // 8] |= 1 << bit % 8
            with pytest.raises(ValueError, match=f"^packed: bit {bit % 8} of byte {bit // 8} is set"):
                hu.unpack(dirty, bits, n, order=order)
            assert hu.unpack(dirty, bits, n, order=order, strict=False).tolist() == [(1 << bits) - 1] * n


def test_padding_of_a_row_is_named() -> None:
    packed = hu.pack(np.ones((3, 3), np.uint8), 4, order="low_first")
    packed[2, 1] |= 0x80
    with pytest.raises(ValueError, match="bit 7 of byte 1 of row 2 is set"):
        hu.unpack(packed, 4, 3, order="low_first")


def test_wrong_arguments() -> None:
    codes = np.zeros(4, np.uint8)
    for bits, order, error, words in [
        (4, "nibbles", ValueError, "order must be one of 'low_first', 'high_first'"),
        (4, None, TypeError, "order must be one of 'low_first'"),
        (3, "low_first", ValueError, "order 'low_first' packs codes of 1, 2, 4 bits, not 3"),
        (0, "bitstream", ValueError, "bits must be 1 to 64, not 0"),
        (65, "bitstream", ValueError, "bits must be 1 to 64, not 65"),
        (4.0, "bitstream", TypeError, r"bits must be an integer, not 4\.0"),
    ]:
        with pytest.raises(error, match=words):
            hu.pack(codes, bits, order=order)  # type: ignore[arg-type]
        with pytest.raises(error, match=words):
            hu.unpack(codes, bits, 4, order=order)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="order"):
        hu.pack(codes, 4)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="codes must be integers, not float64"):
        hu.pack([1.5], 4, order="low_first")
    with pytest.raises(ValueError, match="axis 1 is not one of the 1 there are"):
        hu.pack(codes, 4, order="low_first", axis=1)
    with pytest.raises(ValueError, match="a single number has no axis"):
        hu.pack(3, 4, order="low_first")
    with pytest.raises(TypeError, match="packed must be bytes or an array of integers, not list"):
        hu.unpack([1, 2], 4, 4, order="low_first")
    with pytest.raises(TypeError, match="not one of float64"):
        hu.unpack(np.zeros(2), 4, 4, order="low_first")


@pytest.mark.parametrize("shape", [5, 2**40, 2**48, 2**62, -1, (2, 2, 2), (-4,), (2**40, 2**40), 2.0, "4", (0,)])
def test_shapes_that_the_bytes_are_not(shape: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        hu.unpack(b"\0\0", 4, shape, order="low_first")
    with pytest.raises((ValueError, TypeError)):
        hu.unpack(b"\0\0", 4, shape, order="low_first", axis=None)


def test_out(isa: str) -> None:
    codes = random_codes(4, 6 * 10).reshape(6, 10)
    for axis, shape in ((0, (3, 10)), (1, (6, 5)), (None, (30,))):
        out = np.full(shape, 0xAA, np.uint8)
        assert hu.pack(codes, 4, order="low_first", axis=axis, out=out) is out
        assert np.array_equal(out, hu.pack(codes, 4, order="low_first", axis=axis))
        back = np.empty((6, 10), np.uint8)
        assert hu.unpack(out, 4, (6, 10), order="low_first", axis=axis, out=back) is back
        assert np.array_equal(back, codes)
        array = hu.PackedArray(out, (6, 10), "int4", order="low_first", axis=axis)
        values = np.empty((6, 10), np.float32)
        assert array.decode(out=values) is values
        assert np.array_equal(values, hu.int4.decode(codes))
        read_only = np.empty(shape, np.uint8)
        read_only.flags.writeable = False
        for wrong in (
            np.empty(7, np.uint8),
            np.empty(shape, np.int8),
            np.empty((*shape, 2), np.uint8)[..., 0],
            read_only,
        ):
            with pytest.raises(ValueError, match="out must be a writable C-contiguous array of shape"):
                hu.pack(codes, 4, order="low_first", axis=axis, out=wrong)
        with pytest.raises(TypeError, match="out must be an ndarray"):
            hu.pack(codes, 4, order="low_first", axis=axis, out=[0])  # type: ignore[arg-type]


def test_in_place() -> None:
    memory = random_codes(4, 1000)
    codes = memory.copy()
    assert np.array_equal(
        hu.pack(memory, 4, order="high_first", out=memory[500:]), hu.pack(codes, 4, order="high_first")
    )
    assert np.array_equal(hu.unpack(memory[500:], 4, 1000, order="high_first", out=memory), codes)


def test_many_threads_at_once(isa: str) -> None:
    codes = random_codes(6, 100_003)
    want = hu.pack(codes, 6, order="bitstream")
    with ThreadPoolExecutor(8) as pool:
        for packed in pool.map(lambda _: hu.pack(codes, 6, order="bitstream"), range(40)):
            assert np.array_equal(packed, want)
        for back in pool.map(lambda _: hu.unpack(want, 6, codes.size, order="bitstream"), range(40)):
            assert np.array_equal(back, codes)


# -- arrays of every layout


@given(
    st.sampled_from(CASES),
    st.lists(st.integers(0, 5), min_size=1, max_size=4),
    st.data(),
)
def test_any_axis_and_layout(case: tuple[str, int], shape: list[int], data: st.DataObject) -> None:
    order, bits = case
    axis = data.draw(st.integers(-len(shape), len(shape) - 1) | st.none())
    codes = random_codes(bits, int(np.prod(shape)) * 2, seed=len(shape)).reshape(*shape, 2)[..., 1]
    if data.draw(st.booleans()):
        codes = codes[::-1]
    if data.draw(st.booleans()):
        codes = np.asfortranarray(codes)
    if bits < 8 and data.draw(st.booleans()):
        codes = codes.astype(data.draw(st.sampled_from(["i1", ">i2", "i8", ">u4"])))
    packed = hu.pack(codes, bits, order=order, axis=axis)
    if axis is None:
        assert packed.tobytes() == model(order, bits, codes.reshape(-1).tolist())
    else:
        rows = np.moveaxis(packed, axis, -1).reshape(-1, packed.shape[axis]) if packed.size else []
        want = np.moveaxis(codes, axis, -1).reshape(-1, codes.shape[axis]) if packed.size else []
        assert [row.tobytes() for row in rows] == [model(order, bits, row.tolist()) for row in want]
    back = hu.unpack(packed, bits, codes.shape, order=order, axis=axis)
    assert back.shape == codes.shape
    assert np.array_equal(back, codes)
    swapped = packed.astype(packed.dtype.newbyteorder(">"))
    assert np.array_equal(hu.unpack(swapped, bits, codes.shape, order=order, axis=axis), codes)


def test_nothing_beyond_the_storage_is_touched(isa: str) -> None:
    """Arrays that end where a page without access begins; a wrong access kills the child."""
    child = """
import ctypes, mmap, sys
import numpy as np, halfulp as hu
from halfulp import _core
hu.use_isa(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
def at_the_edge(n):
    m = mmap.mmap(-1, 3 * 4096)
    base = ctypes.addressof(ctypes.c_char.from_buffer(m))
    assert libc.mprotect(ctypes.c_void_p(base + 2 * 4096), 4096, 0) == 0
    return np.frombuffer(m, np.uint8, n, 2 * 4096 - n), m
for order, bits in [("low_first", 4), ("high_first", 2), ("gguf", 4), ("awq", 4), ("gptq", 3), ("mma", 6)] + [
        ("bitstream", b) for b in range(1, 9)]:
    for n in [*range(0, 140, 3), 513]:
        codes, a = at_the_edge(n)
        packed, b = at_the_edge(_core.packed_bytes(order, bits, n))
        codes[:] = 1
        _core.pack(order, bits, codes, 1, packed)
        codes[:] = 0
        _core.unpack(order, bits, packed, 1, codes)
        assert codes.all()
f = hu.float4_e2m1fn
for order in ("low_first", "high_first", "gguf"):
    for n in range(0, 140, 3):
        packed, b = at_the_edge(_core.packed_bytes(order, 4, n))
        values, c = at_the_edge(4 * n)
        packed[:] = 0
        _core.decode_packed(_core.Decoder(f._layout), order, packed, 1, values.view(np.float32))
"""
    if not sys.platform.startswith("linux"):
        pytest.skip("mprotect as Linux has it")
    done = subprocess.run([sys.executable, "-c", child, isa], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
