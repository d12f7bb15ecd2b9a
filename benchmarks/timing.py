"""Interleaved timing: every contender once a round, so that what disturbs the machine disturbs all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter_ns

Call = Callable[[], object]
Repeated = Callable[[int], None]

ROUND_NS = 1_000_000  # a contender is repeated until a round takes about as long


def repeated(call: Call) -> Repeated:
    """A call as a loop of it."""

    def run(repeat: int) -> None:
        for _ in range(repeat):
            call()

    return run


def _once(run: Repeated, repeat: int) -> float:
    start = perf_counter_ns()
    run(repeat)
    return (perf_counter_ns() - start) / repeat


def _repeat_for(run: Repeated) -> int:
    run(1)
    repeat = 1
    while (ns := _once(run, repeat) * repeat) < ROUND_NS / 4:
        repeat = max(2 * repeat, int(repeat * ROUND_NS / 4 / max(ns, 1)))
    return max(1, round(repeat * ROUND_NS / ns))


def interleaved(contenders: Mapping[str, Repeated], rounds: int) -> dict[str, list[float]]:
    """Nanoseconds of one pass, one figure a round and contender."""
    repeats = {name: _repeat_for(run) for name, run in contenders.items()}
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            times[name].append(_once(run, repeats[name]))
    return times


def ratio(numerator: list[float], denominator: list[float]) -> float:
    """The median of the rounds' own ratios."""
    return median(a / b for a, b in zip(numerator, denominator, strict=True))
