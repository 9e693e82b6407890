"""SQLite's statistics are of the last ANALYZE, when a table may have had five rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import stepping as st


class Row(st.Data):
    id: int
    group: int
    value: int


GROUP = st.Index.pick(Row, lambda r: r.group % 3)
BEST = st.Index.pick(Row, lambda r: r.value, ascending=False)
LARGEST = st.Index.pick(st.Pair[int, int], lambda p: p.left, ascending=False)


def of_groups(rows: st.ZSet[Row]) -> Any:
    firsts = st.per_group[st.group(rows, by=GROUP)](lambda g: st.first_n(g, index=BEST, n=2))
    return st.flatten(firsts)


def of_all(rows: st.ZSet[Row]) -> Any:
    return st.first_n(rows, index=BEST, n=2)


def of_sums(rows: st.ZSet[Row]) -> Any:
    by = st.Index.pick(Row, lambda r: r.group)
    sums = st.group_reduce_flatten(rows, by=by, zero=int, pick_value=lambda r: r.value)
    return st.first_n(sums, index=LARGEST, n=3)


def extremes(rows: st.ZSet[Row]) -> Any:
    least, most = st.agg.min(lambda r: r.value), st.agg.max(lambda r: r.value)
    return st.aggregate(rows, by=GROUP, into=Row, id=least, group=most, value=st.agg.count())


def joined(rows: st.ZSet[Row]) -> Any:
    on = st.Index.pick(Row, lambda r: r.id)
    return st.outer_join(rows, st.distinct(rows), on_left=on, on_right=on)


@pytest.mark.parametrize("query", [of_groups, of_all, of_sums, extremes, joined])
def test_no_table_is_read_whole(query: Callable[..., Any]) -> None:
    query.__annotations__["rows"] = st.ZSet[Row]
    with st.connection_sqlite(":memory:") as connection:
        graph: Any = st.compile(query)
        store: Any = st.StoreSQLite.from_graph(connection, graph)
        (action,) = st.actions(store, graph)
        action.insert(*(Row(id=-i, group=i, value=0) for i in range(1, 6)))
        connection.execute("ANALYZE")
        rows = (Row(id=i, group=i, value=i * 7919 % 100003) for i in range(2000))
        action.insert(*rows, output=False)
        assert st.explain(store).model.scans == ()
