"""Statistics that are wrong change no plan on SQLite: no step scans a kept table."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

import stepping as st
from tests.support.queries import CASES, Case

MANY = "1000000"  # rows, and rows for each key: as if no index told any two apart


def mislead(connection: sqlite3.Connection) -> None:
    """Say of each table and index that a look-up finds a million rows."""
    connection.execute("ANALYZE")
    connection.execute("DELETE FROM sqlite_stat1")
    found = connection.execute(
        "SELECT tbl_name, name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL "
        "UNION ALL SELECT name, name FROM sqlite_master WHERE type = 'table' "
        "AND upper(sql) LIKE '%WITHOUT ROWID' AND name NOT LIKE 'sqlite%'"
    ).fetchall()
    for table, index in found:
        columns = connection.execute("SELECT * FROM pragma_table_info(?)", (table,)).fetchall()
        counts = " ".join([MANY] * (len(columns) + 1))
        connection.execute("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", (table, index, counts))
    connection.execute("ANALYZE sqlite_master")


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_no_step_scans_a_kept_table(case: Case) -> None:
    graph: Any = case.graph
    with st.connection_sqlite(":memory:") as connection:
        store: Any = st.StoreSQLite.from_graph(connection, graph)
        assert not st.explain(store).to_dict()["scans"]
        mislead(connection)
        assert not st.explain(store).to_dict()["scans"]
