"""`Codebook`: a format whose values are a list of levels, such as NF4."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any, ClassVar, NoReturn, cast

import numpy as np
import numpy.typing as npt

from halfulp import _core, _exact
from halfulp._codec import Codec, NanRule, Policy, canonical_via, nan_as_given
from halfulp._format import Format, formats
from halfulp._interning import interning
from halfulp._levels import (
    Contents,
    check_order,
    checked_codes,
    checked_levels,
    checked_thresholds,
    contents_of,
    read,
    write,
    write_binary32,
)
from halfulp._parameters import checked_name
from halfulp._target import Target

_PREFIX = "codebook"
_NO_DTYPE = "codebooks have no dtype; use .encode and .decode, or halfulp.PackedArray"
_DEFAULT = Policy(rounding="table")


class Codebook(Target):
    """Up to 256 levels, and between neighbours a threshold at which the upper one begins.

    Parameters
    ----------
    levels : sequence of real numbers, or str
        The values, each a binary32 number, by code: the first has code 0. (+0 and -0 may both be there, and nothing
        else twice.) Or a codebook as text: a name such as ``"nf4"``, or what `text` gives.
    thresholds : sequence of real numbers, optional
        One between each level and the next larger one, ascending; compared exactly. Default: half way.
    ties : {"lower", "upper", "even", "toward_zero"}
        Which level takes a number that is equal to a threshold: the lower, the upper, the one with the even code
        (the lower if both are or neither is), or the one of smaller magnitude.
    codes : sequence of int, optional
        The codes of the levels, 0 to 255, each another one. Default: 0, 1, 2, ...
    name : str, optional

    Raises
    ------
    TypeError
        If a level, threshold or code is no number.
    ValueError
        For fewer than 2 or more than 256 levels, levels that binary32 does not hold (so NaN and Inf), equal ones,
        thresholds that do not ascend, that are not between their levels or have more than 61 significant bits.

    Notes
    -----
    Inputs of every type are compared with the thresholds exactly. -0 counts as 0; what is beyond the first or last
    level takes that level, infinities too. NaN becomes the code of the largest level, unless `codec` is told
    otherwise. Codes that no level has decode to NaN. Between -0 and +0, all negative numbers take -0.

    Codebooks are interned, immutable, hashable and picklable.

    Examples
    --------
    >>> import halfulp as hu
    >>> hu.nf4.encode([-1.0, -0.1, 0.0, 0.3])
    array([ 0,  6,  7, 11], dtype=uint8)
    >>> ternary = hu.Codebook([-1, 0, 1], thresholds=[-0.5, 0.5], ties="toward_zero")
    >>> ternary.round([-0.7, -0.5, 0.2, 3.0])
    array([-1.,  0.,  0.,  1.])
    """

    __slots__ = ("_book", "_contents", "_name")

    _interned: ClassVar[weakref.WeakValueDictionary[tuple[type[Codebook], Contents, str | None], Codebook]] = (
        weakref.WeakValueDictionary()
    )

    _book: _core.Codebook
    _contents: Contents
    _name: str | None

    def __new__(
        cls,
        levels: Iterable[Any] | str,
        thresholds: Iterable[Any] | None = None,
        ties: str = "lower",
        codes: Iterable[Any] | None = None,
        name: str | None = None,
    ) -> Codebook:
        if isinstance(levels, (str, Codebook)):
            if (thresholds, ties, codes, name) != (None, "lower", None, None):
                raise TypeError("Codebook: a codebook, as such or as text, takes no further arguments")
            return levels if isinstance(levels, Codebook) else cls._from_text(levels)
        if not isinstance(ties, str):
            raise TypeError(f"Codebook: ties must be a string such as 'lower', not {ties!r}")
        given = checked_levels(levels)
        numbers = range(len(given)) if codes is None else checked_codes(codes, len(given))
        order = sorted(zip(given, numbers, strict=True))
        between = None if thresholds is None else checked_thresholds(thresholds, len(order) - 1)
        book = _core.Codebook(
            np.array([level.bits for level, _ in order], np.uint32),
            np.array([code for _, code in order], np.uint8),
            np.array([] if between is None else [_exact.number(t) for t in between], _exact.NUMBER),
            ties,
        )
        contents = contents_of(book)
        check_order(contents, [level for level, _ in order], between is None)
        return cls._intern(contents, book, checked_name(name, "Codebook"))

    @property
    def __numpy_dtype__(self) -> NoReturn:
        raise TypeError(f"{self.name}: {_NO_DTYPE}")

    @property
    def dtype(self) -> NoReturn:
        """Codebooks have none: AttributeError, and `numpy.dtype(codebook)` is a TypeError."""
        raise AttributeError(f"{self.name}: {_NO_DTYPE}")

    @classmethod
    def _from_text(cls, text: str) -> Codebook:
        named = codebooks.get(text)
        if named is not None:
            return named
        head, *fields = text.split(":")
        if head != _PREFIX or not fields:
            raise ValueError(
                f"Codebook: {text[:80]!r} is neither a named codebook ({', '.join(codebooks)}) "
                "nor text such as 'codebook:-1,0,1:ties=even'"
            )
        words: dict[str, Any] = {"levels": [read(word) for word in fields[0].split(",")]}
        for field in fields[1:]:
            key, equals, value = field.partition("=")
            if not equals or key not in ("thresholds", "ties", "codes", "name") or key in words:
                raise ValueError(
                    f"Codebook: cannot read {field[:80]!r} in {text[:80]!r}; fields are codes=, thresholds=, ties= "
                    "and name="
                )
            listed = key in ("thresholds", "codes")
            words[key] = [read(word) for word in value.split(",")] if listed else value
        return cls(**words)

    @classmethod
    def _intern(cls, contents: Contents, book: _core.Codebook, name: str | None) -> Codebook:
        with interning:
            named = _named_by_contents.get(contents)
            if named is not None and cls is Codebook and name in (None, named.name):
                return named
            if name is not None and (name in codebooks or name in formats or name == _PREFIX):
                raise ValueError(f"Codebook: the name {name!r} is taken; choose another, or leave name= out")
            found = cls._interned.get((cls, contents, name))
            if found is None:
                found = object.__new__(cls)
                found._fill(_book=book, _contents=contents, _name=name)
                cls._interned[(cls, contents, name)] = found
            return found

    @property
    def name(self) -> str:
        """The codebook's name; its text if it was given none."""
        return self._name if self._name is not None else self.text

    @property
    def text(self) -> str:
        """The codebook as text: `Codebook(c.text) is c`.

        Numbers are integers times powers of two, ``3p-2`` for 0.75.
        """
        if self._name is not None and _named_by_contents.get(self._contents) is self:
            return self._name
        levels, codes, decisions = self._contents
        by_code = sorted(zip(codes, levels, strict=True))
        dense = by_code[-1][0] == len(by_code) - 1
        listed = [level for _, level in by_code] if dense else levels
        fields = [_PREFIX, ",".join(write_binary32(bits) for bits in listed)]
        if not dense:
            fields.append(f"codes={','.join(map(str, codes))}")
        halves, ties = self._plainest()
        if not halves:
            fields.append(f"thresholds={','.join(write(d.threshold) for d in decisions)}")
        fields += [f"ties={ties}"] * (ties != "lower") + [f"name={self._name}"] * (self._name is not None)
        return ":".join(fields)

    def _plainest(self) -> tuple[bool, str]:
        """Whether all thresholds are half way, and the word for where ties go."""
        levels, codes, decisions = self._contents
        for word in _core.ties():
            bits, numbers = np.array(levels, np.uint32), np.array(codes, np.uint8)
            halves = contents_of(_core.Codebook(bits, numbers, np.array([], _exact.NUMBER), word)).decisions
            if [d.tie_goes_up for d in halves] == [d.tie_goes_up for d in decisions]:
                return halves == decisions, word
        raise AssertionError("ties that no word describes")

    @property
    def bits(self) -> int:
        """Width of a code."""
        return self._book.bits

    @property
    def code_dtype(self) -> np.dtype[Any]:
        """The NumPy dtype of codes: uint8."""
        return np.dtype(np.uint8)

    @property
    def value_dtype(self) -> np.dtype[Any]:
        """The NumPy dtype that `decode` gives: float32."""
        return np.dtype(np.float32)

    @property
    def levels(self) -> npt.NDArray[np.float32]:
        """The value of every code, as float32; NaN where no level has the code."""
        levels: npt.NDArray[np.float32] = self.decode(np.arange(1 << self.bits, dtype=np.uint8))
        return levels

    def values(self) -> npt.NDArray[np.float32]:
        """Every value, ascending, each once (so one zero), as float32.

        Examples
        --------
        >>> import halfulp as hu
        >>> hu.iq4_nl.values()[:4]
        array([-127., -104.,  -83.,  -65.], dtype=float32)
        """
        levels, zeros = self._contents.levels, {0, 1 << 31}
        distinct = [bits for bits in levels if bits != 1 << 31 or not zeros <= set(levels)]
        return np.array(distinct, np.uint32).view(np.float32)

    @property
    def thresholds(self) -> tuple[Fraction, ...]:
        """Where each but the lowest level begins, exactly, ascending."""
        return tuple(d.threshold for d in self._contents.decisions)

    @property
    def ties(self) -> tuple[str, ...]:
        """Which neighbour takes a number equal to each threshold: ``"lower"`` or ``"upper"``."""
        return tuple("upper" if d.tie_goes_up else "lower" for d in self._contents.decisions)

    def _decoder(self) -> _core.Decoder:
        return self._book.decoder()

    def _default_encoder(self) -> _core.Encoder:
        return self.codec()._encoder

    def codec(
        self,
        rounding: str = "table",
        overflow: str = "default",
        nan: NanRule = None,
        subnormals: str = "gradual",
        via: Format | str | None = None,
        random_bits: int | None = None,
    ) -> CodebookCodec:
        """This codebook with a conversion policy.

        Parameters
        ----------
        rounding : {"table", "nearest_even", "nearest_away", "toward_zero", "toward_positive", "toward_negative"}
            ``table``: by the codebook's own thresholds and ties. ``nearest_even``: the nearest level, exactly, of two
            the one with the even code; ``nearest_away``: of two the larger in magnitude. The directed modes take
            the next level in that direction, which ``toward_zero`` is the neighbour of smaller magnitude. (So it is
            where no level lies between x and 0, too: 0.5 and -0.5 between levels -2 and 1 become 1, and between two
            opposites the nearest, as in ``nearest_even``.)
        nan : {"max", "zero"}, int, or pair of int
            What NaN becomes: the code of the largest level (default), of the level nearest zero (of two the positive
            one), or a given code, or one for +NaN and one for -NaN.
        via : float32, optional
            First round to this format, nearest even.
        overflow, subnormals, random_bits
            For the same calls to fit formats and codebooks; nothing but the default makes sense here.

        Returns
        -------
        CodebookCodec

        Raises
        ------
        ValueError
            For an unknown word, or a rule a codebook cannot honour.

        Examples
        --------
        >>> import halfulp as hu
        >>> c = hu.nf4.codec(rounding="toward_zero", nan="zero")
        >>> c.encode([0.99, -0.99, float("nan")])
        array([14,  1,  7], dtype=uint8)
        """
        return CodebookCodec._of(
            self, Policy(rounding, overflow, nan, subnormals, cast("str | None", via), random_bits)
        )


class CodebookCodec(Codec):
    """A codebook with a conversion policy. Made by `Codebook.codec`, interned, immutable, picklable.

    Examples
    --------
    >>> import halfulp as hu
    >>> hu.nf4.codec(rounding="nearest_even").encode(0.3)
    np.uint8(11)
    """

    __slots__ = ()

    _default: ClassVar[Policy] = _DEFAULT

    @classmethod
    def _of(cls, codebook: Codebook, policy: Policy) -> CodebookCodec:
        rounding = policy.rounding
        if not isinstance(rounding, str):
            raise TypeError(f"rounding must be a string such as 'table', not {rounding!r}")
        able = ["table", *(mode for mode in _core.roundings() if mode.startswith(("nearest", "toward")))]
        if rounding not in able:
            raise ValueError(f"rounding={rounding!r}: a codebook can honour {', '.join(map(repr, able))}")
        for argument in ("overflow", "subnormals", "random_bits"):
            default, word = getattr(_DEFAULT, argument), getattr(policy, argument)
            if word != default:
                raise ValueError(f"{argument}={word!r}: a codebook has no such rule; leave it out, or {default!r}")
        if rounding != "table" and not codebook._book.can_round(rounding):
            raise ValueError(
                f"rounding={rounding!r}: half way between two levels of {codebook.name[:80]} lies a number of more "
                "than 61 significant bits; use 'table' or a directed mode"
            )
        complete = policy._replace(nan=_canonical_nan(codebook, policy.nan), via=canonical_via(policy.via))
        mode, codes = None if rounding == "table" else rounding, _nan_codes(codebook, complete.nan)
        made = cls._intern(codebook, complete, lambda: codebook._book.encoder(mode, *codes, complete.via is not None))
        return cast(CodebookCodec, made)

    @property
    def format(self) -> Codebook:  # type: ignore[override]  # it stands where a format stands
        """The codebook."""
        return cast(Codebook, self._format)


# -- NaN


def _canonical_nan(codebook: Codebook, nan: NanRule) -> NanRule:
    """The rule with ints for its codes, or an error that says which rules there are."""
    allowed = "a codebook can honour 'max', 'zero', a code that a level has, or a pair of such codes"
    if nan is None or nan == "max":
        return None
    if isinstance(nan, str):
        if nan != "zero":
            raise ValueError(f"nan={nan!r}: {allowed}")
        return nan
    given = nan_as_given(nan, allowed)
    for number in given if isinstance(given, tuple) else (given,):
        if number not in codebook._contents.codes:
            raise ValueError(f"nan={number:#x}: {allowed}")
    return given


def _nan_codes(codebook: Codebook, rule: NanRule) -> tuple[int, int]:
    if isinstance(rule, tuple):
        return rule
    if isinstance(rule, int):
        return rule, rule
    levels, codes, _ = codebook._contents
    if rule is None:
        return codes[-1], codes[-1]
    # Magnitudes have the order of their bits.
    nearest = min(range(len(levels)), key=lambda i: (levels[i] & 0x7FFFFFFF, levels[i] >> 31))
    return codes[nearest], codes[nearest]


_named_by_contents: dict[Contents, Codebook] = {}
codebooks: Mapping[str, Codebook] = MappingProxyType({})


def _load_table() -> dict[str, Codebook]:
    table = {}
    for name, book, _ in _core.codebooks():
        contents = contents_of(book)
        _named_by_contents[contents] = table[name] = Codebook._intern(contents, book, name)
    return table


codebooks = MappingProxyType(_load_table())
