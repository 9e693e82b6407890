"""Integrals that are a table of the application: read where they are, in place of a copy.

An input of a captured query is such a table, and so are maps and filters of it. They are looked up
in the table itself, which has been changed already when a step runs: so they are *stored after*
(see `ir/moments.py`), and what was before is the table less the change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from stepping.compiler import ir
from stepping.compiler.lowering import names
from stepping.compiler.lowering.demand import Demand, Reading
from stepping.compiler.lowering.flattening import looked_up
from stepping.compiler.lowering.in_order import Asked, Served, order_of, served
from stepping.compiler.plan.base_tables import COPIED, IN_ORDER, BaseColumn, BaseTable
from stepping.compiler.plan.tables import Table, TableColumn, TableIndex, TableKind
from stepping.compiler.schema import free_name
from stepping.dialects.tables import TableRenderer
from stepping.errors import InternalError


@dataclass(frozen=True)
class InPlace:
    """How an operator's rows are made of a table's: its columns and conditions over the table's."""

    table: Table
    columns: Mapping[str, ir.Scalar]
    filters: tuple[ir.Scalar, ...] = ()
    orders: Mapping[Reading, Served] = field(default_factory=dict)

    def held(self, scalar: ir.Scalar) -> str | None:
        """The table's column that a scalar over the operator's columns is."""
        value = ir.substitute(scalar, self.columns)
        return value.name if isinstance(value, ir.ColumnRef) else None

    def lookup_columns(self, key: tuple[ir.Scalar, ...]) -> tuple[str, ...]:
        return tuple(self.held(scalar) or "" for scalar in key)


@dataclass(frozen=True)
class Base:
    """The tables of a captured query's inputs."""

    tables: Mapping[ir.Operator, Table] = field(default_factory=dict)
    described: Mapping[ir.Operator, BaseTable] = field(default_factory=dict)
    # Operators whose integral is not kept, but read in one of these tables.
    in_place: Mapping[ir.Operator, InPlace] = field(default_factory=dict)
    # Why others are kept that are looked up as well.
    copied: Mapping[ir.Operator, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.tables)


def base_table(operator: ir.Operator, described: BaseTable) -> Table:
    """An input's table, with the columns that the input's rows have."""
    reference = getattr(operator, "table", None)
    if reference is None:
        raise InternalError(f"{operator.label} is no table")
    columns = []
    for column in operator.schema.columns:
        found = described.column(reference.column(column.name))
        if found is None:
            raise InternalError(f"{described} has no column for {column.name}")
        columns.append(TableColumn(found.name, column.type, found.type, found.collation))
    return Table(
        described.read_as or described.name,
        TableKind.BASE,
        tuple(columns),
        None,
        schema="" if described.read_as else described.schema,
        indexes=tuple(TableIndex(each.name, each.columns) for each in described.indexes),
        reason=f"the application's table, read as the input {operator.label}",
        serves=operator.label,
        rows_of=str(operator.schema.type),
        node=operator.digest.hex(),
    )


def seen_in(operator: ir.Operator, tables: Mapping[ir.Operator, Table]) -> InPlace | None:
    """How an operator's rows are those of a table, seen through maps and filters."""
    steps: list[ir.Project | ir.Filter] = []
    while operator not in tables:
        relation = operator.delta(ir.Reads()) if operator.linear else None
        match relation:
            case ir.Project(ir.Read(source, ir.Moment.DELTA)):
                pass
            case ir.Filter(ir.Read(source, ir.Moment.DELTA)):
                pass
            case ir.Read(source, ir.Moment.DELTA) if source is not operator:
                operator = source
                continue
            case _:
                return None
        steps.append(relation)
        operator = source
    table = tables[operator]
    columns: Mapping[str, ir.Scalar] = {
        column.name: ir.ColumnRef(held.name, held.type)
        for column, held in zip(operator.schema.columns, table.columns, strict=True)
    }
    filters: list[ir.Scalar] = []
    for step in reversed(steps):
        if isinstance(step, ir.Filter):
            filters.append(ir.substitute(step.predicate, columns))
        else:
            columns = {name: ir.substitute(scalar, columns) for name, scalar in step.columns}
    # What can raise must not be reached by rows that a filter leaves out.
    if any(ir.is_partial(scalar) for scalar in (*columns.values(), *filters)):
        return None
    return InPlace(table, columns, tuple(filters))


# What reads rows of a table otherwise than by a key, and can do it in the application's.
_IN_PLACE = frozenset({ir.Accumulate, ir.First, ir.Regroup})


def read_in_place(
    demand: Demand, base: Base, kept: frozenset[ir.Operator], nulls_first: bool
) -> Base:
    """The operators whose integral is looked up and can be found in a table of the application,
    and why others cannot.

    ``kept`` are those that are stored whatever they are made of: caches. ``nulls_first``: where an
    ascending order has NULLs.
    """
    found, copied = {}, {}
    # A result of another query is no table: what is looked up in it is kept.
    tables = {op: table for op, table in base.tables.items() if not base.described[op].of}
    for operator, readings in demand.readings.items():
        probing = demand.probed.get(operator, set())
        if operator in kept or probing - _IN_PLACE:
            continue
        seen = seen_in(operator, tables)
        if seen is None:
            if probing and tables:
                copied[operator] = "they are rows of no one table"
            continue
        described = base.described[_input_of(operator)]
        orders: dict[Reading, Served] = {}
        for reading in readings:
            if reading.ascending is None:
                why = _looked_up(seen, reading, described if probing else None)
            else:
                order = _in_order(seen, reading, described, nulls_first)
                why = order if isinstance(order, str) else ""
                if isinstance(order, Served):
                    orders[reading] = order
            if why:
                if probing and described.is_described:
                    copied[operator] = why
                break
        else:
            found[operator] = replace(seen, orders=orders)
    return replace(base, in_place=found, copied=copied)


def _input_of(operator: ir.Operator) -> ir.Operator:
    while operator.inputs:
        (operator,) = operator.inputs
    return operator


def _in_order(
    seen: InPlace, reading: Reading, described: BaseTable, nulls_first: bool
) -> Served | str:
    """How an index of the table has the rows of a group in an order; or why none has."""
    columns = tuple(seen.held(scalar) or "" for scalar in reading.key[: reading.equal])
    filters = (each.part for each in seen.filters if isinstance(each, ir.Not))
    present = (each.part for each in filters if isinstance(each, ir.IsNull))
    without = frozenset(each.name for each in present if isinstance(each, ir.ColumnRef))
    order = order_of(
        [ir.substitute(each, seen.columns) for each in reading.key[reading.equal :]],
        (reading.ascending or ())[reading.equal :],
        without,
    )
    if not all(columns) or order is None:
        return "what rows are ordered by is no column of the table"
    if reading.picked and seen.filters:
        return "only some rows of the table are read, and an index has all of them"
    if reading.picked and not _has_row_ids(described):
        return "its rows have no number of their own"
    order = tuple(each for each in order if each.column not in columns)
    asked = Asked(columns, order, reading.picked)
    types = {column.name: column.type for column in seen.table.columns}
    if not reading.picked and (not order or order[0].nulls_first is not None):
        return "values that are none are among those in order"
    return served(asked, types, described, nulls_first)


def _has_row_ids(described: BaseTable) -> bool:
    """Whether SQLite finds a row by ``rowid``, which may be the name of a column as well."""
    taken = any(each.name.lower() == "rowid" for each in described.columns)
    return not (described.fact("without_rowid") or taken)


def _looked_up(seen: InPlace, reading: Reading, described: BaseTable | None) -> str:
    """Why the rows of a key are not looked up in the table; with ``described`` only by an index."""
    if reading.picked or not reading.key:
        return "all rows are read"
    columns = tuple(seen.held(scalar) or "" for scalar in reading.key)
    if not all(columns):
        return "what it is looked up by is no column of the table"
    if described is None or described.fact("order") == IN_ORDER:
        return ""
    if described.fact("order") == COPIED or not described.is_indexed(columns):
        return f"no index of {described} is by {', '.join(columns)}"
    return ""


def mixed(
    demand: Demand, in_place: Mapping[ir.Operator, InPlace]
) -> tuple[frozenset[ir.Operator], frozenset[ir.Operator]]:
    """Of the joins that are looked up in their sides: those that are stored after the step, since
    all their sides are; and those of which some sides are and others are not. None of the latter
    can be looked up, for it would be of no one moment.
    """
    after: set[ir.Operator] = set()
    torn: set[ir.Operator] = set()
    for operator in ir.topological(*demand.flat):
        if operator not in demand.flat:
            continue
        sides = {
            side
            for key in demand.flat_keys.get(operator, ())
            if (looked := looked_up(operator, key)) is not None
            for side in (looked.first, looked.second)
        }
        states = {"torn" if s in torn else s in in_place or s in after for s in sides}
        if states == {True}:
            after.add(operator)
        elif states - {False}:
            torn.add(operator)
    return frozenset(after), frozenset(torn)


def log_of(query: str, operator: ir.Operator, read: set[str]) -> Table:
    """The view of what has changed in an input's table and has not been folded in yet."""
    columns = tuple(TableColumn(c.name, c.type) for c in operator.schema.columns if c.name in read)
    return Table(
        names.waiting_name(query, operator.label),
        TableKind.LOG,
        columns,
        free_name("c", {column.name.lower() for column in columns}),
        reason=f"what has changed in the table of {operator.label} and is not in the results yet",
        serves=operator.label,
        where="",
        rows_of=str(operator.schema.type),
        node=operator.digest.hex(),
    )


def assumed(operator: ir.Operator, dialect: TableRenderer) -> BaseTable:
    """An input's table where there is no database to ask: as our own would be."""
    reference = getattr(operator, "table", None)
    if reference is None:
        raise InternalError(f"{operator.label} is no table")
    columns = tuple(
        BaseColumn(
            reference.column(c.name),
            dialect.column_type(TableColumn(c.name, c.type)).partition(" COLLATE")[0].lower(),
            c.type.nullable,
        )
        for c in operator.schema.columns
    )
    return BaseTable(reference.name, reference.schema, columns=columns)
