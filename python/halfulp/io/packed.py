"""Codes of less than a byte in safetensors files: how they are stored, streamed in and streamed out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

import halfulp as hu
from halfulp._bridges import dense_order
from halfulp.io.header import TAG_BITS
from halfulp.io.tensor import Array, complaint

# The formats that safetensors has packed dtypes for. It leaves the order open; these are those of torchao.
TAGS = {
    "F4": ("float4_e2m1fn", "low_first"), "F6_E2M3": ("float6_e2m3fn", "bitstream"),
    "F6_E3M2": ("float6_e3m2fn", "bitstream"),
}  # fmt: skip
ORDERS = ("low_first", "bitstream")  # that pieces of eight codes can be read and written in


@dataclass(frozen=True)
class Packed:
    """How one tensor of codes lies in a file: its dtype tag and shape there, and the order of its bits."""

    tag: str
    stored_shape: tuple[int, ...]
    order: str

    @classmethod
    def of(cls, format: hu.Format, shape: tuple[int, ...]) -> Packed:
        """The format's own tag where there is one and the tensor fills whole bytes; else plain bytes."""
        count = math.prod(shape)
        for tag, (name, order) in TAGS.items():
            if format is hu.formats[name] and count * TAG_BITS[tag] % 8 == 0:
                return cls(tag, shape, order)
        return cls("U8", (size_in_bytes(count, format.bits),), dense_order(format.bits))

    def note(self, shape: tuple[int, ...]) -> dict[str, object]:
        """What must be noted beside the format to read it back."""
        return {"order": self.order} | ({"shape": list(shape)} if self.tag == "U8" else {})


def size_in_bytes(count: int, bits: int) -> int:
    """Bytes that codes take up without gaps."""
    return (count * bits + 7) // 8


def packed_chunks(chunks: Iterable[Array], bits: int, order: str) -> Iterator[Array]:
    """Codes in pieces of any length to bytes: only the last piece may end within a byte."""
    rest = np.empty(0, np.uint8)
    for chunk in chunks:
        codes = np.concatenate([rest, chunk]) if rest.size else chunk
        whole = codes.size // 8 * 8
        yield hu.pack(codes[:whole], bits, order=order)
        rest = codes[whole:]
    if rest.size:
        yield hu.pack(rest, bits, order=order)


def unpacked_chunks(
    path: str, name: str, read: Callable[[int, int], Array], format: hu.Format, order: str, count: int
) -> Callable[[int], Iterator[Array]]:
    """A source of codes from a reader of bytes, ``read(first, size)``."""

    def chunks(elements: int) -> Iterator[Array]:
        step = max(elements // 8 * 8, 8)
        for first in range(0, count, step):
            n = min(step, count - first)
            block = read(size_in_bytes(first, format.bits), size_in_bytes(n, format.bits))
            try:
                codes = hu.unpack(block, format.bits, n, order=order)
            except ValueError as error:
                what = f"tensor '{name}' is not packed {format.name} ({error})"
                raise complaint(path, what, "was it damaged, or packed otherwise?") from error
            for start in range(0, n, elements):
                yield codes[start : start + elements]

    return chunks
