"""What docs/dtype_math.md says of NumPy's functions on dtypes, by MPFR: ``python tests/math_table.py`` rewrites it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from dtype_cases import SPECS, Array, array, codes_in, judge, name_of
from math_oracle import BINARY, UNARY, values
from oracle import NAMED, Spec

PAGE = Path(__file__).resolve().parent.parent / "docs" / "dtype_math.md"
BEGIN = "<!-- written by tests/math_table.py -->\n"
SMALL = [s for s in SPECS if s.bits <= 8]
LARGE = [s for s in SPECS if 8 < s.bits <= 16]
PAIRED = [NAMED[name] for name in ("float6_e2m3fn", "float6_e3m2fn", "float8_e4m3fn", "float8_e5m2")]


class Found(NamedTuple):
    """Of one function and format: what is wrong, what is a middle exactly, and how near any other comes to one."""

    count: int
    wrong: list[str]
    middles: list[str]
    margin: float  # in units of the last place of binary64


def compare(name: str, spec: Spec, *codes: Array) -> Found:
    """A ufunc on these codes beside the exact values."""
    judged, operands = judge(spec), [array(spec, c) for c in codes]
    numbers = [judged.values[c] for c in codes]
    exact = values((UNARY if len(codes) == 1 else BINARY)[name], *numbers)
    with np.errstate(all="ignore"):
        got = codes_in(getattr(np, name)(*operands), spec)
        want = judged.encode(exact)
        off = got != want
        finite = np.isfinite(exact) & (abs(exact) <= judged.middles[-1])
        at = np.searchsorted(judged.middles, abs(exact))
        near = np.stack([judged.middles[np.clip(at + d, 0, len(judged.middles) - 1)] for d in (-1, 0)])
        distance = abs(near - abs(exact)).min(0) / np.spacing(abs(exact))
    tie = finite & (distance == 0)
    rest = distance[finite & ~tie]

    def named(mask: Array) -> list[str]:
        shown = [", ".join(f"{n[i]:g}" for n in numbers) for i in np.flatnonzero(mask)]
        return [f"{name}({x})" for x in shown]

    return Found(got.size, named(off), named(tie), float(rest.min()) if rest.size else math.inf)


def all_codes(spec: Spec) -> Array:
    return np.arange(1 << spec.bits)


def all_pairs(spec: Spec) -> list[Array]:
    grid: list[Array] = list(np.meshgrid(all_codes(spec), all_codes(spec)))
    return [g.ravel() for g in grid]


def rows(names: Any, groups: list[list[Spec]], paired: bool) -> Iterator[tuple[list[str], list[str]]]:
    """The cells of each function, and lines about single results."""
    for name in names:
        cells, lines = [f"`{name}`"], []
        for group in groups:
            found = {s: compare(name, s, *(all_pairs(s) if paired else [all_codes(s)])) for s in group}
            wrong = sum(len(f.wrong) for f in found.values())
            margin = min(f.margin for f in found.values())
            near = "" if math.isinf(margin) else f"2^{math.floor(math.log2(margin))}"
            cells += [f"{sum(f.count for f in found.values()):,}", str(wrong), near]
            cells.append(str(sum(len(f.middles) for f in found.values())))
            lines += [f"- {name_of(s)}: {x}\n" for s, f in found.items() for x in f.wrong]
        yield cells, lines


def table(names: Any, groups: dict[str, list[Spec]], paired: bool = False) -> tuple[str, str]:
    head = ["function"]
    for title in groups:
        head += [title, "wrong", "nearest", "exact"]
    found = list(rows(names, list(groups.values()), paired))
    rule = [":--", *["--:"] * (len(head) - 1)]
    text = "".join(f"| {' | '.join(cells)} |\n" for cells in (head, rule, *(cells for cells, _ in found)))
    return text, "".join(line for _, lines in found for line in lines)


def page() -> str:
    """All that follows the marker."""
    unary, wrong = table(UNARY, {"<= 8 bits": SMALL, "<= 16 bits": LARGE})
    binary, wrong_pairs = table(BINARY, {"pairs": PAIRED}, paired=True)
    listed = [", ".join(f"`{name_of(s)}`" for s in group) for group in (SMALL, LARGE, PAIRED)]
    return (
        f"\n## All codes\n\nOf at most 8 bits: {listed[0]}. Wider: {listed[1]}.\n\n{unary}"
        f"\n## All pairs of codes\n\n{listed[2]}.\n\n{binary}"
        f"\n## Each wrong result\n\n{wrong + wrong_pairs or 'None.'}\n".rstrip()
        + "\n"
    )


def replaced(text: str) -> str:
    before, begin, _ = text.partition(BEGIN)
    if not begin:
        raise ValueError(f"{PAGE.name} has lost its marker")
    return before + begin + page()


if __name__ == "__main__":
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
