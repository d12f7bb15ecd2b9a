"""No floating-point environment changes a bit of a result, and no call changes the environment.

FTZ, DAZ and the rounding modes are set around single calls only: Python, Hypothesis and Fractions break
under them, so all expected values are computed outside.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import halfulp as hu
import numpy as np
import pytest
import sweeps
from halfulp.testing import environment, environments
from numpy.typing import NDArray
from oracle import NAMED, ROUNDINGS, Policy
from sums import random_codes
from support import assert_codes
from sweeps import Expected, expected_one_by_one

R = TypeVar("R")


def under(mode: str, call: Callable[[], R]) -> R:
    """Run one call under a mode with all flags clear; it must leave the control words and flags alone."""
    with environment(mode) as env:
        result = call()
    assert not env.changed, (mode, "control word")
    assert not env.flags, (mode, "flags left", hex(env.flags))
    return result


MODES = list(environments())
if not MODES:
    pytest.skip("needs glibc's fenv_t on x86-64 or aarch64", allow_module_level=True)


def probe(x: float) -> float:
    return x / 3.0


@pytest.mark.parametrize("mode", MODES)
def test_the_mode_is_really_set(mode: str) -> None:
    """The helper must be able to fail: plain arithmetic changes under these modes and leaves flags."""
    subnormal = np.float64(5e-310)
    with pytest.raises(AssertionError, match="flags left"):
        under(mode, lambda: probe(1.0))
    changed = []

    def arithmetic() -> None:
        changed.append((probe(1.0), probe(-1.0), float(subnormal) * 1.0))

    with pytest.raises(AssertionError, match="flags left"):
        under(mode, arithmetic)
    up, down, kept = changed[0][0] > 1 / 3, changed[0][1] < -1 / 3, changed[0][2] != 0
    assert up == mode.startswith("upward")
    assert down == (mode == "downward")
    assert kept == ("ftz" not in mode)


@cache
def inputs_and_codes(name: str, dtype: str, rounding: str) -> tuple[np.ndarray, np.ndarray]:
    """Sources and the oracle's codes, found once and outside every mode."""
    spec, policy = NAMED[name], Policy(rounding)
    if spec.bits <= 16:
        x = sweeps.boundary_inputs(spec, dtype, slice_of=60, seed=2)
        return x, Expected(spec, policy).codes(x)
    x = np.concatenate([sweeps.specials(dtype), sweeps.random_patterns(dtype, 40, seed=2)])
    return x, np.array(expected_one_by_one(spec, x, policy), np.uint64)


@pytest.mark.parametrize("mode", MODES[1:])
def test_encode(fmt: hu.Format, mode: str, isa: str) -> None:
    for dtype in (*sweeps.FLOATS, "int64", "uint64"):
        for rounding in ROUNDINGS if dtype == "float32" else ROUNDINGS[:1]:
            x, want = inputs_and_codes(fmt.name, dtype, rounding)
            encode = fmt.codec(rounding=rounding).encode
            got = under(mode, lambda encode=encode, x=x: encode(x))
            assert_codes(got, want, x, mode, dtype, rounding)


@pytest.mark.parametrize("mode", MODES[1:])
def test_decode_and_round(fmt: hu.Format, mode: str, isa: str) -> None:
    codes = np.arange(1 << min(fmt.bits, 16), dtype=np.uint64).astype(fmt.code_dtype)[:: 1 if fmt.bits <= 8 else 13]
    want = fmt.decode(codes)  # test_decode.py compares this with the oracle
    assert under(mode, lambda: fmt.decode(codes)).tobytes() == want.tobytes()
    for dtype in sweeps.FLOATS:
        x = np.concatenate([sweeps.specials(dtype), sweeps.random_patterns(dtype, 60, seed=4)])
        rounded = fmt.round(x)
        assert under(mode, lambda x=x: fmt.round(x)).tobytes() == rounded.tobytes(), dtype


@pytest.mark.parametrize("mode", MODES[1:])
@pytest.mark.parametrize("codebook", hu.codebooks.values(), ids=str)
def test_codebooks(codebook: hu.Codebook, mode: str, isa: str) -> None:
    """test_codebook.py compares what is wanted here with the oracle."""
    tiny = hu.Codebook([-(2.0**-149), 0.0, 2.0**-149, 2.0**-126])
    for book, dtype in ((b, d) for b in (codebook, tiny) for d in sweeps.FLOATS):
        thresholds = np.array([float(t) for t in book.thresholds], dtype)
        x = np.concatenate([sweeps.specials(dtype), sweeps.random_patterns(dtype, 60, seed=4), thresholds])
        for ufunc, given in ((book.encode, x), (book.round, x), (book.decode, book.encode(x))):
            want = ufunc(given)
            got = under(mode, lambda ufunc=ufunc, given=given: ufunc(given))
            assert got.tobytes() == want.tobytes(), (dtype, ufunc)


@pytest.mark.parametrize("mode", MODES[1:])
def test_packed(fmt: hu.Format, mode: str, isa: str) -> None:
    order = "bitstream"
    for dtype in ("float16", "float32", "float64"):
        x = np.concatenate([sweeps.specials(dtype), sweeps.random_patterns(dtype, 300, seed=5)])
        want = hu.pack(fmt.encode(x), fmt.bits, order=order).tobytes()
        got = under(mode, lambda x=x: hu.PackedArray.encode(x, fmt, order=order))
        assert got.tobytes() == want
        values = fmt.decode(fmt.encode(x))
        assert under(mode, got.decode).tobytes() == values.tobytes()
        wide = under(mode, lambda got=got: got.decode(np.float64))
        assert np.array_equal(wide, values.astype(np.float64), equal_nan=True)


def test_no_warnings(fmt: hu.Format, isa: str) -> None:
    """NumPy reports the flags a ufunc leaves; there are none, whatever the input."""
    for dtype in sweeps.FLOATS:
        x = sweeps.specials(dtype)
        with np.errstate(all="raise"):
            fmt.decode(fmt.encode(x))
            fmt.round(x)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("fmt_text", ["float8_e4m3fn", "bfloat16", "float32", "e5m4:bias=142:finite"])
def test_stochastic_rounding(fmt_text: str, dtype: str, isa: str) -> None:
    codec = hu.Format(fmt_text).codec(rounding="stochastic_c", random_bits=12)
    x = sweeps.random_patterns(dtype, 600, seed=1)
    r = hu.random_bits(x.shape, 12, seed=1)
    codes, values = codec.encode(x, r), codec.round(x, r)
    for mode in MODES:
        assert np.array_equal(under(mode, lambda: codec.encode(x, r)), codes)
        assert under(mode, lambda: codec.round(x, r)).tobytes() == values.tobytes()
        assert np.array_equal(under(mode, lambda: hu.random_bits(x.shape, 12, seed=1)), r)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["float8_e5m2", "bfloat16", "float32"])
@pytest.mark.parametrize("order", ["exact", "sequential", "pairwise", "kahan"])
def test_sums(name: str, order: str, mode: str) -> None:
    """Normal and subnormal operands; exact sums go by way of binary64 where no bit is lost."""
    a, b = random_codes(NAMED[name], (6, 300), 1), random_codes(NAMED[name], (300, 5), 2)
    for x in (a, (a % (1 << NAMED[name].mantissa_bits)).astype(a.dtype)):

        def call(x: NDArray[Any] = x) -> tuple[NDArray[Any], NDArray[Any]]:
            made: tuple[NDArray[Any], NDArray[Any]] = hu.matmul(
                x, b, format=(name, name, "float32"), accumulate=order, flags=True
            )
            return made

        want = call()
        for got, bits in zip(under(mode, call), want, strict=True):
            assert np.array_equal(got, bits)


@pytest.mark.parametrize("mode", MODES[1:])
@pytest.mark.parametrize("name", ["bfloat16", "float16", "float8_e5m2", "tfloat32", "float32"])
def test_operations(name: str, mode: str, isa: str) -> None:
    f = hu.formats[name]
    x = [random_codes(NAMED[name], (700,), seed, finite=False) for seed in (1, 2, 3)]
    for op in ("add", "multiply", "divide", "sqrt", "fma", "remainder", "minimum", "compare", "round_to_integral"):
        ufunc = hu.ops.ufunc(op, format=f, flags=True)
        given = x[: ufunc.nin]
        with hu.use_isa("scalar"):
            want = [
                np.concatenate(parts)
                for parts in zip(*(ufunc(*(e[i : i + 35] for e in given)) for i in range(0, 700, 35)), strict=True)
            ]
        got = under(mode, lambda ufunc=ufunc, given=given: ufunc(*given))
        np.testing.assert_array_equal(got[0], want[0], f"{op} {mode}")
        np.testing.assert_array_equal(got[1], want[1], f"{op} {mode}: flags")
