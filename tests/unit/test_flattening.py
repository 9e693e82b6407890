"""A join of a join keeps its inputs' rows, and not the pairs in between, where their key allows."""

from __future__ import annotations

from typing import Any

import stepping as st
from tests.support.place import Place


class Customer(st.Data):
    customer: int
    nation: str


class Order(st.Data):
    order: int
    customer: int


class Item(st.Data):
    order: int
    part: int
    cents: int


class Part(st.Data):
    part: int
    nation: str


Placed = st.Pair[Customer, Order]
Bought = st.Pair[Placed, Item]

BY_CUSTOMER = st.Index.pick(Customer, lambda c: c.customer)
ORDER_CUSTOMER = st.Index.pick(Order, lambda o: o.customer)
PLACED_ORDER = st.Index.pick(Placed, lambda p: p.right.order)
ITEM_ORDER = st.Index.pick(Item, lambda i: i.order)
BOUGHT_PART = st.Index.pick(Bought, lambda b: b.right.part)
BOUGHT_BOTH = st.Index.pick(Bought, lambda b: (b.right.part, b.left.left.nation))
PART = st.Index.pick(Part, lambda p: p.part)
PART_BOTH = st.Index.pick(Part, lambda p: (p.part, p.nation))

CUSTOMERS = [Customer(customer=1, nation="fr"), Customer(customer=2, nation="de")]
ORDERS = [Order(order=10, customer=1), Order(order=11, customer=2), Order(order=12, customer=1)]
ITEMS = [Item(order=10 + i % 3, part=i % 2, cents=i) for i in range(8)]
PARTS = [Part(part=0, nation="fr"), Part(part=1, nation="de")]


def bought_of(customers: Any, orders: Any, items: Any) -> Any:
    placed = st.join(customers, orders, on_left=BY_CUSTOMER, on_right=ORDER_CUSTOMER)
    return st.join(placed, items, on_left=PLACED_ORDER, on_right=ITEM_ORDER)


def sold(
    customers: st.ZSet[Customer],
    orders: st.ZSet[Order],
    items: st.ZSet[Item],
    parts: st.ZSet[Part],
) -> st.ZSet[st.Pair[Bought, Part]]:
    bought = bought_of(customers, orders, items)
    return st.join(bought, parts, on_left=BOUGHT_PART, on_right=PART)


def by_both(
    customers: st.ZSet[Customer],
    orders: st.ZSet[Order],
    items: st.ZSet[Item],
    parts: st.ZSet[Part],
) -> st.ZSet[st.Pair[Bought, Part]]:
    bought = bought_of(customers, orders, items)
    return st.join(bought, parts, on_left=BOUGHT_BOTH, on_right=PART_BOTH)


def rows_of(found: Any) -> set[tuple[str, int, str, int]]:
    return {(b.left.left.left.nation, b.left.right.cents, b.right.nation, n) for b, n in found}


def expected(key: Any) -> set[tuple[str, int, str, int]]:
    return {
        (customer.nation, item.cents, part.nation, 1)
        for customer in CUSTOMERS
        for order in ORDERS
        for item in ITEMS
        for part in PARTS
        if order.customer == customer.customer
        and item.order == order.order
        and key(customer, item) == (part.part, part.nation)[: len(key(customer, item))]
    }


def kept(store: Any) -> list[str]:
    return sorted(each.table.serves for each in store.plan.tables)


def test_the_pairs_of_inner_joins_are_not_kept(place: Place) -> None:
    graph = st.compile(sold)
    with place.opened(graph) as store:
        assert kept(store) == ["customers", "items", "orders", "parts"]
        customers, orders, items, parts = st.actions(store, graph)
        customers.insert(*CUSTOMERS)
        parts.insert(*PARTS)
        items.insert(*ITEMS)
        (found,) = orders.insert(*ORDERS)
        assert rows_of(found.iter()) == expected(lambda c, i: (i.part,))
        (found,) = customers.remove(CUSTOMERS[0])
        gone = {(nation, cents, part, -n) for nation, cents, part, n in rows_of(found.iter())}
        assert gone == {row for row in expected(lambda c, i: (i.part,)) if row[0] == "fr"}
        assert st.explain(store).to_dict()["scans"] == []


def test_all_inputs_at_once(place: Place) -> None:
    graph = st.compile(sold)
    with place.opened(graph) as store:
        changes = [dict.fromkeys(rows, 1) for rows in (CUSTOMERS, ORDERS, ITEMS, PARTS)]
        inputs: Any = tuple(map(st.ZSetPython, changes))
        (found,) = st.iteration(store, graph, inputs)
        assert rows_of(found.iter()) == expected(lambda c, i: (i.part,))
        assert st.verify(store).ok


def test_a_key_of_both_sides_needs_the_pairs(place: Place) -> None:
    graph = st.compile(by_both)
    with place.opened(graph) as store:
        assert "join" in kept(store)
        customers, orders, items, parts = st.actions(store, graph)
        customers.insert(*CUSTOMERS)
        orders.insert(*ORDERS)
        items.insert(*ITEMS)
        (found,) = parts.insert(*PARTS)
        assert rows_of(found.iter()) == expected(lambda c, i: (i.part, c.nation))


def test_pairs_that_a_cache_has_are_looked_up_there(place: Place) -> None:
    cache: Any = st.Cache(name="bought")

    def query(customers: Any, orders: Any, items: Any, parts: Any) -> Any:
        bought = bought_of(customers, orders, items)
        _ = cache[bought](lambda z: st.integrate(z))
        return st.join(bought, parts, on_left=BOUGHT_PART, on_right=PART)

    query.__annotations__ = sold.__annotations__
    graph = st.compile(query)
    with place.opened(graph) as store:
        (table,) = [e.table for e in store.plan.tables if e.table.serves == "join"]
        assert table.key == ("right_part",)
