"""Delta tables on Postgres: what is planned for them, and that they do not grow."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

import stepping as st
from stepping.compiler.plan.sql_plan import Role
from stepping.dialects.postgres import delta_tables
from tests.support.place import Place
from tests.support.shop import ANN, User, graph, reading, totals

pytestmark = pytest.mark.usefixtures("each_stage_alone")


def rows_read(connection: psycopg.Connection[Any], tables: tuple[str, ...]) -> int:
    """How many rows of tables were read by an index or by scanning, so far."""
    connection.execute("SELECT pg_stat_force_next_flush()")
    row = connection.execute(
        "SELECT sum(coalesce(idx_tup_read, 0)) FROM pg_stat_user_indexes WHERE relname = ANY(%s)",
        (list(tables),),
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_a_plan_of_the_first_steps_does_not_scan_later(postgres_db: str) -> None:
    """What a step costs goes with the change, not with how much there is."""
    place = Place("postgres", postgres_db)
    with place.opened(graph) as store:
        users, readings = st.actions(store, graph)
        users.insert(ANN, time=st.Time(1, 0, True))
        for t in (2, 3):
            readings.insert(reading(1, t), time=st.Time(t, t - 1, True))
        many = [User(id=i, name=f"n{i}") for i in range(10, 3_000)]
        users.insert(*many)
        readings.insert(*(reading(user.id, 1) for user in many))
        connection = store.driver.connection
        before = rows_read(connection, store.plan.kept)
        readings.insert(reading(1, 4), time=st.Time(4, 3, True))
        assert 0 < rows_read(connection, store.plan.kept) - before < 100
        assert {p for p, _ in totals.zset(store).iter() if p.right == "Ann"} == {st.Pair(9, "Ann")}


def test_hash_joins_are_for_changes_only(postgres_db: str) -> None:
    """Only where several inputs change, two changes are joined."""
    program = graph.program("postgres")
    runs = {
        frozenset(step.inputs): [s.joins_changes for s in step.statements if s.role is Role.RUN]
        for step in program.plan.steps
    }
    assert not any(runs[frozenset({"users"})])
    assert not any(runs[frozenset({"readings"})])
    assert any(runs[frozenset({"users", "readings"})])


def test_delta_tables_do_not_grow(postgres_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody vacuums a temporary table: what was deleted from it stays there."""
    monkeypatch.setattr(delta_tables, "_TRUNCATED", 4)
    place = Place("postgres", postgres_db)
    with place.opened(graph) as store:
        readings = st.actions(store, graph)[1]
        st.actions(store, graph)[0].insert(ANN)
        sizes = []
        for t in range(1, 17):
            rows = [reading(1, 1, day=1_000 * t + i) for i in range(300)]
            readings.insert(*rows, time=st.Time(t, t - 1, True))
            row = store.driver.connection.execute(
                "SELECT sum(pg_relation_size(oid))::bigint FROM pg_class "
                "WHERE relpersistence = 't' AND relkind = 'r'"
            ).fetchone()
            sizes.append(row[0])
        assert max(sizes[8:]) <= max(sizes[:8])
        assert sum(pair.left for pair, _ in totals.zset(store).iter()) == 16 * 300
