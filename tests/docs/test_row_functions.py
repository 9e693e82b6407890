"""The table of docs/row-functions.md says what the dialects do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn.functions import FUNCTIONS, call
from stepping.compiler.lowering.scalar_sql import can_spell, registered
from stepping.compiler.schema import TEXT
from stepping.dialects.scalars import Spelling, Sql
from tests.support.scalars import Postgres, SQLite, constants, signatures

PAGE = Path(__file__).parents[2] / "docs" / "row-functions.md"
TABLE = re.compile(r"(?<=--update-golden -->\n).*(?=<!-- end of the table -->)", re.DOTALL)
# Sections, by the first function of each.
SECTIONS = {
    "eq": "Comparisons",
    "int.add": "int",
    "float.add": "float",
    "decimal.add": "Decimal",
    "text.add": "str",
    "bytes.add": "bytes",
    "date.year": "date, datetime, time",
    "text.of_uuid": "UUID, Enum",
}
WAYS = ("SQL", "SQL, rarely Python", "registered", "Python step")


def calls(name: str) -> Iterator[ir.Call]:
    """Calls with columns, and with constants for all arguments but the first."""
    for types in signatures(name):
        columns = [ir.ColumnRef(f"c{i}", atom) for i, atom in enumerate(types)]
        fixed = {i: ir.Const("a", atom) for i, atom in enumerate(types) if i and atom == TEXT}
        for chosen in constants(name, types):
            if any(const.value in ("\0", "") for const in chosen.values()):
                continue  # rare enough not to be told
            yield call(name, *({**fixed, **chosen}.get(i, c) for i, c in enumerate(columns)))
            yield call(name, *(chosen.get(i, c) for i, c in enumerate(columns)))


def way(scalar: ir.Call, spelling: Spelling) -> str:
    if can_spell(scalar, spelling) is not None:
        return "Python step"
    if not registered(scalar, spelling):
        return "SQL"
    args = [
        Sql(exp.column(arg.name), arg.type)
        if isinstance(arg, ir.ColumnRef)
        else spelling.constant(arg.value, arg.type)
        for arg in scalar.args
        if isinstance(arg, ir.ColumnRef | ir.Const)
    ]
    # Without what makes it raise, which is a CASE too.
    bare = spelling.call(scalar.function, args, scalar.type).tree
    return "SQL, rarely Python" if isinstance(bare, exp.Case) else "registered"


def ways(name: str, spelling: Spelling) -> str:
    """The ways of a function; more than one where it depends on the types or the constants."""
    found = {way(scalar, spelling) for scalar in calls(name)}
    return " or ".join(w for w in WAYS if w in found)


def table() -> str:
    lines: list[str] = []
    for name, function in FUNCTIONS.items():
        if name in SECTIONS:
            lines += section(SECTIONS[name])
        if re.fullmatch(r"decimal\.scaled_[1-9].*", name):
            continue  # one row stands for all
        label = str(function).replace("with scale 0", "with another scale")
        label = label.replace("|", "\\|")
        cells = [f"`{label}`", ways(name, SQLite.spelling), ways(name, Postgres.spelling)]
        lines.append("| " + " | ".join([*cells, function.note]) + " |")
    return "\n".join([*lines, "", ""])


def section(title: str) -> list[str]:
    return ["", f"### {title}", "", "| | SQLite | Postgres | |", "| --- | --- | --- | --- |"]


def test_the_table_of_the_page(golden: object, request: pytest.FixtureRequest) -> None:
    page = PAGE.read_text(encoding="utf-8")
    expected = TABLE.sub(lambda _: table(), page)
    if request.config.getoption("--update-golden"):
        PAGE.write_text(expected, encoding="utf-8")
    assert expected == PAGE.read_text(encoding="utf-8"), "run pytest --update-golden"
