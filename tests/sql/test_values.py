"""Edge values and types of both databases, through random transactions."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from tests.support.sql_views import Database, Postgres, SQLite, Writer, watched_through

NUMBERS = itertools.count(1)

SQLITE = """
CREATE TABLE e (row_number integer PRIMARY KEY, g integer, x, r real, n numeric, t text,
    tn text COLLATE NOCASE, tr text COLLATE RTRIM, b blob, d date, dc decimal(10,2),
    "Odd Name" integer);
CREATE TABLE o (row_number integer PRIMARY KEY, g integer, x, n numeric, t text,
    tn text COLLATE NOCASE)
"""
SQLITE_VALUES: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "e": {
        "g": [None, 1, 2, 3, "x", 1.5],
        "x": [None, 1, 1.0, "1", "a", b"a", b"", 2.5, "", -0.0, 0, "A", 2**53, float("inf")],
        "r": [None, 1, 1.5, "2", "z", 0.1, -0.0],
        "n": [None, 1, 1.0, "1.0", "1.5", "q", b"x"],
        "t": [None, "", "a", "A", 1, 1.5, b"a"],
        "tn": [None, "a", "A", "b", "B", ""],
        "tr": [None, "a", "a ", "b"],
        "b": [None, b"", b"a", "a", 1],
        "d": [None, "2020-01-01", "2020-02-29", 20200101],
        "dc": [None, 1, 1.5, "2.50", "x"],
        "Odd Name": [None, 1],
    },
    "o": {
        "g": [None, 1, 2, 3, "x"],
        "x": [None, 1, 1.0, "1", "a", b"a"],
        "n": [None, 1, "1.5", "q"],
        "t": [None, "", "a", "A", "1"],
        "tn": [None, "a", "A", "b"],
    },
}
SQLITE_SELECTS = (
    "SELECT e.* FROM e",
    "SELECT x, typeof(x) AS ty, r, typeof(r) AS tr, n, typeof(n) AS tn FROM e",
    'SELECT tn, tr, t, b, "Odd Name" + 1 AS "Even Name" FROM e WHERE tn = \'A\' OR t < tn',
    "SELECT lower(tn) AS k, n FROM (SELECT tn, count(*) AS n FROM e GROUP BY tn) AS q",
    "SELECT count(DISTINCT tn) AS a, count(DISTINCT x) AS b, count(DISTINCT tr) AS c FROM e",
    "SELECT count(*) AS n FROM (SELECT DISTINCT tn, x FROM e) AS q",
    "SELECT sum(g) AS a, total(r) AS b, avg(n) AS c, sum(t) AS d, sum(b) AS e FROM e",
    "SELECT g, count(x) AS n, min(r) AS lo, max(t) AS hi FROM e GROUP BY g",
    "SELECT e.row_number, o.row_number AS o FROM e JOIN o ON e.x = o.t OR e.t = o.x",
    "SELECT e.row_number, o.row_number AS o FROM e JOIN o ON e.x = o.t",
    "SELECT e.row_number, o.row_number AS o FROM e JOIN o ON e.tn = o.t AND e.n >= o.n",
    "SELECT e.row_number, o.row_number AS o FROM e LEFT JOIN o ON e.g = o.t",
    "SELECT row_number FROM e WHERE x IN (SELECT t FROM o) OR tn IN (SELECT x FROM o)",
    "SELECT CAST(x AS text) AS s, x + 1 AS y, -x AS w FROM e WHERE typeof(x) <> 'blob'",
    "SELECT strftime('%Y', d) AS y, count(*) AS n FROM e GROUP BY 1",
    "SELECT x FROM e ORDER BY x DESC, row_number LIMIT 4",
    "SELECT count(*) AS n FROM (SELECT DISTINCT CASE WHEN g = 1 THEN 1 ELSE 1.0 END FROM e) AS q",
    "SELECT count(*) AS n FROM (SELECT tn FROM e INTERSECT SELECT tn FROM o) AS q",
    "SELECT count(*) AS n FROM (SELECT x FROM e EXCEPT SELECT x FROM o) AS q",
)

POSTGRES = """
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE TABLE e (row_number integer PRIMARY KEY, g integer, m numeric(15,2), n numeric,
    f double precision, f4 real, mood mood, j jsonb, jj json, ia integer[], ta text[], d date,
    ts timestamp, tz timestamptz, ti time, b boolean, c char(5), vc varchar(10), tx text,
    txc text COLLATE "C", iv interval, u uuid, by bytea, p positive, "Odd Name" integer);
CREATE TABLE o (row_number integer PRIMARY KEY, g integer, m numeric(15,2), tx text, d date,
    mood mood)
"""
NAN = float("nan")
INFINITE = float("inf")
POSTGRES_VALUES: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "e": {
        "g": [None, 1, 2, 3],
        "m": [None, "1.00", "1.50", "-2.25", "0.00"],
        "n": [None, "1", "1.0", "1.00", "NaN", "Infinity", "0.1", "-3"],
        "f": [None, 0.0, -0.0, 1.5, NAN, INFINITE, -INFINITE, 0.1],
        "f4": [None, 0.5, 1.5, NAN, 3.0],
        "mood": [None, "sad", "ok", "happy"],
        "j": [None, '{"a": 1}', '{"a": 1.0}', "[]", '"x"', "null"],
        "jj": [None, '{"a": 1}', '{"a":1}'],
        "ia": [None, "{}", "{1,2}", "{NULL,1}"],
        "ta": [None, "{}", '{a,"b c"}', '{"",NULL}'],
        "d": [None, "2020-01-01", "2020-02-29", "1999-12-31"],
        "ts": [None, "2020-01-01 10:00:00.123456", "2020-01-01"],
        "tz": [None, "2020-01-01 10:00:00+02", "2020-01-01 08:00:00+00"],
        "ti": [None, "10:00", "23:59:59.5"],
        "b": [None, True, False],
        "c": [None, "a", "a  ", "ab", ""],
        "vc": [None, "a", "a ", ""],
        "tx": [None, "", "a", "A", "ä", "b c", "it's"],
        "txc": [None, "", "a", "A", "Z"],
        "iv": [None, "1 day", "24 hours", "1 mon", "30 days"],
        "u": [None, "00000000-0000-0000-0000-000000000001"],
        "by": [None, b"", b"a\x00b"],
        "p": [None, 1, 5],
        "Odd Name": [None, 1, 2],
    },
    "o": {
        "g": [None, 1, 2, 3],
        "m": [None, "1.00", "1.50"],
        "tx": [None, "", "a", "A"],
        "d": [None, "2020-01-01", "2020-02-29"],
        "mood": [None, "sad", "ok"],
    },
}
POSTGRES_SELECTS = (
    'SELECT g, m, n, f, f4, mood, ia, ta, d, ts, tz, ti, b, "Odd Name" FROM e',
    "SELECT c, vc, tx, txc, u, by, p, n::text AS nt, f::text AS ft, j->>'a' AS ja FROM e",
    "SELECT j::text AS a, jj->>'a' AS b, iv::text AS c FROM e",
    "SELECT mood, count(*) AS n, sum(m) AS s, min(d) AS lo FROM e GROUP BY mood",
    "SELECT DISTINCT ia, n, f, c FROM e",
    "SELECT g, sum(n) AS n, sum(f) AS f, avg(m) AS m, sum(DISTINCT p) AS p FROM e GROUP BY g",
    "SELECT g, sum(p) AS s, avg(p) AS a, jsonb_agg(p ORDER BY row_number)::text AS j FROM e "
    "GROUP BY g",
    "SELECT g, min(n) AS n, max(f) AS f, max(mood) AS m, min(tx) AS t FROM e GROUP BY g",
    "SELECT count(DISTINCT n) AS n, count(DISTINCT f) AS f FROM e",
    "SELECT e.g, o.row_number AS o FROM e JOIN o ON e.n = o.m OR e.mood > o.mood",
    "SELECT e.row_number, o.tx FROM e LEFT JOIN o ON e.vc = o.tx AND e.d <= o.d",
    "SELECT bool_and(b) AS x, bool_or(b) FILTER (WHERE m > 0) AS y, every(b) AS z FROM e",
    "SELECT date_trunc('month', ts) AS mo, (tz AT TIME ZONE 'UTC')::date AS d FROM e",
    "SELECT m FROM e UNION SELECT n FROM e EXCEPT SELECT m FROM o",
    "SELECT n FROM e ORDER BY n DESC, row_number LIMIT 3",
    "SELECT g, array_agg(d ORDER BY row_number) AS x, mode() WITHIN GROUP (ORDER BY tx) AS y "
    "FROM e GROUP BY g",
)


ROWS = """
CREATE TYPE pair AS (x integer, y integer);
CREATE TABLE e (row_number integer PRIMARY KEY, g integer, p pair);
CREATE TABLE o (row_number integer PRIMARY KEY, g integer, p pair)
"""
_ROWS = [None, "(,)", "(1,)", "(,2)", "(1,2)"]  # of the second `IS NULL` is true, and it is there
ROW_VALUES: Mapping[str, Mapping[str, Sequence[Any]]] = {
    name: {"g": [None, 1, 2], "p": _ROWS} for name in ("e", "o")
}
SELECTS_OF_ROWS = (
    "SELECT g, count(p) AS n, count(p) FILTER (WHERE p IS NULL) AS m FROM e GROUP BY g",
    "SELECT g, p IN (SELECT p FROM o WHERE o.g = e.g) AS i FROM e WHERE NOT p IS NOT NULL",
    "SELECT e.g, o.g AS h, e.p FROM e FULL JOIN o ON e.p = o.p",
)


def through(
    database: Database,
    ddl: str,
    values: Mapping[str, Mapping[str, Sequence[Any]]],
    select: str,
    seed: int,
) -> None:
    database.script(ddl)
    used = {name: of for name, of in values.items() if re.search(rf"\b{name}\b", select)}
    rows: dict[str, Callable[[random.Random], Mapping[str, Any]]] = {
        name: lambda rng, of=of: {  # type: ignore[misc]
            "row_number": next(NUMBERS),
            **{column: rng.choice(some) for column, some in of.items()},
        }
        for name, of in used.items()
    }
    watched_through(database, select, Writer(database, rows, random.Random(seed)), transactions=6)
    database.connection.close()


@pytest.mark.parametrize(("seed", "select"), list(enumerate(SQLITE_SELECTS)))
def test_sqlite(seed: int, select: str) -> None:
    through(SQLite(), SQLITE, SQLITE_VALUES, select, seed)


@pytest.mark.parametrize(("seed", "select"), list(enumerate(POSTGRES_SELECTS)))
def test_postgres(postgres_db: str, seed: int, select: str) -> None:
    through(Postgres(postgres_db), POSTGRES, POSTGRES_VALUES, select, seed)


@pytest.mark.parametrize("select", SELECTS_OF_ROWS)
def test_rows_of_fields(postgres_db: str, select: str) -> None:
    through(Postgres(postgres_db), ROWS, ROW_VALUES, select, 1)
