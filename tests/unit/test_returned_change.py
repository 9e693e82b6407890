"""The change that a step returns: made when it is looked at, or not read at all."""

from __future__ import annotations

import copy
import gc
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

import stepping as st
from stepping.compiler.zset import ReadRows
from tests.support.place import Place, postgres_place, sqlite_place


class User(st.Data):
    id: int
    name: str


class Order(st.Data):
    user: int
    cents: int


class Named(st.Data):
    name: str
    cents: int


named_orders = st.Cache[Named]("named_orders")


def orders_by_name(users: st.ZSet[User], orders: st.ZSet[Order]) -> st.ZSet[Named]:
    joined = st.join(
        users,
        orders,
        on_left=st.Index.pick(User, lambda user: user.id),
        on_right=st.Index.pick(Order, lambda order: order.user),
    )
    named = st.map(joined, f=lambda pair: Named(name=pair.left.name, cents=pair.right.cents))
    _ = named_orders[named](lambda z: st.integrate(z))
    return named


GRAPH = st.compile(orders_by_name)
ANN, BOB = User(id=1, name="Ann"), User(id=1, name="Bob")
ORDERS = [Order(user=1, cents=cents) for cents in range(3)]
RENAMED = st.ZSetPython(
    {Named(name=name, cents=n): sign for name, sign in (("Ann", -1), ("Bob", 1)) for n in range(3)}
)


@pytest.fixture(params=["python", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, sqlite_path: Path) -> Iterator[Any]:
    if request.param == "python":
        yield st.StorePython.from_graph(GRAPH)
        return
    if request.param == "sqlite":
        place = sqlite_place(sqlite_path)
    else:
        place = postgres_place(request.getfixturevalue("postgres_db"))
    with place.opened(GRAPH) as opened:
        yield opened


def filled(store: Any) -> tuple[Any, Any]:
    users, orders = st.actions(store, GRAPH)
    users.insert(ANN)
    orders.insert(*ORDERS)
    return users, orders


def test_a_change_is_that_of_its_step_whenever_it_is_read(store: Any) -> None:
    users, _ = filled(store)
    (renamed,) = users.replace(ANN, BOB)
    users.remove(BOB)
    assert len(named_orders.zset(store)) == 0
    assert renamed == RENAMED
    assert dict(renamed.iter()) == dict(RENAMED.iter())
    assert len(renamed) == 6
    assert renamed.get_count(Named(name="Bob", cents=1)) == 1
    assert renamed + -RENAMED == st.ZSetPython()


def test_a_change_can_be_copied_and_sent(store: Any) -> None:
    users, _ = filled(store)
    (renamed,) = users.replace(ANN, BOB)
    assert pickle.loads(pickle.dumps(renamed)) == RENAMED
    assert copy.deepcopy(renamed) == RENAMED


def test_without_output_the_same_is_written_and_nothing_returned(store: Any) -> None:
    users, orders = filled(store)
    assert users.replace(ANN, BOB, output=False) is None
    assert orders.insert(Order(user=1, cents=7), output=False) is None
    assert orders.remove(ORDERS[0], output=False) is None
    changes = (st.ZSetPython({BOB: -1}), st.ZSetPython({Order(user=1, cents=8): 2}))
    assert st.iteration(store, GRAPH, changes, output=False) is None
    assert named_orders.zset(store) == st.ZSetPython()
    (found,) = users.insert(ANN)
    assert found == st.ZSetPython({Named(name="Ann", cents=n): 1 + (n == 8) for n in (1, 2, 7, 8)})


def test_without_output_an_error_is_the_same(store: Any) -> None:
    users, _ = filled(store)
    with pytest.raises(st.RowError, match="it is not there"):
        users.remove(BOB, output=False)
    assert len(named_orders.zset(store)) == 3


def test_drain_without_output(store: Any) -> None:
    users, _ = filled(store)
    users.enqueue(insert=[BOB], remove=[ANN])
    drained = store.drain(output=False)
    assert (drained.changes, drained.outputs) == (1, ())
    assert {row.name for row, _ in named_orders.zset(store)} == {"Bob"}


@dataclass(frozen=True)
class Positive:
    """A class that refuses some values: it is made before anything is committed."""

    value: int

    def __post_init__(self) -> None:
        if self.value < 0:
            raise ValueError("negative")


def positives(numbers: st.ZSet[int]) -> st.ZSet[Positive]:
    return st.map(numbers, f=lambda number: Positive(value=number))


def test_what_a_class_refuses_fails_its_step(place: Place) -> None:
    graph = st.compile(positives)
    with place.opened(graph) as store:
        (numbers,) = st.actions(store, graph)
        with pytest.raises(ValueError, match="negative"):
            numbers.insert(-1)
        (found,) = numbers.insert(1)
        assert found == st.ZSetPython({Positive(value=1): 1})


def test_rows_are_added_up_and_the_collector_is_as_it_was() -> None:
    rows = [(n % 1000, sign) for n in range(1500) for sign in (1, 1, -1)]
    read = ReadRows([*rows, (7, 0)], lambda read: [(n, count) for n, count in read])
    assert gc.isenabled()
    assert len(read) == 1000
    assert read.get_count(1) == 2
    assert gc.isenabled()

    def failing(read: Any) -> Any:
        raise ValueError("no")

    for once in (gc.disable, gc.enable):
        once()
        enabled = gc.isenabled()
        with pytest.raises(ValueError, match="no"):
            list(ReadRows(rows, failing))
        assert gc.isenabled() == enabled


def test_without_output_nothing_comes_from_postgres(postgres_db: str) -> None:
    """Neither by the separate statements, which are the first of their kind, nor by a function."""
    with st.connection_postgres(postgres_db) as connection:
        store = st.StorePostgres.from_graph(connection, GRAPH)
        users, _ = filled(store)
        received: list[int] = []
        execute = psycopg.RawCursor.execute

        def spied(cursor: Any, *arguments: Any, **options: Any) -> Any:
            found = execute(cursor, *arguments, **options)
            received.append(cursor.rowcount if cursor.description else 0)
            return found

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(psycopg.RawCursor, "execute", spied)
            for n in range(4):
                old, new = (ANN, BOB) if n % 2 == 0 else (BOB, ANN)
                assert users.replace(old, new, output=False) is None
            assert max(received) == 0
            users.replace(ANN, BOB)
            assert max(received) == 6
        assert {row.name for row, _ in named_orders.zset(store)} == {"Bob"}
