"""What a step reads of a table with ten thousand rows: by an index, and never all of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import stepping as st
from stepping import Index, Pair, ZSet, agg

COUNT = 10_000


class Row(st.Data):
    group: int
    value: int | None
    text: str


class Other(st.Data):
    group: int
    name: str


class Ends(st.Data):
    low: int | None
    high: int | None


by_group = Index.pick(Row, lambda r: r.group)


def ends_of_groups(rows: ZSet[Row], others: ZSet[Other]) -> ZSet[Pair[Ends, int]]:
    return st.aggregate(
        rows,
        by=by_group,
        into=Ends,
        low=agg.min(lambda r: r.value),
        high=agg.max(lambda r: r.value),
    )


def ends_of_all(rows: ZSet[Row], others: ZSet[Other]) -> ZSet[Ends]:
    return st.aggregate(
        rows, into=Ends, low=agg.min(lambda r: r.value), high=agg.max(lambda r: r.value)
    )


def first_five(rows: ZSet[Row], others: ZSet[Other]) -> ZSet[Row]:
    return st.first_n(rows, index=Index.pick(Row, lambda r: r.value), n=5)


def last_five(rows: ZSet[Row], others: ZSet[Other]) -> ZSet[Row]:
    index = Index.pick(Row, lambda r: (r.value, r.text), ascending=(False, True))
    return st.first_n(rows, index=index, n=5)


def first_of_groups(rows: ZSet[Row], others: ZSet[Other]) -> ZSet[Pair[Row, int]]:
    order = Index.pick(Row, lambda r: r.text, ascending=False)
    groups = st.per_group[st.group(rows, by=by_group)]
    return st.flatten(groups(lambda g: st.first_n(g, index=order, n=3)))


def rows_with_a_match(rows: ZSet[Row], others: ZSet[Other]) -> ZSet[Row]:
    return st.semi_join(
        rows, others, on_left=by_group, on_right=Index.pick(Other, lambda o: o.group)
    )


def distinct_groups(rows: ZSet[Row], others: ZSet[Other]) -> ZSet[int]:
    return st.distinct(st.map(rows, f=lambda r: r.group))


def joined_by_text_and_first(
    rows: ZSet[Row], others: ZSet[Other]
) -> tuple[ZSet[Pair[Row, Other]], ZSet[Row]]:
    """One table that is looked up by a text and read in two orders."""
    joined = st.join(
        rows,
        others,
        on_left=Index.pick(Row, lambda r: (r.text, r.group)),
        on_right=Index.pick(Other, lambda o: (o.name, o.group)),
    )
    return joined, st.first_n(rows, index=Index.pick(Row, lambda r: (r.group, r.text)), n=5)


QUERIES: list[Callable[..., Any]] = [
    ends_of_groups,
    ends_of_all,
    first_five,
    last_five,
    first_of_groups,
    rows_with_a_match,
    distinct_groups,
    joined_by_text_and_first,
]

ROWS = [Row(group=0, value=i, text=f"text {i}") for i in range(COUNT)]


def small_steps(store: Any) -> list[Callable[[], Any]]:
    """Steps of one row each, that need what comes next in an order."""
    rows, others = st.actions(store, store.graph)
    first, last = ROWS[0], ROWS[-1]
    none = Row(group=0, value=None, text="")
    return [
        lambda: rows.remove(first),
        lambda: rows.remove(last),
        lambda: rows.insert(none, none),
        lambda: rows.replace(none, first),
        lambda: rows.insert(last),
        # A second row at a key that is there, and one that goes while another stays.
        lambda: others.insert(Other(group=0, name="second")),
        lambda: others.remove(Other(group=0, name="first")),
    ]


def filled(store: Any, rows: list[Row]) -> None:
    first = st.ZSetPython({Other(group=0, name="first"): 1})
    st.iteration(store, store.graph, (st.ZSetPython.of_rows(rows), first))


@pytest.mark.parametrize("query", QUERIES, ids=[query.__name__ for query in QUERIES])
def test_sqlite_reads_the_rows_it_needs(query: Any) -> None:
    with st.connection_sqlite(":memory:") as connection:
        store = st.StoreSQLite.from_graph(connection, st.compile(query))
        filled(store, ROWS)
        for position, step in enumerate(small_steps(store)):
            executed = 0

            def count() -> int:
                nonlocal executed
                executed += 100
                return 0

            connection.set_progress_handler(count, 100)
            step()
            connection.set_progress_handler(None, 0)
            # A scan of the table takes several of SQLite's instructions for each row.
            assert executed < 3_000, f"step {position}"


def analysed_empty(store: Any) -> None:
    """What autovacuum knows of a table that it came by too early."""
    store.driver.connection.execute("ANALYZE")


def analysed_with_a_row_in_each_group(store: Any) -> None:
    """What is known then makes every index look as good: each seems to find one row."""
    rows = [Row(group=i, value=i, text=f"text {i}") for i in range(-300, 0)]
    action = st.actions(store, store.graph)[0]
    action.insert(*rows)
    store.driver.connection.execute("ANALYZE")
    for row in rows[:2]:  # twice, so that a step of one row has its plan
        other = Row(group=row.group, value=0, text=row.text)
        action.replace(row, other)
        action.replace(other, row)
    action.remove(*rows)


def never_analysed(store: Any) -> None:
    """Plans are made as for any table of a size that nobody knows."""


@pytest.mark.parametrize(
    "known", [never_analysed, analysed_empty, analysed_with_a_row_in_each_group]
)
@pytest.mark.parametrize("query", QUERIES, ids=[query.__name__ for query in QUERIES])
def test_postgres_reads_the_rows_it_needs(query: Any, known: Any, postgres_db: str) -> None:
    with st.connection_postgres(postgres_db) as connection:
        graph: Any = st.compile(query)
        store = st.StorePostgres.from_graph(connection, graph)
        known(store)
        filled(store, ROWS)

        def rows_read() -> int:
            connection.execute("SELECT pg_stat_force_next_flush()")
            found = connection.execute(
                "SELECT sum(seq_tup_read) + sum(coalesce(idx_tup_fetch, 0))"
                " FROM pg_stat_user_tables WHERE relname LIKE %s",
                [f"{query.__name__}%"],
            ).fetchone()
            assert found is not None
            return int(found[0])

        rows_read()
        for turn in range(2):  # at first as several statements, then as a function
            for position, step in enumerate(small_steps(store)):
                before = rows_read()
                step()
                read = rows_read() - before
                assert read < 40, f"step {position} of turn {turn} read {read} rows"
            others = st.actions(store, graph)[1]
            others.remove(Other(group=0, name="second"))
            others.insert(Other(group=0, name="first"))
