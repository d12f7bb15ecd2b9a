"""Formats as NumPy dtypes: made on first use, one per format, for as long as the process lives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from halfulp import _core, _scalar
from halfulp._interning import interning

if TYPE_CHECKING:
    from halfulp._format import Format

# What NumPy has itself.
_NATIVE = {name: np.dtype(name) for name in ("float16", "float32", "float64", "int8", "uint8")}
_made: dict[Format, np.dtype[Any]] = {}


def dtype_of(format: Format) -> np.dtype[Any]:
    """The dtype of a format: always the same object."""
    with interning:
        found = _made.get(format)
        if found is None:
            found = _made[format] = _NATIVE.get(format.text) or _new(format)
        return found


def _new(format: Format) -> np.dtype[Any]:
    dtype = _core.dtype(format._layout, format, format.text, _scalar.scalar_type(format), _scalar)
    np.sctypeDict[f"halfulp.{format.text}"] = dtype  # type: ignore[assignment]
    return dtype
