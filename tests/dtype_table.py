"""The table of docs/dtypes.md, made by running each operation: ``python tests/dtype_table.py`` rewrites it.

Each operation runs in a child of its own, because some crash it. The rows are tests/dtype_operations.txt.
"""

from __future__ import annotations

import ast
import copy
import decimal
import faulthandler
import fractions
import importlib
import importlib.metadata
import json
import math
import os
import pickle
import resource
import signal
import tempfile
import warnings
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import halfulp as hu
import numpy as np
from oracle import NAMED, decode, encode, inf, nan, real

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "dtypes.md"
OPERATIONS = HERE / "dtype_operations.txt"
BEGIN = "<!-- operations: written by tests/dtype_table.py -->\n"
END = "<!-- end of operations -->\n"
SECONDS = 20
MOST = 6  # numbers shown
NARROW, WIDE = "float8_e4m3fn", "bfloat16"


class Operation(NamedTuple):
    """A line of the list."""

    subject: str
    code: str
    instead: str
    steps: bool
    format: str


class Result(NamedTuple):
    """What an operation gave: its text, all its numbers, and their dtypes ("f" is the dtype asked for)."""

    text: str
    numbers: list[float]
    dtypes: list[str]
    raised: bool = False
    crashed: bool = False


def operations() -> Iterator[Operation]:
    """Those of the list, the ones for both formats twice."""
    subject = ""
    for line in OPERATIONS.read_text().splitlines():
        if line.startswith("["):
            subject = line[1:-1]
        elif line and not line.startswith("#"):
            code, _, instead = (part.strip() for part in line[2:].partition("->"))
            for format in (NARROW, WIDE) if line[0] == "*" else (NARROW,):
                yield Operation(subject, code, instead, line[0] == "~", format)


# -- one operation


def names(f: Any, path: str) -> dict[str, Any]:
    """What the code of an operation may use."""
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    x = np.array([1.5, -2, 0.5, 3], f)
    return {
        **{"f": f, "x": x, "s": x[0], "y": np.array([2, 0.5, -1, 0.25], f), "m": np.array([[1.5, -2], [0.5, 3]], f)},
        **{"n": np.array([3, math.nan, 1, -1], f), "ones": np.ones(1000, f), "path": path, "inf": math.inf},
        **{"nan": math.nan, "np": np, "hu": hu, "json": json, "pickle": pickle, "copy": copy, "math": math},
        **{"Fraction": fractions.Fraction, "Decimal": decimal.Decimal, "rng": np.random.default_rng(0)},
    }


def evaluated(code: str, f: Any, path: str) -> Any:
    *before, last = ast.parse(code).body
    assert isinstance(last, ast.Expr)
    given = names(f, path)
    exec(compile(ast.Module(before, []), "before", "exec"), given)
    return eval(compile(ast.Expression(last.value), "last", "eval"), given)


def described(value: Any, f: Any) -> Result:
    """A result in few words."""
    if isinstance(value, np.dtype):
        return Result(named(value, f), [], [])
    if isinstance(value, np.ndarray | np.generic):
        found = value.tolist()
        flat = np.ravel(np.asarray(value)).tolist()
        text = f"{shown(flat[:MOST])[:-1]}, ...]" if len(flat) > MOST else shown(found)
        return Result(f"{text}` `{named(value.dtype, f)}", list(numbers(flat)), [named(value.dtype, f)])
    if isinstance(value, tuple) and any(isinstance(v, np.ndarray) for v in value):
        parts = [described(v, f) for v in value]
        return Result(
            "`, `".join(p.text for p in parts),
            [n for p in parts for n in p.numbers],
            [d for p in parts for d in p.dtypes],
        )
    flat = value if isinstance(value, list | tuple) else [] if isinstance(value, bool) else [value]
    return Result(shown(value), list(numbers(flat)), [type(value).__name__])


def named(dtype: Any, f: Any) -> str:
    return "f" if dtype == f else dtype.name or str(dtype)


def numbers(values: list[Any]) -> Iterator[float]:
    for value in values:
        if isinstance(value, complex | np.complexfloating):
            yield from (float(value.real), float(value.imag))
        elif isinstance(value, int | float | np.number | np.bool_):
            yield float(value)


def shown(value: Any) -> str:
    if isinstance(value, tuple | list):
        inner = ", ".join(shown(v) for v in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner})"
    if isinstance(value, complex | np.complexfloating):
        return f"{value.real:.4g}{value.imag + 0.0:+.4g}j"  # one sign of zero
    if isinstance(value, float | np.floating):
        return f"{float(value):.5g}"
    return str(value) if isinstance(value, bool | int | np.generic) else repr(value)


def run(codes: list[str], f: Any, *, alone: bool = False) -> list[Result]:
    """Results in the order of the codes. After a crash a new child goes on; `alone` gives each a child of its own."""
    made: list[Result] = []
    while len(made) < len(codes):
        made += in_child(codes[len(made) :][: 1 if alone else None], f)
    return made


def in_child(codes: list[str], f: Any) -> list[Result]:
    """The results of some code, up to a crash."""
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
        child = os.fork()
    if child == 0:
        try:
            os.close(read)
            answer(codes, f, write)
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        made = [Result(*json.loads(line)) for line in pipe]
    _, status = os.waitpid(child, 0)
    if len(made) < len(codes):
        number = os.WTERMSIG(status)
        assert number, "a child has ended without a word"
        name = "hangs" if number == signal.SIGALRM else signal.Signals(number).name
        made.append(Result(name, [], [], crashed=True))
    return made


def answer(codes: list[str], f: Any, pipe: int) -> None:
    faulthandler.disable()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for code in codes:
        signal.alarm(SECONDS)
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder, "file.npz" if "savez" in code else "file.npy"))
            try:
                result = described(evaluated(code, f, path), f)
            except Exception as error:
                public = next(t for t in type(error).__mro__ if t.__module__ == "builtins")
                result = Result(public.__name__, [], [str(error)], raised=True)
        os.write(pipe, json.dumps(result).encode() + b"\n")


# -- whether it is right


def rounded(x: float, dtype: str, format: str) -> float:
    """The number of the format, or of a dtype of NumPy, that is nearest to a binary64 number."""
    kind = {"f": format, "complex64": "float32"}.get(dtype, dtype)
    if kind in ("float32", "float16"):
        with np.errstate(all="ignore"):
            return float(np.dtype(kind).type(x))
    if kind not in NAMED:
        return x
    special = nan() if math.isnan(x) else inf(x < 0) if math.isinf(x) else real(Fraction(x))
    found = decode(NAMED[kind], encode(NAMED[kind], special))
    size = {"finite": found.magnitude, "inf": math.inf, "nan": math.nan}[found.kind]
    return -float(size) if found.negative else float(size)


def is_wrong(result: Result, truth: Result, format: str) -> bool:
    """Whether a number is not the one that binary64 gives, rounded once to the dtype it came in."""
    if result.raised or result.crashed or truth.raised:
        return False
    if len(result.numbers) != len(truth.numbers):
        return True
    dtype = result.dtypes[0] if result.dtypes else ""
    right = (rounded(x, dtype, format) for x in truth.numbers)
    return not all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(result.numbers, right, strict=True))


def is_rough(result: Result, truth: Result) -> bool:
    """Whether numbers in one of NumPy's floats are a few units in the last place off: functions are no better there."""
    pairs = zip(result.numbers, truth.numbers, strict=True)
    return result.dtypes[0] in ("float32", "float64") and all(math.isclose(a, b, rel_tol=1e-6) for a, b in pairs)


# -- rows


class Row(NamedTuple):
    """An operation and its results; `truth` is of binary64, where that says what is right."""

    operation: Operation
    float32: Result
    ours: Result
    instead: Result | None
    theirs: Result | None
    truth: Result | None

    def cells(self) -> list[str]:
        o = self.operation
        ours = cell(self.ours, self.is_wrong(self.ours))
        if self.instead is not None:
            ours += f"; {coded(o.instead)}: {cell(self.instead, False)}"
        theirs = ""
        if self.theirs is not None:
            wrong = self.is_wrong(self.theirs) and self.truth is not None and not is_rough(self.theirs, self.truth)
            theirs = cell(self.theirs, wrong)
        first = coded(o.code) + (f" ({o.format})" if o.format != NARROW else "")
        return [first, cell(self.float32, False), ours, theirs]

    def is_wrong(self, result: Result) -> bool:
        return self.truth is not None and is_wrong(result, self.truth, self.operation.format)


def coded(code: str) -> str:
    return f"`{code}`".replace("|", r"\|")


def cell(result: Result, wrong: bool) -> str:
    if result.raised:
        return result.text
    if result.crashed:
        return f"**crash** ({result.text})"
    return ("**wrong:** " if wrong else "") + coded(result.text)


def rows(format: str, with_peer: bool) -> list[Row]:
    """The rows of one format."""
    found = [o for o in operations() if o.format == format]
    codes = [o.code for o in found]
    f = hu.formats[format].dtype
    theirs: list[Result | None] = [None] * len(found)
    if with_peer:
        peer = importlib.import_module("ml_dtypes")
        theirs = [*run(codes, np.dtype(getattr(peer, format)), alone=True)]
    plain, ours, truth = (run(codes, dtype) for dtype in (np.dtype(np.float32), f, np.dtype(np.float64)))
    made = []
    for i, o in enumerate(found):
        row = Row(o, plain[i], ours[i], None, theirs[i], None if o.steps else truth[i])
        if o.instead and (row.ours.raised or row.is_wrong(row.ours)):
            row = row._replace(instead=run([o.instead], f)[0])
        made.append(row)
    return made


# -- the page


def versions() -> str:
    found = (f"{name} {importlib.metadata.version(name)}" for name in ("numpy", "ml_dtypes"))
    return f"Made with {' and '.join(found)}."


def tables(with_peer: bool = True) -> str:
    """All of them, in the order of the list."""
    made = [row for format in (NARROW, WIDE) for row in rows(format, with_peer)]
    order = list(operations())
    made.sort(key=lambda row: order.index(row.operation))
    lines = [versions(), ""]
    for subject in dict.fromkeys(row.operation.subject for row in made):
        lines += [f"### {subject}", "", "| operation | float32 | halfulp | ml_dtypes |", "| :-- | :-- | :-- | :-- |"]
        lines += [f"| {' | '.join(row.cells())} |" for row in made if row.operation.subject == subject]
        lines.append("")
    return "\n".join(lines)


def replaced(text: str, table: str) -> str:
    """The page with this table between its markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("docs/dtypes.md has lost the markers of its table")
    return before + begin + table + end + after


if __name__ == "__main__":
    PAGE.write_text(replaced(PAGE.read_text(), tables()))
