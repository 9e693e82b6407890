"""Triggers of a table that several queries follow, when they are gone: nobody is wrong unseen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import stepping as st
from stepping.runtime import catalog
from stepping.runtime.drift import drift
from stepping.runtime.stores import driver_for
from stepping.runtime.uninstall import uninstall
from stepping.runtime.verify_each import verify_installed
from tests.capture.shop import captured, shop
from tests.capture.test_commands import run
from tests.capture.test_modes import shouted
from tests.support.place import Place

VIEWS = """
CREATE MATERIALIZED VIEW totals AS SELECT order_id, sum(qty) AS total FROM items GROUP BY order_id;
CREATE MATERIALIZED VIEW counts AS SELECT order_id, count(*) AS n FROM items GROUP BY order_id;
CREATE MATERIALIZED VIEW dear AS SELECT order_id, unit_price FROM items WHERE unit_price > 5;
"""
ABOVE = "SELECT n, count(*) AS orders FROM counts GROUP BY n"
NEW = "CREATE MATERIALIZED VIEW most AS SELECT qty, count(*) AS n FROM items GROUP BY qty;\n"


@pytest.fixture
def views(tmp_path: Path) -> str:
    (tmp_path / "views.sql").write_text(VIEWS)
    (tmp_path / "new.sql").write_text(NEW)
    return str(tmp_path / "views.sql")


def lose(connection: Any, place: Place) -> None:
    """The triggers of items, and then a row that none of them sees."""
    if place.name == "sqlite":
        sql = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'items'"
        for (name,) in connection.execute(sql).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
    else:
        connection.execute("DROP TRIGGER stepping_insert ON items")
    connection.execute("INSERT INTO items VALUES (2, 1, 7, 9)")


@contextmanager
def lost(place: Place, views: str) -> Iterator[Any]:
    with shop(place) as (connection, _):
        connection.execute("INSERT INTO orders VALUES (1, 'ch', 1, '')")
        connection.execute("INSERT INTO items VALUES (1, 1, 2, 5)")
        code, said = run("apply", views, "--db", place.where)
        assert code == 0, said
        place.store(connection, st.sql(ABOVE, name="above", refresh="deferred"))
        lose(connection, place)
        yield connection


def right(place: Place, *names: str) -> bool:
    with place.connect() as connection:
        driver = driver_for(connection)
        return all(each.ok for each in verify_installed(driver) if each.query in names)


def test_repair_computes_all_that_follow_the_table(place: Place, views: str) -> None:
    with lost(place, views) as connection:
        assert not right(place, "totals", "counts", "dear")
        code, said = run("repair", f"{views}:totals", "--db", place.where)
        assert code == 0, said
        assert "counts: follows the same tables" in said
        connection.execute("INSERT INTO items VALUES (3, 1, 1, 6)")
        assert run("check", views, "--db", place.where)[0] == 0
        assert run("refresh", "above", "--db", place.where)[0] == 0
        assert right(place, "totals", "counts", "dear", "above")
        assert place.read("SELECT total FROM totals") == [(10,)]
        assert place.read("SELECT n FROM counts") == [(3,)]
        assert place.read("SELECT n, orders FROM above") == [(3, 1)]


MODULE = """
from tests.capture.shop import captured
from tests.capture.test_modes import shouted

graph, cache = captured(shouted, "deferred")
"""


def test_what_cannot_be_computed_keeps_the_sign(
    place: Place, views: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shouting.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    with shop(place) as (connection, _):
        connection.execute("INSERT INTO orders VALUES (1, 'ch', 1, '')")
        connection.execute("INSERT INTO items VALUES (1, 1, 2, 5)")
        code, said = run("apply", views, "--db", place.where)
        assert code == 0, said
        place.store(connection, captured(shouted, "deferred")[0])
        lose(connection, place)
        code, said = run("repair", views, "--db", place.where)
        assert code == 1
        assert "shouted as well may be wrong" in said
        assert "name shouted too" in said
        code, said = run("check", views, "--db", place.where)
        assert code == 1
        assert "is missing" in said
        code, said = run("repair", views, "shouting:graph", "--db", place.where)
        assert code == 0, said
        assert run("check", views, "shouting:graph", "--db", place.where)[0] == 0
        assert place.read("SELECT total FROM totals") == [(9,)]
        assert place.read("SELECT n FROM counts") == [(2,)]
        assert place.read("SELECT count(*) FROM shouted_rows") == [(2,)]


def test_a_new_query_is_not_installed_over_lost_triggers(place: Place, views: str) -> None:
    new = str(Path(views).parent / "new.sql")
    with lost(place, views):
        for command in ("apply", "check"):
            code, said = run(command, new, "--db", place.where)
            assert code == 1, said
            assert "'most' would not follow its tables" in said
            assert "stepping repair" in said
        with place.connect() as connection, pytest.raises(st.CaptureError, match="counts, dear"):
            place.store(connection, st.sql("SELECT qty FROM items", name="plain"))
        assert run("repair", f"{views}:dear", "--db", place.where)[0] == 0
        assert run("apply", new, "--db", place.where)[0] == 0
        with place.plain() as connection:
            connection.execute("INSERT INTO items VALUES (3, 1, 4, 1)")
        assert sorted(place.read("SELECT qty, n FROM most")) == [(2, 1), (4, 1), (7, 1)]


def test_uninstalling_one_leaves_the_sign_for_the_others(place: Place, views: str) -> None:
    with lost(place, views) as connection:
        driver = driver_for(connection)
        uninstall(driver, "dear")
        for name in ("totals", "counts"):
            found = drift(driver, catalog.installed(driver, name).manifest())
            assert any("is missing" in each for each in found)
        assert run("repair", f"{views}:counts", "--db", place.where)[0] == 0
        assert right(place, "totals", "counts")
