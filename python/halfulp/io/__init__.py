"""Tensors in and out of files: safetensors, .npy and .npz read as hostile, safetensors written whole."""

from __future__ import annotations

import stat
from pathlib import Path

from halfulp.io.npy import open_npy, open_npz
from halfulp.io.safetensors import open_safetensors
from halfulp.io.tensor import Array, Tensor, TensorFile
from halfulp.io.writer import Outgoing, Written, write_safetensors

__all__ = ["Array", "Outgoing", "Tensor", "TensorFile", "Written", "load", "open_tensors", "write_safetensors"]

READERS = {".safetensors": open_safetensors, ".npy": open_npy, ".npz": open_npz}


def open_tensors(path: str | Path) -> TensorFile:
    """Open a .safetensors, .npy or .npz file without reading its tensors.

    Parameters
    ----------
    path
        The file; its suffix says which reader.

    Returns
    -------
    TensorFile
        A mapping from name to `Tensor`, in file order. ``file[name].read()`` gives decoded values,
        ``.codes()`` the bits as stored, ``.chunks()`` values piece by piece. Close it, or use ``with``.

    Raises
    ------
    ValueError
        If the file breaks the rules of its kind; the message names the file, the fault and a cure.
    OSError
        If it cannot be opened.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in READERS:
        raise ValueError(f"{path}: cannot tell what it holds; its name should end in {', '.join(READERS)}")
    if not stat.S_ISREG(Path(path).stat().st_mode):
        raise ValueError(f"{path}: is not a regular file; save what it gives to one first")
    return READERS[suffix](path)


def load(path: str | Path) -> dict[str, Array]:
    """Read a whole file: each tensor's values by name, codes decoded and scales divided out.

    Parameters
    ----------
    path
        A .safetensors, .npy or .npz file, also one written by ``halfulp cast``.

    Returns
    -------
    dict
        Float tensors as float16/32/64 arrays (codes decode to float32, or float64 where the format needs it);
        integers and booleans as they are.

    Raises
    ------
    ValueError
        As `open_tensors`, and if a tensor cannot be read (complex, damaged packing).
    """
    with open_tensors(path) as file:
        return {name: tensor.read() for name, tensor in file.items()}
