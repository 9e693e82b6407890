"""What is done with values of any one type, on a store and in memory, step by step."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import psycopg

import stepping as st
from stepping.compiler.frontend.rows import type_of
from stepping.compiler.schema import has_columns
from tests.support.row_types import Typed

T = TypeVar("T")
Open = Callable[[Any], contextlib.AbstractContextManager[Any]]
"""Opens a store for a query that is empty, and gone afterwards."""


class Row(st.Data, Generic[T]):
    number: int
    value: T


@contextlib.contextmanager
def on_sqlite(graph: Any) -> Iterator[Any]:
    with st.connection_sqlite(":memory:") as connection:
        yield st.StoreSQLite.from_graph(connection, graph)


def on_postgres(connection: psycopg.Connection[Any]) -> Open:
    """In a transaction that is rolled back: a new database takes ten times as long."""

    @contextlib.contextmanager
    def opened(graph: Any) -> Iterator[Any]:
        connection.execute("BEGIN")
        try:
            yield st.StorePostgres.from_graph(connection, graph)
        finally:
            connection.execute("ROLLBACK")
            connection.execute("DISCARD ALL")  # the same text may be prepared for other columns

    return opened


def through_python(row: Any) -> Any:
    repr(row)  # has no SQL
    return row


def graph_of(annotation: Any) -> tuple[Any, st.Cache[Any], Any]:
    """A query that does with a value whatever can be done with any: and its cache and index."""
    row = Row[annotation]
    cache: st.Cache[Any] = st.Cache("kept")
    index = st.Index.pick(row, lambda r: r.value)

    def step(r: Any) -> Any:
        return through_python(r)

    step.__annotations__ = {"r": row, "return": row}

    def query(rows: Any, others: Any) -> Any:
        joined = st.join(rows, others, on_left=index, on_right=index)
        groups = st.group_reduce_flatten(rows, by=index, zero=int, pick_value=lambda r: r.number)
        mapped = st.map(rows, f=step)
        values = st.distinct(st.map(mapped, f=lambda r: (r.value, r.value == r.value)))
        by_key = st.integrate_indexed(mapped, indexes=(index,))
        _ = cache[mapped](lambda z: by_key)
        return joined, groups, values

    query.__annotations__ = {"rows": st.ZSet[row], "others": st.ZSet[row]}
    return st.compile(query), cache, index


def has_columns_of(typed: Typed) -> bool:
    return has_columns(type_of(typed.annotation))


def shown(zset: st.ZSet[Any]) -> dict[str, int]:
    """By the text of rows: 1, 1.0 and True are equal, and are not the same."""
    return {repr(row): count for row, count in zset.iter()}


def hold(opened: Open, annotation: Any, values: list[Any], seed: int = 0) -> None:
    """Insert rows with these values, look for them, and remove them in another order."""
    graph, cache, index = graph_of(annotation)
    rows = [Row(number=i % 3, value=value) for i, value in enumerate(values)]
    reference = st.StorePython.from_graph(graph)

    def same(step: Callable[[Any], tuple[Any, ...]]) -> None:
        wanted, found = step(reference), step(store)
        assert list(map(shown, found)) == list(map(shown, wanted))
        assert shown(cache.zset(store)) == shown(cache.zset(reference))
        assert list(cache.zset(store).iter_by_index(index)) == list(
            cache.zset(reference).iter_by_index(index)
        )

    with opened(graph) as store:
        half = len(rows) // 2
        for batch in (rows[:half], rows[half:]):
            changes = (st.ZSetPython.of_rows(batch), st.ZSetPython.of_rows(batch[:2]))
            same(lambda s, changes=changes: st.iteration(s, graph, changes))  # type: ignore[misc]
        kept = cache.zset(reference).to_python()
        for row in rows:
            assert list(cache.zset(store).iter(frozenset({row}))) == [(row, kept.get_count(row))]
        keys = frozenset(row.value for row in rows[:3])
        assert list(cache.zset(store).iter_by_index(index, keys)) == list(
            cache.zset(reference).iter_by_index(index, keys)
        )
        random.Random(seed).shuffle(rows)
        for start in range(0, len(rows), 3):
            batch = rows[start : start + 3]
            same(lambda s, batch=batch: st.actions(s, graph)[0].remove(*batch))  # type: ignore[misc]
        assert len(cache.zset(store)) == 0
