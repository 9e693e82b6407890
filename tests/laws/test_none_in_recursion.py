"""A row with None that is derived in another way stays when one way goes."""

from __future__ import annotations

import stepping as st
from stepping import Index, Pair, ZSet
from tests.support.law import shown

Row = Pair[int, str | None]
Rows = ZSet[Pair[int, str | None]]
of_row = Index.pick(Row, lambda r: r.left)
of_edge = Index.pick(Pair[int, int], lambda e: e.left)


def reached(rows: Rows, edges: ZSet[Pair[int, int]]) -> Rows:
    def step(y: Rows) -> Rows:
        pairs = st.join(y, edges, on_left=of_row, on_right=of_edge)
        return st.map(pairs, f=lambda p: Pair(p.right.right, p.left.right))

    return st.fixpoint(rows, step)


def test_none_is_derived_again(each_postgres_db: str) -> None:
    graph = st.compile(reached)
    edge = Pair(1, 2)
    with (
        st.connection_sqlite(":memory:") as lite,
        st.connection_postgres(each_postgres_db) as postgres,
    ):
        stores = [
            st.StoreSQLite.from_graph(lite, graph),
            st.StorePostgres.from_graph(postgres, graph),
        ]
        for store in stores:
            rows, edges = st.actions(store, graph)
            rows.insert(Pair(1, None), Pair(2, None), Pair(3, "a"))
            edges.insert(edge, Pair(3, 2), Pair(3, 1))
            (gone,) = edges.remove(edge)
            assert shown(gone) == {}  # it is still a row
            rows.insert(Pair(3, None))
            edges.insert(edge)
            (gone,) = rows.remove(Pair(2, None))
            assert shown(gone) == {}  # an edge leads there
            assert st.verify(store).ok
