"""Exact reals that are no floats, as the significand, exponent and sticky bit that one rounding needs."""

from __future__ import annotations

import re
from decimal import Decimal
from numbers import Rational

import numpy as np

# One record of C++ `Number`: value = significand * 2^(exponent - 61), bit 0 sticky. The tail has bit 0 itself and the
# 63 after it, from the top of the word down, its last one sticky.
NUMBER = np.dtype([("significand", "u8"), ("tail", "u8"), ("exponent", "i4"), ("kind", "i2"), ("negative", "i2")])
_FINITE, _INFINITE, _NAN = 0, 1, 2
_TOP = 61
_TAIL = 63

# Far outside every format, so that the size of an exponent never becomes the size of an integer.
_FAR = 5000
_FAR_DECIMAL = 2000
# No midpoint of two binary64 numbers has more significant decimal digits than this; later ones are sticky.
_DIGITS = 1200

Number = tuple[int, int, int, int, int]

_TEXT = re.compile(
    r"""\s*(?P<sign>[+-]?)(?:
        (?P<inf>inf(?:inity)?) | (?P<nan>nan)
      | 0x(?P<hex>[0-9a-f]*)(?:\.(?P<hexfraction>[0-9a-f]*))?(?:p(?P<binary>[+-]?\d+))?
      | (?P<numerator>\d+)/(?P<denominator>\d+)
      | (?P<digits>\d*)(?:\.(?P<fraction>\d*))?(?:e(?P<decimal>[+-]?\d+))?
    )\s*""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)


def number(x: object) -> Number:
    """The record of one exact real: an integer, rational, Decimal or text.

    Raises
    ------
    TypeError
        If `x` is no real number.
    ValueError
        If `x` is a string that cannot be read.
    """
    if isinstance(x, (bool, np.bool_)):
        return _ratio(False, int(x), 1)
    if isinstance(x, (int, np.integer)):
        return _ratio(bool(x < 0), abs(int(x)), 1)
    if isinstance(x, Rational):
        return _ratio(x < 0, abs(int(x.numerator)), int(x.denominator))
    if isinstance(x, Decimal):
        return _decimal(x)
    if isinstance(x, (str, bytes)):
        return _string(x.decode("latin-1") if isinstance(x, bytes) else x)
    if isinstance(x, (list, tuple, np.ndarray)):
        raise TypeError(f"expected a real number, found a {type(x).__name__}: nested sequences must not be ragged")
    raise TypeError(f"expected a real number, found {type(x).__name__} {str(x)[:40]!r}")


def _far(negative: bool, large: bool) -> Number:
    return (1 << _TOP) | 1, 1, _FAR if large else -_FAR, _FINITE, negative


def _ratio(negative: bool, numerator: int, denominator: int) -> Number:
    if numerator == 0:
        return 0, 0, 0, _FINITE, negative
    exponent = numerator.bit_length() - denominator.bit_length()
    if abs(exponent) > _FAR:
        return _far(negative, exponent > 0)
    if numerator << max(-exponent, 0) < denominator << max(exponent, 0):
        exponent -= 1
    shift = _TOP + _TAIL - exponent  # the leading bit belongs at the top: every one below it may be needed
    quotient, rest = divmod(numerator << max(shift, 0), denominator << max(-shift, 0))
    quotient |= rest != 0
    significand, below = quotient >> _TAIL, quotient & ((1 << _TAIL) - 1)
    return significand | (below != 0), (significand & 1) << _TAIL | below, exponent, _FINITE, negative


def _decimal(x: Decimal) -> Number:
    sign, digits, exponent = x.as_tuple()
    if x.is_nan():
        return 0, 0, 0, _NAN, sign
    if x.is_infinite():
        return 0, 0, 0, _INFINITE, sign
    return _power_of_ten(bool(sign), "".join(map(str, digits)), int(exponent))


def _power_of_ten(negative: bool, digits: str, exponent: int) -> Number:
    digits = digits.lstrip("0")
    if not digits:
        return 0, 0, 0, _FINITE, negative
    if abs(exponent + len(digits)) > _FAR_DECIMAL:
        return _far(negative, exponent > 0 or len(digits) > _FAR_DECIMAL)
    if len(digits) > _DIGITS:
        sticky = "1" if digits[_DIGITS:].strip("0") else "0"
        exponent += len(digits) - _DIGITS - 1
        digits = digits[:_DIGITS] + sticky
    scale = 10 ** abs(exponent)
    return _ratio(negative, int(digits) * (scale if exponent > 0 else 1), scale if exponent < 0 else 1)


def _string(text: str) -> Number:
    match = _TEXT.fullmatch(text)
    if match is None:
        raise ValueError(
            f"cannot read {text[:40]!r} as a number; write it like '1.5e-3', '0x1.8p-4', '1/3', 'inf' or 'nan'"
        )
    negative = match["sign"] == "-"
    if match["inf"]:
        return 0, 0, 0, _INFINITE, negative
    if match["nan"]:
        return 0, 0, 0, _NAN, negative
    if match["numerator"]:
        return _quotient(text, negative, match["numerator"], match["denominator"])
    if match["hex"] is not None:
        return _hexadecimal(text, negative, match)
    fraction = match["fraction"] or ""
    digits = (match["digits"] or "") + fraction
    if not digits:
        raise ValueError(f"cannot read {text[:40]!r} as a number: there are no digits")
    return _power_of_ten(negative, digits, _exponent(match["decimal"]) - len(fraction))


def _exponent(digits: str | None) -> int:
    """An exponent, clamped: beyond a billion digits of significand would be needed to make up for it."""
    if not digits:
        return 0
    magnitude = digits.lstrip("+-").lstrip("0") or "0"
    value = int(magnitude) if len(magnitude) <= 9 else 10**9
    return -value if digits.startswith("-") else value


def _hexadecimal(text: str, negative: bool, match: re.Match[str]) -> Number:
    fraction = match["hexfraction"] or ""
    digits = match["hex"] + fraction
    if not digits:
        raise ValueError(f"cannot read {text[:40]!r} as a number: there are no digits")
    significand = int(digits, 16)
    if significand == 0:
        return 0, 0, 0, _FINITE, negative
    exponent = _exponent(match["binary"]) - 4 * len(fraction)
    if abs(exponent + significand.bit_length()) > _FAR:
        return _far(negative, exponent + significand.bit_length() > 0)
    return _ratio(negative, significand << max(exponent, 0), 1 << max(-exponent, 0))


def _quotient(text: str, negative: bool, numerator: str, denominator: str) -> Number:
    if max(len(numerator), len(denominator)) > 4000:
        raise ValueError(f"cannot read {text[:40]!r}...: write fractions of at most 4000 digits, or pass a Fraction")
    if int(denominator) == 0:
        raise ValueError(f"cannot read {text[:40]!r} as a number: the denominator is zero")
    return _ratio(negative, int(numerator), int(denominator))
