"""`halfulp formats` and `halfulp show`, and how the command line complains, helps and fits a screen."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from fractions import Fraction
from importlib.metadata import version

import halfulp as hu
import numpy as np
import pytest
from commands import fail, run, table
from halfulp.cli import main, sample
from halfulp.cli.exact import parse, show_decimal, show_fraction


def test_formats_lists_them_all() -> None:
    rows = table(run("formats"), "name")
    assert [row[0] for row in rows] == list(hu.formats)
    assert rows[0] == [
        "float64",
        "64",
        "1/11/52",
        "1023",
        "1.798e308",
        "2^-1022",
        "2^-1074",
        "2^-52",
        "Inf",
        "NaN",
        "-0",
        "2^53-2",
        "0x7ff8000000000000",
    ]
    by_name = {row[0]: row[1:] for row in rows}
    assert by_name["float8_e4m3fn"] == ["8", "1/4/3", "7", "448", "2^-6", "2^-9", "2^-3", "NaN", "-0", "2", "0x7f"]
    assert by_name["float8_e8m0fnu"] == ["8", "0/8/0", "127", "1.701e38", "2^-127", "-", "2^0", "NaN", "1", "0xff"]


def test_formats_as_json_is_exact(fmt: hu.Format) -> None:
    entry = next(e for e in json.loads(run("formats", "--json")) if e["name"] == fmt.name)
    assert hu.Format(entry["text"]) is fmt
    for key in ("max", "min", "min_normal", "min_subnormal", "eps"):
        assert float.fromhex(entry[key]) == getattr(fmt, key)
    if fmt.bits <= 16:
        codes = np.arange(1 << fmt.bits).astype(fmt.code_dtype)
        values = fmt.decode(codes)
        assert entry["nan_codes"] == np.isnan(values).sum()
        assert entry["has_inf"] == np.isinf(values).any()
        assert entry["has_negative_zero"] == bool(((values == 0) & np.signbit(values)).any())


# ---- show


SHOWN = {
    ("float8_e4m3fn", "0x41"): "value 2.25|= 9/4|= 1.001b * 2^(8 - 7)|= 0x1.2p+1|class normal|ulp 0.25 = 2^-2"
    "|below 2 (0x40)|above 2.5 (0x42)",
    ("float8_e4m3fn", "#1"): "value 0.001953125|= 0.001b * 2^(1 - 7)|class subnormal"
    "|below 0 (0x00)|above 0.00390625 (0x02)",
    ("float8_e4m3fn", "0b01111110"): "value 448|above none",
    ("float8_e4m3fn", "0xff"): "value nan|class nan",
    ("float8_e5m2", "0x7d"): "class nan, signaling",
    ("float8_e5m2", "0x7c"): "value inf|below 57344 (0x7b)",
    ("float8_e5m2", "0xfb"): "value -57344|below -inf (0xfc)",
    ("float8_e4m3fnuz", "0x80"): "value nan",
    ("float8_e8m0fnu", "0"): "0 is not a value of the format; nearest_even gives 5.87747175e-39.|code 0x00 = 0",
    ("float8_e8m0fnu", "3"): "It lies between 2 (0x80) and 4 (0x81).|nearest_even 0x80 2 -1 -0.5",
    ("float4_e2m1fn", "-0"): "value -0|class zero|below -0.5 (0x9)|above 0.5 (0x1)",
    ("int4", "0x8"): "two's complement|value -8|class integer|below none|above -7 (0x9)",
    ("mxint8", "#19"): "value 0.296875|= 19 * 1/64",
    ("bfloat16", "-1/3"): "nearest_even 0xbeab -0.333984375 -1/1536 -0.3333"
    "|toward_zero 0xbeaa -0.33203125 +1/768 +0.6667",
    ("float16", "1e400"): "beyond the largest finite value, 65504 (0x7bff)|nearest_even 0x7c00 inf - -"
    "|toward_zero 0x7bff 65504 ~-1e+400",
    ("float16", "-Inf"): "-Inf is a value of the format.|code 0xfc00",
    ("int4", "nan"): "nan becomes 0.",
    ("e5m3:bias=15:ieee", "0x1.8p3"): "0x1.8p3 is a value of the format.|code 0x094",
    ("float64", "0.1"): "toward_zero 0x3fb9999999999999 0.099999999999999992 -3/360287970189639680 -0.6"
    "|value 0.1000000000000000055511151231257827021181583404541015625",
    ("float64", "1e-320"): "class subnormal|above 1.0004829328285243e-320 (0x00000000000007e9)",
}  # fmt: skip


@pytest.mark.parametrize(("name", "number"), SHOWN)
def test_show(name: str, number: str) -> None:
    lines = [" ".join(line.split()) for line in run("show", name, number).splitlines()]
    for words in SHOWN[name, number].split("|"):
        assert any(words in line for line in lines), (words, lines)


def test_show_draws_the_fields() -> None:
    assert """\
         sign   exponent   mantissa
       +------+----------+----------+
       |  0   |   1000   |   001    |
       +------+----------+----------+
""" in run("show", "float8_e4m3fn", "0x41")


@pytest.mark.parametrize("name", [n for n, f in hu.formats.items() if f.bits <= 8])
def test_show_of_every_code_agrees_with_the_list_of_values(name: str) -> None:
    fmt = hu.formats[name]
    values = fmt.values()
    for code in range(0, 1 << fmt.bits, 1 if fmt.bits <= 6 else 7):
        lines = [line.split(maxsplit=1) for line in run("show", name, f"#{code}").splitlines()]
        facts = {words[0]: words[1] for words in lines if len(words) == 2}
        value = float(fmt.decode(np.uint8(code)))
        assert float(facts["value"].removeprefix("~")) == pytest.approx(value, rel=1e-6, nan_ok=True)
        if np.isfinite(value):
            at = int(np.searchsorted(values, value))
            for label, there in (("below", at - 1), ("above", at + 1)):
                shown = facts[label].split()[0]
                if 0 <= there < values.size:
                    assert float(shown) == pytest.approx(values[there], rel=1e-8)
                else:
                    assert shown in ("none", "inf", "-inf")


def test_exact_numbers() -> None:
    assert parse("0x1.8p3") == 12
    assert parse("-0X.8P-1") == Fraction(-1, 4)
    assert parse("0x1.") == 1
    assert parse("1e-3") == Fraction(1, 1000)
    assert parse("-1/3") == Fraction(-1, 3)
    assert parse("-Infinity") is None
    assert show_decimal(Fraction(3, 8)) == "0.375"
    assert show_decimal(Fraction(-1, 3)) == "~-0.3333333"
    assert show_decimal(Fraction(10**400)) == "~1e+400"
    assert show_fraction(Fraction(5, 2**100)) == "5 * 2^-100"
    assert show_fraction(Fraction(1, 3**60)) == f"~{3.0**-60:.7g}"


# ---- complaints


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["nonsense"], "invalid choice: 'nonsense'"),
        (["survey", "--scale", "max"], "invalid choice: 'max'"),
        (["survey", "no.npy"], "no.npy: No such file or directory"),
        (["survey", "no.bin"], "should end in .safetensors, .npy, .npz"),
        (["survey", "--formats", "bfloat16,what"], "'what' is neither a named format"),
        (["survey", "--rounding", "up"], "nearest_even"),
        (["survey", "--overflow", "up"], "saturate"),
        (["survey", "--tensors", "x*"], "no float tensor matches --tensors 'x*'; it holds hidden.weight"),
        (["cast", "a.safetensors", "--to", "int8"], "required: -o/--output"),
        (["cast", "a.safetensors", "--to", "int8", "-o", "b.bin"], "end in .safetensors"),
        (["cast", "a.safetensors", "--to", "int8", "-o", "no/b.safetensors"], "in a folder that exists"),
        (["cast", "a.safetensors", "--to", "int8", "--nan", "canonical", "-o", "b.safetensors"], "'max', 'zero'"),
        (["show", "float16", "0x10000"], "more than the 16 bits of float16; codes end at 0xffff"),
        (["show", "float16", "#-1"], "is no code"),
        (["show", "float16", "0b12"], "is no code"),
        (["show", "float16", "1.5.2"], "is no number"),
        (["show", "float16", "1/0"], "divides by zero"),
        (["show", "float16", "1e99999999999"], "exponent beyond"),
        (["show", "float16", "9" * 3000], "3000 characters"),
        (["show", "float16", "1", "--rounding", "stochastic_a"], "needs random integers, which no command takes"),
        (["vectors", "add", "--format", "int8", "-o", ""], "the path is empty; name a file"),
        (["survey", "--plot", ""], "the path is empty; name a file"),
        (["cast", "a.safetensors", "--to", "int8", "-o", ""], "the path is empty; name a file"),
        (["show", "float99", "1"], "'float99' is neither a named format"),
    ],
)
def test_complaints_are_one_line(words: list[str], complaint: str) -> None:
    assert complaint in fail(*words)


def test_ctrl_c_ends_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sample, "Accuracy", interrupted)
    assert main(["survey"]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_closed_pipe_is_quiet(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    read, write_end = os.pipe()
    os.close(read)
    with io.TextIOWrapper(os.fdopen(write_end, "wb", 0), write_through=True) as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert main(["formats"]) == 141
        monkeypatch.undo()
    assert capfd.readouterr().err == ""


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr() == (f"halfulp {version('halfulp')}\n", "")


@pytest.mark.parametrize(
    "words", [[], ["--help"], *([name, "-h"] for name in ("survey", "cast", "formats", "show", "vectors", "check"))]
)
def test_help_fits_80_columns(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert "halfulp" in out


@pytest.mark.parametrize("columns", [80, 100, 120])
@pytest.mark.parametrize(
    "words",
    [["survey"], ["survey", str(sample.PATH), "--per-tensor"], ["formats"], ["show", "float16", "0.1"]],
    ids=" ".join,
)
def test_tables_fit_a_terminal(columns: int, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", str(columns))
    with monkeypatch.context() as screen:
        screen.setattr(sys, "stdout", Terminal())
        assert main(words) == 0
        text = re.sub(r"\x1b\[[0-9;]*m", "", sys.stdout.getvalue())  # type: ignore[attr-defined]
    assert max(map(len, text.splitlines())) <= columns
    assert "\u2026" not in text  # nothing cut off
    assert "\u2500" in text  # rich drew it
    assert "float8_e4m3fn" in text or words[0] == "show"
