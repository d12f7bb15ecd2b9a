"""NF4 codes and their packing, against the CPU path of bitsandbytes."""

from __future__ import annotations

from typing import Any

import halfulp as hu
import numpy as np
import pytest

WHY = "needs bitsandbytes and torch: pip install bitsandbytes torch"
torch = pytest.importorskip("torch", reason=WHY)
functional = pytest.importorskip("bitsandbytes.functional", reason=WHY)
BLOCK = 64


def scaled(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Each block times the rounded reciprocal of its largest magnitude, in float32."""
    blocks = x.reshape(-1, BLOCK)
    reciprocal = np.float32(1) / np.abs(blocks).max(axis=1, keepdims=True)
    return (blocks * reciprocal).reshape(-1)


def inputs() -> np.ndarray[Any, Any]:
    """Normal numbers, and blocks whose largest is 1 with every threshold and its neighbours."""
    rng = np.random.default_rng(20261121)
    thresholds = np.array([float(t) for t in hu.nf4.thresholds], np.float32)
    near = [np.nextafter(thresholds, np.float32(way)) for way in (-2, 2)]
    points = np.concatenate([thresholds, *near])
    blocks = np.zeros((4, BLOCK), np.float32)
    blocks[:, 0] = 1, -1, 1, -1
    blocks[:, 1 : 1 + points.size] = points
    return np.concatenate([blocks.reshape(-1), rng.normal(size=1 << 20).astype(np.float32)])


def test_nf4_is_that_of_bitsandbytes() -> None:
    x = inputs()
    codes, state = functional.quantize_4bit(torch.from_numpy(x), blocksize=BLOCK, quant_type="nf4")
    ours = hu.PackedArray.encode(scaled(x), hu.nf4, order="high_first")
    assert codes.numpy().reshape(-1).tobytes() == ours.tobytes()
    assert np.array_equal(state.code.numpy(), hu.nf4.levels)
    theirs = functional.dequantize_4bit(codes, state).numpy().reshape(-1)
    scale = np.repeat(np.abs(x.reshape(-1, BLOCK)).max(axis=1), BLOCK)
    assert np.array_equal(theirs, ours.decode() * scale)


def test_the_tables_are_those_of_bitsandbytes() -> None:
    assert np.array_equal(functional.get_4bit_type("af4", device="cpu", blocksize=64).numpy(), hu.af4.levels)
    fp4 = functional.get_4bit_type("fp4", device="cpu").numpy()
    assert np.array_equal(fp4, hu.bnb_fp4.levels)
    assert np.array_equal(functional.create_dynamic_map().numpy(), hu.bnb_dynamic8.levels)
    assert np.array_equal(functional.create_dynamic_map(signed=False).numpy(), hu.bnb_dynamic8_unsigned.levels)
