"""The ufuncs are NumPy ufuncs: shapes, keywords, subclasses, ml_dtypes arrays, and what they refuse."""

from __future__ import annotations

from typing import Any

import halfulp as hu
import numpy as np
import pytest
from arrays import FORMATS, numbers, same

F = hu.float8_e4m3fn


def test_they_are_ufuncs(fmt: hu.Format) -> None:
    for verb in ("encode", "decode", "round"):
        for ufunc in (getattr(fmt, verb), getattr(fmt.codec(rounding="to_odd"), verb)):
            assert type(ufunc) is np.ufunc
            assert (ufunc.nin, ufunc.nout, ufunc.nargs) == (1, 1, 2)
            assert ufunc.signature is None
            assert ufunc.__name__.endswith(verb)
        assert getattr(fmt, verb) is getattr(fmt, verb)
    assert repr(fmt.encode) == f"<ufunc '{fmt.name}.encode'>"


@pytest.mark.parametrize("f", FORMATS, ids=str)
def test_shapes(f: hu.Format) -> None:
    x = numbers("float32", 24)
    for ufunc, a in ((f.encode, x), (f.round, x), (f.decode, f.encode(x))):
        flat = ufunc(a)
        cube = a.reshape(2, 3, 4)
        same(ufunc(cube), flat.reshape(2, 3, 4))
        same(ufunc(cube.transpose(2, 0, 1)), flat.reshape(2, 3, 4).transpose(2, 0, 1).copy("A"))
        fortran = ufunc(np.asfortranarray(cube))
        assert fortran.flags.f_contiguous
        same(np.ascontiguousarray(fortran), flat.reshape(2, 3, 4))
        deep = ufunc(a[:1].reshape((1,) * 32))
        assert deep.shape == (1,) * 32
        assert deep.tobytes() == flat[:1].tobytes()
        most = (2,) * 16 + (1,) * 48
        assert ufunc(np.broadcast_to(a[0], most)).shape == most
        for empty in (a[:0], cube[:, :0], np.zeros((0, 5, 0), a.dtype), a[::-3][:0]):
            assert ufunc(empty).shape == empty.shape
            assert ufunc(empty).dtype == flat.dtype
        scalar = ufunc(a[0])
        assert isinstance(scalar, flat.dtype.type)
        assert scalar.tobytes() == flat[:1].tobytes()
        same(ufunc(np.array(a[0])), scalar)
        assert ufunc(np.array(a[0]), out=...).shape == ()


# -- keywords


def test_where() -> None:
    x = numbers("float32", 1000)
    mask = np.arange(1000) % 3 == 0
    for ufunc in (F.encode, F.round):
        out = ufunc(np.ones_like(x))
        before = out.copy()
        ufunc(x, out=out, where=mask)
        same(out, np.where(mask, ufunc(x), before))
        ufunc(x, out=out, where=False)
        same(out, np.where(mask, ufunc(x), before))
    stray = np.uint8([0x1, 0xF0, 0x2])
    got = hu.float4_e2m1fn.decode(stray, where=[True, False, True], out=np.zeros(3, np.float32))
    assert got.tolist() == [0.5, 0.0, 1.0], "a code that is masked out may be anything"


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_order_subok_casting_dtype() -> None:
    x = np.asfortranarray(numbers("float32", 12).reshape(3, 4))
    assert F.encode(x, order="C").flags.c_contiguous
    assert F.encode(x, order="F").flags.f_contiguous
    assert F.encode(x, order="K").flags.f_contiguous
    same(F.encode(x.ravel(), dtype=np.uint8), F.encode(x.ravel()))
    same(F.encode(x.ravel(), signature="f->B"), F.encode(x.ravel()))
    same(F.encode(x.ravel(), casting="no"), F.encode(x.ravel()))
    same(F.encode([1, 2], signature="d->B"), np.uint8([0x38, 0x40]))
    assert type(F.encode(np.matrix([[1.0]]), subok=False)) is np.ndarray
    with pytest.raises(TypeError, match=r"float8_e4m3fn.encode"):
        F.encode(x, dtype=np.float32)
    with pytest.raises(TypeError, match="unexpected keyword argument 'rounding'"):
        F.encode(x, rounding="to_odd")
    with pytest.raises(ValueError, match="casting must be one of"):
        F.encode(x, casting="loosely")
    with pytest.raises(ValueError, match="order must be one of"):
        F.encode(x, order="Z")


def test_methods_of_binary_ufuncs_are_refused() -> None:
    for method in ("reduce", "accumulate", "outer"):
        with pytest.raises((ValueError, TypeError), match="binary"):
            getattr(F.encode, method)(np.ones(3, np.float32))


def test_at() -> None:
    x = np.float32([1.06, 2.1, 3.3])
    F.round.at(x, [0, 2])
    same(x, np.float32([1.0, 2.1, 3.25]))


def test_resolve_dtypes() -> None:
    resolve = F.round.resolve_dtypes
    assert resolve((np.dtype("f2"), None))[1] == np.float16
    assert hu.bfloat16.round.resolve_dtypes((np.dtype("f2"), None))[1] == np.float32
    assert hu.float64.round.resolve_dtypes((np.dtype("f4"), None))[1] == np.float64
    assert resolve((np.dtype("g"), None))[1] == np.longdouble
    assert resolve((np.dtype("i8"), None))[1] == np.float64


# -- subclasses and other array types


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_subclasses(tmp_path: Any) -> None:
    x = numbers("float32", 20)
    masked = np.ma.array(x, mask=np.arange(20) % 2)
    got = F.round(masked)
    assert isinstance(got, np.ma.MaskedArray)
    assert (got.mask == masked.mask).all()
    same(got.data[::2], F.round(x)[::2])
    matrix = np.matrix(x.reshape(4, 5))
    assert type(F.encode(matrix)) is np.matrix
    file = np.memmap(tmp_path / "x", dtype=np.float32, mode="w+", shape=20)
    file[:] = x
    same(np.asarray(F.encode(file)), F.encode(x))
    codes = np.memmap(tmp_path / "codes", dtype=np.uint8, mode="w+", shape=20)
    F.encode(file, out=codes)
    codes.flush()
    assert (tmp_path / "codes").read_bytes() == F.encode(x).tobytes()


class Recorder:
    """Takes over any ufunc that it is an argument of."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **words: Any) -> Any:
        return ufunc, method, sorted(words)


def test_array_ufunc_is_honoured() -> None:
    x, taken = np.float32([1.0]), Recorder()
    assert F.encode(taken) == (F.encode, "__call__", [])
    assert F.encode(x, out=taken) == (F.encode, "__call__", ["out"])
    assert F.encode(x, where=True, out=(taken,)) == (F.encode, "__call__", ["out", "where"])


class Wrapper(np.ndarray):
    """A subclass that counts how often it is finished."""

    finished = 0

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        Wrapper.finished += 1
        return super().__array_wrap__(array, context, return_scalar)


def test_array_wrap_is_called() -> None:
    got = F.encode(np.ones(3, np.float32).view(Wrapper))
    assert type(got) is Wrapper
    assert Wrapper.finished == 1


class Broken:
    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise RuntimeError("not today")


@pytest.mark.parametrize(
    "x",
    [1j, "a", b"a", None, [1, "b"], np.datetime64("2000-01-01"), np.timedelta64(3, "s"), object(), {}, [None], 2**70],
    ids=repr,
)
def test_what_is_no_number(x: Any) -> None:
    for ufunc in (F.encode, F.round, hu.float64.encode):
        with pytest.raises(TypeError, match=r"takes float16, .* input, not .*halfulp\.(encode|round)\(x, format\)"):
            ufunc(x)
    with pytest.raises(TypeError, match="takes codes of an integer dtype, not"):
        F.decode(x)


def test_other_nonsense() -> None:
    with pytest.raises(RuntimeError, match="not today"):
        F.encode(Broken())
    with pytest.raises(ValueError, match="inhomogeneous"):
        F.encode([[1, 2], [3]])
    with pytest.raises(TypeError, match="positional arguments but 0 were given"):
        F.encode()
    for x in (1.0, True, np.float32(1), [1.5], np.array([False])):
        with pytest.raises(TypeError, match="takes codes of an integer dtype, not"):
            F.decode(x)


def test_stray_bits() -> None:
    f = hu.float4_e2m1fn
    for dtype in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">u4", ">i8"):
        codes = np.arange(16).astype(dtype)
        assert f.decode(codes).tolist() == f.decode(np.arange(16)).tolist()
        codes = np.concatenate([codes] * 100)
        codes[1003:1005] = (0x11, 0x7F)
        with pytest.raises(ValueError, match=r"float4_e2m1fn.decode: code 0x11 .* 4 bits .* codes & 0xF"):
            f.decode(codes)
        with pytest.raises(ValueError, match="code 0x7F"):
            f.decode(codes[::-1])
    with pytest.raises(ValueError, match="code 0xFF has bits above the 4 bits"):
        f.decode(np.int8([-1]))
    assert F.decode(np.int8([-1])).tolist() != [0], "eight bits of a signed byte are a code"
    with pytest.raises(ValueError, match="code 0xFFFFFFFFFFFFFFFF has bits above the 8 bits"):
        F.decode(-1)
    assert np.isnan(hu.float64.decode(np.int64(-1)))


# -- ml_dtypes


def test_ml_dtypes_by_view() -> None:
    ml = pytest.importorskip("ml_dtypes", reason="needs ml_dtypes, whose arrays are the input")
    late = hu.Format(6, 4, bias=20)
    late.encode(1.0), late.round(1.0)
    for name in ("bfloat16", "float8_e5m2", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e8m0fnu", "float4_e2m1fn"):
        source = getattr(hu, name)
        codes = np.arange(1 << source.bits, dtype=source.code_dtype)[:: 1 if source.bits <= 8 else 7]
        x = codes.view(getattr(ml, name))
        values = source.decode(codes)
        for f in (late, F, hu.float64):
            same(f.encode(x), f.encode(values))
            assert np.array_equal(f.round(x), f.round(values), equal_nan=True)
            same(f.encode(x[::-2]), f.encode(values[::-2]))
            assert f.encode(x[3]) == f.encode(values[3])
            out = np.zeros(x.shape, f.code_dtype)
            assert f.encode(x, out=out) is out
            same(out, f.encode(values))
        with pytest.raises(TypeError, match=f"integer dtype, not {name}; view .* unsigned integers"):
            F.decode(x)
    for name in ("int4", "uint4"):
        x = np.arange(-8, 8).astype(getattr(ml, name))
        same(F.encode(x), F.encode(x.astype(np.int8)))
