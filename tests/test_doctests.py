"""Every public name is documented, and the examples in its documentation are true."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import halfulp as hu
import numpy as np
import pytest

MODULES = ["halfulp", *(m.name for m in pkgutil.walk_packages(hu.__path__, "halfulp.") if m.name != "halfulp.__main__")]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    module = importlib.import_module(name)
    for case in doctest.DocTestFinder(exclude_empty=True).find(module, name):
        report: list[str] = []
        with np.printoptions():
            failed = doctest.DocTestRunner(verbose=False).run(case, out=report.append).failed
        assert not failed, "".join(report)


PUBLIC = [getattr(hu, name) for name in hu.__all__]
CALLABLE = [thing for thing in PUBLIC if inspect.isclass(thing) or inspect.isfunction(thing)]
WITH_EXAMPLE = {"Format", "Format.codec", "Format.values", "Codec", "Preset", "decode", "encode", "round", "use_isa"}
WITH_EXAMPLE |= {"Codebook", "Codebook.codec", "Codebook.values", "CodebookCodec"}
WITH_EXAMPLE |= {"amd_random", "ptx_random", "random_bits", "get_num_threads", "set_num_threads", "get_cmake_dir"}
WITH_EXAMPLE |= {"sum", "dot", "matmul"}
WITH_EXAMPLE |= {"pack", "unpack", "PackedArray", "PackedArray.encode", "Format.dtype", "finfo", "save"}
WITH_EXAMPLE |= {f"{way}_{peer}" for way in ("from", "to") for peer in ("dlpack", "jax", "ml_dtypes", "onnx", "torch")}
WITH_EXAMPLE |= {"load_safetensors", "save_safetensors"}


@pytest.mark.parametrize("thing", CALLABLE, ids=lambda thing: thing.__name__)
def test_public_names_are_documented(thing: type) -> None:
    assert inspect.getdoc(thing)
    assert (">>>" in (thing.__doc__ or "")) == (thing.__name__ in WITH_EXAMPLE)
    for name, member in vars(thing).items():
        if not name.startswith("_") and (callable(member) or isinstance(member, property)):
            assert inspect.getdoc(member), f"{thing.__name__}.{name}"
            example = ">>>" in (inspect.getdoc(member) or "")
            assert example == (f"{thing.__name__}.{name}" in WITH_EXAMPLE)


SUMS = (hu.sum, hu.dot, hu.matmul)


def test_every_parameter_is_documented() -> None:
    for function in (hu.encode, hu.decode, hu.round, hu.Format.codec, hu.Format, hu.use_isa, hu.pack, hu.unpack, *SUMS):
        text = inspect.getdoc(function) or ""
        for name in inspect.signature(function).parameters:
            if name not in ("self", "cls"):
                assert name in text.partition("Returns")[0], (function, name)


def test_ufuncs_are_documented(fmt: hu.Format) -> None:
    codec = fmt.codec(rounding="to_odd")
    for ufunc in (fmt.encode, fmt.decode, fmt.round, codec.encode, codec.round):
        assert ufunc.__doc__ is not None
        assert fmt.name in ufunc.__doc__
        assert "Parameters\n----------" in ufunc.__doc__
        assert "Returns\n-------" in ufunc.__doc__


def test_a_wrong_example_is_seen() -> None:
    test = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, 0)
    assert doctest.DocTestRunner(verbose=False).run(test, out=lambda text: None).failed == 1
