"""Test vectors: operands that are hard for any implementation, combined, and the results and flags wanted of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from halfulp import ops
from halfulp._format import Format, formats
from halfulp._grid import between, near, point
from halfulp._operations import formats_of, table
from halfulp._random import random_bits

Array = npt.NDArray[Any]

CHUNK = 1 << 14
# Digits of results that are no codes.
_RESULT_BYTES = {"boolean": 1, "category": 1, "order": 1, "exponent": 4}
_SHIFTS = (0, 1, -1, 2, -2, 3, -3, 7, -7, 16, -16, 63, -63, 300, -300, 2**31 - 1, -(2**31))


class Operation(NamedTuple):
    """An operation in certain formats, by the words of a policy."""

    name: str
    formats: tuple[Format, ...]
    policy: dict[str, Any]
    integer: np.dtype[Any] | None = None  # of to_integer and from_integer

    @property
    def kinds(self) -> tuple[str, str]:
        """What it takes and gives, as the table of operations says; encoding is a conversion."""
        return table["convert" if self.name == "encode" else self.name]

    @property
    def names(self) -> list[str]:
        """Names of operands, results and flags."""
        takes, gives = self.kinds
        named = ["a", "b", "c"][: len(self.formats) - 1 if takes != "code_and_integer" else 1]
        named += ["n"] * ("integer" in takes)
        return [*named, *(["result", "rest"] if gives == "codes_2" else ["result"]), "flags"]

    @property
    def bytes(self) -> list[int]:
        """The width of every one of `names`."""
        takes, gives = self.kinds
        code = self.formats[-1].code_dtype.itemsize
        whole = 4 if self.integer is None else self.integer.itemsize
        widths = [f.code_dtype.itemsize for f in self._coded] + [whole] * ("integer" in takes)
        results = {"code": [code], "codes_2": [code, code], "integer": [whole]}
        return [*widths, *results.get(gives, [_RESULT_BYTES.get(gives, 1)]), 1]

    @property
    def _coded(self) -> tuple[Format, ...]:
        """The formats of the operands that are codes."""
        return self.formats[: sum(name in ("a", "b", "c") for name in self.names)]

    @property
    def dtypes(self) -> list[np.dtype[Any]]:
        """Of the operands."""
        whole = [np.dtype(np.int64) if self.integer is None else self.integer] * ("integer" in self.kinds[0])
        return [*(f.code_dtype for f in self._coded), *whole]

    def run(self, operands: Sequence[Array]) -> list[Array]:
        """Results, then flags."""
        if self.name == "encode":
            source, result = self.formats
            return list(_encode(source, result, operands[0], self.policy))
        if self.name == "to_integer" and self.integer is not None:
            return list(ops.to_integer(operands[0], self.integer, format=self.formats[0], flags=True, **self.policy))
        if self.name == "from_integer":
            return list(ops.from_integer(operands[0], format=self.formats[0], flags=True, **self.policy))
        format: Any = self.formats if len(set(self.formats)) > 1 else self.formats[0]
        if self.name == "convert":
            format = self.formats
        return list(getattr(ops, self.name)(*operands, format=format, flags=True, **self.policy))


def operation(
    name: str, given: Sequence[Format], policy: dict[str, Any], integer: np.dtype[Any] | None = None
) -> Operation:
    """An operation by name, in one format or in one for each operand and one for the result."""
    if name == "from_integer":
        return Operation(name, formats_of(name, given[0])[:1], policy, integer)
    if name == "encode":
        pair = (formats["float32"], given[0]) if len(given) == 1 else tuple(given)
        if len(pair) != 2:
            raise ValueError(f"encode: format takes one or 2 formats, the source's and the result's, not {len(given)}")
        return Operation(name, pair, policy)
    if name not in table:
        raise ValueError(f"operation must be one of encode, {', '.join(table)}, not {name!r}")
    if name == "convert" and len(given) == 1:
        given = (given[0], given[0])
    return Operation(name, formats_of(name, given[0] if len(given) == 1 else tuple(given)), policy, integer)


def _encode(source: Format, result: Format, codes: Array, policy: dict[str, Any]) -> tuple[Array, Array]:
    """Conversion, also from binary64: by binary32 rounded to odd, which keeps every decision and every flag."""
    if source.precision <= 24:
        codes, flags = ops.convert(codes, format=(source, result), flags=True, **policy)
        return codes, flags
    single = formats["float32"]
    narrow = result.precision <= 22 and Fraction(result.min_subnormal) >= Fraction(1, 2**147)
    if source is not formats["float64"] or not narrow or Fraction(result.max) >= 2**128:
        raise ValueError(
            f"encode from {source.name} takes formats of at most 22 significant bits within 2^-147 to 2^128, "
            f"not {result.name}"
        )
    odd = single.codec(rounding="to_odd", nan="keep_payload").encode(codes.astype(np.uint64).view(np.float64))
    made, flags = ops.convert(odd, format=(single, result), flags=True, **policy)
    magnitude = codes & ~np.uint64(1 << 63)
    signaling = (magnitude > np.uint64(0x7FF << 52)) & (magnitude < np.uint64(0x7FF8 << 48))
    return made, flags | np.where(signaling, ops.Flag.invalid, 0).astype(np.uint8)


# -- operands


def patterns(fmt: Format, level: int) -> Array:
    """Codes whose exponents and significands are where implementations break, both signs.

    Level 1: exponents at the ends, around that of 1 and a precision away; significands with few bits set or clear.
    Level 2: more exponents, and all significands of one bit, of one run of bits from either end, and their complements.
    """
    e, m = fmt.exponent_bits, fmt.mantissa_bits
    top, one = (1 << e) - 1, fmt.bias
    ones = (1 << m) - 1
    fields = {0, 1, 2, one - 1, one, one + 1, one - m, one + m, top - 2, top - 1, top}
    significands = {0, 1, ones, ones - 1, 1 << m >> 1, (1 << m >> 1) - 1, (1 << m >> 1) + 1}
    if level >= 2:
        fields |= {one + d for d in range(-m - 3, m + 4)} | {one + s * (1 << i) for i in range(e) for s in (1, -1)}
        runs = {(1 << i) - 1 for i in range(m + 1)}
        bits = {1 << i for i in range(m)}
        significands |= runs | bits | {ones ^ x for x in runs | bits} | {1 | 1 << i for i in range(m)}
    magnitudes = [f << m | t for f in sorted(fields) if 0 <= f <= top for t in sorted(significands) if 0 <= t <= ones]
    signs = (0, 1 << (fmt.bits - 1)) if fmt.signed else (0,)
    codes = {magnitude | sign for sign in signs for magnitude in magnitudes}
    return np.array(sorted(codes), fmt.code_dtype)


def ties(fmt: Format, source: Format) -> Array:
    """Codes of a source at and beside every value of a format and every middle between two; specials, both signs."""
    last = fmt.code_of_max
    some = range(last + 2) if last <= 4096 else {int(k) for k in patterns(fmt, 1) if k <= last} | {last, last + 1}
    sought = [x for k in some for x in (point(fmt, k), between(fmt, k, 1))]
    codes = {near(source, x, step) for x in sought for step in (-1, 0, 1)} | set(patterns(source, 1).tolist())
    if source.signed:
        codes |= {code ^ 1 << (source.bits - 1) for code in codes}
    return np.array(sorted(codes), source.code_dtype)


def _integers(dtype: np.dtype[Any], fmt: Format) -> Array:
    """Integers around powers of two, and those that are halfway between values of a format."""
    bits = 8 * dtype.itemsize
    near_powers = {(1 << i) + d for i in range(bits + 1) for d in (-1, 0, 1)}
    wide = {
        (1 << i) + (d << max(i - fmt.mantissa_bits - 1, 0)) + e for i in range(bits) for d in (1, 3) for e in (-1, 0, 1)
    }
    low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    found = {sign * n for n in near_powers | wide for sign in (1, -1)}
    return np.array(sorted(n for n in found if low <= n <= high), dtype)


def choices(op: Operation, level: int | str) -> list[Array | range]:
    """What each operand is taken from; a range is its own list."""
    if op.name == "encode" and level != "exhaustive":
        return [ties(op.formats[1], op.formats[0])]
    given: list[Array | range] = [
        range(1 << f.bits) if level == "exhaustive" else patterns(f, int(level)) for f in op.formats[:-1]
    ]
    if op.kinds[0] == "code_and_integer":
        given[1:] = [np.array(_SHIFTS, np.int64)]
    if op.integer is not None and op.kinds[0] == "integer":
        given = [range(1 << 8 * op.integer.itemsize) if level == "exhaustive" else _integers(op.integer, op.formats[0])]
    return given


def count(given: Sequence[Array | range]) -> int:
    """How many combinations there are."""
    return prod(map(_size, given))


def _size(choice: Array | range) -> int:
    return choice.stop if isinstance(choice, range) else choice.size  # len() ends at 2^63


def combinations(given: Sequence[Array | range], dtypes: Sequence[Any], start: int, stop: int) -> list[Array]:
    """The operands of vectors start to stop, the last operand changing fastest."""
    index = start + np.arange(stop - start, dtype=np.uint64)
    found: list[Array] = []
    for choice, dtype in zip(reversed(given), reversed(dtypes), strict=True):
        index, place = np.divmod(index, np.uint64(_size(choice)))
        found.append((place if isinstance(choice, range) else choice[place.astype(np.int64)]).astype(dtype))
    return found[::-1]


def drawn(given: Sequence[Array | range], op: Operation, seed: int, start: int, stop: int) -> list[Array]:
    """Operands of vectors start to stop at random: three in four from the lists, the others any code."""
    found = []
    for i, choice in enumerate(given):
        shape = stop - start
        low, high, kind = (random_bits(shape, 32, seed, stream=3 * i + j, offset=start) for j in range(3))
        word = low.astype(np.uint64) | high.astype(np.uint64) << np.uint64(32)
        place = word % np.uint64(_size(choice)) if _size(choice) < 1 << 64 else word
        listed = place if isinstance(choice, range) else choice[place.astype(np.int64)]
        if op.names[i] != "n":
            anything = word & np.uint64((1 << op.formats[i].bits) - 1)
            listed = np.where(kind % 4 == 0, anything, listed)
        found.append(listed.astype(op.dtypes[i]))
    return found


def vectors(op: Operation, level: int | str, number: int | None, seed: int) -> Iterator[list[Array]]:
    """Chunks of operands, results and flags: every combination, or so many at random."""
    given = choices(op, level)
    total = count(given) if number is None else number
    if total >= 1 << 62:
        raise ValueError(f"{op.name}: {total} vectors are too many; take --level 1 or a number of them with -n")
    for start in range(0, total, CHUNK):
        stop = min(start + CHUNK, total)
        operands = (
            drawn(given, op, seed, start, stop) if number is not None else combinations(given, op.dtypes, start, stop)
        )
        yield [*operands, *op.run(operands)]


def battery(op: Operation, limit: int = 1 << 16) -> list[Array]:
    """Operands that tell policies apart: all of them where they are few, else hard ones, at most so many."""
    given = choices(op, 1 if op.name == "encode" else "exhaustive")
    if count(given) > limit:
        given = choices(op, 1)
    total = count(given)
    if total > limit:
        return drawn(given, op, 0, 0, limit)
    return combinations(given, op.dtypes, 0, total)
