"""Formats as values: what they refuse, what follows from their parameters, interning, pickling, memory."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import sys
import threading
import weakref
from collections.abc import Mapping
from typing import Any

import halfulp as hu
import numpy as np
import oracle
import pytest
import strategies
from halfulp import _format
from hypothesis import given
from hypothesis import strategies as st
from support import product

# -- derived properties

# Published: IEEE 754-2019 tables 3.5 and 3.6, OCP OFP8 1.0 table 1, OCP MX 1.0 tables 1 to 6, and the vendors' pages.
# bits, precision, max, code of max, min normal, min subnormal, eps, code of NaN, code of Inf.
PUBLISHED: dict[str, tuple[Any, ...]] = {
    "float64": (64, 53, (2 - 2**-52) * 2.0**1023, 0x7FEF_FFFF_FFFF_FFFF, 2.0**-1022, 2.0**-1074, 2.0**-52,
                0x7FF8_0000_0000_0000, 0x7FF0_0000_0000_0000),
    "float32": (32, 24, 16777215 * 2.0**104, 0x7F7F_FFFF, 2.0**-126, 2.0**-149, 2.0**-23, 0x7FC0_0000, 0x7F80_0000),
    "tfloat32": (19, 11, 2047 * 2.0**117, 0x3FBFF, 2.0**-126, 2.0**-136, 2.0**-10, 0x3FE00, 0x3FC00),
    "float16": (16, 11, 65504.0, 0x7BFF, 2.0**-14, 2.0**-24, 2.0**-10, 0x7E00, 0x7C00),
    "bfloat16": (16, 8, 255 * 2.0**120, 0x7F7F, 2.0**-126, 2.0**-133, 2.0**-7, 0x7FC0, 0x7F80),
    "fp24": (24, 17, 131071 * 2.0**47, 0x7EFFFF, 2.0**-62, 2.0**-78, 2.0**-16, 0x7F8000, 0x7F0000),
    "pxr24": (24, 16, 65535 * 2.0**112, 0x7F7FFF, 2.0**-126, 2.0**-141, 2.0**-15, 0x7FC000, 0x7F8000),
    "float8_e5m2": (8, 3, 57344.0, 0x7B, 2.0**-14, 2.0**-16, 0.25, 0x7E, 0x7C),
    "float8_e4m3fn": (8, 4, 448.0, 0x7E, 2.0**-6, 2.0**-9, 0.125, 0x7F, None),
    "float8_e4m3": (8, 4, 240.0, 0x77, 2.0**-6, 2.0**-9, 0.125, 0x7C, 0x78),
    "float8_e3m4": (8, 5, 15.5, 0x6F, 0.25, 2.0**-6, 0.0625, 0x78, 0x70),
    "float8_e4m3fnuz": (8, 4, 240.0, 0x7F, 2.0**-7, 2.0**-10, 0.125, 0x80, None),
    "float8_e5m2fnuz": (8, 3, 57344.0, 0x7F, 2.0**-15, 2.0**-17, 0.25, 0x80, None),
    "float8_e4m3b11fnuz": (8, 4, 30.0, 0x7F, 2.0**-10, 2.0**-13, 0.125, 0x80, None),
    "float8_e8m0fnu": (8, 1, 2.0**127, 0xFE, 2.0**-127, 2.0**-127, 1.0, 0xFF, None),
    "float8_e5m3fnu": (8, 4, 114688.0, 0xFE, 2.0**-14, 2.0**-17, 0.125, 0xFF, None),
    "float8_ue4m3": (7, 4, 448.0, 0x7E, 2.0**-6, 2.0**-9, 0.125, 0x7F, None),
    "float6_e2m3fn": (6, 4, 7.5, 0x1F, 1.0, 0.125, 0.125, None, None),
    "float6_e3m2fn": (6, 3, 28.0, 0x1F, 0.25, 0.0625, 0.25, None, None),
    "float4_e2m1fn": (4, 2, 6.0, 0x7, 1.0, 0.5, 0.5, None, None),
    "float4_e1m2fn": (4, 3, 1.75, 0x7, 1.0, 0.25, 0.25, None, None),
    "int2": (2, 1, 1.0, 1, 1.0, 1.0, 1.0, None, None),
    "int4": (4, 3, 7.0, 7, 1.0, 1.0, 1.0, None, None),
    "int8": (8, 7, 127.0, 127, 1.0, 1.0, 1.0, None, None),
    "uint2": (2, 2, 3.0, 3, 1.0, 1.0, 1.0, None, None),
    "uint4": (4, 4, 15.0, 15, 1.0, 1.0, 1.0, None, None),
    "uint8": (8, 8, 255.0, 255, 1.0, 1.0, 1.0, None, None),
    "mxint8": (8, 7, 127 / 64, 127, 1 / 64, 1 / 64, 1 / 64, None, None),
}  # fmt: skip
LOWEST = {"int2": -2.0, "int4": -8.0, "int8": -128.0, "mxint8": -2.0, "float8_e8m0fnu": 2.0**-127}


def test_published_figures(fmt: hu.Format) -> None:
    f = fmt
    got = (f.bits, f.precision, f.max, f.code_of_max, f.min_normal, f.min_subnormal, f.eps)
    assert (*got, f.code_of_nan, f.code_of_inf) == PUBLISHED[f.name]
    assert f.min == LOWEST.get(f.name, -f.max if f.signed else 0.0)
    assert all(type(value) is float for value in (f.max, f.min, f.min_normal, f.min_subnormal, f.eps))
    assert all(type(value) is int for value in (f.bits, f.precision, f.code_of_max, f.bias))


def test_every_named_format_is_published() -> None:
    assert list(PUBLISHED) == list(hu.formats)


def test_derived_properties_follow_from_the_codes(fmt: hu.Format) -> None:
    spec = oracle.NAMED[fmt.name]
    assert (fmt.has_nan, fmt.has_inf) == (fmt.code_of_nan is not None, fmt.code_of_inf is not None)
    assert fmt.kind == ("integer" if "int" in fmt.name else "float")
    assert fmt.code_dtype == np.dtype(f"u{1 if fmt.bits <= 8 else 2 if fmt.bits <= 16 else 4 if fmt.bits <= 32 else 8}")
    assert fmt.value_dtype == (np.float64 if fmt.name == "float64" else np.float32)
    assert fmt.has_zero == (fmt.encode(0.0) == 0 and fmt.decode(0) == 0)
    assert fmt.has_negative_zero == (fmt.encode(-0.0) != 0)
    assert fmt.has_subnormals == (fmt.min_subnormal < fmt.min_normal)
    if fmt.kind == "float" and fmt.has_zero:
        assert fmt.eps == float(fmt.decode(fmt.encode(1.0) + 1)) - 1
    if fmt.bits <= 16:
        values = [oracle.decode(spec, code) for code in range(1 << fmt.bits)]
        finite = sorted({float(v.real) for v in values if v.kind == "finite"})
        assert fmt.values().dtype == fmt.value_dtype
        assert fmt.values().tolist() == finite
        assert (finite[0], finite[-1]) == (fmt.min, fmt.max)


@given(strategies.specs())
def test_derived_properties_of_any_format(spec: oracle.Spec) -> None:
    f = product(spec)
    assert f.max == float(oracle.decode(spec, f.code_of_max).real)
    assert f.min == float(oracle.decode(spec, oracle.largest(spec, True)).real if spec.signed else oracle.grid(spec, 0))
    positive = oracle.grid(spec, 1 if spec.has_zero else 0)
    assert f.min_subnormal == float(positive)
    assert 0 < f.min_subnormal <= f.max
    assert f.bits == spec.bits
    if f.code_of_nan is not None:
        assert oracle.decode(spec, f.code_of_nan).kind == "nan"
    if f.code_of_inf is not None:
        assert oracle.decode(spec, f.code_of_inf) == oracle.inf()


def test_values_of_a_wide_format_are_refused() -> None:
    with pytest.raises(ValueError, match=r"tfloat32.values\(\): 2\*\*19 values"):
        hu.tfloat32.values()


# -- construction

REFUSED: list[tuple[tuple[Any, ...], dict[str, Any], type[Exception], str]] = [
    ((), {}, TypeError, "exponent_bits"),
    ((5,), {}, TypeError, "mantissa_bits is missing"),
    ((None, 3), {}, TypeError, "exponent_bits must be an integer, not None"),
    ((5.0, 3), {}, TypeError, "exponent_bits must be an integer, not 5.0"),
    ((True, 3), {}, TypeError, "exponent_bits must be an integer, not True"),
    ((5, "3"), {}, TypeError, "mantissa_bits must be an integer, not '3'"),
    ((5, 3, 1.5), {}, TypeError, "bias must be an integer, not 1.5"),
    ((5, 3, 10**30), {}, ValueError, "bias=10+ is out of range"),
    ((10**30, 3), {}, ValueError, "exponent_bits=10+ is out of range"),
    ((5, 3), {"specials": None}, TypeError, "specials must be a string such as 'ieee', not None"),
    ((5, 3), {"specials": "IEEE"}, ValueError, "specials must be one of 'ieee', .*'integer', not 'IEEE'"),
    ((5, 3), {"signed": 1}, TypeError, "signed must be True or False, not 1"),
    ((5, 3), {"has_zero": None}, TypeError, "has_zero must be True or False, not None"),
    ((5, 3), {"name": ""}, ValueError, "name must be an identifier such as 'my_fp8', not ''"),
    ((5, 3), {"name": "a b"}, ValueError, "name must be an identifier"),
    ((5, 3), {"name": 3}, ValueError, "name must be an identifier"),
    ((5, 3), {"name": "x\n"}, ValueError, "name must be an identifier"),
    ((5, 3), {"name": "bfloat16"}, ValueError, "the name 'bfloat16' is taken"),
    ((5, 3), {"name": "ieee"}, ValueError, "the name 'ieee' is taken"),
    ((5, 3), {"wobble": 3}, TypeError, "wobble"),
    ((-1, 3), {}, ValueError, "exponent_bits must be 0 to 11, not -1"),
    ((12, 3), {}, ValueError, "exponent_bits must be 0 to 11, not 12"),
    ((5, -1), {}, ValueError, "mantissa_bits must be 0 to 52, not -1"),
    ((5, 53), {}, ValueError, "mantissa_bits must be 0 to 52, not 53"),
    ((0, 0), {"specials": "finite", "signed": False}, ValueError, "1 to 64 bits; .* make 0"),
    ((5, 0), {}, ValueError, "'ieee' needs exponent_bits >= 1 and mantissa_bits >= 1"),
    ((0, 5), {}, ValueError, "'ieee' needs exponent_bits >= 1"),
    ((5, 2), {"specials": "fnuz", "signed": False}, ValueError, "NaN in the place of -0, .* use 'fn'"),
    ((0, 5), {"specials": "p3109_e"}, ValueError, "P3109 formats need exponent_bits >= 1"),
    ((3, 4), {"specials": "integer"}, ValueError, r"two's complement\) has no exponent field: .*not 3"),
    ((5, 2), {"has_zero": False}, ValueError, "unsigned formats with exponent_bits >= 1"),
    ((0, 4), {"specials": "finite", "signed": False, "has_zero": False}, ValueError, "exponent_bits >= 1"),
    ((1, 0), {"specials": "p3109_e", "signed": False}, ValueError, "1 bits leave no positive number"),
    ((1, 0), {"specials": "fn"}, ValueError, "leave no positive number"),
    ((11, 52, 1022), {}, ValueError, r"bias 1022 makes the largest value 2\^1024 or more, beyond binary64"),
    ((11, 52, 1024), {}, ValueError, r"bias 1024 makes the smallest value less than 2\^-1074"),
    ((5, 3, -(2**31) + 1), {}, ValueError, "beyond binary64"),
    ((5, 3, 2**31 - 1), {}, ValueError, "below binary64"),
    (("e5m3", 3), {}, TypeError, "a format given as text takes no further arguments"),
    (("e5m3",), {"signed": False}, TypeError, "a format given as text takes no further arguments"),
    (("",), {}, ValueError, "'' is neither a named format"),
    (("float9",), {}, ValueError, r"'float9' is neither a named format \(float64, .*mxint8\) nor text"),
    (("e5m3:",), {}, ValueError, "cannot read '' in 'e5m3:'"),
    (("e5m3:bias",), {}, ValueError, "cannot read 'bias'"),
    (("e5m3:bias=x",), {}, ValueError, "cannot read 'bias=x'"),
    (("e5m3:bias=99999999999",), {}, ValueError, "cannot read 'bias="),
    (("e5m3:bias=15:bias=15",), {}, ValueError, "'bias=15' repeats bias"),
    (("e5m3:ieee:fn",), {}, ValueError, "'fn' repeats specials"),
    (("e5m3:unsigned:signed",), {}, ValueError, "'signed' repeats signed"),
    (("e5m3:zero",), {}, ValueError, "fields are bias=N, one of ieee, .*unsigned, nozero, name=NAME"),
    (("e5m3:name=a b",), {}, ValueError, "name must be an identifier"),
    (("e5m3 ",), {}, ValueError, "neither a named format"),
    (("E5M3",), {}, ValueError, "neither a named format"),
    (("e\u0665m3",), {}, ValueError, "neither a named format"),
    (("e" + "9" * 10_000 + "m3",), {}, ValueError, "neither a named format"),
    (("x" * 100_000,), {}, ValueError, "neither a named format"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "words", "error", "message"), REFUSED, ids=[r[3][:40] for r in REFUSED])
def test_refused(arguments: tuple[Any, ...], words: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        hu.Format(*arguments, **words)
    assert len(str(caught.value)) < 1000


def test_every_reason_is_tested() -> None:
    """The C++ reasons of the table above, by the words each message starts with."""
    told = set()
    for arguments, words, _, _ in REFUSED:
        with pytest.raises((TypeError, ValueError)) as caught:
            hu.Format(*arguments, **words)
        told.add(str(caught.value).replace("Format: ", "")[:18])
    assert len(told) >= 25


def test_what_is_accepted() -> None:
    assert hu.Format(np.int64(4), np.uint8(3), specials="fn") is hu.float8_e4m3fn
    assert hu.Format(exponent_bits=4, mantissa_bits=3, bias=7, specials="fn", signed=np.True_) is hu.float8_e4m3fn
    assert hu.Format(hu.bfloat16) is hu.bfloat16  # type: ignore[arg-type]
    assert hu.Format("e8m7") is hu.bfloat16
    assert hu.Format("e4m3:fn:signed:bias=+7") is hu.float8_e4m3fn
    assert hu.Format("e8m0:unsigned:nozero:fn:bias=127") is hu.float8_e8m0fnu
    assert hu.Format(0, 7, bias=-6, specials="integer") is hu.int8
    assert hu.Format(5, 3).name == hu.Format(5, 3).text == "e5m3:bias=15:ieee"
    smallest = hu.Format(1, 0, specials="finite", signed=False)
    assert smallest.values().tolist() == [0, 2]
    wide = hu.Format(10, 52, specials="fnuz")
    assert (wide.bits, wide.code_dtype, wide.value_dtype) == (63, np.uint64, np.float64)


@pytest.mark.parametrize(
    ("specials", "bias"), [("ieee", 7), ("fn", 7), ("finite", 7), ("fnuz", 8), ("p3109_e", 8), ("p3109_f", 8)]
)
def test_default_bias(specials: str, bias: int) -> None:
    assert hu.Format(4, 3, specials=specials).bias == bias
    if specials in ("fn", "fnuz", "finite"):
        assert hu.Format(0, 5, specials=specials).bias == -4
        assert hu.Format(0, 5, specials=specials).min_subnormal == 1


def test_a_name_makes_a_format_of_its_own() -> None:
    plain, mine, other = hu.Format(5, 3), hu.Format(5, 3, name="mine"), hu.Format(5, 3, name="other")
    assert len({plain, mine, other}) == 3
    assert mine.name == "mine"
    assert mine.text == "e5m3:bias=15:ieee:name=mine"
    assert hu.Format(mine.text) is mine
    assert hu.Format(4, 3, specials="fn", name="float8_e4m3fn") is hu.float8_e4m3fn
    alias = hu.Format(4, 3, specials="fn", name="alias")
    assert alias is not hu.float8_e4m3fn
    assert hu.Format(alias.text) is alias
    assert not hasattr(hu, "mine"), "a user's name does not enter the package"


# -- values

MADE = [
    hu.Format(5, 3),
    hu.Format(5, 3, name="with_a_name"),
    hu.Format(3, 3, bias=-900, specials="finite"),
    hu.Format(4, 3, specials="p3109_e", signed=False),
    hu.Format(6, 0, specials="fn", signed=False, has_zero=False),
    hu.Format(0, 9, specials="fn"),
    hu.Format(0, 20, specials="integer", signed=False),
]
SOME = [*hu.formats.values(), *MADE]


@pytest.mark.parametrize("f", SOME, ids=str)
def test_text_pickle_and_copy_give_the_same_object(f: hu.Format) -> None:
    assert hu.Format(f.text) is f
    assert str(f) == f.text
    assert eval(repr(f), {"Format": hu.Format}) is f
    assert copy.copy(f) is f
    assert copy.deepcopy([f])[0] is f
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(f, protocol)) is f
    again = hu.Format(f.exponent_bits, f.mantissa_bits, f.bias, f.specials, f.signed, f.has_zero)
    assert again is f or f.name == "with_a_name"


@given(strategies.specs())
def test_text_round_trip_of_any_format(spec: oracle.Spec) -> None:
    f = product(spec)
    assert hu.Format(f.text) is f
    assert pickle.loads(pickle.dumps(f)) is f


def test_formats_are_distinct_and_hashable() -> None:
    assert len(set(SOME)) == len(SOME)
    assert hu.float8_e4m3fn != "float8_e4m3fn"
    assert {hu.Format(5, 3): 1}[hu.Format("e5m3:bias=15:ieee")] == 1


@pytest.mark.parametrize("attribute", ["bias", "name", "encode", "_layout", "wobble"])
def test_formats_are_immutable(attribute: str) -> None:
    f = hu.Format(5, 3)
    with pytest.raises(AttributeError, match=f"formats are immutable: cannot set {attribute}"):
        setattr(f, attribute, 3)
    with pytest.raises(AttributeError, match=f"formats are immutable: cannot delete {attribute}"):
        delattr(f, attribute)
    with pytest.raises(AttributeError, match="codecs are immutable"):
        setattr(f.codec(nan=3), attribute, 3)
    assert f.bias == 15


def test_the_mapping_of_formats() -> None:
    assert isinstance(hu.formats, Mapping)
    assert list(hu.formats) == list(oracle.NAMED)
    for name, f in hu.formats.items():
        assert getattr(hu, name) is f
        assert f.name == f.text == name
        assert name in dir(hu)
    with pytest.raises(TypeError, match="item assignment"):
        hu.formats["mine"] = hu.bfloat16  # type: ignore[index]


def test_codecs_are_interned_values() -> None:
    f = hu.float8_e4m3fn
    c = f.codec(rounding="toward_zero", overflow="saturate", nan=(0x7F, 0xFF), subnormals="flush_tiny", via="float32")
    assert f.codec("toward_zero", "saturate", [0x7F, 0xFF], "flush_tiny", hu.float32) is c  # type: ignore[arg-type]
    assert (c.format, c.rounding, c.overflow) == (f, "toward_zero", "saturate")
    assert (c.nan, c.subnormals, c.via) == ((0x7F, 0xFF), "flush_tiny", hu.float32)
    assert eval(repr(c), {"Format": hu.Format}) is c
    assert copy.deepcopy(copy.copy(c)) is c
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(c, protocol)) is c
    assert getattr(hu, c.text) is c
    assert f.codec().encode is f.encode
    assert f.codec(nan="keep_sign") is f.codec(), "the default, spelled out"
    assert c.decode is f.decode
    with pytest.raises(TypeError, match=r"made by Format.codec"):
        hu.Codec()


@given(st.data())
def test_text_round_trip_of_any_codec(data: st.DataObject) -> None:
    spec = data.draw(strategies.specs())
    f = product(spec)
    c = f.codec(**data.draw(strategies.policies(spec, via=True)).keywords())
    assert getattr(hu, c.text) is (c if ";" in c.text else f)
    assert pickle.loads(pickle.dumps(c)) is c
    assert pickle.loads(pickle.dumps(c.encode)) is c.encode


# -- life and death


def resident() -> int:
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * 4096


def use(first: int, count: int) -> None:
    """Make, use and drop formats that nobody made before, with their codecs and ufuncs."""
    x = np.float32([0.1, 1e9])
    for i in range(first, first + count):
        f = hu.Format(5, 4, bias=i - 900)
        f.round(x)
        f.codec(rounding="to_odd").encode(x)
    gc.collect()  # without a GIL, Python itself waits until a quarter of all objects are new


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/self/statm")
def test_formats_made_and_dropped_leave_nothing(thorough: bool) -> None:
    for start in (0, 500):  # twice, for the memory that a round takes before any of it is free again
        use(start, 500)
    formats, before = len(_format.Format._interned), resident()
    for start in range(0, 20_000 if thorough else 2_000, 500):
        use(200 + start % 1500, 500)
    assert len(_format.Format._interned) <= formats + 1
    assert resident() - before < 8 << 20


def test_a_dropped_format_is_freed_and_made_again() -> None:
    f = hu.Format(5, 4, bias=77)
    f.encode(1.0)
    f.codec(nan=1).round(1.0)
    gone = weakref.ref(f)
    text = f.text
    del f
    gc.collect()
    assert gone() is None
    assert hu.Format(text).bias == 77


def test_a_codec_keeps_its_format() -> None:
    c = hu.Format(5, 4, bias=78).codec(nan=1)
    gc.collect()
    assert c.format.bias == 78
    assert hu.Format("e5m4:bias=78:ieee") is c.format


def test_a_ufunc_keeps_working_and_pickles_when_its_format_was_dropped() -> None:
    encode = hu.Format(5, 4, bias=79).codec(nan=1).encode
    decode = hu.Format(5, 4, bias=79).decode
    gc.collect()
    x = np.float32([1.0, math.nan])
    assert decode(encode(x))[0] == hu.Format(5, 4, bias=79).round(x)[0]
    named = hu.bfloat16.codec(nan=0x7FFF).encode
    gc.collect()
    for ufunc in (encode, decode, named):
        assert pickle.loads(pickle.dumps(ufunc)) is ufunc


def test_threads_make_the_same_objects() -> None:
    barrier = threading.Barrier(8)
    made: list[tuple[Any, ...]] = []

    def make() -> None:
        barrier.wait()
        for bias in range(60, 90):
            f = hu.Format(4, 4, bias=bias)
            c = f.codec(rounding="to_odd")
            made.append((bias, f, f.encode, f.decode, c, c.encode))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8 * 30
    assert len({tuple(map(id, row[1:])) for row in made}) == 30
