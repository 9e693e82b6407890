"""The size of a plan grows in proportion to the query: bytes of statements, not seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import stepping as st
from stepping import Empty, Index, ZSet


class Fact(st.Data):
    id: int
    key: int
    text: str


class Name(st.Data):
    key: int
    text: str


FACT = Index.pick(Fact, lambda fact: fact.key)
NAME = Index.pick(Name, lambda name: name.key)
Facts = ZSet[Fact]
Names = ZSet[Name]


def joined(facts: Facts, names: Names) -> Facts:
    both = st.join(facts, names, on_left=FACT, on_right=NAME)
    return st.map(both, f=lambda p: Fact(id=p.left.id, key=p.left.key, text=p.right.text))


def outer_joined(facts: Facts, names: Names) -> Facts:
    both = st.outer_join(facts, names, on_left=FACT, on_right=NAME)
    return st.map(
        both,
        f=lambda p: Fact(
            id=p.left.id,
            key=p.left.key,
            text=p.left.text if isinstance(p.right, Empty) else p.right.text,
        ),
    )


def without(facts: Facts, names: Names) -> Facts:
    return st.anti_join(facts, names, on_left=FACT, on_right=NAME)


def united(facts: Facts, names: Names) -> Facts:
    return st.add(facts, st.map(names, f=lambda name: Fact(id=0, key=name.key, text=name.text)))


def chain(step: Callable[[Facts, Names], Facts], length: int) -> Any:
    """One operator after another, all with the same Z-set on the right."""

    def query(facts: Facts, names: Names) -> Facts:
        for _ in range(length):
            facts = step(facts, names)
        return facts

    return st.compile(query)


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
    small, medium, large = (sizes(chain(step, n), dialect) for n in (2, 4, 8))
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
