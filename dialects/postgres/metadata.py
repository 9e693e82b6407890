"""Everything that a plan creates on Postgres as SQLAlchemy `MetaData`, made from its script."""

from __future__ import annotations

import re
from typing import Any

import sqlglot
from sqlalchemy import (
    DDL,
    Column,
    Identity,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Sequence,
    Table,
    event,
    literal_column,
)
from sqlalchemy import text as text_of
from sqlalchemy import types as sa
from sqlalchemy.dialects import postgresql as pg
from sqlglot import exp

from stepping.compiler.plan.sql_plan import SQLPlan
from stepping.dialects.base import Dialect
from stepping.dialects.identifiers import unquoted
from stepping.dialects.metadata import sqlalchemy_table, with_views
from stepping.errors import InternalError

_TYPES = {
    exp.DataType.Type.TEXT: sa.TEXT,
    exp.DataType.Type.INT: sa.INTEGER,
    exp.DataType.Type.BIGINT: sa.BIGINT,
    exp.DataType.Type.DOUBLE: pg.DOUBLE_PRECISION,
    exp.DataType.Type.BOOLEAN: sa.BOOLEAN,
    exp.DataType.Type.DATE: sa.DATE,
}


def plan_metadata(plan: SQLPlan, dialect: Any) -> MetaData:
    """Tables, columns, constraints and indexes of a plan, and the tables of our own."""
    metadata = MetaData()
    for each in plan.tables:
        sqlalchemy_table(each.table, dialect, metadata).comment = dialect.remark(each.table)
    for text in plan.script:
        if not text.startswith("CREATE"):
            continue
        tree = sqlglot.parse_one(text, dialect=dialect.sqlglot_name)
        if not isinstance(tree, exp.Create):
            continue
        match str(tree.args["kind"]).upper():
            case "TABLE":
                if tree.this.this.name not in metadata.tables:
                    _own_table(tree, metadata, dialect)
            case "INDEX":
                _index(tree, text, metadata)
            case "SEQUENCE":
                Sequence(tree.this.name, metadata=metadata)
    with_views(plan.tables, dialect, metadata)
    for each in plan.tables:
        for text in each.ddl:
            if text.startswith(("ALTER", "CREATE OR REPLACE FUNCTION")):
                whole = DDL(text.replace("%", "%%"))  # type: ignore[no-untyped-call]
                event.listen(metadata.tables[each.table.name], "after_create", whole)
    return metadata


def _own_table(tree: Any, metadata: MetaData, dialect: Dialect) -> None:
    columns: list[Any] = []
    keys: list[str] = []
    for part in tree.this.expressions:
        if isinstance(part, exp.PrimaryKey):
            keys += (each.name for each in part.expressions)
        elif isinstance(part, exp.ColumnDef):
            columns.append(_column(part, dialect))
            if any(isinstance(c.kind, exp.PrimaryKeyColumnConstraint) for c in part.constraints):
                keys.append(part.name)
    Table(tree.this.this.name, metadata, *columns, PrimaryKeyConstraint(*keys))


def _column(part: Any, dialect: Dialect) -> Column[Any]:
    constraints = [each.kind for each in part.constraints]
    extra: list[Any] = []
    options: dict[str, Any] = {"nullable": True}
    for each in constraints:
        match each:
            case exp.NotNullColumnConstraint() | exp.PrimaryKeyColumnConstraint():
                options["nullable"] = False
            case exp.DefaultColumnConstraint():
                options["server_default"] = text_of(each.this.sql(dialect=dialect.sqlglot_name))
            case exp.GeneratedAsIdentityColumnConstraint():
                extra.append(Identity(always=True))
    collation = next(
        (c.this.name for c in constraints if isinstance(c, exp.CollateColumnConstraint)), None
    )
    made: Column[Any] = Column(
        part.name,
        _type(part.kind, collation),
        *extra,
        autoincrement=bool(extra),
        **options,
    )
    return made


def _type(kind: Any, collation: str | None) -> Any:
    match kind.this:
        case exp.DataType.Type.ARRAY:
            return pg.ARRAY(_type(kind.expressions[0], None))
        case exp.DataType.Type.TIMESTAMPTZ:
            return pg.TIMESTAMP(timezone=True)
        case exp.DataType.Type.TEXT:
            return sa.TEXT(collation=collation)
        case exp.DataType.Type.VARBINARY:
            return pg.BYTEA()
        case known if known in _TYPES:
            return _TYPES[known]()
        case other:
            raise InternalError(f"no SQLAlchemy type is known for {other}")


def _index(tree: Any, text: str, metadata: MetaData) -> None:
    """An index, with the text of each expression as it is: Alembic compares that."""
    index = tree.this
    table = metadata.tables[index.args["table"].name]
    terms = []
    for each in _listed(text):
        descends = each.endswith(" DESC")
        value = each.removesuffix(" DESC")
        if value.startswith("("):
            value = value[1:-1]  # a call of a function needs none
        # As the column itself where it is one, so that reflection has the same to say of it.
        name = unquoted(value)
        term: Any = table.c[name] if name in table.c else literal_column(value)
        terms.append(term.desc() if descends else term)
    Index(index.name, *terms, _table=table)


def _listed(text: str) -> list[str]:
    """What stands in the parentheses of CREATE INDEX, a term each."""
    text = re.sub(r"(?<=\() | (?=\))", "", re.sub(r"\s+", " ", text))
    on = text.index(" ON ")
    found, depth, quote, start = [], 0, "", 0
    for position, character in enumerate(text[on:], on):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "(":
            depth += 1
            start = position + 1 if depth == 1 else start
        elif character in ",)" and depth == 1:
            found.append(text[start:position].strip())
            start = position + 1
        if not quote and character == ")":
            depth -= 1
    return found
