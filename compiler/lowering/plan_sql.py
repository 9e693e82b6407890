"""A traced query to the `SQLPlan` of one dialect: every phase behind tracing, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.frontend.index import ordering
from stepping.compiler.lowering.arrangements import Arrangement, Arrangements
from stepping.compiler.lowering.capturing import with_capture
from stepping.compiler.lowering.emptiness import cleared, with_deltas
from stepping.compiler.lowering.garbage import rarely_collected
from stepping.compiler.lowering.pieces import holds_all, is_keyed
from stepping.compiler.lowering.planned import planned, starts
from stepping.compiler.lowering.program import Options, Program
from stepping.compiler.lowering.scalar_sql import scalar_sql
from stepping.compiler.plan.capture import Captured
from stepping.compiler.plan.manifest import InputColumn, PlanInput, fingerprint_of
from stepping.compiler.plan.shown import Shown
from stepping.compiler.plan.sql_plan import (
    Role,
    SQLCache,
    SQLDelta,
    SQLOrder,
    SQLPlan,
    SQLStatement,
    SQLStep,
    SQLView,
    StoredInput,
)
from stepping.compiler.plan.statements import ClearDelta, ReadDelta, Served, Step
from stepping.compiler.plan.tables import Table, TableColumn, TableKind
from stepping.compiler.schema import Atom, Kind, free_name, query_prefix, schema_of, shown_names
from stepping.dialects import capturing_dialect, filling_dialect
from stepping.dialects.base import Dialect


@rarely_collected()
def plan_sql(
    name: str,
    outputs: tuple[ir.Operator, ...],
    caches: Mapping[str, ir.Operator],
    inputs: tuple[ir.Operator, ...],
    dialect: Dialect,
    options: Options,
    captured: Captured | None = None,
) -> Program:
    """Plan a query for a dialect."""
    roots = name, outputs, caches, inputs
    if captured is not None:
        capturing = capturing_dialect(dialect.name)
        dialect = capturing if captured.is_deferred else capturing.at_commit
    made = planned(*roots, dialect, options)
    outputs, caches, inputs, changes = made.outputs, made.caches, made.inputs, made.changes
    arrangements, scheduler = made.arrangements, made.scheduler
    names = [op.label for op in inputs]
    sets = [frozenset({each}) for each in names]
    if len(names) > 1:
        sets.append(frozenset(names))
    loaded = Loaded(dialect)
    scheduled = [scheduler.step(changed) for changed in sets]
    steps = tuple(sql_step(step, dialect, loaded) for step in scheduled)
    first = None
    if any(starts(op) for op in changes):
        first = sql_step(scheduler.step(frozenset(names), first=True), dialect, loaded)
    session = [each.change for each in arrangements.state.values()]
    session += [*scheduler.delta_tables.values(), *scheduler.own_tables.values()]
    plan = SQLPlan(
        query=name,
        dialect=dialect.name,
        fingerprint="",
        tables=made.tables,
        own_ddl=dialect.own_ddl(),
        session_ddl=tuple(text for table in session for text in dialect.session_ddl(table)),
        steps=steps,
        first=first,
        always=any(op.delays for op in changes),
        caches=tuple(
            sql_cache(cache, op, arrangements.seen(op.inputs[0]), dialect)
            for cache, op in caches.items()
        ),
        snapshots={
            position: sql_cache("", op, arrangements.seen(op.inputs[0]), dialect)
            for position, op in enumerate(outputs)
            if op.flow is ir.Flow.SNAPSHOT
        },
        allow_negative=options.allow_negative,
        inputs=tuple(plan_input(op) for op in inputs),
        stored_inputs=tuple(
            stored_input(op, arrangements.delay[op], dialect)
            for op in inputs
            if op in arrangements.delay and holds_all(arrangements.delay[op])
        ),
    )
    python_steps = tuple(each.digest.hex() for each in scheduler.python_steps)
    if python_steps:
        plan = replace(
            plan, python_steps=python_steps, unsupported_scalars=made.unsupported_scalars
        )
    texts = [s.sql for step in plan.steps for s in step.statements]
    texts += [s.fused.sql for s in plan.steps if s.fused]
    plan = replace(plan, registered=dialect.registered_in(texts))
    if captured is not None:
        plain = planned(*roots, filling_dialect(dialect.name), options)
        plan = with_capture(plan, made, plain, captured, scheduled)
    else:
        plan = with_relations(plan, caches, arrangements, dialect)
    plan = finished(plan, dialect)
    return Program(plan, tuple(scheduler.python_steps), outputs, caches)


def with_relations(
    plan: SQLPlan,
    caches: Mapping[str, ir.Operator],
    arrangements: Arrangements,
    dialect: Dialect,
) -> SQLPlan:
    """The plan with a view for each cache, by a name that stays over all versions of the query."""
    views: dict[str, list[SQLView]] = {}
    relations: list[Shown] = []
    taken = {t.name.lower() for e in plan.tables for t in (e.table, *(v.table for v in e.views))}
    for cache in plan.caches:
        operator = caches[cache.name].inputs[0]
        source = arrangements.seen(operator).table
        view = Table(
            name=free_name(f"{query_prefix(plan.query)}_{cache.name}", taken),
            kind=TableKind.VIEW,
            columns=cache.columns,
            weight=None,
            reason=f"the cache {cache.name!r} for any reader, a row as often as it is there",
            serves=source.serves,
            where=source.where,
            digest=source.digest,
            of=cache.table,
            node=source.node,
        )
        ddl = f"{dialect.create_view} {dialect.quoted(view.name)} AS\n"
        ddl += dialect.shown(cache, keyed=is_keyed(operator))
        views.setdefault(cache.kept, []).append(SQLView(view, ddl))
        relations.append(shown(cache, view.name, "", dialect))
    tables = (
        replace(each, views=(*each.views, *views.get(each.table.name, ()))) for each in plan.tables
    )
    return replace(plan, tables=tuple(tables), shown=tuple(relations))


def shown(cache: SQLCache, relation: str, live: str, dialect: Dialect) -> Shown:
    """What readers know a cache by."""
    columns = tuple((name, dialect.column_type(column)) for column, name in cache.named)
    return Shown(relation, columns, live)


@dataclass
class Loaded:
    """How delta tables are read and loaded, said once for each table and not once for each step."""

    dialect: Dialect
    known: dict[Table, SQLDelta] = field(default_factory=dict)

    def of(self, table: Table) -> SQLDelta:
        if table not in self.known:
            self.known[table] = sql_delta(table, self.dialect)
        return self.known[table]


def sql_step(step: Step, dialect: Dialect, loaded: Loaded) -> SQLStep:
    """A step as text, its stages by position."""
    texts: list[SQLStatement] = []
    starts: list[int] = []
    deltas = cleared(step.statements)
    table_free_prefix = 0
    for position, statement in enumerate(step.statements):
        if position in step.stages:
            starts.append(len(texts))
        texts += with_deltas(statement, dialect.render(statement), deltas)
        if position < step.table_free_prefix:
            table_free_prefix = len(texts)
    ends = [*starts[1:], len(texts)]
    stages = tuple(zip(starts, ends, step.stage_tables, strict=True))
    needs = tuple(tuple(map(loaded.of, each)) for each in step.stage_needs)
    fused, growing = dialect.fused(step)
    return SQLStep(
        step.inputs,
        tuple(texts),
        step.tables,
        stages,
        fused=fused,
        growing=growing,
        needs=needs,
        table_free_prefix=table_free_prefix,
        distinct=tuple(
            each.output for each in step.statements if isinstance(each, ReadDelta) and each.distinct
        ),
    )


def sql_delta(table: Table, dialect: Dialect) -> SQLDelta:
    """How the rows of a delta table are read and loaded by themselves."""
    by = Served(table.serves, table.where)
    weight = (TableColumn(table.weight, Atom(Kind.INT)),) if table.weight else ()
    columns = (*table.columns, *weight)
    select = exp.select(*(exp.column(dialect.identifier(column.name)) for column in columns))
    one, bulk, rows = dialect.stage_text(table)
    load = SQLStatement(
        Role.STAGE,
        one,
        by.operator,
        by.where,
        table=table.name,
        columns=table.columns,
        bulk_sql=bulk,
        bulk_rows=rows,
    )
    is_change = table.kind is TableKind.CHANGE
    return SQLDelta(
        table.name,
        columns,
        dialect.run(Role.RUN, select.from_(dialect.source(table)), by),
        load,
        dialect.render(ClearDelta(table, by))[0],
        table.key if is_change else (),
        ((ir.GROUP_OLD, ir.GROUP_NEW), *((e.old, e.new) for e in table.values))
        if is_change
        else (),
        is_change,
    )


def sql_cache(
    name: str, snapshot: ir.Operator, arrangement: Arrangement, dialect: Dialect
) -> SQLCache:
    """How a kept integral is read as rows, whole, by row, and in the order of its indexes."""
    table = arrangement.table
    schema = snapshot.schema
    held = [arrangement.holding(each) or "" for each in arrangement.operator.schema.names]
    columns = tuple(TableColumn(column.name, column.type) for column in schema.columns)
    keys: tuple[ir.RowFunction, ...] = getattr(snapshot, "keys", ())
    directions: tuple[tuple[bool, ...], ...] = getattr(snapshot, "directions", ())
    orders = tuple(
        sql_order(function, ascending, held, arrangement, dialect)
        for function, ascending in zip(keys, directions, strict=True)
        if function.scalars is not None
    )
    count = exp.select(exp.Count(this=exp.Star())).from_(dialect.source(table))
    return SQLCache(
        name,
        table.name,
        columns,
        dialect.read_table(table, held),
        dialect.read_table(table, held, match=held),
        dialect.text(count),
        orders,
        table.of,
        shown_names(schema),
    )


def stored_input(operator: ir.Operator, arrangement: Arrangement, dialect: Dialect) -> StoredInput:
    names = operator.schema.names
    held = [arrangement.holding(name) or "" for name in names]
    columns = tuple(TableColumn(column.name, column.type) for column in operator.schema.columns)
    match = dialect.read_table(arrangement.table, held, match=held)
    return StoredInput(operator.label, columns, names, match)


def sql_order(
    function: ir.RowFunction,
    ascending: tuple[bool, ...],
    held: list[str],
    arrangement: Arrangement,
    dialect: Dialect,
) -> SQLOrder:
    assert function.scalars is not None
    table = arrangement.table
    scalars, directions = ordering(function.scalars, ascending)
    ordered = arrangement.keys[scalars]
    by_scalar = dict(zip(scalars, ordered, strict=True))
    key = tuple(by_scalar[scalar] for scalar in function.scalars)
    order = list(zip(ordered, directions, strict=True))
    # Ties go by the whole row in column order.
    columns = arrangement.operator.schema.columns
    rest = [
        ir.ColumnRef(column.name, column.type)
        for column, name in zip(columns, held, strict=True)
        if name not in ordered
    ]

    def value(name: str) -> exp.Expression:
        found: exp.Expression = dialect.reference(table, arrangement.holding(name) or "")
        return found

    ties = [
        scalar_sql(scalar, value, dialect.spelling)
        for scalar in ordering(rest, [True] * len(rest))[0]
    ]
    types = tuple(
        TableColumn(name, column.type)
        for name, column in zip(key, schema_of(function.type).columns, strict=True)
    )
    return SQLOrder(
        function.digest.hex(),
        key,
        ascending,
        dialect.read_table(table, held, order=order, ties=ties),
        dialect.read_table(table, held, order=order, ties=ties, match=key),
        types,
    )


def finished(plan: SQLPlan, dialect: Dialect) -> SQLPlan:
    """The plan with its fingerprint, and what the catalog says of it."""
    follows = () if plan.capture is None else plan.capture.follows
    if plan.capture is not None:
        names = {cache: (relation, live) for cache, relation, live in plan.capture.relations}
        plan = replace(plan, shown=tuple(shown(c, *names[c.name], dialect) for c in plan.caches))
    print_of = fingerprint_of(plan.query, plan.dialect, plan.allow_negative, plan.tables, follows)
    plan = replace(plan, fingerprint=print_of)
    return replace(plan, install=installed(plan, dialect))


def plan_input(operator: ir.Operator) -> PlanInput:
    columns = (InputColumn(c.name, c.path, c.type) for c in operator.schema.columns)
    return PlanInput(operator.label, str(operator.schema.type), tuple(columns))


def installed(plan: SQLPlan, dialect: Dialect) -> tuple[str, ...]:
    """The rows that say what is installed; they stay as they are if they are there."""
    clocks = [(name, 0) for name in plan.kept]
    row = plan.manifest.row
    stands = bool(clocks) and plan.capture is None
    made = [dialect.insert_constants("last_update", ("table_name", "t"), clocks)] if stands else []
    return (
        *made,
        dialect.insert_constants("stepping_queries", tuple(row), [tuple(row.values())]),
    )
