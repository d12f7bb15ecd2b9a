"""How a public function of `halfulp.ops` is made: its signature, its documentation, its call."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from halfulp._operations import (
    INTEGERS,
    MIXED,
    Formats,
    Integers,
    Policy,
    codes_of,
    formats_of,
    hashable,
    integers_of,
    run,
    table,
    ufunc_of,
)

ROUNDED = ("rounding", "overflow", "subnormals", "tininess", "nan")
"""The keywords of operations that round."""
ORDERED = ("overflow", "subnormals", "nan")
"""The keywords of operations that choose among codes."""

_DOCUMENTS = {
    "rounding": """rounding : str, optional
    One of the six deterministic modes of `halfulp.roundings`; the default is "nearest_even".""",
    "overflow": """overflow : {"default", "saturate", "saturate_keep_inf"}, optional
    As in `Format.codec`.""",
    "subnormals": """subnormals : str or tuple of str, optional
    "gradual", "flush_input" (operands), "flush_output" or "flush_tiny" (results), or a tuple of the first of these
    flushes and one of the others.""",
    "tininess": """tininess : {"after", "before"}, optional
    Whether the underflow flag looks at the result after rounding (x86, RISC-V) or before (Arm).""",
    "nan": """nan : str, int or pair of int, optional
    "canonical" or "riscv" (the format's own NaN), "x86" (the first operand's, quieted), "arm" (a signalling one's
    first), or codes; in formats without NaN "max" or "zero". (A result that overflows to NaN has the number's sign,
    where NaN has one, whatever this says.)""",
    "signaling": """signaling : bool, optional
    Whether quiet NaNs are invalid, too (clause 5.6.1).""",
    "exact": """exact : bool, optional
    Whether a changed value raises inexact (roundToIntegralExact).""",
    "flags": """flags : bool, optional
    Return flags, too. Without, they become NumPy's floating-point warnings, as `numpy.errstate` says.""",
    "out": """out, where
    As in any ufunc; with `flags`, `out` is a tuple.""",
}
_RESULTS = {
    "code": "codes of the format",
    "codes_2": "two arrays of codes, the result and the rest",
    "boolean": "bool",
    "category": "uint8, a `Class`",
    "order": "int8: -1 less, 0 equal, 1 greater, 2 unordered",
    "exponent": "int32",
    "integer": "integers of `dtype`",
}
_DEFAULTS = {**Policy._field_defaults, "signaling": False, "exact": False, "flags": False, "out": None, "where": True}


def call(
    name: str,
    operands: tuple[object, ...],
    format: Formats,
    policy: Policy,
    *,
    integers: Integers = INTEGERS,
    signaling: bool = False,
    flags: bool = False,
    out: Any = None,
    where: Any = True,
) -> Any:
    """Codes through the ufunc of an operation."""
    formats = formats_of(name, format)
    ufunc = ufunc_of(name, formats, hashable(policy), integers, signaling, bool(flags))
    arrays = [codes_of(f, x, i + 1) for i, (f, x) in enumerate(zip(formats[:-1], operands, strict=False))]
    if table[name][0] == "code_and_integer":
        # Further than any format reaches, so that every integer dtype fits.
        arrays[1:] = [np.clip(integers_of(operands[1], "n"), -(2**31), 2**31).astype(np.int64)]
    return run(ufunc, arrays, out, where)


def operands_of(name: str) -> list[str]:
    """The names of an operation's operands."""
    takes = table[name][0]
    if takes == "code_and_integer":
        return ["a", "n"]
    return ["a", "b", "c"][: {"code": 1, "codes_2": 2, "codes_3": 3}[takes]]


def function(name: str, clause: str, summary: str, words: tuple[str, ...], example: str) -> Callable[..., Any]:
    """A public function. `words`: its keywords beside the common ones; `example`: lines of a doctest."""
    named = operands_of(name)
    allowed = ("format", *words, "flags", "out", "where")

    def made(*operands: object, **given: Any) -> Any:
        if len(operands) != len(named):
            raise TypeError(f"{name} takes {len(named)} operand(s), {', '.join(named)}, not {len(operands)}")
        unknown = [word for word in given if word not in allowed]
        if unknown:
            raise TypeError(f"{name} has no keyword {unknown[0]!r}; it has {', '.join(allowed)}")
        if "format" not in given:
            raise TypeError(f"{name}: format= is missing, as in {name}({', '.join(named)}, format='float8_e4m3fn')")
        rest = {word: given.pop(word) for word in ("signaling", "flags", "out", "where") if word in given}
        integers = INTEGERS
        if "exact" in words:
            integers = Integers(given.get("rounding", "nearest_even"), bool(given.pop("exact", False)))
        format = given.pop("format")
        return call(name, operands, format, Policy(**given), integers=integers, **rest)

    kinds = inspect.Parameter
    signature = [kinds(word, kinds.POSITIONAL_ONLY) for word in named] + [kinds("format", kinds.KEYWORD_ONLY)]
    signature += [kinds(word, kinds.KEYWORD_ONLY, default=_DEFAULTS[word]) for word in allowed[1:]]
    made.__name__ = made.__qualname__ = name
    made.__module__ = "halfulp.ops"
    made.__signature__ = inspect.Signature(signature)  # type: ignore[attr-defined]
    made.__doc__ = _document(name, named, clause, summary, words, example)
    return made


def _document(name: str, named: list[str], clause: str, summary: str, words: tuple[str, ...], example: str) -> str:
    codes = ", ".join(word for word in named if word != "n")
    formats = ", or a tuple: one for each operand, then the result's" if name in MIXED else ""
    lines = [summary, "", f"IEEE 754-2019, clause {clause}.", "", "Parameters", "----------"]
    lines += [f"{codes} : array_like of codes, of any integer dtype"]
    lines += ["n : array_like of integers"] * ("n" in named)
    lines += [f"format : Format or str{formats}"]
    lines += [_DOCUMENTS[word] for word in (*words, "flags", "out")]
    lines += ["", "Returns", "-------", f"{_RESULTS[table[name][1]]}; with `flags`, also uint8 of `Flag`", ""]
    lines += ["Raises", "------", "ValueError", "    If a code has bits above the format's width, or for a policy that"]
    lines += [
        "    the format cannot have.",
        "",
        "Examples",
        "--------",
        ">>> import halfulp as hu",
        *example.splitlines(),
    ]
    return "\n".join(lines)
