"""Every kind of change: what a migration fills is what a fresh store has of the same history."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import stepping as st
from stepping.runtime import catalog
from stepping.runtime.apply import apply
from stepping.runtime.stores import driver_for
from tests.migrate.shop import HISTORY, KINDS, MORE, Kind, feed
from tests.support.place import Place, postgres_place

kinds = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def installed(place: Place, kind: Kind) -> None:
    with place.opened(kind.old.graph()) as store:
        feed(store, kind.old, HISTORY)


def planned(connection: Any, kind: Kind) -> st.MigrationPlan:
    return st.plan(
        connection, kind.new.graph(), renames=kind.renames, renamed_from=kind.renamed_from
    )


def digests(place: Place, graph: Any) -> dict[str, str]:
    """What each installed table holds, by the name that it has."""
    with place.connect() as connection:
        manifest = catalog.installed(driver_for(connection), graph.name).manifest()
    tables = [t for each in manifest.tables for t in (*(v.table for v in each.views), each.table)]
    return {each.name: each.digest for each in tables if "__" in each.name}


def contents(place: Place, graph: Any) -> dict[str, list[Any]]:
    """Every row of every table, by its digest, its columns by name."""
    found = {}
    with place.connect() as connection:
        manifest = catalog.installed(driver_for(connection), graph.name).manifest()
    for table in (each.table for each in manifest.tables):
        name = table.name
        with place.plain() as connection:
            cursor = connection.execute(f'SELECT * FROM "{name}"')  # noqa: S608
            columns = [each[0] for each in cursor.description]
            rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
        found[table.digest] = sorted((sorted(row.items()) for row in rows), key=repr)
    return found


def told_apart(place: Place, graph: Any) -> list[Any]:
    """`schema_of`, with the digest of each table and view for its name."""
    by_name = digests(place, graph)
    names = "|".join(re.escape(each) for each in sorted(by_name, key=len, reverse=True))
    rows = [
        tuple(re.sub(names, lambda m: by_name[m[0]], str(value)) for value in row)
        for row in schema_of(place)
    ]
    return sorted(rows)


def schema_of(place: Place) -> list[tuple[Any, ...]]:
    """Every table, index, trigger and constraint, as the database says it."""
    if place.name == "sqlite":
        sql = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"
        # A constraint keeps its name where its table gets another; it is told in errors only.
        return sorted(
            (a, b, re.sub(r"\s+", " ", re.sub(r"CONSTRAINT \S+", "CONSTRAINT", c).replace('"', "")))
            for a, b, c in place.read(sql)
        )
    columns = (
        "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns "
        "WHERE table_schema = 'public'"
    )
    indexes = "SELECT tablename, indexname, indexdef, '' FROM pg_indexes WHERE schemaname='public'"
    checks = (
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), '' "
        "FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace"
    )
    comments = (
        "SELECT relname, obj_description(oid, 'pg_class'), '', '' FROM pg_class "
        "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    parts = (columns, indexes, checks, comments)
    return sorted((row for sql in parts for row in place.read(sql)), key=repr)


@kinds
def test_the_new_tables_are_those_of_a_fresh_store(place: Place, fresh: Place, kind: Kind) -> None:
    installed(place, kind)
    graph = kind.new.graph()
    with place.connect() as connection:
        made = planned(connection, kind)
        apply(made.driver, made.up_sql)
        with pytest.raises(st.MigrationError, match="applied already"):
            apply(made.driver, made.up_sql)
    with fresh.opened(kind.new.graph()) as store:
        feed(store, kind.new, HISTORY, kind.convert)
    assert contents(place, graph) == contents(fresh, graph)
    assert told_apart(place, graph) == told_apart(fresh, graph)
    with place.opened(graph, create_tables=False) as store, fresh.opened(graph) as other:
        assert st.verify(store).ok
        feed(store, kind.new, MORE, kind.convert)
        feed(other, kind.new, MORE, kind.convert)
    assert contents(place, graph) == contents(fresh, graph)


@kinds
def test_the_way_back(place: Place, kind: Kind) -> None:
    installed(place, kind)
    old = kind.old.graph()
    before, schema = contents(place, old), schema_of(place)
    with place.connect() as connection:
        made = planned(connection, kind)
        down = made.down_sql
        apply(made.driver, made.up_sql)
        if not kind.undone:
            assert "There is no way back" in down
            with pytest.raises(Exception, match="there is no way back"):
                apply(made.driver, down)
            return
        apply(made.driver, down)
    assert contents(place, old) == before
    assert schema_of(place) == schema
    with place.opened(old, create_tables=False) as store:
        assert st.verify(store).ok
        feed(store, kind.old, MORE)


RENAMED = ["a field is renamed", "a key is renamed"]


@pytest.mark.parametrize("kind", [KINDS[name] for name in RENAMED], ids=RENAMED)
def test_a_renamed_field_writes_no_row_of_its_input(place: Place, kind: Kind) -> None:
    installed(place, kind)
    ((was, now),) = kind.renames.items()
    with place.connect() as connection:
        made = planned(connection, kind)
        (table,) = made.renamed
        assert table == "receipts__products"
        columns = f"RENAME COLUMN {was.rpartition('.')[2]} TO {now}"
        assert columns in made.up_sql
        assert f"INSERT INTO {table}" not in made.up_sql
        assert f"INSERT INTO {table}" not in made.down_sql
        assert f"{now} was {was.rpartition('.')[2]})" in made.summary


IN_SHELLS = ["an operator is added", "a key is renamed", "an index is added"]


@pytest.mark.parametrize("kind", [KINDS[name] for name in IN_SHELLS], ids=IN_SHELLS)
def test_scripts_run_in_the_databases_own_shell(place: Place, kind: Kind, tmp_path: Path) -> None:
    installed(place, kind)
    with place.connect() as connection:
        made = planned(connection, kind)
        script = tmp_path / "up.sql"
        script.write_text(made.up_sql)
    run_in_shell(place, script)
    with place.opened(kind.new.graph(), create_tables=False) as store:
        assert st.verify(store).ok
    again = run_in_shell(place, script, check=False)
    said = again.stdout + again.stderr
    assert "another is installed" in said or "does not exist" in said
    with place.opened(kind.new.graph(), create_tables=False) as store:
        assert st.verify(store).ok


def run_in_shell(
    place: Place, script: Path, *, check: bool = True
) -> subprocess.CompletedProcess[str]:
    if place.name == "sqlite":
        command, text = ["sqlite3", place.where], script.read_text()
    else:
        command = ["psql", "-X", "-v", "ON_ERROR_STOP=1", "-f", str(script), place.where]
        text = ""
    return subprocess.run(command, input=text, capture_output=True, text=True, check=check)


@kinds
def test_squawk_finds_nothing(kind: Kind, postgres_db: str, tmp_path: Path) -> None:
    place = postgres_place(postgres_db)
    installed(place, kind)
    with place.connect() as connection:
        made = planned(connection, kind)
        for text in (made.up_sql, made.down_sql):
            is_clean(text, tmp_path)


def is_clean(text: str, folder: Path) -> None:
    """Squawk has no finding in a script."""
    path = folder / "script.sql"
    path.write_text(text)
    squawk = Path(sys.executable).parent / "squawk"
    found = subprocess.run(
        [str(squawk), "--pg-version=15", str(path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )
    assert found.returncode == 0, found.stdout + text


def test_a_driver_for_each_connection(place: Place) -> None:
    with place.connect() as connection:
        assert driver_for(connection).dialect == place.name
    with pytest.raises(st.StoreError, match="expected a store or a connection"):
        driver_for(object())


def test_squawk_finds_nothing_in_naive_datetimes(postgres_db: str, tmp_path: Path) -> None:
    def seen(at: st.ZSet[datetime]) -> st.ZSet[datetime]:
        return st.distinct(at)

    with postgres_place(postgres_db).connect() as connection:
        is_clean(st.plan(connection, st.compile(seen)).up_sql, tmp_path)
