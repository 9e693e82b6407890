"""count, reduce and aggregate against Python's own sum, min, max and sets."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Annotated, Any

import pytest

import stepping as st
from stepping import Index, Pair, ZSet, agg
from tests.support.oracle import (
    Found,
    Judged,
    Judges,
    Rows,
    grouped,
    hold,
    plain,
    run,
    there,
    total,
)
from tests.support.rows import Color, Item, Keys, Maybe, Money, Mood, Part, Size, Visit

CASES = judged = Judges()


# ---------------------------------------------------------------------- aggregates in plain Python


def summed(rows: Rows, f: Callable[[Any], Any], zero: Any = 0) -> Any:
    return sum((f(row) * n for row, n in rows.items() if f(row) is not None), zero)


def counted(rows: Rows, f: Callable[[Any], Any] = lambda row: row) -> int:
    return sum(n for row, n in rows.items() if f(row) is not None)


def values(rows: Rows, f: Callable[[Any], Any]) -> list[Any]:
    """The values that are there: those that some row with them outweighs."""
    weights = total((f(row), n) for row, n in rows.items() if f(row) is not None)
    return list(there(weights))


def smallest(rows: Rows, f: Callable[[Any], Any]) -> Any:
    return min(values(rows, f), key=plain, default=None)


def largest(rows: Rows, f: Callable[[Any], Any]) -> Any:
    return max(values(rows, f), key=plain, default=None)


def mean(rows: Rows, f: Callable[[Any], Any], zero: Any = 0) -> Any:
    n = counted(rows, f)
    return summed(rows, f, zero) / n if n else None


def by(key: Callable[[Any], Any], stats: Callable[[Rows], Any]) -> Callable[[Rows], Found]:
    return lambda rows: {Pair(stats(own), group): 1 for group, own in grouped(rows, key).items()}


def single(stats: Callable[[Rows], Any]) -> Callable[[Rows], Found]:
    return lambda rows: {stats(rows): 1}


# -------------------------------------------------------------------------------------- the cases


class Stats(st.Data):
    total: int
    n: int
    named: int
    low: int
    high: str | None
    mean: float
    kinds: int
    some: bool
    every: bool


def stats_of(rows: Rows) -> Stats:
    return Stats(
        total=summed(rows, lambda i: i.k),
        n=counted(rows),
        named=counted(rows, lambda i: i.t),
        low=smallest(rows, lambda i: i.n),
        high=largest(rows, lambda i: i.t),
        mean=mean(rows, lambda i: i.k),
        kinds=len(values(rows, lambda i: i.t)),
        some=summed(rows, lambda i: bool(i.t)) > 0,
        every=summed(rows, lambda i: not i.x > 0.5) == 0,
    )


def stats(a: ZSet[Item], by: Index[Item, Any]) -> ZSet[Any]:
    return st.aggregate(
        a,
        by=by,
        into=Stats,
        total=agg.sum(lambda i: i.k),
        n=agg.count(),
        named=agg.count(lambda i: i.t),
        low=agg.min(lambda i: i.n),
        high=agg.max(lambda i: i.t),
        mean=agg.avg(lambda i: i.k),
        kinds=agg.count_distinct(lambda i: i.t),
        some=agg.any_(lambda i: i.t),
        every=agg.all_(lambda i: i.x > 0.5),
    )


@judged(by(lambda i: i.t, stats_of))
def by_text_or_none(a: ZSet[Item]) -> ZSet[Pair[Stats, str | None]]:
    return stats(a, Index.pick(Item, lambda i: i.t))


@judged(by(lambda i: (i.k % 2, i.x > 0.0), stats_of))
def by_expressions(a: ZSet[Item]) -> ZSet[Pair[Stats, tuple[int, bool]]]:
    return stats(a, Index.pick(Item, lambda i: (i.k % 2, i.x > 0.0)))


class Whole(st.Data):
    n: int
    low: int | None
    high: float | None
    mean: float | None
    kinds: int
    some: bool
    every: bool
    floats: float


def whole_of(rows: Rows) -> Whole:
    return Whole(
        n=counted(rows),
        low=smallest(rows, lambda i: i.n),
        high=largest(rows, lambda i: i.x),
        mean=mean(rows, lambda i: i.k),
        kinds=len(values(rows, lambda i: i.x)),
        some=summed(rows, lambda i: i.k > 1) > 0,
        every=summed(rows, lambda i: not i.t) == 0,
        floats=summed(rows, lambda i: i.k % 8 / 2, 0.0),
    )


@judged(single(whole_of))
def over_the_whole(a: ZSet[Item]) -> ZSet[Whole]:
    return st.aggregate(
        a,
        into=Whole,
        n=agg.count(),
        low=agg.min(lambda i: i.n),
        high=agg.max(lambda i: i.x),
        mean=agg.avg(lambda i: i.k),
        kinds=agg.count_distinct(lambda i: i.x),
        some=agg.any_(lambda i: i.k > 1),
        every=agg.all_(lambda i: bool(i.t)),
        floats=agg.sum(lambda i: i.k % 8 / 2),
    )


class Lowest(st.Data):
    day: datetime.date
    moment: datetime.datetime
    hour: datetime.time
    color: Color
    size: Size
    mood: Mood
    raw: bytes
    flag: bool
    kinds: int


@judged(
    by(
        lambda k: k.n % 2,
        lambda rows: Lowest(
            day=smallest(rows, lambda k: k.day),
            moment=largest(rows, lambda k: k.moment),
            hour=smallest(rows, lambda k: k.hour),
            color=smallest(rows, lambda k: k.color),
            size=smallest(rows, lambda k: k.size),
            mood=largest(rows, lambda k: k.mood),
            raw=largest(rows, lambda k: k.raw),
            flag=largest(rows, lambda k: k.flag),
            kinds=len(values(rows, lambda k: k.uid)),
        ),
    )
)
def extremes_of_each_kind(a: ZSet[Keys]) -> ZSet[Pair[Lowest, int]]:
    return st.aggregate(
        a,
        by=Index.pick(Keys, lambda k: k.n % 2),
        into=Lowest,
        day=agg.min(lambda k: k.day),
        moment=agg.max(lambda k: k.moment),
        hour=agg.min(lambda k: k.hour),
        color=agg.min(lambda k: k.color),
        size=agg.min(lambda k: k.size),
        mood=agg.max(lambda k: k.mood),
        raw=agg.max(lambda k: k.raw),
        flag=agg.max(lambda k: k.flag),
        kinds=agg.count_distinct(lambda k: k.uid),
    )


class Some(st.Data):
    low: str | None
    high: Decimal | None
    size: Size | None
    day: datetime.date | None
    colors: int
    n: int


@judged(
    by(
        lambda m: m.color,
        lambda rows: Some(
            low=smallest(rows, lambda m: m.s),
            high=largest(rows, lambda m: m.d),
            size=largest(rows, lambda m: m.size),
            day=smallest(rows, lambda m: m.day),
            colors=len(values(rows, lambda m: m.color)),
            n=counted(rows, lambda m: m.uid),
        ),
    )
)
def extremes_of_what_may_be_none(a: ZSet[Maybe]) -> ZSet[Pair[Some, Color | None]]:
    return st.aggregate(
        a,
        by=Index.pick(Maybe, lambda m: m.color),
        into=Some,
        low=agg.min(lambda m: m.s),
        high=agg.max(lambda m: m.d),
        size=agg.max(lambda m: m.size),
        day=agg.min(lambda m: m.day),
        colors=agg.count_distinct(lambda m: m.color),
        n=agg.count(lambda m: m.uid),
    )


class Sums(st.Data):
    free: Decimal
    scaled: Decimal
    mean: Decimal
    low: Decimal


@judged(
    by(
        lambda m: m.owner,
        lambda rows: Sums(
            free=summed(rows, lambda m: m.free, Decimal(0)),
            scaled=summed(rows, lambda m: m.scaled, Decimal(0)),
            mean=mean(rows, lambda m: m.scaled, Decimal(0)),
            low=smallest(rows, lambda m: m.free),
        ),
    ),
    nasty=False,
)
def decimals_by_long_texts(a: ZSet[Money]) -> ZSet[Pair[Sums, str]]:
    return st.aggregate(
        a,
        by=Index.pick(Money, lambda m: m.owner),
        into=Sums,
        free=agg.sum(lambda m: m.free),
        scaled=agg.sum(lambda m: m.scaled),
        mean=agg.avg(lambda m: m.scaled),
        low=agg.min(lambda m: m.free),
    )


class OtherScales(st.Data):
    """Decimals of a scale other than what is summed, and of ints."""

    more: Annotated[Decimal, st.Scale(4)]
    free: Decimal
    top: Annotated[Decimal, st.Scale(3)] | None
    ints: Annotated[Decimal, st.Scale(1)]
    wide: Decimal
    flags: Decimal


@judged(
    single(
        lambda rows: OtherScales(
            more=summed(rows, lambda m: m.scaled, Decimal(0)),
            free=summed(rows, lambda m: m.scaled, Decimal(0)),
            top=largest(rows, lambda m: m.scaled),
            ints=Decimal(summed(rows, lambda m: len(m.owner))),
            wide=Decimal(summed(rows, lambda m: len(m.owner))),
            flags=Decimal(summed(rows, lambda m: m.scaled > 0)),
        )
    )
)
def decimals_of_other_scales(a: ZSet[Money]) -> ZSet[OtherScales]:
    return st.aggregate(
        a,
        into=OtherScales,
        more=agg.sum(lambda m: m.scaled),
        free=agg.sum(lambda m: m.scaled),
        top=agg.max(lambda m: m.scaled),
        ints=agg.sum(lambda m: len(m.owner)),
        wide=agg.sum(lambda m: len(m.owner)),
        flags=agg.sum(lambda m: m.scaled > 0),
    )


class Number(st.Data):
    n: int


@judged(
    lambda a, b: (
        {counted(a): 1},
        {summed(b, lambda p: p.k or 0): 1},
        {summed(a, lambda i: i.k % 8 / 4, 0.0): 1},
        {Number(n=counted({row: n for row, n in a.items() if row.k > 2})): 1},
        {Pair(counted(a), counted(b)): 1},
        {Decimal(summed(a, lambda i: i.k)): 1},
        {Decimal(summed(b, lambda p: p.cost > 1.0)): 1},
    )
)
def one_row_each(a: ZSet[Item], b: ZSet[Part]) -> tuple[ZSet[Any], ...]:
    count_a, count_b = st.count(a), st.count(b)
    always = Index.pick(int, lambda n: 0)
    return (
        count_a,
        st.reduce(b, zero=int, pick_value=lambda p: p.k if p.k is not None else 0),
        st.reduce(a, zero=float, pick_value=lambda i: i.k % 8 / 4),
        st.aggregate(st.filter(a, f=lambda i: i.k > 2), into=Number, n=agg.count()),
        st.join(count_a, count_b, on_left=always, on_right=always),
        st.reduce(a, zero=Decimal, pick_value=lambda i: i.k),
        st.reduce(b, zero=Decimal, pick_value=lambda p: p.cost > 1.0),
    )


def joined(a: Rows, b: Rows) -> Found:
    return total((Pair(l, r), n * m) for l, n in a.items() for r, m in b.items() if l.k == r.k)


class OfParts(st.Data):
    names: int
    cheapest: float
    n: int


@judged(
    lambda a, b: by(
        lambda p: p.left.t,
        lambda rows: OfParts(
            names=len(values(rows, lambda p: p.right.name)),
            cheapest=smallest(rows, lambda p: p.right.cost),
            n=counted(rows),
        ),
    )(joined(a, b))
)
def of_a_join(a: ZSet[Item], b: ZSet[Part]) -> ZSet[Pair[OfParts, str | None]]:
    pairs = st.join(
        a, b, on_left=Index.pick(Item, lambda i: i.k), on_right=Index.pick(Part, lambda p: p.k)
    )
    return st.aggregate(
        pairs,
        by=Index.pick(Pair[Item, Part], lambda p: p.left.t),
        into=OfParts,
        names=agg.count_distinct(lambda p: p.right.name),
        cheapest=agg.min(lambda p: p.right.cost),
        n=agg.count(),
    )


@judged(
    by(lambda v: v.before, lambda rows: Number(n=smallest(rows, lambda v: v.n))),
)
def by_optional_rows(a: ZSet[Visit]) -> ZSet[Any]:
    return st.aggregate(
        a, by=Index.pick(Visit, lambda v: v.before), into=Number, n=agg.min(lambda v: v.n)
    )


class Gathered(st.Data):
    names: st.ZSetPython[str]
    n: int


def gathered(rows: Rows) -> Gathered:
    names = total((i.t, n) for i, n in rows.items() if i.t is not None)
    return Gathered(names=st.ZSetPython(names), n=counted(rows))


@judged(by(lambda i: i.k % 2, gathered))
def collected_by_key(a: ZSet[Item]) -> ZSet[Any]:
    index = Index.pick(Item, lambda i: i.k % 2)
    return st.aggregate(a, by=index, into=Gathered, names=agg.collect(lambda i: i.t), n=agg.count())


@judged(single(gathered))
def collected_whole(a: ZSet[Item]) -> ZSet[Gathered]:
    return st.aggregate(a, into=Gathered, names=agg.collect(lambda i: i.t), n=agg.count())


def letters(item: Item) -> st.ZSetPython[str]:
    return st.ZSetPython((letter, item.n % 3 - 1) for letter in item.t or "")


def initial(item: Item) -> str:  # on Postgres a Python step
    return (item.t or "-")[:1].title()


@judged(
    lambda rows: {
        Pair(
            st.ZSetPython(
                (letter, n * m) for row, n in own.items() for letter, m in letters(row).iter()
            ),
            key,
        ): 1
        for key, own in grouped(rows, initial).items()
    },
    python=True,
)
def summed_collections(a: ZSet[Item]) -> ZSet[Any]:
    by = Index.pick(Item, initial)
    return st.group_reduce_flatten(a, by=by, zero=st.ZSetPython, pick_value=letters)


@pytest.mark.parametrize("case", CASES, ids=CASES.by_name)
def test_aggregates(case: Judged, every_postgres: list[tuple[str, str]]) -> None:
    hold(case, every_postgres)


COLLECTED = ["collected_by_key", "collected_whole", "summed_collections"]
NEGATIVE = ["one_row_each", "over_the_whole", *COLLECTED]


@pytest.mark.parametrize("case", [CASES.by_name[name] for name in NEGATIVE], ids=NEGATIVE)
def test_aggregates_of_negative_counts(case: Judged, every_postgres: list[tuple[str, str]]) -> None:
    hold(case, every_postgres, negative=True)


def test_the_smallest_goes_and_comes_back(every_postgres: list[tuple[str, str]]) -> None:
    rows = [Item(k=1, t="a", x=1.0, n=n) for n in (5, 3, 9)]
    run(
        CASES.by_name["by_text_or_none"],
        every_postgres,
        ({rows[0]: 1, rows[1]: 2},),
        ({rows[1]: -1},),
        ({rows[1]: -1},),
        ({rows[0]: -1, rows[2]: 1},),
        ({rows[1]: 1, rows[2]: -1},),
        ({rows[1]: -1},),
    )


def first_of(items: Iterable[Any]) -> Any:
    (only,) = items
    return only


@pytest.mark.parametrize("kind", ["python", "sqlite", "postgres"])
def test_one_row_from_the_first_step_on(kind: str, postgres_db: str) -> None:
    graph = st.compile(one_row_each)
    with st.connection_sqlite(":memory:") as lite, st.connection_postgres(postgres_db) as postgres:
        store: Any = {
            "python": lambda: st.StorePython.from_graph(graph),
            "sqlite": lambda: st.StoreSQLite.from_graph(lite, graph),
            "postgres": lambda: st.StorePostgres.from_graph(postgres, graph),
        }[kind]()
        nothing: Any = (st.ZSetPython(), st.ZSetPython())
        found = st.iteration(store, graph, nothing)
        rows = [first_of(each.iter()) for each in found]
        assert rows == [(0, 1), (0, 1), (0.0, 1), (Number(n=0), 1), (Pair(0, 0), 1), (0, 1), (0, 1)]
        assert all(len(each) == 0 for each in st.iteration(store, graph, nothing))
