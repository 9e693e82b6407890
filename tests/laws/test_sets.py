"""distinct, and sets and bags of rows of every type, against plain Python."""

from __future__ import annotations

from typing import Any

import pytest

import stepping as st
from stepping import Pair, ZSet
from tests.support.oracle import Found, Judged, Judges, Rows, hold, run, there, total
from tests.support.rows import Frozen, Item, Keys, Maybe, Money, Named, Part, Visit

CASES = judged = Judges()

Six = tuple[ZSet[Any], ZSet[Any], ZSet[Any], ZSet[Any], ZSet[Any], ZSet[Any]]


def six(a: ZSet[Any], b: ZSet[Any]) -> Six:
    return (
        st.union(a, b),
        st.intersect(a, b),
        st.except_(a, b),
        st.union_all(a, b),
        st.intersect_all(a, b),
        st.except_all(a, b),
    )


def of_six(a: Rows, b: Rows) -> tuple[Found, ...]:
    left, right = set(there(a)), set(there(b))
    return (
        dict.fromkeys(left | right, 1),
        dict.fromkeys(left & right, 1),
        dict.fromkeys(left - right, 1),
        total((*a.items(), *b.items())),
        {row: min(a[row], b[row]) for row in left & right},
        {row: n for row in left if (n := a[row] - max(b.get(row, 0), 0)) > 0},
    )


@judged(lambda a, b: of_six(a, b)[1], together=True)
def every_kind_that_may_be_none(a: ZSet[Maybe], b: ZSet[Maybe]) -> ZSet[Maybe]:
    return st.intersect(a, b)


@judged(lambda a, b: of_six(a, b)[5], together=True)
def every_kind_of_key(a: ZSet[Keys], b: ZSet[Keys]) -> ZSet[Keys]:
    return st.except_all(a, b)


@judged(lambda a, b: of_six(a, b)[3:5], together=True)
def nested_rows(a: ZSet[Visit], b: ZSet[Visit]) -> tuple[ZSet[Visit], ZSet[Visit]]:
    return st.union_all(a, b), st.intersect_all(a, b)


@judged(lambda a, b: of_six(a, b)[:1], together=True)
def decimals(a: ZSet[Money], b: ZSet[Money]) -> ZSet[Money]:
    return st.union(a, b)


@judged(lambda a, b: of_six(a, b)[1:3])
def texts(a: ZSet[str], b: ZSet[str]) -> tuple[ZSet[str], ZSet[str]]:
    return st.intersect(a, b), st.except_(a, b)


@judged(of_six)
def numbers_or_none(a: ZSet[int | None], b: ZSet[int | None]) -> Six:
    return six(a, b)


@judged(lambda a, b: of_six(a, b)[:2], together=True)
def frozen_dataclasses(a: ZSet[Frozen], b: ZSet[Frozen]) -> tuple[ZSet[Frozen], ZSet[Frozen]]:
    return st.union(a, b), st.intersect(a, b)


@judged(lambda a, b: of_six(a, b)[1:3], together=True)
def named_tuples(a: ZSet[Named], b: ZSet[Named]) -> tuple[ZSet[Named], ZSet[Named]]:
    return st.intersect(a, b), st.except_(a, b)


def of_a_difference(a: Rows, b: Rows) -> tuple[Found, ...]:
    difference = total((*a.items(), *((row, -n) for row, n in b.items())))
    six = of_six(difference, b)
    return dict.fromkeys(there(difference), 1), six[1], six[4]


@judged(of_a_difference, together=True)
def sets_of_a_difference(a: ZSet[Item], b: ZSet[Item]) -> tuple[ZSet[Any], ...]:
    difference = st.add(a, st.neg(b))
    return st.distinct(difference), st.intersect(difference, b), st.intersect_all(difference, b)


def of_projections(a: Rows, b: Rows) -> tuple[Found, ...]:
    keys = total((row.k, n) for row, n in a.items())
    pairs = {Pair(row.k, row.t) for row in there(a)}
    return (
        dict.fromkeys(there(keys), 1),
        dict.fromkeys(pairs, 1),
        of_six(keys, total((row.k, n) for row, n in b.items()))[4],
    )


@judged(of_projections)
def sets_of_projections(a: ZSet[Item], b: ZSet[Part]) -> tuple[ZSet[Any], ...]:
    keys = st.map(a, f=lambda i: i.k)
    others = st.map(b, f=lambda p: p.k)
    maybe = st.map(a, f=optional_key)
    return (
        st.distinct(keys),
        st.distinct(st.map(st.distinct(a), f=lambda i: Pair(i.k, i.t))),
        st.intersect_all(maybe, others),
    )


def optional_key(item: Item) -> int | None:
    return item.k


@judged(lambda a: (dict.fromkeys(there(a), 1), {}, dict.fromkeys(there(a), 1), {}))
def a_set_with_itself(a: ZSet[Item]) -> tuple[ZSet[Item], ...]:
    return st.intersect(a, a), st.except_(a, a), st.union(a, a), st.except_all(a, a)


@pytest.mark.parametrize("case", CASES, ids=CASES.by_name)
def test_sets(case: Judged, every_postgres: list[tuple[str, str]]) -> None:
    hold(case, every_postgres)


@pytest.mark.parametrize("case", CASES, ids=CASES.by_name)
def test_sets_of_negative_counts(case: Judged, every_postgres: list[tuple[str, str]]) -> None:
    hold(case, every_postgres, negative=True)


def test_a_row_in_both_goes_from_one(every_postgres: list[tuple[str, str]]) -> None:
    case = CASES.by_name["numbers_or_none"]
    run(
        case,
        every_postgres,
        ({None: 2, 1: 3}, {None: 1, 1: 5}),
        ({}, {None: -1}),
        ({1: -3}, {1: -1, 2: 1}),
        ({None: -2, 2: 1}, {}),
    )
