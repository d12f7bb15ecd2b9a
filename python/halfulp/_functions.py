"""`encode`, `decode`, `round` as functions: everything the ufuncs take, and what no ufunc can."""

from __future__ import annotations

import array as arrays
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from halfulp import _core, _exact
from halfulp._codebook import Codebook
from halfulp._codec import Codec, NanRule, widen
from halfulp._format import Format
from halfulp._random import checked_words, operands
from halfulp._text import as_codec

Array = npt.NDArray[Any]


def encode(
    x: object,
    format: Format | Codebook | Codec | str,
    *,
    rounding: str | None = None,
    overflow: str | None = None,
    nan: NanRule = None,
    subnormals: str | None = None,
    via: Format | str | None = None,
    random_bits: int | None = None,
    random: npt.ArrayLike | None = None,
    seed: int | None = None,
    out: Array | None = None,
) -> Any:
    """Codes of real numbers, each rounded once from its exact value.

    Parameters
    ----------
    x : array_like
        What the ufunc `format.encode` takes, and arrays of formats' dtypes, Python ints of any size, Fractions,
        Decimals, strings (``"1.5e-3"``, ``"0x1.8p-4"``, ``"1/3"``, ``"-inf"``, ``"nan"``), object arrays and nested
        lists of these, and objects with ``__dlpack__``.
    format : Format, Codebook, Codec or str
    rounding, overflow, nan, subnormals, via, random_bits
        The policy, as in `Format.codec`.
    random : array_like of integers, optional
        Stochastic rounding only: random integers, 0 <= r < 2**random_bits, broadcast against `x`.
    seed : int, optional
        Or these: ``halfulp.random_bits(x.shape, random_bits, seed)``.
    out : ndarray, optional
        Where the codes go: of the result's shape, of a dtype that `format.code_dtype` casts to.

    Returns
    -------
    ndarray of `format.code_dtype`, of the shape of `x`; a scalar for a scalar

    Raises
    ------
    TypeError
        If some element is no real number, or if stochastic rounding is given neither `random` nor `seed`.
    ValueError
        If a string cannot be read, for a policy the format cannot honour, or a random integer out of range.

    Examples
    --------
    >>> from fractions import Fraction
    >>> import halfulp as hu
    >>> hu.encode(Fraction(1, 3), hu.float8_e4m3fn)
    np.uint8(43)
    >>> hu.encode([10**400, "-0x1.8p-7", 0.3], "float4_e2m1fn", rounding="toward_zero")
    array([7, 8, 0], dtype=uint8)
    >>> hu.encode(1.3, "float4_e2m1fn", rounding="stochastic_a", random_bits=2, random=[0, 1, 2, 3])
    array([2, 2, 3, 3], dtype=uint8)
    """
    codec = as_codec(
        format, rounding=rounding, overflow=overflow, nan=nan, subnormals=subnormals, via=via, random_bits=random_bits
    )
    array = _array(x)
    drawn = operands(codec, array.shape, random, seed)
    if array.dtype != object:
        return codec.encode(array, *drawn, out=out)
    return _deliver(_encode_objects(codec, array, *drawn), out)


def decode(codes: object, format: Format | Codebook | Codec | str, *, out: Array | None = None) -> Any:
    """Values of codes, exactly.

    Parameters
    ----------
    codes : array_like of integers
        Any integer dtype, Python ints, nested lists, objects with ``__dlpack__``.
    format : Format, Codebook, Codec or str
    out : ndarray, optional

    Returns
    -------
    ndarray of `format.value_dtype`, of the shape of `codes`; a scalar for a scalar

    Raises
    ------
    ValueError
        If a code has bits above the width of the format.

    Examples
    --------
    >>> import halfulp as hu
    >>> hu.decode([0x38, 0x7E, 0x7F], hu.float8_e4m3fn)
    array([  1., 448.,  nan], dtype=float32)
    """
    target = as_codec(format).format
    array = _array(codes)
    if array.dtype == object:
        array = _codes_from_objects(target, array)
    return target.decode(array, out=out)


def round(
    x: object,
    format: Format | Codebook | Codec | str,
    *,
    rounding: str | None = None,
    overflow: str | None = None,
    nan: NanRule = None,
    subnormals: str | None = None,
    via: Format | str | None = None,
    random_bits: int | None = None,
    random: npt.ArrayLike | None = None,
    seed: int | None = None,
    out: Array | None = None,
) -> Any:
    """The values of a format that real numbers are rounded to: `decode(encode(x))`.

    Parameters
    ----------
    x, format, rounding, overflow, nan, subnormals, via, random_bits, random, seed, out
        As in `encode`; what is no NumPy number counts as float64 for the result's dtype.

    Returns
    -------
    ndarray of the smallest of float16, float32, float64, longdouble that holds the dtype of `x` and every value of
    the format; a scalar for a scalar

    Examples
    --------
    >>> import numpy as np, halfulp as hu
    >>> hu.round(np.float32([0.3, 500, -1e9]), "float8_e4m3fn", overflow="saturate")
    array([ 3.125e-01,  4.480e+02, -4.480e+02], dtype=float32)
    """
    codec = as_codec(
        format, rounding=rounding, overflow=overflow, nan=nan, subnormals=subnormals, via=via, random_bits=random_bits
    )
    array = _array(x)
    drawn = operands(codec, array.shape, random, seed)
    if array.dtype != object:
        return codec.round(array, *drawn, out=out)
    return _deliver(np.asarray(widen(codec.decode(_encode_objects(codec, array, *drawn)))), out)


def _array(x: object) -> Array:
    """An array whose elements are exactly the caller's: of a number dtype, or of objects."""
    if isinstance(x, np.ndarray | np.generic):
        array = np.asanyarray(x)
        if (format := getattr(array.dtype, "format", None)) is not None:
            return array.astype(format.value_dtype)
        return array.astype(object) if array.dtype.kind in "SUT" else array
    if hasattr(x, "__dlpack__"):
        return _from_dlpack(x)
    if isinstance(x, float):
        return np.asarray(x, dtype=np.float64)
    if isinstance(x, Sequence) and not isinstance(x, str | bytes | bytearray | memoryview | arrays.array):
        return _from_sequence(list(x))
    if (
        hasattr(x, "__array__")
        or hasattr(x, "__array_interface__")
        or isinstance(x, bytearray | memoryview | arrays.array)
    ):
        array = np.asarray(x)
        return array.astype(object) if array.dtype.kind in "SUT" else array
    array = np.empty((), dtype=object)
    array[()] = x
    return array


def _from_sequence(x: list[Any]) -> Array:
    # NumPy's own choice of dtype would round a large integer that stands beside a float.
    try:
        array = np.array(x, dtype=object)
    except ValueError as error:
        raise ValueError(f"nested sequences must not be ragged: {error}") from None
    if array.size and set(map(type, array.reshape(-1))) == {float}:
        return array.astype(np.float64)
    return array


def _from_dlpack(x: Any) -> Array:
    from halfulp._dlpack import from_dlpack

    try:
        array = from_dlpack(x)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"cannot read this {type(x).__name__} through DLPack ({error.__cause__ or error}); move it to the CPU, "
            "detach it, and view types that no format stands for as unsigned integers"
        ) from None
    return np.asarray(array) if hasattr(array, "packed") else _array(array)


def _encode_objects(codec: Codec, array: Array, random: Array | None = None) -> Array:
    words = np.empty(0, dtype=np.uint32)
    if random is not None:
        array, random = np.broadcast_arrays(array, checked_words(codec, random))
        words = random.reshape(-1)
    codes = np.empty(array.size, dtype=codec.format.code_dtype)
    # Floats go through the ufunc, each with its like: they have payloads, and subnormals of their own.
    floats: dict[np.dtype[Any], list[int]] = {}
    others: list[int] = []
    elements = [x[()] if isinstance(x, np.ndarray) and x.ndim == 0 else x for x in array.reshape(-1)]
    for i, x in enumerate(elements):
        dtype = _float_dtype(x)
        (others if dtype is None else floats.setdefault(dtype, [])).append(i)
    for dtype, where in floats.items():
        drawn = () if random is None else (words[where],)
        codes[where] = codec.encode(np.array([elements[i] for i in where], dtype=dtype), *drawn)
    numbers = np.empty(len(others), dtype=_exact.NUMBER)
    for k, i in enumerate(others):
        try:
            numbers[k] = _exact.number(elements[i])
        except (TypeError, ValueError) as error:
            raise type(error)(f"x: {error}" + (f" (element {i})" if array.ndim else "")) from None
    encoded = np.empty(len(others), dtype=codec.format.code_dtype)
    _core.encode_numbers(codec._encoder, numbers, words[others] if random is not None else words, encoded)
    codes[others] = encoded
    return codes.reshape(array.shape)


def _float_dtype(x: object) -> np.dtype[Any] | None:
    """The dtype of a float, be it Python's, NumPy's or ml_dtypes'; None for anything else."""
    if isinstance(x, np.floating):
        return np.dtype(np.float64) if hasattr(x, "format") else x.dtype
    if isinstance(x, float):
        return np.dtype(np.float64)
    if isinstance(x, np.generic) and type(x).__module__.startswith("ml_dtypes"):
        return x.dtype
    return None


def _codes_from_objects(format: Format | Codebook, array: Array) -> Array:
    codes = np.empty(array.size, dtype=np.uint64)
    for i, code in enumerate(array.reshape(-1)):
        try:
            if isinstance(code, (bool, np.bool_)):
                raise TypeError
            number = operator.index(code)
        except TypeError:
            found = f"{type(code).__name__} {str(code)[:40]!r}"
            raise TypeError(f"{format.name}: codes are integers, not {found}") from None
        if not 0 <= number < 2**format.bits:
            raise ValueError(f"{format.name}: {f'{number:#x}'[:40]} is no code, they have {format.bits} bits")
        codes[i] = number
    return codes.reshape(array.shape)


def _deliver(result: Array, out: Array | None) -> Any:
    if out is None:
        return result[()]
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be an ndarray, not {type(out).__name__}")
    if out.shape != result.shape:
        raise ValueError(f"out has shape {out.shape}, the result has shape {result.shape}")
    np.copyto(out, result, casting="same_kind")
    return out
