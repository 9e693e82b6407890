"""What is said where a sum is beyond what it is kept in: of which sum, and of which group."""

from __future__ import annotations

import sqlite3
from typing import Any

import psycopg
import pytest

import stepping as st

BIG = 2**63 - 1
DDL = "CREATE TABLE r (k integer PRIMARY KEY, g text, a bigint, b double precision)"
# A SELECT, rows of g, a and b for which its sum is too large, and what is said.
SQLITE = [
    ("SELECT sum(a) AS s FROM r", (None, BIG, 0.0), "the sum s does not fit in 64 bits;"),
    ("SELECT total(a) AS t FROM r", ("x", BIG, 0.0), "the sum t does not fit in 64 bits;"),
    ("SELECT g, sum(a) AS s FROM r GROUP BY g", (None, BIG, 0.0), "for the group NULL;"),
    ("SELECT g, avg(a) AS s FROM r GROUP BY g", ("x", BIG, 0.0), "the sum s .* for the group x;"),
]
POSTGRES = [
    ("SELECT sum(b) AS s FROM r", (None, 0, 1.7e308), "the sum s is beyond the largest float;"),
    (
        "SELECT g, sum(b) AS s FROM r GROUP BY g",
        (None, 0, 1.7e308),
        "the sum s is beyond the largest float for the group NULL;",
    ),
]


def told(store: Any, graph: Any, said: str) -> None:
    with pytest.raises(st.RowError, match=said) as found:
        store.refresh()
    assert "'v'" in str(found.value)
    assert "stepping:" not in str(found.value)
    with pytest.raises(st.RowError, match=said):
        list(graph.rows(store).iter())


@pytest.mark.parametrize(("select", "row", "said"), SQLITE)
def test_sqlite(select: str, row: tuple[Any, ...], said: str) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute(DDL)
    graph = st.sql(select, name="v", refresh="deferred")
    store = st.StoreSQLite.from_graph(connection, graph, scans=True)
    connection.executemany("INSERT INTO r VALUES (?, ?, ?, ?)", [(1, *row), (2, *row)])
    told(store, graph, said)
    connection.execute("DELETE FROM r WHERE k = 1")
    store.refresh()
    assert len(connection.execute("SELECT * FROM v").fetchall()) == 1
    connection.close()


@pytest.mark.parametrize(("select", "row", "said"), POSTGRES)
def test_postgres(postgres_db: str, select: str, row: tuple[Any, ...], said: str) -> None:
    with psycopg.connect(postgres_db, autocommit=True) as connection:
        connection.execute(DDL)
        graph = st.sql(select, name="v", refresh="deferred")
        store = st.StorePostgres.from_graph(connection, graph, scans=True)
        for k in (1, 2):
            connection.execute("INSERT INTO r VALUES (%s, %s, %s, %s)", (k, *row))
        told(store, graph, said)
        connection.execute("DELETE FROM r WHERE k = 1")
        store.refresh()
        assert len(connection.execute("SELECT * FROM v").fetchall()) == 1
