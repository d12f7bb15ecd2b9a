"""Exact numbers as people write them: parsing, and printing without rounding anything away unsaid."""

from __future__ import annotations

import math
import re
from fractions import Fraction

HEX = re.compile(r"([+-]?)0x([0-9a-f]*)\.?([0-9a-f]*)(?:p([+-]?\d+))?", re.IGNORECASE)
HEX_SHAPE = re.compile(r"[+-]?0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p[+-]?\d+)?", re.IGNORECASE)
SPECIAL = re.compile(r"[+-]?(?:inf|infinity|nan)", re.IGNORECASE)
MAX_EXPONENT = 20_000  # every format's range is far within; beyond, exact integers only cost time
MAX_LENGTH = 2_000


def parse(text: str) -> Fraction | None:
    """The exact number `text` means: decimal, fraction a/b or hexadecimal; None for infinities and NaN."""
    if len(text) > MAX_LENGTH:
        raise ValueError(f"the number has {len(text)} characters, at most {MAX_LENGTH} are read")
    if SPECIAL.fullmatch(text):
        return None
    exponent = re.search(r"[ep]([+-]?\d+)$" if "0x" not in text.lower() else r"p([+-]?\d+)$", text, re.IGNORECASE)
    if exponent and (len(exponent[1]) > 8 or abs(int(exponent[1])) > MAX_EXPONENT):
        raise ValueError(f"'{text}' has an exponent beyond {MAX_EXPONENT}")
    try:
        return _hexadecimal(text) if HEX_SHAPE.fullmatch(text) else Fraction(text)
    except ZeroDivisionError as error:
        raise ValueError(f"'{text}' divides by zero") from error
    except ValueError as error:
        what = "is no number; write 0.1, 1e-3, 1/3, 0x1.8p3, inf or nan, or a code: 0x3f, 0b101, #63"
        raise ValueError(f"'{text}' {what}") from error


def _hexadecimal(text: str) -> Fraction:
    match = HEX.fullmatch(text)
    assert match is not None  # HEX_SHAPE is the narrower pattern
    sign, whole, part, power = match.groups()
    digits = Fraction(int((whole + part) or "0", 16), 16 ** len(part))
    value = digits * Fraction(2) ** int(power or 0)
    return -value if sign == "-" else value


def show_decimal(value: Fraction, digits: int = 24) -> str:
    """The decimal expansion where it ends within `digits` significant ones, else a rounded one marked '~'."""
    power = value.denominator.bit_length() - 1
    if value.denominator == 1 << power:  # ends after `power` decimals
        integer = value.numerator * 5**power
        text = str(abs(integer))
        if len(text) <= digits and power <= 2 * digits:
            text = text.rjust(power + 1, "0")
            shown = f"{text[:-power]}.{text[-power:]}" if power else text
            return ("-" if value < 0 else "") + shown
    return f"~{show_rounded(value, 7)}"


def show_rounded(value: Fraction, digits: int) -> str:
    """So many significant digits, also far beyond the range of a float."""
    exponent = len(str(abs(value.numerator))) - len(str(value.denominator))
    if abs(exponent) < 300:
        return f"{float(value):.{digits}g}"
    if abs(value) < Fraction(10) ** exponent:
        exponent -= 1
    leading = f"{float(value / Fraction(10) ** exponent):.{digits}g}"
    if leading.lstrip("-") == "10":  # 9.99... rounded up
        leading, exponent = leading.replace("10", "1"), exponent + 1
    return f"{leading}e{exponent:+03d}"


def show_fraction(value: Fraction) -> str:
    """An integer, a short fraction, integer times power of two, or rounded where no exact form is short."""
    if len(str(value)) <= 24:
        return str(value)
    power = value.denominator.bit_length() - 1
    if value.denominator == 1 << power:
        odd, shift = value.numerator, -power
        while odd % 2 == 0:
            odd, shift = odd // 2, shift + 1
        return f"{odd} * 2^{shift}" if len(str(odd)) <= 24 else show_decimal(value)
    return show_decimal(value)


def show_power(value: float) -> str:
    """A power of two as 2^n, anything else in seven digits."""
    significand, exponent = math.frexp(value)
    return f"2^{exponent - 1}" if significand == 0.5 else f"{value:.7g}"


def show_hexadecimal(value: float) -> str:
    """A hexadecimal float without trailing zeros."""
    return re.sub(r"\.?0+p", "p", value.hex())
