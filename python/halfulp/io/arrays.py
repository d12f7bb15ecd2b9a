"""Safetensors files as dictionaries of arrays whose dtypes are the formats', mapped rather than read."""

from __future__ import annotations

import json
import math
import os
import stat
import sys
from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

import halfulp as hu
from halfulp._bridges import clean_codes, described, format_of
from halfulp._temporary import path_of
from halfulp._usual import usual
from halfulp.io import packed
from halfulp.io.header import Entry, header_length, parse_header
from halfulp.io.safetensors import PLAIN, TAG_OF_DTYPE, TAG_OF_FORMAT, Note, coded_format, read_notes
from halfulp.io.tensor import Array, complaint, printable
from halfulp.io.writer import Outgoing, replace_safetensors

_OURS = "halfulp."  # metadata that this package writes
_NOTES = "halfulp.tensors"
_COMPLEX = {"C64": "<c8"}


class Tensors(dict[str, Any]):
    """Arrays by name, as `load_safetensors` gives them.

    Attributes
    ----------
    metadata : dict of str
        The file's.
    scales : dict of float
        By name, where ``halfulp cast --scale`` scaled a tensor: its numbers are those of the array divided by this.
    """

    def __init__(self, arrays: Mapping[str, Any], metadata: Mapping[str, str], scales: Mapping[str, float]) -> None:
        super().__init__(arrays)
        self.metadata, self.scales = dict(metadata), dict(scales)


def load_safetensors(path: str | bytes | os.PathLike[str], *, mmap: bool = True) -> Tensors:
    """The tensors of a safetensors file, each with the dtype of its format.

    Parameters
    ----------
    path : str, bytes or path-like
    mmap : bool
        Whether the arrays are views of the mapped file, which are read when they are used and are read-only. Such a
        file must not be cut short by another program while they live: that ends the process. False reads all of it.

    Returns
    -------
    dict
        Of arrays by name, in the order of the file, with the attributes ``metadata`` and ``scales``. BF16 and the F8
        tags have the dtype of their format, others NumPy's own; F4, F6_E2M3 and F6_E3M2 are a `PackedArray`. Files of
        `save_safetensors` and ``halfulp cast`` say of other codes what format they are.

    Raises
    ------
    ValueError
        If the file breaks a rule of safetensors. Everything is checked before a tensor is touched.
    OSError
        If it cannot be opened.

    See Also
    --------
    halfulp.io.load : the values, with scales divided out.

    Examples
    --------
    >>> import os, tempfile, numpy as np, halfulp as hu
    >>> path = os.path.join(tempfile.mkdtemp(), "w.safetensors")
    >>> w, p = np.array([[0.3, 448]], dtype=hu.float8_e4m3fn), np.array([0.5, 6], dtype=hu.float4_e2m1fn)
    >>> hu.save_safetensors(path, {"w": w, "p": p})
    >>> read = hu.load_safetensors(path)
    >>> read["w"].dtype, read["w"].astype(np.float32).tolist()
    (halfulp.float8_e4m3fn, [[0.3125, 448.0]])
    >>> read["p"]
    <PackedArray (2,) of float4_e2m1fn, low_first, 1 byte>
    """
    name = path_of(path)
    if not stat.S_ISREG(os.stat(name).st_mode):
        raise ValueError(f"{name}: is not a regular file; save what it gives to one first")
    with Path(name).open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        header = parse_header(name, file.read(header_length(name, file.read(8), size)), size)
        notes = read_notes(name, header)
        if mmap:
            data = np.memmap(file, np.uint8, "r", shape=(size,)).view(np.ndarray)[header.data_start :]
        else:
            data = np.fromfile(file, np.uint8)
            if data.size != size - header.data_start:
                raise complaint(name, "ended while it was read", "does another program write to it?")
    arrays = {e.name: _array(name, data[e.begin : e.end], e, notes.get(e.name)) for e in header.entries}
    scales = {key: note.scale for key, note in notes.items() if note.scale != 1}
    return Tensors(arrays, header.metadata, scales)


def _array(path: str, data: Array, entry: Entry, note: Note | None) -> Any:
    try:
        if entry.tag in packed.TAGS or (note and note.order):
            return _packed(data, entry, note)
        format = coded_format(entry, note)
        if format is not None:
            codes = data.view(format.code_dtype.newbyteorder("<")).astype(format.code_dtype, copy=False)
            return codes.view(format.dtype).reshape(entry.shape)
        if entry.tag == "BOOL":  # a byte of 2 is no NumPy bool
            return (data != 0).reshape(entry.shape)
        stored = np.dtype((PLAIN | _COMPLEX)[entry.tag])
        return data.view(stored).astype(stored.newbyteorder("="), copy=False).reshape(entry.shape)
    except ValueError as error:  # padding bits, or sizes around a 0 that NumPy cannot multiply
        raise complaint(path, f"tensor '{printable(entry.name)}': {error}", "was it damaged?") from error


def _packed(data: Array, entry: Entry, note: Note | None) -> hu.PackedArray:
    name, order = packed.TAGS.get(entry.tag, ("", ""))
    format = note.format if note else hu.formats[name]
    order = note.order if note and note.order else order
    shape = note.shape if note and note.shape is not None else entry.shape
    whole_rows = bool(shape) and shape[-1] * format.bits % 8 == 0
    return hu.PackedArray(data, shape, format, order=order, axis=-1 if whole_rows else None)


def save_safetensors(
    path: str | bytes | os.PathLike[str],
    tensors: Mapping[str, Any],
    metadata: Mapping[str, str] | None = None,
    *,
    scales: Mapping[str, float] | None = None,
) -> None:
    """Write arrays to a safetensors file, which replaces an older one when all of it is on disk.

    A symbolic link is replaced itself, not the file that it leads to. Of several writers of one file the last to finish
    wins.

    Parameters
    ----------
    path : str, bytes or path-like
    tensors : mapping from str to ndarray or PackedArray
        Of formats' dtypes or NumPy's own. bfloat16 and the float8 formats that safetensors knows get its tags;
        float4_e2m1fn, float6_e2m3fn and float6_e3m2fn are packed and get F4, F6_E2M3, F6_E3M2 where they fill whole
        bytes. Codes of other formats are written as unsigned integers, and what they are into the metadata.
    metadata : mapping from str to str, optional
        Names that begin with ``halfulp.`` are left out: they are written anew.
    scales : mapping from str to float, optional
        To note that a tensor's numbers are those of the array divided by this, as ``halfulp cast --scale`` does.

    Raises
    ------
    TypeError
        For arrays of dtypes that safetensors does not have.
    ValueError
        For names that are no Unicode, ``__metadata__``, scales that are not positive numbers, and paths that are empty
        or name a folder, a device or a pipe.

    Examples
    --------
    >>> import os, tempfile, numpy as np, halfulp as hu
    >>> path = os.path.join(tempfile.mkdtemp(), "w.safetensors")
    >>> w = np.array([1, 2.5], dtype=hu.Format("e5m3:bias=15:ieee"))
    >>> hu.save_safetensors(path, {"w": w}, {"step": "7"})
    >>> read = hu.load_safetensors(path)
    >>> read["w"].dtype, read["w"].astype(np.float32).tolist(), read.metadata["step"]
    (halfulp.Format('e5m3:bias=15:ieee'), [1.0, 2.5], '7')
    """
    scales = {} if scales is None else scales
    for what, given in ("tensors", tensors), ("metadata", {} if metadata is None else metadata), ("scales", scales):
        if not isinstance(given, Mapping):
            raise TypeError(f"{what} must be a mapping from names, such as a dict, not {described(given)}")
    for name in scales:
        if name not in tensors:
            raise ValueError(f"scales: there is no tensor {name!r}")
    written = {name: _written(name, scale) for name, scale in scales.items()}
    outgoing, notes = [], {}
    for name, array in tensors.items():
        _check_text(name, "tensors: a name")
        tensor, note = _outgoing(name, array)
        if name in scales:
            note = {"format": _format_name(name, array)} | note | {"scale": written[name]}
        outgoing.append(tensor)
        if note:
            notes[name] = {"scale": (1.0).hex()} | note
    kept = {} if metadata is None else {k: v for k, v in metadata.items() if not str(k).startswith(_OURS)}
    for key, text in kept.items():
        _check_text(key, "metadata: a key")
        _check_text(text, f"metadata: {key!r}")
    if notes:
        kept[_NOTES] = json.dumps(notes)
    replace_safetensors(path, outgoing, kept)


@usual
def _written(name: str, scale: object) -> str:
    """A scale as text, exactly."""
    if not (isinstance(scale, Real) and 0 < (number := _as_float(scale)) <= sys.float_info.max):
        raise ValueError(f"scales: {name!r} must have a positive, finite number, not {scale!r}")
    return number.hex()


def _as_float(number: Real) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _check_text(text: object, what: str) -> None:
    if not isinstance(text, str):
        raise TypeError(f"{what} must be a str, not {described(text)}")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"{what} is not Unicode: {text!r}") from error


def _format_name(name: str, array: Any) -> str:
    """The format whose codes a scaled tensor holds."""
    format = array.format if isinstance(array, hu.PackedArray) else format_of(np.asarray(array).dtype)
    text = np.asarray(array).dtype.name if format is None else format.text
    if text not in hu.formats and format is None:
        raise ValueError(f"scales: tensor {name!r} is of {text}, which is no format")
    return text


def _outgoing(name: str, array: Any) -> tuple[Outgoing, dict[str, object]]:
    """A tensor as it goes into the file, and what must be noted to read it back."""
    if isinstance(array, hu.PackedArray):
        if not isinstance(array.format, hu.Format):
            raise TypeError(f"tensors: {name!r} is of a codebook, {array.format.name}; save its .packed")
        return _dense(name, array.codes(), array.format)
    if not isinstance(array, np.ndarray | np.generic):
        raise TypeError(f"tensors: {name!r} must be an ndarray or a PackedArray, not {described(array)}")
    data = np.asarray(array)
    format = format_of(data.dtype)
    if format is None:
        little = data.dtype.newbyteorder("<")
        tag = TAG_OF_DTYPE.get(little) or next((t for t, text in _COMPLEX.items() if little == text), None)
        if tag is None:
            raise TypeError(f"tensors: {name!r} is of {data.dtype}, for which safetensors has no tag")
        return Outgoing(name, tag, data.shape, lambda: [data.reshape(-1)]), {}
    codes = clean_codes(data, format)
    if any(format is hu.formats[text] for text, _ in packed.TAGS.values()):
        return _dense(name, codes, format)
    tag = TAG_OF_FORMAT.get(format.text)
    note: dict[str, object] = {} if tag else {"format": format.text}
    tag = tag or f"U{8 * codes.itemsize}"
    return Outgoing(name, tag, data.shape, lambda: [codes.reshape(-1)]), note


def _dense(name: str, codes: Array, format: hu.Format) -> tuple[Outgoing, dict[str, object]]:
    how = packed.Packed.of(format, codes.shape)
    tensor = Outgoing(
        name, how.tag, how.stored_shape, lambda: packed.packed_chunks([codes.reshape(-1)], format.bits, how.order)
    )
    return tensor, {} if how.tag in packed.TAGS else {"format": format.text} | how.note(codes.shape)
