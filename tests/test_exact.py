"""Integers, fractions, decimals and strings of any size: one rounding each, from the exact value."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import halfulp as hu
import numpy as np
import oracle
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st
from support import product

F = hu.float8_e4m3fn
HUGE = Decimal("1E+999999999")
SMALL = ("1e-", "-1e-", "0x1p-", "0x.", ".", "1/")


@given(st.data())
def test_any_rational(data: st.DataObject) -> None:
    """Whatever the format, the policy and the value, and whichever way the value is written."""
    spec = data.draw(strategies.specs())
    policy = data.draw(strategies.policies(spec, via=True))
    x = data.draw(strategies.values(spec))
    words = {k: v for k, v in vars(policy).items() if v is not None}
    want = oracle.encode(spec, oracle.real(x), policy)
    f = product(spec)
    assert hu.encode(x, f, **words) == want
    assert hu.encode(f"{x.numerator}/{x.denominator}", f, **words) == want
    assert hu.encode([x, str(x)], f, **words).tolist() == [want, want]
    if x.denominator == 1:
        assert hu.encode(int(x), f, **words) == want


TIE = 1 + Fraction(1, 16)  # half way between 1 and 1.125


@pytest.mark.parametrize("beyond", [10, 61, 62, 63, 64, 100, 1000, 4000, 10_000])
def test_a_bit_far_below_a_tie_decides(beyond: int) -> None:
    tiny = Fraction(1, 1 << beyond)
    assert [hu.encode(TIE + d, F) for d in (-tiny, 0, tiny)] == [0x38, 0x38, 0x39]
    scaled = (1 << 16) * (1 << beyond)
    whole = int(TIE * scaled)
    wide = hu.Format(10, 3, specials="finite", bias=400) if beyond < 500 else None
    if wide is not None:
        codes = hu.encode([whole - 1, whole, whole + 1], wide)
        assert codes[0] == codes[1] == codes[2] - 1


def test_a_digit_far_below_a_tie_decides() -> None:
    for zeros in (1, 20, 100, 1300, 5000):
        assert hu.encode("1.0625" + "0" * zeros + "1", F) == 0x39
        assert hu.encode(Decimal("1.0625" + "0" * zeros + "1"), F) == 0x39
        assert hu.encode("1.0624" + "9" * zeros, F) == 0x38
        assert hu.encode("0x1.1" + "0" * zeros + "1", F) == 0x39
        assert hu.encode("0x1.1" + "0" * zeros, F) == 0x38
        assert hu.encode("0" * zeros + "1.0625", F) == 0x38
        assert hu.encode("." + "0" * zeros + f"1e{zeros + 1}", F) == 0x38
        assert hu.encode("1" + "0" * zeros + f"e-{zeros}", F) == 0x38


@pytest.mark.parametrize("bits", [1024, 1025, 1026, 1100, 4999])
def test_a_carry_out_of_the_widest_exponent(bits: int, isa: str) -> None:
    """All ones round up to a power of two beyond the range, whose code would need a bit more than a word has."""
    for f in (hu.float64, hu.Format(11, 51), hu.Format(10, 52, specials="fnuz")):
        most = int(f.encode(math.inf))
        sign = 0 if f.specials == "fnuz" else 1 << (f.bits - 1)
        for x in (2**bits - 1, Fraction(2**bits - 1), str(2**bits - 1)):
            assert hu.encode(x, f) == most
            assert hu.encode(f"-{x}", f) == most | sign
            assert hu.encode(x, f, overflow="saturate") == f.code_of_max


def test_no_double_rounding_through_any_binary_type() -> None:
    """Values that are ties in float32, float64 or longdouble only because those rounded first."""
    for bits in (24, 53, 64, 113):
        x = 1 + Fraction(1, 16) + Fraction(1, 1 << (bits + 2))
        for value in (x, str(x), Decimal(x.numerator) / 1 if x.denominator == 1 else x, [x]):
            assert np.ravel(hu.encode(value, F))[0] == 0x39
    assert hu.encode(np.float64(1 + 2**-8 + 2**-40), hu.bfloat16) == 0x3F81
    assert hu.encode(2**30 + 2**22 + 1, hu.bfloat16) == 0x4E81
    assert hu.encode(np.int64(2**30 + 2**22 + 1), hu.bfloat16) == 0x4E81
    assert hu.encode(2**64 - 1, hu.float64) == hu.float64.encode(2.0**64)
    assert hu.encode([2**53 + 1, 0.5], hu.float64).tolist() == hu.encode([float(2**53), 0.5], hu.float64).tolist()
    assert hu.encode([2**53 + 1, 0.5], hu.Format(11, 52), rounding="toward_positive")[0] == int(
        hu.float64.encode(float(2**53 + 2))
    )


@pytest.mark.parametrize(
    "x",
    ["1e999999999999", "-1e-999999999999", "0x1p999999999999", "0x1p-999999999999", "0x" + "f" * 100_000,
     "0x." + "0" * 100_000 + "1", "9" * 100_000, "1e" + "9" * 10_000, "1e-" + "9" * 10_000, "." + "0" * 100_000 + "1",
     "0e999999999999999999999", "0x0p99999999999999999999", "1/" + "9" * 4000, "9" * 4000 + "/1",
     HUGE, HUGE.copy_negate(), Decimal("1E-999999999"), 10**5000, -(10**5000), Fraction(1, 10**5000)],
    ids=lambda x: str(type(x).__name__) + str(x)[:12] if not isinstance(x, int | Fraction) else type(x).__name__,
)  # fmt: skip
def test_numbers_far_outside(x: Any) -> None:
    """Answered at once: the size of an exponent never becomes the size of an integer."""
    for rounding in ("nearest_even", "toward_positive", "to_odd"):
        got = [int(hu.encode(x, f, rounding=rounding)) for f in (F, hu.float64, hu.float4_e2m1fn)]
        text = str(x)[:30] if not isinstance(x, int | Fraction) else None
        small = isinstance(x, Fraction) or (text is not None and text.lower().startswith(SMALL))
        zero = text is not None and text.startswith(("0e", "0x0"))
        negative = x < 0 if isinstance(x, int | Fraction | Decimal) else x.startswith("-")
        up = rounding == "to_odd" or (rounding == "toward_positive" and not negative)
        for f, c in zip((F, hu.float64, hu.float4_e2m1fn), got, strict=True):
            sign = (1 << (f.bits - 1)) if negative else 0
            if zero:
                assert c == 0
            elif small:
                assert c == sign | (1 if up else 0)
            else:
                assert c == int(f.encode(-math.inf if negative else math.inf)) or c == sign | f.code_of_max


READ = {
    "1.5": 1.5, "+1.5": 1.5, " \t1.5\n": 1.5, "1.": 1.0, ".5": 0.5, "1e2": 100.0, "1E+2": 100.0, "1.5e-3": 1.5e-3,
    "-0": -0.0, "-0.0e5": -0.0, "0x10": 16.0, "0X1.8P-4": 0.09375, "-0x.8": -0.5, "0x1p+3": 8.0, "3/4": 0.75,
    "-1/8": -0.125, "inf": math.inf, "-INF": -math.inf, "Infinity": math.inf, "+inf": math.inf, "007": 7.0,
    "0x1.": 1.0, "0/5": 0.0,
}  # fmt: skip


@pytest.mark.parametrize("text", READ)
def test_strings(text: str) -> None:
    for f in (F, hu.float64, hu.bfloat16):
        want = f.encode(READ[text])
        assert hu.encode(text, f) == want
        assert hu.encode(text.encode(), f) == want
        assert hu.encode(np.array([text]), f).tolist() == [want]
        assert hu.encode(np.array([text], np.dtypes.StringDType()), f).tolist() == [want]
        assert hu.encode(np.bytes_(text), f) == want


def test_nan_strings_keep_their_sign() -> None:
    assert [hu.encode(t, F) for t in ("nan", "+NaN", "-nan")] == [0x7F, 0x7F, 0xFF]
    assert [hu.encode(Decimal(t), F) for t in ("NaN", "-NaN", "sNaN", "-sNaN99")] == [0x7F, 0xFF, 0x7F, 0xFF]
    assert [hu.encode(Decimal(t), F) for t in ("Inf", "-Inf", "-0")] == [0x7F, 0xFF, 0x80]


REFUSED = [
    "", " ", "+", "-", ".", "e5", "1e", "1e+", "0x", "0x.", "0xg", "0x1p", "1/", "/1", "1/2/3", "1.5/2", "-1/-2",
    "1_000", "1,5", "1 2", "--1", "nan0", "infin", "1e1.5", "0b1", "1j", "١", "½", "0x1.8p-4 ft", "NaN(3)", "\0", "1\0",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_strings_that_are_no_numbers(text: str) -> None:
    for given_ in (text, [1.0, text], np.array([text], dtype=object)):
        with pytest.raises(ValueError, match=r"cannot read .* as a number"):
            hu.encode(given_, F)


def test_messages_about_strings() -> None:
    with pytest.raises(ValueError, match=r"write it like '1.5e-3', '0x1.8p-4', '1/3', 'inf' or 'nan'"):
        hu.encode("one", F)
    with pytest.raises(ValueError, match="the denominator is zero"):
        hu.encode("1/0", F)
    with pytest.raises(ValueError, match="fractions of at most 4000 digits"):
        hu.encode("1/" + "3" * 4001, F)
    assert hu.ops.from_string("1/" + "3" * 4000, format=F) == 0
    assert hu.ops.from_string("0." + "0" * 9000 + "1e9001", format=F) == F.encode(1)
    with pytest.raises(ValueError, match="cannot read") as caught:
        hu.encode("x" * 1_000_000, F)
    assert len(str(caught.value)) < 200


@given(st.text() | st.from_regex(r"[-+]?(0x)?[0-9a-fpe./ ]{0,12}", fullmatch=True))
def test_any_text_is_read_exactly_or_refused(text: str) -> None:
    try:
        got = hu.encode(text, hu.bfloat16)
    except ValueError as error:
        assert "cannot read" in str(error)  # noqa: PT017
        return
    plain = text.strip().lower()
    if "nan" in plain:
        assert np.isnan(hu.bfloat16.decode(got))
    elif "inf" in plain:
        assert np.isinf(hu.bfloat16.decode(got))
    elif "x" in plain:
        assert got == hu.bfloat16.encode(float.fromhex(plain))
    elif "e" not in plain or abs(int(plain.partition("e")[2])) < 1000:
        x = Fraction(plain)
        negative_zero = x == 0 and plain.startswith("-")
        assert got == oracle.encode(oracle.NAMED["bfloat16"], oracle.real(x, negative_zero))
