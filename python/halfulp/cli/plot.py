"""``halfulp survey --plot``: where the weights lie on each format's number line, and the errors that gives."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import halfulp as hu
from halfulp._temporary import replacing, target_of
from halfulp.cli.measure import Block, absmax_scale, apply_scale, largest_magnitude
from halfulp.io import Tensor

KINDS = (".png", ".svg", ".pdf")
PER_BINADE = 4  # bins of the number line
LOWEST, HIGHEST = -1075, 1025  # exponents binary64 can have
FINEST, COARSEST = -8, 1  # decades of the relative errors
PER_DECADE = 8
MOST_TICKS = 256  # values of a format that are drawn one by one

Counts = NDArray[np.int64]


class Profile:
    """Counts of one codec's inputs by magnitude, and by the relative error they suffer.

    Magnitudes are those of the weights; under a scale, which differs from tensor to tensor, they are relative to the
    format's maximum.
    """

    def __init__(self, codec: hu.Codec, relative: bool) -> None:
        self.codec = codec
        self.origin = math.log2(codec.format.max) if relative else 0.0
        self.magnitudes: Counts = np.zeros((HIGHEST - LOWEST) * PER_BINADE, np.int64)
        self.errors: Counts = np.zeros((COARSEST - FINEST) * PER_DECADE, np.int64)
        self.exact = 0
        self.count = 0  # finite inputs that are not zero

    def take(self, values: NDArray[Any], scale: float) -> None:
        """Add a chunk of a tensor with this scale."""
        block = Block(apply_scale(values, scale))
        wide = block.wide[block.wide != 0]
        self.count += wide.size
        self.magnitudes += _counts(np.log2(np.abs(wide)) - self.origin, LOWEST, HIGHEST, PER_BINADE)
        rounded = self.codec.decode(self.codec.encode(wide)).astype(np.float64)
        with np.errstate(all="ignore"):
            error = np.abs(rounded / wide - 1)
        wrong = np.nan_to_num(error[error != 0], nan=math.inf)
        self.exact += wide.size - wrong.size
        self.errors += _counts(np.log10(wrong), FINEST, COARSEST, PER_DECADE)


def _counts(logarithms: NDArray[np.float64], low: int, high: int, per_unit: int) -> Counts:
    """A histogram from `low` to `high`; what lies outside counts in the first or last bin."""
    bins = np.floor((np.clip(logarithms, low, high) - low) * per_unit).astype(np.int64)
    last = (high - low) * per_unit - 1
    return np.bincount(np.minimum(bins, last), minlength=last + 1)


def check(path: str) -> None:
    """Refuse a plot that could not be written, before the work that it shows."""
    if Path(path).suffix.lower() not in KINDS:
        raise ValueError(f"--plot {path}: the name must end in {', '.join(KINDS)}")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ValueError("--plot needs matplotlib: pip install 'halfulp[plot]'") from None


def draw(path: str, title: str, tensors: Iterable[Tensor], codecs: list[hu.Codec], scale: str) -> None:
    """Read the tensors once more and write the picture, whole or not at all."""
    profiles = [Profile(codec, relative=scale == "absmax") for codec in codecs]
    for tensor in tensors:
        largest = max((largest_magnitude(chunk) for chunk in tensor.chunks()), default=0.0) if scale == "absmax" else 0
        for profile in profiles:
            factor = absmax_scale(profile.codec.format, largest) if largest else 1.0
            for chunk in tensor.chunks():
                profile.take(chunk, factor)
    picture = io.BytesIO()
    figure(title, profiles).savefig(picture, format=Path(path).suffix[1:].lower(), dpi=150, bbox_inches="tight")
    with replacing(target_of(path)) as file:
        file.write(picture.getvalue())


def figure(title: str, profiles: list[Profile]) -> Any:
    """A row for each format: its number line under the weights, and a histogram of the errors."""
    from matplotlib.figure import Figure

    low, high = _limits(profiles)
    rows = len(profiles)
    made = Figure(figsize=(11, 0.6 + 1.15 * rows), layout="constrained")
    made.suptitle(title, fontsize=10)
    axes = made.subplots(rows, 2, squeeze=False, width_ratios=(5, 2), sharex="col")
    for (line, errors), profile in zip(axes, profiles, strict=True):
        _number_line(line, profile, low, high)
        _error_histogram(errors, profile)
    unit = "magnitude / the format's maximum" if profiles[0].origin else "magnitude"
    axes[-1][0].set_xlabel(f"weights (grey) and the format's values (blue): log2 of {unit}")
    axes[-1][1].set_xlabel("log10 of the relative error")
    return made


def _limits(profiles: list[Profile]) -> tuple[int, int]:
    """The binades that hold all but a ten-thousandth of the weights, and something of every format."""
    total = np.sum([profile.magnitudes for profile in profiles], axis=0)
    if not total.any():
        return -8, 8
    share = np.cumsum(total) / total.sum()
    first, last = int(np.searchsorted(share, 1e-4)), int(np.searchsorted(share, 1 - 1e-9))
    low, high = LOWEST + first // PER_BINADE, LOWEST + last // PER_BINADE + 1
    tops = [math.ceil(math.log2(profile.codec.format.max) - profile.origin) for profile in profiles]
    return low - 1, max([high + 1, *(top + 1 for top in tops if top < high + 10)])


def _number_line(axis: Any, profile: Profile, low: int, high: int) -> None:
    fmt = profile.codec.format
    edges = np.arange(LOWEST * PER_BINADE, HIGHEST * PER_BINADE + 1) / PER_BINADE
    share = profile.magnitudes / max(profile.count, 1)
    axis.stairs(share / max(share.max(), 1e-12), edges, fill=True, color="0.75")
    smallest = fmt.min_subnormal if fmt.has_zero else fmt.min
    ends = math.log2(smallest) - profile.origin, math.log2(fmt.max) - profile.origin
    axis.axvspan(low, ends[0] - 1, color="tab:orange", alpha=0.15, lw=0)  # below half of it: zero
    axis.axvspan(ends[1], high, color="tab:red", alpha=0.12, lw=0)
    if 2**fmt.bits <= 2 * MOST_TICKS:
        values = np.asarray(fmt.values(), dtype=np.float64)
        positive = values[np.isfinite(values) & (values > 0)]
        axis.vlines(np.log2(positive) - profile.origin, -0.32, -0.06, color="tab:blue", lw=0.8)
    else:
        axis.hlines(-0.19, *ends, color="tab:blue", lw=6)
    axis.set(xlim=(low, high), ylim=(-0.4, 1.08), yticks=[])
    axis.set_ylabel(fmt.name, rotation=0, ha="right", va="center", fontsize=9)
    axis.spines[["top", "right", "left"]].set_visible(False)


def _error_histogram(axis: Any, profile: Profile) -> None:
    edges = np.arange(FINEST * PER_DECADE, COARSEST * PER_DECADE + 1) / PER_DECADE
    share = profile.errors / max(profile.errors.max(initial=0), 1)
    axis.stairs(share, edges, fill=True, color="tab:blue", alpha=0.7)
    axis.axvline(0, color="0.4", lw=0.6)  # the whole weight: what became zero
    axis.set(xlim=(FINEST, COARSEST), ylim=(0, 1.08), yticks=[])
    axis.spines[["top", "right", "left"]].set_visible(False)
    if profile.exact >= profile.count / 1000 > 0:
        text = f"{profile.exact / profile.count:.1%} exact"
        axis.text(0.02, 0.8, text, transform=axis.transAxes, fontsize=7)
