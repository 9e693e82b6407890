# ruff: noqa: S608
"""Smallest and largest values of a group are read from the table's own index, if it has one."""

from __future__ import annotations

import random
from typing import Any

import pytest

import stepping as st
from tests.capture.test_concurrent import bag
from tests.support.place import Place

SELECT = (
    "SELECT order_id, max(price) AS high, min(price) AS low, count(*) AS n FROM items "
    "WHERE qty > 0 GROUP BY order_id"
)
INDEX = "CREATE INDEX items_price ON items (order_id, price)"


def made(connection: Any) -> random.Random:
    connection.execute(
        "CREATE TABLE items (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL, price INTEGER,"
        " qty INTEGER NOT NULL)"
    )
    pick = random.Random(1)
    for number in range(40):
        insert(connection, pick, number)
    return pick


def insert(connection: Any, pick: random.Random, number: int) -> None:
    values = f"{number}, {pick.randrange(5)}, {price(pick)}, {pick.randrange(3)}"
    connection.execute(f"INSERT INTO items VALUES ({values})")


def price(pick: random.Random) -> object:
    return pick.choice(["NULL", *range(9)])


def change(connection: Any, pick: random.Random, number: int) -> None:
    kind = pick.random()
    if kind < 0.4:
        insert(connection, pick, number)
    elif kind < 0.7:
        connection.execute(f"DELETE FROM items WHERE id % 17 = {pick.randrange(17)}")
    else:
        connection.execute(
            f"UPDATE items SET price = {price(pick)}, order_id = {pick.randrange(5)} "
            f"WHERE id % 13 = {pick.randrange(13)}"
        )


@pytest.mark.parametrize("refresh", ["immediate", "deferred"])
@pytest.mark.parametrize("indexed", [True, False])
def test_they_are_right(place: Place, refresh: str, indexed: bool) -> None:
    with place.connect() as connection:
        pick = made(connection)
        if indexed:
            connection.execute(INDEX)
        store = place.store(connection, st.sql(SELECT, name="highest", refresh=refresh))
        assert any("items" in name for name in store.plan.kept) is not indexed
        ((_, relation, live),) = store.plan.capture.relations
        for number in range(60):
            change(connection, pick, 100 + number)
            if refresh == "deferred" and live:
                assert bag(connection, f"SELECT * FROM {live}") == bag(connection, SELECT)
            if refresh == "deferred" and number % 6 == 5:
                store.refresh()
            if refresh == "immediate" or number % 6 == 5:
                assert bag(connection, f"SELECT * FROM {relation}") == bag(connection, SELECT)
        assert st.verify(store).ok


def test_an_index_that_comes_or_goes_changes_nothing_that_is_installed(place: Place) -> None:
    """What a query keeps is decided when it is installed."""
    graph = st.sql(SELECT, name="highest")
    with place.connect() as connection:
        made(connection)
        kept = place.store(connection, graph).plan.kept
        connection.execute(INDEX)
        assert place.store(connection, graph).plan.kept == kept
        assert st.plan(connection, graph).is_nothing
        place.store(connection, graph).uninstall()
        short = place.store(connection, graph).plan.kept
        assert len(short) < len(kept)
        connection.execute("DROP INDEX items_price")
        store = place.store(connection, graph)
        assert store.plan.kept == short
        assert st.plan(connection, graph).is_nothing
        change(connection, random.Random(3), 500)
        assert st.verify(store).ok
