"""verify --repair mends every kind of view over tables of the application.

Rows are written while the triggers of the table are off, so that what is kept is wrong: verify
finds that, repair mends it, and what is shown is what the SELECT says, whatever the types of its
columns are, and whether they may be NULL.
"""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from stepping.cli import main
from tests.support.place import Place

# The types of columns, and values of each.
POSTGRES = {
    "integer": ("-1", "7", "2147483647"),
    "bigint": ("0", "9007199254740993"),
    "smallint": ("1", "2"),
    "text": ("'a'", "'A'", "''", "'it''s'"),
    "varchar(9)": ("'a'", "'b%'"),
    "char(3)": ("'a'", "'bc'"),
    "date": ("'2024-02-29'", "'infinity'", "'0044-03-15 BC'"),
    "uuid": (
        "'6ecd8c99-4036-403d-bf84-cf8400f67836'",
        "'00000000-0000-0000-0000-000000000000'",
    ),
    "numeric": ("1.50", "12345678901234567890.123", "-0.1"),
    "numeric(12,2)": ("1.50", "9999999999.99"),
    "timestamptz": ("'2024-06-30 23:59:59.999999+02'", "'-infinity'", "'20000-01-01'"),
    "timestamp": ("'2024-06-30 23:59:59'", "'infinity'"),
    "time": ("'24:00'", "'01:02:03.4'"),
    "interval": ("'1 month'", "'2 days'"),
    "boolean": ("true", "false"),
    "double precision": ("0.1", "1e300", "'Infinity'"),
    "bytea": (r"'\x00ff'", r"'\x'"),
    "integer[]": ("'{1,2}'", "'{}'", "'{NULL}'"),
    "jsonb": ("""'{"a": [1]}'""", "'null'"),
    "mood": ("'sad'", "'happy'"),
}
SQLITE = {
    "integer": ("-1", "7", "9007199254740993"),
    "text": ("'a'", "'A'", "''", "'it''s'"),
    "text collate nocase": ("'b'", "'C'", "'d'"),
    "real": ("0.1", "1e300"),
    "numeric": ("1.5", "2"),
    "blob": ("x'00ff'", "x''"),
    "boolean": ("0", "1"),
    "date": ("'2024-02-29'", "'2024-03-01'"),
    "": ("1", "'1'", "x'31'"),
}
TIMES = 12  # rows before, and rows that nobody notices


def columns(types: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """A column for each type, and one that may be NULL."""
    named = list(enumerate(types))
    return {f"c{i}": f"{t} NOT NULL" for i, t in named} | {f"n{i}": t for i, t in named}


def views(names: list[str]) -> dict[str, str]:
    made = {f"by_{n}": f"SELECT {n} AS k, count(*) AS n FROM t GROUP BY {n}" for n in names}  # noqa: S608
    some = [n for n in names if n.startswith("n")]
    made |= {f"rows_{n}": f"SELECT {n} AS k, v FROM t WHERE v > 1" for n in some}  # noqa: S608
    made |= {
        "no_key": "SELECT count(*) AS n, sum(v) AS total, max(v) AS highest FROM t",
        "two_keys": "SELECT c0, n0, sum(v) AS total FROM t GROUP BY c0, n0",
        "extreme": "SELECT n0 AS g, max(v) AS n FROM t WHERE v > 0 GROUP BY n0 HAVING count(*) > 0",
        "others": "SELECT c1 AS g, min(n0) AS low, max(c0) AS high FROM t GROUP BY c1",
        "distinct_rows": "SELECT DISTINCT n0, n1 FROM t",
        "joined": "SELECT t.n0, t.v, u.name FROM t JOIN u ON u.id = t.v",
        "left_joined": "SELECT t.c0, t.v, u.name FROM t LEFT JOIN u ON u.id = t.v",
        "grouped_join": "SELECT u.name, count(t.n0) AS n FROM u JOIN t ON u.id = t.v GROUP BY 1",
    }
    return made


@pytest.fixture
def short_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are compared two rows at a time."""
    monkeypatch.setattr("stepping.runtime.verify.RANGE_ROWS", 2)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(arguments))
    return result.exit_code, result.output


@contextlib.contextmanager
def unnoticed(place: Place, table: str) -> Iterator[Any]:
    """A connection on which a table has none of our triggers."""
    with place.plain() as connection:
        if place.name == "postgres":
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            yield connection
            connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
            return
        found = (
            f"SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{table}'"  # noqa: S608
        )
        triggers = connection.execute(found).fetchall()
        for name, _ in triggers:
            connection.execute(f'DROP TRIGGER "{name}"')
        yield connection
        for _, sql in triggers:
            connection.execute(sql)


def inserted(types: dict[str, tuple[str, ...]], numbers: range, pick: random.Random) -> str:
    rows = []
    for number in numbers:
        plain = [pick.choice(values) for values in types.values()]
        nullable = [pick.choice([*values, "NULL"]) for values in types.values()]
        rows.append(f"({', '.join([str(number), str(pick.randrange(4)), *plain, *nullable])})")
    return f"INSERT INTO t VALUES {', '.join(rows)}"  # noqa: S608


def contents(place: Place, select: str) -> Counter[tuple[Any, ...]]:
    if place.name == "sqlite":
        return Counter(place.read(select))
    return Counter(place.read(f"SELECT r::text FROM ({select}) AS r"))  # noqa: S608


def differing(place: Place, selects: dict[str, str]) -> list[str]:
    """The views that do not show what their SELECT says."""
    shown = {name: contents(place, f"SELECT * FROM {name}") for name in selects}  # noqa: S608
    return [name for name, select in selects.items() if shown[name] != contents(place, select)]


def test_what_nobody_noticed_is_mended_on_sqlite(
    sqlite_db: Place, tmp_path: Path, short_ranges: None
) -> None:
    is_mended(sqlite_db, SQLITE, tmp_path)


def test_what_nobody_noticed_is_mended_on_postgres(
    postgres_place_only: Place, tmp_path: Path, short_ranges: None
) -> None:
    is_mended(postgres_place_only, POSTGRES, tmp_path)


def is_mended(place: Place, types: dict[str, tuple[str, ...]], tmp_path: Path) -> None:
    pick = random.Random(1)
    names = columns(types)
    with place.plain() as connection:
        if place.name == "postgres":
            connection.execute("CREATE TYPE mood AS ENUM ('happy', 'sad')")
        listed = ", ".join(f"{name} {of_type}" for name, of_type in names.items())
        connection.execute(f"CREATE TABLE t (id integer PRIMARY KEY, v integer, {listed})")
        connection.execute("CREATE TABLE u (id integer PRIMARY KEY, name text)")
        connection.execute("CREATE INDEX t_v ON t (v)")
        connection.execute("INSERT INTO u VALUES (0, 'a'), (1, NULL), (2, 'a')")
        connection.execute(inserted(types, range(TIMES), pick))
    selects = views(list(names))
    file = tmp_path / "views.sql"
    file.write_text("".join(f"CREATE MATERIALIZED VIEW {n} AS {s};\n" for n, s in selects.items()))
    code, said = run("apply", str(file), "--db", place.where)
    assert code == 0, said
    with unnoticed(place, "t") as connection:
        connection.execute(inserted(types, range(TIMES, 2 * TIMES), pick))
        connection.execute("DELETE FROM t WHERE id % 5 = 1")
        connection.execute("UPDATE t SET v = v + 1 WHERE id % 4 = 0")
    wrong = set(differing(place, selects))
    assert len(wrong) > len(selects) / 2
    code, said = run("verify", "--db", place.where)
    assert code == 1, said
    found = {line.partition(":")[0] for line in said.splitlines() if " differ" in line}
    assert wrong <= found
    code, said = run("verify", "--repair", "--db", place.where)
    assert code == 0, said
    code, said = run("verify", str(file), "--db", place.where)
    assert code == 0, said
    assert not differing(place, selects)
    with place.plain() as connection:  # and they follow again
        connection.execute(inserted(types, range(2 * TIMES, 3 * TIMES), pick))
        connection.execute("DELETE FROM t WHERE id % 3 = 1")
    assert not differing(place, selects)
