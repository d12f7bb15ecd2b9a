"""Casting levels, warnings, text, layouts, views of casts. The numbers they give: test_dtype_casts_exact.py."""

from __future__ import annotations

import itertools
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from dtype_cases import SPECS
from oracle import NAMED, Spec, decode
from support import product


def sets(spec: Spec) -> set[Any]:
    values = [decode(spec, c) for c in spec.codes]
    return {(v.kind, v.magnitude, v.negative if v.kind != "nan" else False) for v in values}


def test_casting_levels_are_those_of_the_sets_of_values() -> None:
    small = [s for s in (*SPECS, NAMED["int8"], NAMED["uint8"]) if s.bits <= 10]
    values = {product(s): sets(s) for s in small}
    for (a, values_a), (b, values_b) in itertools.product(values.items(), repeat=2):
        assert np.can_cast(a.dtype, b.dtype) == (values_a <= values_b), (a, b)
        # As from float32 to int8, and from int8 to uint8.
        forbidden = whole(b) and (not whole(a) or (a.signed and not b.signed))
        assert np.can_cast(a.dtype, b.dtype, "same_kind") == (values_a <= values_b or not forbidden), (a, b)
        assert np.can_cast(a.dtype, b.dtype, "unsafe")


def whole(f: hu.Format) -> bool:
    return f.kind == "integer" and bool((f.values() % 1 == 0).all())


def test_casts_of_the_same_kind_are_those_of_numpys_numbers() -> None:
    """What an int8 in a format's place may be cast to and from, the format may."""
    for f, builtin in ((hu.int4, "i1"), (hu.uint4, "u1"), (hu.bfloat16, "f4"), (hu.mxint8, "f4")):
        for other in ("?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8"):
            for pair, want in (((f.dtype, other), (builtin, other)), ((other, f.dtype), (other, builtin))):
                level = np.can_cast(*want, "same_kind") or np.can_cast(*pair)
                assert np.can_cast(*pair, "same_kind") == level, pair


def test_no_fraction_is_lost_in_place() -> None:
    for f in (hu.int4, hu.uint2, hu.Format("e0m23:bias=-22:integer")):
        x = np.array([1, 2], f)
        for change in ("x += 0.5", "x /= 2", "x -= np.float32(1)", "np.copyto(x, 1.5)", "np.add(x, 0.5, out=x)"):
            with pytest.raises(TypeError, match="same_kind"):
                exec(change, {"x": x, "np": np})
        x += 1
        assert x.tolist() == [2, 3]
    wide = np.array([1, 2], hu.Format("e0m30:bias=-29:integer"))  # it computes in float64
    wide += 1
    assert wide.tolist() == [2, 3]
    assert not np.can_cast(np.int64, hu.Format("e0m30:bias=-29:integer:unsigned"), "same_kind")
    y = np.array([1.5], hu.mxint8)
    y *= 0.5
    assert y.tolist() == [0.75]


@pytest.mark.parametrize("f", [hu.int4, hu.uint4], ids=str)
def test_functions_for_floats_take_an_integer_format_beside_numpys_integers(f: hu.Format) -> None:
    """As they take int8 beside them: the first float that holds both, and float64 for quotients."""
    x = np.array([1, 0, 1], f)
    like = x.astype(np.int8)
    ufuncs = (np.divide, np.hypot, np.arctan2, np.copysign, np.heaviside, np.logaddexp, np.float_power, np.fmod)
    for ufunc, other in itertools.product(
        ufuncs, (np.int8(2), np.array([1, 2, 3]), [3, 2, 1], np.int32(3), np.int64(1))
    ):
        for operands, same in (((x, other), (like, other)), ((other, x), (other, like))):
            with np.errstate(all="ignore"):
                got, want = ufunc(*operands), ufunc(*same)
            assert np.array_equal(got, want, equal_nan=True), (ufunc, other)
            if ufunc is np.divide:
                assert got.dtype == want.dtype == np.float64
    assert (np.ones(2, hu.int4) / np.ones(2, hu.uint4)).dtype == np.float32
    assert np.ma.divide(np.ma.array(x, mask=[1, 0, 0]), 2).tolist() == [None, 0, 0.5]
    assert np.mean(np.ones(3, f), out=np.zeros((), f)) == 1


def test_powers_in_float64_beside_any_float() -> None:
    for f, other in itertools.product(
        (hu.float8_e4m3fn, hu.float4_e2m1fn), (np.float16, np.float32, np.int8, hu.mxint8)
    ):
        got = np.float_power(np.array([2], f), np.array([1.5]).astype(other))
        assert (got.dtype, got[0]) == (np.float64, 2.0 ** float(np.array([1.5]).astype(other)[0]))


def test_integers_of_a_format_and_of_numpy_have_an_integer_in_common() -> None:
    types = [np.dtype(c) for c in "?bBhHiIqQ"]
    for f, like in ((hu.int4, "i1"), (hu.uint4, "u1"), (hu.int2, "i1"), (hu.uint2, "u1")):
        for a, b in itertools.product(types, repeat=2):
            found = {np.result_type(*order) for order in itertools.permutations((f.dtype, a, b))}
            assert len(found) == 1, (f, a, b, found)
            smaller = np.can_cast(f.dtype, a) or np.can_cast(a, f.dtype)
            if not smaller:
                assert np.promote_types(f.dtype, a) == np.promote_types(like, a), (f, a)


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
