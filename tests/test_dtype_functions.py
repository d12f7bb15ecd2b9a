"""What NumPy's functions make of dtypes of formats: Python's numbers, transforms, and errors that say what to write."""

from __future__ import annotations

import json
from typing import Any

import halfulp as hu
import numpy as np
import pytest

E4M3 = hu.float8_e4m3fn


@pytest.mark.parametrize(
    "f", [hu.bfloat16, hu.float4_e2m1fn, hu.int4, hu.mxint8, hu.Format(8, 30)], ids=lambda f: f.name
)
def test_elements_are_scalars_and_lists_are_of_floats(f: hu.Format) -> None:
    x = np.array([[1, 0.5], [0, 1]], dtype=f)
    for element in (x[0, 1], x.flat[1], next(iter(x[0])), x.max(), x[0, :1].reshape(())[()]):
        assert type(element) is f.dtype.type
        assert element.format is f
        assert element.code == int(element.view(f.code_dtype))
    for number in (x.item(0), x[0, 0].item(), x.tolist()[0][0], x.astype(object)[0, 0], x[0, 0].tolist()):
        assert type(number) is float
        assert number == 1
    assert json.loads(json.dumps(x.tolist())) == x.astype(float).tolist()
    assert x.astype(object).astype(f).tobytes() == x.tobytes()
    assert np.array([x[0, 0], x[0, 1]]).dtype is f.dtype


def test_elements_keep_the_payload_of_a_nan_and_lose_bits_above_the_width() -> None:
    x = np.array([0xFFC1, 0x7F81], np.uint16).view(hu.bfloat16.dtype)
    assert [element.code for element in x] == [0xFFC1, 0x7F81]
    four = np.array([0xF3], np.uint8).view(hu.float4_e2m1fn.dtype)
    assert four[0].code == 3
    assert four[0] == four.item(0) == 1.5


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x & x,
        lambda x: x | 1,
        lambda x: True ^ x,
        lambda x: ~x,
        lambda x: x << 1,
        lambda x: np.int8([1, 2]) >> x,
        lambda x: np.gcd(x, 2),
        lambda x: np.lcm(2, x),
        np.bitwise_count,
        np.isnat,
        np.strings.isdigit,
        lambda x: np.strings.find(x, "a"),
    ],
)
def test_what_is_for_integers_dates_and_text_says_what_to_write(call: Any) -> None:
    with pytest.raises(TypeError, match=r"float8_e4m3fn: x\.astype\(np\.float32\) .* x\.view\(np\.uint8\)"):
        call(np.array([1, 2], dtype=E4M3))
    with pytest.raises(TypeError, match=r"x\.astype\(np\.float64\) .* x\.view\(np\.uint16\)"):
        call(np.array([1, 2], dtype=hu.Format(11, 4)))


@pytest.mark.parametrize("f", [E4M3, hu.bfloat16], ids=lambda f: f.name)
def test_fourier_transforms_are_those_of_float32(f: hu.Format) -> None:
    x = np.array([[1, 0.5, -2, 4, 0.25], [3, -1, 0, 0.125, 1]], dtype=f)
    wide = x.astype(np.float32)
    for transform in (np.fft.fft, np.fft.rfft, np.fft.fft2, np.fft.rfft2, np.fft.fftn, np.fft.rfftn):
        got, want = transform(x), transform(wide)
        assert got.dtype == want.dtype == np.complex64
        assert got.tobytes() == want.tobytes()
    assert np.fft.fft(x[0, :4]).tobytes() == np.fft.fft(wide[0, :4]).tobytes()
    assert np.fft.fft(np.ones(3, hu.Format(11, 4))).dtype == np.complex128


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.dot(x, x),
        lambda x: x.reshape(2, 2).dot(x.reshape(2, 2)),
        lambda x: np.inner(x, x),
        lambda x: np.vdot(x, x),
        lambda x: np.vdot(np.resize(x, 1000), np.resize(x, 1000)),
        lambda x: np.tensordot(x, x, 1),
        lambda x: np.einsum("i,i", x, x),
        lambda x: np.convolve(x, x[:2]),
        lambda x: np.correlate(x[:2], x),
        lambda x: np.linalg.norm(x),
        lambda x: np.sum(x, dtype=x.dtype),
        lambda x: np.add(x, x, dtype=x.dtype),
        lambda x: np.isdtype(x.dtype, "real floating"),
        lambda x: np.linalg.inv(x.reshape(2, 2)),
    ],
)
def test_what_numpy_cannot_do_is_a_type_error_of_some_words(call: Any) -> None:
    for f in (E4M3, hu.bfloat16, hu.float8_e8m0fnu, hu.Format(8, 30)):
        with pytest.raises(TypeError) as raised:
            call(np.array([1, 2, 4, 0.5], dtype=f))
        assert len(str(raised.value)) > 20
        if "dot" in str(raised.value):
            assert "a @ b" in str(raised.value)


def test_byte_orders() -> None:
    d = hu.bfloat16.dtype
    for order in ("=", "|", "<", "native", "little"):
        assert d.newbyteorder(order) is d
    with pytest.raises(TypeError, match=r"bfloat16: .*byteswap"):
        d.newbyteorder()
    with pytest.raises(TypeError, match="byteswap"):
        d.newbyteorder(">")
    assert E4M3.dtype.newbyteorder() is E4M3.dtype


def test_exact_sums_take_arrays_of_formats() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 20, 50)).astype(hu.bfloat16)
    a, b = (z.view(np.uint16) for z in (x, y))
    narrow, wide = "bfloat16", ("bfloat16", "bfloat16", "float32")
    for got, want in (
        (hu.sum(x, axis=0), hu.sum(a, axis=0, format=("bfloat16", "float32"))),
        (hu.dot(x, y), hu.dot(a, b, format=wide)),
        (hu.matmul(x, y.T), hu.matmul(a, b.T, format=wide)),
    ):
        assert got.dtype == np.float32
        assert got.tobytes() == want.tobytes()
    assert hu.sum(x, format=narrow).dtype is x.dtype
    assert hu.dot(x, y, format=narrow).tobytes() == hu.dot(a, b, format=narrow).tobytes()
    assert hu.dot(x, y.astype(np.float32)).tobytes() == hu.dot(x, y).tobytes()
    assert hu.sum(np.ones(1000, dtype=E4M3)) == 1000
    out = np.zeros(20, hu.bfloat16)
    assert hu.sum(x, axis=1, format=narrow, out=out) is out
    total, flags = hu.sum(x, flags=True)
    assert (total.dtype, flags.dtype) == (np.float32, np.uint8)
    stray = np.array([0xF2, 0x02], np.uint8).view(hu.float4_e2m1fn.dtype)
    assert hu.sum(stray) == 2
    for call, problem in (
        (lambda: hu.sum([1, 2]), "format is missing"),
        (lambda: hu.dot(x, a), "b must be one too"),
        (lambda: hu.dot(a, x, format="bfloat16"), "a must be one too"),
    ):
        with pytest.raises(TypeError, match=problem):
            call()
    with pytest.raises(ValueError, match="format says float16 of the codes, whose dtype is that of bfloat16"):
        hu.sum(x, format="float16")


@pytest.mark.parametrize(
    "source", [E4M3, hu.bfloat16, hu.float4_e2m1fn, hu.int4, hu.fp24, hu.pxr24], ids=lambda f: f.name
)
def test_codecs_take_arrays_of_formats(source: hu.Format) -> None:
    codes = np.random.default_rng(1).integers(0, 2**source.bits, 3000).astype(source.code_dtype)
    x, wide = codes.view(source.dtype), source.decode(codes)
    with np.errstate(invalid="ignore"):  # of signalling NaN
        for target in (hu.float8_e5m2, hu.bfloat16, hu.nf4, hu.Format(4, 3)):
            codec = target if target is hu.nf4 else target.codec(rounding="toward_zero")
            assert codec.encode(x).tobytes() == codec.encode(wide).tobytes()
            assert np.array_equal(codec.round(x[::-2]), codec.round(wide[::-2]), equal_nan=True)
        stochastic = hu.float6_e2m3fn.codec(rounding="stochastic_a", random_bits=8)
        random = np.arange(x.size) % 256
        assert stochastic.encode(x, random).tobytes() == stochastic.encode(wide, random).tobytes()
        assert E4M3.encode(x[0]) == E4M3.encode(wide[0])


def test_codecs_ignore_bits_above_the_width_in_arrays_of_formats() -> None:
    x = np.array([0xF2, 0x02], np.uint8).view(hu.float4_e2m1fn.dtype)
    assert hu.bfloat16.round(x).tolist() == [1, 1]


def test_what_takes_codes_says_where_an_array_of_a_format_has_them() -> None:
    x = np.ones(3, hu.bfloat16)
    with pytest.raises(TypeError, match=r"x\.view\(np\.uint16\)"):
        hu.ops.add(x, x, format=hu.bfloat16)
    with pytest.raises(TypeError, match=r"x\.astype\(np\.float32\)"):
        hu.bfloat16.decode(x)


def test_codecs_refuse_arrays_whose_numbers_float32_does_not_hold() -> None:
    f = hu.Format(8, 30)
    x = np.array([1 + 2.0**-30], dtype=f)
    for call in (E4M3.encode, E4M3.round, E4M3.codec(rounding="to_odd").encode):
        with pytest.raises(TypeError, match=r"\(if float32 holds it\) format input, not halfulp.e8m30"):
            call(x)
    assert E4M3.encode(x.astype(np.float64)).tolist() == hu.encode(x, E4M3).tolist() == [0x38]
