"""first_n against sorting: ties, duplicates, None, descending parts, every kind of key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import stepping as st
from stepping import Index, Pair, ZSet
from tests.support.oracle import (
    Found,
    Judged,
    Judges,
    Rows,
    hold,
    in_each_group,
    plain,
    run,
    total,
)
from tests.support.rows import Item, Keys, Maybe, Money, Part, Visit

CASES = judged = Judges()

Several = tuple[ZSet[Any], ...]


def sorted_by(n: int, *keys: tuple[Callable[[Any], Any], bool]) -> Callable[[Rows], Found]:
    """The first n rows of an order: each part ascending or not, then the whole row."""

    def found(a: Rows) -> Found:
        rows = [row for row, count in a.items() for _ in range(count)]
        rows.sort(key=plain)
        for key, ascending in reversed(keys):
            rows.sort(key=lambda row: plain(key(row)), reverse=not ascending)
        return total((row, 1) for row in rows[:n])

    return found


def each(*oracles: Callable[[Rows], Found]) -> Callable[[Rows], tuple[Found, ...]]:
    return lambda a: tuple(oracle(a) for oracle in oracles)


@judged(
    each(
        sorted_by(3, (lambda i: i.k, True)),
        sorted_by(2, (lambda i: i.t, False)),
        sorted_by(4, (lambda i: i.x, False), (lambda i: i.t, True)),
        sorted_by(1, (lambda i: i.t, True), (lambda i: i.n, False)),
    )
)
def by_columns(a: ZSet[Item]) -> Several:
    return (
        st.first_n(a, index=Index.pick(Item, lambda i: i.k), n=3),
        st.first_n(a, index=Index.pick(Item, lambda i: i.t, ascending=False), n=2),
        st.first_n(a, index=Index.pick(Item, lambda i: (i.x, i.t), ascending=(False, True)), n=4),
        st.first_n(a, index=Index.pick(Item, lambda i: (i.t, i.n), ascending=(True, False)), n=1),
    )


@judged(each(sorted_by(2, (lambda t: t, True)), sorted_by(3, (lambda t: t, False))))
def texts(a: ZSet[str]) -> Several:
    return (
        st.first_n(a, index=Index.identity(str), n=2),
        st.first_n(a, index=Index.identity(str, ascending=False), n=3),
    )


@judged(each(sorted_by(3, (lambda t: t, True)), sorted_by(2, (lambda t: t, False))))
def texts_or_none(a: ZSet[str | None]) -> Several:
    up: Any = Index.identity(str | None)  # type: ignore[arg-type]
    down: Any = Index.identity(str | None, ascending=False)  # type: ignore[arg-type]
    return st.first_n(a, index=up, n=3), st.first_n(a, index=down, n=2)


@judged(
    each(
        sorted_by(2, (lambda k: k.color, True), (lambda k: k.size, False)),
        sorted_by(2, (lambda k: k.mood, True), (lambda k: k.stamp, False)),
        sorted_by(3, (lambda k: k.uid, False), (lambda k: k.flag, True)),
    )
)
def by_each_kind(a: ZSet[Keys]) -> Several:
    return (
        st.first_n(
            a, index=Index.pick(Keys, lambda k: (k.color, k.size), ascending=(True, False)), n=2
        ),
        st.first_n(
            a, index=Index.pick(Keys, lambda k: (k.mood, k.stamp), ascending=(True, False)), n=2
        ),
        st.first_n(
            a, index=Index.pick(Keys, lambda k: (k.uid, k.flag), ascending=(False, True)), n=3
        ),
    )


@judged(
    each(
        sorted_by(2, (lambda m: m.size, False), (lambda m: m.raw, True)),
        sorted_by(2, (lambda m: m.mood, True), (lambda m: m.scaled, False)),
        sorted_by(2, (lambda m: m.d, True), (lambda m: m.f, False)),
    )
)
def by_each_kind_or_none(a: ZSet[Maybe]) -> Several:
    return (
        st.first_n(
            a, index=Index.pick(Maybe, lambda m: (m.size, m.raw), ascending=(False, True)), n=2
        ),
        st.first_n(
            a, index=Index.pick(Maybe, lambda m: (m.mood, m.scaled), ascending=(True, False)), n=2
        ),
        st.first_n(a, index=Index.pick(Maybe, lambda m: (m.d, m.f), ascending=(True, False)), n=2),
    )


@judged(
    each(
        sorted_by(2, (lambda v: v.before, True)),
        sorted_by(2, (lambda v: v.at, False), (lambda v: v.code, True)),
    )
)
def by_nested_rows(a: ZSet[Visit]) -> Several:
    return (
        st.first_n(a, index=Index.pick(Visit, lambda v: v.before), n=2),
        st.first_n(
            a, index=Index.pick(Visit, lambda v: (v.at, v.code), ascending=(False, True)), n=2
        ),
    )


@judged(each(sorted_by(2, (lambda m: m.scaled + m.free, False))))
def by_an_expression(a: ZSet[Money]) -> ZSet[Money]:
    return st.first_n(a, index=Index.pick(Money, lambda m: m.scaled + m.free, ascending=False), n=2)


def first_two(g: ZSet[Item]) -> ZSet[Item]:
    return st.first_n(g, index=Index.pick(Item, lambda i: i.n, ascending=False), n=2)


def first_by_text(g: ZSet[Item]) -> ZSet[Item]:
    return st.first_n(g, index=Index.pick(Item, lambda i: (i.t, i.x)), n=1)


@judged(
    lambda a: (
        in_each_group(first_two, lambda i: i.t)(a),
        in_each_group(first_by_text, lambda i: i.k)(a),
    )
)
def in_groups(a: ZSet[Item]) -> Several:
    by_text = st.group(a, by=Index.pick(Item, lambda i: i.t))
    by_key = st.group(a, by=Index.pick(Item, lambda i: i.k))
    return (
        st.flatten(st.per_group[by_text](first_two)),
        st.flatten(st.per_group[by_key](first_by_text)),
    )


def of_read_behind(a: Rows, b: Rows) -> tuple[Found, ...]:
    first = sorted_by(3, (lambda i: i.k, True))(a)
    joined = total(
        (Pair(l, r), n * m) for l, n in first.items() for r, m in b.items() if l.k == r.k
    )
    return first, joined, sorted_by(2, (lambda i: i.n, False))(first)


@judged(of_read_behind)
def read_by_others(a: ZSet[Item], b: ZSet[Part]) -> Several:
    first = st.first_n(a, index=Index.pick(Item, lambda i: i.k), n=3)
    return (
        first,
        st.join(
            first,
            b,
            on_left=Index.pick(Item, lambda i: i.k),
            on_right=Index.pick(Part, lambda p: p.k),
        ),
        st.first_n(first, index=Index.pick(Item, lambda i: i.n, ascending=False), n=2),
    )


@pytest.mark.parametrize("case", CASES, ids=CASES.by_name)
def test_first_n(case: Judged, every_postgres: list[tuple[str, str]]) -> None:
    hold(case, every_postgres)


NEGATIVE = ["by_columns", "texts_or_none", "in_groups"]


@pytest.mark.parametrize("case", [CASES.by_name[name] for name in NEGATIVE], ids=NEGATIVE)
def test_first_n_of_negative_counts(case: Judged, every_postgres: list[tuple[str, str]]) -> None:
    hold(case, every_postgres, negative=True)


def test_the_first_rows_go_one_by_one(every_postgres: list[tuple[str, str]]) -> None:
    rows = [Item(k=k, t=t, x=0.5, n=1) for k in (0, 1) for t in (None, "", "a")]
    start = dict.fromkeys(rows, 2)
    run(
        CASES.by_name["by_columns"],
        every_postgres,
        (start,),
        *(({row: -1},) for row in rows for _ in range(2)),
    )
