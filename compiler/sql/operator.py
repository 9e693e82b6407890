"""A SELECT inside a query function, as an operator over Z-sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from stepping.compiler import ir
from stepping.compiler.frontend.rows import type_of
from stepping.compiler.frontend.tracing import current_trace, operator_of, origin, query_error
from stepping.compiler.operators.linear import Map
from stepping.compiler.plan.database import Database, KnownColumn
from stepping.compiler.schema import Atom, Kind, Schema, Struct, schema_of
from stepping.compiler.sql.compiling import selected
from stepping.compiler.sql.into import fitted
from stepping.compiler.sql.native import native
from stepping.compiler.sql.rows import function_of
from stepping.compiler.sql.text import Text
from stepping.compiler.sql.views import one_view
from stepping.compiler.zset import ZSet
from stepping.errors import InternalError


@ir.node
class Select(ir.Operator):
    """A SELECT over Z-sets, while no database has been asked for the types in it."""

    sources: tuple[ir.Operator, ...]
    names: tuple[str, ...]
    text: str
    rows: Struct

    @property
    def inputs(self) -> tuple[ir.Operator, ...]:
        return self.sources

    @property
    def schema(self) -> Schema:
        return schema_of(self.rows)

    def evaluate(self, *inputs: ZSet[Any]) -> NoReturn:
        raise InternalError("an expression of a SQL query has no meaning in Python")

    def delta(self, at: ir.Reads) -> NoReturn:
        raise InternalError("no database has been asked what a SELECT means")


def is_operator(tables: object) -> bool:
    """Whether ``tables=`` has Z-sets of the query function that is being traced."""
    return isinstance(tables, Mapping) and any(isinstance(z, ir.Traced) for z in tables.values())


def over(text: str, tables: Mapping[str, Any], into: Any) -> ir.Traced[Any]:
    """A SELECT over Z-sets, by the names that it has for them."""
    trace, at = current_trace(), origin()
    zsets = {name: operator_of(zset, "st.sql") for name, zset in tables.items()}
    if into is None:
        raise query_error(
            "the rows of a SELECT inside a query function have no class",
            'st.sql("SELECT ...", tables={...}, into=Revenue), with a field for each column',
        )
    rows = type_of(into)
    if not isinstance(rows, Struct) or not rows.is_row:
        raise query_error(f"into={into!r} is no row class", "class Revenue(st.Data): ...")
    if trace.database is None:
        trace.unbound = True
        whole = tuple(zsets.values())
        return ir.Traced(Select(whole, tuple(zsets), text, rows, origin=at, called="sql"))
    return ir.Traced(bound(Text(text, f"{at.file}:{at.line}"), zsets, into, rows, trace.database))


def bound(
    text: Text, zsets: Mapping[str, ir.Operator], into: Any, rows: Struct, database: Database
) -> ir.Operator:
    """The SELECT on a database."""
    view = one_view(text, "sql")
    given = {}
    for name, operator in zsets.items():
        columns = []
        for column in operator.schema.columns:
            try:
                of_type = database.type_of(column.type)
            except KeyError:
                raise query_error(
                    f"the column {column.name} of {name} is a {column.type}, which the SQL of "
                    f"{database.dialect} has no type for",
                    "st.map it to rows without it, or to a number or a text",
                ) from None
            columns.append(KnownColumn(column.name, of_type, column.type.nullable))
        given[name] = columns
    with database.asked(), database.having(given) as asked:
        found = selected(view, asked, zsets={n.lower(): op for n, op in zsets.items()})
    names, result = found.names, found.result
    fitted(into, names, result.outputs, found.parsed.text, database.dialect)
    outputs = dict(zip(names, result.outputs, strict=True))
    scalars = [
        as_own(outputs[name], field, name, text, database)
        for name, field in rows.fields
        if isinstance(field, Atom)
    ]
    function = function_of(rows, scalars)
    return Map(result.rows.operator, function, origin=origin(), called="sql")


def as_own(scalar: ir.Scalar, field: Atom, name: str, text: Text, database: Database) -> ir.Scalar:
    """A column of a SELECT as a value that Python has."""
    if scalar.type.native is None and scalar.type.kind is field.kind:
        infinite = scalar.type.infinite
        return native("{0}", (scalar,), field.with_infinities() if infinite else field)
    try:
        own = database.type_of(field)
    except KeyError:
        raise text.error(
            f"the column {name} cannot be a {field} on {database.dialect}",
            hint="make it a number or a text in the SELECT, or leave it out",
        ) from None
    words = database.cast(own)
    if own.collation:
        words = f"({words}) COLLATE {own.collation}"
    if field.kind is Kind.FLOAT:  # -0.0 is 0.0
        words = f"({words}) + 0.0"
        field = field.with_infinities()  # as a database's own may be
    if field.kind is Kind.DECIMAL:
        scale = field.scale
        words = "trim_scale(CAST({0} AS numeric))" if scale is None else words
        words = words if scale is None else f"CAST({{0}} AS numeric(38, {scale}))"
    return native(words, (scalar,), field)
