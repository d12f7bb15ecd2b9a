"""Where dtypes are found by name: pickles of classes, structured files in a fresh process, text; subinterpreters."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import halfulp as hu
import numpy as np
import pytest

OWN = "e5m3:bias=17:ieee"


def in_fresh_process(code: str, *given: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, given)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["float8_e4m3fn", "int4", OWN])
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_classes_pickle(name: str, protocol: int) -> None:
    made = type(hu.Format(name).dtype)
    data = pickle.dumps(made, protocol)
    assert pickle.loads(data) is made
    assert in_fresh_process("import sys, pickle; print(pickle.loads(bytes.fromhex(sys.argv[1])))", data.hex()) == str(
        made
    )


def test_classes_that_are_none() -> None:
    for text in ("DType[nothing]", "DType[e5m3:bias=1:nothing]", "DType[]", "DType"):
        with pytest.raises(AttributeError):
            getattr(hu, text)


def test_every_named_format_is_found_by_text() -> None:
    found = in_fresh_process(
        "import numpy as np, halfulp as hu\nfor n in hu.formats: print(np.dtype('halfulp.' + n) is hu.formats[n].dtype)"
    )
    assert set(found.split()) == {"True"}


def test_structured_files_in_a_fresh_process(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    x = np.array([(1, 2.5), (3, 4)], dtype=[("i", "i4"), ("x", hu.Format(OWN).dtype), ("b", hu.bfloat16.dtype)][:2])
    np.save(path, x)
    code = "import sys, halfulp as hu; x = hu.load(sys.argv[1]); print(x['x'].dtype, x['x'].tolist(), x['i'].tolist())"
    assert in_fresh_process(code, path) == f"halfulp.{OWN} [2.5, 4.0] [1, 3]"
    assert np.array_equal(hu.load(path), x)


@pytest.mark.parametrize("path", [None, 3, bytearray(b"a"), sys.stdout])
def test_what_is_no_path(path: object) -> None:
    with pytest.raises(TypeError, match="path must be"):
        hu.save(path, np.ones(2, hu.bfloat16))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="path must be"):
        hu.load(path)  # type: ignore[arg-type]


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.zeros(2, dtype=[("x", hu.Format(OWN).dtype)]))
    data = path.read_bytes()
    for damaged in (data[:60], data[:-1], data.replace(b"ieee", b"none"), data.replace(b"(2,)", b"[2,]")):
        path.write_bytes(damaged)
        with pytest.raises(ValueError):  # noqa: PT011
            hu.load(path)
    np.save(path, np.array([{}], object))
    with pytest.raises(ValueError, match="pickle"):
        hu.load(path)


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="the module has another name there")
@pytest.mark.parametrize("first", ["", "import halfulp"])
def test_a_subinterpreter_gets_an_import_error(first: str) -> None:
    pytest.importorskip("_xxsubinterpreters")
    inner = "import sys; sys.path[:] = {!r}\\ntry:\\n    import halfulp\\nexcept ImportError as e:\\n    print(e)"
    code = f"import sys, _xxsubinterpreters as s\n{first}\ns.run_string(s.create(), '''{inner}'''.format(sys.path))"
    assert "subinterpreter" in in_fresh_process(code)


@pytest.mark.parametrize("name", ["float8_e4m3fn", "bfloat16", "float4_e2m1fn"])
def test_an_array_of_ml_dtypes_is_named(name: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    theirs = np.ones(2, getattr(ml_dtypes, name))
    for x in (np.ones(2, hu.formats[name]), np.ones(2, hu.float8_e5m2)):
        with pytest.raises(TypeError, match=rf"x\.view\(halfulp\.{name}\.dtype\)"):
            x + theirs
    assert (np.ones(2, hu.formats[name]) + theirs.view(hu.formats[name].dtype)).tolist() == [2, 2]
