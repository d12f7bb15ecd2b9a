"""Mathematical functions by MPFR: each result is the exact one as far as rounding it once can tell."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import gmpy2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Function = Callable[..., Any]
DIGITS = 200
CONTEXT = gmpy2.context(precision=DIGITS, emax=gmpy2.get_emax_max(), emin=gmpy2.get_emin_min())


@cache
def degree() -> Any:
    return gmpy2.const_pi() / 180


def log_of_sum(exp: Function, log1p: Function) -> Function:
    def function(x: Any, y: Any) -> Any:
        if gmpy2.is_nan(x) or gmpy2.is_nan(y):
            return gmpy2.nan()
        high, low = max(x, y), min(x, y)
        return high + (0 if gmpy2.is_infinite(low) or gmpy2.is_infinite(high) else log1p(exp(low - high)))

    return function


UNARY: dict[str, Function] = {
    "exp": gmpy2.exp,
    "exp2": gmpy2.exp2,
    "expm1": gmpy2.expm1,
    "log": gmpy2.log,
    "log2": gmpy2.log2,
    "log10": gmpy2.log10,
    "log1p": gmpy2.log1p,
    "sin": gmpy2.sin,
    "cos": gmpy2.cos,
    "tan": gmpy2.tan,
    "arcsin": gmpy2.asin,
    "arccos": gmpy2.acos,
    "arctan": gmpy2.atan,
    "sinh": gmpy2.sinh,
    "cosh": gmpy2.cosh,
    "tanh": gmpy2.tanh,
    "arcsinh": gmpy2.asinh,
    "arccosh": gmpy2.acosh,
    "arctanh": gmpy2.atanh,
    "cbrt": gmpy2.cbrt,
    "sqrt": gmpy2.sqrt,
    "square": gmpy2.square,
    "reciprocal": lambda x: 1 / x,
    "deg2rad": lambda x: x * degree(),
    "rad2deg": lambda x: x / degree(),
}
BINARY: dict[str, Function] = {
    "power": lambda x, y: x**y,
    "arctan2": gmpy2.atan2,
    "hypot": gmpy2.hypot,
    "logaddexp": log_of_sum(gmpy2.exp, gmpy2.log1p),
    "logaddexp2": log_of_sum(gmpy2.exp2, lambda x: gmpy2.log2(1 + x)),
}


def to_odd(y: Any) -> float:
    """The binary64 next to a number, its last bit set where it is not that number: rounding it is rounding the number.

    A result that MPFR itself had to round says to which side, so no tie is taken for one that is none.
    """
    if gmpy2.is_nan(y):
        return math.nan
    if gmpy2.is_infinite(y):
        return float(y)
    near = float(y)
    if math.isinf(near):
        return math.copysign(sys.float_info.max, near)
    side = (y > near) - (y < near) or (y.rc < 0) - (y.rc > 0)
    if side == 0:
        return near
    if int(np.float64(near).view(np.uint64)) & 1:
        return near
    return math.nextafter(near, side * math.inf)


def values(function: Function, *operands: Array) -> Array:
    """A function of numbers, each rounded to an odd binary64."""
    with gmpy2.context(CONTEXT):
        given = [[gmpy2.mpfr(x) for x in operand.tolist()] for operand in operands]
        return np.array([to_odd(function(*numbers)) for numbers in zip(*given, strict=True)])
