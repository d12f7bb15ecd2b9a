"""Scalars of formats: made from anything that is a number, and used as numbers are."""

from __future__ import annotations

import copy
import math
import numbers
import pickle
from decimal import Decimal
from fractions import Fraction
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from oracle import NAMED, encode, real

bf16: Any = hu.bfloat16.dtype.type
e4m3: Any = hu.float8_e4m3fn.dtype.type
NATIVE = {"float16", "float32", "float64", "int8", "uint8"}
OURS = [f for name, f in hu.formats.items() if name not in NATIVE]
each = pytest.mark.parametrize("f", OURS, ids=lambda f: f.name)


@pytest.mark.parametrize(
    "x",
    [
        0, 1, -1, 3, 2**70 + 1, -(2**200), True, 0.1, 1e-30, Fraction(1, 3), Fraction(-(10**40), 7), Decimal("0.3"),
        "1/3", "0x1.8p-4", "1.00390625000000000000000000000000001", " 2 ", b"1.5", np.float32(0.1), np.float16(0.1),
        np.longdouble(1) / 3, np.int64(2**63 - 1), np.uint64(2**64 - 1), np.bool_(True), np.str_("7"), np.array(2.5),
    ],
    ids=repr,
)  # fmt: skip
def test_made_with_one_rounding(x: Any) -> None:
    if isinstance(x, np.longdouble):
        exact = Fraction(*x.as_integer_ratio())
    elif isinstance(x, str | bytes):
        text = (x if isinstance(x, str) else x.decode()).strip()
        exact = Fraction(float.fromhex(text)) if "x" in text else Fraction(text)
    elif isinstance(x, np.ndarray | np.floating):
        exact = Fraction(float(x))
    else:
        exact = Fraction(int(x)) if isinstance(x, np.integer | np.bool_) else Fraction(x)
    with np.errstate(all="ignore"):
        for f in OURS:
            assert f.dtype.type(x).code == encode(NAMED[f.name], real(exact)), f  # type: ignore[attr-defined]


def test_from_scalars_of_other_formats() -> None:
    assert float(e4m3(bf16(1.03125))) == 1.0
    assert float(bf16(e4m3(1.125))) == 1.125
    assert float(bf16()) == 0
    assert bf16([1, 2.5]).tolist() == [1, 2.5]  # an array, as from NumPy's types
    assert bf16(np.array([1, 2.5])).dtype is hu.bfloat16.dtype


@pytest.mark.parametrize(
    ("x", "error"),
    [
        ("abc", ValueError),
        ("", ValueError),
        ("1.5.2", ValueError),
        (None, TypeError),
        (1j, TypeError),
        (np.complex64(1), TypeError),
        (object(), TypeError),
        ({}, TypeError),
        ([[1], [2, 3]], ValueError),
        (np.datetime64("2020"), TypeError),
        (np.void(b"ab"), TypeError),
        (int, TypeError),
    ],
    ids=repr,
)
def test_what_is_no_number(x: object, error: type[Exception]) -> None:
    for f in (hu.bfloat16, hu.float8_e4m3fn, hu.int4):
        with pytest.raises(error):
            f.dtype.type(x)
        if not isinstance(x, np.complexfloating):  # which NumPy casts, with a warning
            with pytest.raises((ValueError, TypeError)):
                np.zeros(2, f)[0] = x


def test_wrong_calls() -> None:
    with pytest.raises(TypeError):
        bf16(1, 2)
    with pytest.raises(TypeError, match="keyword"):
        bf16(value=1)
    with pytest.raises(TypeError, match="subclass"):
        type("mine", (bf16,), {})
    with pytest.raises(TypeError, match="no format"):
        bf16.__mro__[1](1)


@each
def test_as_a_number(f: hu.Format) -> None:
    one: Any = f.dtype.type(1)
    assert isinstance(one, np.floating)
    assert isinstance(one, numbers.Real)
    assert float(one) == int(one) == 1
    assert bool(one)
    assert hash(one) == hash(1.0)
    assert {1: "a"}[one] == "a"
    assert one == 1
    assert one == np.float64(1)
    assert one < 1.5 or f.specials == "integer"
    assert one.dtype is f.dtype
    assert one.format is f
    assert one.real is one
    assert one.as_integer_ratio() == (1, 1)
    assert one.is_integer()
    assert round(one) == math.floor(one) == math.ceil(one) == math.trunc(one) == 1
    assert pickle.loads(pickle.dumps(one)).code == one.code
    assert pickle.loads(pickle.dumps(type(one))) is type(one)
    assert copy.deepcopy(one) is one
    assert one.item() == 1
    assert one.tobytes() == np.array([1], f).tobytes()
    assert np.asarray(one).dtype is f.dtype
    assert repr(one) == f"{f.name}({one})"
    assert f"{one:.3f}" == "1.000"
    assert type(one * one) is type(one)
    assert type(np.sqrt(one)) is type(one)


def test_text_is_what_a_float_of_the_same_value_has() -> None:
    assert [str(bf16(x)) for x in (0.1, 2**100, 3.140625, -0.0, math.inf, math.nan)] == [
        "0.10009765625", "1.2676506002282294e+30", "3.140625", "-0.0", "inf", "nan",
    ]  # fmt: skip
    for f in (hu.float8_e4m3fn, hu.float8_e5m2, hu.float6_e2m3fn):
        for x in np.arange(2**f.bits).astype(f.code_dtype).view(f.dtype):
            if not np.isnan(x):
                assert f.dtype.type(str(x)).code == x.code
                assert eval(repr(x), {f.name: f.dtype.type, "inf": math.inf}).code == x.code
    assert str(hu.float8_e4m3fn.dtype.type(448)) == "448.0"  # 450.0 would be shorter and reads back, too
    assert bf16(0.1).hex() == "0x1.9ap-4"


def test_inf_and_nan_are_no_integers() -> None:
    with pytest.raises(OverflowError):
        int(bf16("inf"))
    with pytest.raises(ValueError, match="NaN"):
        int(e4m3("nan"))
    with pytest.raises(OverflowError):
        bf16("-inf").as_integer_ratio()
    assert bf16("nan") != bf16("nan")
    assert bool(bf16("nan"))
    assert int(bf16(-2.5)) == -2


def test_events_follow_errstate() -> None:
    for x in (1000.0, 1000, Fraction(2001, 2), "1e3", np.float32(1000), 10**400):
        with pytest.warns(RuntimeWarning, match="overflow"):
            assert np.isnan(e4m3(x))
        with np.errstate(over="raise"), pytest.raises(FloatingPointError):
            e4m3(x)
    with pytest.warns(RuntimeWarning, match="invalid"):
        hu.float4_e2m1fn.dtype.type(math.nan)
    with np.errstate(all="raise"):
        assert np.isinf(bf16(math.inf))


def test_arithmetic_with_other_numbers() -> None:
    x = bf16(1.5)
    assert type(x + 1) is type(1 + x) is type(x * 2.5) is bf16
    assert type(x + np.float32(1)) is np.float32
    assert type(np.float64(1) + x) is np.float64
    assert float(x**2) == 2.25
    assert float(-x) == float(-abs(x)) == -1.5
    assert divmod(x, 1) == (1, 0.5)
    assert float(x // 1) == 1
    assert (x + 1j) == 1.5 + 1j
    with pytest.raises(TypeError):
        x & x
    with pytest.raises(TypeError):
        x + "a"
    assert x != "a"
    assert x not in (None, "", object())


def test_scalars_of_ml_dtypes_are_numbers() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    assert float(bf16(ml_dtypes.float8_e5m2(1.25))) == 1.25
