"""`halfulp cast --resume`: killed at any moment and continued, the file is the one an uninterrupted cast writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import halfulp as hu
import numpy as np
import pytest
from commands import attempt, fail, run, write
from halfulp.io import Outgoing, write_safetensors

if not hasattr(signal, "SIGKILL"):
    pytest.skip("needs SIGKILL", allow_module_level=True)
import fcntl

# Runs the command, with a journal entry every few KiB, and dies by a signal at the n-th step of one kind.
CHILD = """
import os, signal, sys
from halfulp.cli import main
from halfulp.io import partial
ending, step, at, *words = sys.argv[1:]
partial.CHECKPOINT = 5000
left = int(at)
def deadly(function):
    def wrapper(*arguments, **options):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.Signals[ending])
        return function(*arguments, **options)
    return wrapper
owner, name = {
    "write": (partial.Partial, "write"), "note": (partial.Partial, "_note"), "sync": (os, "fsync"),
    "rename": (os, "replace"), "finish": (partial.Partial, "finish"), "remove": (partial, "_remove"),
    "lock": (partial, "_lock"),
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


def ended(ending: str, step: str, at: int, *command: str) -> int:
    words = [sys.executable, "-c", CHILD, ending, step, str(at), *command]
    done = subprocess.run(words, capture_output=True, check=False, timeout=60)
    assert done.returncode in (0, -signal.SIGKILL, 143), done.stderr.decode()
    return done.returncode


def killed(step: str, at: int, *command: str) -> bool:
    return ended("SIGKILL", step, at, *command) != 0


MOMENTS = [
    ("write", 1), ("write", 2), ("write", 4), ("write", 7), ("note", 1), ("note", 4), ("sync", 2), ("sync", 5),
    ("rename", 1), ("rename", 3), ("finish", 1), ("remove", 1), ("remove", 2), ("lock", 1),
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
        assert killed(step, at, *command, *(["--resume"] if first_resumes else []))
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


def journal_of(partial: Path) -> Path:
    return partial.with_name(partial.name + ".json")


def edit(journal: Path, **fields: object) -> None:
    journal.write_text(json.dumps(json.loads(journal.read_text()) | fields))


REASONS = {
    "another format": "it is of another input or of other options",
    "another policy": "it is of another input or of other options",
    "another input": "it is of another input or of other options",
    "another input of the same times": "it is of another input or of other options",
    "another file of the same name": "it is of another input or of other options",
    "journal": "it is not as long as its journal says",
    "cut": "it is not as long as its journal says",
    "no journal": "none of it was safely on disk yet",
    "header": "it is damaged",
    "middle": "it is damaged",
    "last byte": "it is damaged",
    "counts": "it is damaged",
    "checksum": "it is damaged",
}


@pytest.mark.parametrize("change", REASONS)
def test_what_does_not_fit_is_not_continued(change: str, source: Path, tmp_path: Path) -> None:
    whole, target = tmp_path / "whole.safetensors", tmp_path / "out.safetensors"
    partial = interrupted(source, target)
    journal = journal_of(partial)
    kept = json.loads(journal.read_text())["bytes"]
    command = words(source, target, "uint4" if change == "another format" else "int4")
    before = source.stat()
    if change == "another policy":
        command += ["--rounding", "toward_zero"]
    elif change.startswith("another input"):
        data = bytearray(source.read_bytes())
        data[-1] ^= 1
        source.write_bytes(data)
        os.utime(source, ns=(1, before.st_mtime_ns if change.endswith("times") else 1))
    elif change == "another file of the same name":
        (tmp_path / "new").write_bytes(source.read_bytes())
        os.utime(tmp_path / "new", ns=(before.st_atime_ns, before.st_mtime_ns))
        os.replace(tmp_path / "new", source)
    elif change == "journal":
        edit(journal, bytes=10**9)
    elif change == "cut":
        os.truncate(partial, 100)
    elif change == "no journal":
        journal.unlink()
    elif change in ("counts", "checksum"):
        edit(journal, **{"counts": {"t0": 3}} if change == "counts" else {"checksum": 3})
    elif change in ("header", "middle", "last byte"):
        damaged = bytearray(partial.read_bytes())
        damaged[{"header": 20, "middle": kept // 2, "last byte": kept - 1}[change]] ^= 4
        partial.write_bytes(damaged)
    out = run(*command, "--resume")
    assert "were there" not in out
    assert f"It was cast from the start: an interrupted cast had left something, but {REASONS[change]}.\n" in out
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
    partial.rmdir()
    partial.hardlink_to(other)
    assert "remove it" in fail(*words(source, target, "int4"))
    assert other.read_bytes() == b"precious"


@pytest.mark.parametrize("kind", ["link", "pipe"])
@pytest.mark.parametrize("suffix", [".json", ".json.new"])
def test_what_lies_in_the_way_of_the_journal_is_not_followed(
    kind: str, suffix: str, source: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.safetensors"
    partial = interrupted(source, target)
    other, journal = tmp_path / "other", partial.with_name(partial.name + suffix)
    other.write_bytes(journal_of(partial).read_bytes())
    before = other.read_bytes()
    journal.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(journal)
    else:
        journal.symlink_to(other)
    done = subprocess.run(  # not in-process: an open that waits would wait for ever
        [sys.executable, "-c", CHILD, "SIGKILL", "note", "999", *words(source, target, "int4"), "--resume"],
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    assert (b"were there" in done.stdout) == (suffix == ".json.new")
    assert other.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.safetensors", "other", "out.safetensors"]


def is_locked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_an_unfinished_file_is_locked_until_its_name_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, seen = tmp_path / "x", []
    path = tmp_path / ".x.partial"
    unlink, replace = Path.unlink, os.replace
    monkeypatch.setattr(Path, "unlink", lambda p, **_: (seen.append(is_locked(path)), unlink(p))[1])
    monkeypatch.setattr(os, "replace", lambda a, b: (seen.append(is_locked(path)), replace(a, b))[1])
    write_safetensors(target, [Outgoing("t", "U8", (3,), lambda: [np.zeros(3, np.uint8)])], {})
    with pytest.raises(ValueError, match="fault in the caller"):
        write_safetensors(target, [Outgoing("t", "U8", (3,), list)], {})
    assert len(seen) > 4
    assert all(seen)


@pytest.mark.parametrize("moment", ["lock", "finish", "error"])
def test_another_writer_s_file_is_left_alone(moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a writer that could not be locked out does: its file takes the place of ours."""
    path, target = tmp_path / ".x.partial", tmp_path / "x"

    def intrude(*_: object) -> list[np.ndarray]:
        path.unlink()
        path.write_bytes(b"theirs")
        return [np.zeros(2 if moment == "error" else 3, np.uint8)]

    chunks = intrude
    if moment == "lock":
        monkeypatch.setattr("halfulp.io.partial._lock", lambda _: bool(intrude()))
        chunks = list
    with pytest.raises(ValueError, match="fault in the" if moment == "error" else "another process is writing it"):
        write_safetensors(target, [Outgoing("t", "U8", (3,), chunks)], {})
    assert path.read_bytes() == b"theirs"
    assert not target.exists()


def test_overflows_before_the_interruption_are_reported_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    arrays = {f"t{i}": (1000 * rng.normal(size=4001 + i)).astype(np.float32) for i in range(30)}
    source, target = write(tmp_path / "in.safetensors", **arrays), tmp_path / "out.safetensors"
    command = ["cast", str(source), "--to", "float8_e4m3fn", "-o", str(target)]
    expected = next(line for line in run(*command).splitlines() if " weights lie beyond" in line)
    for at in (2, 3, 5, 7):
        target.unlink()
        assert killed("note", at, *command, "--resume")
        assert killed("note", 2, *command, "--resume")  # what was taken over is handed on
        out = run(*command, "--resume")
        assert "were there" in out
        assert expected in out.splitlines()


@pytest.mark.parametrize("letter", ["a", "\u00e9", "\u6f22", "\U0001f600"])
def test_names_as_long_as_they_can_be(letter: str, source: Path, tmp_path: Path) -> None:
    stem = letter * ((255 - len(".safetensors") - 1) // len(letter.encode()))
    left, right = (tmp_path / f"{stem}{end}.safetensors" for end in "01")
    for target in (left, right):
        assert killed("note", 4, *words(source, target, "int4"), "--resume")
    assert len(list(tmp_path.iterdir())) == 5  # the two do not meet
    for target in (left, right):
        assert "were there" in run(*words(source, target, "int4"), "--resume")
    assert left.read_bytes() == right.read_bytes()
    packed = tmp_path / f"{stem}.npz"
    hu.PackedArray(np.zeros(3, np.uint8), (6,), "int4", order="low_first").save(packed)
    assert sorted(tmp_path.iterdir()) == sorted([source, left, right, packed])


@pytest.mark.parametrize("resume", [False, True])
def test_sigterm_is_as_ctrl_c(resume: bool, source: Path, tmp_path: Path) -> None:
    whole, target = tmp_path / "whole.safetensors", tmp_path / "out.safetensors"
    command = words(source, target, "int4")
    assert ended("SIGTERM", "write", 5, *command, *["--resume"] * resume) == 143
    assert len(list(tmp_path.iterdir())) == (3 if resume else 1)
    run(*words(source, whole, "int4"))
    assert ("were there" in run(*command, "--resume")) == resume
    assert target.read_bytes() == whole.read_bytes()


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
    assert write_safetensors(target, tensors, {}, resume=True).kept > 400
    resumed = target.read_bytes()
    assert write_safetensors(target, tensors, {}) == (0, "")
    assert target.read_bytes() == resumed


def test_an_input_that_is_wrong_leaves_nothing_to_resume(tmp_path: Path) -> None:
    bad = Outgoing("t", "U8", (2,), lambda: [np.zeros(3, np.uint8)])
    with pytest.raises(ValueError, match="fault in the caller"):
        write_safetensors(tmp_path / "x.safetensors", [bad], {}, resume=True)
    assert list(tmp_path.iterdir()) == []
