"""Everything that a plan creates on SQLite as SQLAlchemy `MetaData`.

The script is run in memory and reflected, so that it is what Alembic will see in the database.
"""

from __future__ import annotations

import re

from sqlalchemy import DDL, MetaData, create_engine, event

from stepping.compiler.plan.sql_plan import SQLPlan
from stepping.dialects.base import Dialect
from stepping.dialects.identifiers import unquoted
from stepping.dialects.metadata import with_views

_ON = re.compile(r'^CREATE TRIGGER .*? ON ("(?:[^"]|"")+"|\w+)', re.DOTALL)


def plan_metadata(plan: SQLPlan, dialect: Dialect) -> MetaData:
    """Tables, columns, constraints and indexes; triggers are made by ``metadata.create_all``."""
    metadata = MetaData()
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        for text in plan.script:
            connection.exec_driver_sql(text)
        metadata.reflect(connection)
        found = connection.exec_driver_sql(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table'"
        )
        sql: dict[str, str] = dict(tuple(row) for row in found)
    engine.dispose()
    for name, table in metadata.tables.items():
        if sql[name].rstrip().upper().endswith("WITHOUT ROWID"):
            table.kwargs["sqlite_with_rowid"] = False
    for text in plan.script:
        on = _ON.match(text)
        if on:
            table = metadata.tables[unquoted(on.group(1))]
            create = DDL(text.replace("%", "%%"))  # type: ignore[no-untyped-call]
            event.listen(table, "after_create", create)
    with_views(plan.tables, dialect, metadata)
    return metadata
