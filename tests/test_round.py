"""Rounding to a format's values: the decoded encoding, in the smallest dtype that holds both sides."""

from __future__ import annotations

from fractions import Fraction

import halfulp as hu
import numpy as np
import oracle
import pytest
import sweeps
from hypothesis import given
from hypothesis import strategies as st
from oracle import NAMED, ROUNDINGS, Policy, Spec, decode, encode
from strategies import near_ties, policies, specs
from support import holds, product, range_policies
from sweeps import FLOATS, INTEGERS

LADDER = {"float16": NAMED["float16"], "float32": NAMED["float32"], "float64": NAMED["float64"]}


def expected_dtype(spec: Spec, source: str) -> np.dtype[np.generic]:
    source = "float64" if np.dtype(source).kind in "iub" else source
    for name, wide in LADDER.items():
        if np.dtype(name).itemsize >= np.dtype(source).itemsize and holds(wide, spec):
            return np.dtype(name)
    return np.dtype("longdouble")


def assert_rounds(fmt: hu.Format, spec: Spec, x: np.ndarray, policy: Policy) -> None:
    got = fmt.codec(**policy.keywords()).round(x)
    assert got.dtype == expected_dtype(spec, x.dtype.name), (got.dtype, x.dtype)
    wanted = [decode(spec, encode(spec, v, policy, subnormal_input=s)) for v, s in sweeps.exact(x)]
    wrong = [(a, g[0], w) for a, g, w in zip(x, sweeps.exact(got), wanted, strict=True) if g[0] != w]
    assert not wrong, (policy, len(wrong), wrong[:4])
    if got.dtype.name in LADDER:  # bits too, so that a signalling NaN in the result is seen
        wide = LADDER[got.dtype.name]
        bits = [encode(wide, w, Policy(nan="keep_payload")) for w in wanted]
        assert got.view(f"uint{8 * got.dtype.itemsize}").tolist() == bits


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS, "int8", "bool"])
def test_round_is_decoded_encode(fmt: hu.Format, dtype: str, isa: str) -> None:
    spec = NAMED[fmt.name]
    if spec.bits <= 16 and dtype in FLOATS + INTEGERS:
        x = sweeps.boundary_inputs(spec, dtype, slice_of=30)
        x = x[:: max(1, x.size // 60)]
        x = np.concatenate([x, sweeps.specials(dtype)])
    elif dtype in FLOATS + INTEGERS:
        x = np.concatenate([sweeps.random_patterns(dtype, 40, seed=3), sweeps.specials(dtype)])
    else:
        x = np.arange(2, dtype=np.uint8).view(dtype) if dtype == "bool" else np.arange(-128, 128, 5, dtype=dtype)
    for rounding in ROUNDINGS:
        assert_rounds(fmt, spec, x, Policy(rounding))


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_round_in_every_range_policy(fmt: hu.Format, rounding: str) -> None:
    spec = NAMED[fmt.name]
    dtype = "float32" if spec.bits <= 16 else "float64"
    x = sweeps.boundary_inputs(spec, dtype, slice_of=8)[::5] if spec.bits <= 16 else sweeps.specials(dtype)
    for policy in range_policies(rounding):
        assert_rounds(fmt, spec, x, policy)


def test_known_results_and_dtypes() -> None:
    assert hu.bfloat16.round(np.float16(65504)) == np.float32(65536)
    assert hu.bfloat16.round(np.float16([65504])).dtype == np.float32
    assert hu.float8_e4m3fn.round(np.float16([1])).dtype == np.float16
    assert hu.float8_e5m3fnu.round(np.float16([1])).dtype == np.float32
    assert hu.float64.round(np.float16([1])).dtype == np.float64
    assert hu.int8.round(np.int32([300]))[0] == 127.0
    assert np.signbit(hu.float8_e4m3fn.round(np.float32([-0.0]))[0])
    assert not np.signbit(hu.float8_e4m3fnuz.round(np.float32([-0.0]))[0])


def test_round_twice_is_round_once(fmt: hu.Format) -> None:
    x = sweeps.random_patterns("float32", 400, seed=9)
    x = x[~np.isnan(x)]
    once = fmt.round(x)
    assert fmt.round(once).tobytes() == once.tobytes()


def test_functional_spelling_takes_exact_numbers(fmt: hu.Format) -> None:
    for x in (Fraction(1, 3), Fraction(10**30 + 1, 10**30), 257 * 2**30 + 1):
        want = decode(NAMED[fmt.name], encode(NAMED[fmt.name], oracle.real(x)))
        ((got, _),) = sweeps.exact(np.atleast_1d(hu.round(x, fmt)))
        assert got == want


@given(st.data())
def test_formats_nobody_named(data: st.DataObject) -> None:
    spec = data.draw(specs())
    fmt, policy = product(spec), data.draw(policies(spec))
    for dtype in ("float32", "float64"):
        some = data.draw(st.lists(near_ties(spec, dtype), min_size=1, max_size=8))
        x = np.concatenate([np.array([float(v) for v in some]).astype(dtype), sweeps.specials(dtype)])
        assert_rounds(fmt, spec, x, policy)
