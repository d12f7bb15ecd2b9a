"""README.md is true: its two commands, its examples, its table, its links, its outputs."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import halfulp as hu
import pytest
import readme_table
from halfulp.cli import main

README = readme_table.README
if not README.exists():
    pytest.skip("needs the source tree", allow_module_level=True)
TEXT = README.read_text()
DOCUMENTS = [README, *(README.parent / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "csrc/README.md"))]


def blocks(kind: str, text: str = TEXT) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_two_commands_come_first() -> None:
    title, *rest = [line for line in TEXT.splitlines() if line]
    assert title == "# halfulp"
    assert rest[0] == "```sh"
    run, test, end = rest[1:4]
    assert end == "```"
    assert run.endswith("halfulp survey")
    assert test.endswith("pytest")
    for command in (run, test):
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install ")


def test_the_examples() -> None:
    source = "\n".join(blocks("pycon"))
    test = doctest.DocTestParser().get_doctest(source, {}, "README.md", str(README), 0)
    assert len(test.examples) > 15
    report: list[str] = []
    failed = doctest.DocTestRunner(verbose=False).run(test, out=report.append).failed
    assert not failed, "".join(report)


def test_the_table_is_the_table() -> None:
    assert readme_table.replaced(TEXT) == TEXT, "run python tests/readme_table.py"
    assert readme_table.table().count("\n") == 2 + len(hu.formats)
    with pytest.raises(ValueError, match="markers"):
        readme_table.replaced("nothing here")


def test_the_outputs_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    shown = blocks("console")
    assert shown
    for block in shown:
        for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            program, *words = shlex.split(command)
            assert program == "halfulp"
            assert main(words) == 0
            lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
            assert "\n".join(lines).rstrip() == output.rstrip(), command


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    prose = re.sub(r"^```.*?^```$|`[^`\n]+`", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)]+)\)", prose):
        if not target.startswith("http"):
            assert (document.parent / target).exists(), target


def test_every_word_of_a_policy_is_explained() -> None:
    from halfulp import _core

    for words in (_core.roundings(), _core.overflows(), _core.subnormals(), _core.specials(), tuple(hu.presets)):
        for word in words:
            assert f"`{word}`" in TEXT or f'"{word}"' in TEXT, word
    for path in re.findall(r"`((?:tests|csrc)/[\w/.]+)`", TEXT):
        assert (README.parent / path).exists(), path
