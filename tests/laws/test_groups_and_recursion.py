"""The law for groups, steps, collections and recursion: fixed seeds, three stores, two oracles."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

import stepping as st


class Row(st.Data):
    k: int | None
    x: int
    s: str | None = ""


class Stats(st.Data):
    n: int
    lo: int
    kinds: int
    xs: st.ZSetPython[int]


class Edge(st.Data):
    src: int
    dst: int
    w: int


class Node(st.Data):
    node: int
    cost: int


Make = Callable[[random.Random, int], Any]
BY_K = st.Index.pick(Row, lambda r: r.k)
BY_X = st.Index.pick(Row, lambda r: r.x)
BY_S = st.Index.pick(Row, lambda r: r.s)
BY_NODE = st.Index.pick(Node, lambda n: n.node)
BY_SRC = st.Index.pick(Edge, lambda e: e.src)


def rows(r: random.Random, _: int) -> Row:
    return Row(k=r.choice([None, 1, 2]), x=r.randrange(4), s=r.choice([None, "a", "b"]))


def pairs(r: random.Random, _: int) -> st.Pair[int, int]:
    return st.Pair(r.randrange(5), r.randrange(5))


def nodes_and_edges(r: random.Random, which: int) -> Any:
    if which == 0:
        return Node(node=r.randrange(4), cost=0)
    return Edge(src=r.randrange(4), dst=r.randrange(4), w=r.randrange(1, 3))


def groups(a: st.ZSet[Row], b: st.ZSet[Row]) -> Any:
    g = st.group(a, by=BY_K)
    per = st.per_group[g]
    return (
        st.flatten(per(lambda r: st.count(st.filter(r, f=lambda row: row.x > 1)))),
        st.flatten(per(lambda r: st.first_n(r, index=BY_X, n=2))),
        st.flatten(per(lambda r: st.join(r, r, on_left=BY_X, on_right=BY_X))),
        st.flatten(per(lambda r: st.outer_join(b, r, on_left=BY_X, on_right=BY_X))),
        st.flatten(
            per(
                lambda r: st.flatten(
                    st.per_group[st.group(r, by=BY_S)](lambda inner: st.count(inner))
                )
            )
        ),
    )


def steps(a: st.ZSet[Row], b: st.ZSet[Row]) -> Any:
    joined = st.join(st.integrate(a), st.integrate(b), on_left=BY_K, on_right=BY_K)
    return (
        st.delay(a),
        st.differentiate(b),
        st.haitch(st.integrate_delay(a), a),
        st.differentiate(joined),
        st.join(st.delay(a), b, on_left=BY_K, on_right=BY_K),
    )


def collections(a: st.ZSet[Row]) -> Any:
    return st.aggregate(
        a,
        by=BY_K,
        into=Stats,
        n=st.agg.count(),
        lo=st.agg.min(lambda r: r.x),
        kinds=st.agg.count_distinct(lambda r: r.s),
        xs=st.agg.collect(lambda r: r.x),
    )


def closure(a: st.ZSet[st.Pair[int, int]]) -> Any:
    return st.transitive_closure(a)


def costs(a: st.ZSet[Node], e: st.ZSet[Edge]) -> Any:
    def step(y: st.ZSet[Node]) -> st.ZSet[Node]:
        joined = st.join(y, e, on_left=BY_NODE, on_right=BY_SRC)
        near = st.filter(joined, f=lambda p: p.left.cost + p.right.w < 5)
        return st.map(near, f=lambda p: Node(node=p.right.dst, cost=p.left.cost + p.right.w))

    return st.fixpoint(a, step)


@pytest.mark.parametrize(
    ("query", "make"),
    [
        (groups, rows),
        (steps, rows),
        (collections, rows),
        (closure, pairs),
        (costs, nodes_and_edges),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.parametrize("rewrites", [True, False])
def test_every_store_returns_the_changes_of_the_plain_meaning(
    query: Any, make: Make, rewrites: bool, postgres_db: str
) -> None:
    query.__annotations__["return"] = Any
    graph = st.compile(query)
    reference = st.StorePython.from_graph(graph)
    with (
        st.connection_sqlite(":memory:") as sqlite,
        st.connection_postgres(postgres_db) as postgres,
    ):
        stores = [
            st.StoreSQLite.from_graph(sqlite, graph, rewrites=rewrites),
            st.StorePostgres.from_graph(postgres, graph, rewrites=rewrites),
        ]
        for changes in history(make, len(graph.input_names)):
            wanted = st.iteration(reference, graph, changes)
            for store in stores:
                found = st.iteration(store, graph, changes)
                assert repr(found) == repr(wanted)


def history(make: Make, inputs: int, count: int = 30) -> list[tuple[st.ZSetPython[Any], ...]]:
    """Inserts and removes of several inputs at once; what is removed is there."""
    r = random.Random(7)
    kept: list[list[Any]] = [[] for _ in range(inputs)]
    found = []
    for _ in range(count):
        changes = []
        for which, there in enumerate(kept):
            change: list[tuple[Any, int]] = []
            for _ in range(r.randrange(4)):
                if there and r.random() < 0.45:
                    change.append((there.pop(r.randrange(len(there))), -1))
                else:
                    there.append(make(r, which))
                    change.append((there[-1], 1))
            changes.append(st.ZSetPython(change))
        found.append(tuple(changes))
    return found


def test_the_closure_is_what_a_search_finds() -> None:
    graph = st.compile(closure)
    edges: st.ZSetPython[Any] = st.ZSetPython()
    total: Any = st.ZSetPython()
    with st.connection_sqlite(":memory:") as connection:
        store = st.StoreSQLite.from_graph(connection, graph)
        for (change,) in history(pairs, 1, 60):
            edges = edges + change
            (delta,) = st.iteration(store, graph, (change,))
            total = total + delta
            reached = {(p.left, p.right) for p, _ in edges.iter()}
            while more := {(a, d) for a, b in reached for c, d in reached if b == c} - reached:
                reached |= more
            assert total == st.ZSetPython({st.Pair(a, b): 1 for a, b in reached})


def test_a_count_per_group_is_what_counting_each_group_gives() -> None:
    def query(a: st.ZSet[Row]) -> Any:
        return st.flatten(
            st.per_group[st.group(a, by=BY_K)](
                lambda r: st.count(st.filter(r, f=lambda row: row.x > 1))
            )
        )

    graph = st.compile(query)
    whole: st.ZSetPython[Any] = st.ZSetPython()
    total: Any = st.ZSetPython()
    with st.connection_sqlite(":memory:") as connection:
        store = st.StoreSQLite.from_graph(connection, graph)
        for (change,) in history(rows, 1, 60):
            whole = whole + change
            (delta,) = st.iteration(store, graph, (change,))
            total = total + delta
            counts: dict[Any, int] = {}
            for row, n in whole.iter():
                counts[row.k] = counts.get(row.k, 0) + (n if row.x > 1 else 0)
            assert total == st.ZSetPython({st.Pair(n, k): 1 for k, n in counts.items()})
