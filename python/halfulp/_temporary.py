"""An unfinished file beside the one it will become: its name, and how it takes that one's place."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path

_LONGEST = 255  # bytes in a file's name, on nearly every file system
_ROOM = 24  # for the longest suffix


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
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        raise ValueError(f"{target}: is not a regular file; it is left as it is, give another name")


def take_place(partial: Path, target: Path) -> None:
    """Rename a finished file, which keeps the permissions of the one that it replaces."""
    check_target(target)
    found = os.lstat(target) if os.path.lexists(target) else None
    if found is not None and stat.S_ISREG(found.st_mode):
        os.chmod(partial, stat.S_IMODE(found.st_mode))
    os.replace(partial, target)
