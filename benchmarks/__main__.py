"""Command line of the benchmarks: measure, print a table, and if asked write JSON, a drawing or the README."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from statistics import median

import halfulp as hu

from benchmarks import calls, contenders, plot, report
from benchmarks.contenders import FORMATS, HALFULP, LOOP, PEERS, SIZES, Conversion, Data
from benchmarks.report import Row
from benchmarks.timing import interleaved, ratio

ROUNDS = {"small": 31, "medium": 31, "large": 9}
QUICK_ROUNDS = {"small": 5, "medium": 5, "large": 3}


def measure(conversion: Conversion, size: str, rounds: int) -> Row:
    """Time one conversion at one size against everything that can do it."""
    count = SIZES[size]
    data = Data(conversion, count)
    times = interleaved(data.contenders(), rounds)
    loop = min((each for name, each in times.items() if name.startswith(LOOP)), key=median)
    ours = times[HALFULP]
    against = {name: ratio(times[name], ours) if name in times else None for name in PEERS}
    moved = (data.source.nbytes + data.result.nbytes) / count
    speed = count / median(ours)
    return Row(conversion.name, size, speed, speed * moved, ratio(loop, ours), **against)


def names(known: tuple[str, ...], what: str) -> Callable[[str], tuple[str, ...]]:
    """An argument of names separated by commas."""

    def parse(text: str) -> tuple[str, ...]:
        chosen = tuple(text.split(","))
        for name in chosen:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{what} must be among {', '.join(known)}, not {name!r}")
        return chosen

    return parse


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--isa", choices=hu.available_isas(), default=hu.isa, help="the kernels to time")
    parser.add_argument("--sizes", type=names(tuple(SIZES), "sizes"), default=tuple(SIZES))
    parser.add_argument("--formats", type=names((*hu.formats, *hu.codebooks), "formats"), default=FORMATS)
    parser.add_argument("--quick", action="store_true", help="few rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    parser.add_argument("--plot", type=plot.path, metavar="FILE.svg", help="draw the fractions of the loop")
    parser.add_argument("--write", action="store_true", help="write the README of this folder")
    return parser.parse_args()


def main() -> None:
    """Measure and report."""
    args = arguments()
    rounds = QUICK_ROUNDS if args.quick else ROUNDS
    rounds = {size: rounds[size] for size in args.sizes}
    rows: list[Row] = []
    with hu.use_isa(args.isa):
        contenders.check(args.formats)
        print(report.table([]))
        for conversion in contenders.conversions(args.formats):
            for size in args.sizes:
                rows.append(measure(conversion, size, rounds[size]))
                print(rows[-1].markdown(), flush=True)
        overhead = calls.measure(5 if args.quick else 31)
        print(f"\n{report.call_table(overhead)}")
        if args.json is not None:
            args.json.write_text(json.dumps(report.as_json(rows, overhead), indent=1) + "\n")
        if args.plot is not None:
            args.plot.write_text(plot.svg(rows))
        if args.write:
            report.README.write_text(report.readme(rows, overhead, rounds))


if __name__ == "__main__":
    main()
