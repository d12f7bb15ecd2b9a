"""Codebooks on the command line: the table of them, and one number among the levels of one."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import halfulp as hu
from halfulp.cli.exact import show_decimal, show_fraction, show_hexadecimal
from halfulp.cli.table import print_table


def print_codebooks() -> None:
    """The named codebooks, one a line."""
    columns = ["<codebook", "bits", "levels", "min", "max", "<zero", "<NaN becomes"]
    print_table(columns, [_row(name, book) for name, book in hu.codebooks.items()])


def _row(name: str, book: hu.Codebook) -> list[str]:
    values = book.values()
    zero = f"{int(book.encode(0)):#x}" if 0 in values else "-"
    nan = f"{int(book.encode(math.nan)):#x}"
    return [name, str(book.bits), str(len(book.ties) + 1), f"{values[0]:.9g}", f"{values[-1]:.9g}", zero, nan]


def document(name: str, book: hu.Codebook) -> dict[str, Any]:
    """A codebook for JSON, numbers exact as hexadecimal floats."""
    return {
        "name": name,
        "text": book.text,
        "kind": "codebook",
        "bits": book.bits,
        "levels": [float(level).hex() for level in book.levels],
        "thresholds": [float(threshold).hex() for threshold in book.thresholds],
        "ties": book.ties,
    }


def show(book: hu.Codebook, text: str, code: int | None, rounding: str | None) -> None:
    """A code of a codebook, or what becomes of a value."""
    rounding = rounding or "table"
    levels = book.levels
    if code is not None and (code >= len(levels) or math.isnan(levels[code])):
        raise ValueError(f"no level of {book.name[:80]} has the code {text}")
    chosen = int(hu.encode(text, book, rounding=rounding)) if code is None else code
    print(f"{book.name}, {book.bits} bits, {len(book.ties) + 1} levels\n")
    if code is None:
        held = hu.encode(text, book, rounding="toward_negative") == hu.encode(text, book, rounding="toward_positive")
        print(f"{text} becomes {_level(book, chosen)} by {rounding}.\n")
        if not held:
            modes = ["table", *(mode for mode in hu.roundings if mode.startswith(("nearest", "toward")))]
            rows = [[mode, _level(book, int(hu.encode(text, book, rounding=mode)))] for mode in modes]
            print_table(("<rounding", "<value"), rows)
            print()
    for label, line in _facts(book, chosen):
        print(f"{label:<6} {line}")


def _level(book: hu.Codebook, code: int) -> str:
    return f"{book.levels[code]:.9g} ({code:#x})"


def _facts(book: hu.Codebook, code: int) -> list[tuple[str, str]]:
    """Label and text of every line about one code."""
    value = float(book.levels[code])
    exact = Fraction(value)
    shown = "-0" if value == 0 and math.copysign(1, value) < 0 else show_decimal(exact, 60)
    order = sorted((float(v), math.copysign(1, v), c) for c, v in enumerate(book.levels) if not math.isnan(v))
    place = [c for _, _, c in order].index(code)
    neighbours = {label: place + step for label, step in (("below", -1), ("above", 1))}
    facts = [("code", f"{code:#x} = {code} = 0b{code:0{book.bits}b}"), ("value", shown)]
    ways = dict.fromkeys((show_fraction(exact), show_hexadecimal(value))) if value else ()
    facts += [("", f"= {way}") for way in ways if way != shown]
    facts.append(("takes", _interval(book, place)))
    for label, other in neighbours.items():
        facts.append((label, _level(book, order[other][2]) if 0 <= other < len(order) else "none"))
    return facts


def _interval(book: hu.Codebook, place: int) -> str:
    """What the table gives to the level at a place."""
    words = []
    if place:
        word = "from" if book.ties[place - 1] == "upper" else "above"
        words.append(f"{word} {show_decimal(book.thresholds[place - 1])}")
    if place < len(book.ties):
        word = "below" if book.ties[place] == "upper" else "up to"
        words.append(f"{word} {show_decimal(book.thresholds[place])}")
    return ", ".join(words)
