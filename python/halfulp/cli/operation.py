"""The operation, formats and policy that `halfulp vectors` and `halfulp check` share."""

from __future__ import annotations

import argparse
import inspect
import re
from typing import Any

import numpy as np

import halfulp as hu
from halfulp._vectors import Operation, operation
from halfulp.cli.arguments import FORMAT_EXAMPLE, OVERFLOW_HELP, ROUNDING_HELP, deterministic


def add_operation(parser: argparse.ArgumentParser) -> None:
    """OP, --format and the policy."""
    parser.add_argument("op", metavar="OP", help="a function of halfulp.ops such as add, fma, sqrt, convert; or encode")
    parser.add_argument(
        "--format",
        action="append",
        required=True,
        metavar="F[,F...]",
        help=f"{FORMAT_EXAMPLE}; or one for each operand, then the result's",
    )
    parser.add_argument("--rounding", type=deterministic, metavar="MODE", help=ROUNDING_HELP)
    parser.add_argument("--overflow", metavar="RULE", help=OVERFLOW_HELP)
    parser.add_argument(
        "--subnormals",
        metavar="RULE[,RULE]",
        help="gradual (default), flush_input, flush_output or flush_tiny; or flush_input and one of the others",
    )
    parser.add_argument("--integer", metavar="DTYPE", help="of to_integer and from_integer: int8 to uint64")
    parser.add_argument("--tininess", choices=("after", "before"), help="what the underflow flag looks at")
    parser.add_argument("--nan", metavar="RULE", help="canonical (default), x86, arm; without NaN: max or zero")


def chosen(options: argparse.Namespace) -> Operation:
    """The operation that the options name."""
    texts = [text for given in options.format for text in given.split(",")]
    words: dict[str, Any] = {}
    for word in ("rounding", "overflow", "subnormals", "tininess", "nan"):
        value = getattr(options, word)
        if value is not None:
            words[word] = tuple(value.split(",")) if "," in value else value
    if options.op in ("to_integer", "from_integer") and options.integer is None:
        raise ValueError(f"{options.op} needs --integer, the dtype of the integers: int8 to int64 or uint8 to uint64")
    if options.op not in ("to_integer", "from_integer") and options.integer is not None:
        raise ValueError(f"{options.op} takes no --integer")
    made = operation(options.op, [hu.Format(text) for text in texts], words, _dtype(options.integer))
    takes = {word for word in words if not _accepts(made, word)}
    if takes:
        raise ValueError(f"{options.op} takes no {', '.join(f'--{word}' for word in sorted(takes))}")
    return made


def _dtype(text: str | None) -> np.dtype[Any] | None:
    if text is None:
        return None
    if not re.fullmatch("u?int(8|16|32|64)", text):
        raise ValueError(f"--integer must be int8 to int64 or uint8 to uint64, not {text!r}")
    return np.dtype(text)


def _accepts(op: Operation, word: str) -> bool:
    function = getattr(hu.ops, "convert" if op.name == "encode" else op.name)
    return word in inspect.signature(function).parameters
