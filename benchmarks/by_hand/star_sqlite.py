"""The star by hand on SQLite: a table of line items for both of its joins, and one of totals.

What the library does beyond this: it checks rows, keeps counts from falling below 0, tells
overflows, and knows its frontiers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from benchmarks import databases
from benchmarks.by_hand.staging import Staging
from benchmarks.competitor import Competitor, Counted
from benchmarks.workload import Change
from benchmarks.workloads.star import EPOCH_DAY

TABLES = (
    "CREATE TABLE d_customers (cust_key INTEGER NOT NULL, nation INTEGER NOT NULL, "
    "c INTEGER NOT NULL, PRIMARY KEY (cust_key, nation)) WITHOUT ROWID",
    "CREATE TABLE d_orders (cust_key INTEGER NOT NULL, order_key INTEGER NOT NULL, "
    "c INTEGER NOT NULL, PRIMARY KEY (cust_key, order_key)) WITHOUT ROWID",
    "CREATE TABLE d_placed (order_key INTEGER NOT NULL, buyer INTEGER NOT NULL, "
    "c INTEGER NOT NULL, PRIMARY KEY (order_key, buyer)) WITHOUT ROWID",
    "CREATE TABLE d_suppliers (supp_key INTEGER NOT NULL, nation INTEGER NOT NULL, "
    "c INTEGER NOT NULL, PRIMARY KEY (supp_key, nation)) WITHOUT ROWID",
    "CREATE TABLE d_items (order_key INTEGER NOT NULL, supp_key INTEGER NOT NULL, "
    "shipped INTEGER NOT NULL, cents INTEGER NOT NULL, discount INTEGER NOT NULL, "
    "c INTEGER NOT NULL, PRIMARY KEY (order_key, supp_key, shipped, cents, discount)) "
    "WITHOUT ROWID",
    # For a change of suppliers; a change of orders reads by the primary key.
    "CREATE INDEX d_items_supplier ON d_items (supp_key)",
    "CREATE TRIGGER d_items_gone AFTER UPDATE OF c ON d_items WHEN NEW.c = 0 BEGIN "
    "DELETE FROM d_items WHERE order_key = NEW.order_key AND supp_key = NEW.supp_key "
    "AND shipped = NEW.shipped AND cents = NEW.cents AND discount = NEW.discount; END",
    "CREATE TABLE totals (month INTEGER NOT NULL, seller INTEGER NOT NULL, "
    "buyer INTEGER NOT NULL, n INTEGER NOT NULL, s INTEGER NOT NULL, "
    "PRIMARY KEY (month, seller, buyer)) WITHOUT ROWID",
    "CREATE TRIGGER totals_gone AFTER UPDATE OF n ON totals WHEN NEW.n = 0 BEGIN "
    "DELETE FROM totals WHERE month = NEW.month AND seller = NEW.seller "
    "AND buyer = NEW.buyer; END",
    "CREATE TEMP TABLE in_items (order_key INTEGER, supp_key INTEGER, shipped INTEGER, "
    "cents INTEGER, discount INTEGER, c INTEGER)",
    "CREATE TEMP TABLE dg (month INTEGER, seller INTEGER, buyer INTEGER, "
    "n0 INTEGER, s0 INTEGER, n1 INTEGER, s1 INTEGER)",
)
ITEMS = Staging("DELETE FROM temp.in_items", "INSERT INTO temp.in_items VALUES (?, ?, ?, ?, ?, ?)")
CHANGE = """
    INSERT INTO temp.dg
    SELECT g.month, g.seller, g.buyer, a.n, a.s, coalesce(a.n, 0) + g.n, coalesce(a.s, 0) + g.s
    FROM (SELECT month, seller, buyer, sum(w) AS n, sum(amount * w) AS s
          FROM (SELECT CAST(strftime('%Y%m', i.shipped * 86400, 'unixepoch') AS INTEGER) AS month,
                    s.nation AS seller, p.buyer, i.c * p.c * s.c AS w,
                    i.cents * (100 - i.discount) AS amount
                FROM temp.in_items AS i
                CROSS JOIN d_placed AS p ON p.order_key = i.order_key
                CROSS JOIN d_suppliers AS s ON s.supp_key = i.supp_key)
          GROUP BY 1, 2, 3) AS g
    LEFT JOIN totals AS a ON a.month = g.month AND a.seller = g.seller AND a.buyer = g.buyer
    WHERE g.n <> 0 OR g.s <> 0"""
KEEP_TOTALS = """
    INSERT INTO totals SELECT month, seller, buyer, n1, s1 FROM temp.dg
    WHERE n1 <> 0 OR n0 IS NOT NULL ON CONFLICT DO UPDATE SET n = excluded.n, s = excluded.s"""
KEEP_ITEMS = """
    INSERT INTO d_items SELECT order_key, supp_key, shipped, cents, discount, c
    FROM temp.in_items WHERE true ON CONFLICT DO UPDATE SET c = c + excluded.c"""
RETURN = "SELECT month, seller, buyer, n0, s0, n1, s1 FROM temp.dg"


class Pipeline(Competitor):
    title = "by hand"
    changeable = ("line_items",)

    def open(self) -> Any:
        self.connection = databases.sqlite_connection(self.database)
        for statement in TABLES:
            self.connection.execute(statement)
        return self.connection

    def fill(self, change: Change) -> Any:
        if change.input == "line_items":
            return self.step(change)
        many = self.connection.executemany
        if change.input == "customers":
            rows = [(each.cust_key, each.nation) for each in change.added]
            many("INSERT INTO d_customers VALUES (?, ?, 1)", rows)
        elif change.input == "suppliers":
            rows = [(each.supp_key, each.nation) for each in change.added]
            many("INSERT INTO d_suppliers VALUES (?, ?, 1)", rows)
        else:
            rows = [(each.cust_key, each.order_key) for each in change.added]
            many("INSERT INTO d_orders VALUES (?, ?, 1)", rows)
            many(
                "INSERT INTO d_placed SELECT ?2, nation, c FROM d_customers WHERE cust_key = ?1",
                rows,
            )
        return None

    def step(self, change: Change) -> Any:
        assert change.input == "line_items"
        rows: list[tuple[Any, ...]] = []
        for sign, some in ((1, change.added), (-1, change.removed)):
            rows += [
                (
                    item.order_key,
                    item.supp_key,
                    item.shipped.toordinal() - EPOCH_DAY,
                    item.cents,
                    item.discount,
                    sign,
                )
                for item in some
            ]
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        execute("DELETE FROM temp.dg")
        ITEMS.load(self.connection, rows)
        execute(CHANGE)
        execute(KEEP_TOTALS)
        execute(KEEP_ITEMS)
        found = execute(RETURN).fetchall()
        execute("COMMIT")
        changed = []
        for month, seller, buyer, n0, s0, n1, s1 in found:
            if n0 and n1 and s0 == s1:
                continue
            if n0:
                changed.append(((month, seller, buyer, s0), -1))
            if n1:
                changed.append(((month, seller, buyer, s1), 1))
        return changed

    def changed(self, returned: Any) -> Iterable[Counted]:
        return returned or ()

    def contents(self) -> Iterable[Counted]:
        rows = self.connection.execute("SELECT month, seller, buyer, s FROM totals")
        return ((row, 1) for row in rows)
