"""Linear operators, and inputs that are used more than once."""

from __future__ import annotations

import json
from decimal import Decimal

import stepping as st
from stepping import Pair, ZSet
from tests.support.queries.case import Corpus
from tests.support.rows import Color, Frozen, Item, Keys, Maybe, Money, Named, Part, Place, Visit

CASES = corpus = Corpus()
PRICES = {0: "free", 1: "one"}


@corpus
def the_input_itself(a: ZSet[Item]) -> ZSet[Item]:
    return a


@corpus
def every_kind_of_column(a: ZSet[Keys], b: ZSet[Maybe]) -> tuple[ZSet[Keys], ZSet[Maybe]]:
    return a, b


@corpus
def texts(a: ZSet[str]) -> ZSet[str]:
    return a


@corpus
def ints_doubled(a: ZSet[int]) -> ZSet[int]:
    return st.map(a, f=lambda n: n % 7 * 2)


@corpus
def tuples_turned(a: ZSet[tuple[int, str]]) -> ZSet[tuple[str, int]]:
    return st.map(a, f=lambda t: (t[1], t[0]))


@corpus
def other_row_classes(a: ZSet[Frozen], b: ZSet[Named]) -> tuple[ZSet[Named], ZSet[Frozen]]:
    return (
        st.map(a, f=lambda r: Named(r.k, r.s)),
        st.map(b, f=lambda r: Frozen(k=r.k, s=r.s if r.s is not None else "none")),
    )


@corpus
def map_that_merges_rows(a: ZSet[Item]) -> ZSet[str | None]:
    return st.map(a, f=lambda i: i.t)


@corpus
def map_to_nothing_of_the_row(a: ZSet[Item]) -> ZSet[int]:
    return st.map(a, f=lambda i: 1)


@corpus
def map_to_pairs(a: ZSet[Item]) -> ZSet[Pair[Item, tuple[int, bool]]]:
    return st.map(a, f=lambda i: Pair(i, (i.k, i.x > 0.0)))


@corpus
def map_nested(a: ZSet[Visit]) -> ZSet[Place]:
    return st.map(a, f=lambda v: v.before if v.before is not None else v.at)


@corpus
def map_to_optional(a: ZSet[Visit]) -> ZSet[Pair[Place | None, int]]:
    return st.map(a, f=lambda v: Pair(v.before if v.n > 0 else None, v.code[0]))


@corpus
def map_chained(a: ZSet[Item]) -> ZSet[int]:
    halves = st.map(a, f=lambda i: Pair(i.k % 5, i.n % 5))
    return st.map(halves, f=lambda p: p.left * 10 + p.right)


@corpus
def map_of_decimals(a: ZSet[Money]) -> ZSet[Decimal]:
    return st.map(a, f=lambda m: m.free + m.scaled)


@corpus
def filter_by_number(a: ZSet[Item]) -> ZSet[Item]:
    return st.filter(a, f=lambda i: i.k > 0 and i.x >= 0.0)


@corpus
def filter_by_none(a: ZSet[Item]) -> ZSet[Item]:
    return st.filter(a, f=lambda i: i.t is not None and len(i.t) > 0)


@corpus
def filter_by_truth(a: ZSet[Item]) -> ZSet[Item]:
    return st.filter(a, f=lambda i: bool(i.n))


@corpus
def filter_that_guards(a: ZSet[Item]) -> ZSet[int]:
    return st.map(st.filter(a, f=lambda i: i.k != 0), f=lambda i: i.n // i.k)


@corpus
def added_to_itself(a: ZSet[Item]) -> ZSet[Item]:
    return st.add(a, a)


@corpus
def added_to_another(a: ZSet[Item], b: ZSet[Item]) -> ZSet[Item]:
    return st.add(a, b)


@corpus
def added_under_other_names(a: ZSet[Item], b: ZSet[Part]) -> ZSet[tuple[str, float]]:
    return st.add(
        st.map(a, f=lambda i: (i.t if i.t is not None else "", i.x)),
        st.map(b, f=lambda p: (p.name, p.cost)),
    )


@corpus
def negated(a: ZSet[Item]) -> ZSet[Item]:
    return st.neg(a)


@corpus
def subtracted(a: ZSet[Item], b: ZSet[Item]) -> ZSet[Item]:
    return st.add(a, st.neg(b))


@corpus
def subtracted_from_itself(a: ZSet[Item]) -> ZSet[Item]:
    return st.add(a, st.neg(a))


@corpus
def diamond(a: ZSet[Item]) -> ZSet[int]:
    small = st.filter(a, f=lambda i: i.k < 2)
    return st.add(st.map(small, f=lambda i: i.k), st.map(small, f=lambda i: i.n))


@corpus
def two_outputs_and_an_unused_input(
    a: ZSet[Item], b: ZSet[Part], unused: ZSet[Part]
) -> tuple[ZSet[Item], ZSet[str], ZSet[Item]]:
    return st.filter(a, f=lambda i: i.k == 1), st.map(b, f=lambda p: p.name), a


def dumped(i: Item) -> str:
    return json.dumps([i.k, i.t])


@corpus.python
def map_in_python(a: ZSet[Item]) -> ZSet[str]:
    return st.map(a, f=dumped)


@corpus.python
def map_by_a_dict(a: ZSet[Item]) -> ZSet[Pair[str, int]]:
    return st.map(a, f=lambda i: Pair(str(PRICES.get(i.k, "many")), i.n))


@corpus.python
def filter_in_python(a: ZSet[Item]) -> ZSet[Item]:
    return st.filter(a, f=lambda i: i.k in PRICES and len(json.dumps(i.t)) > 3)


def in_words(i: Item) -> Pair[str, Color | None]:
    return Pair(json.dumps(i.x), Color.RED if i.k in PRICES else None)


@corpus.python
def python_between_sql(a: ZSet[Item]) -> tuple[ZSet[str], ZSet[Pair[str, Color | None]]]:
    worded = st.map(st.filter(a, f=lambda i: i.n >= 0), f=in_words)
    coloured = st.filter(worded, f=lambda p: p.right is not None)
    return st.map(coloured, f=lambda p: p.left + "!"), worded
