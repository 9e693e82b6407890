"""Two queries of one database: an input is that of the other where somebody says so, or its own.

Whatever the queries are. Their inputs have the same names, and may have been given other rows.
"""

from __future__ import annotations

from typing import Any

import hypothesis
from hypothesis import given
from hypothesis import strategies as some

import stepping as st
from tests.migrate.test_batches_of_operators import accepted, contents
from tests.migrate.test_versions import Connect, Course
from tests.support.histories import Change, History, histories
from tests.support.law import act, schema, shown
from tests.support.rows import Item
from tests.support.sampled import LONG
from tests.support.versions import Version, versions

INPUTS = ("a", "b")
settings = hypothesis.settings(
    max_examples=hypothesis.settings().max_examples if LONG else 8,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
shared = some.sets(some.sampled_from(INPUTS)).map(frozenset)
two = histories((Item, Item), nasty=False, min_steps=4)
courses = some.builds(Course, some.integers(0, 2), some.just(()))


def of_inputs(step: list[Change], names: frozenset[str]) -> list[Change]:
    """What a step changes in some inputs."""
    return [change if name in names else {} for name, change in zip(INPUTS, step, strict=True)]


def outcome(store: Any, graph: Any, step: list[Change]) -> Any:
    try:
        return [shown(each) for each in act(store, graph, step)]
    except st.RowError as error:
        return str(error)


def is_its_own(
    connect: Connect,
    stores: Any,
    pair: tuple[Version, Version],
    history: History,
    names: frozenset[str],
    course: Course,
) -> None:
    other, new = pair[0].graph("other"), pair[1].graph("own")
    with connect() as connection, connect() as apart:
        steps = accepted(stores.from_graph(apart, other), history)
        first = stores.from_graph(connection, other)
        wanted = stores.from_graph(apart, new)
        half = (len(steps) + 1) // 2
        for step in steps[:half]:
            act(first, other, step)
            of_both = of_inputs(step, names)
            if any(of_both) and isinstance(outcome(wanted, new, of_both), str):
                return  # the new query refuses what the other one takes
        before = contents(first)
        shares = dict.fromkeys(sorted(names), "other")
        made = st.plan(connection, new, shares=shares, in_batches=bool(course.batch_rows))
        if made.migration.underivable:
            assert names
            return
        made.apply(batch_rows=max(1, course.batch_rows))
        store = stores.from_graph(connection, new, create_tables=False)
        for step in steps[half:]:
            added = [{row: abs(count) for row, count in change.items()} for change in step]
            assert outcome(store, new, added) == outcome(wanted, new, added)
        assert contents(store) == contents(wanted)
        assert contents(first) == before
        assert st.verify(store).ok


def test_on_sqlite() -> None:
    @given(
        versions(max_steps=3), histories((Item, Item), nasty=False, min_steps=4), shared, courses
    )
    @settings
    def holds(pair: Any, history: History, names: frozenset[str], course: Course) -> None:
        own: Connect = lambda: st.connection_sqlite(":memory:")  # noqa: E731
        is_its_own(own, st.StoreSQLite, pair, history, names, course)

    holds()


def test_on_postgres(postgres_url: str) -> None:
    @given(
        versions(max_steps=3), histories((Item, Item), nasty=False, min_steps=4), shared, courses
    )
    @settings
    def holds(pair: Any, history: History, names: frozenset[str], course: Course) -> None:
        is_its_own(lambda: schema(postgres_url), st.StorePostgres, pair, history, names, course)

    holds()
