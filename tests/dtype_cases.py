"""The formats whose dtypes are tested, named and a user's own, with the oracle's arrays of each."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from oracle import NAMED, Spec
from support import product
from vector_oracle import Rounder, rounder

Array = NDArray[Any]
OWN = [
    Spec(5, 3, 15, "ieee"),
    Spec(3, 2, 3, "p3109_e"),
    Spec(4, 3, 8, "p3109_f", signed=False),
    Spec(0, 5, 1, "finite"),
    Spec(2, 0, 1, "finite", signed=False),
    Spec(4, 1, 7, "fn"),  # the largest is a power of two
    Spec(5, 0, 15, "finite"),  # which this format holds, but not what is below
    Spec(6, 9, 31, "ieee"),
    Spec(4, 11, 8, "p3109_e"),
    Spec(3, 13, 3, "fn", signed=False),
    Spec(11, 3, 1030, "fnuz"),
    Spec(8, 12, 127, "ieee"),
    Spec(6, 30, 31, "ieee"),
    Spec(10, 52, 511, "ieee"),
]
NATIVE = ("float16", "float32", "float64", "int8", "uint8")  # NumPy's own, and so are its casts
SPECS = [s for s in (*NAMED.values(), *OWN) if s.name not in NATIVE]
SMALL = [s for s in SPECS if s.bits <= 8]


def name_of(spec: Spec) -> str:
    return spec.name or product(spec).text


every = pytest.mark.parametrize("spec", SPECS, ids=name_of)
every_small = pytest.mark.parametrize("spec", SMALL, ids=name_of)


@cache
def judge(spec: Spec) -> Rounder:
    return rounder(spec)


def array(spec: Spec, codes: Any) -> Array:
    """An array of the dtype with these codes."""
    fmt = product(spec)
    return np.array(codes, dtype=fmt.code_dtype).view(fmt.dtype)


def codes_in(x: Array, spec: Spec) -> Array:
    return x.view(product(spec).code_dtype)
