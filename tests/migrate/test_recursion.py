"""A recursion of which nothing is kept but its own table is filled, and computed anew."""

from __future__ import annotations

from typing import Any

import pytest

import stepping as st
from stepping import Index, Pair, ZSet
from tests.support.place import Place

Edges = ZSet[Pair[int, int]]
EDGES = (Pair(1, 2), Pair(2, 3), Pair(3, 1), Pair(3, 4))


def edges_only(edges: Edges) -> Edges:
    return edges


def connected(edges: Edges) -> Edges:
    return st.transitive_closure(edges)


def reached(edges: Edges) -> Edges:
    ends = Index.pick(Pair[int, int], lambda e: e.right)
    begins = Index.pick(Pair[int, int], lambda e: e.left)

    def step(y: Edges) -> Edges:
        pairs = st.join(y, edges, on_left=ends, on_right=begins)
        return st.map(pairs, f=lambda p: Pair(p.left.left, p.right.right))

    return st.fixpoint(st.filter(edges, f=lambda e: e.left == 1), step)


queries = pytest.mark.parametrize("query", [connected, reached])


@queries
@pytest.mark.parametrize("in_batches", [False, True])
def test_it_is_filled(place: Place, query: Any, in_batches: bool) -> None:
    old = st.compile(edges_only, name="paths", keep={"edges": "all"})
    new = st.compile(query, name="paths", keep={"edges": "all"})
    with place.connect() as connection:
        store = place.store(connection, old)
        st.actions(store, old)[0].insert(*EDGES)
        st.plan(connection, new, in_batches=in_batches).apply(batch_rows=2)
        store = place.store(connection, new, create_tables=False)
        assert st.verify(store).ok
        (gone,) = st.actions(store, new)[0].remove(*EDGES)
    wanted = st.StorePython.from_graph(new)
    (came,) = st.actions(wanted, new)[0].insert(*EDGES)
    assert gone == -came


@queries
def test_verify_finds_nothing(place: Place, query: Any) -> None:
    graph = st.compile(query, name="paths")
    with place.opened(graph) as store:
        st.actions(store, graph)[0].insert(*EDGES)
        found = st.verify(store)
        assert found.ok, str(found)
        assert not found.differences
