"""The receipts of the documentation: products join line items, a text for each basket's total."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import stepping as st
from benchmarks.workload import Change, PlainTable, PlainTables, Values, Workload, in_batches

PRODUCTS = 1_000
BASKETS = 20_000


class Product(st.Data):
    name: str
    price: float


class LineItem(st.Data):
    basket_id: int
    product_name: str
    qty: int


Sold = st.Pair[Product, LineItem]

cache = st.Cache[str]()

PRODUCT_NAME = st.Index.pick(Product, lambda product: product.name)
ITEM_PRODUCT = st.Index.pick(LineItem, lambda item: item.product_name)
SOLD_BASKET = st.Index.pick(Sold, lambda sold: sold.right.basket_id)


def pick_price(sold: st.Pair[Product, LineItem]) -> float:
    return sold.left.price * sold.right.qty


def to_receipt_item(total: st.Pair[float, int]) -> str:
    return f"Basket id: {total.right} total: ${total.left}"


def receipts(
    products: st.ZSet[Product], line_items: st.ZSet[LineItem]
) -> st.ZSet[st.Pair[Product, LineItem]]:
    joined = st.join(products, line_items, on_left=PRODUCT_NAME, on_right=ITEM_PRODUCT)
    grouped = st.group_reduce_flatten(joined, by=SOLD_BASKET, zero=float, pick_value=pick_price)
    receipt_items = st.map(grouped, f=to_receipt_item)
    _ = cache[receipt_items](lambda z: st.integrate(z))
    return joined


class Receipts(Workload):
    name = "receipts"
    title = "receipts: a join, a sum by basket, a text of it"
    inputs = ("products", "line_items")
    query = staticmethod(receipts)
    cache = cache

    def load(self, rows: int) -> Iterator[Change]:
        chance = random.Random("receipts")
        products = [
            Product(name=f"product {i}", price=chance.randrange(1, 8_000) / 8)
            for i in range(PRODUCTS)
        ]
        yield from in_batches("products", products)
        yield from in_batches("line_items", (_item(chance) for _ in range(rows)))

    def event(self, event: str, batch: int, seed: str) -> Change:
        chance = random.Random(seed)
        return Change("line_items", tuple(_item(chance) for _ in range(batch)))

    def values(self, row: Any) -> Values:
        # The databases' texts of a float are not Python's: the recompute gives numbers.
        basket_id, total = row.removeprefix("Basket id: ").split(" total: $")
        return (int(basket_id), float(total))

    def changed_values(self, row: Any) -> Values:
        product, item = row.left, row.right
        return (product.name, product.price, item.basket_id, item.qty)


def _item(chance: random.Random) -> LineItem:
    return LineItem(
        basket_id=chance.randrange(BASKETS),
        product_name=f"product {chance.randrange(PRODUCTS)}",
        qty=chance.randrange(1, 1_000),
    )


def _product_values(product: Product) -> Values:
    return (product.name, product.price)


def _item_values(item: LineItem) -> Values:
    return (item.basket_id, item.product_name, item.qty)


SELECT = """
    SELECT basket_id, sum(price * qty) AS total
    FROM products JOIN line_items ON product_name = name GROUP BY 1"""
OUTPUT = """
    SELECT name, price, basket_id, qty FROM products JOIN line_items ON product_name = name"""

Receipts.plain = {
    "sqlite": PlainTables(
        tables={
            "products": PlainTable(
                create=("CREATE TABLE products (name TEXT PRIMARY KEY, price REAL NOT NULL)",),
                insert="INSERT INTO products VALUES (?, ?)",
                delete="DELETE FROM products WHERE name = ? AND price = ?",
                columns=_product_values,
            ),
            "line_items": PlainTable(
                create=(
                    "CREATE TABLE line_items (basket_id INTEGER NOT NULL, "
                    "product_name TEXT NOT NULL, qty INTEGER NOT NULL)",
                    "CREATE INDEX line_items_product ON line_items (product_name)",
                ),
                insert="INSERT INTO line_items VALUES (?, ?, ?)",
                delete="DELETE FROM line_items WHERE rowid = (SELECT rowid FROM line_items "
                "WHERE basket_id = ? AND product_name = ? AND qty = ? LIMIT 1)",
                columns=_item_values,
            ),
        },
        select=SELECT,
        output=OUTPUT,
    ),
    "postgres": PlainTables(
        tables={
            "products": PlainTable(
                create=("CREATE TABLE products (name text PRIMARY KEY, price float8 NOT NULL)",),
                insert="INSERT INTO products SELECT * FROM unnest($1::text[], $2::float8[])",
                delete="DELETE FROM products WHERE name = $1 AND price = $2",
                columns=_product_values,
            ),
            "line_items": PlainTable(
                create=(
                    "CREATE TABLE line_items (basket_id int8 NOT NULL, "
                    "product_name text NOT NULL, qty int8 NOT NULL)",
                    "CREATE INDEX line_items_product ON line_items (product_name)",
                ),
                insert="INSERT INTO line_items "
                "SELECT * FROM unnest($1::int8[], $2::text[], $3::int8[])",
                delete="DELETE FROM line_items WHERE ctid = (SELECT ctid FROM line_items "
                "WHERE basket_id = $1 AND product_name = $2 AND qty = $3 LIMIT 1)",
                columns=_item_values,
            ),
        },
        select=SELECT,
        output=OUTPUT,
    ),
}

WORKLOADS = (Receipts(),)
