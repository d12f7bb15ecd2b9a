"""Run halfulp's commands in-process, and make the files they read."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from halfulp.cli import main
from halfulp.io import Outgoing, write_safetensors

TAGS = {"float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "bool": "BOOL", "uint8": "U8"}


def attempt(*words: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:  # argparse
            code = int(str(stop.code))
    return code, out.getvalue(), err.getvalue()


def run(*words: object) -> str:
    """The output of a command that succeeds."""
    code, out, err = attempt(*words)
    assert (code, err) == (0, "")
    return out


def fail(*words: object) -> str:
    """The one line of complaint of a command that fails."""
    code, out, err = attempt(*words)
    assert (code, out) == (2, "")
    assert err.startswith("halfulp: error: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    return err.removeprefix("halfulp: error: ")


def check(words: str, text: str, monkeypatch: pytest.MonkeyPatch, *more: str) -> tuple[int, str, str]:
    """`halfulp check` with lines on standard input."""
    with monkeypatch.context() as context:
        context.setattr(sys, "stdin", io.StringIO(text))
        return attempt("check", *words.split(), *more)


def write(path: Path, **arrays: Any) -> Path:
    """A safetensors file of these arrays, with metadata a cast must keep and metadata it must not."""
    values = {name: np.asarray(array) for name, array in arrays.items()}
    out = [Outgoing(n, TAGS[a.dtype.name], a.shape, lambda a=a: [a.reshape(-1)]) for n, a in values.items()]
    write_safetensors(path, out, {"format": "pt", "halfulp.old": "gone"})
    return path


def table(text: str, first: str) -> list[list[str]]:
    """The words of each row of the table whose heading begins with `first`."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(first)) + 2
    end = next((i for i in range(start, len(lines)) if not lines[i]), len(lines))
    return [line.split() for line in lines[start:end]]


def absmax(top: float, largest: float) -> float:
    """The documented scale: the quotient as a normal float32, rounded down where `largest` would exceed `top`."""
    scale = np.float32(min(top / largest, float(np.finfo(np.float32).max)))
    if Fraction(float(scale)) * Fraction(largest) > Fraction(top):
        scale = np.nextafter(scale, np.float32(0))
    return float(scale)
