"""Uninstalled, nothing of a query remains, and nothing else goes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

import stepping as st
from stepping.cli import main
from tests.migrate.shop import HISTORY, KINDS, Shape, feed
from tests.migrate.test_batches import begun
from tests.support import shop
from tests.support.place import Place

ORDERED = Shape(best=True, counted=True, names=True, indexed=True)


def objects(place: Place) -> list[Any]:
    """Everything there is in a database, whatever it is."""
    if place.name == "sqlite":
        return sorted(place.read("SELECT type, name FROM sqlite_master"))
    schema = "= 'public'::regnamespace"
    return sorted(
        place.read(f"SELECT 'class', relname::text FROM pg_class WHERE relnamespace {schema}")  # noqa: S608
        + place.read(f"SELECT 'proc', proname::text FROM pg_proc WHERE pronamespace {schema}")  # noqa: S608
        + place.read(f"SELECT 'type', typname::text FROM pg_type WHERE typnamespace {schema}")  # noqa: S608
        + place.read("SELECT 'trigger', tgname::text FROM pg_trigger WHERE NOT tgisinternal")
    )


@pytest.fixture
def mine(place: Place) -> list[Any]:
    """A database with tables of the application, and what is in it."""
    with place.plain() as connection:
        connection.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY)")
        connection.execute("CREATE VIEW names AS SELECT id FROM customers")
    return objects(place)


def test_nothing_remains(place: Place, mine: list[Any]) -> None:
    graph = ORDERED.graph()
    for _ in range(2):  # and it can be installed again
        with place.opened(graph) as store:
            feed(store, ORDERED, HISTORY)
            st.actions(store, graph)[1].enqueue(insert=[])
            store.next_time()
            assert objects(place) != mine
            store.uninstall()
        assert objects(place) == mine


def test_another_query_stays(place: Place, mine: list[Any]) -> None:
    with place.opened(shop.graph, features=["queue", "times", "stages"]) as store:
        users, readings = st.actions(store, shop.graph)
        users.insert(shop.ANN)
        before = objects(place)
        with place.opened(ORDERED.graph()) as other:
            feed(other, ORDERED, HISTORY)
            other.next_time()
            other.uninstall()
        assert objects(place) == before
        assert set(place.times()) == set(store.plan.kept)
        for table in ("stepping_times", "stepping_queue", "stepping_iterations"):
            assert place.read(f"SELECT * FROM {table}") == []  # noqa: S608
        readings.insert(shop.reading(1, 5))
        assert st.verify(store).ok
        store.uninstall()
    assert objects(place) == mine


def test_a_store_that_is_open_elsewhere(place: Place) -> None:
    """Its next step fails and says so, whether another query is left or none."""
    graph = ORDERED.graph()
    for other in (None, shop.graph):
        with place.opened(graph) as store, place.opened(graph) as gone:
            feed(store, ORDERED, HISTORY[:3])
            if other is not None:
                place.store(gone.driver.connection, other)
            gone.uninstall()
            with pytest.raises(st.SchemaMismatch, match="has been uninstalled since"):
                feed(store, ORDERED, HISTORY[3:4])
            with pytest.raises(st.StoreError, match="install"):
                store.uninstall()


def test_in_a_transaction_that_is_rolled_back(place: Place) -> None:
    graph = ORDERED.graph()
    with place.opened(graph) as store:
        feed(store, ORDERED, HISTORY)
        before = objects(place), place.contents(graph)
        store.driver.connection.execute("BEGIN")
        store.uninstall()
        store.driver.connection.execute("ROLLBACK")
        assert (objects(place), place.contents(graph)) == before
        feed(store, ORDERED, HISTORY[:1])


def test_a_migration_that_is_half_done_comes_first(place: Place) -> None:
    begun(place)
    graph = KINDS["an operator is added"].old.graph()
    with place.opened(graph, create_tables=False) as store:
        with pytest.raises(st.MigrationError, match="half done"):
            store.uninstall()
        assert CliRunner().invoke(main, ["abandon", "--db", place.where]).exit_code == 0
        store.uninstall()
    assert objects(place) == []


def test_the_command(place: Place, mine: list[Any]) -> None:
    """By its name alone: the code may be gone."""
    with place.opened(ORDERED.graph()):
        pass
    command = ["uninstall", "receipts", "--db", place.where]
    kept = len(ORDERED.graph().program(place.name).plan.kept)
    asked = CliRunner().invoke(main, command, input="n\n")
    assert f"drop {kept} tables of receipts, with their rows?" in asked.output
    assert asked.exit_code == 1
    assert objects(place) != mine
    done = CliRunner().invoke(main, [*command, "--yes"])
    assert done.output == f"receipts: uninstalled; {kept} tables dropped\n"
    assert objects(place) == mine
    again = CliRunner().invoke(main, [*command, "--yes"])
    assert (again.exit_code, "nothing of stepping is installed" in again.output) == (1, True)


def test_what_is_suggested_where_a_field_was_renamed(place: Place) -> None:
    kind = KINDS["a field is renamed"]
    with place.opened(kind.old.graph()) as store:
        feed(store, kind.old, HISTORY)
    with place.connect() as connection:
        made = st.plan(connection, kind.new.graph())
        assert (
            "Product.price is gone and cost is new: if it is the same, say --rename" in made.summary
        )
        with pytest.raises(st.MigrationError) as caught:
            made.apply()
        hint = caught.value.hint or ""
        assert json.dumps({"Product.price": "cost"}).replace('"', "'") in hint
        assert "--rename Product.price=cost" in hint
        named = st.plan(connection, kind.new.graph(), renames=kind.renames)
        assert "if it is the same" not in named.summary
