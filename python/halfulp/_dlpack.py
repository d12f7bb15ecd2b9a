"""DLPack: arrays of formats' dtypes to and from every library that speaks it, by DLPack's own types."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from halfulp import _core
from halfulp._bridges import (
    Array,
    as_array,
    check_storage,
    codes,
    described,
    format_of,
    from_pairs,
    named,
    no_type,
    pairs,
)
from halfulp._format import Format
from halfulp._packed_array import PackedArray

# DLDataTypeCode of dlpack.h, version 1.1 and later.
_UINT = 1
_CODES = {
    "bfloat16": 4,
    "float8_e3m4": 7,
    "float8_e4m3": 8,
    "float8_e4m3b11fnuz": 9,
    "float8_e4m3fn": 10,
    "float8_e4m3fnuz": 11,
    "float8_e5m2": 12,
    "float8_e5m2fnuz": 13,
    "float8_e8m0fnu": 14,
    "float6_e2m3fn": 15,
    "float6_e3m2fn": 16,
    "float4_e2m1fn": 17,
}
_NAMES = {code: name for name, code in _CODES.items()}
_PADDED = 1 << 2  # DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED: a byte for each element
_VERSION = (1, 3)


class _Type(NamedTuple):
    code: int
    bits: int
    lanes: int


class Exported:
    """An array for another library's `from_dlpack`, made by `to_dlpack`."""

    __slots__ = ("_data", "_type")

    def __init__(self, data: Array, type: _Type) -> None:
        self._data, self._type = data, type

    def __dlpack__(self, **words: Any) -> Any:
        """NumPy's capsule of the codes, with the format's type."""
        capsule = self._data.__dlpack__(**words)
        _core.set_dlpack_type(capsule, *self._type)
        return capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        """The CPU."""
        kind, number = self._data.__dlpack_device__()
        return int(kind), int(number)


def to_dlpack(array: Any) -> Any:
    """An object with ``__dlpack__`` for an array of a format's dtype, which NumPy itself refuses to export.

    Parameters
    ----------
    array : ndarray or PackedArray
        Pairs of float4_e2m1fn along the last axis are DLPack's float4 with two lanes.

    Returns
    -------
    object with ``__dlpack__`` and ``__dlpack_device__``
        For ``torch.from_dlpack``, ``jax.dlpack.from_dlpack`` and others. The memory is that of `array`. NumPy's own
        numbers are given back as they are.

    Raises
    ------
    TypeError
        If DLPack has no such type; ``array.view(np.uint8)``, the codes, can be exported always. Formats of 6 and 4 bits
        are among these: DLPack's are packed, and an array has a byte for each element.

    Examples
    --------
    >>> import numpy as np, halfulp as hu
    >>> x = np.array([0.3, 448], dtype=hu.float8_e4m3fn)
    >>> y = hu.from_dlpack(hu.to_dlpack(x))
    >>> y.dtype, np.shares_memory(x, y)
    (halfulp.float8_e4m3fn, True)
    """
    if isinstance(array, PackedArray):
        if array.format is not named("float4_e2m1fn"):
            raise TypeError(f"array: DLPack has no type for packed {array.format.name}; array.packed is its storage")
        return Exported(pairs(array, "DLPack"), _Type(_CODES[array.format.name], 4, 2))
    data = as_array(array)
    format = format_of(data.dtype)
    if format is None:
        return data
    if named(format.name) is not format or format.name not in _CODES or format.bits < 8:
        raise no_type("DLPack", format)
    return Exported(codes(data, format), _Type(_CODES[format.name], format.bits, 1))


class _Codes:
    """What a library exports, as unsigned integers, which NumPy takes; it remembers the format."""

    def __init__(self, exported: Any) -> None:
        self.exported = exported
        self.format: Format | None = None
        self.is_pairs = False

    def __dlpack__(self, **words: Any) -> Any:
        if "max_version" in words:
            words["max_version"] = _VERSION
        capsule = self.exported.__dlpack__(**words)
        code, bits, lanes, flags = _core.dlpack_type(capsule)
        if code not in _NAMES:
            return capsule
        name = _NAMES[code]
        format = self.format = named(name)
        self.is_pairs = (bits, lanes) == (4, 2)
        whole = lanes == 1 and (bits in (8, 16) or flags & _PADDED)
        if format is None or bits != format.bits or not (whole or self.is_pairs):
            raise TypeError(f"{name} of {bits} bits in {lanes} lanes is packed, an array has whole bytes")
        _core.set_dlpack_type(capsule, _UINT, 8 * format.code_dtype.itemsize, 1)
        return capsule

    def __dlpack_device__(self) -> Any:
        return self.exported.__dlpack_device__()


def from_dlpack(x: Any, *, copy: bool | None = None) -> Any:
    """What another library exports by DLPack as an array of the format's dtype, in the same memory.

    Parameters
    ----------
    x : object with ``__dlpack__``
        On the CPU. DLPack's bfloat16 and float8 types become the formats of that name, others NumPy's own.
    copy : bool, optional
        As in `numpy.from_dlpack`.

    Returns
    -------
    ndarray
        Read-only if the exporter says so or speaks an older DLPack that cannot say.
    PackedArray
        For float4_e2m1fn with two lanes, with the last axis twice as long.

    Raises
    ------
    TypeError
        If `x` cannot be exported or is of a type for which there is no dtype.
    ValueError
        For pairs of float4 that are not contiguous, and if ``copy=False`` cannot be had.

    Examples
    --------
    >>> import numpy as np, halfulp as hu
    >>> hu.from_dlpack(hu.to_dlpack(np.ones(3, dtype=hu.bfloat16))).dtype
    halfulp.bfloat16
    """
    if not hasattr(x, "__dlpack__") or not hasattr(x, "__dlpack_device__"):
        raise TypeError(f"x must have __dlpack__ and __dlpack_device__, not be {described(x)}")
    wrapped = _Codes(x)
    try:
        data = np.from_dlpack(wrapped, copy=copy)
    except (BufferError, RuntimeError, TypeError) as error:
        raise TypeError(f"x: this {described(x)} cannot be exported ({error})") from error
    check_storage(x)
    if wrapped.format is None:
        return data
    return from_pairs(data, wrapped.format, "DLPack") if wrapped.is_pairs else data.view(wrapped.format.dtype)
