"""The limits of a format as `numpy.finfo` tells them, from the format itself and not by its arithmetic."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from halfulp._format import Format


class Limits(np.finfo[Any]):
    """`numpy.finfo` of a format's dtype.

    `bits` are those an element takes in memory. What has no number in the format (`epsneg` of a format that ends at 1)
    is the nearest one.
    """

    _format: Format

    def __new__(cls, format: Format, dtype: np.dtype[Any]) -> Limits:
        self = object.__new__(cls)
        self._format = format
        self.dtype = dtype
        return self

    def __reduce__(self) -> Any:
        return type(self), (self._format, self.dtype)

    def __deepcopy__(self, _: Any) -> Limits:
        return self

    def _number(self, value: float) -> Any:
        code = np.asarray(self._format.encode(value), self._format.code_dtype)
        return code.view(self.dtype)[()]

    bits = property(lambda self: 8 * self.dtype.itemsize)
    nmant = property(lambda self: self._format.mantissa_bits)
    # The place behind 1's last one, from 1 up and from 1 down: subnormals have the smallest normal's.
    machep = property(lambda self: max(0, self.minexp) - self.nmant)
    negep = property(lambda self: max(-1, self.minexp) - self.nmant)
    nexp = iexp = property(lambda self: self._format.exponent_bits)
    minexp = property(lambda self: self._format._layout.emin)
    maxexp = property(lambda self: math.frexp(self._format.max)[1])
    precision = property(lambda self: int((self._format.precision - 1) * math.log10(2)))  # as FLT_DIG of C
    max = cached_property(lambda self: self._number(self._format.max))
    min = cached_property(lambda self: self._number(self._format.min))
    eps = cached_property(lambda self: self._number(2.0**self.machep))
    epsneg = cached_property(lambda self: self._number(2.0**self.negep))
    resolution = cached_property(lambda self: self._number(10.0 ** -Limits.precision.fget(self)))
    smallest_normal = cached_property(lambda self: self._number(self._format.min_normal))
    smallest_subnormal = cached_property(lambda self: self._number(self._format.min_subnormal))

    def __repr__(self) -> str:
        return f"finfo(resolution={self.resolution}, min={self.min}, max={self.max}, dtype={self.dtype})"


class PrintedLimits(Limits):
    """What `numpy.finfo` itself gives. NumPy prints numbers of 10**precision and more with an exponent: from 1000 on."""

    precision = property(lambda self: max(3, Limits.precision.fget(self)))

    def __reduce__(self) -> Any:
        return np.finfo, (self.dtype,)
