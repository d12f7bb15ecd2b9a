"""Train the small digit classifier that halfulp ships as its sample: NumPy only, the same bytes on every run.

scikit-learn is needed only for its copy of the data. Run ``python train.py [OUT.safetensors]``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits  # type: ignore[import-untyped]

SEED = 20261121
HIDDEN = 64
TEST_IMAGES = 597
EPOCHS = 120
BATCH = 40
RATE = 0.05
MOMENTUM = 0.9
DECAY = 1e-4

Array = NDArray[Any]


def split() -> tuple[Array, Array, Array, Array]:
    """Shuffle the 1797 images once, by the seed; the last `TEST_IMAGES` are never trained on."""
    digits = load_digits()
    order = np.random.default_rng(SEED).permutation(len(digits.target))
    images = digits.data[order].astype(np.uint8)  # 8 x 8 pixels, 0 to 16
    labels = digits.target[order].astype(np.uint8)
    return images[:-TEST_IMAGES], labels[:-TEST_IMAGES], images[-TEST_IMAGES:], labels[-TEST_IMAGES:]


def forward(weights: dict[str, Array], images: Array) -> tuple[Array, Array]:
    """Hidden activations and logits of a two-layer perceptron with ReLU; pixels are scaled to 0..1."""
    hidden = np.maximum(images / 16.0 @ weights["hidden.weight"].T + weights["hidden.bias"], 0)
    return hidden, hidden @ weights["output.weight"].T + weights["output.bias"]


def train(images: Array, labels: Array) -> dict[str, Array]:
    """Stochastic gradient descent with momentum on the cross-entropy, in float64, in a fixed order."""
    rng = np.random.default_rng(SEED + 1)
    weights: dict[str, Array] = {
        "hidden.weight": rng.normal(0, np.sqrt(2 / 64), (HIDDEN, 64)),
        "hidden.bias": np.zeros(HIDDEN),
        "output.weight": rng.normal(0, np.sqrt(1 / HIDDEN), (10, HIDDEN)),
        "output.bias": np.zeros(10),
    }
    speed = {name: np.zeros_like(value) for name, value in weights.items()}
    for epoch in range(EPOCHS):
        rate = RATE * (1 - epoch / EPOCHS)
        order = rng.permutation(len(images))
        for batch in np.split(order, range(BATCH, len(order), BATCH)):
            gradient = backward(weights, images[batch], labels[batch])
            for name, value in weights.items():
                speed[name] = MOMENTUM * speed[name] - rate * (gradient[name] + DECAY * value)
                value += speed[name]
    return {name: value.astype(np.float32) for name, value in weights.items()}


def backward(weights: dict[str, Array], images: Array, labels: Array) -> dict[str, Array]:
    """Gradient of the mean cross-entropy."""
    hidden, logits = forward(weights, images)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    error = odds / odds.sum(axis=1, keepdims=True)
    error[np.arange(len(labels)), labels] -= 1
    error /= len(labels)
    before = (error @ weights["output.weight"]) * (hidden > 0)
    return {
        "output.weight": error.T @ hidden,
        "output.bias": error.sum(axis=0),
        "hidden.weight": before.T @ (images / 16.0),
        "hidden.bias": before.sum(axis=0),
    }


def save(path: Path, tensors: dict[str, Array], metadata: dict[str, str]) -> None:
    """Write a safetensors file by hand, so that the example needs nothing but NumPy."""
    tags = {"float32": "F32", "uint8": "U8"}
    header: dict[str, Any] = {"__metadata__": metadata}
    end = 0
    for name, array in tensors.items():
        header[name] = {
            "dtype": tags[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [end, end + array.nbytes],
        }
        end += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(a.tobytes() for a in tensors.values()))


def main() -> None:
    """Train, say how well it went, and write the file."""
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "digits.safetensors")
    images, labels, test_images, test_labels = split()
    weights = train(images, labels)
    for what, x, y in (("training", images, labels), ("test", test_images, test_labels)):
        right = int((forward(weights, x)[1].argmax(axis=1) == y).sum())
        print(f"{what} images: {right} of {len(y)} right, {right / len(y):.2%}")
    metadata = {
        "model": f"64-{HIDDEN}-10 perceptron with ReLU on 8x8 digits; pixels / 16",
        "source": "UCI Optical Recognition of Handwritten Digits, CC BY 4.0, as in scikit-learn (BSD-3)",
    }
    save(out, weights | {"test.images": test_images, "test.labels": test_labels}, metadata)
    print(f"{out}: {out.stat().st_size} bytes, {sum(w.size for w in weights.values())} weights")


if __name__ == "__main__":
    main()
