"""Further operators on rows of one type, for `compositions`: those that keep tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import stepping as st
from stepping import Empty, Index, Pair, ZSet, agg
from tests.support.rows import Item

Items = ZSet[Item]
Both = Pair[Item, Item | Empty]

by_k = Index.pick(Item, lambda i: i.k)
by_t = Index.pick(Item, lambda i: i.t)
by_n = Index.pick(Item, lambda i: i.n)
by_one = Index.pick(Item, lambda i: 1)


# ------------------------------------------------------------------------------------ one input


def first_two(a: Items) -> Items:
    return st.first_n(a, index=Index.pick(Item, lambda i: (i.t, i.k), ascending=(False, True)), n=2)


def first_of_each(a: Items) -> Items:
    groups = st.group(a, by=by_t)
    firsts = st.per_group[groups](lambda g: st.first_n(g, index=by_k, n=1))
    return st.map(st.flatten(firsts), f=lambda p: Item(k=p.left.k, t=p.right, x=0.0, n=p.left.n))


def counted(a: Items) -> Items:
    return st.map(st.count(a), f=lambda n: Item(k=n % 4, t="n", x=0.5, n=0))


def summed(a: Items) -> Items:
    total = st.reduce(a, zero=int, pick_value=lambda i: i.k)
    return st.map(total, f=lambda n: Item(k=n % 4, t=None, x=0.0, n=1))


class Stats(st.Data):
    n: int
    low: int | None  # where no row of a group has a positive count
    high: str | None
    kinds: int
    some: bool


def measured(a: Items) -> Items:
    stats = st.aggregate(
        a,
        by=by_k,
        into=Stats,
        n=agg.count(),
        low=agg.min(lambda i: i.n),
        high=agg.max(lambda i: i.t),
        kinds=agg.count_distinct(lambda i: i.x),
        some=agg.any_(lambda i: i.t),
    )
    return st.map(
        st.filter(stats, f=lambda p: p.left.some or p.left.n > 0),
        f=lambda p: Item(
            k=p.right,
            t=p.left.high,
            x=0.0,
            n=p.left.kinds if p.left.low is None else p.left.low % 4 + p.left.kinds,
        ),
    )


class Whole(st.Data):
    low: str | None
    every: bool


def measured_whole(a: Items) -> Items:
    whole = st.aggregate(
        a, into=Whole, low=agg.min(lambda i: i.t), every=agg.all_(lambda i: i.k > 0)
    )
    return st.map(whole, f=lambda w: Item(k=1 if w.every else 2, t=w.low, x=0.0, n=0))


def counted_in_groups(a: Items) -> Items:
    groups = st.group(a, by=by_t)
    counts = st.per_group[groups](lambda g: st.count(st.filter(g, f=lambda i: i.k > 1)))
    return st.map(st.flatten(counts), f=lambda p: Item(k=p.left % 4, t=p.right, x=0.0, n=0))


def joined_in_groups(a: Items) -> Items:
    groups = st.group(a, by=by_t)
    pairs = st.per_group[groups](lambda g: st.join(g, g, on_left=by_k, on_right=by_n))
    return st.map(
        st.flatten(pairs), f=lambda p: Item(k=p.left.left.n, t=p.right, x=0.0, n=p.left.right.k)
    )


def closed(a: Items) -> Items:
    paths = st.transitive_closure(st.map(a, f=lambda i: Pair(i.k, i.n)))
    return st.map(paths, f=lambda p: Item(k=p.left, t="path", x=0.0, n=p.right))


def many(item: Item) -> frozenset[int]:
    return frozenset((item.k % 4, item.n % 4))


def exploded(a: Items) -> Items:
    return st.map(st.map_many(a, f=many), f=lambda n: Item(k=n, t=None, x=0.0, n=0))


def sums_by_a_constant(a: Items) -> Items:
    sums = st.group_reduce_flatten(a, by=by_one, zero=int, pick_value=lambda i: i.n)
    return st.map(sums, f=lambda p: Item(k=p.right, t="one", x=0.0, n=p.left % 4))


def first_by_a_constant(a: Items) -> Items:
    """Of equal keys all, so that ties go by the whole row; and nothing of the key is read."""
    return st.map(st.first_n(a, index=by_one, n=2), f=lambda i: Item(k=i.k, t="", x=0.0, n=0))


def through_integrals(a: Items) -> Items:
    """Operators on snapshots, back to a change."""
    return st.differentiate(first_two(st.distinct(st.integrate(a))))


# ----------------------------------------------------------------------------------- two inputs


def unlike(a: Items) -> Items:
    """Rows of few values, so that two Z-sets meet."""
    return st.map(a, f=lambda i: Item(k=i.k, t=None, x=0.0, n=i.n % 2))


def united(a: Items, b: Items) -> Items:
    return st.union(unlike(a), unlike(b))


def intersected(a: Items, b: Items) -> Items:
    return st.intersect(unlike(a), unlike(b))


def intersected_as_bags(a: Items, b: Items) -> Items:
    return st.intersect_all(unlike(a), unlike(b))


def excepted(a: Items, b: Items) -> Items:
    return st.except_(a, b)


def excepted_as_bags(a: Items, b: Items) -> Items:
    return st.except_all(unlike(a), unlike(b))


def matched(a: Items, b: Items) -> Items:
    return st.semi_join(a, b, on_left=by_t, on_right=by_t)


def outer_joined(a: Items, b: Items) -> Items:
    pairs = st.outer_join(a, b, on_left=by_k, on_right=by_n)
    return st.map(
        pairs,
        f=lambda p: Item(
            k=p.left.k, t="alone" if isinstance(p.right, Empty) else p.right.t, x=0.0, n=0
        ),
    )


def fully_joined(a: Items, b: Items) -> Items:
    pairs = st.full_outer_join(a, b, on_left=by_t, on_right=by_t)
    return st.map(
        pairs,
        f=lambda p: Item(
            k=9 if isinstance(p.left, Empty) else p.left.k,
            t=None,
            x=0.0,
            n=9 if isinstance(p.right, Empty) else p.right.n,
        ),
    )


def reached(a: Items, b: Items) -> Items:
    """From rows of one along rows of the other."""

    def step(y: Items) -> Items:
        pairs = st.join(y, b, on_left=by_k, on_right=by_n)
        return st.map(pairs, f=lambda p: Item(k=p.right.k, t=p.left.t, x=0.0, n=0))

    return st.fixpoint(st.map(a, f=lambda i: Item(k=i.k, t=i.t, x=0.0, n=0)), step)


def beside_groups(a: Items, b: Items) -> Items:
    """A Z-set from around the groups, inside each."""
    groups = st.group(a, by=by_k)
    inside = st.per_group[groups](lambda g: st.add(st.map(g, f=lambda i: i.t), texts(b)))
    return st.map(st.flatten(inside), f=lambda p: Item(k=p.right, t=p.left, x=0.0, n=0))


def whole_beside_groups(a: Items, b: Items) -> Items:
    """As `beside_groups`, of whole rows: a sum with a join on a constant."""
    groups = st.group(a, by=by_t)
    inside = st.per_group[groups](lambda g: st.add(g, b))
    return st.map(
        st.flatten(inside), f=lambda p: Item(k=p.left.k, t=p.right, x=0.0, n=p.left.n % 4)
    )


def joined_on_constants(a: Items, b: Items) -> Items:
    """Each row of one with each of the other, of which nothing is read."""
    pairs = st.join(st.distinct(a), st.distinct(b), on_left=by_one, on_right=by_one)
    return st.map(pairs, f=lambda p: p.left)


def joined_on_a_constant(a: Items, b: Items) -> Items:
    pairs = st.join(a, b, on_left=by_k, on_right=by_one)
    return st.map(pairs, f=lambda p: Item(k=p.left.k, t=p.left.t, x=0.0, n=0))


def in_two_ways(a: Items, b: Items) -> Items:
    """One Z-set joined with a map of itself: two tables of it, of other columns each."""
    both = st.add(a, b)
    pairs = st.join(
        st.map(both, f=lambda i: Item(k=i.k, t=None, x=i.x, n=i.k + i.n)),
        both,
        on_left=by_k,
        on_right=by_k,
    )
    return st.map(pairs, f=lambda p: Item(k=p.left.n % 4, t=p.right.t, x=0.0, n=0))


def texts(b: Items) -> ZSet[str | None]:
    return st.map(b, f=lambda i: i.t)


ONE: tuple[Callable[[Items], Items], ...] = (
    *(first_two, first_of_each, counted, summed, measured, measured_whole, counted_in_groups),
    *(joined_in_groups, closed, exploded, through_integrals),
    *(sums_by_a_constant, first_by_a_constant),
)
TWO: tuple[Callable[[Items, Items], Any], ...] = (
    *(united, intersected, intersected_as_bags, excepted, excepted_as_bags, matched),
    *(outer_joined, fully_joined, reached, beside_groups, whole_beside_groups),
    *(joined_on_constants, joined_on_a_constant, in_two_ways),
)
