"""Arithmetic on codes beside ml_dtypes and NumPy: `python -m benchmarks.arithmetic [--isa NAME] [--write]`."""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import median
from typing import Any

import halfulp as hu
import numpy as np

from benchmarks.contenders import NUMPY_TYPES, optional
from benchmarks.report import machine
from benchmarks.timing import Repeated, interleaved, ratio, repeated

Array = np.ndarray[Any, Any]
PAGE = Path(__file__).with_name("arithmetic.md")
FORMATS = ("bfloat16", "float16", "float8_e4m3fn", "float8_e5m2", "float4_e2m1fn")
OPERATIONS = {"add": 2, "multiply": 2, "divide": 2, "sqrt": 1, "fma": 3, "remainder": 2, "minimum": 2, "less": 2}
MODES = tuple(r for r in hu.roundings if not r.startswith("stochastic"))
HEADER = "| format | operation | Ge/s | x NumPy or ml_dtypes | slowest mode / nearest_even | with flags / without |"


def contenders(name: str, op: str, operands: list[Array]) -> dict[str, Repeated]:
    """Every rounding mode of ours, with flags, and the peer, all into given results."""
    f = hu.formats[name]
    x = operands[: OPERATIONS[op]]
    plain = hu.ops.ufunc(op, format=f)
    with_flags = hu.ops.ufunc(op, format=f, flags=True)
    out = np.empty_like(plain(*(each[:1] for each in x)), shape=x[0].shape)
    flags = np.empty(x[0].shape, np.uint8)
    found: dict[str, Repeated] = {}
    for mode in MODES if op not in ("minimum", "less") else MODES[:1]:
        ufunc = hu.ops.ufunc(op, format=f, rounding=mode)
        found[mode] = repeated(lambda ufunc=ufunc: ufunc(*x, out=out))  # type: ignore[misc]
    found["flags"] = repeated(lambda: with_flags(*x, out=(out, flags)))
    dtype = NUMPY_TYPES.get(name, getattr(optional("ml_dtypes"), name, None))
    peer = getattr(np, op, None)
    if dtype is not None and peer is not None:
        typed = [each.view(dtype) for each in x]
        result = np.empty_like(out, dtype=bool) if op == "less" else out.view(dtype)
        found["peer"] = repeated(lambda: peer(*typed, out=result))
    return found


def row(name: str, op: str, operands: list[Array], rounds: int) -> str:
    """One line of the table."""
    times = interleaved(contenders(name, op, operands), rounds)
    ours = times[MODES[0]]
    others = [ratio(times[mode], ours) for mode in MODES[1:] if mode in times]
    cells = [
        name,
        op,
        f"{operands[0].size / median(ours):.2f}",
        f"{ratio(times['peer'], ours):.1f}" if "peer" in times else "-",
        f"{max(others):.2f}" if others else "-",
        f"{ratio(times['flags'], ours):.2f}",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Measure, print, and if asked write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.arithmetic", description=__doc__)
    parser.add_argument("--elements", type=int, default=64 << 20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--isa", choices=hu.available_isas(), default=hu.isa)
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--write", action="store_true", help="write benchmarks/arithmetic.md")
    args = parser.parse_args()
    rng = np.random.default_rng(20261121)
    lines = [HEADER, "|---|---|" + "---:|" * 4]
    print("\n".join(lines))
    with hu.use_isa(args.isa), np.errstate(all="ignore"):
        for name in args.formats.split(","):
            f = hu.formats[name]
            operands = [f.encode(rng.standard_normal(args.elements, np.float32)) for _ in range(3)]
            for op in OPERATIONS:
                lines.append(row(name, op, operands, args.rounds))
                print(lines[-1], flush=True)
    if args.write:
        facts = "\n".join(f"- {key}: {value}" for key, value in machine().items())
        table = "\n".join(lines)
        PAGE.write_text(f"""# Arithmetic

`python -m benchmarks.arithmetic --elements {args.elements} --isa {args.isa} --write`: codes of random normal
numbers, one thread, results into arrays that exist, every contender once a round, ratios within
rounds ({args.rounds} of them). The peer is NumPy for float16 and ml_dtypes for the rest. Without flags, they still
become NumPy's warnings.

{facts}

{table}
""")


if __name__ == "__main__":
    main()
