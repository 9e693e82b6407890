"""Receipts, against sums in Python."""

from __future__ import annotations

from collections import defaultdict

import stepping as st
from examples.receipts import LineItem, Product, graph, receipts
from tests.examples.conftest import History, OpenStore

PRODUCTS = [Product(name=name, price=price) for name in ("tv", "radio") for price in (3, 4.5)]
LINE_ITEMS = [
    LineItem(basket_id=basket, product_name=name, qty=qty)
    for basket in (1, 2)
    for name in ("tv", "radio", "lamp")
    for qty in (1, 4)
]


def test_totals(open_store: OpenStore) -> None:
    store = open_store(graph)
    history = History(st.actions(store, graph), (PRODUCTS, LINE_ITEMS))
    for _ in range(40):
        history.step()
        assert receipts.zset(store) == expected(*history.rows)


def expected(products: list[Product], line_items: list[LineItem]) -> st.ZSetPython[str]:
    totals: dict[int, float] = defaultdict(float)
    for item in line_items:
        for product in products:
            if product.name == item.product_name:
                totals[item.basket_id] += product.price * item.qty
    return st.ZSetPython.of_rows(
        f"Basket id: {basket} total: ${total}" for basket, total in totals.items()
    )
