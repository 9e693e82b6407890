"""Functions that give rows: in FROM, beside what they name or alone, and in the select list."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from tests.support.sql_views import Postgres, SQLite, Writer, watched_through

NUMBERS = itertools.count(1)
POSTGRES = """
CREATE TABLE e (row_number integer PRIMARY KEY, g integer, tags text[], ns integer[], j jsonb,
    o jsonb, t text);
CREATE TABLE w (row_number integer PRIMARY KEY, tag text, g integer)
"""
POSTGRES_VALUES: dict[str, dict[str, list[Any]]] = {
    "e": {
        "g": [None, 0, 1, 2, 3],
        "tags": [None, "{}", "{a}", "{a,b}", "{a,a,NULL}", "{b,c}"],
        "ns": [None, "{}", "{1,2,3}", "{NULL}", "{{1,2},{3,4}}"],
        "j": ["[]", "[1, 1.0, 2]", '["a", null]', '[{"a": 1, "b": "x"}, {"a": 2}]', None],
        "o": ["{}", '{"a": 1}', '{"a": 1.0, "b": [1]}', None],
        "t": [None, "", "a", "a,b", "a,,b"],
    },
    "w": {"tag": [None, "a", "b", "c"], "g": [None, 1, 2]},
}
POSTGRES_SELECTS = (
    "SELECT row_number, tag FROM e, unnest(e.tags) AS tag",
    "SELECT tag, count(*) AS n FROM e, unnest(tags) AS u(tag) GROUP BY tag",
    "SELECT row_number, u.tag, u.n FROM e, unnest(e.tags) WITH ORDINALITY AS u(tag, n)",
    "SELECT e.row_number, u.tag FROM e LEFT JOIN LATERAL unnest(e.tags) AS u(tag) ON true",
    "SELECT e.row_number, u.tag FROM e LEFT JOIN unnest(e.tags) AS u(tag) ON u.tag <> 'a'",
    "SELECT e.row_number, w.row_number AS w FROM e CROSS JOIN LATERAL unnest(tags) AS u(tag) "
    "JOIN w ON w.tag = u.tag",
    "SELECT row_number, n FROM e, generate_series(1, e.g) AS n",
    "SELECT n, count(g) AS c FROM generate_series(0, 3) AS n LEFT JOIN e ON e.g = n GROUP BY n",
    "SELECT row_number, k.key, k.value FROM e, jsonb_each(e.o) AS k",
    "SELECT row_number, key, value FROM e CROSS JOIN jsonb_each_text(o)",
    "SELECT row_number, x FROM e, jsonb_array_elements(e.j) AS x",
    "SELECT x->>'a' AS a, count(*) AS n FROM e, jsonb_array_elements(e.j) AS x GROUP BY 1",
    "SELECT row_number, y.a, y.b FROM e, jsonb_to_recordset(e.j) AS y(a text, b text) "
    "WHERE e.row_number % 2 = 0 AND jsonb_typeof(j -> 0) = 'object'",
    "SELECT row_number, w FROM e, string_to_table(e.t, ',') AS w",
    "SELECT DISTINCT w FROM e, regexp_split_to_table(e.t, ',') AS w",
    "SELECT a.x, b.x AS y FROM e, unnest(e.ns) AS a(x), unnest(e.ns) AS b(x)",
    "SELECT row_number, x, y FROM e, unnest(e.tags, e.ns) AS u(x, y)",
    "SELECT row_number, x, y FROM e, ROWS FROM (unnest(tags), generate_series(1, g)) AS u(x, y)",
    "SELECT row_number, unnest(tags) AS tag FROM e",
    "SELECT row_number, unnest(tags) AS a, unnest(ns) AS b FROM e",
    "SELECT unnest(tags) AS tag, count(*) AS n FROM e GROUP BY 1",
    "SELECT DISTINCT upper(unnest(tags)) AS tag FROM e WHERE g > 0",
    "SELECT g, generate_series(1, count(*)) AS n FROM e GROUP BY g",
    "SELECT row_number FROM e WHERE EXISTS (SELECT FROM unnest(e.tags) AS x WHERE x = 'b')",
    "SELECT row_number, (SELECT count(*) FROM unnest(e.tags) AS x WHERE x > 'a') AS n FROM e",
    "SELECT row_number FROM w WHERE tag IN (SELECT unnest(tags) FROM e WHERE e.g = w.g)",
    "SELECT q.tag, w.g FROM (SELECT unnest(tags) AS tag FROM e) AS q JOIN w USING (tag)",
    "SELECT q.row_number, x FROM (SELECT row_number, tags AS l FROM e) AS q, unnest(q.l) AS x",
    "WITH q AS (SELECT row_number, tags || 'z'::text AS l FROM e) SELECT row_number, x "
    "FROM q, unnest(q.l) AS x",
)
SQLITE = """
CREATE TABLE e (row_number integer PRIMARY KEY, g integer, j text, o text);
CREATE TABLE w (row_number integer PRIMARY KEY, tag text, g integer)
"""
SQLITE_VALUES: dict[str, dict[str, list[Any]]] = {
    "e": {
        "g": [None, 0, 1, 2],
        "j": ["[]", "[1, 1.0, 2]", '["a", null, "b"]', '[{"a": 1}, {"a": "b"}]', None, "[[1], 2]"],
        "o": ["{}", '{"a": 1}', '{"a": 1.0, "b": [1]}', None],
    },
    "w": {"tag": [None, "a", "b", "c", "1"], "g": [None, 1, 2]},
}
SQLITE_SELECTS = (
    "SELECT row_number, value FROM e, json_each(e.j)",
    "SELECT row_number, x.key, x.value, x.type FROM e JOIN json_each(e.o) AS x",
    "SELECT x.value AS v, count(*) AS n FROM e, json_each(e.j) AS x GROUP BY x.value",
    "SELECT x.value->>'a' AS a, count(*) AS n FROM e, json_each(j) AS x WHERE x.type = 'object' "
    "GROUP BY 1",
    "SELECT e.row_number, x.value FROM e LEFT JOIN json_each(e.j) AS x ON x.type = 'text'",
    "SELECT row_number, fullkey, atom FROM e, json_tree(e.j) WHERE atom IS NOT NULL",
    "SELECT e.row_number, w.row_number AS w FROM e, json_each(e.j) AS x JOIN w ON w.tag = x.value",
    "SELECT row_number FROM e WHERE EXISTS (SELECT 1 FROM json_each(e.j) AS x WHERE value = 'b')",
    "SELECT DISTINCT x.value FROM e, json_each(e.j) AS x",
    "SELECT row_number, (SELECT max(value) FROM json_each(e.j)) AS l FROM e",
    "SELECT value, count(g) AS n FROM json_each('[0, 1, 2]') LEFT JOIN e ON e.g = value GROUP BY 1",
)


def through(database: Any, ddl: str, values: Any, select: str, seed: int) -> None:
    database.script(ddl)
    rows = {
        name: lambda rng, of=of: {
            "row_number": next(NUMBERS),
            **{column: rng.choice(some) for column, some in of.items()},
        }
        for name, of in values.items()
    }
    writer = Writer(database, rows, random.Random(seed))
    watched_through(database, select, writer, start=6, transactions=5)
    database.connection.close()


@pytest.mark.parametrize(("seed", "select"), list(enumerate(SQLITE_SELECTS)))
def test_sqlite(seed: int, select: str) -> None:
    through(SQLite(), SQLITE, SQLITE_VALUES, select, seed)


@pytest.mark.parametrize(("seed", "select"), list(enumerate(POSTGRES_SELECTS)))
def test_postgres(postgres_db: str, seed: int, select: str) -> None:
    through(Postgres(postgres_db), POSTGRES, POSTGRES_VALUES, select, seed)
