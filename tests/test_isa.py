"""Every instruction set gives the bits of the scalar one: all lengths, alignments, strides, formats, policies."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import halfulp as hu
import numpy as np
import oracle
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from support import product
from sweeps import expected_one_by_one

Array = NDArray[Any]
FASTER = [isa for isa in hu.available_isas() if isa != "scalar"]
FLOATS = ("float16", "float32", "float64", "longdouble")
# One user's format per route a kernel may take: half precision, deep subnormals, 64-bit words, no zero, fixed point.
MADE = (
    hu.Format(3, 4, specials="p3109_e"),
    hu.Format(5, 4, bias=-85),
    hu.Format(5, 4, bias=115),
    hu.Format(5, 2, specials="fn"),
    hu.Format(8, 5, bias=142),
    hu.Format(8, 21, specials="finite"),
    hu.Format(9, 12),
    hu.Format(6, 3, specials="fn", signed=False, has_zero=False),
    hu.Format(0, 12, specials="finite"),
    hu.Format(0, 30, bias=-10, specials="integer"),
)
POLICIES: tuple[dict[str, Any], ...] = (
    {},
    {"rounding": "nearest_away", "overflow": "saturate"},
    {"rounding": "toward_zero", "subnormals": "flush_output"},
    {"rounding": "toward_positive", "overflow": "saturate_keep_inf", "subnormals": "flush_tiny"},
    {"rounding": "toward_negative", "subnormals": "flush_input"},
    {"rounding": "to_odd", "nan": (1, 0)},
    {"via": "float32", "nan": 1},
)


def inputs(f: hu.Format, dtype: str, n: int, seed: int) -> Array:
    """Bit patterns of all kinds; half of them numbers near the values and midpoints of the format."""
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    if kind == np.longdouble:
        with np.errstate(all="ignore"):
            x = inputs(f, "float64", n, seed).astype(kind)
            return np.asarray(x * (1 + rng.integers(-2, 3, n) * np.finfo(kind).eps), kind)
    word = np.dtype(f"u{kind.itemsize}")
    patterns = rng.integers(0, 1 << 8 * kind.itemsize, n, dtype=np.uint64, endpoint=False).astype(word).view(kind)
    with np.errstate(all="ignore"):
        codes = rng.integers(0, 1 << f.bits, n, dtype=np.uint64, endpoint=False)
        values = f.decode(codes).astype(np.float64)
        nudged = values * (1 + rng.integers(-1, 2, n) * np.ldexp(1.0, -f.mantissa_bits - 1))
        near = nudged.astype(kind)
    near = (near.view(word) + rng.integers(-1, 2, n).astype(word)).view(kind)
    return np.where(rng.random(n) < 0.5, near, patterns)


def results(f: hu.Format, policy: dict[str, Any], x: Array) -> tuple[bytes, ...]:
    c = f.codec(**policy)
    codes = c.encode(x)
    rounded = c.round(x)
    kept = rounded.astype(np.float64) if rounded.dtype == np.longdouble else rounded
    return codes.tobytes(), f.decode(codes).tobytes(), kept.tobytes()


def compare(f: hu.Format, policy: dict[str, Any], x: Array, isa: str) -> None:
    with hu.use_isa("scalar"):
        want = results(f, policy, x)
    with hu.use_isa(isa):
        assert hu.isa == isa
        got = results(f, policy, x)
    for what, a, b in zip(("encode", "decode", "round"), got, want, strict=True):
        if a != b:
            one = np.frombuffer(a, np.uint8).reshape(x.size, -1)
            other = np.frombuffer(b, np.uint8).reshape(x.size, -1)
            i = int(np.flatnonzero((one != other).any(axis=1))[0])
            raise AssertionError(
                f"{f.text} {policy} {what} of {x[i]!r} at {i} of {x.size}: {isa} {one[i].tobytes()[::-1].hex()}, "
                f"scalar {other[i].tobytes()[::-1].hex()}"
            )


def able(f: hu.Format, policy: dict[str, Any]) -> dict[str, Any]:
    return policy if "nan" not in policy or f.bits > 1 else {}


@pytest.mark.parametrize("fast", FASTER)
def test_every_format_and_policy(fmt: hu.Format, fast: str) -> None:
    for policy in POLICIES:
        for seed, dtype in enumerate(FLOATS):
            compare(fmt, able(fmt, policy), inputs(fmt, dtype, 3000, seed), fast)


@pytest.mark.parametrize("fast", FASTER)
@pytest.mark.parametrize("f", MADE, ids=str)
def test_formats_of_every_route(f: hu.Format, fast: str) -> None:
    for policy in POLICIES:
        for seed, dtype in enumerate(FLOATS):
            compare(f, able(f, policy), inputs(f, dtype, 3000, seed), fast)


@pytest.mark.parametrize("fast", FASTER)
@given(data=st.data())
def test_any_format_and_policy(fast: str, data: st.DataObject) -> None:
    spec = data.draw(strategies.specs())
    policy = data.draw(strategies.policies(spec, via=True))
    words = {k: v for k, v in vars(policy).items() if v is not None}
    f = product(spec)
    compare(f, words, inputs(f, data.draw(st.sampled_from(FLOATS)), 200, data.draw(st.integers(0, 1 << 32))), fast)


@pytest.mark.parametrize("fast", FASTER)
def test_integers(fmt: hu.Format, fast: str) -> None:
    rng = np.random.default_rng(3)
    for dtype in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "?"):
        bits = rng.integers(0, 256, 8 * 500, dtype=np.uint8)
        x = bits.view(dtype) if dtype != "?" else bits < 100
        compare(fmt, {}, x, fast)


SHAPED = (hu.float8_e4m3fn, hu.bfloat16, hu.float16, hu.float8_e5m2fnuz, hu.tfloat32, hu.float64, hu.int8)


@pytest.mark.parametrize("fast", FASTER)
@pytest.mark.parametrize("f", SHAPED, ids=str)
def test_every_length_and_offset(f: hu.Format, fast: str) -> None:
    """A run of n is the run of 300 cut short, wherever it starts, and nothing outside it is written."""
    for dtype in ("float32", "float64", "float16"):
        x = inputs(f, dtype, 300, 9)
        with hu.use_isa("scalar"):
            codes, values = f.encode(x), f.round(x)
        with hu.use_isa(fast):
            for n in range(258):
                start = n % 43
                guarded = np.full(n + 2, 0xA5, np.uint8).astype(f.code_dtype)
                f.encode(x[start : start + n], out=guarded[1:-1])
                assert guarded[1:-1].tobytes() == codes[start : start + n].tobytes(), (dtype, n)
                assert (guarded[0], guarded[-1]) == (0xA5, 0xA5), (dtype, n)
                assert f.decode(codes[start : start + n]).tobytes() == f.decode(codes)[start : start + n].tobytes()
                assert f.round(x[start : start + n]).tobytes() == values[start : start + n].tobytes(), (dtype, n)


@pytest.mark.parametrize("fast", FASTER)
@pytest.mark.parametrize("f", SHAPED, ids=str)
def test_every_alignment_and_stride(f: hu.Format, fast: str) -> None:
    for dtype in ("float32", "float64", "float16"):
        x = inputs(f, dtype, 1500, 11)
        with hu.use_isa("scalar"):
            codes = f.encode(x)
        size, out_size = x.dtype.itemsize, codes.dtype.itemsize
        with hu.use_isa(fast):
            for offset in range(0, 65, 1 if size < 8 else 3):
                at = np.zeros(1500 * size + 128, np.uint8)[offset:][: 1500 * size].view(x.dtype)
                to = np.zeros(1500 * out_size + 128, np.uint8)[64 - offset :][: 1500 * out_size].view(codes.dtype)
                at[:] = x
                f.encode(at, out=to)
                assert to.tobytes() == codes.tobytes(), (dtype, offset)
            for step in (-7, -2, -1, 2, 3, 16):
                assert f.encode(x[::step]).tobytes() == codes[::step].tobytes(), (dtype, step)
                spread = np.zeros((1500, abs(step)), codes.dtype)[:: 1 if step > 0 else -1, 0]
                f.encode(x, out=spread)
                assert spread.tobytes() == codes.tobytes(), (dtype, step)


def test_a_difference_would_be_seen() -> None:
    """The comparison itself, on a kernel that is wrong in one lane."""
    x = np.linspace(-2, 2, 100, dtype=np.float32)

    class Wrong:
        text, bits, decode = "wrong", 8, staticmethod(hu.float8_e4m3fn.decode)

        def codec(self) -> Any:
            return self

        def encode(self, x: Array) -> Array:
            codes = hu.float8_e4m3fn.encode(x)
            codes[77] ^= hu.isa != "scalar"
            return codes

        def round(self, x: Array) -> Array:
            return self.decode(self.encode(x))

    if FASTER:
        with pytest.raises(AssertionError, match=r"encode of .* at 77 of 100"):
            compare(Wrong(), {}, x, FASTER[0])  # type: ignore[arg-type]


def test_the_oracle_agrees_with_every_isa(fmt: hu.Format, isa: str) -> None:
    """A spot check that the two do not agree on something wrong."""
    spec = oracle.NAMED[fmt.name]
    x = inputs(fmt, "float32", 60, 1)
    assert hu.isa == isa
    assert fmt.encode(x).tolist() == expected_one_by_one(spec, x, oracle.Policy())


# -- choosing


def test_the_names() -> None:
    assert hu.available_isas()[0] == "scalar"
    assert hu.isa in hu.available_isas()
    assert len(set(hu.available_isas())) == len(hu.available_isas())
    if sys.platform == "linux" and os.uname().machine == "x86_64":
        with open("/proc/cpuinfo") as f:
            flags = set(f.read().split())
        assert ("avx2" in hu.available_isas()) == ({"avx2", "f16c"} <= flags)
        assert ("avx512" in hu.available_isas()) <= ({"avx512f", "avx512bw", "avx512vl", "avx512dq"} <= flags)


def test_use_isa_nests_and_restores() -> None:
    before = hu.isa
    for isa in hu.available_isas():
        with hu.use_isa(isa) as chosen:
            assert hu.isa == isa
            assert repr(chosen) == f"<halfulp: isa {isa!r}>"
            with hu.use_isa("scalar"):
                assert hu.isa == "scalar"
            assert hu.isa == isa
        assert hu.isa == before
    with pytest.raises(RuntimeError), hu.use_isa("scalar"):
        raise RuntimeError
    assert hu.isa == before


def test_use_isa_as_a_function() -> None:
    before = hu.isa
    try:
        for isa in hu.available_isas():
            hu.use_isa(isa)
            assert hu.isa == isa
    finally:
        hu.use_isa(before)


@pytest.mark.parametrize("name", ["", "AVX2", "avx1024", "neon9", "scalar ", "x" * 10_000, "scalar\0"])
def test_unknown_isas(name: str) -> None:
    with hu.use_isa("scalar"):
        with pytest.raises(ValueError, match=r"isa must be one of 'scalar'.* on this machine, not"):
            hu.use_isa(name)
        assert hu.isa == "scalar"


@pytest.mark.parametrize("name", [None, 3, b"scalar", ["scalar"]])
def test_isas_of_other_types(name: Any) -> None:
    with pytest.raises(TypeError, match="isa must be a string, one of scalar"):
        hu.use_isa(name)


def start(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **environment}
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=env, check=False)


def test_the_environment_variable() -> None:
    for isa in hu.available_isas():
        done = start("import halfulp as hu; print(hu.isa)", HALFULP_ISA=isa)
        assert (done.stdout.strip(), done.returncode) == (isa, 0)
    done = start("import halfulp as hu; print(hu.isa)", HALFULP_ISA="")
    assert done.stdout.strip() == hu.available_isas()[-1]
    done = start("import halfulp", HALFULP_ISA="sse9")
    assert done.returncode == 1
    assert "ValueError: HALFULP_ISA must be one of scalar" in done.stderr.splitlines()[-1]
    assert "not 'sse9'" in done.stderr.splitlines()[-1]


def test_show_config(capsys: pytest.CaptureFixture[str]) -> None:
    with hu.use_isa("scalar"):
        hu.show_config()
    rows = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    assert rows["halfulp"] == hu.__version__
    assert rows["isa"] == f"scalar (available: {', '.join(hu.available_isas())})"
    assert rows["numpy"] == np.__version__
    assert set(rows) == {"halfulp", "isa", "threads", "compiler", "numpy", "python", "platform"}


def test_the_headers_are_shipped() -> None:
    folder = os.path.join(hu.get_include(), "halfulp")
    assert {"config.hpp", "format.hpp", "formats.hpp", "codec.hpp", "encode.hpp", "decode.hpp"} <= set(
        os.listdir(folder)
    )


def test_isa_is_not_to_be_assigned() -> None:
    with pytest.raises(AttributeError, match=r"call halfulp\.use_isa\('scalar'\)"):
        hu.isa = "scalar"  # type: ignore[misc]


@pytest.mark.parametrize("text", ["e0m22", "e0m23", "e0m24", "e0m25", "e0m26"])
@pytest.mark.parametrize("specials", ["integer", "finite", "fn", "fnuz", "integer:unsigned"])
def test_round_is_decode_of_encode_at_the_width_of_binary32(isa: str, text: str, specials: str) -> None:
    f = hu.Format(f"{text}:{specials}")
    x = np.array([1, 2, 3, 4, 1000, f.max, f.min, -1.0, 0.5, 1.5] * 9, dtype=np.float64)
    with hu.use_isa(isa):
        for dtype in (np.float16, np.float32, np.float64, np.longdouble):
            with np.errstate(over="ignore"):
                given = x.astype(dtype)
            given = given[np.isfinite(given)]
            want = f.decode(f.encode(given)).astype(np.float64)
            np.testing.assert_array_equal(f.round(given).astype(np.float64), want)


@pytest.mark.parametrize("text", ["e0m2:bias=144:fn", "e0m1:bias=147:integer:unsigned", "e0m3:bias=147:finite"])
def test_four_bits_whose_values_are_subnormal_in_binary32(isa: str, text: str) -> None:
    f = hu.Format(text)
    codes = np.arange(1 << f.bits, dtype=np.uint8).repeat(40)
    with hu.use_isa("scalar"):
        want = f.decode(codes)
    with hu.use_isa(isa):
        assert f.decode(codes).tobytes() == want.tobytes()
