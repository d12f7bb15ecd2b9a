"""The codes of a format as points on the number line, in exact rationals and without any kernel."""

from __future__ import annotations

import math
import struct
from fractions import Fraction

from halfulp._format import Format


def power_of_two(exponent: int) -> Fraction:
    """2^exponent, exactly."""
    return Fraction(1 << exponent) if exponent >= 0 else Fraction(1, 1 << -exponent)


def point(fmt: Format, k: int) -> Fraction:
    """What the k-th non-negative code is worth if every code is a number; goes on past the last code."""
    m, bias = fmt.mantissa_bits, fmt.bias
    field, trailing = k >> m, k & ((1 << m) - 1)
    if fmt.exponent_bits == 0:
        return k * power_of_two(1 - bias - m)
    if field == 0 and fmt.has_zero:
        return trailing * power_of_two(1 - bias - m)
    return ((1 << m) + trailing) * power_of_two(field - bias - m)


def between(fmt: Format, k: int, halves: int) -> Fraction:
    """The k-th point, or the middle between it and the next."""
    return point(fmt, k) + Fraction(halves, 2) * (point(fmt, k + 1) - point(fmt, k))


def place(fmt: Format, magnitude: Fraction) -> int:
    """The last k whose point is not above a magnitude; 0 where there is none."""
    m, bias = fmt.mantissa_bits, fmt.bias
    first = 1 - bias if fmt.has_zero or fmt.exponent_bits == 0 else -bias  # exponent of the lowest binade
    if magnitude <= 0:
        return 0
    exponent = magnitude.numerator.bit_length() - magnitude.denominator.bit_length()
    exponent -= magnitude < power_of_two(exponent)
    if fmt.exponent_bits == 0 or (exponent < first and fmt.has_zero):
        return int(magnitude / power_of_two(1 - bias - m))
    if exponent < first:
        return 0
    significand = int(magnitude / power_of_two(exponent - m))
    return ((exponent + bias) << m) + significand - (1 << m)


def signed_code(fmt: Format, negative: bool, k: int) -> int:
    """The code of magnitude k with a sign, as far as the format has both."""
    if not negative or not fmt.signed or (k == 0 and not fmt.has_negative_zero):
        return k
    return (1 << fmt.bits) - k if fmt.kind == "integer" else 1 << (fmt.bits - 1) | k


def near(fmt: Format, x: Fraction, steps: int = 0) -> int:
    """The code of the finite value next to x towards zero, moved by some codes away from zero."""
    k = min(max(place(fmt, abs(x)) + steps, 0), fmt.code_of_max)
    return signed_code(fmt, x < 0, k)


def split(fmt: Format, code: int) -> tuple[bool, int]:
    """Sign and magnitude of a code."""
    if not fmt.signed or code < 1 << (fmt.bits - 1):
        return False, code
    return True, (1 << fmt.bits) - code if fmt.kind == "integer" else code - (1 << (fmt.bits - 1))


def is_nan(fmt: Format, code: int) -> bool:
    """Whether a code is NaN."""
    if fmt.code_of_nan is None:
        return False
    if fmt.specials in ("ieee", "fn"):
        return split(fmt, code)[1] > (fmt.code_of_inf if fmt.code_of_inf is not None else fmt.code_of_max)
    return code == fmt.code_of_nan


def is_finite(fmt: Format, code: int) -> bool:
    """Whether a code is a number."""
    return not is_nan(fmt, code) and not (fmt.code_of_inf is not None and split(fmt, code)[1] == fmt.code_of_inf)


def real(fmt: Format, code: int) -> Fraction:
    """The value of a code that is a number."""
    negative, k = split(fmt, code)
    return -point(fmt, k) if negative else point(fmt, k)


def place_in_order(fmt: Format, code: int) -> int | None:
    """Where a code stands in ascending order, the zeros together at 0; None for NaN."""
    if is_nan(fmt, code):
        return None
    negative, k = split(fmt, code)
    return -k if negative else k


def value(fmt: Format, code: int) -> float:
    """The value of a code as a Python float. A NaN has the code's sign and payload, and is quiet."""
    negative, _ = split(fmt, code)
    if is_nan(fmt, code):
        bits = 0x7FF8 << 48
        if fmt.specials == "ieee" and fmt.mantissa_bits >= 2:
            below_quiet = fmt.mantissa_bits - 1
            bits |= (code & ((1 << below_quiet) - 1)) << (51 - below_quiet)
        signed = negative and fmt.specials in ("ieee", "fn")
        (nan,) = struct.unpack("<d", struct.pack("<Q", bits | signed << 63))
        return float(nan)
    magnitude = float(abs(real(fmt, code))) if is_finite(fmt, code) else math.inf
    return -magnitude if negative else magnitude
