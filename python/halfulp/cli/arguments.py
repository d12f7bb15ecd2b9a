"""Arguments that several commands share, and what they mean."""

from __future__ import annotations

import argparse
from fnmatch import fnmatchcase

import halfulp as hu

ROUNDING_HELP = "nearest_even (default), nearest_away, toward_zero, toward_positive, toward_negative or to_odd"
# A command line gives no random integers.
DETERMINISTIC = tuple(mode for mode in hu.roundings if not mode.startswith("stochastic_"))
OVERFLOW_HELP = (
    "default: too large becomes Inf, NaN in formats without Inf, the maximum in formats with neither; "
    "saturate: always the maximum; saturate_keep_inf: the maximum, but an infinity stays one"
)
FORMAT_EXAMPLE = "a format's name from 'halfulp formats' or text such as e5m3:bias=15:ieee"


def deterministic(mode: str) -> str:
    """A rounding mode that needs no random integers; those that are none are refused with the codec."""
    if mode.startswith("stochastic"):
        modes = ", ".join(DETERMINISTIC)
        raise argparse.ArgumentTypeError(f"{mode} needs random integers, which no command takes; choose among {modes}")
    return mode


def file_name(text: str) -> str:
    """A file to write."""
    if not text:
        raise argparse.ArgumentTypeError("the path is empty; name a file")
    return text


def add_policy(parser: argparse.ArgumentParser) -> None:
    """--rounding and --overflow."""
    parser.add_argument("--rounding", default="nearest_even", type=deterministic, metavar="MODE", help=ROUNDING_HELP)
    parser.add_argument("--overflow", default="default", metavar="RULE", help=OVERFLOW_HELP)


def add_tensors(parser: argparse.ArgumentParser, what: str) -> None:
    """--tensors."""
    parser.add_argument("--tensors", default="*", metavar="GLOB", help=f"{what}, e.g. '*.weight' (default: all)")


def wanted(name: str, glob: str) -> bool:
    """Whether a tensor's name matches --tensors."""
    return fnmatchcase(name, glob)
