"""Which rule explains codes that differ from those wanted: rounding, flushing, overflow, double rounding, NaN."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from halfulp import _core
from halfulp._codec import roundings
from halfulp._format import Format, formats
from halfulp._operations import MIXED, formats_of, table
from halfulp._usual import usual

Array = npt.NDArray[Any]

SAMPLE = 2000  # so many differing elements, and so many equal ones, decide

_FLUSHED = {
    "input": "subnormal inputs are flushed",
    "output": "subnormal results are flushed",
    "tiny": "subnormal results are flushed, judged before rounding",
}


def sentence(keyword: str, word: Any) -> str:
    """A rule in words."""
    if keyword == "via":
        return f"double rounding through {word}"
    if keyword == "subnormals":
        flushed = [_FLUSHED[w.removeprefix("flush_")] for w in ((word,) if isinstance(word, str) else word) if "_" in w]
        return " and ".join(flushed) or "subnormal numbers are kept"
    if keyword == "overflow":
        kept = ", but keeps infinite inputs" if word.endswith("keep_inf") else ""
        return f"saturates instead of Inf or NaN{kept}" if word.startswith("saturate") else "overflows to Inf or NaN"
    if word.startswith("nearest_"):
        return "ties go away from zero" if word.endswith("away") else "ties go to even"
    return f"rounds {word.replace('_', ' ')}"


class Finding(NamedTuple):
    """A rule that differences suggest.

    Attributes
    ----------
    rule : str
        In words, such as ``"ties go away from zero"``.
    keywords : dict
        What says the same to `Format.codec` or `halfulp.ops`; empty where no keyword does.
    explained : int
        How many differences need this rule.
    of : int
        How many differences were looked at.
    """

    rule: str
    keywords: dict[str, Any]
    explained: int
    of: int

    def __str__(self) -> str:
        words = ", ".join(f"{key}={word!r}" for key, word in self.keywords.items())
        return f"{self.rule}{f' ({words})' if words else ''}: {self.explained} of {self.of}"


class Kinds(NamedTuple):
    """What codes are, elementwise, and codes with one NaN and one zero to compare by."""

    nan: Array
    zero: Array
    plain: Array


@usual
def kinds(fmt: Format, codes: Array) -> Kinds:
    """Sort the codes of an array."""
    wide = codes.astype(np.uint64)
    values = fmt.decode(codes)
    nan, zero = np.isnan(values), values == 0
    return Kinds(nan, zero, np.where(nan, 2**64 - 1, np.where(zero, 0, wide)).astype(np.uint64))


def diagnose(
    actual: npt.ArrayLike,
    desired: npt.ArrayLike,
    format: Format | str | tuple[Format | str, ...],
    *,
    operands: Sequence[Any] | None = None,
    op: str | None = None,
    policy: dict[str, Any] | None = None,
) -> list[Finding]:
    """Name the rules by which some codes differ from those wanted.

    Every combination of rounding mode, treatment of subnormals, overflow rule and double rounding is tried on the
    operands; the one with the fewest changes that best gives the actual codes is taken apart.

    Parameters
    ----------
    actual, desired : array_like of codes
    format : Format, str or tuple
        As `halfulp.ops` takes it; the last one is the codes'.
    operands : sequence of array_like, optional
        For ``op="encode"`` the array of values that were encoded, else one array of codes for each operand. Without,
        only signs of zero and NaN are told.
    op : str, optional
        A function of `halfulp.ops`, or ``"encode"``, the default where there is one operand.
    policy : dict, optional
        The keywords by which `desired` was found.

    Returns
    -------
    list of Finding
        Empty if nothing explains most of the differences.

    Examples
    --------
    >>> import numpy as np, halfulp as hu
    >>> from halfulp.testing import diagnose
    >>> x = np.linspace(-3, 3, 1000, dtype=np.float32)
    >>> f = hu.float8_e4m3fn
    >>> for finding in diagnose(f.codec(rounding="toward_zero").encode(x), f.encode(x), f, operands=[x]):
    ...     print(finding)
    rounds toward zero (rounding='toward_zero'): 504 of 504
    """
    fmt = Format(format[-1] if isinstance(format, tuple) else format)
    got, want = (np.asarray(codes).astype(fmt.code_dtype) for codes in (actual, desired))
    got, want = (a.reshape(-1) for a in np.broadcast_arrays(got, want))
    a, b = kinds(fmt, got), kinds(fmt, want)
    found = []
    both_nan, both_zero = a.nan & b.nan & (got != want), a.zero & b.zero & (got != want)
    of = int((got != want).sum())
    if operands is not None:
        trial = _Trial(fmt, format, operands, op, dict(policy or {}), a, b, np.asarray(actual).shape)
        found += trial.findings(of) if (a.plain != b.plain).any() else []
    if both_zero.any():
        found.append(Finding("the sign of zero differs", {}, int(both_zero.sum()), of))
    if both_nan.any():
        found.append(Finding("the payload or sign of NaN differs", {}, int(both_nan.sum()), of))
    return found


class _Trial:
    """Other policies, run on a sample of the elements."""

    def __init__(
        self,
        fmt: Format,
        format: Any,
        operands: Sequence[Any],
        op: str | None,
        policy: dict[str, Any],
        actual: Kinds,
        desired: Kinds,
        shape: tuple[int, ...],
    ) -> None:
        self.fmt, self.format, self.policy = fmt, format, policy
        self.op = op or ("encode" if len(operands) == 1 else None)
        if self.op != "encode" and self.op not in table:
            raise ValueError(f"op must be 'encode' or a function of halfulp.ops, not {op!r}")
        bad, good = np.flatnonzero(actual.plain != desired.plain), np.flatnonzero(actual.plain == desired.plain)
        self.all_bad = bad.size
        bad, good = (some[:: max(1, some.size // SAMPLE)] for some in (bad, good))
        chosen = np.concatenate([bad, good])
        spread = [np.broadcast_to(np.asarray(x), shape).reshape(-1) for x in operands]
        self.operands = [x[chosen] for x in spread]
        self.bad = bad.size
        self.got = actual.plain[chosen]

    def run(self, rounding: str, subnormals: Any, overflow: str, via: str | None) -> tuple[int, int]:
        """How many differing elements a policy explains, and how many equal ones it would change."""
        words = {**self.policy, "rounding": rounding, "subnormals": subnormals, "overflow": overflow}
        same = kinds(self.fmt, self._codes(words, via)).plain == self.got
        return int(same[: self.bad].sum()), int((~same[self.bad :]).sum())

    def _codes(self, words: dict[str, Any], via: str | None) -> Array:
        if self.op == "encode":
            codec = self.fmt.codec(**words)
            (x,) = self.operands
            return np.asarray(codec.encode(x if via is None else formats[via].round(x)))
        from halfulp import ops

        assert self.op is not None
        call: Callable[..., tuple[Array, Array]] = getattr(ops, self.op)
        if via is None:
            return np.asarray(call(*self.operands, format=self.format, flags=True, **words)[0])
        given = formats_of(self.op, self.format)
        wide, _ = call(*self.operands, format=(*given[:-1], formats[via]), flags=True)
        return np.asarray(ops.convert(wide, format=(formats[via], self.fmt), flags=True, **words)[0])

    def axes(self) -> list[list[Any]]:
        """The words to try, those that hold now first."""
        subnormals: list[Any] = [*_core.subnormals()]
        if self.op != "encode":
            subnormals.append(("flush_input", "flush_output"))
        modes = [mode for mode in roundings if not mode.startswith("stochastic")]
        # What library code computes in before it rounds again.
        steps = [w for w in ("float32", "float16", "bfloat16") if formats[w].precision > self.fmt.precision]
        vias = [None, *steps] if self.op == "encode" or self.op in MIXED else [None]
        now = [self.policy.get(k, d) for k, d in (("rounding", modes[0]), ("subnormals", "gradual"))]
        now += [self.policy.get("overflow", "default"), None]
        return [
            [word, *(w for w in words if w != word)]
            for word, words in zip(now, (modes, subnormals, [*_core.overflows()], vias), strict=True)
        ]

    def candidates(self, axes: list[list[Any]]) -> Iterator[tuple[Any, ...]]:
        """Every combination of words, those with fewer changes first."""
        chosen = product(*(range(len(words)) for words in axes))
        for places in sorted(chosen, key=lambda places: (sum(map(bool, places)), places[3], places)):
            if any(places):
                yield tuple(words[i] for words, i in zip(axes, places, strict=True))

    def findings(self, of: int) -> list[Finding]:
        """The best combination, taken apart; nothing if it explains less than half."""
        axes = self.axes()
        best: tuple[int, tuple[Any, ...]] = (self.bad // 2, ())
        for words in self.candidates(axes):
            try:
                hits, misses = self.run(*words)
            except ValueError:
                continue  # a rule that this format, or this operation, does not have
            if hits - misses > best[0]:
                best = hits - misses, words
            if best[0] == self.bad:
                break
        if not best[1]:
            return []
        now = [words[0] for words in axes]
        changed = [i for i in range(len(axes)) if best[1][i] != now[i]]
        names = ("rounding", "subnormals", "overflow", "via")
        found = []
        for i in changed:
            without = tuple(now[j] if j == i else word for j, word in enumerate(best[1]))
            share = best[0] - (self.run(*without)[0] if len(changed) > 1 else 0)
            count = round(share * self.all_bad / self.bad) if self.bad else 0
            found.append(Finding(sentence(names[i], best[1][i]), {names[i]: best[1][i]}, count, of))
        return found
