"""`Target`: what a format and a codebook share. Both are immutable, have codes, and make ufuncs."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from halfulp import _core

if TYPE_CHECKING:
    from halfulp._codec import Codec


class Target:
    """What values are encoded to."""

    __slots__ = ("__weakref__", "_codecs", "_ufuncs")

    _ufuncs: dict[str, np.ufunc]
    _codecs: weakref.WeakValueDictionary[Any, Codec]

    def __setattr__(self, attribute: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__.lower()}s are immutable: cannot set {attribute}")

    def __delattr__(self, attribute: str) -> None:
        raise AttributeError(f"{type(self).__name__.lower()}s are immutable: cannot delete {attribute}")

    def _fill(self, **slots: object) -> None:
        """Set the slots of a new object, once."""
        for slot, value in slots.items():
            object.__setattr__(self, slot, value)
        object.__setattr__(self, "_ufuncs", {})
        object.__setattr__(self, "_codecs", weakref.WeakValueDictionary())

    def __reduce__(self) -> tuple[type[Target], tuple[str]]:
        return type(self), (self.text,)

    def __copy__(self) -> Target:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Target:
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text!r})"

    def __str__(self) -> str:
        return self.text

    # -- what each kind says for itself

    @property
    def name(self) -> str:
        """The name; the text if it was given none."""
        raise NotImplementedError

    @property
    def text(self) -> str:
        """The whole of it as text, from which it can be made again."""
        raise NotImplementedError

    @property
    def bits(self) -> int:
        """Width of a code."""
        raise NotImplementedError

    @property
    def code_dtype(self) -> np.dtype[Any]:
        """The NumPy dtype of codes: uint8, uint16, uint32 or uint64."""
        raise NotImplementedError

    @property
    def value_dtype(self) -> np.dtype[Any]:
        """The NumPy dtype that `decode` gives: float32 if it holds every value, else float64."""
        raise NotImplementedError

    def _decoder(self) -> _core.Decoder:
        raise NotImplementedError

    def _default_encoder(self) -> _core.Encoder:
        raise NotImplementedError

    # -- conversions

    @property
    def encode(self) -> np.ufunc:
        """Values to codes: `self.codec().encode`."""
        return self._ufunc("encode")

    @property
    def decode(self) -> np.ufunc:
        """Codes of any integer dtype to values in `value_dtype`; bits above the width raise ValueError."""
        return self._ufunc("decode")

    @property
    def round(self) -> np.ufunc:
        """Values to the values of their codes: `self.codec().round`."""
        return self._ufunc("round")

    def _ufunc(self, verb: str) -> np.ufunc:
        made = self._ufuncs.get(verb)
        if made is not None:
            return made
        from halfulp._codec import document, make_ufunc

        made = make_ufunc(verb, self, document(verb, self.name), self._default_encoder())
        return self._ufuncs.setdefault(verb, made)
