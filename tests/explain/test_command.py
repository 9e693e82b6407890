"""stepping explain, check, graph and ddl: what they print, and how they end."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import stepping as st
from stepping.cli import main
from stepping.compiler.explain import ddl_text
from tests.explain.queries import graph as names
from tests.migrate.test_changes import is_clean
from tests.support.place import Place
from tests.support.queries import CASES
from tests.support.shop import User, graph

SHOP, NAMES = "tests.support.shop:graph", "tests.explain.queries:graph"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def url_of(place: Place) -> str:
    return place.where if place.name == "postgres" else f"sqlite:///{place.where}"


def test_explain_of_a_database(place: Place, tmp_path: Path) -> None:
    with place.opened(graph) as store:
        users, _ = st.actions(store, graph)
        users.insert(*(User(id=i, name="x") for i in range(3)))
        expected = st.explain(store).text
    shown = run("explain", SHOP, "--db", url_of(place), "--all")
    assert shown.exit_code == 0, shown.output
    assert shown.stdout == expected
    short = run("explain", SHOP, "--db", url_of(place)).stdout
    assert ": 3 rows" in short
    one = run("explain", SHOP, "--db", url_of(place), "--sql", "users").stdout
    assert "When users changes" in one
    assert "When orders changes" not in one
    assert ": 3 rows" in shown.stdout
    page = tmp_path / "page.html"
    assert run("explain", SHOP, "--db", url_of(place), "--html", str(page)).exit_code == 0
    assert page.read_text().startswith("<!doctype html>")
    data = json.loads(run("explain", SHOP, "--db", url_of(place), "--json").stdout)
    assert data["live"] is True


def test_check_passes(place: Place) -> None:
    shown = run("check", SHOP, "--dialect", place.name, "--no-python-steps")
    assert (shown.exit_code, shown.stdout) == (
        0,
        f"shop on {place.name}: nothing to complain about\n",
    )
    with place.opened(graph):
        pass
    shown = run("check", SHOP, "--db", url_of(place), "--max-fan-out", "1")
    assert shown.exit_code == 0, shown.output


def test_check_fails_at_the_line(place: Place) -> None:
    shown = run("check", NAMES, "--dialect", place.name, "--no-python-steps")
    assert shown.exit_code == 1
    line = next(iter(shown.stdout.splitlines()))
    assert "tests/explain/queries.py:" in line
    assert "Python step" in line
    assert "shouted" in line
    assert run("check", NAMES, "--dialect", place.name).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["check", SHOP, "--max-fan-out", "9"], 2, "needs --db"),
        (["check", SHOP, "--max-fan-out", "0", "--db", "a"], 2, "0 is not in the range"),
        (["explain", SHOP, "--dialect", "oracle"], 2, "is not one of"),
        (["explain", SHOP, "--json", "--html", "x"], 2, "exclude each other"),
        (["explain", SHOP, "--sql", "users", "--input", "orders"], 2, "name two inputs"),
        (["explain", SHOP, "--dialect", "postgres", "--db", "a.db"], 2, "does not fit"),
        (["explain", SHOP, "--db", "none.db"], 1, "there is no file none.db"),
        (["explain", SHOP, "--db", "mysql://a/b"], 1, "no kind of database 'mysql'"),
        (["explain", SHOP, "--input", "order"], 1, "no input 'order'"),
        (["graph", SHOP, "a.gif"], 2, "neither .svg nor .png"),
        (
            ["explain", SHOP, "--db", "postgresql://u:secret@127.0.0.1:1/db"],
            1,
            "postgresql://u:***@127.0.0.1:1/db cannot be opened",
        ),
    ],
)
def test_what_cannot_be_done(arguments: list[str], status: int, message: str) -> None:
    shown = run(*arguments)
    assert shown.exit_code == status, shown.output
    assert message in shown.stderr
    assert "secret" not in shown.output
    assert "Traceback" not in shown.output


def test_a_query_that_is_not_installed(place: Place) -> None:
    with place.opened(names):
        pass
    shown = run("explain", SHOP, "--db", url_of(place))
    assert shown.exit_code == 1
    assert "the query 'shop' is not installed" in shown.stderr


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    file.write_text("no database at all, but long enough to be looked at as one\n" * 20)
    shown = run("explain", SHOP, "--db", str(file))
    assert shown.exit_code == 1
    assert "cannot be opened" in shown.stderr


def test_graph_draws(tmp_path: Path) -> None:
    for name in ("a.svg", "a.png"):
        assert run("graph", NAMES, str(tmp_path / name)).exit_code == 0
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
@pytest.mark.parametrize("query", [graph, names])
def test_ddl_is_what_create_tables_runs(query: object, dialect: str) -> None:
    plan = query.program(dialect).plan  # type: ignore[attr-defined]
    lines = ddl_text(query, dialect).splitlines()
    opening = ("SET lock_timeout = '5s'", "SET statement_timeout = '0'", "BEGIN")
    script = (*opening, *plan.script, "COMMIT") if dialect == "postgres" else plan.script
    assert "\n".join(line for line in lines if line and not line.startswith("--")) == "\n".join(
        f"{statement};" for statement in script
    )
    # A comment is above each object.
    for before, line in pairwise(lines):
        if line.startswith("CREATE "):
            assert before.startswith("-- ")


def test_squawk_finds_nothing(tmp_path: Path) -> None:
    """In the scripts of the queries that the laws hold: some of each kind."""
    some = [case.graph for case in list(CASES.values())[::8]]
    is_clean("\n".join(ddl_text(each, "postgres") for each in (graph, names, *some)), tmp_path)


def test_squawk_finds_nothing_in_naive_datetimes(tmp_path: Path) -> None:
    def seen(at: st.ZSet[datetime]) -> st.ZSet[datetime]:
        return st.distinct(at)

    is_clean(ddl_text(st.compile(seen), "postgres"), tmp_path)
