"""What the catalog says of an installed query, and how a store is opened from it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import stepping as st
from stepping.compiler.plan.data import from_text, to_text
from stepping.compiler.plan.sql_plan import SQLPlan
from stepping.runtime import catalog
from tests.support.place import Place
from tests.support.shop import ANN, graph, reading, shop


class Item(st.Data):
    name: str
    price: float
    label: str = ""


totals: st.Cache[st.Pair[float, str]] = st.Cache(name="totals")


def summed(least: float = 0.0) -> Any:
    def query(items: st.ZSet[Item]) -> st.ZSet[st.Pair[float, str]]:
        sums = st.group_reduce_flatten(
            st.filter(items, f=lambda i: i.price >= least),
            by=st.Index.pick(Item, lambda i: i.name),
            zero=float,
            pick_value=lambda i: i.price,
        )
        _ = totals[sums](lambda z: st.integrate(z))
        return sums

    return st.compile(query, name="summed")


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_a_plan_is_the_same_after_it_was_stored(dialect: str) -> None:
    plan = graph.program(dialect).plan
    assert from_text(to_text(plan, SQLPlan), SQLPlan, "a plan") == plan


def test_a_stored_plan_is_used_as_it_is(place: Place) -> None:
    with place.opened(graph):
        pass
    again = st.compile(shop)
    with place.opened(again, create_tables=False) as store:
        assert not store.graph._programs[place.name, False, True, ()].plan.python_steps
        assert store._is_stored
        users, readings = st.actions(store, again)
        users.insert(ANN)
        (made,) = readings.insert(reading(1, 5))
        assert made == st.ZSetPython({st.Pair(5, "Ann"): 1})


def test_python_steps_of_a_stored_plan(place: Place) -> None:
    def query(items: st.ZSet[Item]) -> st.ZSet[str]:
        def letters(item: Item) -> str:
            return "".join(sorted(item.name))

        return st.distinct(st.map(items, f=letters))

    with place.opened(st.compile(query)) as store:
        assert store.plan.python_steps
    again: Any = st.compile(query)
    with place.opened(again, create_tables=False) as store:
        assert store._is_stored
        (items,) = st.actions(store, again)
        (made,) = items.insert(Item(name="bab", price=1))
        assert made == st.ZSetPython({"abb": 1})


def test_a_store_opens_without_the_compiler(tmp_path: Path) -> None:
    script = """
import sys, stepping as st
from tests.support.shop import graph
with st.connection_sqlite(sys.argv[1]) as connection:
    st.StoreSQLite.from_graph(connection, graph, create_tables=sys.argv[2] == "create")
print([name for name in ("sqlglot", "sqlalchemy") if name in sys.modules])
"""
    printed = []
    for mode in ("create", "open"):
        arguments = [sys.executable, "-c", script, str(tmp_path / "shop.db"), mode]
        found = subprocess.run(arguments, capture_output=True, text=True, check=True)
        printed.append(found.stdout.strip())
    assert printed == ["['sqlglot', 'sqlalchemy']", "[]"]


def test_a_mismatch_says_which_operators_differ(place: Place) -> None:
    with place.opened(summed()):
        pass
    with pytest.raises(st.SchemaMismatch) as caught, place.opened(summed(5.0), create_tables=False):
        pass
    text = str(caught.value)
    assert "version 1" in text
    assert "wanted, and not installed: summed__sums_2 (" in text
    assert "installed, and not wanted: summed__sums (" in text
    assert "(group_reduce_flatten, test_catalog.py:" in text
    assert "stepping migrate" in text


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("format", 99, "written by a newer version of stepping"),
        ("tables", "99 abc {}", "written by a newer version of stepping"),
        ("tables", "1 0000 {}", "its checksum is another"),
        ("tables", "what", "it does not begin with its format"),
    ],
)
def test_a_catalog_that_cannot_be_read(
    place: Place, column: str, value: object, message: str
) -> None:
    with place.opened(summed()), place.plain() as connection:
        mark = "?" if place.name == "sqlite" else "%s"
        connection.execute(f"UPDATE stepping_queries SET {column} = {mark}", (value,))  # noqa: S608
    with pytest.raises(st.SchemaMismatch, match=message), place.opened(summed(5.0)):
        pass


def test_a_damaged_copy_of_the_plan_is_made_again(place: Place) -> None:
    with place.opened(summed()), place.plain() as connection:
        connection.execute("UPDATE stepping_queries SET plan = '1 00 {'")
    with place.opened(summed(), create_tables=False) as store:
        assert not store._is_stored
    with place.opened(summed(), create_tables=False) as store:
        assert store._is_stored
        assert catalog.queries(store.driver)["summed"].manifest() == store.plan.manifest


def counted(items: st.ZSet[Item]) -> st.ZSet[int]:
    """It has a row from its first step on, before anything is inserted."""
    return st.count(items)


@pytest.mark.parametrize("create_tables", [True, False])
@pytest.mark.parametrize("query", [shop, counted], ids=lambda query: query.__name__)
def test_the_plan_of_a_store_that_is_only_opened_in_transactions(
    place: Place, query: Any, create_tables: bool
) -> None:
    """It is stored with the tables; else at once on Postgres, unless the first step is to come, and
    with a step where storing it could keep others waiting.
    """
    engine = sa.create_engine(place.sqlalchemy_url)
    graph = st.compile(query)
    if not create_tables:
        with place.opened(graph) as store:
            store.driver.connection.execute("UPDATE stepping_queries SET plan = NULL")

    def is_stored() -> bool:
        rows = place.read("SELECT plan IS NOT NULL FROM stepping_queries")
        return [bool(stored) for (stored,) in rows] == [True]

    def opened(connection: Any) -> Any:
        return place.store(connection, graph, create_tables=create_tables)

    with engine.begin() as connection:
        opened(connection)
    assert is_stored() is (create_tables or (place.name == "postgres" and query is shop))
    with engine.begin() as connection:
        store = opened(connection)
        if query is shop:
            st.actions(store, graph)[0].insert(ANN)
        else:
            st.actions(store, graph)[0].insert(Item(name="a", price=1))
    assert is_stored()
    with engine.begin() as connection:
        assert opened(connection)._is_stored
    engine.dispose()


# ------------------------------------------------------------------------ what tables are known by


def digests(graph: Any) -> tuple[str, ...]:
    return tuple(each.table.digest for each in graph.program("sqlite").plan.tables)


def test_what_nobody_reads_is_in_no_digest() -> None:
    class Items(st.Data):  # another name, other fields beside
        name: str
        price: float
        more: int = 0

    def query(items: st.ZSet[Items]) -> st.ZSet[st.Pair[float, str]]:
        least = 0.0
        kept = st.filter(items, f=lambda each: each.price >= least)
        sums = st.group_reduce_flatten(
            kept,
            by=st.Index.pick(Items, lambda i: i.name),
            zero=float,
            pick_value=lambda i: i.price,
        )
        _ = totals[sums](lambda z: st.integrate(z))
        return sums

    other: Any = st.compile(query, name="summed")
    assert digests(other) == digests(summed())
    ours = summed().program("sqlite").plan
    assert other.program("sqlite").plan.fingerprint == ours.fingerprint
    assert not set(digests(summed(1.0))) & set(digests(summed()))


def test_keep_stores_an_input_whole(place: Place) -> None:
    def query(items: st.ZSet[Item]) -> st.ZSet[st.Pair[int, str]]:
        by = st.Index.pick(Item, lambda i: i.name)
        return st.flatten(st.per_group[st.group(items, by=by)](lambda g: st.count(g)))

    bare: Any = st.compile(query)
    whole: Any = st.compile(query, keep={"items": "all"})
    assert "items" not in [each.table.input for each in bare.program("sqlite").plan.tables]
    with place.opened(whole) as store:
        (items,) = st.actions(store, whole)
        items.insert(Item(name="a", price=2), Item(name="a", price=2))
        kept = next(each.table for each in store.plan.tables if each.table.input == "items")
        assert {column for _, column in kept.holds} == {"name", "price", "label"}
    assert [row[-1] for row in place.read(f'SELECT * FROM "{kept.name}"')] == [2]  # noqa: S608
    with pytest.raises(st.QueryError, match="names no input"):
        st.compile(query, keep={"products": "all"})
