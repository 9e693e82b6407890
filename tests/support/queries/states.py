"""Integrals: as outputs, in caches, with indexes; several of one query."""

from __future__ import annotations

import json

import stepping as st
from stepping import Cache, Index, Pair, ZSet
from tests.support.queries.case import Corpus
from tests.support.rows import Item, Keys, Maybe, Money, Part, Visit

CASES = corpus = Corpus()

by_k = Index.pick(Item, lambda i: i.k)
ItemPart = Pair[Item, Part]


@corpus
def integral_of_the_input(a: ZSet[Item]) -> ZSet[Item]:
    return st.integrate(a)


@corpus
def change_and_integral(a: ZSet[Item]) -> tuple[ZSet[Item], ZSet[Item], ZSet[int]]:
    kept = st.filter(a, f=lambda i: i.k > 0)
    return kept, st.integrate(kept), st.map(a, f=lambda i: i.n)


@corpus
def integral_with_indexes(a: ZSet[Item]) -> ZSet[Item]:
    return st.integrate_indexed(
        a,
        indexes=(
            Index.pick(Item, lambda i: i.t),
            Index.pick(Item, lambda i: (i.k, i.x), ascending=(True, False)),
            Index.pick(Item, lambda i: i.x, ascending=False),
        ),
    )


everything = Cache[Item]()
by_text = Cache[Item](name="by text")


@corpus
def caches_of_the_input(a: ZSet[Item]) -> ZSet[Item]:
    _ = everything[a](lambda z: st.integrate(z))
    _ = by_text[a](
        lambda z: st.integrate_indexed(z, indexes=(Index.pick(Item, lambda i: (i.t, i.k)),))
    )
    return a


keys_cache, maybe_cache = Cache[Keys](), Cache[Maybe]()


@corpus
def caches_of_every_kind(a: ZSet[Keys], b: ZSet[Maybe]) -> tuple[ZSet[Keys], ZSet[Maybe]]:
    _ = keys_cache[a](lambda z: st.integrate(z))
    _ = maybe_cache[b](lambda z: st.integrate(z))
    return a, b


visit_cache, money_cache = Cache[Visit](), Cache[Money]()


@corpus
def caches_of_nested_rows(a: ZSet[Visit], b: ZSet[Money]) -> tuple[ZSet[Visit], ZSet[Money]]:
    _ = visit_cache[a](
        lambda z: st.integrate_indexed(z, indexes=(Index.pick(Visit, lambda v: v.before),))
    )
    _ = money_cache[b](
        lambda z: st.integrate_indexed(
            z, indexes=(Index.pick(Money, lambda m: (m.free, m.scaled)),)
        )
    )
    return a, b


join_cache = Cache[ItemPart]()


@corpus
def cache_of_a_join(a: ZSet[Item], b: ZSet[Part]) -> ZSet[ItemPart]:
    pairs = st.join(a, b, on_left=by_k, on_right=Index.pick(Part, lambda p: p.k))
    _ = join_cache[pairs](lambda z: st.integrate(z))
    return pairs


sums_cache, texts_cache = Cache[Pair[float, int]](), Cache[str]()


@corpus
def caches_of_groups(a: ZSet[Item]) -> ZSet[Pair[float, int]]:
    sums = st.group_reduce_flatten(a, by=by_k, zero=float, pick_value=lambda i: i.x)
    _ = sums_cache[sums](
        lambda z: st.integrate_indexed(
            z, indexes=(Index.pick(Pair[float, int], lambda p: p.left, ascending=False),)
        )
    )
    texts = st.map(sums, f=lambda p: f"{p.right} {p.left < 0.0}")
    _ = texts_cache[texts](lambda z: st.integrate(z))
    return sums


difference_cache = Cache[Item]()


@corpus
def cache_with_negative_counts(a: ZSet[Item], b: ZSet[Item]) -> ZSet[Item]:
    difference = st.add(a, st.neg(b))
    _ = difference_cache[difference](lambda z: st.integrate(z))
    return difference


words_cache = Cache[str]()


@corpus
def cache_of_plain_values(a: ZSet[str], b: ZSet[tuple[int, str]]) -> ZSet[str]:
    words = st.add(a, st.map(b, f=lambda t: t[1]))
    _ = words_cache[words](
        lambda z: st.integrate_indexed(z, indexes=(Index.identity(str, ascending=False),))
    )
    return words


dumps_cache = Cache[str]()


def dumped(p: ItemPart) -> str:
    return json.dumps([p.left.k, p.right.name])


@corpus.python
def cache_of_a_python_step(a: ZSet[Item], b: ZSet[Part]) -> ZSet[str]:
    pairs = st.join(a, b, on_left=by_k, on_right=Index.pick(Part, lambda p: p.k))
    dumps = st.map(pairs, f=dumped)
    _ = dumps_cache[dumps](lambda z: st.integrate(z))
    return dumps


@corpus
def the_same_output_twice(a: ZSet[Item], b: ZSet[Part]) -> tuple[ZSet[ItemPart], ZSet[ItemPart]]:
    pairs = st.join(a, b, on_left=by_k, on_right=Index.pick(Part, lambda p: p.k))
    again = st.join(a, b, on_left=by_k, on_right=Index.pick(Part, lambda p: p.k))
    return pairs, again


@corpus
def many_outputs_of_one_join(
    a: ZSet[Item], b: ZSet[Part]
) -> tuple[ZSet[Pair[int, int]], ZSet[str], ZSet[float], ZSet[Item]]:
    pairs = st.join(a, b, on_left=by_k, on_right=Index.pick(Part, lambda p: p.k))
    sums = st.group_reduce_flatten(
        pairs,
        by=Index.pick(ItemPart, lambda p: p.left.k),
        zero=int,
        pick_value=lambda p: p.left.n % 10,
    )
    names = st.map(pairs, f=lambda p: p.right.name)
    costs = st.map(st.filter(pairs, f=lambda p: p.right.cost > 0.0), f=lambda p: p.right.cost)
    return sums, names, costs, st.integrate(a)
