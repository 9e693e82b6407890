"""Every operator is filled in batches as steps would have filled it, in whatever order."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import hypothesis
from hypothesis import given

import stepping as st
from stepping.dialects.identifiers import quoted
from stepping.runtime.apply import Done
from tests.support.histories import Change, History, histories
from tests.support.law import act, schema
from tests.support.queries import Case
from tests.support.sampled import LONG, some

# One has columns that are named by numbers, the other a join that is looked up in its sides.
ALWAYS = ("cache_of_plain_values", "joined_three_and_summed")
settings = hypothesis.settings(
    max_examples=20 if LONG else 2,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


@functools.cache
def inputs_only(case: Case) -> Any:
    """A query of the same name and inputs that keeps these, and nothing else."""
    names = case.graph.input_names

    made: dict[str, Any] = {}
    exec(f"def first({', '.join(names)}): return {names[0]}", made)
    first: Any = made["first"]
    zset: Any = st.ZSet
    types = [zset[each] for each in case.row_types]
    first.__annotations__ = {**dict(zip(names, types, strict=True)), "return": types[0]}
    return st.compile(first, name=case.graph.name, keep=dict.fromkeys(names, "all"))


def contents(store: Any) -> dict[str, list[Any]]:
    """Every row of every table, by its digest and by column: those of a kept table may stand in
    another order.
    """
    found = {}
    for table in (each.table for each in store.plan.tables):
        name = table.name
        cursor = store.driver.connection.execute(f"SELECT * FROM {quoted(name)}")  # noqa: S608
        columns = [each[0] for each in cursor.description]
        rows = [sorted(zip(columns, row, strict=True)) for row in cursor.fetchall()]
        found[table.digest] = sorted(rows, key=repr)
    return found


def accepted(store: Any, history: History) -> list[list[Change]]:
    """The steps of a history that a store does not refuse; they have been run on it."""
    there: list[dict[Any, int]] = [{} for _ in history.pools]
    found = []
    for moves in history.steps:
        step = history.changes(moves, there)
        try:
            act(store, store.graph, step)
        except st.RowError:
            continue
        found.append(list(step))
        for rows, change in zip(there, step, strict=True):
            for row, count in change.items():
                rows[row] = rows.get(row, 0) + count
    return found


def is_filled(
    open_: Callable[[Any, Any], Any], fresh: Any, place: Any, case: Case, h: History
) -> None:
    old, new = inputs_only(case), case.graph
    wanted = open_(fresh, new)
    steps = accepted(wanted, h)
    store = open_(place, old)
    half = (len(steps) + 1) // 2
    for step in steps[:half]:
        act(store, old, step)
    waiting = steps[half:]

    def write(done: Done) -> None:
        if done.to_read and waiting:
            act(store, old, waiting.pop(0))

    made = st.plan(place, new, in_batches=True)
    if made.migration.underivable:
        assert any(op.delays for op in new.planned(made.migration.dialect).changes)
        return
    if not made.is_nothing:
        made.apply(write, batch_rows=1)
    store = open_(place, new)
    for step in waiting:
        act(store, new, step)
    assert contents(store) == contents(wanted)


@some(4, *ALWAYS)
def test_on_sqlite(case: Case) -> None:
    @given(histories(case.row_types, min_steps=4))
    @settings
    def holds(history: History) -> None:
        with st.connection_sqlite(":memory:") as fresh, st.connection_sqlite(":memory:") as place:
            is_filled(st.StoreSQLite.from_graph, fresh, place, case, history)

    holds()


@some(8, *ALWAYS)
def test_on_postgres(case: Case, postgres_url: str) -> None:
    @given(histories(case.row_types, min_steps=4))
    @settings
    def holds(history: History) -> None:
        with schema(postgres_url) as fresh, schema(postgres_url) as place:
            is_filled(st.StorePostgres.from_graph, fresh, place, case, history)

    holds()
