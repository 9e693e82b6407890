"""A query that is installed over large tables: writers go on, and whatever is killed goes on."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg import errors

import stepping as st
from stepping.runtime.apply import Done
from stepping.runtime.stores import driver_for
from stepping.runtime.uninstall import abandon
from tests.capture.shop import Writer, captured, countries, revenue, shop, stats
from tests.capture.test_concurrent import LEVELS, LOST, REVENUE, bag
from tests.capture.test_versions import dear, named
from tests.support.place import Place

LONGEST_WAIT_SECS = 0.6  # for the one who installs; a machine may do something else as well


class Killer:
    """Ends the session that installs behind one of its statements."""

    def __init__(self, url: str, connection: Any, after: int) -> None:
        self.url, self.after, self.seen = url, after, 0
        self.pid = connection.info.backend_pid

    def __call__(self, done: Done) -> None:
        self.seen += 1
        if self.seen == self.after:
            with psycopg.connect(self.url, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", (self.pid,))


class Writers:
    """Four threads that write random transactions until they are told to stop."""

    def __init__(self, url: str) -> None:
        self.stopped = threading.Event()
        self.failed: list[BaseException] = []
        self.longest = 0.0  # that anybody waited for who installs
        self.installing = 0
        self.commits = 0
        self.threads = [threading.Thread(target=self.write, args=(url, i)) for i in range(4)]
        self.threads.append(threading.Thread(target=self.watch, args=(url,)))
        for thread in self.threads:
            thread.start()

    def write(self, url: str, seed: int) -> None:
        level = LEVELS[seed % len(LEVELS)]
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(
                    f"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL {level}"
                )
                writer = Writer(connection, random.Random(seed), "%s")
                while not self.stopped.is_set():
                    try:
                        with connection.transaction():
                            for _ in range(writer.random.randrange(1, 4)):
                                writer.one(quiet=True)
                        self.commits += 1
                    except LOST:
                        pass
                    time.sleep(0.005)
        except BaseException as error:  # told by the test
            self.failed.append(error)

    def watch(self, url: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not self.stopped.is_set():
                ((seconds,),) = connection.execute(
                    "SELECT coalesce(extract(epoch FROM max(clock_timestamp() - waitstart)), 0) "
                    "FROM pg_locks WHERE NOT granted AND %s = ANY (pg_blocking_pids(pid))",
                    (self.installing,),
                ).fetchall()
                self.longest = max(self.longest, float(seconds))
                time.sleep(0.01)

    def stop(self) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join()
        assert not self.failed, self.failed


@pytest.mark.parametrize("in_batches", [True, False])
@pytest.mark.parametrize(
    ("query", "refresh"), [(revenue, "immediate"), (stats, "deferred")], ids=["revenue", "stats"]
)
def test_it_is_installed_while_writers_go_on_and_whatever_is_killed(
    postgres_place_only: Place,
    query: Callable[..., Any],
    refresh: str,
    in_batches: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("stepping.runtime.captured.MANY_ROWS", 0)
    place = postgres_place_only
    graph, cache = captured(query, refresh)
    other, _ = captured(countries, "immediate")
    with shop(place) as (connection, writer):
        for _ in range(30):
            writer.one()
        place.store(connection, other)
        crowd = Writers(place.where)
        try:
            attempts, shift = 0, random.Random(query.__name__).randrange(12)
            while True:
                attempts += 1
                with place.plain() as installing:
                    crowd.installing = installing.info.backend_pid
                    plan = st.plan(installing, graph, in_batches=in_batches or None)
                    assert ("batch" in {each.kind for each in plan.steps}) is in_batches
                    try:
                        killer = Killer(place.where, installing, 12 * attempts - shift)
                        plan.apply(killer, batch_rows=4)
                        break
                    except (errors.AdminShutdown, psycopg.OperationalError):
                        continue
            time.sleep(0.2)
        finally:
            crowd.stop()
        assert attempts > 3
        assert crowd.commits
        assert crowd.longest < LONGEST_WAIT_SECS
        store = place.store(connection, graph, create_tables=False)
        wanted = bag(connection, REVENUE) if query is revenue else None
        cache.zset(store).to_python()
        if wanted is not None:
            assert bag(connection, f"SELECT * FROM {query.__name__}_rows") == wanted  # noqa: S608
        assert st.verify(store).ok
        assert st.verify(place.store(connection, other)).ok
        for _ in range(20):
            writer.one()
        store.refresh()
        assert st.verify(store).ok
        assert st.plan(connection, graph).is_nothing
        left = connection.execute(
            "SELECT relname FROM pg_class WHERE relname LIKE '%next%'"
        ).fetchall()
        assert left == []
        for log in ("stepping_log_orders", "stepping_log_items"):
            assert connection.execute(f"SELECT count(*) FROM {log}").fetchone() == (0,)  # noqa: S608
        store.uninstall()
        place.store(connection, other).uninstall()
        assert names_of_ours(connection) == []


def names_of_ours(connection: Any) -> list[str]:
    rows = connection.execute(
        "SELECT relname FROM pg_class WHERE relname LIKE '%stepping%' OR relname LIKE 'revenue%' "
        "UNION ALL SELECT proname FROM pg_proc WHERE proname LIKE '%stepping%' "
        "UNION ALL SELECT tgname FROM pg_trigger WHERE tgname LIKE 'stepping%'"
    ).fetchall()
    return [row[0] for row in rows]


def test_a_snapshot_from_before_the_installation_writes_nothing_unseen(
    postgres_place_only: Place,
) -> None:
    """A transaction that does not see who follows a table now has to be run again."""
    place = postgres_place_only
    graph, _ = captured(revenue, "immediate")
    with shop(place) as (connection, writer), place.plain() as old:
        for _ in range(10):
            writer.one()
        old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        old.execute("SELECT count(*) FROM orders")
        store = place.store(connection, graph)
        with pytest.raises(errors.SerializationFailure):
            old.execute("UPDATE orders SET country = 'old'")
        old.execute("ROLLBACK")
        old.execute("UPDATE orders SET country = 'new'")
        assert st.verify(store).ok


def test_it_can_be_taken_back_from_half_way(postgres_place_only: Place) -> None:
    place = postgres_place_only
    graph, _ = captured(revenue, "immediate")
    with shop(place) as (connection, writer):
        for _ in range(10):
            writer.one()
        with place.plain() as installing:
            plan = st.plan(installing, graph, in_batches=True)
            kinds = [each.kind for each in plan.steps]
            killed = Killer(place.where, installing, kinds.index("fill") + 2)
            with pytest.raises(psycopg.Error):
                plan.apply(killed)
        again = st.plan(connection, graph)
        assert "The installation of revenue is half done" in again.summary
        with pytest.raises(st.SchemaMismatch, match="is half done"):
            place.store(connection, graph)
        with pytest.raises(psycopg.errors.RaiseException, match="not filled yet"):
            connection.execute("SELECT stepping_refresh('revenue__next')")
        connection.rollback()
        for _ in range(10):
            writer.one()
        assert abandon(driver_for(connection)) == "revenue"
        assert names_of_ours(connection) == []
        again = st.plan(connection, graph, in_batches=True)
        again.apply()
        assert bag(connection, "SELECT * FROM revenue_rows") == bag(connection, REVENUE)


def test_a_new_version_is_filled_beside_the_old_one(postgres_place_only: Place) -> None:
    place = postgres_place_only
    first, _ = named(revenue)
    second, _ = named(dear, "deferred")
    with shop(place) as (connection, writer):
        for _ in range(30):
            writer.one()
        place.store(connection, first)
        crowd = Writers(place.where)
        read = 0

        def old_is_read(done: Done) -> None:
            nonlocal read
            if done.step.kind in ("fill", "fold"):
                with place.plain() as reader, reader.transaction():
                    reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                    assert bag(reader, "SELECT * FROM sales_rows") == bag(reader, REVENUE)
                read += 1

        try:
            st.plan(connection, second, in_batches=True).apply(old_is_read)
        finally:
            crowd.stop()
        assert read
        store = place.store(connection, second, create_tables=False)
        store.refresh()
        assert st.verify(store).ok
        back = st.plan(connection, first, in_batches=True)
        back.apply()
        assert bag(connection, "SELECT * FROM sales_rows") == bag(connection, REVENUE)
        assert st.verify(place.store(connection, first)).ok


def test_who_holds_a_table_for_long_does_not_make_others_wait(postgres_place_only: Place) -> None:
    """A writer that does not end keeps the installer out, and nobody behind it."""
    place = postgres_place_only
    graph, _ = captured(revenue, "immediate")
    with shop(place) as (connection, writer), place.plain() as slow, place.plain() as quick:
        for _ in range(10):
            writer.one()
        slow.execute("BEGIN")
        slow.execute("UPDATE orders SET note = 'slow' WHERE id = -1")
        installed = threading.Thread(
            target=lambda: st.plan(connection, graph, in_batches=True).apply()
        )
        installed.start()
        longest, until = 0.0, time.monotonic() + 1.5
        while time.monotonic() < until:
            began = time.monotonic()
            quick.execute("UPDATE orders SET note = 'quick' WHERE id = -2")
            longest = max(longest, time.monotonic() - began)
        assert installed.is_alive()
        assert longest < LONGEST_WAIT_SECS
        slow.execute("COMMIT")
        installed.join()
        assert st.verify(place.store(connection, graph)).ok


def test_large_tables_are_said_to_be_large(
    place: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, _ = captured(revenue, "immediate")
    monkeypatch.setattr("stepping.runtime.captured.MANY_ROWS", 3)
    with shop(place) as (connection, writer):
        for _ in range(30):
            writer.one()
        plan = st.plan(connection, graph)
        if place.name == "postgres":
            assert "Filled beside what is there, while writers go on" in plan.summary
        else:
            assert "all writers of the file wait until the transaction ends" in plan.summary
        store = place.store(connection, graph)
        assert "is filled from about" in caplog.text
        assert "while writers of its tables wait" in caplog.text
        assert ("stepping migrate" in caplog.text) == (place.name == "postgres")
        assert st.verify(store).ok
