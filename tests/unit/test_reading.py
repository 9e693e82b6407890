"""Reading caches: while they change, half way, and on an application's own connections."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import threading
import time as clock
from pathlib import Path
from typing import Any

import psycopg
import psycopg.rows
import pytest

import stepping as st
from stepping import Cache, Index, Pair, ZSet
from stepping.compiler.zset import ZSetPython
from tests.support.place import Place
from tests.support.processes import forked
from tests.support.shop import ANN, User, graph, reading, totals, users_cache

cache: Cache[Pair[int, str]] = Cache(name="numbered")


class Numbered(st.Data):
    n: int
    name: str


def numbered(rows: ZSet[Numbered]) -> ZSet[Pair[int, str]]:
    sums = st.group_reduce_flatten(
        rows, by=Index.pick(Numbered, lambda r: r.name), zero=int, pick_value=lambda r: r.n
    )
    by_sum = Index.pick(Pair[int, str], lambda p: p.left)
    _ = cache[sums](lambda z: st.integrate_indexed(z, indexes=(by_sum,)))
    return sums


numbered_graph = st.compile(numbered)
MANY = 3500  # more than is fetched at once


def filled(store: st.Store) -> Any:
    (rows,) = st.actions(store, numbered_graph)
    rows.insert(*(Numbered(n=i, name=f"name {i}") for i in range(MANY)))
    return rows


def test_an_iteration_sees_one_state_while_the_cache_changes(place: Place) -> None:
    with place.opened(numbered_graph) as store:
        rows = filled(store)
        before = cache.zset(store).to_python()
        reading_on = cache.zset(store).iter()
        found = [next(reading_on)]
        # Rows that have been read, rows that have not, and new ones.
        rows.insert(*(Numbered(n=10**6, name=f"name {i}") for i in range(0, MANY, 7)))
        found += [next(reading_on) for _ in range(1200)]
        rows.remove(*(Numbered(n=i, name=f"name {i}") for i in range(1, MANY, 2)))
        rows.insert(Numbered(n=1, name="new"))
        found += reading_on
        assert len(found) == MANY
        assert ZSetPython(found) == before
        assert cache.zset(store) != before


def test_inserting_for_each_row_that_is_read(place: Place) -> None:
    with place.opened(numbered_graph) as store:
        rows = filled(store)
        for position, (pair, _) in enumerate(cache.zset(store).iter()):
            if position % 500 == 0:
                rows.insert(Numbered(n=10**9, name=pair.right))
        assert sum(pair.left >= 10**9 for pair, _ in cache.zset(store).iter()) == 7


def test_two_iterations_at_once(place: Place) -> None:
    with place.opened(numbered_graph) as store:
        filled(store)
        pairs = zip(cache.zset(store).iter(), cache.zset(store).iter(), strict=True)
        assert all(a == b for a, b in pairs)


def test_failed_step_while_reading(place: Place) -> None:
    with place.opened(numbered_graph) as store:
        rows = filled(store)
        reading_on = cache.zset(store).iter()
        found = [next(reading_on)]
        with pytest.raises(st.RowError):
            rows.insert(Numbered(n=2**63 - 1, name="name 1"), Numbered(n=9, name="name 1"))
        found += reading_on
        assert len(dict(found)) == MANY


def test_half_read_iterations_hold_nothing(place: Place) -> None:
    with place.opened(numbered_graph) as store:
        filled(store)
        iterators = [cache.zset(store).iter() for _ in range(3)]
        for each in iterators:
            next(each)
        assert not store.driver.in_transaction()
        with place.opened(numbered_graph, create_tables=False) as other:
            st.actions(other, numbered_graph)[0].insert(Numbered(n=1, name="other"))
        del iterators, each
        if place.name == "postgres":
            (open_cursors,) = store.driver.read("SELECT count(*) FROM pg_cursors")[0]
            assert open_cursors == 1  # that of the question itself, or none
        assert len(cache.zset(store)) == MANY + 1


def test_reading_on_after_the_application_has_committed(place: Place) -> None:
    with place.opened(numbered_graph) as store:
        filled(store)
        run = store.driver.connection.execute
        run("BEGIN")
        reading_on = cache.zset(store).iter()
        found = [next(reading_on)]
        run("COMMIT")
        found += reading_on
        assert len(dict(found)) == MANY


def test_one_zset_is_read_again_each_time(place: Place) -> None:
    with place.opened(numbered_graph) as store:
        (rows,) = st.actions(store, numbered_graph)
        kept = cache.zset(store)
        assert len(kept) == 0
        rows.insert(Numbered(n=1, name="a"))
        assert list(kept.iter()) == [(Pair(1, "a"), 1)]
        rows.insert(Numbered(n=2, name="a"))
        assert list(kept) == [(Pair(3, "a"), 1)]
        assert len(kept) == 1


def test_reading_in_index_order(place: Place) -> None:
    by_sum = Index.pick(Pair[int, str], lambda p: p.left)
    by_n: Any = Index.pick(Numbered, lambda row: row.n)
    with place.opened(numbered_graph) as store:
        (rows,) = st.actions(store, numbered_graph)
        rows.insert(*(Numbered(n=n, name=name) for n, name in [(3, "c"), (1, "a"), (3, "b")]))
        kept = cache.zset(store)
        assert list(kept.iter_by_index(by_sum)) == [
            (1, Pair(1, "a"), 1),
            (3, Pair(3, "b"), 1),
            (3, Pair(3, "c"), 1),
        ]
        picked = kept.iter_by_index(by_sum, match_keys=frozenset({3, 7}))
        assert [row.right for _, row, _ in picked] == ["b", "c"]
        # An index that is not kept: sorted in memory.
        by_name = Index.pick(Pair[int, str], lambda p: p.right, ascending=False)
        assert [key for key, _, _ in kept.iter_by_index(by_name)] == ["c", "b", "a"]
        matched = kept.iter(match=frozenset({Pair(1, "a"), Pair(1, "b")}))
        assert list(matched) == [(Pair(1, "a"), 1)]
        with pytest.raises(st.QueryError, match="has no attribute 'n'"):  # of other rows
            list(kept.iter_by_index(by_n))


def as_dict(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> dict[str, Any]:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


def use(place: Place, connection: Any) -> None:
    store = place.store(connection, graph)
    users, readings = st.actions(store, graph)
    users.insert(ANN, time=st.Time(store.next_time(), 0))
    (changed,) = readings.insert(reading(1, 5))
    assert changed == ZSetPython({Pair(5, "Ann"): 1})
    assert totals.zset(store) == changed
    assert list(users_cache.zset(store).iter(frozenset({ANN}))) == [(ANN, 1)]
    assert len(totals.zset(store)) == 1
    with pytest.raises(st.RowError, match=r"User\(id=2, name='x'\) was removed"):
        users.remove(User(id=2, name="x"))
    store = place.store(connection, graph, create_tables=False)
    assert totals.zset(store) == changed


@pytest.mark.parametrize("row_factory", [sqlite3.Row, as_dict])
def test_an_application_with_its_own_rows_on_sqlite(sqlite_db: Place, row_factory: Any) -> None:
    with sqlite_db.plain() as connection:
        connection.row_factory = row_factory
        use(sqlite_db, connection)
        assert connection.row_factory is row_factory


def test_sqlite_with_converters(sqlite_db: Place) -> None:
    types = sqlite3.PARSE_DECLTYPES | sqlite3.PARSE_COLNAMES
    connection = sqlite3.connect(sqlite_db.where, detect_types=types, cached_statements=2)
    try:
        use(sqlite_db, connection)
    finally:
        connection.close()


@pytest.mark.parametrize("name", ["dict_row", "kwargs"])
def test_an_application_with_its_own_rows_on_postgres(postgres_db: str, name: str) -> None:
    place = Place("postgres", postgres_db)
    factory: Any = psycopg.rows.dict_row
    if name == "kwargs":
        factory = psycopg.rows.kwargs_row(lambda **values: values)
    with psycopg.connect(postgres_db, row_factory=factory, autocommit=True) as connection:
        use(place, connection)


@pytest.mark.parametrize(
    "statement",
    [
        "SET TimeZone = 'Asia/Kolkata'",
        "SET DateStyle = 'SQL, DMY'",
        "SET bytea_output = 'escape'",
        "SET standard_conforming_strings = off",
        "SET default_transaction_isolation = 'serializable'",
        "SET default_transaction_read_only = off; SET extra_float_digits = -10",
        "SET enable_indexscan = off; SET enable_seqscan = off",
    ],
)
def test_settings_of_an_application_on_postgres(postgres_db: str, statement: str) -> None:
    place = Place("postgres", postgres_db)
    with place.plain() as connection:
        connection.execute(statement)
        use(place, connection)


def test_settings_are_as_they_were_afterwards(postgres_db: str) -> None:
    names = ("enable_seqscan", "enable_mergejoin", "enable_hashjoin", "jit", "plan_cache_mode")
    question = "SELECT " + ", ".join(f"current_setting('{name}')" for name in names)
    place = Place("postgres", postgres_db)
    with place.plain() as connection:
        before = connection.execute(question).fetchone()
        store = place.store(connection, graph)
        users, _ = st.actions(store, graph)
        with connection.transaction():
            users.insert(ANN)
            assert connection.execute(question).fetchone() == before
            with pytest.raises(st.RowError):
                users.remove(ANN, ANN)
            assert connection.execute(question).fetchone() == before
        users.insert(ANN)
        assert connection.execute(question).fetchone() == before


def test_postgres_without_prepared_statements(postgres_db: str) -> None:
    """As behind a pooler that hands connections out by transaction."""
    place = Place("postgres", postgres_db)
    with psycopg.connect(postgres_db, prepare_threshold=None, autocommit=True) as connection:
        use(place, connection)


# ------------------------------------------------------------------------- waiting for a time


def test_reading_waits_for_its_own_writes(place: Place) -> None:
    with place.opened(graph) as store, place.opened(graph, max_sleep_secs=10) as reader:
        users, _ = st.actions(store, graph)
        users.insert(ANN, time=st.Time(1, 0))
        assert users_cache.zset(reader, at_least=1) == ZSetPython({ANN: 1})
        time = st.Time(2, 1, True)

        def later() -> None:
            clock.sleep(0.1)
            with place.opened(graph) as writer:
                st.actions(writer, graph)[1].insert(reading(1, 5), time=time)

        thread = threading.Thread(target=later)
        thread.start()
        assert totals.zset(reader, at_least=time) == ZSetPython({Pair(5, "Ann"): 1})
        thread.join()
        assert not reader.driver.in_transaction()
    with (
        place.opened(graph, max_sleep_secs=0.05) as reader,
        pytest.raises(st.FrontierTimeout, match=r"waited 0\.05 s for the frontier 3"),
    ):
        totals.zset(reader, at_least=3)


def test_in_memory_nobody_else_comes() -> None:
    store = st.StorePython.from_graph(graph)
    st.actions(store, graph)[0].insert(ANN, time=st.Time(1, 0))
    assert users_cache.zset(store, at_least=1) == ZSetPython({ANN: 1})
    with pytest.raises(st.FrontierTimeout):
        users_cache.zset(store, at_least=2)


# --------------------------------------------------------------------------- while others write


def move(place: Place, first: int, staged: bool) -> None:
    """Every other of the steps that take a reading from one user and give it to the other."""
    with place.opened(graph, create_tables=False) as store:
        for t in range(first, 41, 2):
            taken, given = (1, 2) if t % 2 else (2, 1)
            changes: tuple[ZSetPython[Any], ZSetPython[Any]] = (
                ZSetPython(),
                ZSetPython({reading(taken, 10): -1, reading(given, 10): 1}),
            )
            st.iteration(store, graph, changes, st.Time(t, t - 1, staged))


@pytest.mark.parametrize("staged", [False, True])
def test_a_reader_sees_whole_steps_while_others_write(place: Place, staged: bool) -> None:
    """Also where a step is committed table by table: a cache is one table."""
    with place.opened(graph) as store:
        users, readings = st.actions(store, graph)
        users.insert(ANN, User(id=2, name="Bob"))
        readings.insert(*(reading(1, 10) for _ in range(30)), *(reading(2, 10) for _ in range(30)))
        expected = {(300, 300), (290, 310)}
    with forked(move, place, 1, staged) as one, forked(move, place, 2, staged) as two:
        seen: set[tuple[int, int]] = set()
        reads = 0
        with place.opened(graph, create_tables=False) as store:
            while one.is_alive() or two.is_alive():
                found = {pair.right: pair.left for pair, _ in totals.zset(store).iter()}
                seen.add((found["Ann"], found["Bob"]))
                reads += 1
        one.join()
        two.join()
        assert (one.exitcode, two.exitcode) == (0, 0)
    assert seen <= expected
    assert reads > 10
    with place.opened(graph, create_tables=False) as store:
        assert set(totals.zset(store).to_python().iter()) == {
            (Pair(300, "Ann"), 1),
            (Pair(300, "Bob"), 1),
        }


# ------------------------------------------------------------------------------- bounded memory


def resident() -> int:
    """The bytes of this process that are in memory, those of C libraries included."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


WIDE, WIDE_ROWS = 4_000, 12_000  # 48 MB


def read_all(place: Place, found: Any) -> None:
    with place.opened(graph, create_tables=False) as store:
        if place.name == "sqlite":  # whose own cache of pages is 64 MB
            store.driver.connection.execute("PRAGMA cache_size = -1000")
        kept = users_cache.zset(store)
        for _ in zip(range(1500), kept.iter(), strict=False):  # what is needed for any batch
            pass
        before = most = resident()
        count = 0
        for _ in kept.iter():
            count += 1
            if count % 500 == 0:
                most = max(most, resident())
        found.put((count, most - before))


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="measures as Linux does")
def test_a_large_cache_is_read_in_bounded_memory(place: Place) -> None:
    with place.opened(graph) as store:
        users, _ = st.actions(store, graph)
        for start in range(0, WIDE_ROWS, 2_000):
            users.insert(
                *(User(id=i, name=f"{i:x}".ljust(WIDE)) for i in range(start, start + 2_000))
            )
    found = multiprocessing.get_context("fork").SimpleQueue()
    with forked(read_all, place, found):
        count, grown = found.get()
    assert count == WIDE_ROWS
    assert grown < 12_000_000  # a batch of 1,000 rows is 4 MB, twice: as columns and as rows
