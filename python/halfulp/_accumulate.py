"""`sum`, `dot`, `matmul` of codes: exact with one rounding, or with every rounding of a stated order."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from halfulp import _core
from halfulp._format import Format
from halfulp._operations import Formats, Policy, Subnormals, codes_of, format_of, parameters

Array = npt.NDArray[Any]
NanCodes = str | int | tuple[int, int]

# A sum is a product with ones, which changes no value, sign or flag.
_ONES = Format(0, 1, specials="integer", signed=False)
_ONE = np.ones((), _ONES.code_dtype)


class _Plan(NamedTuple):
    """How terms are accumulated: formats, policy, and each step's rounding."""

    formats: tuple[Format, ...]
    order: str
    to: _core.OperationParameters
    each_step: _core.OperationParameters
    each_product: _core.OperationParameters
    round_products: bool


def sum(
    codes: npt.ArrayLike,
    *,
    format: Formats,
    axis: int | Sequence[int] | None = None,
    keepdims: bool = False,
    accumulate: str = "exact",
    accumulator: Format | str | None = None,
    rounding: str = "nearest_even",
    overflow: str = "default",
    subnormals: Subnormals = "gradual",
    tininess: str = "after",
    nan: NanCodes = "canonical",
    flags: bool = False,
    out: Any = None,
) -> Any:
    """The sum of codes, exact and rounded once, or rounded at every step in a stated order.

    Parameters
    ----------
    codes : array_like of codes, of any integer dtype
    format : Format or str, or a tuple
        Of the codes and of the result; a tuple states the two. At most 24 significant bits.
    axis : int or tuple of int, optional
        As in `numpy.sum`: all axes unless given. Several axes are one, in C order.
    keepdims : bool, optional
        Leave the axes of the sum in the result, with size one.
    accumulate : {"exact", "sequential", "pairwise", "kahan"}, optional
        Which roundings there are. All are to the accumulator's format, with the policy below; the last value is then
        rounded to the result's format, if that is another.

        exact
            One: the exact sum's, to the result's format. The order of the codes does not matter.
        sequential
            ``s = round(x[0])``, then ``s = round(s + x[i])``, by index.
        pairwise
            ``round(x[i])`` are the leaves of a binary tree, and a node is ``round(left + right)``. n leaves split at
            the largest power of two below n.
        kahan
            ``s = round(x[0])`` and ``c = 0``, then ``y = round(x[i] - c)``, ``t = round(s + y)``,
            ``c = round(round(t - s) - y)``, ``s = t``, by index.
    accumulator : Format or str, optional
        Of the steps; the result's unless given. Not for exact sums.
    rounding : str, optional
        One of the six deterministic modes of `halfulp.roundings`.
    overflow : {"default", "saturate", "saturate_keep_inf"}, optional
        As in `Format.codec`, at every rounding.
    subnormals : str or tuple of str, optional
        "gradual", "flush_input" (operands, those of each step too), "flush_output" or "flush_tiny" (results), or a
        tuple of the first of these flushes and one of the others.
    tininess : {"after", "before"}, optional
        Whether the underflow flag looks at a result after rounding (x86, RISC-V) or before (Arm).
    nan : str, int or pair of int, optional
        "canonical" (the format's own NaN), or codes; in formats without NaN "max" or "zero".
    flags : bool, optional
        Return flags, too: those of the only rounding, or all that some step raised. Without, they become NumPy's
        floating-point warnings, as `numpy.errstate` says.
    out : ndarray, or with `flags` a tuple of two, optional
        Where the result goes, and the flags.

    Returns
    -------
    ndarray or scalar of `code_dtype` of the result's format; with `flags`, also uint8 of `halfulp.ops.Flag`

    Raises
    ------
    TypeError
        If `codes` are no integers.
    ValueError
        If a code has bits above the format's width, for axes there are not, and for a policy a format cannot have.

    Notes
    -----
    Any NaN makes the sum NaN, and so do Inf and -Inf together (invalid, unless a quiet NaN is among the codes).
    An exact sum of zero is +0; -0 if all codes are -0, or when rounding toward negative unless all are +0. The sum of
    no codes is +0. Infinities, NaNs and zeros in sums with steps are those of each step (IEEE 754-2019, clause 6). No
    layout, number of threads or instruction set changes a bit.

    References
    ----------
    U. Kulisch, W. Miranker: The arithmetic of the digital computer: a new approach. SIAM Review 28 (1986).
    IEEE 754-2019, clause 9.4 (reduction operations).

    Examples
    --------
    >>> import numpy as np, halfulp as hu
    >>> x = hu.bfloat16.encode(np.full(1000, 0.1))
    >>> hu.decode([hu.sum(x, format="bfloat16", accumulate=how) for how in ("exact", "sequential")], "bfloat16")
    array([100.,  32.], dtype=float32)
    """
    policy = _policy(rounding, overflow, subnormals, tininess, nan)
    of, to = _formats("sum", format, ("the codes",))
    plan = _plan("sum", (of, _ONES, to), accumulate, accumulator, "exact", policy)
    array = codes_of(of, codes, 1)
    summed = _axes(axis, array.ndim)
    kept = [i for i in range(array.ndim) if i not in summed]
    # Its longest axis makes the rows of a matrix, which are shared out better than batches.
    row = max(kept, key=lambda i: array.shape[i], default=None)
    batch = [i for i in kept if i != row]
    rows = [] if row is None else [row]
    depth = math.prod(array.shape[i] for i in summed)
    sizes = [array.shape[i] for i in batch] + [1 if row is None else array.shape[row], depth]
    a = array.transpose(batch + rows + summed).reshape(sizes)
    b = np.broadcast_to(_ONE, (*sizes[:-2], depth, 1))

    def shaped(x: Array) -> Array:
        x = x[..., 0]
        x = x[..., 0] if row is None else np.moveaxis(x, -1, kept.index(row))
        return np.expand_dims(x, tuple(summed)) if keepdims else x

    return _deliver("sum", *map(shaped, _multiply("sum", plan, a, b)), flags, out)


def dot(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    format: Formats,
    axis: int = -1,
    accumulate: str = "exact",
    accumulator: Format | str | None = None,
    products: Format | str = "exact",
    rounding: str = "nearest_even",
    overflow: str = "default",
    subnormals: Subnormals = "gradual",
    tininess: str = "after",
    nan: NanCodes = "canonical",
    flags: bool = False,
    out: Any = None,
) -> Any:
    """Sums of products along one axis of two arrays of codes: one rounding, or all those of a stated order.

    Parameters
    ----------
    a, b : array_like of codes, of any integer dtype
        Broadcast against each other, but for `axis`, along which they have one length: as in `numpy.vecdot`, and of
        vectors as in `numpy.dot`.
    format : Format or str, or a tuple
        Of `a`, `b` and the result; a tuple states the three. At most 24 significant bits.
    axis : int, optional
        Along which to multiply and add; of each operand before broadcasting.
    accumulate : {"exact", "sequential", "pairwise", "kahan"}, optional
        Which roundings there are. All are to the accumulator's format, with the policy below; the last value is then
        rounded to the result's format, if that is another. The ``x[i]`` are products.

        exact
            One: the exact sum's, to the result's format. The order does not matter.
        sequential
            ``s = round(x[0])``, then ``s = round(s + x[i])``, by index: a chain of fused multiply-adds.
        pairwise
            ``round(x[i])`` are the leaves of a binary tree, and a node is ``round(left + right)``. n leaves split at
            the largest power of two below n.
        kahan
            ``s = round(x[0])`` and ``c = 0``, then ``y = round(x[i] - c)``, ``t = round(s + y)``,
            ``c = round(round(t - s) - y)``, ``s = t``, by index.
    accumulator : Format or str, optional
        Of the steps; the result's unless given. Not for exact sums.
    products : {"exact"}, Format or str, optional
        Whether the ``x[i]`` are exact products, or rounded to this format first. Not for exact sums.
    rounding, overflow, subnormals, tininess, nan, flags, out
        As in `sum`.

    Returns
    -------
    ndarray or scalar of `code_dtype` of the result's format; with `flags`, also uint8 of `halfulp.ops.Flag`

    Raises
    ------
    TypeError
        If operands are no integers.
    ValueError
        If a code has bits above its format's width, if the shapes do not fit, and for a policy a format cannot have.

    Notes
    -----
    As in `sum`, of products: Inf times 0 is NaN, too, and always invalid.

    Examples
    --------
    >>> import numpy as np, halfulp as hu
    >>> a = hu.float8_e4m3fn.encode([448, 448, 2**-9])
    >>> b = hu.float8_e4m3fn.encode([448, -448, 2**-9])
    >>> hu.dot(a, b, format=("float8_e4m3fn", "float8_e4m3fn", "bfloat16"))
    np.uint16(13952)
    >>> hu.decode(13952, "bfloat16") == 2.0**-18
    np.True_
    """
    policy = _policy(rounding, overflow, subnormals, tininess, nan)
    formats = _formats("dot", format, ("a", "b"))
    plan = _plan("dot", formats, accumulate, accumulator, products, policy)
    x, y = (codes_of(f, codes, i) for i, f, codes in ((1, formats[0], a), (2, formats[1], b)))
    for name, array in (("a", x), ("b", y)):
        if array.ndim == 0:
            raise ValueError(f"dot: {name} is a single number; it must have an axis to multiply along")
    x, y = (np.moveaxis(array, _axes(axis, array.ndim)[0], -1) for array in (x, y))
    if x.shape[-1] != y.shape[-1]:
        raise ValueError(f"dot: along axis {axis}, a has length {x.shape[-1]} and b has length {y.shape[-1]}")
    # A vector against many is a matrix against a vector.
    if x.ndim > 1 and (y.ndim == 1 or y.shape[-2] == 1):
        left, right, dropped = x, y[..., np.newaxis] if y.ndim == 1 else y.swapaxes(-1, -2), -1
    elif y.ndim > 1 and (x.ndim == 1 or x.shape[-2] == 1):
        left, right, dropped = x[np.newaxis] if x.ndim == 1 else x, y.swapaxes(-1, -2), -2
    else:
        made = _multiply("dot", plan, x[..., np.newaxis, :], y[..., np.newaxis])
        return _deliver("dot", *(array[..., 0, 0] for array in made), flags, out)
    made = _multiply("dot", plan, left, right)
    return _deliver("dot", *(array.take(0, axis=dropped) for array in made), flags, out)


def matmul(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    format: Formats,
    accumulate: str = "exact",
    accumulator: Format | str | None = None,
    products: Format | str = "exact",
    rounding: str = "nearest_even",
    overflow: str = "default",
    subnormals: Subnormals = "gradual",
    tininess: str = "after",
    nan: NanCodes = "canonical",
    flags: bool = False,
    out: Any = None,
) -> Any:
    """The product of matrices of codes, each element a sum with one rounding, or with all those of a stated order.

    Parameters
    ----------
    a, b : array_like of codes, of any integer dtype
        Matrices in their last two axes, the others broadcast; vectors of one axis are a row and a column: as in
        `numpy.matmul`.
    format : Format or str, or a tuple
        Of `a`, `b` and the result; a tuple states the three. At most 24 significant bits.
    accumulate, accumulator, products
        As in `dot`.
    rounding, overflow, subnormals, tininess, nan, flags, out
        As in `sum`.

    Returns
    -------
    ndarray or scalar of `code_dtype` of the result's format; with `flags`, also uint8 of `halfulp.ops.Flag`

    Raises
    ------
    TypeError
        If operands are no integers.
    ValueError
        If a code has bits above its format's width, if the shapes do not fit, and for a policy a format cannot have.

    Examples
    --------
    >>> import numpy as np, halfulp as hu
    >>> a = hu.float4_e2m1fn.encode([[1, 2], [3, 4]])
    >>> b = hu.float4_e2m1fn.encode([[0.5, 6], [1.5, -6]])
    >>> made = hu.matmul(a, b, format=("float4_e2m1fn", "float4_e2m1fn", "float16"))
    >>> hu.decode(made, "float16")
    array([[ 3.5, -6. ],
           [ 7.5, -6. ]], dtype=float32)
    """
    policy = _policy(rounding, overflow, subnormals, tininess, nan)
    formats = _formats("matmul", format, ("a", "b"))
    plan = _plan("matmul", formats, accumulate, accumulator, products, policy)
    x, y = (codes_of(f, codes, i) for i, f, codes in ((1, formats[0], a), (2, formats[1], b)))
    for name, array in (("a", x), ("b", y)):
        if array.ndim == 0:
            raise ValueError(f"matmul: {name} is a single number; it must be a vector or matrices")
    left = x[np.newaxis] if x.ndim == 1 else x
    right = y[:, np.newaxis] if y.ndim == 1 else y
    if left.shape[-1] != right.shape[-2]:
        raise ValueError(
            f"matmul: the rows of a have {left.shape[-1]} codes and the columns of b have {right.shape[-2]}; "
            f"shapes {x.shape} and {y.shape}"
        )
    dropped = tuple(-i for i, vector in ((2, x.ndim == 1), (1, y.ndim == 1)) if vector)
    made = _multiply("matmul", plan, left, right)
    return _deliver("matmul", *(array.squeeze(dropped) if dropped else array for array in made), flags, out)


def _formats(name: str, format: Formats, operands: tuple[str, ...]) -> tuple[Format, ...]:
    """One format for every operand, then the result's."""
    if isinstance(format, (Format, str)):
        return (format_of(format),) * (len(operands) + 1)
    if not isinstance(format, Sequence) or len(format) != len(operands) + 1:
        raise (ValueError if isinstance(format, Sequence) else TypeError)(
            f"{name}: format must be a Format, text such as 'float8_e4m3fn', or a tuple of {len(operands) + 1}, of "
            f"{', '.join(operands)} and the result, not {format!r}"
        )
    return tuple(map(format_of, format))


def _policy(rounding: str, overflow: str, subnormals: Subnormals, tininess: str, nan: NanCodes) -> Policy:
    """A policy that can be a key."""
    words = subnormals if isinstance(subnormals, str) else tuple(subnormals)
    return Policy(rounding, overflow, words, tininess, tuple(nan) if isinstance(nan, list) else nan)


@lru_cache(maxsize=64)
def _plan(
    name: str,
    formats: tuple[Format, ...],
    order: str,
    accumulator: Format | str | None,
    products: Format | str,
    policy: Policy,
) -> _Plan:
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
    return _Plan(
        formats,
        order,
        parameters(formats, policy),
        parameters((*formats[:2], step), policy),
        parameters((*formats[:2], format_of(products) if rounded else step), policy),
        rounded,
    )


def _axes(axis: int | Sequence[int] | None, ndim: int) -> list[int]:
    """Axes counted from the front, ascending."""
    given = range(ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    found = []
    for one in given:
        try:
            if isinstance(one, (bool, np.bool_)):
                raise TypeError
            index = operator.index(one)  # type: ignore[arg-type]
        except TypeError:
            raise TypeError(f"axis must be an integer, a tuple of integers, or None, not {axis!r}") from None
        if not -ndim <= index < ndim:
            raise ValueError(f"axis {index} is not one of the {ndim} there are")
        if index % ndim in found:
            raise ValueError(f"axis {index} is given twice")
        found.append(index % ndim)
    return sorted(found)


def _multiply(name: str, plan: _Plan, a: Array, b: Array) -> tuple[Array, Array]:
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


def _deliver(name: str, made: Array, raised: Array, flags: bool, out: Any) -> Any:
    """Results as the caller wants them."""
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
    np.copyto(out, made, casting="same_kind")
    return out
