"""Formats as NumPy dtypes: made on first use, one per format, for as long as the process lives."""

from __future__ import annotations

import math
import os
import re
import sys
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from halfulp import _core, _scalar
from halfulp._finfo import Limits
from halfulp._interning import interning

if TYPE_CHECKING:
    from halfulp._format import Format

Array = np.ndarray[Any, Any]

# What NumPy has itself.
_NATIVE = {name: np.dtype(name) for name in ("float16", "float32", "float64", "int8", "uint8")}
_VERSION = 1  # of the files
_HEADER = 10_000  # bytes of an .npy header that are looked at, as numpy.load does
_made: dict[Format, np.dtype[Any]] = {}


def dtype_of(format: Format) -> np.dtype[Any]:
    """The dtype of a format: always the same object."""
    with interning:
        found = _made.get(format)
        if found is None:
            found = _made[format] = _NATIVE.get(format.text) or _new(format)
            np.sctypeDict[f"halfulp.{format.text}"] = found.type  # by which numpy.dtype finds text
        return found


def _new(format: Format) -> np.dtype[Any]:
    dtype = _core.dtype(format._layout, format, format.text, _scalar.scalar_type(format), _scalar)
    # Where NumPy looks for limits first: what it finds by arithmetic in the format itself is wrong.
    limits = Limits(format, dtype, printed=True)
    getattr(np.finfo, "_finfo_cache", {}).update({dtype: limits, dtype.type: limits})
    # What numpy.ma puts in masked places to find an extremum elsewhere.
    masked = sys.modules.get("numpy.ma.core")
    if masked is not None:
        masked.max_filler[dtype.type], masked.min_filler[dtype.type] = limits.min, limits.max
    return dtype


def finfo(format: object) -> np.finfo[Any]:
    """`numpy.finfo` of a format, or of what NumPy has one for.

    The attributes are those of `numpy.finfo`, exact. `bits` are the bits of an element in memory. `precision` is the
    number of decimal digits that survive, 0 for formats of few bits. (`numpy.finfo` of the dtype says 3 at least:
    NumPy takes it for the size of the numbers that it prints with an exponent.)

    Parameters
    ----------
    format : Format, str, or whatever numpy.finfo takes: a dtype, a scalar or its type

    Returns
    -------
    numpy.finfo

    Raises
    ------
    TypeError
        For int8 and uint8, whose dtypes are NumPy's integers, and for what is no format and no dtype.
    ValueError
        For other dtypes that are no floats.

    Examples
    --------
    >>> import halfulp as hu
    >>> hu.finfo("float8_e4m3fn").max, hu.finfo("bfloat16").eps, hu.finfo(hu.bfloat16.dtype).precision
    (float8_e4m3fn(448.0), bfloat16(0.0078125), 2)
    """
    from halfulp._format import Format

    found = Format(format) if isinstance(format, str) else format
    if not isinstance(found, Format):
        given = found if isinstance(found, np.dtype | type) else getattr(found, "dtype", None)
        if given is None:
            raise TypeError(f"format must be a Format, a dtype, or text such as 'bfloat16', not {format!r}")
        dtype = np.dtype(given)
        found = getattr(dtype, "format", None)
        if found is None:
            return np.finfo(dtype)
    if not np.issubdtype(found.dtype, np.floating):
        raise TypeError(f"{found.name}: its dtype is NumPy's {found.dtype}, which has numpy.iinfo")
    return np.finfo(found.dtype) if found.dtype.isbuiltin == 1 else Limits(found, found.dtype)


def save(path: str | bytes | os.PathLike[str], array: Array) -> None:
    """Write an array of a format's dtype to a file of this very name, without pickle.

    The file is an .npz with a header and the codes as bytes. It replaces an older one when all of it is on disk, or a
    symbolic link, not the file that this leads to. Of several writers of one file the last to finish wins.
    (`numpy.save` pickles such arrays. `numpy.save(path, array.view(np.uint8))` does not, and keeps the codes only.)

    Parameters
    ----------
    path : str, bytes or path-like
    array : ndarray of the dtype of a format
        Or one of its scalars, which is read as an array without dimensions, as with `numpy.save`.

    Raises
    ------
    TypeError
        For other arrays; `numpy.save` takes those.
    ValueError
        If the path is empty, or names a folder, a device or a pipe.

    Examples
    --------
    >>> import os, tempfile, numpy as np, halfulp as hu
    >>> path = os.path.join(tempfile.mkdtemp(), "weights.npz")
    >>> hu.save(path, np.array([[1, 2.5]], dtype=hu.bfloat16))
    >>> hu.load(path).dtype, hu.load(path).astype(np.float32).tolist()
    (halfulp.bfloat16, [[1.0, 2.5]])
    """
    from halfulp._packed_file import write  # with what it imports itself, a third of the time to import this package

    if isinstance(array, np.generic):
        array = np.asarray(array)
    format = getattr(getattr(array, "dtype", None), "format", None)
    if not isinstance(array, np.ndarray) or format is None:
        known = getattr(array, "dtype", type(array).__name__)
        raise TypeError(f"array must have the dtype of a format, not {known}; numpy.save takes others")
    document: dict[str, object] = {"halfulp_array": _VERSION, "format": format.text, "shape": list(array.shape)}
    write(path, document, np.ascontiguousarray(array).reshape(-1).view(np.uint8))


def load(path: str | bytes | os.PathLike[str]) -> Array:
    """Read an array that `save` wrote, or a structured one that `numpy.save` wrote.

    (`numpy.load` reads a structured dtype of your own formats only if their dtypes have been made: it looks their names
    up. This makes them first.)

    Parameters
    ----------
    path : str, bytes or path-like

    Returns
    -------
    ndarray

    Raises
    ------
    TypeError
        If the path is none.
    ValueError
        If the file is not one of those, or damaged. Nothing in it is ever run.
    """
    from halfulp._packed_file import read
    from halfulp._temporary import path_of

    path = path_of(path)
    with open(path, "rb") as file:
        start = file.read(_HEADER)
    if not start.startswith(np.lib.format.MAGIC_PREFIX):
        return read(path, "halfulp.save", _array)
    from halfulp._format import Format

    for text in set(re.findall(rb"'halfulp\.([a-z0-9_:=.+-]+)'", start)):
        dtype_of(Format(text.decode()))
    return cast(Array, np.load(path, allow_pickle=False))


def _array(document: Any, data: Array) -> Array:
    from halfulp._format import Format
    from halfulp._packed_file import checked_shape

    shape = checked_shape(document, "halfulp_array", _VERSION)
    text = document.get("format")
    if not isinstance(text, str):
        raise ValueError("its header has no format")
    format = Format(text)
    if math.prod(shape) * format.code_dtype.itemsize != data.size:
        raise ValueError(f"its {data.size} bytes are no array of shape {tuple(shape)}")
    return data.view(format.dtype).reshape(shape)
