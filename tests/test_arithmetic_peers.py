"""Arithmetic beside ml_dtypes on all pairs of its small formats; every disagreement is named."""

from __future__ import annotations

import halfulp as hu
import numpy as np
import pytest
from arithmetic_oracle import UNDERFLOW
from arithmetic_sweeps import all_tuples, random_tuples
from oracle import NAMED

ml_dtypes = pytest.importorskip("ml_dtypes", reason="needs ml_dtypes, the differential peer")

PEERS = [name for name, fmt in hu.formats.items() if hasattr(ml_dtypes, name) and fmt.bits <= 16]
WITH_NAN = [n for n in PEERS if NAMED[n].has_nan and n != "float8_e8m0fnu"]
WITHOUT_NAN = [n for n in PEERS if NAMED[n].specials == "finite"]
INTEGERS = [n for n in PEERS if NAMED[n].kind == "integer"]
OPERATIONS = ("add", "subtract", "multiply", "divide", "fmod", "sqrt")


def operands(name: str, operation: str) -> list[np.ndarray]:
    fmt, count = hu.formats[name], 1 if operation == "sqrt" else 2
    specs = (NAMED[name],) * count
    columns = random_tuples(100_000, 1, *specs) if fmt.bits > 8 and count > 1 else all_tuples(*specs)
    return [column.astype(fmt.code_dtype) for column in columns]


def theirs(name: str, operation: str, x: list[np.ndarray]) -> np.ndarray:
    """The peer's codes; it warns about flags of the binary32 arithmetic it goes through."""
    dtype = getattr(ml_dtypes, name)
    with np.errstate(all="ignore"):
        result = getattr(np, operation)(*(column.view(dtype) for column in x))
    assert result.dtype == dtype
    return result.view(x[0].dtype) & x[0].dtype.type((1 << NAMED[name].bits) - 1)


def ours(name: str, operation: str, x: list[np.ndarray], **rules: str) -> np.ndarray:
    return getattr(hu.ops, operation)(*x, format=name, flags=True, **rules)[0]


@pytest.mark.parametrize("name", WITH_NAN)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_ml_dtypes_gives_the_same_codes(name: str, operation: str) -> None:
    """All but which NaN: its are those of the processor's binary32 NaN, sign and payload included."""
    x = operands(name, operation)
    a, b = ours(name, operation, x), theirs(name, operation, x)
    nan = hu.ops.is_nan(a, format=name)
    np.testing.assert_array_equal(nan, hu.ops.is_nan(b, format=name))
    np.testing.assert_array_equal(a[~nan], b[~nan])


@pytest.mark.parametrize("name", WITHOUT_NAN)
@pytest.mark.parametrize("operation", [op for op in OPERATIONS if op != "fmod"])
def test_ml_dtypes_makes_zero_of_nan_where_there_is_none(name: str, operation: str) -> None:
    """Its casts of NaN to FP4 and FP6 give 0; halfulp's default is the largest number, as CUDA's."""
    x = operands(name, operation)
    b = theirs(name, operation, x)
    np.testing.assert_array_equal(ours(name, operation, x, nan="zero"), b)
    by_default = ours(name, operation, x)
    differing = by_default != b
    assert (by_default[differing] == NAMED[name].last).all()
    assert differing.any() == (operation in ("divide", "sqrt"))


@pytest.mark.parametrize("operation", ["add", "subtract", "multiply", "divide"])
def test_ml_dtypes_rounds_e8m0_ties_away_and_has_no_least_value(operation: str) -> None:
    """Its ties go up where halfulp's go to the even code, and what is less than the minimum is NaN."""
    x = operands("float8_e8m0fnu", operation)
    a, flags = getattr(hu.ops, operation)(*x, format="float8_e8m0fnu", flags=True)
    b = theirs("float8_e8m0fnu", operation, x)
    below = (flags & UNDERFLOW) != 0
    steps = x[0].astype(int) - x[1]
    tie = {"add": abs(steps) == 1, "subtract": steps == 2}.get(operation, np.zeros(a.size, bool))
    np.testing.assert_array_equal(a[~below & ~tie], b[~below & ~tie])
    away = getattr(hu.ops, operation)(*x, format="float8_e8m0fnu", rounding="nearest_away", flags=True)[0]
    np.testing.assert_array_equal(away[~below], b[~below])
    assert (a[tie] != b[tie]).any() == bool(tie.any())


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize("operation", ["add", "subtract", "multiply"])
def test_ml_dtypes_wraps_integers_around(name: str, operation: str) -> None:
    """Where halfulp saturates, and says so with a flag."""
    x = operands(name, operation)
    a, flags = getattr(hu.ops, operation)(*x, format=name, flags=True)
    b = theirs(name, operation, x)
    np.testing.assert_array_equal(a[flags == 0], b[flags == 0])
    assert (a != b)[flags != 0].any()


@pytest.mark.parametrize("name", [n for n in PEERS if NAMED[n].has_negative_zero and NAMED[n].bits <= 8])
@pytest.mark.parametrize("operation", ["minimum", "maximum"])
def test_numpy_takes_the_first_of_two_zeros(name: str, operation: str) -> None:
    """And halfulp the one of the sign asked for: clause 9.6 of 2019."""
    x = operands(name, operation)
    a, b = ours(name, operation, x), theirs(name, operation, x)
    zeros = np.logical_and(*(hu.ops.is_zero(column, format=name) for column in x))
    rest = ~zeros & ~hu.ops.is_nan(a, format=name)
    np.testing.assert_array_equal(a[rest], b[rest])
    assert (a[zeros] != b[zeros]).any()
