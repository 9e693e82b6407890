"""Random transactions: what a store holds are the steps that were kept, on each kind of connection.

A step that fails changes nothing: not the rows, nor whether a transaction is open.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as some

import stepping as st
from tests.laws.test_operators import EXAMPLES
from tests.support.law import empty
from tests.support.place import Place, postgres_place, sqlite_place

kept = st.Cache[st.Pair[int, int]](name="kept")


def counted(rows: st.ZSet[int]) -> st.ZSet[st.Pair[int, int]]:
    by = st.Index.pick(int, lambda n: n % 3)
    sums = st.group_reduce_flatten(rows, by=by, zero=int, pick_value=lambda n: n)
    _ = kept[sums](lambda z: st.integrate(z))
    return sums


graph = st.compile(counted, keep={"rows": "all"})
KINDS = ("autocommit", "default", "sqlalchemy", "immediate")
ACTS = (
    *("step", "step", "timed", "enqueue", "bad", "bad_late", "read"),
    *("begin", "commit", "rollback", "savepoint", "back", "release"),
)
settings = hypothesis.settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
)


class Raw:
    """Transactions in the words of a driver's connection."""

    def __init__(self, connection: Any, *, begins: bool) -> None:
        self.connection, self.begins = connection, begins
        self.open: list[str] = []

    def is_open(self) -> bool:
        if isinstance(self.connection, sqlite3.Connection):
            return self.connection.in_transaction
        return bool(self.connection.info.transaction_status)

    def begin(self) -> None:
        if not self.begins:
            self.connection.execute("BEGIN")

    def commit(self) -> None:
        self.open.clear()
        self.connection.commit()

    def rollback(self) -> None:
        self.open.clear()
        self.connection.rollback()

    def savepoint(self) -> None:
        self.open.append(f"s{len(self.open)}")
        self.connection.execute(f"SAVEPOINT {self.open[-1]}")

    def back(self) -> None:
        name = self.open.pop()
        self.connection.execute(f"ROLLBACK TO SAVEPOINT {name}")
        self.connection.execute(f"RELEASE SAVEPOINT {name}")

    def release(self) -> None:
        self.connection.execute(f"RELEASE SAVEPOINT {self.open.pop()}")


class Alchemy:
    """Transactions in the words of SQLAlchemy."""

    begins = True

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.open: list[Any] = []

    def is_open(self) -> bool:
        driver = self.connection.connection.driver_connection
        assert Raw(driver, begins=True).is_open() <= self.connection.in_transaction()
        return bool(self.connection.in_transaction())

    def begin(self) -> None:
        raise NotImplementedError

    def commit(self) -> None:
        self.open.clear()
        self.connection.commit()

    def rollback(self) -> None:
        self.open.clear()
        self.connection.rollback()

    def savepoint(self) -> None:
        self.open.append(self.connection.begin_nested())

    def back(self) -> None:
        self.open.pop().rollback()

    def release(self) -> None:
        self.open.pop().commit()


@contextlib.contextmanager
def connected(place: Place, kind: str) -> Iterator[Any]:
    with contextlib.ExitStack() as stack:
        if kind == "autocommit":
            yield Raw(stack.enter_context(place.connect()), begins=False)
        elif kind == "default":
            driver: Any = sqlite3 if place.name == "sqlite" else psycopg
            opened = stack.enter_context(contextlib.closing(driver.connect(place.where)))
            yield Raw(opened, begins=True)
        else:
            engine = sa.create_engine(place.sqlalchemy_url)
            stack.callback(engine.dispose)
            if kind == "immediate":

                @sa.event.listens_for(engine, "connect")
                def connect(connection: Any, record: object) -> None:
                    connection.isolation_level = None

                @sa.event.listens_for(engine, "begin")
                def begin(connection: Any) -> None:
                    connection.exec_driver_sql("BEGIN IMMEDIATE")

            yield Alchemy(stack.enter_context(engine.connect()))


def sums_of(rows: list[int]) -> dict[Any, int]:
    groups = {n % 3 for n in rows}
    return {st.Pair(sum(n for n in rows if n % 3 == k), k): 1 for k in groups}


def fails(act: Callable[[], object]) -> None:
    with pytest.raises((st.RowError, ZeroDivisionError)):
        act()


class Course:
    """One sequence of acts. ``stack``: the rows as they were at BEGIN and at each savepoint."""

    def __init__(self, transactions: Any, store: Any) -> None:
        self.transactions, self.store = transactions, store
        self.rows: list[int] = []
        self.queued = 0
        self.stack: list[tuple[list[int], int]] = []
        (self.action,) = st.actions(store, graph)

    def now(self) -> tuple[list[int], int]:
        return list(self.rows), self.queued

    def written(self) -> None:
        """Before something is written: where the driver begins a transaction by itself."""
        if self.transactions.begins and not self.stack:
            self.stack.append(self.now())

    def act(self, name: str, n: int) -> None:
        is_open, depth = bool(self.stack), len(self.stack)
        match name:
            case "step" | "timed":
                time = st.Time(input_time=self.store.next_time()) if name == "timed" else None
                self.written()
                self.action.insert(n, time=time)
                self.rows.append(n)
            case "enqueue":
                self.written()
                self.store.enqueue({"rows": st.ZSetPython({n: 1})})
                self.queued += 1
            case "bad":
                fails(lambda: self.action.remove(1_000 + n))
            case "bad_late":
                changes = {"rows": st.ZSetPython({n: 1})}
                fails(lambda: self.store.step(changes, also=lambda: 1 // 0))
            case "begin" if not is_open and not self.transactions.begins:
                self.stack.append(self.now())
                self.transactions.begin()
            case "commit" if is_open:
                self.stack.clear()
                self.transactions.commit()
            case "rollback" if is_open:
                self.rows, self.queued = self.stack[0]
                self.stack.clear()
                self.transactions.rollback()
            case "savepoint" if is_open and depth < 4:
                self.stack.append(self.now())
                self.transactions.savepoint()
            case "back" if depth > 1:
                self.rows, self.queued = self.stack.pop()
                self.transactions.back()
            case "release" if depth > 1:
                self.stack.pop()
                self.transactions.release()
            case "read":
                assert dict(kept.zset(self.store).iter()) == sums_of(self.rows)
        assert self.transactions.is_open() == bool(self.stack), name


acts = some.lists(some.tuples(some.sampled_from(ACTS), some.integers(1, 9)), max_size=12)


@pytest.mark.parametrize("kind", KINDS)
def test_on_sqlite(kind: str, tmp_path: Path) -> None:
    hold(sqlite_place(tmp_path / "t.db"), kind)


@pytest.mark.parametrize("kind", KINDS[:3])
def test_on_postgres(kind: str, postgres_db: str) -> None:
    hold(postgres_place(postgres_db), kind)


def hold(place: Place, kind: str) -> None:
    with place.opened(graph):
        pass

    with place.opened(graph) as apart, connected(place, kind) as transactions:
        store = place.store(transactions.connection, graph, create_tables=False)
        if transactions.is_open():
            transactions.rollback()

        @given(acts)
        @settings
        def holds(drawn: list[tuple[str, int]]) -> None:
            empty(apart)
            # It is made again by the first that is enqueued, in whichever transaction.
            apart.driver.connection.execute("DROP TABLE IF EXISTS stepping_queue")
            for each in (apart, store):
                each.driver.features.forget()
            course = Course(transactions, store)
            try:
                for name, n in drawn:
                    course.act(name, n)
            finally:
                transactions.rollback()
            rows, queued = course.stack[0] if course.stack else course.now()
            assert dict(kept.zset(apart).iter()) == sums_of(rows)
            assert apart.queued() == queued

        holds()
