"""The text that identifies a Python step: it changes with the meaning, and with nothing else."""

from __future__ import annotations

import functools
import json
import linecache
import operator
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepping.compiler.frontend.rowfn.identity import identity_of
from stepping.compiler.frontend.rows import Data, type_of


class Row(Data):
    name: str
    amount: int = 0

    @property
    def text(self) -> str:
        return json.dumps(self.name)


def identity(f: Callable[..., Any], row: Any = Row) -> str:
    return identity_of(f, (type_of(row),), "st.map f=")


def loaded(source: str, **scope: Any) -> Any:
    name = f"<identity {source!r} {sorted(scope)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    scope |= {"json": json, "__name__": "users_module"}
    exec(compile(source, name, "exec"), scope)
    return scope["f"]


FIRST = "def f(row):\n    return json.dumps(row.name) + helper(row)\n"
HELPER = "def helper(row):\n    return json.dumps(rate)\n"


def test_formatting_names_and_documentation_do_not_matter() -> None:
    same = (
        "def f(row: 'Row') -> str:\n"
        '    """Documented."""\n'
        "    # commented\n"
        "    return (json.dumps(\n        row.name)\n    )\n"
    )
    one = loaded("\n\ndef f(row):\n    return json.dumps(row.name)\n")
    assert identity(one) == identity(loaded(same))
    assert identity(loaded("f = lambda row: json.dumps(row.name)\n")) == identity(
        loaded("g = 1\nf = (lambda row:\n     json.dumps(row.name))\n")
    )


def test_the_source_matters() -> None:
    one = loaded("f = lambda row: json.dumps(row.name)\n")
    assert identity(one) != identity(loaded("f = lambda row: json.dumps(row.amount)\n"))
    assert identity(one) != identity(loaded("f = lambda row, x=1: json.dumps(row.name)\n"))


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 2), (1, 1.0), (1, True), ("a", b"a"), ((1,), [1]), ({1}, {2}), ({"a": 1}, {"a": 2})],
)
def test_captured_constants_matter_with_their_types(one: Any, other: Any) -> None:
    source = "f = lambda row: json.dumps([row.name, rate])\n"
    assert identity(loaded(source, rate=one)) == identity(loaded(source, rate=one))
    assert identity(loaded(source, rate=one)) != identity(loaded(source, rate=other))


def test_functions_that_are_called_matter() -> None:
    def made(rate: int, helper: str = HELPER) -> str:
        return identity(loaded(helper + FIRST, rate=rate))

    assert made(1) == made(1)
    assert made(1) != made(2)
    assert made(1) != made(1, HELPER.replace("dumps(rate)", "dumps(rate) * 2"))


def test_closures_defaults_and_wrappers_matter() -> None:
    def made(n: int) -> Callable[[Row], str]:
        return lambda row: json.dumps([row.name, n])

    def plain(n: int, row: Row) -> str:
        return json.dumps([row.name, n])

    def documented(row: Row, n: int = 3) -> str:
        return json.dumps([row.name, n])

    assert identity(made(1)) == identity(made(1))
    assert identity(made(1)) != identity(made(2))
    assert identity(functools.partial(plain, 1)) != identity(functools.partial(plain, 2))
    before = identity(documented)
    documented.__defaults__ = (4,)
    assert identity(documented) != before


def test_methods_of_the_row_matter() -> None:
    def uses(row: Row) -> str:
        return json.dumps(row.text)

    class Other(Data):
        name: str
        amount: int = 0

        @property
        def text(self) -> str:
            return json.dumps(self.amount)

    assert "Row.text" in identity(uses)
    assert identity(uses) != identity(uses, Other)
    assert "text" in identity(operator.attrgetter("text"))


def test_recursion_and_cycles_end() -> None:
    source = (
        "def g(n):\n    return f(n)\n"
        "def f(n):\n    return json.dumps(g(n.amount) if n.amount else n.name)\n"
    )
    assert identity(loaded(source)) == identity(loaded(source))
    cycle: list[Any] = []
    cycle.append(cycle)
    assert identity(loaded("f = lambda row: json.dumps(rate)\n", rate=cycle))


def test_without_a_source_the_bytecode_counts() -> None:
    def made(text: str) -> str:
        scope: dict[str, Any] = {"json": json, "rate": 1}
        exec(text, scope)
        return identity(scope["f"])

    name, rate = "f = lambda row: json.dumps(row.name)", "f = lambda row: json.dumps(rate)"
    assert made(name) == made(name)
    assert made(name) != made(name.replace("dumps", "loads"))
    assert made(rate) != made(f"rate = 2\n{rate}")


PROGRAM = """
import json
from stepping.compiler.frontend.rowfn.identity import identity_of
from stepping.compiler.frontend.rows import Data, type_of

class Row(Data):
    name: str

NAMES = {"a", "b", "c", "dd", "eee"}
OBJECT = object()

def f(row):
    return json.dumps([row.name in NAMES, str(OBJECT)])

print(identity_of(f, (type_of(Row),), "f="))
"""


def test_it_is_the_same_in_every_process(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    printed = {
        subprocess.run(
            [sys.executable, str(path)],
            env={"PYTHONPATH": ":".join(filter(None, sys.path)), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(printed) == 1
    (text,) = printed
    assert "0x" not in text
    assert text.startswith(f"Python {sys.version_info.major}.{sys.version_info.minor}\nUnicode ")
