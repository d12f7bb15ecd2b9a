"""`halfulp survey`: every number it reports against one computed apart, in Fractions; and the shipped sample."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from commands import absmax, run, table, write
from halfulp.cli import sample
from halfulp.io import load
from oracle import NAMED, OVERFLOWS, ROUNDINGS, Policy, Spec, decode, encode, real

SMALL = [name for name, spec in NAMED.items() if spec.bits <= 16]


def weights(spec: Spec) -> list[float]:
    """Values, midpoints and neighbours of the format's ends, its ties, and numbers far outside."""
    top, bottom = Fraction(hu.formats[str(spec.name)].max), Fraction(hu.formats[str(spec.name)].min_subnormal)
    step = Fraction(math.ulp(float(top)))
    chosen = [Fraction(0), Fraction(1, 10), Fraction(1, 3), Fraction(3), Fraction(17, 16), Fraction(9, 8)]
    chosen += [bottom / 2, bottom * 3 / 2, bottom / 3, bottom * 5 / 4, top, top * 2, top * 100, top + step]
    half_ulp = ulp(spec, top) / 2
    chosen += [top + half_ulp, top + half_ulp * 2, top + half_ulp * Fraction(9, 10), top + half_ulp * 3, top - half_ulp]
    bound = Fraction(2) ** 500
    return [float(sign * x) for x in chosen if x < bound for sign in (1, -1)]


def ulp(spec: Spec, x: Fraction) -> Fraction:
    """2^(floor log2 |x|, but at least emin and at most emax, minus the mantissa bits)."""
    bias, m = int(spec.bias or 0), spec.mantissa_bits
    if spec.exponent_bits == 0:
        return Fraction(2) ** (1 - bias - m)
    lowest = 1 - bias if spec.has_zero else -bias

    top = binade(decode(spec, spec.last).magnitude)
    return Fraction(2) ** (min(max(binade(abs(x)) if x else lowest, lowest), top) - m)


def binade(value: Fraction) -> int:
    """floor(log2(value))."""
    e = value.numerator.bit_length() - value.denominator.bit_length()
    return e if Fraction(2) ** e <= value else e - 1


@cache
def wider(spec: Spec) -> Spec:
    """The same grid continued beyond the format's maximum, so far that nothing overflows."""
    if spec.exponent_bits == 0:
        return replace(spec, mantissa_bits=spec.mantissa_bits + 9, bias=int(spec.bias or 0) - 9, name=None)
    return replace(spec, exponent_bits=spec.exponent_bits + 1, name=None)


def expected(spec: Spec, xs: list[float], policy: Policy, scale: Fraction) -> dict[str, Any]:
    """A survey's figures for one tensor, straight from their definitions."""
    power = noise = largest = ulps = Fraction(0)
    counts = {"saturated": 0, "flushed_to_zero": 0, "became_nan": 0}
    lost = False
    for number in xs:
        x = Fraction(number) * scale
        got = decode(spec, encode(spec, real(x, math.copysign(1, number) < 0), policy))
        free = decode(wider(spec), encode(wider(spec), real(x), policy))
        limit = decode(spec, spec.last).magnitude
        if spec.specials == "integer" and x < 0:
            limit += ulp(spec, Fraction(0))
        counts["saturated"] += (spec.signed or x > 0) and free.kind == "finite" and free.magnitude > limit
        power += Fraction(number) ** 2
        if got.kind != "finite":
            counts["became_nan"] += got.kind == "nan"
            lost = True
            continue
        counts["flushed_to_zero"] += x != 0 and got.magnitude == 0
        error = abs(got.real - x)
        noise += (error / scale) ** 2
        largest, ulps = max(largest, error / scale), max(ulps, error / ulp(spec, x))
    decibels = -math.inf if lost else math.inf if noise == 0 else 10 * (log10(power) - log10(noise))
    figures = (math.inf, math.inf) if lost else (float(largest), float(ulps))
    return {"sqnr_db": decibels, "max_abs_error": figures[0], "max_ulp_error": figures[1], **counts}


def log10(x: Fraction) -> float:
    return math.log10(x.numerator) - math.log10(x.denominator)


def surveyed(path: Path, *options: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run("survey", path, "--json", *options))
    return document


def assert_figures(got: dict[str, Any], want: dict[str, Any], *context: object) -> None:
    for key, value in want.items():
        assert float(got[key]) == pytest.approx(value, rel=1e-11), (key, got[key], value, *context)


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_figures_are_what_their_definitions_say(name: str, rounding: str, tmp_path: Path) -> None:
    spec = NAMED[name]
    xs = weights(spec)
    inside = [x for x in xs if abs(x) <= hu.formats[name].max and (spec.signed or x >= 0)]
    path = write(tmp_path / "a.safetensors", all=np.array(xs), inside=np.array(inside))
    for overflow in OVERFLOWS[:2]:
        options = ("--formats", name, "--rounding", rounding, "--overflow", overflow)
        [survey] = surveyed(path, *options)["surveys"]
        for tensor, numbers in zip(survey["tensors"], (xs, inside), strict=True):
            want = expected(spec, numbers, Policy(rounding, overflow), Fraction(1))
            assert_figures(tensor["formats"][0], want, name, rounding, overflow, tensor["tensor"])
        assert_figures(survey["formats"][0], expected(spec, xs + inside, Policy(rounding, overflow), Fraction(1)))


@pytest.mark.parametrize("name", SMALL)
def test_absmax_figures(name: str, tmp_path: Path) -> None:
    spec = NAMED[name]
    xs = [float(x) for x in np.random.default_rng(3).normal(size=60).astype(np.float32)]
    path = write(tmp_path / "a.safetensors", w=np.array(xs, np.float32))
    largest = max(map(abs, xs))
    scale = absmax(hu.formats[name].max, largest)
    [survey] = surveyed(path, "--formats", name, "--scale", "absmax")["surveys"]
    assert_figures(survey["formats"][0], expected(spec, xs, Policy(), Fraction(scale)), name)
    assert survey["formats"][0]["bytes"] == (60 * spec.bits + 7) // 8 + 4


@pytest.mark.parametrize("name", ["float64", "float32", "tfloat32"])
def test_formats_that_hold_everything_are_exact(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.safetensors", w=np.array([0.5, -1e-3, 3, 0], np.float16))
    [entry] = surveyed(path, "--formats", name)["surveys"][0]["formats"]
    assert (entry["sqnr_db"], entry["max_abs_error"], entry["max_ulp_error"]) == ("Infinity", 0, 0)
    assert "exact" in run("survey", path, "--formats", name)


def test_nan_and_infinite_weights_are_counted_apart(tmp_path: Path) -> None:
    odd = np.array([1.0, np.nan, 0.3, np.inf, -np.inf, -np.nan, np.nan], np.float32)
    path = write(tmp_path / "a.safetensors", odd=odd, plain=np.array([1.0, 0.3], np.float32))
    document = surveyed(path, "--formats", "bfloat16,int4,float8_e8m0fnu", "--scale", "absmax")
    first, second = document["surveys"][0]["tensors"]
    for a, b in zip(first["formats"], second["formats"], strict=True):
        assert (a["weights"], a["nan_inputs"], a["infinite_inputs"]) == (7, 3, 2)
        for key in ("sqnr_db", "max_abs_error", "max_ulp_error", "saturated", "flushed_to_zero", "became_nan"):
            assert a[key] == b[key]
    assert "3 of the weights are NaN and 2 infinite" in run("survey", path)


def test_many_chunks_count_like_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    big = (rng.normal(size=200_001) * 300).astype(np.float32)
    path = write(tmp_path / "a.safetensors", w=big)
    [entry] = surveyed(path, "--formats", "float8_e4m3fn", "--overflow", "saturate")["surveys"][0]["formats"]
    error = np.abs(hu.float8_e4m3fn.codec(overflow="saturate").round(big).astype(np.float64) - big)
    assert entry["weights"] == big.size
    assert entry["saturated"] == np.count_nonzero(np.abs(big) > 464)
    assert entry["flushed_to_zero"] == np.count_nonzero((np.abs(big) <= 2.0**-10) & (big != 0))
    assert entry["max_abs_error"] == error.max()
    power, noise = math.fsum(big.astype(np.float64) ** 2), math.fsum(error**2)
    assert entry["sqnr_db"] == pytest.approx(10 * math.log10(power / noise), rel=1e-12)


@pytest.mark.parametrize(("weight", "count"), [(464.0, 0), (464.00001, 1), (-464.00001, 1), (479.0, 1)])
def test_a_single_weight_just_beyond_the_maximum_saturates(weight: float, count: int, tmp_path: Path) -> None:
    path = write(tmp_path / "a.safetensors", w=np.array([weight, 1.0]))
    [entry] = surveyed(path, "--formats", "float8_e4m3fn")["surveys"][0]["formats"]
    assert entry["saturated"] == entry["became_nan"] == count


def test_empty_and_zero_tensors(tmp_path: Path) -> None:
    path = write(tmp_path / "a.safetensors", none=np.empty((0, 4), np.float32), zero=np.zeros(3))
    for scale in ("none", "absmax"):
        none, zero = surveyed(path, "--formats", "int4", "--scale", scale)["surveys"][0]["tensors"]
        assert none["formats"][0]["sqnr_db"] is None
        assert zero["formats"][0]["sqnr_db"] == "Infinity"
        assert "a.safetensors: 2 tensors, 3 weights" in run("survey", path, "--scale", scale, "--per-tensor")


def test_the_summary_a_person_reads(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    path = write(tmp_path / "a.safetensors", w=rng.normal(size=(64, 64)).astype(np.float32) / 20, ids=np.arange(5))
    out = run("survey", path)
    assert out.startswith("a.safetensors: 1 tensor, 4,096 weights, 16.4 kB\nscale none, rounding nearest_even")
    rows = table(out, "format")
    assert [row[0] for row in rows] == (
        [
            "bfloat16",
            "float16",
            "float8_e4m3fn",
            "float8_e5m2",
            "float6_e2m3fn",
            "float6_e3m2fn",
            "float4_e2m1fn",
            "int8",
            "int4",
        ]
    )
    assert rows[0][1:4] == ["16", "8.19", "kB"]
    assert "cannot be read: ids." in out
    assert "--scale absmax" in out
    assert max(map(len, out.splitlines())) <= 80
    assert "w  F32 64x64, scale none" in run("survey", path, "--per-tensor")


def test_lost_weights_are_remarked(tmp_path: Path) -> None:
    path = write(tmp_path / "a.safetensors", w=np.array([1.0, 1000.0]))
    out = " ".join(run("survey", path, "--formats", "float8_e4m3fn").split())
    assert "-inf inf inf 50% 0 50%" in out
    assert "float8_e4m3fn: weights beyond the maximum are lost; --overflow saturate keeps them." in out
    assert "are lost" not in run("survey", path, "--formats", "float8_e4m3fn", "--overflow", "saturate")


# ---- the shipped sample


def test_the_sample_classifier_in_every_format() -> None:
    rows = {row[0]: row[1:] for row in table(run("survey"), "weights as")}
    assert rows["as"] == ["trained", "32", "exact", "0", "97.7%", "exact", "0", "97.7%"]
    document = json.loads(run("survey", "--json"))
    assert document["test_images"] == 597
    assert document["accuracy_as_trained"] == 583 / 597
    tensors = load(sample.PATH)
    for survey in document["surveys"]:
        for entry in survey["formats"]:
            fmt = hu.formats[entry["format"]]
            right = classify(tensors, fmt, survey["scale"] == "absmax")
            assert entry["accuracy"] == right / 597, (fmt.name, survey["scale"])


def classify(tensors: dict[str, Any], fmt: hu.Format, scaled: bool) -> int:
    cast = {}
    for name in ("hidden.weight", "hidden.bias", "output.weight", "output.bias"):
        w = tensors[name].astype(np.float64)
        scale = absmax(fmt.max, float(np.abs(w).max())) if scaled else 1.0
        cast[name] = (fmt.decode(fmt.encode(w * scale)).astype(np.float64) / scale).astype(np.float32)
    hidden = np.maximum(
        cast["hidden.weight"] @ (tensors["test.images"] / np.float32(16)).T + cast["hidden.bias"][:, None], 0
    )
    logits = cast["output.weight"] @ hidden + cast["output.bias"][:, None]
    return int((logits.argmax(axis=0) == tensors["test.labels"]).sum())


@pytest.mark.parametrize("name", list(NAMED))
def test_every_weight_of_the_sample_equals_the_oracle(name: str) -> None:
    spec = NAMED[name]
    for array in load(sample.PATH).values():
        if array.dtype == np.float32:
            flat = array.reshape(-1)
            want = [encode(spec, real(Fraction(float(x)))) for x in flat]
            assert hu.encode(flat, name).tolist() == want
