"""Statistics that are wrong change no plan on SQLite: no step scans a kept table."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

import pytest

import stepping as st
from stepping.compiler.plan.sql_plan import Role
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


def say_there_are_few(connection: sqlite3.Connection) -> None:
    """Statistics of a table with 150 rows, in which every look-up finds one."""
    for table, index, counts in connection.execute("SELECT * FROM sqlite_stat1").fetchall():
        few = " ".join(["150"] + ["1"] * counts.count(" "))
        connection.execute(
            "UPDATE sqlite_stat1 SET stat = ? WHERE tbl = ? AND idx = ?", (few, table, index)
        )
    connection.execute("ANALYZE sqlite_master")


def filtered_by_reading_all(connection: sqlite3.Connection, graph: Any) -> list[str]:
    """Statements that read all of a table for a Bloom filter, or to find rows by their ids."""
    found = []
    for step in graph.program("sqlite").plan.steps:
        for statement in step.statements:
            if statement.role not in (Role.CLEAR, Role.STAGE):
                rows = connection.execute(f"EXPLAIN QUERY PLAN {statement.sql}")
                lines = [detail for *_, detail in rows]
                whole = [line for line in lines if re.match(r"BLOOM FILTER|SCAN m( |$)", line)]
                found += [statement.sql] if whole else []
    return found


class Row(st.Data):
    key: int
    value: int


def matching_large(a: st.ZSet[Row], b: st.ZSet[Row]) -> st.ZSet[st.Pair[Row, Row]]:
    by_key = st.Index.pick(Row, lambda r: r.key)
    pairs = st.join(a, b, on_left=by_key, on_right=by_key)
    return st.filter(pairs, f=lambda p: p.left.value > 3 and p.right.value > 5)


def first_rows(a: st.ZSet[Row]) -> st.ZSet[Row]:
    return st.first_n(a, index=st.Index.pick(Row, lambda r: r.value), n=3)


def reached(a: st.ZSet[int], b: st.ZSet[Row]) -> st.ZSet[int]:
    by_key = st.Index.pick(Row, lambda r: r.key)

    def onwards(found: st.ZSet[int]) -> st.ZSet[int]:
        edges = st.join(found, b, on_left=st.Index.identity(int), on_right=by_key)
        return st.map(edges, f=lambda p: p.right.value)

    return st.fixpoint(a, onwards)


@pytest.mark.parametrize("query", [matching_large, first_rows, reached])
def test_a_table_said_to_be_small_is_not_read_as_a_whole(query: Any) -> None:
    graph: Any = st.compile(query)
    with st.connection_sqlite(":memory:") as connection:
        store: Any = st.StoreSQLite.from_graph(connection, graph)
        actions = st.actions(store, graph)
        if query is reached:
            actions[0].insert(*range(150))
        for action in actions[1:] if query is reached else actions:
            action.insert(*(Row(key=i, value=i) for i in range(150)))
        connection.execute("ANALYZE")
        assert not filtered_by_reading_all(connection, graph)


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_no_step_scans_a_kept_table(case: Case) -> None:
    graph: Any = case.graph
    with st.connection_sqlite(":memory:") as connection:
        store: Any = st.StoreSQLite.from_graph(connection, graph)
        assert not st.explain(store).to_dict()["scans"]
        mislead(connection)
        assert not st.explain(store).to_dict()["scans"]
        say_there_are_few(connection)
        assert not filtered_by_reading_all(connection, graph)
