"""The star by hand on Postgres: one function, and in it one statement after the lock.

Two functions, as a plan would have: for a change with positive counts only the line items are
appended without being looked up.
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
    "INSERT INTO clock VALUES ('star', 0)",
    "CREATE TABLE d_customers (cust_key int8 PRIMARY KEY, nation int8 NOT NULL)",
    "CREATE TABLE d_orders (cust_key int8, order_key int8, PRIMARY KEY (cust_key, order_key))",
    "CREATE TABLE d_placed (order_key int8, buyer int8, c int8 NOT NULL, "
    "PRIMARY KEY (order_key, buyer))",
    "CREATE TABLE d_suppliers (supp_key int8, nation int8, c int8 NOT NULL, "
    "PRIMARY KEY (supp_key, nation))",
    "CREATE TABLE d_items (order_key int8 NOT NULL, supp_key int8 NOT NULL, "
    "shipped date NOT NULL, cents int8 NOT NULL, discount int8 NOT NULL, c int8 NOT NULL, "
    "h int8 NOT NULL)",
    "CREATE INDEX d_items_key ON d_items (order_key, h)",
    "CREATE INDEX d_items_supplier ON d_items (supp_key)",
    "CREATE TABLE totals (month int8 NOT NULL, seller int8 NOT NULL, buyer int8 NOT NULL, "
    "amount int8 NOT NULL, n int8 NOT NULL, PRIMARY KEY (month, seller, buyer)) "
    "WITH (fillfactor = 70)",
)
HEAD = """
    CREATE FUNCTION {name}(int8[], int8[], date[], int8[], int8[], int8[])
    RETURNS TABLE (month int8, seller int8, buyer int8, amount int8, c int8)
    LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off
    SET enable_mergejoin = off SET jit = off
    AS $function$
    #variable_conflict use_column
    BEGIN
    UPDATE clock SET t = t WHERE table_name = 'star';
    RETURN QUERY
    WITH i AS MATERIALIZED (
        SELECT order_key, supp_key, shipped, cents, discount, c,
            hash_record_extended(row(order_key, supp_key, shipped, cents, discount), 0) AS h
        FROM unnest($1, $2, $3, $4, $5, $6)
            AS u(order_key, supp_key, shipped, cents, discount, c)),"""
APPEND = """
    s AS (INSERT INTO d_items (order_key, supp_key, shipped, cents, discount, c, h)
        SELECT order_key, supp_key, shipped, cents, discount, c, h FROM i),
    """
MERGE = """
    k AS MATERIALIZED (
        SELECT i.*, l.rid, coalesce(l.c, 0) + i.c AS nc
        FROM (SELECT order_key, supp_key, shipped, cents, discount, h, sum(c)::int8 AS c
              FROM i GROUP BY 1, 2, 3, 4, 5, 6) AS i
        LEFT JOIN LATERAL (
            SELECT d.ctid AS rid, d.c FROM d_items AS d
            WHERE d.order_key = i.order_key AND d.h = i.h
                AND (d.order_key, d.supp_key, d.shipped, d.cents, d.discount)
                    IS NOT DISTINCT FROM (i.order_key, i.supp_key, i.shipped, i.cents, i.discount)
            LIMIT 1) AS l ON true),
    si AS (INSERT INTO d_items (order_key, supp_key, shipped, cents, discount, c, h)
        SELECT order_key, supp_key, shipped, cents, discount, nc, h
        FROM k WHERE rid IS NULL AND nc <> 0),
    su AS (UPDATE d_items AS d SET c = nc FROM k WHERE d.ctid = k.rid AND nc <> 0),
    sd AS (DELETE FROM d_items AS d USING k WHERE d.ctid = k.rid AND nc = 0),
    """
TAIL = """
    j AS (SELECT (extract(year FROM i.shipped) * 100 + extract(month FROM i.shipped))::int8
                AS month, s.nation AS seller, p.buyer,
            sum(i.cents * (100 - i.discount) * (i.c * p.c * s.c))::int8 AS dv,
            sum(i.c * p.c * s.c)::int8 AS dn
        FROM i JOIN d_placed AS p USING (order_key) JOIN d_suppliers AS s USING (supp_key)
        GROUP BY 1, 2, 3),
    o AS MATERIALIZED (
        SELECT j.month, j.seller, j.buyer, g.amount AS ov, g.n AS n0,
            coalesce(g.amount, 0) + dv AS nv, coalesce(g.n, 0) + dn AS nn, g.ctid AS rid
        FROM j LEFT JOIN totals AS g USING (month, seller, buyer) WHERE dn <> 0 OR dv <> 0),
    gi AS (INSERT INTO totals (month, seller, buyer, amount, n)
        SELECT month, seller, buyer, nv, nn FROM o WHERE rid IS NULL AND nn <> 0),
    gu AS (UPDATE totals AS g SET amount = nv, n = nn FROM o WHERE g.ctid = o.rid AND nn <> 0),
    gd AS (DELETE FROM totals AS g USING o WHERE g.ctid = o.rid AND nn = 0)
    SELECT month, seller, buyer, ov, -1::int8 FROM o
        WHERE n0 IS NOT NULL AND (nn = 0 OR ov IS DISTINCT FROM nv)
    UNION ALL SELECT month, seller, buyer, nv, 1::int8 FROM o
        WHERE nn <> 0 AND (n0 IS NULL OR ov IS DISTINCT FROM nv);
    END $function$"""
CALL_ADDED = "SELECT * FROM items_added($1, $2, $3, $4, $5, $6)"
CALL_MIXED = "SELECT * FROM items_mixed($1, $2, $3, $4, $5, $6)"


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
        many = self.connection.cursor().executemany
        if change.input == "customers":
            rows = [(each.cust_key, each.nation) for each in change.added]
            many("INSERT INTO d_customers VALUES (%s, %s)", rows)
        elif change.input == "suppliers":
            rows = [(each.supp_key, each.nation) for each in change.added]
            many("INSERT INTO d_suppliers VALUES (%s, %s, 1)", rows)
        else:
            rows = [(each.cust_key, each.order_key) for each in change.added]
            many("INSERT INTO d_orders VALUES (%s, %s)", rows)
            many(
                "INSERT INTO d_placed SELECT o.order_key, c.nation, 1 FROM d_customers AS c "
                "CROSS JOIN (VALUES (%s, %s)) AS o (cust_key, order_key) "
                "WHERE c.cust_key = o.cust_key",
                rows,
            )
        return None

    def step(self, change: Change) -> Any:
        assert change.input == "line_items"
        items = change.added + change.removed
        arrays = [
            [item.order_key for item in items],
            [item.supp_key for item in items],
            [item.shipped for item in items],
            [item.cents for item in items],
            [item.discount for item in items],
            [1] * len(change.added) + [-1] * len(change.removed),
        ]
        call = CALL_MIXED if change.removed else CALL_ADDED
        rows = self.cursor.execute(call, arrays, prepare=True, binary=True).fetchall()
        return [(row[:4], row[4]) for row in rows]

    def changed(self, returned: Any) -> Iterable[Counted]:
        return returned or ()

    def contents(self) -> Iterable[Counted]:
        rows = self.connection.execute("SELECT month, seller, buyer, amount FROM totals").fetchall()
        return ((tuple(row), 1) for row in rows)
