"""Of ml_dtypes: arrays, scalars and dtypes of the formats that both packages have, by view."""

from __future__ import annotations

from typing import Any

import numpy as np

from halfulp._bridges import as_array, described, format_of, library, named, no_type
from halfulp._format import Format


def from_ml_dtypes(x: Any) -> Any:
    """An ml_dtypes array as an array of the format's dtype, in the same memory.

    Parameters
    ----------
    x : ndarray, NumPy scalar, dtype or scalar type
        Of ml_dtypes. NumPy's own numbers are given back as they are.

    Returns
    -------
    ndarray, scalar or dtype
        What `x` is, of the format that has the same name. Nothing is copied, unless the bytes are swapped.

    Raises
    ------
    TypeError
        For anything else, and for ml_dtypes' types that are no format: ``int1``, ``uint1`` and the complex ones.

    Notes
    -----
    Bits above a type's width are ignored by both packages.

    Examples
    --------
    >>> import ml_dtypes, numpy as np, halfulp as hu  # doctest: +SKIP
    >>> x = np.array([0.5, -3], ml_dtypes.float4_e2m1fn)  # doctest: +SKIP
    >>> hu.from_ml_dtypes(x).dtype, hu.from_ml_dtypes(ml_dtypes.bfloat16)  # doctest: +SKIP
    (halfulp.float4_e2m1fn, halfulp.bfloat16)
    """
    if isinstance(x, np.dtype | type):
        return _dtype_from(np.dtype(x))
    if not isinstance(x, np.ndarray | np.generic):
        raise TypeError(f"x must be an array, a scalar or a dtype, not {described(x)}")
    ours = _dtype_from(x.dtype)
    if ours is x.dtype:
        return x
    array = np.asanyarray(x)
    if not x.dtype.isnative:
        array = array.view(f">u{ours.itemsize}" if np.little_endian else f"<u{ours.itemsize}").astype(
            f"u{ours.itemsize}"
        )
    viewed = array.view(ours)
    return viewed if isinstance(x, np.ndarray) else viewed[()]


def _dtype_from(dtype: np.dtype[Any]) -> np.dtype[Any]:
    type_ = dtype.type
    if type_.__module__.partition(".")[0] == "ml_dtypes":
        format = named(type_.__name__)
        if format is None or format.dtype.itemsize != dtype.itemsize:
            raise TypeError(f"x: ml_dtypes.{type_.__name__} is no format of halfulp; view it as unsigned integers")
        return format.dtype
    if format_of(dtype) is None and dtype.kind not in "biufc":
        raise TypeError(f"x must be of a dtype of ml_dtypes, not {dtype}")
    return dtype


def to_ml_dtypes(x: Any) -> Any:
    """An array of a format's dtype as an ml_dtypes array, in the same memory.

    Parameters
    ----------
    x : ndarray, NumPy scalar, dtype or Format
        NumPy's own numbers are given back as they are.

    Returns
    -------
    ndarray, scalar or dtype

    Raises
    ------
    TypeError
        If ml_dtypes has no such type.
    ModuleNotFoundError
        If ml_dtypes is not installed.

    Examples
    --------
    >>> import ml_dtypes, numpy as np, halfulp as hu  # doctest: +SKIP
    >>> x = np.array([0.3, 448], dtype=hu.float8_e4m3fn)  # doctest: +SKIP
    >>> y = hu.to_ml_dtypes(x)  # doctest: +SKIP
    >>> y.dtype == ml_dtypes.float8_e4m3fn, np.shares_memory(x, y)  # doctest: +SKIP
    (True, True)
    """
    if isinstance(x, Format | np.dtype):
        return _dtype_to(np.dtype(x))
    if not isinstance(x, np.ndarray | np.generic):
        raise TypeError(f"x must be an array, a scalar, a dtype or a format, not {described(x)}")
    theirs = _dtype_to(x.dtype)
    if theirs is x.dtype:
        return x
    viewed = (x if isinstance(x, np.ndarray) else as_array(x)).view(theirs)
    return viewed if isinstance(x, np.ndarray) else viewed[()]


def _dtype_to(dtype: np.dtype[Any]) -> np.dtype[Any]:
    format = format_of(dtype)
    if format is None:
        return dtype
    types = vars(library("ml_dtypes", "to_ml_dtypes"))
    if named(format.name) is not format or format.name not in types:
        raise no_type("ml_dtypes", format)
    theirs: np.dtype[Any] = np.dtype(types[format.name])
    return theirs
