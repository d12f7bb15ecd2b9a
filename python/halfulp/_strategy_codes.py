"""Codes, values and the neighbourhood of ties as Hypothesis strategies."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from halfulp._format import Format
from halfulp._grid import between, is_finite, near, real, signed_code, value


def codes(fmt: Format | str) -> SearchStrategy[int]:
    """Any code, with these drawn often: small numbers, subnormals, powers of two, maxima, infinities, NaN payloads.

    Parameters
    ----------
    fmt : Format or str

    Returns
    -------
    SearchStrategy of int

    Examples
    --------
    >>> import halfulp as hu
    >>> from halfulp import strategies as hs
    >>> from hypothesis import find
    >>> hex(find(hs.codes(hu.float8_e4m3fn), lambda code: hu.float8_e4m3fn.decode(code) >= 1))
    '0x38'
    """
    f = Format(fmt)
    top = (1 << f.bits) - 1
    positive = st.one_of(_magnitudes(f))
    signed = st.tuples(st.booleans(), positive).map(lambda drawn: with_sign(f, *drawn)) if f.signed else positive
    return st.sampled_from(_simple(f)) | signed | st.integers(0, top)


def _simple(f: Format) -> list[int]:
    """Codes that people know by heart, the simplest first."""
    numbers = (Fraction(n) for n in (0, 1, 2, 3, 4, Fraction(1, 2), -1, -2))
    found = [near(f, n) for n in numbers if f.signed or n >= 0]
    held = [code for code, n in zip(found, (0, 1, 2, 3, 4, Fraction(1, 2), -1, -2), strict=False) if real(f, code) == n]
    return list(dict.fromkeys(held or [0]))


def _magnitudes(f: Format) -> list[SearchStrategy[int]]:
    """The non-negative codes by what they are."""
    m, last = f.mantissa_bits, f.code_of_max
    ends = [last, last - 1, 0, 1]
    binades = st.integers(0 if f.exponent_bits == 0 else 1, max(last >> m, 1))
    powers = (
        st.integers(0, m - 1).map(lambda i: 1 << i) if f.exponent_bits == 0 and m else binades.map(lambda e: e << m)
    )
    beside = st.tuples(powers, st.sampled_from((0, -1, 1))).map(lambda drawn: min(max(sum(drawn), 0), last))
    kinds = [beside, st.sampled_from([k for k in ends if 0 <= k <= last])]
    if f.has_subnormals and m:
        kinds.append(st.sampled_from((1, (1 << m) - 1)) | st.integers(1, (1 << m) - 1))
    specials = [code for code in (f.code_of_inf, f.code_of_nan) if code is not None]
    if specials:
        kinds.append(st.sampled_from(specials))
    if f.specials == "ieee" and f.code_of_inf is not None:
        trailing = st.sampled_from((1, (1 << m) - 1, 1 << (m - 1))) | st.integers(1, (1 << m) - 1)
        kinds.append(trailing.map(f.code_of_inf.__add__))
    return kinds


def with_sign(f: Format, negative: bool, magnitude: int) -> int:
    """A magnitude with a sign bit; for an integer its negative."""
    if f.kind == "integer":
        return signed_code(f, negative, magnitude)
    return magnitude | int(negative) << (f.bits - 1)  # of a NaN, too; -0 may be the code of NaN


def values(fmt: Format | str) -> SearchStrategy[float]:
    """The values of `codes` as Python floats: numbers that the format holds, signed zeros, Inf, NaN with payloads.

    Parameters
    ----------
    fmt : Format or str

    Returns
    -------
    SearchStrategy of float

    Examples
    --------
    >>> from halfulp import strategies as hs
    >>> from hypothesis import find
    >>> find(hs.values("float8_e4m3fn"), lambda x: x > 100)
    104.0
    """
    f = Format(fmt)
    return codes(f).map(lambda code: value(f, code))


@st.composite
def near_ties(draw: DrawFn, fmt: Format | str, source: Format | str = "float32") -> float:
    """Numbers of a source format on, or a place or two beside, a value of `fmt` or the middle between two.

    The thresholds of overflow and underflow are drawn often. These are the inputs that tell converters apart.

    Parameters
    ----------
    fmt : Format or str
        What is rounded to.
    source : Format or str
        What is converted: ``"float16"``, ``"float32"``, ``"float64"``, ``"bfloat16"``, any format.

    Returns
    -------
    SearchStrategy of float
        Each is exactly a value of the source.

    Examples
    --------
    >>> from halfulp import strategies as hs
    >>> from hypothesis import find
    >>> find(hs.near_ties("float8_e4m3fn", "float32"), lambda x: x > 448)
    464.0
    """
    f, wide = Format(fmt), Format(source)
    target = draw(targets(f))
    code = near(wide, target, draw(st.sampled_from((0, 1, -1, 2, -2))))
    return value(wide, with_sign(wide, wide.signed and draw(st.booleans()), code))


def targets(f: Format) -> SearchStrategy[Fraction]:
    """Points of a format's grid and the middles after them: around both ends, and anywhere."""
    last = f.code_of_max
    ends = [k for k in (0, last, (1 << f.mantissa_bits) - 1, 1, last - 1, last + 1) if 0 <= k <= last + 1]
    place = st.sampled_from(ends) | st.integers(0, last + 1)
    return st.tuples(place, st.sampled_from((1, 0))).map(lambda drawn: between(f, *drawn))


def reals(fmt: Format | str) -> SearchStrategy[Fraction]:
    """Exact rationals: the format's own values, near its ties, and some that no binary type holds.

    Parameters
    ----------
    fmt : Format or str

    Returns
    -------
    SearchStrategy of Fraction

    Examples
    --------
    >>> from halfulp import strategies as hs
    >>> from hypothesis import find
    >>> find(hs.reals("bfloat16"), lambda x: x > 1)
    Fraction(2, 1)
    """
    f = Format(fmt)
    small = st.fractions(-8, 8, max_denominator=64)
    own = codes(f).filter(lambda code: is_finite(f, code)).map(lambda code: real(f, code))
    close = near_ties(f, "float64").map(Fraction)
    nudged = st.builds(lambda x, d: x * (1 + Fraction(d, 1 << 70)), close, st.integers(-3, 3))
    return small | own | close | nudged | st.floats(allow_nan=False, allow_infinity=False).map(Fraction)
