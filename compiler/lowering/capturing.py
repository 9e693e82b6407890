"""The plan of a captured query: what is installed beside the tables that it follows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.lowering import names
from stepping.compiler.lowering.arrangements import View
from stepping.compiler.lowering.filling import filling
from stepping.compiler.lowering.needs import in_base
from stepping.compiler.lowering.pieces import is_keyed
from stepping.compiler.lowering.planned import Planned
from stepping.compiler.lowering.recomputing import shadowed
from stepping.compiler.lowering.relation_sql import RelationSQL
from stepping.compiler.lowering.terms import changed_term, viewed_term
from stepping.compiler.plan.capture import Captured
from stepping.compiler.plan.sql_plan import CapturedInput, Fill, Role, SQLPlan, SQLStep
from stepping.compiler.plan.statements import (
    ClearDelta,
    EmitDelta,
    FoldInPython,
    MapInPython,
    MergeState,
    ReadDelta,
    Step,
)
from stepping.compiler.plan.tables import Table, TableColumn
from stepping.dialects.base import CHANGED, KEPT, Dialect
from stepping.dialects.capture import ChangedGroups, Live, PlannedCapture

Expression = Any  # a sqlglot expression


def with_capture(
    plan: SQLPlan, made: Planned, plain: Planned, captured: Captured, steps: Sequence[Step]
) -> SQLPlan:
    """The plan with what captures its inputs; ``plain`` is the same as it is filled.

    ``steps``: those of the plan as they were scheduled, the one for a change of any inputs last.
    """
    dialect = made.dialect
    inputs = tuple(_input(made, op, dict(captured.tables)[op.label]) for op in made.inputs)
    selects = {each.name: _decoded(made, op) for op, each in zip(made.inputs, inputs, strict=True)}
    changed = None
    if dialect.views_changes and not plan.python_steps and not plan.registered:
        each_step = [changed_groups(plan.query, step) for step in steps]
        at_once = [each for each in each_step if each is not None]
        if len(at_once) == len(steps):
            changed = at_once[-1]
            plan = dataclasses.replace(plan, steps=tuple(_as_run(dialect, plan, at_once)))
    live = _live(made, plan, dialect, changed)
    in_one = changed is not None or all(step.fused is not None for step in plan.steps)
    deltas = [] if in_one else _deltas(made)
    planned = PlannedCapture(
        plan,
        captured,
        inputs,
        selects,
        live,
        tuple(text for table in deltas for text in dialect.session_ddl(table)),
        tuple(table.name for table in deltas),
        fill_of(plain),
        changed,
    )
    own, capture = dialect.own_ddl(steps=False), dialect.captured(planned)
    regroups = any(isinstance(r, ir.Regroup) for op in made.changes for r in rules_of(op))
    capture = dataclasses.replace(capture, whole_groups=regroups)
    return dataclasses.replace(plan, capture=capture, own_ddl=own, session_ddl=())


def rules_of(operator: ir.Operator) -> Iterable[ir.Relation]:
    return ir.within(operator.delta(ir.Reads())) if operator.inputs else ()


def _input(made: Planned, operator: ir.Operator, reference: object) -> CapturedInput:
    base = made.arrangements.base
    described = base.described[operator]
    table = base.tables[operator]
    log = made.scheduler.logs[operator]
    held = dict(zip(operator.schema.names, table.columns, strict=True))
    read = tuple(held[name] for name in log.names)
    keys = {
        seen.orders[reading].columns
        if reading in seen.orders
        else tuple(filter(None, (seen.held(scalar) for scalar in reading.key)))
        for other, seen in base.in_place.items()
        if seen.table == table
        for reading in made.scheduler.demand.readings[other]
    }
    return CapturedInput(
        operator.label,
        described,
        tuple(dict.fromkeys((*(column.name for column in read), *described.position))),
        log.name,
        tuple(sorted(key for key in keys if key)),
        tuple(column.type for column in read),
    )


def _decoded(made: Planned, operator: ir.Operator) -> tuple[str, ...]:
    """The columns of an input, each as text over those of the log ``l``."""
    dialect = made.dialect
    table, log = made.arrangements.base.tables[operator], made.scheduler.logs[operator]
    held = dict(zip(operator.schema.names, table.columns, strict=True))
    texts = []
    for name in log.names:
        raw = exp.column(dialect.identifier(held[name].name), table="l")
        value = dialect.logged(table, held[name], raw)
        texts.append(dialect.text(exp.alias_(value, dialect.identifier(name))))
    return (
        *texts,
        dialect.text(exp.alias_(exp.column("stepping_c", table="l"), log.weight or "c")),
    )


def _deltas(made: Planned) -> list[Table]:
    scheduler = made.scheduler
    changes = [state.change for state in made.arrangements.state.values()]
    return [*changes, *scheduler.delta_tables.values(), *scheduler.own_tables.values()]


def _as_run(dialect: Dialect, plan: SQLPlan, changes: Sequence[ChangedGroups]) -> Iterator[SQLStep]:
    """Steps as one statement each, since no change of groups is written down on the way."""
    for made, changed in zip(plan.steps, changes, strict=True):
        statements, stages = (dialect.at_once(changed),), ((0, 1, made.tables),)
        yield dataclasses.replace(made, statements=statements, stages=stages, needs=((),))


def changed_groups(query: str, fold: Step) -> ChangedGroups | None:
    """The change of groups, if it is all that a fold computes and merges."""
    does = [each for each in fold.statements if not isinstance(each, ClearDelta)]
    parts = tuple(each for each in does if isinstance(each, EmitDelta))
    merges = [each for each in does if isinstance(each, MergeState)]
    if len(merges) != 1 or len(parts) + 1 != len(does) or references(fold) > MOST_REFERENCES:
        return None
    if parts[-1].table != merges[0].change:
        return None
    return ChangedGroups(names.changed_name(query), parts, merges[0])


def _live(
    made: Planned, plan: SQLPlan, dialect: Dialect, changed: ChangedGroups | None
) -> tuple[Live, ...]:
    """How each cache is read with what waits, in one query; none that an order is asked of."""
    operators = {name: op.inputs[0] for name, op in made.caches.items()}
    scheduler = dataclasses.replace(made.scheduler, outputs=tuple(operators.values()))
    step = scheduler.step(frozenset(op.label for op in made.inputs))
    made.scheduler.delta_tables.update(scheduler.delta_tables)
    if not is_one_query(step) or references(step) > MOST_REFERENCES:
        return ()
    found = []
    for position, (name, operator) in enumerate(operators.items()):
        cache = next(each for each in plan.caches if each.name == name)
        reads = [s for s in step.statements if isinstance(s, ReadDelta) and s.output == position]
        view = made.arrangements.views.get(operator)
        arms = () if view is None else _arms(made, view, cache.columns)
        text = dialect.live(
            step, reads, cache, distinct=is_keyed(operator), arms=arms, changed=changed
        )
        found.append(Live(name, text))
    return tuple(found)


def _arms(made: Planned, view: View, columns: Sequence[TableColumn]) -> tuple[Expression, ...]:
    """A cache that shows groups, in two parts: those that stay as they are, and those that do not.

    A condition on the key of the groups reaches the index of each.
    """
    sql = RelationSQL(made.dialect, made.arrangements)
    groups = view.state.groups
    state, change = view.state.table, made.arrangements.state[groups.operator].change
    keys = [(n, made.dialect.reference(change, n, CHANGED)) for n, _ in groups.keys]
    touched = (
        exp.select("1")
        .from_(sql.aliased(change, CHANGED))
        .where(*made.dialect.lookup(state, KEPT, keys, null_safe=True))
    )
    stay, become = (
        sql.term(term, [(each.name, term.columns[each.name]) for each in columns], None, None)
        for term in (viewed_term(view, KEPT), changed_term(view, change, CHANGED))
    )
    return stay.where(exp.Not(this=exp.Exists(this=touched))), become


def is_one_query(step: Step) -> bool:
    """Whether all that a step emits can be said without writing anything first."""
    in_python = any(isinstance(each, MapInPython | FoldInPython) for each in step.statements)
    return not in_python and not step.in_turn


# In one query a database may write out what is named several times, each time anew; and there is a
# limit: SQLite counts to 65,535 for each table.
MOST_REFERENCES = 4_000


def references(step: Step) -> int:
    """How often tables are named in a step as one query, if what it emits is written out."""
    counts: dict[str, int] = {}
    total = 0
    for each in step.statements:
        if isinstance(each, EmitDelta | ReadDelta):
            tables = (table.name for table in each.select.find_all(exp.Table))
            own = sum(counts.get(name, 1) for name in tables)
            if isinstance(each, EmitDelta):
                counts[each.table.name] = counts.get(each.table.name, 0) + own
            total += own
    return total


def fill_of(planned: Planned) -> Fill:
    """How every kept table is filled from the application's tables."""
    planned = shadowed(planned, set())  # with change tables of its own
    dialect = planned.dialect
    new = {table.name for table in planned.arrangements.tables}
    made = filling(planned, new, in_base(planned))
    assert not made.missing, made.missing
    session = [text for table in made.temporary for text in dialect.session_ddl(table)]
    statements = [
        text
        for each in made.statements
        for text in dialect.render(each)
        if text.role is not Role.CHECK
    ]
    dropped = tuple(dialect.drop_temporary(table.name) for table in made.temporary)
    return Fill(tuple(session), tuple(statements), dropped)
