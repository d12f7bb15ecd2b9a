"""Arrays of formats' dtypes to and from JAX: the same bits, on the CPU in the same memory."""

from __future__ import annotations

from typing import Any

import halfulp as hu
import numpy as np
import pytest
from bridges import Array, bits, every_code, run_examples, survives

jax = pytest.importorskip("jax", reason="needs jax: pip install jax")
jnp = pytest.importorskip("jax.numpy", reason="needs jax: pip install jax")

SHARED = (  # by DLPack
    *("bfloat16", "float8_e3m4", "float8_e4m3", "float8_e4m3b11fnuz", "float8_e4m3fn", "float8_e4m3fnuz"),
    *("float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu"),
)
NAMES = (*SHARED, "float4_e2m1fn", "int2", "int4", "uint2", "uint4")
NATIVE = ("float16", "float32", "int8", "uint8")


def aligned(x: Array) -> Array:
    """A copy at an address that XLA accepts."""
    room = np.zeros(x.nbytes + 64, np.uint8)
    start = -room.ctypes.data % 64
    made = room[start : start + x.nbytes].view(x.dtype).reshape(x.shape)
    made[...] = x
    return made


@pytest.mark.parametrize("name", NAMES)
def test_every_code_comes_and_goes(name: str) -> None:
    x = every_code(hu.formats[name])
    j = hu.to_jax(x)
    assert j.dtype.name == name
    y = hu.from_jax(j)
    assert y.dtype is x.dtype
    assert bits(y) == bits(x)
    assert not y.flags.writeable
    assert np.shares_memory(y, np.asarray(j))
    values = np.asarray(j.astype(jnp.float32))  # XLA's own decoding, which may flush subnormals to zero
    ours = y.astype(np.float32)
    tiny = np.abs(ours) < np.finfo(np.float32).tiny
    assert np.array_equal(ours[~tiny], values[~tiny], equal_nan=True)


def test_formats_that_jax_lacks(fmt: hu.Format) -> None:
    x = np.zeros(4, fmt.code_dtype).view(fmt.dtype)
    if fmt.name in (*NAMES, *NATIVE):
        assert hu.to_jax(x).dtype.name == fmt.name
    elif fmt.name == "float64":
        with pytest.raises(TypeError, match=r"array: JAX would make float32 of float64; call jax.config.update"):
            hu.to_jax(x)
    else:
        with pytest.raises(
            TypeError, match=rf"array: JAX has no type for {fmt.name}; array\.view\(np\.{fmt.code_dtype}\)"
        ):
            hu.to_jax(x)


@pytest.mark.parametrize("dtype", ["f8", "i8", "u8", "c16"])
def test_nothing_is_narrowed_silently(dtype: str) -> None:
    x = np.full(3, 100, dtype)
    for copy in (None, True, False):
        with pytest.raises(TypeError, match="array: JAX would make"):
            hu.to_jax(x, copy=copy)


@pytest.mark.parametrize("name", SHARED)
def test_memory_is_shared_on_demand(name: str) -> None:
    x = aligned(every_code(hu.formats[name]))
    j = hu.to_jax(x, copy=False)
    y = hu.from_jax(j)
    assert y.dtype is x.dtype
    assert np.shares_memory(x, y)
    assert np.shares_memory(hu.from_dlpack(j), x)
    assert bits(hu.from_dlpack(j)) == bits(x)
    for apart in (hu.to_jax(x, copy=True), hu.to_jax(x)):
        assert bits(hu.from_jax(apart)) == bits(x)
    assert not np.shares_memory(hu.from_jax(hu.to_jax(x, copy=True)), x)


def test_memory_that_jax_cannot_use() -> None:
    x = aligned(np.ones(256, dtype=hu.bfloat16))
    frozen = x.view()
    frozen.flags.writeable = False
    for refused in (x[1:], x[::2], x[::-1], frozen, aligned(np.ones(4, dtype=hu.int4))):
        with pytest.raises(ValueError, match=r"array: JAX cannot use its memory .*; leave copy=False out"):
            hu.to_jax(refused, copy=False)
        assert bits(hu.from_jax(hu.to_jax(refused))) == bits(refused)


def test_memory_lives_as_long_as_its_users() -> None:
    def from_array() -> tuple[Any, Any]:
        x = aligned(every_code(hu.float8_e4m3fn))
        return x, hu.to_jax(x, copy=False)

    def from_jax() -> tuple[Any, Any]:
        j = hu.to_jax(every_code(hu.float8_e4m3fn))
        return j, hu.from_jax(j)

    survives(from_array, lambda j: bits(hu.from_jax(j)))
    survives(from_jax, bits)


def test_shapes() -> None:
    x = np.arange(60).astype(hu.bfloat16).reshape(3, 4, 5)
    for view in (x, x.T, x[::2, ::-1], x[1, 2, 3:4].reshape(()), x[:0]):
        y = hu.from_jax(hu.to_jax(view))
        assert y.shape == view.shape
        assert bits(y) == bits(view)


def test_the_other_byte_order_is_swapped() -> None:
    assert hu.to_jax(np.array([1, 2.5], ">f4")).tolist() == [1, 2.5]
    with pytest.raises(TypeError, match="array: JAX would make float32 of float64"):
        hu.to_jax(np.array([1, 2.5], ">f8"))


def test_what_is_no_array_is_refused() -> None:
    for x in (np.zeros(2), [1.0], None, jnp.bfloat16):
        with pytest.raises(TypeError, match=r"x must be a jax\.Array, not"):
            hu.from_jax(x)
    with pytest.raises(TypeError, match="array must be an ndarray, not list"):
        hu.to_jax([1.0])
    with pytest.raises(TypeError, match=r"array: JAX has no packed arrays; pass array.decode\(array.format\)"):
        hu.to_jax(hu.PackedArray.encode(np.zeros(4), "int4", order="low_first"))
    with pytest.raises(TypeError, match="key"):
        hu.from_jax(jax.random.key(0))
    with pytest.raises(TypeError, match="array: JAX takes no arrays of"):
        hu.to_jax(np.array(["a"]))
    with pytest.raises(TypeError, match="traced"):
        jax.jit(hu.from_jax)(jnp.zeros(2))


def test_dlpack_of_unpacked_float4_is_not_believed() -> None:
    """JAX says four bits a number, which DLPack packs, and means a byte."""
    with pytest.raises(TypeError, match="float4_e2m1fn of 4 bits in 1 lanes is packed"):
        hu.from_dlpack(hu.to_jax(every_code(hu.float4_e2m1fn)))


def test_examples() -> None:
    run_examples(hu.from_jax)
    run_examples(hu.to_jax)
