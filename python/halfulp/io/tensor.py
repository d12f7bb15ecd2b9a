"""What every reader yields: named tensors that arrive in chunks, so memory stays flat at any file size."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

import halfulp as hu
from halfulp._usual import usual

# 64 Ki elements: every temporary of a survey stays inside a core's L2 cache.
CHUNK = 1 << 16

Array = NDArray[Any]


def complaint(path: str | Path, what: str, cure: str) -> ValueError:
    """The one shape of every complaint about a file: which file, what is wrong, what to do."""
    return ValueError(f"{path}: {what}; {cure}")


def printable(text: str) -> str:
    """A name from a file, made safe to print: no control characters, no escape sequences, not endless."""
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return safe if len(safe) <= 200 else safe[:197] + "..."


@dataclass(frozen=True)
class Tensor:
    """One tensor of a file, not yet read.

    ``stored`` is the NumPy dtype of one element as it lies in the file. Where ``format`` is set the elements
    are codes and the values are ``decode(code) / scale``; otherwise the elements are the values. Where
    ``packed_bits`` is set the codes lie that densely in the file, and arrive as one element each.
    """

    name: str
    shape: tuple[int, ...]
    tag: str
    stored: np.dtype[Any]
    source: Callable[[int], Iterator[Array]] = field(repr=False)
    path: str
    format: hu.Format | None = None
    scale: float = 1.0
    unreadable: str = ""
    packed_bits: int = 0

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def stored_bytes(self) -> int:
        """Bytes the tensor takes up in the file."""
        return (self.size * (self.packed_bits or 8 * self.stored.itemsize) + 7) // 8

    @property
    def is_float(self) -> bool:
        """Whether the values are real numbers, as opposed to plain integers or booleans."""
        return self.format is not None or self.stored.kind == "f"

    @property
    def dtype_name(self) -> str:
        """The format of the codes where there is one, else the file's own word for the dtype."""
        return self.tag if self.format is None else self.format.name

    @property
    def value_dtype(self) -> np.dtype[Any]:
        """The dtype of the arrays that `chunks` and `read` give."""
        return self.stored.newbyteorder("=") if self.format is None else self.format.value_dtype

    def stored_chunks(self, elements: int = CHUNK) -> Iterator[Array]:
        """Yield the elements as stored, flat, in C order, at most `elements` at a time."""
        if self.unreadable:
            raise complaint(
                self.path, f"tensor '{printable(self.name)}' {self.unreadable}", "leave it out with --tensors"
            )
        yield from self.source(elements)

    def chunks(self, elements: int = CHUNK) -> Iterator[Array]:
        """Yield the values, flat, in C order, at most `elements` at a time.

        A scale is divided out in binary64 and the quotient rounded once to the value dtype.
        """
        for stored in self.stored_chunks(elements):
            if self.format is None:
                yield stored
                continue
            try:
                values = hu.decode(stored, self.format)
            except ValueError as error:
                name = printable(self.name)
                raise complaint(
                    self.path, f"tensor '{name}' is not {self.dtype_name}: {error}", "was it damaged?"
                ) from error
            if self.scale == 1.0:
                yield values
            else:
                yield _divided(values, self.scale, self.value_dtype)

    def read(self) -> Array:
        """The whole tensor as an array of values in its own shape."""
        return self._whole(self.value_dtype, self.chunks())

    def codes(self) -> Array:
        """The whole tensor as it is stored (codes, where `format` is set) in its own shape."""
        return self._whole(self.stored.newbyteorder("="), self.stored_chunks())

    def _whole(self, dtype: np.dtype[Any], chunks: Iterator[Array]) -> Array:
        out = np.empty(self.size, dtype)
        at = 0
        for chunk in chunks:
            out[at : at + chunk.size] = chunk
            at += chunk.size
        try:
            return out.reshape(self.shape)
        except ValueError as error:  # sizes around a 0 that NumPy cannot multiply
            raise complaint(self.path, f"tensor '{printable(self.name)}': {error}", "leave it out") from error


class TensorFile(Mapping[str, Tensor]):
    """An open file of tensors, in the order of the file; use it in a ``with`` block, or call `close`."""

    def __init__(
        self, path: str, tensors: list[Tensor], metadata: Mapping[str, str], close: Callable[[], None]
    ) -> None:
        self.path = path
        self.metadata = dict(metadata)
        self._tensors = {tensor.name: tensor for tensor in tensors}
        self._close = close

    def __getitem__(self, name: str) -> Tensor:
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def close(self) -> None:
        """Close the file; tensors not read yet can no longer be read."""
        self._close()

    def __enter__(self) -> TensorFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@usual
def _divided(values: Array, scale: float, dtype: np.dtype[Any]) -> Array:
    with np.errstate(all="ignore"):
        return np.divide(values, scale, dtype=np.float64).astype(dtype)
