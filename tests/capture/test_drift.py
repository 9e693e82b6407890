"""stepping check --db: what is not as it was installed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepping.runtime.drift import drift
from tests.capture.shop import captured, revenue, shop
from tests.capture.test_commands import QUERIES, run
from tests.support.place import Place

Do = Callable[[str], Any]


def on(place: Place, sqlite: str, postgres: str) -> str:
    return sqlite if place.name == "sqlite" else postgres


# What is done to the database, and what is found: a part of the text, or nothing.
CHANGES: list[tuple[str, str, str]] = [
    ("ALTER TABLE items ADD COLUMN note text", "ALTER TABLE items ADD COLUMN note text", ""),
    (
        "ALTER TABLE items RENAME COLUMN qty TO quantity",
        "ALTER TABLE items RENAME COLUMN qty TO quantity",
        "items has no column qty any more",
    ),
    (
        "",
        "DROP TRIGGER stepping_reads ON items; ALTER TABLE items ALTER COLUMN qty TYPE bigint",
        "items",
    ),
    ("", "DROP TRIGGER stepping_reads ON items", "items: the trigger stepping_reads is missing"),
    ("", "ALTER TABLE items ALTER COLUMN qty DROP NOT NULL", "items.qty may be NULL now"),
    (
        "DROP TRIGGER stepping_items_insert",
        "DROP TRIGGER stepping_insert ON items",
        "items: the trigger stepping_",
    ),
    ("", "ALTER TABLE items DISABLE TRIGGER USER", "items: the trigger stepping_"),
    ("DROP VIEW revenue_rows", "DROP VIEW revenue_rows", "revenue_rows is gone"),
]


@pytest.mark.parametrize(("sqlite", "postgres", "found"), CHANGES)
def test_what_is_found(place: Place, sqlite: str, postgres: str, found: str) -> None:
    graph, _ = captured(revenue, "immediate")
    with shop(place) as (connection, _):
        store = place.store(connection, graph)
        assert drift(store.driver, store.plan.manifest) == []
        text = on(place, sqlite, postgres)
        if not text:
            pytest.skip("SQLite has no such statement")
        connection.execute(text)
        said = drift(store.driver, store.plan.manifest)
        assert bool(said) == bool(found), said
        assert all(found in each for each in said)


# What takes triggers away, and what is left of them.
LOSSES = {
    "dropped": (
        ("DROP TRIGGER stepping_items_insert",),
        ("DROP TRIGGER stepping_insert ON items",),
        "items: the trigger stepping_",
    ),
    "switched off": (
        (),
        ("ALTER TABLE orders DISABLE TRIGGER USER",),
        "orders: the trigger stepping_",
    ),
    "rebuilt": (
        (
            "PRAGMA legacy_alter_table = ON",
            "CREATE TABLE new AS SELECT * FROM items",
            "DROP TABLE items",
            "ALTER TABLE new RENAME TO items",
        ),
        (),
        "items: the trigger stepping_",
    ),
}


@pytest.mark.parametrize("refresh", ["immediate", "deferred"])
@pytest.mark.parametrize("loss", LOSSES)
def test_status_says_what_goes_by_unseen(place: Place, loss: str, refresh: str) -> None:
    sqlite, postgres, found = LOSSES[loss]
    statements = sqlite if place.name == "sqlite" else postgres
    if not statements:
        pytest.skip("it takes no triggers away here")
    graph, _ = captured(revenue, refresh)
    with shop(place) as (connection, _):
        store = place.store(connection, graph)
        assert store.status().incomplete == ()
        assert "incomplete" not in run("status", "--db", place.where)[1]
        for each in statements:
            connection.execute(each)
        assert store.status().incomplete
        assert all(each.startswith(found) for each in store.status().incomplete)
        code, said = run("status", "--db", place.where)
        assert code == 0
        assert f"  incomplete: {found}" in said
        assert "`stepping repair revenue`" in said
        (status,) = json.loads(run("status", "--json", "--db", place.where)[1])
        assert status["incomplete"] == list(store.status().incomplete)
        code, said = run("repair", "revenue", "--db", place.where)
        assert code == 0, said
        assert store.status().incomplete == ()


def test_the_command(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop_queries.py").write_text(QUERIES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    graph, _ = captured(revenue, "deferred")
    with shop(place) as (connection, _):
        store: Any = place.store(connection, graph)
        assert run("check", "shop_queries:graph", "--db", place.where)[0] == 0
        connection.execute("ALTER TABLE items RENAME COLUMN qty TO quantity")
        code, said = run("check", "shop_queries:graph", "--db", place.where)
        assert code == 1, said
        assert "items has no column qty any more" in said
        assert drift(store.driver, store.plan.manifest)
