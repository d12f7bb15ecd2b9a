"""JAX: its arrays as arrays of formats' dtypes and back."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from halfulp._bridges import Array, as_array, described, format_of, library, no_type
from halfulp._dlpack import to_dlpack
from halfulp._format import Format
from halfulp._ml_dtypes import from_ml_dtypes, to_ml_dtypes
from halfulp._packed_array import PackedArray


def from_jax(x: Any) -> Any:
    """A JAX array as an array of the format's dtype.

    Parameters
    ----------
    x : jax.Array
        Not traced. One that lies on several devices is put together.

    Returns
    -------
    ndarray
        Read-only. On the CPU in the memory of `x`, for JAX's arrays of 4 and 2 bits, too: a byte for each element.

    Raises
    ------
    TypeError
        For anything else, and for traced arrays and keys, as NumPy does.

    Examples
    --------
    >>> import jax.numpy as jnp, halfulp as hu  # doctest: +SKIP
    >>> hu.from_jax(jnp.array([0.5, -3], "float8_e4m3fn")).dtype  # doctest: +SKIP
    halfulp.float8_e4m3fn
    """
    jax: Any = sys.modules.get("jax")
    if jax is None or not isinstance(x, jax.Array):
        raise TypeError(f"x must be a jax.Array, not {described(x)}")
    return from_ml_dtypes(np.asarray(x))


def to_jax(array: Any, *, copy: bool | None = None) -> Any:
    """An array of a format's dtype as a JAX array on the default device.

    Parameters
    ----------
    array : ndarray
    copy : bool, optional
        Default: what `jax.numpy.asarray` does, which may share memory and in JAX 0.10 does not. True: memory of its
        own. False: a CPU array in the memory of `array`, which must then not be changed any more, since JAX takes its
        arrays to be constant.

    Returns
    -------
    jax.Array

    Raises
    ------
    TypeError
        If JAX has no such type, or would turn it into a narrower one without ``jax_enable_x64``.
    ValueError
        With ``copy=False``, if JAX cannot use the memory: it must be writable, aligned to 64 bytes and without gaps,
        and of a type that DLPack has.
    ModuleNotFoundError
        If JAX is not installed.

    Examples
    --------
    >>> import numpy as np, halfulp as hu  # doctest: +SKIP
    >>> hu.to_jax(np.array([0.3, -1.0625], dtype=hu.float8_e4m3fn))  # doctest: +SKIP
    Array([0.3125, -1], dtype=float8_e4m3fn)
    """
    jax, jnp = library("jax", "to_jax"), library("jax.numpy", "to_jax")
    if isinstance(array, PackedArray):
        raise TypeError("array: JAX has no packed arrays; pass array.decode(array.format)")
    data = as_array(array)
    format = format_of(data.dtype)
    native = data if data.dtype.isnative else data.astype(data.dtype.newbyteorder("="))
    theirs = native if format is None else _as_theirs(data, format)
    if jax.dtypes.canonicalize_dtype(theirs.dtype) != theirs.dtype:
        narrow = jax.dtypes.canonicalize_dtype(theirs.dtype)
        raise TypeError(
            f"array: JAX would make {narrow} of {theirs.dtype}; call jax.config.update('jax_enable_x64', True) first"
        )
    if copy is False:
        return _shared(jax, data)
    try:
        return jnp.array(theirs) if copy else jnp.asarray(theirs)
    except (TypeError, jax.errors.JaxRuntimeError) as error:
        if format is not None:
            raise no_type("JAX", format) from error
        raise TypeError(f"array: JAX takes no arrays of {data.dtype} ({error})") from error


def _as_theirs(data: Array, format: Format) -> Any:
    """As JAX's own types, which are those of ml_dtypes."""
    try:
        return to_ml_dtypes(data)
    except TypeError:
        raise no_type("JAX", format) from None


def _shared(jax: Any, data: Any) -> Any:
    problem = "array: JAX cannot use its memory ({}); leave copy=False out"
    try:
        return jax.dlpack.from_dlpack(to_dlpack(data), copy=False)
    except (TypeError, ValueError, BufferError, jax.errors.JaxRuntimeError) as error:
        raise ValueError(problem.format(error)) from error
