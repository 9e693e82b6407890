"""Inputs whose rows have a key, and inserts of many rows."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import stepping as st
from stepping.testing import assert_right
from tests.support.place import Place
from tests.support.postgres_database import database


class Order(st.Data, key="id"):
    id: int
    country: str
    cents: int = 0


class Line(st.Data, key=("order", "position")):
    order: int
    position: int
    qty: int


totals = st.Cache[Any]("totals")


def revenue(orders: st.ZSet[Order], lines: st.ZSet[Line]) -> st.ZSet[st.Pair[int, str]]:
    sold = st.join(
        orders,
        lines,
        on_left=st.Index.pick(Order, lambda o: o.id),
        on_right=st.Index.pick(Line, lambda i: i.order),
    )
    sums = st.group_reduce_flatten(
        sold,
        by=st.Index.pick(st.Pair[Order, Line], lambda p: p.left.country),
        zero=int,
        pick_value=lambda p: p.left.cents * p.right.qty,
    )
    _ = totals[sums](lambda z: st.integrate(z))
    return sums


graph = st.compile(revenue)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, stepping_store: Any) -> Iterator[Any]:
    if request.param != "postgres":
        yield stepping_store(graph, on=request.param)
        return
    with st.connection_postgres(request.getfixturevalue("postgres_db")) as connection:
        yield st.StorePostgres.from_graph(connection, graph)


@pytest.fixture(scope="module")
def every_store(postgres_url: str) -> Iterator[list[Any]]:
    """One of each kind, with a row in each input."""
    with (
        contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection,
        database(postgres_url) as url,
        st.connection_postgres(url) as other,
    ):
        made = [
            st.StorePython.from_graph(graph),
            st.StoreSQLite.from_graph(connection, graph),
            st.StorePostgres.from_graph(other, graph),
        ]
        for each in made:
            orders, lines = st.actions(each, graph)
            orders.insert(ROW)
            lines.insert(Line(order=1, position=1, qty=1))
        yield made


def test_random_histories(store: Any) -> None:
    """Whatever is done by key, the result is that of the rows that are there."""
    orders, lines = st.actions(store, graph)
    rng = random.Random(7)
    held: dict[int, Order] = {}
    items: dict[tuple[int, int], Line] = {}
    for _ in range(60):
        at, (order, position) = rng.randrange(5), (rng.randrange(5), rng.randrange(2))
        row = Order(id=at, country=rng.choice(["ch", "de"]), cents=rng.randrange(9))
        line = Line(order=order, position=position, qty=rng.randrange(3))
        match rng.randrange(6):
            case 0:
                others = [Order(id=(at + 1) % 5, country="fr"), row]
                orders.upsert(*others, row)
                held |= {each.id: each for each in others}
            case 1 if at in held:
                orders.delete(id=at)
                del held[at]
            case 1:
                with pytest.raises(st.RowError, match=f"no row with id={at}"):
                    orders.delete(id=at)
            case 2 if at in held:
                with pytest.raises(st.RowError, match=f"a second row with id={at}.* is there"):
                    orders.insert(row)
            case 2:
                orders.insert(row)
                held[at] = row
            case 3 if at in held:
                orders.replace(held[at], row)
                held[at] = row
            case 3:
                with pytest.raises(st.RowError, match="not there"):
                    orders.remove(row)
            case 4:
                lines.upsert(line)
                items[order, position] = line
            case _ if (order, position) in items:
                lines.delete(order=order, position=position)
                del items[order, position]
        expected: dict[str, int] = {}
        for each in items.values():
            if each.order in held:
                found = held[each.order]
                expected[found.country] = expected.get(found.country, 0) + found.cents * each.qty
        assert {pair.right: pair.left for pair in totals.zset(store).rows()} == expected
    assert_right(store)


def test_errors(store: Any) -> None:
    orders, _ = st.actions(store, graph)
    with pytest.raises(st.RowError, match="inserted twice"):
        orders.insert(Order(id=1, country="ch"), Order(id=1, country="de"))
    with pytest.raises(st.RowError, match="the key is id, and country was given"):
        orders.delete(country="ch")
    orders.insert(Order(id=1, country="ch"))
    assert len(orders.upsert(Order(id=1, country="ch"))[0]) == 0
    changes: Any = (st.ZSetPython({Order(id=1, country="x"): 1}), st.ZSetPython())
    with pytest.raises(st.RowError, match="a second row"):
        st.iteration(store, graph, changes)
    orders.enqueue([Order(id=1, country="x"), Order(id=2, country="x")])
    drained = store.drain()
    assert store.quarantined(), drained


ROW = Order(id=1, country="ch")
NONE: Any = None
WRONG: dict[str, tuple[Callable[[Any, Any], object], str]] = {
    "a dict": (lambda o, _: o.insert({"id": 1}), "expected a row, Order, and got a dict"),
    "a dict, by key": (lambda o, _: o.upsert({"id": 1}), "expected a row, Order, and got a dict"),
    "a dict, removed": (lambda o, _: o.remove({"id": 1}), "expected a row, Order, and got a dict"),
    "a dict, new": (
        lambda o, _: o.replace(ROW, {"id": 1}),
        "expected a row, Order, and got a dict",
    ),
    "a dict, queued": (
        lambda o, _: o.enqueue([{"id": 1}]),
        "expected a row, Order, and got a dict",
    ),
    "rows in a list": (lambda o, _: o.upsert([ROW]), r"got a list(.|\n)*insert\(\*rows\)"),
    "a row of another input": (
        lambda o, _: o.upsert(Line(order=1, position=1, qty=1)),
        "expected Order, got Line",
    ),
    "None": (lambda o, _: o.insert(None), "expected Order, got NoneType"),
    "None in a key": (
        lambda o, _: o.insert(Order(id=NONE, country="x")),
        r"Order\.id: expected int",
    ),
    "None beside a key that is there": (
        lambda o, _: o.insert(Order(id=1, country=NONE)),
        r"Order\.country: expected str, got NoneType None",
    ),
    "a key of another type": (
        lambda o, _: o.delete("1"),
        r"orders: '1' is no key \(id\): expected int, got str '1'(.|\n)*delete\(id=\.\.\.\)",
    ),
    "a row in place of a key": (
        lambda o, _: o.delete(ROW),
        r"is no key \(id\): expected int, got Order",
    ),
    "keys in a list": (lambda o, _: o.delete([1, 2]), "each key an argument by itself"),
    "a key twice": (lambda o, _: o.delete(1, 1), "orders: id=1 is to be deleted twice"),
    "a part of a key": (
        lambda _, i: i.delete(1, 1),
        r"lines: 1 is no key \(order, position\): expected(.|\n)*delete\(\(\.\.\., \.\.\.\)\) or "
        r"delete\(order=\.\.\., position=\.\.\.\)",
    ),
    "a part of another type": (
        lambda _, i: i.delete((1, "x")),
        r"lines: \(1, 'x'\) is no key \(order, position\): position: expected int, got str 'x'",
    ),
    "a row twice": (lambda o, _: o.remove(ROW, ROW), "was removed 2 times from orders, and it is"),
    "a row as it is no longer": (
        lambda o, _: o.remove(Order(id=1, country="de")),
        "removed from orders, and it is not there: there is Order(.|\n)*country='ch'.* with id=1",
    ),
    "a row of a key that is not there": (
        lambda o, _: o.replace(Order(id=8, country="de"), Order(id=9, country="de")),
        "it is not there: there is no row with id=8",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_alike_on_all_stores(every_store: Any, what: str) -> None:
    """What, where, and what to do; and nothing is written."""
    call, message = WRONG[what]
    said = set()
    for store in every_store:
        orders, lines = st.actions(store, graph)
        with pytest.raises(st.RowError, match=message) as error:
            call(orders, lines)
        assert "nothing was written" in str(error.value)
        said.add(str(error.value))
        assert totals.zset(store).rows() == [st.Pair(0, "ch")]
    assert len(said) == 1


def test_of_two_rows_with_one_key_the_last_stays(store: Any) -> None:
    orders, lines = st.actions(store, graph)
    lines.insert(Line(order=1, position=1, qty=1))
    (change,) = orders.upsert(
        Order(id=1, country="ch", cents=1), Order(id=1, country="de", cents=2)
    )
    assert change.rows() == totals.zset(store).rows() == [st.Pair(2, "de")]


def test_rows_without_a_key(store: Any) -> None:
    with pytest.raises(st.QueryError, match="key='ident'"):
        type("Wrong", (Order,), {}, key="ident")  # type: ignore[call-overload]

    def query(words: st.ZSet[str]) -> st.ZSet[str]:
        return words

    plain = st.compile(query)
    (words,) = st.actions(st.StorePython.from_graph(plain), plain)
    with pytest.raises(st.StoreError, match="have no key"):
        words.upsert("a")


def test_insert_many(store: Any, capsys: pytest.CaptureFixture[str]) -> None:
    orders, _ = st.actions(store, graph)
    seen: list[int] = []
    rows = (Order(id=i, country="ch") for i in range(250))
    assert orders.insert_many(rows, batch=100, progress=seen.append) == 250
    assert seen == [100, 200, 250]
    more = [Order(id=i, country="ch") for i in range(250, 260)]
    assert orders.insert_many(more, progress=True) == 10
    assert "orders: 10 rows, " in capsys.readouterr().err


def test_an_error_in_a_later_batch_says_where_to_go_on(store: Any) -> None:
    orders, lines = st.actions(store, graph)
    lines.insert(*(Line(order=i, position=1, qty=1) for i in range(1, 6)))
    rows = [Order(id=i, country="ch", cents=1) for i in (1, 2, 3, 4, 5, 1)]
    with pytest.raises(st.RowError) as error:
        orders.insert_many(rows, batch=2)
    said = str(error.value)
    assert "a second row with id=1" in said
    assert "the first 4 rows were written, and none of the 2 of the batch behind them" in said
    assert "go on with row 5" in said
    assert "nothing was written" not in said
    assert totals.zset(store).rows() == [st.Pair(4, "ch")]
    with pytest.raises(st.RowError, match="nothing was written"):
        orders.insert_many(rows[:1], batch=2)


def test_two_writers_of_one_key(place: Place) -> None:
    with place.opened(graph):
        pass
    errors: list[Exception] = []

    def write(number: int) -> None:
        with place.opened(graph) as store:
            orders, _ = st.actions(store, graph)
            for i in range(10):
                orders.upsert(Order(id=i % 3, country=f"c{number}"))
                try:
                    orders.insert(Order(id=100 + i, country=f"c{number}"))
                except st.RowError as error:
                    errors.append(error)

    threads = [threading.Thread(target=write, args=(i,)) for i in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(errors) == 10
    with place.opened(graph) as store:
        orders, _ = st.actions(store, graph)
        for i in range(3):
            orders.delete(id=i)
        orders.delete(*range(100, 110))
        assert_right(store)
