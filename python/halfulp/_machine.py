"""What this installation runs on: instruction sets, versions, folders."""

from __future__ import annotations

import os
import platform
from types import TracebackType

import numpy as np

from halfulp import _core


def available_isas() -> tuple[str, ...]:
    """The instruction sets that this build and this machine have in common, slowest first.

    Every one of them gives the same bits.
    """
    return _core.available_isas()


class use_isa:
    """Choose the instruction set of every conversion in this process; as a context manager, for its block only.

    Parameters
    ----------
    name : str
        One of `available_isas()`.

    Raises
    ------
    ValueError
        If this machine does not have it.

    Examples
    --------
    >>> import halfulp as hu
    >>> with hu.use_isa("scalar"):
    ...     hu.isa
    'scalar'
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"isa must be a string, one of {', '.join(available_isas())}, not {name!r}")
        self._before = _core.isa()
        _core.set_isa(name)

    def __enter__(self) -> use_isa:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _core.set_isa(self._before)

    def __repr__(self) -> str:
        return f"<halfulp: isa {_core.isa()!r}>"


def show_config() -> None:
    """Print what a bug report should state: versions, compiler, instruction sets."""
    from halfulp._version import __version__

    rows = {
        "halfulp": __version__,
        "isa": f"{_core.isa()} (available: {', '.join(available_isas())})",
        "compiler": _core.compiler(),
        "numpy": np.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
    for key, value in rows.items():
        print(f"{key:<10}{value}")


def get_include() -> str:
    """The folder to add to a C++ compiler's include path for ``#include <halfulp/encode.hpp>``."""
    return os.path.join(os.path.dirname(os.path.abspath(_core.__file__)), "include")


def _isa_from_environment() -> None:
    wanted = os.environ.get("HALFULP_ISA")
    if wanted and wanted not in available_isas():
        raise ValueError(f"HALFULP_ISA must be one of {', '.join(available_isas())} on this machine, not {wanted!r}")


_isa_from_environment()
