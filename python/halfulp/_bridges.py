"""What the bridges to other libraries share: arrays of a format's dtype as codes, and codes without gaps."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import numpy.typing as npt

from halfulp._format import Format, formats
from halfulp._packed_array import PackedArray

Array = npt.NDArray[Any]


def library(name: str, function: str) -> Any:
    """A package that is no dependency of this one."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        package = name.partition(".")[0]
        raise ModuleNotFoundError(
            f"{function} needs the package {package}, which is not installed", name=name
        ) from error


def as_array(x: object) -> Array:
    """An ndarray, or a NumPy scalar as one."""
    if isinstance(x, np.ndarray | np.generic):
        return np.asarray(x)
    raise TypeError(f"array must be an ndarray, not {described(x)}")


def described(x: object) -> str:
    """The type of an argument, for messages."""
    kind = type(x)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__.partition('.')[0]}.{kind.__name__}"


def format_of(dtype: np.dtype[Any]) -> Format | None:
    """The format of a dtype of ours; None for NumPy's own."""
    found = getattr(dtype, "format", None)
    return found if isinstance(found, Format) else None


def named(name: str) -> Format | None:
    """The format whose name another library uses too."""
    return formats.get(name)


def codes(array: Array, format: Format) -> Array:
    """The same memory as codes."""
    return array.view(format.code_dtype)


def clean_codes(array: Array, format: Format) -> Array:
    """The codes without bits above the format's width, which arrays ignore and files must not have."""
    bare = codes(array, format)
    return bare if format.bits == 8 * bare.itemsize else bare & bare.dtype.type((1 << format.bits) - 1)


def check_storage(x: Any) -> None:
    """That a torch tensor's storage still has all its numbers: whoever shrank it did not tell its tensors."""
    if not hasattr(x, "untyped_storage") or not x.numel():
        return
    last = x.storage_offset() + sum((n - 1) * step for n, step in zip(x.shape, x.stride(), strict=True))
    have, need = x.untyped_storage().nbytes(), (last + 1) * x.element_size()
    if have < need:
        raise ValueError(f"x: its storage was shrunk to {have} bytes, its numbers lie in {need}")


def no_type(library: str, format: Format) -> TypeError:
    """What is raised for a format that another library has no type for."""
    return TypeError(f"array: {library} has no type for {format.name}; array.view(np.{format.code_dtype}) is its codes")


def dense_order(bits: int) -> str:
    """How ONNX and safetensors store codes without gaps: the first in the lowest bits."""
    return "low_first" if bits in (1, 2, 4) else "bitstream"


def pairs(packed: PackedArray, library: str) -> Array:
    """The bytes of two codes each, along the last axis, as torch and DLPack know them; no copy."""
    whole_rows = packed.ndim > 0 and packed.shape[-1] % 2 == 0 and packed.axis in (None, packed.ndim - 1)
    if packed.order != "low_first" or packed.format.bits != 4 or not whole_rows:
        raise TypeError(
            f"array: {library} takes pairs of 4-bit codes along the last axis in order 'low_first', not {packed!r}; "
            "its storage is array.packed, its numbers array.decode(array.format)"
        )
    return packed.packed.reshape(-1).view(np.uint8).reshape(*packed.shape[:-1], packed.shape[-1] // 2)


def from_pairs(data: Array, format: Format, library: str) -> PackedArray:
    """The opposite of `pairs`."""
    if data.ndim == 0 or not data.flags.c_contiguous:
        raise ValueError(
            f"x: pairs of {format.name} must be {library}'s contiguous memory of at least one dimension; "
            "make it contiguous first"
        )
    shape = (*data.shape[:-1], 2 * data.shape[-1])
    return PackedArray(data, shape, format, order="low_first", axis=-1)
