"""Arithmetic on codes against the oracle: every pair of the small formats, flags included, under every rule."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from arithmetic_oracle import EXACT, NAN_RULES, Rules, compute, formats_of
from arithmetic_strategies import arithmetic_specs, rules, run, takes, tuples
from arithmetic_sweeps import (
    Outcomes,
    all_rules,
    all_tuples,
    assert_results,
    few_rules,
    first_rules,
    random_tuples,
    rotated,
)
from hypothesis import given
from hypothesis import strategies as st
from oracle import NAMED, Spec
from support import product

BINARY = ("add", "subtract", "multiply", "divide", "remainder", "fmod")
TINY = [name for name, spec in NAMED.items() if spec.bits <= 4]
SMALL = [name for name, spec in NAMED.items() if spec.bits <= 6]
BYTES = [name for name, spec in NAMED.items() if 6 < spec.bits <= 8]
HALVES = [name for name, spec in NAMED.items() if 8 < spec.bits <= 16]
WIDE = [name for name, spec in NAMED.items() if spec.bits > 16 and takes(spec)]


def check(
    operation: str, formats: Spec | tuple[Spec, ...], columns: Any, many: Iterable[Rules], flush: bool = False
) -> None:
    """One operation on columns of codes under many rules of one reading of subnormal operands."""
    outcomes = Outcomes(operation, formats, columns, flush)
    theirs: Any = product(formats) if isinstance(formats, Spec) else tuple(product(s) for s in formats)
    if operation == "convert" and isinstance(formats, Spec):
        theirs = (theirs, theirs)
    function = getattr(hu.ops, operation)
    for chosen in many:
        got = function(*columns, format=theirs, flags=True, **chosen.keywords())
        assert_results(got, outcomes.results(chosen), columns, operation, theirs, chosen)


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("operation", BINARY)
def test_every_pair_of_small_formats_under_every_rule(name: str, operation: str, thorough: bool) -> None:
    spec = NAMED[name]
    pairs = all_tuples(spec, spec)
    for flush in (False, True):
        check(operation, spec, pairs, all_rules(flush) if thorough or spec.bits <= 4 else few_rules(flush), flush)


@pytest.mark.parametrize("operation", BINARY)
def test_every_pair_of_8_bit_formats(operation: str, thorough: bool) -> None:
    """All of them with --thorough; otherwise some others each day."""
    for name in BYTES if thorough else rotated(BYTES, 1):
        spec = NAMED[name]
        pairs = all_tuples(spec, spec)
        check(operation, spec, pairs, all_rules() if thorough else first_rules())
        if thorough:
            check(operation, spec, pairs, all_rules(flush=True), flush=True)


@pytest.mark.parametrize("name", BYTES)
@pytest.mark.parametrize("operation", BINARY)
def test_a_slice_of_the_pairs_of_every_8_bit_format(name: str, operation: str) -> None:
    spec = NAMED[name]
    pairs = random_tuples(700, 8, spec, spec)
    check(operation, spec, pairs, few_rules())
    check(operation, spec, pairs, few_rules(flush=True), flush=True)


@pytest.mark.parametrize("name", TINY)
def test_fma_of_every_triple_of_4_bit_formats(name: str, thorough: bool) -> None:
    spec = NAMED[name]
    triples = all_tuples(spec, spec, spec)
    for flush in (False, True):
        check("fma", spec, triples, all_rules(flush) if thorough else few_rules(flush), flush)


@pytest.mark.parametrize("name", [n for n in SMALL if n not in TINY])
def test_fma_of_the_triples_of_6_bit_formats(name: str, thorough: bool) -> None:
    spec = NAMED[name]
    triples = all_tuples(spec, spec, spec)
    if not thorough:
        part = np.random.default_rng().integers(0, triples[0].size, 3000)
        triples = tuple(column[part] for column in triples)
    check("fma", spec, triples, all_rules() if thorough else few_rules())


@pytest.mark.parametrize("name", [*BYTES, *HALVES, *WIDE])
def test_fma_of_random_triples(name: str, thorough: bool) -> None:
    spec = NAMED[name]
    check("fma", spec, random_tuples(50000 if thorough else 500, 3, spec, spec, spec), first_rules())


@pytest.mark.parametrize("name", [*HALVES, *WIDE])
@pytest.mark.parametrize("operation", BINARY)
def test_random_pairs_of_wide_formats(name: str, operation: str, thorough: bool) -> None:
    spec = NAMED[name]
    pairs = random_tuples(50000 if thorough else 350, 2, spec, spec)
    check(operation, spec, pairs, few_rules())
    check(operation, spec, pairs, few_rules(flush=True), flush=True)


@pytest.mark.parametrize("name", [*SMALL, *BYTES, *HALVES])
def test_sqrt_of_every_code(name: str, thorough: bool) -> None:
    spec = NAMED[name]
    codes = all_tuples(spec)
    if spec.bits > 8 and not thorough:
        codes = (codes[0][np.random.default_rng().integers(0, codes[0].size, 2000)],)
    check("sqrt", spec, codes, few_rules())
    check("sqrt", spec, codes, few_rules(flush=True), flush=True)


# -- formats of their own for operands and result

MIXTURES = [
    ("float4_e2m1fn", "float6_e3m2fn", "float8_e4m3fn"),
    ("float6_e2m3fn", "float4_e1m2fn", "uint4"),
    ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz"),
    ("float8_e5m2", "float8_e4m3fn", "float8_e5m3fnu"),
    ("float8_e5m2fnuz", "int8", "float16"),
    ("float8_e8m0fnu", "float4_e2m1fn", "bfloat16"),
    ("float8_e5m2", "float8_e5m2", "float4_e2m1fn"),
    ("float8_e5m2", "uint8", "float8_e8m0fnu"),
    ("mxint8", "mxint8", "int8"),
]


@pytest.mark.parametrize("names", MIXTURES, ids="-".join)
@pytest.mark.parametrize("operation", BINARY)
def test_mixed_formats(names: tuple[str, str, str], operation: str, thorough: bool) -> None:
    formats = tuple(NAMED[name] for name in names)
    pairs = all_tuples(*formats[:2])
    if not thorough:
        part = np.random.default_rng(4).integers(0, pairs[0].size, 800)
        pairs = tuple(column[part] for column in pairs)
    check(operation, formats, pairs, few_rules())


def test_products_of_8_bit_formats_accumulate_in_wider_ones() -> None:
    spec = NAMED["float8_e4m3fn"]
    for result in ("float16", "bfloat16", "float32"):
        wide = NAMED[result]
        triples = random_tuples(1000, 5, spec, NAMED["float8_e5m2"], wide)
        check("fma", (spec, NAMED["float8_e5m2"], wide, wide), triples, first_rules())


@pytest.mark.parametrize("source", [*SMALL, *BYTES, *HALVES])
def test_convert_every_code(source: str, thorough: bool) -> None:
    spec = NAMED[source]
    codes = all_tuples(spec)
    if spec.bits > 8 and not thorough:
        codes = (codes[0][::31],)
    targets = list(NAMED) if thorough else rotated(list(NAMED), 3)
    for target in targets:
        if takes(NAMED[target]):
            check("convert", (spec, NAMED[target]), codes, few_rules())
            check("convert", (spec, NAMED[target]), codes, few_rules(flush=True), flush=True)


@pytest.mark.parametrize("spec", [Spec(2, 1, 147), Spec(2, 2, 146), Spec(1, 1, 130)], ids=lambda s: s.bias)
def test_flushing_subnormals_below_those_of_binary32(spec: Spec) -> None:
    many = [Rules(subnormals=("flush_input",))]
    check("add", spec, all_tuples(spec, spec), many, flush=True)
    check("sqrt", spec, all_tuples(spec), many, flush=True)


# -- formats that nobody has named


@given(st.data(), st.sampled_from(sorted(EXACT)))
def test_generated_formats(data: st.DataObject, operation: str) -> None:
    """Any formats for operands and result, any rules, those of NaNs too."""
    count = len(formats_of(operation, NAMED["int2"]))
    mixed = operation == "convert" or data.draw(st.booleans())
    one = data.draw(arithmetic_specs())
    formats = tuple(data.draw(arithmetic_specs()) for _ in range(count)) if mixed else (one,) * count
    chosen = data.draw(rules(formats[-1].has_nan))
    for codes in data.draw(st.lists(tuples(*formats[:-1]), min_size=1, max_size=8)):
        got = run(operation, formats, *codes, rules=chosen)
        assert got == compute(operation, formats, codes, chosen), (operation, formats, [hex(c) for c in codes], chosen)


# -- NaN

NAN_FORMATS = [name for name, spec in NAMED.items() if spec.has_nan and takes(spec)]


@pytest.mark.parametrize("name", NAN_FORMATS)
@pytest.mark.parametrize("rule", NAN_RULES)
@pytest.mark.parametrize("operation", ["add", "divide", "fma", "sqrt"])
def test_propagation_rules(operation: str, rule: str, name: str) -> None:
    """Quiet and signalling NaNs of both signs with several payloads, beside zeros, infinities and numbers."""
    spec = NAMED[name]
    top, one = spec.all_magnitude_bits, spec.last // 2
    infinity = top >> spec.mantissa_bits << spec.mantissa_bits
    positive = {top, top - 1, infinity, infinity + 1, infinity | (1 << spec.mantissa_bits >> 1), 0, one, 1}
    codes = sorted({c & (2**spec.bits - 1) for p in positive for c in (p, p | spec.sign_bit)})
    count = len(formats_of(operation, spec)) - 1
    grids = np.meshgrid(*[np.array(codes, np.uint32)] * count, indexing="ij")
    columns = tuple(g.ravel()[:: 1 if count < 3 else 7] for g in grids)
    check(operation, spec, columns, [Rules(nan=rule)])
    for target in ("float16", "float8_e5m2", "float8_e4m3fn", "float8_e4m3fnuz", "float4_e2m1fn"):
        result = NAMED[target]
        check(operation, (*(spec,) * count, result), columns, [Rules(nan=rule)] if result.has_nan else [Rules()])


@pytest.mark.parametrize("name", ["float8_e4m3fn", "float4_e2m1fn", "int8", "float16"])
def test_a_given_code_stands_for_nan(name: str) -> None:
    fmt = hu.formats[name]
    zero = fmt.encode(0.0)
    assert int(hu.ops.divide(zero, zero, format=fmt, nan=3, flags=True)[0]) == 3
    if not fmt.has_nan:
        assert int(hu.ops.divide(zero, zero, format=fmt, nan="zero", flags=True)[0]) == 0
        assert int(hu.ops.divide(zero, zero, format=fmt, nan="max", flags=True)[0]) == NAMED[name].last
