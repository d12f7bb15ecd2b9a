"""What computes with Python's floats, whatever the caller's floating-point environment."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from halfulp import _core

P = ParamSpec("P")
R = TypeVar("R")


def usual(function: Callable[P, R]) -> Callable[P, R]:
    """The same function in the usual environment: subnormals are numbers, and rounding is to nearest even.

    For functions that call nothing of the caller's. Afterwards the environment is the caller's again.
    """

    @functools.wraps(function)
    def call(*given: P.args, **named: P.kwargs) -> R:
        run: Any = function if not named else lambda *given: function(*given, **named)
        return cast(R, _core.in_usual_environment(run, given))

    return call


@usual
def power_of_two(exponent: int) -> float:
    """2**exponent, inf beyond binary64."""
    return math.ldexp(1.0, exponent) if exponent < 1024 else math.inf
