"""Operators of scalars, and extrema of arrays, beside the ufuncs: a shorter way to the same bits and warnings."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from numpy.typing import NDArray

Array = NDArray[Any]
FORMATS = [f for f in hu.formats.values() if f.dtype.type.__module__ == "halfulp"]
FORMATS += [hu.Format(5, 3), hu.Format(3, 2, specials="p3109_e"), hu.Format(4, 3, specials="p3109_f", signed=False)]
FORMATS += [hu.Format(8, 7, specials="fnuz"), hu.Format(8, 12)]
every = pytest.mark.parametrize("of", FORMATS, ids=lambda f: f.name)
BINARY = {
    operator.add: np.add,
    operator.sub: np.subtract,
    operator.mul: np.multiply,
    operator.truediv: np.divide,
    operator.lt: np.less,
    operator.le: np.less_equal,
    operator.eq: np.equal,
    operator.ne: np.not_equal,
    operator.gt: np.greater,
    operator.ge: np.greater_equal,
}
UNARY = {operator.neg: np.negative, operator.abs: np.absolute, operator.pos: np.positive}


def interesting(of: hu.Format) -> Array:
    """Both zeros, the ends, Inf and NaN, subnormals, and a few plain numbers."""
    rng = np.random.default_rng(of.bits)
    top = (1 << of.bits) - 1
    codes = {0, 1, 2, top, top - 1, of.code_of_max, of.code_of_max + 1, 1 << (of.bits - 1), (1 << (of.bits - 1)) + 1}
    codes |= {int(c) for c in rng.integers(0, top, 8, dtype=np.uint64, endpoint=True)}
    return np.array(sorted(c & top for c in codes), of.code_dtype).view(of.dtype)


def observed(call: Callable[..., Any], *operands: Any) -> tuple[Any, Any, set[str]]:
    """The type and the bits of a result, and what was warned of."""
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn"):
        warnings.simplefilter("always")
        result = call(*operands)
    bits = result.code if hasattr(result, "code") else np.asarray(result).tobytes()
    return type(result), bits, {str(w.message) for w in caught}


@every
def test_operators_of_scalars_are_the_ufuncs(of: hu.Format) -> None:
    x = interesting(of)
    for short, ufunc in UNARY.items():
        for each in x:
            assert observed(short, each) == observed(ufunc, each), (short, each)
    for short, ufunc in BINARY.items():
        for a in x:
            for b in x:
                assert observed(short, a, b) == observed(ufunc, a, b), (short, a, b)


@every
def test_operators_take_numbers_of_python(of: hu.Format) -> None:
    numbers = [0, 1, -1, 3, 2**70, 0.0, -0.0, 1.5, 0.1, 1e300, float("inf"), float("nan"), True]
    for short, ufunc in BINARY.items():
        for a in interesting(of)[::3]:
            for b in numbers:
                for operands in ((a, b), (b, a)):
                    try:
                        want = observed(ufunc, *operands)
                    except (OverflowError, TypeError, ValueError) as error:
                        with pytest.raises(type(error)):
                            short(*operands)
                    else:
                        assert observed(short, *operands) == want, (short, operands)


class Asked:
    """Takes no part in ufuncs."""

    __array_ufunc__ = None

    def __add__(self, other: object) -> str:
        return "asked"

    __radd__ = __add__


class Prior:
    """Comes before arrays, by the older rule."""

    __array_priority__ = 1000

    def __rmul__(self, other: object) -> str:
        return "prior"


def test_operators_leave_other_operands_to_numpy() -> None:
    s = hu.bfloat16.dtype.type(1.5)
    assert type(s + np.float32(1)) is np.float32
    assert type(s + hu.float8_e4m3fn.dtype.type(1)) is type(s)
    assert (s + np.ones(2, hu.bfloat16.dtype)).tolist() == [2.5, 2.5]
    assert type(s < s) is np.bool
    with pytest.raises(TypeError):
        s + "x"
    assert s + Asked() == Asked() + s == "asked"
    assert s + Fraction(1, 2) == 2
    assert s * Prior() == "prior"
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        hu.float8_e5m2.dtype.type(57344) + hu.float8_e5m2.dtype.type(57344)


def one_after_another(ufunc: np.ufunc, x: Array) -> Any:
    total = x[:1].copy()
    for each in x[1:]:
        ufunc(total, each, out=total)
    return total[0]


@pytest.mark.parametrize("ufunc", [np.minimum, np.maximum, np.fmin, np.fmax], ids=lambda u: u.__name__)
@every
def test_extrema_are_those_of_one_after_another(of: hu.Format, ufunc: np.ufunc) -> None:
    rng = np.random.default_rng(5)
    special = interesting(of)
    plain = special[~np.isnan(special)]
    zeros = np.array([0, 1 << (of.bits - 1)], of.code_dtype).view(of.dtype)
    for pool in (special, plain, zeros, plain[plain <= 0] if of.signed else plain):
        for n in (1, 2, 3, 50):
            for _ in range(6):
                x = rng.choice(pool, n)
                assert observed(ufunc.reduce, x)[1:2] == observed(one_after_another, ufunc, x)[1:2], x
    long = rng.choice(plain, 10_000)
    want = {np.minimum: long.argmin(), np.maximum: long.argmax(), np.fmin: long.argmin(), np.fmax: long.argmax()}[ufunc]
    assert ufunc.reduce(long) == long[want]
    assert ufunc.reduce(long[::-3]) == one_after_another(ufunc, long[::-3])
    if of.has_nan:
        long[[5, 9000]] = np.nan
        assert np.isnan(ufunc.reduce(long)) == (ufunc in (np.minimum, np.maximum))


@pytest.mark.parametrize("op", [np.multiply, np.add, np.minimum, np.less, np.negative], ids=lambda u: u.__name__)
def test_bits_above_the_width_change_nothing(op: np.ufunc) -> None:
    """In one place of many, in either operand, contiguous or not, and in place."""
    of = hu.float6_e2m3fn
    rng = np.random.default_rng(6)
    clean = [rng.integers(0, 64, 5000, np.uint8) for _ in range(op.nin)]
    with np.errstate(all="ignore"):
        want = op(*(c.view(of.dtype) for c in clean))
        for operand in range(op.nin):
            for place in (0, 777, 4999):
                dirty = [c.copy() for c in clean]
                dirty[operand][place] |= 0xC0
                x = [d.view(of.dtype) for d in dirty]
                assert op(*x).tobytes() == want.tobytes()
                strided = [np.repeat(each, 2)[::2] for each in x]
                assert op(*strided).tobytes() == want.tobytes()
                if want.dtype == of.dtype:
                    op(*x, out=x[0])
                    assert x[0].tobytes() == want.tobytes()
