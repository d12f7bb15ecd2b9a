"""An unfinished file beside the one it will become: kept track of, so that an interrupted writer can go on.

`.NAME.partial` holds what was written so far; `.NAME.partial.json` says how many bytes of it are safely on disk, of
which output of which input, and their checksum. Both are gone once the file is whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from halfulp._temporary import beside, check_target, sync_directory, take_place

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

CHECKPOINT = 1 << 24  # bytes between two entries in the journal, each of which waits for the disk
_LARGEST_JOURNAL = 1 << 26
# A link would lead to another's file, and opening a pipe would wait for its other end.
_OWN = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class Partial:
    """The unfinished file of `target`; use it in a ``with`` block, which keeps or removes it on errors.

    Parameters
    ----------
    target
        The file to be.
    identity
        Whatever determines every byte of it. What another identity left is never continued.
    resume
        Whether to go on where an earlier writer of the same identity was stopped, and to leave behind what a later one
        can go on with.
    counts
        What is counted while the bytes are computed; the journal keeps it for whoever goes on.

    Attributes
    ----------
    kept : int
        How many bytes were there already.
    kept_counts : dict
        The counts when they were written.
    refused : str
        Why what an earlier writer left could not be continued; empty if it was, or if there was nothing.
    """

    def __init__(self, target: Path, identity: bytes, resume: bool, counts: Mapping[str, int] | None = None) -> None:
        check_target(target)
        self.target = target
        self._path = beside(target, ".partial")
        self._journal = beside(target, ".partial.json")
        self._new_journal = beside(target, ".partial.json.new")
        self._identity = hashlib.sha256(identity).hexdigest()
        self._resume = resume
        self._counts: Mapping[str, int] = {} if counts is None else counts
        self.kept, self._checksum, self.refused = 0, 0, ""
        self.kept_counts: dict[str, int] = {}
        self._file = self._open()
        if resume and os.fstat(self._file.fileno()).st_size:
            self.refused = self._take_over()
        if not self.kept:
            _remove(self._journal)
        self._file.truncate(self.kept)
        self._file.seek(self.kept)
        self.position = 0
        self._noted = self.kept

    def _open(self) -> Any:
        if self._path.is_symlink():
            raise ValueError(f"{self._path}: is in the way; it is a symbolic link, remove it")
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | _OWN, 0o666)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise ValueError(f"{self._path}: is in the way; it is not a regular file, remove it")
            if found.st_nlink > 1:
                raise ValueError(f"{self._path}: is in the way; the same file has another name (hard link), remove it")
            # Between opening and locking, another writer may have finished this file and renamed it.
            if not _lock(descriptor) or not self._is_there(descriptor):
                raise ValueError(self._not_alone())
        except BaseException:
            os.close(descriptor)
            raise
        return os.fdopen(descriptor, "r+b")

    def _is_there(self, descriptor: int) -> bool:
        """Whether the file that is open, and locked, is still the one of this name."""
        if fcntl is None:  # there, an open file can neither be renamed nor removed
            return True
        try:
            return os.path.samestat(os.fstat(descriptor), os.lstat(self._path))
        except FileNotFoundError:
            return False

    def _not_alone(self) -> str:
        return f"{self.target}: another process is writing it; wait for that to end"

    def _take_over(self) -> str:
        """Keep what the journal says is safely written, if all of it is sound; else say what is not."""
        try:
            journal = json.loads(_read(self._journal))
            identity, written, checksum = journal["identity"], journal["bytes"], journal["checksum"]
            counts = {name: count for name, count in journal["counts"].items() if type(count) is int}
        except FileNotFoundError:
            return "none of it was safely on disk yet"
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return "its journal is damaged"
        if identity != self._identity:
            return "it is of another input or of other options"
        if type(written) is not int or not 0 < written <= os.fstat(self._file.fileno()).st_size:
            return "it is not as long as its journal says"
        computed, left = 0, written
        while left and (block := self._file.read(min(left, 1 << 20))):
            computed = zlib.crc32(block, computed)
            left -= len(block)
        if left or checksum != _with_counts(computed, counts):
            return "it is damaged"
        self.kept, self._checksum, self.kept_counts = written, computed, counts
        return ""

    def skip(self, count: int) -> bool:
        """Pass over bytes that are all there already; False, and nothing done, if they are not."""
        if self.position + count > self.kept:
            return False
        self.position += count
        return True

    def write(self, data: Any) -> int:
        """Append bytes, unless they are there already."""
        view = memoryview(data)
        there = min(max(self.kept - self.position, 0), len(view))
        self._file.write(view[there:])
        checksum, position = zlib.crc32(view[there:], self._checksum), self.position + len(view)
        self._checksum, self.position = checksum, position  # nothing in between that Ctrl-C could interrupt
        if self.position - self._noted >= CHECKPOINT:
            self._note()
        return len(view)

    def _note(self) -> None:
        """Put in the journal what is on disk by now."""
        self._file.flush()
        os.fsync(self._file.fileno())
        counts = dict(self._counts)
        entry = {
            "identity": self._identity,
            "bytes": self.position,
            "checksum": _with_counts(self._checksum, counts),
            "counts": counts,
        }
        _remove(self._new_journal)
        descriptor = os.open(self._new_journal, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OWN, 0o666)
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(entry).encode("ascii"))
        os.replace(self._new_journal, self._journal)
        self._noted = self.position

    def finish(self) -> None:
        """Make the file the target in one step, when everything is on disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        if not self._is_there(self._file.fileno()):
            raise ValueError(self._not_alone())
        # The lock lasts until the rename: whoever gets it next finds that the name is gone, and the journals theirs.
        _remove(self._journal, self._new_journal)
        self._noted = 0
        if fcntl is None:  # there, an open file cannot be renamed
            self._file.close()
        take_place(self._path, self.target)
        self._file.close()
        sync_directory(self.target.parent)

    def __enter__(self) -> Partial:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        interrupted = isinstance(error, OSError | MemoryError) or not isinstance(error, Exception)
        # Once closed, the file is no longer locked: what has its name then may be another writer's.
        mine = not self._file.closed and self._is_there(self._file.fileno())
        keep = self._resume and interrupted
        with contextlib.suppress(OSError):
            if mine and keep and self.position > self._noted:
                self._note()
        if mine and not keep:
            _remove(self._path, self._journal, self._new_journal)
        with contextlib.suppress(OSError):  # a full disk may refuse what is still in the buffer
            self._file.close()
        if mine and not keep and fcntl is None:  # there, an open file cannot be removed
            _remove(self._path)


def _lock(descriptor: int) -> bool:
    """Whether no other writer has the file; this one has it then, where there are locks."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # not every network file system has them
        return True
    return True


def _read(path: Path) -> bytes:
    """A journal, or as much of it as one can have."""
    with os.fdopen(os.open(path, os.O_RDONLY | _OWN), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError(f"{path}: is not a regular file")
        return file.read(_LARGEST_JOURNAL)


def _with_counts(checksum: int, counts: Mapping[str, int]) -> int:
    return zlib.crc32(json.dumps(counts, sort_keys=True).encode("ascii"), checksum)


def _remove(*paths: Path) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink()
