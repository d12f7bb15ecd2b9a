"""Random integers: Philox's known answers, parts of streams, and the bits hardware takes from its operands."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

LONG = 2**64
# Random123, kat_vectors: philox4x32 10. Counter, key, words.
KNOWN = (
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
)


def philox(counter: list[int], key: list[int]) -> list[int]:
    """The definition of the paper (section 4), in Python's integers."""
    for _ in range(10):
        first, third = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [third >> 32 ^ counter[1] ^ key[0], third % 2**32, first >> 32 ^ counter[3] ^ key[1], first % 2**32]
        key = [(key[0] + 0x9E3779B9) % 2**32, (key[1] + 0xBB67AE85) % 2**32]
    return counter


def element(i: int, bits: int, seed: int, stream: int) -> int:
    """What `random_bits` promises of its elements."""
    split = [[n % 2**32, n >> 32] for n in (i // 4, stream, seed)]
    return philox(split[0] + split[1], split[2])[i % 4] >> (32 - bits)


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_known_answers(counter: str, key: str, words: str, isa: str) -> None:
    c, k, w = ([int(word, 16) for word in text.split()] for text in (counter, key, words))
    assert philox(c, k) == w
    # An index reaches counters below 2^62: the others are for the static_asserts of philox.hpp.
    if c[1] < 2**30:
        got = hu.random_bits(4, 32, k[0] + (k[1] << 32), stream=c[2] + (c[3] << 32), offset=4 * (c[0] + (c[1] << 32)))
        assert got.tolist() == w


@given(st.data())
def test_each_element_by_itself(data: st.DataObject) -> None:
    seed, stream = data.draw(st.integers(0, LONG - 1)), data.draw(st.integers(0, LONG - 1))
    n, bits = data.draw(st.integers(0, 200)), data.draw(st.integers(1, 32))
    offset = data.draw(st.integers(0, 300) | st.integers(0, LONG - n) | st.just(LONG - n) | st.just(2**34 - 30))
    if offset == LONG:  # nothing is left, and nothing asked for
        offset = LONG - 1
    want = [element(offset + i, bits, seed, stream) for i in range(n)]
    with hu.use_isa(data.draw(st.sampled_from(hu.available_isas()))):
        got = hu.random_bits(n, bits, seed, stream=stream, offset=offset)
    assert got.dtype == np.uint32
    assert got.tolist() == want


def test_any_part_is_the_call_with_an_offset(isa: str) -> None:
    whole = hu.random_bits((30, 10), 19, 5, stream=7).ravel()
    for start in range(0, 300, 7):
        for n in (0, 1, 2, 3, 5, 63, 64, 65, 300 - start):
            if start + n <= 300:
                part = hu.random_bits(n, 19, 5, stream=7, offset=start)
                assert np.array_equal(part, whole[start : start + n])


def test_rounding_does_not_depend_on_the_split() -> None:
    c = hu.float8_e5m2.codec(rounding="stochastic_a", random_bits=16)
    x = np.random.default_rng(1).normal(size=5000)
    whole = hu.encode(x, c, seed=3)
    parts = [c.encode(x[i : i + 77], hu.random_bits(x[i : i + 77].size, 16, 3, offset=i)) for i in range(0, 5000, 77)]
    assert np.array_equal(np.concatenate(parts), whole)


def test_the_bits_are_even() -> None:
    """No bit of a hundred thousand words is on more often than chance allows (six standard deviations)."""
    words = hu.random_bits(100_000, 32, 2024)
    on = [int((words >> np.uint32(b) & np.uint32(1)).sum()) for b in range(32)]
    assert max(abs(count - 50_000) for count in on) < 6 * 158


def test_shapes_and_errors() -> None:
    assert hu.random_bits((), 8, 1).shape == ()
    assert hu.random_bits([2, 3], 8, np.int64(1)).shape == (2, 3)
    for words, error, message in (
        ({"bits": 0}, ValueError, "bits must be 1 to 32, not 0"),
        ({"bits": 33}, ValueError, "bits must be"),
        ({"bits": 2.0}, TypeError, "bits must be an integer"),
        ({"seed": -1}, ValueError, r"seed must be 0 to 2\*\*64 - 1, not -1"),
        ({"seed": LONG}, ValueError, "seed must be"),
        ({"seed": None}, TypeError, "seed must be"),
        ({"stream": LONG}, ValueError, "stream must be"),
        ({"offset": LONG - 2}, ValueError, "the stream ends 2 integers later"),
        ({"shape": -1}, ValueError, "shape must not be negative"),
        ({"shape": (2, -1)}, ValueError, "shape must not be negative"),
        ({"shape": 1.5}, TypeError, "shape must be"),
    ):
        with pytest.raises(error, match=message):
            hu.random_bits(**({"shape": 3, "bits": 8, "seed": 1} | words))


# -- hardware


def test_ptx_layouts() -> None:
    """The text of the PTX manual under `cvt`, field by field."""
    rbits = 0xF234_ABCD
    cases: dict[str, list[int]] = {
        "float16": [0xF234 & 0x1FFF, 0xABCD & 0x1FFF],
        "bfloat16": [0xF234, 0xABCD],
        "float8_e4m3fn": [0xF234, 0xF234, 0xABCD, 0xABCD],
        "float8_e5m2": [0xF234, 0xF234, 0xABCD, 0xABCD],
        "float6_e2m3fn": [0xF234, 0xF234, 0xABCD, 0xABCD],
        "float6_e3m2fn": [0xF234, 0xF234, 0xABCD, 0xABCD],
        "float4_e2m1fn": [0xF2, 0xAB, 0x34, 0xCD],
    }
    for name, want in cases.items():
        c = hu.presets["ptx_rs"](name)
        assert hu.ptx_random(rbits, name).tolist() == want
        assert (c.rounding, c.overflow) == ("stochastic_a", "saturate" if len(want) == 4 else "default")
        assert c.random_bits == {"float16": 13, "float4_e2m1fn": 8}.get(name, 16)
        x = np.ones((5, 3, len(want)), np.float32)
        assert c.encode(x, hu.ptx_random(np.full((5, 3), rbits), c.format)).shape == x.shape


def carry(x: float, mantissa_bits: int, bits: int, r: int) -> Fraction:
    """What the manuals say in words: R added to the discarded bits of a normal binary32, from their top down."""
    discarded = 23 - mantissa_bits
    word = int(np.float32(x).view(np.uint32))
    word += r << (discarded - bits) if discarded >= bits else r >> (bits - discarded)
    return Fraction(float(np.uint32(word >> discarded << discarded).view(np.float32)))


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "float6_e3m2fn"])
def test_ptx_adds_to_the_discarded_bits(name: str) -> None:
    c = hu.presets["ptx_rs"](name)
    bits, m = c.random_bits, c.format.mantissa_bits
    assert bits is not None
    rng = np.random.default_rng(1)
    x = rng.uniform(1, 8, 3000).astype(np.float32)
    r = hu.random_bits(x.shape, bits, 1)
    want = [carry(a, m, bits, b) for a, b in zip(x.tolist(), r.tolist(), strict=True)]
    assert [Fraction(float(v)) for v in c.round(x, r)] == want


def test_amd() -> None:
    sr = hu.presets["amd_sr"]("float8_e4m3fn")
    # HIP's software model: 1.0625 is half way to the next value.
    assert sr.encode(1.0625, hu.amd_random(0x7FFFF, sr.format)) == 0x38
    assert sr.encode(1.0625, hu.amd_random(0x80000, sr.format)) == 0x39
    assert sr.encode(1.0625, hu.amd_random(0xFFF7FFFF, sr.format)) == 0x38
    # A ROCm emulator near the maximum: 449 stays at 448, or exceeds it, which is NaN.
    e4m3 = hu.presets["amd_sr"](hu.float8_e4m3fn)
    assert [e4m3.encode(449.0, hu.amd_random(s, e4m3.format, take="high")) for s in (0, 2**32 - 1)] == [0x7E, 0x7F]
    assert hu.amd_random(0xABCDEF01, "float8_e4m3fnuz") == 0xDEF01
    assert hu.amd_random(0xABCDEF01, "float8_e5m2") == 0xDEF01
    assert hu.amd_random(0xABFDEF01, "float8_e5m2fnuz") == 0x1DEF01
    assert hu.amd_random([0xABCDEF01], "float8_e4m3fn", take="high").tolist() == [0xABCDE]
    assert hu.amd_random(0xABCDEF01, "float8_e5m2", take="high") == 0xABCDEF01 >> 11


def test_hardware_errors() -> None:
    calls: list[tuple[Any, type[Exception], str]] = [
        (lambda: hu.ptx_random(0, hu.float64), ValueError, "no cvt.rs to float64, only to float16, bfloat16"),
        (lambda: hu.presets["ptx_rs"]("float8_e8m0fnu"), ValueError, "no cvt.rs to float8_e8m0fnu"),
        (lambda: hu.ptx_random(2**32, hu.float16), ValueError, "rbits: 4294967296 is out of range"),
        (lambda: hu.ptx_random(-1, hu.float16), ValueError, "rbits: -1 is out of range"),
        (lambda: hu.ptx_random(0.5, hu.float16), TypeError, "rbits must be integers"),
        (lambda: hu.ptx_random(0, 3), TypeError, "format must be a Format or text"),
        (lambda: hu.amd_random(0, "float16"), ValueError, "no v_cvt_sr to float16"),
        (lambda: hu.amd_random(0, "float8_e5m2", take="middle"), ValueError, "take must be 'low' or 'high'"),
        (lambda: hu.amd_random(2**70, "float8_e5m2"), ValueError, "seed: .* is out of range"),
    ]
    for call, error, message in calls:
        with pytest.raises(error, match=message):
            call()
