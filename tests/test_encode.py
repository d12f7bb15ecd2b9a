"""Encoding against the oracle: every tie and value with its neighbours, every policy, every source dtype."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import halfulp as hu
import numpy as np
import oracle
import pytest
import sweeps
from hypothesis import given
from hypothesis import strategies as st
from oracle import NAMED, OVERFLOWS, ROUNDINGS, Policy, decode, encode, real
from strategies import near_ties, policies, specs, values
from support import assert_codes, product, range_policies
from sweeps import FLOATS, INTEGERS, Expected, expected_one_by_one

NARROW = [name for name, spec in NAMED.items() if spec.bits <= 16]
WIDE = [name for name, spec in NAMED.items() if spec.bits > 16]


@pytest.mark.parametrize("name", NARROW)
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_every_tie_and_value(name: str, rounding: str, thorough: bool) -> None:
    """Complete for a monotone converter: both sides of every border, in every range policy and dtype."""
    spec, fmt = NAMED[name], hu.formats[name]
    slice_of = 0 if thorough or spec.bits <= 8 else 1500
    for number, policy in enumerate(range_policies(rounding)):
        expected, codec = Expected(spec, policy), fmt.codec(**policy.keywords())
        for dtype in FLOATS + INTEGERS:
            x = sweeps.boundary_inputs(spec, dtype, slice_of, seed=number)
            assert_codes(codec.encode(x), expected.codes(x), x, name, policy, dtype)


@pytest.mark.parametrize("name", NARROW)
def test_every_float16_and_bfloat16_input(name: str, isa: str) -> None:
    spec, fmt = NAMED[name], hu.formats[name]
    every = np.arange(1 << 16, dtype=np.uint16)
    halves, bfloats = every.view(np.float16), (every.astype(np.uint32) << 16).view(np.float32)
    for rounding in ROUNDINGS if spec.bits <= 8 else ROUNDINGS[:1]:
        expected, codec = Expected(spec, Policy(rounding)), fmt.codec(rounding=rounding)
        for x in (halves, bfloats):
            assert_codes(codec.encode(x), expected.codes(x), x, name, rounding)


@pytest.mark.parametrize("name", WIDE)
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_ties_of_wide_formats(name: str, rounding: str, thorough: bool) -> None:
    spec, fmt = NAMED[name], hu.formats[name]
    rng = np.random.default_rng(len(name))
    random_ks = rng.integers(0, spec.last, 400 if thorough else 12, dtype=np.uint64).tolist()
    unit = 1 << spec.mantissa_bits
    ks = [0, 1, 2, unit - 1, unit, unit + 1, spec.last - 1, spec.last, *random_ks]
    # binary64's own ties need longdouble; the others' fit binary64.
    ties = [oracle.grid(spec, k) / 2 + oracle.grid(spec, k + 1) / 2 for k in ks]
    points = np.array([np.longdouble(str(t.numerator)) / np.longdouble(str(t.denominator)) for t in ties])
    for policy in range_policies(rounding):
        codec = fmt.codec(**policy.keywords())
        for dtype in FLOATS + INTEGERS:
            x = np.concatenate([sweeps.beside(points, dtype), sweeps.specials(dtype)])
            if not thorough and policy.overflow != "default" and policy.subnormals != "gradual":
                x = x[:: len(OVERFLOWS)]
            assert_codes(codec.encode(x), expected_one_by_one(spec, x, policy), x, name, policy, dtype)


@pytest.mark.parametrize("dtype", [*FLOATS[1:], *INTEGERS])
def test_random_bit_patterns(fmt: hu.Format, dtype: str, thorough: bool, isa: str) -> None:
    x = sweeps.random_patterns(dtype, 20000 if thorough else 150, seed=fmt.bits)
    for rounding in ROUNDINGS:
        policy = Policy(rounding)
        got = fmt.codec(rounding=rounding).encode(x)
        assert_codes(got, expected_one_by_one(NAMED[fmt.name], x, policy), x, fmt.name, policy)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32"])
def test_small_integer_inputs(fmt: hu.Format, dtype: str) -> None:
    kind = np.dtype(dtype)
    if kind.itemsize == 1:
        x = np.arange(2 if dtype == "bool" else 256, dtype=np.uint8).view(kind)
    else:
        x = sweeps.random_patterns(dtype, 300, seed=1)
    for rounding in ROUNDINGS:
        got = fmt.codec(rounding=rounding).encode(x)
        assert_codes(got, expected_one_by_one(NAMED[fmt.name], x, Policy(rounding)), x, fmt.name, rounding)


def test_one_rounding_from_wide_sources(fmt: hu.Format) -> None:
    """1 + half a place + a little: a route through binary32 loses the little and breaks a tie wrongly."""
    spec = NAMED[fmt.name]
    places = [2.0**-spec.mantissa_bits / 2] if spec.mantissa_bits else [0.5]
    for half in places:
        for small in (2.0**-40, -(2.0**-40), 2.0**-52):
            x = np.array([1 + half + small, 1 + 3 * half + small, -1 - half - small])
            for source in (
                x,
                x.astype(np.longdouble),
                x.astype(np.longdouble) * (1 + np.longdouble(2) ** -63),
            ):
                for rounding in ROUNDINGS:
                    got = fmt.codec(rounding=rounding).encode(source)
                    assert_codes(got, expected_one_by_one(spec, source, Policy(rounding)), source, rounding)
    tie = 257 * 2**30
    integers = np.array([tie + 1, tie, tie - 1, 2**30 + 2**22 + 1, 2**62 + 2**54 + 1, 2**63 - 1])
    for source in (integers, -integers, integers.astype(np.uint64) * 2 + 1):
        assert_codes(fmt.encode(source), expected_one_by_one(spec, source, Policy()), source, source.dtype)
    assert hu.bfloat16.encode(np.int64(257 * 2**30 + 1)) == 0x5281
    assert hu.bfloat16.encode(np.float64(1 + 2**-8 + 2**-40)) == 0x3F81
    assert hu.float8_e4m3fn.encode(np.float64(1 + 2**-4 + 2**-40)) == 0x39


@pytest.mark.parametrize("dtype", FLOATS)
def test_nan_rules(fmt: hu.Format, dtype: str, isa: str) -> None:
    spec, x = NAMED[fmt.name], sweeps.nans(dtype)
    given_codes = [0, spec.last, (1 << spec.bits) - 1]
    rules: list[object] = [None, *oracle.nan_rules(spec), *given_codes, (given_codes[2], 0), (1, spec.last)]
    for rule in rules:
        for rounding, overflow in (
            ("nearest_even", "default"),
            ("toward_zero", "saturate"),
            ("to_odd", OVERFLOWS[2]),
        ):
            policy = Policy(rounding, overflow, rule)  # type: ignore[arg-type]
            got = fmt.codec(**policy.keywords()).encode(x)
            assert_codes(got, expected_one_by_one(spec, x, policy), x, fmt.name, policy)


def test_the_nan_of_an_overflow_has_the_number_s_sign() -> None:
    fn, fnuz, ieee = hu.float8_e4m3fn, hu.float8_e4m3fnuz, hu.float8_e5m2
    x = np.float32([-np.nan, np.nan, -1e9, 1e9, -np.inf])
    for rule, of_nan in {"canonical": [0x7F, 0x7F], "keep_sign": [0xFF, 0x7F], 0x7F: [0x7F, 0x7F]}.items():
        assert fn.codec(nan=rule).encode(x).tolist() == [*of_nan, 0xFF, 0x7F, 0xFF]
    assert fnuz.codec(nan="canonical").encode(x).tolist() == [0x80] * 5
    assert ieee.codec(nan="canonical").encode(x).tolist() == [0x7E, 0x7E, 0xFC, 0x7C, 0xFC]
    with np.errstate(over="ignore"):
        assert hu.ops.add([0xFE, 0xFF], [0xFE, 0xFF], format=fn, nan="canonical").tolist() == [0xFF, 0x7F]


def test_rules_a_format_cannot_honour(fmt: hu.Format) -> None:
    spec = NAMED[fmt.name]
    every_rule = {"keep_sign", "canonical", "keep_payload", "max", "zero"}
    impossible = [
        *(every_rule - set(oracle.nan_rules(spec))),
        1 << spec.bits,
        -1,
        (0, 1 << spec.bits),
        "quiet",
    ]
    for rule in impossible:
        with pytest.raises((ValueError, TypeError), match="nan"):
            fmt.codec(nan=rule)
    for bad in ({"rounding": "up"}, {"overflow": "wrap"}, {"subnormals": "ftz"}, {"via": "float16"}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            fmt.codec(**bad)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble", "int64"])
def test_via_float32_rounds_twice(fmt: hu.Format, dtype: str) -> None:
    spec = NAMED[fmt.name]
    probes = [
        1 + 2.0 ** -(spec.mantissa_bits + 1) + 2.0**-40,
        1 + 3 * 2.0 ** -(spec.mantissa_bits + 1) - 2.0**-40,
    ]
    floats = [*probes, 1e-46, -1e-40, 3.5e38, 1e300, -(2.0**-150), 2.0**-150 * 1.5]
    with np.errstate(over="ignore", under="ignore"):
        x = np.array([257 * 2**30 + 1, 2**63 - 1, -(2**24) - 1] if dtype == "int64" else floats).astype(dtype)
    x = np.concatenate([x, sweeps.specials(dtype)])
    for rounding in ROUNDINGS:
        for overflow in OVERFLOWS:
            policy = Policy(rounding, overflow, via="float32")
            got = fmt.codec(rounding=rounding, overflow=overflow, via="float32").encode(x)
            assert_codes(got, expected_one_by_one(spec, x, policy), x, fmt.name, policy)


def test_flush_tiny_without_subnormal_codes() -> None:
    """With no trailing bits nothing is subnormal, yet what lies below the smallest normal is tiny all the same."""
    spec = oracle.Spec(4, 0, None, "finite")
    x = np.array([2.0**-6, 0.015, 2.0**-7, -0.01, 0.0079, -(2.0**-6)], np.float32)
    for rounding in ROUNDINGS:
        policy = Policy(rounding, subnormals="flush_tiny")
        got = product(spec).codec(**policy.keywords()).encode(x)
        assert_codes(got, expected_one_by_one(spec, x, policy), x, policy)


EXACT = [
    10**400,
    -(10**400),
    2**64 + 1,
    257 * 2**30 + 1,
    0,
    -1,
    Fraction(1, 3),
    Fraction(-2, 7),
    Fraction(1, 10**60),
]
EXACT += [Fraction(17, 16), Fraction(10**60 + 1, 10**60), Decimal("1e-3"), Decimal("-0.1"), Decimal("448.5")]


def test_exact_python_numbers(fmt: hu.Format) -> None:
    spec = NAMED[fmt.name]
    k = spec.last // 2
    tie = (oracle.grid(spec, k) + oracle.grid(spec, k + 1)) / 2
    hair = Fraction(1, 10**400)
    for x in (*EXACT, tie, -tie, tie + hair, tie - hair, -tie - hair):
        for rounding in ROUNDINGS:
            want = encode(spec, real(Fraction(x)), Policy(rounding))
            assert int(hu.encode(x, fmt, rounding=rounding)) == want, (x, rounding)
            assert int(hu.encode([x, 0], fmt, rounding=rounding)[0]) == want
            assert int(hu.encode(np.array([x], object), fmt, rounding=rounding)[0]) == want


TEXTS = {
    "1e-3": real(Fraction(1, 1000)),
    "0x1.8p3": real(12),
    "1/3": real(Fraction(1, 3)),
    "-inf": oracle.inf(True),
    "inf": oracle.inf(),
    "nan": oracle.nan(),
    "-nan": oracle.nan(True),
    "-0.0": real(0, negative_zero=True),
    "-0x1p-1074": real(-Fraction(1, 1 << 1074)),
    "1.0000000000000000000000000000000000000001": real(1 + Fraction(1, 10**40)),
}


@pytest.mark.parametrize("text", TEXTS)
def test_strings(fmt: hu.Format, text: str) -> None:
    spec = NAMED[fmt.name]
    for rounding in ROUNDINGS:
        assert int(hu.encode(text, fmt, rounding=rounding)) == encode(spec, TEXTS[text], Policy(rounding)), rounding


def test_spellings_agree(fmt: hu.Format) -> None:
    x = sweeps.random_patterns("float32", 64, seed=5)
    want = fmt.encode(x)
    out = np.empty(64, fmt.code_dtype)
    assert hu.encode(x, fmt, out=out) is out
    for got in (
        out,
        hu.encode(x, fmt),
        hu.encode(x, fmt.codec()),
        fmt.codec().encode(x),
        hu.encode(x, fmt.text),
    ):
        assert got.dtype == fmt.code_dtype
        assert (got == want).all()


@given(st.data())
def test_formats_nobody_named(data: st.DataObject) -> None:
    """Any format, any policy, any source: the same bits as the definition."""
    spec = data.draw(specs())
    policy = data.draw(policies(spec, via=True))
    codec = product(spec).codec(**policy.keywords())
    for dtype in ("float32", "float64"):
        some = data.draw(st.lists(near_ties(spec, dtype), min_size=1, max_size=12))
        x = np.array([float(v) for v in some]).astype(dtype)
        assert [Fraction(float(v)) for v in x] == some
        x = np.concatenate([x, sweeps.specials(dtype)])
        assert_codes(codec.encode(x), expected_one_by_one(spec, x, policy), x, spec, policy, dtype)
    for dtype in ("float16", "longdouble", "int64", "uint64"):
        random_x = sweeps.random_patterns(dtype, 4, data.draw(st.integers(0, 1 << 20)))
        x = np.concatenate([sweeps.specials(dtype), random_x])
        assert_codes(codec.encode(x), expected_one_by_one(spec, x, policy), x, spec, policy, dtype)


@given(st.data())
def test_exact_values_into_formats_nobody_named(data: st.DataObject) -> None:
    spec = data.draw(specs())
    policy, x = data.draw(policies(spec)), data.draw(values(spec))
    assert int(hu.encode(x, product(spec), **policy.keywords())) == encode(spec, real(x), policy)


def test_the_comparison_can_fail() -> None:
    """A wrong expectation of one code in one place is noticed."""
    x = np.array([1.0, 2.0], np.float32)
    want = np.array([encode(NAMED["bfloat16"], v) for v, _ in sweeps.exact(x)], np.int64)
    assert_codes(hu.bfloat16.encode(x), want, x)
    with pytest.raises(AssertionError, match="1 of 2 codes differ"):
        assert_codes(hu.bfloat16.encode(x), want + np.array([0, 1]), x)
    assert decode(NAMED["bfloat16"], int(want[1])) == real(2)
