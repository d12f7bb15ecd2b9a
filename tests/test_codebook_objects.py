"""Codebooks as Python objects: text, identity, pickles, policies, what they refuse, and how they are shown."""

from __future__ import annotations

import json
import pickle
from fractions import Fraction
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from commands import fail, run, table


def test_via() -> None:
    """0.5 * (1 + 2**-30) goes to the upper level, unless it is rounded to float32 first."""
    codebook = hu.Codebook([0, 1], ties="lower")
    x = 0.5 * (1 + 2.0**-30)
    assert codebook.encode(x) == 1
    assert codebook.codec(via="float32").encode(x) == 0
    assert codebook.codec(via=hu.float32).encode(np.longdouble(x)) == 0


def test_words_that_make_no_sense() -> None:
    for mode in ("to_odd", "stochastic_a", "nearest", ""):
        with pytest.raises(ValueError, match=r"rounding=.*'table', 'nearest_even'"):
            hu.nf4.codec(rounding=mode)
    for words in ({"overflow": "saturate"}, {"subnormals": "flush_input"}):
        with pytest.raises(ValueError, match="a codebook has no such rule"):
            hu.encode(0.5, "nf4", **words)
    for nan in ("keep_sign", "canonical", 16, -1, (1, 2, 3)):
        with pytest.raises(ValueError, match="nan="):
            hu.nf4.codec(nan=nan)  # type: ignore[arg-type]
    for wrong in (1.0, True, None):
        with pytest.raises(TypeError, match=r"rounding must be a string|nan="):
            hu.nf4.codec(rounding=wrong) if wrong is None else hu.nf4.codec(nan=wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="via must be None or float32"):
        hu.nf4.codec(via="bfloat16")
    with pytest.raises(ValueError, match="rounding must be one of"):
        hu.float8_e4m3fn.codec(rounding="table")
    with pytest.raises(ValueError, match="neither a named"):
        hu.encode(0.5, "nf5")
    with pytest.raises(ValueError, match="bits above the 4 bits"):
        hu.nf4.decode(16)


def test_codecs_and_ufuncs_are_objects_of_their_own() -> None:
    made = hu.Codebook([-1.5, 0, 3], codes=[2, 0, 7], name="mine")
    bare = hu.Codebook(np.float32([-0.0, 0.0, 1e-30, 2.0**100]), thresholds=[0, 2.0**-101, 1], ties="upper")
    for codebook in (hu.nf4, hu.bnb_fp4, hu.bnb_dynamic8, made, bare):
        codec = codebook.codec(rounding="toward_zero", nan="zero")
        assert codec is codebook.codec(rounding="toward_zero", nan="zero")
        assert codec.format is codebook
        assert codebook.codec(nan="max") is codebook.codec() is codebook.codec("table")
        assert codebook.codec().encode is codebook.encode
        assert isinstance(codec, hu.Codec)
        for thing in (codebook, codec, codebook.encode, codebook.decode, codec.round):
            assert pickle.loads(pickle.dumps(thing)) is thing
        assert type(codebook.encode) is np.ufunc
        assert hu.Codebook(codebook.text) is codebook
        assert codebook.code_dtype == np.uint8
        with pytest.raises(AttributeError, match="codebooks are immutable"):
            codebook.name = "x"  # type: ignore[misc]
    assert made.text == "codebook:-3p-1,0,3:codes=2,0,7:name=mine"
    assert made.bits == 3
    assert np.isnan(made.levels[[1, 3, 4, 5, 6]]).all()
    assert hu.Codebook("codebook:-1,0,1") is hu.Codebook([-1, 0, 1])
    assert hu.Codebook(hu.nf4.levels, hu.nf4.thresholds) is hu.nf4
    assert hu.Codebook(hu.bnb_fp4.levels, hu.bnb_fp4.thresholds, ties="toward_zero") is hu.bnb_fp4


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1],), ValueError, "2 to 256"),
        ((range(257),), ValueError, "2 to 256"),
        (([0.0, 1.0, 0.0],), ValueError, "0.0 is there twice"),
        (([0, float("nan")],), ValueError, "level 1 must be finite"),
        (([0, float("inf")],), ValueError, "level 1 must be finite"),
        (([0, 0.1],), ValueError, "level 1, 0.1, is no binary32 number"),
        (([0, 1e300],), ValueError, "no binary32"),
        (([0, 10**400],), ValueError, "no binary32"),
        (([0, 10**9000],), ValueError, "no binary32"),
        (([0, 1], [Fraction(3**9000, 1 << 15000)]), ValueError, "61 significant bits"),
        (([0, Fraction(1, 3)],), ValueError, "no binary32"),
        (([0, "1"],), TypeError, "level 1 must be a real number"),
        (([0, True],), TypeError, "level 1 must be a real number"),
        ((3,), TypeError, "levels must be a sequence"),
        ((np.zeros((2, 2)),), ValueError, "one dimension"),
        (([0, 1], [0.5, 0.6]), ValueError, "one fewer than the levels, 1, not 2"),
        (([0, 1, 2], [1.5, 0.5]), ValueError, "must ascend, but threshold 1"),
        (([0, 1], [1.5]), ValueError, "must lie between the levels 0.0 and 1.0"),
        (([0, 1], [1 << 5000]), ValueError, "must lie between levels"),
        (([0, 1], [1]), ValueError, "such that each level takes itself"),
        (([0, 1], [0], "upper"), ValueError, "such that each level takes itself"),
        (([0, 1], [Fraction(1, 3)]), ValueError, "61 significant bits"),
        (([0, 1], [Fraction((1 << 62) + 1, 1 << 63)]), ValueError, "61 significant bits"),
        (([0, 1], [Fraction(1, 1 << 2001)]), ValueError, "below 2"),
        (([0, 1], [float("nan")]), ValueError, "threshold 0 must be finite"),
        (([1, 2.0**-61],), ValueError, "half way between .* give thresholds"),
        (([0, 1], None, "even "), ValueError, "ties must be one of"),
        (([0, 1], None, 3), TypeError, "ties must be a string"),
        (([0, 1], None, "lower", [1]), ValueError, "as many as the levels"),
        (([0, 1], None, "lower", [1, 1]), ValueError, "each another one"),
        (([0, 1], None, "lower", [0, 256]), ValueError, "0 to 255"),
        (([0, 1], None, "lower", [0, 1.0]), TypeError, "codes must be integers"),
        (([0, 1], None, "lower", None, "nf4"), ValueError, "is taken"),
        (([0, 1], None, "lower", None, "a b"), ValueError, "identifier"),
        (("codebook:0,1:x=3",), ValueError, "cannot read 'x=3'"),
        (("codebook:0,1.5",), ValueError, "cannot read '1.5'"),
        (("codebook:0,1p99999999999",), ValueError, "cannot read"),
        (("nf5",), ValueError, "neither a named codebook"),
        (("nf4", [0]), TypeError, "no further arguments"),
    ],
)
def test_refused(arguments: tuple[Any, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        hu.Codebook(*arguments)


def test_a_mode_whose_midpoints_are_too_long() -> None:
    codebook = hu.Codebook([2.0**-100, 1], thresholds=[0.5])
    for mode in ("nearest_even", "nearest_away"):
        with pytest.raises(ValueError, match="more than 61 significant bits"):
            codebook.codec(rounding=mode)
    assert codebook.codec(rounding="toward_zero").encode(0.999) == 0
    assert hu.Codebook("codebook:1p-100,1:thresholds=1p-1") is codebook


# -- on the command line


def test_show() -> None:
    text = run("show", "nf4", "0.3")
    assert "0.3 becomes 0.337915242 (0xb) by table." in text
    assert "toward_zero      0.246112302 (0xa)" in text
    assert "takes  above 0.29201376438140869140625, up to ~0.3893125" in text
    assert "below  0.246112302 (0xa)\nabove  0.440709829 (0xc)\n" in text
    assert "value  -0\ntakes  from ~-0.00260417, below 0\n" in run("show", "bnb_fp4", "0x8")
    assert "-5/3 becomes -1 (0x0) by toward_zero." in run(
        "show", "codebook:-1,0,1", "-5/3", "--rounding", "toward_zero"
    )
    assert "rounding" not in run("show", "iq4_nl", "-127")
    assert "no level of nf4 has the code 0x1f" in fail("show", "nf4", "0x1f")
    assert "no level of codebook:-1,0,1 has the code 0b11" in fail("show", "codebook:-1,0,1", "0b11")
    assert "a codebook can honour 'table'" in fail("show", "nf4", "1", "--rounding", "to_odd")
    assert "--overflow is for formats" in fail("show", "nf4", "1", "--overflow", "saturate")


def test_formats_lists_codebooks_too() -> None:
    rows = table(run("formats"), "codebook")
    assert [row[0] for row in rows] == list(hu.codebooks)
    assert rows[3] == ["iq4_nl", "4", "16", "-127", "113", "-", "0xf"]
    entries = {entry["name"]: entry for entry in json.loads(run("formats", "--json"))}
    for name, codebook in hu.codebooks.items():
        entry = entries[name]
        assert [float.fromhex(level) for level in entry["levels"]] == codebook.levels.tolist()
        assert [Fraction(float.fromhex(at)) for at in entry["thresholds"]] == list(codebook.thresholds)


def test_formats_leave_codebooks_their_names() -> None:
    with pytest.raises(ValueError, match="the name 'nf4' is taken"):
        hu.Format(5, 3, name="nf4")
    with pytest.raises(ValueError, match="'nf4' is a codebook"):
        hu.Format("nf4")
