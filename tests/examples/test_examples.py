"""Every example runs, prints the same on each store, and has the Python steps it names."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sybil import Document, Example
from sybil.parsers.markdown import CodeBlockParser

import stepping as st
from tests.examples.conftest import OpenStore

ROOT = Path(__file__).parent.parent.parent

PYTHON_STEPS: dict[str, list[tuple[str, str]]] = {
    "receipts": [],
    "meter_readings": [],
    "dashboard": [],
    "comments": [
        ("aggregate", "per_page = st.aggregate("),  # the items are collected
        ("map", "made = st.map(per_page, f=to_page)"),  # and joined to a page
    ],
    "type_checker": [
        ("map", "statements = st.map(lines, f=parse)"),
        ("map_many", "parameters = st.map_many(functions, f=parameters_of)"),
        ("map_many", "uses = st.map_many(of_kind(statements, Kind.CALL), f=uses_in)"),
        ("aggregate", "found = st.aggregate("),  # the problems of a line are collected
        ("map", "rows = st.map(with_problems, f=to_report)"),
    ],
}
EXAMPLES = sorted(PYTHON_STEPS)


def module_of(name: str) -> Any:
    return importlib.import_module(f"examples.{name}")


def test_every_example_is_tested() -> None:
    files = {path.stem for path in (ROOT / "examples").glob("*.py")} - {"__init__"}
    assert files == set(EXAMPLES)
    assert files == {path.stem for path in (ROOT / "docs" / "examples").glob("*.md")}


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_python_steps_are_those_that_are_named(name: str, dialect: str) -> None:
    text = str(st.explain(module_of(name).graph, dialect=dialect))
    found = re.findall(r"^-- Python step: (?:\w+ = )?(\w+)  (\S+):(\d+)\b", text, re.MULTILINE)
    source = (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8").splitlines()
    assert {file for _, file, _ in found} <= {f"{name}.py"}
    assert [(operator, source[int(line) - 1].strip()) for operator, _, line in found] == (
        PYTHON_STEPS[name]
    )


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_it_prints_is_on_its_page(
    name: str, open_store: OpenStore, capsys: pytest.CaptureFixture[str]
) -> None:
    module = module_of(name)
    module.run(open_store(module.graph))
    printed = "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines())
    assert printed in fences(name, "text")


@pytest.mark.parametrize("command", ["module", "file"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_it_runs_by_itself(name: str, command: str) -> None:
    given = ["-m", f"examples.{name}"] if command == "module" else [f"examples/{name}.py"]
    found = subprocess.run(
        [sys.executable, *given],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.strip()


@pytest.mark.parametrize("name", EXAMPLES)
def test_its_page_has_its_code(name: str) -> None:
    """The fences of a page, up to the first that is not in the module, are the whole module."""
    source = (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8")
    module = code_of(source.partition('"""\n\n')[2])
    found = []
    for fence in map(code_of, fences(name, "python")):
        if fence not in module:
            break
        found.append(fence)
    assert "\n".join(found) == module


def code_of(text: str) -> str:
    """Without empty lines, and without the titles that a page has in its text."""
    lines = (line.rstrip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("# ---"))


def fences(name: str, language: str) -> list[str]:
    found: list[str] = []

    def keep(example: Example) -> None:
        found.append(example.parsed.strip("\n"))

    path = ROOT / "docs" / "examples" / f"{name}.md"
    document = Document.parse(str(path), CodeBlockParser(language, keep))
    for example in document.examples():
        example.evaluate()
    return found
