"""Arrays of formats' dtypes to and from PyTorch: the same bits in the same memory, or a message that says why not."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from bridges import Array, bits, every_code, run_examples, survives

torch = pytest.importorskip("torch", reason="needs torch: pip install torch")

NAMES = (
    *("bfloat16", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz"),
    *(("float8_e8m0fnu",) if hasattr(torch, "float8_e8m0fnu") else ()),
)
NATIVE = ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool", "complex64")
PAIRS = getattr(torch, "float4_e2m1fn_x2", None)


@pytest.mark.parametrize("name", NAMES)
def test_every_code_comes_and_goes(name: str) -> None:
    fmt = hu.formats[name]
    x = every_code(fmt)
    t = hu.to_torch(x)
    assert t.dtype == getattr(torch, name)
    y = hu.from_torch(t)
    assert y.dtype is fmt.dtype
    assert bits(y) == bits(x) == t.view({1: torch.uint8, 2: torch.int16}[x.itemsize]).numpy().tobytes()
    values = t.to(torch.float64).numpy()  # torch's own decoding
    assert np.array_equal(y.astype(np.float64), values, equal_nan=True)
    assert np.shares_memory(x, y)
    t.view(torch.uint8)[0] = 7
    assert bits(x) == bits(y)
    assert x.view(np.uint8)[0] == 7


def test_formats_that_torch_lacks(fmt: hu.Format) -> None:
    x = np.zeros(4, fmt.code_dtype).view(fmt.dtype)
    if fmt.name in (*NAMES, *NATIVE):
        assert hu.to_torch(x).dtype == getattr(torch, fmt.name)
    else:
        message = rf"array: torch has no type for {fmt.name}; array\.view\(np\.{fmt.code_dtype}\) is its codes"
        with pytest.raises(TypeError, match=message):
            hu.to_torch(x)
        assert hu.to_torch(x.view(fmt.code_dtype)).numpy().dtype == fmt.code_dtype


def test_a_name_of_ones_own_is_no_type_of_torch() -> None:
    for name in ("half", "float8_e8m0fnu_"):
        with pytest.raises(TypeError, match=f"torch has no type for {name}"):
            hu.to_torch(np.ones(2, dtype=hu.Format(3, 2, name=name)))


@pytest.mark.parametrize("name", NATIVE)
def test_numbers_that_numpy_has(name: str) -> None:
    t = torch.arange(2).to(getattr(torch, name))
    x = hu.from_torch(t)
    assert x.dtype == name
    assert np.shares_memory(x, t.numpy())
    assert hu.to_torch(x).dtype == t.dtype


def test_shapes_and_strides() -> None:
    t = torch.arange(60).to(torch.bfloat16).reshape(3, 4, 5)
    for view in (
        t,
        t.permute(2, 0, 1),
        t[::2, 1:, ::3],
        t[1, 2, 3],
        t[:0],
        t[None].expand(2, 3, 4, 5),
    ):
        x = hu.from_torch(view)
        assert x.shape == tuple(view.shape)
        assert not x.size or [s // 2 for s in x.strides] == list(view.stride())
        assert bits(x) == view.contiguous().view(torch.int16).numpy().tobytes()
    x = np.arange(60).astype(hu.bfloat16).reshape(3, 4, 5)
    for view in (x, x.T, x[::2, 1:, ::3], x[1, 2, 3:4].reshape(()), x[:0]):
        back = hu.to_torch(view)
        assert tuple(back.shape) == view.shape
        assert bits(hu.from_torch(back)) == bits(view)
        assert view.size == 0 or np.shares_memory(hu.from_torch(back), x)


def unaligned() -> Array:
    return np.frombuffer(bytearray(b"\0" + every_code(hu.bfloat16).tobytes()), np.uint8)[1:].view(hu.bfloat16.dtype)


def read_only() -> Array:
    x = every_code(hu.float8_e4m3fn)
    x.flags.writeable = False
    return x


CANNOT_SHARE: dict[str, Callable[[], Array]] = {
    "negative strides": lambda: every_code(hu.float8_e4m3fn)[::-1],
    "read-only": read_only,
    "repeated": lambda: np.broadcast_to(every_code(hu.float8_e4m3fn), (2, 256)),
    "unaligned": unaligned,
    "other byte order": lambda: np.arange(5).astype(">f4"),
    "a field of a record": lambda: np.zeros(4, "u1,u2")["f1"].view(hu.bfloat16.dtype),
}


@pytest.mark.parametrize("case", CANNOT_SHARE)
def test_memory_that_torch_cannot_use_is_copied(case: str) -> None:
    x = CANNOT_SHARE[case]()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        t = hu.to_torch(x)
    y = hu.from_torch(t)
    assert y.dtype == x.dtype.newbyteorder("=") if hasattr(x.dtype, "byteorder") and x.dtype.byteorder == ">" else True
    assert np.array_equal(y.astype(np.float64), x.astype(np.float64), equal_nan=True)
    assert not np.shares_memory(x, y)
    assert y.flags.writeable
    with pytest.raises(ValueError, match=r"array: torch cannot use this memory.*leave copy=False out"):
        hu.to_torch(x, copy=False)


def test_copies_on_demand() -> None:
    x = every_code(hu.bfloat16)
    assert not np.shares_memory(hu.from_torch(hu.to_torch(x, copy=True)), x)
    assert np.shares_memory(hu.from_torch(hu.to_torch(x, copy=False)), x)


def test_scalars() -> None:
    t = hu.to_torch(np.array([2.5], dtype=hu.bfloat16)[0])
    assert t.shape == ()
    assert t.item() == 2.5
    assert hu.from_torch(t) == 2.5


@pytest.mark.parametrize("name", NAMES)
def test_memory_lives_as_long_as_its_users(name: str) -> None:
    fmt = hu.formats[name]

    def from_tensor() -> tuple[Any, Any]:
        t = hu.to_torch(every_code(fmt)).clone()
        return t, hu.from_torch(t)

    def from_array() -> tuple[Any, Any]:
        x = every_code(fmt).copy()
        return x, hu.to_torch(x)

    survives(from_tensor, bits)
    survives(from_array, lambda t: bits(hu.from_torch(t)))


@pytest.mark.skipif(PAIRS is None, reason="this torch has no float4_e2m1fn_x2")
def test_pairs_of_float4() -> None:
    t = torch.arange(256).to(torch.uint8).reshape(16, 16).view(PAIRS)
    p = hu.from_torch(t)
    assert p.shape == (16, 32)
    assert p.format is hu.float4_e2m1fn
    assert p.codes()[0, :6].tolist() == [0, 0, 1, 0, 2, 0]  # torch: the first value in the lower bits
    back = hu.to_torch(p)
    assert back.dtype == PAIRS
    assert back.shape == t.shape
    assert torch.equal(back.view(torch.uint8), t.view(torch.uint8))
    p[0, 1] = 6
    assert t.view(torch.uint8)[0, 0] == 0x70
    assert back.view(torch.uint8)[0, 0] == 0x70
    for refused in (t.T, t[:, ::2], t[0, 0]):
        with pytest.raises(ValueError, match="x: pairs of float4_e2m1fn must be torch's contiguous memory"):
            hu.from_torch(refused)
    with pytest.raises(TypeError, match="array: torch takes pairs of 4-bit codes along the last axis"):
        hu.to_torch(hu.PackedArray.encode(np.zeros(3), "float4_e2m1fn", order="low_first"))
    for format in ("int4", hu.nf4):
        with pytest.raises(TypeError, match=r"array: torch has no type for packed \w+; array.packed is its storage"):
            hu.to_torch(hu.PackedArray.encode(np.zeros(4), format, order="low_first"))


class Wrapper(torch.Tensor):  # type: ignore[misc]
    """A tensor without memory, as quantization libraries make them."""

    @staticmethod
    def __new__(cls, dtype: Any) -> Any:
        return torch.Tensor._make_wrapper_subclass(cls, (4,), dtype=dtype)

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if "view" in str(function):
            return Wrapper(args[1])
        raise NotImplementedError(str(function))


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "gradient": (lambda: torch.zeros(2, dtype=torch.bfloat16, requires_grad=True), r"gradient.*x\.detach\(\)"),
    "parameter": (lambda: torch.nn.Parameter(torch.zeros(2)), r"gradient.*x\.detach\(\)"),
    "meta": (lambda: torch.zeros(2, dtype=torch.bfloat16, device="meta"), "meta device, where tensors have no data"),
    "sparse": (lambda: torch.eye(2).to_sparse(), r"layout torch.sparse_coo; take x\.to_dense\(\)"),
    "csr": (lambda: torch.eye(2).to_sparse_csr(), r"layout torch.sparse_csr; take x\.to_dense\(\)"),
    "conjugate": (lambda: torch.zeros(2, dtype=torch.complex64).conj(), r"is_conj\(\)\); take x\.resolve_conj\(\)"),
    "negative": (lambda: torch._neg_view(torch.zeros(2, dtype=torch.bfloat16)), r"take x\.resolve_neg\(\)"),
    "quantized": (
        lambda: torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
        r"quantized tensor \(torch.qint8\); take x\.int_repr\(\) or x\.dequantize\(\)",
    ),
    "wrapper": (lambda: Wrapper(torch.bfloat16), "torch gives no array of this torch.bfloat16 tensor"),
    "wrapper of float32": (lambda: Wrapper(torch.float32), "torch gives no array of this torch.float32 tensor"),
    "nested": (
        lambda: torch.nested.nested_tensor([torch.zeros(2).bfloat16(), torch.zeros(3).bfloat16()]),
        "torch gives no array of this torch.bfloat16 tensor",
    ),
    "complex32": (lambda: torch.zeros(2, dtype=torch.complex32), "torch gives no array of this torch.complex32 tensor"),
    "int4": (lambda: torch.zeros(2).byte().view(torch.int4), "torch leaves open how torch.int4 is stored; take x.view"),
    "uint2": (lambda: torch.zeros(2).byte().view(torch.uint2), "torch leaves open how torch.uint2 is stored"),
    "uint7": (lambda: torch.zeros(2).byte().view(torch.uint7), "torch gives no array of this torch.uint7 tensor"),
    "bits8": (lambda: torch.zeros(2).byte().view(torch.bits8), "torch gives no array of this torch.bits8 tensor"),
    "an array": (lambda: np.zeros(2), "x must be a torch.Tensor, not numpy.ndarray"),
    "a list": (lambda: [1.0], "x must be a torch.Tensor, not list"),
    "a dtype": (lambda: torch.bfloat16, "x must be a torch.Tensor, not torch.dtype"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.filterwarnings("ignore")
def test_what_has_no_memory_here_is_refused(case: str) -> None:
    make, message = REFUSED[case]
    x = make()
    with pytest.raises(TypeError, match=message):
        hu.from_torch(x)


@pytest.mark.parametrize("left", [0, 2, 6])
@pytest.mark.parametrize("name", ["bfloat16", "float16"])
def test_storage_that_was_shrunk_is_not_read(left: int, name: str) -> None:
    """As sharded training frees parameters, whose tensors do not notice."""
    for bridge in (hu.from_torch, hu.from_dlpack):
        t = torch.ones(4, dtype=getattr(torch, name))
        t.untyped_storage().resize_(left)
        with pytest.raises(ValueError, match=f"x: its storage was shrunk to {left} bytes, its numbers lie in 8"):
            bridge(t)
        assert bridge(t[: left // 2]).shape == (left // 2,)


def test_memory_that_is_shared_is_not_freed_by_torch() -> None:
    t = torch.ones(4, dtype=torch.bfloat16)
    x = hu.from_torch(t)
    with pytest.raises(RuntimeError, match="not resizable"):
        t.untyped_storage().resize_(0)
    t.set_(torch.zeros(3, dtype=torch.bfloat16))
    assert x.tolist() == [1, 1, 1, 1]


def test_what_is_no_array_is_refused() -> None:
    for x in ([1.0], None, torch.zeros(2)):
        with pytest.raises(TypeError, match="array must be an ndarray, not"):
            hu.to_torch(x)
    for x in (np.zeros(2, np.longdouble), np.array(["a"]), np.array([None]), np.zeros(2, "u1,f4")):
        with pytest.raises(TypeError, match="array: torch takes no arrays of"):
            hu.to_torch(x)


@pytest.mark.parametrize("name", NAMES)
def test_dlpack_comes_and_goes(name: str) -> None:
    x = every_code(hu.formats[name])
    t = torch.from_dlpack(hu.to_dlpack(x))
    assert t.dtype == getattr(torch, name)
    y = hu.from_dlpack(t)
    assert y.dtype is x.dtype
    assert bits(y) == bits(x)
    assert np.shares_memory(x, y)
    survives(
        lambda: (lambda a: (a, torch.from_dlpack(hu.to_dlpack(a))))(every_code(hu.formats[name])),
        lambda u: bits(hu.from_torch(u)),
    )


@pytest.mark.skipif(PAIRS is None, reason="this torch has no float4_e2m1fn_x2")
def test_dlpack_of_pairs() -> None:
    p = hu.PackedArray.encode(np.linspace(-6, 6, 24).reshape(3, 8), "float4_e2m1fn", order="low_first")
    t = torch.from_dlpack(hu.to_dlpack(p))
    assert t.dtype == PAIRS
    assert hu.from_dlpack(t) == hu.from_torch(t) == p
    assert np.shares_memory(hu.from_dlpack(t).packed, p.packed)


@pytest.mark.parametrize("case", ["gradient", "meta", "sparse", "conjugate"])
def test_dlpack_refuses_what_torch_refuses(case: str) -> None:
    with pytest.raises(TypeError, match=r"x: this torch.\w+ cannot be exported"):
        hu.from_dlpack(REFUSED[case][0]())


def test_examples() -> None:
    run_examples(hu.from_torch)
    run_examples(hu.to_torch)
