"""Values of codes as text: the shortest decimal that reads back as the same code, and hexadecimal."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from halfulp._format import Format
from halfulp._usual import usual


@usual
def shortest(format: Format, code: int) -> str:
    """The shortest decimal that `format.encode`, nearest even, reads as this code; of several the nearest (5.12.2)."""
    value = float(format.decode(code))
    if not math.isfinite(value) or value == 0:
        return str(value)
    negative, exact = value < 0, abs(Fraction(value))
    room = _room_at_the_end(format, value)
    for digits in range(1, 18):
        mantissa, power = f"{abs(value):.{digits - 1}e}".split("e")
        integer, place = int(mantissa.replace(".", "")), int(power) - digits + 1
        # Beside a power of two the interval is lopsided: the decimal next to the nearest one may be the only one in it.
        near = sorted((integer, integer - 1, integer + 1), key=lambda n: abs(_decimal(n, place) - exact))
        for n in near:
            beyond = room is not None and abs(_decimal(n, place) - exact) >= room
            if n > 0 and not beyond and _code(format, text := _text(negative, n, place)) == code:
                return text
    raise AssertionError(f"{format.name}: no decimal of 17 digits reads as code {code:#x}")


def _room_at_the_end(format: Format, value: float) -> Fraction | None:
    """Half of the last place of the largest number, to which everything beyond may saturate; None for others."""
    if abs(value) < min(format.max, abs(format.min)) or format.has_inf:
        return None
    exponent = math.frexp(format.max)[1] - 1
    place = exponent - format.mantissa_bits if format.exponent_bits else math.frexp(format.min_subnormal)[1] - 1
    return Fraction(2) ** place / 2


def _decimal(n: int, place: int) -> Fraction:
    return Fraction(n * 10**place) if place >= 0 else Fraction(n, 10**-place)


def _text(negative: bool, n: int, place: int) -> str:
    digits = str(n).rstrip("0")
    place += len(str(n)) - len(digits)
    power = place + len(digits) - 1
    sign = "-" if negative else ""
    if -5 < power < 16:  # where Python's own floats are written without an exponent
        if place >= 0:
            return f"{sign}{digits}{'0' * place}.0"
        if power >= 0:
            return f"{sign}{digits[: power + 1]}.{digits[power + 1 :]}"
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    return f"{sign}{digits[0]}{'.' + digits[1:] if digits[1:] else ''}e{power:+03d}"


def _code(format: Format, text: str) -> Any:
    from halfulp._functions import encode

    return int(encode(text, format))


@usual
def to_hex(format: Format, code: int) -> str:
    """The value in C's hexadecimal notation, exactly, without trailing zeros."""
    value = float(format.decode(code))
    if not math.isfinite(value):
        return str(value)
    head, power = value.hex().split("p")
    return f"{head.rstrip('0').rstrip('.') if '.' in head else head}p{power}"
