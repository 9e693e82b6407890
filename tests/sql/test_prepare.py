"""`stepping prepare` and `stepping types`: what a database said is enough later."""

from __future__ import annotations

import importlib
import sqlite3
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from stepping.cli import main

VIEWS = """
CREATE MATERIALIZED VIEW revenue AS
SELECT c.country, sum(o.cents) AS cents, count(*) AS orders
FROM orders o JOIN customers c ON c.name = o.customer WHERE o.cents > 10 GROUP BY c.country;

CREATE MATERIALIZED VIEW best AS SELECT country FROM revenue WHERE cents > 100;
"""
POSTGRES = """
CREATE TABLE customers (name text PRIMARY KEY, country text NOT NULL);
CREATE TABLE orders (
    id integer PRIMARY KEY, customer text NOT NULL, cents numeric(10,2), meta jsonb
);
CREATE INDEX ON orders (customer);
CREATE INDEX ON customers (country)
"""
SQLITE = """
CREATE TABLE customers (name TEXT NOT NULL PRIMARY KEY, country TEXT NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT NOT NULL, cents INTEGER, day DATE);
CREATE INDEX orders_customer ON orders (customer)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "views.sql").write_text(VIEWS)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_postgres(folder: Path, postgres_db: str) -> None:
    with psycopg.connect(postgres_db, autocommit=True) as connection:
        connection.execute(POSTGRES)
        url = ("--db", postgres_db)
        assert "not known yet" in run("ddl", "views.sql", "--dialect", "postgres").output
        assert run("prepare", "views.sql", *url).output.count("wrote") == 2
        assert run("prepare", "views.sql", *url, "--check").exit_code == 0
        assert run("ddl", "views.sql").output == run("ddl", "views.sql", *url).output
        assert run("check", "views.sql").exit_code == 0
        assert "best on postgres" in run("explain", "views.sql:best").output
        rows = run("types", "views.sql").output
        assert 'class Orders(st.Data, table="orders"):' in rows
        assert "    cents: Annotated[Decimal, st.Scale(2)] | None" in rows
        assert "# meta is of type jsonb" in rows
        assert run("types", "views.sql", "--out", "rows_of_views.py").exit_code == 0
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(folder)
            assert importlib.import_module("rows_of_views").Revenue(
                country="DE", cents=None, orders=1
            )
        connection.execute("ALTER TABLE orders ALTER cents TYPE numeric(12,3)")
        changed = run("prepare", "views.sql", *url, "--check")
        assert changed.exit_code == 1
        said = "the column orders.cents was numeric(10,2), and is numeric(12,3)"
        assert f"revenue: {said}" in changed.output
    (folder / "views.sql").write_text(VIEWS.replace("sum", "max"))
    assert "was not asked for this when it was prepared" in run("ddl", "views.sql").output


def test_sqlite(folder: Path) -> None:
    with sqlite3.connect(folder / "shop.db") as connection:
        connection.executescript(SQLITE)
    connection.close()
    assert run("prepare", "views.sql", "--db", "shop.db").exit_code == 0
    assert run("prepare", "views.sql", "--db", "shop.db", "--check").exit_code == 0
    assert run("ddl", "views.sql").output == run("ddl", "views.sql", "--db", "shop.db").output
    rows = run("types", "views.sql").output
    assert "    day: date | None" in rows
    assert "class Revenue(st.Data):\n    country: str" in rows
    with sqlite3.connect(folder / "shop.db") as connection:
        connection.execute("ALTER TABLE orders ADD COLUMN note TEXT")
    connection.close()
    changed = run("prepare", "views.sql", "--db", "shop.db", "--check")
    assert changed.exit_code == 1
    assert "the table orders was" in changed.output
