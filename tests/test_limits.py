"""The limits of formats, from all of their values: `Format`'s properties and `finfo` say the same, and what is true."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from oracle import Spec, decode
from support import product

SPECIALS = ("ieee", "fn", "fnuz", "finite", "p3109_e", "p3109_f", "integer")
FOUND = (  # each has broken something
    "e1m2:bias=1:ieee",
    "e1m2:bias=-1023:ieee",
    "e1m1:bias=1:p3109_e:unsigned",
    "e3m4:bias=0:p3109_e:unsigned",
    "e2m4:bias=2:p3109_e:unsigned:nozero",
    "e3m1:bias=-3:finite:unsigned:nozero",
    "e4m3:bias=900:fn",
    "e4m3:bias=-20:fn",
    "e5m4:bias=1040:ieee",
    "e0m4:bias=1071:finite",
    "e0m8:bias=3:finite:unsigned",
    "e0m7:bias=1:integer",
)


def some_specs(count: int, seed: int) -> list[Spec]:
    """Formats of at most ten bits with all kinds of ends; 1 is in, above and below the range of many."""
    rng = random.Random(seed)
    specs = []
    while len(specs) < count:
        e, m = rng.randrange(7), rng.randrange(7)
        middle = (1 << e >> 1) if e else 1 - m
        bias = middle + rng.choice((0, 0, rng.randint(-3, 3), rng.randint(-9, 9), rng.randint(-1000, 1000)))
        signed = rng.random() < 0.6
        try:
            f = hu.Format(e, m, bias, rng.choice(SPECIALS), signed, signed or rng.random() < 0.6)
        except ValueError:
            continue
        if f.bits <= 10:
            specs.append(Spec(e, m, bias, f.specials, f.signed, f.has_zero))
    return specs


def parameters() -> list[Spec]:
    found = [hu.Format(text) for text in FOUND]
    found += [f for f in hu.formats.values() if f.bits <= 10]
    given = [Spec(f.exponent_bits, f.mantissa_bits, f.bias, f.specials, f.signed, f.has_zero) for f in found]
    return given + some_specs(300, 1)


def values_of(spec: Spec) -> set[Fraction]:
    return {v.real for v in (decode(spec, code) for code in range(1 << spec.bits)) if v.kind == "finite"}


def going_on(spec: Spec) -> Spec:
    """The same numbers, and those that come after the largest: no code is special, and there are more of them."""
    if spec.exponent_bits == 0:
        return Spec(0, spec.mantissa_bits + 1, spec.bias - 1, "finite", False, True)
    return Spec(spec.exponent_bits + 1, spec.mantissa_bits, spec.bias, "finite", False, spec.has_zero)


class Limits:
    """By looking at every value."""

    def __init__(self, spec: Spec) -> None:
        self.values = values_of(spec)
        self.max, self.min = max(self.values), min(self.values)
        self.smallest = min(v for v in self.values if v > 0)
        more = going_on(spec)
        grid = [decode(more, code).real for code in range(1 << more.bits)]
        assert {v for v in self.values if v >= 0} <= set(grid)
        assert grid == sorted(grid)
        least_place = grid[1] - grid[0]
        lowest = 1 << spec.mantissa_bits if spec.exponent_bits and spec.has_zero else int(spec.has_zero)
        self.min_normal = grid[lowest]  # whose exponent field is 1; the first of all where none is subnormal
        places = [Fraction(2) ** -spec.mantissa_bits, Fraction(2) ** (-1 - spec.mantissa_bits)]
        self.eps, self.epsneg = (max(p, least_place) if spec.exponent_bits else least_place for p in places)

    def neighbours_of_one(self) -> tuple[Fraction | None, Fraction | None]:
        """The distances from 1, where 1 is a number, to the next number and the one before."""
        if 1 not in self.values:
            return None, None
        above, below = [v for v in self.values if v > 1], [v for v in self.values if v < 1]
        return (min(above) - 1 if above else None), (1 - max(below) if below else None)


def as_float(x: Fraction) -> float:
    return float(x) if x < 2**1024 else math.inf


@pytest.mark.parametrize("spec", parameters(), ids=lambda spec: product(spec).text)
def test_limits_of_any_format(spec: Spec) -> None:
    f, want = product(spec), Limits(spec)
    up, down = want.neighbours_of_one()
    assert up in (None, want.eps)
    assert down in (None, want.epsneg)
    assert Fraction(f.max) == want.max
    assert Fraction(f.min) == want.min
    assert Fraction(f.min_subnormal) == want.smallest
    assert f.min_normal == as_float(want.min_normal)
    assert Fraction(f.eps) == want.eps
    # The least magnitude from which on numbers have the whole precision: the smallest of those, if there are any.
    normal = [v for v in want.values if v >= want.min_normal]
    assert not normal or min(normal) == want.min_normal
    if f.dtype.isbuiltin == 1:
        return
    for info in (hu.finfo(f), np.finfo(f.dtype)):
        told = {
            "max": want.max, "min": want.min, "smallest_subnormal": want.smallest, "eps": want.eps,
            "epsneg": want.epsneg, "smallest_normal": want.min_normal, "tiny": want.min_normal,
        }  # fmt: skip
        for word, number in told.items():
            got = getattr(info, word)
            assert float(got) == as_float(number), word
            assert type(got) is (f.dtype.type if number in want.values else np.float64), word
        for exponent, number in (
            (info.machep, want.eps), (info.negep, want.epsneg), (info.minexp, want.min_normal),
        ):  # fmt: skip
            assert Fraction(2) ** exponent == number
        assert Fraction(2) ** (info.maxexp - 1) <= want.max < Fraction(2) ** info.maxexp
        assert type(info.resolution) is f.dtype.type or not want.smallest <= info.resolution <= want.max
    assert Fraction(float(info.resolution)) in want.values or type(info.resolution) is np.float64


@pytest.mark.skipif(not hasattr(np.finfo, "_init"), reason="NumPy asks for limits in another way")
@pytest.mark.parametrize("spec", parameters()[::5], ids=lambda spec: product(spec).text)
def test_what_the_dtype_itself_tells(spec: Spec) -> None:
    """NumPy's own finfo, which asks the dtype for numbers: what the format lacks is not there."""
    f, want = product(spec), Limits(spec)
    if f.dtype.isbuiltin == 1:
        return
    info = object.__new__(np.finfo)._init(f.dtype)  # type: ignore[attr-defined]
    for word, number in (
        ("max", want.max), ("min", want.min), ("smallest_subnormal", want.smallest), ("eps", want.eps),
        ("smallest_normal", want.min_normal),
    ):  # fmt: skip
        assert hasattr(info, word) == (number in want.values), word
        assert number not in want.values or getattr(info, word) == as_float(number), word
    assert (info.minexp, info.maxexp) == (hu.finfo(f).minexp, hu.finfo(f).maxexp)


@pytest.mark.parametrize("spec", parameters(), ids=lambda spec: product(spec).text)
def test_eps_is_what_nextafter_says(spec: Spec) -> None:
    f, (up, down) = product(spec), Limits(spec).neighbours_of_one()
    if f.kind == "integer" or up is down is None:  # whose nextafter is float32's, as that of NumPy's integers
        return
    one: Any = f.dtype.type(1)
    info = hu.finfo(f)
    if up is not None:
        assert float(np.nextafter(one, math.inf)) - 1 == f.eps == info.eps
    if down is not None:
        assert 1 - float(np.nextafter(one, -math.inf)) == info.epsneg


def test_none_is_a_number_near_it() -> None:
    """What a format lacks is no number of it."""
    subnormals = hu.Format("e1m2:bias=1:ieee")
    assert (subnormals.max, subnormals.min_normal) == (0.75, 1.0)
    assert repr(hu.finfo(subnormals).smallest_normal) == "np.float64(1.0)"
    assert hu.Format("e1m2:bias=-1023:ieee").min_normal == math.inf
    no_zero = hu.finfo(hu.Format("e2m4:bias=2:p3109_e:unsigned:nozero"))
    assert (no_zero.eps, no_zero.epsneg) == (np.float64(1 / 16), np.float64(1 / 32))
    assert hu.Format("e3m4:bias=0:p3109_e:unsigned").eps == 0.125
    assert [hu.finfo(n).minexp for n in ("int4", "uint4", "mxint8")] == [0, 0, -6]
