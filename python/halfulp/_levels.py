"""The levels and thresholds of a codebook: checked, written as text and read back."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from halfulp import _core
from halfulp._format import formats
from halfulp._usual import usual

_SMALLEST = Fraction(1, 1 << 2000)


class Decision(NamedTuple):
    """Where the upper of two neighbouring levels begins."""

    threshold: Fraction
    tie_goes_up: bool


class Contents(NamedTuple):
    """What distinguishes one codebook from another, beside its name."""

    levels: tuple[int, ...]  # binary32 bits, ascending
    codes: tuple[int, ...]
    decisions: tuple[Decision, ...]


class Level(NamedTuple):
    """A level in ascending order, -0 before +0."""

    value: Fraction
    positive: bool
    bits: int


def contents_of(book: _core.Codebook) -> Contents:
    """What the extension knows of a codebook."""
    decisions = tuple(Decision(_scaled(integer, exponent), up) for integer, exponent, up in book.decisions)
    return Contents(tuple(book.levels), tuple(book.codes), decisions)


def _shown(x: object) -> str:
    try:
        return str(x)[:40]
    except ValueError:  # Python refuses to write out thousands of digits
        return "of thousands of digits"


def _listed(argument: str, values: Iterable[Any]) -> list[Any]:
    if isinstance(values, np.ndarray) and values.ndim != 1:
        raise ValueError(f"Codebook: {argument} must have one dimension, not {values.ndim}")
    try:
        return list(values)
    except TypeError:
        raise TypeError(f"Codebook: {argument} must be a sequence of numbers, not {values!r}") from None


@usual
def _fraction(what: str, x: object) -> Fraction:
    try:
        if isinstance(x, (bool, np.bool_)):
            raise TypeError
        return Fraction(int(x)) if isinstance(x, np.integer) else Fraction(*x.as_integer_ratio())  # type: ignore[attr-defined]
    except (AttributeError, TypeError):
        raise TypeError(f"Codebook: {what} must be a real number, not {_shown(x)!r}") from None
    except (ValueError, OverflowError):
        raise ValueError(f"Codebook: {what} must be finite, not {x!r}") from None


def checked_levels(levels: Iterable[Any]) -> list[Level]:
    """The levels, every one a binary32 number."""
    checked = [_level(i, level) for i, level in enumerate(_listed("levels", levels))]
    if not 2 <= len(checked) <= 256:
        raise ValueError(f"Codebook: levels must be 2 to 256 numbers, not {len(checked)}")
    return checked


@usual
def _level(i: int, x: object) -> Level:
    value = _fraction(f"level {i}", x)
    negative_zero = value == 0 and isinstance(x, (float, np.floating)) and math.copysign(1, x) < 0
    positive = value > 0 or (value == 0 and not negative_zero)
    try:
        bits = int(formats["float32"].encode(float(value))) if value else int(negative_zero) << 31
        held = _value(bits) == value
    except OverflowError:
        held = False
    if not held:
        raise ValueError(f"Codebook: level {i}, {_shown(x)}, is no binary32 number; round it first")
    return Level(value, positive, bits)


def checked_codes(codes: Iterable[Any], count: int) -> list[int]:
    """As many different codes."""
    listed = _listed("codes", codes)
    if len(listed) != count:
        raise ValueError(f"Codebook: codes must be as many as the levels, {count}, not {len(listed)}")
    for code in listed:
        if isinstance(code, bool) or not isinstance(code, (int, np.integer)):
            raise TypeError(f"Codebook: codes must be integers, not {code!r}")
    if not all(0 <= code <= 255 for code in listed) or len(set(listed)) < count:
        raise ValueError("Codebook: codes must be 0 to 255, each another one")
    return [int(code) for code in listed]


def checked_thresholds(thresholds: Iterable[Any], count: int) -> list[Fraction]:
    """As many ascending thresholds that every source can be compared with."""
    listed = [_fraction(f"threshold {i}", t) for i, t in enumerate(_listed("thresholds", thresholds))]
    if len(listed) != count:
        raise ValueError(f"Codebook: thresholds must be one fewer than the levels, {count}, not {len(listed)}")
    for i, t in enumerate(listed):
        if i and t < listed[i - 1]:
            raise ValueError(f"Codebook: thresholds must ascend, but threshold {i} is below the one before")
        odd = t.numerator // (t.numerator & -t.numerator) if t else 0
        if t.denominator & (t.denominator - 1) or abs(odd) >= 1 << 61:
            raise ValueError(f"Codebook: threshold {i}, {_shown(t)}, has more than 61 significant bits")
        if abs(t) >= 1 << 128:
            raise ValueError(f"Codebook: threshold {i} must lie between levels, but is 2**128 or more in magnitude")
        if 0 < abs(t) < _SMALLEST:  # such numbers are not told apart where they come as text or Fractions
            raise ValueError(f"Codebook: threshold {i} is below 2**-2000, but not 0")
    return listed


@usual
def check_order(contents: Contents, levels: list[Level], half_way: bool) -> None:
    """That ascending levels differ and that every one takes itself."""
    for i, (t, up) in enumerate(contents.decisions):
        lower, upper = levels[i], levels[i + 1]
        between = f"between the levels {float(lower.value)!r} and {float(upper.value)!r}"
        if lower.bits == upper.bits:
            raise ValueError(f"Codebook: level {float(lower.value)!r} is there twice")
        if half_way and t != (lower.value + upper.value) / 2:
            raise ValueError(
                f"Codebook: half way {between} lies a number of more than 61 significant bits; give thresholds"
            )
        reached = lower if up else upper
        if not lower.value <= t <= upper.value or (t == reached.value and lower.value != upper.value):
            raise ValueError(
                f"Codebook: threshold {i}, {float(t)!r}, must lie {between}, such that each level takes itself"
            )


# -- exact numbers as text: an integer times a power of two


def _scaled(integer: int, exponent: int) -> Fraction:
    return Fraction(integer << max(exponent, 0), 1 << max(-exponent, 0))


def _value(binary32: int) -> Fraction:
    field, trailing = binary32 >> 23 & 0xFF, binary32 & 0x7FFFFF
    magnitude = _scaled(trailing | (1 << 23 if field else 0), max(field, 1) - 150)
    return -magnitude if binary32 >> 31 else magnitude


def write_binary32(bits: int) -> str:
    """A binary32 number as text."""
    return "-0" if bits == 1 << 31 else write(_value(bits))


def write(x: Fraction) -> str:
    """An integer, or ``3p-2`` for 3 * 2**-2."""
    if x.denominator > 1:
        return f"{x.numerator}p{1 - x.denominator.bit_length()}"
    zeros = (x.numerator & -x.numerator).bit_length() - 1
    return f"{x.numerator >> zeros}p{zeros}" if zeros > 30 else str(x.numerator)


def read(word: str) -> int | float | Fraction:
    """What `write` and `write_binary32` wrote."""
    integer, p, exponent = word.partition("p")
    try:
        if word == "-0":
            return -0.0
        power = int(exponent) if p else 0
        if abs(power) > 2000 or len(word) > 100:
            raise ValueError
        return _scaled(int(integer), power) if p else int(integer)
    except ValueError:
        raise ValueError(f"Codebook: cannot read {word[:40]!r}; numbers are written like 3, or 3p-2 for 0.75") from None
