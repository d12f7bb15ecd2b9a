"""What a codec does to a stream of numbers: error, ulp, saturation, flushing, gathered block by block."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

import halfulp as hu
from halfulp.io.tensor import Array

Wide = NDArray[np.float64]
EXPONENT_MASK = np.uint64(0x7FF0_0000_0000_0000)  # of binary64
LARGEST_SCALE = float(np.finfo(np.float32).max)
SMALLEST_SCALE = float(np.finfo(np.float32).tiny)


def absmax_scale(fmt: hu.Format, largest: float) -> float:
    """The scale that brings `largest` to the format's maximum.

    It is the binary64 quotient max / largest, rounded to binary32 (down if `largest` would exceed the maximum
    otherwise) and kept within binary32's normal range; 1 for a tensor of zeros.
    """
    if largest == 0:
        return 1.0
    scale = np.float32(min(max(fmt.max / largest, SMALLEST_SCALE), LARGEST_SCALE))
    while largest * float(scale) > fmt.max and scale > SMALLEST_SCALE:  # rounded up: the largest would overflow
        scale = np.nextafter(scale, np.float32(0))
    return float(scale)


def apply_scale(values: Array, scale: float) -> Array:
    """`values * scale` in binary64, exact for float32 and narrower, so that only the format rounds."""
    if scale == 1.0:
        return values
    with np.errstate(all="ignore"):
        return np.multiply(values, scale, dtype=np.float64)


def largest_magnitude(values: Array) -> float:
    """The largest finite magnitude, 0 if there is none."""
    wide = np.abs(values.astype(np.float64))
    largest = float(wide.max(initial=0))
    return largest if math.isfinite(largest) else float(wide[np.isfinite(wide)].max(initial=0))


class Overflow:
    """Which finite inputs round beyond the largest finite value of a format, for one rounding mode.

    The step above the maximum is the one the format would take if its exponent range went on.
    """

    def __init__(self, fmt: hu.Format, rounding: str) -> None:
        step = top_ulp(fmt)
        odd = bool(fmt.code_of_max & 1)  # the parity of the code decides ties and round-to-odd
        self.above = self._limit(fmt.max, step, rounding, outward="toward_positive", odd=odd)
        if fmt.kind == "integer":  # two's complement goes one step further down: the parity is the magnitude's
            odd = bool(int(-fmt.min / step) & 1)
        signed = self._limit(-fmt.min, step, rounding, outward="toward_negative", odd=odd)
        self.below = signed if fmt.signed else (math.inf, False)

    @staticmethod
    def _limit(top: float, step: float, rounding: str, outward: str, odd: bool) -> tuple[float, bool]:
        """The magnitude from which inputs overflow, and whether that magnitude itself does."""
        if rounding == outward or (rounding == "to_odd" and not odd):
            return top, False
        if rounding == "nearest_even":
            return top + step / 2, odd
        if rounding == "nearest_away":
            return top + step / 2, True
        return top + step, True

    def count(self, values: Array) -> int:
        """How many of the finite `values` overflow."""
        total = 0
        for magnitudes, (limit, at_limit) in ((values, self.above), (-values, self.below)):
            total += int(np.count_nonzero(magnitudes >= limit if at_limit else magnitudes > limit))
        return total


def top_ulp(fmt: hu.Format) -> float:
    """One unit in the last place of the largest value."""
    return (
        lowest_ulp(fmt) if fmt.exponent_bits == 0 else math.ldexp(1.0, math.frexp(fmt.max)[1] - 1 - fmt.mantissa_bits)
    )


def lowest_ulp(fmt: hu.Format) -> float:
    """The finest step of a format: one unit in the last place of everything below its second binade."""
    lowest_exponent = 1 - fmt.bias if fmt.has_zero else -fmt.bias
    return math.ldexp(1.0, lowest_exponent - fmt.mantissa_bits)


class Block:
    """A block of finite inputs, with what every format needs to know about them."""

    def __init__(self, values: Array) -> None:
        wide = values.astype(np.float64)
        finite = np.isfinite(wide)
        self.nan = self.infinite = 0
        if not finite.all():
            self.nan = int(np.count_nonzero(np.isnan(wide)))
            self.infinite = wide.size - self.nan - int(np.count_nonzero(finite))
            values, wide = values[finite], wide[finite]
        self.values, self.wide = values, wide
        self.zeros = int(np.count_nonzero(wide == 0))
        self.largest = float(np.abs(wide).max(initial=0))
        self.binades = binades(wide)
        with np.errstate(all="ignore"):
            self.power = sum_of_squares(wide)


def sum_of_squares(wide: Wide) -> float:
    """The sum of squares, not by BLAS: its threads cost more on so small a block than they save."""
    return float(np.einsum("i,i->", wide, wide))


def binades(wide: Wide) -> Wide:
    """2^floor(log2 |x|) of every x (0 for zeros and subnormals): the bits of x without its significand."""
    masked: Wide = (wide.view(np.uint64) & EXPONENT_MASK).view(np.float64)
    return masked


@dataclass
class Tally:
    """What was found. Sums hold one entry per block, and `math.fsum` adds those exactly."""

    count: int = 0
    nan_inputs: int = 0
    infinite_inputs: int = 0
    power: list[float] = field(default_factory=list)
    noise: list[float] = field(default_factory=list)
    max_error: float = 0.0
    max_ulp_error: float = 0.0
    saturated: int = 0
    flushed: int = 0
    nan: int = 0
    bytes: int = 0

    def add(self, other: Tally) -> None:
        """Take in what another tally found."""
        for name in ("count", "nan_inputs", "infinite_inputs", "saturated", "flushed", "nan", "bytes"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.power.append(math.fsum(other.power))
        self.noise.append(_sum(other.noise))
        self.max_error = max(self.max_error, other.max_error)
        self.max_ulp_error = max(self.max_ulp_error, other.max_ulp_error)

    @property
    def sqnr_db(self) -> float:
        """10 log10(sum of squares / sum of squared errors); NaN where there is nothing to compare."""
        power, noise = _sum(self.power), _sum(self.noise)
        if self.max_error == 0:
            return math.inf if self.count else math.nan
        if math.isinf(noise):
            return -math.inf if math.isinf(self.max_error) else math.nan  # binary64 does not hold the squares
        if noise == 0:
            return math.nan  # nor these, which are too small
        return 10 * math.log10(power / noise) if power and math.isfinite(power) else math.nan

    @property
    def bits_per_weight(self) -> float:
        """Bits of the codes packed densely, and of the scales, per weight."""
        return 8 * self.bytes / self.count if self.count else math.nan


def _sum(parts: list[float]) -> float:
    return math.inf if any(math.isinf(part) for part in parts) else math.fsum(parts)


class Gauge:
    """Measures one codec on one tensor, block after block."""

    def __init__(self, codec: hu.Codec, rounding: str, scale: float, scale_bytes: int) -> None:
        fmt = codec.format
        self.codec, self.format, self.scale, self.scale_bytes = codec, fmt, scale, scale_bytes
        self.overflow = Overflow(fmt, rounding)
        self.first_limit = min(self.overflow.above[0], self.overflow.below[0])
        # An ulp is the binade of x, kept within the format's, times this.
        self.ulp_per_binade = math.ldexp(1.0, -fmt.mantissa_bits)
        self.lowest_binade = lowest_ulp(fmt) / self.ulp_per_binade
        self.highest_binade = top_ulp(fmt) / self.ulp_per_binade
        self.tally = Tally()

    def take(self, block: Block) -> None:
        """Round a block and add what happened to it."""
        tally, wide, largest, scaled = self.tally, block.wide, block.largest, block.values
        tally.count += wide.size + block.nan + block.infinite
        tally.nan_inputs += block.nan
        tally.infinite_inputs += block.infinite
        if wide.size == 0:
            return
        powers = block.binades
        if self.scale != 1.0:
            wide = scaled = apply_scale(wide, self.scale)
            largest, powers = largest * self.scale, binades(wide)
        rounded = self.codec.decode(self.codec.encode(scaled))
        if largest >= self.first_limit:
            tally.saturated += self.overflow.count(wide)
        if self.format.has_zero:
            tally.flushed += int(np.count_nonzero(rounded == 0)) - block.zeros
        with np.errstate(all="ignore"):
            error = np.subtract(rounded, wide, dtype=np.float64)
            np.abs(error, out=error)
            noise = sum_of_squares(error)
            if not math.isfinite(noise):  # something became NaN or infinite: an error without bound
                lost = np.isnan(error)
                tally.nan += int(np.count_nonzero(lost))
                error[lost] = math.inf
                noise = math.inf if np.isinf(error).any() else noise
            ulps = np.clip(powers, self.lowest_binade, self.highest_binade)
            np.divide(error, ulps, out=ulps)
        tally.power.append(block.power)
        tally.noise.append(noise / self.scale**2)
        tally.max_error = max(tally.max_error, float(error.max()) / self.scale)
        tally.max_ulp_error = max(tally.max_ulp_error, float(ulps.max()) / self.ulp_per_binade)

    def finish(self) -> Tally:
        """The tally, with the bytes the tensor takes in this format: codes packed densely, plus its scale."""
        self.tally.bytes = (self.tally.count * self.format.bits + 7) // 8 + self.scale_bytes
        return self.tally


def as_json(fmt: hu.Format, tally: Tally) -> dict[str, Any]:
    """A tally for machines; figures JSON has no number for are the strings Infinity, -Infinity, or null."""
    return {
        "format": fmt.name,
        "bits_per_weight": _number(tally.bits_per_weight),
        "bytes": tally.bytes,
        "sqnr_db": _number(tally.sqnr_db),
        "max_abs_error": _number(tally.max_error),
        "max_ulp_error": _number(tally.max_ulp_error),
        "saturated": tally.saturated,
        "flushed_to_zero": tally.flushed,
        "became_nan": tally.nan,
        "nan_inputs": tally.nan_inputs,
        "infinite_inputs": tally.infinite_inputs,
        "weights": tally.count,
    }


def _number(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"
