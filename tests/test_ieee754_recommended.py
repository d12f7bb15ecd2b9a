"""The recommended operations of IEEE 754-2019 clause 9, and the table of clauses in docs/ieee754.md."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import comparison_oracle
import halfulp as hu
import integer_oracle
import pytest
from arithmetic_oracle import INVALID, OVERFLOW, Rules
from arithmetic_strategies import arithmetic_specs, run, tuples
from comparison_oracle import SELECTIONS
from hypothesis import given
from hypothesis import strategies as st
from oracle import OVERFLOWS, Spec, decode

any_spec = arithmetic_specs()
ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "ieee754.md"


@given(any_spec, st.sampled_from(("add", "subtract", "multiply")), st.sampled_from(OVERFLOWS), st.data())
def test_9_5_augmented_operations(spec: Spec, operation: str, overflow: str, data: st.DataObject) -> None:
    a, b = data.draw(tuples(spec, spec))
    got = run(f"augmented_{operation}", spec, a, b, overflow=overflow)
    assert got == integer_oracle.augmented(operation, spec, a, b, Rules(overflow=overflow))


@given(any_spec.filter(lambda s: s.signed and s.kind == "float"), st.data())
def test_9_5_the_two_results_of_an_addition_are_the_sum(spec: Spec, data: st.DataObject) -> None:
    a, b = data.draw(tuples(spec, spec))
    r, e, flags = run("augmented_add", spec, a, b)
    if all(decode(spec, c).kind == "finite" for c in (a, b)) and not flags & (OVERFLOW | INVALID):
        assert decode(spec, r).real + decode(spec, e).real == decode(spec, a).real + decode(spec, b).real
        assert flags == 0


@given(any_spec, st.sampled_from(sorted(SELECTIONS)), st.data())
def test_9_6_minimum_and_maximum(spec: Spec, operation: str, data: st.DataObject) -> None:
    a, b = data.draw(tuples(spec, spec))
    assert run(operation, spec, a, b) == comparison_oracle.select(operation, spec, a, b)


# -- the table


def rows() -> list[list[str]]:
    lines = [line for line in TABLE.read_text().splitlines() if line.startswith("| ") and not line.startswith("| :")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.skipif(not TABLE.exists(), reason="needs the source tree")
def test_every_name_in_the_table_of_clauses_exists() -> None:
    defined = {}
    for path in (ROOT / "tests").glob("test_*.py"):
        tree = ast.parse(path.read_text())
        defined[path.name] = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    checked = 0
    for row in rows():
        for name in re.findall(r"`hu\.ops\.(\w+)`", " ".join(row)):
            assert hasattr(hu.ops, name), name
            checked += 1
        for word in re.findall(r"`(test_\w+)`", row[-1]):
            assert any(word in names for names in defined.values()), word
            checked += 1
    assert checked > 100


@pytest.mark.skipif(not TABLE.exists(), reason="needs the source tree")
def test_every_operation_and_test_of_a_clause_is_in_the_table() -> None:
    text = TABLE.read_text()
    for name in hu.ops.__all__:
        assert f"`hu.ops.{name}`" in text, name
    for path in ("test_ieee754.py", "test_ieee754_recommended.py", "test_ieee754_properties.py"):
        tree = ast.parse((ROOT / "tests" / path).read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and re.match(r"test_\d", node.name):
                assert f"`{node.name}`" in text, node.name
