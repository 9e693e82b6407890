"""A step in one round trip on Postgres: what it is run by, and what happens where it cannot be."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

import stepping as st
from stepping.compiler.plan.sql_plan import SQLStep
from stepping.dialects.postgres.step_function import functions_of
from tests.support.place import Place, postgres_place


class Order(st.Data):
    id: int
    customer: str
    cents: int


totals = st.Cache[st.Pair[int, str]]("totals")
every = st.Cache[Order]("every")


def revenue(orders: st.ZSet[Order]) -> st.ZSet[st.Pair[int, str]]:
    total = st.group_reduce_flatten(
        orders,
        by=st.Index.pick(Order, lambda order: order.customer),
        zero=int,
        pick_value=lambda order: order.cents,
    )
    _ = totals[total](lambda z: st.integrate(z))
    _ = every[orders](lambda z: st.integrate(z))
    return total


GRAPH = st.compile(revenue, name="it's \\ 100%")

TABLE = next(name for name in GRAPH.program("postgres").plan.kept if name.endswith("__total"))


def order(number: int, cents: int = 5) -> Order:
    return Order(id=number, customer="Ann", cents=cents)


NOT_THERE = Order(id=9, customer="Bob", cents=5)


@pytest.fixture
def place(each_postgres_db: str) -> Place:
    return postgres_place(each_postgres_db)


@contextmanager
def opened(place: Place) -> Iterator[tuple[Any, Any]]:
    """A store and the action of its input, behind two steps: the second one made the function."""
    with place.opened(GRAPH) as store:
        (orders,) = st.actions(store, GRAPH)
        orders.insert(order(1))
        assert names(store) == []
        orders.insert(order(2))
        assert len(names(store)) == 1
        yield store, orders


def names(store: Any) -> list[str]:
    """The functions in the connection's temporary schema."""
    found = store.driver.connection.execute(
        "SELECT proname FROM pg_proc WHERE pronamespace = pg_my_temp_schema()"
    )
    return [name for (name,) in found]


def total(store: Any) -> int:
    return sum(pair.left * count for pair, count in totals.zset(store).iter())


@contextmanager
def traced(connection: Any) -> Iterator[list[str]]:
    """The statements that are sent meanwhile: one each is a round trip."""
    sent: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        original = psycopg.Connection.wait

        def wait(self: Any, *arguments: Any, **options: Any) -> Any:
            sent.append("")
            return original(self, *arguments, **options)

        patch.setattr(psycopg.Connection, "wait", wait)
        yield sent


def test_one_round_trip(place: Place) -> None:
    with opened(place) as (store, orders):
        orders.insert(order(3))  # psycopg has prepared the call by now
        with traced(store.driver.connection) as sent:
            (change,) = orders.insert(order(4))
        assert len(sent) == 1
        assert dict(change.iter()) == {
            st.Pair(15, "Ann"): -1,
            st.Pair(20, "Ann"): 1,
        }
        assert total(store) == 20
        assert store.driver.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_a_row_that_is_not_there(place: Place) -> None:
    with opened(place) as (store, orders):
        with pytest.raises(st.RowError, match=r"id=9.*is not there"):
            orders.remove(NOT_THERE)
        assert total(store) == 10
        orders.remove(order(2))
        assert total(store) == 5


def test_an_error_is_not_the_whole_statement(place: Place) -> None:
    with opened(place) as (_, orders):
        with place.plain() as connection:
            connection.execute(f'ALTER TABLE "{TABLE}" DROP COLUMN n')
        with pytest.raises(psycopg.errors.UndefinedColumn) as caught:
            orders.insert(order(3))
        assert len(str(caught.value)) < 500
        assert caught.value.diag.context


def test_in_the_transaction_of_the_application(place: Place) -> None:
    with opened(place) as (store, orders):
        connection = store.driver.connection
        with connection.transaction(force_rollback=True):
            connection.execute("SET LOCAL enable_seqscan = on")
            orders.insert(order(3))
            with pytest.raises(st.RowError):
                orders.remove(NOT_THERE)
            orders.insert(order(4))
            assert total(store) == 20
            ((setting,),) = connection.execute("SHOW enable_seqscan").fetchall()
            assert setting == "on"
        assert total(store) == 10


def test_made_in_a_transaction_that_is_rolled_back(place: Place) -> None:
    with place.opened(GRAPH) as store:
        (orders,) = st.actions(store, GRAPH)
        connection = store.driver.connection
        orders.insert(order(1))
        with connection.transaction(force_rollback=True):
            orders.insert(order(2))
            assert len(names(store)) == 1
        assert names(store) == []
        for number in range(2, 6):
            orders.insert(order(number))
        assert len(names(store)) == 1
        assert total(store) == 25


def test_a_pool_that_discards(place: Place) -> None:
    with opened(place) as (store, orders):
        connection = store.driver.connection
        for number in range(3, 13):
            connection.execute("DISCARD TEMP")
            orders.insert(order(number))
        assert total(store) == 60
        assert functions_of(connection).refused
        assert names(store) == []


def test_a_store_for_each_request(place: Place) -> None:
    """A pool gives one connection to one store after another."""
    with place.opened(GRAPH) as first:
        connection = first.driver.connection
        for number in range(4):
            store = place.store(connection, st.compile(revenue, name=GRAPH.name))
            st.actions(store, store.graph)[0].insert(order(number))
        assert len(names(first)) == 1


def test_a_role_that_may_make_nothing_temporary(place: Place) -> None:
    with opened(place), place.plain() as connection:
        connection.execute(f"REVOKE TEMPORARY ON DATABASE {connection.info.dbname} FROM PUBLIC")
        connection.execute("DROP ROLE IF EXISTS stepping_untemporary")
        connection.execute("CREATE ROLE stepping_untemporary LOGIN")
        connection.execute(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public "
            "TO stepping_untemporary"
        )
    try:
        other = postgres_place(f"{place.where}&options=-crole%3Dstepping_untemporary")
        with other.opened(GRAPH, create_tables=False) as store:
            (orders,) = st.actions(store, GRAPH)
            for number in range(3, 6):
                orders.insert(order(number))
            assert functions_of(store.driver.connection).refused
            assert total(store) == 25
    finally:
        with place.plain() as connection:
            connection.execute("DROP OWNED BY stepping_untemporary; DROP ROLE stepping_untemporary")


def test_a_transaction_that_is_prepared(place: Place) -> None:
    """Postgres prepares none in which anything temporary was made: none is made in it."""
    with place.opened(GRAPH) as store:
        (orders,) = st.actions(store, GRAPH)
        connection = store.driver.connection
        connection.autocommit = False
        connection.tpc_begin("stepping")
        for number in range(3):
            orders.insert(order(number))
        assert names(store) == []
        with pytest.raises(psycopg.NotSupportedError):
            connection.tpc_prepare()  # this server has max_prepared_transactions = 0
        assert total(store) == 0


def test_another_version_was_installed(place: Place) -> None:
    with opened(place) as (store, orders):
        with place.plain() as connection:
            connection.execute("UPDATE stepping_queries SET fingerprint = 'another'")
        with pytest.raises(st.SchemaMismatch, match="has been migrated"):
            orders.insert(order(3))
        assert total(store) == 10


def test_a_clock_row_is_missing(place: Place) -> None:
    with opened(place) as (store, orders):
        with place.plain() as connection:
            connection.execute("DELETE FROM last_update WHERE table_name = %s", (TABLE,))
        with pytest.raises(st.StoreError, match="last_update has no row for"):
            orders.insert(order(3))
        assert total(store) == 10


def test_tables_that_stand_at_different_times(place: Place) -> None:
    """Where no iteration is half done, that is no reason not to run."""
    with opened(place) as (store, orders):
        with place.plain() as connection:
            connection.execute("UPDATE last_update SET t = 7 WHERE table_name = %s", (TABLE,))
        orders.insert(order(3))
        assert total(store) == 15


def test_isolation_that_the_connection_is_set_to(place: Place) -> None:
    with opened(place) as (store, orders):
        connection = store.driver.connection
        connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        connection.execute("CREATE TABLE seen (level TEXT)")
        connection.execute(
            "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO seen "
            "VALUES (current_setting('transaction_isolation')); RETURN NULL; END $$"
        )
        connection.execute(f'CREATE TRIGGER see AFTER INSERT ON "{TABLE}" EXECUTE FUNCTION see()')
        orders.insert(order(3))
        assert connection.execute("SELECT * FROM seen").fetchall() == [("serializable",)]


@pytest.mark.parametrize("level", ["read committed", "repeatable read", "serializable"])
def test_no_increment_is_lost(postgres_db: str, level: str) -> None:
    """The lock is an earlier statement than the one that reads, whatever the sessions' level."""
    place = postgres_place(postgres_db)
    with place.opened(GRAPH):
        pass
    start = threading.Barrier(4)

    def work(worker: int) -> None:
        with place.connect() as connection:
            connection.execute(f"SET default_transaction_isolation = '{level}'")
            store = place.store(connection, GRAPH, create_tables=False)
            (orders,) = st.actions(store, GRAPH)
            start.wait()
            for i in range(25):
                orders.insert(order(1000 * worker + i, cents=1))
            assert len(functions_of(connection).made) == 1

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    with place.opened(GRAPH) as store:
        assert total(store) == 100


# ------------------------------------------------------------------ steps that only insert


def step_of(query: Any, changed: str, **options: Any) -> SQLStep:
    plan = st.compile(query).program("postgres", **options).plan
    return plan.step(frozenset({changed}))


def test_inserts_delete_nothing() -> None:
    step = step_of(revenue, "orders")
    assert step.fused is not None
    assert step.growing is not None
    assert "DELETE" in step.fused.sql
    assert "DELETE" not in step.growing.sql


def less(a: st.ZSet[Order], b: st.ZSet[Order]) -> st.ZSet[Order]:
    rest = st.add(a, st.neg(b))
    _ = every[rest](lambda z: st.integrate(z))
    return rest


def test_what_falls_when_an_input_grows() -> None:
    """Of a - b the rows of b go."""
    step = step_of(less, "b")
    assert step.fused is not None
    assert step.growing is None


def test_counts_that_may_be_negative() -> None:
    """A row that was missing goes when it is inserted."""
    assert step_of(revenue, "orders", allow_negative=True).growing is None


def test_each_kind_of_change_has_its_function(place: Place) -> None:
    with opened(place) as (store, orders):
        orders.remove(order(2))
        orders.remove(order(1))
        assert len(names(store)) == 2
        assert total(store) == 0
        assert place.contents(GRAPH)[TABLE] == []
        orders.insert(order(1), order(1), order(2))
        orders.replace(order(1), order(3))
        orders.insert(order(1))
        assert dict(every.zset(store).iter()) == {order(1): 2, order(2): 1, order(3): 1}
        assert total(store) == 20
