"""Casts between formats and every other dtype, against the oracle: one rounding from the exact value, and its flags."""

from __future__ import annotations

import itertools
import warnings
from fractions import Fraction
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from numpy.typing import NDArray
from oracle import NAMED, Spec, Value, decode, encode, real
from support import product

Array = NDArray[Any]
OWN = [
    Spec(5, 3, 15, "ieee"),
    Spec(3, 2, 3, "p3109_e"),
    Spec(4, 3, 8, "p3109_f", signed=False),
    Spec(0, 5, 1, "finite"),
    Spec(8, 12, 127, "ieee"),
    Spec(11, 3, 1030, "fnuz"),
    Spec(6, 30, 31, "ieee"),
    Spec(2, 0, 1, "finite", signed=False),
    Spec(4, 1, 7, "fn"),  # the largest is a power of two
    Spec(5, 0, 15, "finite"),  # which this format holds, but not what is below
]
NATIVE = ("float16", "float32", "float64", "int8", "uint8")  # NumPy's own, and so are its casts
SPECS = [s for s in (*NAMED.values(), *OWN) if s.name not in NATIVE]
IDS = [s.name or product(s).text for s in SPECS]
every = pytest.mark.parametrize("spec", SPECS, ids=IDS)
INTEGERS = "bhilqBHILQ"


def codes_of(spec: Spec) -> list[int]:
    """All codes of small formats; of large ones those about the ends, the powers of two, and a few others."""
    if spec.bits <= 12:
        return list(spec.codes)
    top = 1 << spec.bits
    near = {0, spec.last, spec.all_magnitude_bits, 1 << spec.mantissa_bits, *(1 << k for k in range(spec.bits))}
    near |= {spec.sign_bit | k for k in near}
    near |= {k + d for k in near for d in (-2, -1, 1, 2)}
    near |= {k * 0x9E3779B97F4A7C15 % top for k in range(400)}
    return sorted(k for k in near if 0 <= k < top)


def array(spec: Spec, codes: list[int]) -> Array:
    """An array of the dtype with these codes."""
    fmt = product(spec)
    return np.array(codes, dtype=fmt.code_dtype).view(fmt.dtype)


def value_of(x: float) -> Value:
    if np.isnan(x):
        return Value("nan", bool(np.signbit(x)))
    if np.isinf(x):
        return Value("inf", bool(x < 0))
    return real(Fraction(float(x)), bool(np.signbit(x)))


def same(got: Array, want: list[Value]) -> None:
    for x, value in zip(got.tolist(), want, strict=True):
        found = value_of(x)
        assert found.kind == value.kind
        if value.kind == "finite":
            assert found == value
        elif value.kind == "inf":
            assert found.negative == value.negative


def codes_in(x: Array, spec: Spec) -> list[int]:
    return [int(code) for code in x.view(product(spec).code_dtype).tolist()]


def ties(spec: Spec) -> list[float]:
    """Numbers of binary64 about the middles between neighbours, and about the largest."""
    points = [v.real for c in codes_of(spec) if (v := decode(spec, c)).kind == "finite"]
    points = sorted(set(points))
    found: set[float] = {0.0, -0.0, float("inf"), float("-inf")}
    for low, high in itertools.pairwise(points):
        middle = float((low + high) / 2)
        found |= {middle, float(np.nextafter(middle, -np.inf)), float(np.nextafter(middle, np.inf))}
    top = float(spec.max)
    for factor in (1, 1.01, 1.03125, 1.0625, 1.125, 1.25, 1.5, 2):
        if top * factor < 1e308:
            found |= {top * factor, -top * factor}
    return sorted(found)


@every
def test_to_floats(spec: Spec) -> None:
    codes = codes_of(spec)
    x = array(spec, codes)
    values = [decode(spec, c) for c in codes]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        wide = x.astype(np.float64)
        same(wide, values)
        same(x.astype(np.longdouble).astype(np.float64), values)
        assert np.array_equal(x.astype(complex).real, wide, equal_nan=True)
        assert (x.astype(complex).imag == 0).all()
        for name in ("float32", "float16"):
            want = [encode(NAMED[name], v) for v in values]
            got = x.astype(name)
            numbers = [v.kind != "nan" for v in values]
            assert [int(c) for c in got.view(f"u{got.itemsize}")[numbers]] == [
                w for w, n in zip(want, numbers, strict=True) if n
            ]
            assert np.isnan(got[[not n for n in numbers]]).all()


@every
@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "g"])
def test_from_floats(spec: Spec, dtype: str) -> None:
    with np.errstate(all="ignore"):
        x = np.array(ties(spec), dtype="f8").astype(dtype)
        got = codes_in(x.astype(product(spec).dtype), spec)
    assert got == [encode(spec, value_of(float(v))) for v in x]


@every
@pytest.mark.parametrize("char", INTEGERS)
def test_from_integers(spec: Spec, char: str) -> None:
    info = np.iinfo(char)
    middles = [int(t) for t in ties(spec) if abs(t) < 2**63]
    numbers = {n + d for n in [*middles[:: max(1, len(middles) // 300)], 0, info.max, info.min] for d in (-1, 0, 1)}
    numbers |= {s * ((1 << k) + d) for k in range(64) for d in (-1, 0, 1, 1 << max(0, k - 9)) for s in (1, -1)}
    x = np.array(sorted(n for n in numbers if info.min <= n <= info.max), dtype=char)
    with np.errstate(all="ignore"):
        got = codes_in(x.astype(product(spec).dtype), spec)
    assert got == [encode(spec, real(int(n))) for n in x]


@every
@pytest.mark.parametrize("char", INTEGERS)
def test_to_integers(spec: Spec, char: str) -> None:
    info = np.iinfo(char)
    codes = codes_of(spec)
    values = [decode(spec, c) for c in codes]
    want = []
    for v in values:
        if v.kind == "nan":
            want.append(0)
        else:
            whole = int(v.real) if v.kind == "finite" else (-1 if v.negative else 1) << 70
            want.append(max(info.min, min(info.max, whole)))
    with np.errstate(all="ignore"):
        assert array(spec, codes).astype(char).tolist() == want
    lost = any(v.kind != "finite" or not info.min <= int(v.real) <= info.max for v in values)
    with np.errstate(invalid="raise"):
        if lost:
            with pytest.raises(FloatingPointError):
                array(spec, codes).astype(char)
        else:
            array(spec, codes).astype(char)


@every
def test_to_bool_and_back(spec: Spec) -> None:
    codes = codes_of(spec)
    nonzero = [not (v.kind == "finite" and v.magnitude == 0) for v in (decode(spec, c) for c in codes)]
    assert array(spec, codes).astype(bool).tolist() == nonzero
    with np.errstate(all="ignore"):
        got = codes_in(np.array([False, True]).astype(product(spec).dtype), spec)
    assert got == [encode(spec, real(0)), encode(spec, real(1))]


@every
def test_between_formats(spec: Spec) -> None:
    codes = codes_of(spec)
    values = [decode(spec, c) for c in codes]
    x = array(spec, codes)
    for other in SPECS:
        with np.errstate(all="ignore"):
            got = codes_in(x.astype(product(other).dtype), other)
        if product(other) is product(spec):
            assert got == codes
        else:
            assert got == [encode(other, v) for v in values], other


def sets(spec: Spec) -> set[Any]:
    values = [decode(spec, c) for c in spec.codes]
    return {(v.kind, v.magnitude, v.negative if v.kind != "nan" else False) for v in values}


def test_casting_levels_are_those_of_the_sets_of_values() -> None:
    small = [s for s in (*SPECS, NAMED["int8"], NAMED["uint8"]) if s.bits <= 10]
    values = {product(s): sets(s) for s in small}
    for (a, values_a), (b, values_b) in itertools.product(values.items(), repeat=2):
        assert np.can_cast(a.dtype, b.dtype) == (values_a <= values_b), (a, b)
        if a.name not in NATIVE and b.name not in NATIVE:
            assert np.can_cast(a.dtype, b.dtype, "same_kind")


@pytest.mark.parametrize(
    ("a", "b", "safe"),
    [
        ("bfloat16", "float32", True),
        ("bfloat16", "float16", False),
        ("tfloat32", "float32", True),
        ("float16", "tfloat32", True),
        ("bfloat16", "tfloat32", True),
        ("pxr24", "fp24", False),
        ("float8_e8m0fnu", "bfloat16", True),  # 2^-127 is subnormal there
        ("float8_e5m2", "float16", True),
        ("float8_e4m3fn", "bfloat16", True),
        ("int8", "bfloat16", True),
        ("uint8", "bfloat16", True),
        ("int16", "bfloat16", False),
        ("int4", "int8", True),
        ("int4", "uint8", False),
        ("mxint8", "bfloat16", True),
        ("mxint8", "int64", False),
        ("bool", "bfloat16", True),
    ],
)
def test_can_cast(a: str, b: str, safe: bool) -> None:
    of = [hu.formats[n].dtype if n in hu.formats else np.dtype(n) for n in (a, b)]
    assert np.can_cast(*of) == safe


@pytest.mark.parametrize("source", ["f2", "f4", "f8", "g", "i8", "u2"])
@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e5m2", "float4_e2m1fn", "int4", "float8_e8m0fnu", "uint4"])
def test_overflow_is_reported(source: str, name: str) -> None:
    fmt = hu.formats[name]
    largest = min(fmt.max, 2.0**15)
    inside = np.array([1, largest], dtype=source)
    with np.errstate(all="raise", under="ignore"):
        inside.astype(fmt.dtype)
    if fmt.max < 50000:
        outside = np.array([1] * 5000 + [60000], dtype=source)
        with np.errstate(over="raise"), pytest.raises(FloatingPointError):
            outside.astype(fmt.dtype)
        with pytest.warns(RuntimeWarning, match="overflow encountered in cast"):
            outside[::-1].astype(fmt.dtype)


def test_a_tie_above_the_largest_overflows_and_less_does_not() -> None:
    with np.errstate(over="raise"):
        assert float(np.array([463.99]).astype(hu.float8_e4m3fn)[0]) == 448
        assert float(np.array([464.0]).astype(hu.float8_e4m3fn)[0]) == 448  # to the even code
        with pytest.raises(FloatingPointError):
            np.array([464.01]).astype(hu.float8_e4m3fn)
        with pytest.raises(FloatingPointError):
            np.array([61440.0], dtype="f4").astype(hu.float8_e5m2)


def test_invalid_is_reported() -> None:
    for x in (np.array([np.nan]), np.array([np.nan], dtype="f2"), np.array([np.nan]).astype(hu.bfloat16)):
        with np.errstate(invalid="raise"), pytest.raises(FloatingPointError):
            x.astype(hu.float4_e2m1fn)
        with np.errstate(all="raise"):
            x.astype(hu.float8_e5m2)


def test_complex_numbers_warn() -> None:
    with pytest.warns(np.exceptions.ComplexWarning):
        got = np.array([1.5 + 1j, 2]).astype(hu.bfloat16)
    assert got.tolist() == [1.5, 2]


@every
def test_text(spec: Spec) -> None:
    fmt = product(spec)
    codes = codes_of(spec)[:: 1 if spec.bits <= 8 else 37]
    codes = [c for c in codes if decode(spec, c).kind != "nan"]
    x = array(spec, codes)
    with np.errstate(all="ignore"):
        for text in (x.astype(str), x.astype("S"), x.astype(np.dtypes.StringDType())):
            assert codes_in(text.astype(fmt.dtype), spec) == codes
    assert codes_in(x.astype(object).astype(fmt.dtype), spec) == codes


def test_text_is_rounded_once() -> None:
    one = np.array(["1.00390625000000000000000000000000001", "1/3", "0x1.8p3", "-inf", " 2 "])
    assert one.astype(hu.bfloat16).tolist() == [1.0078125, 0.333984375, 12.0, float("-inf"), 2.0]
    with pytest.raises(ValueError, match="cannot read"):
        np.array(["1", "one"]).astype(hu.bfloat16)


def test_large_and_odd_arrays() -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal(100_003).astype("f4")
    for fmt in (hu.bfloat16, hu.float8_e4m3fn, hu.float4_e2m1fn):
        want = fmt.encode(x)
        with np.errstate(all="ignore"):
            assert np.array_equal(x.astype(fmt).view(fmt.code_dtype), want)
            assert np.array_equal(x[::-3].astype(fmt).view(fmt.code_dtype), want[::-3])
            assert np.array_equal(x.astype(">f4").astype(fmt).view(fmt.code_dtype), want)
            unaligned = np.frombuffer(b"\0" + x.tobytes(), dtype="u1")[1:].view("f4")
            assert np.array_equal(unaligned.astype(fmt).view(fmt.code_dtype), want)
            square = x[:90000].reshape(300, 300)
            assert np.array_equal(square.T.astype(fmt).view(fmt.code_dtype), want[:90000].reshape(300, 300).T)


def test_stray_bits_are_ignored() -> None:
    x = np.arange(256, dtype=np.uint8).view(hu.float4_e2m1fn.dtype)
    clean = (np.arange(256) % 16).astype(np.uint8).view(hu.float4_e2m1fn.dtype)
    assert np.array_equal(x.astype("f4"), clean.astype("f4"))
    assert (x == clean).all()
    with np.errstate(all="ignore"):
        assert np.array_equal((x + x).view("u1"), (clean + clean).view("u1"))
        assert np.array_equal(np.exp(x).view("u1"), np.exp(clean).view("u1"))
        assert np.array_equal(x.astype(hu.bfloat16).view("u2"), clean.astype(hu.bfloat16).view("u2"))
    assert np.array_equal(np.sort(x).astype("f4"), np.sort(clean).astype("f4"))
    assert str(x[16]) == "0.0"


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu", "float6_e2m3fn"])
def test_views_of_ml_dtypes(name: str) -> None:
    fmt = hu.formats[name]
    ml_dtypes = pytest.importorskip("ml_dtypes")
    theirs = np.array([1, 2, 4], dtype=getattr(ml_dtypes, name))
    ours = theirs.view(fmt.dtype)
    assert np.shares_memory(ours, theirs)
    assert ours.tolist() == [1, 2, 4]
    assert ours.view(theirs.dtype).tolist() == theirs.tolist()


def test_void_is_refused() -> None:
    with pytest.raises(TypeError, match="void"):
        np.zeros(3, "V2").astype(hu.bfloat16)
