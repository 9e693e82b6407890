"""Recursions whose rows are read by what reads them behind a step: another recursion, first_n, min.

Each table that is read behind a step is merged into at one place. A recursion writes its own rows;
when it shared their table with its readers, a step waited for itself, and dropped its statements.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import stepping as st
from stepping.compiler.zset import ZSet

Edge = st.Pair[int, int]

LEFT = st.Index.pick(Edge, lambda edge: edge.left)
RIGHT = st.Index.pick(Edge, lambda edge: edge.right)
ITSELF = st.Index.identity(int)


class Ends(st.Data):
    first: int
    last: int


def reached(edges: ZSet[Edge], starts: ZSet[int]) -> ZSet[int]:
    def step(found: ZSet[int]) -> ZSet[int]:
        return st.map(
            st.join(edges, found, on_left=LEFT, on_right=ITSELF), f=lambda pair: pair.left.right
        )

    return st.fixpoint(starts, step)


def through_a_closure(edges: ZSet[Edge], starts: ZSet[int]) -> ZSet[int]:
    return reached(st.transitive_closure(edges), starts)


def from_a_recursion(edges: ZSet[Edge], starts: ZSet[int]) -> ZSet[Edge]:
    of = st.semi_join(edges, reached(edges, starts), on_left=LEFT, on_right=ITSELF)
    return st.transitive_closure(st.transitive_closure(of))


def first_of_a_closure(edges: ZSet[Edge], starts: ZSet[int]) -> ZSet[Edge]:
    closure = st.transitive_closure(edges)
    index = st.Index.pick(Edge, lambda edge: (edge.right, edge.left), ascending=(False, True))
    return st.first_n(
        st.semi_join(closure, starts, on_left=LEFT, on_right=ITSELF), index=index, n=2
    )


def first_of_all(edges: ZSet[Edge], starts: ZSet[int]) -> tuple[ZSet[Edge], ZSet[int]]:
    closure = st.transitive_closure(edges)
    return st.first_n(closure, index=RIGHT, n=3), reached(closure, starts)


def ends_of_a_closure(edges: ZSet[Edge], starts: ZSet[int]) -> ZSet[st.Pair[Ends, int]]:
    return st.aggregate(
        st.semi_join(st.transitive_closure(edges), starts, on_left=LEFT, on_right=ITSELF),
        by=LEFT,
        into=Ends,
        first=st.agg.min(lambda edge: edge.right),
        last=st.agg.max(lambda edge: edge.right),
    )


QUERIES: list[Callable[..., Any]] = [
    through_a_closure,
    from_a_recursion,
    first_of_a_closure,
    first_of_all,
    ends_of_a_closure,
]


@pytest.fixture(params=["sqlite", "postgres"])
def connection(request: pytest.FixtureRequest) -> Iterator[tuple[Any, Any]]:
    if request.param == "sqlite":
        with st.connection_sqlite(":memory:") as opened:
            yield st.StoreSQLite, opened
    else:
        with st.connection_postgres(request.getfixturevalue("postgres_db")) as opened:
            yield st.StorePostgres, opened


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.__name__)
def test_chained(query: Callable[..., Any], connection: tuple[Any, Any]) -> None:
    graph = st.compile(query)
    plain = st.StorePython.from_graph(graph)
    stored = connection[0].from_graph(connection[1], graph)
    seed = random.Random(3)
    pools: tuple[list[Any], list[Any]] = (
        [st.Pair(a, b) for a in range(5) for b in range(5)],
        list(range(5)),
    )
    there: tuple[set[Any], set[Any]] = (set(), set())
    for _ in range(40):
        changes: list[st.ZSetPython[Any]] = []
        for pool, rows in zip(pools, there, strict=True):
            # Every third time nothing, so that each input also changes alone.
            some = seed.sample(pool, 2) if seed.randrange(3) else []
            changes.append(st.ZSetPython((row, -1 if row in rows else 1) for row in some))
            rows.symmetric_difference_update(some)
        given = (changes[0], changes[1])
        expected = st.iteration(plain, graph, given)
        found = st.iteration(stored, graph, given)
        assert [each.to_python() for each in found] == [each.to_python() for each in expected]
