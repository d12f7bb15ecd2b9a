"""Dtypes in every floating-point environment: no bit changes, and no control bit of the caller's."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from halfulp.testing import environment, environments
from numpy.typing import NDArray

Array = NDArray[Any]
MODES = [mode for mode in environments() if mode != "usual"]
if not MODES:
    pytest.skip("needs glibc's fenv_t on x86-64 or aarch64", allow_module_level=True)

# The last two are subnormal in binary32, and in binary64.
NAMES = [
    "float8_e4m3fn",
    "bfloat16",
    "tfloat32",
    "float8_e8m0fnu",
    "int4",
    "e5m4:bias=142:finite",
    "e5m4:bias=1040:ieee",
    "e3m2:bias=1060:finite:unsigned:nozero",
]
in_all_modes = pytest.mark.parametrize("mode", MODES)
in_all_formats = pytest.mark.parametrize("name", NAMES)

ONE = [
    *("absolute", "cbrt", "ceil", "cos", "degrees", "exp", "exp2", "expm1", "floor", "frexp"),
    *("isfinite", "isnan", "log", "log1p", "log2", "logical_not", "modf", "negative", "reciprocal", "rint", "sign"),
    *("signbit", "sin", "spacing", "sqrt", "square", "tan", "tanh", "trunc"),
]
TWO = [
    *("add", "arctan2", "copysign", "divide", "divmod", "equal", "floor_divide", "fmod", "fmax", "greater"),
    *("heaviside", "hypot", "less", "logaddexp", "logical_and", "logical_or", "logical_xor", "maximum", "minimum"),
    *("multiply", "nextafter", "power", "remainder", "subtract"),
]


def some(name: str, n: int = 300, seed: int = 0) -> Array:
    """Numbers of all magnitudes, and the smallest ones."""
    f = hu.Format(name)
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 1 << f.bits, n).astype(f.code_dtype)
    codes[: n // 3] &= (1 << max(1, f.mantissa_bits)) - 1
    return np.asarray(codes.view(f.dtype))


def bits(result: Any) -> Any:
    """Something to compare, all NaN of one sign being one."""
    if isinstance(result, tuple | list):
        return [bits(r) for r in result]
    if isinstance(result, np.ndarray | np.generic):
        return (str(result.dtype), result.tobytes())
    return repr(result)


def unchanged(mode: str, call: Callable[[], Any]) -> None:
    with np.errstate(all="ignore"):
        want = bits(call())
        with environment(mode) as env:
            got = call()
        assert bits(got) == want
    assert not env.changed


@in_all_modes
@in_all_formats
def test_ufuncs(name: str, mode: str) -> None:
    x, y = some(name), some(name, seed=1)
    for ufunc in ONE:
        unchanged(mode, lambda ufunc=ufunc: getattr(np, ufunc)(x))
    for ufunc in TWO:
        if name == "int4" and ufunc in ("divide", "true_divide"):
            continue  # float32, by NumPy's own loop
        unchanged(mode, lambda ufunc=ufunc: getattr(np, ufunc)(x, y))
    unchanged(mode, lambda: np.clip(x, y.min(), y.max()))
    unchanged(mode, lambda: np.ldexp(x, np.arange(300) % 7 - 3))
    out = x.copy()
    unchanged(mode, lambda: np.multiply.reduce(x[:40], out=out[:1].reshape(())))
    unchanged(mode, lambda: np.add.reduce(x, out=out[:1].reshape(())))


@in_all_modes
@in_all_formats
def test_casts_and_text(name: str, mode: str) -> None:
    x = some(name)
    numbers = x.astype(np.float64)
    texts = x.astype("U")
    strings = np.array([str(t) for t in numbers], np.dtypes.StringDType())
    for dtype in ("U40", "S40", np.dtypes.StringDType(), np.float16, np.float32, np.float64, bool, "i8", "c8", object):
        if dtype is object or isinstance(dtype, np.dtypes.StringDType):
            unchanged(mode, lambda dtype=dtype: list(x.astype(dtype)))
        else:
            unchanged(mode, lambda dtype=dtype: x.astype(dtype))
    for given in (numbers, texts, texts.astype("S"), strings):
        unchanged(mode, lambda given=given: given.astype(x.dtype))
    for other in NAMES:
        unchanged(mode, lambda other=other: x.astype(hu.Format(other).dtype))
    unchanged(mode, lambda: np.nonzero(x)[0])
    unchanged(mode, lambda: np.sort(x))
    unchanged(mode, lambda: np.arange(3, 9, dtype=x.dtype))


@in_all_modes
@in_all_formats
def test_scalars(name: str, mode: str) -> None:
    smallest = some(name, 30)
    for s in smallest:
        if not np.isfinite(s):
            continue
        for call in (
            str, repr, bool, hash, math.floor, math.ceil, round, lambda s: s.hex(), lambda s: s.as_integer_ratio(),
            lambda s: s.is_integer(), lambda s: round(s, 2), lambda s: round(s, 400), lambda s: f"{s:.4e}",
            lambda s: -s, lambda s: s * s, lambda s: s / s, lambda s: type(s)(str(s)), lambda s: np.sign(s),
        ):  # fmt: skip
            unchanged(mode, lambda call=call, s=s: call(s))


@in_all_modes
def test_casts_on_several_threads(mode: str) -> None:
    """Threads that are made within the environment have it, too."""
    x = np.tile(some("e5m4:bias=1040:ieee"), 1000)
    before = hu.get_num_threads()
    hu.set_num_threads(3)
    try:
        for dtype in (bool, np.float64, np.int8, hu.bfloat16.dtype):
            unchanged(mode, lambda dtype=dtype: x.astype(dtype))
    finally:
        hu.set_num_threads(before)


@in_all_modes
@in_all_formats
def test_python_numbers(name: str, mode: str) -> None:
    """Beside arrays: within the range, and beyond it on both sides."""
    x = some(name)
    integers = (0, 1, 3, -5, 1000, 10**400)
    # Floats beside integers are NumPy's, as in test_ufuncs.
    for number in integers if name == "int4" else (*integers, 0.0, 5e-324, -1e-310, 3e-39, 0.3, 1e300):
        for call in (np.equal, np.less, np.minimum, np.maximum, np.nextafter):
            unchanged(mode, lambda call=call, number=number: call(x, number))


def test_events_are_still_seen() -> None:
    x = np.array([1e4], hu.bfloat16)
    for mode in MODES:
        with environment(mode), pytest.raises(FloatingPointError), np.errstate(all="raise"):
            np.exp(x)
        with environment(mode), pytest.raises(FloatingPointError), np.errstate(all="raise"):
            np.log(x - x)
