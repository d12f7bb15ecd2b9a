"""Casts of numbers to and from formats: all codes of up to 16 bits, all ties and what is beside them, and the flags."""

from __future__ import annotations

import decimal
import warnings
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import oracle
import pytest
from dtype_cases import OWN, SPECS, Array, array, codes_in, every, judge
from oracle import NAMED, Spec, real
from support import assert_codes, product

INTEGERS = "bhilqBHILQ"
FLOATS = "efdg"


@pytest.fixture(autouse=True)
def silent() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


def beside(x: Array) -> Array:
    """These numbers, and their neighbours in their own dtype."""
    return np.concatenate([x, np.nextafter(x, x.dtype.type(-np.inf)), np.nextafter(x, x.dtype.type(np.inf))])


def ties(spec: Spec, char: str) -> Array:
    """Middles of a format as numbers of a floating dtype, what is beside them, and what is far beyond."""
    info = np.finfo(char)
    ends = np.array([0, info.max, info.tiny, info.smallest_subnormal, np.inf, np.nan], char)
    middles = judge(spec).ties()
    found = [beside(middles.astype(char)), ends, -ends]
    if char == "g":
        found.append(beside(middles).astype(char))
    return np.concatenate(found)


def integers(spec: Spec, char: str) -> Array:
    """All of 8 and 16 bits; of wider ones the middles, what is beside them, powers of two and the ends."""
    info = np.iinfo(char)
    if info.bits <= 16:
        return np.arange(info.min, info.max + 1).astype(char)
    numbers = [int(t) for t in judge(spec).ties() if t == np.rint(t) and info.min <= t <= info.max]
    numbers += [s * ((1 << k) + d) for k in range(64) for d in (-1, 0, 1, 1 << max(0, k - 9)) for s in (1, -1)]
    all_three = {n + d for n in (*numbers, info.min, info.max) for d in (-1, 0, 1)}
    return np.array([n for n in all_three if info.min <= n <= info.max], char)


def lossless(x: Array) -> Array:
    """Integers as numbers of a floating dtype that holds them all."""
    if np.iinfo(x.dtype).bits > 53 and np.finfo(np.longdouble).nmant < 63:
        pytest.skip("needs a wider long double")
    return x.astype(np.longdouble)


def raised(x: Array, target: Any) -> set[str]:
    """What a cast warns of."""
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn"):
        warnings.simplefilter("always")
        x.astype(target)
    return {str(w.message).split()[0] for w in caught}


# -- the judge itself


@pytest.mark.parametrize("spec", [s for s in OWN if s.bits != 16], ids=str)
def test_the_judge_agrees_with_the_oracle(spec: Spec) -> None:
    """One number at a time, by fractions."""
    x = ties(spec, "d")
    x = np.random.default_rng(3).choice(x, min(500, x.size), replace=False)
    want = [oracle.encode(spec, value_of(v)) for v in x.tolist()]
    assert_codes(judge(spec).encode(x), want, x)


def value_of(x: float) -> oracle.Value:
    if not np.isfinite(x):
        return oracle.nan(bool(np.signbit(x))) if np.isnan(x) else oracle.inf(x < 0)
    return real(Fraction(x), bool(np.signbit(x)))


# -- to a format


@every
@pytest.mark.parametrize("char", FLOATS)
def test_from_floats(spec: Spec, char: str) -> None:
    x = np.arange(1 << 16, dtype=np.uint16).view(np.float16) if char == "e" else ties(spec, char)
    got = codes_in(x.astype(product(spec).dtype), spec)
    assert_codes(got, judge(spec).encode(x), x)


@every
@pytest.mark.parametrize("char", "FDG")
def test_from_complex_numbers(spec: Spec, char: str) -> None:
    """The imaginary part is dropped, whatever it is, with NumPy's warning."""
    x = ties(spec, char.lower())[::7]
    z = x.astype(char)
    z.imag = np.resize([0, 1, np.nan, np.inf, -1e30], x.size)
    with pytest.warns(np.exceptions.ComplexWarning):
        got = codes_in(z.astype(product(spec).dtype), spec)
    assert_codes(got, judge(spec).encode(x), x)


@every
@pytest.mark.parametrize("char", "?" + INTEGERS)
def test_from_integers(spec: Spec, char: str) -> None:
    x = np.array([False, True]) if char == "?" else integers(spec, char)
    wide = x.astype(float) if char == "?" else lossless(x)
    got = codes_in(x.astype(product(spec).dtype), spec)
    assert_codes(got, judge(spec).encode(wide), x)


# -- from a format


def same_numbers(got: Array, want: Array) -> None:
    """Bit for bit, but for the payload of a NaN."""
    assert got.dtype == want.dtype
    assert np.array_equal(np.isnan(got), np.isnan(want))
    numbers = ~np.isnan(want)
    assert np.array_equal(got[numbers], want[numbers])
    assert np.array_equal(np.signbit(got[numbers]), np.signbit(want[numbers]))


@every
def test_to_floats(spec: Spec) -> None:
    x, values = array(spec, judge(spec).codes), judge(spec).values
    for char in "dgDG":
        got = x.astype(char)
        same_numbers(got.real, values.astype(char.lower()))
        assert (got.imag == 0).all()
    for name, char in (("float16", "e"), ("float32", "f")):
        judged = judge(NAMED[name]).encode(values).astype(f"u{np.dtype(char).itemsize}").view(char)
        same_numbers(x.astype(char), judged)
    same_numbers(x.astype("F").real, judged)


@every
@pytest.mark.parametrize("char", INTEGERS)
def test_to_integers(spec: Spec, char: str) -> None:
    """Toward zero; beyond the ends the nearest end, NaN is 0, and these are invalid."""
    info = np.iinfo(char)
    x, values = array(spec, judge(spec).codes), np.trunc(judge(spec).values)
    # 2^63 - 1 is no binary64: compare with what is.
    inside = (values >= float(info.min)) & (values < 2.0 ** (info.bits - (info.min < 0)))
    want = np.where(values > 0, info.max, np.where(values < 0, info.min, 0)).astype(char)
    want[inside] = values[inside].astype(char)
    assert_codes(x.astype(char), want, values)
    assert raised(x[inside], char) == set()
    for i in np.flatnonzero(~inside)[:: max(1, (~inside).sum() // 20)]:
        assert raised(x[i : i + 1], char) == {"invalid"}


@every
def test_to_bool(spec: Spec) -> None:
    assert np.array_equal(array(spec, judge(spec).codes).astype(bool), judge(spec).values != 0)


@every
def test_between_formats(spec: Spec) -> None:
    x, values = array(spec, judge(spec).codes), judge(spec).values
    for other in SPECS:
        got = codes_in(x.astype(product(other).dtype), other)
        want = judge(spec).codes if product(other) is product(spec) else judge(other).encode(values)
        assert_codes(got, want, values, other)


# -- what is raised


@every
@pytest.mark.parametrize("char", FLOATS + "hqQ")
def test_flags(spec: Spec, char: str) -> None:
    """Overflow of what is rounded beyond the ends; invalid of NaN and Inf that have no place.

    What is below an unsigned format is invalid if it becomes NaN, else beyond its end.
    """
    judged, dtype = judge(spec), product(spec).dtype
    x = ties(spec, char) if char in FLOATS else integers(spec, char)
    wide = x if char in FLOATS else lossless(x)
    overflow = judged.overflows(wide)
    invalid = np.isnan(wide) & (not spec.has_nan)
    if not spec.signed:
        below = judged.is_below(wide)
        overflow, invalid = (overflow, invalid | below) if spec.has_nan else (overflow | below, invalid)
    fmt = product(spec)
    homeless = np.isinf(wide) & ((not fmt.has_inf) | ((wide < 0) & (not fmt.signed)))
    overflow, invalid = overflow & ~homeless, invalid | homeless
    assert raised(x[~(overflow | invalid)], dtype) == set()
    for found, kind in ((overflow, "overflow"), (invalid, "invalid")):
        for i in np.flatnonzero(found)[:: max(1, found.sum() // 20)]:
            assert raised(x[i : i + 1], dtype) == {kind}, x[i]


# -- by way of text and Python's objects


def spread(x: Any, thorough: bool, count: int = 256) -> Any:
    return x if thorough else x[:: max(1, len(x) // count)]


@every
@pytest.mark.parametrize("kind", [str, bytes, np.dtypes.StringDType(), object], ids=["U", "S", "T", "O"])
def test_every_number_survives_text_and_objects(spec: Spec, kind: Any, thorough: bool) -> None:
    judged = judge(spec)
    keep = spread(np.flatnonzero(~np.isnan(judged.values)), thorough)
    x, values = array(spec, np.array(judged.codes, np.uint64)[keep]), judged.values[keep]
    made = x.astype(kind)
    assert np.array_equal([float(v) for v in made.tolist()], values)
    assert np.array_equal(codes_in(made.astype(product(spec).dtype), spec), codes_in(x, spec))


@every
def test_text_and_objects_are_rounded_once(spec: Spec, thorough: bool) -> None:
    """Middles and what is beside them, closer than any binary64 is."""
    judged, dtype = judge(spec), product(spec).dtype
    middles = spread(judged.ties(), thorough, 64)
    exact = [Fraction(m) for m in middles.tolist()]
    small = Fraction(1, 10**40)
    for toward, numbers in (
        (middles, exact),
        (np.nextafter(middles, np.inf), [x + abs(x) * small for x in exact]),
        (np.nextafter(middles, -np.inf), [x - abs(x) * small for x in exact]),
    ):
        want = judged.encode(toward)
        fractions = np.empty(len(numbers), object)
        fractions[:] = numbers
        assert_codes(codes_in(fractions.astype(dtype), spec), want, toward)
        text = [f"{x.numerator}/{x.denominator}" for x in numbers]
        for kind in (str, bytes, np.dtypes.StringDType()):
            assert_codes(codes_in(np.array(text, dtype=kind).astype(dtype), spec), want, toward)
    context = decimal.Context(prec=2000)
    decimals = [context.divide(decimal.Decimal(x.numerator), decimal.Decimal(x.denominator)) for x in exact]
    for numbers in (decimals, [str(d) for d in decimals]):
        assert_codes(codes_in(np.array(numbers, object).astype(dtype), spec), judged.encode(middles), middles)
