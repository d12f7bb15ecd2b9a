"""What the wheel brings for C++, C and SystemVerilog: found by CMake, linked, and the same bits as the oracle's."""

from __future__ import annotations

import ctypes
import math
import shutil
import struct
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path

import halfulp as hu
import pytest
from oracle import (
    NAMED,
    OVERFLOWS,
    ROUNDINGS,
    SPECIALS,
    SUBNORMALS,
    Policy,
    Spec,
    Value,
    decode,
    encode,
    inf,
    nan,
    real,
)
from support import run_tool

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@cache
def report() -> str:
    """What a test bench must say of a converter whose ties go away from zero."""
    spec = NAMED["float8_e4m3fn"]
    lines = []
    for upper in range(0x10000):
        value = struct.unpack("<f", struct.pack("<I", upper << 16))[0]
        if not math.isfinite(value):
            continue
        exact = real(Fraction(value), negative_zero=upper == 0x8000)
        away, even = (encode(spec, exact, Policy(rounding=mode)) for mode in ("nearest_away", "nearest_even"))
        if away != even:
            lines.append(f"bfloat16 {upper:04x}: the converter gives {away:02x}, the format {even:02x}\n")
    return "".join(lines[:3]) + f"{len(lines)} of 65536 inputs differ: the ties\n"


def test_cmake_finds_the_package_and_the_examples_run(tmp_path: Path) -> None:
    tool("c++")
    source = EXAMPLES / "cpp"
    if not source.is_dir():
        pytest.skip("needs the source tree")
    run_tool(tool("cmake"), "-S", source, "-B", tmp_path, f"-Dhalfulp_DIR={hu.get_cmake_dir()}")
    run_tool("cmake", "--build", tmp_path)
    assert run_tool(tmp_path / "testbench") == report()
    assert run_tool(tmp_path / "from_c").splitlines() == [
        "0.3: float8_e4m3fn 2a = 0.3125, e5m3 069 = 0.28125",
        "-500: float8_e4m3fn fe = -448, e5m3 1bf = -480",
        "0.001: float8_e4m3fn 01 = 0.00195312, e5m3 028 = 0.000976562",
    ]


def test_systemverilog_calls_the_library(tmp_path: Path) -> None:
    verilator = tool("verilator")
    source = EXAMPLES / "systemverilog" / "testbench.sv"
    if not source.is_file():
        pytest.skip("needs the source tree")
    package = Path(hu.get_include()) / "halfulp" / "halfulp.sv"
    words = ["--binary", "--timing", "-Wno-WIDTH", "--Mdir", tmp_path, "--top-module", "testbench"]
    library = hu.get_library()
    words += ["-LDFLAGS", f"-Wl,-rpath,{Path(library).parent}"]
    run_tool(verilator, *words, package, source, library)
    printed = run_tool(tmp_path / "Vtestbench")
    assert printed.startswith(report())


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    c = ctypes.CDLL(hu.get_library())
    whole, longs = ctypes.c_int, ctypes.c_longlong
    for make, arguments in (("named", [ctypes.c_char_p]), ("custom", [whole] * 6)):
        function = getattr(c, f"halfulp_codec_{make}")
        function.restype = ctypes.c_void_p
        function.argtypes = [*arguments, whole, whole, whole]
    for name, result, argument in (
        ("encode", longs, ctypes.c_double),
        ("encode_float_bits", longs, whole),
        ("encode_integer", longs, longs),
        ("decode", ctypes.c_double, longs),
    ):
        function = getattr(c, f"halfulp_{name}")
        function.restype, function.argtypes = result, [ctypes.c_void_p, argument]
    c.halfulp_codec_free.restype, c.halfulp_codec_free.argtypes = None, [ctypes.c_void_p]
    c.halfulp_bits.argtypes = [ctypes.c_void_p]
    return c


def doubles(spec: Spec) -> Iterator[float]:
    """The neighbourhoods of some of a format's values and ties, beyond its range, and the specials."""
    codes = range(2**spec.bits) if spec.bits <= 8 else [0, 1, 2, 2 ** (spec.bits - 1) - 1, 2 ** (spec.bits - 2)]
    values = [decode(spec, code) for code in codes]
    for value in values:
        if value.kind != "finite":
            continue
        for near in (value.real, value.real * 17 / 16, value.real * 33 / 32):
            x = float(near)
            yield from (x, math.nextafter(x, math.inf), math.nextafter(x, -math.inf))
    yield from (0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1.7e308, -1.7e308)


def exactly(x: float) -> Value:
    if math.isnan(x):
        return nan(math.copysign(1, x) < 0)
    if math.isinf(x):
        return inf(x < 0)
    return real(Fraction(x), negative_zero=math.copysign(1, x) < 0)


@pytest.mark.parametrize("name", NAMED)
def test_the_c_interface_gives_the_oracles_codes(library: ctypes.CDLL, name: str) -> None:
    spec = NAMED[name]
    inputs = list(dict.fromkeys(doubles(spec)))
    for rounding in range(len(ROUNDINGS)):
        overflow, subnormals = rounding % len(OVERFLOWS), rounding % 3
        codec = library.halfulp_codec_named(name.encode(), rounding, overflow, subnormals)
        assert library.halfulp_bits(codec) == spec.bits
        policy = Policy(ROUNDINGS[rounding], OVERFLOWS[overflow], None, SUBNORMALS[subnormals])
        for x in inputs:
            got = library.halfulp_encode(codec, x) & (2**64 - 1)
            assert got == encode(spec, exactly(x), policy), (x.hex(), policy)
        library.halfulp_codec_free(codec)
    codec = library.halfulp_codec_named(name.encode(), 0, 0, 0)
    for code in range(min(2**spec.bits, 512)):
        value, want = library.halfulp_decode(codec, code), decode(spec, code)
        if want.kind == "nan":
            assert math.isnan(value)
        else:
            assert struct.pack("<d", value) == struct.pack("<d", to_float(want))
    library.halfulp_codec_free(codec)


def to_float(value: Value) -> float:
    magnitude = float(value.magnitude) if value.kind == "finite" else math.inf
    return math.copysign(magnitude, -1 if value.negative else 1)


def test_the_c_interface_takes_formats_of_ones_own_floats_and_integers(library: ctypes.CDLL) -> None:
    spec = Spec(5, 3, 15)
    ieee = SPECIALS.index("ieee")
    codec = library.halfulp_codec_custom(5, 3, 15, ieee, 1, 1, 0, 0, SUBNORMALS.index("flush_input"))
    assert library.halfulp_encode_integer(codec, -(2**63)) == encode(spec, real(-(2**63)), Policy())
    assert library.halfulp_encode_integer(codec, 33) == encode(spec, real(33), Policy())
    assert library.halfulp_encode_float_bits(codec, 0x3E99999A) == encode(
        spec, real(Fraction(0x99999A, 2**25)), Policy()
    )
    assert library.halfulp_encode_float_bits(codec, 0x7FFFFF) == 0
    library.halfulp_codec_free(codec)
    library.halfulp_codec_free(None)


@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        ("named", (b"float9", 0, 0, 0)),
        ("named", (None, 0, 0, 0)),
        ("named", (b"float16", 6, 0, 0)),
        ("named", (b"float16", -1, 0, 0)),
        ("named", (b"float16", 0, 3, 0)),
        ("named", (b"float16", 0, 0, 4)),
        ("custom", (5, 3, 15, 7, 1, 1, 0, 0, 0)),
        ("custom", (5, 0, 15, 0, 1, 1, 0, 0, 0)),
        ("custom", (60, 60, 15, 0, 1, 1, 0, 0, 0)),
        ("custom", (5, 3, 2**31 - 1, 0, 1, 1, 0, 0, 0)),
    ],
)
def test_the_c_interface_refuses_what_is_no_codec(library: ctypes.CDLL, make: str, arguments: tuple[object]) -> None:
    assert getattr(library, f"halfulp_codec_{make}")(*arguments) is None
