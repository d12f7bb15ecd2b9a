"""Shapes, axes, layouts, threads and calls of sums, dot products and matrix products of codes."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from typing import Any

import halfulp as hu
import numpy as np
import pytest
import sums
from oracle import NAMED
from sums import ORDERS, plain, random_codes
from support import at_once, product

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*encountered in (sum|dot|matmul):RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]
Flag = hu.ops.Flag
E4M3, BF16 = NAMED["float8_e4m3fn"], NAMED["bfloat16"]
INF, MINUS_INF, QUIET, ONE = 0x7F80, 0xFF80, 0x7FC0, 0x3F80  # of bfloat16


@pytest.fixture
def threads() -> Iterator[None]:
    before = hu.get_num_threads()
    yield
    hu.set_num_threads(before)


def wanted(terms: sums.Terms, order: str, x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """np.matmul's result of two matrices, one element after another, without flags."""
    rows = [[sums.expected(terms, order, r.tolist(), c.tolist())[0] for c in y.T] for r in x]
    return np.array(rows, product(terms.to).code_dtype).reshape(x.shape[0], y.shape[1])


# -- shapes


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("shape", [(), (0,), (5,), (3, 4), (2, 0, 3), (2, 3, 4), (1, 5, 1, 2)], ids=str)
def test_axes_are_numpys(shape: tuple[int, ...], order: str) -> None:
    x = random_codes(E4M3, shape)
    t = plain(E4M3, E4M3, BF16)
    choices: list[Any] = [None, *range(-len(shape), len(shape))]
    choices += [axes for n in range(len(shape) + 1) for axes in itertools.combinations(range(len(shape)), n)]
    for axis in choices:
        for keepdims in (False, True):
            got = hu.sum(x, format=("float8_e4m3fn", "bfloat16"), axis=axis, keepdims=keepdims, accumulate=order)
            model = np.sum(np.zeros(shape), axis=axis, keepdims=keepdims)
            assert np.shape(got) == np.shape(model)
            axes = range(len(shape)) if axis is None else [axis] if isinstance(axis, int) else axis
            axes = sorted(a % len(shape) for a in axes)
            kept = [i for i in range(len(shape)) if i not in axes]
            rows = x.transpose(kept + axes).reshape(np.size(model), -1 if x.size else 0)
            want = [sums.expected(t, order, r.tolist(), [0x38] * len(r))[0] for r in rows]
            assert np.ravel(got).tolist() == want, (axis, keepdims)
    assert type(hu.sum(x, format="float8_e4m3fn")) is np.uint8


MATMULS = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3, 4)),
    ((5, 9), (9, 6)),
    ((0, 3), (3, 4)),
    ((2, 0), (0, 4)),
    ((4, 2, 3), (3, 2)),
    ((4, 2, 3), (4, 3, 2)),
    ((2, 1, 2, 3), (3, 3, 2)),
    ((1, 3), (2, 3, 1)),
    ((3,), (2, 3, 4)),
    ((2, 4, 3), (3,)),
]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("left", "right"), MATMULS, ids=str)
def test_matmul_is_numpys(left: tuple[int, ...], right: tuple[int, ...], order: str) -> None:
    x, y = random_codes(E4M3, left, 1), random_codes(E4M3, right, 2)
    got = hu.matmul(x, y, format=("float8_e4m3fn", "float8_e4m3fn", "bfloat16"), accumulate=order)
    assert np.shape(got) == np.shape(np.matmul(np.zeros(left), np.zeros(right)))
    a, b = (x[np.newaxis] if x.ndim == 1 else x), (y[:, np.newaxis] if y.ndim == 1 else y)
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = np.broadcast_to(a, batch + a.shape[-2:]), np.broadcast_to(b, batch + b.shape[-2:])
    want = [wanted(plain(E4M3, E4M3, BF16), order, a[i], b[i]).reshape(-1).tolist() for i in np.ndindex(batch)]
    assert np.ravel(got).tolist() == list(itertools.chain(*want))


DOTS = [
    ((3,), (3,)),
    ((4, 3), (3,)),
    ((3,), (4, 3)),
    ((4, 3), (4, 3)),
    ((4, 1, 3), (5, 3)),
    ((1, 3), (5, 3)),
    ((5, 3), (1, 3)),
]
DOTS += [
    ((2, 5, 3), (1, 3)),
    ((1, 3), (2, 5, 3)),
    ((2, 1, 3), (1, 1, 3)),
    ((0, 3), (3,)),
    ((2, 0), (2, 0)),
    ((7, 2, 3), (7, 1, 3)),
]


@pytest.mark.parametrize(("left", "right"), DOTS, ids=str)
def test_dot_is_vecdot(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    x, y = random_codes(E4M3, left, 1), random_codes(E4M3, right, 2)
    got = hu.dot(x, y, format=("float8_e4m3fn", "float8_e4m3fn", "bfloat16"))
    assert np.shape(got) == np.vecdot(np.zeros(left), np.zeros(right)).shape
    a, b = np.broadcast_arrays(x, y)
    flat = zip(a.reshape(got.size, -1 if a.size else 0), b.reshape(got.size, -1 if a.size else 0), strict=True)
    want = [sums.expected(plain(E4M3, E4M3, BF16), "exact", p.tolist(), q.tolist())[0] for p, q in flat]
    assert np.ravel(got).tolist() == want
    first = hu.dot(np.moveaxis(x, -1, 0), np.moveaxis(y, -1, 0), format=("float8_e4m3fn",) * 2 + ("bfloat16",), axis=0)
    if x.ndim == y.ndim:
        assert np.array_equal(first, got)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", ["float8_e4m3fn", "float4_e2m1fn", "bfloat16", "tfloat32", "float32"])
def test_layouts_give_the_same_bits(name: str, order: str) -> None:
    spec = NAMED[name]
    a, b = random_codes(spec, (10, 150), 1, finite=False), random_codes(spec, (150, 6), 2, finite=False)
    words: dict[str, Any] = {"format": (name, name, "float32"), "accumulate": order, "flags": True}
    want = hu.matmul(a, b, **words)
    wide = np.zeros((150, 20), a.dtype)
    wide[:, ::2] = a.T
    raw = np.zeros(a.nbytes + 1, np.uint8)
    unaligned = raw[1:].view(a.dtype).reshape(a.shape)
    unaligned[...] = a
    others = [a.T.copy().T, a[::-1, ::-1].copy()[::-1, ::-1], wide[:, ::2].T, unaligned]
    others += [a.astype(a.dtype.newbyteorder()), a.astype(np.int64)]
    for other in others:
        for right in (b, b.T.copy().T):
            got = hu.matmul(other, right, **words)
            assert all(np.array_equal(x, y) for x, y in zip(got, want, strict=True))
    total = hu.sum(a, format=(name, "float32"), axis=1, accumulate=order)
    assert np.array_equal(hu.sum(others[2], format=(name, "float32"), axis=1, accumulate=order), total)
    assert np.array_equal(hu.sum(a.T, format=(name, "float32"), axis=0, accumulate=order), total)


@pytest.mark.parametrize("name", ["float8_e5m2", "bfloat16"])
def test_threads_isas_and_forks_give_the_same_bits(name: str, threads: None) -> None:
    a, b = random_codes(NAMED[name], (200, 300), 1), random_codes(NAMED[name], (300, 190), 2)

    def work(i: int = 0) -> bytes:
        every = [hu.matmul(a, b, format=(name, name, "float32")).tobytes(), hu.sum(a, format=name, axis=0).tobytes()]
        return (
            b"".join(every)
            + hu.matmul(a[:70], b[:9, :90].repeat(34, 0)[:300], format=name, accumulate="kahan").tobytes()
        )

    want = work()
    for isa in hu.available_isas():
        with hu.use_isa(isa):
            assert work() == want
    for count in (2, 8):
        hu.set_num_threads(count)
        assert work() == want
        assert at_once(3, work) == [want] * 3
    if hasattr(os, "fork"):
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if work() == want else 1)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# -- the call


def test_out_and_flags() -> None:
    x = np.uint8([[0x38, 0x7E], [0x7E, 0x7E]])
    want, raised = hu.sum(x, format="float8_e4m3fn", axis=1, flags=True)
    assert want.tolist() == [0x7E, 0x7F]
    assert raised.tolist() == [Flag.inexact, Flag.inexact | Flag.overflow]
    out = np.zeros((2, 2), np.uint8)[:, 0]
    flags = np.zeros(2, np.int64)
    got = hu.sum(x, format="float8_e4m3fn", axis=1, flags=True, out=(out, flags))
    assert got[0] is out
    assert got[1] is flags
    assert out.tolist() == want.tolist()
    assert flags.tolist() == raised.tolist()
    x = np.uint8([[0x38, 0x40], [0x40, 0x38]])
    assert hu.matmul(x, x, format="float8_e4m3fn", out=x) is x
    assert x.tolist() == [[0x4A, 0x48], [0x48, 0x4A]]
    for bad, error in (
        (np.zeros(3, np.uint8), ValueError),
        ([0, 0], TypeError),
        (np.zeros((2, 2), bool), TypeError),
    ):
        with pytest.raises(error):
            hu.matmul(x, x, format="float8_e4m3fn", out=bad if isinstance(bad, list) else bad[:2])
    with pytest.raises(TypeError, match="tuple of two arrays"):
        hu.sum(x, format="float8_e4m3fn", flags=True, out=x)


def test_flags_become_numpys_warnings() -> None:
    x = np.uint16([0x7F7F, 0x7F7F])
    with pytest.warns(RuntimeWarning, match="overflow encountered in sum"):
        hu.sum(x, format="bfloat16")
    with np.errstate(invalid="raise"), pytest.raises(FloatingPointError, match="invalid value encountered in dot"):
        hu.dot(x, np.uint16([INF, MINUS_INF]), format="bfloat16")
    with np.errstate(all="ignore"):
        assert hu.sum(x, format="bfloat16") == INF
    with np.errstate(all="raise"):
        assert hu.sum(np.uint16([ONE, ONE]), format="bfloat16") == 0x4000
        assert hu.sum(np.uint16([ONE, 1]), format="bfloat16") == ONE  # inexact is no warning


def test_rules_for_nan() -> None:
    x = np.uint16([QUIET])
    assert hu.sum(x, format=("bfloat16", "int8")) == 0
    assert hu.sum(x, format=("bfloat16", "float4_e2m1fn")) == 7
    assert hu.sum(x, format=("bfloat16", "float4_e2m1fn"), nan="zero") == 0
    assert hu.sum(x, format="bfloat16", nan=0x7FFF) == 0x7FFF
    for rule in ("x86", "arm", "max"):
        with pytest.raises(ValueError, match="nan='"):
            hu.sum(x, format="bfloat16", nan=rule)


def test_worked_by_hand() -> None:
    """One large, eight small: each order has its own answer."""
    f = hu.Format(5, 3, specials="fn")
    x = f.encode([16, *[1] * 8])
    got = {order: float(f.decode(hu.sum(x, format=f, accumulate=order))) for order in ORDERS}
    assert got == {"exact": 24, "sequential": 16, "pairwise": 24, "kahan": 24}
    assert f.decode(hu.sum(x, format=f, accumulate="sequential", accumulator="float16")) == 24
    a = f.encode([1.125, 1.125])
    both = {"format": f, "accumulate": "sequential", "accumulator": "float32"}
    assert hu.dot(a, a, **both) == f.encode(2.53125)
    assert hu.dot(a, a, products=f, **both) == f.encode(2.5)
    assert f.decode(f.encode(1.125**2)) == 1.25


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: hu.sum([[1], [1, 2]], format="int8"), ValueError, "inhomogeneous"),
        (lambda: hu.sum([0.5], format="int8"), TypeError, "integers, not float64"),
        (lambda: hu.sum(["a"], format="int8"), TypeError, "integers"),
        (lambda: hu.sum([256], format="int8"), ValueError, "0x100 is no code of int8"),
        (lambda: hu.sum([-1], format="int8"), ValueError, "no code"),
        (lambda: hu.sum(np.uint8([1, 2, 16]), format="float4_e2m1fn"), ValueError, "0x10 is no code of float4_e2m1fn"),
        (lambda: hu.sum(np.uint32([1 << 19]), format="tfloat32", accumulate="kahan"), ValueError, "has 19 bits"),
        (lambda: hu.dot([1], np.uint8([64]), format="float6_e2m3fn"), ValueError, "operand 2: 0x40"),
        (lambda: hu.sum([1], format="float64"), ValueError, "53 significant bits"),
        (lambda: hu.sum([1], format="nf4"), ValueError, "codebook"),
        (lambda: hu.sum([1], format=("int8",)), ValueError, "a tuple of 2"),
        (lambda: hu.sum([1], format=7), TypeError, "format must be"),
        (lambda: hu.sum([1], format="int8", axis=1), ValueError, "axis 1 is not one of the 1"),
        (lambda: hu.sum([1], format="int8", axis=(0, -1)), ValueError, "given twice"),
        (lambda: hu.sum([1], format="int8", axis="x"), TypeError, "axis must be"),
        (lambda: hu.sum([1], format="int8", accumulate="tree"), ValueError, "'exact', 'sequential', 'pairwise'"),
        (lambda: hu.sum([1], format="int8", accumulator="int8"), ValueError, "for sums with steps"),
        (
            lambda: hu.dot([1], [1], format="int8", products="int8"),
            ValueError,
            "products='int8' is for sums with steps",
        ),
        (lambda: hu.sum([1], format="int8", rounding="stochastic_a"), ValueError, "rounding must be one of"),
        (lambda: hu.sum([1], format="int8", overflow="wrap"), ValueError, "overflow must be one of"),
        (lambda: hu.sum([1], format="int8", subnormals=["gradual", "flush_tiny"]), ValueError, "subnormals="),
        (lambda: hu.sum([1], format="float8_e8m0fnu", accumulate="kahan"), ValueError, "does not have"),
        (lambda: hu.dot([1, 2], [1], format="int8"), ValueError, "a has length 2 and b has length 1"),
        (lambda: hu.dot(1, [1], format="int8"), ValueError, "a is a single number"),
        (lambda: hu.dot([[1], [2]], [[1], [2], [3]], format="int8"), ValueError, "do not broadcast"),
        (lambda: hu.matmul([1, 2], [1], format="int8"), ValueError, r"shapes \(2,\) and \(1,\)"),
        (lambda: hu.matmul([[1]], 1, format="int8"), ValueError, "b is a single number"),
        (lambda: hu.matmul(np.ones((2, 1, 1), "u1"), np.ones((3, 1, 1), "u1"), format="int8"), ValueError, "broadcast"),
    ],
)
def test_wrong_arguments_are_named(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()


def test_huge_shapes_are_refused() -> None:
    x = np.broadcast_to(np.uint8(1), (1 << 40, 1))
    with pytest.raises((ValueError, MemoryError)):
        hu.matmul(x, x.T, format="int8")
    with pytest.raises((ValueError, MemoryError)):
        hu.dot(x[:, np.newaxis], x, format="int8")
    assert hu.matmul(x[:0], x.T, format="int8").shape == (0, 1 << 40)
    assert hu.sum(x[:1000], format="int8", overflow="saturate") == 127
