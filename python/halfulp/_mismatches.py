"""Codes that differ from those wanted, told to a person: bit fields, values, distance, rules, one line to run again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from halfulp._diagnosis import Finding, diagnose, kinds
from halfulp._format import Format, formats
from halfulp._grid import place_in_order, value
from halfulp._operations import codes_of
from halfulp._usual import usual

Array = npt.NDArray[Any]


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
    nan: str = "any"
    kernel: Callable[..., npt.ArrayLike] | None = None
    labels: Sequence[str] | None = None  # of the elements in `where`, instead of their indices
    total: int | None = None  # how many differ, if not all of them are here


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


@usual
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


class CodesDiffer(AssertionError):
    """Raised by `assert_codes_equal`.

    The message is made when it is asked for: Hypothesis raises a thousand of these while it shrinks, and shows one.
    """

    def __init__(self, difference: Difference, max_shown: int) -> None:
        super().__init__()
        self._difference = difference
        self._max_shown = max_shown

    @cached_property
    def _message(self) -> str:
        return "\n".join([_head(self._difference), *lines_of(self._difference, self._max_shown)])

    @property
    def reproduce(self) -> str | None:
        """One line of Python that prints the desired code of the first difference; None without operands."""
        return reproduction(self._difference, int(self._difference.where[0]))

    def __str__(self) -> str:
        return self._message


CodesDiffer.__module__ = "halfulp.testing"


@usual
def _head(d: Difference) -> str:
    share = 100 * d.where.size / d.actual.size
    percent = f"{share:.3g}%" if share >= 0.001 else "<0.001%"
    noun = "code differs" if d.where.size == 1 else "codes differ"
    return f"{d.where.size} of {d.actual.size} {d.fmt.name} {noun} ({percent})"


def lines_of(d: Difference, max_shown: int) -> list[str]:
    """The message but for its first line."""
    lines = []
    for number, i in enumerate(d.where[:max_shown].tolist()):
        index = ", ".join(map(str, np.unravel_index(i, d.actual.shape)))
        label = d.labels[number] if d.labels is not None else f"[{index}]" if index else ""
        got, want = int(d.actual.flat[i]), int(d.desired.flat[i])
        lines += [f"  {words}" for words in (f"{label} {_inputs(d, i)}".strip(),) if words]
        lines.append(f"    actual  {shown(d.fmt, got)}")
        lines.append(f"    desired {shown(d.fmt, want)}   {distance(d.fmt, got, want)}")
    more = (d.where.size if d.total is None else d.total) - max_shown
    if more > 0:
        lines.append(f"  and {more} more")
    lines += _suggestions(d)
    line = reproduction(d, int(d.where[0]))
    if line is not None:
        lines += ["reproduce the first:", f"  {line}"]
    return lines


def _suggestions(d: Difference) -> list[str]:
    """The rules that explain the differences: of all hard cases if there is a kernel to ask, else of those at hand."""
    found: list[Finding] = []
    asked = _ask(d)
    if asked is not None:
        found = _found(d, *asked)
        head = f"the kernel's answers to {asked[1].size} hard cases suggest:"
    if not found:
        found, head = _found(d, d.operands, d.actual, d.desired), "the differences suggest:"
    return [head, *(f"  {finding}" for finding in found)] if found else []


def _found(d: Difference, operands: Sequence[Any] | None, actual: Array, desired: Array) -> list[Finding]:
    if d.nan == "any":
        desired = np.where(kinds(d.fmt, actual).nan & kinds(d.fmt, desired).nan, actual, desired)
    return diagnose(actual, desired, d.format, operands=operands, op=d.op, policy=d.policy)


def _ask(d: Difference) -> tuple[list[Array], Array, Array] | None:
    """Hard operands, what the kernel makes of them, in the environment of its caller, and what it should."""
    if d.kernel is None or (hard := _hard(d)) is None:
        return None
    operands, desired = hard
    try:
        actual = np.asarray(d.kernel(*operands))
        return (operands, codes_of(d.fmt, actual, 1), desired) if actual.shape == desired.shape else None
    except Exception:  # a kernel may refuse what it was not asked for; the differences at hand remain
        return None


@usual
def _hard(d: Difference) -> tuple[list[Array], Array] | None:
    """Hard operands and the codes of their results."""
    if d.operands is None:
        return None
    from halfulp._vectors import battery, operation

    policy = {word: value for word, value in d.policy.items() if word != "nan"}
    values = np.dtype(np.asarray(d.operands[0]).dtype).name
    if encodes(d):
        if values not in ("float16", "float32", "float64"):
            return None
        op = operation("encode", [formats[values], d.fmt], policy)
        operands = [battery(op)[0].view(values)]
        return operands, d.fmt.codec(**d.policy).encode(operands[0])
    given = d.format if isinstance(d.format, tuple) else (d.format,)
    op = operation(str(d.op), [Format(f) for f in given], policy)
    operands = battery(op)
    return operands, op.run(operands)[0]


def _elements(d: Difference, i: int) -> list[Any]:
    assert d.operands is not None
    return [np.broadcast_to(np.asarray(x), d.actual.shape).flat[i] for x in d.operands]


def operand_formats(d: Difference) -> list[Format]:
    """The formats of an operation's operands."""
    assert d.operands is not None
    given = d.format if isinstance(d.format, tuple) else (d.format,) * len(d.operands)
    return [Format(f) for f in given[: len(d.operands)]]


@usual
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


@usual
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
