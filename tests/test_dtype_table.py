"""The page docs/dtypes.md: its examples run, its table is what the operations give, and what they give is right."""

from __future__ import annotations

import doctest
import importlib.metadata
import importlib.util
import os
import re
from typing import Any

import dtype_table
import numpy as np
import pytest
from dtype_table import NARROW, PAGE, WIDE, Result, Row, cell, is_wrong, rounded, run

if not hasattr(os, "fork") or not PAGE.exists():
    pytest.skip("needs fork and the source tree", allow_module_level=True)
TEXT = PAGE.read_text()
# NumPy marks what to pass over by an Inf, which E4M3 does not have; the page says so.
KNOWN_TO_BE_WRONG = [("np.nanargmax(n)", NARROW)]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return [row for format in (NARROW, WIDE) for row in dtype_table.rows(format, with_peer=False)]


def made_with(package: str) -> bool:
    """Whether the page was made with the same minor version."""
    stated = re.search(rf"{package} (\d+\.\d+)\.\d+", TEXT)
    assert stated is not None
    return (
        importlib.util.find_spec(package) is not None
        and ".".join(importlib.metadata.version(package).split(".")[:2]) == stated[1]
    )


def cells(code: str, format: str) -> list[str]:
    """Those of the page, in the row of an operation."""
    first = dtype_table.coded(code) + (f" ({format})" if format != NARROW else "")
    (line,) = (line for line in TEXT.splitlines() if line.startswith(f"| {first} |"))
    return re.split(r"(?<!\\) \| ?", line.removeprefix("| ").removesuffix("|"))


def test_the_examples() -> None:
    test = doctest.DocTestParser().get_doctest(
        "\n".join(re.findall(r"^```pycon\n(.*?)^```$", TEXT, re.M | re.S)), {}, PAGE.name, str(PAGE), 0
    )
    assert len(test.examples) > 5
    report: list[str] = []
    assert not doctest.DocTestRunner(verbose=False).run(test, out=report.append).failed, "".join(report)


def test_nothing_crashes(rows: list[Row]) -> None:
    assert len(rows) > 300
    assert [row.operation.code for row in rows if row.ours.crashed] == []


def test_numbers_are_those_of_binary64_rounded_once(rows: list[Row]) -> None:
    wrong = [(row.operation.code, row.operation.format) for row in rows if row.is_wrong(row.ours)]
    assert wrong == KNOWN_TO_BE_WRONG
    compared = [row for row in rows if row.truth is not None and row.ours.numbers and not row.truth.raised]
    assert len(compared) > 220


def test_what_raises_has_something_to_write_instead(rows: list[Row]) -> None:
    """Unless float32 raises, too."""
    for row in rows:
        o = row.operation
        if row.ours.raised and not row.float32.raised and o.subject not in ("Errors", "Casts", "Creation"):
            assert row.instead is not None, o.code
        if row.instead is not None:
            assert not row.instead.raised, o.instead
            assert not row.instead.crashed, o.instead
            if not row.float32.raised and not o.code.startswith("rng"):
                got, want = (np.ravel(r.numbers) for r in (row.instead, row.float32))
                assert "nbytes" in o.instead or np.allclose(got, want, rtol=1e-6), o.code


def test_errors_are_of_the_kind_that_float32_raises(rows: list[Row]) -> None:
    for row in rows:
        if row.ours.raised and row.float32.raised:
            assert row.ours.text == row.float32.text, row.operation.code


def test_the_table_is_the_table(rows: list[Row]) -> None:
    if not made_with("numpy"):
        pytest.skip("the page was made with another version of NumPy")
    for row in rows:
        assert cells(row.operation.code, row.operation.format)[1:3] == row.cells()[1:3], (
            "run python tests/dtype_table.py"
        )
    assert TEXT.count("\n| `") == len(rows) + len(
        re.findall(r"^\| `.*\| .*\|$", TEXT.partition(dtype_table.BEGIN)[0], re.M)
    )


def test_the_column_of_ml_dtypes() -> None:
    pytest.importorskip("ml_dtypes")
    if not (made_with("numpy") and made_with("ml_dtypes")):
        pytest.skip("the page was made with other versions")
    for row in dtype_table.rows(NARROW, with_peer=True)[::7]:
        assert cells(row.operation.code, NARROW)[3].strip() == row.cells()[3], row.operation.code


# -- that the checks can fail


def test_a_crash_and_what_is_after_it_are_seen() -> None:
    crash = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV); 1"
    before, crashed, after = run(["x + 1", crash, "x + 2"], np.dtype(np.float32))
    assert (before.numbers, after.numbers) == ([2.5, -1, 1.5, 4], [3.5, 0, 2.5, 5])
    assert crashed.crashed
    assert cell(crashed, False) == "**crash** (SIGSEGV)"


@pytest.mark.parametrize(
    ("numbers", "dtype", "wrong"),
    [
        ([0.3125], "f", False),
        ([0.28125], "f", True),
        ([0.30000001192092896], "float32", False),
        ([0.3], "float32", True),
        ([0.3], "float64", False),
        ([0.3125, 0.3125], "f", True),
    ],
)
def test_a_wrong_number_is_seen(numbers: list[float], dtype: str, wrong: bool) -> None:
    def result(given: list[float], its: str) -> Any:
        return Result("", given, [its])

    assert is_wrong(result(numbers, dtype), result([0.3], "float64"), NARROW) is wrong


def test_rounding() -> None:
    assert [rounded(x, "f", NARROW) for x in (464.0, -448.0, 0.3)] == [448, -448, 0.3125]
    assert str(rounded(465.0, "f", NARROW)) == str(rounded(float("inf"), "f", NARROW)) == "nan"
    assert rounded(float("-inf"), "f", WIDE) == float("-inf")
