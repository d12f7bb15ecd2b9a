"""The limits of a format as `numpy.finfo` tells them, from the format itself and not by its arithmetic."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from halfulp._usual import power_of_two, usual

if TYPE_CHECKING:
    from halfulp._format import Format


class Limits(np.finfo[Any]):
    """`numpy.finfo` of a format's dtype.

    `bits` are those an element takes in memory. `eps` and `smallest_normal` are those of `Format`; `epsneg` is the last
    place that a number just below 1 has, or would have. They are ``2.0**machep``, ``2.0**minexp`` and ``2.0**negep``.
    What is no number of the format (`smallest_normal` where all are subnormal, `eps` below the smallest number of a
    format without zero) is a float64, never a number near it. (NumPy's own would be computed in the format, whose
    arithmetic warns and saturates.)
    """

    _format: Format
    _digits: int
    _printed: bool

    def __new__(cls, format: Format, dtype: np.dtype[Any], printed: bool = False) -> Limits:
        """`printed`: for NumPy, which prints numbers of 10**precision and more with an exponent: from 1000 on."""
        self = object.__new__(cls)
        digits = int((format.precision - 1) * math.log10(2))  # as FLT_DIG of C
        layout = format._layout
        vars(self).update(
            _format=format,
            _digits=digits,
            _printed=printed,
            dtype=dtype,
            bits=8 * dtype.itemsize,
            precision=max(3, digits) if printed else digits,
            nmant=format.mantissa_bits,
            nexp=format.exponent_bits,
            iexp=format.exponent_bits,
            minexp=layout.min_normal_exponent,
            maxexp=layout.emax + 1,
            machep=layout.eps_exponent,
            negep=layout.epsneg_exponent,
        )
        return self

    def __reduce__(self) -> Any:
        return (np.finfo, (self.dtype,)) if self._printed else (Limits, (self._format, self.dtype))

    def __deepcopy__(self, _: Any) -> Limits:
        return self

    def _rounded(self, value: float) -> Any:
        code = np.asarray(self._format.encode(value), self._format.code_dtype)
        return code.view(self.dtype)[()]

    @usual
    def _number(self, value: float) -> Any:
        """A number of the format, or a float64 where it is none."""
        number = self._rounded(value)
        return number if float(number) == value < math.inf else np.float64(value)

    max = cached_property(lambda self: self._number(self._format.max))
    min = cached_property(lambda self: self._number(self._format.min))
    eps = cached_property(lambda self: self._number(self._format.eps))
    epsneg = cached_property(lambda self: self._number(power_of_two(self.negep)))
    smallest_normal = cached_property(lambda self: self._number(self._format.min_normal))
    smallest_subnormal = cached_property(lambda self: self._number(self._format.min_subnormal))

    @cached_property
    @usual
    def resolution(self) -> Any:
        """10**-precision, rounded to the format if it is within its range."""
        value = 10.0**-self._digits
        within = self._format.min_subnormal <= value <= self._format.max
        return self._rounded(value) if within else np.float64(value)

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
