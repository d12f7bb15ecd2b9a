"""Text, codebooks, limits, reports and files are the same in every floating-point environment.

What is not computed by kernels: Python's floats heed the environment, so that these functions must not. Expected
results are found outside every mode, and against the oracle's values where there is a number to name.
"""

from __future__ import annotations

import contextlib
import io
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from halfulp.cli import main
from halfulp.testing import assert_codes_equal, diagnose, environment, environments
from numpy.typing import NDArray
from oracle import decode
from strategies import oracle_spec

MODES = [mode for mode in environments() if mode != "usual"]
if not MODES:
    pytest.skip("needs glibc's fenv_t on x86-64 or aarch64", allow_module_level=True)

# Most have numbers that are subnormal in binary32, or in binary64.
NAMES = [
    "bfloat16",
    "tfloat32",
    "float32",
    "float8_e8m0fnu",
    "float8_e5m2",
    "e5m4:bias=142:finite",
    "e5m4:bias=1040:ieee",
    "e11m10:bias=1023:ieee",
    "e0m3:bias=140:integer",
    "e0m4:bias=1070:finite:unsigned",
    "e1m2:bias=1000:ieee",
]
FINFO = ("max", "min", "smallest_normal", "smallest_subnormal", "eps", "epsneg", "resolution")
in_all_modes = pytest.mark.parametrize("mode", MODES)
in_all_formats = pytest.mark.parametrize("name", NAMES)


def small_codes(f: hu.Format) -> NDArray[Any]:
    top = 1 << f.mantissa_bits
    codes = np.array([0, 1, 2, 3, top - 1, top % (f.code_of_max + 1), f.code_of_max // 2, f.code_of_max], f.code_dtype)
    return np.concatenate([codes, codes | f.code_dtype.type(f._layout.sign_bit)])


def under(mode: str, call: Callable[[], Any]) -> Any:
    with environment(mode) as env:
        result = call()
    assert not env.changed
    return result


def bits(result: Any) -> Any:
    """Something to compare, made outside: repr of floats breaks under the modes, too."""
    if isinstance(result, tuple | list):
        return [bits(x) for x in result]
    if isinstance(result, float) and not isinstance(result, np.generic):
        return struct.pack("<d", result)
    if isinstance(result, np.ndarray | np.generic):
        return str(result.dtype), result.tobytes()
    return repr(result)


def unchanged(mode: str, call: Callable[[], Any]) -> None:
    want = bits(call())
    assert bits(under(mode, call)) == want


@in_all_modes
@in_all_formats
def test_text(name: str, mode: str) -> None:
    f = hu.Format(name)
    codes, spec = small_codes(f), oracle_spec(f)
    for style in ("shortest", "hex"):
        texts = under(mode, lambda style=style: hu.ops.to_string(codes, format=f, style=style))
        for code, text in zip(codes.tolist(), texts.tolist(), strict=True):
            value = decode(spec, code)
            if value.kind != "finite":
                continue
            read = float.fromhex(text) if style == "hex" else Fraction(text)
            assert read == value.real if style == "hex" else hu.encode(read, f) == code or value.real == 0, (code, text)
            assert text.startswith("-") == value.negative
    unchanged(mode, lambda: hu.ops.to_string(codes, format=f).tolist())
    for texts in (hu.ops.to_string(codes, format=f).tolist(), hu.ops.to_string(codes, format=f, style="hex").tolist()):
        for rounding in ("nearest_even", "toward_positive"):
            unchanged(mode, lambda r=rounding, t=texts: hu.ops.from_string(t, format=f, rounding=r, flags=True))
        unchanged(mode, lambda t=texts: hu.encode(t, f))


def test_the_text_of_subnormals() -> None:
    for mode in MODES:
        texts = under(mode, lambda: hu.ops.to_string(np.uint16([1, 5]), format=hu.bfloat16))
        assert texts.tolist() == ["9e-41", "5e-40"]


@in_all_modes
@in_all_formats
def test_limits(name: str, mode: str) -> None:
    words = ("max", "min", "min_normal", "min_subnormal", "eps")
    f = hu.Format(name)
    unchanged(mode, lambda: [getattr(f, word) for word in words])
    for place, found in enumerate((hu.finfo, lambda g: hu.finfo(g.dtype))):
        # Limits of a format are made when they are asked for, once; a format of another name has its own.
        fields = (f.exponent_bits, f.mantissa_bits, f.bias, f.specials, f.signed, f.has_zero)
        other = hu.Format(*fields, name=f"limits_{mode}_{name.partition(':')[0]}_{place}")
        got = under(mode, lambda found=found, other=other: [getattr(found(other), word) for word in FINFO])
        want = [getattr(found(f), word) for word in FINFO]
        assert list(map(float, got)) == list(map(float, want))
        if f.dtype.isbuiltin != 1:
            assert [type(x).__name__ == "float64" for x in got] == [type(x).__name__ == "float64" for x in want]


@in_all_modes
def test_making_codebooks(mode: str) -> None:
    for levels in ([-1e-40, 0, 1e-40], [1e-40, 2e-40], [2.0**-149, 2.0**-120], [-(2.0**-130), -0.0, 0.0, 2.0**-90]):
        single = np.float32(levels)
        exact = [Fraction(float(x)) for x in single]
        book = under(mode, lambda single=single: hu.Codebook(single, name="subnormal_levels"))
        assert [Fraction(float(x)) for x in book.values()] == sorted(set(exact))
        for given in (single.tolist(), exact) if 0 not in exact else (single.tolist(),):
            assert under(mode, lambda given=given: hu.Codebook(given, name="subnormal_levels")) is book
        assert under(mode, lambda book=book: hu.Codebook(book.text)) is book
    between = [Fraction(3, 2**150), 2.0**-1074]
    levels = [0.0, 2.0**-149, 1.0]
    book = under(mode, lambda: hu.Codebook(levels, thresholds=[between[1], between[0]]))
    assert book.thresholds == (Fraction(1, 2**1074), between[0])
    with pytest.raises(ValueError, match="is no binary32 number"):
        under(mode, lambda: hu.Codebook([0, 2.0**-150]))
    twice = np.float32([1e-45, 1e-45])
    with pytest.raises(ValueError, match=r"level 1\.40129\S* is there twice"):
        under(mode, lambda: hu.Codebook(twice))


@in_all_modes
@in_all_formats
def test_reports(name: str, mode: str) -> None:
    f = hu.Format(name)
    codes = small_codes(f)
    values = f.decode(codes)
    other = codes[::-1].copy()

    def report(operands: list[Any] | None, op: str | None) -> str:
        try:
            assert_codes_equal(codes, other, f, operands=operands, op=op)
        except AssertionError as error:
            return str(error)
        return ""

    unchanged(mode, lambda: report(None, None))
    unchanged(mode, lambda: report([values], None))
    unchanged(mode, lambda: report([codes, other], "multiply"))
    flushed = f.codec(subnormals="flush_output").encode(values)
    unchanged(mode, lambda: [str(x) for x in diagnose(flushed, f.encode(values), f, operands=[values])])


def test_kernels_under_test_keep_the_environment() -> None:
    """Reports call a kernel as its caller would."""
    tiny = np.float32([1e-40, 3e-39, 1])

    def flushes(x: NDArray[Any]) -> NDArray[Any]:
        return hu.bfloat16.encode(x * x.dtype.type(1))

    with environment("ftz"):
        actual = flushes(tiny)
        with contextlib.suppress(AssertionError):
            text = ""
            try:
                assert_codes_equal(
                    actual, hu.bfloat16.encode(tiny), hu.bfloat16, operands=[tiny], op="encode", kernel=flushes
                )
            except AssertionError as error:
                text = str(error)
    assert "subnormal" in text


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    x = np.concatenate([np.float32([1e-40, 3e-39, -2e-38, 0.3, 5]), np.linspace(-1, 1, 200, dtype=np.float32)])
    np.save(tmp_path / "w.npy", x)
    return tmp_path / "w.npy"


@in_all_modes
def test_the_command_line(weights: Path, mode: str) -> None:
    def run(*words: str) -> tuple[int, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(words)
        return status, out.getvalue() + err.getvalue()

    for words in (
        ("show", "bfloat16", "1e-40"), ("show", "e5m4:bias=1040:ieee", "0x3"), ("show", "float8_e4m3fn", "0.3"),
        ("formats", "--json"), ("formats",), ("survey", str(weights)), ("survey", str(weights), "--json"),
    ):  # fmt: skip
        want = run(*words)
        assert under(mode, lambda words=words: run(*words)) == want


@in_all_modes
def test_files(tmp_path: Path, mode: str) -> None:
    x = hu.bfloat16.encode(np.float32([1e-40, 0.3, 7])).view(hu.bfloat16.dtype)
    scale = 2.0**-1060 * 3
    path = tmp_path / "scaled.safetensors"
    under(mode, lambda: hu.save_safetensors(path, {"x": x}, scales={"x": scale}))
    assert under(mode, lambda: hu.load_safetensors(path)).scales == {"x": scale}
    hu.save_safetensors(path, {"x": x}, scales={"x": 0.3})
    from halfulp.io import load

    unchanged(mode, lambda: load(path)["x"])
    packed = hu.PackedArray.encode(np.float32([1e-40, 0.3]), "bfloat16", order="bitstream")
    unchanged(mode, lambda: [packed == hu.PackedArray.encode([0.0, 0.3], "bfloat16", order="bitstream"), repr(packed)])
