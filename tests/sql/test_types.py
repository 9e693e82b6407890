"""Types of both databases and their edge values, each through shapes of SELECTs.

After each random transaction a result is the SELECT's. Of values that are equal and not the same
('1 day' and '24 hours', 1.0 and 1.00) rows that are taken over show their own, and groups one that
is there.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import psycopg

import stepping as st
from tests.support.sql_views import Postgres, quoted

DDL = """
CREATE EXTENSION IF NOT EXISTS citext;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN amount AS numeric;
CREATE TYPE pair AS (a integer, b text);
CREATE TYPE measured AS (a integer, b numeric)
"""
CI = "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
POSTGRES: dict[str, Sequence[str]] = {
    "integer": ("0", "1", "-1", "2147483647"),
    "numeric": ("1", "1.0", "1.00", "0", "0.000", "NaN", "Infinity", "-Infinity", "1e20"),
    "numeric(10,2)": ("1", "1.00", "1.005", "-0.01", "NaN"),
    "real": ("0", "-0", "0.1", "NaN", "Infinity", "1e-40"),
    "double precision": ("0", "-0", "0.1", "1e300", "NaN", "-Infinity"),
    "jsonb": ("1.0", "1.00", '"a"', "null", "[]", "{}", '{"a": 1.0}', '{"a": 1.00}', "[null]"),
    "json": ("1.0", "1.00", '{"a":1}', '{"a": 1}', "null"),
    "interval": ("1 day", "24 hours", "1 mon", "30 days", "0", "-1 mon 30 days", "00:00:00.000001"),
    "citext": ("a", "A", "", "ä", "Ä", "b"),
    'text COLLATE "ci"': ("a", "A", "b", ""),
    "text": ("", "a", "A", "ä", "it''s", " a", "a "),
    "character(3)": ("a", "a  ", "abc", ""),
    "bpchar": ("a", "a  ", "abc", ""),
    "character varying(5)": ("a", "a ", ""),
    '"char"': ("a", "b", ""),
    "name": ("a", "b"),
    "boolean": ("true", "false"),
    "mood": ("sad", "ok", "happy"),
    "positive": ("1", "5"),
    "amount": ("1.0", "1.00", "-3"),
    "pair": ("(1,a)", "(,)", "(1,)", '(1,"")', "(2,a)"),
    "measured": ("(1,1.0)", "(1,1.00)", "(,)"),
    "integer[]": ("{}", "{1}", "{NULL}", "{1,NULL}", "{{1,2},{3,4}}", "[0:1]={1,2}", "{1,2}"),
    "text[]": ("{}", '{""}', "{NULL}", '{"NULL"}', '{"a,b"}'),
    "numeric[]": ("{1.0}", "{1.00}", "{}", "{NULL}"),
    "jsonb[]": ('{"1.0"}', '{"1.00"}', "{}"),
    "mood[]": ("{sad}", "{sad,NULL}", "{}"),
    "uuid": ("00000000-0000-0000-0000-000000000001", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"),
    "bytea": ("", "\\x00", "\\xff00"),
    "date": ("2020-02-29", "infinity", "-infinity", "0001-01-01 BC", "5874897-12-31"),
    "time": ("00:00", "24:00", "23:59:59.999999"),
    "time with time zone": ("10:00+00", "11:00+01", "10:00+02"),
    "timestamp": ("2020-01-01 00:00:00.000001", "infinity", "-infinity", "4714-11-24 BC"),
    "timestamptz": ("2020-01-01 10:00+02", "2020-01-01 08:00+00", "infinity", "-infinity"),
    "inet": ("10.0.0.1", "10.0.0.1/24", "::1", "10.0.0.1/32"),
    "cidr": ("10.0.0.0/8", "::/0"),
    "macaddr": ("08:00:2b:01:02:03",),
    "int4range": ("empty", "[1,3)", "[1,2]", "(,)", "[1,)"),
    "numrange": ("[1.0,2.0)", "[1.00,2.0)", "empty", "(,1]"),
    "daterange": ("[2020-01-01,2020-02-01)", "empty"),
    "int4multirange": ("{}", "{[1,3),[5,7)}"),
    "bit(3)": ("101", "000"),
    "bit varying": ("", "1", "10"),
    "tsvector": ("a b", "", "a:1 b:2"),
    "tsquery": ("a & b", ""),
    "xml": ("<a/>", "<a></a>"),
    "point": ("(0,0)", "(-0,0)", "(1,NaN)"),
    "pg_lsn": ("0/0", "16/B374D848"),
}
# Of which Postgres has no GROUP BY, or no min and max.
UNEQUAL = ("json", "xml", "point")
NO_ORDER = (
    *("jsonb", "json", "boolean", "pair", "measured", "uuid", "bytea", "cidr", "macaddr"),
    *("int4range", "numrange", "daterange", "int4multirange", "bit(3)", "bit varying"),
    *("tsvector", "tsquery", "xml", "point", '"char"', "name", "jsonb[]"),
)
# A SELECT, and whether it shows rows as they are, or one of those that are equal.
SHAPES: dict[str, tuple[str, bool]] = {
    "projection": ("SELECT g, x FROM e", True),
    "text": ("SELECT g, x::text AS t FROM e", True),
    "filter": ("SELECT x FROM e WHERE x IS NOT NULL AND g < 3", True),
    "derived": ("SELECT q.x FROM (SELECT x, g FROM e) AS q JOIN e ON e.g = q.g", True),
    "left_join": ("SELECT e.x, o.x AS y FROM e LEFT JOIN o ON e.g = o.g AND o.h > e.g", True),
    "full_join": ("SELECT e.x, o.x AS y FROM e FULL JOIN o ON e.g = o.g", True),
    "union_all": ("SELECT x FROM e UNION ALL SELECT x FROM o", True),
    "top": ("SELECT g, x FROM e ORDER BY g NULLS LAST, n LIMIT 3", True),
    "window": ("SELECT g, x, count(*) OVER (PARTITION BY g) AS c FROM e", True),
    "lag": ("SELECT n, lag(x) OVER (ORDER BY n) AS y FROM e", True),
    "array_agg": ("SELECT g, array_agg(x::text ORDER BY n) AS a FROM e GROUP BY g", True),
    "count": ("SELECT g, count(x) AS c FROM e GROUP BY g", True),
    "exists": ("SELECT x FROM e WHERE EXISTS (SELECT FROM o WHERE o.g < e.g)", True),
    "scalar": ("SELECT x, (SELECT max(h) FROM o WHERE o.g = e.g) AS m FROM e", True),
    "image": (
        "SELECT x, (SELECT count(*) FROM o WHERE length(o.x::text) < length(e.x::text)) AS c "
        "FROM e",
        True,
    ),
    "image_first": (
        "SELECT x, (SELECT h FROM o WHERE h < length(e.x::text) ORDER BY h DESC LIMIT 1) AS c "
        "FROM e",
        True,
    ),
    "image_union": (
        "SELECT x, (SELECT count(*) FROM (SELECT g FROM o WHERE h < length(e.x::text) "
        "UNION SELECT h FROM o) AS q) AS c FROM e",
        True,
    ),
    "join": ("SELECT e.x, o.x AS y FROM e JOIN o ON e.x = o.x", True),
    "anti": ("SELECT x FROM e WHERE NOT EXISTS (SELECT FROM o WHERE o.x = e.x)", True),
    "in": ("SELECT x, x IN (SELECT x FROM o) AS i FROM e", True),
    "correlated_in": ("SELECT x FROM e WHERE x IN (SELECT o.x FROM o WHERE o.g < e.g)", True),
    "counted": ("SELECT count(DISTINCT x) AS c, count(x) AS d FROM e", True),
    "by_group": ("SELECT g, count(DISTINCT x) AS c FROM e GROUP BY g", True),
    "distinct": ("SELECT DISTINCT x FROM e", False),
    "group": ("SELECT x, count(*) AS c, sum(g) AS s FROM e GROUP BY x", False),
    "groups": ("SELECT x, g, count(*) AS c FROM e GROUP BY x, g", False),
    "having": ("SELECT x FROM e GROUP BY x HAVING count(*) > 1", False),
    "union": ("SELECT x FROM e UNION SELECT x FROM o", False),
    "except": ("SELECT x FROM e EXCEPT SELECT x FROM o", False),
    "intersect": ("SELECT x FROM e INTERSECT SELECT x FROM o", False),
    "except_all": ("SELECT x FROM e EXCEPT ALL SELECT x FROM o", False),
    "intersect_all": ("SELECT x FROM e INTERSECT ALL SELECT x FROM o", False),
    "partition": ("SELECT n, count(*) OVER (PARTITION BY x) AS c FROM e", True),
    "scalar_by": ("SELECT n, (SELECT max(h) FROM o WHERE o.x = e.x) AS m FROM e", True),
    "extremes": ("SELECT min(x) AS a, max(x) AS b FROM e", False),
    "extremes_of": ("SELECT g, min(x) AS a, max(x) AS b FROM e GROUP BY g", False),
    "sorted": ("SELECT x FROM e ORDER BY x, n LIMIT 3", True),
}
ANY = (*list(SHAPES)[:17],)
EQUAL = (*list(SHAPES)[17:34],)
ORDERED = (*list(SHAPES)[34:36],)


def shapes_of(of_type: str) -> Sequence[str]:
    found = [*ANY]
    if of_type not in UNEQUAL:
        found += EQUAL
        found += () if of_type in NO_ORDER else ORDERED
        found += ["sorted"]
    return found


def table(name: str, of_type: str) -> str:
    return f"CREATE TABLE {name} (n integer PRIMARY KEY, g integer, h integer, x {of_type})"


def through(database: Any, of_type: str, values: Sequence[str], shape: str, seed: int) -> None:
    select, exact = SHAPES[shape]
    rng = random.Random(f"{of_type} {shape} {seed}")
    numbers = iter(range(1, 10**6))
    for name in ("e", "o"):
        database.run(f"DROP TABLE IF EXISTS {name}")
        database.run(table(name, of_type))

    def value() -> str | None:
        return rng.choice([None, *values]) if rng.random() < 0.9 else None

    def insert(name: str) -> None:
        row = (next(numbers), rng.choice([None, 1, 2, 3]), rng.randrange(4), value())
        database.insert(name, row, of_type)

    def write() -> None:
        name = rng.choice(("e", "e", "o"))
        kind = rng.choices(("insert", "delete", "update", "all"), (5, 3, 4, 1))[0]
        found = database.read(f"SELECT n FROM {name}")
        if kind == "insert" or not found:
            insert(name)
            return
        (number,) = rng.choice(sorted(found))
        if kind == "delete":
            database.run(f"DELETE FROM {name} WHERE n = {number}")
        elif kind == "update":
            database.update(name, f"n = {number}", value(), of_type)
        else:
            database.update(name, f"mod(n, 3) = {number % 3}", value(), of_type)

    for _ in range(6):
        insert(rng.choice(("e", "o")))
    graph = st.sql(select, name="v")
    store = database.store(graph)
    for _ in range(7):
        database.run("BEGIN")
        for _ in range(rng.randint(1, 4)):
            write()
        database.run("COMMIT")
        database.check(graph, store, select, exact)
    store.uninstall()


class Types(Postgres):
    def insert(self, name: str, row: Sequence[Any], of_type: str) -> None:
        self.run(f"INSERT INTO {name} VALUES (%s, %s, %s, %s::text::{cast_to(of_type)})", row)

    def update(self, name: str, where: str, value: Any, of_type: str) -> None:
        self.run(f"UPDATE {name} SET x = %s::text::{cast_to(of_type)} WHERE {where}", (value,))

    def check(self, graph: Any, store: Any, select: str, exact: bool) -> None:
        columns = [c for c, _ in store.graph.cache_type("v").fields]
        shown = ", ".join(f"{quoted(c)}::text" for c in columns)
        stored = Counter(self.read(f"SELECT {shown} FROM v"))
        wanted = Counter(self.read(f"SELECT {shown} FROM ({select}) AS q"))
        if exact:
            assert stored == wanted, f"{select}\n{stored - wanted}\nfor\n{wanted - stored}"
            return
        first, second = "SELECT * FROM v", f"SELECT * FROM ({select}) AS q"
        found = self.read(f"({first} EXCEPT ALL {second}) UNION ALL ({second} EXCEPT ALL {first})")
        assert not found, f"{select}\n{found}\n{stored}\n{wanted}"
        # Each value that is shown is there.
        there = {x for (x,) in self.read("SELECT x::text FROM e UNION ALL SELECT x::text FROM o")}
        for row in stored:
            for column, each in zip(columns, row, strict=True):
                assert column not in "abx" or each is None or each in there, f"{select}\n{row}"


def cast_to(of_type: str) -> str:
    return of_type.partition(" COLLATE")[0]


CASES = [(of_type, shape) for of_type in POSTGRES for shape in shapes_of(of_type)]
SOME = (
    *(("numeric", shape) for shape in ("projection", "group", "image_union", "except_all")),
    *(("jsonb", shape) for shape in ("image_first", "left_join", "groups", "sorted")),
    *(("interval", shape) for shape in ("distinct", "extremes_of", "scalar_by")),
    *(("citext", shape) for shape in ("union", "join", "counted")),
    *(("json", shape) for shape in ("image_first", "top")),
    *(("measured", shape) for shape in ("count", "group")),
)


def test_postgres(postgres_db: str) -> None:
    """Some of the cases; all of them with HYPOTHESIS_PROFILE=long."""
    database = Types(postgres_db)
    database.script(DDL)
    known = dict(POSTGRES)
    try:
        database.run(CI)
    except psycopg.errors.FeatureNotSupported:  # a build without ICU
        del known['text COLLATE "ci"']
    is_long = os.environ.get("HYPOTHESIS_PROFILE") == "long"
    for of_type, shape in CASES if is_long else SOME:
        if of_type in known:
            through(database, of_type, known[of_type], shape, 0)
    database.connection.close()
