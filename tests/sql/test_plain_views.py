"""SELECTs over plain views of the database: what those read is followed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import stepping as st
from stepping.cli import main
from tests.sql.test_selects import rows
from tests.support.place import Place
from tests.support.random_tables import DDL
from tests.support.sql_views import Database, Postgres, SQLite, Writer, watched_through

# One over another, one with names of its own, one with a WITH of a table's name, one of groups.
VIEWS = """
CREATE VIEW shown AS SELECT a, b, t FROM r WHERE b > 0;
CREATE VIEW named (x, y) AS SELECT shown.a, s.d FROM shown JOIN s ON s.a = shown.a;
CREATE VIEW hidden AS WITH s AS (SELECT a, e FROM r) SELECT a, e FROM s WHERE e > 0;
CREATE VIEW counted AS SELECT x, count(*) AS n, max(y) AS top FROM named GROUP BY x;
"""
SELECTS = {
    "one": "SELECT a, t FROM shown",
    "over_another": "SELECT n.x, n.y, r.e FROM named n LEFT JOIN r ON r.b = n.y",
    "twice": "SELECT p.x, q.y FROM named p JOIN named q ON p.x = q.y",
    "of_groups": "SELECT c.x, c.n, hidden.e FROM counted AS c, hidden WHERE hidden.a >= c.n",
    "in_a_subquery": "SELECT a FROM r WHERE b IN (SELECT y FROM named WHERE named.x = r.a)",
    "a_name_of_its_own": "WITH shown AS (SELECT y AS a FROM named) SELECT a FROM shown",
    "behind_a_with": "WITH q AS (SELECT x FROM counted) SELECT q.x, shown.b FROM q, shown",
    "recursive": "WITH RECURSIVE p AS (SELECT x FROM named UNION "
    "SELECT s.b FROM p JOIN s ON s.a = p.x) SELECT x FROM p",
}
ONLY_POSTGRES = {
    "qualified": "SELECT a FROM public.shown WHERE shown.b = 1",
    "qualified_with_alias": "SELECT q.a, shown.b FROM public.shown q JOIN shown ON q.a = shown.b",
    "quoted": 'SELECT "Of Ours" FROM "Mixed Case"',
}


@pytest.fixture
def sqlite() -> Iterator[Database]:
    database = SQLite()
    database.script(DDL + ";" + VIEWS)
    yield database
    database.connection.close()


@pytest.fixture
def postgres(postgres_db: str) -> Iterator[Database]:
    database = Postgres(postgres_db)
    database.script(DDL + ";" + VIEWS)
    database.run('CREATE VIEW "Mixed Case" AS SELECT b AS "Of Ours" FROM shown')
    yield database
    database.connection.close()


def through(database: Database, select: str) -> None:
    writer = Writer(database, rows(), random.Random(1))
    changed = watched_through(database, select, writer, start=30)
    assert changed > 1, "the result has never changed"


@pytest.mark.parametrize("name", sorted(SELECTS))
def test_sqlite(sqlite: Database, name: str) -> None:
    through(sqlite, SELECTS[name])


@pytest.mark.parametrize("name", sorted({**SELECTS, **ONLY_POSTGRES}))
def test_postgres(postgres: Database, name: str) -> None:
    through(postgres, {**SELECTS, **ONLY_POSTGRES}[name])


@pytest.fixture
def shop(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(tmp_path)
    with place.plain() as connection:
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, cents INTEGER)")
        connection.execute("CREATE VIEW dear AS SELECT id, cents FROM orders WHERE cents > 10")
    return place


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(arguments))
    return result.exit_code, result.output


def test_a_fault_in_a_view_is_shown_in_its_text(shop: Place) -> None:
    with shop.plain() as connection:
        connection.execute("CREATE VIEW late AS SELECT id, current_date AS today FROM dear")
    Path("of.sql").write_text("CREATE MATERIALIZED VIEW v AS\nSELECT * FROM late;\n")
    code, said = run("apply", "of.sql", "--db", shop.where)
    assert code == 1
    assert "view late:" in said
    assert "current_date is another tomorrow" in said.lower()


def test_a_view_that_is_changed_is_a_change_of_the_query(shop: Place) -> None:
    Path("of.sql").write_text("CREATE MATERIALIZED VIEW v AS\nSELECT id FROM dear;\n")
    db = ("--db", shop.where)
    assert run("apply", "of.sql", *db)[0] == 0
    with shop.plain() as connection:
        connection.execute("INSERT INTO orders VALUES (1, 11), (2, 3)")
        assert shop.read("SELECT id FROM v") == [(1,)]
        assert run("migrate", "of.sql", "--check", *db)[0] == 0
        connection.execute("DROP VIEW dear")
        connection.execute("CREATE VIEW dear AS SELECT id, cents FROM orders WHERE cents > 1")
    assert run("migrate", "of.sql", "--check", *db)[0] == 1
    assert run("apply", "of.sql", *db)[0] == 0
    assert sorted(shop.read("SELECT id FROM v")) == [(1,), (2,)]


def test_what_was_prepared_knows_views(shop: Place) -> None:
    Path("of.sql").write_text("CREATE MATERIALIZED VIEW v AS\nSELECT id FROM dear;\n")
    assert run("prepare", "of.sql", "--db", shop.where)[0] == 0
    code, said = run("explain", "of.sql")
    assert (code, "orders" in said) == (0, True), said


def test_a_result_of_another_query_is_followed_as_it_is(place: Place) -> None:
    """Also where it is a view, of the groups that are kept."""
    with place.plain() as connection:
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, cents INTEGER)")
    with place.connect() as connection:
        counted = st.sql("SELECT cents, count(*) AS n FROM orders GROUP BY cents", name="counted")
        place.store(connection, counted, scans=True)
        twice: Any = st.sql("SELECT cents FROM counted WHERE n > 1", name="twice")
        place.store(connection, twice, scans=True)
    with place.plain() as connection:
        connection.execute("INSERT INTO orders VALUES (1, 5), (2, 5), (3, 7)")
    assert place.read("SELECT cents FROM twice") == [(5,)]
