"""All pairs that a path of edges joins, while single edges come and go.

`closure_tree`: a forest in which each node hangs on an earlier one. `closure_graph`: sparse random
edges, with cycles.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, ClassVar

import stepping as st
from benchmarks.workload import Change, PlainTable, PlainTables, Values, Workload, in_batches

Edge = st.Pair[int, int]

pairs_cache = st.Cache[Edge]()


def closure(edges: st.ZSet[Edge]) -> st.ZSet[Edge]:
    pairs = st.transitive_closure(edges)
    _ = pairs_cache[pairs](lambda z: st.integrate(z))
    return pairs


class ClosureTree(Workload):
    name = "closure_tree"
    title = "the transitive closure of a forest; one edge is added or removed"
    inputs = ("edges",)
    query: ClassVar[Any] = staticmethod(closure)
    cache: ClassVar[Any] = pairs_cache
    events: ClassVar[tuple[str, ...]] = ("add an edge", "remove an edge")
    in_batches = False
    sizes: ClassVar[tuple[int, ...]] = (2_000, 4_000)
    against = ("stepping", "recompute", "original")

    def __init__(self) -> None:
        self.edges: list[Edge] = []

    def load(self, rows: int) -> Iterator[Change]:
        chance = random.Random(self.name)
        self.edges = list(dict.fromkeys(self.edge(chance, i, rows) for i in range(1, rows)))
        yield from in_batches("edges", self.edges)

    def edge(self, chance: random.Random, i: int, rows: int) -> Edge:
        # Roots here and there, and each other node on one of the 100 before it.
        first = max(i // 500 * 500, i - 100)
        return st.Pair(chance.randrange(first, i) if first < i else i - 1, i)

    def event(self, event: str, batch: int, seed: str) -> Change:
        chance = random.Random(seed)
        if event == "add an edge":
            # To a new leaf: the seeds give each its own number.
            leaf = 10**9 + chance.randrange(10**9)
            return Change("edges", (st.Pair(chance.choice(self.edges).right, leaf),))
        edge = self.edges.pop(chance.randrange(len(self.edges)))
        return Change("edges", (), (edge,))

    def steps(self, event: str, batch: int) -> int:
        return 10

    def values(self, row: Any) -> Values:
        return (row.left, row.right)


class ClosureGraph(ClosureTree):
    name = "closure_graph"
    title = "the transitive closure of a sparse graph with cycles; one edge is added or removed"

    def edge(self, chance: random.Random, i: int, rows: int) -> Edge:
        # Parts of 50 nodes: 0.9 edges a node, near the point where one part becomes all.
        base = i // 50 * 50
        return st.Pair(base + chance.randrange(55), base + chance.randrange(55))


def _columns(edge: Edge) -> Values:
    return (edge.left, edge.right)


SELECT = (
    "WITH RECURSIVE pairs(a, b) AS (SELECT a, b FROM edges "
    "UNION SELECT pairs.a, edges.b FROM pairs JOIN edges ON edges.a = pairs.b) "
    "SELECT a, b FROM pairs"
)
SQLITE = {
    "edges": PlainTable(
        create=("CREATE TABLE edges (a INTEGER, b INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID",),
        insert="INSERT INTO edges VALUES (?, ?)",
        delete="DELETE FROM edges WHERE a = ? AND b = ?",
        columns=_columns,
    )
}
POSTGRES = {
    "edges": PlainTable(
        create=("CREATE TABLE edges (a int8, b int8, PRIMARY KEY (a, b))",),
        insert="INSERT INTO edges SELECT * FROM unnest($1::int8[], $2::int8[])",
        delete="DELETE FROM edges WHERE a = $1 AND b = $2",
        columns=_columns,
    )
}
ClosureTree.plain = {
    "sqlite": PlainTables(SQLITE, SELECT),
    "postgres": PlainTables(POSTGRES, SELECT),
}

WORKLOADS = (ClosureTree(), ClosureGraph())
