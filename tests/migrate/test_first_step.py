"""A count of nothing comes with the first step, also where a migration came before that."""

from __future__ import annotations

from typing import Any

import pytest

import stepping as st
from stepping import Cache, ZSet
from stepping.runtime.apply import apply
from tests.support.place import Place


def counted(goods: ZSet[str]) -> tuple[ZSet[int], ZSet[str]]:
    return st.count(goods), goods


def counted_twice(goods: ZSet[str]) -> tuple[ZSet[int], ZSet[int]]:
    cache = Cache[int](name="long")
    long = st.count(st.filter(goods, f=lambda name: len(name) > 3))
    _ = cache[long](lambda z: st.integrate(z))
    return st.count(goods), long


def plain(goods: ZSet[str]) -> ZSet[str]:
    return goods


def compiled(query: Any) -> Any:
    return st.compile(query, name="goods", keep={"goods": "all"})


def is_as_fresh(place: Place, fresh: Place, graph: Any, *steps: tuple[str, str]) -> None:
    """Every step changes, and every table holds, what those of a fresh store do."""
    with (
        place.opened(graph, create_tables=False) as store,
        fresh.opened(graph) as other,
    ):
        assert st.verify(store).ok
        for verb, row in steps:
            (a,), (b,) = st.actions(store, graph), st.actions(other, graph)
            assert getattr(a, verb)(row) == getattr(b, verb)(row)
        assert place.contents(graph) == fresh.contents(graph)
        assert st.verify(store).ok


STEPS = (("insert", "pear"), ("remove", "pear"))


@pytest.mark.parametrize("in_batches", [False, True])
def test_before_the_first_step(place: Place, fresh: Place, in_batches: bool) -> None:
    old, new = compiled(counted), compiled(counted_twice)
    with place.connect() as connection:
        place.store(connection, old)
        st.plan(connection, new, in_batches=in_batches).apply()
    is_as_fresh(place, fresh, new, *STEPS)


def test_renamed_before_the_first_step(place: Place, fresh: Place) -> None:
    new = st.compile(counted, name="wares", keep={"goods": "all"})
    with place.connect() as connection:
        place.store(connection, compiled(counted))
        st.plan(connection, new, renamed_from="goods").apply()
    is_as_fresh(place, fresh, new, *STEPS)


@pytest.mark.parametrize("in_batches", [False, True])
def test_behind_it(place: Place, fresh: Place, in_batches: bool) -> None:
    old, new = compiled(counted), compiled(counted_twice)
    for each in (place, fresh):
        graph = old if each is place else new
        with each.opened(graph) as store:
            st.actions(store, graph)[0].insert("plum")
            st.actions(store, graph)[0].remove("plum")
    with place.connect() as connection:
        st.plan(connection, new, in_batches=in_batches).apply()
    is_as_fresh(place, fresh, new, *STEPS)


@pytest.mark.parametrize("between", [plain, counted_twice])
def test_back_to_a_version_that_had_not_begun(place: Place, fresh: Place, between: Any) -> None:
    """The step that was the first is one of the version between."""
    old, new = compiled(counted), compiled(between)
    with place.connect() as connection:
        place.store(connection, old)
        made = st.plan(connection, new)
        down = made.down_sql
        made.apply()
        store = place.store(connection, new, create_tables=False)
        st.actions(store, new)[0].insert("plum")
        apply(made.driver, down)
    with fresh.opened(old) as store:
        st.actions(store, old)[0].insert("plum")
    is_as_fresh(place, fresh, old, ("remove", "plum"), *STEPS)


def test_back_before_any_step(place: Place, fresh: Place) -> None:
    with place.connect() as connection:
        place.store(connection, compiled(counted))
        made = st.plan(connection, compiled(counted_twice))
        down = made.down_sql
        made.apply()
        apply(made.driver, down)
    is_as_fresh(place, fresh, compiled(counted), *STEPS)
