"""NumPy's mathematical functions on dtypes beside MPFR: all codes of up to 8 bits; by `--thorough`, of up to 16."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("gmpy2")

import math_table
from dtype_cases import array, codes_in, every_small, judge
from math_oracle import BINARY, UNARY, to_odd
from math_table import LARGE, PAIRED, all_codes, all_pairs, compare
from oracle import NAMED, Spec
from support import assert_codes

SIX_BITS = [s for s in PAIRED if s.bits <= 6]


@every_small
def test_functions_are_correctly_rounded(spec: Spec) -> None:
    for name in UNARY:
        assert compare(name, spec, all_codes(spec)).wrong == []


@pytest.mark.parametrize("spec", LARGE, ids=math_table.name_of)
def test_functions_of_wider_formats_are(spec: Spec, thorough: bool) -> None:
    if not thorough and spec is not NAMED["bfloat16"]:
        pytest.skip("takes seconds: --thorough")
    step = 1 if thorough else 263  # odd, to meet all last places
    for k, name in enumerate(UNARY):
        assert compare(name, spec, all_codes(spec)[k % step :: step]).wrong == []


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("spec", PAIRED, ids=math_table.name_of)
def test_functions_of_two_are(spec: Spec, name: str, thorough: bool) -> None:
    step = 1 if thorough or spec.bits <= 6 else 97
    assert compare(name, spec, *(codes[::step] for codes in all_pairs(spec))).wrong == []


@pytest.mark.parametrize("spec", SIX_BITS, ids=math_table.name_of)
def test_quotients_and_remainders_are_exact(spec: Spec) -> None:
    x, y = all_pairs(spec)
    a, b = judge(spec).values[x], judge(spec).values[y]
    keep = b != 0
    x, y, a, b = x[keep], y[keep], a[keep], b[keep]
    pairs = [(Fraction(u), Fraction(v)) for u, v in zip(a.tolist(), b.tolist(), strict=True)]
    floors = [u // v for u, v in pairs]
    rests = [u - v * q for (u, v), q in zip(pairs, floors, strict=True)]
    truncated = [u - v * int(u / v) for u, v in pairs]
    with np.errstate(all="ignore"):
        for name, exact in (("floor_divide", floors), ("remainder", rests), ("fmod", truncated)):
            numbers = np.array([float(q) for q in exact])
            got = codes_in(getattr(np, name)(array(spec, x), array(spec, y)), spec)
            some = numbers != 0  # a zero's sign is NumPy's rule
            assert_codes(got[some], judge(spec).encode(numbers[some]), a[some], name)
            assert not judge(spec).values[got[~some]].any()


def test_the_judge_sees_a_tie_from_either_side() -> None:
    import gmpy2

    with gmpy2.context(precision=60):
        tiny = gmpy2.mpfr(2) ** -80
        assert to_odd(gmpy2.mpfr(9)) == 9
        assert to_odd(gmpy2.mpfr(9) + tiny) == np.nextafter(9, 10)  # rounded to 9 by MPFR, downward
        assert to_odd(gmpy2.mpfr(9) - tiny) == np.nextafter(9, 8)
    spec = NAMED["float8_e5m2"]
    codes = judge(spec).encode(np.array([9.0, np.nextafter(9, 10), np.nextafter(9, 8)]))
    assert judge(spec).values[codes].tolist() == [8, 10, 8]


def test_all_are_listed() -> None:
    """Every function of NumPy that goes by way of binary64 is judged somewhere."""
    import halfulp as hu

    exact = {"floor_divide", "remainder", "fmod", "divide", "add", "subtract", "multiply", "divmod", "copysign"}
    exact |= {"heaviside", "nextafter", "maximum", "minimum", "fmax", "fmin", "ldexp", "float_power"}
    exact |= {"absolute", "ceil", "conjugate", "fabs", "floor", "frexp", "modf", "negative", "positive", "rint", "sign"}
    exact |= {"spacing", "trunc"}
    same = {"degrees": "rad2deg", "radians": "deg2rad"}
    x = np.ones(1, hu.bfloat16)
    for name in dir(np):
        ufunc = getattr(np, name)
        if not isinstance(ufunc, np.ufunc) or ufunc.signature is not None:
            continue
        try:
            with np.errstate(all="ignore"):
                result = ufunc(*[x] * ufunc.nin)
        except TypeError:
            continue
        first = result[0] if isinstance(result, tuple) else result
        if first.dtype == x.dtype:
            assert same.get(ufunc.__name__, ufunc.__name__) in {*exact, *UNARY, *BINARY}, name


def test_the_page_is_what_the_script_writes(thorough: bool) -> None:
    if not thorough:
        pytest.skip("takes a minute: --thorough")
    text = math_table.PAGE.read_text(encoding="utf-8")
    assert math_table.replaced(text) == text
