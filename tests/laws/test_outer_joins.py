"""Outer joins, semi and anti joins against plain Python: nested loops over whole Z-sets."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Annotated, Any

import pytest

import stepping as st
from stepping import EMPTY, Empty, Index, Pair, ZSet
from tests.support.oracle import Found, Judged, Judges, Rows, hold, run, total
from tests.support.rows import Item, Keys, Maybe, Money, Part, Place, Visit

CASES = judged = Judges()

Five = tuple[ZSet[Any], ZSet[Any], ZSet[Any], ZSet[Any], ZSet[Any]]


def five(a: ZSet[Any], b: ZSet[Any], on_left: Index[Any, Any], on_right: Index[Any, Any]) -> Five:
    return (
        st.outer_join(a, b, on_left=on_left, on_right=on_right),
        st.right_outer_join(a, b, on_left=on_left, on_right=on_right),
        st.full_outer_join(a, b, on_left=on_left, on_right=on_right),
        st.semi_join(a, b, on_left=on_left, on_right=on_right),
        st.anti_join(a, b, on_left=on_left, on_right=on_right),
    )


def matching(
    left_key: Callable[[Any], Any], right_key: Callable[[Any], Any] | None = None
) -> Callable[[Rows, Rows], tuple[Found, ...]]:
    """The five joins by the definition: a match is a row of a positive count with an equal key."""
    other_key = right_key or left_key

    def found(a: Rows, b: Rows) -> tuple[Found, ...]:
        inner = [
            (Pair(l, r), n * m)
            for l, n in a.items()
            for r, m in b.items()
            if left_key(l) == other_key(r) and complete(left_key(l))
        ]
        matched = {l: n for l, n in a.items() if has_match(left_key(l), b, other_key)}
        alone = {l: n for l, n in a.items() if l not in matched}
        right_alone = {r: n for r, n in b.items() if not has_match(other_key(r), a, left_key)}
        lefts = [(Pair(l, EMPTY), n) for l, n in alone.items()]
        rights = [(Pair(EMPTY, r), n) for r, n in right_alone.items()]
        return (
            total((*inner, *lefts)),
            total((*inner, *rights)),
            total((*inner, *lefts, *rights)),
            matched,
            alone,
        )

    return found


def has_match(key: Any, rows: Rows, key_of: Callable[[Any], Any]) -> bool:
    return complete(key) and any(n > 0 and key_of(row) == key for row, n in rows.items())


def complete(key: Any) -> bool:
    """None matches nothing, nor does a key with a None in it."""
    if isinstance(key, Place):
        return key.zone is not None
    return all(part is not None for part in key) if isinstance(key, tuple) else key is not None


@judged(matching(lambda i: i.k, lambda p: p.k))
def by_int_or_none(a: ZSet[Item], b: ZSet[Part]) -> Five:
    return five(a, b, Index.pick(Item, lambda i: i.k), Index.pick(Part, lambda p: p.k))


@judged(matching(lambda i: i.t, lambda p: p.name))
def by_text_or_none(a: ZSet[Item], b: ZSet[Part]) -> Five:
    return five(a, b, Index.pick(Item, lambda i: i.t), Index.pick(Part, lambda p: p.name))


@judged(lambda a, b: matching(lambda i: (i.k, i.t), lambda p: (p.k, p.name))(a, b)[:1])
def by_two_columns(a: ZSet[Item], b: ZSet[Part]) -> ZSet[Pair[Item, Part | Empty]]:
    return st.outer_join(
        a,
        b,
        on_left=Index.pick(Item, lambda i: (i.k, i.t)),
        on_right=Index.pick(Part, lambda p: (p.k, p.name)),
    )


@judged(lambda a, b: matching(lambda v: v.at, lambda p: p)(a, b)[2:4])
def by_nested_rows(a: ZSet[Visit], b: ZSet[Place]) -> tuple[ZSet[Any], ZSet[Visit]]:
    on_left, on_right = Index.pick(Visit, lambda v: v.at), Index.identity(Place)
    return (
        st.full_outer_join(a, b, on_left=on_left, on_right=on_right),
        st.semi_join(a, b, on_left=on_left, on_right=on_right),
    )


@judged(lambda a, b: matching(lambda k: k.day, lambda m: m.day)(a, b)[:1])
def wide_rows_that_may_be_missing(a: ZSet[Keys], b: ZSet[Maybe]) -> ZSet[Pair[Keys, Maybe | Empty]]:
    return st.outer_join(
        a, b, on_left=Index.pick(Keys, lambda k: k.day), on_right=Index.pick(Maybe, lambda m: m.day)
    )


@judged(lambda a, b: matching(lambda m: m.scaled, lambda m: m.scaled)(a, b)[1:2])
def by_decimals(a: ZSet[Money], b: ZSet[Money]) -> ZSet[Pair[Money | Empty, Money]]:
    by = Index.pick(Money, lambda m: m.scaled)
    return st.right_outer_join(a, b, on_left=by, on_right=by)


Stamp = Annotated[datetime.datetime, st.UTC]


@judged(matching(lambda x: x))
def plain_values(a: ZSet[str | None], b: ZSet[str]) -> Five:
    return five(a, b, Index.identity(str | None), Index.identity(str))  # type: ignore[arg-type]


@judged(lambda a, b: matching(lambda x: x)(a, b)[2:])
def moments(a: ZSet[Stamp], b: ZSet[Stamp]) -> tuple[ZSet[Any], ...]:
    by: Any = Index.identity(Stamp)  # type: ignore[arg-type]
    return five(a, b, by, by)[2:]


@judged(lambda a: matching(lambda i: i.k)(a, a))
def of_a_set_with_itself(a: ZSet[Item]) -> Five:
    by = Index.pick(Item, lambda i: i.k)
    return five(a, a, by, by)


def of_a_difference(a: Rows, b: Rows) -> tuple[Found, ...]:
    difference = total((*a.items(), *((row, -n) for row, n in b.items())))
    five = matching(lambda i: i.k)(a, difference)
    return five[0], five[3]


@judged(of_a_difference, together=True)
def with_a_difference(a: ZSet[Item], b: ZSet[Item]) -> tuple[ZSet[Any], ZSet[Item]]:
    by = Index.pick(Item, lambda i: i.k)
    difference = st.add(a, st.neg(b))
    return (
        st.outer_join(a, difference, on_left=by, on_right=by),
        st.semi_join(a, difference, on_left=by, on_right=by),
    )


def of_two_outer_joins(a: Rows, b: Rows) -> Found:
    """Items with their parts, and each of those with the parts whose key is the part's."""
    first = matching(lambda i: i.k, lambda p: p.k)(a, b)[0]
    second = matching(lambda pair: pair.right.k if pair.right != EMPTY else None, lambda p: p.k)
    return second(first, b)[0]


@judged(of_two_outer_joins)
def an_outer_join_of_an_outer_join(
    a: ZSet[Item], b: ZSet[Part]
) -> ZSet[Pair[Pair[Item, Part | Empty], Part | Empty]]:
    by = Index.pick(Part, lambda p: p.k)
    first = st.outer_join(a, b, on_left=Index.pick(Item, lambda i: i.k), on_right=by)
    on_left = Index.pick(
        Pair[Item, Part | Empty],
        lambda pair: None if isinstance(pair.right, Empty) else pair.right.k,
    )
    return st.outer_join(first, b, on_left=on_left, on_right=by)


kept = st.Cache[Pair[Item, Part | Empty]]()


@judged(lambda a, b: matching(lambda i: i.k, lambda p: p.k)(a, b)[0])
def kept_in_a_cache(a: ZSet[Item], b: ZSet[Part]) -> ZSet[Pair[Item, Part | Empty]]:
    joined = st.outer_join(
        a, b, on_left=Index.pick(Item, lambda i: i.k), on_right=Index.pick(Part, lambda p: p.k)
    )
    by = Index.pick(Pair[Item, Part | Empty], lambda pair: pair.left.t)
    _ = kept[joined](lambda z: st.integrate_indexed(z, indexes=(by,)))
    return joined


@pytest.mark.parametrize("case", CASES, ids=CASES.by_name)
def test_joins(case: Judged, every_postgres: list[tuple[str, str]]) -> None:
    hold(case, every_postgres)


@pytest.mark.parametrize("case", CASES, ids=CASES.by_name)
def test_joins_of_negative_counts(case: Judged, every_postgres: list[tuple[str, str]]) -> None:
    hold(case, every_postgres, negative=True)


def test_matches_that_come_and_go(every_postgres: list[tuple[str, str]]) -> None:
    case = CASES.by_name["by_int_or_none"]
    left = Item(k=1, t=None, x=0.5, n=1)
    one, two = Part(k=1, name="a", cost=1.0), Part(k=1, name="b", cost=1.0)
    none = Part(k=None, name="a", cost=1.0)
    run(
        case,
        every_postgres,
        ({left: 2}, {}),
        ({}, {one: 1, two: 3, none: 1}),
        ({}, {one: -1}),
        ({}, {two: -3}),
        ({left: -1}, {one: 1}),
        ({left: -1}, {one: -1, none: -1}),
    )


def test_signs_of_two_rows_with_one_key_do_not_cancel(
    every_postgres: list[tuple[str, str]],
) -> None:
    case = CASES.by_name["by_int_or_none"]
    left = Item(k=1, t="a", x=0.0, n=1)
    one, two = Part(k=1, name="a", cost=1.0), Part(k=1, name="b", cost=1.0)
    run(
        case,
        every_postgres,
        ({left: 1}, {one: 1, two: -1}),
        ({}, {one: -1}),
        ({}, {two: 2}),
        ({left: -2}, {two: -1}),
        negative=True,
    )
