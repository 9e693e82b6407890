"""Grouped sums: of each kind of number, by each kind of key, over joins and over differences."""

from __future__ import annotations

import datetime
import json
import uuid
from decimal import Decimal

import stepping as st
from stepping import Index, Pair, ZSet
from tests.support.queries.case import Corpus
from tests.support.rows import Color, Item, Keys, Maybe, Money, Part, Place, Visit

CASES = corpus = Corpus()
SIZES = {"a": 1, "b": 2}


def dumped(text: str | None) -> str:
    return json.dumps(text)


ItemPart = Pair[Item, Part]


@corpus
def ints_by_int(a: ZSet[Item]) -> ZSet[Pair[int, int]]:
    return st.group_reduce_flatten(
        a, by=Index.pick(Item, lambda i: i.k), zero=int, pick_value=lambda i: i.n
    )


@corpus
def floats_by_text(a: ZSet[Item]) -> ZSet[Pair[float, str | None]]:
    return st.group_reduce_flatten(
        a, by=Index.pick(Item, lambda i: i.t), zero=float, pick_value=lambda i: i.x
    )


@corpus
def scaled_by_text(a: ZSet[Money]) -> ZSet[Pair[Decimal, str]]:
    return st.group_reduce_flatten(
        a, by=Index.pick(Money, lambda m: m.owner), zero=Decimal, pick_value=lambda m: m.scaled
    )


@corpus
def decimals_by_decimal(a: ZSet[Money]) -> ZSet[Pair[Decimal, Decimal]]:
    return st.group_reduce_flatten(
        a, by=Index.pick(Money, lambda m: m.free), zero=Decimal, pick_value=lambda m: m.free
    )


@corpus
def by_several_columns(a: ZSet[Item]) -> ZSet[Pair[float, tuple[int, str | None]]]:
    return st.group_reduce_flatten(
        a, by=Index.pick(Item, lambda i: (i.k, i.t)), zero=float, pick_value=lambda i: i.x * 2.0
    )


@corpus
def by_nested_row(a: ZSet[Visit]) -> ZSet[Pair[int, Place]]:
    return st.group_reduce_flatten(
        a, by=Index.pick(Visit, lambda v: v.at), zero=int, pick_value=lambda v: v.n % 11
    )


@corpus
def by_optional_row(a: ZSet[Visit]) -> ZSet[Pair[int, Place | None]]:
    return st.group_reduce_flatten(
        a, by=Index.pick(Visit, lambda v: v.before), zero=int, pick_value=lambda v: v.n % 11
    )


@corpus
def by_each_kind(
    a: ZSet[Keys],
) -> tuple[
    ZSet[Pair[int, datetime.date]],
    ZSet[Pair[int, uuid.UUID]],
    ZSet[Pair[int, Color]],
    ZSet[Pair[int, bool]],
    ZSet[Pair[int, tuple[datetime.datetime, datetime.time, bytes]]],
]:
    return (
        st.group_reduce_flatten(
            a, by=Index.pick(Keys, lambda k: k.day), zero=int, pick_value=lambda k: k.n % 5
        ),
        st.group_reduce_flatten(
            a, by=Index.pick(Keys, lambda k: k.uid), zero=int, pick_value=lambda k: 1
        ),
        st.group_reduce_flatten(
            a, by=Index.pick(Keys, lambda k: k.color), zero=int, pick_value=lambda k: k.n % 5
        ),
        st.group_reduce_flatten(
            a, by=Index.pick(Keys, lambda k: k.flag), zero=int, pick_value=lambda k: 2
        ),
        st.group_reduce_flatten(
            a,
            by=Index.pick(Keys, lambda k: (k.stamp, k.hour, k.raw)),
            zero=int,
            pick_value=lambda k: k.n % 5,
        ),
    )


@corpus
def by_each_kind_that_may_be_none(
    a: ZSet[Maybe],
) -> tuple[
    ZSet[Pair[int, tuple[int | None, float | None, bool | None]]],
    ZSet[Pair[int, tuple[bytes | None, Decimal | None, Decimal | None]]],
    ZSet[Pair[int, tuple[datetime.date | None, datetime.datetime | None]]],
    ZSet[Pair[int, tuple[uuid.UUID | None, Color | None]]],
]:
    return (
        st.group_reduce_flatten(
            a, by=Index.pick(Maybe, lambda m: (m.i, m.f, m.b)), zero=int, pick_value=lambda m: 1
        ),
        st.group_reduce_flatten(
            a,
            by=Index.pick(Maybe, lambda m: (m.raw, m.d, m.scaled)),
            zero=int,
            pick_value=lambda m: 1,
        ),
        st.group_reduce_flatten(
            a, by=Index.pick(Maybe, lambda m: (m.day, m.moment)), zero=int, pick_value=lambda m: 1
        ),
        st.group_reduce_flatten(
            a, by=Index.pick(Maybe, lambda m: (m.uid, m.color)), zero=int, pick_value=lambda m: 1
        ),
    )


@corpus
def all_in_one_group(a: ZSet[Item]) -> ZSet[Pair[int, int]]:
    return st.group_reduce_flatten(
        a, by=Index.pick(Item, lambda i: 0), zero=int, pick_value=lambda i: i.k
    )


@corpus
def none_is_left_out(a: ZSet[Maybe]) -> ZSet[Pair[float, str | None]]:
    return st.group_reduce_flatten(
        st.filter(a, f=lambda m: m.f is not None),
        by=Index.pick(Maybe, lambda m: m.s),
        zero=float,
        pick_value=lambda m: m.f if m.f is not None else 0.0,
    )


@corpus
def flags_are_counted(a: ZSet[Item]) -> ZSet[Pair[int, str | None]]:
    return st.group_reduce_flatten(
        a, by=Index.pick(Item, lambda i: i.t), zero=int, pick_value=lambda i: i.k > 0
    )


@corpus
def sums_are_mapped(a: ZSet[Item]) -> ZSet[str]:
    sums = st.group_reduce_flatten(
        a, by=Index.pick(Item, lambda i: i.k), zero=float, pick_value=lambda i: i.x
    )
    return st.map(sums, f=lambda p: f"{p.right}: {p.left > 0.0}")


@corpus
def groups_of_groups(a: ZSet[Item]) -> ZSet[Pair[int, bool]]:
    sums = st.group_reduce_flatten(
        a, by=Index.pick(Item, lambda i: i.k), zero=int, pick_value=lambda i: i.n % 100
    )
    return st.group_reduce_flatten(
        sums,
        by=Index.pick(Pair[int, int], lambda p: p.left > 1),
        zero=int,
        pick_value=lambda p: p.left,
    )


@corpus
def groups_of_a_join(a: ZSet[Item], b: ZSet[Part]) -> ZSet[Pair[float, int]]:
    pairs = st.join(
        a, b, on_left=Index.pick(Item, lambda i: i.k), on_right=Index.pick(Part, lambda p: p.k)
    )
    return st.group_reduce_flatten(
        pairs,
        by=Index.pick(ItemPart, lambda p: p.left.k),
        zero=float,
        pick_value=lambda p: p.left.x + p.right.cost,
    )


@corpus
def groups_of_a_self_join(a: ZSet[Item]) -> ZSet[Pair[int, tuple[str | None, int]]]:
    by_key = Index.pick(Item, lambda i: i.k)
    return st.group_reduce_flatten(
        st.join(a, a, on_left=by_key, on_right=by_key),
        by=Index.pick(Pair[Item, Item], lambda p: (p.left.t, p.right.k)),
        zero=int,
        pick_value=lambda p: p.left.n % 10 + p.right.n % 10,
    )


@corpus
def join_of_groups(a: ZSet[Item], b: ZSet[Part]) -> ZSet[Pair[Pair[int, int], Part]]:
    sums = st.group_reduce_flatten(
        a, by=Index.pick(Item, lambda i: i.k), zero=int, pick_value=lambda i: i.n
    )
    return st.join(
        sums,
        b,
        on_left=Index.pick(Pair[int, int], lambda p: p.right),
        on_right=Index.pick(Part, lambda p: p.k),
    )


@corpus
def join_of_groups_of_the_same(a: ZSet[Item]) -> ZSet[Pair[int, Pair[float, int]]]:
    by_key = Index.pick(Item, lambda i: i.k)
    ints = st.group_reduce_flatten(a, by=by_key, zero=int, pick_value=lambda i: i.n)
    floats = st.group_reduce_flatten(a, by=by_key, zero=float, pick_value=lambda i: i.x)
    pairs = st.join(
        ints,
        floats,
        on_left=Index.pick(Pair[int, int], lambda p: p.right),
        on_right=Index.pick(Pair[float, int], lambda p: p.right),
    )
    return st.map(pairs, f=lambda p: Pair(p.left.left, p.right))


@corpus
def row_beside_the_sum_of_its_group(a: ZSet[Item]) -> ZSet[Pair[Item, Pair[float, int]]]:
    by_key = Index.pick(Item, lambda i: i.k)
    sums = st.group_reduce_flatten(a, by=by_key, zero=float, pick_value=lambda i: i.x)
    return st.join(
        a, sums, on_left=by_key, on_right=Index.pick(Pair[float, int], lambda p: p.right)
    )


@corpus
def groups_of_a_difference(a: ZSet[Item], b: ZSet[Item]) -> ZSet[Pair[int, int]]:
    # A group exists while a row in it has a weight, also when the weights add up to 0.
    return st.group_reduce_flatten(
        st.add(a, st.neg(b)),
        by=Index.pick(Item, lambda i: i.k),
        zero=int,
        pick_value=lambda i: i.n,
    )


@corpus
def groups_of_a_negation(a: ZSet[Item]) -> ZSet[Pair[float, str | None]]:
    return st.group_reduce_flatten(
        st.neg(a), by=Index.pick(Item, lambda i: i.t), zero=float, pick_value=lambda i: i.x
    )


@corpus
def groups_of_a_joined_difference(
    a: ZSet[Item], b: ZSet[Item], c: ZSet[Part]
) -> ZSet[Pair[float, bool]]:
    pairs = st.join(
        st.add(a, st.neg(b)),
        c,
        on_left=Index.pick(Item, lambda i: i.k),
        on_right=Index.pick(Part, lambda p: p.k),
    )
    return st.group_reduce_flatten(
        pairs,
        by=Index.pick(ItemPart, lambda p: p.left.n > 1),
        zero=float,
        pick_value=lambda p: p.right.cost,
    )


@corpus
def change_of_groups(a: ZSet[Item], b: ZSet[Item]) -> ZSet[Pair[int, int]]:
    # The sums of one side less those of the other, as rows: then their groups.
    by_key = Index.pick(Item, lambda i: i.k)
    left = st.group_reduce_flatten(a, by=by_key, zero=int, pick_value=lambda i: i.n % 4)
    right = st.group_reduce_flatten(b, by=by_key, zero=int, pick_value=lambda i: i.n % 4)
    return st.group_reduce_flatten(
        st.add(left, st.neg(right)),
        by=Index.pick(Pair[int, int], lambda p: p.right % 2),
        zero=int,
        pick_value=lambda p: p.left,
    )


@corpus.python
def by_a_python_key(a: ZSet[Item]) -> ZSet[Pair[int, str]]:
    return st.group_reduce_flatten(
        a,
        by=Index.pick(Item, lambda i: dumped(i.t)),
        zero=int,
        pick_value=lambda i: i.n,
    )


def size_of(t: str | None) -> int:
    return SIZES.get(t or "", 0)


@corpus.python
def python_values(a: ZSet[Item]) -> ZSet[Pair[int, str | None]]:
    return st.group_reduce_flatten(
        a, by=Index.pick(Item, lambda i: i.t), zero=int, pick_value=lambda i: size_of(i.t) + i.k
    )


@corpus.python
def python_keys_and_values_of_a_join(a: ZSet[Item], b: ZSet[Part]) -> ZSet[Pair[int, str]]:
    pairs = st.join(
        a, b, on_left=Index.pick(Item, lambda i: i.k), on_right=Index.pick(Part, lambda p: p.k)
    )
    return st.group_reduce_flatten(
        pairs,
        by=Index.pick(ItemPart, lambda p: dumped(p.right.name)),
        zero=int,
        pick_value=lambda p: size_of(p.left.t),
    )
