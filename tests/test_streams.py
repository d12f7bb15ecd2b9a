"""What the command writes to and reads from: files whole or not at all, streams that are closed, full or cut off."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import attempt, check, fail, run
from halfulp.cli import vectors

# -- files


@pytest.mark.parametrize("shape", ["testfloat", "npz"])
@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt(), 130), (OSError(28, "disk full"), 2)], ids=repr)
def test_what_is_not_finished_replaces_nothing(
    shape: str, error: BaseException, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "old"
    target.write_bytes(b"precious")
    made = vectors.vectors

    def stopped(*words: Any) -> Iterator[list[Any]]:
        yield next(made(*words))
        assert target.read_bytes() == b"precious"
        raise error

    monkeypatch.setattr(vectors, "vectors", stopped)
    code, out, err = attempt("vectors", "add", "--format", "bfloat16", "-n", "600", "--as", shape, "-o", target)
    assert (code, out) == (status, "")
    assert err == ("" if status == 130 else f"halfulp: error: {target}: disk full\n")
    assert target.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
@pytest.mark.parametrize("shape", ["testfloat", "npz"])
def test_who_is_asked_to_end_leaves_nothing(shape: str, tmp_path: Path) -> None:
    words = ("vectors", "add", "--format", "bfloat16", "-n", "600", "--as", shape, "-o", str(tmp_path / "new"))
    code = f"""
import os, signal
from halfulp.cli import main, vectors
made = vectors.vectors
def stopped(*words):
    yield next(made(*words))
    assert os.listdir({str(tmp_path)!r})
    os.kill(os.getpid(), signal.SIGTERM)
vectors.vectors = stopped
raise SystemExit(main({words!r}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (143, "", "")
    assert list(tmp_path.iterdir()) == []


def test_links_and_devices_are_written_not_replaced(tmp_path: Path) -> None:
    words = ["vectors", "add", "--format", "bfloat16", "-n", "9", "-o"]
    target, link = tmp_path / "target", tmp_path / "link"
    target.touch()
    link.symlink_to(target)
    assert run(*words, link) == ""
    assert link.is_symlink()
    assert target.read_text() == run(*words[:-1])
    assert run(*words, os.devnull) == ""
    link.unlink()
    link.symlink_to(os.devnull)
    assert run(*words, link) == ""
    assert link.is_symlink()
    assert not Path(os.devnull).is_file()
    assert "Is a directory" in fail(*words, tmp_path)


# -- streams of vectors


def test_a_stream_that_is_cut_is_no_agreement(monkeypatch: pytest.MonkeyPatch) -> None:
    text = run("vectors", "add", "--format", "bfloat16", "-n", "4")
    for end in range(len(text.splitlines()[0]) + 1, len(text)):
        code, out, _ = check("add --format bfloat16", text[:end], monkeypatch)
        last = text[:end].splitlines()[-1].split()
        assert code in (0, 1) if len(last) == 4 else (code, out) == (2, ""), text[:end]
        code, _, err = check("add --format bfloat16 --count 4", text[:end], monkeypatch)
        assert code in (0, 1) if end >= len(text) - 2 else code == 2, err


@pytest.mark.parametrize(
    ("words", "text", "complaint"),
    [
        ("add --format float8_e4m3fn", "38 38 40 00\n38 38 40\n", "end in the middle of line 2"),
        ("add --format float8_e4m3fn", "38 38 40 00\n38 38 40\n\n \n", "end in the middle of line 2"),
        ("add --format float8_e4m3fn", "38 38 40\n38 38", "end in the middle of line 2"),
        ("add --format float8_e4m3fn", "38 38 40\n" * 9000 + "38 38 40 00\n38 38 40", "end in the middle of line 9002"),
        ("add --format float8_e4m3fn --count 3", "38 38 40\n" * 2, "2 vectors on standard input, not the 3 of --count"),
        ("add --format float8_e4m3fn --count 3", "38 38 40\n" * 4, "4 vectors on standard input, not the 3 of --count"),
        ("add --format float8_e4m3fn --count 0", "38 38 40\n", "--count must be positive, not 0"),
    ],
)
def test_vectors_that_are_missing(words: str, text: str, complaint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = check(words, text, monkeypatch)
    assert (code, out) == (2, "")
    assert complaint in err


# -- streams that are closed or full


def closed(stream: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A command with a standard stream that is closed."""
    command = ["sh", "-c", f'exec "$@" {stream}', "sh", sys.executable, "-m", "halfulp", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
@pytest.mark.parametrize(
    "words",
    [
        "vectors add --format int8 -n 5",
        "survey --json",
        "show int8 1",
        "formats",
        "formats --json",
        "--help",
        "--version",
    ],
)
def test_output_that_goes_nowhere_is_an_error(words: str, tmp_path: Path) -> None:
    done = closed(">&-", *words.split())
    assert done.returncode == 2
    assert done.stderr == "halfulp: error: standard output is closed, and there was something to write to it\n"
    if Path("/dev/full").exists():
        done = closed(">/dev/full", *words.split())
        assert (done.returncode, "No space left" in done.stderr, done.stderr.count("\n")) == (2, True, 1)
    if words.startswith("vectors"):
        done = closed(">&-", *words.split(), "-o", str(tmp_path / "file"))
        assert (done.returncode, done.stderr) == (0, "")
        assert (tmp_path / "file").stat().st_size


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
def test_input_that_is_closed_is_an_error() -> None:
    done = closed("<&-", "check", "add", "--format", "int8")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "halfulp: error: standard input is closed; the vectors are read from there\n"
