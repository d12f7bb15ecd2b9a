"""`halfulp cast --resume`: killed at any moment and continued, the file is the one an uninterrupted cast writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import attempt, fail, run, write
from halfulp.io import Outgoing, write_safetensors

if not hasattr(signal, "SIGKILL"):
    pytest.skip("needs SIGKILL", allow_module_level=True)

# Runs the command, with a journal entry every few KiB, and dies by SIGKILL at the n-th step of one kind.
CHILD = """
import os, signal, sys
from halfulp.cli import main
from halfulp.io import partial
step, at, *words = sys.argv[1:]
partial.CHECKPOINT = 5000
left = int(at)
def deadly(function):
    def wrapper(*arguments, **options):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return wrapper
owner, name = {
    "write": (partial.Partial, "write"), "note": (partial.Partial, "_note"), "sync": (os, "fsync"),
    "rename": (os, "replace"), "finish": (partial.Partial, "finish"), "remove": (partial, "_remove"),
    "truncate": (partial.Partial, "_safely_written"),
}[step]
setattr(owner, name, deadly(getattr(owner, name)))
sys.exit(main(words))
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    arrays = {f"t{i}": rng.normal(size=n).astype(np.float32) for i, n in enumerate([9, 30000, 200001, 3, *[12001] * 6])}
    return write(tmp_path / "in.safetensors", **arrays, n=np.arange(999))


def words(source: Path, target: Path, to: str) -> list[str]:
    return ["cast", str(source), "--to", to, "--scale", "absmax", "-o", str(target)]


def killed(step: str, at: int, *command: str) -> bool:
    done = subprocess.run([sys.executable, "-c", CHILD, step, str(at), *command], capture_output=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    return done.returncode != 0


MOMENTS = [
    ("write", 1), ("write", 2), ("write", 4), ("write", 7), ("note", 1), ("note", 4), ("sync", 2), ("sync", 5),
    ("rename", 1), ("rename", 3), ("finish", 1), ("remove", 1), ("remove", 2), ("truncate", 1),
]  # fmt: skip


@pytest.mark.parametrize(("step", "at"), MOMENTS)
@pytest.mark.parametrize("first_resumes", [False, True])
def test_killed_and_resumed_is_the_same_file(
    step: str, at: int, first_resumes: bool, source: Path, tmp_path: Path
) -> None:
    for to in ("float6_e3m2fn", "bfloat16"):
        whole, target = tmp_path / "whole.safetensors", tmp_path / "out.safetensors"
        run(*words(source, whole, to))
        command = words(source, target, to)
        died = killed(step, at, *command, *(["--resume"] if first_resumes else []))
        assert died or (step == "truncate" and not first_resumes)
        assert not target.exists() or target.read_bytes() == whole.read_bytes()
        out = run(*command, "--resume")
        assert target.read_bytes() == whole.read_bytes()
        if (step, at) in {("note", 4), ("sync", 5), ("finish", 1)}:
            assert "of it were there from the interrupted cast" in out
        assert sorted(p.name for p in tmp_path.iterdir()) == ["in.safetensors", "out.safetensors", "whole.safetensors"]
        target.unlink()


def test_killed_again_and_again(source: Path, tmp_path: Path) -> None:
    whole, target = tmp_path / "whole.safetensors", tmp_path / "out.safetensors"
    run(*words(source, whole, "int4"))
    deaths = 0
    while killed("note", 2, *words(source, target, "int4"), "--resume"):
        deaths += 1
        assert deaths < 40
    assert deaths > 3
    assert target.read_bytes() == whole.read_bytes()


def interrupted(source: Path, target: Path, to: str = "int4", note: int = 4) -> Path:
    assert killed("note", note, *words(source, target, to), "--resume")
    return target.with_name(f".{target.name}.partial")


@pytest.mark.parametrize(
    "change", ["another format", "another policy", "another input", "journal", "cut", "no journal"]
)
def test_what_does_not_fit_is_not_continued(change: str, source: Path, tmp_path: Path) -> None:
    whole, target = tmp_path / "whole.safetensors", tmp_path / "out.safetensors"
    partial = interrupted(source, target)
    journal = partial.with_name(partial.name + ".json")
    command = words(source, target, "uint4" if change == "another format" else "int4")
    if change == "another policy":
        command += ["--rounding", "toward_zero"]
    elif change == "another input":
        data = bytearray(source.read_bytes())
        data[-1] ^= 1
        source.write_bytes(data)
        os.utime(source, ns=(1, 1))
    elif change == "journal":
        journal.write_text(json.dumps({"identity": json.loads(journal.read_text())["identity"], "bytes": 10**9}))
    elif change == "cut":
        os.truncate(partial, 100)
    elif change == "no journal":
        journal.unlink()
    partial.write_bytes(b"\xff" * partial.stat().st_size)  # whatever is kept would be seen
    out = run(*command, "--resume")
    assert "were there" not in out
    run(*(whole if word == str(target) else word for word in command))
    assert target.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"identity": 3}', '{"bytes": true}', "\xff" * 9, "[" * 9999])
def test_a_journal_of_nonsense_is_ignored(text: str, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.safetensors"
    partial = interrupted(source, target)
    partial.with_name(partial.name + ".json").write_text(text, "latin-1")
    assert "were there" not in run(*words(source, target, "int4"), "--resume")


def test_without_resume_a_cast_starts_over(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.safetensors"
    interrupted(source, target).write_bytes(b"\xff" * 99999)
    assert "were there" not in run(*words(source, target, "int4"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.safetensors", "out.safetensors"]


def test_two_casts_to_one_file_do_not_meet(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.safetensors"

    def chunks() -> list[np.ndarray]:
        code, _, err = attempt(*words(source, target, "int4"))
        assert (code, "another process is writing it" in err) == (2, True)
        return [np.zeros(3, np.uint8)]

    write_safetensors(target, [Outgoing("t", "U8", (3,), chunks)], {})
    assert target.read_bytes().endswith(b"\0\0\0")


def test_what_lies_in_the_way_is_not_followed(source: Path, tmp_path: Path) -> None:
    target, other = tmp_path / "out.safetensors", tmp_path / "other"
    other.write_bytes(b"precious")
    partial = tmp_path / ".out.safetensors.partial"
    partial.symlink_to(other)
    fail(*words(source, target, "int4"), "--resume")
    partial.unlink()
    partial.mkdir()
    fail(*words(source, target, "int4"))
    assert other.read_bytes() == b"precious"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")], ids=repr)
def test_an_interruption_keeps_what_was_written_only_with_resume(error: BaseException, tmp_path: Path) -> None:
    target = tmp_path / "out.safetensors"
    failing = True

    def chunks() -> list[np.ndarray]:
        if failing:
            raise error
        return [np.ones(3, np.uint8)]

    tensors = [Outgoing("a", "F32", (100,), lambda: [np.zeros(100, np.float32)]), Outgoing("b", "U8", (3,), chunks)]
    with pytest.raises(type(error)):
        write_safetensors(target, tensors, {})
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(type(error)):
        write_safetensors(target, tensors, {}, resume=True)
    assert len(list(tmp_path.iterdir())) == 2
    failing = False
    assert write_safetensors(target, tensors, {}, resume=True) > 400
    resumed = target.read_bytes()
    assert write_safetensors(target, tensors, {}) == 0
    assert target.read_bytes() == resumed


def test_an_input_that_is_wrong_leaves_nothing_to_resume(tmp_path: Path) -> None:
    bad = Outgoing("t", "U8", (2,), lambda: [np.zeros(3, np.uint8)])
    with pytest.raises(ValueError, match="fault in the caller"):
        write_safetensors(tmp_path / "x.safetensors", [bad], {}, resume=True)
    assert list(tmp_path.iterdir()) == []
