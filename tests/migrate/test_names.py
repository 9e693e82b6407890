"""Names of kept tables: readable when they are new, and never another once they are installed."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

import stepping as st
from stepping.compiler.plan.manifest import Manifest
from stepping.compiler.plan.table_names import TableNames
from stepping.runtime import catalog
from stepping.runtime.apply import apply
from tests.migrate.test_versions import settings
from tests.support.law import schema
from tests.support.place import Place
from tests.support.rows import Item
from tests.support.versions import Version, versions

ROWS = [Item(k=k % 3, t=f"{k}", x=float(k), n=k) for k in range(6)]


class Sale(st.Data):
    item: str
    cents: int


totals: st.Cache[st.Pair[int, str]] = st.Cache(name="totals")


def sales(least: int = 0, **options: Any) -> Any:
    def query(sales: st.ZSet[Sale]) -> None:
        by_item = st.Index.pick(Sale, lambda s: s.item)
        dear = st.filter(sales, f=lambda s: s.cents >= least)
        summed = st.group_reduce_flatten(dear, by=by_item, zero=int, pick_value=lambda s: s.cents)
        _ = totals[summed](lambda z: st.integrate(z))

    return st.compile(query, name="sales", keep={"sales": "all"}, **options)


def renamed(least: int = 0) -> Any:
    """The same, by other names of variables."""

    def query(sales: st.ZSet[Sale]) -> None:
        by = st.Index.pick(Sale, lambda s: s.item)
        kept = st.filter(sales, f=lambda s: s.cents >= least)
        per_item = st.group_reduce_flatten(kept, by=by, zero=int, pick_value=lambda s: s.cents)
        _ = totals[per_item](lambda z: st.integrate(z))

    return st.compile(query, name="sales", keep={"sales": "all"})


def manifest(store: Any) -> Manifest:
    return catalog.installed(store.driver, store.graph.name).manifest()


def names(of: Manifest) -> dict[str, str]:
    """The names of tables and views, but for those that readers know, by digest."""
    return dict(TableNames().of(of.tables, of.query, of.query).installed)


def tables(of: Manifest) -> set[str]:
    return {each.table.name for each in of.tables}


def test_names_of_a_new_query(place: Place) -> None:
    with place.opened(sales()) as store:
        assert set(names(manifest(store)).values()) == {
            "sales__sales",
            "sales__summed",
            "sales__totals",
        }


def test_a_variable_with_another_name_changes_nothing(place: Place) -> None:
    with place.opened(sales()) as store:
        before = manifest(store)
        (insert,) = st.actions(store, store.graph)
        insert.insert(Sale(item="a", cents=5))
    with place.opened(renamed(), create_tables=False) as store:
        assert store._is_stored
        assert manifest(store) == before
    with place.connect() as connection:  # also where no plan is stored, as behind a script
        connection.execute("UPDATE stepping_queries SET plan = NULL, plan_key = NULL")
        graph = renamed()
        assert st.plan(connection, graph).is_nothing
        store = place.store(connection, graph, create_tables=False)
        assert not store._is_stored
        assert names(store.plan.manifest) == names(before)
        assert st.verify(store).ok
        assert len(totals.zset(store)) == 1


def test_a_second_version_of_a_table(place: Place) -> None:
    with place.opened(sales()) as store:
        before = manifest(store)
        (insert,) = st.actions(store, store.graph)
        insert.insert(Sale(item="a", cents=5))
    with place.connect() as connection:
        made = st.plan(connection, renamed(3))
        assert made.kept == ("sales__sales",)
        assert made.new == ("sales__per_item",)
        down = made.down_sql
        made.apply()
        made = st.plan(connection, renamed(4))
        assert made.new == ("sales__per_item_2",)
        again = made.down_sql
        made.apply()
        store = place.store(connection, renamed(4), create_tables=False)
        assert tables(manifest(store)) == {"sales__sales", "sales__per_item_2"}
        assert st.verify(store).ok
        apply(made.driver, again)
        apply(made.driver, down)
        assert manifest(store) == before
    with place.opened(sales(), create_tables=False) as store:
        assert st.verify(store).ok


def test_names_with_digits(place: Place) -> None:
    """Those that were installed before names had none, and of who wants them."""
    with place.opened(sales(names="digest")) as store:
        before = manifest(store)
        assert all(re.search(r"__\w+_[0-9a-f]{6}$", name) for name in names(before).values())
        (insert,) = st.actions(store, store.graph)
        insert.insert(Sale(item="a", cents=5))
    with place.opened(sales(), create_tables=False) as store:
        assert manifest(store) == before
        (insert,) = st.actions(store, store.graph)
        insert.insert(Sale(item="a", cents=7))
    with place.connect() as connection:
        connection.execute("UPDATE stepping_queries SET plan = NULL, plan_key = NULL")
        assert st.plan(connection, sales()).is_nothing
        made = st.plan(connection, sales(3))
        assert made.new == ("sales__summed",)
        made.apply()
        store = place.store(connection, sales(3), create_tables=False)
        kept = set(names(before).values()) & set(names(manifest(store)).values())
        assert len(kept) == 1
        assert st.verify(store).ok


def test_names_of_a_query_that_is_renamed(place: Place) -> None:
    with place.opened(sales()) as store:
        before = names(manifest(store))
    with place.connect() as connection:
        graph = renamed()
        graph.name = "sold"
        made = st.plan(connection, graph, renamed_from="sales")
        made.apply()
        store = place.store(connection, graph, create_tables=False)
        after = names(manifest(store))
        assert after == {d: name.replace("sales__", "sold__") for d, name in before.items()}
        assert st.verify(store).ok


def test_names_means_one_of_two() -> None:
    with pytest.raises(st.QueryError, match="names='short' does not say how tables are named"):
        sales(names="short")
    with pytest.raises(st.QueryError, match="names='short' does not say how tables are named"):
        st.sql("SELECT 1 AS a FROM t", name="q", names="short")


# ---------------------------------------------------------------------------------------- the law

Connect = Callable[[], AbstractContextManager[Any]]


def hold(connect: Connect, stores: Any, several: list[Version]) -> None:
    """What is in two versions that follow each other has one name, whatever else there is; two
    tables have two; and what was called otherwise is what it was after the way back.
    """
    with connect() as connection:
        graphs = [each.graph() for each in several]
        store = stores.from_graph(connection, graphs[0])
        for row in ROWS:
            for insert in st.actions(store, graphs[0]):
                insert.insert(row)
        for graph in graphs[1:]:
            before = manifest(store)
            made = st.plan(connection, graph)
            if made.is_nothing or made.migration.underivable:
                continue
            down = None if made.migration.needs_python or made.not_undone else made.down_sql
            made.apply()
            store = stores.from_graph(connection, graph, create_tables=False)
            check(names(before), names(manifest(store)))
            assert st.verify(store).ok
            if down is not None:
                apply(made.driver, down)
                assert manifest(store) == before
                st.plan(connection, graph).apply()
                store = stores.from_graph(connection, graph, create_tables=False)
                check(names(before), names(manifest(store)))
                assert st.verify(store).ok


def check(before: dict[str, str], after: dict[str, str]) -> None:
    assert {d: before[d] for d in before.keys() & after} == {
        d: after[d] for d in before.keys() & after
    }
    new = {after[d].lower() for d in after.keys() - before.keys()}
    assert not new & {name.lower() for name in before.values()}
    assert len({name.lower() for name in after.values()}) == len(after)
    assert all(len(name.encode()) <= 63 for name in after.values())
    assert not [name for name in after.values() if re.search(r"_[0-9a-f]{6}$", name)]


@some.composite
def courses(draw: some.DrawFn) -> list[Version]:
    """Versions of one query, of which the last may be the first again."""
    first, second = draw(versions())
    third = draw(some.sampled_from((first, second, *draw(versions()))))
    return [first, second, third]


def test_on_sqlite() -> None:
    @given(courses())
    @settings
    def holds(several: list[Version]) -> None:
        hold(lambda: st.connection_sqlite(":memory:"), st.StoreSQLite, several)

    holds()


def test_on_postgres(postgres_url: str) -> None:
    @given(courses())
    @settings
    def holds(several: list[Version]) -> None:
        hold(lambda: schema(postgres_url), st.StorePostgres, several)

    holds()
