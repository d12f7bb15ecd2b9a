"""Arrays of formats' dtypes to and from ml_dtypes and DLPack: the same bits in the same memory."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from bridges import bits, every_code, run_examples, survives

FUNCTIONS = (
    *("from_dlpack", "from_jax", "from_ml_dtypes", "from_onnx", "from_torch", "load_safetensors"),
    *("to_dlpack", "to_jax", "to_ml_dtypes", "to_onnx", "to_torch", "save_safetensors"),
)
DLPACK = (
    *("bfloat16", "float8_e3m4", "float8_e4m3", "float8_e4m3b11fnuz", "float8_e4m3fn", "float8_e4m3fnuz"),
    *("float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu"),
)


# -- the package


def test_bridges_are_imported_when_they_are_asked_for() -> None:
    script = (
        "import sys, halfulp; "
        "print([m for m in sys.modules if m in ('torch', 'jax', 'onnx', 'ml_dtypes', 'halfulp._torch', 'halfulp.io')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_there(name: str) -> None:
    assert name in hu.__all__
    assert name in dir(hu)
    assert getattr(hu, name) is getattr(hu, name)
    assert getattr(hu, name).__name__ == name


@pytest.mark.parametrize("name", ["torch", "jax", "onnx", "ml_dtypes"])
def test_a_package_that_is_missing_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModuleNotFoundError, match=f"to_{name} needs the package {name}, which is not installed"):
        getattr(hu, f"to_{name}")(np.ones(2, dtype=hu.bfloat16))


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_without_a_package_nothing_is_its_array(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(TypeError, match=rf"x must be a {name}\.\w+, not numpy.ndarray"):
        getattr(hu, f"from_{name}")(np.ones(2))


def test_codebooks_have_no_dtype() -> None:
    assert not hasattr(hu.nf4, "dtype")
    with pytest.raises(AttributeError, match=r"nf4: codebooks have no dtype; use .encode and .decode"):
        _ = hu.nf4.dtype
    for make in (np.dtype, np.ones(2).astype, lambda d: np.array([1.0], dtype=d)):
        with pytest.raises(TypeError, match=r"nf4: codebooks have no dtype; use .encode and .decode"):
            make(hu.nf4)


# -- DLPack


class Recorder:
    """An exporter that says what it was asked for."""

    def __init__(self, exported: Any, **only: Any) -> None:
        self.exported, self.asked, self.only = exported, [], only

    def __dlpack__(self, **words: Any) -> Any:
        self.asked.append(words)
        return self.exported.__dlpack__(**(self.only or words))

    def __dlpack_device__(self) -> Any:
        return self.exported.__dlpack_device__()


@pytest.mark.parametrize("name", DLPACK)
@pytest.mark.parametrize("version", [None, (1, 0)])
def test_dlpack_keeps_every_code(name: str, version: tuple[int, int] | None) -> None:
    x = every_code(hu.formats[name])
    y = hu.from_dlpack(Recorder(hu.to_dlpack(x), max_version=version))
    assert y.dtype is x.dtype
    assert bits(y) == bits(x)
    assert np.shares_memory(x, y)
    assert y.flags.writeable == (version is not None)  # an older capsule cannot say, and NumPy is careful
    x.view(hu.formats[name].code_dtype)[3] = 5
    assert bits(y) == bits(x)


def test_dlpack_exists_for_these_and_no_others(fmt: hu.Format) -> None:
    x = np.zeros(4, fmt.code_dtype).view(fmt.dtype)
    if getattr(x.dtype, "format", None) is None:
        assert hu.to_dlpack(x) is x
    elif fmt.name in DLPACK:
        assert hu.from_dlpack(hu.to_dlpack(x)).dtype is x.dtype
    else:
        message = rf"array: DLPack has no type for {fmt.name}; array\.view\(np\.{fmt.code_dtype}\) is its codes"
        with pytest.raises(TypeError, match=message):
            hu.to_dlpack(x)


def test_dlpack_keeps_shapes_and_strides() -> None:
    x = every_code(hu.bfloat16).reshape(16, 64, 64)
    for view in (x, x.T, x[::2, 1:, ::-3], x[3, 4, 5], x[:0], x[..., None], np.broadcast_to(x[0], (3, 64, 64))):
        if not isinstance(view, np.ndarray):
            view = np.asarray(view)
        words = {} if view.flags.writeable else {"max_version": (1, 0)}
        y = hu.from_dlpack(Recorder(hu.to_dlpack(view), **words))
        assert y.shape == view.shape
        assert bits(y) == bits(view)
        assert view.size < 2 or y.strides == view.strides


def test_dlpack_of_read_only_arrays() -> None:
    x = np.ones(3, dtype=hu.bfloat16)
    x.flags.writeable = False
    assert not hu.from_dlpack(hu.to_dlpack(x)).flags.writeable
    with pytest.raises(TypeError, match=r"x: this .*Recorder cannot be exported .*readonly"):
        hu.from_dlpack(Recorder(hu.to_dlpack(x), max_version=None))


def test_dlpack_copies_when_told_to() -> None:
    x = np.ones(3, dtype=hu.bfloat16)
    assert not np.shares_memory(hu.from_dlpack(hu.to_dlpack(x), copy=True), x)
    assert np.shares_memory(hu.from_dlpack(hu.to_dlpack(x), copy=False), x)


def test_dlpack_memory_lives_as_long_as_its_users() -> None:
    def make() -> tuple[Any, Any]:
        x = every_code(hu.float8_e4m3fn).copy()
        return x, hu.from_dlpack(hu.to_dlpack(x))

    survives(make, bits)
    for _ in range(3):  # exported and never taken
        hu.to_dlpack(np.ones(1000, dtype=hu.bfloat16)).__dlpack__()


@pytest.mark.parametrize("shape", [(8,), (3, 4), (2, 3, 2)])
def test_dlpack_has_pairs_of_float4(shape: tuple[int, ...]) -> None:
    p = hu.PackedArray.encode(
        np.linspace(-6, 6, 24)[: np.prod(shape)].reshape(shape), "float4_e2m1fn", order="low_first"
    )
    q = hu.from_dlpack(hu.to_dlpack(p))
    assert q == p
    assert np.shares_memory(q.packed, p.packed)
    flat = hu.PackedArray(p.packed.reshape(-1), shape, p.format, order="low_first", axis=None)
    assert hu.from_dlpack(hu.to_dlpack(flat)) == p


@pytest.mark.parametrize(
    ("shape", "words"),
    [((3,), {}), ((2, 3), {}), ((), {}), ((4,), {"order": "high_first"}), ((2, 4), {"axis": 0})],
)
def test_other_packed_arrays_have_no_pairs(shape: tuple[int, ...], words: dict[str, Any]) -> None:
    p = hu.PackedArray.encode(np.zeros(shape), "float4_e2m1fn", **({"order": "low_first", "axis": None} | words))
    with pytest.raises(TypeError, match=r"array: DLPack takes pairs of 4-bit codes along the last axis .*array.packed"):
        hu.to_dlpack(p)


def test_packed_arrays_of_other_formats_are_not_exported() -> None:
    p = hu.PackedArray.encode(np.zeros(4), "int4", order="low_first")
    with pytest.raises(TypeError, match=r"array: DLPack has no type for packed int4; array.packed is its storage"):
        hu.to_dlpack(p)


def test_what_is_no_exporter_is_refused() -> None:
    for x in (None, 3, [1.0], "abc", b"abc", hu.bfloat16):
        with pytest.raises(TypeError, match="x must have __dlpack__ and __dlpack_device__, not be"):
            hu.from_dlpack(x)
    for x in (None, 3, [1.0], hu.bfloat16):
        with pytest.raises(TypeError, match="array must be an ndarray, not"):
            hu.to_dlpack(x)


class Liar(Recorder):
    """An exporter that gives something else than a fresh capsule."""

    def __init__(self, gives: Any, device: Any = (1, 0)) -> None:
        self.gives, self.device = gives, device

    def __dlpack__(self, **words: Any) -> Any:
        return self.gives

    def __dlpack_device__(self) -> Any:
        return self.device


def test_exporters_that_lie_are_refused() -> None:
    import datetime

    used = np.ones(2).__dlpack__()
    np.from_dlpack(Liar(used))
    capsules = (None, 3, b"dltensor", used, datetime.datetime_CAPI)
    for gives in capsules:
        with pytest.raises(
            TypeError, match=r"x: this .*Liar cannot be exported \(__dlpack__ gave no capsule of DLPack"
        ):
            hu.from_dlpack(Liar(gives))


def changed(capsule: Any, at: int, value: int) -> Any:
    """A capsule with 32 bits of it replaced: 8, the device; 20, the type's code, bits and lanes.

    Of the newer kind the tensor begins at byte 32; -32 is the major version, -8 the flags.
    """
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    newer = "dltensor_versioned" in repr(capsule)
    start = pointer(capsule, b"dltensor_versioned" if newer else b"dltensor") + 32 * newer
    ctypes.c_uint32.from_address(start + at).value = value
    return capsule


@pytest.mark.parametrize(("code", "name"), [(15, "float6_e2m3fn"), (16, "float6_e3m2fn"), (17, "float4_e2m1fn")])
def test_a_byte_for_each_number_is_taken_if_the_exporter_says_so(code: int, name: str) -> None:
    fmt = hu.formats[name]
    data = np.arange(1 << fmt.bits, dtype=np.uint8)
    for flags in (0, 4):
        capsule = changed(data.__dlpack__(max_version=(1, 0)), 20, code | fmt.bits << 8 | 1 << 16)
        exporter = Liar(changed(capsule, -8, flags))
        if flags:
            x = hu.from_dlpack(exporter)
            assert x.dtype is fmt.dtype
            assert bits(x) == bits(data)
        else:
            with pytest.raises(TypeError, match=f"{name} of {fmt.bits} bits in 1 lanes is packed, an array has whole"):
                hu.from_dlpack(exporter)


def test_another_major_version_is_refused() -> None:
    capsule = changed(np.ones(2).__dlpack__(max_version=(1, 0)), -32, 2)
    with pytest.raises(ValueError, match="the capsule is of DLPack 2, known is 1"):
        hu.from_dlpack(Liar(capsule))
    changed(capsule, -32, 1)


@pytest.mark.parametrize("device", [2, 4, 8, 10, 0, 99])
def test_other_devices_are_refused(device: int) -> None:
    capsule = changed(hu.to_dlpack(np.ones(2, dtype=hu.bfloat16)).__dlpack__(), 8, device)
    with pytest.raises(TypeError, match=r"x: this .*Liar cannot be exported \(Unsupported device"):
        hu.from_dlpack(Liar(capsule, (device, 0)))


@pytest.mark.parametrize("code", range(19))
@pytest.mark.parametrize("width", [0, 1, 4, 6, 8, 16, 32, 255])
@pytest.mark.parametrize("lanes", [0, 1, 2, 65535])
def test_types_that_do_not_exist_are_refused(code: int, width: int, lanes: int) -> None:
    """Of a tensor of two bytes, whatever it says of them."""
    capsule = changed(np.ones(2, np.uint8).__dlpack__(), 20, code | width << 8 | lanes << 16)
    try:
        x = hu.from_dlpack(Liar(capsule))
    except TypeError as error:
        assert "Liar cannot be exported" in str(error)  # noqa: PT017
        return
    assert lanes == 1 or (code, width, lanes) == (17, 4, 2)
    if code in (4, *range(7, 18)):
        format = x.format if isinstance(x, hu.PackedArray) else x.dtype.format
        assert format.bits == width
        assert format.name in (*DLPACK, "float4_e2m1fn")


def test_numpy_arrays_are_taken_as_they_are() -> None:
    for dtype in ("f4", "f8", "f2", "u1", "i8", "c8", "?"):
        x = np.zeros(3, dtype)
        y = hu.from_dlpack(x)
        assert y.dtype == x.dtype
        assert np.shares_memory(x, y)


# -- ml_dtypes

WHY = "needs ml_dtypes, whose arrays these are"


def test_ml_dtypes_has_every_code(fmt: hu.Format) -> None:
    ml = pytest.importorskip("ml_dtypes", reason=WHY)
    if fmt.bits > 16 or fmt.dtype.type.__module__ == "numpy":
        return
    x = every_code(fmt)
    if not hasattr(ml, fmt.name):
        with pytest.raises(TypeError, match=rf"array: ml_dtypes has no type for {fmt.name}; array\.view"):
            hu.to_ml_dtypes(x)
        return
    y = hu.to_ml_dtypes(x)
    assert y.dtype == getattr(ml, fmt.name)
    assert bits(y) == bits(x)
    z = hu.from_ml_dtypes(y)
    assert z.dtype is x.dtype
    assert bits(z) == bits(x)
    assert np.shares_memory(x, z)
    with np.errstate(invalid="ignore"):  # of signalling NaNs
        wide = y.astype(np.float64), z.astype(np.float64)
    assert bits(np.nan_to_num(wide[0])) == bits(np.nan_to_num(wide[1]))
    x.view(fmt.code_dtype)[2] = 1
    assert y.view(fmt.code_dtype)[2] == z.view(fmt.code_dtype)[2] == 1


def test_formats_of_ml_dtypes_are_all_there() -> None:
    ml = pytest.importorskip("ml_dtypes", reason=WHY)
    theirs = {n for n, t in vars(ml).items() if isinstance(t, type) and issubclass(t, np.generic)}
    nowhere = {"int1", "uint1", "complex32", "bcomplex32"}
    assert theirs - nowhere <= set(hu.formats)
    for name in sorted(theirs & nowhere):
        with pytest.raises(TypeError, match=f"x: ml_dtypes.{name} is no format of halfulp; view it as unsigned"):
            hu.from_ml_dtypes(np.zeros(2, getattr(ml, name)))


def test_ml_dtypes_scalars_dtypes_and_views() -> None:
    ml = pytest.importorskip("ml_dtypes", reason=WHY)
    x = hu.from_ml_dtypes(ml.float8_e5m2(1.5))
    assert type(x) is hu.float8_e5m2.dtype.type
    assert x == 1.5
    back = hu.to_ml_dtypes(x)
    assert type(back) is ml.float8_e5m2
    assert back == 1.5
    assert hu.from_ml_dtypes(np.dtype(ml.int4)) is hu.from_ml_dtypes(ml.int4) is hu.int4.dtype
    assert hu.to_ml_dtypes(hu.int4) == hu.to_ml_dtypes(hu.int4.dtype) == np.dtype(ml.int4)
    assert hu.from_ml_dtypes(np.dtype("f4")) == hu.to_ml_dtypes(hu.float32) == np.float32
    cube = np.arange(60).reshape(3, 4, 5).astype(ml.bfloat16)
    for view in (cube.T, cube[::-1, ::2], cube[:0], cube[1, 2, 3:4].reshape(())):
        y = hu.from_ml_dtypes(view)
        assert y.shape == view.shape
        assert y.strides == view.strides
        assert bits(y) == bits(view)


def test_ml_dtypes_of_the_other_byte_order_are_swapped() -> None:
    ml = pytest.importorskip("ml_dtypes", reason=WHY)
    swapped = np.frombuffer(b"\x3f\x80\xc0\x20", ">u2").view(np.dtype(ml.bfloat16).newbyteorder(">"))
    assert hu.from_ml_dtypes(swapped).astype(np.float32).tolist() == [1.0, -2.5]


def test_ml_dtypes_refuses_the_rest() -> None:
    for x in (None, 3, [1.0], hu.bfloat16):
        with pytest.raises(TypeError, match="x must be an array, a scalar or a dtype, not"):
            hu.from_ml_dtypes(x)
    for x in (np.array(["a"]), np.array([None]), np.zeros(2, "u1,f4"), np.dtype("M8[s]"), str):
        with pytest.raises(TypeError, match="x must be of a dtype of ml_dtypes, not"):
            hu.from_ml_dtypes(x)
    with pytest.raises(TypeError, match=r"x must be an array, a scalar, a dtype or a format, not halfulp.Codebook"):
        hu.to_ml_dtypes(hu.nf4)
    x = np.ones(3)
    assert hu.from_ml_dtypes(x) is hu.to_ml_dtypes(x) is x


def test_a_name_of_ones_own_is_no_type_of_ml_dtypes() -> None:
    pytest.importorskip("ml_dtypes", reason=WHY)
    for name in ("finfo", "int1"):
        with pytest.raises(TypeError, match=f"ml_dtypes has no type for {name}"):
            hu.to_ml_dtypes(np.ones(2, dtype=hu.Format(3, 2, name=name)))


def test_ml_dtypes_memory_lives_as_long_as_its_users() -> None:
    pytest.importorskip("ml_dtypes", reason=WHY)

    def make() -> tuple[Any, Any]:
        x = hu.to_ml_dtypes(every_code(hu.float8_e4m3fn).copy())
        return x, hu.from_ml_dtypes(x)

    survives(make, bits)


def test_examples_of_ml_dtypes() -> None:
    pytest.importorskip("ml_dtypes", reason=WHY)
    run_examples(hu.from_ml_dtypes)
    run_examples(hu.to_ml_dtypes)
