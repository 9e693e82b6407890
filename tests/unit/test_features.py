"""Tables that only some programs need: there when they are asked for, or used first."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import stepping as st
from stepping.cli import main
from stepping.compiler.explain import ddl_text
from stepping.dialects.features import FEATURES
from stepping.errors import StoreError
from tests.support import shop
from tests.support.place import Place
from tests.support.processes import forked

QUEUE, TIMES, STAGES = (FEATURES[name].tables for name in ("queue", "times", "stages"))
ALL = {*QUEUE, *TIMES, *STAGES}
ROLE = "stepping_featureless"


def enqueue(store: Any) -> None:
    st.actions(store, shop.graph)[0].enqueue([shop.ANN])


def take_a_time(store: Any) -> None:
    store.next_time()


def step_in_stages(store: Any) -> None:
    at = st.Time(store.status().time + 1, flush_every_set=True)
    store.step({"users": st.ZSetPython({shop.ANN: 1})}, at)


def empty_step(store: Any, time: st.Time) -> None:
    store.step({}, time)


USES: dict[str, Callable[[Any], None]] = {
    "queue": enqueue,
    "times": take_a_time,
    "stages": step_in_stages,
}
features = pytest.mark.parametrize("feature", USES)


def there(place: Place) -> set[str]:
    """Which of the tables of features are there."""
    if place.name == "sqlite":
        rows = place.read("SELECT name FROM sqlite_master WHERE type = 'table'")
    else:
        rows = place.read("SELECT relname FROM pg_class WHERE relkind IN ('r', 'S')")
    return {name for (name,) in rows} & ALL


@contextmanager
def counted(store: Any) -> Iterator[list[str]]:
    """The statements that are sent to the database."""
    sent: list[str] = []
    connection = store.driver.connection
    if isinstance(connection, sqlite3.Connection):
        connection.set_trace_callback(sent.append)
        yield sent
        connection.set_trace_callback(None)
        return
    wait = connection.wait

    def waited(*args: Any, **options: Any) -> Any:
        sent.append("")
        return wait(*args, **options)

    connection.wait = waited
    yield sent
    connection.wait = wait


@features
def test_is_made_when_it_is_asked_for(place: Place, feature: str) -> None:
    with place.opened(shop.graph):
        assert there(place) == set()
    for _ in range(2):
        with place.opened(shop.graph, features=[feature]):
            assert there(place) == set(FEATURES[feature].tables)
    with place.opened(shop.graph, create_tables=False, features=[feature]) as store:
        USES[feature](store)


@features
def test_is_made_when_it_is_first_used(place: Place, feature: str) -> None:
    with place.opened(shop.graph):
        pass
    with place.opened(shop.graph, create_tables=False) as store:
        st.actions(store, shop.graph)[1].insert(shop.reading(1, 7))
        empty_step(store, st.Time(1))
        assert (store.queued(), store.drain().changes, store.quarantined()) == (0, 0, [])
        assert store.status().queued == 0
        assert there(place) == set()
        USES[feature](store)
        assert there(place) == set(FEATURES[feature].tables)
        USES[feature](store)
        assert st.verify(store).ok


def test_what_reads_them_finds_nothing(place: Place) -> None:
    with place.opened(shop.graph) as store:
        assert store.retry_queued(1) == store.drop_queued(1) == 0
        assert store.queue.table.wait("shop", 0.01) is False
        with pytest.raises(StoreError, match="nothing of the query 'shop' is quarantined at time"):
            store.retry(1)
        with pytest.raises(StoreError, match="nothing of the query 'shop' is quarantined at time"):
            store.drop(1)
        store.engine.max_sleep_secs = 0.05
        with pytest.raises(st.FrontierTimeout):
            empty_step(store, st.Time(3, 2))
        assert there(place) == set()
        store.uninstall()


def test_a_database_with_all_of_them(place: Place) -> None:
    """As every one was that an older version has installed."""
    with place.opened(shop.graph, features=FEATURES):
        assert there(place) == ALL
    with place.opened(shop.graph, create_tables=False) as store:
        for use in USES.values():
            use(store)
        assert store.drain().changes == 1
        store.uninstall()
        assert there(place) == set()


@features
def test_in_a_transaction_that_is_rolled_back(place: Place, feature: str) -> None:
    if feature == "stages":
        pytest.skip("steps in stages have transactions of their own")
    with place.opened(shop.graph) as store:
        connection = store.driver.connection
        for _ in range(2):
            connection.execute("BEGIN")
            USES[feature](store)
            USES[feature](store)
            connection.execute("ROLLBACK")
            assert there(place) == set()
        connection.execute("BEGIN")
        USES[feature](store)
        connection.execute("COMMIT")
        assert there(place) == set(FEATURES[feature].tables)
        USES[feature](store)
        assert store.queued() == 2 * (feature == "queue")


@features
def test_made_by_another_process_meanwhile(place: Place, feature: str) -> None:
    """What another one has recorded is seen, though there was nothing when it was looked for."""
    with place.opened(shop.graph) as store, place.opened(shop.graph) as other:
        empty_step(store, st.Time(1))
        assert store.queued() == 0
        USES[feature](other)
        if feature == "queue":
            assert store.drain().changes == 1
        elif feature == "times":
            time = other.next_time(lease_secs=0.0)
            assert time in [each.t for each in store.driver.iterations.given("shop")]
            empty_step(store, st.Time(time))
            assert time not in [each.t for each in store.driver.iterations.given("shop")]
        else:
            USES[feature](store)
        assert st.verify(store).ok


def work(place: Place, feature: str, gate: Any) -> None:
    with place.opened(shop.graph, create_tables=False) as store:
        gate.wait()
        USES[feature](store) if feature != "stages" else store.driver.features.make("stages")


@features
def test_several_processes_make_it_at_once(place: Place, feature: str) -> None:
    from multiprocessing import get_context

    with place.opened(shop.graph):
        pass
    gate = get_context("fork").Barrier(4)
    with (
        forked(work, place, feature, gate) as a,
        forked(work, place, feature, gate) as b,
        forked(work, place, feature, gate) as c,
    ):
        gate.wait()
        for each in (a, b, c):
            each.join(20)
            assert each.exitcode == 0
    assert there(place) == set(FEATURES[feature].tables)
    with place.opened(shop.graph) as store:
        assert store.queued() == 3 * (feature == "queue")
        assert feature != "times" or store.next_time() == 4


@features
def test_a_role_that_may_not_make_tables(postgres_db: str, feature: str) -> None:
    place = Place("postgres", postgres_db)
    tables = " and ".join(FEATURES[feature].tables)
    with place.opened(shop.graph) as owner:
        run = owner.driver.connection.execute
        run(f"DROP ROLE IF EXISTS {ROLE}".encode())
        run(f"CREATE ROLE {ROLE}".encode())
        try:
            rights = "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public"
            run(f"GRANT {rights} TO {ROLE}; GRANT USAGE ON SCHEMA public TO {ROLE}".encode())
            with place.connect() as connection:
                connection.execute(f"SET ROLE {ROLE}".encode())
                store = place.store(connection, shop.graph, create_tables=False)
                st.actions(store, shop.graph)[0].insert(shop.BOB)
                empty_step(store, st.Time(1))
                assert (store.drain().changes, store.status().given_times) == (0, ())
                with pytest.raises(StoreError) as error:
                    USES[feature](store)
                assert f"{tables} " in error.value.message
                assert "permission denied for schema public" in error.value.message
                assert f"stepping ddl --with {feature}" in (error.value.hint or "")
                assert store.driver.connection.info.transaction_status.name == "IDLE"
                owner.driver.features.make(feature)
                run(f"GRANT {rights} TO {ROLE}".encode())
                run(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE}".encode())
                USES[feature](store)
                connection.execute("RESET ROLE")
        finally:
            run(f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}".encode())


def test_a_file_that_may_only_be_read(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with Place("sqlite", str(path)).opened(shop.graph):
        pass
    path.chmod(stat.S_IRUSR)
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    try:
        store: Any = st.StoreSQLite.from_graph(connection, shop.graph, create_tables=False)
        assert store.status().queued == store.queued() == 0
        with pytest.raises(StoreError, match=r"stepping_queue is not there, .*readonly") as error:
            enqueue(store)
        assert "stepping ddl --with queue" in (error.value.hint or "")
    finally:
        connection.close()


def test_what_is_asked_for_and_not_made(place: Place) -> None:
    with place.opened(shop.graph):
        pass
    with (
        pytest.raises(StoreError, match="stepping_clock and stepping_times are not there"),
        place.opened(shop.graph, create_tables=False, features=["times"]),
    ):
        pass
    with (
        pytest.raises(StoreError, match="there is no feature 'queues'") as error,
        place.opened(shop.graph, features=["queues"]),
    ):
        pass
    assert "queue, times, stages" in (error.value.hint or "")


def test_what_a_step_costs(place: Place) -> None:
    """Whatever is there: a step asks for no more, and opening a store for nothing."""
    costs = []
    for t, given in ((1, []), (11, ["times"]), (21, FEATURES)):
        with place.opened(shop.graph, features=given):
            pass
        with place.opened(shop.graph, create_tables=False) as store:
            assert store.driver.features.known == set()
            empty_step(store, st.Time(t))
            with counted(store) as sent:
                empty_step(store, st.Time(t + 1, t))
            costs.append(len(sent))
    without, with_times, with_all = costs
    if place.name == "postgres":
        assert without == with_times == with_all > 0
    else:
        assert without <= with_all


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_the_script_has_them_apart(dialect: str, place: Place) -> None:
    plain = ddl_text(shop.graph, dialect)
    assert not any(table in plain for table in ALL)
    script = ddl_text(shop.graph, dialect, features=["stages", "queue"])
    for name in ("queue", "stages"):
        assert f"-- {FEATURES[name].title}\n" in script
    assert "stepping_times" not in script
    if dialect == place.name:
        with place.plain() as connection:
            if dialect == "sqlite":
                connection.executescript(script)
            else:
                connection.execute(script.encode())
        assert there(place) == {*QUEUE, *STAGES}


def test_a_migration_makes_them(place: Place) -> None:
    with place.connect() as connection:
        made = st.plan(connection, shop.graph, features=["queue"])
        assert "stepping_times" not in made.up_sql
        made.apply()
        assert there(place) == {*QUEUE}


def test_the_commands(place: Place) -> None:
    """`ddl` prints them, `migrate` and `apply` make them; the latter also of what is installed."""

    def run(*words: str) -> Any:
        return CliRunner().invoke(main, [*words, "tests.support.shop:graph"])

    shown = run("ddl", "--with", "queue,stages", "--dialect", place.name)
    assert shown.output == ddl_text(shop.graph, place.name, features=["queue", "stages"])
    assert "there is no feature 'queues'" in run("ddl", "--with", "queues").output
    with place.connect():
        pass  # there has to be a file
    assert run("migrate", "--db", place.where, "--with", "queue", "--apply").exit_code == 0
    assert there(place) == {*QUEUE}
    found = run("apply", "--db", place.where, "--with", "queue,times")
    assert "shop: is installed as it is wanted" in found.output
    assert there(place) == {*QUEUE, *TIMES}


def test_a_query_that_follows_tables_has_none(place: Place) -> None:
    with place.connect() as connection:
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, cents INTEGER NOT NULL)")
        query = st.sql("SELECT sum(cents) AS cents FROM orders", name="revenue")
        with pytest.raises(StoreError, match="has neither a queue nor steps"):
            place.store(connection, query, features=["queue"])
        store = place.store(connection, query)
        assert store.status().queued == 0
        assert there(place) == set()
        store.uninstall()
