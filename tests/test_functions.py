"""`encode`, `decode`, `round` as functions: what they take, out=, policies, presets, error messages."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import halfulp as hu
import numpy as np
import oracle
import pytest

F = hu.float8_e4m3fn
SPEC = oracle.NAMED["float8_e4m3fn"]


def code(x: Fraction | int, spec: oracle.Spec = SPEC, **policy: Any) -> int:
    return oracle.encode(spec, oracle.real(Fraction(x)), oracle.Policy(**policy))


# -- kinds of input


class Tensor:
    """A foreign array that only speaks DLPack."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __dlpack__(self, **words: Any) -> Any:
        return self.array.__dlpack__(**words)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()


class OnADevice(Tensor):
    def __dlpack__(self, **words: Any) -> Any:
        raise BufferError("data on device 2")


class Rational:
    """A number with only what `numbers.Rational` asks for."""


def test_dlpack() -> None:
    x = np.float32([[1, 2, 3], [4, 5, 6]])
    assert (hu.encode(Tensor(x), F) == F.encode(x)).all()
    assert (hu.encode(Tensor(x[:, ::2]), F) == F.encode(x[:, ::2])).all()
    assert (hu.round(Tensor(x), F) == x).all()
    assert (hu.decode(Tensor(F.encode(x)), F) == x).all()
    halves = np.array([1, 2.5, -0.5], dtype=hu.bfloat16)
    assert (hu.encode(Tensor(hu.to_dlpack(halves)), F) == F.encode([1, 2.5, -0.5])).all()
    assert hu.round(Tensor(hu.to_dlpack(halves)), F).dtype == np.float32
    pairs = hu.PackedArray.encode([1, -3], "float4_e2m1fn", order="low_first")
    assert (hu.encode(Tensor(hu.to_dlpack(pairs)), F) == F.encode([1, -3])).all()
    with pytest.raises(TypeError, match=r"OnADevice through DLPack \(data on device 2\); move it to the CPU"):
        hu.encode(OnADevice(x), F)


def test_scalars_and_containers() -> None:
    assert type(hu.encode(1.5, F)) is np.uint8
    assert type(hu.encode("1.5", F)) is np.uint8
    assert type(hu.decode(3, F)) is np.float32
    assert type(hu.round(1.5, F)) is np.float64
    assert type(hu.round("1.5", F)) is np.float64
    assert type(hu.round(np.float16(1.5), F)) is np.float16
    assert hu.encode(True, F) == hu.encode(np.True_, F) == 0x38
    assert hu.encode([], F).dtype == np.uint8
    assert hu.encode([[], []], F).shape == (2, 0)
    assert hu.round([], F).dtype == np.float64
    assert hu.decode([], F).dtype == np.float32
    mixed = [[1, 2.5, "3"], [Fraction(1, 3), Decimal("0.1"), np.float32(7)]]
    want = [[code(1), code(Fraction(5, 2)), code(3)], [code(Fraction(1, 3)), code(Fraction(1, 10)), code(7)]]
    for x in (mixed, tuple(map(tuple, mixed)), np.array(mixed, dtype=object)):
        assert hu.encode(x, F).tolist() == want
        assert hu.round(x, F).dtype == np.float64
    assert hu.encode(np.array(Fraction(1, 3), dtype=object), F) == code(Fraction(1, 3))
    assert hu.encode([np.array(2.0), np.array("3")], F).tolist() == [0x40, 0x44]
    assert hu.encode([2**53 + 1, 1.0], hu.float64.codec(rounding="toward_positive"))[0] == hu.float64.encode(
        2.0**53 + 2
    )
    assert hu.encode([2**64, 2**65 + 1], hu.tfloat32).dtype == np.uint32
    text = np.array(["1.5", "-inf"])
    assert hu.encode(text, F).tolist() == [0x3C, 0xFF]


def test_views_that_numpy_understands() -> None:
    x = np.float32([1, 2, 3])
    for given_ in (memoryview(x), range(1, 4)):
        assert hu.encode(given_, F).tolist() == [0x38, 0x40, 0x44]


def test_ml_dtypes_scalars() -> None:
    ml = pytest.importorskip("ml_dtypes", reason="needs ml_dtypes, whose arrays are the input")
    x = ml.bfloat16(1.5)
    assert hu.encode(x, F) == 0x3C
    assert hu.encode([x, 1, "2"], F).tolist() == [0x3C, 0x38, 0x40]
    assert hu.encode(np.array([x]), F).tolist() == [0x3C]
    assert hu.round(np.array([x]), F).dtype == np.float32


def generator() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    "x",
    [None, 1j, object(), {}, {1}, generator(), [None], [[1], [2, 3]], [1, [2]], [{}], [1j], Rational(), len],
    ids=str,
)
def test_what_is_no_real_number(x: Any) -> None:
    for function in (hu.encode, hu.round):
        with pytest.raises((TypeError, ValueError), match=r"expected a real number, found|ragged"):
            function(x, F)
    with pytest.raises((TypeError, ValueError), match=r"codes are integers, not|integer dtype|ragged"):
        hu.decode(x, F)


@pytest.mark.parametrize("dtype", ["c8", "M8[D]", "m8[s]", "f4,f4", "V4"])
def test_arrays_of_no_real_numbers(dtype: str) -> None:
    for function in (hu.encode, hu.round, hu.decode):
        with pytest.raises(TypeError, match=r"float8_e4m3fn\.\w+ takes "):
            function(np.zeros(3, dtype), F)


# -- decode


def test_decode() -> None:
    assert hu.decode([[0x38, 0x7E], [0, 0x80]], F).tolist() == [[1, 448], [0, 0]]
    assert hu.decode("float8_e4m3fn" and 0x38, "float8_e4m3fn") == 1
    assert hu.decode(0x38, F.codec(overflow="saturate")) == 1
    assert hu.decode(2**64 - 2**52, hu.float64) == -math.inf
    assert hu.decode(np.array([1, 2], dtype=object), F).tolist() == hu.decode([1, 2], F).tolist()


@pytest.mark.parametrize("bad", [256, -1, 2**64, -(2**70)])
def test_decode_refuses_what_is_no_code(bad: int) -> None:
    with pytest.raises(ValueError, match=f"float8_e4m3fn: {bad:#x} is no code, they have 8 bits"):
        hu.decode([1, bad], F)
    with pytest.raises(TypeError, match=r"integer dtype, not float64|codes are integers, not float"):
        hu.decode([1.0, 2.0], F)
    with pytest.raises(TypeError, match="codes are integers, not str '1'"):
        hu.decode(["1"], F)


# -- out=, format, policy


def test_out() -> None:
    for x in ([1.0, 2.0, 3.0], ["1", 2, Fraction(3)]):
        for dtype in ("u1", "u2", "i4", "f8"):
            out = np.zeros(3, dtype)
            assert hu.encode(x, F, out=out) is out
            assert out.tolist() == [0x38, 0x40, 0x44]
        out = np.zeros(3, np.float64)
        assert hu.round(x, F, out=out) is out
        assert out.tolist() == [1, 2, 3]
        with pytest.raises(ValueError, match=r"shape|broadcast"):
            hu.encode(x, F, out=np.zeros(2, np.uint8))
        with pytest.raises(TypeError):
            hu.encode(x, F, out=[0, 0, 0])  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=r"same_kind|takes float16"):
            hu.encode(x, F, out=np.zeros(3, bool))
        fixed = np.zeros(3, np.uint8)
        fixed.flags.writeable = False
        with pytest.raises(ValueError, match="read-only"):
            hu.encode(x, F, out=fixed)
    out = np.zeros((), np.uint8)
    assert hu.encode("1", F, out=out) is out
    assert out == 0x38
    values = np.zeros(2, np.float32)
    assert hu.decode([0x38, 0x40], F, out=values) is values
    assert values.tolist() == [1, 2]


@pytest.mark.parametrize("bad", [None, 3, "", "float9", b"bfloat16", np.float32, float, [F]])
def test_format_argument(bad: Any) -> None:
    for function in (hu.encode, hu.decode, hu.round):
        with pytest.raises(
            (TypeError, ValueError), match=r"format must be a Format, a Codebook, a Codec or text|neither a named"
        ):
            function(1, bad)


def test_format_as_text_and_codec() -> None:
    assert hu.encode(500, "float8_e4m3fn") == 0x7F
    assert hu.encode(500, "float8_e4m3fn;overflow=saturate") == 0x7E
    assert hu.encode(500, F.codec(overflow="saturate")) == 0x7E
    assert hu.encode(500, "e4m3:fn", overflow="saturate") == 0x7E
    for words in ({"rounding": "to_odd"}, {"nan": 3}, {"overflow": "default"}):
        with pytest.raises(TypeError, match=f"{next(iter(words))}: the codec .* already has a policy"):
            hu.encode(1, F.codec(overflow="saturate"), **words)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="cannot read 'overflow' in codec"):
        hu.encode(1, "float8_e4m3fn;overflow")
    with pytest.raises(ValueError, match="fields are rounding, overflow, nan, subnormals, via"):
        hu.encode(1, "float8_e4m3fn;speed=11")


POLICY_ERRORS: list[tuple[hu.Format, dict[str, Any], type[Exception], str]] = [
    (F, {"rounding": "up"}, ValueError, "rounding must be one of 'nearest_even', .*'to_odd', .*not 'up'"),
    (F, {"rounding": 3}, TypeError, "rounding must be a string such as 'nearest_even', not 3"),
    (F, {"rounding": "to_odd\0"}, ValueError, "rounding must be one of"),
    (F, {"overflow": "wrap"}, ValueError, r"overflow must be one of 'default', .*'saturate_keep_inf', not 'wrap'"),
    (F, {"overflow": True}, TypeError, "overflow must be a string"),
    (F, {"subnormals": "flush"}, ValueError, "subnormals must be one of 'gradual', .*'flush_input', not 'flush'"),
    (F, {"subnormals": b"gradual"}, TypeError, "subnormals must be a string"),
    (F, {"via": "float16"}, ValueError, "via must be None or float32, not 'float16'"),
    (F, {"via": hu.bfloat16}, ValueError, r"via must be None or float32, not Format\('bfloat16'\)"),
    (F, {"via": 32}, ValueError, "via must be None or float32, not 32"),
    (F, {"nan": "max"}, ValueError, "float8_e4m3fn can honour 'keep_sign', 'canonical', a code, or a pair of codes"),
    (F, {"nan": "keep_payload"}, ValueError, "nan='keep_payload': float8_e4m3fn can honour"),
    (F, {"nan": "wobble"}, ValueError, "nan='wobble': float8_e4m3fn can honour"),
    (F, {"nan": 256}, ValueError, "nan=0x100 is no code of float8_e4m3fn, which has 8 bits"),
    (F, {"nan": -1}, ValueError, "nan=-0x1 is no code"),
    (F, {"nan": True}, TypeError, "nan=True: float8_e4m3fn can honour"),
    (F, {"nan": 1.5}, TypeError, "nan=1.5: float8_e4m3fn can honour"),
    (F, {"nan": (1, 2, 3)}, ValueError, "a pair is the code for "),
    (F, {"nan": (1, 300)}, ValueError, "nan=0x12c is no code"),
    (F, {"nan": (1, "max")}, TypeError, "nan='max': float8_e4m3fn can honour"),
    (hu.float4_e2m1fn, {"nan": "keep_sign"}, ValueError, "float4_e2m1fn can honour 'max', 'zero', a code"),
    (hu.int4, {"nan": "canonical"}, ValueError, "int4 can honour 'max', 'zero'"),
    (hu.Format(5, 1), {"nan": "keep_payload"}, ValueError, "can honour 'keep_sign', 'canonical', a code"),
]  # fmt: skip


@pytest.mark.parametrize(("f", "words", "error", "message"), POLICY_ERRORS, ids=[str(p[1]) for p in POLICY_ERRORS])
def test_policies_that_cannot_be(f: hu.Format, words: dict[str, Any], error: type[Exception], message: str) -> None:
    for call in (lambda: f.codec(**words), lambda: hu.encode(1, f, **words), lambda: hu.round(["1"], f, **words)):
        with pytest.raises(error, match=message):
            call()


def test_presets() -> None:
    cuda, ml = hu.presets["cuda_satfinite"], hu.presets["ml_dtypes"]
    assert list(hu.presets) == [preset.name for preset in hu.presets.values()]
    assert [hex(cuda(F).encode(x)) for x in (1e9, -math.inf, math.nan, -math.nan)] == ["0x7e", "0xfe", "0x7f", "0x7f"]
    assert hex(cuda("bfloat16").encode(math.inf)) == "0x7f7f"
    assert [hex(ml(hu.float4_e2m1fn).encode(x)) for x in (math.nan, -math.nan)] == ["0x8", "0x0"]
    assert ml(hu.bfloat16).encode(1 + 2**-8 + 2**-40) == 0x3F80, "twice rounded, as ml_dtypes does"
    assert cuda.version.startswith("CUDA ")
    assert ml.version.startswith("ml_dtypes ")
    for preset, f in (
        (cuda, hu.float64),
        (cuda, hu.float8_e8m0fnu),
        (ml, hu.int4),
        (ml, hu.float8_e8m0fnu),
        (ml, hu.int8),
    ):
        with pytest.raises(ValueError, match=f"^{preset.name}: "):
            preset(f)
    with pytest.raises(TypeError, match="format"):
        cuda(3)  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        cuda.version = "CUDA 14"  # type: ignore[misc]
    with pytest.raises(TypeError, match="item assignment"):
        hu.presets["mine"] = cuda  # type: ignore[index]


def test_attributes_by_text() -> None:
    assert getattr(hu, "e5m3:bias=15:ieee") is hu.Format(5, 3)
    for name in ("nope", "e99m3:ieee", "float8_e4m3fn;rounding=up", "float8_e4m3fn;nan=0x1ff", ";", ":"):
        with pytest.raises(AttributeError):
            getattr(hu, name)
    assert not hasattr(hu, "__wrapped__")


def test_an_element_keeps_its_dtype_whatever_stands_beside_it() -> None:
    """Subnormal in its own dtype, and with its own payload, in a list as by itself."""
    for x in (np.float16(6e-8), np.float32(1e-40), 5e-324, np.longdouble(2) ** np.finfo(np.longdouble).minexp / 2):
        alone = hu.encode(x, "float64", subnormals="flush_input")
        assert alone == 0
        assert hu.encode([x, 1, "1/3"], "float64", subnormals="flush_input")[0] == alone
    signalling = np.uint32(0x7F812345).view(np.float32)
    assert hu.encode(signalling, "bfloat16", nan="keep_payload") == 0x7FC1
    assert hu.encode([signalling, 1], "bfloat16", nan="keep_payload")[0] == 0x7FC1


def test_many_dimensions() -> None:
    x = np.full((1,) * 33, "1/3", object)
    assert hu.encode(x, F).shape == x.shape
    assert hu.decode(np.full((1,) * 33, 0x38, object), F).shape == x.shape


def test_errors_are_short_and_say_where() -> None:
    with pytest.raises(ValueError, match=r"0x1000.* is no code") as caught:
        hu.decode(1 << 10**5, F)
    assert len(str(caught.value)) < 200
    with pytest.raises(TypeError, match=r"^x: .*NoneType.*\(element 1\)$"):
        hu.encode([1, None], F)
    with pytest.raises(TypeError, match="bool"):
        hu.decode(True, F)
