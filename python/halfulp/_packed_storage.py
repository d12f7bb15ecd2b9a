"""The storage of a `PackedArray`: reading and writing codes by leading index, as little of it as that takes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from halfulp import _core
from halfulp._packed import (
    Array,
    as_words,
    check_length,
    check_padding,
    checked_axis,
    pack,
    rows_along,
    unpack,
    words,
)


class Storage:
    """Packed words in the shape that `pack` gives them, a view of the caller's array."""

    __slots__ = ("axis", "bits", "order", "packed", "shape", "units")

    def __init__(
        self, packed: object, shape: tuple[int, ...], bits: int, order: str, axis: int | None, strict: bool
    ) -> None:
        unit = words(order, bits)
        self.shape, self.bits, self.order = shape, bits, order
        self.axis = None if axis is None else checked_axis(axis, len(shape))
        self.packed = as_words(packed)
        if not self.packed.flags.c_contiguous:
            raise ValueError("packed: is not C-contiguous; pass numpy.ascontiguousarray(packed), which copies it")
        rows, count = self.rows
        data = self.packed.reshape(-1).view(np.uint8)
        check_length(data.size, rows, count, bits, order)
        self.units: Array = data.view(unit)
        if self.axis is not None:
            length = _core.packed_bytes(order, bits, count) // unit.itemsize
            self.units = self.units.reshape(*shape[: self.axis], length, *shape[self.axis + 1 :])
        if strict and data.size:
            at = -1 if self.axis is None else self.axis
            last = np.ascontiguousarray(np.moveaxis(self.units, at, -1)).view(np.uint8)
            check_padding(last, rows, count, bits, order)

    @property
    def rows(self) -> tuple[int, int]:
        """How many rows are packed one by one, and how many codes are in each."""
        return (1, math.prod(self.shape)) if self.axis is None else rows_along(self.shape, self.axis)

    @property
    def _is_one_row(self) -> bool:
        return self.axis is None or len(self.shape) == 1

    def read(self, start: int, stop: int) -> Array:
        """The codes of these leading indices."""
        shape = (stop - start, *self.shape[1:]) if self.shape else ()
        if self._is_one_row:
            data, first, last, begin = self._window(start, stop)
            codes = unpack(data, self.bits, last - first, order=self.order, strict=False)
            return codes[begin - first : begin - first + math.prod(shape)].reshape(shape)
        if self.axis == 0:
            return unpack(self.units, self.bits, self.shape, order=self.order, axis=0, strict=False)[start:stop]
        return unpack(self.units[start:stop], self.bits, shape, order=self.order, axis=self.axis, strict=False)

    def write(self, start: int, stop: int, codes: Array) -> None:
        """Replace the codes of these leading indices."""
        if self._is_one_row:
            data, first, last, begin = self._window(start, stop)
            around = unpack(data, self.bits, last - first, order=self.order, strict=False)
            around[begin - first : begin - first + codes.size] = codes.reshape(-1)
            data[:] = pack(around, self.bits, order=self.order).view(np.uint8)
        elif self.axis == 0:
            everything = self.read(0, self.shape[0])
            everything[start:stop] = codes
            self.units[...] = pack(everything, self.bits, order=self.order, axis=0)
        else:
            self.units[start:stop] = pack(codes, self.bits, order=self.order, axis=self.axis)

    def _window(self, start: int, stop: int) -> tuple[Array, int, int, int]:
        """Of one row: the bytes of the groups with codes of these leading indices, their ends, and the first code."""
        group, _, _ = _core.packing(self.order, self.bits)
        inner = math.prod(self.shape[1:])
        first = start * inner // group * group
        last = min(-(-stop * inner // group) * group, math.prod(self.shape))
        ends = (_core.packed_bytes(self.order, self.bits, n) for n in (first, last))
        return self.units.reshape(-1).view(np.uint8)[slice(*ends)], first, last, start * inner


def narrowed(key: Any, shape: tuple[int, ...]) -> tuple[int, int, Any]:
    """The range of leading indices that a key selects from, and the key that selects the same from that range."""
    keys = key if isinstance(key, tuple) else (key,)
    length = shape[0] if shape else 1
    if not shape or not keys:
        return 0, length, key
    first = keys[0]
    if isinstance(first, int | np.integer) and not isinstance(first, bool):
        if not -length <= first < length:
            raise IndexError(f"index {first} is out of bounds for axis 0 with size {length}")
        start = int(first) % length
        return start, start + 1, (0, *keys[1:])
    if isinstance(first, slice):
        chosen = range(*first.indices(length))
        if not chosen:
            return 0, 0, (slice(None), *keys[1:])
        low, high = min(chosen[0], chosen[-1]), max(chosen[0], chosen[-1])
        backward = chosen.step < 0
        rest = slice(high - low if backward else 0, None if backward else high - low + 1, chosen.step)
        return low, high + 1, (rest, *keys[1:])
    return 0, length, key
