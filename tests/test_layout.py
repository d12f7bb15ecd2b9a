"""The arrows between folders, the length of files and functions, and one definition of everything."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import halfulp as hu
import pytest
from halfulp import _core

ROOT = Path(__file__).resolve().parent.parent
CSRC = ROOT / "csrc"
PACKAGE = ROOT / "python" / "halfulp"
if not CSRC.is_dir():
    pytest.skip("needs the source tree", allow_module_level=True)

MAX_LINES = 400
MAX_FUNCTION = 60
# Files that have been looked at and are better whole. One that has become short enough must leave this list.
LONG_FILES: set[str] = set()
LONG_FUNCTIONS: set[str] = set()


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def sources(*patterns: str) -> list[Path]:
    found = [p for pattern in patterns for p in ROOT.glob(pattern) if "build" not in p.relative_to(ROOT).parts]
    assert found, f"nothing matches {patterns}"
    return sorted(found)


CPP = sources("csrc/**/*.hpp", "csrc/**/*.cc", "csrc/**/*.inl")
PYTHON = sources("python/**/*.py", "tests/*.py", "examples/**/*.py")
BENCHMARKS = sorted([*ROOT.glob("benchmarks/**/*.py"), *ROOT.glob("tests/cpp/**/*.cc")])


# -- arrows: C++

# Who may include what, first match first. `{isa}` is the same word on both sides.
ARROWS = (
    (r"halfulp/.*", (r"halfulp/.*",)),
    (r"simd/lanes/x86\.hpp", (r"halfulp/.*",)),
    (r"simd/lanes/(?P<isa>[a-z0-9]+)_\w+\.hpp", (r"simd/lanes/{isa}\.hpp", r"halfulp/.*")),
    (r"simd/lanes/.*", (r"simd/lanes/x86\.hpp", r"halfulp/.*")),
    (r"simd/kernels_(?P<isa>\w+)\.cc", (r"simd/lanes/{isa}(_\w+)?\.hpp", r"simd/kernels\.inl")),
    (
        r"simd/kernels\.inl",
        (
            r"simd/(wide|narrow|codebook|encode|decode|blocks|random|pack|nibbles|operate|operate_halves|operate_bytes)\.inl",
            r"simd/kernels\.hpp",
            r"halfulp/.*",
        ),
    ),
    (r"simd/(stream|random)\.cc", (r"simd/(blocks|kernels)\.hpp", r"halfulp/.*")),
    (r"simd/(fast|operate)\.cc", (r"simd/(blocks|kernels|operate|parallel)\.hpp", r"halfulp/.*")),
    (r"simd/(exact|panels)\.cc", (r"simd/panels\.hpp", r"halfulp/.*")),
    (r"simd/panels\.hpp", (r"simd/sums\.hpp", r"halfulp/.*")),
    (r"simd/(accumulate|steps)\.cc", (r"simd/(accumulate|parallel|sums)\.hpp", r"halfulp/.*")),
    (r"simd/sums\.hpp", (r"simd/(accumulate|kernels)\.hpp", r"halfulp/.*")),
    (r"simd/.*", (r"simd/(kernels|operate|parallel)\.hpp", r"halfulp/.*")),
    (r"numpy/.*", (r"numpy/.*", r"simd/(kernels|operate|parallel)\.hpp", r"halfulp/.*")),
    (r"bind/.*", (r"bind/.*", r"numpy/.*", r"simd/(accumulate|kernels|operate|parallel)\.hpp", r"halfulp/.*")),
    (r"c/.*", (r"c/halfulp\.h", r"halfulp/.*")),
    (r"cuda/.*", (r"cuda/.*", r"halfulp/.*")),
    (r"\.\./tests/cpp/.*", (r"\.\./tests/cpp/.*", r"simd/(kernels|operate|parallel)\.hpp", r"halfulp/.*")),
)
# Headers from elsewhere: in the files compiled for one instruction set only those without inline functions.
SYSTEM = (
    (r"halfulp/.*", r"(?!)"),
    (r"simd/lanes/.*", r"immintrin\.h|arm_neon\.h"),
    (r"simd/.*\.inl|simd/kernels.*", r"cstddef|cstring"),
    (r"simd/parallel\.cc", r"\w+|pthread\.h"),
    (r"simd/.*", r"\w+|immintrin\.h|intrin\.h"),
    (r"numpy/.*", r"\w+|immintrin\.h|Python\.h|numpy/.*"),
    (r"bind/.*", r"\w+|pybind11/.*"),
    (r"c/.*", r"\w+"),
    (r"cuda/.*", r".*"),
    (r"\.\./tests/cpp/.*", r"\w+|immintrin\.h|mpfr\.h"),
)


def includes(text: str) -> list[tuple[str, bool]]:
    """Each #include of a file: its path, and whether it is in quotes."""
    found = re.findall(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', text, re.MULTILINE)
    return [(quoted or angled, bool(quoted)) for quoted, angled in found]


def forbidden(path: str, text: str) -> list[str]:
    """The includes of one file (path relative to csrc) that no arrow allows."""
    arrow = next(((m, to) for m, to in ((re.fullmatch(p, path), to) for p, to in ARROWS) if m), None)
    assert arrow is not None, f"{path} is in no layer: draw its arrow"
    match, targets = arrow
    allowed = [to.replace("{isa}", match.groupdict().get("isa", "")) for to in targets]
    system = next(pattern for p, pattern in SYSTEM if re.fullmatch(p, path))
    bad = []
    for name, quoted in includes(text):
        if quoted:
            parts: list[str] = []
            for part in [*path.split("/")[:-1], *name.split("/")]:
                if part == ".." and parts and parts[-1] != "..":
                    parts.pop()
                else:
                    parts.append(part)
            target = "/".join(parts)
            if not any(re.fullmatch(pattern, target) for pattern in allowed):
                bad.append(f"{path} -> {target}")
        elif not re.fullmatch(system, name):
            bad.append(f"{path} -> <{name}>")
    return bad


@pytest.mark.parametrize("path", CPP, ids=relative)
def test_includes_follow_the_arrows(path: Path) -> None:
    assert forbidden(path.relative_to(CSRC).as_posix(), path.read_text()) == []


def test_includes_of_the_cpp_tests_follow_the_arrows() -> None:
    for path in [*ROOT.glob("tests/cpp/*.cc"), *ROOT.glob("tests/cpp/*.hpp")]:
        assert forbidden(f"../{relative(path)}", path.read_text()) == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("halfulp/encode.hpp", "#include <cstdint>"),
        ("halfulp/encode.hpp", '#include "../simd/kernels.hpp"'),
        ("simd/kernels_avx2.cc", '#include "lanes/portable.hpp"'),
        ("simd/lanes/avx2.hpp", "#include <algorithm>"),
        ("numpy/ufuncs.cc", '#include "../bind/bind.hpp"'),
        ("bind/module.cc", '#include "../simd/lanes/avx2.hpp"'),
    ],
)
def test_a_forbidden_include_is_seen(path: str, line: str) -> None:
    assert len(forbidden(path, line + "\n")) == 1


def test_the_kernels_live_in_the_namespace_of_their_target() -> None:
    """All that a file compiled for one instruction set instantiates; plain data structures aside."""
    for path in [*CSRC.glob("simd/lanes/*.hpp"), *CSRC.glob("simd/*.inl")]:
        assert "inline namespace HALFULP_TARGET" in path.read_text(), relative(path)
    for path in CSRC.glob("halfulp/*.hpp"):
        text = path.read_text()
        if "Lane<" in text or "class V" in text:
            assert "inline namespace HALFULP_TARGET" in text, relative(path)


def test_the_shared_headers_are_constexpr_and_callable_on_a_device() -> None:
    """Every function of csrc/halfulp: one without the marker is an error for NVRTC."""
    head = re.compile(r"^\s*(?:static |friend |inline )*[\w:<>*& ]+\b[\w]+\([^;{}]*\)(?: const)?\s*\{", re.MULTILINE)
    for path in CSRC.glob("halfulp/*.hpp"):
        code = re.sub(r"//[^\n]*", "", path.read_text())
        for found in head.findall(code):
            words = found.split()
            if words[0] in ("if", "for", "while", "switch", "return", "else"):
                continue
            assert "HALFULP_HD" in words, f"{relative(path)}: {' '.join(words)}"
            assert "constexpr" in words or "inline" in words, f"{relative(path)}: {' '.join(words)}"


# -- arrows: Python


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{relative(path)}: import by full name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", sources("python/**/*.py"), ids=relative)
def test_imports_of_the_package(path: Path) -> None:
    if PACKAGE not in path.parents:  # the pytest plugin
        assert {name.partition(".")[0] for name in imports(path)} - {"pytest", "numpy", "halfulp"} <= set(
            sys.stdlib_module_names
        )
        return
    inside = path.relative_to(PACKAGE).parts
    for name in imports(path):
        first, _, rest = name.partition(".")
        shown = (first == "rich" and inside[0] == "cli") or (first == "matplotlib" and inside == ("cli", "plot.py"))
        drawn = first == "hypothesis" and re.fullmatch(r"strategies\.py|_strategy_\w+\.py", inside[0])
        assert first in ("halfulp", "numpy") or shown or drawn or first in sys.stdlib_module_names, name
        if first == "halfulp" and inside[0] != "cli" and inside != ("__main__.py",):
            assert not rest.startswith("cli"), f"only the command line uses the command line: {name}"
            front = inside == ("__init__.py",) and rest.startswith("io.arrays.")  # what is imported only when asked for
            assert not rest.startswith("io") or inside[0] == "io" or front, f"the core knows no files: {name}"
        if rest.startswith("_core"):
            assert len(inside) == 1, f"only the core modules talk to the extension: {name}"


ORACLES = ("oracle", "codebook_oracle", "arithmetic_oracle", "comparison_oracle", "integer_oracle")


@pytest.mark.parametrize("oracle", ORACLES)
def test_an_oracle_imports_nothing_of_the_product(oracle: str) -> None:
    for name in imports(ROOT / "tests" / f"{oracle}.py"):
        first = name.partition(".")[0]
        assert first in sys.stdlib_module_names or first in ORACLES, name


def test_only_these_tests_look_inside() -> None:
    """All others use what a user may use."""
    inside = {"readme_table.py", "test_format.py", "test_layout.py", "test_readme.py", "test_stub.py"}
    for path in sources("tests/*.py", "examples/**/*.py"):
        if path.name not in inside:
            private = [n for n in imports(path) if re.match(r"halfulp\.(.*\.)?_(?!_)", n)]
            assert private == [], relative(path)


# -- length


@pytest.mark.parametrize("path", [*CPP, *PYTHON, *BENCHMARKS], ids=relative)
def test_files_and_functions_fit(path: Path) -> None:
    lines = path.read_text().splitlines()
    long = len(lines) > MAX_LINES
    assert long == (relative(path) in LONG_FILES), f"{relative(path)} has {len(lines)} lines"
    measure = python_functions if path.suffix == ".py" else cpp_functions
    for name, length in measure(lines):
        where = f"{relative(path)}:{name}"
        assert (length > MAX_FUNCTION) == (where in LONG_FUNCTIONS), f"{where} has {length} lines"


def python_functions(lines: list[str]) -> Iterator[tuple[str, int]]:
    """Names and lengths in lines, without signature and docstring."""
    for node in ast.walk(ast.parse("\n".join(lines))):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - body[0].lineno + 1 if body else 0


def cpp_functions(lines: list[str]) -> Iterator[tuple[str, int]]:
    """Names and lengths, by the indentation that clang-format gives them."""
    for start, line in enumerate(lines):
        head = re.match(r"( *)(?!\s|if|for|while|switch|else|do|namespace|inline namespace|struct|class|enum)", line)
        if head and line.endswith("{") and "(" in line:
            name = re.search(r"(\w+)\(", line)
            ends = (i for i in range(start, len(lines)) if re.match(head[1] + r"\}", lines[i]))
            yield name[1] if name else "?", next(ends, start) - start + 1


def test_every_source_file_opens_with_a_sentence() -> None:
    for path in CPP:
        assert re.match(r"// [A-Z].*[.:,\w]\n", path.read_text()), relative(path)
    for path in PYTHON:
        tree = ast.parse(path.read_text())
        if tree.body:
            doc = ast.get_docstring(tree)
            assert doc, relative(path)
            assert re.match(r"[A-Z`h].*[.:]$", doc.partition("\n")[0]), relative(path)


# -- one definition

WORDS = {
    "formats": tuple(hu.formats),
    "roundings": _core.roundings(),
    "overflows": _core.overflows(),
    "subnormals": _core.subnormals(),
    "specials": _core.specials(),
}


def second_lists(tree: ast.AST) -> Iterator[str]:
    """Literals of Python code that name most of the formats, modes or rules, which the table declares."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            items = node.elts
        elif isinstance(node, ast.Dict):
            items = [key for key in node.keys if key is not None]
        else:
            continue
        names = {item.value for item in items if isinstance(item, ast.Constant)}
        for what, words in WORDS.items():
            if len(names & set(words)) > len(words) / 2:
                yield f"line {node.lineno}: a second list of {what}"


def test_nothing_is_listed_twice() -> None:
    for path in sources("python/**/*.py", "benchmarks/*.py") if (ROOT / "benchmarks").exists() else []:
        assert list(second_lists(ast.parse(path.read_text()))) == [], relative(path)
    assert list(second_lists(ast.parse(f"modes = {WORDS['roundings']}")))
    assert list(second_lists(ast.parse(f"made = {dict.fromkeys(hu.formats)}")))


def test_no_kernel_knows_a_format_by_name() -> None:
    exact = {"float16", "float32", "float64"}  # what NumPy has arrays of
    for path in CPP:
        if relative(path) != "csrc/halfulp/formats.hpp":
            literals = set(re.findall(r'"(\w+)"', path.read_text()))
            assert literals & set(hu.formats) <= exact, relative(path)


def test_words_are_listed_where_python_meets_cpp() -> None:
    for path in CPP:
        literals = set(re.findall(r'"(\w+)"', path.read_text()))
        for what in ("roundings", "overflows", "subnormals", "specials"):
            home = "csrc/bind/formats.cc" if what == "specials" else "csrc/bind/codecs.cc"
            listed = len(literals & set(WORDS[what])) > len(WORDS[what]) / 2
            assert listed == (relative(path) == home), f"{relative(path)} lists {what}"


def test_the_version_is_stated_once() -> None:
    stated = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert stated is not None
    assert hu.__version__ == stated[1]
    for path in [*sources("python/**/*.py"), ROOT / "CMakeLists.txt"]:
        assert stated[1] not in path.read_text(), relative(path)


@pytest.mark.skipif(not (ROOT / ".ci").is_dir(), reason="a source distribution has no .ci")
def test_the_linters_are_pinned_alike() -> None:
    pins = re.findall(r"^[\w-]+==[\d.]+$", (ROOT / ".ci" / "lint.txt").read_text(), re.MULTILINE)
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    assert len(pins) == 3
    assert set(re.findall(r"[\w-]+==[\d.]+", hooks)) == set(pins)


def test_this_machine_is_named_nowhere() -> None:
    for path in [*CPP, *PYTHON, *BENCHMARKS, *sources("*.md", "*.toml", "CMakeLists.txt"), *ROOT.glob(".ci/*")]:
        assert not re.search(r"/(work|tmp/h|root)/", path.read_text()), relative(path)
