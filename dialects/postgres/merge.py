"""How a change is merged into a kept table: parts of one statement that all see it as it was.

Each row is looked up first, then the rows that were found are updated or deleted by their ``ctid``
and the others inserted. No row is touched twice, and no unique index is needed. Sound because the
clock row of the table is locked by an earlier statement (see `runtime/engine.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from stepping.compiler.plan.statements import MergeDelta, MergeState
from stepping.compiler.plan.tables import Table, TableKind
from stepping.dialects.base import CHANGED, KEPT, Expression
from stepping.dialects.postgres.look_ups import through_its_index

if TYPE_CHECKING:
    from stepping.dialects.postgres.sql import PostgresDialect

FOUND = "o"
ROW_ID = "stepping_rid"
OLD = "stepping_old"
HASH = "stepping_h"


@dataclass(frozen=True)
class Part:
    """One WITH query of a statement."""

    name: str
    tree: Expression
    materialized: bool = False


def with_parts(dialect: PostgresDialect, parts: Sequence[Part], last: Expression) -> Expression:
    """``WITH parts last``."""
    queries = [query_of(dialect, part) for part in parts]
    if queries:
        last.set("with_", exp.With(expressions=queries))
    return last


def query_of(dialect: PostgresDialect, part: Part) -> Expression:
    """A part as it stands in a WITH."""
    return exp.CTE(
        this=part.tree,
        alias=exp.TableAlias(this=dialect.identifier(part.name)),
        materialized=True if part.materialized else None,
    )


def delta_parts(dialect: PostgresDialect, statement: MergeDelta, prefix: str) -> list[Part]:
    """Add rows with weights to a delay table."""
    table = statement.table
    weight = table.weight or ""
    names = [dialect.identifier(name) for name in table.names]
    changed = [exp.column(name.copy(), table=CHANGED) for name in names]
    values = [(name, exp.column(dialect.identifier(name), table=CHANGED)) for name in table.names]
    conditions = dialect.identical(table, KEPT, values)
    source = f"{prefix}{CHANGED}"
    rows: Expression = exp.Table(this=dialect.identifier(source))
    if table.indexes:
        rows = with_hashes(rows, conditions)
    look = exp.select(
        exp.alias_(exp.column("ctid", table=KEPT), ROW_ID),
        exp.alias_(exp.column(dialect.identifier(weight), table=KEPT), OLD),
    ).from_(exp.alias_(dialect.source(table), KEPT, table=True))
    look = through_its_index(dialect, look, table, conditions).limit(1, copy=False)
    lateral = exp.Lateral(
        this=exp.Subquery(this=look), alias=exp.TableAlias(this=exp.to_identifier("l"))
    )
    found = f"{prefix}{FOUND}"
    change = exp.column(dialect.identifier(weight), table=CHANGED)
    total = exp.Add(
        this=exp.func("COALESCE", exp.column(OLD, table="l"), exp.Literal.number(0)),
        expression=change,
    )
    looked_up = (
        exp.select(
            *(c.copy() for c in changed),
            exp.alias_(total, dialect.identifier(weight)),
            exp.column(ROW_ID, table="l"),
        )
        .from_(exp.alias_(rows, CHANGED, table=True), copy=False)
        .join(exp.Join(this=lateral, side="LEFT"), on=exp.true(), copy=False)
    )
    return [
        Part(source, statement.select),  # named once: Postgres makes it a subquery
        Part(found, looked_up, materialized=True),
        *written(
            dialect,
            table,
            [(name, name) for name in (*table.names, weight)],
            found,
            prefix,
        ),
    ]


def with_hashes(rows: Expression, conditions: Sequence[Expression]) -> Expression:
    """The rows of a change with the hashes that ``conditions`` compare, which name them after it.

    A hash that is computed in a condition is a cost before the first row; of two indexes that
    seem to find as few rows, as all do while a table is small, a LIMIT takes the one without.
    """
    hashes = [each for each in conditions if isinstance(each.expression, exp.Anonymous)]
    hashes = [each for each in hashes if isinstance(each, exp.EQ)]
    computed = []
    for position, each in enumerate(hashes):
        name = f"{HASH}{position}"
        computed.append(exp.alias_(each.expression.copy(), name))
        each.set("expression", exp.column(name, table=CHANGED))
    star = exp.Column(this=exp.Star(), table=exp.to_identifier(CHANGED))
    select = exp.select(star, *computed).from_(exp.alias_(rows, CHANGED, table=True), copy=False)
    return exp.Subquery(this=select.offset(0, copy=False))  # without OFFSET it would be flattened


def state_parts(
    dialect: PostgresDialect,
    statement: MergeState,
    prefix: str,
    *,
    found: str = "",
) -> list[Part]:
    """Set groups to their new state. ``found``: a part that has the change table and `ROW_ID`."""
    table = statement.table
    parts = []
    if not found:
        found = f"{prefix}{FOUND}"
        parts = [Part(found, looked_up_groups(dialect, statement), materialized=True)]
    sets = [(table.weight or "", "n1"), *(pair for each in table.values for pair in each.stored)]
    columns = [*((name, name) for name in table.key), *sets]
    return [*parts, *written(dialect, table, columns, found, prefix)]


def looked_up_groups(dialect: PostgresDialect, statement: MergeState) -> Expression:
    """The rows of a change table, each with `ROW_ID` of its group's row."""
    table, change = statement.table, statement.change
    values = [(name, exp.column(dialect.identifier(name), table=CHANGED)) for name in table.key]
    conditions = dialect.lookup(table, KEPT, values, null_safe=True)
    return (
        exp.select(
            exp.Column(this=exp.Star(), table=exp.to_identifier(CHANGED)),
            exp.alias_(exp.column("ctid", table=KEPT), ROW_ID),
        )
        .from_(exp.alias_(dialect.source(change), CHANGED, table=True), copy=False)
        .join(
            exp.alias_(dialect.source(table), KEPT, table=True),
            on=exp.and_(*conditions) if conditions else exp.true(),
            join_type="left",
            copy=False,
        )
    )


def written(
    dialect: PostgresDialect,
    table: Table,
    columns: Sequence[tuple[str, str]],
    found: str,
    prefix: str,
) -> list[Part]:
    """Insert, update and, in the last part, delete, by what was found.

    ``columns`` are pairs of the table's and of ``found``'s, where the weight is the new one.
    """
    weight = dict(columns)[table.weight or ""]

    def of_found(name: str) -> Expression:
        return exp.column(dialect.identifier(name), table=FOUND)

    source = exp.alias_(exp.Table(this=dialect.identifier(found)), FOUND, table=True)
    keyed = table.kind is TableKind.STATE
    missing = exp.Is(this=exp.column(ROW_ID, table=FOUND), expression=exp.Null())
    stays = exp.NEQ(this=of_found(weight), expression=exp.Literal.number(0))
    gone: Expression = exp.EQ(this=of_found(weight), expression=exp.Literal.number(0))
    comes: Expression = stays.copy()
    left_over = dialect.left_over(table, of_found) if keyed else None
    if left_over is not None:
        left, fault = left_over
        failing = exp.EQ(this=fault, expression=exp.Literal.number(0))
        gone, comes = (
            exp.Case(
                ifs=[
                    exp.If(this=stays.copy(), true=if_it_stays),
                    exp.If(this=left.copy(), true=failing.copy()),
                ],
                default=if_it_goes,
            )
            for if_it_stays, if_it_goes in ((exp.false(), exp.true()), (exp.true(), exp.false()))
        )
    insert = exp.Insert(
        this=exp.Schema(
            this=dialect.source(table),
            expressions=[dialect.identifier(name) for name, _ in columns],
        ),
        # A group that is not there before or after the step is left out.
        expression=exp.select(*(of_found(name) for _, name in columns))
        .from_(source.copy(), copy=False)
        .where(exp.and_(missing, comes), copy=False),
    )
    same = exp.EQ(this=exp.column("ctid", table=KEPT), expression=exp.column(ROW_ID, table=FOUND))
    update = exp.Update(
        this=exp.alias_(dialect.source(table), KEPT, table=True),
        expressions=[
            exp.EQ(this=exp.column(dialect.identifier(name)), expression=of_found(outer))
            for name, outer in columns
            if name == table.weight or (keyed and name not in table.key)
        ],
        from_=exp.From(this=source.copy()),
        where=exp.Where(this=exp.and_(same, stays.copy())),
    )
    delete = exp.Delete(
        this=exp.alias_(dialect.source(table), KEPT, table=True),
        using=[source.copy()],
        where=exp.Where(this=exp.and_(same.copy(), gone)),
    )
    return [
        Part(f"{prefix}i", insert),
        Part(f"{prefix}u", update),
        Part(f"{prefix}d", delete),
    ]
