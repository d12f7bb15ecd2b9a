"""Conversions: to other formats, integers and text (clauses 5.4, 5.8, 5.12)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from halfulp import _exact
from halfulp._decimal import shortest, to_hex
from halfulp._format import Format
from halfulp._operation_functions import ROUNDED, call, function
from halfulp._operations import (
    FormatLike,
    Integers,
    Policy,
    Subnormals,
    codes_of,
    formats_of,
    hashable,
    integers_of,
    run,
    settle,
    table,
    ufunc_of,
)
from halfulp._parameters import INTEGER_CHARACTERS

convert = function(
    "convert",
    "5.4.2",
    "The value of a in another format.",
    ROUNDED,
    """>>> hu.ops.convert(0x7B, format=("float8_e5m2", "float8_e4m3fn"), overflow="saturate", flags=True)
(np.uint8(126), np.uint8(5))""",
)


def to_integer(
    a: npt.ArrayLike,
    dtype: npt.DTypeLike,
    *,
    format: FormatLike,
    rounding: str = "toward_zero",
    exact: bool = False,
    invalid: str = "saturate",
    subnormals: Subnormals = "gradual",
    flags: bool = False,
    out: Any = None,
    where: Any = True,
) -> Any:
    """The integers that a is rounded to.

    IEEE 754-2019, clauses 5.4.1 and 5.8.

    Parameters
    ----------
    a : array_like of codes, of any integer dtype
    dtype : dtype
        int8 to int64 or uint8 to uint64.
    format : Format or str
    rounding : str, optional
        One of the six deterministic modes of `halfulp.roundings`.
    exact : bool, optional
        Whether a changed value raises inexact (the clause's convertToIntegerExact).
    invalid : {"saturate", "x86"}, optional
        What stands for numbers out of range and NaN, which raise invalid: the nearest end of the range and 0 (Arm), or
        the one integer that x86 calls indefinite (only the top bit; all bits where unsigned).
    subnormals : str, optional
        "gradual" or "flush_input".
    flags, out, where
        As in `add`.

    Returns
    -------
    integers of `dtype`; with `flags`, also uint8 of `Flag`

    Raises
    ------
    TypeError
        If `dtype` is no integer dtype.

    Examples
    --------
    >>> import halfulp as hu
    >>> f = hu.float8_e4m3fn
    >>> hu.ops.to_integer(f.encode([2.75, -2.75, 448.0]), "int8", format=f, flags=True)
    (array([  2,  -2, 127], dtype=int8), array([ 0,  0, 16], dtype=uint8))
    """
    target = np.dtype(dtype)
    if target.char not in INTEGER_CHARACTERS or not target.isnative:
        raise TypeError(f"dtype must be an integer dtype of this machine's byte order, not {target}")
    if invalid not in ("saturate", "x86"):
        raise ValueError(f"invalid must be 'saturate' or 'x86', not {invalid!r}")
    integers = Integers(rounding, bool(exact), 8 * target.itemsize, target.kind == "i", invalid == "x86")
    policy = Policy(subnormals=subnormals)
    return call("to_integer", (a,), format, policy, integers=integers, flags=flags, out=out, where=where)


def from_integer(
    n: npt.ArrayLike,
    *,
    format: FormatLike,
    rounding: str = "nearest_even",
    overflow: str = "default",
    subnormals: Subnormals = "gradual",
    tininess: str = "after",
    nan: str | int | tuple[int, int] = "canonical",
    flags: bool = False,
    out: Any = None,
    where: Any = True,
) -> Any:
    """The codes of integers, with flags.

    IEEE 754-2019, clause 5.4.1.

    Parameters
    ----------
    n : array_like of integers, of any integer dtype
    format : Format or str
    rounding, overflow, subnormals, tininess, nan, flags, out, where
        As in `add`.

    Returns
    -------
    codes of the format; with `flags`, also uint8 of `Flag`

    Examples
    --------
    >>> import halfulp as hu
    >>> hu.ops.from_integer([1, 17, -1000], format="float8_e4m3fn", flags=True)
    (array([ 56,  88, 255], dtype=uint8), array([0, 1, 5], dtype=uint8))
    """
    numbers = integers_of(n, "n")
    integers = Integers(signed=numbers.dtype == np.int64)
    formats = formats_of("from_integer", format)
    ufunc = ufunc_of(
        "from_integer", formats, Policy(rounding, overflow, subnormals, tininess, nan), integers, False, flags
    )
    return run(ufunc, [numbers], out, where)


def from_string(
    text: object,
    *,
    format: FormatLike,
    rounding: str = "nearest_even",
    overflow: str = "default",
    subnormals: Subnormals = "gradual",
    tininess: str = "after",
    nan: str | int | tuple[int, int] = "canonical",
    flags: bool = False,
) -> Any:
    """The codes of numbers written as decimal or hexadecimal text, correctly rounded, with flags.

    IEEE 754-2019, clauses 5.4.2, 5.4.3 and 5.12.

    Parameters
    ----------
    text : str, or nested sequences or an array of str
        Such as ``"-1.5e-3"``, ``"0x1.8p-4"``, ``"1/3"``, ``"inf"``, ``"nan"``. Decimal and hexadecimal numbers may be
        of any length; the two integers of a fraction have at most 4000 digits each.
    format : Format or str
    rounding, overflow, subnormals, tininess, nan, flags
        As in `add`. Without `flags`, no warning is given.

    Returns
    -------
    codes of the format; with `flags`, also uint8 of `Flag`

    Raises
    ------
    ValueError
        If a string cannot be read.

    Examples
    --------
    >>> import halfulp as hu
    >>> hu.ops.from_string(["0.1", "0x1.8p3", "1e9"], format="float8_e4m3fn", flags=True)
    (array([ 29,  84, 127], dtype=uint8), array([1, 0, 5], dtype=uint8))
    """
    formats = formats_of("from_string", format)
    texts = np.asarray(text, dtype=object)
    numbers = np.empty(texts.size, dtype=_exact.NUMBER)
    for i, element in enumerate(texts.reshape(-1)):
        if not isinstance(element, str):
            raise TypeError(f"text must be strings, not {type(element).__name__}; halfulp.encode takes other numbers")
        numbers[i] = _exact.number(element)
    codes, raised = settle(formats, Policy(rounding, overflow, subnormals, tininess, nan), numbers)
    result = codes.reshape(texts.shape)[()]
    return (result, raised.reshape(texts.shape)[()]) if flags else result


def to_string(codes: npt.ArrayLike, *, format: FormatLike, style: str = "shortest") -> Any:
    """The values of codes as text.

    IEEE 754-2019, clauses 5.4.2, 5.4.3 and 5.12.

    Parameters
    ----------
    codes : array_like of codes, of any integer dtype
    format : Format or str
    style : {"shortest", "hex"}, optional
        The shortest decimal that `from_string` reads as the same code, or hexadecimal, which is exact.

    Returns
    -------
    str, or an array of str of the shape of `codes`

    Examples
    --------
    >>> import halfulp as hu
    >>> hu.ops.to_string([0x1D, 0x7E, 0x80], format="float8_e4m3fn").tolist()
    ['0.1', '450.0', '-0.0']
    >>> hu.ops.to_string(0x1D, format="float8_e4m3fn", style="hex")
    '0x1.ap-4'
    """
    if style not in ("shortest", "hex"):
        raise ValueError(f"style must be 'shortest' or 'hex', not {style!r}")
    (target, *_) = formats_of("to_string", format)
    array = codes_of(target, codes, 1)
    show = shortest if style == "shortest" else to_hex
    distinct, places = np.unique(array.reshape(-1), return_inverse=True)
    target.decode(distinct)  # refuses stray bits
    texts = np.array([show(target, int(code)) for code in distinct], dtype=np.str_)
    return str(texts[0]) if array.ndim == 0 else texts[places].reshape(array.shape)


def ufunc(
    name: str,
    *,
    format: FormatLike | tuple[FormatLike, ...],
    rounding: str = "nearest_even",
    overflow: str = "default",
    subnormals: Subnormals = "gradual",
    tininess: str = "after",
    nan: str | int | tuple[int, int] = "canonical",
    flags: bool = False,
) -> np.ufunc:
    """The `numpy.ufunc` that an operation of this name runs, over arrays of the format's code dtype.

    For what functions have not: ``reduce``, ``accumulate``, ``outer``, ``at``.

    Parameters
    ----------
    name : str
        Of a function of this module.
    format, rounding, overflow, subnormals, tininess, nan, flags
        As in `add`.

    Returns
    -------
    numpy.ufunc

    Examples
    --------
    >>> import numpy as np, halfulp as hu
    >>> add = hu.ops.ufunc("add", format="float8_e4m3fn")
    >>> ones = np.full(100, 0x38, dtype=np.uint8)
    >>> hu.float8_e4m3fn.decode(add.reduce(ones))  # 16 + 1 is a tie, and 16 is even
    np.float32(16.0)
    """
    if name not in table:
        raise ValueError(f"there is no operation named {name!r}; there are {', '.join(table)}")
    formats: tuple[Format, ...] = formats_of(name, format)
    policy = hashable(Policy(rounding, overflow, subnormals, tininess, nan))
    return ufunc_of(name, formats, policy, flags=bool(flags))
