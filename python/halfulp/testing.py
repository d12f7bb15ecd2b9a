"""What test suites of kernels, RTL and libraries use: comparing codes, naming broken rules, setting environments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from halfulp._diagnosis import Finding, diagnose
from halfulp._environment import environment, environments
from halfulp._format import Format
from halfulp._mismatches import CodesDiffer, Difference, differing
from halfulp._operations import codes_of, table

__all__ = ["CodesDiffer", "Finding", "assert_codes_equal", "diagnose", "environment", "environments"]


def assert_codes_equal(
    actual: npt.ArrayLike,
    desired: npt.ArrayLike,
    format: Format | str | tuple[Format | str, ...],
    *,
    operands: Sequence[Any] | npt.NDArray[Any] | None = None,
    op: str | None = None,
    policy: dict[str, Any] | None = None,
    kernel: Callable[..., npt.ArrayLike] | None = None,
    max_shown: int = 5,
    nan: Literal["any", "bits"] = "any",
) -> None:
    """Compare codes bit for bit; a failure shows bit fields, values, distances, and the rule that differs.

    Parameters
    ----------
    actual, desired : array_like of codes
        Of the same shape, or one of them a scalar.
    format : Format, str or tuple
        The codes' format; or a tuple as `halfulp.ops` takes it, whose last is the codes'.
    operands : sequence of array_like, or ndarray, optional
        What the codes were computed from: one array of values where they were encoded (``op="encode"``), else an
        array of codes for each operand of `op`. With them, a failure names the broken rule and a line to run again.
    op : str, optional
        A function of `halfulp.ops`, or ``"encode"``, the default where there is one operand.
    policy : dict, optional
        The keywords, such as ``{"rounding": "toward_zero"}``, by which `desired` was found.
    kernel : callable, optional
        What `actual` came from. A failure then gives it some thousand hard operands, arrays of the dtypes of
        `operands`, to find the rule that it breaks; a shrunk failing example alone may tell little.
    max_shown : int
        How many differences are shown.
    nan : {"any", "bits"}
        Whether every NaN is as good as another, or its sign and payload count.

    Raises
    ------
    CodesDiffer
        An AssertionError, if codes differ.
    ValueError
        If shapes do not fit, or a code has bits above the format's width.

    Examples
    --------
    >>> import numpy as np, halfulp as hu
    >>> from halfulp.testing import assert_codes_equal
    >>> f = hu.float8_e4m3fn
    >>> x = np.float32([1, 1.0625, 3.5, -17])
    >>> away = np.uint8([56, 57, 70, 217])
    >>> try:
    ...     assert_codes_equal(away, f.encode(x), f, operands=[x], max_shown=1)
    ... except AssertionError as error:
    ...     print(error)
    2 of 4 float8_e4m3fn codes differ (50%)
      [1] encode(np.float32(1.0625))
        actual  0.0111.001 0x39 = 1.125
        desired 0.0111.000 0x38 = 1   +1 ulp
      and 1 more
    the differences suggest:
      ties go away from zero (rounding='nearest_away'): 2 of 2
    reproduce the first:
      import numpy as np, halfulp as hu; print(hex(hu.encode(np.float32(1.0625), 'float8_e4m3fn')))  # not 0x39
    """
    if nan not in ("any", "bits"):
        raise ValueError(f"nan must be 'any' or 'bits', not {nan!r}")
    if op is not None and op != "encode" and op not in table:
        raise ValueError(f"op must be 'encode' or a function of halfulp.ops, not {op!r}")
    if max_shown < 0:
        raise ValueError(f"max_shown must not be negative, not {max_shown}")
    fmt = Format(format[-1] if isinstance(format, tuple) else format)
    given = codes_of(fmt, actual, 1), codes_of(fmt, desired, 2)
    scalar = not all(codes.ndim for codes in given) and all(codes.size for codes in given)
    if given[0].shape != given[1].shape and not scalar:
        raise ValueError(f"actual has shape {given[0].shape}, desired {given[1].shape}")
    got, want = np.broadcast_arrays(*given)
    where = differing(fmt, got.reshape(-1), want.reshape(-1), nan)
    if where.size:
        inputs = [operands] if isinstance(operands, np.ndarray) else operands
        difference = Difference(fmt, format, got.copy(), want, where, inputs, op, dict(policy or {}), nan, kernel)
        raise CodesDiffer(difference, max_shown)
