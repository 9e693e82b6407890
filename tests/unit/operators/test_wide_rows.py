"""Rows of more columns than a Postgres index may have, as keys, groups, sets and orders."""

from __future__ import annotations

from typing import Any

import stepping as st
from stepping import Empty, Index, Pair, ZSet


class Ten(st.Data):
    a: int
    b: int
    c: str | None = None
    d: str | None = None
    e: int | None = None
    f: int | None = None
    g: float | None = None
    h: float | None = None
    i: bool = True
    j: bool = False


class Wide(st.Data):
    one: Ten
    two: Ten
    three: Ten
    four: Ten


class Numbers(st.Data):
    """Short columns only, of which a primary key is made."""

    n1: tuple[int, int, int, int, int, int, int, int, int, int, int, int]
    n2: tuple[int, int, int, int, int, int, int, int, int, int, int, int]
    n3: tuple[int, int, int, int, int, int, int, int, int, int, int, int]


def wide_keys(
    a: ZSet[Wide], b: ZSet[Numbers]
) -> tuple[
    ZSet[Wide],
    ZSet[Pair[int, Wide]],
    ZSet[Wide],
    ZSet[Pair[Wide, Wide | Empty]],
    ZSet[Pair[int, Numbers]],
]:
    by, by_last = Index.identity(Wide), Index.pick(Wide, lambda w: w.four, ascending=False)
    whole = Index.identity(Numbers)
    return (
        st.distinct(a),
        st.group_reduce_flatten(a, by=by, zero=int, pick_value=lambda w: w.four.j),
        st.first_n(a, index=by_last, n=1),
        st.outer_join(a, a, on_left=by, on_right=by),
        st.group_reduce_flatten(b, by=whole, zero=int, pick_value=lambda n: n.n3[11]),
    )


def test_rows_of_forty_columns(postgres_db: str) -> None:
    same = Ten(a=1, b=2)
    rows = [Wide(one=same, two=same, three=same, four=Ten(a=1, b=2, j=j)) for j in (False, True)]
    dozen = tuple(range(12))
    numbers = Numbers(n1=dozen, n2=dozen, n3=dozen)  # type: ignore[arg-type]
    graph = st.compile(wide_keys)
    with st.connection_sqlite(":memory:") as lite, st.connection_postgres(postgres_db) as postgres:
        stores: list[Any] = [
            st.StorePython.from_graph(graph),
            st.StoreSQLite.from_graph(lite, graph),
            st.StorePostgres.from_graph(postgres, graph),
        ]
        for change in ({rows[0]: 1, rows[1]: 2}, {rows[1]: -1}, {rows[0]: -1, rows[1]: -1}):
            found = []
            for store in stores:
                both = (st.ZSetPython(change), st.ZSetPython({numbers: 1}))
                found.append([each.to_python() for each in st.iteration(store, graph, both)])
            assert found[0] == found[1] == found[2]
            assert len(found[0][1])
            assert len(found[0][4])
