"""`halfulp cast`: the codes it writes, what it notes beside them, and what it refuses."""

from __future__ import annotations

import json
import os
from fractions import Fraction
from pathlib import Path

import halfulp as hu
import numpy as np
import pytest
from commands import absmax, fail, run, write
from halfulp.io import Outgoing, load, open_tensors, write_safetensors

STANDARD = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2", "float8_e4m3fnuz": "F8_E4M3FNUZ", "float8_e5m2fnuz": "F8_E5M2FNUZ",
    "float8_e8m0fnu": "F8_E8M0", "int8": "I8", "uint8": "U8",
}  # fmt: skip
EIGHTH = {"float4_e2m1fn": "F4"}  # what fills whole bytes with six weights
WEIGHTS = np.array([[0.1, -2.5, 3e-5], [0.0, -0.0, 7.75]], np.float32)


def test_cast_writes_the_codes_of_every_format(fmt: hu.Format, tmp_path: Path) -> None:
    source, target = write(tmp_path / "a.safetensors", w=WEIGHTS, n=np.array([7, -1])), tmp_path / "b.safetensors"
    out = run("cast", source, "--to", fmt.name, "-o", target)
    assert out.startswith(f"{target}: 1 of 2 tensors cast to {fmt.name}, ")
    want = fmt.encode(WEIGHTS)
    with open_tensors(target) as file:
        assert list(file) == ["w", "n"]
        assert file["w"].tag == (STANDARD | EIGHTH).get(fmt.name, f"U{8 * fmt.code_dtype.itemsize}")
        assert file["w"].shape == WEIGHTS.shape
        if fmt.name in ("float64", "float32", "float16"):  # NumPy's own, so not codes but values
            assert file["w"].format is None
            assert np.array_equal(file["w"].codes().view(fmt.code_dtype), want)
        else:
            assert file["w"].format is fmt
            assert np.array_equal(file["w"].codes(), want)
        assert np.array_equal(file["w"].read(), fmt.decode(want), equal_nan=True)
        assert file["n"].read().tolist() == [7, -1]
        assert file.metadata["format"] == "pt"
        assert "halfulp.old" not in file.metadata
        assert file.metadata["halfulp.format"] == fmt.text
        assert file.metadata["halfulp.version"] == hu.__version__
        note = json.loads(file.metadata["halfulp.tensors"])["w"]
        packed = {"order": "low_first" if fmt.bits in (2, 4) else "bitstream"} if fmt.bits < 8 else {}
        packed |= {"shape": [2, 3]} if fmt.bits < 8 and fmt.name not in EIGHTH else {}
        assert note == {"format": fmt.name, "dtype": "F32", "scale": "0x1.0000000000000p+0"} | packed
    if fmt.bits < 8:
        size = {2: 2, 4: 3, 6: 5, 7: 6}[fmt.bits]
        assert data_of(target)["w"] == sum(int(c) << fmt.bits * i for i, c in enumerate(want.flat)).to_bytes(
            size, "little"
        )


def data_of(path: Path) -> dict[str, bytes]:
    """The bytes of each tensor, by a reader of five lines."""
    raw = path.read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:start])
    offsets = {name: fields["data_offsets"] for name, fields in header.items() if name != "__metadata__"}
    return {name: raw[start + begin : start + end] for name, (begin, end) in offsets.items()}


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 8, 65535, 65536, 200001])
@pytest.mark.parametrize(
    ("text", "tag", "multiple"),
    [("float4_e2m1fn", "F4", 2), ("float6_e2m3fn", "F6_E2M3", 4), ("float6_e3m2fn", "F6_E3M2", 4),
     ("int4", "U8", 1), ("int2", "U8", 1), ("e2m2", "U8", 1), ("float8_ue4m3", "U8", 1), ("e1m1:finite", "U8", 1)],
)  # fmt: skip
def test_codes_below_a_byte_are_packed(text: str, tag: str, multiple: int, n: int, tmp_path: Path) -> None:
    fmt = hu.Format(text)
    weights = np.random.default_rng(n).normal(size=n).astype(np.float32)
    source, target = write(tmp_path / "a.safetensors", w=weights, z=np.ones(3, np.float32)), tmp_path / "b.safetensors"
    run("cast", source, "--to", text, "--tensors", "w", "-o", target)
    want = fmt.encode(weights)
    order = "low_first" if fmt.bits in (1, 2, 4) else "bitstream"
    assert data_of(target)["w"] == hu.pack(want, fmt.bits, order=order).tobytes()
    with open_tensors(target) as file:
        assert file["w"].tag == (tag if n % multiple == 0 else "U8")
        assert np.array_equal(file["w"].codes(), want)
        assert file["w"].stored_bytes == len(data_of(target)["w"])
        assert all(c.size <= 100 for c in file["w"].chunks(100))
        assert sum(c.size for c in file["w"].chunks(1000)) == n
    assert np.array_equal(load(target)["w"], fmt.decode(want), equal_nan=True)
    again = tmp_path / "c.safetensors"  # a copy keeps the bytes and the key to them
    run("cast", target, "--to", "bfloat16", "--tensors", "z", "-o", again)
    assert data_of(again)["w"] == data_of(target)["w"]
    assert np.array_equal(load(again)["w"], load(target)["w"], equal_nan=True)


def test_packed_tensors_of_other_programs_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    tensors = [
        Outgoing("q", "F4", (2, 2), lambda: [np.array([0x21, 0xF3], np.uint8)]),
        Outgoing("s", "F6_E3M2", (4,), lambda: [np.array([0x41, 0x30, 0x10], np.uint8)]),
    ]
    write_safetensors(path, tensors, {})
    got = load(path)
    assert got["q"].tolist() == [[0.5, 1], [1.5, -6]]
    assert got["s"].tolist() == hu.float6_e3m2fn.decode([1, 1, 3, 4]).tolist()
    assert "2 tensors, 8 weights" in run("survey", path)


NOTE = {"format": "int4", "order": "low_first", "shape": [3]}


@pytest.mark.parametrize(
    ("note", "words"),
    [
        ({"order": "high_first"}, "not packed in order"), ({"order": 3}, "not packed in order"),
        ({"format": "float8_e4m3fn"}, "not packed in order"), ({"format": "int8", "order": "bitstream"}, "cannot be"),
        ({"shape": [5]}, "cannot be stored"), ({"shape": [2]}, "cannot be stored"), ({"shape": "3"}, "list of sizes"),
        ({"shape": [-3]}, "list of sizes"), ({"shape": [3.0]}, "list of sizes"), ({"shape": [2**63]}, "list of sizes"),
        ({"shape": [1] * 70 + [3]}, "dimensions"), ({"format": "bfloat16", "order": "bitstream"}, "not packed"),
        ({"shape": [2**62] * 60}, "cannot be stored"),
    ],
)  # fmt: skip
def test_notes_of_packing_that_lie(note: dict[str, object], words: str, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    for fields, valid in ((NOTE, True), (NOTE | note, False)):
        codes = Outgoing("a", "U8", (2,), lambda: [np.array([0x21, 0x03], np.uint8)])
        write_safetensors(path, [codes], {"halfulp.tensors": json.dumps({"a": fields})})
        if valid:
            assert load(path)["a"].tolist() == [1, 2, 3]
        else:
            with pytest.raises(ValueError, match=words):
                load(path)


def test_stray_bits_behind_packed_codes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    codes = Outgoing("a", "U8", (2,), lambda: [np.array([0x21, 0x43], np.uint8)])
    write_safetensors(path, [codes], {"halfulp.tensors": json.dumps({"a": NOTE})})
    with pytest.raises(ValueError, match=r"tensor 'a' is not packed int4 .*bit 6 of byte 1"):
        load(path)


@pytest.mark.parametrize("text", ["e5m3:bias=15:ieee", "e2m9:bias=3:finite:name=mine", "e8m20"])
def test_cast_to_a_format_of_ones_own(text: str, tmp_path: Path) -> None:
    source, target = write(tmp_path / "a.safetensors", w=WEIGHTS), tmp_path / "b.safetensors"
    run("cast", source, "--to", text, "-o", target)
    assert np.array_equal(load(target)["w"], hu.Format(text).round(WEIGHTS).astype(np.float32))


def test_cast_honours_the_policy(tmp_path: Path) -> None:
    weights = np.array([1e9, -1e-3, 0.3, np.nan, -np.nan, np.inf], np.float32)
    source, target = write(tmp_path / "a.safetensors", w=weights), tmp_path / "b.safetensors"
    words = {"rounding": "toward_zero", "overflow": "saturate_keep_inf", "nan": "0x7d", "subnormals": "flush_output"}
    options = [f"--{name}={word}" for name, word in words.items()]
    run("cast", source, "--to", "float8_e5m2", "-o", target, *options)
    codec = hu.float8_e5m2.codec(**(words | {"nan": 0x7D}))
    with open_tensors(target) as file:
        assert np.array_equal(file["w"].codes(), codec.encode(weights))
        assert json.loads(file.metadata["halfulp.policy"]) == words


def test_absmax_scale_is_stored_and_divided_out(tmp_path: Path) -> None:
    weights = np.array([0.3, -0.7, 0.01, 0.0], np.float32)
    source, target = write(tmp_path / "a.safetensors", w=weights, z=np.zeros(3, np.float32)), tmp_path / "b.safetensors"
    run("cast", source, "--to", "int8", "--scale", "absmax", "-o", target)
    scale = absmax(127, float(np.float32(0.7)))
    want = [hu.encode(Fraction(float(w)) * Fraction(scale), hu.int8) for w in weights]
    with open_tensors(target) as file:
        assert (file["w"].scale, file["z"].scale) == (scale, 1.0)
        assert file["w"].codes().tolist() == want
        codes = hu.int8.decode(file["w"].codes()).astype(np.float64)
        assert np.array_equal(file["w"].read(), (codes / scale).astype(np.float32))
    assert np.abs(load(target)["w"] - weights).max() <= 0.5 / scale * 1.0001


def test_a_cast_file_can_be_cast_again_and_keeps_what_is_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    weights = {name: rng.normal(size=(4, 5)).astype(np.float32) for name in ("a.weight", "b.weight")}
    source = write(tmp_path / "0.safetensors", **weights)
    run("cast", source, "--to", "float6_e3m2fn", "--scale", "absmax", "-o", tmp_path / "1.safetensors")
    once = load(tmp_path / "1.safetensors")
    run("cast", tmp_path / "1.safetensors", "--to", "bfloat16", "--tensors", "b.*", "-o", tmp_path / "2.safetensors")
    twice = load(tmp_path / "2.safetensors")
    assert np.array_equal(twice["a.weight"], once["a.weight"])
    assert np.array_equal(twice["b.weight"], hu.bfloat16.round(once["b.weight"]))
    assert "2 tensors" in run("survey", tmp_path / "2.safetensors")


def test_cast_all_takes_integers_and_booleans(tmp_path: Path) -> None:
    source, target = write(tmp_path / "a.safetensors", i=[2**40 + 1, -3], b=[True, False]), tmp_path / "b.safetensors"
    run("cast", source, "--to", "float16", "--overflow", "saturate", "--all", "-o", target)
    assert {n: a.tolist() for n, a in load(target).items()} == {"i": [65504, -3], "b": [1, 0]}


@pytest.mark.parametrize("name", ["w.npy", "w.npz"])
def test_cast_reads_numpy_files(name: str, tmp_path: Path) -> None:
    weights = np.asfortranarray(WEIGHTS.astype(">f8"))
    source, target = tmp_path / name, tmp_path / "b.safetensors"
    if name == "w.npy":
        np.save(source, weights)
    else:
        np.savez(source, w=weights, n=np.arange(3, dtype=">i2"))
    run("cast", source, "--to", "float16", "-o", target)
    got = load(target)
    assert np.array_equal(got["w"], hu.float16.round(weights))
    assert name == "w.npy" or got["n"].tolist() == [0, 1, 2]


def test_cast_says_what_was_lost(tmp_path: Path) -> None:
    source, target = (
        write(tmp_path / "a.safetensors", w=np.array([500.0, -464.0, 465.0, 1.0])),
        tmp_path / "b.safetensors",
    )
    out = run("cast", source, "--to", "float8_e4m3fn", "-o", target)
    assert "2 weights lie beyond the format's largest value, 448" in out
    assert "casting gives nan (see --overflow saturate)." in out
    out = run("cast", source, "--to", "float8_e4m3fn", "--overflow", "saturate", "-o", target)
    assert "2 weights lie beyond the format's largest value, 448" in out
    assert "casting gives 448 or -448." in out
    assert load(target)["w"].tolist() == [448, -448, 448, 1]


def test_cast_onto_its_input_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path / "a.safetensors", w=WEIGHTS)
    before = source.read_bytes()
    link, hard = tmp_path / "link.safetensors", tmp_path / "hard.safetensors"
    link.symlink_to(source)
    os.link(source, hard)
    for target in (source, link, hard, tmp_path / "." / "a.safetensors"):
        assert "is the input itself" in fail("cast", source, "--to", "int8", "-o", target)
    assert source.read_bytes() == before


def test_a_cast_that_fails_leaves_nothing(tmp_path: Path) -> None:
    notes = {"halfulp.tensors": '{"a": {"format": "int4"}}'}
    code = Outgoing("a", "U8", (1,), lambda: [np.array([0x77], np.uint8)])
    source = tmp_path / "a.safetensors"
    write_safetensors(source, [code], notes)
    assert "0x77" in fail("cast", source, "--to", "bfloat16", "-o", tmp_path / "b.safetensors")
    assert list(tmp_path.iterdir()) == [source]


def test_the_largest_weight_survives_its_own_scale(tmp_path: Path) -> None:
    """It would overflow in a quarter of all tensors if the scale were rounded up."""
    rng = np.random.default_rng(5)
    source = write(tmp_path / "a.safetensors", **{f"w{i}": rng.normal(size=20).astype(np.float32) for i in range(60)})
    for rounding in ("toward_positive", "toward_negative", "to_odd"):
        target = tmp_path / f"{rounding}.safetensors"
        run("cast", source, "--to", "float8_e4m3fn", "--scale", "absmax", "--rounding", rounding, "-o", target)
        with open_tensors(target) as file:
            assert all(np.isfinite(tensor.read()).all() for tensor in file.values())


def test_flush_input_sees_the_subnormals_of_the_file_under_a_scale(tmp_path: Path) -> None:
    weights = np.array([5 * 2.0**-24, -(2.0**-15), 1], np.float16)
    for scale in ("none", "absmax"):
        source, target = tmp_path / "fi.npy", tmp_path / f"{scale}.safetensors"
        np.save(source, weights)
        run("cast", source, "--to", "bfloat16", "--subnormals", "flush_input", "--scale", scale, "-o", target)
        with open_tensors(target) as file:
            assert file["fi"].read()[:2].tolist() == [0, 0]


def test_a_cast_that_would_cast_nothing_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path / "a.safetensors", w=np.ones(3, np.float32))
    words = ("cast", source, "--to", "int8", "-o", tmp_path / "b.safetensors")
    assert "no tensor is called 'typo'" in fail(*words, "--tensors", "typo")
