"""The law of migrations: from any version to any other, what is kept is what a fresh store has.

Whatever the queries are, whoever writes meanwhile, in one transaction or in batches of a few rows,
and however often it is killed and run again. And back.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import hypothesis
from hypothesis import given
from hypothesis import strategies as st

import stepping
from stepping.runtime.apply import Done, apply
from tests.migrate.test_batches_of_operators import accepted, contents
from tests.support.histories import Change, History, histories
from tests.support.law import act, schema
from tests.support.rows import Item
from tests.support.sampled import LONG
from tests.support.versions import Version, versions

Connect = Callable[[], AbstractContextManager[Any]]

settings = hypothesis.settings(
    max_examples=hypothesis.settings().max_examples if LONG else 12,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


class Killed(BaseException):
    """The process is gone."""


@dataclass(frozen=True)
class Course:
    """How a migration goes: at once or in batches of so many rows, and at which statements, counted
    from where it goes on each time, it is killed."""

    batch_rows: int  # 0: at once
    killed: tuple[int, ...]


courses = st.builds(Course, st.integers(0, 3), st.lists(st.integers(1, 60), max_size=3).map(tuple))
several = st.lists(
    st.tuples(histories((Item, Item), nasty=False, min_steps=4), courses), min_size=2, max_size=2
)


# The smaller the group, the larger its values: they are read in other batches.
ROWS = tuple(Item(k=k // 2, t=f"{9 - k}", x=9.0 - k, n=9 - k) for k in range(6))
STEPS = tuple(((0, k, 1),) for k in range(6))
HISTORY = History((ROWS, ROWS[:1]), (*STEPS, ((0, 0, -1),), ((0, 3, 1), (1, 0, 1))))


def added(name: str, left: int = 0) -> tuple[Version, Version]:
    """A version with one operator, and one that keeps what is made of it, and one beside it."""
    steps = ((name, 0, 0), ("turned", 2, 0), ("measured_whole", left, 0))
    old, new = (Version(steps, cached, 2, keep=True) for cached in ((), (3, 4)))
    return old, new


# What makes up a group stands in tables of its own; what is there before any row.
EXAMPLES = (added("measured"), added("counted"), added("sums_of_ints", left=2))


@dataclass
class Place:
    """Two new databases: one that is migrated, and one in which the wanted query is installed."""

    connect: Connect
    fresh: Connect
    store: Callable[..., Any]


def is_filled(place: Place, old: Any, new: Any, history: History, course: Course) -> None:
    with place.fresh() as fresh, place.connect() as connection:
        wanted = place.store(fresh, new)
        steps = accepted(wanted, history)
        store = place.store(connection, old)
        half = (len(steps) + 1) // 2
        for step in steps[:half]:
            act(store, old, step)
        waiting = steps[half:]
        made = stepping.plan(connection, new, in_batches=bool(course.batch_rows))
        if made.migration.underivable:
            return
        if not made.is_nothing:
            before = contents(store)
            down = None if made.migration.needs_python else made.down_sql
            migrated(connection, old, new, store, waiting, course)
            if down is not None and not made.not_undone and len(waiting) == len(steps) - half:
                apply(made.driver, down)
                assert contents(place.store(connection, old, create_tables=False)) == before
                stepping.plan(connection, new).apply()
            if made.not_undone and not made.migration.needs_python:
                back = stepping.plan(connection, old).migration
                assert back.underivable or back.needs_python, made.not_undone
        store = place.store(connection, new, create_tables=False)
        found = stepping.verify(store)
        assert found.ok, found
        for step in waiting:
            act(store, new, step)
        assert contents(store) == contents(wanted)
        found = stepping.verify(store)
        assert found.ok, found


def migrated(
    connection: Any, old: Any, new: Any, store: Any, waiting: list[list[Change]], course: Course
) -> None:
    """Migrate, killed and resumed; meanwhile somebody writes."""
    kills = list(course.killed)
    left = 0

    def progress(done: Done) -> None:
        nonlocal left
        if done.to_read and waiting:
            act(store, old, waiting.pop(0))
        left -= 1
        if not left:
            raise Killed

    while True:
        left = kills.pop(0) if kills else 0
        made = stepping.plan(connection, new, in_batches=bool(course.batch_rows))
        if made.is_nothing:
            return  # it was killed behind the switch
        try:
            made.apply(progress, batch_rows=max(course.batch_rows, 1))
            return
        except Killed:
            pass


def check(place: Place, pair: tuple[Version, Version], runs: list[tuple[History, Course]]) -> None:
    old, new = (each.graph() for each in pair)
    for history, course in runs:
        is_filled(place, old, new, history, course)


def test_on_sqlite() -> None:
    place = Place(
        lambda: stepping.connection_sqlite(":memory:"),
        lambda: stepping.connection_sqlite(":memory:"),
        stepping.StoreSQLite.from_graph,
    )

    @given(versions(), several)
    @hypothesis.example(EXAMPLES[0], [(HISTORY, Course(1, (40,)))])
    @hypothesis.example(EXAMPLES[1], [(HISTORY, Course(1, ()))])
    @hypothesis.example(EXAMPLES[2], [(HISTORY, Course(2, ()))])
    @settings
    def holds(pair: tuple[Version, Version], runs: list[tuple[History, Course]]) -> None:
        check(place, pair, runs)

    holds()


def test_on_postgres(postgres_url: str) -> None:
    place = Place(
        lambda: schema(postgres_url),
        lambda: schema(postgres_url),
        stepping.StorePostgres.from_graph,
    )

    @given(versions(), several)
    @settings
    def holds(pair: tuple[Version, Version], runs: list[tuple[History, Course]]) -> None:
        check(place, pair, runs)

    holds()
