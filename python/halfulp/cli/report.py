"""What a survey found, told to a person in one screen or to a machine as JSON."""

from __future__ import annotations

import argparse
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import halfulp as hu
from halfulp.cli.measure import Tally, as_json
from halfulp.cli.sample import Accuracy
from halfulp.cli.table import print_table, show_bytes, show_decibels, show_figure, show_share
from halfulp.io import Tensor
from halfulp.io.tensor import printable

COLUMNS = ("<format", "bits", "size", "SQNR dB", "max err", "in ulp", "saturated", "to zero", "NaN")


@dataclass
class Survey:
    """All that was found in one file with one kind of scale."""

    codecs: list[hu.Codec]
    scale: str
    totals: list[Tally]
    tensors: list[tuple[Tensor, list[Tally]]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)

    @property
    def weights(self) -> int:
        """Number of weights surveyed."""
        return sum(tensor.size for tensor, _ in self.tensors)

    @property
    def stored_bytes(self) -> int:
        """Bytes these weights take in the file."""
        return sum(tensor.stored_bytes for tensor, _ in self.tensors)


def show(path: str, surveys: list[Survey], accuracy: Accuracy | None, options: argparse.Namespace) -> None:
    """Print for a person: the summary over all tensors, remarks, then single tensors if asked for."""
    first = surveys[0]
    tensors = "1 tensor" if len(first.tensors) == 1 else f"{len(first.tensors)} tensors"
    size = f"{tensors}, {first.weights:,} weights, {show_bytes(first.stored_bytes)}"
    policy = f"rounding {options.rounding}, overflow {options.overflow}"
    if accuracy is None:
        print(f"{printable(Path(path).name)}: {size}\nscale {first.scale}, {policy}\n")
        print_table(COLUMNS, _rows(first.codecs, first.totals))
    else:
        print(f"shipped sample, a digit classifier: {size}")
        print(f"{policy}; accuracy on {accuracy.images} unseen images\n")
        _show_accuracy(surveys, accuracy)
    for remark in _remarks(first, options):
        print(f"\n{textwrap.fill(remark, 80)}")
    if options.per_tensor:
        for survey in surveys:
            for tensor, tallies in survey.tensors:
                shape = "x".join(map(str, tensor.shape)) or "scalar"
                print(f"\n{printable(tensor.name)}  {tensor.dtype_name} {shape}, scale {survey.scale}")
                print_table(COLUMNS, _rows(survey.codecs, tallies))


def _rows(codecs: list[hu.Codec], tallies: list[Tally]) -> list[list[str]]:
    return [
        [
            codec.format.name,
            show_figure(tally.bits_per_weight),
            show_bytes(tally.bytes),
            show_decibels(tally.sqnr_db),
            show_figure(tally.max_error),
            show_figure(tally.max_ulp_error),
            show_share(tally.saturated, tally.count),
            show_share(tally.flushed, tally.count),
            show_share(tally.nan, tally.count),
        ]
        for codec, tally in zip(codecs, tallies, strict=True)
    ]


def _show_accuracy(surveys: list[Survey], accuracy: Accuracy) -> None:
    """One table: each format's noise and the classifier's accuracy, per kind of scale."""
    columns = ["<weights as", "bits"]
    rows = [["as trained", "32"], *([c.format.name, str(c.format.bits)] for c in surveys[0].codecs)]
    for survey, cast in zip(surveys, accuracy.cast, strict=True):
        columns += ["SQNR dB" if survey.scale == "none" else "scaled: dB", "to zero", "accuracy"]
        rows[0] += ["exact", "0", f"{accuracy.trained:.1%}"]
        for row, tally, share in zip(rows[1:], survey.totals, cast, strict=True):
            row += [show_decibels(tally.sqnr_db), show_share(tally.flushed, tally.count), f"{share:.1%}"]
    print_table(columns, rows)


def _remarks(survey: Survey, options: argparse.Namespace) -> list[str]:
    remarks = []
    if survey.skipped and options.file:
        names = ", ".join(printable(name) for name, _ in survey.skipped[:3])
        more = f" and {len(survey.skipped) - 3} more" if len(survey.skipped) > 3 else ""
        remarks.append(f"Left out, since they hold no floats or cannot be read: {names}{more}.")
    nan, infinite = survey.totals[0].nan_inputs, survey.totals[0].infinite_inputs
    if nan or infinite:
        remarks.append(f"{nan:,} of the weights are NaN and {infinite:,} infinite; no other column counts them.")
    pairs = list(zip(survey.codecs, survey.totals, strict=True))
    lost = [c.format.name for c, t in pairs if t.saturated and t.sqnr_db == float("-inf")]
    if lost and options.overflow == "default":
        remarks.append(f"{', '.join(lost)}: weights beyond the maximum are lost; --overflow saturate keeps them.")
    zeros = [c.format.name for c, t in pairs if 2 * t.flushed > t.count]
    if zeros and survey.scale == "none" and options.file:
        remarks.append(f"{', '.join(zeros)}: most weights become zero without a scale; try --scale absmax.")
    if not options.file:
        remarks.append(
            "'scaled': each tensor is first scaled so that its largest weight meets the format's maximum. "
            "For your own weights: halfulp survey FILE. What the columns mean: halfulp survey --help."
        )
    return remarks


def document(
    path: str, surveys: list[Survey], accuracy: Accuracy | None, options: argparse.Namespace
) -> dict[str, Any]:
    """Everything, for JSON."""
    first = surveys[0]
    top: dict[str, Any] = {
        "halfulp": hu.__version__,
        "file": path,
        "weights": first.weights,
        "stored_bytes": first.stored_bytes,
        "rounding": options.rounding,
        "overflow": options.overflow,
        "skipped": [{"tensor": name, "why": why} for name, why in first.skipped],
        "surveys": [],
    }
    if accuracy is not None:
        top |= {"test_images": accuracy.images, "accuracy_as_trained": accuracy.trained}
    for index, survey in enumerate(surveys):
        formats = _tallies(survey.codecs, survey.totals)
        if accuracy is not None:
            for entry, share in zip(formats, accuracy.cast[index], strict=True):
                entry["accuracy"] = share
        tensors = [
            {
                "tensor": t.name,
                "dtype": t.dtype_name,
                "shape": t.shape,
                "formats": _tallies(survey.codecs, tallies),
            }
            for t, tallies in survey.tensors
        ]
        top["surveys"].append({"scale": survey.scale, "formats": formats, "tensors": tensors})
    return top


def _tallies(codecs: list[hu.Codec], tallies: list[Tally]) -> list[dict[str, Any]]:
    return [as_json(codec.format, tally) for codec, tally in zip(codecs, tallies, strict=True)]
