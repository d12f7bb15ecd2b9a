"""What is timed: each conversion as halfulp, NumPy, ml_dtypes and torch spell it, all into a given result."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import halfulp as hu
import numpy as np
from halfulp import _core

from benchmarks import limit
from benchmarks.timing import Repeated, repeated

Array = np.ndarray[Any, Any]
SIZES = {"small": 4 << 10, "medium": 256 << 10, "large": 64 << 20}
FORMATS = ("float8_e4m3fn", "float8_e5m2", "bfloat16", "float16", "float4_e2m1fn", "int8", "nf4")
PACKED = ("float4_e2m1fn", "int4", "nf4")
PEERS = ("numpy", "ml_dtypes", "torch", "bitsandbytes")
BLOCK = 64  # of bitsandbytes
ROUNDED = ("bfloat16", "float8_e4m3fn")
NUMPY_TYPES = {"float16": np.float16, "int8": np.int8}
HALFULP, LOOP = "halfulp", "loop "


@dataclass(frozen=True)
class Conversion:
    """A method of a format; `real` is the float on the other side, or on both of `round`."""

    format: str
    real: str
    verb: Literal["encode", "decode", "round"]
    packed: bool = False

    @property
    def name(self) -> str:
        """How the tables call it."""
        codes = f"packed {self.format}" if self.packed else self.format
        match self.verb:
            case "encode":
                return f"{self.real} -> {codes}"
            case "decode":
                return f"{codes} -> {self.real}"
            case "round":
                return f"{self.real} rounded to {self.format}"


def conversions(formats: tuple[str, ...]) -> list[Conversion]:
    """Float32 to every format and back, float64 to the first, rounding in place, and codes packed in between."""
    there = [Conversion(name, "float32", "encode") for name in formats]
    back = [Conversion(name, "float32", "decode") for name in formats]
    rounded = [Conversion(name, "float32", "round") for name in formats if name in ROUNDED]
    packed = [
        Conversion(name, "float32", verb, packed=True)
        for verb in ("encode", "decode")
        for name in PACKED
        if name in formats or name == "int4"
    ]
    return [*there, Conversion(formats[0], "float64", "encode"), *back, *rounded, *packed]


def optional(name: str) -> ModuleType | None:
    """A peer, if it is installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


class Data:
    """The arrays of one conversion at one size: random normal numbers, and the codes of them."""

    def __init__(self, conversion: Conversion, count: int) -> None:
        self.conversion, self.count = conversion, count
        self.format = target(conversion.format)
        self.encoder, self.decoder = self.format.codec()._encoder, self.format._decoder()
        rng = np.random.default_rng(20261121)
        self.reals = limit.aligned(count, conversion.real)
        self.codes = limit.aligned(count // 2 if conversion.packed else count, self.format.code_dtype)
        step = 1 << 20
        for start in range(0, count, step):
            part = self.reals[start : start + step]
            part[:] = rng.standard_normal(part.size, np.float32)
        self._encode()
        source, result = (self.codes, self.reals) if conversion.verb == "decode" else (self.reals, self.codes)
        self.source = source
        self.result = limit.aligned(count, conversion.real) if conversion.verb == "round" else result

    def _encode(self) -> None:
        if self.conversion.packed:
            _core.encode_packed(self.encoder, "low_first", self.reals, 1, self.codes)
        else:
            self.format.encode(self.reals, out=self.codes)

    def _decode(self) -> None:
        if self.conversion.packed:
            _core.decode_packed(self.decoder, "low_first", self.codes, 1, self.reals)
        else:
            self.format.decode(self.codes, out=self.reals)

    def contenders(self) -> dict[str, Repeated]:
        """Every way to do it, by name; the loops first."""
        source, result = self.source, self.result
        found: dict[str, Repeated] = {LOOP + k: run for k, run in limit.loops(source, result).items()}
        verb = getattr(self.format, self.conversion.verb)
        ours = {"encode": self._encode, "decode": self._decode, "round": self._encode}
        found[HALFULP] = repeated(
            ours[self.conversion.verb] if self.conversion.packed else lambda: verb(source, out=result)
        )
        if self.conversion.verb == "round":  # which no peer does in one call
            return found
        peers = (self._numpy, self._ml_dtypes, self._torch)
        if self.conversion.packed:
            peers = (None, None, None, self._bitsandbytes)
        for name, peer in zip(PEERS, peers, strict=False):
            if peer is None:
                continue
            run = peer()
            if run is not None:
                found[name] = run
        return found

    def _copies(self, dtype: Any) -> Repeated:
        typed = self.codes.view(dtype)
        a, b = (self.reals, typed) if self.conversion.verb == "encode" else (typed, self.reals)
        return repeated(lambda: np.copyto(b, a, casting="unsafe"))

    def _numpy(self) -> Repeated | None:
        dtype = NUMPY_TYPES.get(self.conversion.format)
        return None if dtype is None else self._copies(dtype)

    def _ml_dtypes(self) -> Repeated | None:
        dtype = getattr(optional("ml_dtypes"), self.conversion.format, None)
        return None if dtype is None else self._copies(dtype)

    def _torch(self) -> Repeated | None:
        torch = optional("torch")
        dtype = getattr(torch, self.conversion.format, None)
        if torch is None or dtype is None:
            return None
        torch.set_num_threads(1)
        storage = {1: np.uint8, 2: np.int16}[self.codes.itemsize]
        typed = torch.from_numpy(self.codes.view(storage)).view(dtype)
        reals = torch.from_numpy(self.reals)
        a, b = (reals, typed) if self.conversion.verb == "encode" else (typed, reals)
        return repeated(lambda: b.copy_(a))

    def _bitsandbytes(self) -> Repeated | None:
        """With the scaling of blocks by their largest magnitude, which its functions always do, and a fresh result."""
        bitsandbytes, torch = optional("bitsandbytes"), optional("torch")
        if bitsandbytes is None or torch is None or self.conversion.format != "nf4":
            return None
        torch.set_num_threads(1)
        functional = bitsandbytes.functional
        reals = torch.from_numpy(self.reals)
        codes, state = functional.quantize_4bit(reals, blocksize=BLOCK, quant_type="nf4")
        if self.conversion.verb == "encode":
            return repeated(lambda: functional.quantize_4bit(reals, blocksize=BLOCK, quant_type="nf4"))
        return repeated(lambda: functional.dequantize_4bit(codes, state))


def target(name: str) -> hu.Format | hu.Codebook:
    """The named format or codebook."""
    return hu.codebooks[name] if name in hu.codebooks else hu.formats[name]


def check(formats: tuple[str, ...]) -> None:
    """Fail if ours and ml_dtypes' codes of the benchmark's own data differ."""
    ml_dtypes = optional("ml_dtypes")
    for name in formats:
        dtype = getattr(ml_dtypes, name, NUMPY_TYPES.get(name))
        if dtype is None or name == "int8":  # NumPy's cast to int8 truncates
            continue
        data = Data(Conversion(name, "float32", "encode"), SIZES["medium"])
        peer = data.reals.astype(dtype).view(data.codes.dtype)
        if not np.array_equal(peer, data.codes):
            raise AssertionError(f"{name}: codes differ from the peer's")
