"""Codebooks by their definitions, in exact rationals: own tables, own searches, nothing of halfulp.

A level is found by distance or by order among all levels, or by the very search of the library that a codebook comes
from; thresholds folded into keys, as halfulp has them, do not occur.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

MODES = ("nearest_even", "nearest_away", "toward_zero", "toward_positive", "toward_negative")


def binary32(bits: int) -> Fraction:
    """The value of a finite binary32."""
    field, trailing = bits >> 23 & 0xFF, bits & 0x7FFFFF
    magnitude = (trailing | (1 << 23 if field else 0)) * Fraction(2) ** (max(field, 1) - 150)
    return -magnitude if bits >> 31 else magnitude


def nearest_binary32(x: Fraction) -> Fraction:
    """A rational rounded to binary32, nearest even; its magnitude must be normal or 0."""
    if x == 0:
        return x
    exponent = abs(x).numerator.bit_length() - x.denominator.bit_length()
    if Fraction(2) ** exponent > abs(x):
        exponent -= 1
    place = Fraction(2) ** (exponent - 23)
    return round(x / place) * place


class Level(NamedTuple):
    """One value and its code; `negative_zero` for the value -0."""

    value: Fraction
    code: int
    negative_zero: bool = False


class Levels:
    """The levels of a codebook, ascending."""

    def __init__(self, levels: Iterable[Level]) -> None:
        self.all = sorted(levels, key=lambda level: (level.value, not level.negative_zero))
        zeros = [level for level in self.all if level.value == 0]
        # Of two zeros, -0 stands for negative numbers and 0 for the others.
        self.of_sign = [
            [level for level in self.all if level.value != 0 or len(zeros) == 1 or level.negative_zero == negative]
            for negative in (False, True)
        ]
        self.values_of_sign = [[level.value for level in levels] for levels in self.of_sign]

    def neighbours(self, x: Fraction) -> tuple[Level, Level]:
        """The last level not above x and the first not below it; the end level twice beyond the ends."""
        levels, values = self.of_sign[x < 0], self.values_of_sign[x < 0]
        lower, upper = bisect_right(values, x) - 1, bisect_left(values, x)
        return levels[max(lower, 0)], levels[min(upper, len(levels) - 1)]


def choose(levels: Levels, x: Fraction, mode: str) -> int:
    """The code a rounding mode gives."""
    lower, upper = levels.neighbours(x)
    if mode == "toward_positive":
        return upper.code
    if mode == "toward_negative":
        return lower.code
    down, up = x - lower.value, upper.value - x
    smaller, larger = sorted((lower, upper), key=lambda level: abs(level.value))
    opposites = abs(lower.value) == abs(upper.value)
    if mode == "toward_zero" and not opposites:
        return smaller.code
    if down != up:
        return lower.code if down < up else upper.code
    if mode == "nearest_away" and not opposites:
        return larger.code
    return upper.code if lower.code % 2 and not upper.code % 2 else lower.code


def above(thresholds: list[Fraction]) -> Callable[[Fraction], int]:
    """Strict comparisons with ascending thresholds."""
    return lambda x: sum(x > t for t in thresholds)


NF4_BITS = """BF800000 BF3239B1 BF066B30 BECA32A0 BE91A24D BE3D353F BDBA7871 00000000
              3DA2FAFF 3E24CAE3 3E7C04DD 3EAD033A 3EE1A4B8 3F1007AB 3F3913B3 3F800000"""
NF4_THRESHOLD_BITS = """BF591CD8 BF1C5270 BEEB8480 BEADEA76 BE703CEC BE0D38BC BD3A7871 3D22FAFF 3DF64862 3E5067E0
                        3E9582D4 3EC753F9 3F006D04 3F248DAF 3F5C89DA"""
AF4 = """-1 -0.69441008 -0.51243739 -0.3736951 -0.25607552 -0.14982478 -0.04934812 0 0.04273164 0.12934483 0.21961274
         0.31675666 0.42563882 0.55496234 0.72424863 1"""
FP4_BITS = "00000000 3BAAAAAB 3F2AAAAB 3F800000 3EAAAAAB 3F000000 3E2AAAAB 3E800000"
FP4_THRESHOLDS = "0.00260417 0.0859375 0.20833333 0.29166667 0.4166667 0.583333 0.8333333"
FP4_ORDER = (0, 1, 6, 7, 4, 5, 2, 3)
IQ4_NL = (-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113)


def decimals(text: str) -> list[Fraction]:
    return [nearest_binary32(Fraction(word)) for word in text.split()]


def from_bits(text: str) -> list[Fraction]:
    return [binary32(int(word, 16)) for word in text.split()]


def linspace(start: Fraction, end: Fraction, count: int) -> list[Fraction]:
    """As PyTorch computes it in binary32 with fused multiply-adds, from both ends."""
    step = nearest_binary32(nearest_binary32(end - start) / (count - 1))
    half = count // 2
    exact = [start + step * i if i < half else end - step * (count - 1 - i) for i in range(count)]
    return [nearest_binary32(x) for x in exact]


def dynamic_map(signed: bool) -> list[Fraction]:
    """The levels of bitsandbytes' create_dynamic_map, ascending."""
    levels = [Fraction(0), Fraction(1)]
    for i in range(7):
        points = linspace(nearest_binary32(Fraction(1, 10)), Fraction(1), 2 ** (i if signed else i + 1) + 1)
        power = nearest_binary32(Fraction(10) ** (i - 6))
        means = [nearest_binary32((a + b) / 2) for a, b in pairwise(points)]
        items = [nearest_binary32(power * mean) for mean in means]
        levels += items + [-x for x in items] * signed
    return sorted(levels)


def packed(levels: list[Fraction]) -> bytes:
    """As little-endian binary32."""
    return b"".join(struct.pack("<f", float(x)) for x in levels)


def dynamic_search(levels: list[Fraction], x: Fraction) -> int:
    """The CUDA kernel's: a pivot from 127, then a comparison with the midpoint on its side."""
    pivot, lower_pivot, upper_pivot = 127, 0, 255
    lower, upper, value = Fraction(-1), Fraction(1), levels[127]
    for step in (64, 32, 16, 8, 4, 2, 1):
        if x > value:
            lower_pivot, lower, pivot = pivot, value, pivot + step
        else:
            upper_pivot, upper, pivot = pivot, value, pivot - step
        value = levels[pivot]
    if upper_pivot == 255:
        upper = levels[255]
    if lower_pivot == 0:
        lower = levels[0]
    if x > value:
        return upper_pivot if x > nearest_binary32((upper + value) / 2) else pivot
    return lower_pivot if x < nearest_binary32((lower + value) / 2) else pivot


def iq4_nl_search(x: Fraction) -> int:
    """That of ggml."""
    v = IQ4_NL
    if x <= v[0]:
        return 0
    if x >= v[15]:
        return 15
    low, high = 0, 15
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if x < v[middle] else (middle, high)
    return high - 1 if x - v[high - 1] < v[high] - x else high


def fp4_search(x: Fraction) -> int:
    """The CUDA kernel's, on |x|."""
    return FP4_ORDER[above(decimals(FP4_THRESHOLDS))(abs(x))] | (8 if x < 0 else 0)


class Book(NamedTuple):
    """A named codebook: levels, the library's own search, and numbers at which that decides."""

    levels: Levels
    table: Callable[[Fraction], int]
    thresholds: list[Fraction]


def midpoints(levels: list[Fraction]) -> list[Fraction]:
    return [nearest_binary32((a + b) / 2) for a, b in pairwise(levels)]


def named() -> dict[str, Book]:
    """Every codebook that a library has."""
    nf4, af4, fp4 = from_bits(NF4_BITS), decimals(AF4), from_bits(FP4_BITS)
    fp4_at = decimals(FP4_THRESHOLDS)
    iq4 = [Fraction(v) for v in IQ4_NL]
    af4_rank = above(midpoints(af4))
    books = {
        "nf4": Book(
            Levels(Level(v, c) for c, v in enumerate(nf4)),
            above(from_bits(NF4_THRESHOLD_BITS)),
            from_bits(NF4_THRESHOLD_BITS),
        ),
        "af4": Book(Levels(Level(v, 15 - i) for i, v in enumerate(af4)), lambda x: 15 - af4_rank(x), midpoints(af4)),
        "bnb_fp4": Book(
            Levels(level for c, v in enumerate(fp4) for level in (Level(v, c), Level(-v, 8 + c, v == 0))),
            fp4_search,
            [-t for t in reversed(fp4_at)] + [Fraction(0)] + fp4_at,
        ),
        "iq4_nl": Book(Levels(Level(v, c) for c, v in enumerate(iq4)), iq4_nl_search, midpoints(iq4)),
    }
    for name, signed in (("bnb_dynamic8", True), ("bnb_dynamic8_unsigned", False)):
        levels = dynamic_map(signed)
        search = lambda x, levels=levels: dynamic_search(levels, x)  # noqa: E731
        books[name] = Book(Levels(Level(v, c) for c, v in enumerate(levels)), search, midpoints(levels))
    return books
