"""Formats, codebooks and codecs from whatever a caller names them by."""

from __future__ import annotations

from functools import lru_cache

from halfulp._codebook import Codebook, codebooks
from halfulp._codec import Codec, policy_from_text
from halfulp._format import Format


def from_text(text: str) -> Format | Codebook | Codec:
    """A format or codebook, or a codec of it where the text has policy fields (``;``)."""
    head = text.partition(";")[0]
    target = Codebook(head) if head in codebooks or head.startswith("codebook:") else Format(head)
    return target.codec(**policy_from_text(text)) if ";" in text else target


def as_codec(format: Format | Codebook | Codec | str, **policy: object) -> Codec:
    """A codec from a format or codebook (object or text) and a policy, or a codec as it is."""
    given = tuple((word, type(value), value) for word, value in policy.items() if value is not None)
    try:
        return _as_codec(format, given)
    except TypeError:  # the key may be unhashable; what is truly wrong is wrong again
        return _as_codec.__wrapped__(format, given)


@lru_cache(maxsize=16)
def _as_codec(format: Format | Codebook | Codec | str, given: tuple[tuple[str, type, object], ...]) -> Codec:
    target = from_text(format) if isinstance(format, str) else format
    if isinstance(target, Codec):
        if given:
            words = ", ".join(word for word, _, _ in given)
            raise TypeError(f"{words}: the codec {target!r} already has a policy; pass its .format instead")
        return target
    if not isinstance(target, (Format, Codebook)):
        raise TypeError(f"format must be a Format, a Codebook, a Codec or text such as 'float8_e4m3fn', not {format!r}")
    return target.codec(**{word: value for word, _, value in given})  # type: ignore[arg-type]
