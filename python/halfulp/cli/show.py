"""``halfulp show``: one number of one format, bit by bit, and what rounding to it did."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

import halfulp as hu
from halfulp.cli import codebook
from halfulp.cli.arguments import DETERMINISTIC, FORMAT_EXAMPLE, OVERFLOW_HELP, ROUNDING_HELP, deterministic
from halfulp.cli.exact import parse, show_decimal, show_fraction, show_hexadecimal, show_power, show_rounded
from halfulp.cli.formats import layout
from halfulp.cli.measure import lowest_ulp, top_ulp
from halfulp.cli.table import print_table

HELP = "look at one number, bit by bit"
DESCRIPTION = """\
Draw the bit fields of a code, with its exact value, class, ulp and neighbours.
A value is encoded first; if the format does not hold it, the exact rounding
error is shown, in every rounding mode."""
EPILOG = """\
CODE or VALUE
  0x3f, 0b00111111, #63          a code (hexadecimal has no '.' or 'p')
  0.1, 1e-3, -1/3, 0x1.8p3, inf  a value, read exactly
examples
  halfulp show float8_e4m3fn 0.1
  halfulp show bfloat16 0x3f80
  halfulp show e5m3:bias=15:ieee -1/3 --rounding toward_zero
  halfulp show nf4 0.3"""
TINY = Fraction(1, 2**1200)  # below every format's last place: turns 'at least' into 'more than'


def protect_negatives(words: Sequence[str]) -> list[str]:
    """Keep argparse from taking -1/3 or -inf for an option: words with a space in them are never options."""
    if not words or words[0] != "show":
        return list(words)
    negative = re.compile(r"-(\d|\.\d|inf|nan)", re.IGNORECASE)
    return [f" {word}" if negative.match(word) else word for word in words]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("format", metavar="FORMAT", help=FORMAT_EXAMPLE)
    parser.add_argument("number", metavar="CODE|VALUE", help="a code or a value, see below")
    parser.add_argument(
        "--rounding",
        type=deterministic,
        metavar="MODE",
        help=f"{ROUNDING_HELP}; for a codebook table (default) and others",
    )
    parser.add_argument("--overflow", default="default", metavar="RULE", help=OVERFLOW_HELP)


def run(options: argparse.Namespace) -> None:
    """Show a code, or encode a value and show what came out."""
    text = options.number.strip()
    code = parse_code(text)
    if options.format in hu.codebooks or options.format.startswith("codebook:"):
        if options.overflow != "default":
            raise ValueError("--overflow is for formats; what is beyond a codebook's levels takes the last of them")
        return codebook.show(hu.Codebook(options.format), text, code, options.rounding)
    fmt = hu.Format(options.format)
    options.rounding = options.rounding or "nearest_even"
    if code is not None and code >= 1 << fmt.bits:
        name, last = fmt.name, (1 << fmt.bits) - 1
        raise ValueError(f"code {text} has more than the {fmt.bits} bits of {name}; codes end at {last:#x}")
    exact = parse(text) if code is None else None
    if code is None:
        code = encode(fmt, text, options.rounding, options.overflow)
        remarks = _encoding(fmt, text, exact, code, options)
    else:
        remarks = []
    print(f"{fmt.name}, {fmt.bits} bits, s/e/m {layout(fmt)}, bias {fmt.bias}, specials {fmt.specials}\n")
    for remark in remarks:
        print(remark)
    if exact is not None and remarks[1:]:
        _show_modes(fmt, text, exact, options)
    _show_code(fmt, code)


def parse_code(text: str) -> int | None:
    """The code that `text` writes out, or None if it is a value."""
    if re.fullmatch(r"#\d{1,20}", text):
        return int(text[1:])
    if re.fullmatch(r"0x[0-9a-f]{1,64}|0b[01]{1,64}", text, re.IGNORECASE):
        return int(text, 0)
    if text.startswith("#") or re.match(r"0b", text, re.IGNORECASE):
        raise ValueError(f"'{text}' is no code; write 0x3f, 0b00111111 or #63")
    return None


def encode(fmt: hu.Format, number: str | Fraction, rounding: str, overflow: str = "default") -> int:
    """The code of one exactly given number."""
    return int(hu.encode(number, fmt, rounding=rounding, overflow=overflow))


def decode(fmt: hu.Format, code: int) -> float:
    """The value of one code."""
    return float(hu.decode(np.array(code, fmt.code_dtype), fmt))


def ulp_at(fmt: hu.Format, value: Fraction) -> Fraction:
    """The distance between the format's values in the binade of `value`."""
    lowest, top = Fraction(lowest_ulp(fmt)), Fraction(top_ulp(fmt))
    if value == 0 or fmt.exponent_bits == 0:
        return lowest
    magnitude = abs(value)
    exponent = magnitude.numerator.bit_length() - magnitude.denominator.bit_length()
    if Fraction(2) ** exponent > magnitude:
        exponent -= 1
    return min(max(Fraction(2) ** (exponent - fmt.mantissa_bits), lowest), top)


def _encoding(fmt: hu.Format, text: str, exact: Fraction | None, code: int, options: argparse.Namespace) -> list[str]:
    """What encoding did, in words: one line if the format holds the value, else two; a blank line last."""
    got = decode(fmt, code)
    if exact is None:
        return [f"{text} {'is a value of the format' if str(got) == str(float(text)) else f'becomes {got:g}'}.\n"]
    if math.isfinite(got) and Fraction(got) == exact:
        return [f"{text} is a value of the format.\n"]
    below, above = _neighbour(fmt, exact, "toward_negative"), _neighbour(fmt, exact, "toward_positive")
    where = f"between {below} and {above}"
    if exact < Fraction(fmt.min) or exact > Fraction(fmt.max):
        edge, word = (fmt.min, "below the lowest") if exact < Fraction(fmt.min) else (fmt.max, "beyond the largest")
        code = encode(fmt, Fraction(edge), "nearest_even")
        where = f"{word} finite value, {_digits(fmt, edge)} ({_code(fmt, code)})"
    return [
        f"{text} is not a value of the format; {options.rounding} gives {_digits(fmt, got)}.",
        f"It lies {where}.\n",
    ]


def _show_modes(fmt: hu.Format, text: str, exact: Fraction, options: argparse.Namespace) -> None:
    """What each rounding mode makes of the value, the chosen one first."""
    rows = []
    for mode in dict.fromkeys((options.rounding, *DETERMINISTIC)):
        rows.append(_error_row(fmt, exact, mode, encode(fmt, text, mode, options.overflow)))
    print_table(("<rounding", "code", "value", "exact error", "in ulp"), rows)
    print()


def _error_row(fmt: hu.Format, exact: Fraction, mode: str, code: int) -> list[str]:
    got = decode(fmt, code)
    if not math.isfinite(got):
        return [mode, _code(fmt, code), f"{got:g}", "-", "-"]
    error = Fraction(got) - exact
    size, ulps = show_fraction(abs(error)), show_rounded(error / ulp_at(fmt, exact), 4)
    sign = "-" if error < 0 else "+"
    signed = f"~{sign}{size[1:]}" if size.startswith("~") else sign + size
    return [mode, _code(fmt, code), _digits(fmt, got), signed, ulps if error < 0 else f"+{ulps}"]


def _digits(fmt: hu.Format, value: float) -> str:
    """As many digits as tell the value from its neighbours."""
    return f"{value:.9g}" if fmt.value_dtype == np.float32 else f"{value:.17g}"


def _code(fmt: hu.Format, code: int) -> str:
    return f"{code:#0{2 + (fmt.bits + 3) // 4}x}"


def _show_code(fmt: hu.Format, code: int) -> None:
    value = decode(fmt, code)
    kind = classify(fmt, code, value)
    print(f"code   {_code(fmt, code)} = {code} = 0b{code:0{fmt.bits}b}\n")
    _draw(fmt, code)
    print()
    for label, text in _facts(fmt, code, value, kind):
        print(f"{label:<6} {text}")


def _facts(fmt: hu.Format, code: int, value: float, kind: str) -> list[tuple[str, str]]:
    """Label and text of every line below the drawing."""
    if not math.isfinite(value):
        facts = [("value", f"{value:g}"), ("class", kind)]
        if math.isinf(value):
            edge = fmt.max if value > 0 else fmt.min
            shown = f"{_digits(fmt, edge)} ({_code(fmt, encode(fmt, Fraction(edge), 'nearest_even'))})"
            facts.append(("below" if value > 0 else "above", shown))
        return facts
    exact = Fraction(value)
    ulp = ulp_at(fmt, exact)
    ways = [show_decimal(exact, 60), show_fraction(exact), _formula(fmt, code, kind), show_hexadecimal(value)]
    first, *others = dict.fromkeys(ways) if exact else ["-0" if math.copysign(1, value) < 0 else "0"]
    return [
        ("value", first),
        *(("", f"= {way}") for way in others),
        ("class", kind),
        ("ulp", f"{show_decimal(ulp)} = {show_power(float(ulp))}"),
        ("below", _neighbour(fmt, exact - TINY, "toward_negative")),
        ("above", _neighbour(fmt, exact + TINY, "toward_positive")),
    ]


def classify(fmt: hu.Format, code: int, value: float) -> str:
    """normal, subnormal, zero, inf or nan; what has no exponent field is an integer or fixed point."""
    if math.isnan(value):
        if fmt.specials != "ieee":
            return "nan"
        return "nan, quiet" if code >> (fmt.mantissa_bits - 1) & 1 else "nan, signaling"
    if math.isinf(value):
        return "inf"
    if value == 0:
        return "zero"
    if fmt.exponent_bits == 0:
        return "integer" if fmt.kind == "integer" else "fixed point"
    field = code >> fmt.mantissa_bits & ((1 << fmt.exponent_bits) - 1)
    return "normal" if field or not fmt.has_zero else "subnormal"


def _formula(fmt: hu.Format, code: int, kind: str) -> str:
    """The value as the fields make it."""
    m = fmt.mantissa_bits
    if kind not in ("normal", "subnormal"):
        step = Fraction(lowest_ulp(fmt))
        return f"{Fraction(decode(fmt, code)) / step} * {show_fraction(step)}"
    sign = "-" if fmt.signed and code >> (fmt.bits - 1) else ""
    field = code >> m & ((1 << fmt.exponent_bits) - 1)
    digits = f".{code & ((1 << m) - 1):0{m}b}" if m else ""
    exponent = f"{field or 1} - {fmt.bias}" if fmt.has_zero else f"{field} - {fmt.bias}"
    return f"{sign}{int(kind == 'normal')}{digits}b * 2^({exponent})"


def _draw(fmt: hu.Format, code: int) -> None:
    """The bit fields in boxes, labels above, places of the first and last bit below."""
    fields: list[tuple[str, int]] = []
    if fmt.kind == "integer":
        fields = [("two's complement" if fmt.signed else "integer", fmt.bits)]
    else:
        fields = [("sign", int(fmt.signed)), ("exponent", fmt.exponent_bits), ("mantissa", fmt.mantissa_bits)]
    labels, bits, rest = [], [], fmt.bits
    for label, width in fields:
        if width:
            rest -= width
            text = f"{code >> rest & ((1 << width) - 1):0{width}b}"
            size = max(len(label), len(text))
            labels.append(label.center(size))
            bits.append(text.center(size))
    edge = "+".join("-" * (len(text) + 2) for text in bits)
    print(f"         {'   '.join(labels)}".rstrip())
    print(f"       +{edge}+\n       | {' | '.join(bits)} |\n       +{edge}+")


def _neighbour(fmt: hu.Format, beyond: Fraction, rounding: str) -> str:
    """The next value in one direction, found by rounding a number just past this one outward."""
    code = encode(fmt, beyond, rounding)
    value = decode(fmt, code)
    if math.isnan(value):
        return "none"
    if math.isfinite(value):  # the last values, and formats that saturate, answer with a value on this side
        there = Fraction(value)
        if there < beyond if rounding == "toward_positive" else there > beyond:
            return "none"
    return f"{_digits(fmt, value)} ({_code(fmt, code)})"
