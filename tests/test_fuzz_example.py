"""`examples/fuzz_ci`: its test catches the wrong kernel, names both broken rules, and its README shows just that."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from halfulp.testing import CodesDiffer, assert_codes_equal

FOLDER = Path(__file__).resolve().parent.parent / "examples" / "fuzz_ci"
if not FOLDER.is_dir():
    pytest.skip("needs the source tree", allow_module_level=True)
README = (FOLDER / "README.md").read_text()
REPORTS = re.findall(r"^```text\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
F = hu.float8_e4m3fn


@pytest.fixture(scope="module")
def kernel() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fuzzed_kernel", FOLDER / "kernel.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rules(report: str) -> list[str]:
    """What a report says of the kernel, without where it was seen first."""
    return re.findall(r"the kernel's answers .*\n(?: +[a-z].* of \d+\n)+", report)


def test_the_reports_are_those_of_the_readme(kernel: ModuleType) -> None:
    x = np.full(4, 0x3A800001, np.uint32).view(np.float32)
    x[:3] = 1
    pair = (np.uint8(0x38), np.uint8(0x01))
    product, _ = hu.ops.multiply(*pair, format=F, flags=True)
    cases: list[tuple[Any, Any, dict[str, Any]]] = [
        (kernel.quantize(x), F.encode(x), {"operands": [x], "kernel": kernel.quantize}),
        (kernel.multiply(*pair), product, {"operands": pair, "op": "multiply", "kernel": kernel.multiply}),
    ]
    for (actual, desired, words), shown in zip(cases, REPORTS, strict=True):
        with pytest.raises(CodesDiffer) as caught:
            assert_codes_equal(actual, desired, F, **words)
        assert f"{caught.value}\n" == shown


def test_pytest_catches_the_kernel_and_names_both_rules(tmp_path: Path) -> None:
    for name in ("kernel.py", "test_kernel.py"):
        (tmp_path / name).write_text((FOLDER / name).read_text())
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--hypothesis-seed=1", "-q"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "2 failed" in done.stdout, done.stdout + done.stderr
    printed = "".join(re.sub(r"^E   ", "", line) + "\n" for line in re.findall(r"^E   .*$", done.stdout, re.MULTILINE))
    found = [
        re.sub(r"^ +", "", block, flags=re.MULTILINE) for block in rules(re.sub(r"^ {8}", "", printed, flags=re.M))
    ]
    wanted = [re.sub(r"^ +", "", rules(report)[0], flags=re.MULTILINE) for report in REPORTS]
    assert found == wanted


def test_the_test_is_shown_whole() -> None:
    (shown,) = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    source = (FOLDER / "test_kernel.py").read_text()
    assert source.endswith(shown)
    assert len([line for line in shown.splitlines() if line]) <= 10


def test_a_kernel_that_keeps_the_rules_passes(kernel: ModuleType) -> None:
    """The parts that are right: NaN, overflow, exact values, and what is left with the faults taken for granted."""
    a, b = np.meshgrid(*[np.arange(256, dtype=np.uint8)] * 2)
    policy = {"rounding": "nearest_away", "subnormals": "flush_tiny"}
    want, _ = hu.ops.multiply(a, b, format=F, flags=True, **policy)
    assert_codes_equal(kernel.multiply(a, b), want, F)
    x = np.arange(0, 2**32, 4099, dtype=np.uint64).astype(np.uint32).view(np.float32)
    assert_codes_equal(kernel.quantize(x), F.codec(**policy).encode(x), F, operands=[x], policy=policy)
