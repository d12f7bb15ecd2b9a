"""Stochastic rounding: which random integers round away, for every N, format, source and instruction set."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import halfulp as hu
import numpy as np
import oracle
import pytest
import strategies
import sweeps
from arrays import layouts
from chances import MODES, NEAREST, Outcome, chances, goes_away, outcome, threshold
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracle import NAMED, Policy, Spec, real
from support import assert_codes, product, range_policies
from sweeps import FLOATS, exact

Array = NDArray[Any]
SOURCES = (*FLOATS, "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
# Beside the named ones: one format for each route a kernel may take.
MADE = (
    Spec(3, 4, specials="p3109_e"),
    Spec(5, 4, bias=-85),
    Spec(5, 4, bias=115),
    Spec(8, 5, bias=142),
    Spec(8, 21, specials="finite"),
    Spec(9, 12),
    Spec(7, 30),
    Spec(6, 3, specials="fn", signed=False, has_zero=False),
    Spec(0, 12, specials="finite"),
    Spec(0, 30, bias=-10, specials="integer"),
)
SPECS = [*NAMED.values(), *MADE]


def codec(spec: Spec, mode: str, bits: int, policy: Policy = NEAREST) -> hu.Codec:
    words: dict[str, Any] = policy.keywords() | {"rounding": mode, "random_bits": bits}
    return product(spec).codec(**words)


def telling(mode: str, bits: int, v: Fraction) -> list[int]:
    """The random integers around the smallest that rounds away, and the ends."""
    t = threshold(mode, v, bits)
    return sorted({r for r in (0, t - 1, t, t + 1, 2**bits - 1) if 0 <= r < 2**bits})


def near(spec: Spec, dtype: str, seed: int, n: int = 24) -> Array:
    """Numbers of a dtype between the values of a format: in all binades, at fractions that matter, and specials."""
    rng = np.random.default_rng(seed)
    ks = [*rng.integers(0, spec.last + 1, n, dtype=np.uint64).tolist(), *range(4), spec.last, spec.last + 1]
    points = []
    for k in ks:
        v = Fraction(int(rng.integers(0, 2**8)) * 2 + 1, 2 ** int(rng.integers(1, 35))) % 1
        gap = oracle.grid(spec, k + 1) - oracle.grid(spec, k)
        point = oracle.grid(spec, k) + rng.choice([v, 1 - v]) * gap
        points.append(np.longdouble(str(point.numerator)) / np.longdouble(str(point.denominator)))
    with np.errstate(all="ignore"):
        return np.concatenate([sweeps.beside(np.array(points), dtype), sweeps.specials(dtype)])


def assert_thresholds(spec: Spec, x: Array, mode: str, bits: int, policy: Policy = NEAREST) -> None:
    """Of every number, the random integers that matter, in one array."""
    c = codec(spec, mode, bits, policy)
    rows: list[tuple[int, int, int]] = []
    for i, (value, subnormal) in enumerate(exact(x)):
        found = outcome(spec, value, policy, subnormal_input=subnormal)
        rows += [(i, r, found.code(mode, bits, r)) for r in telling(mode, bits, found.v)]
    index, r, want = (np.array(column, dtype=np.uint64) for column in zip(*rows, strict=True))
    elements = x[index.astype(np.intp)]
    assert_codes(c.encode(elements, r), want, elements, spec, mode, bits, policy, x.dtype)


# -- which integers round away


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("bits", range(1, 17))
def test_the_counts_over_all_random_integers(mode: str, bits: int) -> None:
    """For every class of v: on, beside and between the steps of R, ties of ties, smaller than any of them."""
    eps = Fraction(1, 2**30)
    steps = {0, 1, 2, 3, 2 ** (bits - 1), 2**bits - 2, 2**bits - 1}
    classes = {
        Fraction(s) + d for s in steps for d in (0, eps, Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), 1 - eps)
    }
    classes |= {s + Fraction(1, 2) + d for s in steps for d in (-eps, eps)}
    vs = [c / 2**bits for c in sorted(classes) if 0 <= c < 2**bits]
    every = np.arange(2**bits, dtype=np.uint32)
    spec = NAMED["float8_e4m3fn"]
    for k in (0, 5, 8 * 7 + 1):  # zero, a subnormal and a normal number below
        below, gap = oracle.grid(spec, k), oracle.grid(spec, k + 1) - oracle.grid(spec, k)
        x = np.array([float(below + v * gap) for v in vs])
        assert [Fraction(float(number)) for number in x] == [below + v * gap for v in vs]
        codes = codec(spec, mode, bits).encode(x[:, np.newaxis], every)
        assert ((codes == k) | (codes == k + 1)).all()
        away = codes == k + 1
        assert away.sum(axis=1).tolist() == [chances(mode, v, bits) for v in vs]
        assert (np.diff(away.astype(np.int8), axis=1) >= 0).all(), "it is always the largest integers"


@pytest.mark.parametrize("mode", MODES)
def test_every_random_integer_by_the_formulas(mode: str) -> None:
    for bits in range(1, 8):
        for spec in (NAMED["float4_e2m1fn"], NAMED["float8_e8m0fnu"], NAMED["int4"], NAMED["float8_e5m2fnuz"]):
            x = near(spec, "float32", bits, 12)
            found = [outcome(spec, value) for value, _ in exact(x)]
            want = [[o.code(mode, bits, r) for r in range(2**bits)] for o in found]
            got = codec(spec, mode, bits).encode(x[:, np.newaxis], np.arange(2**bits))
            assert got.tolist() == want


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name or f"e{spec.exponent_bits}m{spec.mantissa_bits}")
def test_the_smallest_integer_that_rounds_away(spec: Spec, isa: str, thorough: bool) -> None:
    for number, dtype in enumerate(SOURCES):
        x = sweeps.random_patterns(dtype, 24, seed=number)
        if dtype in FLOATS:
            x = np.concatenate([near(spec, dtype, number, 24 if thorough else 3), x])
        for i, mode in enumerate(MODES * 8 if thorough else MODES):
            bits = 32 if (number + i) % 4 == 3 else 1 + (11 * number + 7 * i + spec.bits) % 31
            assert_thresholds(spec, x, mode, bits)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["float64", "float32", "float8_e4m3fn", "int8", "float8_e8m0fnu", "float16"])
def test_every_number_of_random_bits(name: str, mode: str) -> None:
    spec = NAMED[name]
    for bits in range(1, 33):
        for dtype in ("float32", "float64", "longdouble"):
            assert_thresholds(spec, near(spec, dtype, bits, 1), mode, bits)


@pytest.mark.parametrize("mode", MODES)
def test_where_round_to_odd_no_longer_serves(mode: str) -> None:
    """Last places so low, or precisions so high, that the sticky bit of binary32 meets the end of R."""
    for bits in range(1, 23):
        for spec in (Spec(5, 4, bias=137), Spec(4, 20 - bits % 20, specials="fn"), Spec(4, 2, bias=144 - bits)):
            assert_thresholds(spec, near(spec, "float64", bits, 40), mode, bits)


@pytest.mark.parametrize("mode", MODES)
def test_every_policy(mode: str) -> None:
    for name in ("float8_e4m3fn", "float8_e5m2", "bfloat16", "float4_e2m1fn", "float8_ue4m3", "uint4", "fp24"):
        for number, policy in enumerate(range_policies(mode)):
            for via in (None, "float32"):
                chosen = Policy(policy.rounding, policy.overflow, None, policy.subnormals, via)
                dtype = FLOATS[number % 4]
                assert_thresholds(NAMED[name], near(NAMED[name], dtype, number, 3), mode, 1 + 7 * number % 32, chosen)


@given(st.data())
def test_any_format_and_policy(data: st.DataObject) -> None:
    spec = data.draw(strategies.formats())
    policy = data.draw(strategies.policies(spec, via=True))
    mode, bits = data.draw(st.sampled_from(MODES)), data.draw(st.integers(1, 32))
    dtype = data.draw(st.sampled_from(SOURCES))
    seed = data.draw(st.integers(0, 99))
    x = near(spec, dtype, seed, 6) if dtype in FLOATS else sweeps.random_patterns(dtype, 12, seed)
    with hu.use_isa(data.draw(st.sampled_from(hu.available_isas()))):
        assert_thresholds(spec, np.tile(x, 4), mode, bits, policy)


@given(st.data())
def test_any_rational(data: st.DataObject) -> None:
    """Fractions that no dtype holds: beside the step of R that decides, by less than any significand has."""
    spec = data.draw(strategies.formats())
    mode, bits = data.draw(st.sampled_from(MODES)), data.draw(st.integers(1, 32))
    k = data.draw(st.integers(0, spec.last))
    half = Fraction(data.draw(st.integers(0, 1)), 2)
    step = (data.draw(st.integers(0, 2**bits - 1)) + half) / 2**bits
    apart = data.draw(st.sampled_from([2**36, 2**60, 2**62, 2**64, 2**90, 2**500, 10**12, 10**19, 3**40, 7**60]))
    nudge = Fraction(data.draw(st.integers(-1, 1)), apart)
    v = step + nudge
    if not 0 <= v < 1:
        v = step
    x = oracle.grid(spec, k) + v * (oracle.grid(spec, k + 1) - oracle.grid(spec, k))
    x = -x if data.draw(st.booleans()) else x
    found = outcome(spec, real(x))
    for r in telling(mode, bits, found.v):
        got = hu.encode(x, product(spec), rounding=mode, random_bits=bits, random=r)
        assert int(got) == found.code(mode, bits, r), (spec, x, r)


@pytest.mark.parametrize("bits", [1, 4, 8, 12, 16, 31, 32])
def test_any_rational_between_numbers_of_many_bits(bits: int) -> None:
    """With 53 significant bits and those of R every bit of the record counts."""
    spec = NAMED["float64"]
    for i in range(40):
        k = (1023 << 52) + (0x9E3779B97F4A7C15 * (i + 1)) % 2**52
        step = Fraction(1 + 37 * i % (2**bits - 1 or 1), 2**bits)
        for distance in (Fraction(0), Fraction(1, 10**30), -Fraction(1, 3**50)):
            x = oracle.grid(spec, k) + (step + distance) * (oracle.grid(spec, k + 1) - oracle.grid(spec, k))
            found = outcome(spec, real(x))
            for mode in MODES:
                for r in telling(mode, bits, found.v):
                    got = hu.encode(x, hu.float64, rounding=mode, random_bits=bits, random=r)
                    assert int(got) == found.code(mode, bits, r), (x, mode, r)


def test_what_is_far_below_the_smallest_number() -> None:
    for name in ("float8_e4m3fn", "float16", "bfloat16", "float64", "float32", "int8"):
        spec = NAMED[name]
        tiny = oracle.grid(spec, 1)
        for exponent in (*range(1, 9), *range(25, 40, 2), 61, 62, 63, 64, 65, 900):
            for factor in (Fraction(1), Fraction(3, 2), Fraction(2**53 - 1, 2**53)):
                x = tiny * factor / 2**exponent
                if Fraction(float(x)) != x:
                    continue
                for mode in MODES:
                    assert_thresholds(spec, np.array([float(x), -float(x)]), mode, 32)
                    if Fraction(float(np.float32(x))) == x:
                        assert_thresholds(spec, np.array([x] * 40, np.float32), mode, 29)
                        assert_thresholds(spec, np.array([x] * 40, np.float32), mode, 30)
                        assert_thresholds(spec, np.array([x] * 40, np.float32), mode, 31)


def test_values_never_move(fmt: hu.Format, isa: str) -> None:
    """Nor anything exact, infinite or no number, whatever the random integers."""
    spec = NAMED[fmt.name]
    codes = np.arange(2**fmt.bits) if fmt.bits <= 16 else sweeps.random_patterns("uint64", 2000, 5) >> (64 - fmt.bits)
    plain = fmt.codec().encode(fmt.decode(codes))
    for mode in MODES:
        for bits in (1, 9, 32):
            c = codec(spec, mode, bits)
            for r in (0, 2**bits - 1):
                assert np.array_equal(c.encode(fmt.decode(codes), r), plain)


def test_the_mean_is_the_value() -> None:
    """With as many bits as are discarded (P3109 A): 2^-13 steps from binary32 to binary16."""
    x = np.float32([1.2345678, -3.1415927, 6.1e-5, 60000.123])
    values = codec(NAMED["float16"], "stochastic_a", 13).round(x[:, np.newaxis], np.arange(2**13))
    assert values.dtype == np.float32
    assert values.astype(np.float64).mean(axis=1).tolist() == x.astype(np.float64).tolist()


# -- arrays


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int32", "longdouble"])
def test_lengths_strides_and_types_of_random_integers(dtype: str, isa: str) -> None:
    c = hu.float8_e4m3fn.codec(rounding="stochastic_b", random_bits=7)
    x = sweeps.random_patterns(dtype, 1300, 3)
    r = hu.random_bits(1300, 7, 3)
    want = np.array([c.encode(a, b) for a, b in zip(x, r, strict=True)])
    values = c.round(x, r)
    for n in (*range(70), 511, 512, 513, 1300):
        assert np.array_equal(c.encode(x[:n], r[:n]), want[:n])
        assert np.array_equal(c.round(x[:n], r[:n]), values[:n], equal_nan=True)
    for kind in "bBhHiIlLqQ":
        assert np.array_equal(c.encode(x, r.astype(kind)), want), kind
    for x_layout in layouts(x).values():
        for r_layout in layouts(r.astype(np.int16)).values():
            assert np.array_equal(c.encode(x_layout, r_layout), want)
    assert np.array_equal(c.encode(x.reshape(13, 100).T, r.reshape(13, 100).T).T.ravel(), want)
    out = np.zeros(2600, np.uint8)
    assert c.encode(x, r, out=out[::2]).base is out
    assert np.array_equal(out[::2], want)
    only = np.arange(1300) % 3 == 0
    assert np.array_equal(c.encode(x, r, out=np.full(1300, 99, np.uint8), where=only), np.where(only, want, 99))


def test_in_place() -> None:
    c = hu.uint8.codec(rounding="stochastic_a", random_bits=8)
    x = np.arange(2000, dtype=np.uint16).view(np.float16) * 100
    r = hu.random_bits(2000, 8, 1).astype(np.uint8)
    want = c.encode(x, r)
    c.encode(x, r, out=r)
    assert np.array_equal(r, want)
    y = np.linspace(0, 9, 2000, dtype=np.float32)
    s = hu.random_bits(2000, 8, 2)
    rounded = c.round(y, s)
    c.round(y[::-1], s[::-1], out=y[::-1])
    assert np.array_equal(y, rounded)


def test_scalars_and_results() -> None:
    c = hu.float8_e4m3fn.codec(rounding="stochastic_a", random_bits=8)
    assert type(c.encode(1.06, 255)) is np.uint8
    assert type(c.round(1.06, 255)) is np.float64
    assert type(c.round(np.float32(1.06), True)) is np.float32
    assert c.encode([1.06, 1.0], 255).tolist() == [57, 56]
    assert c.encode(1.0625, np.arange(256)).sum() == 128 * (56 + 57)
    assert c.encode(np.float16(1), r := np.zeros((2, 0), int)).shape == r.shape
    assert c.decode is hu.float8_e4m3fn.decode
    assert c.encode.nin == 2


def test_ml_dtypes() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    c = hu.float8_e4m3fn.codec(rounding="stochastic_c", random_bits=11, subnormals="flush_input")
    x = np.arange(1 << 16, dtype=np.uint16).view(ml_dtypes.bfloat16)
    r = hu.random_bits(x.shape, 11, 9)
    wide = (x.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    tiny = np.abs(wide) < np.finfo(np.float32).smallest_normal
    wide = np.where(tiny, np.copysign(np.float32(0), wide), wide)
    assert np.array_equal(c.encode(x, r), c.encode(wide, r))
    assert c.round(x, r).dtype == np.float32
    with pytest.raises(TypeError, match="integer dtype, not bfloat16"):
        c.encode(x, x)


# -- functions, text, errors


def test_functions() -> None:
    words: dict[str, Any] = {"rounding": "stochastic_b", "random_bits": 5}
    c = hu.bfloat16.codec(**words)
    x = np.linspace(-3, 3, 60).reshape(3, 20)
    r = hu.random_bits(x.shape, 5, 42)
    assert np.array_equal(hu.encode(x, hu.bfloat16, **words, seed=42), c.encode(x, r))
    assert np.array_equal(hu.round(x, c, random=r[0]), c.round(x, r[0]))
    exactly = [[Fraction(float(number)) for number in row] for row in x]
    assert np.array_equal(hu.encode(exactly, c, seed=42), c.encode(x, r))
    assert np.array_equal(hu.encode(exactly[0], c, random=r), c.encode(x[0], r))
    mixed = [1.3, Fraction(13, 10), "1.3", 10**400, float("nan"), np.float16(1.3)]
    assert [int(hu.encode(number, c, random=7)) for number in mixed] == hu.encode(mixed, c, random=7).tolist()
    assert hu.round(Fraction(1, 3), c, random=0) == 0.33203125


def test_codecs_are_values() -> None:
    c = hu.float4_e2m1fn.codec(rounding="stochastic_a", random_bits=np.int64(8))
    assert c is hu.float4_e2m1fn.codec("stochastic_a", random_bits=8)
    assert c is not hu.float4_e2m1fn.codec("stochastic_a", random_bits=9)
    assert c.text == "float4_e2m1fn;rounding=stochastic_a;random_bits=8"
    assert getattr(hu, c.text) is c
    assert repr(c) == "Format('float4_e2m1fn').codec(rounding='stochastic_a', random_bits=8)"
    assert (c.random_bits, hu.float4_e2m1fn.codec().random_bits) == (8, None)
    for same in (c, c.encode, c.round):
        assert pickle.loads(pickle.dumps(same)) is same
    assert copy.deepcopy(c) is c
    assert set(MODES) < set(hu.roundings)
    assert "0 <= r < 2**8" in (c.encode.__doc__ or "")


def errors() -> Iterable[tuple[str, type[Exception], str]]:
    f = "hu.float8_e4m3fn"
    c = f"{f}.codec('stochastic_a', random_bits=8)"
    yield f"{f}.codec('stochastic_a')", ValueError, "needs random_bits"
    yield f"{f}.codec('stochastic_d', random_bits=8)", ValueError, "rounding must be one of .*'stochastic_c'"
    yield f"{f}.codec('to_odd', random_bits=8)", ValueError, "random_bits=8 is for the stochastic modes"
    yield f"{f}.codec(random_bits=0)", ValueError, "random_bits=0 is for the stochastic modes"
    for bits, error in (("0", ValueError), ("33", ValueError), ("True", TypeError), ("8.0", TypeError)):
        yield f"{f}.codec('stochastic_b', random_bits={bits})", error, "random_bits must be"
    yield f"{c}.encode(1.0)", TypeError, r"second operand: encode\(x, r\)"
    yield f"{c}.round(np.ones(3))", TypeError, r"second operand: round\(x, r\)"
    yield f"{c}.encode(1.0, 256)", ValueError, r"r = 256 is no random integer of 8 bits: 0 <= r < 2\*\*8"
    yield f"{c}.encode(1.0, np.int8(-1))", ValueError, "r = -1 is no"
    yield f"{c}.encode(np.ones(999), np.r_[np.zeros(700, int), [-3, 999], np.zeros(297, int)])", ValueError, "r = -3 "
    yield f"{c}.round(1.0, np.uint64(2**64 - 1))", ValueError, "r = 18446744073709551615 is no"
    yield f"{c}.encode(1.0, 1.5)", TypeError, "integer dtype, not float64"
    yield f"{c}.encode(1.0, 'a')", TypeError, "integer dtype, not <U1"
    yield f"{c}.encode(1j, 1)", TypeError, "not complex128"
    yield f"{c}.encode(1.0, 2**70)", TypeError, "at most 64 bits"
    yield f"{c}.encode(np.ones(3), np.ones(4, int))", ValueError, "broadcast"
    yield f"hu.encode(1.0, {c})", TypeError, "either random=.* or seed="
    yield f"hu.encode(1.0, {c}, random=1, seed=1)", TypeError, "either random=.* or seed="
    yield f"hu.encode(1.0, {f}, seed=1)", TypeError, "seed is for stochastic rounding"
    yield f"hu.encode('1', {c}, random=256)", ValueError, "random: 256 is out of range"
    yield f"hu.encode('1', {c}, random=-1)", ValueError, "random: -1 is out of range"
    yield f"hu.encode('1', {c}, random=2**99)", ValueError, "out of range"
    yield f"hu.encode(1.0, {c}, random=0.5)", TypeError, "random must be integers, not float64"


@pytest.mark.parametrize(("call", "error", "message"), list(errors()))
def test_errors(call: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        eval(call, {"hu": hu, "np": np})


def test_the_test_can_fail() -> None:
    assert goes_away("stochastic_a", Fraction(1, 2), 1, 1)
    assert not goes_away("stochastic_a", Fraction(1, 2), 1, 0)
    assert [chances(m, Fraction(3, 4), 1) for m in MODES] == [1, 2, 2]
    assert [chances(m, Fraction(1, 4), 1) for m in MODES] == [0, 1, 0]
    assert outcome(NAMED["int4"], real(Fraction(5, 4))) == Outcome(1, 2, Fraction(1, 4))
