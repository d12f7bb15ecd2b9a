"""`halfulp vectors` and `halfulp check`: what is written, that it is right, and that every kind of fault is found."""

from __future__ import annotations

import re
import subprocess
import sys
import tracemalloc
from fractions import Fraction
from pathlib import Path

import halfulp as hu
import numpy as np
import oracle
import pytest
from commands import check, fail, run
from oracle import NAMED, Policy, Spec

OPERATIONS = [
    "add --format float8_e4m3fn",
    "subtract --format float4_e2m1fn --rounding toward_negative",
    "multiply --format float8_e4m3fn,float8_e5m2,bfloat16",
    "divide --format float16 --tininess before",
    "remainder --format float8_e5m2",
    "sqrt --format bfloat16 --rounding to_odd",
    "fma --format float6_e3m2fn --subnormals flush_output --overflow saturate",
    "add --format bfloat16 --subnormals flush_input,flush_tiny",
    "round_to_integral --format float16 --rounding toward_zero",
    "scaleb --format float8_e5m2",
    "logb --format float16",
    "compare --format float8_e5m2",
    "less_equal --format bfloat16",
    "class_ --format float16",
    "minimum_number --format float8_e4m3fnuz",
    "total_order --format float8_e5m2",
    "next_up --format float8_e5m2",
    "augmented_multiply --format float8_e5m2",
    "convert --format tfloat32,float8_e5m2 --nan x86",
    "encode --format float8_e4m3fn",
    "encode --format float64,bfloat16 --rounding nearest_away",
    "add --format int8",
    "to_integer --format float16 --integer int32",
    "to_integer --format bfloat16 --integer uint8 --rounding nearest_even",
    "from_integer --format float8_e4m3fn --integer int16",
    "from_integer --format bfloat16 --integer uint64 --rounding toward_zero",
    "add --format e5m3:bias=15:ieee:unsigned",
]


def checked(words: str, text: str, monkeypatch: pytest.MonkeyPatch, *more: str) -> str:
    """What a check reports that finds something wrong."""
    code, out, err = check(words, text, monkeypatch, *more)
    assert (code, err) == (1, ""), err
    return out


@pytest.mark.parametrize("words", OPERATIONS)
@pytest.mark.parametrize("shape", ["testfloat", "hex", "readmemh", "csv"])
def test_what_is_written_is_accepted(words: str, shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = run("vectors", *words.split(), "-n", "700", "--as", shape)
    code, out, err = check(words, text, monkeypatch, "--check-nans")
    assert (code, err) == (0, "")
    assert out == f"700 vectors of {words.split()[0]} read: all agree\n"


def test_the_fields() -> None:
    first = run("vectors", "multiply", "--format", "float8_e4m3fn,float8_e4m3fn,bfloat16", "-n", "50").splitlines()
    assert all(re.fullmatch(r"[0-9A-F]{2} [0-9A-F]{2} [0-9A-F]{4} [0-9A-F]{2}", line) for line in first)
    words = ["vectors", "fma", "--format", "float32", "-n", "3", "--as"]
    assert all(re.fullmatch(r"(0x[0-9a-f]{8} ){4}0x[0-9a-f]{2}", line) for line in run(*words, "hex").splitlines())
    assert all(re.fullmatch(r"([0-9a-f]{8}_){4}[0-9a-f]{2}", line) for line in run(*words, "readmemh").splitlines())
    assert run(*words, "csv").splitlines()[0] == "a,b,c,result,flags"


def flags_of(spec: Spec, exact: Fraction, code: int) -> int:
    """Flags of a finite exact result rounded to nearest even, tininess after rounding."""
    if exact == 0:
        return 0
    k, where = oracle.locate(spec, abs(exact))
    overflow = k + oracle.goes_up("nearest_even", exact < 0, k, where) > spec.last
    inexact = overflow or oracle.decode(spec, code).real != exact
    tiny = abs(exact) < spec.min_normal
    if tiny:
        unit = Fraction(1)
        while abs(exact) < unit * 2**spec.mantissa_bits:
            unit /= 2
        tiny = round(abs(exact) / unit) * unit < spec.min_normal
    return inexact * 1 | (inexact and tiny) * 2 | overflow * 4


def exactly(op: str, a: Fraction, b: Fraction, c: Fraction = Fraction(0)) -> Fraction:
    return {"add": a + b, "multiply": a * b, "divide": a / (b or 1), "fma": a * b + c}[op]


@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e5m2", "float4_e2m1fn", "bfloat16", "float16"])
@pytest.mark.parametrize("op", ["add", "multiply", "divide", "fma"])
def test_the_vectors_against_exact_rationals(op: str, name: str) -> None:
    spec = NAMED[name]
    compared = 0
    for line in run("vectors", op, "--format", name, "-n", "1500", "--seed", "5").splitlines():
        *operands, result, flags = (int(word, 16) for word in line.split())
        values = [oracle.decode(spec, code) for code in operands]
        if any(v.kind != "finite" for v in values) or (op == "divide" and values[1].magnitude == 0):
            continue
        a, b, *c = (v.real for v in values)
        x = exactly(op, a, b, *c)
        want = oracle.encode(spec, oracle.real(x), Policy())
        if x == 0:
            result &= ~spec.sign_bit
        assert result == want, line
        assert flags == flags_of(spec, x, want), line
        compared += 1
    assert compared > 700


def test_integers_against_exact_rationals() -> None:
    spec = NAMED["bfloat16"]
    for line in run("vectors", "from_integer", "--format", "bfloat16", "--integer", "int32").splitlines():
        number, result, flags = (int(word, 16) for word in line.split())
        number -= (number >> 31) << 32
        assert result == oracle.encode(spec, oracle.real(number)), line
        assert flags == flags_of(spec, Fraction(number), result), line
    for line in run("vectors", "to_integer", "--format", "bfloat16", "--integer", "int8").splitlines():
        code, result, flags = (int(word, 16) for word in line.split())
        value = oracle.decode(spec, code)
        if value.kind == "finite" and -129 < value.real < 128:
            assert result - (result >> 7 << 8) == int(value.real), line
            assert flags == 0, line
        else:
            assert flags == 16, line


def test_encoding_from_binary64_against_exact_rationals() -> None:
    wide, spec = NAMED["float64"], NAMED["bfloat16"]
    for rounding in ("nearest_even", "toward_positive", "to_odd"):
        words = ["vectors", "encode", "--format", "float64,bfloat16", "-n", "2000", "--rounding", rounding]
        for line in run(*words).splitlines():
            source, result, flags = (int(word, 16) for word in line.split())
            value = oracle.decode(wide, source)
            signaling = value.kind == "nan" and not source >> 51 & 1
            assert bool(flags & 16) == signaling, line
            if value.kind != "nan":
                assert result == oracle.encode(spec, value, Policy(rounding)), line
            if value.kind == "finite":
                held = oracle.decode(spec, result)
                assert flags & 1 == (held.kind != "finite" or held.real != value.real), line
                if rounding == "nearest_even":
                    assert flags == flags_of(spec, value.real, result), line


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("add --format float4_e2m1fn --level exhaustive", 2**8),
        ("multiply --format float8_e4m3fn --level exhaustive", 2**16),
        ("fma --format float4_e2m1fn --level exhaustive", 2**12),
        ("sqrt --format bfloat16 --level exhaustive", 2**16),
        ("from_integer --format float8_e5m2 --integer int8 --level exhaustive", 2**8),
        ("add --format float4_e2m1fn,float6_e2m3fn,bfloat16 --level exhaustive", 2**10),
        ("add --format float16 -n 0", 0),
        ("add --format float16 -n 20000", 20000),
    ],
)
def test_counts(words: str, count: int) -> None:
    lines = run("vectors", *words.split()).splitlines()
    assert len(lines) == count
    if "exhaustive" in words:
        assert len({line.rsplit(" ", 2)[0] for line in lines}) == count


def test_levels_grow_and_hold_what_breaks_adders() -> None:
    first, second = (run("vectors", "sqrt", "--format", "float16", "--level", n).split("\n") for n in "12")
    assert 100 < len(first) < 1000 < len(second) < 10000
    assert set(first) <= set(second)
    operands = {line.split()[0] for line in first if line}
    assert {"0000", "8000", "0001", "03FF", "0400", "3C00", "3BFF", "7BFF", "7C00", "7C01", "7E00", "FFFF"} <= operands


def test_the_seed_decides() -> None:
    words = ["vectors", "fma", "--format", "bfloat16", "-n", "20000"]
    one = run(*words, "--seed", "1")
    assert run(*words, "--seed", "1") == one
    assert run(*words, "--seed", "2") != one
    lines = one.splitlines()
    assert set(lines[:1000]) != set(lines[16384:17384]), "chunks differ"
    assert one.startswith(run(*words[:-1], "500", "--seed", "1")), "a longer run begins as a shorter one"


def test_npz(tmp_path: Path) -> None:
    path = tmp_path / "vectors.npz"
    assert run("vectors", "add", "--format", "bfloat16", "--as", "npz", "-n", "40000", "-o", path) == ""
    with np.load(path) as arrays:
        assert list(arrays) == ["a", "b", "result", "flags"]
        want = hu.ops.add(arrays["a"], arrays["b"], format=hu.bfloat16, flags=True)
        assert np.array_equal(arrays["result"], want[0])
        assert np.array_equal(arrays["flags"], want[1])
        assert arrays["a"].shape == (40000,)
    text = tmp_path / "vectors.txt"
    assert run("vectors", "add", "--format", "bfloat16", "-n", "9", "-o", text) == ""
    assert text.read_text() == run("vectors", "add", "--format", "bfloat16", "-n", "9")


def test_memory_stays_bounded(tmp_path: Path) -> None:
    """These vectors are 7 MB of text; what is held at once is a chunk of 16,384."""
    words = ["vectors", "fma", "--format", "float16", "-n", "300000", "-o", tmp_path / "some"]
    run(*words[:-3], "10", *words[-2:])
    tracemalloc.start()
    run(*words)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "some").stat().st_size == 300_000 * 23
    assert peak < 5_000_000, peak


def test_head_ends_it_quietly() -> None:
    command = [sys.executable, "-m", "halfulp", "vectors", "fma", "--format", "bfloat16", "--level", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


# -- check


def test_a_corrupted_result_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    words = "add --format float8_e4m3fn"
    lines = run("vectors", *words.split(), "-n", "20000").splitlines()
    a, b, result, flags = lines[12345].split()
    lines[12345] = f"{a} {b} {int(result, 16) ^ 1:02x} {flags}"
    printed = checked(words, "\n".join(lines), monkeypatch)
    assert printed.startswith("20000 vectors of add read: 1 wrong results, 0 wrong flags\n  line 12346: add(0x")
    assert f"actual  {int(result, 16) ^ 1:08b}"[8:] in printed.replace(".", "")
    (command,) = re.findall(r"reproduce the first:\n  (.*)", printed)
    shown = subprocess.run([sys.executable, "-W", "ignore", "-c", command], capture_output=True, text=True, check=True)
    assert int(shown.stdout, 16) == int(result, 16)


def test_corrupted_flags_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = checked("add --format float8_e4m3fn", "38 38 40 00\n38 01 38 00\n7e 7e 7f 1\n", monkeypatch)
    assert "3 vectors of add read: 0 wrong results, 2 wrong flags" in printed
    assert "line 2: add(38, 01)  actual 0x00 none, desired 0x01 inexact" in printed
    assert "line 3: add(7e, 7e)  actual 0x01 inexact, desired 0x05 inexact|overflow" in printed


def test_rules_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    text = run(
        "vectors", "multiply", "--format", "float8_e4m3fn", "--rounding", "nearest_away", "--subnormals", "flush_tiny"
    )
    printed = checked("multiply --format float8_e4m3fn", text, monkeypatch, "--max-shown", "1")
    assert re.search(r"  and \d+ more\nthe differences suggest:\n  ties go away from zero", printed)
    assert "subnormal results are flushed, judged before rounding (subnormals='flush_tiny')" in printed
    text = run("vectors", "multiply", "--format", "bfloat16", "--tininess", "before")
    printed = checked("multiply --format bfloat16", text, monkeypatch)
    assert "tininess is detected before rounding" in printed


def test_encoders_are_told_their_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    text = run("vectors", "encode", "--format", "bfloat16", "--rounding", "toward_zero")
    assert "rounds toward zero" in checked("encode --format bfloat16", text, monkeypatch)
    text = run("vectors", "encode", "--format", "float64,bfloat16", "--rounding", "toward_zero")
    assert "wrong results" in checked("encode --format float64,bfloat16", text, monkeypatch)


def test_nothing_to_check_is_no_agreement(monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = check("add --format float8_e4m3fn", "# nothing\n", monkeypatch)
    assert (code, out) == (2, "")
    assert "no vectors on standard input" in err


def test_lines_are_read_with_tolerance(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "# a comment\n\n  // another\n0X38,0x38,40\n38_38_40_00\n38 38 - 00 # why not\n38 38 40 -\n38\t38 40 0\r\n"
    agreed = 0, "5 vectors of add read: all agree\n", ""
    for more in "", "38 38 40 00", "38 38 40\n# the last has no flags, and is not cut\n":
        five = text if not more else "\n".join([*text.splitlines()[:-1], more])
        assert check("add --format float8_e4m3fn --count 5", five, monkeypatch) == agreed
    for heading in "", "a,b,result,flags\n", "# a comment\n":
        assert check("add --format float8_e4m3fn", f"\ufeff{heading}38 38 40\n", monkeypatch)[0] == 0
    nans = "7f 38 ff 00\n"
    assert check("add --format float8_e4m3fn", nans, monkeypatch)[0] == 0
    assert "both NaN" in checked("add --format float8_e4m3fn", nans, monkeypatch, "--check-nans")
    printed = checked("compare --format float8_e4m3fn", "38 40 00\n38 38 00 00\n", monkeypatch)
    assert "line 1: result 0, not -1" in printed
    printed = checked("scaleb --format float8_e4m3fn", "38 1 40 00\n38 ffffffff 31 00\n", monkeypatch)
    assert "line 2:" in printed
    assert "0.0110.000 0x30 = 0.5" in printed


@pytest.mark.parametrize(
    ("words", "text", "complaint"),
    [
        ("add --format float8_e4m3fn", "38 38 40 00\n38 38 4g 00\n", "line 2: '4g' is no hexadecimal number"),
        ("add --format float8_e4m3fn", "\n38 38\n", "line 2: 2 fields; add needs 2 operand(s), 1 result(s)"),
        ("add --format float8_e4m3fn", "38 38 40 00 00\n", "line 1: 5 fields"),
        ("add --format float8_e4m3fn", "138 38 40 00\n", "line 1: a 138 has more than 8 bits"),
        ("add --format float4_e2m1fn", "1 1 12 00\n", "line 1: result 12 has more than 4 bits"),
        ("add --format float8_e4m3fn", "38 - 40 00\n", "line 1: '-' is no hexadecimal number"),
        ("add --format float8_e4m3fn", "38 38 40 20\n", "line 1: flags 20 has more than 5 bits"),
        ("add --format float8_e4m3fn", "-38 38 40\n", "line 1: '-38' is no hexadecimal number"),
    ],
)
def test_unreadable_lines(words: str, text: str, complaint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = check(words, text, monkeypatch)
    assert (code, out) == (2, "")
    assert complaint in err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("plus --format bfloat16", "operation must be one of encode, "),
        ("add", "the following arguments are required: --format"),
        ("add --format float64", "at most 24"),
        ("add --format bfloat16,float16", "takes 3 formats"),
        ("minimum --format bfloat16,bfloat16,float16", "one format"),
        ("add --format bfloat16 -n -1", "-n must not be negative"),
        ("add --format bfloat16 --as npz", "--as npz needs --output"),
        ("fma --format float32 --level exhaustive", "are too many"),
        ("compare --format bfloat16 --rounding to_odd", "compare takes no --rounding"),
        ("add --format bfloat16 --rounding stochastic_a", "needs random integers"),
        ("encode --format float64,float32", "at most 22 significant bits"),
        ("from_integer --format bfloat16", "from_integer needs --integer"),
        ("add --format bfloat16 --nan best", "nan='best'"),
        ("add --format bfloat16 --seed -1", "seed"),
        ("to_integer --format bfloat16", "to_integer needs --integer, the dtype of the integers"),
        ("to_integer --format bfloat16 --integer float32", "--integer must be int8 to int64"),
        ("add --format bfloat16 --integer int8", "add takes no --integer"),
    ],
)
def test_complaints(words: str, complaint: str) -> None:
    given = words.split()
    assert complaint in fail("vectors", *given, *(["-n", "3"] if "--seed" in given else []))
