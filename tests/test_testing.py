"""`halfulp.testing`: what a failure shows, and that each broken rule is named for what it is."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from halfulp.testing import CodesDiffer, assert_codes_equal, diagnose, environment, environments

E4M3 = hu.float8_e4m3fn
EVERY_CODE = np.arange(256, dtype=np.uint8)
PAIRS = (EVERY_CODE[:, None], EVERY_CODE[None, :])
NUMBERS = np.random.default_rng(3).normal(size=4000).astype(np.float32) * np.float32(2.0) ** np.arange(-12, 13).repeat(
    160
).astype(np.float32)
# Every value of the format, every middle, and what lies beyond the maximum.
GRID = np.concatenate([E4M3.values(), (E4M3.values()[1:] + E4M3.values()[:-1]) / 2, [464, -465, 1e9, np.inf, -np.inf]])
SOURCES = np.concatenate([NUMBERS, GRID.astype(np.float32)])


def failure(*arguments: Any, **words: Any) -> CodesDiffer:
    with pytest.raises(CodesDiffer) as caught:
        assert_codes_equal(*arguments, **words)
    return caught.value


def rules(**policy: Any) -> list[str]:
    """What is found in an encoder with another policy, told as text."""
    actual = E4M3.codec(**policy).encode(SOURCES)
    return [str(f) for f in diagnose(actual, E4M3.encode(SOURCES), E4M3, operands=[SOURCES])]


def test_equal_codes_pass() -> None:
    assert_codes_equal([1, 2], np.uint64([1, 2]), "float8_e4m3fn")
    assert_codes_equal([0x7F], [0xFF], E4M3)
    assert_codes_equal([], [], E4M3)
    assert_codes_equal(5, 5, (hu.bfloat16, hu.float4_e2m1fn))


def test_the_message() -> None:
    a, b = np.uint8([[0x38, 0x39], [0x40, 0x01]]), np.uint8([[0x38, 0x38], [0xC0, 0x08]])
    message = str(failure(a, b, E4M3, max_shown=2))
    assert (
        message
        == """\
3 of 4 float8_e4m3fn codes differ (75%)
  [0, 1]
    actual  0.0111.001 0x39 = 1.125
    desired 0.0111.000 0x38 = 1   +1 ulp
  [1, 0]
    actual  0.1000.000 0x40 = 2
    desired 1.1000.000 0xc0 = -2   +128 ulp
  and 1 more"""
    )
    assert "actual  0.0000.001 0x01 = 0.001953125" in str(failure(a, b, E4M3))
    assert "both NaN" in str(failure([0x7F], [0xFF], E4M3, nan="bits"))
    assert "sign of zero" in str(failure([0x80], [0x00], E4M3))
    assert "0x7e = 448   NaN" in str(failure([0x7F], [0x7E], E4M3))


@pytest.mark.parametrize(
    ("format", "code", "bits"),
    [
        ("bfloat16", 0x3F81, "0.01111111.0000001 0x3f81 = 1.0078125"),
        ("float4_e2m1fn", 0xB, "1.01.1 0xb = -1.5"),
        ("float8_e8m0fnu", 0x80, "10000000 0x80 = 2"),
        ("int8", 0xFF, "11111111 0xff = -1"),
        ("e5m3:bias=15:ieee", 0x1F0, "1.11110.000 0x1f0 = -32768"),
        ("float64", 1, "= 4.9406564584124654e-324"),
    ],
)
def test_bit_fields(format: str, code: int, bits: str) -> None:
    assert bits in str(failure([code], [0], format))


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"actual has shape \(3,\), desired \(2,\)"):
        assert_codes_equal([1, 2, 3], [1, 2], E4M3)
    with pytest.raises(ValueError, match="0x100 is no code of float8_e4m3fn"):
        assert_codes_equal([256], [0], E4M3)
    with pytest.raises(TypeError, match="must be codes"):
        assert_codes_equal(np.float32([1]), [0], E4M3)
    with pytest.raises(ValueError, match="nan must be 'any' or 'bits'"):
        assert_codes_equal([1], [1], E4M3, nan="same")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"op must be 'encode' or a function of halfulp\.ops, not 'plus'"):
        diagnose([1], [2], E4M3, operands=[[1], [1]], op="plus")


@pytest.mark.parametrize(
    ("policy", "rule"),
    [
        ({"rounding": "nearest_away"}, "ties go away from zero"),
        ({"rounding": "toward_zero"}, "rounds toward zero"),
        ({"rounding": "toward_positive"}, "rounds toward positive"),
        ({"rounding": "to_odd"}, "rounds to odd"),
        ({"subnormals": "flush_output"}, "subnormal results are flushed"),
        ({"subnormals": "flush_tiny"}, "subnormal results are flushed, judged before rounding"),
        ({"overflow": "saturate"}, "saturates instead of Inf or NaN"),
    ],
)
def test_each_rule_of_an_encoder_is_named(policy: dict[str, Any], rule: str) -> None:
    (found,) = rules(**policy)
    assert found.startswith(rule)
    count, of = re.findall(r"(\d+) of (\d+)", found)[0]
    assert count == of


def test_two_broken_rules_are_both_named() -> None:
    found = rules(rounding="nearest_away", subnormals="flush_output")
    assert [rule.partition(" (")[0] for rule in found] == ["ties go away from zero", "subnormal results are flushed"]
    counts = [int(re.findall(r"(\d+) of", rule)[0]) for rule in found]
    assert min(counts) > 0
    found = rules(rounding="toward_zero", subnormals="flush_tiny", overflow="saturate")
    assert len(found) in (2, 3)


def test_double_rounding_is_named() -> None:
    ties = np.float64([1 + 1 / 16 + 2.0**-40, 1 + 3 / 16 - 2.0**-40, 17 + 2.0**-35, 1.0, 0.3, 5.7])
    actual = E4M3.codec(via="float32").encode(ties)
    (found,) = diagnose(actual, E4M3.encode(ties), E4M3, operands=[ties])
    assert found.rule == "double rounding through float32"
    a, b, c = np.meshgrid(*[np.arange(64, dtype=np.uint8) + 32] * 3)
    single = hu.ops.fma(a, b, c, format=E4M3, flags=True)[0]
    wide = hu.ops.fma(a, b, c, format=(E4M3, E4M3, E4M3, hu.bfloat16), flags=True)[0]
    double = hu.ops.convert(wide, format=(hu.bfloat16, E4M3), flags=True)[0]
    (found,) = diagnose(double, single, E4M3, operands=[a, b, c], op="fma")
    assert found.rule == "double rounding through bfloat16"
    assert found.explained == found.of == int((single != double).sum())


@pytest.mark.parametrize(
    ("policy", "rule"),
    [
        ({"rounding": "nearest_away"}, "ties go away from zero"),
        ({"rounding": "toward_zero"}, "rounds toward zero"),
        ({"subnormals": "flush_output"}, "subnormal results are flushed"),
        ({"subnormals": "flush_input"}, "subnormal inputs are flushed"),
        ({"subnormals": ("flush_input", "flush_output")}, "subnormal inputs are flushed and subnormal results are"),
        ({"overflow": "saturate"}, "saturates instead of Inf or NaN"),
    ],
)
@pytest.mark.parametrize("op", ["multiply", "add"])
def test_each_rule_of_an_operation_is_named(op: str, policy: dict[str, Any], rule: str) -> None:
    call = getattr(hu.ops, op)
    actual, desired = (call(*PAIRS, format=E4M3, flags=True, **words)[0] for words in (policy, {}))
    if np.array_equal(actual, desired):
        pytest.skip("no sum of two numbers is subnormal and inexact, but flushed it is")
    found = diagnose(actual, desired, E4M3, operands=PAIRS, op=op)
    assert found[0].rule.startswith(rule), found
    assert found[0].explained == (actual != desired).sum()


def test_signs_of_zero_and_nan() -> None:
    x = np.float32([0.0, -0.0, np.nan, -np.nan, 1.0])
    desired = hu.float16.encode(x)
    found = diagnose(desired & 0x7FFF, desired, hu.float16, operands=[x])
    assert [(f.rule, f.explained) for f in found] == [
        ("the sign of zero differs", 1),
        ("the payload or sign of NaN differs", 1),
    ]
    assert "the sign of zero differs: 1 of 2" in str(failure(desired & 0x7FFF, desired, hu.float16, nan="bits"))


def test_noise_is_not_explained() -> None:
    desired = E4M3.encode(NUMBERS)
    noise = desired ^ np.random.default_rng(1).integers(0, 8, desired.shape).astype(np.uint8)
    assert diagnose(noise, desired, E4M3, operands=[NUMBERS]) == []


def test_one_wrong_code_is_no_rule() -> None:
    """A single tie that went away from zero, where all others went to even."""
    desired, away = E4M3.encode(SOURCES), E4M3.codec(rounding="nearest_away").encode(SOURCES)
    actual = desired.copy()
    first = np.flatnonzero(desired != away)[0]
    actual[first] = away[first]
    assert diagnose(actual, desired, E4M3, operands=[SOURCES]) == []


@pytest.mark.parametrize("op", ["encode", "multiply"])
def test_the_line_reproduces_the_first_difference(op: str) -> None:
    if op == "encode":
        operands: Any = [np.float32([1.0, np.nan, 1.0625])]
        desired = hu.encode(operands[0], E4M3, rounding="toward_positive")
    else:
        operands = [np.uint8([1, 0x39]), np.uint8([0x38, 0x39])]
        desired = hu.ops.multiply(*operands, format=E4M3, rounding="toward_positive", flags=True)[0]
    actual = desired.copy()
    actual[-1] -= 1
    error = failure(actual, desired, E4M3, operands=operands, op=op, policy={"rounding": "toward_positive"})
    assert error.reproduce is not None
    assert error.reproduce in str(error)
    printed = subprocess.run([sys.executable, "-W", "ignore", "-c", error.reproduce], capture_output=True, text=True)
    assert printed.stdout.strip() == hex(int(desired[-1])), printed.stderr
    assert error.reproduce.endswith(f"# not {int(actual[-1]):#04x}")


@pytest.mark.skipif(not environments(), reason="needs glibc's fenv_t")
def test_environments_are_set_and_restored() -> None:
    tiny, one = np.float64(5e-310), np.float64(1)
    for mode in environments():
        with environment(mode) as env:
            kept, third = tiny * one, one / np.float64(3)
        assert (float(kept) == 0) == ("ftz" in mode)
        assert (float(third) > 1 / 3) == mode.startswith("upward")
        assert env.flags
        assert not env.changed
    with pytest.raises(ZeroDivisionError), environment("upward"):
        raise ZeroDivisionError
    assert float(one / np.float64(3)) == 1 / 3
    with pytest.raises(ValueError, match="mode must be one of usual, ftz"):
        environment("sideways")


def test_nothing_is_not_everything() -> None:
    f = hu.float8_e4m3fn
    for actual, desired in (([], [1]), ([[1, 2]], [1, 2]), ([], 1)):
        with pytest.raises(ValueError, match="actual has shape"):
            assert_codes_equal(np.array(actual, np.uint8), np.array(desired, np.uint8), f)
    assert_codes_equal(np.uint8([1, 1]), np.uint8(1), f)
    with pytest.raises(ValueError, match="op must be"):
        assert_codes_equal(np.uint8([1]), np.uint8([1]), f, op="foo")
    with pytest.raises(ValueError, match="max_shown"):
        assert_codes_equal(np.uint8([1]), np.uint8([1]), f, max_shown=-1)
