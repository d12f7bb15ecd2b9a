"""Say in exact rationals, sharing nothing with halfulp, what IEEE 754's arithmetic gives in any format, with flags.

An operation has two halves.  `EXACT` names those that make an exact outcome of exact operands: a rational, a square
root known by its square, a zero, an infinity or a NaN, before any format is thought of.  `finish` gives an outcome the
code and the flags of a result format under `Rules`.  Between them lies `Cell`: the place of a magnitude on the format's
grid is all that any rounding, overflow or underflow rule asks about it, so it is found once for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from math import isqrt
from typing import Any, NamedTuple

from oracle import (
    Place,
    Policy,
    Spec,
    Value,
    decode,
    encode,
    encode_nan,
    goes_up,
    grid,
    is_subnormal,
    locate,
    nan,
    nan_rules,
    settle,
    signed_code,
)

INEXACT, UNDERFLOW, OVERFLOW, DIVIDE_BY_ZERO, INVALID = 1, 2, 4, 8, 16
TININESS = ("after", "before")
NAN_RULES = ("canonical", "riscv", "x86", "arm")


@dataclass(frozen=True)
class Rules:
    """What the caller of an operation chooses; `subnormals` holds one word or two."""

    rounding: str = "nearest_even"
    overflow: str = "default"
    subnormals: tuple[str, ...] = ()
    tininess: str = "after"
    nan: str = "canonical"

    @cached_property
    def policy(self) -> Policy:
        """Of these rules, what an encoder knows too."""
        output = [word for word in self.subnormals if word != "flush_input"]
        return Policy(self.rounding, self.overflow, None, output[0] if output else "gradual")

    def words(self) -> Iterator[tuple[str, Any]]:
        return ((name, getattr(self, name)) for name in self.__dataclass_fields__)

    @property
    def flush_input(self) -> bool:
        return "flush_input" in self.subnormals

    def keywords(self) -> dict[str, Any]:
        """As keyword arguments of the product, defaults left out."""
        chosen = {name: value for name, value in self.words() if value != getattr(USUAL, name)}
        if len(self.subnormals) == 1:
            chosen["subnormals"] = self.subnormals[0]
        return chosen


USUAL = Rules()


class Operand(NamedTuple):
    value: Value
    signaling: bool = False


def read(spec: Spec, code: int, flush: bool = False) -> Operand:
    """What an operation sees of a code; only `ieee` formats have NaNs whose quiet bit can be clear."""
    value = decode(spec, code)
    if flush and is_subnormal(spec, value):
        value = Value("finite", value.negative)
    quiet = spec.mantissa_bits and code >> (spec.mantissa_bits - 1) & 1
    return Operand(value, value.kind == "nan" and spec.specials == "ieee" and not quiet)


@lru_cache(maxsize=64)
def operands(spec: Spec, flush: bool = False) -> Sequence[Operand]:
    return [read(spec, code, flush) for code in spec.codes]


@dataclass(frozen=True)
class Root:
    """The irrational square root of a rational, compared with rationals through squares."""

    square: Fraction

    def __lt__(self, other: Any) -> bool:
        return self.square < other * other

    def __gt__(self, other: Any) -> bool:
        return self.square > other * other

    def __rmul__(self, factor: Any) -> Root:
        return Root(self.square * factor * factor)


class Exact(NamedTuple):
    """An operation's outcome before rounding; `sources` are the NaNs it can be taken from, by operand's number."""

    kind: str  # real, zero, cancelled (a zero whose sign the rounding mode decides), inf, nan
    negative: bool = False
    magnitude: Fraction | Root = Fraction(0)
    flags: int = 0
    sources: tuple[tuple[int, Operand], ...] = ()
    infinity_times_zero: bool = False


INVALID_RESULT = Exact("nan", flags=INVALID)
CANCELLED = Exact("cancelled")


def exact_real(x: Fraction, zero: Exact = CANCELLED) -> Exact:
    return Exact("real", x < 0, abs(x)) if x else zero


def exact_zero(negative: bool) -> Exact:
    return Exact("zero", negative)


def exact_inf(negative: bool, flags: int = 0) -> Exact:
    return Exact("inf", negative, flags=flags)


def opposite(x: Value) -> Value:
    return x._replace(negative=not x.negative)


def same(x: Value) -> Exact:
    return Exact("inf" if x.kind == "inf" else "real" if x.magnitude else "zero", x.negative, x.magnitude)


# -- exact outcomes of operands that are no NaN


def add(x: Value, y: Value) -> Exact:
    if x.kind == "inf" and y.kind == "inf":
        return same(x) if x.negative == y.negative else INVALID_RESULT
    if x.kind == "inf" or y.kind == "inf":
        return same(x if x.kind == "inf" else y)
    if not x.magnitude and not y.magnitude and x.negative == y.negative:
        return same(x)
    return exact_real(x.real + y.real)


def subtract(x: Value, y: Value) -> Exact:
    return add(x, opposite(y))


def multiply(x: Value, y: Value) -> Exact:
    negative = x.negative != y.negative
    if x.kind == "inf" or y.kind == "inf":
        finite_zero = any(v.kind == "finite" and not v.magnitude for v in (x, y))
        return INVALID_RESULT if finite_zero else exact_inf(negative)
    product = x.magnitude * y.magnitude
    return Exact("real" if product else "zero", negative, product)


def divide(x: Value, y: Value) -> Exact:
    negative = x.negative != y.negative
    if x.kind == "inf" or y.kind == "inf":
        if x.kind == y.kind:
            return INVALID_RESULT
        return exact_inf(negative) if x.kind == "inf" else exact_zero(negative)
    if not y.magnitude:
        return exact_inf(negative, DIVIDE_BY_ZERO) if x.magnitude else INVALID_RESULT
    quotient = x.magnitude / y.magnitude
    return Exact("real" if quotient else "zero", negative, quotient)


def _remainder(x: Value, y: Value, whole: Callable[[Fraction], int]) -> Exact:
    if x.kind == "inf" or (y.kind == "finite" and not y.magnitude):
        return INVALID_RESULT
    if y.kind == "inf":
        return same(x)
    rest = x.magnitude - whole(x.magnitude / y.magnitude) * y.magnitude
    return exact_real(-rest if x.negative else rest, exact_zero(x.negative))


def remainder(x: Value, y: Value) -> Exact:
    return _remainder(x, y, round)  # Fraction rounds ties to even


def fmod(x: Value, y: Value) -> Exact:
    return _remainder(x, y, int)


def sqrt(x: Value) -> Exact:
    if x.kind == "finite" and not x.magnitude:
        return same(x)
    if x.negative:
        return INVALID_RESULT
    if x.kind == "inf":
        return same(x)
    n, d = isqrt(x.magnitude.numerator), isqrt(x.magnitude.denominator)
    rational = Fraction(n, d)
    return Exact("real", False, rational if rational * rational == x.magnitude else Root(x.magnitude))


def fma(x: Value, y: Value, z: Value) -> Exact:
    product = multiply(x, y)
    if product.kind == "nan":
        return product
    assert isinstance(product.magnitude, Fraction)
    kind = "inf" if product.kind == "inf" else "finite"
    return add(Value(kind, product.negative, product.magnitude), z)


EXACT: dict[str, Callable[..., Exact]] = {
    "add": add,
    "subtract": subtract,
    "multiply": multiply,
    "divide": divide,
    "remainder": remainder,
    "fmod": fmod,
    "sqrt": sqrt,
    "fma": fma,
    "convert": same,
}


def outcome(function: Callable[..., Exact], *xs: Operand) -> Exact:
    """The exact outcome of any operands: NaNs go through, signalling ones with the invalid flag."""
    if all(x.value.kind != "nan" for x in xs):
        return function(*(x.value for x in xs))
    sources = tuple((i, x) for i, x in enumerate(xs) if x.value.kind == "nan")
    flags = INVALID if any(x.signaling for x in xs) else 0
    undefined = len(xs) == 3 and len(sources) == 1 and sources[0][0] == 2 and multiply(xs[0].value, xs[1].value).flags
    return Exact("nan", flags=flags, sources=sources, infinity_times_zero=bool(undefined))


# -- from an outcome to a code and its flags


class Cell(NamedTuple):
    """Where a nonzero magnitude lies on a format's grid; `k` is -1 below the minimum of a format without a zero.

    Just below the smallest normal number the grid of an unbounded exponent is twice as fine as the format's own.  In
    the last of its gaps `edge` is the place there, on which tininess after rounding depends; before it, `ON`.
    """

    negative: bool
    k: int
    place: Place
    edge: Place = Place.ON


def cell(spec: Spec, negative: bool, magnitude: Fraction | Root) -> Cell:
    if not spec.has_zero and magnitude < grid(spec, 0):
        return Cell(negative, -1, Place.HIGH)
    k, place = locate(spec, magnitude)  # type: ignore[arg-type]
    edge = Place.ON
    unit = 1 << spec.mantissa_bits
    if spec.has_subnormals and k == unit - 1:
        half = grid(spec, 1) / 2
        if magnitude > spec.min_normal - half:
            middle = 2 * spec.min_normal - half
            twice = 2 * magnitude
            edge = Place.LOW if twice < middle else Place.MIDDLE if twice == middle else Place.HIGH
    return Cell(negative, k, place, edge)


def ties_toward_zero(at: Cell) -> Cell:
    """A cell that rounding to nearest treats as clause 9.5 treats this one."""
    low = {Place.MIDDLE: Place.LOW}
    return at._replace(place=low.get(at.place, at.place), edge=low.get(at.edge, at.edge))


def is_tiny(spec: Spec, at: Cell, rules: Rules) -> bool:
    unit = 1 << spec.mantissa_bits
    if not spec.has_subnormals or at.k >= unit:
        return False
    # The last point below 2^emin on the finer grid has an all-ones significand, like code unit - 1.
    return rules.tininess == "before" or not goes_up(rules.rounding, at.negative, unit - 1, at.edge)


def finish_real(spec: Spec, at: Cell, rules: Rules) -> tuple[int, int]:
    policy, unit = rules.policy, 1 << spec.mantissa_bits
    if at.k < 0:
        code = settle(spec, at.negative, 0, Place.ON, policy)
        return code, _negative_in_unsigned(spec, rules) if at.negative else INEXACT | UNDERFLOW
    code = settle(spec, at.negative, at.k, at.place, policy)
    rounded = at.k + goes_up(policy.rounding, at.negative, at.k, at.place)
    flushed = spec.has_subnormals and (
        (policy.subnormals == "flush_tiny" and at.k < unit) or (policy.subnormals == "flush_output" and rounded < unit)
    )
    if flushed:
        return code, INEXACT | UNDERFLOW
    if at.negative and not spec.signed and (rounded or not spec.has_zero):
        return code, _negative_in_unsigned(spec, rules)
    flags = 0 if at.place == Place.ON else INEXACT
    if rounded > (spec.sign_bit if at.negative and spec.specials == "integer" else spec.last):
        flags = OVERFLOW | INEXACT
    return code, flags | (UNDERFLOW if flags and is_tiny(spec, at, rules) else 0)


def _negative_in_unsigned(spec: Spec, rules: Rules) -> int:
    return INVALID if spec.has_nan and rules.overflow == "default" else OVERFLOW | INEXACT


def choose_nan(sources: tuple[tuple[int, Operand], ...], rule: str) -> Operand:
    """The NaN operand whose payload travels: x86's first; Arm's first signalling one, a sum's term before factors."""
    if rule == "x86":
        return sources[0][1]
    in_order = [x for i, x in sources if i == 2] + [x for i, x in sources if i != 2]
    return next((x for x in in_order if x.signaling), in_order[0])


def finish_nan(spec: Spec, x: Exact, rules: Rules) -> tuple[int, int]:
    generated, flags = not x.sources, x.flags
    if x.infinity_times_zero and rules.nan != "x86":
        flags |= INVALID
        generated = generated or not x.sources[0][1].signaling
    known = nan_rules(spec)
    if not spec.has_nan:
        return encode_nan(spec, nan(), rules.nan if rules.nan in known else None), flags
    if rules.nan in ("canonical", "riscv"):
        return encode_nan(spec, nan(), "canonical"), flags
    if generated:
        return encode_nan(spec, nan(rules.nan == "x86"), "keep_sign"), flags
    rule = "keep_payload" if "keep_payload" in known else "keep_sign"
    return encode_nan(spec, choose_nan(x.sources, rules.nan).value, rule), flags


def finish(spec: Spec, x: Exact, rules: Rules, at: Cell | None = None) -> tuple[int, int]:
    """The code of an outcome in a format, and the flags; `at` is the cell of a real one, where it is known."""
    if x.kind == "nan":
        return finish_nan(spec, x, rules)
    if x.kind == "inf":
        lost = _negative_in_unsigned(spec, rules) if x.negative and not spec.signed else 0
        return encode(spec, Value("inf", x.negative), rules.policy), x.flags | lost
    if x.kind == "real":
        return finish_real(spec, at or cell(spec, x.negative, x.magnitude), rules)
    negative = x.negative or (x.kind == "cancelled" and rules.rounding == "toward_negative")
    return signed_code(spec, negative, 0), 0 if spec.has_zero else INEXACT | UNDERFLOW


def formats_of(operation: str, spec: Spec | tuple[Spec, ...]) -> tuple[Spec, ...]:
    """One format for each operand, then the result's."""
    count = {"sqrt": 1, "convert": 1, "fma": 3}.get(operation, 2)
    return (spec,) * (count + 1) if isinstance(spec, Spec) else spec


def compute(
    operation: str, spec: Spec | tuple[Spec, ...], codes: Sequence[int], rules: Rules = USUAL
) -> tuple[int, int]:
    """The code and the flags of one of the operations of `EXACT`."""
    *sources, result = formats_of(operation, spec)
    xs = [read(s, c, rules.flush_input) for s, c in zip(sources, codes, strict=True)]
    return finish(result, outcome(EXACT[operation], *xs), rules)
