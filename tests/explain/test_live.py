"""What is asked of a database: rows, bytes, fan-out, and its own plans, with scans marked."""

from __future__ import annotations

import json
from typing import Any

import pytest

import stepping as st
from stepping.compiler.explain.check import Rules, problems
from tests.explain import queries
from tests.support.place import Place
from tests.support.shop import BOB, User, graph, reading


def filled(store: Any) -> None:
    users, readings = st.actions(store, graph)
    users.insert(*(User(id=i, name=f"u{i % 3}") for i in range(30)), BOB)
    readings.insert(*(reading(2, i, day) for i in range(4) for day in range(10)), reading(3, 1))


def test_rows_bytes_and_fan_out(place: Place) -> None:
    with place.opened(graph) as store:
        filled(store)
        found = st.explain(store).model
        for table in found.tables:
            ((rows,),) = place.read(f'SELECT count(*) FROM "{table.name}"')  # noqa: S608
            assert table.rows == rows
            assert table.bytes is None or table.bytes >= 4096
        assert all(table.bytes for table in found.tables) or place.name == "sqlite"
        step = next(step for step in found.steps if step.inputs == ("users",))
        assert step.cost is not None
        (join,) = (each for each in step.cost.lookups if each.by == ("user_id",))
        # Of user 2 there are 4 different values, the day is not kept; of user 3 one.
        assert (join.average, join.most, join.times) == (2.5, 4, 1.0)
        assert step.cost.rows is not None
        assert step.cost.rows > 2.5


def test_nothing_is_written_and_no_transaction_is_left_open(place: Place) -> None:
    with place.opened(graph) as store:
        filled(store)
        before = place.contents(graph)
        st.explain(store)
        assert not store.driver.in_transaction()
        assert place.contents(graph) == before


def test_the_plans_of_a_healthy_store_have_no_scan(place: Place) -> None:
    for query in (graph, queries.graph):
        with place.opened(query) as store:
            found = st.explain(store).model
            planned = [s for step in found.steps for s in step.statements if s.plan]
            assert planned
            assert not found.scans
            assert problems(found, Rules(max_fan_out=5)) == []


def test_a_scan_is_marked_with_its_operator(place: Place) -> None:
    """The index behind a join is dropped; of SQLite the table is made anew without its key."""
    with place.opened(graph) as store:
        filled(store)
        (table,) = (t.table for t in store.plan.tables if t.table.key == ("user_id",))
        with place.plain() as plain:
            if place.name == "postgres":
                for (index,) in plain.execute(
                    "SELECT indexname FROM pg_indexes WHERE tablename = %s", (table.name,)
                ).fetchall():
                    plain.execute(f'DROP INDEX "{index}"')
            else:
                columns = ", ".join(f'"{name}"' for name in (*table.names[::-1], table.weight))
                plain.execute(f'DROP TABLE "{table.name}"')
                key = ", ".join(f'"{name}"' for name in table.names[::-1])
                plain.execute(
                    f'CREATE TABLE "{table.name}" ({columns}, PRIMARY KEY ({key})) WITHOUT ROWID'
                )
        found = st.explain(store)
        (scan, *_) = found.model.scans
        assert scan.table == table.name
        assert scan.step == "users"
        assert f"<-- SCAN of {table.name}" in found.text
        assert f"SCAN of {table.name} when users changes" in found.text
        (problem, *_) = problems(found.model, Rules())
        assert f"a change of users reads all of {table.name}" in problem.what
        assert problem.where.rpartition(":")[0].endswith(".py")


def test_a_large_fan_out_is_a_problem(place: Place) -> None:
    with place.opened(graph) as store:
        filled(store)
        found = st.explain(store).model
        assert problems(found, Rules(max_fan_out=4)) == []
        (problem,) = problems(found, Rules(max_fan_out=3))
        assert "finds up to 4 rows" in problem.what
        assert "shop.py:" in problem.where


def test_json_is_stable(place: Place) -> None:
    with place.opened(graph) as store:
        data = json.loads(json.dumps(st.explain(store).to_dict()))
    assert data["version"] == 1
    assert list(data) == [
        "version",
        "query",
        "dialect",
        "fingerprint",
        "place",
        "live",
        "operators",
        "tables",
        "views",
        "steps",
        "registered",
        "script",
        "session_ddl",
        "relations",
        "capture",
        "scans",
    ]
    assert {
        "id",
        "label",
        "name",
        "place",
        "inputs",
        "incremental",
        "why",
        "runs",
        "python",
    } <= set(data["operators"][0])
    assert {"inputs", "statements", "cost", "locked"} <= set(data["steps"][0])
    with place.opened(graph) as store:
        again = json.loads(json.dumps(st.explain(store).to_dict()))
    assert again == data


@pytest.mark.parametrize("inside", [True, False])
def test_in_a_transaction_of_the_application(place: Place, inside: bool) -> None:
    with place.connect() as connection:
        store = place.store(connection, graph)
        filled(store)
        if inside:
            connection.execute("BEGIN")
        st.explain(store)
        assert store.driver.in_transaction() is inside
        if inside:
            connection.execute("ROLLBACK")
