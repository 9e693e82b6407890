"""The dashboard, against figures computed in Python."""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict

import stepping as st
from examples.dashboard import BEST_FIRST, TOP, Figures, Order, Top, figures, graph, top_products
from tests.examples.conftest import History, OpenStore

ORDERS = [
    Order(
        id=10 * day + number,
        at=datetime.datetime.fromisoformat(f"2024-03-{day:02}T{8 + number:02}"),
        customer=("Ann", "Bob")[number % 2],
        product=("lamp", "mug", "desk")[number % 3],
        cents=100 * (1 + number // 2),  # with ties, within a product and between them
    )
    for day in (4, 5)
    for number in range(7)
]


def test_figures(open_store: OpenStore) -> None:
    store = open_store(graph)
    history = History(st.actions(store, graph), (ORDERS,))
    for _ in range(40):
        history.step()
        days = defaultdict(list)
        for order in history.rows[0]:
            days[order.at.date()].append(order)
        assert figures.zset(store) == st.ZSetPython.of_rows(
            st.Pair(figures_of(orders), day) for day, orders in days.items()
        )
        found = [row for _, row, _ in top_products.zset(store).iter_by_index(BEST_FIRST)]
        assert found == [
            top for day in sorted(days, reverse=True) for top in top_of(day, days[day])
        ]


def figures_of(orders: list[Order]) -> Figures:
    cents = [order.cents for order in orders]
    return Figures(
        orders=len(orders),
        customers=len({order.customer for order in orders}),
        cents=sum(cents),
        smallest=min(cents),
        largest=max(cents),
        average=sum(cents) / len(cents),
    )


def top_of(day: datetime.date, orders: list[Order]) -> list[Top]:
    revenue: Counter[str] = Counter()
    for order in orders:
        revenue[order.product] += order.cents
    best = sorted(revenue.items(), key=lambda item: (-item[1], item[0]))
    return [Top(day=day, product=product, cents=cents) for product, cents in best[:TOP]]
