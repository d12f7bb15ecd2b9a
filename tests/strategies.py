"""The strategies of `halfulp.strategies` in the oracle's terms: its formats, its policies, exact rationals."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import halfulp.strategies as hs
from hypothesis.strategies import SearchStrategy
from oracle import NAMED, Policy, Spec
from support import product

NAMED_BY_PARAMETERS = {spec: spec for spec in NAMED.values()}


def oracle_spec(fmt: Any) -> Spec:
    """The oracle's own reading of any format's parameters."""
    if isinstance(fmt, Spec):
        return fmt
    spec = Spec(fmt.exponent_bits, fmt.mantissa_bits, fmt.bias, fmt.specials, fmt.signed, fmt.has_zero)
    return NAMED_BY_PARAMETERS.get(spec, spec)


def specs(max_bits: int = 64) -> SearchStrategy[Spec]:
    """A format made from parameters."""
    return hs.formats(max_bits=max_bits, named=False).map(oracle_spec)


def formats() -> SearchStrategy[Spec]:
    """A named format half of the time, else one made from parameters."""
    return hs.formats().map(oracle_spec)


def codes(fmt: Any) -> SearchStrategy[int]:
    return hs.codes(product(fmt))


def near_ties(fmt: Any, source_dtype: str = "float64") -> SearchStrategy[Fraction]:
    return hs.near_ties(product(fmt), source_dtype).map(Fraction)


def values(fmt: Any) -> SearchStrategy[Fraction]:
    return hs.reals(product(fmt))


def policies(fmt: Any, via: bool = False) -> SearchStrategy[Policy]:
    """Every policy the format can honour, the default one first."""
    return hs.policies(product(fmt), via=via).map(lambda words: Policy(**words))
