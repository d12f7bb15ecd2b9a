"""The parameters of a format: checked, completed, written as text and read back."""

from __future__ import annotations

import operator
import re
from typing import Any, NamedTuple

import numpy as np

from halfulp import _core

# The characters of NumPy's dtypes of integers. (Dtypes of integer formats are of the same kind, but hold values.)
INTEGER_CHARACTERS = frozenset(np.typecodes["AllInteger"])

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHAPE = re.compile(r"e(\d{1,3})m(\d{1,3})", re.ASCII)
_BIAS = re.compile(r"[+-]?\d{1,6}", re.ASCII)


class Parameters(NamedTuple):
    """What distinguishes one format from another, beside its name."""

    exponent_bits: int
    mantissa_bits: int
    bias: int
    specials: str
    signed: bool
    has_zero: bool

    @property
    def text(self) -> str:
        """The parameters as text, in full."""
        fields = [f"e{self.exponent_bits}m{self.mantissa_bits}", f"bias={self.bias}", self.specials]
        return ":".join(fields + ["unsigned"] * (not self.signed) + ["nozero"] * (not self.has_zero))


def parameters(
    exponent_bits: object,
    mantissa_bits: object,
    bias: object,
    specials: object,
    signed: object,
    has_zero: object,
) -> Parameters:
    """Parameters of the right types, with the default bias filled in. Whether they make a format is not asked."""
    e = _integer("exponent_bits", exponent_bits)
    if mantissa_bits is None:
        raise TypeError("Format: mantissa_bits is missing, as in Format(exponent_bits=5, mantissa_bits=2)")
    m = _integer("mantissa_bits", mantissa_bits)
    if not isinstance(specials, str):
        raise TypeError(f"Format: specials must be a string such as 'ieee', not {specials!r}")
    b = _default_bias(e, m, specials) if bias is None else _integer("bias", bias)
    for argument, value in (("signed", signed), ("has_zero", has_zero)):
        if not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"Format: {argument} must be True or False, not {value!r}")
    return Parameters(e, m, b, specials, bool(signed), bool(has_zero))


def layout(p: Parameters) -> _core.Layout:
    """What follows from the parameters; a ValueError if they contradict each other."""
    try:
        return _core.Layout(p.exponent_bits, p.mantissa_bits, p.bias, p.specials, p.signed, p.has_zero)
    except ValueError as error:
        raise ValueError(f"Format: {error}") from None


def checked_name(name: object, kind: str = "Format") -> str | None:
    """A name that a text can carry, or None."""
    if name is not None and (not isinstance(name, str) or not _NAME.fullmatch(name)):
        raise ValueError(f"{kind}: name must be an identifier such as 'my_fp8', not {name!r}")
    return name


def read(text: str) -> dict[str, Any] | None:
    """The arguments of `Format` that a text such as ``e5m3:bias=15:ieee`` stands for; None if it is no such text."""
    shape, *fields = text.split(":")
    match = _SHAPE.fullmatch(shape)
    if match is None:
        return None
    words: dict[str, Any] = {"exponent_bits": int(match[1]), "mantissa_bits": int(match[2])}
    for field in fields:
        argument, value = _field(field, text)
        if argument in words:
            raise ValueError(f"Format: {field!r} repeats {argument} in {text[:80]!r}")
        words[argument] = value
    return words


def _field(field: str, text: str) -> tuple[str, Any]:
    key, _, value = field.partition("=")
    if key == "bias" and _BIAS.fullmatch(value):
        return "bias", int(value)
    if key == "name" and value:
        return "name", value
    if field in _core.specials():
        return "specials", field
    if field in ("signed", "unsigned"):
        return "signed", field == "signed"
    if field == "nozero":
        return "has_zero", False
    raise ValueError(
        f"Format: cannot read {field[:80]!r} in {text[:80]!r}; fields are bias=N, one of "
        f"{', '.join(_core.specials())}, unsigned, nozero, name=NAME"
    )


def _integer(argument: str, value: object) -> int:
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"Format: {argument} must be an integer, not {value!r}") from None
    if abs(number) >= 2**31:
        raise ValueError(f"Format: {argument}={number} is out of range")
    return number


def integer_between(argument: str, value: object, low: int, high: int) -> int:
    """An integer argument within bounds; a TypeError or ValueError that names it otherwise."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{argument} must be an integer, not {value!r}") from None
    if not low <= number <= high:
        bound = f"2**{high.bit_length()} - 1" if high > 10**6 else high
        raise ValueError(f"{argument} must be {low} to {bound}, not {number}")
    return number


def finite_codes(layout: _core.Layout, integer: bool) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The codes of every finite value, ascending by value, zero once."""
    codes = np.arange(layout.max_code + 1, dtype=np.int64)
    if not layout.sign_bit:
        return codes
    magnitudes = np.arange(layout.max_negative_magnitude, 0, -1)
    negative = 2**layout.bits - magnitudes if integer else layout.sign_bit | magnitudes
    return np.concatenate([negative, codes])


def _default_bias(exponent_bits: int, mantissa_bits: int, specials: str) -> int:
    if exponent_bits <= 0:
        return 1 - mantissa_bits
    symmetric = 1 << min(exponent_bits - 1, 30)
    return symmetric if specials in ("fnuz", "p3109_e", "p3109_f") else symmetric - 1
