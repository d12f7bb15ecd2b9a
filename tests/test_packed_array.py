"""`PackedArray`: subscripts against a plain ndarray, what goes in and comes out, and files that lie."""

from __future__ import annotations

import copy
import pickle
from fractions import Fraction
from pathlib import Path
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from packed_cases import E2M1, KINDS, Array, packed, random_codes

SIGNS = hu.Codebook([-1, 1], codes=[1, 0], thresholds=[0], ties="upper")


def same(got: Any, want: Array) -> None:
    """A PackedArray of these codes, or the one number of a code."""
    if want.ndim:
        assert isinstance(got, hu.PackedArray)
        assert got.shape == want.shape
        assert np.array_equal(got.codes(), want)


# -- subscripts


@st.composite
def cases(draw: st.DrawFn) -> tuple[Any, str, Array, int | None, Any]:
    fmt, order = draw(st.sampled_from(KINDS))
    shape = tuple(draw(st.lists(st.integers(0, 9), min_size=1, max_size=3)))
    if draw(st.booleans()):
        shape = (draw(st.integers(0, 150)), *shape[1:])
    axis = draw(st.none() | st.integers(-len(shape), len(shape) - 1))
    key = draw(
        hnp.basic_indices(shape, min_dims=0, max_dims=5, allow_newaxis=True, allow_ellipsis=True)
        | (hnp.integer_array_indices(shape) if 0 not in shape else st.just(...))
        | hnp.arrays(bool, shape)
        | hnp.arrays(bool, shape[:1])
        | st.integers(-12, 12)
        | st.lists(st.integers(-3, 3), max_size=4)
        | st.tuples(st.slices(shape[0]), st.just(...))
    )
    return fmt, order, random_codes(fmt, shape), axis, key


@settings(max_examples=400)
@given(cases(), st.integers(0, 3))
def test_subscripts_are_those_of_an_array(case: Any, seed: int) -> None:
    fmt, order, codes, axis, key = case
    array = packed(fmt, order, codes, axis)
    if isinstance(key, list):
        key = np.array(key, np.intp)
    try:
        want = codes[key]
    except IndexError:
        with pytest.raises(IndexError):
            array[key]
        with pytest.raises(IndexError):
            array[key] = 0
        return
    same(array[key], np.asarray(want))
    if np.ndim(want) == 0:
        assert np.array_equal(array[key], fmt.decode(want), equal_nan=True)
    new = random_codes(fmt, np.shape(want), seed)
    after = codes.copy()
    after[key] = new
    array.put_codes(key, new)
    assert np.array_equal(array.codes(), after)
    assert array == packed(fmt, order, after, axis)  # not a padding bit differs either
    assert array.tobytes() == packed(fmt, order, after, axis).tobytes()
    array[key] = 0
    after[key] = fmt.encode(0)
    assert np.array_equal(array.codes(), after)


def test_an_element_of_a_large_array_costs_little() -> None:
    array = hu.PackedArray(np.zeros(1 << 26, np.uint8), (1 << 15, 1 << 12), E2M1, order="low_first")
    flat = hu.PackedArray(array.packed, 1 << 27, E2M1, order="low_first")
    for _ in range(2000):  # would take minutes if all were unpacked
        array[77, 5] = 1.5
        assert array[77, 5] == 1.5
        assert array[77:78].shape == (1, 4096)
        flat[12345] = 2
        assert flat[-1] == 0
    assert flat[12345] == array[3, 57] == 2


def test_selections_are_copies() -> None:
    array = packed(E2M1, "low_first", np.arange(16, dtype=np.uint8))
    part = array[2:8]
    part[:] = 0
    assert array.codes().tolist() == list(range(16))


def test_assignment_takes_numbers_or_packed_arrays() -> None:
    array = hu.PackedArray.encode(np.zeros(6), E2M1, order="high_first")
    array[1:4] = [0.3, -7, Fraction(5, 4)]
    assert array.decode().tolist() == [0, 0.5, -6, 1, 0, 0]
    array[-2:] = hu.PackedArray.encode([5, -5], hu.int4, order="low_first")  # another format: by value
    assert array.decode().tolist()[-2:] == [4, -4]
    other = packed(E2M1, "gguf", np.array([8, 15], np.uint8))
    array[:2] = other  # the same format: by code, so -0 stays
    assert array.codes().tolist()[:2] == [8, 15]
    array.put_codes(slice(None, None, 5), [3, 4])
    assert array.codes().tolist() == [3, 15, 15, 2, 6, 4]
    with pytest.raises(ValueError, match="0x10 at index 1 does not fit in 4 bits"):
        array.put_codes(slice(2), [1, 16])
    with pytest.raises(ValueError, match="broadcast"):
        array[:3] = [1, 2]
    assert array.codes().tolist() == [3, 15, 15, 2, 6, 4]


def test_read_only_storage_is_not_written() -> None:
    array = hu.PackedArray(b"\x21", 2, E2M1, order="low_first")
    with pytest.raises(ValueError, match="read-only; change a copy"):
        array[0] = 1
    changed = array.copy()
    changed[0] = 6
    assert (array.tobytes(), changed.tobytes()) == (b"\x21", b"\x27")


# -- in and out


@pytest.mark.parametrize(("kind", "order"), [*KINDS, (SIGNS, "low_first"), (SIGNS, "gptq")])
@pytest.mark.parametrize("axis", [0, -1, None])
def test_conversions(kind: Any, order: str, axis: int | None, isa: str) -> None:
    fmt = kind
    for shape in [(), (0,), (1,), (37,), (5000,), (3, 0), (0, 3), (5, 33), (64, 64), (2, 3, 7)]:
        if not shape and axis is not None:
            continue
        codes = random_codes(fmt, shape)
        array = packed(fmt, order, codes, axis)
        values = fmt.decode(codes)
        assert np.array_equal(array.decode(), values, equal_nan=True)
        assert np.asarray(array).dtype == fmt.value_dtype
        assert np.array_equal(np.asarray(array, np.float64), values, equal_nan=True)
        assert (array.ndim, array.size, array.shape) == (codes.ndim, codes.size, shape)
        assert array.nbytes == array.packed.nbytes == len(array.tobytes())
        if isinstance(fmt, hu.Format):
            for dtype in (np.float16, np.float32, np.float64):
                got = array.decode(dtype)
                assert got.dtype == dtype
                with np.errstate(over="ignore"):
                    assert np.array_equal(got, np.asarray(values).astype(dtype), equal_nan=True)
        for source in (np.asarray(values), np.asarray(values, np.float64)):
            back = hu.PackedArray.encode(source, fmt, order=order, axis=axis)
            assert np.array_equal(back.codes(), fmt.encode(source))
            want = hu.pack(fmt.encode(source), fmt.bits, order=order, axis=axis)
            assert back.tobytes() == want.tobytes()
            assert back.packed.shape == want.shape
            assert back.packed.dtype == want.dtype


@pytest.mark.parametrize("order", ["low_first", "high_first", "bitstream", "gguf", "gptq", "awq", "mma"])
def test_every_four_bit_format_in_every_order(order: str, isa: str) -> None:
    """Each has a way of its own from nibbles to values."""
    for fmt in [f for f in hu.formats.values() if f.bits == 4] + [hu.Format(2, 1, bias=140, specials="finite")]:
        for n in (1, 15, 16, 31, 32, 33, 64, 100, 9000):
            codes = random_codes(fmt, (n,))
            array = packed(fmt, order, codes)
            assert array.decode().tobytes() == fmt.decode(codes).tobytes()


def test_encode_takes_every_policy_and_source(isa: str) -> None:
    rng = np.random.default_rng(3)
    x = np.concatenate([rng.normal(size=5000) * 4, [np.nan, np.inf, -np.inf, -0.0, 1e-30]])
    for policy in (
        {},
        {"rounding": "toward_zero"},
        {"nan": 5},
        {"subnormals": "flush_input"},
        {"overflow": "saturate"},
    ):
        codec = E2M1.codec(**policy)
        for dtype in (np.float16, np.float32, np.float64, np.longdouble, ">f4"):
            with np.errstate(over="ignore"):
                source = x.astype(dtype)
            for view in (source, source[::-2], source.reshape(-1, 5).T, source[:0]):
                got = hu.PackedArray.encode(view, E2M1, order="low_first", **policy)
                assert np.array_equal(got.codes(), codec.encode(view))
                assert hu.PackedArray.encode(view, codec, order="low_first") == got
    assert hu.PackedArray.encode([Fraction(1, 3), "0x1.8p1", 10**50], "int4", order="awq").decode().tolist() == [
        0,
        3,
        7,
    ]
    assert hu.PackedArray.encode(2.2, E2M1, order="low_first", axis=None).shape == ()


def test_storage_is_not_copied(tmp_path: Path) -> None:
    raw = bytearray(b"\x21\x43")
    array = hu.PackedArray(raw, (2, 2), E2M1, order="low_first")
    raw[1] = 0x65
    assert array.codes().tolist() == [[1, 2], [5, 6]]
    words = np.zeros((4, 3), np.int32)
    assert hu.PackedArray(words, (32, 3), hu.uint4, order="gptq", axis=0).packed is words
    path = tmp_path / "raw"
    path.write_bytes(b"\x21\x43\x65")
    mapped = np.memmap(path, np.uint8, "r+")
    array = hu.PackedArray(mapped, 6, E2M1, order="low_first")
    assert array.packed is mapped
    array[5] = 0.5
    mapped.flush()
    assert path.read_bytes() == b"\x21\x43\x15"


def test_gptq_along_the_first_axis() -> None:
    codes = random_codes(hu.Format(0, 3, specials="integer", signed=False), (64, 5))
    three = hu.Format(0, 3, specials="integer", signed=False)
    array = hu.PackedArray(hu.pack(codes, 3, order="gptq", axis=0), (64, 5), three, order="gptq", axis=0)
    assert array.packed.shape == (6, 5)
    assert np.array_equal(array[10:20, 3].codes(), codes[10:20, 3])
    array[10:20, 3] = 0
    codes[10:20, 3] = 0
    assert np.array_equal(array.decode(), codes)


def test_equality_is_of_shape_format_and_codes() -> None:
    codes = random_codes(E2M1, (3, 5))
    a = packed(E2M1, "low_first", codes)
    assert a == packed(E2M1, "gguf", codes, axis=0) == a.copy()
    assert (a == packed(E2M1, "low_first", codes)).all()
    assert a != packed(hu.int4, "low_first", codes)
    assert a != packed(E2M1, "low_first", codes.reshape(5, 3))
    other = codes.copy()
    other[2, 4] ^= 1
    assert a != packed(E2M1, "low_first", other)
    assert a != 3
    with pytest.raises(TypeError, match="unhashable"):
        hash(a)


def test_iteration() -> None:
    codes = random_codes(hu.float6_e2m3fn, (9000,))
    assert list(packed(hu.float6_e2m3fn, "bitstream", codes)) == hu.float6_e2m3fn.decode(codes).tolist()
    rows = list(packed(E2M1, "low_first", random_codes(E2M1, (4, 3))))
    assert [row.shape for row in rows] == [(3,)] * 4
    assert 6.0 in packed(E2M1, "low_first", np.array([7], np.uint8))
    with pytest.raises(TypeError, match="no length"):
        len(packed(E2M1, "low_first", np.array(3, np.uint8)))


def test_concatenation() -> None:
    a, b = random_codes(E2M1, (3, 5)), random_codes(E2M1, (2, 5), 1)
    joined = hu.PackedArray.concatenate([packed(E2M1, "low_first", a), packed(E2M1, "gguf", b, axis=None)])
    assert (joined.order, joined.axis) == ("low_first", 1)
    assert np.array_equal(joined.codes(), np.concatenate([a, b]))
    across = hu.PackedArray.concatenate([joined, joined], axis=1)
    assert across.shape == (5, 10)
    with pytest.raises(ValueError, match="one format, not float4_e2m1fn and int4"):
        hu.PackedArray.concatenate([joined, packed(hu.int4, "low_first", a)])
    with pytest.raises(TypeError, match="at least one"):
        hu.PackedArray.concatenate([])


def test_copies_and_pickles() -> None:
    for fmt, order in KINDS:
        a = packed(fmt, order, random_codes(fmt, (5, 7)), axis=0)
        for b in (a.copy(), copy.copy(a), copy.deepcopy(a), pickle.loads(pickle.dumps(a))):
            assert a == b
            assert (b.order, b.axis, b.format) == (a.order, a.axis, a.format)
            assert not np.shares_memory(a.packed, b.packed)
            assert b.packed.flags.writeable


def test_representation() -> None:
    a = packed(E2M1, "low_first", random_codes(E2M1, (3, 5)))
    assert repr(a) == "<PackedArray (3, 5) of float4_e2m1fn, low_first, 9 bytes>"
    assert repr(packed(hu.int4, "awq", random_codes(hu.int4, (3, 5)), 0)).endswith("awq along axis 0, 20 bytes>")


def test_wrong_arguments() -> None:
    storage = np.zeros(4, np.uint8)
    for words, arguments in {
        "has 4 bytes; 9 codes of 4 bits in order 'low_first' need 5": (storage, 9, E2M1),
        "not C-contiguous": (np.zeros(8, np.uint8)[::2], 8, E2M1),
        "bit 4 of byte 3 is set": (b"\0\0\0\x10", 7, E2M1),
        "shape must be": (storage, -8, E2M1),
        "not one of the 1": (storage, 8, E2M1, 1),
    }.items():
        with pytest.raises(ValueError, match=words):
            hu.PackedArray(*arguments[:3], order="low_first", axis=arguments[3] if len(arguments) > 3 else -1)
    with pytest.raises(TypeError, match="format must be a Format"):
        hu.PackedArray(storage, 8, 4, order="low_first")
    with pytest.raises(ValueError, match="packs codes of 4 bits, not 6"):
        hu.PackedArray(storage, 5, "float6_e2m3fn", order="awq")
    with pytest.raises(ValueError, match="always a copy"):
        np.asarray(hu.PackedArray(storage, 8, E2M1, order="low_first"), copy=False)
    assert hu.PackedArray(storage, 8, E2M1, order="low_first").decode(np.int8).tolist() == [0] * 8


def test_codebooks_and_random_integers() -> None:
    x = np.random.default_rng(4).normal(size=(5, 33)).astype(np.float32)
    a = hu.PackedArray.encode(x, "nf4", order="high_first")
    assert a.format is hu.nf4
    assert np.array_equal(a.codes(), hu.nf4.encode(x))
    assert a.decode().tobytes() == hu.nf4.round(x).tobytes()
    policy = {"rounding": "stochastic_b", "random_bits": 8, "seed": 3}
    drawn = hu.PackedArray.encode(x, hu.float4_e2m1fn, order="low_first", **policy)
    assert np.array_equal(drawn.codes(), hu.encode(x, hu.float4_e2m1fn, **policy))
    with pytest.raises(TypeError, match="random=, integers below"):
        hu.PackedArray.encode(x, hu.float4_e2m1fn.codec("stochastic_a", random_bits=4), order="low_first")
    with pytest.raises(TypeError, match="format must be"):
        hu.PackedArray(b"1", 2, 4, order="low_first")


@pytest.mark.parametrize(
    "four_bit",
    [
        E2M1,
        hu.int4,
        hu.uint4,
        hu.Format(2, 1, bias=50, specials="finite"),
        hu.Format(2, 1, bias=1, specials="fnuz"),
        hu.Format(2, 1, bias=1, specials="ieee"),
    ],
    ids=str,
)
def test_nibbles_of_any_numbers(four_bit: hu.Format, isa: str) -> None:
    """NaN among numbers, lengths beside every vector's, arrays that are not aligned."""
    rng = np.random.default_rng(7)
    for n in (1, 31, 63, 64, 65, 127, 128, 129, 255, 257, 8193, 70001):
        x = rng.integers(0, 2**32, n, np.uint32).view(np.float32)
        near = rng.random(n) < 0.7
        x[near] = rng.integers(-60, 60, near.sum()).astype(np.float32) / 8
        unaligned = np.ndarray(n, np.float32, bytes(1) + x.tobytes(), 1)
        for codec in (four_bit.codec(), four_bit.codec(subnormals="flush_input")):
            codes = codec.encode(x)
            for order in ("low_first", "high_first", "gptq", "gguf"):
                want = hu.pack(codes, 4, order=order).tobytes()
                for source in (x, unaligned):
                    array = hu.PackedArray.encode(source, codec, order=order)
                    assert array.tobytes() == want
                    assert array.decode().tobytes() == four_bit.decode(codes).tobytes()
