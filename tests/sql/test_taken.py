"""The table of what is taken says what is so, and the page in docs/ is made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

import stepping as st
from stepping.compiler import ir
from stepping.compiler.operators.regroup import Regroup
from stepping.compiler.sql.taken import BY_GROUP, REFUSED, TAKEN, Construct, page
from tests.support.random_tables import DDL
from tests.support.sql_views import Database, Postgres, SQLite

CONSTRUCTS = [each for _, constructs in TAKEN for each in constructs]


def hold(database: Database, construct: Construct) -> None:
    graph = st.sql(construct.example, name="v", refresh=None)
    if construct.how == REFUSED:
        with pytest.raises(st.QueryError):
            database.store(graph)
        return
    store = database.store(graph)
    operators = ir.topological(*store.graph.caches.values())
    by_group = any(isinstance(each, Regroup) for each in operators)
    assert by_group == (construct.how == BY_GROUP), construct.example


def test_sqlite() -> None:
    for each in CONSTRUCTS:
        if "sqlite" in each.on:
            database = SQLite()
            database.script(DDL)
            hold(database, each)
            database.connection.close()


def test_postgres(postgres_db: str) -> None:
    database = Postgres(postgres_db)
    database.script(DDL)
    database.run("SET client_min_messages = warning")
    for each in CONSTRUCTS:
        if "postgres" in each.on:
            database.run("DROP SCHEMA IF EXISTS taken CASCADE")
            database.run("CREATE SCHEMA taken")
            database.run("SET search_path = taken")
            database.script(DDL)
            hold(database, each)
    database.connection.close()


def test_page() -> None:
    path = Path(__file__).parents[2] / "docs" / "what-sql-is-taken.md"
    assert path.read_text() == page(), f"{path.name} is not what the table says: write page() to it"
