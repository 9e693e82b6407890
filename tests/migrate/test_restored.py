"""The way back fills tables that went from those that have their rows now."""

from __future__ import annotations

from typing import Any

import pytest

import stepping as st
from stepping import Cache, Index, ZSet
from stepping.runtime.apply import apply
from tests.support.composed import reached
from tests.support.compositions import distinct
from tests.support.place import Place
from tests.support.rows import Item

Items = ZSet[Item]
ROWS = [Item(k=1, t="a", x=0.5, n=2), Item(k=2, t=None, x=0.0, n=1), Item(k=3, t="", x=-1.0, n=1)]


def both(b: Items) -> Items:
    return reached(distinct(b), b)


def rows_only(b: Items) -> Items:
    return distinct(b)


def is_restored(place: Place, old: Any, new: Any, *more: Item) -> None:
    """Rows that come to the new version are in the old one's tables when it is back."""
    with place.connect() as connection:
        store = place.store(connection, old)
        st.actions(store, old)[0].insert(*ROWS)
        made = st.plan(connection, new)
        assert not made.not_undone
        down = made.down_sql
        made.apply()
        store = place.store(connection, new, create_tables=False)
        st.actions(store, new)[0].insert(*more)
        apply(made.driver, down)
    found = place.contents(old)
    with place.connect() as connection:
        st.plan(connection, new).apply()
        st.plan(connection, old).apply()
    assert place.contents(old) == found
    with place.opened(old, create_tables=False) as store:
        assert st.verify(store).ok
        st.actions(store, old)[0].remove(*ROWS, *more)


def test_before_the_table_with_its_rows_is_renamed(place: Place) -> None:
    is_restored(place, st.compile(both, name="q"), st.compile(rows_only, name="q"), ROWS[0])


KEYS: dict[str, Any] = {
    "of a field that may be None": Index.pick(Item, lambda i: i.t),
    "of an expression": Index.pick(Item, lambda i: i.k % 2),
    "of several": Index.pick(Item, lambda i: (i.t, i.n + 1), ascending=(False, True)),
}


@pytest.mark.parametrize("filtered", [False, True])
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_with_columns_that_are_keys_only(place: Place, key: Any, filtered: bool) -> None:
    """Of an input, or of what an operator makes of one that is not stored."""
    some: Cache[Item] = Cache("some")

    def rows(a: Items) -> Items:
        return st.filter(a, f=lambda i: i.k < 3) if filtered else a

    def old(a: Items) -> Items:
        z = rows(a)
        _ = some[z](lambda z: st.integrate_indexed(z, indexes=(key,)))
        return z

    def new(a: Items) -> Items:
        z = rows(a)
        _ = some[z](lambda z: st.integrate(z))
        return z

    more = Item(k=2, t="b", x=2.0, n=3)
    is_restored(place, st.compile(old, name="q"), st.compile(new, name="q"), more)


def test_where_only_a_key_of_them_was_kept(place: Place) -> None:
    """A side of a join holds no column but the expression that it is looked up by."""
    by = Index.pick(Item, lambda i: i.k % 2)

    def old(a: Items) -> ZSet[int]:
        pairs = st.join(a, st.distinct(a), on_left=by, on_right=by)
        return st.count(st.distinct(st.map(pairs, f=lambda p: p.right.n)))

    def new(a: Items) -> Items:
        return st.distinct(a)

    whole = st.compile(new, name="q", keep={"a": "all"})
    is_restored(place, st.compile(old, name="q"), whole, ROWS[1])
