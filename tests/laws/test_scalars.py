"""The law of the function table: for any arguments SQL gives exactly what Python gives.

The same value, bit for bit, or a failure where Python raises. On each database, for each row of the
table and each type of its arguments; and for random compositions of rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn.functions import FUNCTIONS, call
from stepping.compiler.lowering.scalar_sql import can_spell
from stepping.compiler.schema import Atom
from tests.support.scalars import (
    ATOMS,
    FAILURES,
    MAX_ARGUMENTS,
    Database,
    Postgres,
    SQLite,
    column,
    constants,
    evaluate,
    identical,
    lowered,
    signatures,
    values,
)

BATCH = 20  # rows per statement: a statement costs more than a row
EXAMPLES = hypothesis.settings.default.max_examples

# Without shrinking: the failure names the row, and a batch takes long to shrink.
law = hypothesis.settings(
    max_examples=max(1, EXAMPLES // 10),
    phases=[hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)


@pytest.fixture(scope="module")
def sqlite() -> Iterator[Database]:
    database = SQLite()
    yield database
    database.connection.close()


@pytest.fixture(scope="module")
def postgres(each_postgres_url: str) -> Iterator[Database]:
    database = Postgres(each_postgres_url)
    yield database
    database.connection.close()


def check(
    scalar: ir.Scalar, types: dict[str, Atom], rows: Sequence[Sequence[Any]], database: Database
) -> None:
    """SQL gives for each row what Python does."""
    expected: list[Any] = []
    for row in rows:
        try:
            expected.append(evaluate(scalar, dict(zip(types, row, strict=True))))
        except FAILURES as error:
            expected.append(error)
    database.fill(types, rows)
    sql = lowered(scalar, database)
    good = [i for i, value in enumerate(expected) if not isinstance(value, Exception)]
    for i, actual in _selected(sql, scalar.type, good, database):
        assert identical(actual, expected[i]), (
            f"{rows[i]}: Python {expected[i]!r}, {database.name} {actual!r}\n"
            f"{sql.sql(dialect=database.name)}"
        )
    for i in set(range(len(rows))) - set(good):
        try:
            (actual,) = database.select(sql, scalar.type, [i])
        except database.errors:
            continue
        pytest.fail(
            f"{rows[i]}: Python raises {expected[i]!r}, {database.name} gives {actual!r}\n"
            f"{sql.sql(dialect=database.name)}"
        )


def _selected(
    sql: exp.Expr, atom: Atom, among: list[int], database: Database
) -> Iterator[tuple[int, Any]]:
    """Ids and values; one by one where all together raise."""
    if not among:
        return
    try:
        yield from zip(among, database.select(sql, atom, among), strict=True)
    except database.errors as error:
        if len(among) == 1:
            pytest.fail(f"row {among[0]}: {error}\n{sql.sql(dialect=database.name)}")
        for i in among:
            yield from _selected(sql, atom, [i], database)
        raise


def check_row(name: str, types: tuple[Atom, ...], database: Database) -> None:
    """One row of the table, for arguments of these types."""
    fixed = constants(name, types)

    @law
    @hypothesis.given(st.data())
    def run(data: st.DataObject) -> None:
        chosen = data.draw(st.sampled_from(fixed))
        columns = {i: column(atom, i) for i, atom in enumerate(types) if i not in chosen}
        strategies = [values(types[i], nul=database.nul) for i in columns]
        rows = data.draw(st.lists(st.tuples(*strategies), min_size=BATCH, max_size=BATCH))
        # In half of the batches some other arguments are constants too: the first row's.
        folded = data.draw(st.sets(st.sampled_from(sorted(columns))) | st.just(set()))
        for i, value in zip(columns, rows[0], strict=True):
            if i in folded:
                chosen = {**chosen, i: ir.Const(value, types[i])}
        args = [
            chosen[i] if i in chosen else ir.ColumnRef(columns[i], atom)
            for i, atom in enumerate(types)
        ]
        scalar = call(name, *args)
        hypothesis.assume(can_spell(scalar, database.spelling) is None)
        check(scalar, {columns[i]: types[i] for i in columns}, rows, database)

    run()


def spelled(name: str, types: tuple[Atom, ...], database: Database) -> bool:
    """Whether the database has words for a row, for any of its constants."""
    for chosen in constants(name, types):
        args = [chosen.get(i, ir.ColumnRef(f"c{i}", atom)) for i, atom in enumerate(types)]
        if can_spell(call(name, *args), database.spelling) is None:
            return True
    return False


@pytest.mark.parametrize("name", FUNCTIONS)
def test_sqlite_gives_what_python_gives(name: str, sqlite: Database) -> None:
    for types in signatures(name):
        if spelled(name, types, sqlite):
            check_row(name, types, sqlite)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_postgres_gives_what_python_gives(name: str, postgres: Database) -> None:
    for types in signatures(name):
        if spelled(name, types, postgres):
            check_row(name, types, postgres)


assert ATOMS, MAX_ARGUMENTS
