# ruff: noqa: S608
"""Triggers of a table on Postgres take note of whom a commit has to fold in, if of anybody."""

from __future__ import annotations

from typing import Any

import pytest

import stepping as st
from tests.capture.shop import captured, countries, revenue, shop, stats
from tests.support.place import Place


def notes(connection: Any, table: str) -> bool:
    """Whether the triggers of a table do."""
    ((source,),) = connection.execute(
        "SELECT p.prosrc FROM pg_proc p JOIN pg_trigger t ON t.tgfoid = p.oid "
        f"WHERE t.tgrelid = '{table}'::regclass AND t.tgname LIKE 'stepping%' LIMIT 1"
    ).fetchall()
    return "stepping_note_change" in source


@pytest.mark.parametrize("in_batches", [None, True])
def test_only_while_somebody_is_folded_in_at_once(
    postgres_place_only: Place, in_batches: bool | None
) -> None:
    place = postgres_place_only
    deferred, _ = captured(stats, "deferred")
    at_once, _ = captured(revenue, "immediate")
    other, _ = captured(countries, "immediate")
    with shop(place) as (connection, writer):
        for _ in range(20):
            writer.one()
        lower = place.store(connection, deferred)
        assert not notes(connection, "items")
        st.plan(connection, at_once, in_batches=in_batches).apply()
        assert notes(connection, "items")
        assert notes(connection, "orders")
        upper = place.store(connection, other)
        for _ in range(20):
            writer.one()
        for store in (lower, place.store(connection, at_once), upper):
            assert st.verify(store).ok
        upper.uninstall()
        assert notes(connection, "items")
        place.store(connection, at_once).uninstall()
        assert not notes(connection, "items")
        for _ in range(20):
            writer.one()
        lower.refresh()
        assert st.verify(lower).ok


def test_a_version_that_is_at_once_after_one_that_was_deferred(postgres_place_only: Place) -> None:
    place = postgres_place_only
    with shop(place) as (connection, writer):
        for refresh in ("deferred", "immediate", "deferred"):
            graph, cache = captured(revenue, refresh)
            st.plan(connection, graph).apply()
            assert notes(connection, "items") is (refresh == "immediate")
            for _ in range(20):
                writer.one()
            store = place.store(connection, graph)
            store.refresh()
            assert st.verify(store).ok
            assert cache.zset(store) is not None
