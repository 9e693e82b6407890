"""The law of operators over tables that hold a step's change already when it is computed.

Such are an application's own tables under triggers. Here they are tables of ours that are merged
into first, so that all else has to find what was before from what is after.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepping
from stepping import Index, Pair, ZSet
from stepping.compiler import ir
from tests.laws import test_first_n, test_recursion
from tests.support import oracle
from tests.support.compositions import Composition, compositions
from tests.support.histories import History, histories
from tests.support.law import law
from tests.support.oracle import Judged, JudgedLaw
from tests.support.queries import CASES, Case
from tests.support.rows import Item

EXAMPLES = hypothesis.settings().max_examples  # of the profile

settings = hypothesis.settings(
    max_examples=max(3, EXAMPLES // 12), suppress_health_check=list(hypothesis.HealthCheck)
)

several = st.lists(histories((Item, Item), nasty=False), min_size=3, max_size=3)
SOME = [["a"], ["b"], ["a", "b"]]


def stored_after(graph: Any, inputs: list[str]) -> Any:
    """The same query, some of its inputs' tables being changed before a step."""
    return dataclasses.replace(graph, stored_after=frozenset(inputs), _programs={})


# ------------------------------------------------------------------------------------- on databases


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_corpus(case: Case, every_postgres: list[tuple[str, str]]) -> None:
    graph = stored_after(case.graph, list(case.graph.input_names))
    with law(graph, every_postgres[:1]) as held:

        @given(histories(case.row_types))
        @settings
        def holds(history: History) -> None:
            held.hold(history)

        holds()


@given(compositions(), st.sampled_from(SOME), several)
@settings
def check(
    postgres: list[tuple[str, str]],
    composition: Composition,
    inputs: list[str],
    runs: list[History],
) -> None:
    with law(stored_after(composition.graph(), inputs), postgres[:1]) as held:
        for history in runs:
            held.hold(history)


def test_compositions(every_postgres: list[tuple[str, str]]) -> None:
    check(every_postgres)


JUDGED = {
    case.name: case
    for case in (*test_recursion.CASES, *test_first_n.CASES)
    if isinstance(case, Judged)
}


@pytest.mark.parametrize("case", JUDGED.values(), ids=JUDGED)
def test_recursions_and_first_rows(case: Judged, every_postgres: list[tuple[str, str]]) -> None:
    graph = stored_after(case.graph, list(case.graph.input_names))
    with law(graph, every_postgres[:1]) as opened:
        held = JudgedLaw(opened.graph, opened.stores, allow_negative=False)
        held.oracle = case.oracle

        @given(oracle.drawn(case, max_steps=10))
        @settings
        def holds(history: History) -> None:
            held.hold(history)

        holds()


# ---------------------------------------------------------------------------------------- the signs

Product = tuple[int, tuple[bool, ...]]  # a sign, and for each factor whether it is a change


def products(relation: ir.Relation, moments: ir.Moments) -> Iterator[Product]:
    """The terms of joins of inputs, down to changes and tables of the inputs."""
    match relation:
        case ir.Read(operator, moment):
            if not operator.inputs:
                yield 1, (moment is ir.Moment.DELTA,)
            elif moment is ir.Moment.DELTA:
                yield from products(moments.rule(operator), moments)
            else:  # a table of pairs is as good as the tables of both sides
                yield 1, (False,) * leaves(operator)
        case ir.Sum(parts):
            for part in parts:
                yield from products(part, moments)
        case ir.Negate(source):
            yield from ((-sign, factors) for sign, factors in products(source, moments))
        case ir.Match():
            both = (products(each, moments) for each in (relation.left, relation.right))
            for (s1, f1), (s2, f2) in itertools.product(*both):
                yield s1 * s2, (*f1, *f2)
        case _:
            raise AssertionError(relation)


def leaves(operator: ir.Operator) -> int:
    return sum(map(leaves, operator.inputs)) if operator.inputs else 1


def tree(name: str) -> ir.Operator:
    """The operator of a tree of joins of numbers."""
    one = Index.pick(int, lambda n: 1)
    pair = Index.pick(Pair[int, int], lambda p: 1)

    def two(a: ZSet[int], b: ZSet[int]) -> ZSet[Any]:
        return stepping.join(a, b, on_left=one, on_right=one)

    def left(a: ZSet[int], b: ZSet[int], c: ZSet[int]) -> ZSet[Any]:
        return stepping.join(two(a, b), c, on_left=pair, on_right=one)

    def right(a: ZSet[int], b: ZSet[int], c: ZSet[int]) -> ZSet[Any]:
        return stepping.join(a, two(b, c), on_left=one, on_right=pair)

    def both(a: ZSet[int], b: ZSet[int], c: ZSet[int], d: ZSet[int]) -> ZSet[Any]:
        return stepping.join(two(a, b), two(c, d), on_left=pair, on_right=pair)

    def itself(a: ZSet[int]) -> ZSet[Any]:
        return two(a, a)

    queries: dict[str, Any] = {f.__name__: f for f in (two, left, right, both, itself)}
    graph: Any = stepping.compile(queries[name])
    (operator,) = graph.outputs
    assert isinstance(operator, ir.Operator)
    return operator


@pytest.mark.parametrize("name", ["two", "left", "right", "both", "itself"])
def test_where_tables_hold_what_is_after_a_sign_says_how_many_changes_a_term_has(name: str) -> None:
    operator = tree(name)
    moments = ir.Moments(frozenset(ir.topological(operator)))
    found = list(products(moments.rule(operator), moments))
    size = leaves(operator)
    # Every way to take changes but that of taking none, once each.
    assert sorted(factors for _, factors in found) == sorted(
        itertools.islice(itertools.product((False, True), repeat=size), 1, None)
    )
    assert all(sign == (-1) ** (sum(factors) + 1) for sign, factors in found)


@pytest.mark.parametrize("name", ["two", "left", "right", "both", "itself"])
def test_where_tables_hold_what_was_before_every_term_is_added(name: str) -> None:
    operator = tree(name)
    moments = ir.Moments()
    found = list(products(moments.rule(operator), moments))
    assert {sign for sign, _ in found} == {1}
    assert len(found) == len({factors for _, factors in found}) == 2 ** leaves(operator) - 1


def test_where_the_change_is_all_there_is_it_meets_what_is_stored() -> None:
    moments = ir.Moments(whole=True)
    assert list(products(moments.rule(tree("two")), moments)) == [(1, (True, False))]
