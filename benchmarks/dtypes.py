"""Dtypes beside ml_dtypes, NumPy and our kernels: `python -m benchmarks.dtypes [--isa NAME] [--write]`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import halfulp as hu
import numpy as np

from benchmarks.contenders import optional
from benchmarks.report import machine
from benchmarks.timing import Call, interleaved, ratio, repeated

Array = np.ndarray[Any, Any]
PAGE = Path(__file__).with_name("dtypes.md")
FORMATS = ("bfloat16", "float8_e4m3fn", "float8_e5m2", "float4_e2m1fn")
IN_CACHE = 256 << 10
SORTED = 1 << 20
TINY = (1, 10, 100)
HEADER = "| what | elements | ns per element | of our kernel's time | x ml_dtypes | x NumPy float32 |"
Table = Iterator[tuple[str, int, dict[str, Call]]]  # the contenders: ours, kernel, ml_dtypes, float32


class Operands:
    """Random normal numbers of a format, as everyone wants them."""

    def __init__(self, name: str, n: int) -> None:
        self.format = hu.formats[name]
        rng = np.random.default_rng(20261121)
        self.x = rng.standard_normal(n, np.float32)
        self.y = rng.standard_normal(n, np.float32)
        self.a, self.b = self.x.astype(self.format.dtype), self.y.astype(self.format.dtype)
        self.codes = [each.view(self.format.code_dtype) for each in (self.a, self.b)]
        self.peer = getattr(optional("ml_dtypes"), name, None)

    def peers(self, make: Callable[[Array, Array], Call]) -> dict[str, Call]:
        """The same on ml_dtypes and on float32."""
        found = {"float32": make(self.x, self.y)}
        if self.peer is not None:
            found["ml_dtypes"] = make(self.a.view(self.peer), self.b.view(self.peer))
        return found


def casts(n: int) -> Table:
    """To and from float32, into results that exist; bfloat16 between the formats."""
    for name in FORMATS:
        o = Operands(name, n)
        out, codes = np.empty_like(o.a), np.empty_like(o.codes[0])
        values = np.empty_like(o.x)
        found: dict[str, Call] = {
            "ours": lambda o=o, out=out: np.copyto(out, o.x, casting="unsafe"),  # type: ignore[misc]
            "kernel": lambda o=o, codes=codes: o.format.encode(o.x, out=codes),  # type: ignore[misc]
        }
        back: dict[str, Call] = {
            "ours": lambda o=o, values=values: np.copyto(values, o.a),  # type: ignore[misc]
            "kernel": lambda o=o, values=values: o.format.decode(o.codes[0], out=values),  # type: ignore[misc]
        }
        if o.peer is not None:
            peer, typed = out.view(o.peer), o.a.view(o.peer)
            found["ml_dtypes"] = lambda o=o, peer=peer: np.copyto(peer, o.x, casting="unsafe")  # type: ignore[misc]
            back["ml_dtypes"] = lambda typed=typed, values=values: np.copyto(values, typed)  # type: ignore[misc]
        yield f"float32 -> {name}", n, found
        yield f"{name} -> float32", n, back


def arithmetic(n: int) -> Table:
    """Operators on two arrays, into a result that exists."""
    for name in FORMATS:
        o = Operands(name, n)
        for ufunc in (np.add, np.multiply):
            coded = hu.ops.ufunc(ufunc.__name__, format=o.format)
            codes = np.empty_like(o.codes[0])

            def into(a: Array, b: Array, ufunc: np.ufunc = ufunc) -> Call:
                out = np.empty_like(a)
                return lambda: ufunc(a, b, out=out)

            found = {"ours": into(o.a, o.b), **o.peers(into)}
            found["kernel"] = lambda o=o, coded=coded, codes=codes: coded(*o.codes, out=codes)  # type: ignore[misc]
            yield f"{ufunc.__name__}, {name}", n, found


def ordering(n: int) -> Table:
    """Sorting and searching."""
    functions: dict[str, Callable[[Array], Any]] = {
        "np.sort": np.sort,
        "np.sort, stable": lambda v: np.sort(v, kind="stable"),
        "np.argsort": np.argsort,
        "np.unique": np.unique,
        "np.argmax": np.argmax,
        "np.max": np.max,
        "np.searchsorted": lambda v: np.searchsorted(v[:100], v),
    }
    for name in FORMATS[:2]:
        o = Operands(name, n)
        for spelling, function in functions.items():

            def on(a: Array, _: Array, function: Callable[[Array], Any] = function) -> Call:
                return lambda: function(a)

            yield f"{spelling}, {name}", n, {"ours": on(o.a, o.b), **o.peers(on)}


def tiny() -> Table:
    """What a call costs on few elements, or on a scalar."""
    calls: dict[str, Callable[[Any, Any], Any]] = {
        "a + b": lambda a, b: a + b,
        "a * 1.5": lambda a, b: a * 1.5,
        "a < b": lambda a, b: a < b,
        "-a": lambda a, b: -a,
    }
    for n in TINY:
        o = Operands("float8_e4m3fn", n)
        found: dict[str, Call] = {"ours": lambda o=o: o.x.astype(o.format.dtype)}  # type: ignore[misc]
        if o.peer is not None:
            peer = np.dtype(o.peer)
            found["ml_dtypes"] = lambda o=o, peer=peer: o.x.astype(peer)  # type: ignore[misc]
        yield "x.astype(float8_e4m3fn)", n, found
        for spelling, call in calls.items():

            def on(a: Any, b: Any, call: Callable[[Any, Any], Any] = call) -> Call:
                return lambda: call(a, b)

            yield f"{spelling}, float8_e4m3fn", n, {"ours": on(o.a, o.b), **o.peers(on)}
            if n == 1:
                scalars = {who: (x[0], y[0]) for who, x, y in (("ours", o.a, o.b), ("float32", o.x, o.y))}
                if o.peer is not None:
                    scalars["ml_dtypes"] = o.a.view(o.peer)[0], o.b.view(o.peer)[0]
                yield f"{spelling}, a scalar", n, {who: on(*pair) for who, pair in scalars.items()}


def row(what: str, n: int, contenders: dict[str, Call], rounds: int) -> str:
    """One line of the table."""
    times = interleaved({name: repeated(call) for name, call in contenders.items()}, rounds)
    ours = times["ours"]
    cells = [what, str(n), f"{median(ours) / n:.3g}"]
    cells.append(f"{ratio(ours, times['kernel']):.2f}" if "kernel" in times else "-")
    cells += [f"{ratio(times[peer], ours):.2f}" if peer in times else "-" for peer in ("ml_dtypes", "float32")]
    return "| " + " | ".join(cells) + " |"


def import_ms(rounds: int) -> tuple[float, float]:
    """Milliseconds of processor time to import NumPy alone and with us: the least of some runs."""
    least = []
    for statement in ("import numpy", "import numpy, halfulp"):
        program = f"import time; before = time.process_time(); {statement}; print(time.process_time() - before)"
        command = [sys.executable, "-c", program]
        with tempfile.TemporaryDirectory() as compiled:  # by the first run, as an installed package is
            words = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
            words["PYTHONPYCACHEPREFIX"] = compiled
            runs = [subprocess.run(command, capture_output=True, check=True, env=words) for _ in range(rounds)]
        least.append(min(float(run.stdout) for run in runs) * 1e3)
    return least[0], least[1]


def main() -> None:
    """Measure, print, and if asked write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dtypes", description=__doc__)
    parser.add_argument("--elements", type=int, default=64 << 20)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--isa", choices=hu.available_isas(), default=hu.isa)
    parser.add_argument("--write", action="store_true", help="write benchmarks/dtypes.md")
    args = parser.parse_args()
    lines = [HEADER, "|---|" + "---:|" * 5]
    print("\n".join(lines))
    with hu.use_isa(args.isa), np.errstate(all="ignore"):
        for table in (casts(IN_CACHE), casts(args.elements), arithmetic(args.elements), ordering(SORTED), tiny()):
            for what, n, contenders in table:
                lines.append(row(what, n, contenders, args.rounds))
                print(lines[-1], flush=True)
    alone, together = import_ms(30)
    imports = f"`import numpy` takes {alone:.1f} ms of processor time, with `import halfulp` {together:.1f} ms."
    print(f"\n{imports}")
    if args.write:
        facts = "\n".join(f"- {key}: {value}" for key, value in machine().items())
        table = "\n".join(lines)
        PAGE.write_text(f"""# Formats as NumPy dtypes

`python -m benchmarks.dtypes --elements {args.elements} --isa {args.isa} --write`: random normal numbers, one thread,
every contender once a round, ratios within rounds ({args.rounds} of them). Casts and arithmetic go into arrays that
exist. "Our kernel" is `encode`, `decode` or the ufunc of `halfulp.ops` on codes; above 1.00 the dtype is slower.
"x ml_dtypes" is that package's time over ours: above 1.00 ours is faster.

{facts}

{table}

{imports}
""")


if __name__ == "__main__":
    main()
