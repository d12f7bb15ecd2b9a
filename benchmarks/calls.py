"""What one call costs on tiny arrays, beside np.add."""

from __future__ import annotations

from statistics import median
from typing import Any

import halfulp as hu
import numpy as np

from benchmarks.contenders import optional
from benchmarks.timing import Call, interleaved, repeated

COUNTS = (1, 10, 100, 1000)


def _calls(count: int) -> dict[str, Call]:
    f = hu.formats["float8_e4m3fn"]
    x = np.linspace(-4, 4, count, dtype=np.float32)
    y = np.empty_like(x)
    codes = f.encode(x)
    found: dict[str, Call] = {
        "np.add(x, x)": lambda: np.add(x, x),
        "np.add(x, x, out=y)": lambda: np.add(x, x, out=y),
        "f.encode(x)": lambda: f.encode(x),
        "f.encode(x, out=codes)": lambda: f.encode(x, out=codes),
        "f.decode(codes)": lambda: f.decode(codes),
        "f.decode(codes, out=y)": lambda: f.decode(codes, out=y),
        "f.round(x, out=y)": lambda: f.round(x, out=y),
        "hu.encode(x, f)": lambda: hu.encode(x, f),
    }
    ml_dtypes: Any = optional("ml_dtypes")
    if ml_dtypes is not None:
        found["x.astype(ml_dtypes.float8_e4m3fn)"] = lambda: x.astype(ml_dtypes.float8_e4m3fn)
    return found


def measure(rounds: int) -> dict[str, dict[int, float]]:
    """Median nanoseconds of a call, by the call and the number of elements (f is float8_e4m3fn)."""
    result: dict[str, dict[int, float]] = {}
    for count in COUNTS:
        times = interleaved({name: repeated(call) for name, call in _calls(count).items()}, rounds)
        for name, each in times.items():
            result.setdefault(name, {})[count] = median(each)
    return result
