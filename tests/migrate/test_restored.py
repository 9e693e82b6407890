"""The way back fills an input's table from one that gets its old name or form on that way."""

from __future__ import annotations

import stepping as st
from stepping import ZSet
from stepping.runtime.apply import apply
from tests.support.composed import reached
from tests.support.compositions import distinct
from tests.support.place import Place
from tests.support.rows import Item

Items = ZSet[Item]


def both(b: Items) -> Items:
    return reached(distinct(b), b)


def rows_only(b: Items) -> Items:
    return distinct(b)


def test_an_input_is_restored(place: Place) -> None:
    old, new = (st.compile(each, name="q") for each in (both, rows_only))
    rows = [Item(k=1, t="a", x=0.5, n=2), Item(k=2, t=None, x=0.0, n=1)]
    with place.opened(old) as store:
        st.actions(store, old)[0].insert(*rows)
    before = place.contents(old)
    with place.connect() as connection:
        made = st.plan(connection, new)
        down = made.down_sql
        made.apply()
        apply(made.driver, down)
        store = place.store(connection, old, create_tables=False)
        assert st.verify(store).ok
    assert place.contents(old) == before
