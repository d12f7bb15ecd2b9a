"""What importing the package costs: nothing that few of its users need is imported with it."""

from __future__ import annotations

import subprocess
import sys

SLOW = {"argparse", "concurrent.futures", "ctypes", "hypothesis", "importlib.metadata", "json", "pathlib", "secrets"}
SLOW |= {"torch", "ml_dtypes", "jax", "onnx", "safetensors", "zipfile", "halfulp.ops", "halfulp.testing"}


def imported(program: str) -> set[str]:
    """The modules there are after a program."""
    program += "; import sys; print(*sys.modules)"
    return set(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    )


def test_what_few_need_is_imported_when_it_is_needed() -> None:
    assert not SLOW & (imported("import numpy, halfulp") - imported("import numpy"))
