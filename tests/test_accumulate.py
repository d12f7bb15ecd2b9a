"""Sums, dot products and matrix products of codes against exact rationals: every order, shape, special and policy."""

from __future__ import annotations

from typing import Any

import halfulp as hu
import numpy as np
import pytest
import sums
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from oracle import NAMED, OVERFLOWS, ROUNDINGS, Policy, Spec
from strategies import codes, specs
from sums import ORDERS, plain, random_codes
from support import product

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*encountered in (sum|dot|matmul):RuntimeWarning"),
]
Flag = hu.ops.Flag
BF16, F32 = NAMED["bfloat16"], NAMED["float32"]
SPECS = [spec for spec in NAMED.values() if spec.name != "float64"]
# Formats nobody has named: without Inf, without exponents, with one binade, beyond binary32 and binary64's halves.
MADE = [
    Spec(0, 5, None, "fn"),
    Spec(6, 0, None, "fn"),
    Spec(9, 5, 300),
    Spec(11, 12, 1023),
    Spec(8, 7, 140),
    Spec(4, 3, None, "p3109_e"),
    Spec(4, 3, None, "p3109_e", signed=False),
    Spec(4, 3, None, "fn", signed=False, has_zero=False),
    Spec(0, 23, None, "integer"),
]


def array(spec: Spec, values: Any) -> np.ndarray[Any, Any]:
    return np.array(values, dtype=product(spec).code_dtype)


# -- one sum, in every way


@st.composite
def formats(draw: DrawFn) -> Spec:
    drawn = draw(st.sampled_from([*SPECS, *MADE]) | specs(max_bits=20))
    precision = drawn.mantissa_bits + (drawn.exponent_bits > 0)
    return drawn if precision <= 24 else F32


@st.composite
def terms(draw: DrawFn) -> tuple[sums.Terms, str]:
    order = draw(st.sampled_from(ORDERS))
    a = draw(formats())
    b, to = draw(st.just(a) | formats()), draw(st.just(a) | formats())
    step = to if order == "exact" else draw(st.just(to) | formats())
    if order == "kahan" and not step.has_zero:
        step = F32
    rounded = None if order == "exact" else draw(st.none() | formats())
    output = draw(st.sampled_from(("gradual", "flush_output", "flush_tiny")))
    policy = Policy(draw(st.sampled_from(ROUNDINGS)), draw(st.sampled_from(OVERFLOWS)), None, output)
    tininess = draw(st.sampled_from(("after", "before")))
    return sums.Terms(a, b, to, step, rounded, policy, draw(st.booleans()), tininess), order


def keywords(t: sums.Terms, order: str) -> dict[str, Any]:
    inputs = ("flush_input",) if t.flush_input else ()
    outputs = () if t.policy.subnormals == "gradual" else (t.policy.subnormals,)
    words: dict[str, Any] = {
        "accumulate": order,
        "rounding": t.policy.rounding,
        "overflow": t.policy.overflow,
        "subnormals": (*inputs, *outputs) or "gradual",
        "tininess": t.tininess,
    }
    if order != "exact":
        words |= {"accumulator": product(t.step), "products": product(t.product) if t.product else "exact"}
    return words


@given(terms(), st.data())
def test_a_dot_product_is_its_roundings(case: tuple[sums.Terms, str], data: st.DataObject) -> None:
    t, order = case
    pairs = data.draw(st.lists(st.tuples(codes(t.a), codes(t.b)), max_size=12))
    a, b = [x for x, _ in pairs], [y for _, y in pairs]
    got = hu.dot(
        array(t.a, a),
        array(t.b, b),
        format=(product(t.a), product(t.b), product(t.to)),
        flags=True,
        **keywords(t, order),
    )
    assert tuple(map(int, got)) == sums.expected(t, order, a, b)


@given(terms(), st.data())
def test_a_sum_is_its_roundings(case: tuple[sums.Terms, str], data: st.DataObject) -> None:
    t, order = case
    one = Spec(0, 1, None, "integer", signed=False)
    t = t._replace(b=one, product=None)
    x = data.draw(st.lists(codes(t.a), max_size=12))
    words = keywords(t, order)
    words.pop("products", None)
    got = hu.sum(array(t.a, x), format=(product(t.a), product(t.to)), flags=True, **words)
    assert tuple(map(int, got)) == sums.expected(t, order, x, [1] * len(x))


@given(formats(), st.sampled_from(ROUNDINGS), st.data())
def test_the_order_of_an_exact_sum_does_not_matter(spec: Spec, rounding: str, data: st.DataObject) -> None:
    x = data.draw(st.lists(codes(spec), min_size=1, max_size=40))
    y = data.draw(st.permutations(x))
    f = product(spec)
    first = hu.sum(array(spec, x), format=f, rounding=rounding, flags=True)
    assert hu.sum(array(spec, y), format=f, rounding=rounding, flags=True) == first


@pytest.mark.parametrize("spec", [*SPECS, *MADE], ids=lambda spec: product(spec).text)
def test_long_exact_sums(spec: Spec) -> None:
    """Many blocks, values of all magnitudes: both ways of multiplying, and what cancels."""
    a, b = random_codes(spec, 700, 1), random_codes(spec, 700, 2)
    small = np.where(np.arange(700) % 9, a.astype(np.uint64) % (1 << max(spec.mantissa_bits, 1)), a).astype(a.dtype)
    f, to = product(spec), hu.float32
    for x, y in ((a, b), (small, small), (a, a)):
        t = plain(spec, spec, F32)
        assert hu.dot(x, y, format=(f, f, to), flags=True) == sums.expected(t, "exact", x.tolist(), y.tolist())
    if spec.signed and spec.has_negative_zero:
        rest = array(spec, 1)
        x = np.concatenate([a, a ^ array(spec, spec.sign_bit), [rest]]).astype(a.dtype)
        np.random.default_rng(3).shuffle(x)
        assert hu.sum(x, format=f, flags=True) == (1, 0)  # all else cancels, whatever its magnitude


def test_no_bit_is_lost_at_any_length() -> None:
    """The largest and the smallest float32 with 2^17 smallest ones between: a million-fold beyond any float."""
    f = hu.float32
    x = np.full((1 << 17) + 2, 1, np.uint32)
    x[0], x[-1] = 0x7F7FFFFF, 0xFF7FFFFF
    assert hu.sum(x, format=f) == f.encode(2.0**-132)
    assert hu.sum(np.full(1 << 20, 0x7F7FFFFF, np.uint32), format=f, overflow="saturate") == 0x7F7FFFFF
    assert hu.sum(np.full(1 << 20, 0x7E, np.uint8), format=("float8_e4m3fn", "float32")) == f.encode(448.0 * 2**20)


def test_a_trifle_decides_however_far_below() -> None:
    """2^100 and half of its last place, and any power of two below that: up, or down if it is subtracted."""
    f = hu.float32
    tie, above = f.encode(2.0**100), f.encode(2.0**100) + 1
    for exponent in range(-149, 76):
        x = f.encode([2.0**100, 2.0**76, 2.0**exponent])
        assert hu.sum(x, format=f) == above, exponent
        assert hu.sum(x ^ 0x80000000, format=f) == above | 0x80000000
        x[2] ^= 0x80000000
        assert hu.sum(x, format=f) == tie, exponent
    wide = hu.Format(11, 12)
    for exponent in range(-1086, 86):
        x = wide.encode(np.float64([2.0**100, 2.0**87, 0]))
        x[2] = wide.encode(2.0**exponent) if exponent >= -1034 else 1
        assert hu.sum(x, format=wide) == wide.encode(2.0**100) + 1, exponent


@pytest.mark.parametrize("name", ["float8_e5m2", "bfloat16", "float16", "float32"])
def test_products_of_any_spread_stay_exact(name: str) -> None:
    """A block of large products hides a small one, which the next block lays bare."""
    f = hu.formats[name]
    top = f.encode(2.0**8 * (2 - f.eps))
    rest = 128 * [0]
    for down in range(8 - f.bias if f.exponent_bits < 8 else -50, 8):
        small = f.encode(2.0**down * (1 + f.eps))
        x = np.array([top] * 127 + [small] + [top] * 127 + rest, f.code_dtype)
        y = np.array([top] * 127 + [small] + [top | 1 << (f.bits - 1)] * 127 + rest, f.code_dtype)
        got = hu.decode(hu.dot(x, y, format=(f, f, "float32")), "float32")
        assert got == np.float32((2.0**down * (1 + f.eps)) ** 2), down


# -- specials


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_signed_zeros(rounding: str) -> None:
    f = hu.float8_e4m3fn
    plus, minus, one, minus_one = 0x00, 0x80, 0x38, 0xB8
    down = minus if rounding == "toward_negative" else plus
    cases = {
        (): plus,
        (plus, plus): plus,
        (minus,): minus,
        (minus, minus): minus,
        (plus, minus): down,
        (minus, plus, minus): down,
        (one, minus_one): down,
        (one, minus_one, minus): down,
    }
    for order in ORDERS:
        for x, want in cases.items():
            got = hu.sum(np.uint8(x), format=f, accumulate=order, rounding=rounding)
            # Kahan's compensation of nothing is +0, which is an addend of its own.
            assert got == want or (order == "kahan" and len(x) > 1), (order, x)


INF, MINUS_INF, QUIET, SIGNAL, ONE = 0x7F80, 0xFF80, 0x7FC0, 0x7F81, 0x3F80


@pytest.mark.parametrize(
    ("a", "b", "code", "flags"),
    [
        ([INF, ONE], [ONE, ONE], INF, 0),
        ([INF, INF], [ONE, ONE], INF, 0),
        ([INF, MINUS_INF], [ONE, ONE], QUIET, Flag.invalid),
        ([INF, INF], [ONE, 0xBF80], QUIET, Flag.invalid),
        ([INF, ONE], [0, ONE], QUIET, Flag.invalid),
        ([0x8000, ONE], [MINUS_INF, ONE], QUIET, Flag.invalid),
        ([QUIET, ONE], [ONE, ONE], QUIET, 0),
        ([0xFFC1, ONE], [ONE, ONE], QUIET, 0),
        ([SIGNAL, ONE], [ONE, ONE], QUIET, Flag.invalid),
        ([ONE, QUIET], [0, INF], QUIET, 0),
        ([QUIET, INF, MINUS_INF], [ONE, ONE, ONE], QUIET, 0),
        ([QUIET, INF], [ONE, 0], QUIET, Flag.invalid),
        ([0x7F7F, 0x7F7F], [0x7F7F, 0x7F7F], INF, Flag.overflow | Flag.inexact),
        ([0x0001], [0x0001], 0, Flag.underflow | Flag.inexact),
    ],
)
def test_specials_of_exact_sums(a: list[int], b: list[int], code: int, flags: int) -> None:
    assert hu.dot(np.uint16(a), np.uint16(b), format="bfloat16", flags=True) == (code, flags)
    assert hu.dot(np.uint16(b)[::-1], np.uint16(a)[::-1], format="bfloat16", flags=True) == (code, flags)


def test_a_special_spoils_its_own_row_and_column_only() -> None:
    a, b = random_codes(BF16, (9, 200), 1), random_codes(BF16, (200, 7), 2)
    clean = hu.matmul(a, b, format=("bfloat16", "bfloat16", "float32"))
    a[3, 150], b[7, 2] = QUIET, INF
    spoilt = hu.matmul(a, b, format=("bfloat16", "bfloat16", "float32"))
    mask = np.ones((9, 7), bool)
    mask[3], mask[:, 2] = False, False
    assert (spoilt[mask] == clean[mask]).all()
    assert (spoilt[3] == hu.float32.code_of_nan).all()
    assert set(spoilt[:, 2].tolist()) <= {0x7F800000, 0xFF800000, hu.float32.code_of_nan}
