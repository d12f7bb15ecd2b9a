"""``halfulp check``: operands, results and flags from elsewhere, against what they should be."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from halfulp import ops
from halfulp._mismatches import Difference, differing, lines_of
from halfulp._vectors import Operation
from halfulp.cli.operation import add_operation, chosen

HELP = "check results and flags from elsewhere, for any operation and format"
DESCRIPTION = """\
Read 'operands result flags' lines, hexadecimal, from standard input, as an RTL
simulation, a device or 'halfulp vectors' writes them, and report what differs
from the operation's result: a testfloat_ver for every format."""
EPILOG = """\
lines
  3c 3c 40 00     operands, result, flags; fields apart by space, comma or _
  0x3C,0x3c,0x40  0x or none, either case; the flags may be missing
  3c 3c 40 -      '-' for a result or flags that do not matter
  # comment       also //, and blank lines and a CSV heading are skipped
exit status
  0 all agree, 1 something differs, 2 a line cannot be read, there is none, the
  last one ends in its middle, or there are not as many as --count says
examples
  halfulp vectors add --format int8 -n 9999 | my_adder |
    halfulp check add --format int8 --count 9999
  halfulp check fma --format float8_e4m3fn --tininess before < results.txt"""
Array = npt.NDArray[Any]
LINES = 1 << 13
KEPT = 4000  # so many differing vectors, and as many that agree, are kept for the report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_operation(parser)
    parser.add_argument("--check-nans", action="store_true", help="compare the bits of NaN results, too")
    parser.add_argument(
        "--count", type=int, metavar="N", help="exactly so many vectors must come, whatever becomes of their writer"
    )
    parser.add_argument("--max-shown", type=int, default=5, metavar="N", help="differences to show (default 5)")


@dataclass
class Tally:
    """What has been read, and what of it is kept for the report."""

    read: int = 0
    wrong: int = 0
    wrong_flags: int = 0
    kept: list[list[Array]] = field(default_factory=list)
    good: list[list[Array]] = field(default_factory=list)
    flags: list[list[Array]] = field(default_factory=list)


def run(options: argparse.Namespace) -> int:
    """Compare, report, and say by the exit status whether all agree."""
    op = chosen(options)
    if options.count is not None and options.count < 1:
        raise ValueError(f"--count must be positive, not {options.count}")
    if sys.stdin is None:
        raise ValueError("standard input is closed; the vectors are read from there")
    tally = Tally()
    for fields in chunks(sys.stdin, op):
        _compare(op, fields, tally, check_nans=options.check_nans)
    if not tally.read:
        raise ValueError("no vectors on standard input: whatever was to write them has written nothing")
    if options.count not in (None, tally.read):
        raise ValueError(f"{tally.read} vectors on standard input, not the {options.count} of --count")
    print(f"{tally.read} vectors of {op.name} read: ", end="")
    if not tally.wrong and not tally.wrong_flags:
        print("all agree")
        return 0
    print(f"{tally.wrong} wrong results, {tally.wrong_flags} wrong flags")
    if tally.wrong:
        print(_results(op, tally, options))
    if tally.wrong_flags:
        print("\n".join(_flags(op, tally, options.max_shown)))
    return 1


# -- reading


def chunks(stream: Iterator[str], op: Operation) -> Iterator[list[Array]]:
    """Operands, results, flags (each of the last two with a mask of what counts) of some lines, and their numbers.

    A last line that is cut off is an error, so that what dies while it writes is not taken to agree.
    """
    flagged, cut = False, 0
    numbered = enumerate(stream, 1)
    names = op.names
    limits = [_limit(op, i) for i in range(len(names))]
    count, needed = operand_count(op), len(names) - 1
    while some := list(islice(numbered, LINES)):
        rows = []
        for number, text in some:
            fields = fields_of(text, number, names)
            if fields:
                if number > 1 and len(fields) < needed and not text.endswith("\n"):
                    raise _ends_in(number)
                rows.append([number, *read_line(fields, number, op.name, names, limits, count)])
            if text.strip():  # else what came before may still be the last
                cut = number if flagged and 0 < len(fields) <= needed else 0
            flagged = flagged or len(fields) > needed
        if rows:
            yield [np.array(column, np.uint64) for column in zip(*rows, strict=True)]
    if cut:
        raise _ends_in(cut)


def _ends_in(number: int) -> ValueError:
    return ValueError(f"the vectors end in the middle of line {number}: whatever writes them has stopped there")


def fields_of(text: str, number: int, names: list[str]) -> list[str]:
    """The fields of a line; none of a blank one, a comment or a heading."""
    if number == 1:
        text = text.removeprefix("\ufeff")  # the byte order mark of some editors
    fields = text.partition("#")[0].partition("//")[0].replace(",", " ").replace("_", " ").split()
    return [] if number == 1 and fields == names else fields


def read_line(fields: list[str], number: int, op: str, names: list[str], limits: list[int], operands: int) -> list[int]:
    """The numbers in the fields of a line, with 1 or 0 after result and flags for whether they count."""
    needed = len(names) - 1
    results = needed - operands
    if len(fields) not in (needed, needed + 1):
        raise ValueError(
            f"line {number}: {len(fields)} fields; {op} needs {needed - results} operand(s), "
            f"{results} result(s) and perhaps flags"
        )
    row: list[int] = []
    for i, word in enumerate([*fields, "-"][: needed + 1]):
        if word == "-" and i >= needed - results:
            row += [0, 0]
            continue
        value = _integer(word, number)
        limit = limits[i]
        if value >= limit:
            raise ValueError(f"line {number}: {names[i]} {word} has more than {(limit - 1).bit_length()} bits")
        row += [value] if i < needed - results else [value, 1]
    return row


def operand_count(op: Operation) -> int:
    """How many fields are operands."""
    return sum(name in ("a", "b", "c", "n") for name in op.names)


def _integer(word: str, number: int) -> int:
    try:
        if not word.isalnum():
            raise ValueError
        return int(word, 16)
    except ValueError:
        raise ValueError(f"line {number}: {word[:40]!r} is no hexadecimal number") from None


def _limit(op: Operation, i: int) -> int:
    """One more than what fits into a field."""
    name = op.names[i]
    if name == "flags":
        return 32
    if name in ("a", "b", "c") and i < len(op.formats) - 1:
        return 1 << op.formats[i].bits
    if name in ("result", "rest") and op.kinds[1].startswith("code"):
        return 1 << op.formats[-1].bits
    return 1 << (8 * op.bytes[i])


# -- comparing


def _typed(words: Array, dtype: np.dtype[Any], size: int) -> Array:
    """Operands in their dtype; integers are two's complement of the width that their field has."""
    return words.astype(f"u{size}").view(f"{dtype.kind}{size}").astype(dtype)


def _compare(op: Operation, fields: list[Array], tally: Tally, *, check_nans: bool) -> None:
    count = operand_count(op)
    numbers, raw, rest = fields[0], fields[1 : 1 + count], fields[1 + count :]
    operands = [_typed(x, dtype, size) for x, dtype, size in zip(raw, op.dtypes, op.bytes, strict=False)]
    wanted = op.run(operands)
    wrong = np.zeros(numbers.size, bool)
    codes = op.kinds[1].startswith("code")
    for i, want in enumerate(wanted[:-1]):
        got, counts = rest[2 * i].astype(np.uint64), rest[2 * i + 1].astype(bool)
        bits = np.uint64((1 << 8 * op.bytes[count + i]) - 1)
        expected = (want.astype(np.int64).view(np.uint64) if want.dtype.kind in "ib" else want.astype(np.uint64)) & bits
        if codes:
            fmt = op.formats[-1]
            differs = np.zeros(numbers.size, bool)
            places = differing(fmt, got.astype(fmt.code_dtype), want, "bits" if check_nans else "any")
            differs[places] = True
        else:
            differs = got != expected
        wrong |= differs & counts
    got_flags, counts = rest[-2], rest[-1].astype(bool)
    wrong_flags = (got_flags != wanted[-1]) & counts
    tally.read += numbers.size
    tally.wrong += int(wrong.sum())
    tally.wrong_flags += int(wrong_flags.sum())
    columns = [numbers, *operands, rest[0], wanted[0], got_flags, wanted[-1]]
    known = rest[1].astype(bool)
    for kept, where in ((tally.kept, wrong), (tally.good, ~wrong & known), (tally.flags, wrong_flags)):
        if sum(chunk[0].size for chunk in kept) < KEPT and where.any():
            kept.append([column[where][:KEPT] for column in columns])


# -- reporting


def _joined(chunks: Sequence[list[Array]]) -> list[Array]:
    return [np.concatenate(columns) for columns in zip(*chunks, strict=True)]


def _results(op: Operation, tally: Tally, options: argparse.Namespace) -> str:
    """The report on wrong results: by halfulp.testing's if they are codes."""
    bad = _joined(tally.kept)
    if not op.kinds[1].startswith("code"):
        shown = zip(*(column.tolist() for column in (bad[0], bad[-4], bad[-3])), strict=True)
        lines = [
            f"  line {number}: result {got:x}, not {want}" for number, got, want in islice(shown, options.max_shown)
        ]
        return "\n".join(lines)
    columns = _joined([*tally.kept, *tally.good])
    fmt = op.formats[-1]
    got, want = columns[-4].astype(fmt.code_dtype), columns[-3].astype(fmt.code_dtype)
    operands: list[Array] = columns[1:-4]
    name = op.name
    if name == "encode":
        name = "convert"
    policy = {word: value for word, value in op.policy.items() if word != "tininess"}
    format: Any = op.formats if name == "convert" or len(set(op.formats)) > 1 else op.formats[0]
    if (name == "convert" and op.formats[0].precision > 24) or "integer" in op.kinds[0]:
        operands, name = [], ""
    places = np.arange(bad[0].size)
    labels = [f"line {number}:" for number in bad[0].tolist()]
    inputs, known = (operands, name) if operands else (None, None)
    nan = "bits" if options.check_nans else "any"
    difference = Difference(
        fmt, format, got, want, places, inputs, known, policy, nan=nan, labels=labels, total=tally.wrong
    )
    return "\n".join(lines_of(difference, options.max_shown))


def _flags(op: Operation, tally: Tally, max_shown: int) -> Iterator[str]:
    """The report on wrong flags."""
    bad = _joined(tally.flags)
    yield "flags that differ:"
    for i in range(min(max_shown, bad[0].size)):
        digits = (f"{int(x[i]):0{2 * size}x}" for x, size in zip(bad[1:-4], op.bytes, strict=False))
        got, want = (_words(int(column[i])) for column in bad[-2:])
        yield f"  line {int(bad[0][i])}: {op.name}({', '.join(digits)})  actual {got}, desired {want}"
    if tally.wrong_flags > max_shown:
        yield f"  and {tally.wrong_flags - max_shown} more"
    other = "before" if op.policy.get("tininess", "after") == "after" else "after"
    changed = Operation(op.name, op.formats, {**op.policy, "tininess": other}, op.integer)
    try:
        flags = changed.run(bad[1:-4])[-1]
    except TypeError:
        return
    explained = int((flags == bad[-2]).sum())
    if explained > bad[0].size // 2:
        yield "the flags suggest:"
        yield f"  tininess is detected {other} rounding (tininess={other!r}): {explained} of {flags.size}"


def _words(flags: int) -> str:
    """Flags by name."""
    return f"{flags:#04x} {'|'.join(f.name or '' for f in ops.Flag if f & flags) or 'none'}"
