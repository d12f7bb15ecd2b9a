"""Sorting arrays of dtypes, and what else asks for the order of elements: against the oracle's values, stably."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from dtype_cases import NATIVE
from numpy.typing import NDArray
from oracle import NAMED, Spec, decode
from support import product

Array = NDArray[Any]
OWN = [
    Spec(5, 3, 15, "ieee"),
    Spec(3, 2, 3, "p3109_e"),
    Spec(4, 3, 8, "p3109_f", signed=False),
    Spec(8, 7, 128, "p3109_e"),
    Spec(8, 7, 128, "fnuz"),
    Spec(8, 8, 127, "ieee", signed=False),
    Spec(0, 5, 1, "finite"),
    Spec(0, 15, 1, "integer"),
    Spec(8, 12, 127, "ieee"),
    Spec(11, 3, 1030, "fnuz"),
    Spec(6, 30, 31, "ieee"),
    Spec(2, 0, 1, "finite", signed=False),
]
SPECS = [s for s in (*NAMED.values(), *OWN) if s.name not in NATIVE]
every = pytest.mark.parametrize("spec", SPECS, ids=[s.name or product(s).text for s in SPECS])
COUNTS = (1, 2, 23, 24, 25, 300, 5000)
KINDS = ("quicksort", "heapsort", "stable")


def rank(spec: Spec, code: int) -> tuple[int, Fraction]:
    """The place of a number: both zeros have the same, and so have all NaN, which come last."""
    value = decode(spec, code)
    if value.kind == "nan":
        return 2, Fraction(0)
    if value.kind == "inf":
        return (-1 if value.negative else 1), Fraction(0)
    return 0, value.real


def samples(spec: Spec) -> list[Array]:
    """Random codes, many equal, with zeros, ends and NaN among them."""
    rng = np.random.default_rng(spec.bits)
    special = [c for c in (0, 1, spec.last, spec.sign_bit, spec.sign_bit + 1, (1 << spec.bits) - 1, spec.sign_bit - 1)]
    pool = np.array([c % (1 << spec.bits) for c in special], dtype=np.uint64)
    found = []
    for n in COUNTS:
        codes = rng.integers(0, 1 << spec.bits, n, dtype=np.uint64)
        codes = np.where(rng.random(n) < 0.3, rng.choice(pool, n), codes)
        found.append(codes.astype(product(spec).code_dtype))
    return found


@every
def test_every_kind_of_sort_is_stable(spec: Spec) -> None:
    dtype = product(spec).dtype
    for codes in samples(spec):
        places = {c: rank(spec, c) for c in set(codes.tolist())}
        order = sorted(range(codes.size), key=lambda i: places[codes[i].item()])
        want = codes[order]
        x = codes.view(dtype)
        for kind in KINDS:
            assert np.array_equal(np.sort(x, kind=kind).view(codes.dtype), want)  # type: ignore[call-overload]
            assert np.argsort(x, kind=kind).tolist() == order  # type: ignore[call-overload]
            strided = np.repeat(x, 3)[::3]
            strided.sort(kind=kind)  # type: ignore[call-overload]
            assert np.array_equal(strided.view(codes.dtype), want)
        matrix = np.stack([x, x[::-1]], axis=1)
        assert np.array_equal(np.sort(matrix, axis=0)[:, 0].view(codes.dtype), want)


@every
def test_extrema_are_the_first(spec: Spec) -> None:
    dtype = product(spec).dtype
    for codes in samples(spec):
        for some in (codes, np.array([c for c in codes.tolist() if decode(spec, c).kind != "nan"], codes.dtype)):
            ranks = [rank(spec, c) for c in some.tolist()]
            if not ranks:
                continue
            least = min(ranks) if (2, 0) not in ranks else (2, 0)
            x = some.view(dtype)
            assert x.argmax() == ranks.index(max(ranks))
            assert x.argmin() == ranks.index(least)  # type: ignore[arg-type]


@every
def test_searching_and_counting(spec: Spec) -> None:
    dtype = product(spec).dtype
    for codes in samples(spec)[3:]:
        ranks = [rank(spec, c) for c in codes.tolist()]
        ordered = sorted(ranks)
        x = codes.view(dtype)
        found = np.searchsorted(np.sort(x), x)
        assert [ordered[i] for i in found.tolist()] == ranks
        assert all(i == 0 or ordered[i - 1] < ordered[i] for i in found.tolist())
        middle = codes.size // 2
        assert rank(spec, np.partition(x, middle).view(codes.dtype)[middle].item()) == ordered[middle]
        assert np.count_nonzero(x) == sum(r != (0, 0) for r in ranks)


def test_bits_above_the_width_have_no_place() -> None:
    codes = np.array([0xF1, 0x07, 0x3A, 0x80, 0xC1], np.uint8)  # float4_e2m1fn reads the low four
    x = codes.view(hu.float4_e2m1fn.dtype)
    assert np.sort(x, kind="stable").view(np.uint8).tolist() == [0x3A, 0x80, 0xF1, 0xC1, 0x07]
    assert x.argmax() == 1
    assert x.argmin() == 2
