"""What is given in the place of what was meant: the error says what that is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

import stepping as st


class Item(st.Data):
    k: int


class Point(NamedTuple):
    x: int


def kept(a: Any) -> Any:
    return a


def compiled(row: Any) -> Any:
    zset: Any = st.ZSet
    kept.__annotations__ = {"a": zset[row], "return": zset[row]}
    return st.compile(kept)


ONE = Item(k=1)
ROWS: dict[str, tuple[Any, str]] = {
    "a list": ([ONE], r"insert\(\*rows\)"),
    "a tuple": ((ONE,), r"insert\(\*rows\)"),
    "a set": ({ONE}, r"insert\(\*rows\)"),
    "a generator": ((each for each in [ONE]), r"insert\(\*rows\)"),
    "a Z-set": (st.ZSetPython({ONE: 1}), r"st\.iteration\("),
    "a mapping": ({"k": 1}, r"Item\(\*\*fields\)"),
}


@pytest.mark.parametrize("given", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("verb", ["insert", "remove", "replace"])
def test_several_rows_as_one(given: tuple[Any, str], verb: str) -> None:
    graph = compiled(Item)
    with st.connection_sqlite(":memory:") as connection:
        store = st.StoreSQLite.from_graph(connection, graph)
        for each in (store, st.StorePython.from_graph(graph)):
            (action,) = st.actions(each, graph)
            rows = (given[0],) if verb != "replace" else (given[0], ONE)
            with pytest.raises(st.RowError, match=given[1]) as caught:
                getattr(action, verb)(*rows)
            assert "expected a row, Item, and got a " in str(caught.value)
        assert connection.execute("SELECT count(*) FROM last_update").fetchone() is not None


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        (Point, Point(x="one")),  # type: ignore[arg-type]
        (tuple[int, int], (1, "two")),
        (frozenset[int], frozenset({"one"})),
    ],
)
def test_a_row_that_is_one_is_told_of_its_field(row: Any, wrong: Any) -> None:
    graph = compiled(row)
    with st.connection_sqlite(":memory:") as connection:
        (action,) = st.actions(st.StoreSQLite.from_graph(connection, graph), graph)
        with pytest.raises(st.RowError) as caught:
            action.insert(wrong)
        assert "expected a row" not in str(caught.value)


def test_rows_in_the_place_of_a_z_set() -> None:
    graph = compiled(Item)
    store = st.StorePython.from_graph(graph)
    for given in ([ONE], ONE, (ONE,)):
        with pytest.raises(st.QueryError, match=r"a Z-set has rows with their counts"):
            st.iteration(store, graph, given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("connect", "given", "meant"),
    [
        (st.connection_sqlite, "sqlite:///shop.db", "st.connection_sqlite('shop.db')"),
        (st.connection_sqlite, "sqlite:////var/shop.db", "st.connection_sqlite('/var/shop.db')"),
        (st.connection_sqlite, "postgresql://ann@db/shop", "st.connection_postgres(url)"),
        (st.connection_postgres, "shop.db", "st.connection_sqlite('shop.db')"),
        (st.connection_postgres, "sqlite:///shop.db", "st.connection_sqlite(path)"),
        (st.connection_postgres, "mysql://ann@db/shop", "postgresql:// URL"),
    ],
)
def test_the_other_database(connect: Callable[[str], Any], given: str, meant: str) -> None:
    with pytest.raises(st.StoreError) as caught, connect(given):
        raise AssertionError("connected")
    assert meant in str(caught.value)
    assert "ann@db" not in str(caught.value)
