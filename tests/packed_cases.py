"""Packed arrays of every format and order, for the tests of `PackedArray`."""

from __future__ import annotations

from typing import Any

import halfulp as hu
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
E2M1 = hu.float4_e2m1fn
KINDS = [
    (E2M1, "low_first"), (hu.int4, "high_first"), (hu.uint4, "gguf"), (hu.int4, "awq"), (hu.uint2, "gptq"),
    (hu.float6_e3m2fn, "bitstream"), (hu.Format(2, 2), "bitstream"), (hu.Format(3, 3), "gptq"), (hu.int2, "low_first"),
    (hu.Format(5, 3), "bitstream"), (hu.tfloat32, "tf32"), (hu.float6_e2m3fn, "mma"), (E2M1, "mma"),
]  # fmt: skip


def random_codes(fmt: Any, shape: tuple[int, ...], seed: int = 0) -> Array:
    rng = np.random.default_rng((seed, *shape))
    return rng.integers(0, 2**fmt.bits, shape).astype(fmt.code_dtype)


def packed(fmt: Any, order: str, codes: Array, axis: int | None = -1) -> hu.PackedArray:
    axis = None if not codes.ndim else axis
    storage = hu.pack(codes, fmt.bits, order=order, axis=axis)
    return hu.PackedArray(storage, codes.shape, fmt, order=order, axis=axis)
