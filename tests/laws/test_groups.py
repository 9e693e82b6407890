"""per_group against its definition: the query alone, with a store of its own, for each group.

`per_group` adds the group's key to each operator inside; a wrong key there gives rows of one group
to another, which only something that never mixes groups can tell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import stepping as st
from stepping import Empty, Index, Pair, ZSet, agg
from tests.support.oracle import Found, Judged, Judges, Rows, hold, in_each_group, run, total
from tests.support.rows import Item, Maybe, Part, Visit

CASES = judged = Judges()

by_k = Index.pick(Item, lambda i: i.k)
by_t = Index.pick(Item, lambda i: i.t)
by_n = Index.pick(Item, lambda i: i.n)
of_part = Index.pick(Part, lambda p: p.k)


def each(*queries: Callable[..., Any], key: Callable[[Any], Any]) -> Callable[..., Any]:
    """The oracle of several queries inside groups of one key."""
    found = [in_each_group(query, key) for query in queries]
    return lambda *inputs: tuple(one(*inputs) for one in found)


def grouped(
    a: ZSet[Any], by: Index[Any, Any], *queries: Callable[..., Any], given: tuple[Any, ...] = ()
) -> tuple[ZSet[Any], ...]:
    """Queries inside groups, each a function of the group and of what is ``given`` around it."""
    inside = st.per_group[st.group(a, by=by)]
    return tuple(
        st.flatten(inside(lambda g, query=query: query(g, *given)))  # type: ignore[misc]
        for query in queries
    )


# ------------------------------------------------------------------------------------- linear, sets


def itself(g: ZSet[Item]) -> ZSet[Item]:
    return g


def texts(g: ZSet[Item]) -> ZSet[str | None]:
    return st.map(st.filter(g, f=lambda i: i.n > 0), f=lambda i: i.t)


def kinds(g: ZSet[Item]) -> ZSet[int]:
    return st.map(st.distinct(st.map(g, f=lambda i: i.n)), f=lambda n: n % 2)


def negated(g: ZSet[Item]) -> ZSet[Item]:
    return st.add(g, st.neg(st.filter(g, f=lambda i: i.x > 0.0)))


@judged(each(itself, texts, kinds, negated, key=lambda i: i.t))
def linear_by_text_or_none(a: ZSet[Item]) -> tuple[ZSet[Any], ...]:
    return grouped(a, by_t, itself, texts, kinds, negated)


def common(g: ZSet[Item]) -> ZSet[int]:
    small = st.map(st.filter(g, f=lambda i: i.x <= 0.5), f=lambda i: i.n)
    return st.intersect_all(st.map(g, f=lambda i: i.k), small)


def either(g: ZSet[Item]) -> ZSet[int]:
    return st.union(st.map(g, f=lambda i: i.k), st.map(g, f=lambda i: i.n))


def only(g: ZSet[Item]) -> ZSet[int]:
    return st.except_(st.map(g, f=lambda i: i.k), st.map(g, f=lambda i: i.n))


@judged(each(common, either, only, key=lambda i: i.t))
def sets_in_groups(a: ZSet[Item]) -> tuple[ZSet[Any], ...]:
    return grouped(a, by_t, common, either, only)


# -------------------------------------------------------------------------------------------- joins


def with_itself(g: ZSet[Item]) -> ZSet[Pair[Item, Item]]:
    return st.join(g, g, on_left=by_n, on_right=by_n)


def with_parts(g: ZSet[Item], b: ZSet[Part]) -> ZSet[Pair[Item, Part]]:
    return st.join(g, b, on_left=by_k, on_right=of_part)


def parts_first(g: ZSet[Item], b: ZSet[Part]) -> ZSet[Pair[Part, Item]]:
    return st.join(b, g, on_left=of_part, on_right=by_k)


def all_parts(g: ZSet[Item], b: ZSet[Part]) -> ZSet[Pair[Part, Item | Empty]]:
    return st.outer_join(b, g, on_left=of_part, on_right=by_k)


def everything(g: ZSet[Item], b: ZSet[Part]) -> ZSet[Pair[Item | Empty, Part | Empty]]:
    return st.full_outer_join(g, b, on_left=by_k, on_right=of_part)


def unmatched(g: ZSet[Item], b: ZSet[Part]) -> ZSet[Part]:
    return st.anti_join(b, g, on_left=of_part, on_right=by_k)


def beside(g: ZSet[Item], b: ZSet[Part]) -> ZSet[str | None]:
    return st.add(st.map(g, f=lambda i: i.t), st.map(b, f=name_of))


def name_of(part: Part) -> str | None:
    return part.name


@judged(lambda a, b: each(with_itself, key=lambda i: i.t)(a))
def self_joins(a: ZSet[Item], b: ZSet[Part]) -> tuple[ZSet[Any], ...]:
    return grouped(a, by_t, with_itself)


@judged(each(with_parts, parts_first, beside, key=lambda i: i.t))
def joins_with_what_is_around(a: ZSet[Item], b: ZSet[Part]) -> tuple[ZSet[Any], ...]:
    return grouped(a, by_t, with_parts, parts_first, beside, given=(b,))


@judged(each(all_parts, everything, unmatched, key=lambda i: i.t))
def outer_joins_with_what_is_around(a: ZSet[Item], b: ZSet[Part]) -> tuple[ZSet[Any], ...]:
    return grouped(a, by_t, all_parts, everything, unmatched, given=(b,))


# --------------------------------------------------------------------------------------- aggregates


class Stats(st.Data):
    n: int
    low: int | None
    high: str | None
    kinds: int
    mean: float | None


def measured(g: ZSet[Item], by: Index[Item, Any] | None = None) -> ZSet[Any]:
    return st.aggregate(
        g,
        by=by,
        into=Stats,
        n=agg.count(),
        low=agg.min(lambda i: i.n),
        high=agg.max(lambda i: i.t),
        kinds=agg.count_distinct(lambda i: i.t),
        mean=agg.avg(lambda i: i.k % 8),
    )


def whole(g: ZSet[Item]) -> ZSet[Stats]:
    return measured(st.filter(g, f=lambda i: i.x >= 0.0))


def by_text(g: ZSet[Item]) -> ZSet[Pair[Stats, str | None]]:
    return measured(g, by_t)


def sums(g: ZSet[Item]) -> ZSet[Pair[int, str | None]]:
    return st.group_reduce_flatten(g, by=by_t, zero=int, pick_value=lambda i: i.n % 8)


def counted(g: ZSet[Item]) -> ZSet[int]:
    return st.count(st.filter(g, f=lambda i: i.n > 1))


def summed(g: ZSet[Item]) -> ZSet[float]:
    return st.reduce(g, zero=float, pick_value=lambda i: i.k % 8 / 4)


@judged(each(whole, by_text, key=lambda i: i.k))
def aggregates_in_groups(a: ZSet[Item]) -> tuple[ZSet[Any], ...]:
    return grouped(a, by_k, whole, by_text)


@judged(each(sums, counted, summed, key=lambda i: (i.x > 0.0, i.t)))
def sums_in_groups_of_two_columns(a: ZSet[Item]) -> tuple[ZSet[Any], ...]:
    by: Any = Index.pick(Item, lambda i: (i.x > 0.0, i.t))
    return grouped(a, by, sums, counted, summed)


def many(item: Item) -> frozenset[int]:
    return frozenset(range(item.k % 3))


def exploded(g: ZSet[Item]) -> ZSet[int]:
    return st.distinct(st.map_many(g, f=many))


def only_count(g: ZSet[Item]) -> ZSet[int]:
    return st.make_scalar(st.filter(st.count(g), f=lambda n: n > 1), zero=int)


@judged(each(exploded, only_count, key=lambda i: i.t), python=True)
def values_in_groups(a: ZSet[Item]) -> tuple[ZSet[Any], ...]:
    return grouped(a, by_t, exploded, only_count)


# ---------------------------------------------------------------------------------------- recursion


def closed(g: ZSet[Item]) -> ZSet[Pair[int, int]]:
    return st.transitive_closure(st.map(g, f=lambda i: Pair(i.k, i.n)))


def spread(y: ZSet[int], edges: ZSet[Item]) -> ZSet[int]:
    joined = st.join(y, edges, on_left=Index.identity(int), on_right=by_k)
    return st.map(joined, f=lambda p: p.right.n)


def reached(g: ZSet[Item]) -> ZSet[int]:
    """Over the group's own rows, from some of them."""
    start = st.map(st.filter(g, f=lambda i: i.x <= 0.0), f=lambda i: i.k)
    return st.fixpoint(start, lambda y: spread(y, g))


def reached_outside(g: ZSet[Item], b: ZSet[Item]) -> ZSet[int]:
    """From the group's rows, over rows from around it."""
    return st.fixpoint(st.map(g, f=lambda i: i.k), lambda y: spread(y, b))


def reached_from_outside(g: ZSet[Item], b: ZSet[Item]) -> ZSet[int]:
    """From rows around the group, over its own."""
    return st.fixpoint(st.map(b, f=lambda i: i.n), lambda y: spread(y, g))


@judged(each(closed, reached, key=lambda i: i.t), nasty=False)
def recursion_in_groups(a: ZSet[Item]) -> tuple[ZSet[Any], ...]:
    return grouped(a, by_t, closed, reached)


@judged(each(reached_outside, reached_from_outside, key=lambda i: i.t), nasty=False)
def recursion_through_groups(a: ZSet[Item], b: ZSet[Item]) -> tuple[ZSet[Any], ...]:
    return grouped(a, by_t, reached_outside, reached_from_outside, given=(b,))


def closed_in_each(g: ZSet[Item]) -> ZSet[Pair[Pair[int, int], str | None]]:
    return st.flatten(st.per_group[st.group(g, by=by_t)](closed))


@judged(each(closed_in_each, key=lambda i: i.x > 0.0), nasty=False)
def recursion_in_groups_in_groups(a: ZSet[Item]) -> tuple[ZSet[Any], ...]:
    by: Any = Index.pick(Item, lambda i: i.x > 0.0)
    return grouped(a, by, closed_in_each)


# --------------------------------------------------------------------------------- groups in groups


def first_of_each(g: ZSet[Item]) -> ZSet[Pair[Item, str | None]]:
    inner = st.group(g, by=by_t)
    order = Index.pick(Item, lambda i: i.x, ascending=False)
    return st.flatten(st.per_group[inner](lambda q: st.first_n(q, index=order, n=2)))


def counts_of_each(g: ZSet[Item]) -> ZSet[Pair[int, str | None]]:
    positive = st.per_group[st.group(g, by=by_t)](
        lambda q: st.count(st.filter(q, f=lambda i: i.x > 0.0))
    )
    return st.flatten(positive)


def joined_in_each(g: ZSet[Item], b: ZSet[Part]) -> ZSet[Pair[Pair[Item, Part], str | None]]:
    inner = st.group(g, by=by_t)
    return st.flatten(st.per_group[inner](lambda q: st.join(q, b, on_left=by_k, on_right=of_part)))


def stats_of_each(g: ZSet[Item]) -> ZSet[Pair[Stats, str | None]]:
    return st.flatten(st.per_group[st.group(g, by=by_t)](measured))


def against_the_group(g: ZSet[Item]) -> ZSet[Pair[Pair[Item, Item], str | None]]:
    """Rows of the inner group beside those of the outer one."""
    inner = st.group(g, by=by_t)
    return st.flatten(st.per_group[inner](lambda q: st.join(q, g, on_left=by_n, on_right=by_n)))


@judged(each(first_of_each, counts_of_each, key=lambda i: i.k))
def groups_in_groups(a: ZSet[Item]) -> tuple[ZSet[Any], ...]:
    return grouped(a, by_k, first_of_each, counts_of_each)


@judged(each(stats_of_each, against_the_group, key=lambda i: i.k))
def more_groups_in_groups(a: ZSet[Item]) -> tuple[ZSet[Any], ...]:
    return grouped(a, by_k, stats_of_each, against_the_group)


@judged(lambda a, b: each(joined_in_each, key=lambda i: i.k)(a, b))
def joins_in_groups_in_groups(a: ZSet[Item], b: ZSet[Part]) -> tuple[ZSet[Any], ...]:
    return grouped(a, by_k, joined_in_each, given=(b,))


# --------------------------------------------------------------------------------- kinds of groups


def pair_up(g: ZSet[Any]) -> ZSet[Any]:
    """A join inside, whose key has the group's in it, where None equals None."""
    one: Any = Index.pick(g.operator.schema.type.cls, lambda r: 1)  # type: ignore[attr-defined]
    return st.map(st.join(g, g, on_left=one, on_right=one), f=lambda p: 1)


def squares(key: Callable[[Any], Any]) -> Callable[[Rows], Found]:
    def found(rows: Rows) -> Found:
        counts = total((key(row), n) for row, n in rows.items())
        return {Pair(1, group): n * n for group, n in counts.items()}

    return found


def paired(a: ZSet[Any], by: Index[Any, Any]) -> ZSet[Any]:
    return st.flatten(st.per_group[st.group(a, by=by)](pair_up))


@judged(
    lambda a: tuple(
        squares(key)(a)
        for key in (
            lambda m: m.color,
            lambda m: m.d,
            lambda m: m.scaled,
            lambda m: (m.day, m.hour),
            lambda m: (m.stamp, m.moment),
            lambda m: (m.uid, m.raw),
            lambda m: (m.size, m.mood, m.kind),
            lambda m: (m.f, m.b),
        )
    )
)
def groups_of_each_kind_or_none(a: ZSet[Maybe]) -> tuple[ZSet[Any], ...]:
    return (
        paired(a, Index.pick(Maybe, lambda m: m.color)),
        paired(a, Index.pick(Maybe, lambda m: m.d)),
        paired(a, Index.pick(Maybe, lambda m: m.scaled)),
        paired(a, Index.pick(Maybe, lambda m: (m.day, m.hour))),
        paired(a, Index.pick(Maybe, lambda m: (m.stamp, m.moment))),
        paired(a, Index.pick(Maybe, lambda m: (m.uid, m.raw))),
        paired(a, Index.pick(Maybe, lambda m: (m.size, m.mood, m.kind))),
        paired(a, Index.pick(Maybe, lambda m: (m.f, m.b))),
    )


@judged(lambda a: (squares(lambda v: v.before)(a), squares(lambda v: (v.at, v.code))(a)))
def groups_of_nested_rows(a: ZSet[Visit]) -> tuple[ZSet[Any], ...]:
    return (
        paired(a, Index.pick(Visit, lambda v: v.before)),
        paired(a, Index.pick(Visit, lambda v: (v.at, v.code))),
    )


@pytest.mark.parametrize("case", CASES, ids=CASES.by_name)
def test_groups(case: Judged, every_postgres: list[tuple[str, str]]) -> None:
    hold(case, every_postgres)


NEGATIVE = [
    "linear_by_text_or_none",
    "joins_with_what_is_around",
    "sums_in_groups_of_two_columns",
    "aggregates_in_groups",
    "groups_in_groups",
    "self_joins",
    "recursion_in_groups",
]


@pytest.mark.parametrize("case", [CASES.by_name[name] for name in NEGATIVE], ids=NEGATIVE)
def test_groups_of_negative_counts(case: Judged, every_postgres: list[tuple[str, str]]) -> None:
    hold(case, every_postgres, negative=True)


def test_a_group_is_there_while_a_row_of_it_is(every_postgres: list[tuple[str, str]]) -> None:
    """Also where the query inside has nothing to count, and where signs cancel."""
    one, two = (Item(k=1, t="a", x=0.0, n=n) for n in (0, 5))
    run(
        CASES.by_name["sums_in_groups_of_two_columns"],
        every_postgres,
        ({one: 1},),
        ({two: -1},),
        ({one: -1, two: 2},),
        ({two: -1},),
        negative=True,
    )
