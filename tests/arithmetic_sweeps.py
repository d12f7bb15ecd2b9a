"""The oracle's arithmetic for whole arrays of codes: exact outcomes and cells once, then any rules from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import product as every
from typing import Any

import numpy as np
from arithmetic_oracle import EXACT, TININESS, Cell, Exact, Operand, Rules, cell, finish, formats_of, operands, outcome
from arithmetic_oracle import read as read_code
from numpy.typing import NDArray
from oracle import OVERFLOWS, ROUNDINGS, Spec

Codes = NDArray[np.unsignedinteger[Any]]


def all_tuples(*specs: Spec) -> tuple[Codes, ...]:
    """Columns of codes: every combination of one code of each format."""
    axes = np.meshgrid(*(np.arange(1 << s.bits, dtype=np.uint32) for s in specs), indexing="ij")
    return tuple(axis.ravel() for axis in axes)


def random_tuples(count: int, seed: int, *specs: Spec) -> tuple[Codes, ...]:
    """Columns of random codes, a third of them within some places of another operand's, half of those negated."""
    rng = np.random.default_rng(seed)
    columns = [rng.integers(0, 1 << s.bits, count, dtype=np.uint64) for s in specs]
    for number in range(1, len(specs)):
        limit = np.uint64((1 << specs[number].bits) - 1)
        beside = columns[0] + rng.integers(0, 9, count).astype(np.uint64) - np.uint64(4)
        beside ^= np.where(rng.random(count) < 0.5, np.uint64(specs[number].sign_bit), np.uint64(0))
        columns[number] = np.where(rng.random(count) < 0.33, beside & limit, columns[number])
    return tuple(c.astype(np.uint32) for c in columns)


class Outcomes:
    """One operation on columns of codes; operands that flush make other outcomes, so that is decided here."""

    def __init__(self, operation: str, formats: Spec | tuple[Spec, ...], columns: Sequence[Codes], flush: bool = False):
        *sources, self.result = formats_of(operation, formats)
        self.flush = flush
        known: dict[tuple[Any, ...], int] = {}
        cells: dict[Exact | Cell, int] = {}
        tables = [_table(s, column, flush) for s, column in zip(sources, columns, strict=True)]
        index = []
        for codes in zip(*(column.tolist() for column in columns), strict=True):
            x = outcome(EXACT[operation], *(table[c] for table, c in zip(tables, codes, strict=True)))
            number = known.get(x)
            if number is None:
                at = cell(self.result, x.negative, x.magnitude) if x.kind == "real" else x
                number = known[x] = cells.setdefault(at, len(cells))
            index.append(number)
        self.cells = list(cells)
        self.index = np.array(index, np.intp)

    def results(self, rules: Rules) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
        """Codes and flags under any rules of the same reading of subnormal operands."""
        assert rules.flush_input == self.flush
        settled = [
            finish(self.result, Exact("real", at.negative), rules, at)
            if isinstance(at, Cell)
            else finish(self.result, at, rules)
            for at in self.cells
        ]
        codes, flags = zip(*settled, strict=True)
        return np.array(codes, np.uint64)[self.index], np.array(flags, np.uint8)[self.index]


def _table(spec: Spec, column: Codes, flush: bool) -> Sequence[Operand] | dict[int, Operand]:
    if spec.bits <= 8:
        return operands(spec, flush)
    return {code: read_code(spec, code, flush) for code in np.unique(column).tolist()}


OUTPUTS = ((), ("flush_output",), ("flush_tiny",))


def all_rules(
    flush: bool = False, roundings: Sequence[str] = ROUNDINGS, overflows: Sequence[str] = OVERFLOWS
) -> Iterator[Rules]:
    """Every rule but those of NaNs."""
    for rounding, overflow, output, tininess in every(roundings, overflows, OUTPUTS, TININESS):
        yield Rules(rounding, overflow, (("flush_input",) if flush else ()) + output, tininess)


def first_rules() -> Iterator[Rules]:
    """Every rounding mode and kind of tininess, the rest as usual."""
    for rounding, tininess in every(ROUNDINGS, TININESS):
        yield Rules(rounding, tininess=tininess)


def few_rules(flush: bool = False) -> list[Rules]:
    """Every mode with both kinds of tininess; every overflow and flushing rule, in the modes by turns."""
    modes = [r for r in first_rules() if not flush]
    turns = enumerate(every(OVERFLOWS, OUTPUTS))
    before = ("flush_input",) if flush else ()
    return modes + [Rules(ROUNDINGS[i % 6], over, before + out, ("after", "before")[i % 2]) for i, (over, out) in turns]


def rotated(names: Sequence[str], count: int) -> list[str]:
    """As many of the names as asked for, others each day."""
    start = date.today().toordinal() * count
    return [names[(start + i) % len(names)] for i in range(count)]


def assert_results(
    got: tuple[NDArray[Any], NDArray[Any]],
    want: tuple[NDArray[Any], NDArray[Any]],
    columns: Sequence[NDArray[Any]],
    *context: object,
) -> None:
    """Equality of codes and flags; a failure names the first few operands."""
    differing = np.flatnonzero((got[0] != want[0]) | (got[1] != want[1]))
    if differing.size:
        first = [
            f"({', '.join(hex(c[i]) for c in columns)}): got {int(got[0][i]):#x} flags {int(got[1][i])}, "
            f"want {int(want[0][i]):#x} flags {int(want[1][i])}"
            for i in differing[:6].tolist()
        ]
        raise AssertionError(f"{differing.size} of {got[0].size} differ; {context}; " + "; ".join(first))
