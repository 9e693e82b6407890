"""Whoever writes may have set how values are shown: results on Postgres are the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import psycopg
import pytest

import stepping as st

USUAL = {
    "extra_float_digits": "1",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "datestyle": "ISO",
    "bytea_output": "hex",
}
OTHERS = {
    "extra_float_digits": "-15",
    "intervalstyle": "iso_8601",
    "timezone": "Asia/Tokyo",
    "datestyle": "German",
    "bytea_output": "escape",
}

TABLE = """CREATE TABLE e (id integer PRIMARY KEY, g integer NOT NULL, v interval,
    f float8 NOT NULL, tz timestamptz, times timestamptz[], parts float8[], blobs bytea[])"""
ROWS = (
    "'1 mon', 0.1::float8 + 0.2, '2024-01-01 00:00Z', ARRAY['2024-01-01 00:00Z'::timestamptz],"
    " ARRAY[1::float8 / 3], ARRAY['a'::bytea]",
    "'30 days', 0.3, '2024-06-01 00:00Z', ARRAY[NULL::timestamptz],"
    " ARRAY[0.333333333333333::float8], ARRAY['\\x00ff'::bytea]",
)
SELECTS = (
    "SELECT DISTINCT v, g FROM e",
    "SELECT g, count(DISTINCT v) AS n, min(v) AS m FROM e GROUP BY g",
    "SELECT tz, g FROM e UNION SELECT tz, 1 FROM e",
    "SELECT DISTINCT times, parts, blobs FROM e",
    "SELECT f::text AS t, count(*) AS n FROM e GROUP BY 1",
)


class Reading(st.Data, table="e"):
    id: int
    f: float


texts = st.Cache[Any]("texts")


def shown(rows: st.ZSet[Reading]) -> None:
    _ = texts[st.map(rows, f=lambda row: str(row.f))](lambda z: st.integrate(z))


def set_to(connection: Any, settings: Mapping[str, str]) -> None:
    for name, value in settings.items():
        connection.execute("SELECT set_config(%s, %s, false)", (name, value))


def write(connection: Any, number: int) -> int:
    """Rows that come, change and go, under each of the settings."""
    for settings in (USUAL, OTHERS):
        set_to(connection, settings)
        for row in (*ROWS, *ROWS):
            number += 1
            connection.execute(f"INSERT INTO e VALUES ({number}, 1, {row})")  # noqa: S608
        connection.execute("UPDATE e SET g = g + 1 WHERE id % 3 = 0")
    for settings in (OTHERS, USUAL):
        set_to(connection, settings)
        connection.execute(
            "DELETE FROM e WHERE id = (SELECT min(id) FROM e WHERE f = 0.3)"
            " OR id = (SELECT max(id) FROM e WHERE f <> 0.3)"
        )
    return number


def bag(connection: Any, text: str) -> Counter[str]:
    return Counter(map(str, connection.execute(text)))


@pytest.mark.parametrize("refresh", ["immediate", "deferred"])
@pytest.mark.parametrize("select", SELECTS)
def test_a_select(postgres_db: str, select: str, refresh: str) -> None:
    with psycopg.connect(postgres_db, autocommit=True) as connection:
        connection.execute(TABLE)
        set_to(connection, OTHERS)
        number = write(connection, 0)
        set_to(connection, OTHERS)  # those of whoever installs it
        store: Any = st.StorePostgres.from_graph(
            connection, st.sql(select, name="v", refresh=refresh)
        )
        for _ in range(2):
            number = write(connection, number)
            set_to(connection, OTHERS)
            store.refresh()
            set_to(connection, USUAL)
            assert bag(connection, "SELECT * FROM v") == bag(connection, select)
        set_to(connection, OTHERS)
        assert st.verify(store).ok


def test_a_row_function_that_makes_texts(postgres_db: str) -> None:
    graph: Any = st.compile(shown)
    with psycopg.connect(postgres_db, autocommit=True) as connection:
        connection.execute(TABLE)
        set_to(connection, OTHERS)
        store: Any = st.StorePostgres.from_graph(connection, graph)
        write(connection, 0)
        set_to(connection, USUAL)
        floats = [value for (value,) in connection.execute("SELECT f FROM e")]
        assert floats
        assert bag(connection, "SELECT * FROM shown_texts") == Counter(
            str((str(value),)) for value in floats
        )
        set_to(connection, OTHERS)
        assert st.verify(store).ok
