"""Histories that once broke the law of operators, each by the name of what went wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import stepping as st
from stepping import Index, Pair, ZSet
from tests.support.histories import History
from tests.support.law import law
from tests.support.queries import CASES
from tests.support.rows import Item, Place, Visit

Postgres = list[tuple[str, str]]
Items = ZSet[Item]


def item(k: int = 0, t: str | None = None, x: float = 0.0, n: int = 0) -> Item:
    return Item(k=k, t=t, x=x, n=n)


def hold(
    query: Callable[..., Any] | str, history: History, postgres: Postgres, **options: Any
) -> None:
    compiled: Callable[[Any], Any] = st.compile
    graph: Any = CASES[query].graph if isinstance(query, str) else compiled(query)
    with law(graph, postgres, **options) as held:
        held.hold(history)


def test_a_sum_at_the_edge_of_64_bits_is_emptied(every_postgres: Postgres) -> None:
    # The change of the sum is 2**63, and the sum itself never leaves 64 bits.
    rows = (item(n=-(2**62)), item(n=2**62), item(n=2**62 - 1))
    history = History(
        (rows,),
        (((0, 0, 2),), ((0, 0, -2), (0, 1, 1), (0, 2, 1)), ((0, 1, -1),), ((0, 2, -1),)),
    )
    hold("ints_by_int", history, every_postgres)


def test_a_sum_beyond_64_bits_fails_and_the_next_step_works(every_postgres: Postgres) -> None:
    rows = (item(n=2**62), item(n=-1), item(k=1, n=5))
    steps = (((0, 0, 1),), ((0, 0, 1), (0, 2, 1)), ((0, 2, 1),), ((0, 0, 1), (0, 1, 1)))
    hold("ints_by_int", History((rows,), steps), every_postgres)


def test_a_constant_is_a_group(every_postgres: Postgres) -> None:
    history = History(((item(k=1), item(k=2)),), (((0, 0, 1),), ((0, 1, 2),), ((0, 0, -1),)))
    hold("all_in_one_group", history, every_postgres)


def test_an_optional_row_is_joined_with_one_that_is_never_none(every_postgres: Postgres) -> None:
    here, there = Place(city="a", zone=1), Place(city="b", zone=None)
    visits = tuple(
        Visit(at=at, before=before, code=(1, ""), n=n)
        for n, (at, before) in enumerate([(here, here), (here, None), (there, there)])
    )
    steps = (((0, 0, 1), (1, 0, 1)), ((1, 1, 1), (1, 2, 1)), ((0, 2, 1),), ((1, 0, -1),))
    hold("joined_on_nested_rows", History((visits, visits), steps), every_postgres)


def test_several_groups_that_count_the_same_rows(every_postgres: Postgres) -> None:
    rows = (item(k=1, n=2), item(k=1, n=3))
    steps = (((0, 0, 1), (0, 1, -1)), ((0, 0, -1),), ((0, 1, 1),))
    history = History((rows,), steps, negative=True)
    hold("join_of_groups_of_the_same", history, every_postgres, allow_negative=True)


def dumped(i: Item) -> str:
    return json.dumps(i.t)


def python_groups_of_a_difference(a: Items, b: Items) -> ZSet[Pair[int, str]]:
    return st.group_reduce_flatten(
        st.add(a, st.neg(b)), by=Index.pick(Item, dumped), zero=int, pick_value=lambda i: i.n
    )


def test_rows_with_one_python_key_do_not_cancel(every_postgres: Postgres) -> None:
    # Two rows of opposite weights with the same key and value: the group exists.
    rows = (item(k=1, t="a", n=2), item(k=2, t="a", n=2))
    steps = (((0, 0, 1), (1, 1, 1)), ((1, 0, 1),), ((1, 1, -1),), ((1, 0, -1), (0, 0, -1)))
    hold(python_groups_of_a_difference, History((rows, rows), steps), every_postgres)


def negative_constant(a: Items) -> ZSet[float]:
    zero = st.map(a, f=lambda i: Pair(i.k, 0.0))
    return st.map(zero, f=lambda p: -p.right)


def test_a_negated_zero_is_zero(every_postgres: Postgres) -> None:
    hold(negative_constant, History(((item(),),), (((0, 0, 1),), ((0, 0, 1),))), every_postgres)


def filtered_groups(a: Items) -> ZSet[str | None]:
    sums = st.group_reduce_flatten(
        a, by=Index.pick(Item, lambda i: i.t), zero=float, pick_value=lambda i: i.x
    )
    return st.map(st.filter(sums, f=lambda p: p.left > 1.0), f=lambda p: p.right)


def test_infinities_come_and_go(every_postgres: Postgres) -> None:
    rows = tuple(item(t="a", x=x) for x in (0.5, float("inf"), float("-inf"), 2.0))
    steps = (
        ((0, 0, 1),),
        ((0, 1, 2),),
        ((0, 2, 1),),  # inf - inf is not a number: an error
        ((0, 3, 1),),
        ((0, 1, -2),),
        ((0, 2, 1),),
        ((0, 2, -1), (0, 0, -1)),
    )
    hold(filtered_groups, History((rows,), steps), every_postgres)
    hold("floats_by_text", History((rows,), steps), every_postgres)
