"""PyTorch: CPU tensors as arrays of formats' dtypes and back, in the same memory."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from halfulp._bridges import (
    Array,
    as_array,
    check_storage,
    codes,
    described,
    format_of,
    from_pairs,
    library,
    named,
    no_type,
    pairs,
)
from halfulp._format import Format
from halfulp._packed_array import PackedArray

_PAIR = "_x2"  # torch's ending for two codes in a byte


def from_torch(x: Any) -> Any:
    """A torch tensor as an array of the format's dtype, in the same memory.

    Parameters
    ----------
    x : torch.Tensor
        On the CPU, strided, without gradient.

    Returns
    -------
    ndarray
        Of the tensor's shape and strides, writable, and alive for as long as it is used. Tensors of bfloat16 and of the
        float8 types have the dtype of the format of that name, others NumPy's own.
    PackedArray
        For ``torch.float4_e2m1fn_x2``, with the last axis twice as long.

    Raises
    ------
    TypeError
        For what is no tensor in this machine's memory; the message says what makes it one. Also for torch's ``int1``
        to ``uint7``, for which torch leaves open how they are stored.
    ValueError
        For pairs of float4 that are not contiguous, and for a tensor whose storage was shrunk.

    Examples
    --------
    >>> import torch, halfulp as hu  # doctest: +SKIP
    >>> t = torch.tensor([0.3, -1.0625]).to(torch.float8_e4m3fn)  # doctest: +SKIP
    >>> hu.from_torch(t).dtype  # doctest: +SKIP
    halfulp.float8_e4m3fn
    """
    torch: Any = sys.modules.get("torch")
    if torch is None or not isinstance(x, torch.Tensor):
        raise TypeError(f"x must be a torch.Tensor, not {described(x)}")
    _check(torch, x)
    name = str(x.dtype).removeprefix("torch.")
    format = named(name.removesuffix(_PAIR))
    if format is None or format_of(format.dtype) is None:
        return _array(x)
    if format.kind == "integer":
        raise TypeError(f"x: torch leaves open how {x.dtype} is stored; take x.view(torch.uint8) and halfulp.unpack")
    data = _array(x, {1: torch.uint8, 2: torch.int16}[format.code_dtype.itemsize])
    return from_pairs(data, format, "torch") if name.endswith(_PAIR) else data.view(format.dtype)


def _check(torch: Any, x: Any) -> None:
    if x.is_quantized:
        raise TypeError(f"x: is a quantized tensor ({x.dtype}); take x.int_repr() or x.dequantize()")
    if x.layout != torch.strided:
        raise TypeError(f"x: has the layout {x.layout}; take x.to_dense()")
    if x.device.type == "meta":
        raise TypeError("x: is on the meta device, where tensors have no data")
    if x.device.type != "cpu":
        raise TypeError(f"x: is on the device {x.device}; take x.cpu()")
    if x.requires_grad:
        raise TypeError("x: requires a gradient, which arrays do not carry; take x.detach()")
    for asked, cure in (("is_conj", "resolve_conj"), ("is_neg", "resolve_neg")):
        if getattr(x, asked)():
            raise TypeError(f"x: its numbers are not what its memory holds ({asked}()); take x.{cure}()")


def _array(x: Any, dtype: Any = None) -> Array:
    """By torch itself, which refuses tensors that have no memory of their own."""
    try:
        array: Array = (x if dtype is None else x.view(dtype)).numpy()
    except (RuntimeError, TypeError) as error:  # NotImplementedError is a RuntimeError
        raise TypeError(f"x: torch gives no array of this {x.dtype} tensor ({error})") from error
    check_storage(x)
    return array


def to_torch(array: Any, *, copy: bool | None = None) -> Any:
    """An array of a format's dtype as a torch tensor, in the same memory where torch can use it.

    Parameters
    ----------
    array : ndarray or PackedArray
        Pairs of 4-bit codes along the last axis become ``torch.float4_e2m1fn_x2``.
    copy : bool, optional
        Whether the tensor has memory of its own. Default: only where torch cannot use the array's: read-only,
        unaligned, with negative strides, or of another byte order. With False these are a ValueError.

    Returns
    -------
    torch.Tensor

    Raises
    ------
    TypeError
        If torch has no such type.
    ValueError
        If a copy is needed and `copy` is False.
    ModuleNotFoundError
        If torch is not installed.

    Examples
    --------
    >>> import numpy as np, halfulp as hu  # doctest: +SKIP
    >>> x = np.array([0.3, -1.0625], dtype=hu.float8_e4m3fn)  # doctest: +SKIP
    >>> hu.to_torch(x)  # doctest: +SKIP
    tensor([ 0.3125, -1.0000], dtype=torch.float8_e4m3fn)
    """
    torch = library("torch", "to_torch")
    if isinstance(array, PackedArray):
        format = array.format
        dtype = _dtype(torch, format, _PAIR) if isinstance(format, Format) else None
        if dtype is None:
            raise TypeError(f"array: torch has no type for packed {format.name}; array.packed is its storage")
        return _tensor(torch, pairs(array, "torch"), copy).view(dtype)
    data = as_array(array)
    own = format_of(data.dtype)
    if own is None:
        return _tensor(torch, data, copy)
    dtype = _dtype(torch, own, "")
    if dtype is None or own.kind == "integer":
        raise no_type("torch", own)
    tensor = _tensor(torch, codes(data, own).view(f"i{own.code_dtype.itemsize}"), copy)
    return tensor.view(dtype)


def _dtype(torch: Any, format: Format, ending: str) -> Any:
    found = getattr(torch, format.name + ending, None) if named(format.name) is format else None
    return found if isinstance(found, torch.dtype) else None


def _tensor(torch: Any, data: Array, copy: bool | None) -> Any:
    native = data.dtype.newbyteorder("=")
    strided = all(stride >= 0 and stride % data.itemsize == 0 for stride in data.strides)
    if copy is None:
        copy = not (data.flags.writeable and data.flags.aligned and strided and data.dtype.isnative)
    elif not copy and not (data.flags.writeable and data.flags.aligned and strided and data.dtype.isnative):
        raise ValueError(
            "array: torch cannot use this memory, which is read-only, unaligned, of another byte order, or has "
            "negative strides; leave copy=False out"
        )
    try:
        return torch.from_numpy(np.array(data, native, order="C") if copy else data)
    except TypeError as error:
        raise TypeError(f"array: torch takes no arrays of {data.dtype} ({error})") from error
