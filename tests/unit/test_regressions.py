"""Faults that were found by reading, each provoked: what was remembered or waited for too long."""

from __future__ import annotations

import re
import sqlite3
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import stepping as st
from stepping.dialects.sqlite import driver
from stepping.dialects.sqlite.connecting import begin_immediate
from stepping.runtime.status import all_of
from tests.support.place import Place
from tests.support.rows import Item
from tests.support.versions import Version


class Row(st.Data):
    k: int
    v: int


def large(a: st.ZSet[Row]) -> st.ZSet[Row]:
    return st.filter(a, f=lambda row: row.v > 5)


def sums_of(b: Any) -> Any:
    return st.group_reduce_flatten(
        b,
        by=st.Index.pick(Row, lambda row: row.k),
        zero=int,
        pick_value=lambda row: row.v,
    )


def mixed(a: st.ZSet[Row], b: st.ZSet[Row]) -> tuple[st.ZSet[Row], st.ZSet[st.Pair[int, int]]]:
    return large(a), sums_of(b)


def summed(b: st.ZSet[Row]) -> st.ZSet[st.Pair[int, int]]:
    return sums_of(b)


def test_a_step_without_tables_vouches_for_none(place: Place) -> None:
    """Another store has moved the clock on the same connection in between."""
    graph = st.compile(mixed)
    with place.connect() as connection:
        first, second = place.store(connection, graph), place.store(connection, graph)
        a, b = st.actions(first, graph)
        b.insert(Row(k=1, v=1))
        st.actions(second, graph)[1].insert(Row(k=1, v=1), time=st.Time(input_time=7))
        a.insert(Row(k=1, v=9))
        with pytest.raises(st.TimePassed):
            b.insert(Row(k=1, v=1), time=st.Time(input_time=5))
    assert set(place.times().values()) == {7}


@pytest.mark.parametrize("name", ["summed", "DailyTotals", "straße", "it's"])
def test_the_status_of_a_query_whatever_it_is_called(name: str, place: Place) -> None:
    graph = st.compile(summed, name=name)
    with place.opened(graph) as store:
        (status,) = all_of(store.driver)
        assert status == store.status()
        assert set(status.tables) == set(store.plan.kept)
    with place.opened(graph, create_tables=False) as store:  # from the plan in the catalog
        assert store.plan.query == name


def test_a_begin_that_fails_leaves_no_transaction(postgres_db: str) -> None:
    with st.connection_postgres(postgres_db) as connection:
        store: Any = st.StorePostgres.from_graph(connection, st.compile(summed))
        failing = store.driver._begun("SELECT 1/0")
        with pytest.raises(Exception, match="division by zero"), failing:
            pass
        assert not store.driver.in_transaction()


def test_opening_a_store_waits_for_no_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = st.compile(summed)
    path = tmp_path / "a.db"
    with st.connection_sqlite(path) as connection:
        st.StoreSQLite.from_graph(connection, graph)
        connection.execute("UPDATE stepping_queries SET plan_key = NULL, plan = NULL")
    waits: list[float] = []

    def begin(cursor: sqlite3.Cursor, patience: float) -> bool:
        waits.append(patience)
        return begin_immediate(cursor, patience)

    monkeypatch.setattr(driver, "begin_immediate", begin)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    with st.connection_sqlite(path) as connection:
        store: Any = st.StoreSQLite.from_graph(connection, graph, create_tables=False)
        assert waits
        assert max(waits) <= 0
        assert store.driver.patience() > 0
    writer.execute("ROLLBACK")
    writer.close()


def test_queue_calls_take_turns_with_steps(postgres_db: str) -> None:
    """Threads may share a store: a call in the middle of another's step would be part of it."""
    with st.connection_postgres(postgres_db) as connection:
        store: Any = st.StorePostgres.from_graph(connection, st.compile(summed))
        for call in (store.queued, store.quarantined, store.drop_queued, store.retry_queued):
            finished: list[Any] = []

            def run(call: Any = call, finished: Any = finished) -> None:
                finished.append(call())

            with store.engine.turn:
                other = threading.Thread(target=run)
                other.start()
                other.join(0.05)
                assert not finished
            other.join(10)
            assert finished


def test_verify_changes_no_patience(place: Place) -> None:
    with place.connect() as connection:
        store = place.store(connection, st.compile(summed), max_sleep_secs=1.5)
        assert store.driver.patience() == 1.5
        assert st.verify(store).ok
        assert store.driver.patience() == 1.5


def backwards(row: Row) -> int:
    return int(str(row.v)[::-1] or 0)


def in_python(b: st.ZSet[Row]) -> st.ZSet[int]:
    return st.map(b, f=backwards)


def test_delta_tables_are_made_once(place: Place) -> None:
    graph = st.compile(in_python)
    with place.connect() as connection:
        connection.execute("BEGIN")
        store = place.store(connection, graph)
        connection.execute("COMMIT")
        (b,) = st.actions(store, graph)
        b.insert(Row(k=1, v=12))
        known = store.driver
        assert known._has_session if place.name == "sqlite" else known._deltas.are_there


def words_of(words: Any, index: Any) -> Any:
    return st.join(words, words, on_left=index, on_right=index)


def test_an_input_of_plain_values_is_migrated_there_and_back(place: Place) -> None:
    def first(words: st.ZSet[str]) -> st.ZSet[st.Pair[str, str]]:
        return words_of(words, st.Index.identity(str))

    def second(words: st.ZSet[str]) -> st.ZSet[st.Pair[str, str]]:
        return words_of(words, st.Index.pick(str, lambda word: word + "!"))

    old, new = st.compile(first, name="words"), st.compile(second, name="words")
    with place.connect() as connection:
        (words,) = st.actions(place.store(connection, old), old)
        words.insert("a", "b")
        plan = st.plan(connection, new)
        plan.apply()
        store = place.store(connection, new, create_tables=False)
        assert st.verify(store).ok
        (found,) = st.actions(store, new)[0].insert("c")
        assert dict(found.iter()) == {st.Pair("c", "c"): 1}


def test_orders_of_the_same_columns_have_an_index_each(place: Place) -> None:
    up = st.Index.pick(Row, lambda row: (row.k, row.v), ascending=(True, True))
    down = st.Index.pick(Row, lambda row: (row.k, row.v), ascending=(True, False))
    cache = st.Cache[Row](name="rows")

    def query(b: st.ZSet[Row]) -> st.ZSet[Row]:
        _ = cache[b](lambda z: st.integrate_indexed(z, indexes=(up, down)))
        return b

    graph = st.compile(query)
    with place.opened(graph) as store:
        (table,) = store.plan.tables
        made = [text for text in table.ddl if re.search(r"__k_v(_2)?\"? ON", text)]
        names = [text.split(" ON ")[0] for text in made]
        assert len(names) == len(set(names)) == (1 if place.name == "sqlite" else 2)
        (b,) = st.actions(store, graph)
        rows = [Row(k=1, v=2), Row(k=1, v=3), Row(k=0, v=9)]
        b.insert(*rows)
        zset = cache.zset(store)
        assert [row.v for _, row, _ in zset.iter_by_index(up)] == [9, 2, 3]
        assert [row.v for _, row, _ in zset.iter_by_index(down)] == [9, 3, 2]


def test_batches_on_a_connection_with_nothing_set(tmp_path: Path) -> None:
    old = st.compile(large, name="q", keep={"a": "all"})

    def later(a: st.ZSet[Row]) -> st.ZSet[st.Pair[int, int]]:
        return sums_of(a)

    new = st.compile(later, name="q", keep={"a": "all"})
    connection = sqlite3.connect(tmp_path / "a.db")
    try:
        (a,) = st.actions(st.StoreSQLite.from_graph(connection, old), old)
        a.insert(*(Row(k=i % 3, v=i) for i in range(20)))
        connection.commit()
        st.plan(connection, new, in_batches=True).apply(batch_rows=7)
        store: Any = st.StoreSQLite.from_graph(connection, new, create_tables=False)
        assert st.verify(store).ok
    finally:
        connection.close()


@pytest.mark.parametrize("count", [1.0, 2**63, -(2**63)])
def test_a_count_that_is_no_int_of_64_bits(place: Place, count: Any) -> None:
    graph = st.compile(mixed)
    row = Row(k=1, v=9)
    given: Any = st.ZSetPython({row: count})
    message = re.escape(f"a: the count of {row!r} is {count!r}")
    with place.opened(graph) as store:
        for each in (store, st.StorePython.from_graph(graph)):
            with pytest.raises(st.RowError, match=message):
                st.iteration(each, graph, (given, st.ZSetPython()))
            with pytest.raises(st.RowError, match=message):
                each.enqueue({"a": given})
            assert each.queued() == 0


class Amount(st.Data):
    k: int
    amount: Decimal


def exact_sums(a: st.ZSet[Amount]) -> st.ZSet[st.Pair[Decimal, int]]:
    return st.group_reduce_flatten(
        a,
        by=st.Index.pick(Amount, lambda row: row.k),
        zero=Decimal,
        pick_value=lambda row: row.amount,
    )


def test_decimals_of_more_digits_than_the_context_has_are_added_exactly(place: Place) -> None:
    graph = st.compile(exact_sums)
    large = Amount(k=1, amount=Decimal("123456789012345678901234567890.123"))
    small = Amount(k=1, amount=Decimal("1E-25"))
    total = Decimal("123456789012345678901234567890.1230000000000000000000003")
    with place.opened(graph) as store:
        for each in (store, st.StorePython.from_graph(graph)):
            (rows,) = st.actions(each, graph)
            (changed,) = rows.insert(large, small, small, small)
            assert changed == st.ZSetPython({st.Pair(total, 1): 1})


def test_rows_of_a_join_are_ordered_by_columns_that_both_sides_have() -> None:
    """SQLite takes ``ORDER BY k`` for a column of either side unless one is called so by AS."""
    steps = (("joined_on_both", 0, 1), ("subtracted", 2, 0), ("summed", 2, 0))
    graph = Version(steps, (0, 1, 3), 1, keep=False, ordered=True).graph()
    with st.connection_sqlite(":memory:") as connection:
        store = st.StoreSQLite.from_graph(connection, graph)
        a, b = st.actions(store, graph)
        a.insert(Item(k=1, t="", x=0.0, n=1))
        b.insert(Item(k=2, t="", x=0.0, n=1))
        assert st.verify(store).ok
