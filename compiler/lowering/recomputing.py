"""The plan of verify: every table that can be is computed into a temporary one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import assert_never

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.lowering.arrangements import (
    Arrangement,
    Arrangements,
    KeyedState,
    set_apart,
)
from stepping.compiler.lowering.demand import Columns
from stepping.compiler.lowering.filling import filling
from stepping.compiler.lowering.meaning import StorageDigests
from stepping.compiler.lowering.needs import Filling, Find, Needs, in_base
from stepping.compiler.lowering.planned import Planned
from stepping.compiler.lowering.terms import Standing
from stepping.compiler.plan.recompute import Based, Compared, Fill, Recompute, Temporary, Unverified
from stepping.compiler.plan.sql_plan import Role
from stepping.compiler.plan.statements import (
    ClearDelta,
    EmitDelta,
    FoldInPython,
    MapInPython,
    MergeDelta,
    MergeGroups,
    MergeState,
    ReadDelta,
    StageDelta,
    Statement,
)
from stepping.compiler.plan.tables import Table, TableColumn, TableKind
from stepping.compiler.schema import INT, bounded
from stepping.dialects.base import Dialect
from stepping.errors import InternalError

PREFIX = "fill_"


def recompute_of(planned: Planned) -> tuple[Recompute, tuple[ir.Operator, ...]]:
    """How each table of a query is computed from the inputs that are stored; the Python steps."""
    base, why = based(planned)
    derived = {table.name for table in planned.arrangements.tables} - set(base)
    moved = shadowed(planned, derived)
    shadows = {name: shadow_name(name) for name in derived}
    is_captured = bool(moved.arrangements.base)
    find = in_base(moved) if is_captured else among(moved, set(base))
    begun = "" if is_captured else planned.name
    made = filling(moved, set(shadows.values()), find, begun=begun)
    assert not made.missing
    dialect = planned.dialect
    tables = [t for t in moved.arrangements.tables if t.name in shadows.values()]
    temporary = [(table.name, dialect.temporary_ddl(table)) for table in tables]
    temporary += [(table.name, dialect.session_ddl(table)) for table in made.temporary]
    made_of = Recompute(
        tuple(Temporary(name, ddl, dialect.drop_temporary(name)) for name, ddl in temporary),
        tuple(fill for each in made.statements for fill in fills(each, dialect)),
        tuple(
            compared(planned, table, shadows[table.name])
            for table in planned.arrangements.tables
            if table.name in derived
        ),
        tuple(Unverified(name, reason) for name, reason in why.items()),
        tuple(given_rows(planned, arrangement) for arrangement in kept_whole(planned, base)),
    )
    return made_of, tuple(moved.scheduler.python_steps)


def fills(statement: Statement, dialect: Dialect) -> list[Fill]:
    """A statement as text, with the tables that it is about."""
    match statement:
        case MergeState():
            reads = {statement.change.name}
        case EmitDelta() | MergeDelta() | MergeGroups() | MapInPython() | FoldInPython():
            reads = {each.name for each in statement.select.find_all(exp.Table)}
        case ClearDelta() | StageDelta() | ReadDelta():
            raise InternalError(f"a {type(statement).__name__} fills no table from others")
        case _:
            assert_never(statement)
    texts = (text for text in dialect.render(statement) if text.role is not Role.CHECK)
    return [Fill(text, statement.table.name, tuple(sorted(reads))) for text in texts]


def kept_whole(planned: Planned, base: Mapping[str, None]) -> list[Arrangement]:
    """Those of some tables that have rows with their counts."""
    return [each for each in planned.arrangements.delay.values() if each.table.name in base]


def given_rows(planned: Planned, arrangement: Arrangement) -> Based:
    """How a table is filled with rows of its operator that are given in a temporary table."""
    operator, table = arrangement.operator, arrangement.table
    moved = shadowed(planned, set())
    columns = moved.scheduler.delta_columns(operator, arrangement.reads)
    reason = f"the rows of {operator.label}"
    given = moved.scheduler.new_delta_table(f"given_{operator.label}", operator, columns, reason)
    found = Standing(given, {each.name: ir.ColumnRef(each.name, each.type) for each in columns})

    def find(each: ir.Operator, columns: Columns) -> Standing | None:
        return found if each is operator else None

    made = filling(moved, {table.name}, find)
    assert not made.missing
    return Based(
        table.name,
        StorageDigests().of(operator, arrangement.reads).hex(),
        given.names,
        given.name,
        given.weight or "",
        tuple(text for each in made.statements for text in planned.dialect.render(each)),
    )


def based(planned: Planned) -> tuple[dict[str, None], dict[str, str]]:
    """The tables that nothing else says the contents of, and why, for each."""
    base: dict[str, None] = {}
    why: dict[str, str] = {}
    if planned.arrangements.base:
        return base, why  # all is made of the application's tables
    known: set[str] = set()
    for operator in planned.changes:
        kept = planned.arrangements.delay.get(operator), planned.arrangements.state.get(operator)
        for each in reversed(kept):  # a state before the rows that are made of it
            if each is None:
                continue
            table = each.table
            reason = ""
            if not operator.inputs:
                reason = f"it is where the input {operator.label} is stored"
            else:
                found = Filling()
                find = among(planned, known)
                Needs(planned, {table.name}, find, frozenset(), found, there=known).collect()
                reason = "; ".join(
                    f"{m.operator.label}({', '.join(m.columns)}): {m.why}" for m in found.missing
                )
            known.add(table.name)
            if reason:
                base[table.name] = None
                why[table.name] = reason
    return base, why


def among(planned: Planned, tables: set[str]) -> Find:
    """Finds an operator's rows in its own delay table, if that is among some."""

    def find(operator: ir.Operator, columns: Columns) -> Standing | None:
        arrangement = planned.arrangements.delay.get(operator)
        if arrangement is None or arrangement.table.name not in tables:
            return None
        return standing_in(arrangement, columns)

    return find


def standing_in(arrangement: Arrangement, columns: Columns) -> Standing | None:
    """The columns of an operator in its own table, if that holds them all."""
    held = {}
    for name in columns:
        stored = arrangement.holding(name)
        if stored is None:
            return None
        held[name] = ir.ColumnRef(stored, arrangement.table.column(stored).type)
    return Standing(arrangement.table, held)


def shadow_name(table: str) -> str:
    return bounded(f"stepping_verify_{table}")


def shadowed(planned: Planned, tables: set[str]) -> Planned:
    """The same query, with other names for some of its tables."""
    delay = {
        op: Arrangement(each.operator, shadow(each.table, tables), each.columns, each.keys)
        for op, each in planned.arrangements.delay.items()
    }
    state = {
        op: set_apart(KeyedState(each.groups, shadow(each.table, tables), each.change), PREFIX)
        for op, each in planned.arrangements.state.items()
    }
    views = {
        op: dataclasses.replace(each, state=state[each.state.groups.operator])
        for op, each in planned.arrangements.views.items()
    }
    kept = planned.arrangements
    arrangements = Arrangements(delay, state, views, kept.flat, kept.moments, kept.base)
    scheduler = dataclasses.replace(
        planned.scheduler,
        arrangements=arrangements,
        delta_tables={},
        own_tables={},
        python_steps=[],
        prefix=PREFIX,
    )
    return dataclasses.replace(planned, arrangements=arrangements, scheduler=scheduler)


def shadow(table: Table, among: set[str], named: Callable[[str], str] = shadow_name) -> Table:
    """A table under another name, as are its indexes."""
    if table.name not in among:
        return table
    indexes = tuple(dataclasses.replace(index, name=named(index.name)) for index in table.indexes)
    return dataclasses.replace(table, name=named(table.name), indexes=indexes)


def compared(planned: Planned, table: Table, other: str) -> Compared:
    """What says where a kept table and a temporary one differ, and mends it."""
    dialect = planned.dialect
    weight = TableColumn(table.weight or "", INT)
    shown = (*dialect.differing_columns(table), dialect.identifier(weight.name))
    return Compared(
        table.name,
        other,
        table.columns,
        weight.name,
        table.key,
        table.kind is TableKind.STATE,
        table.serves,
        table.where,
        ", ".join(map(dialect.text, shown)),
        dialect.identity_terms(table),
        dialect.find_row(table),
        dialect.delete_row(table),
        dialect.insert_row(table),
    )
