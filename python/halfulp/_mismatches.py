"""Codes that differ from those wanted, told to a person: bit fields, values, distance, rules, one line to run again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from halfulp._diagnosis import diagnose, kinds
from halfulp._format import Format
from halfulp._grid import place_in_order, value

Array = npt.NDArray[Any]


class CodesDiffer(AssertionError):
    """Raised by `assert_codes_equal`; `reproduce` is one line of Python that shows the first difference."""

    def __init__(self, message: str, reproduce: str | None) -> None:
        super().__init__(message)
        self.reproduce = reproduce


class Difference(NamedTuple):
    """Everything that a report is made from."""

    fmt: Format
    format: Any
    actual: Array
    desired: Array
    where: Array  # flat indices
    operands: Sequence[Any] | None
    op: str | None
    policy: dict[str, Any]


def differing(fmt: Format, actual: Array, desired: Array, nan: str) -> Array:
    """The flat indices of codes that differ; with nan="any" one NaN is as good as another."""
    different = actual != desired
    if nan == "any" and fmt.has_nan:
        different &= ~(kinds(fmt, actual).nan & kinds(fmt, desired).nan)
    return np.flatnonzero(different)


def fields(fmt: Format, code: int) -> str:
    """The bits of a code, with dots between sign, exponent and mantissa."""
    bits = f"{code:0{fmt.bits}b}"
    if fmt.kind == "integer" or fmt.bits < 2:
        return bits
    cuts = [0, int(fmt.signed), int(fmt.signed) + fmt.exponent_bits, fmt.bits]
    return ".".join(bits[a:b] for a, b in pairwise(cuts) if a < b)


def hexadecimal(fmt: Format, code: int) -> str:
    """A code in all its digits."""
    return f"{code:#0{2 + (fmt.bits + 3) // 4}x}"


def shown(fmt: Format, code: int) -> str:
    """A code as bit fields, number and value."""
    digits = 9 if fmt.value_dtype == np.float32 else 17
    return f"{fields(fmt, code)} {hexadecimal(fmt, code)} = {value(fmt, code):.{digits}g}"


def distance(fmt: Format, actual: int, desired: int) -> str:
    """How many codes lie between two, in places of the format's own ordering."""
    a, b = place_in_order(fmt, actual), place_in_order(fmt, desired)
    if a is None or b is None:
        return "NaN" if a is not None or b is not None else "both NaN"
    if a == b:
        return "sign of zero"
    return f"{a - b:+d} ulp"


def report(d: Difference, max_shown: int) -> CodesDiffer:
    """The whole message."""
    share = 100 * d.where.size / d.actual.size
    percent = f"{share:.3g}%" if share >= 0.001 else "<0.001%"
    noun = "code differs" if d.where.size == 1 else "codes differ"
    lines = [f"{d.where.size} of {d.actual.size} {d.fmt.name} {noun} ({percent})"]
    for i in d.where[:max_shown].tolist():
        index = ", ".join(map(str, np.unravel_index(i, d.actual.shape)))
        got, want = int(d.actual.flat[i]), int(d.desired.flat[i])
        lines.append(f"  [{index}] {_inputs(d, i)}".rstrip())
        lines.append(f"    actual  {shown(d.fmt, got)}")
        lines.append(f"    desired {shown(d.fmt, want)}   {distance(d.fmt, got, want)}")
    if d.where.size > max_shown:
        lines.append(f"  and {d.where.size - max_shown} more")
    found = diagnose(d.actual, d.desired, d.format, operands=d.operands, op=d.op, policy=d.policy)
    if found:
        lines.append("the differences suggest:")
        lines += [f"  {finding}" for finding in found]
    line = reproduction(d, int(d.where[0]))
    if line is not None:
        lines += ["reproduce the first:", f"  {line}"]
    return CodesDiffer("\n".join(lines), line)


def _elements(d: Difference, i: int) -> list[Any]:
    assert d.operands is not None
    return [np.broadcast_to(np.asarray(x), d.actual.shape).flat[i] for x in d.operands]


def operand_formats(d: Difference) -> list[Format]:
    """The formats of an operation's operands."""
    assert d.operands is not None
    given = d.format if isinstance(d.format, tuple) else (d.format,) * len(d.operands)
    return [Format(f) for f in given[: len(d.operands)]]


def _inputs(d: Difference, i: int) -> str:
    if d.operands is None:
        return ""
    elements = _elements(d, i)
    if encodes(d):
        return f"encode({elements[0]!r})"
    codes = zip(operand_formats(d), elements, strict=True)
    return f"{d.op}({', '.join(f'{hexadecimal(f, int(c))} = {value(f, int(c)):.9g}' for f, c in codes)})"


def encodes(d: Difference) -> bool:
    """Whether the operand is an array of values."""
    return d.op == "encode" or (d.op is None and d.operands is not None and len(d.operands) == 1)


def reproduction(d: Difference, i: int) -> str | None:
    """One line of Python that computes the desired code of one element."""
    if d.operands is None or (d.op is None and not encodes(d)):
        return None
    words = "".join(f", {key}={word!r}" for key, word in d.policy.items())
    note = f"  # not {hexadecimal(d.fmt, int(d.actual.flat[i]))}"
    elements = _elements(d, i)
    if encodes(d):
        made = _element(elements[0])
        return f"import numpy as np, halfulp as hu; print(hex(hu.encode({made}, {d.fmt.text!r}{words}))){note}"
    codes = ", ".join(hexadecimal(f, int(c)) for f, c in zip(operand_formats(d), elements, strict=True))
    given = tuple(Format(f).text for f in d.format) if isinstance(d.format, tuple) else Format(d.format).text
    return f"import halfulp as hu; print(hex(hu.ops.{d.op}({codes}, format={given!r}{words}))){note}"


def _element(x: Any) -> str:
    """A source value as Python that makes the same bits."""
    array = np.asarray(x)
    if array.dtype.kind == "f" and array.dtype.itemsize <= 8 and not np.isfinite(array):
        size = array.dtype.itemsize
        return f"np.uint{8 * size}({int(array.view(f'u{size}')):#x}).view(np.{array.dtype.name})"
    return f"np.{array.dtype.name}({x.item()!r})" if array.dtype.kind in "fiu" else repr(x)
