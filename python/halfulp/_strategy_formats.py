"""Formats as a Hypothesis strategy: named ones, and others made from parameters."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from halfulp import _core
from halfulp._format import Format
from halfulp._format import formats as named_formats


def formats(
    *,
    max_bits: int = 64,
    max_precision: int = 53,
    named: bool = True,
    generated: bool = True,
    kinds: Sequence[str] = ("float", "integer"),
    specials: Sequence[str] | None = None,
) -> SearchStrategy[Format]:
    """Formats: half of them named, half made from parameters that nobody has named.

    Parameters
    ----------
    max_bits, max_precision : int
        The widest code and the most significant bits, the hidden one included. Arithmetic takes 24.
    named, generated : bool
        Which of the two sorts.
    kinds : sequence of {"float", "integer"}
    specials : sequence of str, optional
        Only formats of these `Format.specials`.

    Returns
    -------
    SearchStrategy of Format

    Raises
    ------
    ValueError
        If no format is left, or for an unknown word.

    Examples
    --------
    >>> from halfulp import strategies as hs
    >>> from hypothesis import find
    >>> find(hs.formats(max_bits=8), lambda f: f.has_inf).name
    'float8_e5m2'
    """
    words = tuple(specials) if specials is not None else _core.specials()
    for argument, given, allowed in (("kinds", kinds, ("float", "integer")), ("specials", words, _core.specials())):
        for word in (given,) if isinstance(given, str) else given:
            if word not in allowed:
                raise ValueError(f"{argument} must be some of {', '.join(allowed)}, not {word!r}")
    words = tuple(w for w in words if ("integer" if w == "integer" else "float") in kinds)
    some = [
        f
        for f in sorted(named_formats.values(), key=lambda f: (f.kind == "integer", f.bits))
        if named and f.bits <= max_bits and f.precision <= max_precision and f.specials in words
    ]
    choices = [st.sampled_from(some)] if some else []
    if generated and words and max_bits > 1:
        choices.append(_generated(max_bits, max_precision, words))
    if not choices:
        raise ValueError(f"no format has {kinds=}, {specials=}, {max_bits=} and {max_precision=}")
    return st.one_of(choices)


@st.composite
def _generated(draw: DrawFn, max_bits: int, max_precision: int, specials: tuple[str, ...]) -> Format:
    """A format made from parameters: widths to the limit, biases at their extremes too."""
    word = draw(st.sampled_from(specials))
    signed = word == "fnuz" or not draw(st.booleans())
    e = 0 if word == "integer" else draw(st.integers(0, min(11, max_bits)))
    room = max(min(max_bits - e - signed, max_precision - (e > 0)), 0)
    m = draw(st.integers(0, min(room, 8)) | st.integers(0, min(room, 52)))
    has_zero = signed or e == 0 or not draw(st.booleans())
    last = _last(e, m, word, signed)
    if not 1 <= signed + e + m <= max_bits or not _possible(e, m, word, signed, has_zero, last):
        return draw(_generated(max_bits, max_precision, specials))
    low, high = _bias_limits(e, m, last, has_zero)
    usual = Format(e, m, specials=word, signed=signed, has_zero=has_zero).bias if e <= 10 else (1 << (e - 1)) - 1
    # Biases where a route through binary32 stops holding: lowest bit 2^-147..2^-149, maximum 2^127..2^128.
    lowest_bit = [edge - m + has_zero for edge in (147, 149, 24)]
    span = (1 << e) - 1
    edges = [usual, low, high, *lowest_bit, span - 127, span - 128, span - 15]
    offset = draw(st.integers(-2, 2))
    bias = draw(st.just(usual) | st.sampled_from(edges).map(lambda b: b + offset) | st.integers(low, high))
    return Format(e, m, min(max(bias, low), high), word, signed, has_zero)


def _last(e: int, m: int, specials: str, signed: bool) -> int:
    """The code of the largest finite value: specials only occupy the end of the non-negative codes."""
    ones = (1 << (e + m)) - 1
    if specials.startswith("p3109"):
        return ones - specials.endswith("_e") - (not signed)
    return ones - {"ieee": 1 << m, "fn": 1}.get(specials, 0)


def _possible(e: int, m: int, specials: str, signed: bool, has_zero: bool, last: int) -> bool:
    if e == 0 and (specials == "ieee" or specials.startswith("p3109") or not has_zero):
        return False
    if specials == "ieee" and (e < 1 or m < 1):
        return False
    if not has_zero and (signed or specials == "integer"):
        return False
    # One positive finite value besides a second finite code is the least a format can be.
    if last < 1:
        return False
    low, high = _bias_limits(e, m, last, has_zero)
    return low <= high


def _bias_limits(e: int, m: int, last: int, has_zero: bool) -> tuple[int, int]:
    """The biases that keep the lowest bit at 2^-1074 or more and the maximum below 2^1024."""
    if e == 0:
        return -1022, 1075 - m
    top = last >> m  # the exponent field of the maximum; a field of 0 means the maximum is subnormal
    return max(top, 1) - 1023, 1074 - m + has_zero
