"""`Codec`: a format with a conversion policy, and the ufuncs that carry it out."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from halfulp import _core
from halfulp._format import Format, formats
from halfulp._interning import interning
from halfulp._parameters import integer_between
from halfulp._target import Target

NanRule = str | int | tuple[int, int] | None

roundings: tuple[str, ...] = _core.roundings()
"""The rounding modes, as `Format.codec` takes them."""


class Policy(NamedTuple):
    """How values become codes."""

    rounding: str = "nearest_even"
    overflow: str = "default"
    nan: NanRule = None
    subnormals: str = "gradual"
    via: str | None = None
    random_bits: int | None = None


_DEFAULT = Policy()


class Codec:
    """A format with a conversion policy. Made by `Format.codec`, interned, immutable, picklable.

    Examples
    --------
    >>> import halfulp as hu
    >>> c = hu.bfloat16.codec(rounding="to_odd")
    >>> c.round(1.00001)
    np.float64(1.0078125)
    >>> c is hu.bfloat16.codec(rounding="to_odd")
    True
    """

    __slots__ = ("__weakref__", "_encoder", "_format", "_policy", "_ufuncs")

    _default: ClassVar[Policy] = _DEFAULT
    _format: Format
    _policy: Policy
    _encoder: _core.Encoder
    _ufuncs: dict[str, np.ufunc]

    def __init__(self) -> None:
        raise TypeError("codecs are made by Format.codec(...)")

    @classmethod
    def _make(
        cls,
        format: Format,
        rounding: str,
        overflow: str,
        nan: NanRule,
        subnormals: str,
        via: Format | str | None,
        random_bits: int | None,
    ) -> Codec:
        for argument, word in (("rounding", rounding), ("overflow", overflow), ("subnormals", subnormals)):
            if not isinstance(word, str):
                raise TypeError(f"{argument} must be a string such as {getattr(_DEFAULT, argument)!r}, not {word!r}")
        rule = _canonical_nan(format, nan)
        policy = Policy(rounding, overflow, rule, subnormals, canonical_via(via), _random_bits(rounding, random_bits))
        return cls._intern(format, policy, lambda: _encoder(format, policy))

    @classmethod
    def _intern(cls, target: Target, policy: Policy, encoder: Callable[[], _core.Encoder]) -> Codec:
        with interning:
            found = target._codecs.get(policy)
            if found is not None:
                return found
            self = object.__new__(cls)
            object.__setattr__(self, "_format", target)
            object.__setattr__(self, "_policy", policy)
            object.__setattr__(self, "_encoder", encoder())
            object.__setattr__(self, "_ufuncs", {})
            target._codecs[policy] = self
            return self

    def __setattr__(self, attribute: str, value: object) -> None:
        raise AttributeError(f"codecs are immutable: cannot set {attribute}")

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return _rebuild, (self._format, *self._policy)

    def __copy__(self) -> Codec:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Codec:
        return self

    def __repr__(self) -> str:
        words = [f"{k}={v!r}" for k, v in self._policy._asdict().items() if v != getattr(self._default, k)]
        return f"{self._format!r}.codec({', '.join(words)})"

    @property
    def text(self) -> str:
        """The codec as text: the format's, then what differs from the default policy, separated by ``;``."""
        words = []
        for field, value in self._policy._asdict().items():
            if value != getattr(self._default, field):
                codes = value if isinstance(value, tuple) else (value,)
                shown = ",".join(map(hex, codes)) if field == "nan" and not isinstance(value, str) else value
                words.append(f"{field}={shown}")
        return ";".join([self._format.text, *words])

    @property
    def format(self) -> Format:
        """The format."""
        return self._format

    @property
    def rounding(self) -> str:
        """The rounding mode."""
        return self._policy.rounding

    @property
    def overflow(self) -> str:
        """What exceeds the maximum."""
        return self._policy.overflow

    @property
    def nan(self) -> NanRule:
        """What NaN becomes; None is the format's default."""
        return self._policy.nan

    @property
    def subnormals(self) -> str:
        """What becomes of subnormal numbers."""
        return self._policy.subnormals

    @property
    def via(self) -> Format | None:
        """The format the source is first rounded to, or None."""
        return None if self._policy.via is None else formats[self._policy.via]

    @property
    def random_bits(self) -> int | None:
        """How many bits the random integers of stochastic rounding have; None if the rounding is not stochastic."""
        return self._policy.random_bits

    @property
    def encode(self) -> np.ufunc:
        """Values to codes; of values and random integers if the rounding is stochastic."""
        return self._ufunc("encode")

    @property
    def decode(self) -> np.ufunc:
        """Codes to values: the format's own `decode`."""
        return self._format.decode

    @property
    def round(self) -> np.ufunc:
        """Values to the values of their codes; takes what `encode` takes."""
        return self._ufunc("round")

    def _ufunc(self, verb: str) -> np.ufunc:
        if self._policy == self._default:
            return self._format._ufunc(verb)
        made = self._ufuncs.get(verb)
        if made is not None:
            return made
        made = make_ufunc(verb, self, document(verb, self.text, self.random_bits), self._encoder)
        return self._ufuncs.setdefault(verb, made)


def _rebuild(format: Format, *policy: Any) -> Codec:
    return format.codec(*policy)


def canonical_via(via: Format | str | None) -> str | None:
    if via is None:
        return None
    name = via.text if isinstance(via, Format) else via
    if name != "float32":
        raise ValueError(f"via must be None or float32, not {via!r}")
    return "float32"


def _random_bits(rounding: str, bits: object) -> int | None:
    if rounding not in roundings:
        return None  # what is wrong is the rounding
    if not rounding.startswith("stochastic_"):
        if bits is not None:
            raise ValueError(f"random_bits={bits!r} is for the stochastic modes; rounding={rounding!r} takes none")
        return None
    if bits is None:
        raise ValueError(f"rounding={rounding!r} needs random_bits: how many bits its random integers have, 1 to 32")
    return integer_between("random_bits", bits, 1, 32)


def _canonical_nan(format: Format, nan: NanRule) -> NanRule:
    """The rule with ints for its codes, or an error that says which rules the format can honour."""
    if nan is None:
        return None
    able = list(map(repr, nan_rules(format)))
    allowed = f"{format.name} can honour {', '.join(able)}, a code, or a pair of codes"
    if isinstance(nan, str):
        if repr(nan) not in able:
            raise ValueError(f"nan={nan!r}: {allowed}")
        return None if nan == ("keep_sign" if format.has_nan else _default_without_nan(format)) else nan
    codes = nan_as_given(nan, allowed)
    for number in codes if isinstance(codes, tuple) else (codes,):
        if not 0 <= number < 2**format.bits:
            raise ValueError(f"nan={number:#x} is no code of {format.name}, which has {format.bits} bits")
    return codes


def nan_rules(format: Format) -> tuple[str, ...]:
    """The words for NaN that a format can honour."""
    if not format.has_nan:
        return "max", "zero"
    payload = format.specials == "ieee" and format.mantissa_bits >= 2
    return ("keep_sign", "canonical", "keep_payload") if payload else ("keep_sign", "canonical")


def _default_without_nan(format: Format) -> str:
    return "zero" if format.kind == "integer" else "max"


def nan_as_given(nan: Any, allowed: str) -> int | tuple[int, int]:
    """A NaN rule that is no word, as the code or the pair of codes that it must be."""

    def integer(code: object) -> int:
        try:
            if isinstance(code, (bool, np.bool_)):
                raise TypeError
            return operator.index(code)  # type: ignore[arg-type]
        except TypeError:
            raise TypeError(f"nan={code!r}: {allowed}") from None

    if not isinstance(nan, tuple | list):
        return integer(nan)
    if len(nan) != 2:
        raise ValueError(f"nan={nan!r}: a pair is the code for +NaN and the code for -NaN")
    return integer(nan[0]), integer(nan[1])


def _nan_codes(format: Format, rule: NanRule) -> tuple[int, int]:
    layout = format._layout
    if isinstance(rule, tuple):
        return rule
    if isinstance(rule, int):
        return rule, rule
    if not format.has_nan:
        word = rule or _default_without_nan(format)
        code = layout.max_code if word == "max" else 0
        return code, code
    code = layout.nan_code
    signed = layout.nan_has_sign and rule != "canonical"
    return code, code | layout.sign_bit if signed else code


def _encoder(format: Format, policy: Policy) -> _core.Encoder:
    return _core.Encoder(
        format._layout,
        policy.rounding,
        policy.overflow,
        policy.subnormals,
        *_nan_codes(format, policy.nan),
        policy.nan == "keep_payload",
        policy.via is not None,
        policy.random_bits or 0,
    )


def default_encoder(format: Format) -> _core.Encoder:
    """The encoder of the default policy."""
    return _encoder(format, _DEFAULT)


def make_ufunc(verb: str, owner: Target | Codec, doc: str, encoder: _core.Encoder) -> np.ufunc:
    """The ufunc of a codec, or of a format or codebook with the default policy."""
    target = owner if isinstance(owner, Target) else owner.format
    return _core.ufunc(verb, f"{owner.text}.{verb}", doc, encoder, target._decoder(), owner)


_DOCUMENTS = {
    "encode": """Codes of {name} for real values, each rounded once from its exact value.

Parameters
----------
x : array_like
    float16, float32, float64, longdouble, integer, bool or ml_dtypes array, or one of a format's dtype.

Returns
-------
ndarray of unsigned integers, or scalar

Raises
------
TypeError
    For other dtypes; halfulp.encode takes Fractions, Decimals, strings and objects.
""",
    "decode": """Values of codes of {name}, exactly.

Parameters
----------
codes : array_like of any integer dtype

Returns
-------
ndarray of float32 (float64 if float32 does not hold every value), or scalar

Raises
------
ValueError
    If a code has bits above the width of the format.
""",
    "round": """The values of {name} that real values are rounded to: decode(encode(x)).

Parameters
----------
x : array_like
    float16, float32, float64, longdouble, integer, bool or ml_dtypes array, or one of a format's dtype.

Returns
-------
ndarray of the smallest of float16, float32, float64, longdouble that holds the input dtype (integers count
as float64) and every value of the format, or scalar
""",
}


_RANDOM = """r : array_like of any integer dtype
    Random integers, 0 <= r < 2**{bits}, as halfulp.random_bits makes them, broadcast against x. Others raise
    ValueError.
"""


def document(verb: str, name: str, random_bits: int | None = None) -> str:
    """The docstring of a ufunc."""
    text = _DOCUMENTS[verb]
    if random_bits is not None:
        text = text.replace("\nReturns", _RANDOM.format(bits=random_bits) + "\nReturns")
    return text.format(name=name)


def policy_from_text(text: str) -> dict[str, Any]:
    """The words of a policy after the first ``;`` of a `Codec.text`."""
    words: dict[str, Any] = {}
    for field in text.split(";")[1:]:
        key, equals, value = field.partition("=")
        if not equals or key not in Policy._fields or key in words:
            raise ValueError(f"cannot read {field!r} in codec {text[:80]!r}; fields are {', '.join(Policy._fields)}")
        words[key] = value
    rule = words.get("nan", "")
    if re.fullmatch(r"0x[0-9a-fA-F]{1,16}(,0x[0-9a-fA-F]{1,16})?", rule):
        codes = tuple(int(code, 16) for code in rule.split(","))
        words["nan"] = codes if len(codes) == 2 else codes[0]
    bits = words.get("random_bits", "")
    if re.fullmatch("[0-9]{1,3}", bits):
        words["random_bits"] = int(bits)
    return words


def widen(values: Any) -> npt.NDArray[np.float64]:
    """Values as float64, exactly. NumPy's own cast would lose subnormals if the processor is set to flush them."""
    wide: npt.NDArray[np.float64] = formats["float64"].encode(np.asarray(values)).view(np.float64)
    return wide
