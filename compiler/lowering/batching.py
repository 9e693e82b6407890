"""Filling tables batch by batch, while writers go on with what the rows are read from.

What has been read of the stored tables so far is one Z-set for each, and the new tables are what
the query means on those. So a batch is a step like any other, whose change is the batch, and the
delta rules hold for it whatever the operators are. Three things follow:

* a step reads what it was given before, which is not what the stored tables have by then: where a
  rule reads an integral that is stored, what was read of it is kept in a table of its own (a
  *shadow*) until the migration is through;
* what writers change meanwhile in rows that were read already is one more change of the same
  Z-sets: it goes into the next batch;
* when everything has been read, the new tables are what one step with all of it would have made.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from stepping.compiler import ir
from stepping.compiler.lowering.arrange import where_of
from stepping.compiler.lowering.arrangements import (
    Arrangement,
    Arrangements,
    KeyedState,
    set_apart,
)
from stepping.compiler.lowering.demand import Demand
from stepping.compiler.lowering.needs import Filling, Find, Missing, Needs
from stepping.compiler.lowering.pieces import served
from stepping.compiler.lowering.planned import Planned, starts
from stepping.compiler.lowering.recomputing import PREFIX, shadow
from stepping.compiler.lowering.relation_sql import RelationSQL
from stepping.compiler.lowering.schedule import Scheduler
from stepping.compiler.lowering.terms import Standing, seen_through, whole_of
from stepping.compiler.plan.statements import ClearDelta, EmitDelta, StageDelta, Statement
from stepping.compiler.plan.tables import Table, TableKind
from stepping.compiler.schema import bounded
from stepping.dialects.batches import FIRST as FIRST_NAME
from stepping.dialects.batches import rows_name

FIRST = Table(FIRST_NAME, TableKind.ROWS, (), "c")


@dataclass(frozen=True)
class BatchSource:
    """A stored table that rows are read from, and the table that has those of one batch."""

    number: int
    table: Table
    rows: Table
    what: str  # the operators whose rows they are


@dataclass
class Batching:
    """How tables are filled batch by batch, or why they cannot be."""

    sources: list[BatchSource] = field(default_factory=list)
    shadows: dict[str, Table] = field(default_factory=dict)  # by the name of what they are of
    statements: list[Statement] = field(default_factory=list)  # of one batch, behind its reading
    temporary: list[Table] = field(default_factory=list)
    starts: bool = False  # something has a result before any row was read
    missing: list[Missing] = field(default_factory=list)
    python_steps: tuple[ir.Operator, ...] = ()


def batching(
    planned: Planned, new: set[str], find: Find, empty: frozenset[str] = frozenset()
) -> Batching:
    """How the tables named by ``new`` are filled; see `filling` for ``find`` and ``empty``."""
    found = Filling()
    needs = Needs(planned, new, find, frozenset(), found, empty=empty, in_batches=True)
    needs.collect()
    if found.missing:
        return Batching(missing=found.missing)
    made = Batching()
    order = tuple(
        operator
        for operator in planned.changes
        if (operator in needs.asked or operator in needs.grouped)
        and not (not operator.inputs and operator.label in empty)
    )
    # In batches, what is asked of an operator is asked once.
    cuts = {op: found for op, all_found in needs.cuts.items() for found in all_found.values()}
    arrangements = shadowed(planned, new, needs, order, made)
    scheduler = Scheduler(
        operators=order,
        outputs=(),
        demand=Demand(delta=needs.read),
        arrangements=arrangements,
        dialect=planned.dialect,
        taken=set(planned.scheduler.taken),
        prefix=PREFIX,
        sources=frozenset(cuts),
        # What is there before any row is the row of a table, until the first batch.
        constant=whole_of(FIRST, "b"),
    )
    made.starts = any(starts(op) for op in order if op not in cuts)
    step = scheduler.step(frozenset(), first=made.starts)
    sql = RelationSQL(planned.dialect, arrangements)
    rows = read_from(cuts, made)
    for statement in step.statements:
        if isinstance(statement, StageDelta):
            operator = next(op for op in cuts if scheduler.delta_table(op) == statement.table)
            statement = taken(operator, cuts[operator], rows, statement.table, sql)
        if isinstance(statement, ClearDelta):
            made.temporary.append(statement.table)
        else:
            made.statements.append(statement)
    made.python_steps = tuple(scheduler.python_steps)
    return made


def shadow_name(table: str) -> str:
    return bounded(f"stepping_filling_{table}")


def shadowed(
    planned: Planned,
    new: set[str],
    needs: Needs,
    order: tuple[ir.Operator, ...],
    made: Batching,
) -> Arrangements:
    """What the batches keep: the new tables, and shadows of stored ones that they read."""
    delay: dict[ir.Operator, Arrangement] = {}
    state: dict[ir.Operator, KeyedState] = {}

    def kept(table: Table) -> Table:
        if table.name in new:
            return table
        made.shadows[table.name] = shadow(table, {table.name}, shadow_name)
        return made.shadows[table.name]

    for operator in dict.fromkeys((*order, *needs.before)):
        arrangement = planned.arrangements.delay.get(operator)
        if arrangement and (arrangement.table.name in new or operator in needs.before):
            delay[operator] = dataclasses.replace(arrangement, table=kept(arrangement.table))
        groups = planned.arrangements.state.get(operator)
        if groups and operator in order and operator not in needs.cuts:
            apart = set_apart(groups, PREFIX)
            state[operator] = dataclasses.replace(apart, table=kept(groups.table))
    views = {
        operator: dataclasses.replace(each, state=state[each.state.groups.operator])
        for operator, each in planned.arrangements.views.items()
        if operator in needs.before
    }
    return Arrangements(delay, state, views, planned.arrangements.flat)


def read_from(cuts: Mapping[ir.Operator, Standing], made: Batching) -> dict[str, Table]:
    """Number the tables that rows are read from; the tables of what is read, by their names."""
    rows: dict[str, Table] = {}
    for found in cuts.values():
        table = found.table
        if table.name in rows:
            continue
        number = len(rows) + 1
        rows[table.name] = dataclasses.replace(table, name=rows_name(number), indexes=())
        what = [f"{op.label} ({where_of(op)})" for op in cuts if cuts[op].table.name == table.name]
        made.sources.append(BatchSource(number, table, rows[table.name], ", ".join(what)))
    return rows


def taken(
    operator: ir.Operator,
    found: Standing,
    rows: Mapping[str, Table],
    delta: Table,
    sql: RelationSQL,
) -> Statement:
    """The rows of a batch as a change of the operator."""
    term = seen_through(whole_of(rows[found.table.name], "t0"), found.columns)
    outputs = [(name, term.columns[name]) for name in delta.names]
    select = sql.rows([(term, outputs)], delta.weight, consolidated=True, into=delta)
    return EmitDelta(delta, select, served(operator))
