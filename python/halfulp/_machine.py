"""What this installation runs on: instruction sets, versions, folders."""

from __future__ import annotations

import operator
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


def get_num_threads() -> int:
    """How many threads a conversion of a large array may use, the calling one among them.

    Examples
    --------
    >>> import halfulp as hu
    >>> hu.set_num_threads(2)
    >>> hu.get_num_threads()
    2
    >>> hu.set_num_threads(1)
    """
    return _core.num_threads()


def set_num_threads(n: int) -> None:
    """Let conversions of large arrays use several threads of this process. The bits are the same.

    One is the default: a single thread comes near what memory gives. Several help kernels that are bound by
    computing, from some hundred thousand elements on. The threads sleep when there is no work; a forked child starts
    its own.

    Parameters
    ----------
    n : int
        1 to 1024, the calling thread included. The environment variable ``HALFULP_NUM_THREADS`` sets it at import.

    Raises
    ------
    TypeError, ValueError
        If `n` is no integer, or out of range.

    Examples
    --------
    >>> import numpy as np, halfulp as hu
    >>> hu.set_num_threads(2)
    >>> codes = hu.bfloat16.encode(np.ones(1_000_000, np.float32))
    >>> hu.set_num_threads(1)
    >>> bool((codes == 0x3F80).all())
    True
    """
    try:
        count = operator.index(n)
    except TypeError:
        raise TypeError(f"n must be an integer, not {n!r}") from None
    if not 1 <= count <= _core.max_threads():
        raise ValueError(f"n must be 1 to {_core.max_threads()}, not {count}")
    _core.set_num_threads(count)


def show_config() -> None:
    """Print what a bug report should state: versions, compiler, instruction sets."""
    from halfulp._version import __version__

    rows = {
        "halfulp": __version__,
        "isa": f"{_core.isa()} (available: {', '.join(available_isas())})",
        "threads": str(_core.num_threads()),
        "compiler": _core.compiler(),
        "numpy": np.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
    for key, value in rows.items():
        print(f"{key:<10}{value}")


def get_include() -> str:
    """The folder for a compiler's include path: ``#include <halfulp/encode.hpp>``, or ``<halfulp/halfulp.h>`` in C."""
    return _installed("include")


def get_cmake_dir() -> str:
    """The folder for ``-Dhalfulp_DIR=``, where CMake's ``find_package(halfulp)`` finds the package.

    Examples
    --------
    >>> import os, halfulp as hu
    >>> os.path.exists(os.path.join(hu.get_cmake_dir(), "halfulpConfig.cmake"))
    True
    """
    return _installed("cmake")


def get_library() -> str:
    """The shared library of the C interface, ``halfulp/halfulp.h``: for linkers and for simulators that speak DPI-C."""
    folder = _installed("lib")
    (name,) = (file for file in os.listdir(folder) if file.endswith((".so", ".dylib", ".dll")))
    return os.path.join(folder, name)


def _installed(folder: str) -> str:
    return os.path.join(os.path.dirname(os.path.abspath(_core.__file__)), folder)


def _isa_from_environment() -> None:
    wanted = os.environ.get("HALFULP_ISA")
    if wanted and wanted not in available_isas():
        raise ValueError(f"HALFULP_ISA must be one of {', '.join(available_isas())} on this machine, not {wanted!r}")


def _threads_from_environment() -> None:
    wanted = os.environ.get("HALFULP_NUM_THREADS")
    if not wanted:
        return
    if not (wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= _core.max_threads()):
        raise ValueError(f"HALFULP_NUM_THREADS must be 1 to {_core.max_threads()}, not {wanted!r}")
    _core.set_num_threads(int(wanted))


_isa_from_environment()
_threads_from_environment()
