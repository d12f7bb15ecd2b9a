"""The results as a table, as JSON and as the README of this folder."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import halfulp as hu
from halfulp import _core

from benchmarks import limit
from benchmarks.contenders import PEERS, SIZES

README = Path(__file__).with_name("README.md")
HEADER = "| conversion | elements | Ge/s | GB/s | of the loop | x NumPy | x ml_dtypes | x torch | x bitsandbytes |"
SIZE_NAMES = {"small": "4 Ki", "medium": "256 Ki", "large": "64 Mi"}


@dataclass(frozen=True)
class Row:
    """One conversion at one size; ratios are medians over the rounds, None where there is no such peer."""

    conversion: str
    size: str
    ge_per_s: float
    gb_per_s: float
    of_loop: float
    numpy: float | None
    ml_dtypes: float | None
    torch: float | None
    bitsandbytes: float | None

    def markdown(self) -> str:
        """A line of the table."""
        peers = ["-" if r is None else f"{r:.1f}" for r in (self.numpy, self.ml_dtypes, self.torch, self.bitsandbytes)]
        cells = [
            self.conversion,
            SIZE_NAMES[self.size],
            f"{self.ge_per_s:.2f}",
            f"{self.gb_per_s:.1f}",
            f"{self.of_loop:.2f}",
            *peers,
        ]
        return "| " + " | ".join(cells) + " |"


def table(rows: list[Row]) -> str:
    """The rows as markdown."""
    return "\n".join([HEADER, "|---|" + "---:|" * 8, *(row.markdown() for row in rows)])


def call_table(calls: dict[str, dict[int, float]]) -> str:
    """Nanoseconds a call, as markdown."""
    counts = next(iter(calls.values()))
    lines = ["| call | " + " | ".join(map(str, counts)) + " |", "|---|" + "---:|" * len(counts)]
    for name, each in calls.items():
        lines.append(f"| `{name}` | " + " | ".join(f"{ns:.0f}" for ns in each.values()) + " |")
    return "\n".join(lines)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    fields = dict(reversed([[part.strip() for part in line.split(":", 1)] for line in lines if ":" in line]))
    family, model = fields.get("cpu family", "?"), fields.get("model", "?")
    name = fields.get("model name", platform.machine())
    cores = sum(line.startswith("processor") for line in lines)
    return f"{name} (family {family}, model {model}), {cores} cores"


def machine() -> dict[str, str]:
    """Where and with what this run was made."""
    packages = {}
    for name in PEERS:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = "not installed"
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "halfulp": f"{hu.__version__}, {_core.isa()} kernels, {_core.compiler()}",
        **packages,
    }


def as_json(rows: list[Row], calls: dict[str, dict[int, float]]) -> dict[str, Any]:
    """Everything, for machines."""
    return {
        "machine": machine(),
        "loop": limit.describe(),
        "elements": SIZES,
        "conversions": [asdict(row) for row in rows],
        "nanoseconds_per_call": calls,
    }


def readme(rows: list[Row], calls: dict[str, dict[int, float]], rounds: dict[str, int]) -> str:
    """The README: what was measured, where, and the two tables."""
    facts = "\n".join(f"- {key}: {value}" for key, value in machine().items())
    spent = ", ".join(f"{count} at {SIZE_NAMES[size]}" for size, count in rounds.items())
    return f"""# Benchmarks

```
python -m benchmarks [--isa NAME] [--sizes small,medium,large] [--formats A,B] [--quick]
                     [--json FILE] [--plot FILE.svg] [--write]
```

Ours, the peers and the memory loop take turns, round after round, in one process and on one thread. Every ratio is the
median of the rounds' own ratios ({spent}).
Inputs are random normal numbers; every result goes to an array that exists (`out=`, `np.copyto`, `Tensor.copy_`), so
that no page faults are counted. Encoded results are compared with ml_dtypes' and NumPy's before anything is timed.
`--write` writes this page.

{facts}

"Of the loop" is the time of the memory loop divided by ours. GB/s counts bytes read plus bytes written. The loop:
{limit.describe()}.

{table(rows)}

To int8, NumPy and torch truncate where ours rounds and saturates. ml_dtypes has no int8, torch no cast to
float4_e2m1fn. Codes of four bits are one a byte, but where the table says "packed": then two, encoded and packed in
one call. bitsandbytes also scales blocks of 64 by their largest magnitude, and allocates its results.

## One call

Nanoseconds of a call on 1 to 1000 elements, f = `hu.float8_e4m3fn`, x float32.

{call_table(calls)}
"""
