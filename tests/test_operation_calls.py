"""How operations are called: what they refuse and say, `out`, `where`, dtypes of codes, ufuncs, flags as warnings."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from arithmetic_oracle import compute
from oracle import NAMED

F8 = "float8_e4m3fn"
ONE, TWO, NAN = 0x38, 0x40, 0x7F


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: hu.ops.add(ONE, 0x100, format=F8), ValueError, "operand 2.*0x100.*8 bits"),
        (lambda: hu.ops.add(-1, ONE, format=F8), ValueError, "operand 1"),
        (lambda: hu.ops.add(np.uint8(0x1F), 1, format="float4_e2m1fn"), ValueError, "0x1f.*4 bits"),
        (lambda: hu.ops.sqrt(np.uint16([5, 0x3FF]), format=F8), ValueError, "0x3ff.*8 bits"),
        (lambda: hu.ops.add(1.5, ONE, format=F8), TypeError, "operand 1.*integers.*float64.*encode"),
        (lambda: hu.ops.add(["1"], ONE, format=F8), TypeError, "operand 1"),
        (lambda: hu.ops.add(ONE, ONE), TypeError, "format="),
        (lambda: hu.ops.add(ONE, format=F8), TypeError, "2 operand"),
        (lambda: hu.ops.add(ONE, ONE, format=F8, mode=1), TypeError, "mode"),
        (lambda: hu.ops.add(ONE, ONE, format="float64"), ValueError, "53 significant bits.*24"),
        (lambda: hu.ops.add(ONE, ONE, format=(F8, F8)), ValueError, "3 formats"),
        (lambda: hu.ops.minimum(ONE, ONE, format=(F8, F8, F8)), ValueError, "one format"),
        (lambda: hu.ops.add(ONE, ONE, format=5), TypeError, "format must be"),
        (lambda: hu.ops.add(ONE, ONE, format="float9"), ValueError, "float9"),
        (lambda: hu.ops.add(ONE, ONE, format=F8, rounding="up"), ValueError, "rounding.*nearest_even.*'up'"),
        (lambda: hu.ops.add(ONE, ONE, format=F8, rounding="stochastic_a"), ValueError, "rounding.*stochastic_a"),
        (lambda: hu.ops.add(ONE, ONE, format=F8, overflow="clip"), ValueError, "overflow.*clip"),
        (lambda: hu.ops.add(ONE, ONE, format=F8, subnormals="flush"), ValueError, "subnormals.*flush"),
        (
            lambda: hu.ops.add(ONE, ONE, format=F8, subnormals=("flush_output", "flush_tiny")),
            ValueError,
            "subnormals.*flush_input",
        ),
        (lambda: hu.ops.add(ONE, ONE, format=F8, tininess="never"), ValueError, "tininess.*never"),
        (lambda: hu.ops.add(ONE, ONE, format=F8, nan="max"), ValueError, "nan='max'.*canonical"),
        (lambda: hu.ops.add(ONE, ONE, format=F8, nan="keep_sign"), ValueError, "nan='keep_sign'"),
        (lambda: hu.ops.add(ONE, ONE, format=F8, nan=256), ValueError, "nan=0x100.*8 bits"),
        (lambda: hu.ops.to_integer(ONE, "float32", format=F8), TypeError, "dtype.*float32"),
        (lambda: hu.ops.to_integer(ONE, "int8", format=F8, invalid="wrap"), ValueError, "invalid.*wrap"),
        (lambda: hu.ops.from_integer(1.5, format=F8), TypeError, "n must be integers.*float64"),
        (lambda: hu.ops.scaleb(ONE, 0.5, format=F8), TypeError, "n must be integers"),
        (lambda: hu.ops.from_string("one", format=F8), ValueError, "one"),
        (lambda: hu.ops.from_string(1, format=F8), TypeError, "strings.*int"),
        (lambda: hu.ops.to_string(ONE, format=F8, style="long"), ValueError, "style.*long"),
    ],
)
def test_what_is_refused_and_what_is_said(call: Callable[[], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=f"(?is){words}"):
        call()


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "object"])
def test_codes_of_any_integer_dtype(dtype: str) -> None:
    a = np.array([ONE, TWO, 1], dtype)
    assert hu.ops.add(a, ONE, format=F8).tolist() == [0x40, 0x44, 0x38]
    assert hu.ops.add(a.tolist(), ONE, format=F8).dtype == np.uint8


def test_shapes_broadcast_and_scalars_stay_scalars() -> None:
    table = hu.ops.multiply(np.arange(16)[:, None], np.arange(16), format="float4_e2m1fn", flags=True)[0]
    assert table.shape == (16, 16)
    assert int(hu.ops.add(ONE, ONE, format=F8)) == TWO
    code, flags = hu.ops.add(ONE, ONE, format=F8, flags=True)
    assert (np.ndim(code), np.ndim(flags), flags.dtype) == (0, 0, np.uint8)
    assert hu.ops.add(np.empty((0, 3), np.uint8), ONE, format=F8).shape == (0, 3)


def test_out_and_where() -> None:
    a = np.uint8([ONE, TWO, ONE])
    out, raised = np.full(3, 9, np.uint8), np.full(3, 9, np.uint8)
    got = hu.ops.add(a, a, format=F8, out=out)
    assert got is out
    assert out.tolist() == [0x40, 0x48, 0x40]
    hu.ops.divide(a, 0, format=F8, flags=True, out=(out, raised), where=[True, False, True])
    assert (out.tolist(), raised.tolist()) == ([NAN, 0x48, NAN], [8, 9, 8])


def test_results_over_their_own_operands() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 256, (2, 1000), dtype=np.uint8)
    want = [compute("add", NAMED[F8], pair)[0] for pair in zip(a.tolist(), b.tolist(), strict=True)]
    with np.errstate(all="ignore"):
        hu.ops.add(a, b, format=F8, out=a)
    assert a.tolist() == want


def test_flags_become_numpy_warnings() -> None:
    for operands, operation, words in (
        ((ONE, 0), "divide", "divide by zero"),
        ((0x7E, 0x7E), "multiply", "overflow"),
        ((0x01, 0x01), "multiply", "underflow"),
        ((0, 0), "divide", "invalid"),
    ):
        function = getattr(hu.ops, operation)
        with np.errstate(all="warn"), pytest.warns(RuntimeWarning, match=words):
            function(*operands, format=F8)
        with np.errstate(all="raise"), pytest.raises(FloatingPointError, match=words):
            function(*operands, format=F8)
        with np.errstate(all="raise"):  # asked for, they are a result and no warning
            function(*operands, format=F8, flags=True)
    with np.errstate(all="raise"):  # inexact is no warning of NumPy's
        assert hu.ops.add(ONE, 0x14, format=F8, flags=True)[1] == hu.ops.Flag.inexact
        hu.ops.add(ONE, 0x14, format=F8)


def test_the_ufunc_behind_a_function() -> None:
    add = hu.ops.ufunc("add", format=F8)
    assert isinstance(add, np.ufunc)
    codes = np.full(3, ONE, np.uint8)
    assert add.outer(codes[:2], codes).tolist() == [[TWO] * 3] * 2
    total = np.zeros(2, np.uint8)
    add.at(total, [0, 1, 1, 1], np.uint8(ONE))
    assert total.tolist() == [ONE, 0x44]
    with pytest.raises(ValueError, match="plus"):
        hu.ops.ufunc("plus", format=F8)


def one_after_another(codes: np.ndarray) -> list[int]:
    """Differences from the left: unlike sums, they show every change of order."""
    results = codes[:1].tolist()
    for code in codes[1:].tolist():
        results.append(compute("subtract", NAMED[F8], (results[-1], code))[0])
    return results


@pytest.mark.parametrize("target", hu.available_isas())
def test_reduce_and_accumulate_go_from_left_to_right(target: str) -> None:
    codes = np.random.default_rng(4).integers(0x20, 0x40, 1500, dtype=np.uint8)
    want = one_after_another(codes)
    with hu.use_isa(target):
        subtract = hu.ops.ufunc("subtract", format=F8)
        assert subtract.accumulate(codes).tolist() == want
        assert subtract.reduce(codes) == want[-1]
        assert subtract.accumulate(codes.reshape(-1, 3), axis=0)[:, 0].tolist() == one_after_another(codes[::3])


def test_accumulate_goes_from_left_to_right_whatever_the_threads() -> None:
    codes = np.random.default_rng(4).integers(0x20, 0x40, 600_000, dtype=np.uint8)
    subtract, before = hu.ops.ufunc("subtract", format=F8), hu.get_num_threads()
    with hu.use_isa("scalar"):
        want = subtract.accumulate(codes)
        try:
            hu.set_num_threads(4)
            got = subtract.accumulate(codes)
        finally:
            hu.set_num_threads(before)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("name", [n for n in hu.ops.__all__ if n not in ("Flag", "Class")])
def test_every_function_is_documented(name: str) -> None:
    function = getattr(hu.ops, name)
    document = inspect.getdoc(function)
    assert document is not None
    for section in ("Parameters", "Returns", "Examples"):
        assert f"\n{section}\n---" in document, section
    assert "format" in inspect.signature(function).parameters
