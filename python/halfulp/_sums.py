"""How products of matrices of codes are planned, carried out and delivered."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from halfulp import _core
from halfulp._format import Format
from halfulp._operations import Formats, Policy, Subnormals, format_of, parameters

Array = npt.NDArray[Any]
NanCodes = str | int | tuple[int, int]


class Plan(NamedTuple):
    """How terms are accumulated: formats, policy, and each step's rounding."""

    formats: tuple[Format, ...]
    order: str
    to: _core.OperationParameters
    each_step: _core.OperationParameters
    each_product: _core.OperationParameters
    round_products: bool


class Operands(NamedTuple):
    """Codes, their formats and the result's, and the dtype of the result if it is to be numbers."""

    codes: tuple[npt.ArrayLike, ...]
    formats: tuple[Format, ...]
    dtype: np.dtype[Any] | None


def operands_of(name: str, format: Formats | None, **given: npt.ArrayLike) -> Operands:
    """Codes as they are; numbers if the dtype of one is a format's: their result is float32 unless `format` says."""
    words = tuple("the codes" if word == "codes" else word for word in given)
    dtypes = [getattr(x, "dtype", None) for x in given.values()]
    if not any(hasattr(dtype, "format") for dtype in dtypes):
        if format is None:
            raise TypeError(f"{name}: format is missing; only arrays whose dtype is a format's need none")
        return Operands(tuple(given.values()), formats_of(name, format, words), None)
    found = [_format_of_dtype(name, word, dtype) for word, dtype in zip(words, dtypes, strict=True)]
    formats = formats_of(name, (*found, Format("float32")) if format is None else format, words)
    for word, own, stated in zip(words, found, formats, strict=False):
        if own is not stated:
            raise ValueError(f"{name}: format says {stated.name} of {word}, whose dtype is that of {own.name}")
    codes = tuple(_codes(f, x) for f, x in zip(found, given.values(), strict=True))
    return Operands(codes, formats, formats[-1].dtype)


def _codes(format: Format, numbers: npt.ArrayLike) -> Array:
    """Without the bits above the format's width, which mean nothing in numbers."""
    codes: Array = np.asarray(numbers).view(format.code_dtype) & format.code_dtype.type(2**format.bits - 1)
    return codes


def _format_of_dtype(name: str, word: str, dtype: np.dtype[Any] | None) -> Format:
    found = getattr(dtype, "format", None)
    if found is None and dtype in (np.float16, np.float32):
        found = Format(str(dtype))
    if found is None:
        raise TypeError(f"{name}: beside an array of a format's dtype, {word} must be one too, or float16 or float32")
    return format_of(found)


def formats_of(name: str, format: Formats, operands: tuple[str, ...]) -> tuple[Format, ...]:
    """One format for every operand, then the result's."""
    if isinstance(format, (Format, str)):
        return (format_of(format),) * (len(operands) + 1)
    if not isinstance(format, Sequence) or len(format) != len(operands) + 1:
        raise (ValueError if isinstance(format, Sequence) else TypeError)(
            f"{name}: format must be a Format, text such as 'float8_e4m3fn', or a tuple of {len(operands) + 1}, of "
            f"{', '.join(operands)} and the result, not {format!r}"
        )
    return tuple(map(format_of, format))


def policy_of(rounding: str, overflow: str, subnormals: Subnormals, tininess: str, nan: NanCodes) -> Policy:
    """A policy that can be a key."""
    words = subnormals if isinstance(subnormals, str) else tuple(subnormals)
    return Policy(rounding, overflow, words, tininess, tuple(nan) if isinstance(nan, list) else nan)


@lru_cache(maxsize=64)
def plan_of(
    name: str,
    formats: tuple[Format, ...],
    order: str,
    accumulator: Format | str | None,
    products: Format | str,
    policy: Policy,
) -> Plan:
    if not isinstance(order, str) or order not in _core.accumulates():
        raise ValueError(f"accumulate must be one of {', '.join(map(repr, _core.accumulates()))}, not {order!r}")
    if isinstance(policy.nan, str) and policy.nan in ("x86", "arm"):
        raise ValueError(f"nan={policy.nan!r}: in sums NaN has no operand to come from; 'canonical' or codes")
    rounded = not isinstance(products, str) or products != "exact"
    if order == "exact" and (accumulator is not None or rounded):
        word = f"products={products!r}" if accumulator is None else f"accumulator={accumulator!r}"
        raise ValueError(
            f"{name}: {word} is for sums with steps; accumulate='exact' rounds once, to the result's format"
        )
    step = formats[2] if accumulator is None else format_of(accumulator)
    if order == "kahan" and not step.has_zero:
        raise ValueError(f"{name}: accumulate='kahan' starts from zero, which {step.name} does not have")
    return Plan(
        formats,
        order,
        parameters(formats, policy),
        parameters((*formats[:2], step), policy),
        parameters((*formats[:2], format_of(products) if rounded else step), policy),
        rounded,
    )


def axes_of(axis: int | Sequence[int] | None, ndim: int) -> list[int]:
    """Axes counted from the front, ascending."""
    given = range(ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    found = []
    for one in given:
        try:
            if isinstance(one, (bool, np.bool_)):
                raise TypeError
            index = operator.index(one)
        except TypeError:
            raise TypeError(f"axis must be an integer, a tuple of integers, or None, not {axis!r}") from None
        if not -ndim <= index < ndim:
            raise ValueError(f"axis {index} is not one of the {ndim} there are")
        if index % ndim in found:
            raise ValueError(f"axis {index} is given twice")
        found.append(index % ndim)
    return sorted(found)


def multiply(name: str, plan: Plan, a: Array, b: Array) -> tuple[Array, Array]:
    """Matrices of codes multiplied, and their flags; exceptions as `np.errstate` says are given by `_deliver`."""
    try:
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        raise ValueError(f"{name}: shapes {a.shape[:-2]} and {b.shape[:-2]} do not broadcast") from None
    shape = (*batch, a.shape[-2], b.shape[-1])
    made = np.empty(shape, plan.formats[2].code_dtype)
    flags = np.empty(shape, np.uint8)
    x, y = (m if m.shape[:-2] == batch else np.broadcast_to(m, (*batch, *m.shape[-2:])) for m in (a, b))
    if (
        _core.multiply(plan.to, plan.each_step, plan.each_product, plan.round_products, plan.order, x, y, made, flags)
        < 0
    ):
        for i, (f, array) in enumerate(zip(plan.formats, (a, b), strict=False)):
            stray = array[array >> f.bits != 0]
            if stray.size:
                raise ValueError(
                    f"{name}: operand {i + 1}: {int(stray[0]):#x} is no code of {f.name}, which has {f.bits} bits"
                )
    return made, flags


def deliver(
    name: str,
    results: tuple[Array, Array],
    dtype: np.dtype[Any] | None,
    shaped: Callable[[Array], Array],
    flags: bool,
    out: Any,
) -> Any:
    """Codes, or numbers of a dtype, and flags as the caller wants them; `shaped` gives them their axes."""
    made, raised = map(shaped, results)
    if dtype is not None:
        made = made.view(dtype)
    if not flags:
        _core.give_floating_point_errors(name, int(np.bitwise_or.reduce(raised, axis=None)))
        return _put("out", made, out)
    if out is not None and (not isinstance(out, tuple) or len(out) != 2):
        raise TypeError(f"{name}: with flags=True, out must be a tuple of two arrays, not {type(out).__name__}")
    first, second = out or (None, None)
    return _put("out[0]", made, first), _put("out[1]", raised, second)


def _put(what: str, made: Array, out: Any) -> Any:
    if out is None:
        return made[()]
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{what} must be an ndarray, not {type(out).__name__}")
    if out.shape != made.shape:
        raise ValueError(f"{what} has shape {out.shape}, the result has shape {made.shape}")
    if not np.can_cast(made.dtype, out.dtype, "safe"):
        raise TypeError(f"{what} has dtype {out.dtype}, which does not hold the result's {made.dtype}")
    np.copyto(out, made)
    return out
