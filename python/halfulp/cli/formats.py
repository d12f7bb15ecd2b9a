"""``halfulp formats``: every named format in one table."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from typing import Any

import halfulp as hu
from halfulp.cli import codebook
from halfulp.cli.exact import show_power
from halfulp.cli.table import print_table

HELP = "list the named formats and codebooks"
DESCRIPTION = "List the named formats (layout, range and special values) and codebooks."
EPILOG = """\
columns
  s/e/m     bits of sign, exponent and mantissa
  value     of a normal code is 1.mantissa * 2^(exponent - bias)
  min norm, min sub   the smallest normal and the smallest subnormal value
  eps       the distance from 1 to the next value (- where 1 is not a value)
  NaNs      number of codes that mean NaN
  NaN code  the one that conversions give (wide screens)

A screen of fewer than 98 columns leaves some out.

Every command takes other formats as text, too: e5m3:bias=15:ieee has 5 exponent
and 3 mantissa bits."""
WIDE = 118
MEDIUM = 98


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="the same as JSON, numbers exact as hexadecimal floats")


def run(options: argparse.Namespace) -> None:
    """List the formats."""
    if options.json:
        entries = [_document(name, fmt) for name, fmt in hu.formats.items()]
        entries += [codebook.document(name, book) for name, book in hu.codebooks.items()]
        print(json.dumps(entries, indent=2))
        return
    columns = ["<name", "bits", "s/e/m", "bias", "max", "min norm", "min sub", "eps", "<has", "NaNs", "NaN code"]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDE
    # What a narrow screen lacks can be read off the rest: bits and eps off s/e/m.
    hidden = {"NaN code"} if width < WIDE else set()
    hidden |= {"bits", "eps", "NaNs"} if width < MEDIUM else set()
    shown = [index for index, column in enumerate(columns) if column not in hidden]
    rows = [_row(name, fmt) for name, fmt in hu.formats.items()]
    print_table([columns[i] for i in shown], [[row[i] for i in shown] for row in rows])
    print()
    codebook.print_codebooks()


def nan_codes(fmt: hu.Format) -> int:
    """How many codes mean NaN."""
    if not fmt.has_nan:
        return 0
    if fmt.specials == "ieee":
        return (1 + int(fmt.signed)) * ((1 << fmt.mantissa_bits) - 1)
    return 2 if fmt.specials == "fn" and fmt.signed else 1


def layout(fmt: hu.Format) -> str:
    """Bits of sign, exponent and mantissa; a two's complement integer's sign bit is counted as sign."""
    return f"{int(fmt.signed)}/{fmt.exponent_bits}/{fmt.mantissa_bits}"


def _row(name: str, fmt: hu.Format) -> list[str]:
    has = [word for word, there in (("Inf", fmt.has_inf), ("NaN", fmt.has_nan), ("-0", fmt.has_negative_zero)) if there]
    count = nan_codes(fmt)
    return [
        name,
        str(fmt.bits),
        layout(fmt),
        str(fmt.bias),
        f"{fmt.max:.0f}" if 1000 <= fmt.max < 1e6 else f"{fmt.max:.4g}".replace("e+", "e"),
        show_power(fmt.min_normal),
        show_power(fmt.min_subnormal) if fmt.has_subnormals else "-",
        show_power(fmt.eps) if fmt.max >= 1 and fmt.eps == fmt.eps else "-",
        " ".join(has) or "-",
        str(count) if count < 1000 else f"2^{(count + 2).bit_length() - 1}-2",
        "-" if fmt.code_of_nan is None else f"{fmt.code_of_nan:#x}",
    ]


def _document(name: str, fmt: hu.Format) -> dict[str, Any]:
    return {
        "name": name,
        "text": fmt.text,
        "kind": fmt.kind,
        "bits": fmt.bits,
        "signed": fmt.signed,
        "exponent_bits": fmt.exponent_bits,
        "mantissa_bits": fmt.mantissa_bits,
        "bias": fmt.bias,
        "specials": fmt.specials,
        "has_inf": fmt.has_inf,
        "has_nan": fmt.has_nan,
        "has_zero": fmt.has_zero,
        "has_negative_zero": fmt.has_negative_zero,
        "nan_codes": nan_codes(fmt),
        "code_of_nan": fmt.code_of_nan,
        **{key: float(getattr(fmt, key)).hex() for key in ("max", "min", "min_normal", "min_subnormal", "eps")},
    }
