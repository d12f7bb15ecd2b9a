"""`halfulp survey --plot`: what is counted is what is there, and the picture is written whole or not at all."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import halfulp as hu
import numpy as np
import pytest
from commands import fail, run, write
from halfulp.cli import plot

needs_matplotlib = pytest.mark.skipif(
    importlib.util.find_spec("matplotlib") is None, reason="needs matplotlib: pip install 'halfulp[plot]'"
)
E2M1 = hu.float4_e2m1fn.codec()


def test_weights_are_counted_by_quarter_binades_and_errors_by_eighths_of_a_decade() -> None:
    profile = plot.Profile(E2M1, relative=False)
    # 3 and -3 are exact, 2.5 becomes 2 (error 1/5), 100 becomes 6 (94/100), 0.1 becomes 0 (1); zeros are left out.
    profile.take(np.array([3.0, -3.0, 2.5, 100.0, 0.1, 0.0, np.nan, np.inf]), 1.0)
    assert (profile.count, profile.exact) == (5, 2)
    bins = {int(i): int(n) for i, n in enumerate(profile.magnitudes) if n}
    # log2 of 3 is 1.58, of 2.5 is 1.32, of 100 is 6.64, of 0.1 is -3.32.
    assert bins == {(1 + 1075) * 4 + 2: 2, (1 + 1075) * 4 + 1: 1, (6 + 1075) * 4 + 2: 1, (-4 + 1075) * 4 + 2: 1}
    # log10 of 0.2 is -0.70, of 0.94 is -0.027, of 1 is 0.
    errors = {int(i): int(n) for i, n in enumerate(profile.errors) if n}
    assert errors == {58: 1, 63: 1, 64: 1}


def test_under_a_scale_magnitudes_are_relative_to_the_maximum() -> None:
    profile = plot.Profile(E2M1, relative=True)
    profile.take(np.array([2.0, 0.5]), 3.0)  # 6 is the maximum, 1.5 a quarter of it
    assert np.flatnonzero(profile.magnitudes).tolist() == [(1075 - 2) * 4, 1075 * 4]
    assert profile.exact == 2


@needs_matplotlib
@pytest.mark.parametrize(("kind", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_a_picture_of_each_kind(kind: str, start: bytes, tmp_path: Path) -> None:
    weights = np.random.default_rng(1).normal(size=500).astype(np.float32)
    file = write(tmp_path / "w.safetensors", w=weights, zero=np.zeros(3, np.float32))
    picture = tmp_path / f"w.{kind}"
    text = run("survey", file, "--plot", picture, "--formats", "float4_e2m1fn,e5m3:bias=15:ieee,float8_e8m0fnu,float16")
    assert text == run("survey", file, "--formats", "float4_e2m1fn,e5m3:bias=15:ieee,float8_e8m0fnu,float16")
    assert picture.read_bytes().startswith(start)
    run("survey", file, "--plot", picture, "--scale", "absmax")
    assert {path.name for path in tmp_path.iterdir()} == {"w.safetensors", picture.name}


@needs_matplotlib
def test_nothing_but_zeros(tmp_path: Path) -> None:
    file = write(tmp_path / "w.safetensors", w=np.zeros(3, np.float32))
    run("survey", file, "--plot", tmp_path / "w.png")
    assert (tmp_path / "w.png").stat().st_size > 1000


@needs_matplotlib
def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    assert "there is no folder" in fail("survey", "--plot", tmp_path / "nowhere" / "w.png")


def test_complaints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("matplotlib") is not None:
        assert "must end in .png, .svg, .pdf" in fail("survey", "--plot", tmp_path / "w.jpeg")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "pip install 'halfulp[plot]'" in fail("survey", "--plot", tmp_path / "w.png")
    assert list(tmp_path.iterdir()) == []
