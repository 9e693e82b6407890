"""What is no SELECT, or is not taken, is a `QueryError`, and nothing is made."""

from __future__ import annotations

import pytest

import stepping as st
from tests.support.random_tables import DDL
from tests.support.sql_views import Database, Postgres, SQLite

# A statement, and a word of what is said; of those without one the database says it.
STATEMENTS = (
    ("", "no SELECT"),
    ("   ;", "no SELECT"),
    ("SELEC a FROM r", "no SELECT"),
    ("SELECT a FROM", "cannot be read"),
    ("SELECT a,, b FROM r", ""),
    ("SELECT (a FROM r", "cannot be read"),
    ("SELECT 'a FROM r", "cannot be read"),
    ('SELECT "a FROM r', ""),
    ("SELECT a b c FROM r", ""),
    ("INSERT INTO r VALUES (1)", "no SELECT"),
    ("DROP TABLE r", "no SELECT"),
    ("EXPLAIN SELECT a FROM r", "no SELECT"),
    ("CREATE TABLE q (a int)", "no view"),
    ("CREATE MATERIALIZED VIEW", ""),
    ("CREATE MATERIALIZED VIEW x.y AS SELECT a FROM r", "schema x, which is not"),
    ("CREATE MATERIALIZED VIEW x (p, q) AS SELECT a FROM r", "2 names"),
    ("SELECT a FROM r; SELECT b FROM r", "2 views"),
    ("SELECT 1", "no table"),
    ("SELECT * FROM nope", "no table nope"),
    ("SELECT a FROM nope.r", "no table nope.r"),
    ("SELECT nope FROM r", "no column nope"),
    ("SELECT x.a FROM r", "no column x.a"),
    ("SELECT r FROM r", "whole row"),
    ("SELECT nosuch(a) FROM r", ""),
    ("SELECT a, b AS a FROM r", ""),
    ("SELECT * FROM r JOIN s ON r.a = s.a", ""),
    ("SELECT a FROM r JOIN s ON r.a = s.a", "ambiguous"),
    ("SELECT a FROM r AS x JOIN r AS x ON true", "more than once"),
    ("SELECT r.a FROM r JOIN s USING (nope)", "USING"),
    ("SELECT a FROM r UNION SELECT a, b FROM s", "1 and 2 columns"),
    ("SELECT a FROM r WHERE a IN (SELECT a, b FROM s)", ""),
    ("SELECT a, random() FROM r", "random"),
    ("SELECT a, current_timestamp FROM r", "tomorrow"),
    ("SELECT a FROM r TABLESAMPLE SYSTEM (10)", ""),
    ("SELECT a FROM r FOR UPDATE", ""),
    ("SELECT a FROM r QUALIFY row_number() OVER (ORDER BY a) = 1", "QUALIFY"),
    ("SELECT a FROM r LIMIT 2", "LIMIT without ORDER BY"),
    ("SELECT a FROM (SELECT a FROM r LIMIT 2) q", "LIMIT without ORDER BY"),
    ("SELECT a FROM r ORDER BY a LIMIT (SELECT 1)", "must be a number"),
    ("SELECT a FROM r ORDER BY nope LIMIT 1", "no column nope"),
    ("SELECT a FROM r ORDER BY 5 LIMIT 1", "position 5"),
    ("SELECT a FROM r GROUP BY 7", "position 7"),
    ("SELECT a FROM r WHERE sum(a) > 1", ""),
    ("SELECT sum(sum(a)) FROM r", ""),
    (
        "SELECT a FROM r GROUP BY a HAVING EXISTS (SELECT 1 FROM s WHERE s.a < r.b)",
        "r.b is neither grouped by|r.b",
    ),
    ("SELECT rank() OVER nope FROM r", ""),
    ("SELECT t COLLATE nope FROM r", ""),
    ("SELECT a FROM nosuch(1, 3) AS g(a)", "nosuch"),
    (
        "WITH RECURSIVE p AS (SELECT a FROM r UNION ALL SELECT a + 1 FROM p) SELECT * FROM p",
        "UNION ALL",
    ),
    ("WITH RECURSIVE p AS (SELECT a FROM r UNION SELECT max(a) FROM p) SELECT * FROM p", ""),
    (
        "WITH RECURSIVE p AS (SELECT a FROM r UNION SELECT p.a FROM p, p q) SELECT * FROM p",
        "",
    ),
    (f"SELECT {'a + ' * 600} 1 AS z FROM r", "nested too deeply"),
)


def refused(database: Database, statement: str, said: str) -> None:
    database.script(DDL)
    try:
        with pytest.raises(st.QueryError, match=said or "."):
            database.store(st.sql(statement, name="v"))
        with pytest.raises(Exception, match="v"):  # nothing is there
            database.read("SELECT * FROM v")
    finally:
        database.connection.close()


# What is said by Postgres or by SQLite has its place, too, and what to write.
PLACED = (
    ("SELECT aa FROM rr", "rr", ":1:16", "is it r?"),
    ("SELECT bbb FROM r", "no column bbb", ":1:8", None),
    ("SELECT a, a FROM r", "two columns are named a", ":1:11", "AS other_a"),
    ("SELECT nosuch(a) FROM r", "nosuch", ":1:8", None),
    ("SELECT 1 AS x", "no table", ":1:1", "CREATE VIEW"),
    ("SELECT a FROM r WHERE a = :a", "no parameters", ":1:27", "one row that has it"),
    ("SELECT t, a FROM r GROUP BY t", "group|GROUP", ":1:11", "add it to GROUP BY"),
)
ON_POSTGRES = (
    ("SELECT a FROM r WHERE a = 'x'", "invalid input syntax", ":1:27", None),
    ("SELECT a FROM r WHERE sum(a) > 1", "not allowed in WHERE", ":1:23", "HAVING"),
    ("SELECT a FROM r UNION SELECT t FROM r", "cannot be matched", ":1:30", "CAST"),
    ("SELECT a FROM r WHERE a = $1", "no parameters", ":1:27", None),
    ("SELECT ARRAY(SELECT d FROM s) AS x FROM r", "cannot stand", ":1:14", "array_agg"),
    ("SELECT a, array_agg(t) AS x FROM r GROUP BY a", "in no order", ":1:11", "ORDER BY"),
    ("SELECT a, json_agg(t) OVER () AS x FROM r", "in no order", ":1:11", "ORDER BY"),
    ("SELECT DISTINCT ON (a) generate_series(1, b) FROM r ORDER BY a", "which", ":1:24", "FROM"),
    ("SELECT ROW(a, b) AS x FROM r", "pseudo-type", "", "its parts"),
    ("SELECT FROM r", "no columns", ":1:1", "count(*)"),
)
ON_SQLITE = (
    ("SELECT a FROM r WHERE a = ?", "no parameters", ":1:27", None),
    ("SELECT group_concat(t) AS x FROM r", "in no order", ":1:8", "ORDER BY"),
    ("SELECT group_concat(DISTINCT t) AS x FROM r GROUP BY a", "in no order", ":1:8", "ORDER BY"),
    ("SELECT date() AS d FROM r", "without a time", ":1:8", None),
    ("SELECT strftime('%Y', t, 'localtime') AS d FROM r", "time zone", ":1:26", "+02:00"),
)


def placed(database: Database, statement: str, said: str, place: str, hint: str | None) -> None:
    with pytest.raises(st.QueryError, match=said) as caught:
        database.store(st.sql(statement, name="v"))
    assert (caught.value.where or "").endswith(place), caught.value
    assert hint is None or hint in (caught.value.hint or ""), caught.value


def test_places_on_sqlite() -> None:
    database = SQLite()
    database.script(DDL)
    for each in (*PLACED, *ON_SQLITE):
        placed(database, *each)
    database.store(st.sql("SELECT a FROM r WHERE t IN ('x', 'utc')", name="v"))
    # Of values that are all the same, and in the order of a window.
    same = "SELECT t, group_concat(t) AS x FROM r GROUP BY t"
    database.store(st.sql(same, name="same"))
    ordered = "SELECT a, group_concat(t) OVER (PARTITION BY a ORDER BY row_number) AS x FROM r"
    database.store(st.sql(ordered, name="ordered"))
    database.connection.close()


def test_places_on_postgres(postgres_db: str) -> None:
    database = Postgres(postgres_db)
    database.script(DDL)
    for each in (*PLACED, *ON_POSTGRES):
        placed(database, *each)
    database.script("CREATE TABLE documents (j jsonb, l integer[])")
    taken = "SELECT l[1:2] AS l FROM documents WHERE j ? 'a'"
    database.store(st.sql(taken, name="v"))
    database.connection.close()


@pytest.mark.parametrize(("statement", "said"), STATEMENTS)
def test_sqlite(statement: str, said: str) -> None:
    refused(SQLite(), statement, said)


def test_postgres(postgres_db: str) -> None:
    database = Postgres(postgres_db)
    database.script(DDL)
    for statement, said in STATEMENTS:
        with pytest.raises(st.QueryError, match=said or "."):
            database.store(st.sql(statement, name="v"))
    for statement in (
        "SELECT ctid FROM r",
        "SELECT count(*) FROM pg_class",
        "SELECT a::nope FROM r",
    ):
        with pytest.raises(st.QueryError):
            database.store(st.sql(statement, name="v"))
    database.connection.close()
