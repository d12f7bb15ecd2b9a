"""Formats and codecs from whatever a caller names them by."""

from __future__ import annotations

from halfulp._codec import Codec, codec_from_text
from halfulp._format import Format


def from_text(text: str) -> Format | Codec:
    """A format, or a codec where the text has policy fields (``;``)."""
    return codec_from_text(text) if ";" in text else Format(text)


def as_codec(format: Format | Codec | str, **policy: object) -> Codec:
    """A codec from a format (object or text) and a policy, or a codec as it is."""
    target = from_text(format) if isinstance(format, str) else format
    given = {k: v for k, v in policy.items() if v is not None}
    if isinstance(target, Codec):
        if given:
            raise TypeError(f"{', '.join(given)}: the codec {target!r} already has a policy; pass its .format instead")
        return target
    if not isinstance(target, Format):
        raise TypeError(f"format must be a Format, a Codec or text such as 'float8_e4m3fn', not {format!r}")
    return target.codec(**given)  # type: ignore[arg-type]
