"""Kept tables of a plan as SQLAlchemy tables: what DDL is written from, and reflection reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy
from sqlalchemy import (
    DDL,
    CheckConstraint,
    Column,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    event,
)
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.expression import text
from sqlalchemy.types import UserDefinedType

from stepping.compiler.plan.manifest import SQLTable
from stepping.compiler.plan.tables import Table as PlanTable
from stepping.compiler.plan.tables import TableColumn
from stepping.compiler.schema import INT, bounded
from stepping.dialects.base import Dialect

NOT_NEGATIVE = "__not_negative"
_IS_2_0 = sqlalchemy.__version__.startswith("2.0.")
HOLDS = "stepping: digest"  # in a table's info: what tells that it is there by another name
_WITH = "postgresql_with"  # of tables, as SQLAlchemy 2.0 cannot say it


class Verbatim(UserDefinedType[Any]):
    """A type of the database's own, as the database writes it."""

    cache_ok = True

    def __init__(self, words: str) -> None:
        self.words = words

    def get_col_spec(self, **options: Any) -> str:
        return self.words


def _parameters(given: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in given.items())


def not_negative_name(table: str) -> str:
    """The name of the constraint that no count is below 0: its violation names the table."""
    return bounded(f"{table}{NOT_NEGATIVE}")


def sqlalchemy_table(plan: PlanTable, dialect: Any, metadata: MetaData) -> Table:
    """The SQLAlchemy table of a kept table, without what SQLAlchemy has no words for."""
    columns: list[Any] = [
        Column(
            column.name,
            dialect.sqlalchemy_type(column),
            nullable=dialect.allows_null(column),
            autoincrement=False,  # a key of one integer would else be a BIGSERIAL
        )
        for column in plan.columns
    ]
    weight = plan.weight or ""
    counted = dialect.sqlalchemy_type(TableColumn(weight, INT))
    columns.append(Column(weight, counted, nullable=False))
    if dialect.checks_count(plan):
        name = not_negative_name(plan.name)
        columns.append(CheckConstraint(text(dialect.count_condition(plan)), name=name))
    for each in dialect.checked(plan):
        condition = dialect.range_condition(plan, each)
        columns.append(CheckConstraint(text(condition.replace(":", "\\:")), name=each.constraint))
    identity = dialect.identity(plan)
    if identity:
        columns.append(PrimaryKeyConstraint(*identity))
    options = dialect.table_options(plan)
    stored_with = options.pop(_WITH, {}) if _IS_2_0 else {}
    table = Table(plan.name, metadata, *columns, **options)
    if stored_with:
        words = f"ALTER TABLE {dialect.quoted(plan.name)} SET ({_parameters(stored_with)})"
        event.listen(table, "after_create", DDL(words.replace("%", "%%")))  # type: ignore[no-untyped-call]
    for index in dialect.plain_indexes(plan):
        ascending = index.ascending or (True,) * len(index.columns)
        terms = [
            table.c[name] if up else table.c[name].desc()
            for name, up in zip(index.columns, ascending, strict=True)
        ]
        Index(index.name, *terms)
    return table


def with_views(tables: Iterable[SQLTable], dialect: Any, metadata: MetaData) -> None:
    """Let ``create_all`` and ``drop_all`` make and drop the views of kept tables, which say what
    they hold.
    """
    for each in tables:
        on = metadata.tables[each.table.name]
        on.info[HOLDS] = each.table.digest
        for view in each.views:
            create = DDL(view.ddl.replace("%", "%%"))  # type: ignore[no-untyped-call]
            event.listen(on, "after_create", create)
        for view in reversed(each.views):  # views of views first
            name = dialect.quoted(view.table.name)
            drop = DDL(f"DROP VIEW IF EXISTS {name}".replace("%", "%%"))  # type: ignore[no-untyped-call]
            event.listen(on, "before_drop", drop)


def create_statements(plan: PlanTable, dialect: Dialect, engine_dialect: Any) -> tuple[str, ...]:
    """``CREATE TABLE IF NOT EXISTS`` and its indexes."""
    table = sqlalchemy_table(plan, dialect, MetaData())
    create = str(CreateTable(table, if_not_exists=True).compile(dialect=engine_dialect))
    stored_with = dialect.table_options(plan).get(_WITH, {}) if _IS_2_0 else {}
    if stored_with:
        create = f"{create.rstrip()}\n WITH ({_parameters(stored_with)})"
    indexes = [
        CreateIndex(index, if_not_exists=True).compile(dialect=engine_dialect)
        for index in sorted(table.indexes, key=lambda index: str(index.name))
    ]
    return tuple(tidy(str(each)) for each in (create, *indexes))


def tidy(sql: str) -> str:
    """DDL as a person would write it."""
    lines = [line.replace("\t", "    ").rstrip() for line in sql.strip().splitlines()]
    return "\n".join(line for line in lines if line).replace("\n)\n ", "\n) ")
