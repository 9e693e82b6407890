"""Several queries are verified, and repaired, each by itself: by names, by files, or all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.capture.shop import captured, shop
from tests.capture.test_commands import run
from tests.capture.test_modes import shouted
from tests.support.place import Place

# `first` and `last` read what stays, `broken` what a change takes away.
VIEWS = """
CREATE MATERIALIZED VIEW first AS SELECT country, count(*) AS n FROM orders GROUP BY country;
CREATE MATERIALIZED VIEW broken AS SELECT order_id, sum(qty) AS q FROM items GROUP BY order_id;
CREATE MATERIALIZED VIEW last AS SELECT code, count(*) AS n FROM orders GROUP BY code;
"""
CHANGES = {
    "renamed": ("ALTER TABLE items RENAME COLUMN qty TO quantity", "items has no column qty"),
    "gone": ("DROP TABLE items", "there is no table items any more"),
}


@contextmanager
def installed(place: Place, folder: Path) -> Iterator[tuple[Any, str]]:
    views = folder / "views.sql"
    views.write_text(VIEWS)
    with shop(place) as (connection, writer):
        writer.do("INSERT INTO orders VALUES (1, 'ch', 1, '')")
        writer.do("INSERT INTO items VALUES (1, 1, 2, 5)")
        code, said = run("apply", str(views), "--db", place.where)
        assert code == 0, said
        yield connection, str(views)


def spoil(place: Place, name: str) -> None:
    """Make what is kept of a view wrong."""
    with place.plain() as connection:
        kept = [t for (t,) in tables(place, connection) if t.startswith(f"{name}__")]
        for table in kept:
            connection.execute(f"DELETE FROM {table}")  # noqa: S608


def tables(place: Place, connection: Any) -> list[Any]:
    catalog = "SELECT name FROM sqlite_master WHERE type = 'table'"
    if place.name == "postgres":
        catalog = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    found: list[Any] = connection.execute(catalog).fetchall()
    return found


@pytest.mark.parametrize("by", ["all", "file", "names"])
@pytest.mark.parametrize("change", CHANGES)
def test_one_that_cannot_be_verified_stops_nobody(
    place: Place, tmp_path: Path, change: str, by: str
) -> None:
    with installed(place, tmp_path) as (connection, views):
        named = {"all": [], "file": [views], "names": ["first", "broken", "last"]}[by]
        statement, found = CHANGES[change]
        connection.execute(statement)
        code, said = run("verify", *named, "--db", place.where)
        assert code == 1, said
        assert "first: 1 table computed anew, nothing differs" in said
        assert "broken: cannot be verified: " in said
        assert found in said
        assert "last: 1 table computed anew, nothing differs" in said
        # What differs of the others is found, and mended.
        spoil(place, "last")
        code, said = run("verify", *named, "--db", place.where, "--repair", "--json")
        assert code == 1
        each = {one["query"]: one for one in json.loads(said)}
        assert {name: one["ok"] for name, one in each.items()} == {
            "first": True,
            "broken": False,
            "last": True,
        }
        assert len(each["last"]["repaired"]) == 1
        assert found in each["broken"]["failed"]
        assert not each["last"]["failed"]
        assert run("verify", "last", "--db", place.where)[0] == 0


def test_one_that_only_its_code_can_compute_stops_nobody(place: Place, tmp_path: Path) -> None:
    with installed(place, tmp_path) as (connection, _):
        place.store(connection, captured(shouted, "deferred")[0])
        code, said = run("verify", "--db", place.where)
        assert code == 1
        assert "shouted: cannot be verified: the query 'shouted' has Python steps" in said
        assert said.count("nothing differs") == 3


def test_names_are_those_of_installed_queries(place: Place, tmp_path: Path) -> None:
    with installed(place, tmp_path):
        assert run("verify", "first", "--db", place.where)[0] == 0
        for command in ("verify", "repair"):
            code, said = run(command, "first", "frist", "--db", place.where)
            assert code == 1
            assert "'frist' is not installed in this database" in said
            assert "installed are: broken, first, last" in said


def test_a_name_is_repaired(place: Place, tmp_path: Path) -> None:
    with installed(place, tmp_path) as (connection, _):
        sqlite = place.name == "sqlite"
        trigger = "stepping_items_insert" if sqlite else "stepping_insert"
        connection.execute(f"DROP TRIGGER {trigger}{'' if sqlite else ' ON items'}")
        connection.execute("INSERT INTO items VALUES (2, 1, 3, 5)")
        lost = f"broken: items: the trigger {trigger} is missing\n"
        assert run("repair", "first", "broken", "--dry-run", "--db", place.where) == (1, lost)
        code, said = run("repair", "broken", "--db", place.where)
        assert code == 0, said
        assert place.read("SELECT q FROM broken") == [(5,)]
        assert run("repair", "broken", "--dry-run", "--db", place.where) == (0, "")


def test_what_only_its_code_can_compute_is_not_repaired_by_name(place: Place) -> None:
    graph, _ = captured(shouted, "deferred")
    with shop(place) as (connection, _):
        place.store(connection, graph)
        code, said = run("repair", "shouted", "--db", place.where)
        assert code == 1
        assert "only its own code can compute the results of the query 'shouted'" in said
        assert "stepping repair MODULE:QUERY" in said
