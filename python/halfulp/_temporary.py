"""The name of an unfinished file beside the one it will become."""

from __future__ import annotations

import hashlib
import os
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
