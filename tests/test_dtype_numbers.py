"""Python's numbers beside arrays of formats: which are rounded, which are beyond, which make integers floats."""

from __future__ import annotations

import itertools
import math
import operator
import warnings
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from dtype_cases import SMALL, array, every, judge, name_of
from numpy.typing import NDArray
from oracle import Spec, decode, encode, real
from support import at_once, product

Array = NDArray[Any]
E4M3 = hu.float8_e4m3fn
COMPARISONS = [operator.lt, operator.le, operator.eq, operator.ne, operator.gt, operator.ge]
INTEGERS = [f for f in hu.formats.values() if f.specials == "integer" and f.dtype.type.__module__ == "halfulp"]
FAR = 10**400  # no double


def warned(call: Callable[[], Any]) -> tuple[Any, set[str]]:
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn"):
        warnings.simplefilter("always")
        result = call()
    return result, {str(w.message).split()[0] for w in caught}


def numbers_beside(spec: Spec) -> list[float | int]:
    """Numbers of the format and beside its ends, on both sides of the last tie and far beyond."""
    top = float(product(spec).max)
    ties = np.append(judge(spec).ties(), [0.0])
    floats = [0.3, -0.3, 1e300, -1e300, *(top * k for k in (1, -1, 1.01, 1.3, -1.3, 2)), np.nextafter(top, np.inf)]
    floats += [*ties[-2:], *np.nextafter(ties[-2:], np.inf), *np.nextafter(ties[-2:], -np.inf), math.inf, -math.inf]
    integers = [1, -1, 3, 17, 257, 1000, -1000, 2**62 + 1, 2**64, -(2**70) - 1, FAR, -FAR]
    return [float(x) for x in floats] + [math.nan, *integers]


def value_beside(spec: Spec, number: float | int) -> Fraction | float:
    """A Python number as it is compared: rounded, unless it is beyond, becomes zero, or is a zero out of place."""
    if isinstance(number, float) and not math.isfinite(number):
        return number
    exact = Fraction(number)
    if spec.kind == "integer" and isinstance(number, float):
        return exact  # both become floats, as with NumPy's integers
    near = np.array([float(max(min(exact, Fraction(2**1023)), Fraction(-(2**1023))))])
    if judge(spec).overflows(near).any() or (not spec.signed and judge(spec).is_below(near).any()):
        return exact
    if not spec.has_zero and 0 <= exact < spec.min_positive:
        return exact
    found = decode(spec, encode(spec, real(exact)))
    if (found.magnitude == 0) != (exact == 0):
        return exact
    return -found.magnitude if found.negative else found.magnitude


def some(spec: Spec) -> Array:
    codes = range(0, 1 << spec.bits, 1 if spec.bits <= 8 else (1 << spec.bits) // 97)
    return array(spec, list(codes))


def values_of(x: Array) -> list[Fraction | float]:
    return [Fraction(v) if math.isfinite(v) else v for v in x.astype(float).tolist()]


@every
def test_comparisons_round_what_is_in_range_and_take_the_rest_as_it_is(spec: Spec) -> None:
    x = some(spec)
    values = values_of(x)
    for number in numbers_beside(spec):
        other = value_beside(spec, number)
        for compare in COMPARISONS:
            want = [compare(v, other) for v in values]
            got, flags = warned(lambda: compare(x, number))  # noqa: B023
            assert got.tolist() == want, (compare, number)
            assert flags <= {"invalid"}, (compare, number)  # of signalling NaN
            with np.errstate(all="ignore"):
                assert [bool(compare(s, number)) for s in x[:5]] == want[:5], (compare, number)
                assert compare(number, x).tolist() == [compare(other, v) for v in values], (compare, number)


@every
def test_extrema_take_a_bound_beyond_the_format_as_it_is(spec: Spec) -> None:
    fmt = product(spec)
    x = some(spec)
    x = x[~np.isnan(x)]
    values = x.astype(float)
    far = [FAR, -FAR, 1e305, -1e305] if np.isfinite(float(fmt.max) * 4) and fmt.max < 1e300 else [FAR, -FAR]
    for bound in far:
        if spec.kind == "integer" and isinstance(bound, float):
            continue  # floats, as of NumPy's integers
        inner, outer = (np.minimum, np.maximum) if bound > 0 else (np.maximum, np.minimum)
        finite = np.isfinite(values)
        for ufunc in (inner, np.fmin if bound > 0 else np.fmax):
            for call in (lambda: ufunc(x, bound), lambda: ufunc(bound, x)):  # noqa: B023
                got, flags = warned(call)
                assert got.dtype is x.dtype
                assert got.astype(float)[finite].tolist() == values[finite].tolist(), (ufunc, bound)
                assert not flags or not finite.all(), (ufunc, bound)
        low, high = (None, bound) if bound > 0 else (bound, None)
        assert np.clip(x[finite], low, high).astype(float).tolist() == values[finite].tolist()
        number = math.floor if spec.kind == "integer" else float
        both = np.clip(x[finite], *((number(values[finite].min()), bound) if bound > 0 else (bound, number(fmt.max))))
        assert both.astype(float).tolist() == values[finite].tolist() or spec.kind == "integer"
        got, flags = warned(lambda: outer(x[finite], bound))  # noqa: B023
        rounded, _ = warned(lambda: np.full(finite.sum(), bound, x.dtype))  # noqa: B023
        assert flags <= {"overflow", "invalid"}
        assert flags, (outer, bound)
        assert np.array_equal(got.astype(float), rounded.astype(float), equal_nan=True)


def test_bounds_in_the_ordinary_forms() -> None:
    x = np.array([1, -448, np.nan], E4M3)
    assert np.clip(x, 0, 1000).astype(str).tolist() == ["1.0", "0.0", "nan"]
    assert x.clip(None, np.inf).astype(str).tolist() == ["1.0", "-448.0", "nan"]
    assert np.minimum(x, 1000, out=np.zeros(3, E4M3)).astype(str).tolist() == ["1.0", "-448.0", "nan"]
    assert np.fmax(x, -1000, where=[True, True, False], out=np.zeros(3, E4M3)).tolist() == [1, -448, 0]
    assert np.minimum(np.array([[1, 2], [3, 4]], E4M3).T, 1e9).tolist() == [[1, 3], [2, 4]]
    assert np.less(x[::2], 1000, out=np.zeros(2, bool)).tolist() == [True, False]
    assert x[0] < FAR
    assert (FAR > x[0]) is np.True_  # noqa: SIM300
    assert np.array([2.0**64], hu.bfloat16) == 2**64 + 2**56  # a tie, to even
    assert np.array([2.0**64], hu.bfloat16) != 2**64 + 2**56 + 1
    assert np.array([-(2.0**64)], hu.bfloat16) > -(2**64) - 2**56 - 1
    assert np.array([np.inf], hu.bfloat16) > FAR


@pytest.mark.parametrize("spec", SMALL, ids=name_of)
def test_neighbours_toward_a_number_beyond_the_format(spec: Spec) -> None:
    if spec.kind == "integer":
        return
    fmt = product(spec)
    x = some(spec)
    x = x[np.isfinite(x)]
    values = np.unique(x.astype(float))
    # Toward a finite number beyond the last one there is Inf, as C's nexttoward has it.
    inf = math.inf if fmt.has_inf else values[-1]
    up = dict(zip(values, [*values[1:], inf], strict=True))
    down = dict(zip(values, [-inf if fmt.signed and fmt.has_inf else values[0], *values[:-1]], strict=True))
    for bound, next_one in ((FAR, up), (-FAR, down), (1e300, up), (math.inf, up), (-math.inf, down)):
        if bound in (math.inf, -math.inf) and fmt.has_inf and (fmt.signed or bound > 0):
            continue
        got, flags = warned(lambda: np.nextafter(x, bound))  # noqa: B023
        want = [next_one[v] for v in x.astype(float).tolist()]
        assert (got.astype(float) + 0.0).tolist() == [w + 0.0 for w in want], bound
        assert flags == set()


def test_neighbours_of_inf_toward_a_number_beyond_the_format() -> None:
    inf = np.array([np.inf, -np.inf], hu.bfloat16)
    for bound in (1e39, -1e39, FAR, -FAR):
        assert np.nextafter(inf, bound).tolist() == [hu.bfloat16.max, -hu.bfloat16.max]


def test_a_tolerance_below_the_smallest_number_is_no_zero() -> None:
    for f in (E4M3, hu.float8_e5m2, hu.float4_e2m1fn, hu.int4, hu.float16):
        x = np.array([1, 0], f)
        assert (abs(x - x) < 1e-30).tolist() == [f is not hu.float16] * 2  # that one is NumPy's
        assert (x > -1e-30).tolist() == [True, f is not hu.float16]
        if f is not hu.float16:
            assert (x == 1e-30).tolist() == [False, False]
            assert (x[1] < 1e-30, x[1] == 1e-30) == (True, False)
    np.testing.assert_array_almost_equal(np.array([1, 0.5], E4M3), np.array([1, 0.5], E4M3))


def test_integers_are_found_by_their_values() -> None:
    """np.isin has a way of its own for NumPy's integers, which counts with the elements."""
    assert np.isin(np.array([0.5, 0.25, 1, 0, -1.5], hu.mxint8), [0, 1]).tolist() == [False, False, True, True, False]
    assert np.setdiff1d(np.array([0.5, 0.25, 1, 0, -1.5], hu.mxint8), [0, 1]).tolist() == [-1.5, 0.25, 0.5]
    for f in (hu.int2, hu.int4, hu.uint4):
        x = f.values().astype(f)
        assert np.isin(x, x).all()
        assert np.isin(np.arange(-100, 100), x).sum() == x.size
        assert np.setdiff1d(np.tile(x, 30), np.tile(x, 30)).size == 0


def test_neighbours_of_a_number_beyond_the_format() -> None:
    assert np.nextafter(1000, np.array([1, -448, np.nan], E4M3)).astype(str).tolist() == ["448.0", "448.0", "nan"]
    assert np.nextafter(-FAR, np.array([1], E4M3)).tolist() == [-448]


# -- objects


def test_arrays_of_objects_are_compared_by_pythons_operators() -> None:
    x = np.array([1.5, 2.5], E4M3)
    for others in ([1.5, 3], [x[0], x[0] * 2], [Fraction(3, 2), Decimal(3)], [1.5, np.float32(3)]):
        objects = np.empty(2, object)
        objects[:] = others
        for compare in COMPARISONS:
            want = [compare(1.5, float(others[0])), compare(2.5, float(others[1]))]
            for got in (compare(x, objects), [compare(a, b) for a, b in zip(x, others, strict=True)]):
                assert [bool(g) for g in got] == want, (compare, others)
            assert compare(objects, x).tolist() == [compare(float(b), float(a)) for a, b in zip(x, others, strict=True)]
    assert np.isin(x, np.array([1.5, "a"], object)).tolist() == [True, False]
    assert (x == None).tolist() == [False, False]  # noqa: E711
    assert (x != np.array(["a", None])).tolist() == [True, True]


# -- integers


@pytest.mark.parametrize("f", INTEGERS, ids=lambda f: f.name)
def test_integers_beside_floats_are_floats(f: hu.Format) -> None:
    x = f.values().astype(float).astype(f)
    wide = x.astype(np.float32)
    for ufunc, number in itertools.product((np.add, np.multiply, np.hypot, np.minimum, np.power), (0.3, 2.0, -0.5)):
        for other in (number, np.float32(number)):
            with np.errstate(all="ignore"):
                got, want = ufunc(x, other), ufunc(wide, np.float32(number))
            assert got.dtype == np.float32
            assert got.tobytes() == want.tobytes(), (ufunc, other)
    with np.errstate(all="ignore"):
        assert (x / x[::-1]).tobytes() == (wide / wide[::-1]).tobytes()
        assert (x / 3).tobytes() == (wide / np.float32(3)).tobytes()
        assert (x[1] / 3).tobytes() == (wide[1] / np.float32(3)).tobytes()
    assert (x * 1).dtype is (x // 1).dtype is (x - x).dtype is (x[0] + 1).dtype is f.dtype
    assert np.result_type(x, 1.0) == np.float32
    assert np.result_type(x, 1) is f.dtype


def test_statistics_of_integers_are_those_of_the_numbers() -> None:
    one, fifteen = np.array([1.0], hu.uint4), np.array([15.0], hu.uint4)
    with np.errstate(all="raise"):
        assert not np.isclose(one, fifteen).any()
        assert not np.allclose(fifteen, one)
        assert np.allclose(fifteen, fifteen)
        with pytest.raises(AssertionError):
            np.testing.assert_allclose(one, fifteen)
        assert np.percentile(np.array([0, 4], hu.int4), 50) == 2
        assert np.quantile(np.array([0, 3], hu.int4), 0.25) == 0.75
        assert np.median(np.array([0, 3], hu.int4)) == 1.5
        assert np.array([-8, 7], hu.int4).mean() == -0.5
        assert np.array([0, 15], hu.uint4).std() == 7.5


def test_values_of_integer_formats_are_no_codes() -> None:
    for f in (hu.int4, hu.uint4, hu.mxint8):
        x = np.array([1, 0], f)
        for call in (
            lambda: hu.ops.add(x, x, format=f),  # noqa: B023
            lambda: hu.pack(x, f, order="little"),  # noqa: B023
            lambda: hu.unpack(x, f, order="little"),  # noqa: B023
            lambda: f.decode(x),  # noqa: B023
            lambda: hu.ops.to_integer(x.view(np.uint8), f.dtype, format=f),  # noqa: B023
            lambda: hu.ops.scaleb(x.view(np.uint8), x, format=f),  # noqa: B023
        ):
            with pytest.raises(TypeError):
                call()


@every
def test_mantissas_are_exact(spec: Spec) -> None:
    x = some(spec)
    x = x[np.isfinite(x)]
    mantissa, exponent = np.frexp(x)
    assert np.ldexp(mantissa.astype(float), exponent).tolist() == x.astype(float).tolist()


# -- sums


@every
def test_sums_along_any_axis_are_wide(spec: Spec) -> None:
    fmt = product(spec)
    if fmt.max < 1:
        return
    wide = np.dtype(np.float32 if np.can_cast(fmt, np.float32) else np.float64)
    x = np.ones((5000, 2), fmt)
    for ones in (x, np.asfortranarray(x), x[::-1]):
        assert ones.sum(axis=0).tolist() == [5000, 5000]
        assert np.cumsum(ones, axis=0)[-1].tolist() == [5000, 5000]
        assert ones.mean(axis=0).tolist() == [1, 1]
        assert ones.sum().dtype == ones.prod(axis=0).dtype == ones.mean(axis=1).dtype == wide
        if fmt.has_zero:
            assert ones.var(axis=0).tolist() == [0, 0]


# -- promotion


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("e4m3:bias=8:p3109_f", "float8_e4m3fnuz"),
        ("e4m3:bias=7:fn:name=a", "float8_e4m3fn"),
        ("e4m3:bias=7:fn:name=z", "float8_e4m3fn"),
    ],
)
def test_one_of_two_formats_with_the_same_numbers_is_always_the_one(text: str, name: str) -> None:
    a, b = hu.Format(text).dtype, hu.formats[name].dtype
    assert a is not b
    assert np.promote_types(a, b) is np.promote_types(b, a) is b
    assert (np.ones(1, a) + np.ones(1, b)).dtype is (np.ones(1, b) + np.ones(1, a)).dtype is b


def test_functions_of_one_operand_take_a_dtype() -> None:
    x = np.array([2, 3], E4M3)
    for ufunc in (np.exp, np.sqrt, np.floor, np.negative, np.reciprocal):
        for dtype in (np.float32, np.float64):
            assert ufunc(x, dtype=dtype).tobytes() == ufunc(x.astype(dtype)).tobytes()
        narrow = ufunc(x, dtype=type(hu.bfloat16.dtype))
        assert narrow.tobytes() == ufunc(x.astype(hu.bfloat16)).tobytes()


# -- Inf, and decimals


@pytest.mark.parametrize("number", [math.inf, -math.inf])
@every
def test_inf_without_a_place_is_invalid_however_it_comes(spec: Spec, number: float) -> None:
    fmt = product(spec)
    dtype = fmt.dtype
    want = set() if fmt.has_inf and (fmt.signed or number > 0) else {"invalid"}

    class Own(float):
        pass

    class Floats:
        def __float__(self) -> float:
            return number

    things = [number, str(number), Decimal(number), Own(number), Floats(), np.float32(number), np.longdouble(number)]
    for thing in things:
        assert warned(lambda: dtype.type(thing))[1] == want, thing  # noqa: B023
    for char in ("f2", "f4", "f8", "g", "O", "U9", "S9", "T"):
        assert warned(lambda: np.full(3, number).astype(char).astype(dtype))[1] == want, char  # noqa: B023
    for other in (hu.bfloat16, hu.Format(8, 14)):
        assert warned(lambda: np.array([number], other).astype(dtype))[1] == want, other  # noqa: B023
    if want:
        x = np.zeros(2, fmt.code_dtype).view(dtype)
        assert warned(lambda: np.copyto(x, number, casting="unsafe"))[1] == want


def test_functions_whose_result_is_inf_raise_what_they_did() -> None:
    zero = np.zeros(1, E4M3)
    assert warned(lambda: np.log(zero))[1] == warned(lambda: 1 / zero)[1] == {"divide"}


@np.errstate(all="ignore")
def test_a_scalar_is_rounded_to_decimals_exactly() -> None:
    for f in (E4M3, hu.bfloat16, hu.int4):
        for x in f.values()[-40:].astype(float).astype(f):
            for decimals in (0, 1, 2, -1):
                want = f.dtype.type(round(Fraction(float(x)), decimals))  # type: ignore[attr-defined]
                assert x.round(decimals) == np.round(x, decimals) == round(x, decimals) == want
    assert E4M3.dtype.type(2.5).round() == 2
    out = np.zeros((), E4M3)
    assert E4M3.dtype.type(100).round(1, out=out) is out  # type: ignore[attr-defined]
    assert out == 96
    assert np.isnan(E4M3.dtype.type("nan").round(1))


def test_a_power_of_ten_beyond_doubles_is_invalid() -> None:
    assert "invalid" in warned(lambda: np.round(np.array([0.3], E4M3), 10**6))[1]


def test_the_first_comparisons_of_a_format_may_come_from_many_threads() -> None:
    own = [hu.Format(5, 3, bias=bias) for bias in range(6, 26)]

    def work(_: int) -> list[Any]:
        found = []
        for f in own:
            x = np.array([1, 2], f)
            found += [(x < 1.5).tolist(), np.clip(x, 0, FAR).tolist(), np.nextafter(x, -1e300).tolist()]
        return found

    one, *others = at_once(8, work)
    assert all(other == one for other in others)
    assert one[:2] == [[True, False], [1, 2]]


@pytest.mark.parametrize(
    "name", ["float8_e8m0fnu", "e2m4:bias=2:p3109_e:unsigned:nozero", "e3m2:bias=1060:finite:unsigned:nozero"]
)
def test_zero_is_below_every_number_of_a_format_without_one(name: str) -> None:
    f = hu.Format(name)
    x = f.values().astype(np.float64).astype(f.dtype)
    least = f.min_subnormal
    for zero in (0, 0.0, -0.0, least / 2, least * 0.75):
        got = [(x == zero), (x != zero), (x > zero), (x >= zero), (x < zero), (x <= zero), (zero < x), (zero == x)]
        assert [set(g.tolist()) for g in got] == [{t} for t in (False, True, True, True, False, False, True, False)]
        assert np.maximum(x, zero).tolist() == x.tolist()
        assert np.clip(x, zero, None).tolist() == x.tolist()
        assert np.minimum(x, zero).tolist() == [least] * x.size
        assert np.nextafter(zero, x).tolist() == [least] * x.size
        assert np.nextafter(x, zero).tolist() == [least, *x.tolist()[:-1]]
    assert (x == least).tolist() == [True, *[False] * (x.size - 1)]
    shown = str(x[:1]).strip("[]")
    assert abs(float(shown) / least - 1) < 0.1  # not 0
