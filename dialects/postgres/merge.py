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

if TYPE_CHECKING:
    from stepping.dialects.postgres.sql import PostgresDialect

FOUND = "o"
ROW_ID = "stepping_rid"
OLD = "stepping_old"


@dataclass(frozen=True)
class Part:
    """One WITH query of a statement."""

    name: str
    tree: Expression
    materialized: bool = False


def with_parts(dialect: PostgresDialect, parts: Sequence[Part], last: Expression) -> Expression:
    """``WITH parts last``."""
    queries = [
        exp.CTE(
            this=part.tree,
            alias=exp.TableAlias(this=dialect.identifier(part.name)),
            materialized=True if part.materialized else None,
        )
        for part in parts
    ]
    if queries:
        last.set("with_", exp.With(expressions=queries))
    return last


def delta_parts(dialect: PostgresDialect, statement: MergeDelta, prefix: str) -> list[Part]:
    """Add rows with weights to a delay table."""
    table = statement.table
    weight = table.weight or ""
    names = [dialect.identifier(name) for name in table.names]
    changed = [exp.column(name.copy(), table=CHANGED) for name in names]
    values = [(name, exp.column(dialect.identifier(name), table=CHANGED)) for name in table.names]
    conditions = dialect.identical(table, KEPT, values)
    look = (
        exp.select(
            exp.alias_(exp.column("ctid", table=KEPT), ROW_ID),
            exp.alias_(exp.column(dialect.identifier(weight), table=KEPT), OLD),
        )
        .from_(exp.alias_(dialect.source(table), KEPT, table=True))
        .where(*conditions)
        .limit(1)
    )
    lateral = exp.Lateral(
        this=exp.Subquery(this=look), alias=exp.TableAlias(this=exp.to_identifier("l"))
    )
    source = f"{prefix}{CHANGED}"
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
        .from_(exp.alias_(exp.Table(this=dialect.identifier(source)), CHANGED, table=True))
        .join(exp.Join(this=lateral, side="LEFT"), on=exp.true())
    )
    return [
        Part(source, statement.select, materialized=True),
        Part(found, looked_up, materialized=True),
        *written(dialect, table, [(name, name) for name in table.names], weight, found, prefix),
    ]


def state_parts(dialect: PostgresDialect, statement: MergeState, prefix: str) -> list[Part]:
    """Set groups to their new state."""
    table, change = statement.table, statement.change
    keys = [dialect.identifier(name) for name in table.key]
    values = [(name, exp.column(dialect.identifier(name), table=CHANGED)) for name in table.key]
    conditions = dialect.lookup(table, KEPT, values, null_safe=True)
    found = f"{prefix}{FOUND}"
    new = exp.column("n1", table=CHANGED)
    pairs = [(inner, outer) for each in table.values for inner, outer in each.stored]
    # A group that is not there before or after the step is left out: its sums must be nothing.
    there = exp.or_(
        exp.NEQ(this=new.copy(), expression=exp.Literal.number(0)),
        exp.Not(this=exp.Is(this=exp.column("n0", table=CHANGED), expression=exp.Null())),
    )
    looked_up = (
        exp.select(
            *(exp.column(key.copy(), table=CHANGED) for key in keys),
            exp.alias_(new.copy(), dialect.identifier(table.weight or "")),
            *(
                exp.alias_(
                    exp.column(dialect.identifier(outer), table=CHANGED), dialect.identifier(inner)
                )
                for inner, outer in pairs
            ),
            exp.alias_(exp.column("ctid", table=KEPT), ROW_ID),
        )
        .from_(exp.alias_(dialect.source(change), CHANGED, table=True))
        .join(
            exp.alias_(dialect.source(table), KEPT, table=True),
            on=exp.and_(*conditions) if conditions else exp.true(),
            join_type="left",
        )
        .where(there)
    )
    columns = [(name, name) for name in (*table.key, *(inner for inner, _ in pairs))]
    return [
        Part(found, looked_up, materialized=True),
        *written(dialect, table, columns, table.weight or "", found, prefix),
    ]


def written(
    dialect: PostgresDialect,
    table: Table,
    columns: Sequence[tuple[str, str]],
    weight: str,
    found: str,
    prefix: str,
) -> list[Part]:
    """Insert, update and delete, by what was found. ``found`` has each row's new weight."""

    def of_found(name: str) -> Expression:
        return exp.column(dialect.identifier(name), table=FOUND)

    source = exp.alias_(exp.Table(this=dialect.identifier(found)), FOUND, table=True)
    missing = exp.Is(this=exp.column(ROW_ID, table=FOUND), expression=exp.Null())
    stays = exp.NEQ(this=of_found(weight), expression=exp.Literal.number(0))
    names = [name for name, _ in columns]
    insert = exp.Insert(
        this=exp.Schema(
            this=dialect.source(table),
            expressions=[dialect.identifier(name) for name in (*names, weight)],
        ),
        expression=exp.select(*(of_found(name) for _, name in columns), of_found(weight))
        .from_(source.copy())
        .where(exp.and_(missing, stays.copy())),
    )
    same = exp.EQ(this=exp.column("ctid", table=KEPT), expression=exp.column(ROW_ID, table=FOUND))
    keyed = table.kind is TableKind.STATE
    sets = [weight, *(name for name in names if keyed and name not in table.key)]
    update = exp.Update(
        this=exp.alias_(dialect.source(table), KEPT, table=True),
        expressions=[
            exp.EQ(this=exp.column(dialect.identifier(name)), expression=of_found(name))
            for name in sets
        ],
        from_=exp.From(this=source.copy()),
        where=exp.Where(this=exp.and_(same, stays.copy())),
    )
    gone = exp.EQ(this=of_found(weight), expression=exp.Literal.number(0))
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
