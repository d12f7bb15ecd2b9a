"""Calls on plain arrays skip NumPy's machinery; nobody must be able to tell, except by the clock."""

from __future__ import annotations

import sys
from typing import Any

import halfulp as hu
import numpy as np
import pytest

F = hu.float8_e4m3fn
X = np.array([0.3, -0.0, 500.0, np.nan, 1e-9, -7.0], dtype=np.float32)


class Marked(np.ndarray[Any, Any]):
    """A subclass that NumPy must keep."""


def machinery(ufunc: np.ufunc, *args: Any, **rest: Any) -> Any:
    """The same call by NumPy's own way: `where` is never ours."""
    return ufunc(*args, where=True, **rest)


def arguments() -> dict[str, Any]:
    big_endian = X.astype(">f4")
    unaligned = np.frombuffer(b"x" + X.tobytes(), dtype=np.uint8)[1:].view(np.float32)
    return {
        "plain": X,
        "two dimensions": X.reshape(2, 3),
        "fortran": np.asfortranarray(X.reshape(2, 3)),
        "transposed": X.reshape(2, 3).T,
        "reversed": X[::-1],
        "strided": X[::2],
        "empty": X[:0],
        "empty in one of two": X.reshape(2, 3)[:, :0],
        "zero dimensions": X[0],
        "one in an array": np.array(X[0]),
        "read-only": np.frombuffer(X.tobytes(), dtype=np.float32),
        "big endian": big_endian,
        "unaligned": unaligned,
        "float16": X.astype(np.float16),
        "float64": X.astype(np.float64),
        "longdouble": X.astype(np.longdouble),
        "int8": np.arange(-3, 3, dtype=np.int8),
        "uint64": np.array([0, 7, 2**64 - 1], dtype=np.uint64),
        "bool": np.array([True, False]),
        "subclass": X.view(Marked),
        "masked": np.ma.masked_array(X, mask=[0, 1, 0, 0, 0, 0]),
        "list": [0.3, 1.0],
        "float": 0.3,
    }


@pytest.mark.parametrize("verb", ["encode", "round"])
@pytest.mark.parametrize("case", sorted(arguments()))
def test_a_plain_call_is_numpys_call(verb: str, case: str) -> None:
    ufunc, x = getattr(F, verb), arguments()[case]
    ours, numpys = ufunc(x), machinery(ufunc, x)
    assert type(ours) is type(numpys)
    assert ours.dtype == numpys.dtype
    assert ours.shape == numpys.shape
    assert np.asarray(ours).tobytes("A") == np.asarray(numpys).tobytes("A")
    assert ours.flags.c_contiguous == numpys.flags.c_contiguous
    assert ours.flags.f_contiguous == numpys.flags.f_contiguous
    assert ours.flags.writeable == numpys.flags.writeable


def outs() -> dict[str, tuple[Any, Any]]:
    """A source, and what to write to, by the name of what is special."""
    both = np.zeros(40, dtype=np.uint8)
    read_only = np.zeros(6, dtype=np.uint8)
    read_only.flags.writeable = False
    return {
        "plain": (X, np.zeros(6, np.uint8)),
        "wider": (X, np.zeros(6, np.uint16)),
        "float": (X, np.zeros(6, np.float32)),
        "too narrow": (X, np.zeros(6, np.int8)),
        "broadcast": (X, np.zeros((2, 6), np.uint8)),
        "too small": (X, np.zeros(5, np.uint8)),
        "other shape": (X, np.zeros((3, 2), np.uint8)),
        "strided": (X, np.zeros(12, np.uint8)[::2]),
        "reversed": (X, np.zeros(6, np.uint8)[::-1]),
        "read-only": (X, read_only),
        "overlapping behind": (both[:24].view(np.float32), both[20:26]),
        "overlapping before": (both[16:40].view(np.float32), both[14:20]),
        "the same start": (both[:24].view(np.float32), both[:6]),
        "subclass": (X, np.zeros(6, np.uint8).view(Marked)),
        "none": (X, None),
        "list": (X, [0, 0, 0, 0, 0, 0]),
        "tuple": (X, (np.zeros(6, np.uint8),)),
        "big endian": (X, np.zeros(6, ">u2")),
        "zero dimensions": (np.array(0.3, np.float32), np.array(0, np.uint8)),
        "empty": (X[:0], np.zeros(0, np.uint8)),
    }


def outcome(call: Any) -> tuple[str, bytes]:
    try:
        result = call()
    except (TypeError, ValueError) as error:
        return type(error).__name__, b""
    return f"{type(result).__name__} {result.dtype} {result.shape}", np.asarray(result).tobytes()


@pytest.mark.parametrize("keyword", [False, True])
@pytest.mark.parametrize("case", sorted(outs()))
def test_out_is_numpys_out(case: str, keyword: bool) -> None:
    bits = X.view(np.uint8)

    def fresh() -> tuple[Any, Any]:
        x, out = outs()[case]
        if "overlapping" in case or case == "the same start":
            x.view(np.uint8)[:] = bits
        return x, out

    x, out = fresh()
    ours = outcome(lambda: F.encode(x, out=out) if keyword else F.encode(x, out))
    if isinstance(out, np.ndarray) and not ours[0].endswith("Error"):
        assert (F.encode(x, out=out) if keyword else F.encode(x, out)) is out
    x, out = fresh()
    assert ours == outcome(lambda: machinery(F.encode, x, out=out) if keyword else machinery(F.encode, x, out))


def test_other_keywords_are_numpys() -> None:
    assert F.encode(X, dtype=np.uint8).dtype == np.uint8
    with pytest.raises(TypeError, match="unexpected keyword"):
        F.encode(X, outt=X)
    with pytest.raises(TypeError):
        F.encode(X, X, X)
    with pytest.raises(TypeError):
        F.encode()
    with pytest.raises(TypeError, match="both a positional and keyword"):
        F.encode(X, np.zeros(6, np.uint8), out=np.zeros(6, np.uint8))


def test_a_bad_code_leaves_no_reference_behind() -> None:
    codes = np.full(6, 0x10, dtype=np.uint8)
    out = np.zeros(6, dtype=np.float32)
    before = sys.getrefcount(out), sys.getrefcount(codes)
    for _ in range(100):
        with pytest.raises(ValueError, match="0x10"):
            hu.int4.decode(codes, out)
    assert (sys.getrefcount(out), sys.getrefcount(codes)) == before


@pytest.mark.parametrize("n", range(70))
def test_every_short_length(n: int) -> None:
    x = np.linspace(-600, 600, n, dtype=np.float32)
    out = np.zeros(n + 2, np.uint8)
    F.encode(x, out[1:-1])
    assert np.array_equal(out[1:-1], machinery(F.encode, x))
    assert out[0] == out[-1] == 0
