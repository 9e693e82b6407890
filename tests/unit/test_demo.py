"""The demo, on a few days of flights."""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

import stepping as st
from stepping.cli import main
from stepping.demo import MOST_DELAYED, airline_days, flights_query, routes
from stepping.demo.databases import PostgresSchema, SQLiteFile
from stepping.demo.run import compare, run

ROOT = Path(__file__).parent.parent.parent


def test_the_demo_on_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):  # the file is made anew
        shown = CliRunner().invoke(main, ["demo", "--days", "3"])
        assert shown.exit_code == 0, shown.output
        assert "2,699 flights in 3 batches, one per day" in shown.output
        assert "3 rows of airline_days are replaced" in shown.output
        assert "Checked: all 259 totals in 43 rows of airline_days and 173 rows of routes" in (
            shown.output
        )
        assert "sqlite3 stepping-demo.db .schema" in shown.output
    graph = st.compile(flights_query)
    with st.connection_sqlite("stepping-demo.db") as connection:
        store = st.StoreSQLite.from_graph(connection, graph, create_tables=False)
        # The script's own caches belong to its own graph; by name they are the same tables.
        assert len(airline_days.zset(store)) == 43
        _, first, _ = next(iter(routes.zset(store).iter_by_index(MOST_DELAYED)))
        assert first.dest == "Dallas Fort Worth Intl"
        renamed = {row.airline for row, _ in airline_days.zset(store)}
        assert "ExpressJet Airlines LLC" in renamed
        assert "ExpressJet Airlines Inc." not in renamed


def test_what_to_type_next_can_be_typed(tmp_path: Path) -> None:
    path = tmp_path / "a file.db"
    shown = CliRunner().invoke(main, ["demo", "--days", "1", "--file", str(path)])
    assert shown.exit_code == 0, shown.output
    commands = shown.output.partition("What to type next:\n")[2].splitlines()
    assert len(commands) == 4
    program = f"{sys.executable} -c 'from stepping.cli import main; main()'"
    for command in map(str.strip, commands):
        if command.startswith("sqlite3 ") and shutil.which("sqlite3") is None:
            continue
        text = command.replace("stepping ", f"{program} ", 1)
        found = subprocess.run(
            text if command.startswith("stepping ") else command,
            shell=True,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert found.returncode == 0, found.stderr
        assert found.stdout


def test_the_demo_on_postgres(postgres_db: str) -> None:
    for _ in range(2):  # the schema is made anew
        shown = CliRunner().invoke(main, ["demo", "--days", "2", "--postgres", postgres_db])
        assert shown.exit_code == 0, shown.output
        assert "schema stepping_demo of the database" in shown.output
        assert "Checked: all " in shown.output
        assert "psql " in shown.output


def test_a_password_is_not_printed() -> None:
    database = PostgresSchema("postgresql://ann:secret@db.example/shop")
    assert "secret" not in database.shell("SELECT 1")
    assert "user=ann" in database.shell("SELECT 1")
    without = PostgresSchema("postgresql://ann@db.example/shop")
    assert without.shell("SELECT 1") == "psql postgresql://ann@db.example/shop -c 'SELECT 1'"


def test_a_wrong_total_is_found(tmp_path: Path) -> None:
    database = SQLiteFile(tmp_path / "demo.db")
    console = Console(file=io.StringIO(), width=100)
    assert run(console, database, days=1)
    with sqlite3.connect(database.path) as plain:
        plain.execute("UPDATE raw_flights SET arr_delay = arr_delay + 1 WHERE id = 1")
    plain.close()
    text = io.StringIO()
    assert not compare(Console(file=text, width=100), database)
    assert "WRONG: of " in text.getvalue()
    assert "United Air Lines Inc." in text.getvalue()


def test_a_file_that_is_not_the_demos_is_left_alone(tmp_path: Path) -> None:
    database = tmp_path / "shop.db"
    with sqlite3.connect(database) as plain:
        plain.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
    plain.close()
    text = tmp_path / "notes.txt"
    text.write_text("do not lose this")
    for path in (database, text):
        before = path.read_bytes()
        shown = CliRunner().invoke(main, ["demo", "--days", "1", "--file", str(path)])
        assert shown.exit_code == 1
        assert "is there, and it is not a file of this demo\n  hint: " in shown.output
        assert path.read_bytes() == before


def test_a_file_that_cannot_be_made(tmp_path: Path) -> None:
    path = tmp_path / "no such folder" / "demo.db"
    shown = CliRunner().invoke(main, ["demo", "--days", "1", "--file", str(path)])
    assert shown.exit_code == 1
    assert "StoreError: " in shown.output
    assert "hint: name a file that can be written" in shown.output


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    url = f"postgresql://nobody@/none?host={tmp_path}"
    shown = CliRunner().invoke(main, ["demo", "--days", "1", "--postgres", url])
    assert shown.exit_code == 1
    assert "StoreError: cannot connect to Postgres: " in shown.output


def test_options_that_exclude_each_other() -> None:
    shown = CliRunner().invoke(main, ["demo", "--file", "x.db", "--postgres", "postgresql:///x"])
    assert shown.exit_code == 2
    assert "exclude each other" in shown.output


def test_the_demo_where_the_output_is_ascii(tmp_path: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "-c", "from stepping.cli import main; main()", "demo", "--days", "1"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert "Checked: all " in shown.stdout
