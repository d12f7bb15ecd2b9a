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
    is the nearest one. (NumPy's own would be computed in the format, whose arithmetic warns and saturates.)
    """

    _format: Format
    _digits: int
    _printed: bool

    def __new__(cls, format: Format, dtype: np.dtype[Any], printed: bool = False) -> Limits:
        """`printed`: for NumPy, which prints numbers of 10**precision and more with an exponent: from 1000 on."""
        self = object.__new__(cls)
        digits = int((format.precision - 1) * math.log10(2))  # as FLT_DIG of C
        nmant, minexp = format.mantissa_bits, format._layout.emin
        vars(self).update(
            _format=format,
            _digits=digits,
            _printed=printed,
            dtype=dtype,
            bits=8 * dtype.itemsize,
            precision=max(3, digits) if printed else digits,
            nmant=nmant,
            nexp=format.exponent_bits,
            iexp=format.exponent_bits,
            minexp=minexp,
            maxexp=format._layout.emax + 1,
            # From 1 up to the next number, and down: subnormals have the smallest normal's last place.
            machep=max(0, minexp) - nmant,
            negep=max(-1, minexp) - nmant,
        )
        return self

    def __reduce__(self) -> Any:
        return (np.finfo, (self.dtype,)) if self._printed else (Limits, (self._format, self.dtype))

    def __deepcopy__(self, _: Any) -> Limits:
        return self

    def _number(self, value: float) -> Any:
        code = np.asarray(self._format.encode(value), self._format.code_dtype)
        return code.view(self.dtype)[()]

    max = cached_property(lambda self: self._number(self._format.max))
    min = cached_property(lambda self: self._number(self._format.min))
    eps = cached_property(lambda self: self._number(2.0**self.machep))
    epsneg = cached_property(lambda self: self._number(2.0**self.negep))
    smallest_normal = cached_property(lambda self: self._number(self._format.min_normal))
    smallest_subnormal = cached_property(lambda self: self._number(self._format.min_subnormal))

    @cached_property
    def resolution(self) -> Any:
        """10**-precision, or the number of the format next to it."""
        least, most = self._format.min_subnormal, self._format.max
        return self._number(min(max(10.0**-self._digits, least), most))

    def __str__(self) -> str:
        """As NumPy's own."""
        line = "-" * 63
        least = "-max" if self._format.min == -self._format.max else self.min
        return (
            f"Machine parameters for {self.dtype}\n{line}\n"
            f"precision = {self.precision:<3}   resolution = {self.resolution}\n"
            f"machep = {self.machep:<6}   eps =        {self.eps}\n"
            f"negep =  {self.negep:<6}   epsneg =     {self.epsneg}\n"
            f"minexp = {self.minexp:<6}   tiny =       {self.tiny}\n"
            f"maxexp = {self.maxexp:<6}   max =        {self.max}\n"
            f"nexp =   {self.nexp:<6}   min =        {least}\n"
            f"smallest_normal = {self.smallest_normal}   smallest_subnormal = {self.smallest_subnormal}\n{line}\n"
        )

    def __repr__(self) -> str:
        return f"finfo(resolution={self.resolution}, min={self.min}, max={self.max}, dtype={self.dtype})"
