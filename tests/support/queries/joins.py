"""Joins: of a Z-set with itself, nested, and on each kind of key."""

from __future__ import annotations

import json

import stepping as st
from stepping import Index, Pair, ZSet
from tests.support.queries.case import Corpus
from tests.support.rows import Frozen, Item, Keys, Maybe, Money, Named, Part, Place, Visit

CASES = corpus = Corpus()
GROUPS = {0: "x", 1: "x", 2: "y"}


def dumped(text: str | None) -> str:
    return json.dumps(text)


ItemPart = Pair[Item, Part]


@corpus
def joined(a: ZSet[Item], b: ZSet[Part]) -> ZSet[ItemPart]:
    return st.join(
        a,
        b,
        on_left=Index.pick(Item, lambda i: i.n),
        on_right=Index.pick(Part, lambda p: p.k),  # which may be None: it matches nothing
    )


@corpus
def joined_on_text(a: ZSet[Item], b: ZSet[Part]) -> ZSet[ItemPart]:
    return st.join(
        a,
        b,
        on_left=Index.pick(Item, lambda i: i.t),
        on_right=Index.pick(Part, lambda p: p.name),
    )


@corpus
def joined_with_itself(a: ZSet[Item]) -> ZSet[Pair[Item, Item]]:
    by_key = Index.pick(Item, lambda i: i.k)
    return st.join(a, a, on_left=by_key, on_right=by_key)


@corpus
def joined_with_itself_on_another_key(a: ZSet[Item]) -> ZSet[Pair[int, str | None]]:
    pairs = st.join(
        a, a, on_left=Index.pick(Item, lambda i: i.k), on_right=Index.pick(Item, lambda i: i.n)
    )
    return st.map(pairs, f=lambda p: Pair(p.left.k, p.right.t))


@corpus
def joined_on_several_columns(a: ZSet[Item], b: ZSet[Item]) -> ZSet[Pair[Item, Item]]:
    both = Index.pick(Item, lambda i: (i.k, i.t, i.x))
    return st.join(a, b, on_left=both, on_right=both)


@corpus
def joined_on_expressions(a: ZSet[Item], b: ZSet[Part]) -> ZSet[ItemPart]:
    return st.join(
        a,
        b,
        on_left=Index.pick(Item, lambda i: (i.k % 2, i.x + 1.0)),
        on_right=Index.pick(Part, lambda p: (len(p.name) % 2, p.cost)),
    )


@corpus
def joined_on_nested_rows(a: ZSet[Visit], b: ZSet[Visit]) -> ZSet[Pair[int, int]]:
    pairs = st.join(
        a,
        b,
        on_left=Index.pick(Visit, lambda v: v.at),
        on_right=Index.pick(Visit, lambda v: v.before),
    )
    return st.map(pairs, f=lambda p: Pair(p.left.n, p.right.n))


@corpus
def joined_on_each_kind_of_key(a: ZSet[Keys], b: ZSet[Keys]) -> ZSet[Pair[int, int]]:
    everything = Index.pick(Keys, lambda k: (k.day, k.moment, k.stamp, k.hour, k.uid, k.color))
    rest = Index.pick(Keys, lambda k: (k.flag, k.raw, k.size, k.mood))
    one = st.join(a, b, on_left=everything, on_right=everything)
    two = st.join(a, b, on_left=rest, on_right=rest)
    return st.add(
        st.map(one, f=lambda p: Pair(p.left.n, p.right.n)),
        st.map(two, f=lambda p: Pair(p.right.n, p.left.n)),
    )


@corpus
def joined_on_each_kind_that_may_be_none(a: ZSet[Maybe], b: ZSet[Maybe]) -> ZSet[bool]:
    numbers = Index.pick(Maybe, lambda m: (m.i, m.f, m.b))
    moments = Index.pick(Maybe, lambda m: (m.day, m.moment))
    words = Index.pick(Maybe, lambda m: (m.s, m.kind))
    one = st.join(a, b, on_left=numbers, on_right=numbers)
    two = st.join(a, b, on_left=moments, on_right=moments)
    three = st.join(a, a, on_left=words, on_right=words)
    first = st.add(
        st.map(one, f=lambda p: p.left.color is None), st.map(two, f=lambda p: p.right.b is None)
    )
    return st.add(first, st.map(three, f=lambda p: p.right.i is None))


@corpus
def joined_on_decimals(a: ZSet[Money], b: ZSet[Money]) -> ZSet[Pair[Money, Money]]:
    return st.join(
        a,
        b,
        on_left=Index.pick(Money, lambda m: (m.scaled, m.free)),
        on_right=Index.pick(Money, lambda m: (m.scaled, m.free)),
    )


@corpus
def joined_with_everything(a: ZSet[Named], b: ZSet[Frozen]) -> ZSet[Pair[Named, Frozen]]:
    return st.join(
        a, b, on_left=Index.pick(Named, lambda n: 1), on_right=Index.pick(Frozen, lambda f: 1)
    )


@corpus
def joined_plain_values(a: ZSet[int], b: ZSet[tuple[int, str]]) -> ZSet[str]:
    pairs = st.join(
        a,
        b,
        on_left=Index.identity(int),
        on_right=Index.pick(tuple[int, str], lambda t: t[0]),
    )
    return st.map(pairs, f=lambda p: p.right[1])


@corpus
def joined_three(a: ZSet[Item], b: ZSet[Part], c: ZSet[Item]) -> ZSet[Pair[ItemPart, Item]]:
    first = st.join(
        a, b, on_left=Index.pick(Item, lambda i: i.k), on_right=Index.pick(Part, lambda p: p.k)
    )
    return st.join(
        first,
        c,
        on_left=Index.pick(ItemPart, lambda p: p.right.name),
        on_right=Index.pick(Item, lambda i: i.t),
    )


@corpus
def joined_three_and_summed(a: ZSet[Item], b: ZSet[Part], c: ZSet[Item]) -> ZSet[Pair[int, str]]:
    first = st.join(
        a, b, on_left=Index.pick(Item, lambda i: i.k), on_right=Index.pick(Part, lambda p: p.k)
    )
    pairs = st.join(
        first,
        c,
        on_left=Index.pick(ItemPart, lambda p: p.right.name),
        on_right=Index.pick(Item, lambda i: i.t),
    )
    return st.group_reduce_flatten(
        pairs,
        by=Index.pick(Pair[ItemPart, Item], lambda p: p.left.right.name),
        zero=int,
        pick_value=lambda p: p.right.k,
    )


@corpus
def joined_to_the_right(a: ZSet[Item], b: ZSet[Part], c: ZSet[Item]) -> ZSet[Pair[int, float]]:
    inner = st.join(
        b, c, on_left=Index.pick(Part, lambda p: p.k), on_right=Index.pick(Item, lambda i: i.k)
    )
    outer = st.join(
        a,
        inner,
        on_left=Index.pick(Item, lambda i: i.n),
        on_right=Index.pick(Pair[Part, Item], lambda p: p.right.n),
    )
    return st.map(outer, f=lambda p: Pair(p.left.k, p.right.left.cost))


@corpus
def joined_with_a_join_of_itself(a: ZSet[Item], b: ZSet[Part]) -> ZSet[Pair[Item, ItemPart]]:
    by_key = Index.pick(Item, lambda i: i.k)
    inner = st.join(a, b, on_left=by_key, on_right=Index.pick(Part, lambda p: p.k))
    return st.join(a, inner, on_left=by_key, on_right=Index.pick(ItemPart, lambda p: p.left.k))


@corpus
def joined_joins_of_each_other(a: ZSet[Item], b: ZSet[Part]) -> ZSet[Pair[int, int]]:
    on_item, on_part = Index.pick(Item, lambda i: i.k), Index.pick(Part, lambda p: p.k)
    one = st.join(a, b, on_left=on_item, on_right=on_part)
    two = st.join(b, a, on_left=on_part, on_right=on_item)
    both = st.join(
        one,
        two,
        on_left=Index.pick(ItemPart, lambda p: p.left.k),
        on_right=Index.pick(Pair[Part, Item], lambda p: p.right.k),
    )
    return st.map(both, f=lambda p: Pair(p.left.left.n, p.right.right.n))


@corpus
def joined_behind_filters(a: ZSet[Item], b: ZSet[Part]) -> ZSet[int]:
    found = st.join(
        st.filter(a, f=lambda i: i.k > 0),
        st.map(b, f=lambda p: Pair(p.k, p.name)),
        on_left=Index.pick(Item, lambda i: i.k),
        on_right=Index.pick(Pair[int | None, str], lambda p: p.left),
    )
    kept = st.filter(found, f=lambda p: p.left.t == p.right.right)
    return st.map(kept, f=lambda p: p.left.n % p.left.k)


@corpus
def joined_with_a_difference(a: ZSet[Item], b: ZSet[Item], c: ZSet[Part]) -> ZSet[ItemPart]:
    return st.join(
        st.add(a, st.neg(b)),
        c,
        on_left=Index.pick(Item, lambda i: i.k),
        on_right=Index.pick(Part, lambda p: p.k),
    )


@corpus
def joined_with_a_sum(a: ZSet[Item], b: ZSet[Item]) -> ZSet[Pair[Item, Item]]:
    by_key = Index.pick(Item, lambda i: i.k)
    return st.join(st.add(a, b), st.add(a, st.neg(b)), on_left=by_key, on_right=by_key)


@corpus
def joined_with_optional_rows(a: ZSet[Visit], b: ZSet[Place]) -> ZSet[Pair[Visit, Place]]:
    return st.join(
        a,
        b,
        on_left=Index.pick(Visit, lambda v: v.before),
        on_right=Index.identity(Place),
    )


@corpus.python
def joined_on_python_keys(a: ZSet[Item], b: ZSet[Part]) -> ZSet[ItemPart]:
    return st.join(
        a,
        b,
        on_left=Index.pick(Item, lambda i: dumped(i.t)),
        on_right=Index.pick(Part, lambda p: dumped(p.name)),
    )


def group_of(k: int) -> str | None:
    return GROUPS.get(k)


@corpus.python
def joined_on_a_python_key_and_sql(a: ZSet[Item], b: ZSet[Part]) -> ZSet[Pair[int, float]]:
    pairs = st.join(
        a,
        b,
        on_left=Index.pick(Item, lambda i: str(GROUPS.get(i.k, "none"))),
        on_right=Index.pick(Part, lambda p: p.name),
    )
    return st.map(pairs, f=lambda p: Pair(p.left.n, p.right.cost))


@corpus.python
def joined_with_itself_on_a_python_key(a: ZSet[Item]) -> ZSet[Pair[Item, Item]]:
    key = Index.pick(Item, lambda i: group_of(i.k))
    return st.join(a, a, on_left=key, on_right=key)
