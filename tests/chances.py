"""P3109's stochastic modes in exact rationals: which random integers round away from zero, and to which code."""

from __future__ import annotations

from bisect import bisect_left
from fractions import Fraction
from typing import NamedTuple

import oracle
from oracle import NAMED, Place, Policy, Spec, Value, decode, encode, grid, settle

NEAREST = Policy()
MODES = ("stochastic_a", "stochastic_b", "stochastic_c")


def goes_away(mode: str, v: Fraction, bits: int, r: int) -> bool:
    """The report's formulas, word for word. (Python rounds a Fraction to the nearest integer, ties to even.)"""
    whole = 2**bits
    if mode == "stochastic_a":
        return v * whole // 1 + r >= whole
    if mode == "stochastic_b":
        return v * 2 * whole // 1 + 2 * r + 1 >= 2 * whole
    return round(v * whole) + r >= whole


def chances(mode: str, v: Fraction, bits: int) -> int:
    """How many of the integers round away."""
    whole = v * 2**bits
    if mode == "stochastic_a":
        return whole // 1
    return (whole + Fraction(1, 2)) // 1 if mode == "stochastic_b" else round(whole)


def threshold(mode: str, v: Fraction, bits: int) -> int:
    """The smallest integer that rounds away; 2^bits if none does."""
    return bisect_left(range(2**bits), True, key=lambda r: goes_away(mode, v, bits, r))


class Outcome(NamedTuple):
    """The codes with and without rounding away, and the fraction of the last place that decides."""

    toward: int
    away: int
    v: Fraction

    def code(self, mode: str, bits: int, r: int) -> int:
        return self.away if goes_away(mode, self.v, bits, r) else self.toward


def outcome(spec: Spec, value: Value, policy: Policy = NEAREST, *, subnormal_input: bool = False) -> Outcome:
    """What may become of a value; `policy.rounding` is not looked at."""
    nearest = Policy("nearest_even", policy.overflow, policy.nan, policy.subnormals)
    if policy.via == "float32":
        if policy.subnormals == "flush_input" and subnormal_input:
            value, subnormal_input = Value("finite", value.negative), False
        single = NAMED["float32"]
        value = decode(single, encode(single, value, Policy(nan="keep_payload")))
    flushed = policy.subnormals == "flush_input" and subnormal_input
    if value.kind != "finite" or value.magnitude == 0 or flushed:
        code = encode(spec, value, nearest, subnormal_input=subnormal_input)
        return Outcome(code, code, Fraction(0))
    k, place = oracle.locate(spec, value.magnitude)
    if place == Place.ON:  # also far past the end, and below the minimum of a format without zero
        code = settle(spec, value.negative, k, place, nearest)
        return Outcome(code, code, Fraction(0))
    below, above = grid(spec, k), grid(spec, k + 1)
    # Nearest modes on a fraction of their choice go where we want, and overflow as nearest does.
    toward = settle(spec, value.negative, k, Place.LOW, nearest)
    away = settle(spec, value.negative, k, Place.HIGH, nearest)
    return Outcome(toward, away, (value.magnitude - below) / (above - below))
