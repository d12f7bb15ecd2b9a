"""The scalars of a format: a type per format, and what the compiled part asks of Python about numbers and text."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from halfulp import _core
from halfulp._usual import usual

if TYPE_CHECKING:
    from halfulp._format import Format

_EXACT_TYPES = "a real number, Fraction, Decimal or text such as '0.1', '0x1.8p-4', '1/3', 'inf'"


def scalar_type(format: Format) -> type[np.floating[Any]]:
    """A new type for the numbers of a format."""
    namespace = dict(_METHODS, __slots__=(), __module__="halfulp", __doc__=f"A number of {format.text}.")
    made = type(format.name, (_core.scalar_base(),), namespace)
    made.__qualname__ = f"{format.text}.dtype.type"  # where pickle finds it
    return made


def code(format: Format, x: object) -> tuple[int, int]:
    """The code of anything that is a real number, rounded once, and flags as in `halfulp.ops.Flag`."""
    from halfulp import _exact
    from halfulp._functions import encode

    if isinstance(x, complex | np.complexfloating):
        raise TypeError(f"{format.name}: a complex number has no place here; take its .real")
    if x is None or isinstance(x, list | tuple | dict | set | np.ndarray):
        problem: type[Exception] = ValueError if isinstance(x, list | tuple) else TypeError
        raise problem(f"{format.name}: expected {_EXACT_TYPES}, found a {type(x).__name__}")
    if not isinstance(x, str | bytes | int | float | np.generic) and not _is_rational(x):
        x = _float(format, x)
    try:
        record = _exact.number(float(x).hex() if isinstance(x, float | np.floating) else x)
    except ValueError as error:
        raise ValueError(f"{format.name}: {error}") from None
    except TypeError:
        raise TypeError(f"{format.name}: expected {_EXACT_TYPES}, found a {type(x).__name__}") from None
    return int(encode(x, format)), _flags(format, record)


def _is_rational(x: object) -> bool:
    from decimal import Decimal
    from numbers import Rational

    return isinstance(x, Rational | Decimal)


def _float(format: Format, x: Any) -> float:
    """By the object's own __float__ or __index__."""
    if not hasattr(type(x), "__float__") and not hasattr(type(x), "__index__"):
        raise TypeError(f"{format.name}: expected {_EXACT_TYPES}, found a {type(x).__name__}")
    return float(x)


def _flags(format: Format, record: tuple[int, int, int, int, int]) -> int:
    from halfulp import _exact
    from halfulp._operations import MAX_PRECISION, Flag, Policy, settle

    kind, negative = record[3:]
    if kind == 2:
        return 0 if format.has_nan else int(Flag.invalid)
    if kind == 1:
        return 0 if format.has_inf and (format.signed or not negative) else int(Flag.invalid)
    if format.precision > MAX_PRECISION:
        return 0
    numbers = np.array([record], dtype=_exact.NUMBER)
    _, flags = settle((format, format), Policy(), numbers)
    return int(flags[0]) & int(Flag.overflow | Flag.invalid)


def text(format: Format, code: int) -> str:
    """The text of a number: the decimal that Python's float of the same value has, which few digits make exact."""
    return repr(float(format.decode(code)))


def dtype_from_text(text: str) -> np.dtype[Any]:
    """The dtype of a format given as text: how pickle makes one."""
    from halfulp._format import Format

    return Format(text).dtype


def from_code(text: str, code: int) -> Any:
    """A scalar from its code: how pickle makes one."""
    dtype = dtype_from_text(text)
    return np.array(code, dtype=dtype.format.code_dtype).view(dtype)[()]  # type: ignore[attr-defined]


# -- methods of every scalar


def _reduce(self: Any, protocol: int = 2) -> Any:
    return from_code, (self.format.text, self.code)


def _itself(self: Any, *_: Any) -> Any:
    return self


def _format_spec(self: Any, spec: str) -> str:
    return format(float(self), spec) if spec else str(self)


def _hex(self: Any) -> str:
    """The value in C's hexadecimal notation, exactly, without trailing zeros."""
    from halfulp._decimal import to_hex

    return to_hex(self.format, self.code)


def _as_integer_ratio(self: Any) -> tuple[int, int]:
    """Numerator and denominator, in lowest terms; OverflowError for Inf, ValueError for NaN."""
    return float(self).as_integer_ratio()


def _is_integer(self: Any) -> bool:
    """Whether the value is an integer."""
    return float(self).is_integer()


def _round(self: Any, ndigits: int | None = None) -> Any:
    """To an integer, or to a number of the format with so many digits behind the point; ties to even."""
    if ndigits is None:
        return round(float(self))
    digits = operator.index(ndigits)
    if not math.isfinite(self):
        return self
    exact = Fraction(*float(self).as_integer_ratio())
    # A number with n bits behind the point has n digits there: more of them change nothing. And a digit far in front of
    # the number is 0.
    if digits >= exact.denominator.bit_length() - 1:
        return self
    rounded = round(exact, digits) if digits > -400 else Fraction(0)
    return type(self)(rounded) if rounded else type(self)(math.copysign(0.0, float(self)))


def _integer(rule: Callable[[float], int]) -> Callable[..., int]:
    def method(self: Any) -> int:
        return rule(float(self))

    return usual(method)


def _rounded(self: Any, decimals: int = 0, out: Any = None) -> Any:
    """Rounded to so many decimals, exactly, and once more to the format."""
    if out is not None:
        out[...] = _round(self, operator.index(decimals))
        return out
    return _round(self, operator.index(decimals))


def _no_subclass(cls: type, /, **_: Any) -> NoReturn:
    raise TypeError(f"{cls.__mro__[1].__name__} cannot be subclassed: a format has one type of scalars")


_METHODS: dict[str, Any] = {
    "__reduce__": _reduce,
    "__reduce_ex__": _reduce,
    "__copy__": _itself,
    "__deepcopy__": _itself,
    "__format__": usual(_format_spec),
    "__round__": usual(_round),
    "round": usual(_rounded),
    "__trunc__": _integer(math.trunc),
    "__floor__": _integer(math.floor),
    "__ceil__": _integer(math.ceil),
    "__init_subclass__": classmethod(_no_subclass),
    "hex": usual(_hex),
    "as_integer_ratio": usual(_as_integer_ratio),
    "is_integer": usual(_is_integer),
    "conjugate": _itself,
}
