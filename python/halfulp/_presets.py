"""Named vendor policies, each pinned to the version whose behaviour it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from halfulp._codec import Codec
from halfulp._format import Format
from halfulp._random import amd_random_bits, ptx_random_bits


@dataclass(frozen=True)
class Preset:
    """What one vendor's conversion does: call it with a format to get the codec.

    Examples
    --------
    >>> import halfulp as hu
    >>> cuda = hu.presets["cuda_satfinite"]
    >>> hex(cuda(hu.float4_e2m1fn).encode(float("nan")))
    '0x7'
    """

    name: str
    version: str
    source: str
    _make: Callable[[Format], Codec]

    def __call__(self, format: Format | str) -> Codec:
        """The codec of this vendor for a format.

        Raises
        ------
        ValueError
            If the vendor has no such conversion, or one that no policy can express.
        """
        target = Format(format) if isinstance(format, str) else format
        if not isinstance(target, Format):
            raise TypeError(f"{self.name}: format must be a Format or text such as 'float8_e4m3fn', not {format!r}")
        return self._make(target)


_CUDA_NAN = {"bfloat16": 0x7FFF, "float16": 0x7FFF, "float8_e4m3fn": 0x7F, "float8_e5m2": 0x7F}
_CUDA_WITHOUT_NAN = ("float6_e2m3fn", "float6_e3m2fn", "float4_e2m1fn")


def _cuda_satfinite(format: Format) -> Codec:
    if format.name in _CUDA_NAN:
        return format.codec(overflow="saturate", nan=_CUDA_NAN[format.name])
    if format.name in _CUDA_WITHOUT_NAN:
        return format.codec(overflow="saturate")
    if format.name in ("float8_e8m0fnu", "float8_e5m3fnu"):
        raise ValueError(
            f"cuda_satfinite: CUDA discards the sign when it converts to {format.name}; take np.abs(x) and "
            "codec(rounding='toward_positive' or the mode of your instruction, overflow='saturate')"
        )
    known = ", ".join([*_CUDA_NAN, *_CUDA_WITHOUT_NAN])
    raise ValueError(f"cuda_satfinite: CUDA has no saturating conversion to {format.name}, only to {known}")


def _ptx_rs(format: Format) -> Codec:
    bits = ptx_random_bits(format)
    overflow = "saturate" if format.bits <= 8 else "default"  # .satfinite is part of the x4 instructions
    return format.codec(rounding="stochastic_a", random_bits=bits, overflow=overflow, nan=_CUDA_NAN.get(format.name))


def _amd_sr(format: Format) -> Codec:
    return format.codec(rounding="stochastic_a", random_bits=amd_random_bits(format))


_ML_DTYPES = (
    "bfloat16", "float8_e5m2", "float8_e4m3fn", "float8_e4m3", "float8_e3m4", "float8_e4m3fnuz", "float8_e5m2fnuz",
    "float8_e4m3b11fnuz", "float6_e2m3fn", "float6_e3m2fn", "float4_e2m1fn",
)  # fmt: skip


def _ml_dtypes(format: Format) -> Codec:
    if format.name in _ML_DTYPES:
        # Its formats without NaN turn +NaN into -0 and -NaN into +0.
        nan = None if format.has_nan else (1 << (format.bits - 1), 0)
        return format.codec(nan=nan, via="float32")
    if format.name == "float8_e8m0fnu":
        raise ValueError(
            "ml_dtypes: its float8_e8m0fnu conversion turns 0 into NaN and misrounds below 2**-126, which no policy "
            "expresses; the nearest is codec(rounding='nearest_away')"
        )
    if format.name in ("int2", "int4", "uint2", "uint4"):
        raise ValueError(f"ml_dtypes: its {format.name} conversion wraps around instead of saturating; no policy does")
    raise ValueError(f"ml_dtypes: it has no conversion to {format.name} of its own, only to {', '.join(_ML_DTYPES)}")


presets: Mapping[str, Preset] = MappingProxyType(
    {
        preset.name: preset
        for preset in (
            Preset(
                "cuda_satfinite",
                "CUDA 13.5",
                "PTX ISA cvt.rn.satfinite; cuda_fp8.h, cuda_fp6.h, cuda_fp4.h from float and half",
                _cuda_satfinite,
            ),
            Preset(
                "ptx_rs",
                "PTX ISA 9",
                "cvt.rs.{f16x2,bf16x2}.f32 and cvt.rs.satfinite.*x4.f32, with halfulp.ptx_random for their rbits",
                _ptx_rs,
            ),
            Preset(
                "amd_sr",
                "HIP's software model of gfx942 and gfx950",
                "v_cvt_sr_fp8_f32, v_cvt_sr_bf8_f32 in range, with halfulp.amd_random for their seeds",
                _amd_sr,
            ),
            Preset("ml_dtypes", "ml_dtypes 0.6.0", "NumPy astype, all source types through float32", _ml_dtypes),
        )
    }
)
