"""`Format`: a number format as an immutable value, with everything that follows from its parameters."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from halfulp import _core
from halfulp._interning import interning
from halfulp._parameters import Parameters, checked_name, finite_codes, layout, parameters, read
from halfulp._target import Target
from halfulp._usual import power_of_two

if TYPE_CHECKING:
    from halfulp._codec import Codec, NanRule

_CODE_DTYPES: dict[int, np.dtype[Any]] = {size: np.dtype(f"u{size}") for size in (1, 2, 4, 8)}


class Format(Target):
    """A number format: how many bits, what they mean.

    Parameters
    ----------
    exponent_bits : int or str
        Width of the exponent field, 0 to 11; or the whole format as text, such as ``"float8_e4m3fn"`` or
        ``"e5m3:bias=15:ieee"`` (further fields: ``unsigned``, ``nozero``, ``name=...``).
    mantissa_bits : int
        Width of the trailing significand field, 0 to 52. The hidden bit is not counted.
    bias : int, optional
        Exponent bias. Default: ``2**(exponent_bits-1) - 1``, one more for ``fnuz`` and the P3109 formats, and
        without an exponent field the one that makes the last place 1.
    specials : str
        ``"ieee"`` (all-ones exponent is Inf and NaN), ``"fn"`` (only the all-ones magnitude is NaN, no Inf),
        ``"fnuz"`` (NaN in the place of -0, no Inf), ``"finite"`` (neither), ``"p3109_e"``, ``"p3109_f"``
        (IEEE P3109, with and without Inf), ``"integer"`` (two's complement, ``exponent_bits=0``).
    signed : bool
    has_zero : bool
        False for unsigned formats such as E8M0, where exponent field 0 is one more binade of normal numbers.
    name : str, optional

    Raises
    ------
    ValueError
        If the parameters contradict each other, or if some value would not be a binary64 number.

    Notes
    -----
    Formats are interned: equal parameters give the same object. They are immutable, hashable and picklable.

    Examples
    --------
    >>> import halfulp as hu
    >>> f = hu.Format(5, 3, bias=15, specials="ieee")
    >>> f.bits, f.max, f.min_subnormal
    (9, 61440.0, 7.62939453125e-06)
    >>> hu.Format("e5m3:bias=15:ieee") is f
    True
    >>> hu.Format(4, 3, specials="fn") is hu.float8_e4m3fn
    True
    """

    __slots__ = ("_dtype", "_layout", "_name", "_parameters")

    _interned: ClassVar[weakref.WeakValueDictionary[tuple[Parameters, str | None], Format]] = (
        weakref.WeakValueDictionary()
    )

    _parameters: Parameters
    _layout: _core.Layout
    _name: str | None
    _dtype: np.dtype[Any]

    def __new__(
        cls,
        exponent_bits: int | str | Format,
        mantissa_bits: int | None = None,
        bias: int | None = None,
        specials: str = "ieee",
        signed: bool = True,
        has_zero: bool = True,
        name: str | None = None,
    ) -> Format:
        if isinstance(exponent_bits, str):
            if (mantissa_bits, bias, specials, signed, has_zero, name) != (None, None, "ieee", True, True, None):
                raise TypeError("Format: a format given as text takes no further arguments")
            return cls._from_text(exponent_bits)
        if isinstance(exponent_bits, Format):
            return exponent_bits
        complete = parameters(exponent_bits, mantissa_bits, bias, specials, signed, has_zero)
        return cls._intern(complete, checked_name(name))

    @classmethod
    def _from_text(cls, text: str) -> Format:
        named = formats.get(text)
        if named is not None:
            return named
        arguments = read(text)
        if arguments is None:
            if text in (books := _codebook_names()):
                raise ValueError(
                    f"Format: {text!r} is a codebook, halfulp.Codebook({text!r}); what is wanted is a format"
                )
            raise ValueError(
                f"Format: {text[:80]!r} is neither a named format ({', '.join(formats)}) "
                f"nor text such as 'e5m3:bias=15:ieee' (nor a codebook: {', '.join(books)})"
            )
        return cls(**arguments)

    @classmethod
    def _intern(cls, key: Parameters, name: str | None) -> Format:
        with interning:
            named = _named_by_parameters.get(key)
            if named is not None and name in (None, named.name):
                return named
            if name is not None and (name in formats or name in _core.specials() or name in _codebook_names()):
                raise ValueError(f"Format: the name {name!r} is taken; choose another, or leave name= out")
            found = cls._interned.get((key, name))
            if found is not None:
                return found
            self = object.__new__(cls)
            self._fill(_layout=layout(key), _parameters=key, _name=name)
            cls._interned[(key, name)] = self
            return self

    # -- parameters

    @property
    def name(self) -> str:
        """The format's name; its text if it was given none."""
        return self._name if self._name is not None else self.text

    @property
    def text(self) -> str:
        """The format as text: `Format(f.text) is f`."""
        p = self._parameters
        if self._name is not None and _named_by_parameters.get(p) is self:
            return self._name
        return p.text if self._name is None else f"{p.text}:name={self._name}"

    @property
    def exponent_bits(self) -> int:
        """Width of the exponent field in bits."""
        return self._parameters.exponent_bits

    @property
    def mantissa_bits(self) -> int:
        """Width of the trailing significand field in bits."""
        return self._parameters.mantissa_bits

    @property
    def bias(self) -> int:
        """Exponent bias."""
        return self._parameters.bias

    @property
    def specials(self) -> str:
        """What the codes at the ends of the range stand for."""
        return self._parameters.specials

    @property
    def signed(self) -> bool:
        """Whether negative numbers have codes."""
        return self._parameters.signed

    @property
    def has_zero(self) -> bool:
        """Whether zero has a code."""
        return self._parameters.has_zero

    # -- derived

    @property
    def kind(self) -> Literal["float", "integer"]:
        """`"integer"` for two's complement formats, else `"float"`."""
        return "integer" if self.specials == "integer" else "float"

    @property
    def bits(self) -> int:
        """Width of a code."""
        return self._layout.bits

    @property
    def precision(self) -> int:
        """Significant bits of a normal number, the hidden bit included (p of IEEE 754-2019 clause 3.3)."""
        return self._layout.precision

    @property
    def has_inf(self) -> bool:
        """Whether infinity has a code."""
        return self._layout.has_inf

    @property
    def has_nan(self) -> bool:
        """Whether NaN has a code."""
        return self._layout.has_nan

    @property
    def has_negative_zero(self) -> bool:
        """Whether -0 has a code of its own."""
        return self._layout.has_negative_zero

    @property
    def has_subnormals(self) -> bool:
        """Whether there are subnormal numbers (not without an exponent field)."""
        return self._layout.has_subnormals

    @property
    def code_dtype(self) -> np.dtype[Any]:
        """The NumPy dtype of codes: uint8, uint16, uint32 or uint64."""
        return _CODE_DTYPES[self._layout.code_bytes]

    @property
    def value_dtype(self) -> np.dtype[Any]:
        """The NumPy dtype that `decode` gives: float32 if it holds every value, else float64."""
        return np.dtype(np.float32 if self._layout.fits_binary32 else np.float64)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The format as a NumPy dtype, made on first use; NumPy's own for float16/32/64 and int8/uint8.

        Examples
        --------
        >>> import numpy as np, halfulp as hu
        >>> x = np.array([0.1, 2.5, 30], dtype=hu.float8_e4m3fn)
        >>> (x * 2).dtype, (x * 2).astype(np.float32).tolist()
        (halfulp.float8_e4m3fn, [0.203125, 5.0, 60.0])
        >>> x.dtype is hu.float8_e4m3fn.dtype
        True
        """
        try:
            return self._dtype
        except AttributeError:
            from halfulp._dtype import dtype_of

            dtype = dtype_of(self)
            object.__setattr__(self, "_dtype", dtype)
            return dtype

    __numpy_dtype__ = dtype

    def _value(self, code: int) -> float:
        from halfulp._codec import widen

        return float(widen(self.decode(self.code_dtype.type(code))))

    @property
    def max(self) -> float:
        """The largest finite value."""
        return self._value(self._layout.max_code)

    @property
    def min(self) -> float:
        """The lowest finite value: the most negative one, or the smallest of an unsigned format."""
        if not self.signed:
            return self._value(0)
        return self._value(self._layout.sign_bit) if self.kind == "integer" else -self.max

    @property
    def min_normal(self) -> float:
        """The smallest positive normal number; without an exponent field, the smallest positive number.

        Where every number is subnormal (``e1m2:bias=1:ieee``), it is none of the format but what the smallest normal
        one would be, inf for 2**1024.
        """
        return power_of_two(self._layout.min_normal_exponent)

    @property
    def min_subnormal(self) -> float:
        """The smallest positive number."""
        return self._value(1) if self.has_zero else self._value(0)

    @property
    def eps(self) -> float:
        """The distance from 1 to the next larger number.

        Where 1 or that number is none of the format, the last place that 1 would have: ``2**-mantissa_bits``, but not
        less than the last place of the smallest numbers, which without an exponent field is that of all.
        """
        return power_of_two(self._layout.eps_exponent)

    @property
    def code_of_nan(self) -> int | None:
        """The canonical NaN code, or None."""
        return self._layout.nan_code if self.has_nan else None

    @property
    def code_of_inf(self) -> int | None:
        """The code of +Inf, or None."""
        return self._layout.inf_code if self.has_inf else None

    @property
    def code_of_max(self) -> int:
        """The code of the largest finite value."""
        return self._layout.max_code

    def values(self) -> npt.NDArray[Any]:
        """Every finite value, ascending, each once (so one zero), in `value_dtype`.

        Raises
        ------
        ValueError
            For formats of more than 16 bits.

        Examples
        --------
        >>> import halfulp as hu
        >>> hu.float4_e2m1fn.values()[8:]
        array([0.5, 1. , 1.5, 2. , 3. , 4. , 6. ], dtype=float32)
        """
        if self.bits > 16:
            raise ValueError(f"{self.name}.values(): 2**{self.bits} values; decode the codes you need instead")
        values: npt.NDArray[Any] = self.decode(finite_codes(self._layout, self.kind == "integer"))
        return values

    # -- conversions

    def _decoder(self) -> _core.Decoder:
        return _core.Decoder(self._layout)

    def _default_encoder(self) -> _core.Encoder:
        from halfulp._codec import default_encoder

        return default_encoder(self)

    def codec(
        self,
        rounding: str = "nearest_even",
        overflow: str = "default",
        nan: NanRule = None,
        subnormals: str = "gradual",
        via: Format | str | None = None,
        random_bits: int | None = None,
    ) -> Codec:
        """This format with a conversion policy.

        Parameters
        ----------
        rounding : str
            One of `halfulp.roundings`. The stochastic modes are those of IEEE P3109; `encode` and `round` then take
            random integers as a second operand.
        overflow : {"default", "saturate", "saturate_keep_inf"}
            What a number becomes whose rounded value exceeds the maximum. ``default``: Inf, or NaN in formats
            without Inf, or the largest finite in formats with neither. ``saturate``: the largest finite, for Inf
            too. ``saturate_keep_inf``: the largest finite, but Inf stays Inf where the format has it.
        nan : {"keep_sign", "canonical", "keep_payload", "max", "zero"}, int, or pair of int
            What a NaN input becomes; an int is that very code, a pair the codes for +NaN and -NaN. Default:
            ``keep_sign``; in formats without NaN ``max`` for floats and ``zero`` for integers. (A number that
            overflows to NaN becomes the canonical one with the number's sign, where NaN has one, whatever this says.)
        subnormals : {"gradual", "flush_output", "flush_tiny", "flush_input"}
        via : float32, optional
            First round to this format, nearest even: the double rounding some libraries really do.
        random_bits : int, 1 to 32
            How many bits these integers have. For the stochastic modes, and only for them.

        Returns
        -------
        Codec

        Raises
        ------
        ValueError
            For an unknown word, or a rule this format cannot honour.

        Examples
        --------
        >>> import halfulp as hu
        >>> c = hu.float8_e4m3fn.codec(rounding="toward_zero", overflow="saturate")
        >>> [hex(code) for code in c.encode([1.9, 1e6, float("inf")])]
        ['0x3f', '0x7e', '0x7e']
        """
        from halfulp._codec import Codec

        return Codec._make(self, rounding, overflow, nan, subnormals, via, random_bits)


_named_by_parameters: dict[Parameters, Format] = {}
formats: Mapping[str, Format] = MappingProxyType({})


def _codebook_names() -> list[str]:
    return [name for name, _, _ in _core.codebooks()]


def _load_table() -> dict[str, Format]:
    table = {}
    for row in _core.formats():
        name, key = row[0], Parameters(*row[1:7])
        _named_by_parameters[key] = table[name] = Format._intern(key, name)
    return table


formats = MappingProxyType(_load_table())
