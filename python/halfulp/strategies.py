"""Hypothesis strategies for formats, codes, values, operands and policies, biased to where converters break.

Hypothesis is no dependency of halfulp: ``pip install hypothesis``. Everything shrinks towards simple codes: 0, 1.0,
small integers, positive ones.
"""

from __future__ import annotations

from typing import Any, Literal

try:
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as arrays_of
    from hypothesis.strategies import SearchStrategy
except ImportError as error:
    raise ImportError("halfulp.strategies needs Hypothesis: pip install hypothesis") from error

from halfulp import _core
from halfulp._codec import nan_rules, roundings
from halfulp._format import Format
from halfulp._strategy_codes import codes, near_ties, reals, values
from halfulp._strategy_formats import formats
from halfulp._strategy_operands import operand_pairs, operand_triples

__all__ = [
    "arrays",
    "codes",
    "formats",
    "near_ties",
    "operand_pairs",
    "operand_triples",
    "policies",
    "reals",
    "values",
]


def arrays(
    fmt: Format | str,
    shape: int | tuple[int, ...] | SearchStrategy[tuple[int, ...]],
    *,
    of: Literal["codes", "values"] = "codes",
    elements: SearchStrategy[Any] | None = None,
) -> SearchStrategy[Any]:
    """Arrays of codes, in `Format.code_dtype`, or of values, in `Format.value_dtype`.

    Parameters
    ----------
    fmt : Format or str
    shape : int, tuple of int, or strategy of such
        ``hypothesis.extra.numpy.array_shapes()`` makes shapes.
    of : {"codes", "values"}
    elements : SearchStrategy, optional
        Instead of `codes` or `values`, for example `near_ties`.

    Returns
    -------
    SearchStrategy of ndarray

    Raises
    ------
    ValueError
        For another `of`.

    Examples
    --------
    >>> from halfulp import strategies as hs
    >>> from hypothesis import find
    >>> find(hs.arrays("bfloat16", 3), lambda codes: codes.any())
    array([    0,     0, 16256], dtype=uint16)
    """
    if of not in ("codes", "values"):
        raise ValueError(f"of must be 'codes' or 'values', not {of!r}")
    f = Format(fmt)
    dtype = f.code_dtype if of == "codes" else f.value_dtype
    made = elements if elements is not None else codes(f) if of == "codes" else values(f)
    return arrays_of.arrays(dtype, shape, elements=made)


def policies(fmt: Format | str, *, via: bool = False) -> SearchStrategy[dict[str, Any]]:
    """Every deterministic policy that a format can honour, as keywords of `Format.codec`; the default one first.

    Parameters
    ----------
    fmt : Format or str
    via : bool
        Also double rounding through float32.

    Returns
    -------
    SearchStrategy of dict

    Examples
    --------
    >>> from halfulp import strategies as hs
    >>> from hypothesis import find
    >>> find(hs.policies("float8_e4m3fn"), lambda policy: policy["rounding"] != "nearest_even")["rounding"]
    'nearest_away'
    """
    f = Format(fmt)
    code = codes(f)
    rules = {
        "rounding": st.sampled_from([mode for mode in roundings if not mode.startswith("stochastic")]),
        "overflow": st.sampled_from(_core.overflows()),
        "nan": st.none() | st.sampled_from(nan_rules(f)) | code | st.tuples(code, code),
        "subnormals": st.sampled_from(_core.subnormals()),
    }
    if via:
        rules["via"] = st.sampled_from((None, "float32"))
    return st.fixed_dictionaries(rules)
