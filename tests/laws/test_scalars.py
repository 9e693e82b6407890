"""The law of the function table: for any arguments SQL gives exactly what Python gives.

The same value, bit for bit, or a failure where Python raises; Postgres fails as well where a float
is too large or too small, where Python gives an infinity or 0.0. On each database, for each row of
the table and each type of its arguments; and for random compositions of rows.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn.functions import FUNCTIONS, call
from stepping.compiler.frontend.rowfn.functions_calls import apply
from stepping.compiler.lowering.scalar_sql import can_spell
from stepping.compiler.schema import BOOL, TEXT, Atom, Kind
from tests.support.interpret import interpret
from tests.support.scalars import (
    ATOMS,
    FAILURES,
    MAX_ARGUMENTS,
    NAMES,
    Database,
    Postgres,
    SQLite,
    column,
    constants,
    identical,
    lowered,
    signatures,
    value,
)

BATCH = 40  # rows per statement: a statement costs more than a row
EXAMPLES = hypothesis.settings().max_examples  # of the profile
# Hypothesis gives the seed; drawing each value from it takes ten times as long as the databases.
SEEDS = st.randoms(use_true_random=True)

# Without shrinking: the failure names the row, and a batch takes long to shrink.
law = hypothesis.settings(
    max_examples=EXAMPLES,
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
            expected.append(interpret(scalar, dict(zip(types, row, strict=True))))
        except FAILURES as error:
            expected.append(error)
    database.fill(types, rows)
    sql = lowered(scalar, database)
    good = [i for i, wanted in enumerate(expected) if not isinstance(wanted, Exception)]
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
            if database.beyond_floats(error):
                return
            pytest.fail(f"row {among[0]}: {error}\n{sql.sql(dialect=database.name)}")
        for i in among:
            yield from _selected(sql, atom, [i], database)


def given_types(types: Sequence[Atom], random: Any) -> tuple[Atom, ...]:
    """The types, of which floats may be infinite in some of the batches."""
    if random.random() < 0.5:
        return tuple(types)
    return tuple(atom.with_infinities() if atom.kind is Kind.FLOAT else atom for atom in types)


def check_row(name: str, types: tuple[Atom, ...], examples: int, database: Database) -> None:
    """One row of the table, for arguments of these types."""
    fixed = constants(name, types)

    @hypothesis.settings(law, max_examples=examples)
    @hypothesis.given(st.data())
    def run(data: st.DataObject) -> None:
        chosen = data.draw(st.sampled_from(fixed))
        columns = {i: column(atom, i) for i, atom in enumerate(types) if i not in chosen}
        random = data.draw(SEEDS)
        of = given_types(types, random)
        rows = [
            tuple(value(of[i], random, nul=database.nul) for i in columns) for _ in range(BATCH)
        ]
        # In some of the batches other arguments are constants too: the first row's.
        folded = [i for i in columns if random.random() < 0.25]
        for i, first in zip(columns, rows[0], strict=True):
            if i in folded:
                chosen = {**chosen, i: ir.Const(first, of[i])}
        args = [
            chosen[i] if i in chosen else ir.ColumnRef(columns[i], atom)
            for i, atom in enumerate(of)
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


def check_function(name: str, database: Database) -> None:
    known = [types for types in signatures(name) if spelled(name, types, database)]
    for types in known:
        check_row(name, types, max(2, EXAMPLES // 10 // len(known)), database)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_sqlite_gives_what_python_gives(name: str, sqlite: Database) -> None:
    check_function(name, sqlite)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_postgres_gives_what_python_gives(name: str, postgres: Database) -> None:
    check_function(name, postgres)


# ---------------------------------------------------------------------------------- compositions


@functools.cache
def by_result(database: Database) -> dict[Atom, list[tuple[str, tuple[Atom, ...]]]]:
    """The rows that the database spells, by the type of their result."""
    found: dict[Atom, list[tuple[str, tuple[Atom, ...]]]] = {}
    for name, function in FUNCTIONS.items():
        for types in signatures(name):
            result = function.result(types)
            if result in NAMES and spelled(name, types, database):
                found.setdefault(result, []).append((name, types))
    return found


@st.composite
def scalars(
    draw: st.DrawFn, atom: Atom, depth: int, database: Database, *, total: bool = False
) -> ir.Scalar:
    """A random scalar of a type; ``total``: one that never raises."""
    leaf = ir.ColumnRef(column(atom, draw(st.integers(0, 1))), atom)
    shapes = ["column", "constant"] if depth == 0 else ["call", "call", "call", "case", "nullable"]
    if atom not in by_result(database):
        shapes = [shape for shape in shapes if shape != "call"]
    if depth and atom == BOOL:
        shapes += ["and", "or", "not", "null"]
    if depth and not total:
        shapes.append("raise")

    def part(of: Atom, *, total: bool = total) -> ir.Scalar:
        return draw(scalars(of, depth - 1, database, total=total))

    nullable = ir.ColumnRef(column(atom, 2), atom.optional())
    match draw(st.sampled_from(shapes)):
        case "constant":
            return ir.Const(value(atom, draw(SEEDS), nul=database.nul), atom)
        case "call":
            name, types = draw(st.sampled_from(by_result(database)[atom]))
            fixed = draw(st.sampled_from(constants(name, types)))
            args = [fixed[i] if i in fixed else part(of) for i, of in enumerate(types)]
            try:
                made = apply(name, *args)
            except LookupError:  # of constants, and raises
                return leaf
            unfit = can_spell(made, database.spelling) or (total and ir.is_partial(made))
            return leaf if unfit else made
        case "case":
            whens = tuple((part(BOOL), part(atom)) for _ in range(draw(st.integers(1, 2))))
            return ir.Case(whens, part(atom), atom)
        case "nullable":
            return ir.Case(((ir.IsNull(nullable), part(atom)),), nullable, atom)
        case "and":
            return ir.And((part(BOOL, total=True), part(BOOL, total=True)))
        case "or":
            return ir.Or((part(BOOL, total=True), part(BOOL, total=True)))
        case "not":
            return ir.Not(part(BOOL))
        case "null":
            other = ir.ColumnRef(column(TEXT, 2), TEXT.optional())
            return ir.IsNull(other)
        case "raise":
            message = call("text.add", ir.Const("no: ", TEXT), ir.ColumnRef("text_0", TEXT))
            return ir.Case(((part(BOOL), ir.Raise(message, atom)),), part(atom), atom)
        case _:
            return leaf


def check_compositions(database: Database) -> None:
    @hypothesis.settings(law, max_examples=EXAMPLES)
    @hypothesis.given(st.data())
    def run(data: st.DataObject) -> None:
        atom = data.draw(st.sampled_from(list(by_result(database))))
        scalar = data.draw(scalars(atom, 3, database))
        types = {
            column(of, i): of.optional() if i == 2 else of
            for of in ATOMS.values()
            for i in range(MAX_ARGUMENTS)
            if column(of, i) in ir.columns_read(scalar)
        }
        random = data.draw(SEEDS)
        rows = [
            tuple(value(of, random, nul=database.nul) for of in types.values())
            for _ in range(BATCH)
        ]
        check(scalar, types, rows, database)

    run()


def test_compositions_on_sqlite(sqlite: Database) -> None:
    check_compositions(sqlite)


def test_compositions_on_postgres(postgres: Database) -> None:
    check_compositions(postgres)
