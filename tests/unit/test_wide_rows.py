"""Rows with hundreds of fields: no statement is a level deeper for each of them."""

from __future__ import annotations

from typing import Any

import pytest

import stepping as st
from stepping.compiler.zset import ZSetPython
from tests.support.place import Place

FIELDS = 110
KINDS: Any = (int, str, float | None)
VALUES = (1, "a", None)
Wide: Any = type(
    "Wide",
    (st.Data,),
    {
        "__module__": __name__,
        "__annotations__": {f"f{i}": KINDS[i % 3] for i in range(FIELDS)},
        **{f"f{i}": VALUES[i % 3] for i in range(FIELDS)},
    },
)
FIRST = st.Index.pick(Wide, lambda row: row.f0)
WHOLE = st.Index.identity(Wide)


def joined(a: st.ZSet[Wide], b: st.ZSet[Wide]) -> st.ZSet[Any]:
    return st.outer_join(a, b, on_left=FIRST, on_right=FIRST)


def grouped(a: st.ZSet[Wide], b: st.ZSet[Wide]) -> st.ZSet[Any]:
    both = st.union_all(a, b)
    return st.group_reduce_flatten(both, by=WHOLE, zero=int, pick_value=lambda row: row.f3)


@pytest.mark.parametrize("query", [joined, grouped])
def test_wide_rows(place: Place, query: Any) -> None:
    graph = st.compile(query)
    some = ZSetPython({Wide(): 1, Wide(f0=5): 2, Wide(f0=5, f107=1.5): 1})
    fewer = ZSetPython({Wide(f0=5): 1})
    none: Any = ZSetPython()
    expected = st.StorePython.from_graph(graph)
    with place.opened(graph) as store:
        # A step on Postgres becomes a function the second time.
        for step in ((some, some), (fewer, some), (some, fewer), (-some, none), (none, -some)):
            changed = st.iteration(store, graph, step)
            assert changed == st.iteration(expected, graph, step)
        with pytest.raises(st.RowError, match="is not there"):
            st.iteration(store, graph, (ZSetPython({Wide(f0=7): -1}), none))
