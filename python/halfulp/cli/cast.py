"""``halfulp cast``: write a file's weights in another format, as real codes."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import halfulp as hu
from halfulp.cli.arguments import FORMAT_EXAMPLE, add_policy, add_tensors, file_name, wanted
from halfulp.cli.ending import sigterm_as_ctrl_c
from halfulp.cli.measure import Overflow, absmax_scale, apply_scale, largest_magnitude
from halfulp.cli.table import Progress, progress, show_bytes
from halfulp.io import Outgoing, Tensor, TensorFile, open_tensors, write_safetensors
from halfulp.io.header import TAG_BITS
from halfulp.io.packed import Packed, packed_chunks
from halfulp.io.safetensors import TAG_OF_DTYPE, TAG_OF_FORMAT
from halfulp.io.tensor import Array, printable

HELP = "write a file's weights in another format"
DESCRIPTION = """\
Cast every float tensor of FILE (.safetensors, .npy, .npz) to one format and
write the codes to a safetensors file. Integers and booleans are copied."""
EPILOG = """\
what is written
  Formats safetensors has a dtype for (float64, float32, float16, bfloat16,
  float8_e4m3fn, float8_e5m2, float8_e4m3fnuz, float8_e5m2fnuz, float8_e8m0fnu,
  int8, uint8) are written with it, float4_e2m1fn, float6_e2m3fn and
  float6_e3m2fn as F4, F6_E2M3 and F6_E3M2 where a tensor fills whole bytes.
  Other codes of less than 8 bits are written without gaps, the first in the
  lowest bits, as U8 of as many bytes; all others one code per element, as U8,
  U16, U32 or U64. The metadata says how to read each back:
  halfulp.format, halfulp.policy (JSON),
  halfulp.version, and halfulp.tensors (JSON: per tensor its format, original
  dtype and scale, a hexadecimal float; value = decoded code / scale; where
  packed, the order as in halfulp.unpack and the shape). The input's own
  metadata is kept.

after an interruption
  The output appears when it is whole, and replaces an older one, or a link but
  not the file that it leads to. Until then it is .OUT.safetensors.partial
  beside it, which the same command with --resume continues, be it after a
  power cut. With --resume, Ctrl-C, SIGTERM and a full disk leave that file too;
  without, they leave nothing. What was left is checked first: if it is damaged,
  or the input or the options are not the same, the cast starts over.

reading it back
  halfulp.io.load("OUT.safetensors") gives a dictionary of decoded, unscaled
  float arrays, halfulp.load_safetensors("OUT.safetensors") the codes as arrays
  of the formats' dtypes; 'halfulp survey' and 'halfulp cast' read it as well.

--scale absmax is explained in 'halfulp survey --help'."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", metavar="FILE", help="the weights")
    parser.add_argument("--to", required=True, metavar="FORMAT", help=FORMAT_EXAMPLE)
    parser.add_argument(
        "-o", "--output", required=True, type=file_name, metavar="OUT.safetensors", help="the file to write"
    )
    parser.add_argument(
        "--scale", choices=("none", "absmax"), default="none", help="scale each tensor first (default: none)"
    )
    add_policy(parser)
    parser.add_argument(
        "--nan", metavar="RULE", help="keep_sign, canonical, keep_payload, max, zero, a code such as 0x7f, or 0x7f,0xff"
    )
    parser.add_argument(
        "--subnormals",
        default="gradual",
        metavar="RULE",
        help="gradual (default), flush_output, flush_tiny or flush_input",
    )
    add_tensors(parser, "cast only tensors with such names, copy the others")
    parser.add_argument("--resume", action="store_true", help="go on where the same cast was interrupted")
    parser.add_argument("--all", action="store_true", help="cast integers and booleans too")


def run(options: argparse.Namespace) -> None:
    """Cast and report."""
    fmt = hu.Format(options.to)
    policy = {
        "rounding": options.rounding,
        "overflow": options.overflow,
        "nan": options.nan,
        "subnormals": options.subnormals,
    }
    codec = fmt.codec(**(policy | {"nan": _nan_rule(options.nan)}))
    source, target = Path(options.file), Path(options.output)
    if target.suffix.lower() != ".safetensors":
        raise ValueError(f"{target}: --output is a safetensors file; let its name end in .safetensors")
    if not target.parent.is_dir() or target.is_dir():
        raise ValueError(f"{target}: --output cannot be written there; name a file in a folder that exists")
    if target.exists() and source.exists() and os.path.samefile(source, target):
        raise ValueError(f"{target}: is the input itself, and a cast cannot be undone; give --output another name")
    begun = time.perf_counter()
    origin = _origin(source) if source.exists() else ""  # before it is opened: what replaces it later is another
    with open_tensors(source) as file, sigterm_as_ctrl_c():
        job = Job(file, codec, policy, options)
        with progress("cast", sum(tensor.size for tensor in file.values())) as job.advance:
            kept, refused = write_safetensors(
                target, job.outgoing(), job.metadata(), resume=options.resume, origin=origin, counts=job.overflowed
            )
    before, after = source.stat().st_size, target.stat().st_size
    seconds = time.perf_counter() - begun
    print(
        f"{target}: {len(job.scales)} of {len(file)} tensors cast to {fmt.name}, "
        f"{show_bytes(before)} -> {show_bytes(after)} in {seconds:.2g} s"
    )
    if not job.scales:
        print("None of them are floats; --all casts integers and booleans too.")
    if kept:
        print(f"{show_bytes(kept)} of it were there from the interrupted cast.")
    if refused:
        print(f"It was cast from the start: an interrupted cast had left something, but {refused}.")
    if overflowed := sum(job.overflowed.values()):
        what = "weight lies" if overflowed == 1 else "weights lie"
        print(f"{overflowed:,} {what} beyond the format's largest value, {fmt.max:g}; there, {_fate(codec)}.")


def _origin(source: Path) -> str:
    """The input as it is now: a changed one is not continued."""
    now = source.stat()
    times = [now.st_mtime_ns, now.st_ctime_ns]  # the second changes even where tools put the first back
    return json.dumps([os.fspath(source.resolve()), now.st_dev, now.st_ino, now.st_size, *times])


def _nan_rule(text: str | None) -> str | int | tuple[int, int] | None:
    """A rule's name, or a code written as a number, or two of them."""
    try:
        codes = [] if text is None else [int(code, 0) for code in text.split(",")]
    except ValueError:
        return text
    if len(codes) == 2:
        return codes[0], codes[1]
    return codes[0] if len(codes) == 1 else text


def _fate(codec: hu.Codec) -> str:
    """What becomes of numbers that are too large, found by trying."""
    largest = np.finfo(np.float64).max
    results = [float(value) for value in hu.decode(codec.encode(np.array([largest, -largest])), codec.format)]
    shown = " or ".join(dict.fromkeys(f"{value:g}" for value in results))
    cure = "" if np.isfinite(results).all() else " (see --overflow saturate)"
    return f"casting gives {shown}{cure}"


class Job:
    """One cast of one file: which tensors, how scaled, and how it goes."""

    def __init__(self, file: TensorFile, codec: hu.Codec, policy: dict[str, Any], options: argparse.Namespace) -> None:
        self.file, self.codec, self.policy = file, codec, policy
        self.tag = TAG_OF_FORMAT.get(codec.format.name, f"U{8 * codec.format.code_dtype.itemsize}")
        self.overflow = Overflow(codec.format, options.rounding)
        self.overflowed: dict[str, int] = {}  # by the tensor's name, where there are any
        self.advance: Progress = lambda done: None
        self.scales = {}
        for tensor in file.values():
            if (tensor.is_float or options.all) and wanted(tensor.name, options.tensors):
                absmax = options.scale == "absmax"
                self.scales[tensor.name] = _absmax(tensor, codec.format) if absmax else 1.0
        if options.tensors and not any(wanted(name, options.tensors) for name in file):
            raise ValueError(
                f"{file.path}: no tensor is called {options.tensors!r}; see its names with survey --per-tensor"
            )

    def outgoing(self) -> list[Outgoing]:
        """The tensors of the new file, in the order of the old one."""
        return [self._cast(t) if t.name in self.scales else self._copy(t) for t in self.file.values()]

    def metadata(self) -> dict[str, str]:
        """The old file's metadata, and how to read the codes back."""
        fmt = self.codec.format
        notes = {}
        for name, tensor in self.file.items():
            if name in self.scales:
                scale = self.scales[name]
                notes[name] = _note(fmt, tensor, scale, fmt.bits < 8)
            elif tensor.format is not None:  # codes of an earlier cast, copied: their key must come along
                notes[name] = _note(tensor.format, tensor, tensor.scale, tensor.packed_bits > 0)
        kept = {key: text for key, text in self.file.metadata.items() if not key.startswith("halfulp.")}
        return kept | {
            "halfulp.version": hu.__version__,
            "halfulp.format": fmt.text,
            "halfulp.policy": json.dumps(self.policy),
            "halfulp.tensors": json.dumps(notes),
        }

    def _cast(self, tensor: Tensor) -> Outgoing:
        scale = self.scales[tensor.name]
        limit = min(self.overflow.above[0], self.overflow.below[0])
        flushes = self.policy["subnormals"] == "flush_input" and tensor.is_float

        def chunks() -> Iterator[Array]:
            count = 0
            for values in tensor.chunks():
                scaled = apply_scale(_flush(tensor, values) if flushes else values, scale)
                if largest_magnitude(scaled) >= limit:
                    wide = scaled.astype(np.float64)
                    count += self.overflow.count(wide[np.isfinite(wide)])
                    self.overflowed[tensor.name] = count
                yield self.codec.encode(scaled)
                self.advance(values.size)

        fmt = self.codec.format
        return _packed(tensor, fmt, chunks) if fmt.bits < 8 else Outgoing(tensor.name, self.tag, tensor.shape, chunks)

    def _copy(self, tensor: Tensor) -> Outgoing:
        tag = tensor.tag if tensor.tag in TAG_BITS else TAG_OF_DTYPE.get(tensor.stored.newbyteorder("<"))
        if tag is None:
            next(tensor.stored_chunks())  # says why it cannot be read
            raise ValueError(f"{tensor.path}: tensor '{printable(tensor.name)}' cannot be copied")

        def chunks() -> Iterator[Array]:
            for stored in tensor.source(1 << 16):
                yield stored
                self.advance(stored.size)

        if tensor.packed_bits and tensor.format is not None:
            return _packed(tensor, tensor.format, chunks)
        return Outgoing(tensor.name, tag, tensor.shape, chunks)


def _packed(tensor: Tensor, fmt: hu.Format, codes: Callable[[], Iterator[Array]]) -> Outgoing:
    """Codes of less than a byte, without gaps."""
    how = Packed.of(fmt, tensor.shape)
    return Outgoing(tensor.name, how.tag, how.stored_shape, lambda: packed_chunks(codes(), fmt.bits, how.order))


def _note(fmt: hu.Format, tensor: Tensor, scale: float, packed: bool) -> dict[str, object]:
    """How one tensor's codes become values again."""
    note: dict[str, object] = {"format": fmt.text, "dtype": tensor.dtype_name, "scale": scale.hex()}
    return note | (Packed.of(fmt, tensor.shape).note(tensor.shape) if packed else {})


def _flush(tensor: Tensor, values: Array) -> Array:
    """Zeros for what is subnormal in the file. Neither decoded codes nor scaled values are so any more."""
    own = tensor.format
    smallest = float(np.finfo(values.dtype).tiny) if own is None else own.min_normal if own.has_subnormals else 0.0
    return np.where(np.abs(values) < smallest, np.copysign(values.dtype.type(0), values), values)


def _absmax(tensor: Tensor, fmt: hu.Format) -> float:
    return absmax_scale(fmt, max((largest_magnitude(chunk) for chunk in tensor.chunks()), default=0.0))
