"""The shipped sample: a digit classifier small enough to run in NumPy, and its test images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import halfulp as hu
from halfulp.cli.measure import absmax_scale, apply_scale, largest_magnitude
from halfulp.io import TensorFile

PATH = Path(__file__).parents[1] / "data" / "digits.safetensors"

Array = NDArray[Any]


class Accuracy:
    """The share of test images the sample's classifier gets right, as trained and with its weights cast."""

    def __init__(self, file: TensorFile, codecs: list[hu.Codec], scales: list[str]) -> None:
        weights = {name: tensor.read() for name, tensor in file.items() if tensor.is_float}
        images, labels = file["test.images"].read(), file["test.labels"].read()

        def right(cast: dict[str, Array]) -> float:
            return float(np.mean(_classify(cast, images) == labels))

        self.images = labels.size
        self.trained = right(weights)
        self.cast = [
            [right({name: _cast(w, codec, scale) for name, w in weights.items()}) for codec in codecs]
            for scale in scales
        ]


def _cast(weights: Array, codec: hu.Codec, scale: str) -> Array:
    factor = absmax_scale(codec.format, largest_magnitude(weights)) if scale == "absmax" else 1.0
    rounded = codec.decode(codec.encode(apply_scale(weights, factor)))
    with np.errstate(all="ignore"):
        cast: Array = (rounded / factor).astype(np.float32)
    return cast


def _classify(weights: dict[str, Array], images: Array) -> Array:
    """The perceptron of examples/digits/train.py, in float32."""
    with np.errstate(all="ignore"):
        pixels = images.astype(np.float32) / np.float32(16)
        hidden = np.maximum(pixels @ weights["hidden.weight"].T + weights["hidden.bias"], 0)
        logits = hidden @ weights["output.weight"].T + weights["output.bias"]
    # A NaN answers nothing, whichever digit argmax would make of it.
    answer: Array = np.where(np.isnan(logits).any(axis=1), -1, logits.argmax(axis=1))
    return answer
