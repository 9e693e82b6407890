"""Keys have the type of what is picked."""

from typing import assert_type

import stepping as st


class Item(st.Data):
    order: int
    name: str
    note: str | None


class Order(st.Data):
    id: int
    item: Item


def named(item: Item) -> str:
    return item.name


assert_type(st.Index.pick(Item, lambda i: i.order), st.Index[Item, int])
assert_type(
    st.Index.pick(Item, lambda i: (i.order, i.note)), st.Index[Item, tuple[int, str | None]]
)
assert_type(st.Index.pick(Item, lambda i: i.order, ascending=False), st.Index[Item, int])
assert_type(st.Index.pick(Item, named), st.Index[Item, str])
assert_type(st.Index.pick(Order, lambda o: o.item.name), st.Index[Order, str])
assert_type(
    st.Index.pick(st.Pair[Item, Order], lambda p: p.right.item.note),
    st.Index[st.Pair[Item, Order], str | None],
)
assert_type(st.Index.identity(str), st.Index[str, str])
assert_type(st.Index.atom("n", Item, str, lambda i: i.name), st.Index[Item, str])
