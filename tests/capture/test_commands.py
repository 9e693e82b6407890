"""The commands for queries that follow tables."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from stepping.cli import main
from tests.capture.shop import captured, revenue, shop
from tests.support.place import Place

QUERIES = """
from tests.capture.shop import captured, revenue

graph, cache = captured(revenue, "deferred")
"""


@pytest.fixture
def queries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "shop_queries.py").write_text(QUERIES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "shop_queries:graph"


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(arguments))
    return result.exit_code, result.output


def test_refresh_and_repair(place: Place, queries: str) -> None:
    graph, _ = captured(revenue, "deferred")
    with shop(place) as (connection, writer):
        assert run("refresh", "--db", place.where)[0] == 1
        place.store(connection, graph)
        writer.do("INSERT INTO orders VALUES (1, 'ch', 1, '')")
        writer.do("INSERT INTO items VALUES (1, 1, 2, 5)")
        assert connection.execute("SELECT * FROM revenue_rows").fetchall() == []
        assert (
            "changed rows that wait: orders 1, items 1\n" in run("status", "--db", place.where)[1]
        )
        code, said = run("refresh", "--db", place.where)
        assert (code, said[:18]) == (0, "revenue: refreshed")
        rows = connection.execute("SELECT * FROM revenue_rows").fetchall()
        assert list(map(tuple, rows)) == [(10, "ch")]
        code, said = run("status", "--db", place.where)
        assert "  nothing waits\n" in said
        assert ("  refreshed 0:00:0" in said) == (place.name == "postgres")
        code, said = run("refresh", "nothing", "--db", place.where)
        assert code == 1
        assert "installed are: revenue" in said
        assert run("repair", queries, "--dry-run", "--db", place.where) == (0, "")
        on = "" if place.name == "sqlite" else " ON items"
        trigger = "stepping_items_insert" if place.name == "sqlite" else "stepping_insert"
        connection.execute(f"DROP TRIGGER {trigger}{on}")
        writer.do("INSERT INTO items VALUES (2, 1, 1, 5)")
        code, said = run("repair", queries, "--dry-run", "--db", place.where)
        assert (code, said) == (1, f"revenue: items: the trigger {trigger} is missing\n")
        assert run("repair", queries, "--db", place.where)[0] == 0
        rows = connection.execute("SELECT * FROM revenue_rows").fetchall()
        assert list(map(tuple, rows)) == [(15, "ch")]


def test_verify_without_code_folds_in_first_and_prints_no_empty_line(place: Place) -> None:
    graph, _ = captured(revenue, "deferred")
    with shop(place) as (connection, writer):
        place.store(connection, graph)
        writer.do("INSERT INTO orders VALUES (1, 'ch', 1, '')")
        writer.do("INSERT INTO items VALUES (1, 1, 2, 5)")
        code, said = run("verify", "--db", place.where, "--repair")
        assert code == 0
        assert said.startswith("revenue: "), said
        assert said.splitlines()[0].endswith("nothing differs")
        assert "\n\n" not in said
