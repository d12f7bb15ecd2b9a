"""The shared headers compile alone under g++, clang++ and nvcc, and no target's code can reach another's.

Compilers that are missing are skipped; HALFULP_NVCC names an nvcc that is not on PATH.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
from pathlib import Path

import pytest
from support import run_tool

ROOT = Path(__file__).resolve().parent.parent
HEADERS = sorted((ROOT / "csrc" / "halfulp").glob("*.hpp"))
TARGETS = sorted((ROOT / "csrc" / "simd").glob("kernels_*.cc"))
if not HEADERS:
    pytest.skip("needs the source tree", allow_module_level=True)
BUILD = (ROOT / "CMakeLists.txt").read_text()
X86 = platform.machine() in ("x86_64", "AMD64")
STRICT = ("-std=c++17", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-pedantic", "-Werror", "-fsyntax-only")


def compiler(name: str) -> str:
    found = (os.environ.get("HALFULP_NVCC") if name == "nvcc" else None) or shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.mark.parametrize("name", ["g++", "clang++"])
def test_each_header_compiles_alone(name: str, tmp_path: Path) -> None:
    tool = compiler(name)
    for header in HEADERS:
        file = tmp_path / f"{header.stem}.cc"
        file.write_text(f'#include "halfulp/{header.name}"\n#include "halfulp/{header.name}"\n')
        run_tool(tool, *STRICT, "-nostdinc", "-nostdinc++", "-I", ROOT / "csrc", file)


VECTORS = """
#include "halfulp/codebooks.hpp"
#include "halfulp/encode.hpp"
#include "halfulp/decode.hpp"
#include "halfulp/formats.hpp"
#include "halfulp/pack.hpp"
using namespace halfulp;
constexpr u32 encoded(const char* name, u32 bits) {
  const Policy policy = {Rounding::nearest_even, Overflow::standard, Subnormals::gradual, default_nan(format(name))};
  return encode(unpack_binary32(Lane<u32>{bits}), make_codec<u32>(format(name), policy)).word;
}
constexpr u32 decoded(const char* name, u32 code) {
  return decode(Lane<u32>{code}, make_decoder<u32>(format(name))).word;
}
static_assert(encoded("float8_e4m3fn", 0x3e99999a) == 0x2a, "0.3 is 0.3125");
static_assert(encoded("float8_e4m3fn", 0x43e80000) == 0x7e, "464 ties to 448");
static_assert(encoded("bfloat16", 0x3f808001) == 0x3f81, "above a tie");
static_assert(encoded("float4_e2m1fn", 0xc0a00000) == 0xe, "-5 ties to -4");
static_assert(encoded("int4", 0xc1100000) == 0x8, "-9 saturates");
constexpr u8 nf4(u32 bits) { return encode_level(bits, make_level_search(codebooks[0].codebook, nullptr, {15, 15})); }
static_assert(nf4(0x3d22faff) == 7 && nf4(0x3d22fb00) == 8, "NF4 at a threshold and above it");
static_assert(decoded("float8_e4m3fn", 0x7e) == 0x43e00000, "448");
static_assert(decoded("float8_e5m2fnuz", 0x80) == 0x7fc00000, "NaN");
static_assert(bit_of({Order::awq, 4}, 9) == 48, "the second code of a word is its fifth nibble");
static_assert(close_gaps(0x0706050403020100, 3) == 076543210, "an octal digit to each code");
static_assert(open_gaps(076543210, 3) == 0x0706050403020100, "and back");
"""


@pytest.mark.parametrize("name", ["g++", "clang++"])
def test_conversions_happen_at_compile_time(name: str, tmp_path: Path) -> None:
    file = tmp_path / "vectors.cc"
    file.write_text(VECTORS)
    run_tool(compiler(name), "-std=c++17", "-fsyntax-only", "-I", ROOT / "csrc", file)
    file.write_text(VECTORS.replace("0x2a", "0x2b"))
    with pytest.raises(AssertionError, match=r"0\.3 is 0\.3125"):
        run_tool(compiler(name), "-std=c++17", "-fsyntax-only", "-I", ROOT / "csrc", file)


KERNEL = """
#include "halfulp/codebooks.hpp"
#include "halfulp/encode.hpp"
#include "halfulp/decode.hpp"
#include "halfulp/formats.hpp"
#include "halfulp/pack.hpp"
#include "halfulp/source.hpp"
using namespace halfulp;
__global__ void round_trip(Codec<u32> codec, Decoder<u32> decoder, const u32* from, u32* to, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) to[i] = decode(encode(unpack_binary32(Lane<u32>{from[i]}), codec), decoder).word;
}
__global__ void from_binary64(Codec<u64> codec, const u64* from, u64* to, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) to[i] = encode(unpack_binary<11, 52>(from[i], false), codec).word;
}
__global__ void unpacked(Packing packing, const u8* packed, u64* codes, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) codes[i] = code_at(packing, packed, static_cast<u64>(i));
}
__global__ void to_levels(LevelSearch search, const u32* from, u8* to, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) to[i] = encode_level(from[i], search);
}
__global__ void any_format(int row, Policy policy, const u32* from, u32* to) {
  to[threadIdx.x] = encode(unpack_binary32(Lane<u32>{from[threadIdx.x]}),
                           make_codec<u32>(Format{"", row, 3, 7, Specials::fn, true, true, ""}, policy)).word;
}
"""


@pytest.mark.parametrize("architecture", ["sm_90", "sm_100"])
def test_nvcc_compiles_kernels(architecture: str, tmp_path: Path) -> None:
    file = tmp_path / "kernel.cu"
    file.write_text(KERNEL)
    out = tmp_path / "kernel.cubin"
    options = ("-std=c++17", "-cubin", f"-arch={architecture}", "-Werror", "all-warnings")
    run_tool(compiler("nvcc"), *options, "-I", ROOT / "csrc", "-o", out, file)
    assert out.read_bytes()[:4] == b"\x7fELF"


def test_the_build_names_every_target() -> None:
    for source in TARGETS:
        assert f"csrc/simd/{source.name}" in BUILD


@pytest.mark.parametrize("source", TARGETS, ids=lambda path: path.stem)
def test_no_code_of_a_target_is_shared(source: Path, tmp_path: Path) -> None:
    """Without optimisation nothing is inlined, so every function that the linker could mix up is visible."""
    target = source.stem.partition("_")[2]
    if target != "portable" and (target == "neon") == X86:
        pytest.skip(f"{target} is not for {platform.machine()}")
    stated = re.search(rf"halfulp_isa\(csrc/simd/{source.name}\s+(-m[^$)]*)", BUILD)
    flags = tuple(stated[1].split()) if stated else ()
    assert flags or target in ("portable", "neon")
    assert stray_symbols(source, target, flags, tmp_path) == []


def stray_symbols(source: Path, target: str, flags: tuple[str, ...], folder: Path) -> list[str]:
    out = folder / f"{target}.o"
    run_tool(compiler("g++"), "-std=c++17", "-O0", "-c", *flags, "-I", ROOT / "csrc", "-o", out, source)
    listing = run_tool(compiler("nm"), "-C", "--defined-only", out)
    weak = [line.split(None, 2)[2] for line in listing.splitlines() if re.match(r"[0-9a-f]+ [WVu] ", line)]
    assert weak, "an object without optimisation has weak symbols"
    return [name for name in weak if f"halfulp::{target}::" not in name and not name.startswith("DW.ref.")]


def test_a_shared_function_would_be_seen(tmp_path: Path) -> None:
    file = tmp_path / "kernels_shared.cc"
    file.write_text("template <class T> T twice(T x) { return x + x; }\nint f(int x) { return twice(x); }\n")
    assert stray_symbols(file, "shared", (), tmp_path) == ["int twice<int>(int)"]
