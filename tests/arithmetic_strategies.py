"""Hypothesis strategies for arithmetic: formats it takes, rules, and operands whose result lies at an edge."""

from __future__ import annotations

from typing import Any

import halfulp as hu
from arithmetic_oracle import NAN_RULES, TININESS, USUAL, Rules
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from oracle import NAMED, OVERFLOWS, ROUNDINGS, Spec
from strategies import codes, specs
from support import product

OUTPUTS: tuple[tuple[str, ...], ...] = ((), ("flush_output",), ("flush_tiny",))
MAX_PRECISION = 24


def takes(spec: Spec) -> bool:
    return product(spec).precision <= MAX_PRECISION


def arithmetic_specs(max_bits: int = 32) -> SearchStrategy[Spec]:
    """A format of at most 24 significant bits: a named one half of the time."""
    named = [s for s in reversed(NAMED.values()) if s.bits <= max_bits and takes(s)]
    return st.sampled_from(named) | specs(max_bits=max_bits).filter(takes)


@st.composite
def rules(draw: DrawFn, has_nan: bool = True) -> Rules:
    """Any rules, the usual ones first."""
    subnormals = draw(st.sampled_from(((), ("flush_input",)))) + draw(st.sampled_from(OUTPUTS))
    return Rules(
        draw(st.sampled_from(ROUNDINGS)),
        draw(st.sampled_from(OVERFLOWS)),
        subnormals,
        draw(st.sampled_from(TININESS)),
        draw(st.sampled_from(NAN_RULES if has_nan else ("canonical", "max", "zero"))),
    )


@st.composite
def tuples(draw: DrawFn, *formats: Spec) -> tuple[int, ...]:
    """One code of each format; a later one is often a few places from an earlier, of either sign."""
    chosen: list[int] = []
    for spec in formats:
        code = draw(codes(spec))
        if chosen and draw(st.booleans()):
            beside = draw(st.sampled_from(chosen)) + draw(st.integers(-4, 4))
            code = (beside ^ draw(st.sampled_from((0, spec.sign_bit)))) & ((1 << spec.bits) - 1)
        chosen.append(code)
    return tuple(chosen)


def run(operation: str, spec: Spec | tuple[Spec, ...], *operands: int, rules: Rules = USUAL, **words: Any) -> Any:
    """One call of the product with flags, as Python integers."""
    formats = product(spec) if isinstance(spec, Spec) else tuple(product(s) for s in spec)
    *results, flags = getattr(hu.ops, operation)(*operands, format=formats, flags=True, **rules.keywords(), **words)
    return (*(int(r) for r in results), int(flags))
