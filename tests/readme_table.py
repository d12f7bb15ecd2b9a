"""The table of formats in README.md, made from the formats themselves: ``python tests/readme_table.py`` rewrites it."""

from __future__ import annotations

import math
from pathlib import Path

import halfulp as hu
from halfulp import _core

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN = "<!-- formats: written by tests/readme_table.py -->\n"
END = "<!-- end of formats -->\n"
SOURCES = {row[0]: row[-1] for row in _core.formats()}


def power(x: float) -> str:
    """A power of two as one, unless it is a short decimal."""
    exponent = math.frexp(x)[1] - 1
    return f"{x:g}" if -3 <= exponent <= 7 else f"2^{exponent}"


def shown(x: float) -> str:
    """A number of up to seven digits, or what stands before its power of ten."""
    return f"{x:.7g}" if abs(x) < 1e7 else f"{x:.4e}".replace("e+0", "e").replace("e+", "e")


def row(f: hu.Format) -> list[str]:
    has = [word for word, there in (("Inf", f.has_inf), ("NaN", f.has_nan), ("-0", f.has_negative_zero)) if there]
    return [
        f"`{f.name}`",
        f"{f.bits}",
        f"{int(f.signed)}/{f.exponent_bits}/{f.mantissa_bits}",
        f"{f.bias}",
        f.specials + (", no zero" if not f.has_zero else ""),
        shown(f.max),
        power(f.min_normal),
        power(f.min_subnormal) if f.has_subnormals else "",
        " ".join(has),
        SOURCES[f.name],
    ]


def table() -> str:
    """The table, in Markdown."""
    head = ["name", "bits", "s/e/m", "bias", "specials", "max", "min normal", "min subnormal", "has", "what it is"]
    right = (1, 3, 5, 6, 7)
    rows = [row(f) for f in hu.formats.values()]
    rule = ["--:" if i in right else ":--" for i in range(len(head))]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, rule, *rows))


def replaced(text: str) -> str:
    """The README with this table between its markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("README.md has lost the markers of its table")
    return before + begin + table() + end + after


if __name__ == "__main__":
    README.write_text(replaced(README.read_text()))
