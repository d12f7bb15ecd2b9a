"""The number formats that AI hardware computes in, bit for bit, from NumPy."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from halfulp import _core
from halfulp._accumulate import dot, matmul, sum
from halfulp._codebook import Codebook, CodebookCodec, codebooks
from halfulp._codec import Codec, roundings
from halfulp._dtype import finfo, load, save
from halfulp._format import Format, formats
from halfulp._functions import decode, encode, round
from halfulp._machine import (
    available_isas,
    get_cmake_dir,
    get_include,
    get_library,
    get_num_threads,
    set_num_threads,
    show_config,
    use_isa,
)
from halfulp._packed import pack, unpack
from halfulp._packed_array import PackedArray
from halfulp._presets import Preset, presets
from halfulp._random import amd_random, ptx_random, random_bits
from halfulp._text import from_text

if TYPE_CHECKING:
    from halfulp._dlpack import from_dlpack, to_dlpack
    from halfulp._jax import from_jax, to_jax
    from halfulp._ml_dtypes import from_ml_dtypes, to_ml_dtypes
    from halfulp._onnx import from_onnx, to_onnx
    from halfulp._torch import from_torch, to_torch
    from halfulp.io.arrays import load_safetensors, save_safetensors

# What conversions do not need, imported when it is first asked for.
_LATER = {
    "from_dlpack": "_dlpack", "to_dlpack": "_dlpack", "from_jax": "_jax", "to_jax": "_jax",
    "from_ml_dtypes": "_ml_dtypes", "to_ml_dtypes": "_ml_dtypes", "from_onnx": "_onnx", "to_onnx": "_onnx",
    "from_torch": "_torch", "to_torch": "_torch",
    "load_safetensors": "io.arrays", "save_safetensors": "io.arrays",
}  # fmt: skip

globals().update(formats)
globals().update(codebooks)
for _each in formats.values():  # so that np.dtype("halfulp.bfloat16") finds it
    _each.dtype  # noqa: B018

__all__ = [
    "Codebook",
    "CodebookCodec",
    "Codec",
    "Format",
    "PackedArray",
    "Preset",
    "__version__",
    "amd_random",
    "available_isas",
    "codebooks",
    "decode",
    "dot",
    "encode",
    "finfo",
    "formats",
    "from_dlpack",
    "from_jax",
    "from_ml_dtypes",
    "from_onnx",
    "from_torch",
    "get_cmake_dir",
    "get_include",
    "get_library",
    "get_num_threads",
    "isa",
    "load",
    "load_safetensors",
    "matmul",
    "ops",
    "pack",
    "presets",
    "ptx_random",
    "random_bits",
    "round",
    "roundings",
    "save",
    "save_safetensors",
    "set_num_threads",
    "show_config",
    "sum",
    "to_dlpack",
    "to_jax",
    "to_ml_dtypes",
    "to_onnx",
    "to_torch",
    "unpack",
    "use_isa",
    *formats,
    *codebooks,
]


class _Module(ModuleType):
    """This module, whose `isa` can change, but not by assignment."""

    @property
    def isa(self) -> str:
        """The instruction set in use."""
        return _core.isa()

    @isa.setter
    def isa(self, name: object) -> None:
        raise AttributeError(f"halfulp.isa is read-only: call halfulp.use_isa({name!r})")


sys.modules[__name__].__class__ = _Module


def __getattr__(name: str) -> Any:
    """Formats, codebooks and codecs by their text, by which pickle finds their ufuncs; classes of dtypes."""
    if name == "__version__":  # asking the installation takes longer than importing all the rest
        from halfulp._version import __version__

        return __version__
    if name == "ops":  # not needed by conversions, and it takes time to import
        import importlib

        return importlib.import_module("halfulp.ops")
    if name in _LATER:
        import importlib

        found = globals()[name] = getattr(importlib.import_module(f"halfulp.{_LATER[name]}"), name)
        return found
    if name.startswith("DType[") and name.endswith("]"):
        text = name[6:-1]
        return type((formats[text] if text in formats else __getattr__(text)).dtype)
    if ":" in name or ";" in name:
        try:
            return from_text(name)
        except ValueError as error:
            raise AttributeError(str(error)) from None
    raise AttributeError(f"module 'halfulp' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
