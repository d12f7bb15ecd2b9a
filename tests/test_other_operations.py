"""The operations beside arithmetic against their oracles: integers, orders, extrema, neighbours, signs, strings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product as every
from typing import Any

import comparison_oracle
import halfulp as hu
import integer_oracle
import numpy as np
import pytest
from arithmetic_oracle import NAN_RULES, USUAL, Rules
from arithmetic_strategies import arithmetic_specs, rules, run, takes, tuples
from arithmetic_sweeps import all_tuples, assert_results, few_rules, random_tuples, rotated
from comparison_oracle import PREDICATES, RELATIONS, SELECTIONS
from hypothesis import given
from hypothesis import strategies as st
from oracle import NAMED, OVERFLOWS, ROUNDINGS, Spec
from support import product

TAKEN = {name: spec for name, spec in NAMED.items() if takes(spec)}
BYTES = [name for name, spec in TAKEN.items() if spec.bits <= 8]
WIDER = [name for name in TAKEN if name not in BYTES]
DTYPES = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")

any_spec = arithmetic_specs()


def every_code(name: str, thorough: bool, part: int = 400) -> np.ndarray:
    spec = NAMED[name]
    if spec.bits <= (16 if thorough else 8):
        return all_tuples(spec)[0]
    return random_tuples(part, spec.bits, spec)[0]


def pairs_of(name: str, thorough: bool) -> tuple[np.ndarray, ...]:
    spec = NAMED[name]
    if spec.bits <= (8 if thorough else 4):
        return all_tuples(spec, spec)
    return random_tuples(20000 if thorough else 350, spec.bits, spec, spec)


def check(
    function: Callable[..., Any], oracle: Callable[..., tuple[int, int]], columns: Iterable[np.ndarray], **words: Any
) -> None:
    """A function of the product, called with flags, beside an oracle's, called element by element."""
    columns = tuple(columns)
    got = function(*columns, flags=True, **words)
    rows = [oracle(*row) for row in zip(*(c.tolist() for c in columns), strict=True)]
    want = tuple(np.array(column) for column in zip(*rows, strict=True))
    assert_results(got, want, columns, function.__name__, words)


# -- integers


@pytest.mark.parametrize("name", TAKEN)
def test_round_to_integral(name: str, thorough: bool) -> None:
    spec, codes = NAMED[name], every_code(name, thorough, 100)
    for rounding, overflow, exact in every(ROUNDINGS, OVERFLOWS, (False, True)):
        chosen = Rules(rounding, overflow)
        check(
            hu.ops.round_to_integral,
            lambda c, chosen=chosen, exact=exact: integer_oracle.round_to_integral(spec, c, chosen, exact),
            (codes[:: 1 if overflow == "default" or thorough else 5],),
            format=product(spec),
            exact=exact,
            **chosen.keywords(),
        )


def test_integers_past_the_maximum() -> None:
    """The maximum 3/4 is odd, so that rounding to odd stays there, as it does in encoding 1."""
    spec = Spec(2, 1, 3, "ieee")
    assert (spec.max, spec.last, int(product(spec).encode(1.0))) == (0.75, 5, 6)
    assert int(product(spec).codec(rounding="to_odd").encode(1.0)) == 5
    for chosen in (Rules("to_odd"), Rules("toward_positive"), Rules("nearest_even")):
        assert run("round_to_integral", spec, 5, rules=chosen) == integer_oracle.round_to_integral(spec, 5, chosen)


@pytest.mark.parametrize("name", TAKEN)
def test_scaleb(name: str, thorough: bool) -> None:
    spec, fmt = NAMED[name], product(NAMED[name])
    rng = np.random.default_rng(9)
    codes = np.repeat(every_code(name, thorough, 100), 3)
    span = 2 << max(spec.exponent_bits, 3)
    for chosen in [*few_rules(), *few_rules(flush=True)] if thorough else few_rules()[::3]:
        n = rng.integers(-span, span, codes.size)
        n[::50] = rng.choice([0, -(2**63), 2**63 - 1, 2**31, -400], n[::50].size)
        check(
            hu.ops.scaleb,
            lambda c, k, chosen=chosen: integer_oracle.scaleb(spec, c, k, chosen),
            (codes, n),
            format=fmt,
            **chosen.keywords(),
        )


@pytest.mark.parametrize("dtype", DTYPES)
def test_scaleb_takes_every_integer_dtype(dtype: str) -> None:
    info = np.iinfo(dtype)
    n = np.array([0, 1, 3, info.max, info.min], dtype)
    fmt = hu.float8_e4m3fn
    want = [integer_oracle.scaleb(NAMED[fmt.name], 0x38, int(k)) for k in n]
    codes, flags = hu.ops.scaleb(np.uint8(0x38), n, format=fmt, flags=True)
    assert list(zip(codes.tolist(), flags.tolist(), strict=True)) == want


@pytest.mark.parametrize("name", TAKEN)
def test_logb(name: str, thorough: bool) -> None:
    spec, codes = NAMED[name], every_code(name, thorough)
    for chosen in (USUAL, Rules(subnormals=("flush_input",))):
        check(
            hu.ops.logb,
            lambda c, chosen=chosen: integer_oracle.logb(spec, c, chosen),
            (codes,),
            format=product(spec),
            **chosen.keywords(),
        )


@pytest.mark.parametrize("name", TAKEN)
def test_to_integer(name: str, thorough: bool) -> None:
    spec, fmt = NAMED[name], product(NAMED[name])
    codes = every_code(name, thorough, 100)
    for dtype, rounding in every(DTYPES if thorough else rotated(DTYPES, 2), ROUNDINGS):
        kind = np.dtype(dtype)
        for exact, invalid in every((False, True), ("saturate", "x86")):
            chosen, bits, signed = Rules(rounding), 8 * kind.itemsize, kind.kind == "i"
            got = hu.ops.to_integer(
                codes, dtype, format=fmt, rounding=rounding, exact=exact, invalid=invalid, flags=True
            )
            rows = [integer_oracle.to_integer(spec, c, bits, signed, chosen, exact, invalid) for c in codes.tolist()]
            want = np.array([r for r, _ in rows], dtype), np.array([f for _, f in rows])
            assert got[0].dtype == kind
            assert_results(got, want, (codes,), dtype, rounding, exact, invalid)


@pytest.mark.parametrize("dtype", DTYPES)
def test_from_integer(dtype: str) -> None:
    info = np.iinfo(dtype)
    rng = np.random.default_rng(11)
    near = [p + d for p in (1 << np.arange(info.bits, dtype=object)) for d in (-1, 0, 1)]
    some = [n * s for n in near for s in (1, -1) if info.min <= n * s <= info.max]
    n = np.array([*some, info.min, info.max, 0, *rng.integers(info.min, info.max, 60, dtype).tolist()], dtype)
    for name, chosen in every(rotated(list(TAKEN), 4), few_rules()[::2]):
        check(
            hu.ops.from_integer,
            lambda k, chosen=chosen, spec=NAMED[name]: integer_oracle.from_integer(spec, k, chosen),
            (n,),
            format=hu.formats[name],
            **chosen.keywords(),
        )


# -- comparisons


@pytest.mark.parametrize("name", TAKEN)
@pytest.mark.parametrize("signaling", [False, True])
def test_compare_and_its_predicates(name: str, signaling: bool, thorough: bool) -> None:
    spec, fmt, pairs = NAMED[name], product(NAMED[name]), pairs_of(name, thorough)
    rows = [
        comparison_oracle.compare((spec, spec), *row, signaling)
        for row in zip(*map(np.ndarray.tolist, pairs), strict=True)
    ]
    order, flags = (np.array(column) for column in zip(*rows, strict=True))
    got = hu.ops.compare(*pairs, format=fmt, signaling=signaling, flags=True)
    assert got[0].dtype == np.int8
    assert_results(got, (order, flags), pairs, name, signaling)
    for predicate, holds in RELATIONS.items():
        got = getattr(hu.ops, predicate)(*pairs, format=fmt, signaling=signaling, flags=True)
        assert got[0].dtype == np.bool_
        assert_results(got, (np.isin(order, holds), flags), pairs, predicate, signaling)


@pytest.mark.parametrize("name", TAKEN)
def test_comparisons_flush_operands_if_asked(name: str) -> None:
    spec, fmt = NAMED[name], product(NAMED[name])
    unit = 1 << spec.mantissa_bits
    codes = np.unique(np.array([0, 1, unit - 1, unit, unit + 1, 2], np.uint32) & np.uint32(spec.all_magnitude_bits))
    codes = np.concatenate([codes, codes | np.uint32(spec.sign_bit)])
    pairs = tuple(g.ravel() for g in np.meshgrid(codes, codes))
    check(
        hu.ops.compare,
        lambda a, b: comparison_oracle.compare((spec, spec), a, b, flush_input=True),
        pairs,
        format=fmt,
        subnormals="flush_input",
    )


@pytest.mark.parametrize("name", TAKEN)
@pytest.mark.parametrize("operation", SELECTIONS)
def test_minimum_and_kin(name: str, operation: str, thorough: bool) -> None:
    spec, pairs = NAMED[name], pairs_of(name, thorough)
    for rule in NAN_RULES if spec.has_nan else ("canonical", "zero"):
        chosen = Rules(nan=rule)
        check(
            getattr(hu.ops, operation),
            lambda a, b, chosen=chosen: comparison_oracle.select(operation, spec, a, b, chosen),
            pairs if rule == "canonical" or thorough else [column[::4] for column in pairs],
            format=product(spec),
            **chosen.keywords(),
        )


@pytest.mark.parametrize("name", TAKEN)
def test_total_order(name: str, thorough: bool) -> None:
    spec, pairs = NAMED[name], pairs_of(name, thorough)
    for function, by_magnitude in ((hu.ops.total_order, False), (hu.ops.total_order_mag, True)):
        check(
            function,
            lambda a, b, m=by_magnitude: (comparison_oracle.total_order(spec, a, b, m), 0),
            pairs,
            format=product(spec),
        )


@pytest.mark.parametrize("name", TAKEN)
def test_class_and_predicates(name: str, thorough: bool) -> None:
    spec, fmt, codes = NAMED[name], product(NAMED[name]), (every_code(name, thorough),)
    check(hu.ops.class_, lambda c: (comparison_oracle.class_(spec, c), 0), codes, format=fmt)
    for predicate, holds in PREDICATES.items():
        check(getattr(hu.ops, predicate), lambda c, holds=holds: (holds(spec, c), 0), codes, format=fmt)
    assert {c.name.upper(): c.value for c in hu.ops.Class} == {c.name: c.value for c in comparison_oracle.Class}


# -- neighbours and signs


@pytest.mark.parametrize("name", TAKEN)
@pytest.mark.parametrize("overflow", OVERFLOWS)
def test_neighbours(name: str, overflow: str, thorough: bool) -> None:
    spec, codes = NAMED[name], every_code(name, thorough)
    for theirs, ours in ((hu.ops.next_up, comparison_oracle.next_up), (hu.ops.next_down, comparison_oracle.next_down)):
        check(
            theirs,
            lambda c, ours=ours: ours(spec, c, Rules(overflow=overflow)),
            (codes,),
            format=product(spec),
            overflow=overflow,
        )


@pytest.mark.parametrize("name", TAKEN)
@pytest.mark.parametrize("overflow", OVERFLOWS)
def test_signs(name: str, overflow: str, thorough: bool) -> None:
    spec, fmt, codes, chosen = NAMED[name], product(NAMED[name]), every_code(name, thorough), Rules(overflow=overflow)
    words = {"format": fmt, "overflow": overflow}
    check(hu.ops.negate, lambda c: comparison_oracle.negate(spec, c, chosen), (codes,), **words)
    check(hu.ops.abs, lambda c: comparison_oracle.absolute(spec, c, chosen), (codes,), **words)
    check(
        hu.ops.copysign,
        lambda a, b: comparison_oracle.copysign(spec, a, b, chosen),
        pairs_of(name, thorough),
        **words,
    )
    check(hu.ops.copy, lambda c: (c, 0), (codes,), format=fmt)


# -- two results, strings


@pytest.mark.parametrize("name", TAKEN)
@pytest.mark.parametrize("operation", ["add", "subtract", "multiply"])
def test_augmented(name: str, operation: str, thorough: bool) -> None:
    spec, fmt, pairs = NAMED[name], product(NAMED[name]), pairs_of(name, thorough)
    pairs = pairs if thorough else tuple(column[:200] for column in pairs)
    for chosen in few_rules()[6:] if thorough else [USUAL, Rules(overflow="saturate"), Rules(tininess="before")]:
        chosen = Rules(overflow=chosen.overflow, subnormals=chosen.subnormals, tininess=chosen.tininess)
        words = chosen.keywords()
        result, rest, flags = getattr(hu.ops, f"augmented_{operation}")(*pairs, format=fmt, flags=True, **words)
        rows = [
            integer_oracle.augmented(operation, spec, a, b, chosen)
            for a, b in zip(*map(np.ndarray.tolist, pairs), strict=True)
        ]
        r, e, f = (np.array(column) for column in zip(*rows, strict=True))
        assert_results((result, flags), (r, f), pairs, name, operation, chosen, "result")
        assert_results((rest, flags), (e, f), pairs, name, operation, chosen, "rest")


@given(any_spec, st.data())
def test_strings_are_rounded_once(spec: Spec, data: st.DataObject) -> None:
    decimal = st.decimals(allow_nan=False, allow_infinity=False, places=data.draw(st.integers(0, 12))).map(str)
    floats = st.floats(allow_nan=False, allow_infinity=False)
    text = data.draw(
        decimal | floats.map(repr) | floats.map(float.hex) | st.sampled_from(("inf", "-inf", "-0", "1e400"))
    )
    chosen = data.draw(rules(spec.has_nan))
    words = {k: v for k, v in chosen.keywords().items()}
    got = hu.ops.from_string(text, format=product(spec), flags=True, **words)
    assert tuple(map(int, got)) == integer_oracle.from_string(spec, text, chosen), (text, chosen)


def test_a_decimal_of_one_digit() -> None:
    for name, code in (("pxr24", 0x7FFF), ("float16", 0x00A6)):
        assert int(hu.ops.from_string(hu.ops.to_string(code, format=name), format=name)) == code


# -- formats that nobody has named


@given(any_spec, st.data(), st.sampled_from(OVERFLOWS))
def test_generated_formats(spec: Spec, data: st.DataObject, overflow: str) -> None:
    a, b = data.draw(tuples(spec, spec))
    chosen = Rules(data.draw(st.sampled_from(ROUNDINGS)), overflow)
    limited, n = Rules(overflow=overflow), data.draw(st.integers(-300, 300))
    fmt = product(spec)
    ends = comparison_oracle
    odd = chosen.rounding == "to_odd" and integer_oracle.to_whole(spec.max, "to_odd") > spec.max
    whole = Rules("nearest_even" if odd else chosen.rounding, overflow)
    for got, want in (
        (run("next_up", spec, a, overflow=overflow), ends.next_up(spec, a, limited)),
        (run("next_down", spec, a, overflow=overflow), ends.next_down(spec, a, limited)),
        (run("negate", spec, a, overflow=overflow), ends.negate(spec, a, limited)),
        (run("copysign", spec, a, b, overflow=overflow), ends.copysign(spec, a, b, limited)),
        (run("compare", spec, a, b), ends.compare((spec, spec), a, b)),
        (run("total_order", spec, a, b), (ends.total_order(spec, a, b), 0)),
        (run("class_", spec, a), (ends.class_(spec, a), 0)),
        (run("logb", spec, a), integer_oracle.logb(spec, a)),
        (run("scaleb", spec, a, n, rules=chosen), integer_oracle.scaleb(spec, a, n, chosen)),
        (run("round_to_integral", spec, a, rules=whole), integer_oracle.round_to_integral(spec, a, whole)),
        (run("augmented_add", spec, a, b, overflow=overflow), integer_oracle.augmented("add", spec, a, b, limited)),
        (
            run("augmented_multiply", spec, a, b, overflow=overflow),
            integer_oracle.augmented("multiply", spec, a, b, limited),
        ),
    ):
        assert got == want, (fmt, hex(a), hex(b), n, chosen)
    for operation in SELECTIONS:
        assert run(operation, spec, a, b) == ends.select(operation, spec, a, b), (operation, fmt, hex(a), hex(b))
