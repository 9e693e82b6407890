"""The receipts by hand on SQLite: a text is kept beside its total, and made where that changes.

What the library does beyond this: it checks rows, keeps counts from falling below 0, keeps
infinities apart, and knows its frontiers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from benchmarks import databases
from benchmarks.by_hand.staging import Staging
from benchmarks.competitor import Competitor, Counted
from benchmarks.workload import Change

TABLES = (
    "CREATE TABLE d_products (name TEXT NOT NULL, price REAL NOT NULL, c INTEGER NOT NULL, "
    "PRIMARY KEY (name, price)) WITHOUT ROWID",
    "CREATE TABLE d_items (product_name TEXT NOT NULL, basket_id INTEGER NOT NULL, "
    "qty INTEGER NOT NULL, c INTEGER NOT NULL, "
    "PRIMARY KEY (product_name, basket_id, qty)) WITHOUT ROWID",
    "CREATE TRIGGER d_items_gone AFTER UPDATE OF c ON d_items WHEN NEW.c = 0 BEGIN "
    "DELETE FROM d_items WHERE product_name = NEW.product_name AND basket_id = NEW.basket_id "
    "AND qty = NEW.qty; END",
    "CREATE TABLE totals (basket_id INTEGER PRIMARY KEY, n INTEGER NOT NULL, s REAL NOT NULL, "
    "receipt TEXT NOT NULL)",
    "CREATE TRIGGER totals_gone AFTER UPDATE OF n ON totals WHEN NEW.n = 0 BEGIN "
    "DELETE FROM totals WHERE basket_id = NEW.basket_id; END",
    "CREATE TEMP TABLE in_items (basket_id INTEGER, product_name TEXT, qty INTEGER, c INTEGER)",
    "CREATE TEMP TABLE sold (name TEXT, price REAL, basket_id INTEGER, qty INTEGER, w INTEGER)",
)
ITEMS = Staging("DELETE FROM temp.in_items", "INSERT INTO temp.in_items VALUES (?, ?, ?, ?)")
SOLD = """
    INSERT INTO temp.sold
    SELECT p.name, p.price, i.basket_id, i.qty, i.c * p.c
    FROM temp.in_items AS i CROSS JOIN d_products AS p ON p.name = i.product_name"""
KEEP_TOTALS = """
    INSERT INTO totals
    SELECT basket_id, n, s, receipt(basket_id, s)
    FROM (SELECT g.basket_id, coalesce(a.n, 0) + g.n AS n, coalesce(a.s, 0.0) + g.s AS s
          FROM (SELECT basket_id, sum(w) AS n, sum(price * qty * w) AS s
                FROM temp.sold GROUP BY 1) AS g
          LEFT JOIN totals AS a ON a.basket_id = g.basket_id
          WHERE g.n <> 0 OR g.s <> 0)
    WHERE true
    ON CONFLICT DO UPDATE SET n = excluded.n, s = excluded.s, receipt = excluded.receipt"""
KEEP_ITEMS = """
    INSERT INTO d_items SELECT product_name, basket_id, qty, c FROM temp.in_items WHERE true
    ORDER BY 1, 2, 3 ON CONFLICT DO UPDATE SET c = c + excluded.c"""
RETURN = "SELECT name, price, basket_id, qty, w FROM temp.sold"


def receipt(basket_id: int, total: float) -> str:
    return f"Basket id: {basket_id} total: ${total}"  # as Python writes a float


class Pipeline(Competitor):
    title = "by hand"
    changeable = ("line_items",)

    def open(self) -> Any:
        self.connection = databases.sqlite_connection(self.database)
        self.connection.create_function("receipt", 2, receipt, deterministic=True)
        for statement in TABLES:
            self.connection.execute(statement)
        return self.connection

    def fill(self, change: Change) -> Any:
        if change.input == "line_items":
            return self.step(change)
        self.connection.executemany(
            "INSERT INTO d_products VALUES (?, ?, 1)",
            [(product.name, product.price) for product in change.added],
        )
        return None

    def step(self, change: Change) -> Any:
        assert change.input == "line_items"
        rows: list[tuple[Any, ...]] = []
        for sign, some in ((1, change.added), (-1, change.removed)):
            rows += [(item.basket_id, item.product_name, item.qty, sign) for item in some]
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        execute("DELETE FROM temp.sold")
        ITEMS.load(self.connection, rows)
        execute(SOLD)
        execute(KEEP_TOTALS)
        execute(KEEP_ITEMS)
        found = execute(RETURN).fetchall()
        execute("COMMIT")
        return [(row[:4], row[4]) for row in found]

    def changed(self, returned: Any) -> Iterable[Counted]:
        return returned or ()

    def contents(self) -> Iterable[Counted]:
        rows = self.connection.execute("SELECT receipt FROM totals")
        return ((self.workload.values(text), 1) for (text,) in rows)
