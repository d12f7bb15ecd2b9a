"""An unfinished file beside the one it will become: its name, and how it takes that one's place."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_LONGEST = 255  # bytes in a file's name, on nearly every file system
_ROOM = 24  # for the longest suffix


def path_of(path: object) -> str:
    """A path as Python's own functions take it, as text; not a descriptor of an open file."""
    if not isinstance(path, str | bytes | os.PathLike):
        raise TypeError(f"path must be a str, bytes or an os.PathLike, not {type(path).__name__}")
    return os.fsdecode(path)


def target_of(path: object) -> Path:
    """The file that a path names, to be written."""
    text = path_of(path)
    if not text:
        raise ValueError("the path is empty; name a file")
    if text.endswith((os.sep, os.altsep or os.sep)):
        raise ValueError(f"{text!r} names a folder; give the name of a file in it")
    return Path(text)


def beside(target: Path, suffix: str) -> Path:
    """`.NAME` and a suffix of at most 24 bytes, in the same folder: a rename is atomic only within one file system.

    A NAME too long for that is cut, and a digest of the whole put in place of the rest: two targets never meet.
    """
    name = target.name
    if len(os.fsencode(name)) > _LONGEST - 1 - _ROOM:
        digest = "~" + hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
        while len(os.fsencode(name + digest)) > _LONGEST - 1 - _ROOM:  # by whole characters, so that it stays text
            name = name[:-1]
        name += digest
    return target.with_name(f".{name}{suffix}")


def check_target(target: Path) -> None:
    """Refuse what no file may take the place of: a folder, a device, a pipe."""
    if not target.name:
        raise ValueError(f"{str(target)!r} names a folder; give the name of a file in it")
    try:
        mode = os.lstat(target).st_mode
    except FileNotFoundError:
        if not target.parent.is_dir():
            message = f"there is no folder {target.parent}; make it first"
            raise FileNotFoundError(errno.ENOENT, message, str(target)) from None
        return
    if stat.S_ISLNK(mode):  # replaced itself, unless it is how a device such as /dev/stdout is reached
        with contextlib.suppress(OSError):
            mode = os.stat(target).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        raise ValueError(f"{target}: is not a regular file; it is left as it is, give another name")


def take_place(partial: Path, target: Path) -> None:
    """Rename a finished file, which keeps the permissions of the one that it replaces. A link is replaced itself."""
    check_target(target)
    found = os.lstat(target) if os.path.lexists(target) else None
    if found is not None and stat.S_ISREG(found.st_mode):
        os.chmod(partial, stat.S_IMODE(found.st_mode))
    os.replace(partial, target)


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[BinaryIO]:
    """An unfinished file of one's own, which becomes `target` when all is on disk, or is removed after any error.

    Several writers of one target do not meet: the last one to finish wins.
    """
    check_target(target)
    partial = beside(target, f".{secrets.token_hex(4)}.partial")
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        take_place(partial, target)
        sync_directory(target.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        if isinstance(error, OSError) and error.filename is None and error.errno is not None:
            raise OSError(error.errno, error.strerror, str(target)) from error  # such as a full disk: which one?
        raise


def sync_directory(folder: Path) -> None:
    """Make a rename itself survive a power cut, where the system lets a directory be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
