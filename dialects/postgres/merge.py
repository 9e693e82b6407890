"""How a change is merged into a kept table: parts of one statement that all see it as it was.

Each row is looked up first, then the rows that were found are updated or deleted by their ``ctid``
and the others inserted. No row is touched twice, and no unique index is needed. Sound because the
clock row of the table is locked by an earlier statement (see `runtime/engine.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from stepping.compiler.plan.statements import MergeDelta, MergeGroups, MergeState
from stepping.compiler.plan.tables import Table, TableKind
from stepping.dialects.base import CHANGED, KEPT, Expression
from stepping.dialects.postgres.look_ups import last_of_key, through_its_index
from stepping.dialects.postgres.tables import PostgresTables

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


def with_parts(dialect: PostgresTables, parts: Sequence[Part], last: Expression) -> Expression:
    """``WITH parts last``."""
    queries = [query_of(dialect, part) for part in parts]
    if queries:
        last.set("with_", exp.With(expressions=queries))
    return last


def query_of(dialect: PostgresTables, part: Part) -> Expression:
    """A part as it stands in a WITH."""
    return exp.CTE(
        this=part.tree,
        alias=exp.TableAlias(this=dialect.identifier(part.name)),
        materialized=True if part.materialized else None,
    )


def delta_parts(
    dialect: PostgresTables, statement: MergeDelta, name: Callable[[str], str]
) -> list[Part]:
    """Add rows with weights to a delay table. ``name`` gives the name of what does so much."""
    table = statement.table
    weight = table.weight or ""
    changed = [exp.column(dialect.identifier(each), table=CHANGED) for each in table.names]
    values = list(zip(table.names, changed, strict=True))
    conditions = dialect.identical(table, KEPT, values)
    parts: list[Part] = []
    rows = rows_as_they_are(statement.select, [*table.names, weight])
    if rows is None:
        source = name("changed")
        parts = [Part(source, statement.select)]  # named once: Postgres makes it a subquery
        rows = exp.Table(this=dialect.identifier(source))
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
    found = name("found")
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
    columns = [(each, each) for each in (*table.names, weight)]
    parts.append(Part(found, looked_up, materialized=True))
    return [*parts, *written(dialect, table, columns, found, name)]


def rows_as_they_are(select: Expression, names: Sequence[str]) -> Expression | None:
    """The table that a select shows whole, with the columns of these names; None if it does not."""
    plain = isinstance(select, exp.Select) and all(
        key in ("expressions", "from_") or not value for key, value in select.args.items()
    )
    if not plain or not isinstance(select.args["from_"].this, exp.Table):
        return None
    columns = [each.unalias() for each in select.expressions]
    if not all(isinstance(each, exp.Column) for each in columns):
        return None
    given = [each.alias_or_name for each in select.expressions]
    if sorted(given) != sorted(names) or given != [each.name for each in columns]:
        return None
    return exp.Table(this=select.args["from_"].this.this.copy())


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
    dialect: PostgresTables,
    statement: MergeState,
    name: Callable[[str], str],
    *,
    found: str = "",
) -> list[Part]:
    """Set groups to their new state. ``found``: a part that has the change table and `ROW_ID`."""
    table = statement.table
    parts = []
    if not found:
        found = name("found")
        parts = [Part(found, looked_up_groups(dialect, statement), materialized=True)]
    sets = [(table.weight or "", "n1"), *(pair for each in table.values for pair in each.stored)]
    columns = [*((key, key) for key in table.key), *sets]
    return [*parts, *written(dialect, table, columns, found, name)]


def merge_of_groups(dialect: PostgresTables, statement: MergeGroups) -> Expression:
    """``MERGE INTO groups USING their change``, the last part of a statement."""
    count = dict(statement.new)[statement.table.weight or ""]
    return merge_into(
        dialect,
        statement.table,
        statement.select,
        statement.on,
        statement.gone,
        statement.found,
        statement.new,
        exp.NEQ(this=count.copy(), expression=exp.Literal.number(0)),
    )


def merge_of_states(dialect: PostgresTables, statement: MergeState, found: str = "") -> Expression:
    """The same of groups whose new state is known; ``found``: a part that has it, with `ROW_ID`."""
    table = statement.table
    zero = exp.Literal.number(0)

    def new(name: str) -> Expression:
        return exp.column(dialect.identifier(name), table=CHANGED)

    sets = [(table.weight or "", "n1"), *(pair for each in table.values for pair in each.stored)]
    values = [(name, new(outer)) for name, outer in sets]
    source = (
        exp.Table(this=dialect.identifier(found)) if found else dialect.source(statement.change)
    )
    on = [exp.EQ(this=exp.column("ctid", table=KEPT), expression=new(ROW_ID))]
    if not found:
        keys = [(key, new(key)) for key in table.key]
        on = dialect.lookup(table, KEPT, keys, null_safe=True)
    return merge_into(
        dialect,
        table,
        source,
        on,
        exp.EQ(this=new("n1"), expression=zero),
        values,
        [*((key, new(key)) for key in table.key), *values],
        exp.NEQ(this=new("n1"), expression=zero.copy()),
    )


def merge_of_rows(dialect: PostgresTables, statement: MergeDelta) -> Expression | None:
    """``MERGE INTO rows USING their change``; None where an index has to be asked for.

    No row of the change comes twice, and none has the weight 0.
    """
    table = statement.table
    weight = table.weight or ""
    changed = [exp.column(dialect.identifier(each), table=CHANGED) for each in table.names]
    values = list(zip(table.names, changed, strict=True))
    on = dialect.identical(table, KEPT, values)
    if last_of_key(dialect, table, on) is not None:
        return None
    change = exp.column(dialect.identifier(weight), table=CHANGED)
    total = exp.Add(
        this=exp.column(dialect.identifier(weight), table=KEPT), expression=change.copy()
    )
    return merge_into(
        dialect,
        table,
        rows_as_they_are(statement.select, [*table.names, weight]) or statement.select,
        on,
        exp.EQ(this=total, expression=exp.Literal.number(0)),
        [(weight, total.copy())],
        [*values, (weight, change)],
        None,
    )


def merge_into(
    dialect: PostgresTables,
    table: Table,
    source: Expression,
    on: Sequence[Expression],
    gone: Expression,
    found: Sequence[tuple[str, Expression]],
    new: Sequence[tuple[str, Expression]],
    comes: Expression | None,
) -> Expression:
    """A MERGE, which removes what is ``gone``, sets what it has ``found``, and inserts the rest.

    Rows are neither looked up first nor named: the function that this is run in has those joins
    switched off that would read the whole table.
    """
    is_table = isinstance(source, exp.Table)
    rows = source if is_table else exp.Subquery(this=source)
    columns = [dialect.identifier(name) for name, _ in new]
    insert = exp.Insert(
        this=exp.Tuple(expressions=columns),
        expression=exp.Tuple(expressions=[value.copy() for _, value in new]),
    )
    sets = [
        exp.EQ(this=exp.column(dialect.identifier(name)), expression=value.copy())
        for name, value in found
    ]
    whens = [
        exp.When(matched=True, condition=gone.copy(), then=exp.Var(this="DELETE")),
        exp.When(matched=True, then=exp.Update(expressions=sets)),
        exp.When(matched=False, condition=comes, then=insert),
    ]
    return exp.Merge(
        this=exp.alias_(dialect.source(table), KEPT, table=True),
        using=exp.alias_(rows, CHANGED, table=True),
        on=exp.and_(*(each.copy() for each in on)) if on else exp.true(),
        whens=exp.Whens(expressions=whens),
    )


def looked_up_groups(dialect: PostgresTables, statement: MergeState) -> Expression:
    """The rows of a change table, each with `ROW_ID` of its group's row."""
    table, change = statement.table, statement.change
    values = [(key, exp.column(dialect.identifier(key), table=CHANGED)) for key in table.key]
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
    dialect: PostgresTables,
    table: Table,
    columns: Sequence[tuple[str, str]],
    found: str,
    name: Callable[[str], str],
) -> list[Part]:
    """Insert, update and, in the last part, delete, by what was found.

    ``columns`` are pairs of the table's and of ``found``'s, where the weight is the new one.
    """
    weight = dict(columns)[table.weight or ""]

    def of_found(column: str) -> Expression:
        return dialect.column(column, FOUND)

    source = exp.alias_(exp.Table(this=dialect.identifier(found)), FOUND, table=True)
    keyed = table.kind is TableKind.STATE
    missing = exp.Is(this=exp.column(ROW_ID, table=FOUND), expression=exp.Null())
    stays = exp.NEQ(this=of_found(weight), expression=exp.Literal.number(0))
    gone: Expression = exp.EQ(this=of_found(weight), expression=exp.Literal.number(0))
    comes: Expression = stays.copy()
    left_over = dialect.left_over(table, of_found) if keyed else None
    if left_over is not None:
        told = [of_found(weight), left_over.condition, left_over.text]
        gone = exp.Anonymous(this="stepping_gone", expressions=told)
        comes = exp.Not(this=gone.copy())
    insert = exp.Insert(
        this=exp.Schema(
            this=dialect.source(table),
            expressions=[dialect.identifier(each) for each, _ in columns],
        ),
        # A group that is not there before or after the step is left out.
        expression=exp.select(*(of_found(name) for _, name in columns))
        .from_(source.copy(), copy=False)
        .where(exp.and_(missing, comes, copy=False), copy=False),
    )
    same = exp.EQ(this=exp.column("ctid", table=KEPT), expression=exp.column(ROW_ID, table=FOUND))
    update = exp.Update(
        this=exp.alias_(dialect.source(table), KEPT, table=True),
        expressions=[
            exp.EQ(this=exp.column(dialect.identifier(each)), expression=of_found(outer))
            for each, outer in columns
            if each == table.weight or (keyed and each not in table.key)
        ],
        from_=exp.From(this=source.copy()),
        where=exp.Where(this=exp.and_(same, stays.copy(), copy=False)),
    )
    delete = exp.Delete(
        this=exp.alias_(dialect.source(table), KEPT, table=True),
        using=[source.copy()],
        where=exp.Where(this=exp.and_(same.copy(), gone, copy=False)),
    )
    return [
        Part(name("inserted"), insert),
        Part(name("updated"), update),
        Part(name("deleted"), delete),
    ]
