"""`sum`, `dot`, `matmul` of codes: exact with one rounding, or with every rounding of a stated order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from halfulp._format import Format
from halfulp._operations import Formats, Subnormals, codes_of
from halfulp._sums import Array, NanCodes, axes_of, deliver, multiply, operands_of, plan_of, policy_of

# A sum is a product with ones, which changes no value, sign or flag.
_ONES = Format(0, 1, specials="integer", signed=False)
_ONE = np.ones((), _ONES.code_dtype)


def sum(
    codes: npt.ArrayLike,
    *,
    format: Formats | None = None,
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
    codes : array_like of codes, of any integer dtype, or an array whose dtype is a format's
    format : Format or str, or a tuple
        Of the codes and of the result; a tuple states the two. At most 24 significant bits. An array of a format's
        dtype needs none: its sum is a float32.
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
    ndarray or scalar of `code_dtype` of the result's format, or of its dtype if operands were of those; with `flags`,
    also uint8 of `halfulp.ops.Flag`

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
    >>> hu.sum(np.full(1000, 0.1, dtype=hu.bfloat16))
    np.float32(100.09766)
    """
    policy = policy_of(rounding, overflow, subnormals, tininess, nan)
    given = operands_of("sum", format, codes=codes)
    of, to = given.formats
    plan = plan_of("sum", (of, _ONES, to), accumulate, accumulator, "exact", policy)
    array = codes_of(of, given.codes[0], 1)
    summed = axes_of(axis, array.ndim)
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

    return deliver("sum", multiply("sum", plan, a, b), given.dtype, shaped, flags, out)


def dot(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    format: Formats | None = None,
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
    a, b : array_like of codes, of any integer dtype, or arrays whose dtypes are formats'
        Broadcast against each other, but for `axis`, along which they have one length: as in `numpy.vecdot`, and of
        vectors as in `numpy.dot`.
    format : Format or str, or a tuple
        Of `a`, `b` and the result; a tuple states the three. At most 24 significant bits. Arrays of formats' dtypes
        need none: their product is a float32.
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
    ndarray or scalar of `code_dtype` of the result's format, or of its dtype if operands were of those; with `flags`,
    also uint8 of `halfulp.ops.Flag`

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
    policy = policy_of(rounding, overflow, subnormals, tininess, nan)
    given = operands_of("dot", format, a=a, b=b)
    plan = plan_of("dot", given.formats, accumulate, accumulator, products, policy)
    x, y = (codes_of(f, codes, i) for i, f, codes in zip((1, 2), given.formats, given.codes, strict=False))
    for name, array in (("a", x), ("b", y)):
        if array.ndim == 0:
            raise ValueError(f"dot: {name} is a single number; it must have an axis to multiply along")
    x, y = (np.moveaxis(array, axes_of(axis, array.ndim)[0], -1) for array in (x, y))
    if x.shape[-1] != y.shape[-1]:
        raise ValueError(f"dot: along axis {axis}, a has length {x.shape[-1]} and b has length {y.shape[-1]}")
    dropped: tuple[int, ...]
    # A vector against many is a matrix against a vector.
    if x.ndim > 1 and (y.ndim == 1 or y.shape[-2] == 1):
        left, right, dropped = x, y[..., np.newaxis] if y.ndim == 1 else y.swapaxes(-1, -2), (-1,)
    elif y.ndim > 1 and (x.ndim == 1 or x.shape[-2] == 1):
        left, right, dropped = x[np.newaxis] if x.ndim == 1 else x, y.swapaxes(-1, -2), (-2,)
    else:
        left, right, dropped = x[..., np.newaxis, :], y[..., np.newaxis], (-1, -2)
    return deliver(
        "dot", multiply("dot", plan, left, right), given.dtype, lambda made: made.squeeze(dropped), flags, out
    )


def matmul(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    format: Formats | None = None,
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
    a, b : array_like of codes, of any integer dtype, or arrays whose dtypes are formats'
        Matrices in their last two axes, the others broadcast; vectors of one axis are a row and a column: as in
        `numpy.matmul`.
    format : Format or str, or a tuple
        Of `a`, `b` and the result; a tuple states the three. At most 24 significant bits. Arrays of formats' dtypes
        need none: their product is a float32.
    accumulate, accumulator, products
        As in `dot`.
    rounding, overflow, subnormals, tininess, nan, flags, out
        As in `sum`.

    Returns
    -------
    ndarray or scalar of `code_dtype` of the result's format, or of its dtype if operands were of those; with `flags`,
    also uint8 of `halfulp.ops.Flag`

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
    policy = policy_of(rounding, overflow, subnormals, tininess, nan)
    given = operands_of("matmul", format, a=a, b=b)
    plan = plan_of("matmul", given.formats, accumulate, accumulator, products, policy)
    x, y = (codes_of(f, codes, i) for i, f, codes in zip((1, 2), given.formats, given.codes, strict=False))
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
    return deliver(
        "matmul", multiply("matmul", plan, left, right), given.dtype, lambda made: made.squeeze(dropped), flags, out
    )
