"""What operators make of their Z-sets."""

from typing import assert_type

import stepping as st


class Item(st.Data):
    order: int
    name: str


class Order(st.Data):
    id: int


class Stats(st.Data):
    total: int
    n: int


by_order = st.Index.pick(Item, lambda i: i.order)
by_id = st.Index.pick(Order, lambda o: o.id)


def query(items: st.ZSet[Item], orders: st.ZSet[Order]) -> st.ZSet[st.Pair[int, int]]:
    assert_type(st.map(items, f=lambda i: i.name), st.ZSet[str])
    assert_type(st.filter(items, f=lambda i: i.order > 1), st.ZSet[Item])
    assert_type(
        st.join(items, orders, on_left=by_order, on_right=by_id), st.ZSet[st.Pair[Item, Order]]
    )
    assert_type(
        st.outer_join(items, orders, on_left=by_order, on_right=by_id),
        st.ZSet[st.Pair[Item, Order | st.Empty]],
    )
    assert_type(st.semi_join(items, orders, on_left=by_order, on_right=by_id), st.ZSet[Item])
    assert_type(st.first_n(items, index=by_order, n=3), st.ZSet[Item])
    assert_type(st.count(items), st.ZSet[int])
    assert_type(
        st.aggregate(
            items,
            by=by_order,
            into=Stats,
            total=st.agg.sum(lambda i: i.order),
            n=st.agg.count(),
        ),
        st.ZSet[st.Pair[Stats, int]],
    )
    sums = st.group_reduce_flatten(items, by=by_order, zero=int, pick_value=lambda i: i.order)
    assert_type(sums, st.ZSet[st.Pair[int, int]])
    return sums
