"""Changes that wait in the queue while a query is migrated."""

from __future__ import annotations

from typing import Any

import pytest

import stepping as st
from stepping.compiler.zset import ZSetPython
from stepping.runtime.apply import apply
from stepping.runtime.stores import driver_for
from tests.support.place import Place

sums: st.Cache[st.Pair[int, str]] = st.Cache(name="sums")
counts: st.Cache[st.Pair[int, str]] = st.Cache(name="counts")


class Item(st.Data):
    product: str
    qty: int


class NotedItem(st.Data):
    product: str
    qty: int
    note: str = ""


class Sold(st.Data):
    product: str
    qty: int


sales_cache: st.Cache[Sold] = st.Cache(name="sales")


def summed(item: Any, *, counted: bool) -> Any:
    """A query that sums up, and in its second version counts as well."""
    by = st.Index.pick(Sold, lambda sale: sale.product)

    def sold(items: st.ZSet[item]) -> st.ZSet[st.Pair[int, str]]:  # type: ignore[valid-type]
        sales = st.map(items, f=lambda i: Sold(product=i.product, qty=i.qty))
        _ = sales_cache[sales](lambda z: st.integrate(z))
        made = st.group_reduce_flatten(sales, by=by, zero=int, pick_value=lambda sale: sale.qty)
        _ = sums[made](lambda z: st.integrate(z))
        if counted:
            found = st.group_reduce_flatten(sales, by=by, zero=int, pick_value=lambda sale: 1)
            _ = counts[found](lambda z: st.integrate(z))
        return made

    return st.compile(sold)


first = summed(Item, counted=False)
same_rows = summed(Item, counted=True)
other_rows = summed(NotedItem, counted=True)


def installed(place: Place, connection: Any) -> Any:
    """A store of the first version, with a row, and two changes that wait."""
    store = place.store(connection, first)
    (items,) = st.actions(store, first)
    items.insert(Item(product="tv", qty=1))
    items.enqueue([Item(product="tv", qty=2)])
    items.enqueue([Item(product="radio", qty=5)])
    return store


def test_those_that_the_new_version_reads_are_folded_in_by_it(place: Place) -> None:
    with place.connect() as connection:
        installed(place, connection)
        made = st.plan(connection, same_rows)
        assert "Queued changes: 2 wait, and version 2 folds them in." in made.summary
        assert "stepping_queue" not in made.up_sql.partition("BEGIN")[2].replace(
            "UPDATE stepping_queue", ""
        )
        made.apply()
        store = place.store(connection, same_rows, create_tables=False)
        assert store.drain().changes == 2
        assert sums.zset(store) == ZSetPython({st.Pair(3, "tv"): 1, st.Pair(5, "radio"): 1})


@pytest.mark.parametrize("by_script", [False, True])
def test_those_that_it_cannot_read_must_be_drained_before(place: Place, by_script: bool) -> None:
    with place.connect() as connection:
        store = installed(place, connection)
        made = st.plan(connection, other_rows)
        assert "rows of items get another form" in made.summary
        assert "2 do: drain them with version 1." in made.summary
        before = place.contents(first)
        if by_script:
            with pytest.raises(Exception, match="changes of sold wait in the queue"):
                apply(driver_for(connection), made.up_sql)
        else:
            with pytest.raises(
                st.MigrationError, match=r"2 changes of sold wait .* items"
            ) as error:
                made.apply()
            assert "stepping drain" in str(error.value)
        assert place.contents(first) == before
        assert store.drain().changes == 2
        made = st.plan(connection, other_rows)
        apply(driver_for(connection), made.up_sql) if by_script else made.apply()
        new = place.store(connection, other_rows, create_tables=False)
        assert sums.zset(new) == ZSetPython({st.Pair(3, "tv"): 1, st.Pair(5, "radio"): 1})


def test_those_that_come_behind_the_migration_are_set_aside(place: Place) -> None:
    """A process of the version before enqueues without a look at what is installed."""
    with place.connect() as connection:
        store = installed(place, connection)
        store.drain()
        made = st.plan(connection, other_rows)
        made.apply()
        (items,) = st.actions(store, first)
        items.enqueue([Item(product="late", qty=1)])
        new = place.store(connection, other_rows, create_tables=False)
        (noted,) = st.actions(new, other_rows)
        noted.enqueue([NotedItem(product="tv", qty=4, note="n")])
        drained = new.drain()
        assert (drained.changes, drained.quarantined) == (1, 1)
        (aside,) = new.quarantined()
        assert aside.changes is None
        assert "enqueued by another version of the query: items has rows" in aside.error
        assert "retry_queued" in aside.error
        assert sums.zset(new) == ZSetPython({st.Pair(7, "tv"): 1, st.Pair(5, "radio"): 1})
        # Back with the version that wrote it, where what is queued by then must be drained, too.
        noted.enqueue([NotedItem(product="tv", qty=1, note="n")])
        with pytest.raises(Exception, match="changes of sold wait in the queue"):
            apply(driver_for(connection), made.down_sql)
        new.drain()
        apply(driver_for(connection), made.down_sql)
        old = place.store(connection, first, create_tables=False)
        assert old.retry_queued(aside.id) == 1
        assert old.drain().changes == 1
        assert st.Pair(1, "late") in dict(sums.zset(old).iter())


def renamed_query() -> Any:
    by = st.Index.pick(Item, lambda item: item.product)

    def sold(items: st.ZSet[Item]) -> st.ZSet[st.Pair[int, str]]:
        made = st.group_reduce_flatten(items, by=by, zero=int, pick_value=lambda i: i.qty)
        _ = sums[made](lambda z: st.integrate(z))
        return made

    return st.compile(sold, name="sold"), st.compile(sold, name="revenue")


def test_those_of_a_query_that_is_renamed(place: Place) -> None:
    """The script may have been written before there was a queue."""
    old, new = renamed_query()
    with place.connect() as connection:
        store = place.store(connection, old)
        (items,) = st.actions(store, old)
        items.insert(Item(product="tv", qty=1))
        before = st.plan(connection, new, renamed_from="sold")
        up, down = before.up_sql, before.down_sql
        items.enqueue([Item(product="tv", qty=2)])
        if place.name == "sqlite":  # where no statement is taken that names what is not there
            with pytest.raises(st.MigrationError, match="tables that were not there: write the"):
                apply(driver_for(connection), up)
            before = st.plan(connection, new, renamed_from="sold")
            up, down = before.up_sql, before.down_sql
        apply(driver_for(connection), up)
        renamed = place.store(connection, new, create_tables=False)
        assert renamed.queued() == 1
        apply(driver_for(connection), down)
        store = place.store(connection, old, create_tables=False)
        assert store.drain().changes == 1
        assert sums.zset(store) == ZSetPython({st.Pair(3, "tv"): 1})


def test_a_script_that_was_written_before_there_was_a_queue(place: Place) -> None:
    with place.connect() as connection:
        store = place.store(connection, first)
        made = st.plan(connection, other_rows)
        up = made.up_sql
        (items,) = st.actions(store, first)
        items.enqueue([Item(product="tv", qty=2)])
        if place.name == "postgres":
            with pytest.raises(st.MigrationError, match="changes of sold wait in the queue"):
                apply(driver_for(connection), up)
            return
        with pytest.raises(st.MigrationError, match="1 changes of sold wait in the queue"):
            made.apply()
        apply(driver_for(connection), up)
        new = place.store(connection, other_rows, create_tables=False)
        drained = new.drain()
        assert (drained.changes, drained.quarantined) == (0, 1)  # and nothing of it is lost
        assert "was enqueued by another version" in new.quarantined()[0].error
