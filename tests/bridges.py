"""What the tests of bridges share: arrays of every code, memory that is shared or not, and whatever lives no longer."""

from __future__ import annotations

import doctest
import gc
import weakref
from collections.abc import Callable
from typing import Any

import halfulp as hu
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def every_code(fmt: hu.Format) -> Array:
    """All codes of a format of at most 16 bits, once, as an array of its dtype."""
    return np.arange(1 << fmt.bits).astype(fmt.code_dtype).view(fmt.dtype)


def bits(x: Any) -> bytes:
    """The bytes of an array in C order."""
    return np.ascontiguousarray(x).tobytes()


def survives(make: Callable[[], tuple[Any, Any]], read: Callable[[Any], bytes]) -> None:
    """The second of two objects still reads the same when the first, whose memory it uses, is otherwise gone."""
    source, user = make()
    want = read(user)
    gone = weakref.ref(source) if hasattr(type(source), "__weakref__") else None
    del source
    gc.collect()
    waste = [np.full(64, 0xAA, np.uint8) for _ in range(2000)]
    assert read(user) == want
    assert len(waste) == 2000
    del gone


def run_examples(function: Any) -> None:
    """The examples that need a peer, which is here."""
    for case in doctest.DocTestFinder(exclude_empty=True).find(function, function.__name__, globs={}):
        assert case.examples
        for example in case.examples:
            example.options.pop(doctest.SKIP, None)
        report: list[str] = []
        assert doctest.DocTestRunner(verbose=False).run(case, out=report.append).failed == 0, "".join(report)
