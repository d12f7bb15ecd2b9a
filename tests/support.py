"""What several test files share in comparing halfulp with the oracle."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import product as every
from typing import Any

import halfulp as hu
import numpy as np
from numpy.typing import NDArray
from oracle import OVERFLOWS, SUBNORMALS, Policy, Spec, decode, encode, grid, largest, real


def product(spec: Spec) -> hu.Format:
    """The product's format with the oracle's parameters."""
    return hu.Format(
        spec.exponent_bits,
        spec.mantissa_bits,
        bias=spec.bias,
        specials=spec.specials,
        signed=spec.signed,
        has_zero=spec.has_zero,
    )


def range_policies(rounding: str) -> Iterator[Policy]:
    for overflow, subnormals in every(OVERFLOWS, SUBNORMALS):
        yield Policy(rounding, overflow, None, subnormals)


def assert_codes(got: NDArray[np.generic], want: Iterable[int], x: NDArray[np.generic], *context: object) -> None:
    """Equality of codes; a failure names the first few inputs by value and bits."""
    wanted = np.fromiter(want, np.uint64) if not isinstance(want, np.ndarray) else want.astype(np.uint64)
    differing = np.flatnonzero(got.astype(np.uint64) != wanted)
    if differing.size:
        first = [
            f"{x[i]!r} ({x[i].tobytes()[::-1].hex()}): got {int(got[i]):#x}, want {int(wanted[i]):#x}"
            for i in differing[:6].tolist()
        ]
        raise AssertionError(f"{differing.size} of {x.size} codes differ; {context}; " + "; ".join(first))


def holds(wide: Spec, spec: Spec) -> bool:
    """Whether every finite value of one format is a value of another, judged by the ends of its grid."""
    ks = {1, 1 << spec.mantissa_bits, (1 << spec.mantissa_bits) + 1, spec.last, spec.last - 1, 0}
    ends = [grid(spec, k) for k in ks if 0 <= k <= spec.last]
    ends.append(decode(spec, largest(spec, True)).magnitude)
    return all(decode(wide, encode(wide, real(x))) == real(x) for x in ends)


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """The results of as many threads that start together, each given its number."""
    results: list[Any] = [None] * count
    barrier = threading.Barrier(count)

    def run(i: int) -> None:
        barrier.wait()
        results[i] = work(i)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def run_tool(*words: object) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}"
    return done.stdout
