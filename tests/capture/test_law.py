"""The law of captured queries: whatever statements change the tables, the results are what the
query means on what is in them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

import stepping as st
from stepping.runtime.verify_each import verify_installed
from tests.capture.shop import ORDERED, QUERIES, captured, expected, shop
from tests.support.place import Place

STATEMENTS = 60


def flat(row: Any) -> tuple[Any, ...]:
    """A row as a database shows it."""
    if isinstance(row, st.Pair):
        return (*flat(row.left), *flat(row.right))
    if isinstance(row, tuple):
        return tuple(each for part in row for each in flat(part))
    if isinstance(row, st.Data):
        return tuple(each for value in vars(row).values() for each in flat(value))
    return (row,)


def bag(rows: dict[Any, int]) -> Counter[tuple[Any, ...]]:
    return Counter({flat(row): count for row, count in rows.items()})


@pytest.mark.parametrize("refresh", ["immediate", "deferred"])
@pytest.mark.parametrize("query", [*QUERIES, *ORDERED], ids=lambda query: query.__name__)
def test_the_results_are_what_the_query_means(
    place: Place, query: Callable[..., Any], refresh: str
) -> None:
    graph, cache = captured(query, refresh)
    with shop(place) as (connection, writer):
        for _ in range(15):
            writer.one()
        store = place.store(connection, graph)
        capture = store.plan.capture
        ((_, relation, live),) = capture.relations
        for count in range(STATEMENTS):
            writer.one()
            wanted = expected(connection, graph)
            shown = live or (relation if refresh == "immediate" else "")
            if shown:
                rows = connection.execute(f"SELECT * FROM {shown}").fetchall()  # noqa: S608
                assert Counter(map(tuple, rows)) == bag(wanted), count
            if count % 10 == 9:
                assert dict(cache.zset(store).iter()) == wanted
                rows = connection.execute(f"SELECT * FROM {relation}").fetchall()  # noqa: S608
                assert Counter(map(tuple, rows)) == bag(wanted)
        for _ in range(5):
            writer.one()
        # By what the catalog says alone: what waits is no difference, and is not mended.
        (found,) = verify_installed(store.driver, repair=True)
        assert not found.differences, str(found)
        assert dict(cache.zset(store).iter()) == expected(connection, graph)
