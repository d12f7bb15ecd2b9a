"""`PackedArray`: an array of numbers that is stored as packed codes and read and written by element."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from halfulp import _core
from halfulp._codebook import Codebook
from halfulp._codec import Codec
from halfulp._format import Format, formats
from halfulp._functions import encode
from halfulp._packed import Array, checked_axis, checked_codes, checked_out, pack, rows_along, shape_tuple, words
from halfulp._packed_storage import Storage, narrowed
from halfulp._text import as_codec, from_text

_WIDER = {np.dtype(name): formats[name] for name in ("float16", "float32", "float64")}


class PackedArray:
    """An array of numbers stored as packed codes: what lies in `packed`, read and written by element.

    Parameters
    ----------
    packed : ndarray of integers, bytes, memoryview or memmap
        The storage, C-contiguous, as `pack` gives it. It is not copied.
    shape : int or tuple of int
        The shape of the numbers.
    format : Format, Codebook or str
    order, axis
        Where the codes lie, as in `pack`.
    strict : bool
        Whether bits that belong to no code must be 0.

    Raises
    ------
    ValueError
        If `packed` has not the bytes that `shape`, `format` and `order` need, is not contiguous, or has a padding bit
        set.

    Notes
    -----
    Subscripts are NumPy's, of every kind. As with h5py and zarr a selection is a copy, since a slice of packed codes
    need not begin at a byte: another `PackedArray` in the same order (along the last axis if it has fewer or more
    dimensions), or one number. Selections along a leading axis read only what they select.

    `a[key] = x` takes numbers, which `format.encode` rounds, or a `PackedArray`, whose codes are copied if it has the
    same format. `put_codes` takes codes. Both write into `packed`, which must then be writable.

    `==` with another `PackedArray` is one answer for the whole: the same shape, format and codes, in whatever order
    they are stored. Padding bits that `strict=False` let pass become 0 where a code beside them is written.

    Examples
    --------
    >>> import numpy as np, halfulp as hu
    >>> a = hu.PackedArray(bytes([0x21, 0x43, 0x05]), 5, hu.float4_e2m1fn, order="low_first")
    >>> np.asarray(a)
    array([0.5, 1. , 1.5, 2. , 3. ], dtype=float32)
    >>> a[1::2]
    <PackedArray (2,) of float4_e2m1fn, low_first, 1 byte>
    >>> a[-1], a.codes().tolist()
    (np.float32(3.0), [1, 2, 3, 4, 5])
    """

    __slots__ = ("__weakref__", "_format", "_storage")
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self,
        packed: object,
        shape: int | tuple[int, ...],
        format: Format | Codebook | str,
        *,
        order: str,
        axis: int | None = -1,
        strict: bool = True,
    ) -> None:
        self._format = _checked_format(format)
        self._storage = Storage(packed, shape_tuple(shape), self._format.bits, order, axis, strict)

    @classmethod
    def encode(
        cls,
        x: object,
        format: Format | Codebook | Codec | str,
        *,
        order: str,
        axis: int | None = -1,
        random: npt.ArrayLike | None = None,
        seed: int | None = None,
        **policy: Any,
    ) -> Self:
        """Pack the codes of real numbers, each rounded once; float arrays without their codes in between.

        Parameters
        ----------
        x : array_like
            What `halfulp.encode` takes.
        format : Format, Codebook, Codec or str
        order, axis
            As in `pack`.
        random, seed
            As in `halfulp.encode`.
        **policy
            As in `Format.codec`.

        Examples
        --------
        >>> import numpy as np, halfulp as hu
        >>> hu.PackedArray.encode(np.float32([0.3, -1.2, 9]), "float4_e2m1fn", order="low_first").packed
        array([161,   7], dtype=uint8)
        """
        codec = as_codec(format, **policy)
        if isinstance(x, np.ndarray) and random is None and seed is None and _is_fused(x, codec, axis):
            return cls._fused(x, codec, order, None if axis is None else checked_axis(axis, x.ndim))
        codes = encode(x, codec, random=random, seed=seed)
        return cls._of_codes(np.asarray(codes), codec.format, order, axis)

    @classmethod
    def _fused(cls, x: Array, codec: Codec, order: str, axis: int | None) -> Self:
        unit = words(order, codec.format.bits)
        rows, count = (1, x.size) if axis is None else rows_along(x.shape, axis)
        size = _core.packed_bytes(order, codec.format.bits, count)
        packed = np.empty(rows * size // unit.itemsize, unit)
        numbers = np.require(np.ascontiguousarray(x), requirements="A")
        _core.encode_packed(codec._encoder, order, numbers, rows, packed)
        if axis is not None:
            packed = packed.reshape(*x.shape[:-1], size // unit.itemsize)
        return cls(packed, x.shape, codec.format, order=order, axis=axis, strict=False)

    @classmethod
    def concatenate(cls, arrays: Sequence[PackedArray], axis: int = 0) -> Self:
        """Arrays of one format joined along an axis, in the order of the first."""
        if not arrays or not all(isinstance(a, PackedArray) for a in arrays):
            raise TypeError("arrays must be a sequence of at least one PackedArray")
        first = arrays[0]
        for other in arrays:
            if other._format != first._format:
                raise ValueError(f"arrays must be of one format, not {first._format.name} and {other._format.name}")
        codes = np.concatenate([a.codes() for a in arrays], axis=axis)
        return cls._of_codes(codes, first._format, first.order, first.axis)

    @classmethod
    def _of_codes(cls, codes: Array, format: Format | Codebook, order: str, axis: int | None) -> Self:
        packed = pack(codes, format.bits, order=order, axis=axis)
        return cls(packed, codes.shape, format, order=order, axis=axis, strict=False)

    # -- what it is

    @property
    def packed(self) -> Array:
        """The storage itself, not a copy."""
        return self._storage.packed

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the numbers."""
        return self._storage.shape

    @property
    def ndim(self) -> int:
        """How many dimensions there are."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of storage."""
        return self._storage.packed.nbytes

    @property
    def format(self) -> Format | Codebook:
        """The format of the codes."""
        return self._format

    @property
    def order(self) -> str:
        """Where the codes lie."""
        return self._storage.order

    @property
    def axis(self) -> int | None:
        """The axis packed along, counted from the front; None if all are packed as one row."""
        return self._storage.axis

    def __repr__(self) -> str:
        along = "" if self.axis == self.ndim - 1 else f" along axis {self.axis}"
        bytes_ = f"{self.nbytes} byte{'' if self.nbytes == 1 else 's'}"
        return f"<PackedArray {self.shape} of {self._format.name}, {self.order}{along}, {bytes_}>"

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a PackedArray without dimensions has no length")
        return self.shape[0]

    def __eq__(self, other: object) -> Any:
        if not isinstance(other, PackedArray):
            return NotImplemented
        if self.shape != other.shape or self._format != other._format:
            return np.False_
        return np.bool_(np.array_equal(self.codes(), other.codes()))

    # -- out

    def codes(self) -> Array:
        """All codes, unpacked, in `format.code_dtype`."""
        return self._storage.read(0, self.shape[0] if self.shape else 1)

    def decode(self, dtype: Any = None, *, out: Array | None = None) -> Array:
        """All numbers, in `format.value_dtype`, also in `out`, or cast to another dtype, as an array of its own."""
        if self._format.bits <= 8 and self.axis in (None, self.ndim - 1):
            values = checked_out(out, self.shape, self._format.value_dtype)
            rows, _ = self._storage.rows
            _core.decode_packed(_decoder(self._format), self.order, self._storage.units, rows, values)
        else:
            values = np.asarray(self._format.decode(self.codes()))
            if out is not None:
                checked_out(out, self.shape, values.dtype)[...] = values
                values = out
        return values if dtype is None else _as_dtype(values, np.dtype(dtype))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise ValueError("the numbers of a PackedArray are always a copy; .packed is its storage")
        values = self.decode()
        return values if dtype is None else _as_dtype(values, np.dtype(dtype))

    def __iter__(self) -> Iterator[Any]:
        if self.ndim > 1:
            for i in range(len(self)):
                yield self[i]
        else:
            for start in range(0, len(self), 4096):
                yield from self[start : start + 4096].decode()

    def tobytes(self) -> bytes:
        """The storage as bytes."""
        return self._storage.packed.tobytes()

    def copy(self) -> PackedArray:
        """The same numbers in storage of their own, in memory and writable."""
        packed = np.array(self._storage.units)
        return PackedArray(packed, self.shape, self._format, order=self.order, axis=self.axis, strict=False)

    def __copy__(self) -> PackedArray:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> PackedArray:
        return self.copy()

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return _rebuild, (np.array(self._storage.units), self.shape, self._format, self.order, self.axis)

    def save(self, path: str | bytes | os.PathLike[str]) -> None:
        """Write an .npz file, whole or not at all: `packed`, the bytes, and `header`, the rest as JSON in bytes.

        It replaces an older one, or a symbolic link, not the file that this leads to. Of several writers the last wins.
        """
        from halfulp._packed_file import save

        save(self, path)

    @classmethod
    def load(cls, path: str | bytes | os.PathLike[str]) -> PackedArray:
        """Read what `save` wrote. Nothing in the file is believed before it is checked, and nothing is unpickled."""
        from halfulp._packed_file import load

        return load(path)

    # -- elements

    def __getitem__(self, key: Any) -> Any:
        start, stop, rest = narrowed(key, self.shape)
        codes = self._storage.read(start, stop)[rest]
        if np.ndim(codes) == 0:
            return self._format.decode(codes)
        axis = self.axis if self.axis is None or codes.ndim == self.ndim else codes.ndim - 1
        return PackedArray._of_codes(codes, self._format, self.order, axis)

    def __setitem__(self, key: Any, x: object) -> None:
        if isinstance(x, PackedArray) and x._format == self._format:
            return self._put(key, x.codes())
        values = x.decode() if isinstance(x, PackedArray) else x
        known = isinstance(self._format, Format)
        self._put(key, encode(values, self._format) if known else self._format.encode(values))

    def put_codes(self, key: Any, codes: object) -> None:
        """`a[key] = x`, for codes. ValueError if one has bits above the width, and then nothing is written."""
        self._put(key, checked_codes(codes, self._format.bits))

    def _put(self, key: Any, codes: Any) -> None:
        if not self._storage.units.flags.writeable:
            raise ValueError("packed: is read-only; change a copy() instead")
        start, stop, rest = narrowed(key, self.shape)
        all_codes = self._storage.read(start, stop)
        all_codes[rest] = codes
        self._storage.write(start, stop, all_codes)


def _rebuild(
    packed: Array, shape: tuple[int, ...], format: Format | Codebook, order: str, axis: int | None
) -> PackedArray:
    return PackedArray(packed, shape, format, order=order, axis=axis, strict=False)


def _checked_format(format: object) -> Format | Codebook:
    target = from_text(format) if isinstance(format, str) else format
    if not isinstance(target, Format | Codebook):
        raise TypeError(f"format must be a Format, a Codebook or text such as 'float4_e2m1fn', not {format!r}")
    return target


def _is_fused(x: object, codec: Codec, axis: int | None) -> bool:
    """Whether values can be packed without writing their codes out."""
    if not isinstance(x, np.ndarray) or codec.random_bits is not None or codec.format.bits > 8:
        return False
    plain = x.ndim > 0 and x.dtype in _WIDER and x.dtype.isnative
    return plain and (axis is None or checked_axis(axis, x.ndim) == x.ndim - 1)


@lru_cache(maxsize=16)
def _decoder(format: Format | Codebook) -> _core.Decoder:
    return format._decoder()


def _as_dtype(values: Array, dtype: np.dtype[Any]) -> Array:
    """Another float dtype, rounded by us: NumPy's cast obeys the processor's rounding mode and loses subnormals."""
    if dtype == values.dtype:
        return values
    if dtype not in _WIDER:
        return values.astype(dtype)
    return np.asarray(_WIDER[dtype].encode(values)).view(dtype)
