"""`halfulp.strategies`: the hard cases are really drawn, stay within the format, and shrink to simple codes."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import halfulp as hu
import halfulp.strategies as hs
import numpy as np
import oracle
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from oracle import NAMED, Place, Spec
from strategies import oracle_spec

E4M3 = hu.float8_e4m3fn
SOME = [hu.float8_e4m3fn, hu.float16, hu.bfloat16, hu.float32, hu.float8_e5m2, hu.float4_e2m1fn]


def draws(strategy: SearchStrategy[Any], count: int = 200) -> list[Any]:
    """So many examples, the same ones every time."""
    found: list[Any] = []

    @settings(max_examples=count, derandomize=True, database=None, phases=[Phase.generate])
    @given(strategy)
    def draw(x: Any) -> None:
        found.append(x)

    draw()
    return found


def classes(spec: Spec, code: int) -> set[str]:
    """What a code is, by the oracle."""
    v = oracle.decode(spec, code)
    if v.kind != "finite":
        quiet = code >> (spec.mantissa_bits - 1) & 1
        return {v.kind, f"payload of a {'quiet' if quiet else 'signalling'} NaN" if v.payload else v.kind}
    found = {"negative"} if v.negative else set()
    x = v.magnitude
    if x == 0:
        return found | {"-0" if v.negative else "+0"}
    if x == 1:
        found.add("one")
    if oracle.is_subnormal(spec, v):
        found.add("subnormal")
    if x.numerator & (x.numerator - 1) == 0 and x.denominator & (x.denominator - 1) == 0:
        found.add("power of two")
    for name, edge in (("max", spec.max), ("min normal", spec.min_normal), ("min", spec.min_positive)):
        if x == edge:
            found.add(name)
    return found


@pytest.mark.parametrize("f", SOME, ids=str)
def test_200_codes_meet_every_class(f: hu.Format) -> None:
    spec = oracle_spec(f)
    met = Counter(name for code in draws(hs.codes(f)) for name in classes(spec, code))
    wanted = {"+0", "-0", "one", "negative", "subnormal", "power of two", "max", "min normal", "min"}
    wanted |= {"inf"} if spec.has_inf else set()
    wanted |= {"nan"} if spec.has_nan else set()
    if spec.specials == "ieee" and spec.mantissa_bits > 2:
        wanted |= {"payload of a quiet NaN", "payload of a signalling NaN"}
    assert wanted <= set(met), met
    assert met["subnormal"] >= 10
    assert met["power of two"] >= 20


def test_200_values_meet_every_class() -> None:
    values = draws(hs.values("float16"))
    assert all(type(x) is float for x in values)
    x = np.array(values)
    assert np.isnan(x).any() & np.isinf(x).any() & (x == 65504).any() & (x == 2.0**-14).any()
    assert (np.signbit(x) & (x == 0)).any()
    assert len({bits for bits in x[np.isnan(x)].view(np.uint64).tolist()}) > 4, "payloads"
    finite = x[np.isfinite(x)]
    assert np.array_equal(hu.float16.round(finite), finite)


@given(st.data())
def test_codes_and_values_are_the_formats(data: st.DataObject) -> None:
    f = data.draw(hs.formats())
    spec = oracle_spec(f)
    code, x = data.draw(hs.codes(f)), data.draw(hs.values(f))
    oracle.decode(spec, code)  # refuses what has bits above the width
    if x == x and abs(x) != float("inf"):
        assert oracle.locate(spec, abs(Fraction(x)))[1] == Place.ON
        assert x >= 0 or spec.signed


def test_formats_of_every_kind_are_drawn() -> None:
    drawn = draws(hs.formats(), 400)
    assert {f.specials for f in drawn} == set(oracle.SPECIALS)
    assert any(f.name in NAMED for f in drawn)
    assert any(f.name not in NAMED for f in drawn)
    assert any(not f.signed for f in drawn)
    assert any(not f.has_zero for f in drawn)
    assert {f.exponent_bits for f in drawn} == set(range(12))
    assert max(f.bits for f in drawn) > 50


@given(hs.formats(max_bits=9, max_precision=4, kinds=["float"], specials=["ieee", "fn", "integer"], named=False))
def test_formats_are_filtered(f: hu.Format) -> None:
    assert f.bits <= 9
    assert f.precision <= 4
    assert f.specials in ("ieee", "fn")


def test_wrong_words_are_refused() -> None:
    with pytest.raises(ValueError, match="no format has"):
        hs.formats(max_bits=1)
    with pytest.raises(ValueError, match="kinds must be some of float, integer, not 'posit'"):
        hs.formats(kinds=["posit"])
    with pytest.raises(ValueError, match="of must be 'codes' or 'values', not 'bits'"):
        hs.arrays(E4M3, 3, of="bits")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="fmt must be a format or 3"):
        hs.operand_pairs(("bfloat16", "bfloat16"))


@pytest.mark.parametrize("source", ["float16", "float32", "float64", "bfloat16"])
@pytest.mark.parametrize("f", [hu.float8_e4m3fn, hu.float4_e2m1fn, hu.float8_e5m2fnuz, hu.int8], ids=str)
def test_200_draws_near_ties(f: hu.Format, source: str) -> None:
    spec, wide = oracle_spec(f), NAMED[source]
    met: Counter[str] = Counter()
    for x in draws(hs.near_ties(f, source)):
        exact = abs(Fraction(x))
        on, where = oracle.locate(wide, exact)
        assert where == Place.ON, "a value of the source"
        k, at = oracle.locate(spec, exact)
        met[f"tie of {'even' if k % 2 == 0 else 'odd'}"] += at == Place.MIDDLE
        beside = [oracle.locate(spec, oracle.grid(wide, on + step))[1] for step in (-1, 1) if on + step >= 0]
        met["one place beside a tie"] += Place.MIDDLE in beside and at != Place.MIDDLE
        met["overflow"] += k == spec.last and at >= Place.MIDDLE
        met["underflow"] += k == 0 and at == Place.MIDDLE
        met["negative"] += x < 0
    # The lowest tie of E5M2FNUZ is a place below the least bfloat16 that is normal; all sources hold the rest.
    assert all(met[name] for name in ("tie of even", "tie of odd", "one place beside a tie", "negative")), met
    assert met["overflow"], met
    assert met["underflow"], met


def exact_results(op: str) -> Callable[[Fraction, Fraction], Fraction | None]:
    return {
        "add": lambda a, b: a + b,
        "subtract": lambda a, b: a - b,
        "multiply": lambda a, b: a * b,
        "divide": lambda a, b: a / b if b else None,
        "remainder": lambda a, b: a / b if b else None,
    }[op]


@pytest.mark.parametrize("op", ["add", "subtract", "multiply", "divide", "remainder"])
@pytest.mark.parametrize("f", [hu.float8_e4m3fn, hu.float16, hu.float32], ids=str)
def test_300_pairs_meet_the_hard_cases(f: hu.Format, op: str) -> None:
    spec = oracle_spec(f)
    p = spec.mantissa_bits + 1
    met: Counter[str] = Counter()
    for pair in draws(hs.operand_pairs(f, op), 300):
        a, b = (oracle.decode(spec, code) for code in pair)
        met["nan"] += "nan" in (a.kind, b.kind)
        met["equal"] += pair[0] == pair[1]
        if a.kind != "finite" or b.kind != "finite":
            continue
        result = exact_results(op)(a.real, b.real)
        if result is None or op == "remainder":
            met["divisor zero" if result is None else "half-integer"] += result is None or result.denominator == 2
            continue
        x = abs(result)
        k, where = oracle.locate(spec, x)
        met["tie"] += where == Place.MIDDLE and k < spec.last
        two = not any({"power of two"} & classes(spec, code) for code in pair)
        met["tie of two significands"] += where == Place.MIDDLE and two and x >= spec.min_normal
        met["overflow"] += k >= spec.last and where >= Place.LOW
        met["just in range"] += k in (spec.last, spec.last - 1)
        met["tiny"] += 0 < x < spec.min_normal
        larger = max(a.magnitude, b.magnitude)
        met["cancellation"] += 0 < x * 2 ** max(p - 3, 1) < larger
        met["sticky"] += 0 < min(a.magnitude, b.magnitude) * 2 ** (p + 2) < larger
    wanted = {"remainder": {"half-integer", "divisor zero"}}.get(op, {"overflow", "just in range", "tiny"})
    wanted |= {"add": {"tie", "cancellation", "sticky"}, "subtract": {"tie", "cancellation", "sticky"}}.get(op, set())
    wanted |= {"multiply": {"tie", "tie of two significands"}, "divide": {"divisor zero"}}.get(op, set())
    missing = {name for name in wanted | {"equal", "nan"} if not met[name]}
    assert not missing, met
    assert op not in ("add", "multiply") or met["tie"] >= 8, met
    assert op != "multiply" or met["tie of two significands"] >= 8, met


@pytest.mark.parametrize("f", [hu.float8_e4m3fn, hu.float16, hu.bfloat16], ids=str)
def test_300_triples_meet_the_hard_cases(f: hu.Format) -> None:
    spec = oracle_spec(f)
    met: Counter[str] = Counter()
    for triple in draws(hs.operand_triples(f), 300):
        values = [oracle.decode(spec, code) for code in triple]
        if any(v.kind != "finite" for v in values):
            met["special"] += 1
            continue
        a, b, c = (v.real for v in values)
        product, result = a * b, a * b + c
        met["cancels to zero"] += result == 0 and product != 0
        met["cancels to a rest"] += 0 < abs(result) < abs(product) / 8
        met["tie"] += oracle.locate(spec, abs(result))[1] == Place.MIDDLE
        near_a_tie = oracle.locate(spec, abs(product))[1] == Place.MIDDLE and c != 0
        met["tie of the product, broken"] += near_a_tie and abs(c) < abs(product) / 2**spec.mantissa_bits
        met["overflow"] += abs(result) > spec.max
        met["differs from two roundings"] += oracle.encode(spec, oracle.real(result)) != twice(spec, product, c)
    assert all(met[name] for name in met), met
    assert met["differs from two roundings"] >= 3, met


def twice(spec: Spec, product: Fraction, c: Fraction) -> int:
    once = oracle.decode(spec, oracle.encode(spec, oracle.real(product)))
    return oracle.encode(spec, oracle.real(once.real + c)) if once.kind == "finite" else -1


@given(st.data())
def test_operands_of_mixed_formats(data: st.DataObject) -> None:
    three = tuple(data.draw(hs.formats(max_precision=24)) for _ in range(3))
    op = data.draw(st.sampled_from(("add", "subtract", "multiply", "divide", "remainder", "fmod", "minimum")))
    pair = data.draw(hs.operand_pairs(three, op))
    triple = data.draw(hs.operand_triples((*three, E4M3)))
    for f, code in [*zip(three[:2], pair, strict=True), *zip(three, triple, strict=True)]:
        assert 0 <= code < 1 << f.bits


@given(st.data())
def test_policies_are_policies(data: st.DataObject) -> None:
    f = data.draw(hs.formats())
    policy = data.draw(hs.policies(f, via=True))
    f.codec(**policy)


def test_every_rule_is_drawn() -> None:
    drawn = draws(hs.policies("bfloat16", via=True), 300)
    for word in (*oracle.ROUNDINGS, *oracle.OVERFLOWS, *oracle.SUBNORMALS, "keep_payload", "canonical"):
        assert any(word in policy.values() for policy in drawn), word


def test_arrays() -> None:
    strategy = hs.arrays("float8_e4m3fn", (2, 5))
    drawn = draws(strategy, 60)
    assert all(a.shape == (2, 5) and a.dtype == np.uint8 for a in drawn)
    assert len(np.unique(np.stack(drawn))) > 50
    values = np.stack(draws(hs.arrays("bfloat16", 7, of="values"), 60))
    assert values.dtype == np.float32
    assert np.isnan(values).any()
    assert np.isinf(values).any()
    ties = find(hs.arrays(E4M3, 2, of="values", elements=hs.near_ties(E4M3, "float32")), lambda x: (x > 1).any())
    assert ties.shape == (2,)


SHRUNK: list[tuple[SearchStrategy[Any], Callable[[Any], bool], Any]] = [
    (hs.codes(E4M3), lambda code: True, 0),
    (hs.codes(E4M3), lambda code: code > 0, 0x38),  # 1.0
    (hs.codes(E4M3), lambda code: E4M3.decode(code) < 0, 0xB8),  # -1.0
    (hs.codes(E4M3), lambda code: bool(np.isnan(E4M3.decode(code))), 0x7F),
    (hs.codes("float32"), lambda code: code > 0x3F800000, 0x40000000),  # 2.0
    (hs.codes("int8"), lambda code: code > 1, 2),
    (hs.values("float16"), lambda x: x > 2, 3.0),
    (hs.values("bfloat16"), lambda x: abs(x) == float("inf"), float("inf")),
    (hs.operand_pairs(E4M3, "multiply"), lambda pair: True, (0, 0)),
    (hs.operand_pairs(E4M3, "multiply"), lambda pair: min(pair) > 1, (0x38, 0x38)),
    (hs.operand_triples(E4M3), lambda triple: True, (0, 0, 0)),
    (hs.formats(), lambda f: True, hu.float4_e2m1fn),
    (hs.formats(generated=False), lambda f: f.bits == 16, hu.float16),
    (hs.arrays(E4M3, 3), lambda a: True, [0, 0, 0]),
    (
        hs.policies(E4M3),
        lambda p: True,
        {"rounding": "nearest_even", "overflow": "default", "nan": None, "subnormals": "gradual"},
    ),
]


@pytest.mark.parametrize("number", range(len(SHRUNK)))
def test_shrinking_gives_simple_codes(number: int) -> None:
    strategy, condition, simplest = SHRUNK[number]
    found = find(strategy, condition, settings=settings(derandomize=True, database=None, max_examples=500))
    assert (found.tolist() if isinstance(found, np.ndarray) else found) == simplest


def test_hypothesis_is_not_imported_until_it_is_needed() -> None:
    program = """
import sys, halfulp
assert not {"hypothesis", "pytest"} & set(sys.modules)
sys.modules["hypothesis"] = None
try:
    import halfulp.strategies
except ImportError as error:
    assert "pip install hypothesis" in str(error), error
else:
    raise SystemExit("no error")
"""
    subprocess.run([sys.executable, "-c", program], check=True)
