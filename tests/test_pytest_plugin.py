"""The pytest plugin, run by pytest on small test files of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import halfulp as hu
import pytest
from halfulp.testing import environments

if not any(e.value == "halfulp_pytest" for e in entry_points(group="pytest11")):
    pytest.skip("halfulp is not installed with its metadata", allow_module_level=True)


def run(folder: Path, source: str, *words: str) -> str:
    """What pytest prints of one test file."""
    (folder / "test_it.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--strict-markers", *words, "test_it.py"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    return done.stdout + done.stderr


SEEDED = """
def test_seed(halfulp_rng, halfulp_seed):
    print("drawn", halfulp_seed, halfulp_rng.integers(1 << 62))
    assert False

def test_other(halfulp_seed):
    print("other", halfulp_seed)
    assert False
"""


def test_a_failure_names_the_seed_that_repeats_it(tmp_path: Path) -> None:
    first = run(tmp_path, SEEDED)
    seeds = re.findall(r"run again with --halfulp-seed=(\d+)", first)
    assert len(seeds) == 2
    assert len(set(seeds)) == 1
    drawn = re.findall(r"^(?:drawn|other) .*$", first, re.MULTILINE)
    assert len({words.split()[1] for words in drawn}) == 2, "tests do not share a seed"
    again = run(tmp_path, SEEDED, f"--halfulp-seed={seeds[0]}")
    assert re.findall(r"^(?:drawn|other) .*$", again, re.MULTILINE) == drawn
    other = run(tmp_path, SEEDED)
    assert re.findall(r"^(?:drawn|other) .*$", other, re.MULTILINE) != drawn


def test_a_failing_vector_is_one_line(tmp_path: Path) -> None:
    printed = run(
        tmp_path,
        """
import numpy as np, halfulp as hu
from halfulp.testing import assert_codes_equal

def test_it():
    x = np.float32([1, 1.0625])
    assert_codes_equal([0x38, 0x39], hu.float8_e4m3fn.encode(x), hu.float8_e4m3fn, operands=[x])
""",
    )
    (line,) = re.findall(r"the first failing vector -+\n(.*)\n", printed)
    assert line.startswith("import numpy as np, halfulp as hu; ")
    shown = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True)
    assert shown.stdout == "0x38\n"


def test_every_isa(tmp_path: Path) -> None:
    printed = run(
        tmp_path,
        """
import pytest, halfulp as hu

@pytest.mark.every_isa
@pytest.mark.parametrize("number", [1, 2])
def test_it(number):
    with open("isas.txt", "a") as file:
        print(hu.isa, file=file)

def test_after():
    assert hu.isa == hu.available_isas()[-1]
""",
    )
    assert sorted((tmp_path / "isas.txt").read_text().split()) == sorted([*hu.available_isas()] * 2)
    assert f"{2 * len(hu.available_isas()) + 1} passed" in printed


@pytest.mark.skipif(not environments(), reason="needs glibc's fenv_t")
def test_every_environment_with_hypothesis(tmp_path: Path) -> None:
    printed = run(
        tmp_path,
        """
import numpy as np, pytest, halfulp as hu, halfulp.strategies as hs
from hypothesis import given, settings, HealthCheck

@pytest.mark.every_isa
@pytest.mark.every_environment
@settings(max_examples=20, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(x=hs.arrays("float32", 4, of="values"))
def test_it(halfulp_environment, x):
    want = hu.bfloat16.encode(x)
    with halfulp_environment:
        got = hu.bfloat16.encode(x)
    with open("modes.txt", "a") as file:
        print(hu.isa, halfulp_environment.mode, file=file)
    assert np.array_equal(got, want)
    assert not halfulp_environment.flags

@pytest.mark.every_environment
def test_it_is_set(halfulp_environment):
    tiny = np.float64(5e-310)
    with halfulp_environment as environment:
        kept = tiny * 1
    assert (float(kept) == 0) == ("ftz" in environment.mode)
""",
    )
    ran = {tuple(line.split()) for line in (tmp_path / "modes.txt").read_text().splitlines()}
    assert ran == {(isa, mode) for isa in hu.available_isas() for mode in environments()}
    assert f"{(len(hu.available_isas()) + 1) * len(environments())} passed" in printed


def test_every_environment_needs_its_fixture(tmp_path: Path) -> None:
    source = "import pytest\n@pytest.mark.every_environment\ndef test_it():\n    pass\n"
    assert "every_environment needs the fixture halfulp_environment" in run(tmp_path, source)


def test_the_plugin_is_inert(tmp_path: Path) -> None:
    source = """
import sys

def test_it():
    assert "halfulp_pytest" in sys.modules
    assert not {"halfulp", "numpy", "hypothesis"} & set(sys.modules) - {"hypothesis"}
"""
    assert "1 passed" in run(tmp_path, source)
