"""Operands that make an operation hard, as Hypothesis strategies."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from halfulp._format import Format
from halfulp._grid import between, is_finite, near, place, point, power_of_two, real
from halfulp._strategy_codes import codes, targets, with_sign

_Pair = tuple[int, int]
_Triple = tuple[int, int, int]
Formats = Format | str | tuple[Format | str, ...]


def _formats(fmt: Formats, operands: int) -> tuple[Format, ...]:
    """One format per operand and the result's."""
    given = fmt if isinstance(fmt, tuple) else (fmt,) * (operands + 1)
    if len(given) != operands + 1:
        raise ValueError(f"fmt must be a format or {operands + 1}: each operand's, then the result's; not {len(given)}")
    return tuple(map(Format, given))


def operand_pairs(fmt: Formats, op: str = "add") -> SearchStrategy[_Pair]:
    """Pairs of codes that make an operation hard.

    Besides pairs of `codes`, equal ones and neighbours: for ``add`` and ``subtract`` cancellation, halfway cases and
    far smaller operands that leave only a sticky bit; for ``multiply`` and ``divide`` exact halfway cases and results
    beside one; for all of them results at the thresholds of overflow and underflow; for ``remainder`` and ``fmod``
    quotients at and beside half-integers.

    Parameters
    ----------
    fmt : Format, str, or tuple of three
        The operands' formats, then the result's.
    op : str
        The name of a function of two operands of `halfulp.ops`; those not named above get neighbours and specials.

    Returns
    -------
    SearchStrategy of (int, int)

    Examples
    --------
    >>> import halfulp as hu
    >>> from halfulp import strategies as hs
    >>> from hypothesis import find
    >>> find(hs.operand_pairs(hu.float8_e4m3fn, "add"), lambda pair: 0 not in pair)
    (56, 56)
    """
    first, second, result = _formats(fmt, 2)
    related = _related(first, second)
    plain = st.tuples(codes(first), codes(second))
    hard = [related]
    if op in ("remainder", "fmod"):
        hard.append(_quotients(first, second))
    if op in _SOLVE:
        hard += [_aimed(first, second, result, op), _at_the_end(first, second, result, op)]
    if op == "multiply":
        hard.append(_halfway_products(first, second, result))
    return _one(plain, hard)


@st.composite
def _one(draw: DrawFn, plain: SearchStrategy[_Pair], hard: list[SearchStrategy[_Pair]]) -> _Pair:
    """One of several; the plain one is drawn always, so that shrinking can fall back on it."""
    pair = draw(plain)
    chosen = draw(st.integers(0, len(hard)))
    return draw(hard[chosen - 1]) if chosen else pair


def _related(first: Format, second: Format) -> SearchStrategy[_Pair]:
    """The second operand is the first, or its neighbour, with either sign."""

    def relate(code: int, steps: int, flip: bool) -> _Pair:
        if not is_finite(first, code):
            return code, code & ((1 << second.bits) - 1)
        x = real(first, code)
        return code, near(second, -x if flip and second.signed else x, steps)

    return st.builds(relate, codes(first), st.sampled_from((0, 1, -1, 2)), st.booleans())


# The second operand that makes a result of two exact ones, and for division the dividend.
_SOLVE: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "add": lambda result, x: result - x,
    "subtract": lambda result, x: x - result,
    "multiply": lambda result, x: result / x if x else result,
    "divide": lambda result, x: result * x,
}


def _around(result: Format, x: Fraction) -> SearchStrategy[Fraction]:
    """The middles after the points next to a magnitude."""
    return st.integers(-2, 2).map(lambda d: between(result, max(place(result, abs(x)) + d, 0), 1))


@st.composite
def _aimed(draw: DrawFn, first: Format, second: Format, result: Format, op: str) -> _Pair:
    """One operand, and the other so that the exact result is on or beside a chosen point of the result's grid."""
    given, sought = (second, first) if op == "divide" else (first, second)
    x = real(given, draw(codes(given).filter(lambda code: is_finite(given, code))))
    target = draw(_around(result, x) | targets(result) if op in ("add", "subtract") else targets(result))
    target = -target if result.signed and draw(st.booleans()) else target
    y = near(sought, _SOLVE[op](target, x), draw(st.sampled_from((0, 1, -1))))
    return (y, near(given, x)) if op == "divide" else (near(given, x), y)


@st.composite
def _at_the_end(draw: DrawFn, first: Format, second: Format, result: Format, op: str) -> _Pair:
    """A result at the threshold of overflow, of operands that are both within range."""
    given, sought = (second, first) if op == "divide" else (first, second)
    last, binade = given.code_of_max, 1 << given.mantissa_bits
    one = min(place(given, Fraction(1)), last)
    reach = {"multiply": st.integers(one, last), "divide": st.integers(min(1, one), one)}
    k = draw(reach.get(op, st.integers(0, min(2 * binade, last)).map(lambda d: last - d)))
    target = between(result, result.code_of_max + draw(st.sampled_from((0, 1, -1))), draw(st.sampled_from((1, 0))))
    x = point(given, k)
    y = near(sought, _SOLVE[op](target, x), draw(st.sampled_from((0, 1))))
    return (y, k) if op == "divide" else (k, y)


@st.composite
def _halfway_products(draw: DrawFn, first: Format, second: Format, result: Format) -> _Pair:
    """Significands of i and of p + 1 - i bits whose product has p + 1 bits, the last one set."""
    p = result.mantissa_bits + 1
    i = draw(st.integers(1, p))
    a = draw(st.integers(1 << (i - 1), (1 << i) - 1)) | 1
    b = draw(st.integers(-(-(1 << p) // a), ((2 << p) - 1) // a)) | 1
    scale_a, scale_b = (draw(st.integers(0, max(1, f.code_of_max >> f.mantissa_bits))) for f in (first, second))
    signs = draw(st.sampled_from(((1, 1), (-1, 1), (1, -1))))
    operands = []
    for f, n, scale, sign in zip((first, second), (a, b), (scale_a, scale_b), signs, strict=True):
        x = n * point(f, int(f.has_zero)) * power_of_two(scale)
        operands.append(near(f, sign * x if f.signed else x))
    return operands[0], operands[1]


@st.composite
def _quotients(draw: DrawFn, first: Format, second: Format) -> _Pair:
    """A dividend that is a multiple of the divisor, or a multiple and a half, or a code beside one."""
    code = draw(codes(second).filter(lambda code: is_finite(second, code)))
    n = draw(st.integers(0, 8) | st.integers(0, 2 * first.precision).map(lambda i: 1 << i))
    x = abs(real(second, code)) * (n + draw(st.sampled_from((Fraction(1, 2), Fraction(0)))))
    x = -x if first.signed and draw(st.booleans()) else x
    return near(first, x, draw(st.sampled_from((0, 1, -1)))), code


@st.composite
def operand_triples(draw: DrawFn, fmt: Formats) -> _Triple:
    """Triples of codes that make a fused multiply-add hard.

    The first two are those of `operand_pairs` for ``multiply``. The third cancels the product, all of it or all but
    its last bits; or is too small to be seen but for a tie that it breaks; or takes the sum to a chosen point or to
    the thresholds of overflow and underflow; or is any code.

    Parameters
    ----------
    fmt : Format, str, or tuple of four
        The operands' formats, then the result's.

    Returns
    -------
    SearchStrategy of (int, int, int)

    Examples
    --------
    >>> from halfulp import strategies as hs
    >>> from hypothesis import find
    >>> find(hs.operand_triples("float8_e4m3fn"), lambda codes: codes[2] >= 0x38)
    (0, 0, 56)
    """
    first, second, third, result = _formats(fmt, 3)
    a, b = draw(operand_pairs((first, second, result), "multiply"))
    anything = draw(codes(third))  # always drawn, so that shrinking can fall back on it
    how = draw(st.sampled_from(("any", "cancel", "sticky", "aim")))
    if how == "any" or not (is_finite(first, a) and is_finite(second, b)):
        return a, b, anything
    product = real(first, a) * real(second, b)
    if how == "sticky":
        tiny = draw(st.integers(0, 3))
        return a, b, with_sign(third, third.signed and draw(st.booleans()), tiny)
    target = Fraction(0)
    if how == "aim":
        target = draw(_around(result, product) | targets(result))
        target = -target if product < 0 else target
    c = target - product
    return a, b, near(third, c if third.signed else abs(c), draw(st.sampled_from((0, 1, -1))))
