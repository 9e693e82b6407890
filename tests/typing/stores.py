"""Compiled queries, their actions and their steps have the types of the query function."""

import sqlite3
from typing import assert_type

import stepping as st


class Item(st.Data):
    name: str


class Order(st.Data):
    id: int


kept = st.Cache[Item](name="kept")


def one(items: st.ZSet[Item]) -> st.ZSet[Item]:
    return items


def two(items: st.ZSet[Item], orders: st.ZSet[Order]) -> tuple[st.ZSet[Order], st.ZSet[Item]]:
    _ = kept[items](lambda z: st.integrate(z))
    return orders, items


def run(connection: sqlite3.Connection) -> None:
    graph = st.compile(one)
    store = st.StoreSQLite.from_graph(connection, graph)
    (items,) = st.actions(store, graph)
    assert_type(items.insert(Item(name="tv")), tuple[st.ZSet[Item]])
    assert_type(items.replace(Item(name="tv"), Item(name="radio")), tuple[st.ZSet[Item]])
    changes = (st.ZSetPython({Item(name="tv"): 1}),)
    assert_type(st.iteration(store, graph, changes), tuple[st.ZSet[Item]])

    both = st.compile(two)
    first, second = st.actions(store, both)
    assert_type(first.insert(Item(name="tv")), tuple[st.ZSet[Order], st.ZSet[Item]])
    assert_type(second.remove(Order(id=1)), tuple[st.ZSet[Order], st.ZSet[Item]])
    assert_type(kept.zset(store), st.ZSet[Item])
