"""The stub of the extension states what the extension exports: names, arguments, and the types of results."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import halfulp as hu
import numpy as np
import pytest
from halfulp import _core

STUB = ast.parse((Path(hu.__file__).parent / "_core.pyi").read_text())
CLASSES = {node.name: node for node in STUB.body if isinstance(node, ast.ClassDef)}
FUNCTIONS = {node.name: node for node in STUB.body if isinstance(node, ast.FunctionDef)}

# How pybind11's docstrings spell the types of the stub; the spelling of int depends on pybind11's version.
SPELLED = {
    "int": r"int|typing\.SupportsInt( \| typing\.SupportsIndex)?",
    "str": "str",
    "bool": "bool",
    "Layout": r"halfulp\._core\.Layout",
    "Decoder": r"halfulp\._core\.Decoder",
    "Encoder": r"halfulp\._core\.Encoder",
    "OperationParameters": r"halfulp\._core\.OperationParameters",
    "list[Layout]": r"(collections\.abc\.)?Sequence\[halfulp\._core\.Layout\]|list\[halfulp\._core\.Layout\]",
    "np.ndarray[Any, Any]": r"(typing_extensions|collections\.abc)\.Buffer|buffer",
    "np.ufunc": "object",
    "np.dtype[Any]": "object",
    "object": "object",
}


def public(names: list[str]) -> set[str]:
    return {name for name in names if not name.startswith("_")}


def stub_arguments(node: ast.FunctionDef) -> list[str]:
    given = node.args
    assert not given.args or [a.arg for a in given.args] == ["self"], "pybind11 names no arguments: positional only"
    assert not given.kwonlyargs
    assert given.vararg is None
    assert given.kwarg is None
    return [ast.unparse(a.annotation) for a in given.posonlyargs if a.annotation is not None]


def real_signature(function: Any) -> tuple[list[str], str]:
    """The types of arguments and result, from the first line of a pybind11 docstring."""
    line = function.__doc__.strip().splitlines()[0]
    match = re.fullmatch(r"\w+\((.*)\) -> (.+)", line)
    assert match is not None, f"one signature, no overloads: {line}"
    arguments = [part.partition(": ")[2] for part in match[1].split(", ") if part]
    return [a for a in arguments if a], match[2]


def test_the_same_names() -> None:
    assert set(CLASSES) | set(FUNCTIONS) == public(dir(_core))
    for name in CLASSES:
        assert inspect.isclass(getattr(_core, name))
    for name in FUNCTIONS:
        assert inspect.isbuiltin(getattr(_core, name))


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_functions(name: str) -> None:
    arguments, result = real_signature(getattr(_core, name))
    stated = stub_arguments(FUNCTIONS[name])
    assert len(arguments) == len(stated)
    for real, spelled in zip(arguments, stated, strict=True):
        assert re.fullmatch(SPELLED[spelled], real), (spelled, real)
    if stated:
        returns = ast.unparse(FUNCTIONS[name].returns or ast.Constant(None))
        assert re.fullmatch(SPELLED.get(returns, re.escape(returns)), result), (returns, result)
    else:
        check(getattr(_core, name)(), FUNCTIONS[name].returns)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_classes(name: str) -> None:
    real = getattr(_core, name)
    members = [node for node in CLASSES[name].body if isinstance(node, ast.FunctionDef)]
    properties = {node.name for node in members if "property" in map(ast.unparse, node.decorator_list)}
    assert properties == {key for key, value in vars(real).items() if isinstance(value, property)}
    methods = {node.name for node in members} - properties
    assert methods - {"__init__"} == public([key for key, value in vars(real).items() if callable(value)])
    (constructor,) = (node for node in members if node.name == "__init__")
    arguments, _ = real_signature(real.__init__)
    stated = stub_arguments(constructor)
    assert len(arguments) == len(stated) + 1
    for given, spelled in zip(arguments[1:], stated, strict=True):
        assert re.fullmatch(SPELLED[spelled], given), (spelled, given)


def test_properties_have_the_stated_types(fmt: hu.Format) -> None:
    layout = _core.Layout(fmt.exponent_bits, fmt.mantissa_bits, fmt.bias, fmt.specials, fmt.signed, fmt.has_zero)
    for node in CLASSES["Layout"].body:
        if isinstance(node, ast.FunctionDef) and node.name != "__init__":
            check(getattr(layout, node.name), node.returns)


def test_a_ufunc_is_what_is_stated() -> None:
    assert type(hu.bfloat16.encode) is np.ufunc


def check(value: object, annotation: ast.expr | None) -> None:
    """A value against an annotation built of int, str, bool, None, tuple and list."""
    if isinstance(annotation, ast.Subscript):
        outer = ast.unparse(annotation.value)
        assert type(value).__name__ == outer
        assert isinstance(value, tuple | list)
        inner = annotation.slice
        elements = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        if outer == "list" or (len(elements) == 2 and ast.unparse(elements[1]) == "..."):
            elements = elements[:1] * len(value)
        for item, stated in zip(value, elements, strict=True):
            check(item, stated)
    else:
        assert annotation is not None
        assert type(value).__name__ == ast.unparse(annotation)


def test_a_wrong_type_is_seen() -> None:
    with pytest.raises(AssertionError):
        check(True, ast.parse("int", mode="eval").body)
    with pytest.raises(AssertionError):
        check(("a", 1), ast.parse("tuple[str, ...]", mode="eval").body)
    with pytest.raises(ValueError, match=r"shorter|longer"):
        check([("a",)], ast.parse("list[tuple[str, int]]", mode="eval").body)
