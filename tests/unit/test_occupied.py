"""Names that a query needs and that something else has."""

from __future__ import annotations

import pytest

import stepping as st
from tests.support.place import Place


class Row(st.Data):
    k: int


cache = st.Cache[Row](name="rows")


def kept(rows: st.ZSet[Row]) -> st.ZSet[Row]:
    _ = cache[rows](lambda z: st.integrate(z))
    return rows


graph = st.compile(kept)


def refused(place: Place) -> st.SchemaMismatch:
    with place.connect() as connection, pytest.raises(st.SchemaMismatch) as caught:
        place.store(connection, graph)
    return caught.value


def test_a_table_last_update_of_the_application(place: Place) -> None:
    with place.connect() as connection:
        connection.execute("CREATE TABLE last_update (id INTEGER, at TEXT)")
    error = refused(place)
    assert "a table last_update in this database that is not stepping's: it has at, id" in str(
        error
    )
    assert "rename it" in str(error)
    with place.connect() as connection, pytest.raises(st.SchemaMismatch):
        st.plan(connection, graph)


def test_a_view_last_update_of_the_application(place: Place) -> None:
    with place.connect() as connection:
        connection.execute("CREATE VIEW last_update AS SELECT 1 AS one")
    assert "last_update" in str(refused(place))


def test_a_table_of_the_application_with_the_name_of_one_of_ours(place: Place) -> None:
    (name,) = graph.program(place.name).plan.kept
    with place.connect() as connection:
        connection.execute(f'CREATE TABLE "{name}" (k BIGINT, n BIGINT)')
    assert f"needs a table {name}" in str(refused(place))
    assert "knows nothing of" in str(refused(place))
    with place.connect() as connection:
        connection.execute(f'DROP TABLE "{name}"')
        connection.execute(graph.program(place.name).plan.tables[0].ddl[0])
        connection.execute(f'INSERT INTO "{name}" VALUES (1, 1)')  # noqa: S608
    assert "knows nothing of" in str(refused(place))
    with place.connect() as connection:
        connection.execute(f'DELETE FROM "{name}"')  # noqa: S608
        place.store(connection, graph)
        place.store(connection, graph)


def test_a_table_that_was_dropped_is_made_again(place: Place) -> None:
    (name,) = graph.program(place.name).plan.kept
    with place.opened(graph) as store:
        cascade = " CASCADE" if place.name == "postgres" else ""
        store.driver.connection.execute(f'DROP TABLE "{name}"{cascade}')
    with place.opened(graph) as store:
        (rows,) = st.actions(store, graph)
        rows.insert(Row(k=1))
        assert len(cache.zset(store)) == 1
