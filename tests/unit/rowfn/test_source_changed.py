"""Files that were written again after they were imported: what counts is the code that was."""

from __future__ import annotations

import importlib.util
import itertools
import linecache
import os
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from stepping.compiler.codec import python_codec
from stepping.compiler.frontend.rowfn.source import SourceMissing, definition_of
from stepping.compiler.frontend.rowfn.translate import translate
from stepping.compiler.frontend.rows import type_of
from tests.support.interpret import run

SOURCE = '''"""A module that is deployed."""
from __future__ import annotations

import stepping as st

LIMIT = 7


class Row(st.Data):
    value: int
    name: str

    @property
    def double(self) -> int:
        return self.value * 2

    def plus(self, by: int = 4) -> int:
        return self.value + by


def helper(n: int) -> int:
    return n * 5


def scaled(row: Row) -> int:
    return helper(row.value) + row.double + row.plus()


def tested(row: Row) -> int:
    if row.name in {"a", "b", "c", "d"} and row.value > 1:
        return 10
    return [row.value, 20, 30][1]


def nested(row: Row) -> int:
    factor = 3

    def inner(n: int) -> int:
        return n * factor

    return inner(row.value) + (lambda n: n - 1)(row.value)


def comprehended(row: Row) -> int:
    return sum(x * row.value for x in (1, 2, 3)) + LIMIT


first, second = (lambda row: row.value + 1), (lambda row: row.value - 1)
'''
NAMES = ("scaled", "tested", "nested", "comprehended", "first", "second")
EDITS = [
    ("* 5", "* 6"),
    ("value * 2", "value * 3"),
    ("value + by", "value - by"),
    ("helper(row.value)", "helper(-row.value)"),
    ('"d"', '"e"'),
    ("> 1", "> 2"),
    ("[1]", "[2]"),
    ("[1]", "[True]"),
    ("20, 30", "20, 2e1"),
    ("return 10", "return 1_0"),
    ("factor = 3", "factor = 4"),
    ("n * factor", "n + factor"),
    ("n - 1", "n - 2"),
    ("x * row", "x + row"),
    ("(1, 2, 3)", "(1, 2, 4)"),
    ("(1, 2, 3)", "[1, 2, 3]"),
    ("+ LIMIT", "- LIMIT"),
    ("row.value + 1", "row.value + 2"),
    ("(lambda row: row.value + 1), (lambda row: row.value - 1)",
     "(lambda row: row.value - 1), (lambda row: row.value + 1)"),
    ("def helper", "# moved\ndef helper"),
    ("def nested", "def moved(row: Row) -> int:\n    return 1\n\n\ndef nested"),
    ("LIMIT = 7\n", ""),
    (SOURCE, ""),
    (SOURCE, "def broken(:\n" * 30),
    ("def tested(row: Row) -> int:\n", "def tested(row: Row) -> int:\n\n"),
]  # fmt: skip
numbers = itertools.count()


def imported(path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"deployed_{next(numbers)}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    spec.loader.exec_module(module)
    return module


def written(path: Path, text: str) -> None:
    path.write_text(text)
    os.utime(path, (next(numbers) * 10, 1e9 + next(numbers) * 10))


@pytest.mark.parametrize("read_before", [False, True])
@pytest.mark.parametrize(("old", "new"), EDITS, ids=[f"{i}" for i in range(len(EDITS))])
def test_sql_is_of_the_code_that_was_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, *, read_before: bool
) -> None:
    path = tmp_path / "deployed.py"
    written(path, SOURCE)
    module = imported(path, monkeypatch)
    if read_before:
        linecache.getlines(str(path))
    assert SOURCE.count(old) >= 1
    written(path, SOURCE.replace(old, new, 1))
    kinds = (type_of(module.Row, vars(module)),)
    for name in NAMES:
        function = getattr(module, name)
        function.__annotations__["return"] = int
        found = translate(function, kinds, what="st.map f=")
        for value, letter in itertools.product((-2, 0, 1, 2, 5), "adx"):
            row = module.Row(value=value, name=letter)
            if found.scalars is None:
                assert found.call(row) == function(row)
                assert re.search("changed after it was loaded|is no source", found.reason)
            else:
                assert run(found, (row,), kinds) == function(row)
            assert python_codec(found.type).canonical(function(row)) == function(row)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""A module that is deployed."""', '"""A module that was deployed."""'),
        ("first, second =", "# a remark\nfirst, second ="),
        ("n * 5", "n * 5  # a remark"),
        ("n * factor", "n - factor"),
    ],
)
def test_what_was_not_changed_is_still_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    path = tmp_path / "deployed.py"
    written(path, SOURCE)
    module = imported(path, monkeypatch)
    assert old in SOURCE
    written(path, SOURCE.replace(old, new))
    for name in ("scaled", "tested", "comprehended", "helper"):
        assert definition_of(getattr(module, name)).node.name == name  # type: ignore[union-attr]


def test_a_python_step_is_identified_by_the_code_that_was_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "deployed.py"
    texts = []
    for change in ("* 2", "* 3"):
        source = SOURCE.replace("n * 5", "int(str(n).encode().decode()) * 5")
        written(path, source)
        module = imported(path, monkeypatch)
        written(path, source.replace("* 5", change))
        kinds = (type_of(module.Row, vars(module)),)
        texts.append(translate(module.scaled, kinds, what="f=").python)
        with pytest.raises(SourceMissing, match="changed after it was loaded"):
            definition_of(module.helper)
    assert texts[0] == texts[1] != ""
