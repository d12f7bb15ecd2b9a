"""``halfulp survey``: how well each format would hold the weights of a file, in one screen."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import halfulp as hu
from halfulp.cli import plot, report, sample
from halfulp.cli.arguments import add_policy, add_tensors, file_name, wanted
from halfulp.cli.measure import Block, Gauge, Tally, absmax_scale, largest_magnitude
from halfulp.cli.report import Survey
from halfulp.cli.table import Progress, progress
from halfulp.io import Tensor, TensorFile, open_tensors
from halfulp.io.tensor import printable

DEFAULT_FORMATS = (
    "bfloat16", "float16", "float8_e4m3fn", "float8_e5m2",
    "float6_e2m3fn", "float6_e3m2fn", "float4_e2m1fn", "int8", "int4",
)  # fmt: skip
HELP = "what each format would do to the weights in a file"
DESCRIPTION = """\
Round every float tensor of FILE (.safetensors, .npy, .npz) to each format and
report the damage. Without FILE, survey the shipped digit classifier and show
its test accuracy in each format."""
EPILOG = f"""\
default formats
  {", ".join(DEFAULT_FORMATS[:5])},
  {", ".join(DEFAULT_FORMATS[5:])}

columns
  bits       bits per weight: codes packed densely, plus 32 bits per tensor for
             an absmax scale
  SQNR dB    10 log10(sum of x^2 / sum of error^2), higher is better; 'exact'
             without any error, -inf if a finite weight became infinite or NaN
  max err    the largest |error|, in units of the weights
  in ulp     the largest error in ulps of the format: the distance between its
             values in the binade of the exact x (at least its subnormals', at
             most its last binade's); at most 0.5 when rounding to nearest
  saturated  share of weights that round beyond the format's largest value
  to zero    share of weights that are not zero and become zero
  NaN        share of finite weights that become NaN
NaN and infinite weights are counted apart, in a line below the table. Squares
are summed in binary64 within 65,536 weights, and those sums added exactly: the
relative error stays below 1e-11.

absmax scale
  Per tensor, scale = the format's maximum / the largest finite |x|, divided in
  binary64, rounded to a normal float32, down if the largest weight would exceed
  the maximum otherwise. x * scale is formed in binary64 (exact for
  float32 and narrower) and rounded once, to the format; errors are divided by
  the scale again.

plot
  Left, how many weights have which magnitude, over the format's values; what
  lies in orange becomes zero, what lies in red is beyond the maximum. With a
  scale, magnitudes are those after it, relative to the format's maximum.
  Right, how many weights suffer which relative error; 0 stands for all of the
  weight. Of the sample, the scaled weights are drawn.

In JSON, numbers that JSON cannot write are the strings "Infinity" and
"-Infinity", and null where undefined."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", nargs="?", metavar="FILE", help="the weights (default: the shipped sample)")
    parser.add_argument("--formats", metavar="A,B,...", help="formats to try (default: see below)")
    parser.add_argument(
        "--scale",
        choices=("none", "absmax"),
        help="scale each tensor first (default: none; both for the sample)",
    )
    add_policy(parser)
    add_tensors(parser, "survey only tensors with such names")
    parser.add_argument("--per-tensor", action="store_true", help="a table for every tensor too")
    parser.add_argument(
        "--plot", type=file_name, metavar="PICTURE", help="draw it too: a .png, .svg or .pdf (needs matplotlib)"
    )
    parser.add_argument("--json", action="store_true", help="everything, per tensor too, as JSON")


def run(options: argparse.Namespace) -> None:
    """Survey and print."""
    names = DEFAULT_FORMATS if options.formats is None else options.formats.split(",")
    formats = [hu.Format(name.strip()) for name in names]
    codecs = [fmt.codec(rounding=options.rounding, overflow=options.overflow) for fmt in formats]
    if options.plot:
        plot.check(options.plot)
    scales = [options.scale] if options.scale else ["none"] if options.file is not None else ["none", "absmax"]
    with open_tensors(sample.PATH if options.file is None else options.file) as file:
        surveys = [survey_file(file, codecs, options.rounding, scale, options.tensors) for scale in scales]
        if not surveys[0].tensors:
            names = ", ".join(printable(name) for name in list(file)[:5])
            what = f"no float tensor matches --tensors '{options.tensors}'"
            raise ValueError(f"{file.path}: {what}; it holds {names or 'nothing'}")
        accuracy = None if options.file is not None else sample.Accuracy(file, codecs, scales)
        if options.plot:
            chosen = [tensor for tensor, _ in surveys[-1].tensors]
            title = f"{printable(Path(file.path).name)}: {surveys[-1].weights:,} weights, scale {scales[-1]}"
            plot.draw(options.plot, title, chosen, codecs, scales[-1])
        if options.json:
            print(json.dumps(report.document(file.path, surveys, accuracy, options), indent=2))
        else:
            report.show(file.path, surveys, accuracy, options)


def survey_file(file: TensorFile, codecs: list[hu.Codec], rounding: str, scale: str, glob: str) -> Survey:
    """Measure every float tensor whose name matches, one block at a time."""
    survey = Survey(codecs, scale, [Tally() for _ in codecs])
    chosen = []
    for tensor in file.values():
        if not wanted(tensor.name, glob):
            continue
        if tensor.unreadable or not tensor.is_float:
            survey.skipped.append((tensor.name, tensor.unreadable or "holds no floats"))
        else:
            chosen.append(tensor)
    with progress("survey", sum(tensor.size for tensor in chosen)) as advance:
        for tensor in chosen:
            tallies = _survey_tensor(tensor, codecs, rounding, scale, advance)
            survey.tensors.append((tensor, tallies))
            for total, tally in zip(survey.totals, tallies, strict=True):
                total.add(tally)
    return survey


def _survey_tensor(tensor: Tensor, codecs: list[hu.Codec], rounding: str, scale: str, advance: Progress) -> list[Tally]:
    if scale == "absmax":
        largest = max((largest_magnitude(chunk) for chunk in tensor.chunks()), default=0.0)
        gauges = [Gauge(codec, rounding, absmax_scale(codec.format, largest), 4) for codec in codecs]
    else:
        gauges = [Gauge(codec, rounding, 1.0, 0) for codec in codecs]
    for chunk in tensor.chunks():
        block = Block(chunk)
        for gauge in gauges:
            gauge.take(block)
        advance(chunk.size)
    return [gauge.finish() for gauge in gauges]
