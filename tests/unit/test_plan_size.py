"""The size of a plan grows in proportion to the query: bytes of statements, not seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import stepping as st
from benchmarks.plan_sizes import FACT, NAME, Facts, Name, Names, chain, outer_joined, united
from stepping import ZSet


def without(facts: Facts, names: Names) -> Facts:
    return st.anti_join(facts, names, on_left=FACT, on_right=NAME)


def sizes(graph: Any, dialect: str) -> list[int]:
    """The bytes of each step's statements, and of what verify runs."""
    plan = graph.program(dialect).plan
    recompute, _ = graph.recompute(dialect)
    steps = [*(step.statements for step in plan.steps), recompute.statements]
    return [sum(len(each.sql) for each in statements) for statements in steps]


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
@pytest.mark.parametrize("step", [outer_joined, without, united])
def test_a_chain_grows_by_as_much_with_each_operator(
    step: Callable[[Facts, Names], Facts], dialect: str
) -> None:
    small, medium, large = (sizes(chain(step)(n), dialect) for n in (2, 4, 8))
    for a, b, c in zip(small, medium, large, strict=True):
        assert c - b <= 2.5 * (b - a) + 400


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_a_thousand_constants_are_a_list(dialect: str) -> None:
    numbers = frozenset(range(1200))

    def query(names: Names) -> ZSet[bool]:
        return st.map(names, f=lambda name: name.key in numbers)

    graph: Any = st.compile(query)
    program = graph.program(dialect)
    assert not program.python_steps
    assert sum(len(s.sql) for step in program.plan.steps for s in step.statements) < 60_000
    with st.connection_sqlite(":memory:") as connection:
        store = st.StoreSQLite.from_graph(connection, graph)
        (names,) = st.actions(store, graph)
        rows = [Name(key=3, text=""), Name(key=1199, text=""), Name(key=-1, text="")]
        assert names.insert(*rows) == (st.ZSetPython({True: 2, False: 1}),)
