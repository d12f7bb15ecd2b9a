"""Decoding against the oracle: every code up to 16 bits, samples of wider formats, stray bits."""

from __future__ import annotations

import halfulp as hu
import numpy as np
import oracle
import pytest
import sweeps
from hypothesis import given
from hypothesis import strategies as st
from oracle import NAMED, Policy, Spec, decode, encode
from strategies import codes, oracle_spec, specs
from support import holds, product


def assert_decodes(fmt: hu.Format, codes: np.ndarray, spec: Spec) -> None:
    """Exact values with their zeros' signs; NaNs bit for bit: quiet, sign kept, payload in the top bits."""
    decoded = fmt.decode(codes)
    wide = NAMED["float32" if holds(NAMED["float32"], spec) else "float64"]
    assert decoded.dtype == fmt.value_dtype == wide.name
    bits = decoded.view(f"uint{wide.bits}").tolist()
    wrong = []
    for code, got, (value, _) in zip(codes.tolist(), bits, sweeps.exact(decoded), strict=True):
        want = decode(spec, code)
        quiet = want.kind != "nan" or got == encode(wide, want, Policy(nan="keep_payload"))
        if value != want or not quiet:
            wrong.append((hex(code), hex(got), want))
    assert not wrong, (len(wrong), wrong[:5])


def test_named_formats_are_the_oracles() -> None:
    assert list(hu.formats) == list(NAMED)
    for name, fmt in hu.formats.items():
        assert oracle_spec(fmt) == NAMED[name], name
        assert getattr(hu, name) is fmt


def test_every_code(fmt: hu.Format, isa: str) -> None:
    spec = NAMED[fmt.name]
    if spec.bits <= 16:
        assert_decodes(fmt, np.arange(1 << spec.bits, dtype=fmt.code_dtype), spec)
    else:
        rng = np.random.default_rng(spec.bits)
        some = rng.integers(0, 1 << spec.bits, 3000, dtype=np.uint64)
        top, unit = 1 << spec.bits, 1 << spec.mantissa_bits
        ends = [0, 1, unit - 1, unit, unit + 1, spec.last, spec.last + 1, spec.last + 2]
        ends += [top // 2 - 1, top // 2, top - 1]
        assert_decodes(fmt, np.concatenate([some, np.array(ends, np.uint64)]).astype(fmt.code_dtype), spec)


def test_attributes(fmt: hu.Format) -> None:
    spec = NAMED[fmt.name]
    assert fmt.bits == spec.bits
    assert fmt.code_dtype == np.dtype(f"uint{next(w for w in (8, 16, 32, 64) if w >= spec.bits)}")
    lowest = decode(spec, oracle.largest(spec, True)).real if spec.signed else oracle.grid(spec, 0)
    assert [fmt.max, fmt.min, fmt.min_normal] == [float(spec.max), float(lowest), float(spec.min_normal)]
    assert (fmt.has_inf, fmt.has_nan, fmt.kind) == (spec.has_inf, spec.has_nan, spec.kind)
    assert fmt.code_of_nan == (oracle.canonical_nan(spec, False) if spec.has_nan else None)
    if spec.bits <= 16:
        assert np.asarray(fmt.values()).tolist() == sorted({float(v.real) for v in spec.finite_values()})


def test_code_dtypes_of_any_width_and_sign(fmt: hu.Format) -> None:
    spec = NAMED[fmt.name]
    all_codes = np.arange(min(1 << spec.bits, 256), dtype=np.uint64)
    want = fmt.decode(all_codes.astype(fmt.code_dtype))
    for width in (8, 16, 32, 64):
        if width >= spec.bits:
            for dtype in (f"uint{width}", f"int{width}"):
                got = fmt.decode(all_codes.astype(dtype))
                assert got.tobytes() == want.tobytes(), dtype


def test_signed_code_dtypes_are_read_as_their_own_bits(fmt: hu.Format) -> None:
    """int8 -1 is 0xFF: a code of the 8-bit formats, and stray bits for the narrower ones."""
    minus_one = np.array([-1], f"int{8 * fmt.code_dtype.itemsize}")
    if fmt.bits == 8 * fmt.code_dtype.itemsize:
        assert fmt.decode(minus_one).tobytes() == fmt.decode(minus_one.view(fmt.code_dtype)).tobytes()
    else:
        with pytest.raises(ValueError, match=r"0x[fF]+|\d+"):
            fmt.decode(minus_one)


@pytest.mark.parametrize("length", [1, 7, 64, 257])
def test_stray_bits_raise(fmt: hu.Format, length: int, isa: str) -> None:
    for dtype in ("uint8", "uint16", "uint32", "uint64", "int64"):
        width = np.dtype(dtype).itemsize * 8
        for bit in sorted({fmt.bits, width - 1}):
            if fmt.bits <= bit < width:
                stray = np.zeros(length, dtype)
                stray[-1] = np.array(1 << bit, np.uint64).astype(dtype)
                with pytest.raises(ValueError, match=r"(?i)code|bit"):
                    fmt.decode(stray)


@given(st.data())
def test_formats_nobody_named(data: st.DataObject) -> None:
    spec = data.draw(specs())
    some = data.draw(st.lists(codes(spec), min_size=1, max_size=20))
    fmt = product(spec)
    assert_decodes(fmt, np.array(some, np.uint64).astype(fmt.code_dtype), spec)
