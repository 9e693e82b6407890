"""From a compiled query, or an open store, to what `explain` says of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from stepping.compiler import ir
from stepping.compiler.explain.model import (
    Cost,
    Index,
    Model,
    Operator,
    Part,
    PlanLine,
    Statement,
    Step,
    Table,
    View,
)
from stepping.compiler.explain.operators import described, groups_of
from stepping.compiler.lowering.arrange import where_of
from stepping.compiler.plan.base_tables import BaseTable, TableRef
from stepping.compiler.plan.sql_plan import Role, SQLPlan, SQLStatement, SQLStep, SQLTable
from stepping.compiler.plan.statistics import FanOut, PlanNode, TableSize
from stepping.compiler.plan.tables import TableKind

if TYPE_CHECKING:  # it parses SQL
    from stepping.compiler.explain.costs import Followed

SHORT = 1_000  # rows of a table that it may be right to read whole

_IN_PYTHON = (Role.PYTHON, Role.FOLD)
_WHAT = {
    Role.CLEAR: "empty the delta table",
    Role.STAGE: "load the changed rows",
    Role.RUN: "",
    Role.PYTHON: "Python step",
    Role.FOLD: "Python step",
    Role.READ: "the change of an output",
    Role.CHECK: "a count below 0, looked for where rows were removed",
}


class Database(Protocol):
    """What is asked of the connection of a store."""

    def sizes(self, tables: Sequence[str]) -> Mapping[str, TableSize]: ...

    def fan_out(
        self, table: str, columns: Sequence[str], schema: str = "", *, in_order: bool = True
    ) -> FanOut | None: ...

    def query_plans(self, statements: Sequence[str]) -> Sequence[Sequence[PlanNode]]: ...

    def described(self, table: TableRef) -> BaseTable | None: ...


def model_of(
    graph: Any,
    plan: SQLPlan,
    program: Any,
    database: Database | None = None,
    application: Database | None = None,
) -> Model:
    """Everything that is known of a planned query; with a database, what it holds as well.

    ``application`` is a database that has the application's tables, whether or not the query is
    installed there.
    """
    from stepping.dialects.installation import sections_of

    caches: dict[str, ir.Operator] = dict(program.caches)
    roots = (*program.outputs, *caches.values())
    groups = groups_of(roots, _inputs(graph, roots))
    tables: dict[str, list[str]] = {}
    for each in plan.tables:
        tables.setdefault(each.table.node, []).append(each.table.name)
    folds = {
        s.node: s.reason for step in plan.steps for s in step.statements if s.role is Role.FOLD
    }
    operators = described(groups, program.outputs, caches, tables, folds, graph.name)
    reader = _Reader(plan, operators, database, application or database)
    for group in groups:
        for node in group.nodes:
            reader.by_place.setdefault((node.label, where_of(node)), group.serial)
    return Model(
        query=plan.query,
        dialect=plan.dialect,
        fingerprint=plan.fingerprint,
        place=getattr(graph, "where", ""),
        live=database is not None,
        operators=operators,
        tables=reader.tables(),
        views=tuple(reader.views()),
        steps=tuple(reader.step(step) for step in plan.steps),
        registered=plan.registered,
        script=sections_of(plan),
        session_ddl=plan.session_ddl if any(s.fused is None for s in plan.steps) else (),
        relations=relations_of(plan),
        capture=tuple(logs_of(plan)),
    )


def relations_of(plan: SQLPlan) -> tuple[str, ...]:
    """The relations of a captured query's caches; with each the one that is right at any time."""
    if plan.capture is None:
        return ()
    return tuple(
        name if name == live or not live else f"{name}, or {live} with what waits"
        for _, name, live in plan.capture.relations
    )


def logs_of(plan: SQLPlan) -> Iterator[str]:
    """How changes of the application's tables get into the results."""
    from stepping.dialects.capture import log_name

    for each in plan.capture.inputs if plan.capture is not None else ():
        yield f"changes of {each.table} are written down in {log_name(each.table)} by triggers"


def _inputs(graph: Any, roots: Sequence[ir.Operator]) -> list[ir.Operator]:
    """The inputs in the order of the query's arguments, those that nothing reads as well."""
    there = {each.label: each for each in ir.topological(*roots) if not each.inputs}
    given = {each.label: each for each in getattr(graph, "inputs", ())}
    return [there.get(name, each) for name, each in given.items()]


@dataclass
class _Reader:
    """Reads a plan, and asks the database where there is one."""

    plan: SQLPlan
    operators: tuple[Operator, ...]
    database: Database | None
    application: Database | None = None
    fan_outs: dict[tuple[str, tuple[str, ...]], FanOut | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from stepping.dialects import get_dialect

        self.dialect = get_dialect(self.plan.dialect)
        self.measured: Mapping[str, TableSize] = (
            self.database.sizes(self.plan.kept) if self.database is not None else {}
        )
        self.kept = {each.table.name: each.table for each in self.plan.tables}
        self.followed = self.tables_followed()
        self.serials: dict[str, str] = {}
        self.by_place: dict[tuple[str, str], str] = {}
        for each in self.operators:
            for node in each.nodes:
                self.serials[node] = each.id

    def serial(self, node: str, label: str, where: str) -> str:
        """The operator that a statement is for."""
        return self.serials.get(node) or self.by_place.get((label, where), "")

    def tables_followed(self) -> dict[str, Followed]:
        """The application's tables, as they are now if there is a database to ask."""
        from stepping.compiler.explain.costs import Followed
        from stepping.dialects import capture_words

        found: dict[str, Followed] = {}
        capture = self.plan.capture
        for each in capture.inputs if capture is not None else ():
            table, name = each.table, str(each.table)
            if self.application is not None:
                table = self.application.described(TableRef(table.name, table.schema)) or table
            keys = (*found[name].keys, *each.keys) if name in found else each.keys
            found[name] = Followed(table, keys, capture_words(self.plan.dialect).index_ddl)
        return found

    # -- tables -------------------------------------------------------------------------------

    def tables(self) -> tuple[Table, ...]:
        sizes = self.measured
        return tuple(self.table(each, sizes.get(each.table.name)) for each in self.plan.tables)

    def views(self) -> Iterator[View]:
        for each in self.plan.tables:
            for view in each.views:
                table = view.table
                operator = self.serial(table.node, table.serves, table.where)
                yield View(table.name, operator, table.of, table.reason, view.ddl)

    def table(self, kept: SQLTable, size: TableSize | None) -> Table:
        table = kept.table
        columns = [(c.name, self.dialect.column_type(c)) for c in table.columns]
        made = Table(
            name=table.name,
            operator=self.serial(table.node, table.serves, table.where),
            reason=table.reason,
            grows=grows(kept),
            columns=(*columns, (table.weight or "", "count")),
            indexes=indexes_of(kept),
            ddl=kept.ddl,
        )
        if size is None:
            return made
        return replace(made, rows=size.rows, bytes=size.bytes, estimated=size.estimated)

    # -- steps --------------------------------------------------------------------------------

    def step(self, step: SQLStep) -> Step:
        from stepping.compiler.explain.costs import Reading, added_up

        reading = Reading(self.dialect.sqlglot_name, self.kept, self.fan_out, self.followed)
        reading.rows = {
            s.table: 1.0 for s in step.statements if s.role is Role.STAGE
        }  # one changed row
        statements: list[Statement] = []
        if step.fused is not None:
            statements.append(self.whole(step, reading))
        else:
            for serial, each in enumerate(step.statements, 1):
                statements.append(self.statement(serial, each, reading))
        if self.database is not None:
            statements = self.planned(statements)
        single = len(step.inputs) == 1
        lookups = added_up(reading.lookups)
        cost = Cost(
            statements=sum(each.role not in ("check",) for each in statements),
            lookups=lookups,
            rows=reading.written,
            python=sum(s.role in _IN_PYTHON for s in step.statements),
        )
        return Step(
            inputs=step.inputs,
            locked=step.tables if self.plan.capture is None else (),
            statements=tuple(statements),
            operators=self.reached(step.inputs),
            cost=cost if single else None,
        )

    def reached(self, inputs: Sequence[str]) -> tuple[str, ...]:
        """The operators that a change of the inputs can go through."""
        found: dict[str, None] = {}
        for each in self.operators:
            changed = any(serial in found for serial in each.inputs)
            if changed or (not each.inputs and each.name in inputs):
                found[each.id] = None
        return tuple(found)

    def whole(self, step: SQLStep, reading: Any) -> Statement:
        """A step that is one statement."""
        from stepping.compiler.explain.costs import parts_of

        fused = step.fused
        assert fused is not None
        texts = parts_of(fused.explain_sql, self.dialect.sqlglot_name)
        parts = tuple(
            Part(name, self.serial(node, label, where), label, where, texts.get(name, ""))
            for name, label, where, node in fused.parts
        )
        reading.statement(fused.explain_sql, {part.name: part.operator for part in parts})
        return Statement(
            serial=1,
            operator="",
            label="",
            where="",
            role="step",
            what="one statement; its parameters are arrays of the changed rows' columns",
            sql=fused.explain_sql,
            reads=tuple(reading.reads),
            writes=tuple(reading.writes),
            parts=parts,
        )

    def statement(self, serial: int, each: SQLStatement, reading: Any) -> Statement:
        reading.reads, reading.writes = {}, {}
        reading.operator = self.serial(each.node, each.operator, each.where)
        if each.role in (Role.RUN, Role.READ, *_IN_PYTHON):
            reading.statement(each.sql)
            if each.role in _IN_PYTHON:
                reading.rows[each.table] = 1.0
        return Statement(
            serial=serial,
            operator=reading.operator,
            label=each.operator,
            where=each.where,
            role=each.role.value,
            what=_WHAT[each.role],
            sql=each.sql,
            reads=tuple(reading.reads),
            writes=tuple(reading.writes),
            python=each.reason,
            at=each.fault,
            fills=each.table,
        )

    def fan_out(self, table: str, columns: tuple[str, ...]) -> FanOut | None:
        followed = self.followed.get(table)
        database = self.database if followed is None else self.application
        if database is None or not columns or (followed is None and table not in self.measured):
            return None
        key = (table, tuple(sorted(columns)))
        if key not in self.fan_outs:
            base = None if followed is None else followed.table
            name = table if base is None else base.name
            schema = "" if base is None else base.schema
            indexed = base is None or base.is_indexed(columns)
            self.fan_outs[key] = database.fan_out(name, key[1], schema, in_order=indexed)
        return self.fan_outs[key]

    # -- the database's own plans -------------------------------------------------------------

    def planned(self, statements: list[Statement]) -> list[Statement]:
        assert self.database is not None
        asked = [s for s in statements if s.role not in ("clear", "stage", "check")]
        plans = self.database.query_plans([s.sql for s in asked])
        found = {s.serial: nodes for s, nodes in zip(asked, plans, strict=True)}
        return [
            replace(s, plan=self.plan_lines(s.sql, found[s.serial])) if s.serial in found else s
            for s in statements
        ]

    def plan_lines(self, sql: str, nodes: Sequence[PlanNode]) -> tuple[PlanLine, ...]:
        aliases = self.aliases(sql) if any(node.whole for node in nodes) else {}
        return tuple(PlanLine(node.depth, node.text, self.scanned(node, aliases)) for node in nodes)

    def aliases(self, sql: str) -> Mapping[str, tuple[str, bool]]:
        """The kept table of each alias, and whether a LIMIT ends reading it early."""
        import sqlglot
        from sqlglot import exp

        from stepping.compiler.explain.costs import limit_of

        found: dict[str, tuple[str, bool]] = {}
        for table in sqlglot.parse_one(sql, dialect=self.dialect.sqlglot_name).find_all(exp.Table):
            if table.name in self.kept:
                select = table.find_ancestor(exp.Select)
                limited = select is not None and limit_of(select) is not None
                found.setdefault(table.alias or table.name, (table.name, limited))
        return found

    def scanned(self, node: PlanNode, aliases: Mapping[str, tuple[str, bool]]) -> str:
        """The kept table that a line of a plan reads whole, or ""."""
        if not node.whole or node.bounded:
            return ""
        name, limited = aliases.get(node.source, (node.source, False))
        size = self.measured.get(name)
        if node.chosen and size is not None and size.rows <= SHORT:
            return ""
        return name if name in self.kept and not limited else ""


def grows(kept: SQLTable) -> str:
    """How many rows a table has."""
    table = kept.table
    if table.kind is TableKind.STATE:
        if not table.key:
            return "it has one row"
        return f"it has a row for each {', '.join(table.key)} there is"
    if "(the query's arguments)" in f"({table.where})":
        return f"it has a row for each different row of {table.serves} in the columns it keeps"
    return f"it has a row for each different row of the result of {table.serves}"


def indexes_of(kept: SQLTable) -> tuple[Index, ...]:
    table = kept.table
    found = []
    if table.key:
        use = "one row per key" if table.kind is TableKind.STATE else "look-ups, and the row itself"
        found.append(Index("", table.key, use))
    for each in table.indexes:
        ordered = each.columns[each.equal :] if each.ascending else ()
        use = f"reads in the order of {', '.join(ordered)}" if ordered else "look-ups"
        found.append(Index(each.name, each.columns, use))
    return tuple(found)
