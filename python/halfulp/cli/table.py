"""Tables, progress and figures for people: rich on a terminal, plain aligned text in a pipe."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

COLUMN_GAP = "  "


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: a column that begins with '<' is left-justified text, the others are figures."""
    heads = [column.removeprefix("<") for column in columns]
    left = [column.startswith("<") for column in columns]
    if sys.stdout.isatty():
        _rich_table(heads, left, rows)
        return
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    for row in [heads, ["-" * width for width in widths], *rows]:
        cells = [
            cell.ljust(w) if is_left else cell.rjust(w) for cell, w, is_left in zip(row, widths, left, strict=True)
        ]
        print(COLUMN_GAP.join(cells).rstrip())


def _rich_table(heads: Sequence[str], left: Sequence[bool], rows: Sequence[Sequence[str]]) -> None:
    # Imported only when needed: it takes longer than a short command.
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # One space of padding and one of the box: columns stand as close as in plain text, so 80 columns suffice.
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="bold")
    for head, is_left in zip(heads, left, strict=True):
        table.add_column(Text(head), justify="left" if is_left else "right", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))  # Text: names from a file are never markup
    size = shutil.get_terminal_size()  # rich alone would believe that a dumb terminal has 80 columns
    Console(width=size.columns, height=size.lines).print(table)


class Progress(Protocol):
    """Something that is told how far the work has come."""

    def __call__(self, done: int) -> None:
        """Add `done` units of work."""


@contextmanager
def progress(what: str, total: int) -> Iterator[Progress]:
    """A progress bar on stderr while a person looks on, else nothing."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.advance(task, done)


def show_bytes(count: float) -> str:
    """A size as people write it: 90.9 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def show_share(part: int, whole: int) -> str:
    """A share in percent; only none looks like none, and only all like all."""
    if part in (0, whole):
        return "100%" if part else "0"
    percent = 100 * part / whole
    return "<0.001%" if percent < 0.001 else ">99.9%" if percent >= 99.95 else f"{percent:.3g}%"


def show_figure(value: float) -> str:
    """A measured figure in three digits."""
    return "0" if value == 0 else f"{value:.3g}"


def show_decibels(value: float) -> str:
    """A signal-to-noise ratio; no noise at all is 'exact'."""
    return "exact" if value == float("inf") else "-" if value != value else f"{value:.1f}"
