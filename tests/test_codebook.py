"""Codebooks against their definitions: every type of input beside every threshold, every mode, on every target."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any

import codebook_oracle
import halfulp as hu
import numpy as np
import pytest
from codebook_oracle import MODES, Book, Level, Levels, choose
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sweeps import nans

Array = NDArray[Any]
BOOKS = codebook_oracle.named()
FLOATS = ("float16", "float32", "float64", "longdouble")
ALL_MODES = ("table", *MODES)
names = pytest.mark.parametrize("name", list(BOOKS))


def expected(book: Book, mode: str, x: Fraction) -> int:
    return book.table(x) if mode == "table" else choose(book.levels, x, mode)


def exact(x: Any) -> Fraction:
    return Fraction(*x.as_integer_ratio()) if isinstance(x, np.floating) else Fraction(int(x))


def near(points: list[Fraction], dtype: str, steps: int = 2) -> Array:
    """A few last places of a float type around every point, and the ends of its range."""
    kind = np.dtype(dtype).type
    found = []
    for point in points:
        x = kind(float(point)) if kind is not np.longdouble else kind(point.numerator) / kind(point.denominator)
        group = [x]
        for direction in (-np.inf, np.inf):
            y = x
            for _ in range(steps):
                y = np.nextafter(y, kind(direction))
                group.append(y)
        found += group
    info = np.finfo(dtype)
    ends = [info.max, -info.max, info.smallest_subnormal, -info.smallest_subnormal, kind(0), kind(-0.0)]
    return np.array([*found, *ends], dtype)


@cache
def points_of(name: str) -> tuple[Fraction, ...]:
    book = BOOKS[name]
    levels = sorted({level.value for level in book.levels.all})
    halves = [(a + b) / 2 for a, b in pairwise(levels)]
    every = 1 if len(levels) < 100 else 5  # of the many, a fifth, all kinds of it, and the ends
    return tuple({p for k in (levels, halves, book.thresholds) for p in [*k[::every], *k[:4], *k[-4:]]})


@cache
def cases(name: str, dtype: str, mode: str) -> tuple[Array, Array]:
    x = near(list(points_of(name)), dtype)
    x = x[np.isfinite(x)]
    return x, np.array([expected(BOOKS[name], mode, exact(v)) for v in x], np.uint8)


# -- tables


def test_the_names() -> None:
    assert isinstance(hu.codebooks, Mapping)
    assert list(hu.codebooks) == list(BOOKS)
    for name, codebook in hu.codebooks.items():
        assert getattr(hu, name) is codebook is hu.Codebook(name)
        assert codebook.name == codebook.text == str(codebook) == name


@names
def test_levels(name: str) -> None:
    codebook, book = hu.codebooks[name], BOOKS[name]
    assert codebook.levels.dtype == codebook.value_dtype == np.float32
    want = {level.code: level for level in book.levels.all}
    assert len(codebook.levels) == len(want) == 1 << codebook.bits
    for code, value in enumerate(codebook.levels):
        assert exact(value) == want[code].value
        assert np.signbit(value) == (want[code].value < 0 or want[code].negative_zero)
    assert [exact(v) for v in codebook.values()] == sorted({level.value for level in book.levels.all})
    assert list(codebook.thresholds) == sorted(book.thresholds)


def test_published_bits() -> None:
    def bits(x: Any) -> list[str]:
        return [f"{b:08X}" for b in np.array(x, np.float32).view(np.uint32)]

    assert bits(hu.nf4.levels) == codebook_oracle.NF4_BITS.split()
    assert bits([float(t) for t in hu.nf4.thresholds]) == codebook_oracle.NF4_THRESHOLD_BITS.split()
    assert set(hu.nf4.ties) == {"lower"}
    assert set(hu.iq4_nl.ties) == {"upper"}
    assert hu.bnb_fp4.ties == ("upper",) * 8 + ("lower",) * 7
    assert f"{hu.bnb_fp4.decode(8)}" == "-0.0"
    assert hu.af4.levels[0] == 1


def test_dynamic_maps() -> None:
    digests = {
        "bnb_dynamic8": "e732639a65f497b4ad684bb166a4467708255edd5207757de8b8f0c7e1fda89c",
        "bnb_dynamic8_unsigned": "305f002cc11278fb769d13b25b9fd0c7c83c8402c40a878fe086f4039fde6398",
    }
    for name, digest in digests.items():
        assert hashlib.sha256(hu.codebooks[name].levels.astype("<f4").tobytes()).hexdigest() == digest
        levels = codebook_oracle.dynamic_map(name == "bnb_dynamic8")
        assert hashlib.sha256(codebook_oracle.packed(levels)).hexdigest() == digest
    assert hu.bnb_dynamic8.encode(0.0) == 127


def test_golden_nf4(isa: str) -> None:
    x = (np.arange(64) - 32) / 32
    want = "000001111111122222333344455566677788999aaabbbccccddddeeeeeeeffff"
    for dtype in FLOATS:
        assert "".join(f"{code:x}" for code in hu.nf4.encode(x.astype(dtype))) == want
    assert hu.nf4.encode(np.zeros(64, np.float32)).tolist() == [7] * 64


# -- encoding


@pytest.mark.parametrize("mode", ALL_MODES)
@names
def test_beside_every_threshold(name: str, mode: str, isa: str) -> None:
    codec = hu.codebooks[name].codec(rounding=mode)
    for dtype in FLOATS:
        x, want = cases(name, dtype, mode)
        got = codec.encode(x)
        wrong = np.flatnonzero(got != want)
        assert wrong.size == 0, (dtype, [(x[i], int(got[i]), int(want[i])) for i in wrong[:5]])
        assert codec.encode(x[:7]).tolist() == want[:7].tolist()
        values = codec.round(x)
        assert (values == codec.decode(want)).all()
        assert values.dtype == np.result_type(dtype, "float16" if name == "iq4_nl" else "float32")


@names
def test_what_no_float_holds(name: str) -> None:
    tiny = Fraction(1, 1 << 300)
    points = points_of(name)[:: 1 if len(points_of(name)) < 100 else 11]
    x = [point + d for point in points for d in (-tiny, 0, tiny)]
    for mode in ALL_MODES:
        want = [expected(BOOKS[name], mode, v) for v in x]
        assert hu.encode(x, name, rounding=mode).tolist() == want
        assert hu.encode([str(v) for v in x], f"{name};rounding={mode}").tolist() == want
    for big in (10**400, "1e999", float("inf"), np.longdouble("1e4000")):
        top = BOOKS[name].levels.all[-1].code
        assert hu.encode(big, name) == top
        assert hu.encode([big], name).tolist() == [top]
    assert hu.encode(float("-inf"), name) == hu.encode("-inf", name) == BOOKS[name].levels.all[0].code


@names
def test_integers(name: str, isa: str) -> None:
    book, codebook = BOOKS[name], hu.codebooks[name]
    for dtype in ("int8", "uint8", "int16", "int32", "uint32", "int64", "uint64", "bool"):
        info = np.array([0, 1], bool) if dtype == "bool" else np.iinfo(dtype)
        low, high = (0, 1) if dtype == "bool" else (int(info.min), int(info.max))  # type: ignore[union-attr]
        x = np.array([*range(max(low, -140), min(high, 140) + 1), low, high], dtype)
        for mode in ALL_MODES:
            want = [expected(book, mode, Fraction(int(v))) for v in x]
            assert codebook.codec(rounding=mode).encode(x).tolist() == want, (dtype, mode)


def ordered(start: int, count: int) -> Array:
    """Binary32 numbers with consecutive keys: -Inf has the key -0x7f800001, +0 the key 0."""
    keys = np.arange(start, start + count, dtype=np.int64)
    return np.where(keys < 0, 0x7FFFFFFF - (keys + (1 << 31)) | 1 << 31, keys).astype(np.uint32).view(np.float32)


def key_of(x: float) -> int:
    bits = int(np.float32(x).view(np.uint32))
    return bits if bits < 1 << 31 else ~(bits & 0x7FFFFFFF)


FIRST, LAST = key_of(-np.inf), key_of(np.inf)


@names
def test_all_binary32(name: str, isa: str, thorough: bool) -> None:
    """Codes are constant between decisions; there, and in a slice or all of the rest, each one is looked at."""
    book = BOOKS[name]
    borders = sorted({key_of(float(t)) for t in book.thresholds} | {key_of(-0.0), 0})
    size = 1 << 22 if thorough else 1 << 12
    starts = range(FIRST, LAST + 1, size) if thorough else [b - size // 2 for b in borders]
    for start in starts:
        stop = min(start + size, LAST + 1)
        x = ordered(start, stop - start)
        got = hu.codebooks[name].encode(x)
        # A border may go either way, so it and what comes next begin a run each.
        cuts = sorted({start, *(k for b in borders for k in (b, b + 1) if start < k < stop)})
        for a, b in zip(cuts, [*cuts[1:], stop], strict=True):
            value = x[a - start]
            want = expected(book, "table", exact(value)) if np.isfinite(value) else None
            want = {True: book.levels.all[-1].code, False: book.levels.all[0].code}[value > 0] if want is None else want
            assert (got[a - start : b - start] == want).all(), (value, x[b - start - 1])


@names
def test_every_target_gives_the_same(name: str) -> None:
    rng = np.random.default_rng(3)
    x = rng.integers(0, 1 << 32, 40000, dtype=np.uint64).astype(np.uint32).view(np.float32)
    normal = [rng.normal(0, sigma, 40000).astype(np.float32) for sigma in (0.4, 60)]
    x = np.concatenate([x, *normal, nans("float32")])
    wide = np.concatenate([rng.integers(0, 1 << 64, 20000, dtype=np.uint64).view(np.float64), rng.normal(0, 1, 20000)])
    whole = rng.integers(-1000, 1000, 3000)
    for mode in ALL_MODES:
        codec = hu.codebooks[name].codec(rounding=mode, nan=(int(hu.codebooks[name].encode(0)), 1))
        for source in (x, wide, whole, x[:40000:9].view(np.int32)):
            with hu.use_isa("scalar"):
                want = codec.encode(source)
            for isa in hu.available_isas():
                with hu.use_isa(isa):
                    assert codec.encode(source).tobytes() == want.tobytes(), (isa, mode)
                    for n in (0, 1, 15, 16, 31, 33, 63, 65, 129, 257):
                        assert codec.encode(source[-n:]).tobytes() == want[-n:].tobytes()
                    values = codec.decode(want)
                    assert (values == hu.codebooks[name].levels[want]).all()
                    assert codec.round(source[:5000]).astype(np.float32).tobytes() == values[:5000].tobytes()


def test_toward_zero_where_no_level_lies_between() -> None:
    assert hu.Codebook([-2, 1]).codec(rounding="toward_zero").round([-0.5, 0.0, 0.5, -1.9]).tolist() == [1] * 4
    assert hu.Codebook([1, 2]).codec(rounding="toward_zero").round([-3.0, 0.5]).tolist() == [1, 1]
    assert hu.Codebook([-1, 1]).codec(rounding="toward_zero").round([-0.5, 0.0, 0.5]).tolist() == [-1, -1, 1]


def test_strides_and_ml_dtypes() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = np.random.default_rng(1).normal(0, 0.5, 3000).astype(np.float32)
    for codebook in (hu.nf4, hu.bnb_dynamic8):
        want = codebook.encode(x)
        assert (codebook.encode(x[::-3]) == want[::-3]).all()
        out = np.zeros((3000, 3), np.uint8)
        codebook.encode(x, out=out[:, 1])
        assert (out[:, 1] == want).all()
        assert (codebook.decode(want[::2].astype(np.int64)) == codebook.levels[want[::2]]).all()
        small = x.astype(ml_dtypes.bfloat16)
        assert (codebook.encode(small) == codebook.encode(small.astype(np.float32))).all()
        assert codebook.round(small).dtype == np.float32


def test_nan_rules(isa: str) -> None:
    for dtype in FLOATS:
        x = np.concatenate([nans(dtype), np.zeros(70, dtype), nans(dtype)])
        nan, negative = np.isnan(x), np.signbit(x)
        for codebook, largest, zero in ((hu.nf4, 15, 7), (hu.af4, 0, 8), (hu.bnb_fp4, 3, 0), (hu.iq4_nl, 15, 8)):
            at_zero = codebook.encode(0)
            assert codebook.encode(x).tolist() == np.where(nan, largest, at_zero).tolist()
            assert codebook.codec(nan="zero").encode(x).tolist() == np.where(nan, zero, at_zero).tolist()
            assert codebook.codec(nan=5).encode(x).tolist() == np.where(nan, 5, at_zero).tolist()
            pair = codebook.codec(nan=(3, 9)).encode(x)
            assert pair.tolist() == np.where(nan, np.where(negative, 9, 3), at_zero).tolist()
    assert hu.bnb_dynamic8.encode(np.nan) == 255
    assert hu.encode(["nan", "-nan"], "nf4;nan=0x1,0x2").tolist() == [1, 2]


# -- codebooks of anyone's own


numbers32 = st.floats(-100, 100, width=32) | st.integers(-20, 20).map(lambda n: n / 8)


@st.composite
def codebooks(draw: st.DrawFn) -> tuple[hu.Codebook, Book]:
    size = draw(st.integers(2, 20) | st.sampled_from([15, 16, 17, 31, 33, 64, 65, 128, 129, 255, 256]))
    drawn = draw(st.lists(numbers32, min_size=min(size, 40), max_size=size, unique_by=lambda x: x + 0.0))
    if size > 40:
        drawn = sorted({x + 0.0 for x in drawn} | {i / 32 - 3 for i in range(size - len(drawn))})[:256]
    if draw(st.booleans()):
        drawn = [*sorted({x + 0.0 for x in drawn} - {0.0})[:254], 0.0, -0.0]
    codes = draw(st.none() | st.permutations(range(256)).map(lambda p: p[: len(drawn)]))
    ties = draw(st.sampled_from(["lower", "upper", "even", "toward_zero"]))
    numbered = codes if codes is not None else range(len(drawn))
    levels = [Level(Fraction(x), c, x == 0 and bool(np.signbit(x))) for x, c in zip(drawn, numbered, strict=True)]
    ascending = sorted(levels, key=lambda level: (level.value, not level.negative_zero))
    pairs = list(pairwise(ascending))
    at = [a.value + (b.value - a.value) * Fraction(draw(st.sampled_from([1, 2, 3])), 4) for a, b in pairs]
    at = [Fraction(float(t)) for t in at]
    given_at = at if draw(st.booleans()) else None
    try:
        codebook = hu.Codebook(drawn, given_at, ties, codes)
    except ValueError as error:
        if "61 significant bits" not in str(error) and "takes itself" not in str(error):
            raise
        return draw(codebooks())
    thresholds = at if given_at is not None else [(a.value + b.value) / 2 for a, b in pairs]

    def table(x: Fraction) -> int:
        for (a, b), t in zip(pairs, thresholds, strict=True):
            if x < t or (x == t and not goes_up(a, b, ties)):
                return a.code
        return ascending[-1].code

    return codebook, Book(Levels(levels), table, thresholds)


def bits_of(x: Fraction) -> int:
    odd = abs(x.numerator)
    return (odd // max(odd & -odd, 1)).bit_length()


def goes_up(a: Level, b: Level, ties: str) -> bool:
    if a.value == b.value == 0:
        return True
    if ties == "toward_zero" and abs(a.value) != abs(b.value):
        return abs(b.value) < abs(a.value)
    if ties in ("lower", "upper"):
        return ties == "upper"
    return a.code % 2 == 1 and b.code % 2 == 0


def test_half_way_with_as_many_bits_as_can_be() -> None:
    """2^-52 and 7833653 * 2^-112: their sum has 61 significant bits, one more and it is refused."""
    low, high = 7833653 * 2.0**-112, 2.0**-52
    codec = hu.Codebook([low, high]).codec("nearest_even")
    half = (Fraction(low) + Fraction(high)) / 2
    assert [hu.encode(half + d, codec) for d in (-Fraction(1, 2**200), 0, Fraction(1, 2**200))] == [0, 0, 1]
    with pytest.raises(ValueError, match="61 significant bits"):
        hu.Codebook([low, 2 * high])


@given(
    st.integers(1 << 59, (1 << 60) - 1).map(lambda k: 2 * k + 1),
    st.integers(-50, 50),
    st.sampled_from(["lower", "upper"]),
    st.integers(1, 10**9),
    st.sampled_from([2, 3, 7, 10]),
    st.integers(20, 200),
)
def test_numbers_that_no_word_holds_beside_a_threshold(
    significand: int, exponent: int, ties: str, n: int, base: int, power: int
) -> None:
    """Whatever the denominator, as a fraction, as text, and as decimal digits where there are any."""
    threshold = significand * Fraction(2) ** exponent
    book = hu.Codebook([0, 2.0 ** (exponent + 62)], thresholds=[threshold], ties=ties)
    for offset in (Fraction(n, base**power), Fraction(0), -Fraction(n, base**power)):
        x = threshold + offset
        want = int(x > threshold or (x == threshold and ties == "upper"))
        assert [hu.encode(x, book), hu.encode(f"{x.numerator}/{x.denominator}", book)] == [want, want]
        assert hu.encode(-x, hu.Codebook([-(2.0 ** (exponent + 62)), 0], thresholds=[-threshold], ties=ties)) == int(
            -x > -threshold or (x == threshold and ties == "upper")
        )
        with localcontext(prec=2000):
            digits = Decimal(x.numerator) / Decimal(x.denominator)
        if Fraction(digits) == x:
            assert [hu.encode(digits, book), hu.encode(str(digits), book)] == [want, want]


@given(codebooks(), st.sampled_from(ALL_MODES), st.sampled_from(FLOATS))
def test_any_codebook(made: tuple[hu.Codebook, Book], mode: str, dtype: str) -> None:
    codebook, book = made
    halves = [(a + b) / 2 for a, b in pairwise(sorted(level.value for level in book.levels.all))]
    if mode.startswith("nearest") and any(bits_of(half) > 61 for half in halves):
        with pytest.raises(ValueError, match="61 significant bits"):
            codebook.codec(rounding=mode)
        return
    codec = codebook.codec(rounding=mode)
    step = max(len(book.levels.all) // 12, 1)
    points = [*book.thresholds[::step], *(level.value for level in book.levels.all[::step])]
    x = near(points, dtype, steps=1)
    x = np.resize(x[np.isfinite(x)], max(len(x), 80))
    want = [expected(book, mode, exact(v)) for v in x]
    for isa in hu.available_isas():
        with hu.use_isa(isa):
            assert codec.encode(x).tolist() == want, isa
    assert hu.Codebook(codebook.text) is codebook
    for level in book.levels.all:
        assert exact(codebook.decode(level.code)) == level.value
        assert codebook.encode(float(level.value)) == level.code or level.negative_zero
