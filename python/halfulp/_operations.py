"""Operations on codes: policies, the ufunc of each operation, and how a call reaches it."""

from __future__ import annotations

import enum
import operator
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from halfulp import _core
from halfulp._codec import nan_as_given
from halfulp._format import Format
from halfulp._parameters import INTEGER_CHARACTERS

Array = npt.NDArray[Any]
FormatLike = Format | str
Formats = FormatLike | Sequence[FormatLike]
Subnormals = str | Sequence[str]

MAX_PRECISION = 24
table: dict[str, tuple[str, str]] = {name: (operands, results) for name, operands, results in _core.operations()}
"""What each operation takes and gives, by its name."""

_COUNTS = {"code": 1, "codes_2": 2, "codes_3": 3, "code_and_integer": 1, "integer": 0}
# Those whose operands and result may have formats of their own.
MIXED = ("add", "subtract", "multiply", "divide", "remainder", "fmod", "fma", "sqrt", "convert")


class Flag(enum.IntFlag):
    """The exceptions of IEEE 754-2019 clause 7, as the bits of `flags=True`, which are TestFloat's.

    Examples
    --------
    >>> import halfulp as hu
    >>> code, flags = hu.ops.multiply(0x7E, 0x7E, format="float8_e4m3fn", flags=True)
    >>> hu.ops.Flag(int(flags))
    <Flag.inexact|overflow: 5>
    """

    inexact = 1
    underflow = 2
    overflow = 4
    divide_by_zero = 8
    invalid = 16


class Class(enum.IntEnum):
    """The classes of IEEE 754-2019 clause 5.7.2, as `class_` gives them."""

    signaling_nan = 0
    quiet_nan = 1
    negative_infinity = 2
    negative_normal = 3
    negative_subnormal = 4
    negative_zero = 5
    positive_zero = 6
    positive_subnormal = 7
    positive_normal = 8
    positive_infinity = 9


class Policy(NamedTuple):
    """How an operation's exact result becomes a code."""

    rounding: str = "nearest_even"
    overflow: str = "default"
    subnormals: Subnormals = "gradual"
    tininess: str = "after"
    nan: str | int | tuple[int, int] = "canonical"


class Integers(NamedTuple):
    """The parameters of operations that round to integers or take them."""

    rounding: str = "nearest_even"
    exact: bool = False
    bits: int = 64
    signed: bool = True
    indefinite: bool = False


INTEGERS = Integers()


def hashable(policy: Policy) -> Policy:
    """The policy, its words for subnormals in a tuple."""
    return policy._replace(subnormals=tuple(policy.subnormals)) if isinstance(policy.subnormals, list) else policy


def formats_of(name: str, format: Formats) -> tuple[Format, ...]:
    """One format for every operand, then the result's."""
    count = _COUNTS[table[name][0]] if name in table else 1
    if isinstance(format, (Format, str)):
        return (format_of(format),) * (max(count, 1) + 1)
    if not isinstance(format, Sequence):
        raise TypeError(f"{name}: format must be a Format, text such as 'float8_e4m3fn', or a tuple, not {format!r}")
    if name not in MIXED:
        raise ValueError(f"{name}: operands and result have one format, not {len(format)}: pass format=one")
    if len(format) != count + 1:
        raise ValueError(
            f"{name}: format takes {count + 1} formats, of {count} operand(s) and the result, not {len(format)}"
        )
    return tuple(map(format_of, format))


def format_of(format: object) -> Format:
    """One format of operands or results, from the object or its text."""
    found = Format(format) if isinstance(format, str) else format
    if not isinstance(found, Format):
        raise TypeError(f"format must be a Format or text such as 'float8_e4m3fn', not {format!r}")
    if found.precision > MAX_PRECISION:
        raise ValueError(
            f"{found.name} has {found.precision} significant bits; operations take formats of at most {MAX_PRECISION}"
        )
    return found


def parameters(formats: tuple[Format, ...], policy: Policy) -> _core.OperationParameters:
    """Formats and policy as the compiled part takes them; ValueError for what they cannot be."""
    result = formats[-1]
    if policy.rounding not in _core.roundings() or policy.rounding.startswith("stochastic"):
        allowed = ", ".join(repr(r) for r in _core.roundings() if not r.startswith("stochastic"))
        raise ValueError(f"rounding must be one of {allowed}, not {policy.rounding!r}")
    flush_input, subnormals = _subnormals(policy.subnormals)
    codes, propagation = _nan(result, policy.nan)
    return _core.OperationParameters(
        [f._layout for f in formats],
        policy.rounding,
        policy.overflow,
        subnormals,
        flush_input,
        *codes,
        propagation,
        policy.tininess,
    )


def _subnormals(words: Subnormals) -> tuple[bool, str]:
    if not isinstance(words, str | tuple | list):
        raise TypeError(f"subnormals must be a word such as 'gradual' or a tuple of words, not {words!r}")
    given = (words,) if isinstance(words, str) else tuple(words)
    rest = [word for word in given if word != "flush_input"]
    if len(rest) > 1 or len(given) - len(rest) > 1 or not given:
        raise ValueError(
            f"subnormals={words!r}: one of {', '.join(map(repr, _core.subnormals()))}, or a tuple of 'flush_input' and "
            "'flush_output' or 'flush_tiny'"
        )
    return len(rest) < len(given), rest[0] if rest else "gradual"


def _nan(format: Format, rule: str | int | tuple[int, int]) -> tuple[tuple[int, int], str]:
    """The codes of +NaN and -NaN, and who decides between operands."""
    layout = format._layout
    propagation = {"canonical": "canonical", "riscv": "canonical", "x86": "x86", "arm": "arm"}
    if isinstance(rule, str) and rule in propagation:
        if not format.has_nan:
            code = 0 if format.kind == "integer" else layout.max_code
            return (code, code), "canonical"
        negative = layout.nan_code | layout.sign_bit if layout.nan_has_sign else layout.nan_code
        if propagation[rule] == "canonical":
            negative = layout.nan_code
        return (layout.nan_code, negative), propagation[rule]
    if isinstance(rule, str) and rule in ("max", "zero") and not format.has_nan:
        code = layout.max_code if rule == "max" else 0
        return (code, code), "canonical"
    words = "'canonical', 'riscv', 'x86', 'arm'" if format.has_nan else "'max' or 'zero'"
    if isinstance(rule, str):
        raise ValueError(f"nan={rule!r}: {format.name} takes {words}, a code, or a pair of codes")
    given = nan_as_given(rule, f"{words}, a code, or a pair of codes")
    codes = given if isinstance(given, tuple) else (given, given)
    for code in codes:
        if not 0 <= code < 2**format.bits:
            raise ValueError(f"nan={code:#x} is no code of {format.name}, which has {format.bits} bits")
    return codes, "canonical"


@lru_cache(maxsize=512)
def ufunc_of(
    name: str,
    formats: tuple[Format, ...],
    policy: Policy,
    integers: Integers = INTEGERS,
    signaling: bool = False,
    flags: bool = False,
) -> np.ufunc:
    """The ufunc of an operation; equal ones are one object as long as they are in use."""
    made = parameters(formats, policy)
    made.set_integers(*integers)
    made.set_signaling(signaling)
    text = ", ".join(dict.fromkeys(f.text for f in formats))
    return _core.operation_ufunc(name, made, flags, f"halfulp.ops.{name}", f"{name} of codes of {text}.")


def codes_of(format: Format, argument: object, position: int) -> Array:
    """An operand as an array of the format's own code dtype."""
    array = np.asarray(argument)
    if array.dtype == format.code_dtype:
        return array
    where = f"operand {position}"
    if array.dtype.char not in INTEGER_CHARACTERS:
        if array.dtype == object:
            return _codes_from_objects(format, array, where)
        if array.size == 0 and not isinstance(argument, np.ndarray):
            return array.astype(format.code_dtype)
        way = f"encode values first, as in {format.name}.encode(x)"
        if hasattr(array.dtype, "format"):
            way = f"the codes of such an array are x.view(np.{array.dtype.format.code_dtype})"
        raise TypeError(f"{where} must be codes of {format.name}, which are integers, not {array.dtype}; {way}")
    if array.size:
        least, largest = array.min(), array.max()
        if least < 0 or largest >= 2**format.bits:
            bad = int(least if least < 0 else largest)
            raise ValueError(f"{where}: {bad:#x} is no code of {format.name}, which has {format.bits} bits")
    return array.astype(format.code_dtype)


def _codes_from_objects(format: Format, array: Array, where: str) -> Array:
    codes = np.empty(array.shape, dtype=format.code_dtype)
    for i, element in np.ndenumerate(array):
        try:
            code = operator.index(element)
        except TypeError:
            raise TypeError(f"{where} must be codes, which are integers, not {type(element).__name__}") from None
        if not 0 <= code < 2**format.bits:
            raise ValueError(f"{where}: {code:#x} is no code of {format.name}, which has {format.bits} bits")
        codes[i] = code
    return codes


def integers_of(argument: object, what: str) -> Array:
    """Integers as int64, or as uint64 where int64 does not hold their dtype."""
    array = np.asarray(argument)
    if array.dtype.char not in INTEGER_CHARACTERS:
        raise TypeError(f"{what} must be integers of an integer dtype, not {array.dtype}")
    return array if array.dtype in (np.int64, np.uint64) else array.astype(np.int64)


def run(ufunc: np.ufunc, arrays: Sequence[Array], out: Any, where: Any) -> Any:
    """A call that says nothing of `out` and `where` unless the caller did."""
    # Codes and flags go nowhere where they would become others.
    words: dict[str, Any] = {} if out is None else {"out": out, "casting": "safe"}
    if where is not True:
        words["where"] = where
    return ufunc(*arrays, **words)


def settle(formats: tuple[Format, ...], policy: Policy, numbers: Array) -> tuple[Array, Array]:
    """Codes and flags of exact numbers, records of `_exact.NUMBER`."""
    codes = np.empty(numbers.size, dtype=np.uint64)
    flags = np.empty(numbers.size, dtype=np.uint8)
    _core.settle_numbers(parameters(formats, policy), numbers, codes, flags)
    return codes.astype(formats[-1].code_dtype), flags
