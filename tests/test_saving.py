"""Saving arrays, in every kind of file: what is replaced and what is not, and which paths are taken."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import halfulp as hu
import numpy as np
import pytest

if os.name != "posix":
    pytest.skip("needs links, pipes and devices", allow_module_level=True)

E4M3 = hu.float8_e4m3fn
SAVERS = {
    "safetensors": (lambda p, x: hu.save_safetensors(p, {"x": x}), lambda p: hu.load_safetensors(p)["x"]),
    "save": (hu.save, hu.load),
    "packed": (
        lambda p, x: hu.PackedArray.encode(x.astype(np.float32), E4M3, order="bitstream").save(p),
        lambda p: hu.PackedArray.load(p).codes().view(E4M3.dtype),
    ),
}
each_saver = pytest.mark.parametrize(("save", "load"), SAVERS.values(), ids=SAVERS)


@each_saver
def test_the_last_of_several_writers_wins(
    save: Any, load: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that begins and ends while another is about to end."""
    path = tmp_path / "w"
    fsync, nested = os.fsync, []

    def late(descriptor: int) -> None:
        if not nested:
            nested.append(True)
            save(path, np.array([3], dtype=E4M3))
            assert load(path).astype(np.float32).tolist() == [3]
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", late)
    save(path, np.array([1, 2.5], dtype=E4M3))
    assert nested
    assert load(path).astype(np.float32).tolist() == [1, 2.5]
    assert list(tmp_path.iterdir()) == [path]


@each_saver
def test_paths_of_every_kind(save: Any, load: Any, tmp_path: Path) -> None:
    x = np.array([1, 2.5], dtype=E4M3)
    for path in str(tmp_path / "a"), os.fsencode(tmp_path / "b"), tmp_path / "c":
        save(path, x)
        assert load(path).astype(np.float32).tolist() == [1, 2.5]
    for empty in "", b"":
        with pytest.raises(ValueError, match="the path is empty; name a file"):
            save(empty, x)
    with pytest.raises(ValueError, match="names a folder"):
        save(str(tmp_path / "d") + os.sep, x)
    for wrong in None, 1:
        with pytest.raises(TypeError, match=r"path must be a str, bytes or an os\.PathLike, not"):
            save(wrong, x)
        with pytest.raises(TypeError, match=r"path must be a str, bytes or an os\.PathLike, not"):
            load(wrong)
    assert len(list(tmp_path.iterdir())) == 3


@each_saver
def test_a_link_is_replaced_unless_it_leads_to_a_device(save: Any, load: Any, tmp_path: Path) -> None:
    x = np.array([1, 2.5], dtype=E4M3)
    file, link, device = tmp_path / "file", tmp_path / "link", tmp_path / "device"
    file.write_bytes(b"precious")
    link.symlink_to(file)
    device.symlink_to(os.devnull)
    save(link, x)
    assert not link.is_symlink()
    assert file.read_bytes() == b"precious"
    assert load(link).astype(np.float32).tolist() == [1, 2.5]
    with pytest.raises(ValueError, match="is not a regular file; it is left as it is"):
        save(device, x)
    assert device.is_symlink()


@pytest.mark.parametrize("save", [saver for saver, _ in SAVERS.values()], ids=SAVERS)
def test_only_files_are_replaced_and_stay_as_private(tmp_path: Path, save: Any) -> None:
    x = np.array([1, 2.5], dtype=E4M3)
    private, pipe = tmp_path / "private", tmp_path / "pipe"
    private.touch()
    private.chmod(0o600)
    save(private, x)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert private.stat().st_size > 0
    os.mkfifo(pipe)
    for path in pipe, tmp_path:
        with pytest.raises(ValueError, match=r"not a regular file; it is left as it is, give another name"):
            save(path, x)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    with pytest.raises(ValueError, match="names a folder"):
        save(Path("/"), x)
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*missing; make it first"):
        save(tmp_path / "missing" / "x", x)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["pipe", "private"]
