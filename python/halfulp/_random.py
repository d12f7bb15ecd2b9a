"""Random integers for stochastic rounding: Philox by seed and index, and the bits hardware takes from its operands."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from halfulp import _core
from halfulp._codec import Codec
from halfulp._format import Format
from halfulp._parameters import INTEGER_CHARACTERS, integer_between

Words = npt.NDArray[np.uint32]

_LONG = 2**64 - 1


def random_bits(shape: int | Iterable[int], bits: int, seed: int, *, stream: int = 0, offset: int = 0) -> Words:
    """Random integers, each determined by the seed, the stream and its index alone.

    Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11), as in Random123:
    element i is the top `bits` bits of word ``i % 4`` of the counter ``i // 4 + 2**64 * stream`` under the key `seed`,
    with i counted from `offset`. So any part of a long array can be made by itself, in any order, on any machine.

    Parameters
    ----------
    shape : int or iterable of int
    bits : int, 1 to 32
    seed, stream : int, 0 to 2**64 - 1
        Two streams of a seed have nothing in common, as two seeds have not.
    offset : int
        Index of the first element.

    Returns
    -------
    ndarray of uint32, below ``2**bits``

    Raises
    ------
    TypeError
        If an argument is no integer.
    ValueError
        If one is out of range, or if the last index is beyond 2**64 - 1.

    Examples
    --------
    >>> import halfulp as hu
    >>> hu.random_bits(6, 8, seed=1)
    array([227, 229, 149, 182, 172, 223], dtype=uint32)
    >>> hu.random_bits(2, 8, seed=1, offset=4)
    array([172, 223], dtype=uint32)
    """
    wanted = integer_between("bits", bits, 1, 32)
    key, counter = integer_between("seed", seed, 0, _LONG), integer_between("stream", stream, 0, _LONG)
    first = integer_between("offset", offset, 0, _LONG)
    try:
        lengths = tuple(map(operator.index, shape if isinstance(shape, Iterable) else (shape,)))
    except TypeError:
        raise TypeError(f"shape must be an integer or integers, not {shape!r}") from None
    if any(length < 0 for length in lengths):
        raise ValueError(f"shape must not be negative: {shape!r}")
    count = math.prod(lengths)
    if first + count > 2**64:
        raise ValueError(
            f"offset={first}: the stream ends {2**64 - first} integers later, before the {count} asked for"
        )
    words = np.empty(lengths, dtype=np.uint32)
    _core.random(key, counter, first, wanted, words)
    return words


# How many bits an element gets, for every type that `cvt.rs` converts to.
_PTX_BITS = {
    "float16": 13, "bfloat16": 16, "float8_e4m3fn": 16, "float8_e5m2": 16, "float6_e2m3fn": 16, "float6_e3m2fn": 16,
    "float4_e2m1fn": 8,
}  # fmt: skip


def ptx_random(rbits: npt.ArrayLike, format: Format | str) -> Words:
    """The random integer of each element that one PTX ``cvt.rs`` instruction converts.

    For ``hu.presets["ptx_rs"](format)``: ``encode(x, ptx_random(rbits, format))`` is what the instruction gives.

    Parameters
    ----------
    rbits : array_like of integers
        The 32-bit operands of instructions.
    format : Format or str
        float16 or bfloat16 (``.f16x2``, ``.bf16x2``: two elements), or float8_e4m3fn, float8_e5m2, float6_e2m3fn,
        float6_e3m2fn, float4_e2m1fn (``.e4m3x4`` and so on: four elements).

    Returns
    -------
    ndarray of uint32, with one axis more than `rbits`: the elements in the order of the instruction's operands,
    ``a, b`` or ``a, b, e, f``

    Raises
    ------
    TypeError
        If `rbits` are no integers.
    ValueError
        If one has more than 32 bits, or if ``cvt.rs`` does not convert to the format.

    Notes
    -----
    PTX ISA 9, ``cvt``. In ``.f16x2`` the 13 low bits of the upper half-word are for a, those of the lower one for b; in
    ``.bf16x2`` all 16. In the 8- and 6-bit types the upper half-word is for a and for b, the lower one for e and for f:
    the two of a pair round alike. In ``.e2m1x4`` the upper bytes of both half-words are for a and b, the lower ones for
    e and f; the manual does not say which half-word is whose, and here the upper one is for a and for e.

    Examples
    --------
    >>> import halfulp as hu
    >>> [hex(r) for r in hu.ptx_random(0xFFFF1234, hu.float16)]
    ['0x1fff', '0x1234']
    >>> [hex(r) for r in hu.ptx_random(0xABCD1234, hu.float4_e2m1fn)]
    ['0xab', '0x12', '0xcd', '0x34']
    """
    bits = ptx_random_bits(format)
    words = _operand("rbits", rbits)
    upper, lower = words >> np.uint32(16), words & np.uint32(0xFFFF)
    if bits == 8:
        fields = [upper >> np.uint32(8), lower >> np.uint32(8), upper & np.uint32(0xFF), lower & np.uint32(0xFF)]
    elif _format(format).bits == 16:
        mask = np.uint32(2**bits - 1)
        fields = [upper & mask, lower & mask]
    else:
        fields = [upper, upper, lower, lower]
    return np.stack(fields, axis=-1)


def ptx_random_bits(format: Format | str) -> int:
    """How many random bits ``cvt.rs`` gives an element of this format."""
    name = _format(format).name
    if name not in _PTX_BITS:
        raise ValueError(f"PTX has no cvt.rs to {name}, only to {', '.join(_PTX_BITS)}")
    return _PTX_BITS[name]


# The places a binary32 loses.
_AMD_BITS = {"float8_e4m3fn": 20, "float8_e4m3fnuz": 20, "float8_e5m2": 21, "float8_e5m2fnuz": 21}


def amd_random(seed: npt.ArrayLike, format: Format | str, *, take: str = "low") -> Words:
    """The random integer of each element that AMD's ``v_cvt_sr_fp8_f32`` and ``v_cvt_sr_bf8_f32`` convert.

    For ``hu.presets["amd_sr"](format)``: ``encode(x, amd_random(seed, format))``.

    Parameters
    ----------
    seed : array_like of integers
        The 32-bit operands of the instructions.
    format : Format or str
        float8_e4m3fn or float8_e4m3fnuz (20 bits), float8_e5m2 or float8_e5m2fnuz (21 bits).
    take : {"low", "high"}
        Which bits: the low ones, as HIP's software model takes them, or the high ones, as a ROCm emulator does.

    Returns
    -------
    ndarray of uint32, of the shape of `seed`

    Raises
    ------
    TypeError
        If `seed` are no integers.
    ValueError
        If one has more than 32 bits, or if there is no such instruction.

    Examples
    --------
    >>> import halfulp as hu
    >>> sr = hu.presets["amd_sr"](hu.float8_e4m3fn)
    >>> [hex(sr.encode(1.0625, hu.amd_random(seed, sr.format))) for seed in (0x7FFFF, 0x80000)]
    ['0x38', '0x39']
    """
    bits = amd_random_bits(format)
    if take not in ("low", "high"):
        raise ValueError(f"take must be 'low' or 'high', not {take!r}")
    words = _operand("seed", seed)
    return words & np.uint32(2**bits - 1) if take == "low" else words >> np.uint32(32 - bits)


def amd_random_bits(format: Format | str) -> int:
    """How many random bits AMD's conversions add for this format."""
    name = _format(format).name
    if name not in _AMD_BITS:
        raise ValueError(f"AMD has no v_cvt_sr to {name}, only to {', '.join(_AMD_BITS)}")
    return _AMD_BITS[name]


def _format(format: Format | str) -> Format:
    target = Format(format) if isinstance(format, str) else format
    if not isinstance(target, Format):
        raise TypeError(f"format must be a Format or text such as 'float8_e4m3fn', not {format!r}")
    return target


def operands(
    codec: Codec, shape: tuple[int, ...], random: npt.ArrayLike | None, seed: int | None
) -> tuple[npt.NDArray[Any], ...]:
    """The second operand of a codec's ufuncs, if they have one."""
    bits = codec.random_bits
    if bits is None:
        given = "random" if random is not None else "seed"
        if random is not None or seed is not None:
            raise TypeError(f"{given} is for stochastic rounding; rounding={codec.rounding!r} takes none")
        return ()
    if (random is None) == (seed is None):
        both = "" if random is None else ", not both"
        raise TypeError(f"rounding={codec.rounding!r} needs either random=, integers below 2**{bits}, or seed={both}")
    if seed is not None:
        return (random_bits(shape, bits, seed),)
    return (_integers("random", random, bits),)


def checked_words(codec: Codec, random: npt.NDArray[Any]) -> Words:
    """Random integers of any dtype as uint32; a ValueError for one that is out of range."""
    assert codec.random_bits is not None
    return _words("random", random, codec.random_bits)


def _integers(argument: str, value: npt.ArrayLike | None, bits: int) -> npt.NDArray[Any]:
    array = np.asarray(value)
    if not isinstance(value, np.ndarray):
        if array.size == 0:
            return array.astype(np.uint32)
        array = np.asarray(value, dtype=object) if array.dtype.kind == "f" else array  # what NumPy makes of large ints
        if array.dtype.kind == "O" and all(type(x) is int for x in array.reshape(-1)):
            for x in array.reshape(-1):
                if not 0 <= x < 2**bits:
                    raise ValueError(f"{argument}: {str(x)[:40]} is out of range: 0 <= {argument} < 2**{bits}")
            return array.astype(np.uint32)
        array = np.asarray(value)
    if array.dtype.char not in INTEGER_CHARACTERS | {"?"}:
        raise TypeError(f"{argument} must be integers, not {array.dtype}")
    return array


def _words(argument: str, array: npt.NDArray[Any], bits: int) -> Words:
    bad = (array < 0) | (array > 2**bits - 1)
    if bad.any():
        raise ValueError(f"{argument}: {array[bad].flat[0]} is out of range: 0 <= {argument} < 2**{bits}")
    return array.astype(np.uint32)


def _operand(argument: str, value: npt.ArrayLike) -> Words:
    return _words(argument, _integers(argument, value, 32), 32)
