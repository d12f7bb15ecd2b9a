"""An unfinished file beside the one it will become: kept track of, so that an interrupted writer can go on.

`.NAME.partial` holds what was written so far; `.NAME.partial.json` says how many bytes of it are safely on disk, and
of which output of which input. Both are gone once the file is whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

CHECKPOINT = 1 << 24  # bytes between two entries in the journal, each of which waits for the disk


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
    """

    def __init__(self, target: Path, identity: bytes, resume: bool) -> None:
        self.target = target
        # In the same directory, since a rename is atomic only within one file system.
        self._path = target.with_name(f".{target.name[:200]}.partial")
        self._journal = target.with_name(f".{target.name[:200]}.partial.json")
        self._new_journal = target.with_name(f".{target.name[:200]}.partial.json.new")
        self._identity = hashlib.sha256(identity).hexdigest()
        self._resume = resume
        self._file = self._open()
        self.kept = self._safely_written() if resume else 0
        if not self.kept:
            _remove(self._journal)
        self._file.truncate(self.kept)
        self._file.seek(self.kept)
        self.position = 0
        self._noted = self.kept

    def _open(self) -> Any:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(self._path, flags, 0o666)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ValueError(f"{self._path}: is in the way; it is not a regular file")
            # Between opening and locking, another writer may have finished this file and renamed it.
            if _is_locked(descriptor) and os.stat(self._path).st_ino != os.fstat(descriptor).st_ino:
                raise BlockingIOError
        except (BlockingIOError, FileNotFoundError):
            os.close(descriptor)
            raise ValueError(f"{self.target}: another process is writing it; wait for that to end") from None
        except BaseException:
            os.close(descriptor)
            raise
        return os.fdopen(descriptor, "r+b")

    def _safely_written(self) -> int:
        """How many bytes are as they will be, by the journal; 0 for anything that is not quite right."""
        try:
            journal = json.loads(self._journal.read_text("utf-8"))
            written = journal["bytes"] if journal["identity"] == self._identity else 0
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return 0
        size = os.fstat(self._file.fileno()).st_size
        return written if type(written) is int and 0 < written <= size else 0

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
        self.position += len(view)
        if self.position - self._noted >= CHECKPOINT:
            self._note()
        return len(view)

    def _note(self) -> None:
        """Put in the journal what is on disk by now."""
        self._file.flush()
        os.fsync(self._file.fileno())
        text = json.dumps({"identity": self._identity, "bytes": self.position})
        self._new_journal.write_text(text, "utf-8")
        os.replace(self._new_journal, self._journal)
        self._noted = self.position

    def finish(self) -> None:
        """Make the file the target in one step, when everything is on disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        if fcntl is None:  # there, an open file cannot be renamed; elsewhere the lock must last until it is
            self._file.close()
        os.replace(self._path, self.target)
        self._file.close()
        _remove(self._journal, self._new_journal)
        _sync_directory(self.target.parent)

    def __enter__(self) -> Partial:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        interrupted = isinstance(error, OSError | MemoryError) or not isinstance(error, Exception)
        keep = self._resume and interrupted
        with contextlib.suppress(OSError):
            if keep and self.position > self._noted:
                self._note()
        with contextlib.suppress(OSError):  # a full disk may refuse what is still in the buffer
            self._file.close()
        if not keep:
            _remove(self._path, self._journal, self._new_journal)


def _is_locked(descriptor: int) -> bool:
    """Whether the file is ours alone now; BlockingIOError if it is another's, False where there are no locks."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # not every network file system has them
        return False
    return True


def _remove(*paths: Path) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink()


def _sync_directory(folder: Path) -> None:
    """Make the rename itself survive a power cut, where the system lets a directory be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
