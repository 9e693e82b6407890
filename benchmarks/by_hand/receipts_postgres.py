"""The receipts by hand on Postgres: one function, and in it one statement after the lock.

Two functions, as a plan would have: for a change with positive counts only the items are appended
without being looked up.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg

from benchmarks import databases
from benchmarks.competitor import Competitor, Counted
from benchmarks.workload import Change

TABLES = (
    "CREATE TABLE clock (table_name text PRIMARY KEY, t int8 NOT NULL) WITH (fillfactor = 10)",
    "INSERT INTO clock VALUES ('receipts', 0)",
    'CREATE TABLE d_products (name text COLLATE "C", price float8, c int8 NOT NULL, '
    "PRIMARY KEY (name, price))",
    'CREATE TABLE d_items (product_name text COLLATE "C" NOT NULL, basket_id int8 NOT NULL, '
    "qty int8 NOT NULL, c int8 NOT NULL, h int8 NOT NULL)",
    "CREATE INDEX d_items_key ON d_items (product_name, h)",
    "CREATE TABLE totals (basket_id int8 PRIMARY KEY, n int8 NOT NULL, s float8 NOT NULL, "
    "receipt text NOT NULL) WITH (fillfactor = 70)",
)
HEAD = """
    CREATE FUNCTION {name}(int8[], text[], int8[], int8[])
    RETURNS TABLE (name text, price float8, basket_id int8, qty int8, c int8)
    LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off
    SET enable_mergejoin = off SET jit = off SET extra_float_digits = 1
    AS $function$
    #variable_conflict use_column
    BEGIN
    UPDATE clock SET t = t WHERE table_name = 'receipts';
    RETURN QUERY
    WITH i AS MATERIALIZED (
        SELECT basket_id, product_name COLLATE "C" AS product_name, qty, c,
            hash_record_extended(row(product_name COLLATE "C", basket_id, qty), 0) AS h
        FROM unnest($1, $2, $3, $4) AS u(basket_id, product_name, qty, c)),"""
APPEND = """
    s AS (INSERT INTO d_items (product_name, basket_id, qty, c, h)
        SELECT product_name, basket_id, qty, c, h FROM i),
    """
MERGE = """
    k AS MATERIALIZED (
        SELECT i.*, l.rid, coalesce(l.c, 0) + i.c AS nc
        FROM (SELECT product_name, basket_id, qty, h, sum(c)::int8 AS c FROM i
              GROUP BY 1, 2, 3, 4) AS i
        LEFT JOIN LATERAL (
            SELECT d.ctid AS rid, d.c FROM d_items AS d
            WHERE d.product_name = i.product_name AND d.h = i.h
                AND (d.basket_id, d.qty) = (i.basket_id, i.qty)
            LIMIT 1) AS l ON true),
    si AS (INSERT INTO d_items (product_name, basket_id, qty, c, h)
        SELECT product_name, basket_id, qty, nc, h FROM k WHERE rid IS NULL AND nc <> 0),
    su AS (UPDATE d_items AS d SET c = nc FROM k WHERE d.ctid = k.rid AND nc <> 0),
    sd AS (DELETE FROM d_items AS d USING k WHERE d.ctid = k.rid AND nc = 0),
    """
# A float's text as Python writes it, for those of ordinary size.
TAIL = """
    j AS MATERIALIZED (SELECT p.name, p.price, i.basket_id, i.qty, i.c * p.c AS w
        FROM i JOIN d_products AS p ON p.name = i.product_name),
    g AS (SELECT basket_id, sum(w)::int8 AS dn, sum(price * qty * w) AS dv FROM j GROUP BY 1),
    o AS MATERIALIZED (
        SELECT g.basket_id, coalesce(t.s, 0) + dv AS nv, coalesce(t.n, 0) + dn AS nn, t.ctid AS rid
        FROM g LEFT JOIN totals AS t USING (basket_id) WHERE dn <> 0 OR dv <> 0),
    r AS MATERIALIZED (
        SELECT o.*, 'Basket id: ' || basket_id || ' total: $' || nv
            || CASE WHEN nv = trunc(nv) THEN '.0' ELSE '' END AS receipt FROM o),
    gi AS (INSERT INTO totals (basket_id, n, s, receipt)
        SELECT basket_id, nn, nv, receipt FROM r WHERE rid IS NULL AND nn <> 0),
    gu AS (UPDATE totals AS t SET s = nv, n = nn, receipt = r.receipt
        FROM r WHERE t.ctid = r.rid AND nn <> 0),
    gd AS (DELETE FROM totals AS t USING r WHERE t.ctid = r.rid AND nn = 0)
    SELECT name::text, price, basket_id, qty, w FROM j;
    END $function$"""
CALL_ADDED = "SELECT * FROM items_added($1, $2, $3, $4)"
CALL_MIXED = "SELECT * FROM items_mixed($1, $2, $3, $4)"


class Pipeline(Competitor):
    title = "by hand"
    changeable = ("line_items",)

    def open(self) -> Any:
        self.connection = databases.postgres_connection(self.database)
        for statement in TABLES:
            self.connection.execute(statement)
        self.connection.execute(HEAD.replace("{name}", "items_added") + APPEND + TAIL)
        self.connection.execute(HEAD.replace("{name}", "items_mixed") + MERGE + TAIL)
        self.cursor = psycopg.RawCursor(self.connection)
        return self.connection

    def fill(self, change: Change) -> Any:
        if change.input == "line_items":
            return self.step(change)
        self.connection.cursor().executemany(
            "INSERT INTO d_products VALUES (%s, %s, 1)",
            [(product.name, product.price) for product in change.added],
        )
        return None

    def step(self, change: Change) -> Any:
        assert change.input == "line_items"
        items = change.added + change.removed
        arrays = [
            [item.basket_id for item in items],
            [item.product_name for item in items],
            [item.qty for item in items],
            [1] * len(change.added) + [-1] * len(change.removed),
        ]
        call = CALL_MIXED if change.removed else CALL_ADDED
        rows = self.cursor.execute(call, arrays, prepare=True, binary=True).fetchall()
        return [(row[:4], row[4]) for row in rows]

    def changed(self, returned: Any) -> Iterable[Counted]:
        return returned or ()

    def contents(self) -> Iterable[Counted]:
        rows = self.connection.execute("SELECT receipt FROM totals").fetchall()
        return ((self.workload.values(text), 1) for (text,) in rows)
