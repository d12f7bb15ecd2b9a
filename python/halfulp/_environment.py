"""The floating-point environment of this thread, set for the block of a `with` statement."""

from __future__ import annotations

import ctypes
import gc
import platform
import struct
from types import TracebackType
from typing import NamedTuple


class Layout(NamedTuple):
    """Where glibc's fenv_t keeps the control and status words, and the bits that set each mode."""

    size: int
    control: tuple[tuple[int, str], ...]
    control_bits: tuple[int, ...]
    status: tuple[tuple[int, str], ...]
    flags: tuple[int, ...]
    modes: dict[str, tuple[int, ...]]


# x86-64: x87 control word at 0 and status word at 4, MXCSR (control and status in one) at 28.
_X86 = Layout(
    32,
    ((0, "H"), (28, "I")),
    (0xFFFF, 0xFFC0),
    ((4, "H"), (28, "I")),
    (0x3F, 0x3F),
    {
        "usual": (0, 0),
        "ftz": (0, 0x8040),
        "downward": (0x400, 0x2000),
        "upward": (0x800, 0x4000),
        "toward_zero": (0xC00, 0x6000),
        "upward_ftz": (0x800, 0xC040),
    },
)
# aarch64: FPCR then FPSR; FZ is bit 24, the rounding mode bits 23:22.
_ARM = Layout(
    8,
    ((0, "I"),),
    (0xFFFFFFFF,),
    ((4, "I"),),
    (0x9F,),
    {
        "usual": (0,),
        "ftz": (1 << 24,),
        "downward": (2 << 22,),
        "upward": (1 << 22,),
        "toward_zero": (3 << 22,),
        "upward_ftz": (1 << 24 | 1 << 22,),
    },
)


def _layout() -> Layout | None:
    if platform.libc_ver()[0] != "glibc":
        return None
    return {"x86_64": _X86, "aarch64": _ARM}.get(platform.machine())


def environments() -> tuple[str, ...]:
    """The floating-point environments that `environment` can set on this machine; none outside glibc.

    Examples
    --------
    >>> from halfulp.testing import environments
    >>> "usual" in environments() or not environments()
    True
    """
    layout = _layout()
    return () if layout is None else tuple(layout.modes)


class environment:
    """Run a block under a floating-point environment, with all exception flags clear; then everything is as before.

    Put only the calls under test into the block, and find the expected values outside: under flush-to-zero or another
    rounding mode Python's own float parsing, `fractions.Fraction` and Hypothesis give wrong results. The garbage
    collector is off in the block, so that nothing else runs there.

    Parameters
    ----------
    mode : str
        One of `environments()`: ``"usual"``, ``"ftz"`` (results and operands that are subnormal become zero:
        FTZ and DAZ of x86, FZ of Arm), ``"downward"``, ``"upward"``, ``"toward_zero"``, ``"upward_ftz"``.

    Attributes
    ----------
    flags : int
        After the block: the exception flags that it left, as the machine's bits; 0 if none.
    changed : bool
        After the block: whether it left other control bits (rounding mode, flushing) than it found.

    Raises
    ------
    ValueError
        For an unknown mode.
    NotImplementedError
        On machines whose environment this module cannot set: `environments()` is empty there.

    Examples
    --------
    >>> import numpy as np, halfulp as hu
    >>> from halfulp.testing import environment
    >>> x = np.float32([1e-40, 0.3])
    >>> with environment("ftz") as env:
    ...     codes = hu.bfloat16.encode(x)
    >>> codes.tolist(), env.flags, env.changed
    ([1, 16026], 0, False)
    """

    def __init__(self, mode: str) -> None:
        layout = _layout()
        if layout is None:
            raise NotImplementedError("environment needs glibc on x86-64 or aarch64")
        if mode not in layout.modes:
            raise ValueError(f"mode must be one of {', '.join(layout.modes)}, not {mode!r}")
        self.mode = mode
        self.flags = 0
        self.changed = False
        self._layout = layout
        self._libm = ctypes.CDLL("libm.so.6")

    def __enter__(self) -> environment:
        layout = self._layout
        self._saved, self._set, self._after = (ctypes.create_string_buffer(layout.size) for _ in range(3))
        self._libm.fegetenv(self._saved)
        words = bytearray(self._saved.raw)
        for (offset, kind), bits in zip(layout.control, layout.modes[self.mode], strict=True):
            struct.pack_into(kind, words, offset, struct.unpack_from(kind, words, offset)[0] | bits)
        for (offset, kind), flags in zip(layout.status, layout.flags, strict=True):
            struct.pack_into(kind, words, offset, struct.unpack_from(kind, words, offset)[0] & ~flags)
        self._set.raw = bytes(words)
        self._collecting = gc.isenabled()
        gc.disable()
        self._libm.fesetenv(self._set)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._libm.fegetenv(self._after)
        self._libm.fesetenv(self._saved)
        if self._collecting:
            gc.enable()
        layout = self._layout
        now = [self._words(self._after, layout.control), self._words(self._after, layout.status)]
        was = self._words(self._set, layout.control)
        masks = layout.control_bits
        self.changed = any((a ^ b) & mask for a, b, mask in zip(was, now[0], masks, strict=True))
        self.flags = 0
        for word, flags in zip(now[1], layout.flags, strict=True):
            self.flags |= word & flags

    @staticmethod
    def _words(environment: ctypes.Array[ctypes.c_char], places: tuple[tuple[int, str], ...]) -> list[int]:
        return [struct.unpack_from(kind, environment.raw, offset)[0] for offset, kind in places]

    def __repr__(self) -> str:
        return f"environment({self.mode!r})"
