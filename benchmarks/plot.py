"""The fractions of the memory loop as a drawing: one bar a size, and a mark for each peer."""

from __future__ import annotations

import argparse
from html import escape
from itertools import groupby
from pathlib import Path

from benchmarks.report import SIZE_NAMES, Row

LABELS, SCALE, BAR, GAP, TOP = 230, 480, 11, 10, 44  # pixels; SCALE is those of a fraction of 1
FILLS = {"small": "#9ecae1", "medium": "#4292c6", "large": "#084594"}
MARKS = {"numpy": "#d94801", "ml_dtypes": "#238b45", "torch": "#cb181d"}
TEXT = '<text x="{x}" y="{y}" font-size="12" font-family="sans-serif" text-anchor="{anchor}">{text}</text>'
RECT = '<rect x="{x}" y="{y}" width="{width:.1f}" height="{height}" fill="{fill}"><title>{title}</title></rect>'


def path(text: str) -> Path:
    """An argument that names an SVG file."""
    if not text.endswith(".svg"):
        raise argparse.ArgumentTypeError(f"the drawing is an SVG: FILE must end in .svg, not {text!r}")
    return Path(text)


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return TEXT.format(x=x, y=y, text=escape(text), anchor=anchor)


def _bar(row: Row, y: int) -> list[str]:
    """The bar of one row, and a mark where each peer's would end."""
    title = f"{SIZE_NAMES[row.size]}: {row.of_loop:.2f} of the loop, {row.ge_per_s:.2f} Ge/s"
    width = min(row.of_loop, 1.2) * SCALE
    drawn = [RECT.format(x=LABELS, y=y, width=width, height=BAR - 1, fill=FILLS[row.size], title=title)]
    for name, fill in MARKS.items():
        times = getattr(row, name)
        if times is not None:
            x = f"{LABELS + min(row.of_loop / times, 1.2) * SCALE - 1:.1f}"
            title = f"{name}: {row.of_loop / times:.2f} of the loop"
            drawn.append(RECT.format(x=x, y=y - 1, width=3, height=BAR + 1, fill=fill, title=title))
    return drawn


def _legend() -> list[str]:
    drawn, x = [], LABELS
    names = {SIZE_NAMES[size]: fill for size, fill in FILLS.items()} | MARKS
    for name, fill in names.items():
        drawn += [RECT.format(x=x, y=8, width=10, height=10, fill=fill, title=name), _text(x + 14, 17, name)]
        x += 24 + 8 * len(name)
    return drawn


def svg(rows: list[Row]) -> str:
    """The drawing: conversions from top to bottom, the loop's own speed at 1."""
    drawn, y = _legend(), TOP
    for conversion, group in groupby(rows, key=lambda row: row.conversion):
        bars = list(group)
        drawn.append(_text(LABELS - 8, y + BAR * len(bars) // 2 + 4, conversion, "end"))
        for row in bars:
            drawn += _bar(row, y)
            y += BAR
        y += GAP
    for tenths in range(0, 13, 2):
        x = LABELS + SCALE * tenths // 10
        stroke = "#888" if tenths == 10 else "#ddd"
        drawn.insert(0, f'<line x1="{x}" y1="{TOP - 6}" x2="{x}" y2="{y}" stroke="{stroke}"/>')
        drawn.append(_text(x, TOP - 10, f"{tenths / 10:.1f}", "middle"))
    size = f'width="{LABELS + SCALE * 13 // 10}" height="{y + 10}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}><rect width="100%" height="100%" fill="white"/>'
    return "\n".join([head, *drawn, "</svg>"]) + "\n"
