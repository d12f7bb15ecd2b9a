"""Sums of codes in exact rationals, with every rounding and flag of each order: what the product is compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import oracle
from numpy.typing import NDArray
from oracle import Place, Policy, Spec, Value
from support import product

ORDERS = ("exact", "sequential", "pairwise", "kahan")
INEXACT, UNDERFLOW, OVERFLOW, INVALID = 1, 2, 4, 16


class Terms(NamedTuple):
    """Formats of a sum of products and how each rounding is done."""

    a: Spec
    b: Spec
    to: Spec
    step: Spec
    product: Spec | None
    policy: Policy
    flush_input: bool = False
    tininess: str = "after"


class Sum:
    """One sum: its value as it grows, and the flags that were raised."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.flags = 0

    def read(self, spec: Spec, code: int) -> tuple[Value, bool]:
        """A code's value and whether it is a signalling NaN."""
        value = oracle.decode(spec, code)
        if self.terms.flush_input and oracle.is_subnormal(spec, value):
            value = oracle.real(0, value.negative)
        quiet = spec.specials != "ieee" or bool(code >> (spec.mantissa_bits - 1) & 1)
        return value, value.kind == "nan" and not quiet

    def rounded(self, spec: Spec, value: Value) -> int:
        code, flags = rounded(spec, value, self.terms.policy, self.terms.tininess)
        self.flags |= flags
        return code

    def invalid(self) -> Value:
        self.flags |= INVALID
        return oracle.nan()

    def product(self, a: tuple[Value, bool], b: tuple[Value, bool]) -> Value:
        """Exactly a * b; of NaN, the canonical one."""
        if a[1] or b[1]:
            return self.invalid()
        (x, _), (y, _) = a, b
        if "nan" in (x.kind, y.kind):
            return oracle.nan()
        negative = x.negative != y.negative
        if "inf" in (x.kind, y.kind):
            return self.invalid() if is_zero(x) or is_zero(y) else oracle.inf(negative)
        return Value("finite", negative, x.magnitude * y.magnitude)

    def plus(self, x: Value, y: Value) -> Value:
        """Exactly x + y (IEEE 754-2019, clause 6.3)."""
        if "nan" in (x.kind, y.kind):
            return oracle.nan()
        if "inf" in (x.kind, y.kind):
            if x.kind == y.kind and x.negative != y.negative:
                return self.invalid()
            return x if x.kind == "inf" else y
        total = x.real + y.real
        down = self.terms.policy.rounding == "toward_negative"
        return oracle.real(total, x.negative if is_zero(x) and is_zero(y) and x.negative == y.negative else down)

    # -- orders

    def exact(self, a: Sequence[int], b: Sequence[int]) -> int:
        t = self.terms
        pairs = [(self.read(t.a, x), self.read(t.b, y)) for x, y in zip(a, b, strict=True)]
        products = [self.product(x, y) for x, y in pairs]
        given_nan = any("nan" in (x[0].kind, y[0].kind) for x, y in pairs)
        infinite = {p.negative for p in products if p.kind == "inf"}
        if any(p.kind == "nan" for p in products):
            total = oracle.nan()
        elif len(infinite) == 2:
            total = oracle.nan() if given_nan else self.invalid()
        elif infinite:
            total = oracle.inf(infinite.pop())
        else:
            signs = {p.negative for p in products}
            mixed = len(signs) == 2 or any(p.magnitude for p in products)
            down = t.policy.rounding == "toward_negative"
            total = oracle.real(sum((p.real for p in products), Fraction(0)), down if mixed else signs == {True})
        return self.rounded(t.to, total)

    def term(self, x: int, y: int, plus: Value | None = None) -> int:
        """One product, alone or with what is added to it, rounded to the accumulator's format."""
        t = self.terms
        a, b = self.read(t.a, x), self.read(t.b, y)
        value = self.product(a, b)
        if t.product is not None:
            value = self.read(t.product, self.rounded(t.product, value))[0]
        return self.rounded(t.step, value if plus is None else self.plus(value, plus))

    def value(self, code: int) -> Value:
        return self.read(self.terms.step, code)[0]

    def add(self, x: Value, y: Value) -> int:
        return self.rounded(self.terms.step, self.plus(x, y))

    def sequential(self, a: Sequence[int], b: Sequence[int]) -> int:
        s = self.term(a[0], b[0])
        for x, y in zip(a[1:], b[1:], strict=True):
            s = self.term(x, y, self.value(s))
        return s

    def pairwise(self, a: Sequence[int], b: Sequence[int]) -> int:
        if len(a) == 1:
            return self.term(a[0], b[0])
        half = 1 << ((len(a) - 1).bit_length() - 1)
        left, right = self.pairwise(a[:half], b[:half]), self.pairwise(a[half:], b[half:])
        return self.add(self.value(left), self.value(right))

    def kahan(self, a: Sequence[int], b: Sequence[int]) -> int:
        s, c = self.term(a[0], b[0]), self.rounded(self.terms.step, oracle.real(0))
        for p, q in zip(a[1:], b[1:], strict=True):
            y = self.term(p, q, negated(self.value(c)))
            t = self.add(self.value(s), self.value(y))
            gained = self.add(self.value(t), negated(self.value(s)))
            c = self.add(self.value(gained), negated(self.value(y)))
            s = t
        return s


def expected(terms: Terms, order: str, a: Sequence[int], b: Sequence[int]) -> tuple[int, int]:
    """Code and flags of a sum of products."""
    total = Sum(terms)
    if not len(a):
        return total.rounded(terms.to, oracle.real(0)), total.flags
    run: Callable[[Sequence[int], Sequence[int]], int] = getattr(total, order)
    code = run(a, b)
    if order != "exact" and terms.step != terms.to:
        value, signals = total.read(terms.step, code)
        code = total.rounded(terms.to, total.invalid() if signals else replace_nan(value))
    return code, total.flags


def replace_nan(value: Value) -> Value:
    return oracle.nan() if value.kind == "nan" else value


def negated(value: Value) -> Value:
    return value._replace(negative=not value.negative)


def is_zero(value: Value) -> bool:
    return value.kind == "finite" and value.magnitude == 0


def rounded(spec: Spec, value: Value, policy: Policy, tininess: str = "after") -> tuple[int, int]:
    """The code of an exact value and the flags of its rounding (IEEE 754-2019, clause 7)."""
    code = oracle.encode(spec, value, policy)
    if value.kind == "nan":
        return code, 0
    floating = spec.exponent_bits > 0
    if value.negative and not spec.signed and not is_zero(value):
        if oracle.decode(spec, code).kind == "nan":
            return code, INVALID
        positive = value._replace(negative=False)
        mirrored = replace(policy, rounding=MIRRORED.get(policy.rounding, policy.rounding))
        vanished = value.kind == "finite" and spec.has_zero and oracle.encode(spec, positive, mirrored) == 0
        return code, INEXACT | (UNDERFLOW * floating if vanished else OVERFLOW)
    if value.kind == "inf":
        return code, 0
    back = oracle.decode(spec, code)
    if back.kind == "finite" and back.real == value.real:
        return code, 0
    k, place = oracle.locate(spec, value.magnitude)
    last = spec.sign_bit if value.negative and spec.specials == "integer" else spec.last
    if k + oracle.goes_up(policy.rounding, value.negative, k, place) > last:
        return code, INEXACT | OVERFLOW
    flushed = is_zero(back)
    return code, INEXACT | (UNDERFLOW * (floating and (flushed or is_tiny(spec, value, policy.rounding, tininess))))


MIRRORED = {"toward_positive": "toward_negative", "toward_negative": "toward_positive"}


def is_tiny(spec: Spec, value: Value, rounding: str, tininess: str) -> bool:
    """Whether a finite value lies below 2^emin; `after`: having been rounded with unbounded exponents."""
    least, magnitude = spec.min_normal, value.magnitude
    if magnitude >= least or tininess == "before":
        return magnitude < least
    if magnitude < least / 2:
        return True
    steps = magnitude / (least / 2) * (1 << spec.mantissa_bits)
    whole, rest = int(steps), steps % 1
    place = Place.ON if not rest else Place.MIDDLE if rest == Fraction(1, 2) else Place(3 if rest * 2 > 1 else 1)
    odd_code = whole - (1 << spec.mantissa_bits) + (0 if spec.has_zero else 1 << spec.mantissa_bits)
    return whole + oracle.goes_up(rounding, value.negative, odd_code, place) < 2 << spec.mantissa_bits


# -- cases


def random_codes(spec: Spec, shape: Any, seed: int = 1, *, finite: bool = True) -> NDArray[Any]:
    """Codes of every binade; the finite ones only, unless asked."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, 1 << spec.bits, shape, dtype=np.uint64)
    if finite:
        flat = [c if oracle.decode(spec, c).kind == "finite" else 1 for c in drawn.reshape(-1).tolist()]
        drawn = np.array(flat, np.uint64).reshape(shape)
    return drawn.astype(product(spec).code_dtype)


def plain(a: Spec, b: Spec, to: Spec, **policy: Any) -> Terms:
    return Terms(a, b, to, to, None, Policy(**policy))
