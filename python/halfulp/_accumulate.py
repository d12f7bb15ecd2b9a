"""`sum`, `dot`, `matmul` of codes: exact with one rounding, or with every rounding of a stated order."""

from __future__ import annotations

from collections.abc import Sequence
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


class _Plan(NamedTuple):
    """How terms are accumulated: formats, policy, and each step's rounding."""

    operands: tuple[Format, ...]
    result: Format
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
    policy = Policy(rounding, overflow, subnormals, tininess, nan)
    of, to = _formats("sum", format, ("codes", "result"))
    plan = _plan((of, _ONES), to, accumulate, accumulator, None, policy)
    array = codes_of(of, codes, 1)
    axes = _axes(axis, array.ndim)
    kept = [i for i in range(array.ndim) if i not in axes]
    # Rows are what one tile shares out best: the longest of the axes that stay.
    row = max(kept, key=lambda i: array.shape[i], default=None)
    batch = [i for i in kept if i != row]
    ordered = array.transpose([*batch, *([] if row is None else [row]), *axes])
    depth = int(np.prod([array.shape[i] for i in axes], dtype=object))
    a = ordered.reshape([*(array.shape[i] for i in batch), 1 if row is None else array.shape[row], depth])
    b = np.broadcast_to(np.ones((), _ONES.code_dtype), (*a.shape[:-2], depth, 1))
    codes_out, flags_out = _multiply("sum", plan, a, b)
    full = [1 if i in axes else array.shape[i] for i in range(array.ndim)]

    def shaped(x: Array) -> Array:
        back = np.empty(full, x.dtype)
        back.transpose([*batch, *([] if row is None else [row]), *axes]).reshape(x.shape)[...] = x
        return back if keepdims else back.reshape([array.shape[i] for i in kept])

    return _deliver("sum", shaped(codes_out), shaped(flags_out), flags, out)
