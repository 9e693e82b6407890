"""What the ranges of fields prove of values, and what need not be guarded then."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import pytest

import stepping as st
from stepping.compiler.zset import ZSetPython
from tests.support.place import Place


class Item(st.Data):
    id: int
    group: str = "a"
    small: Annotated[int, st.Range(-100, 2**31 - 1)] = 0
    maybe: Annotated[int, st.Range(0, 9)] | None = None
    large: Annotated[int, st.Range(0, 2**31)] = 0
    cents: Annotated[Decimal, st.Scale(2), st.Range(0, Decimal("9.99"))] = Decimal(0)
    open: Annotated[int, st.Range(0, float("inf"))] = 0
    plain: int = 0


class Claimed(st.Data):
    """A class of results: nobody checks what is computed."""

    group: str
    small: Annotated[int, st.Range(0, 9)]


GROUP = st.Index.pick(Item, lambda i: i.group)
SMALL: list[Any] = [
    lambda i: i.small,
    lambda i: i.maybe if i.maybe is not None else 0,
    lambda i: i.small if i.plain > 3 else 7,
    lambda i: i.maybe * i.maybe - 5 if i.maybe is not None else 0,
]
LARGE: list[Any] = [
    lambda i: i.large,
    lambda i: i.open,
    lambda i: i.plain,
    lambda i: i.small * 2,
    lambda i: i.small if i.plain > 3 else i.plain,
]


def halves(query: Any, dialect: str = "sqlite") -> bool:
    """Whether sums are added up in halves."""
    program = st.compile(query).program(dialect)
    return any(
        "& 4294967295" in each.sql for step in program.plan.steps for each in step.statements
    )


def summed(f: Any, through: Any = lambda z: z) -> Any:
    def query(items: st.ZSet[Item]) -> st.ZSet[Any]:
        return st.group_reduce_flatten(through(items), by=GROUP, zero=int, pick_value=f)

    return query


@pytest.mark.parametrize("f", SMALL)
def test_is_small(f: Any) -> None:
    assert not halves(summed(f))


@pytest.mark.parametrize("f", LARGE)
def test_may_be_large(f: Any) -> None:
    assert halves(summed(f))


def test_through_other_operators() -> None:
    def filtered(items: Any) -> Any:
        return st.distinct(st.add(st.filter(items, f=lambda i: i.small > 3), items))

    assert not halves(summed(lambda i: i.small, filtered))

    def halved(items: st.ZSet[Item]) -> st.ZSet[Any]:
        pairs = st.join(items, items, on_left=GROUP, on_right=GROUP)
        by = st.Index.pick(st.Pair[Item, Item], lambda p: p.left.group)
        return st.group_reduce_flatten(pairs, by=by, zero=int, pick_value=lambda p: p.right.small)

    assert not halves(halved)


def test_what_is_computed_is_not_believed() -> None:
    def claimed(items: st.ZSet[Item]) -> st.ZSet[Any]:
        made = st.map(items, f=lambda i: Claimed(group=i.group, small=i.plain))
        by = st.Index.pick(Claimed, lambda c: c.group)
        return st.group_reduce_flatten(made, by=by, zero=int, pick_value=lambda c: c.small)

    assert halves(claimed)

    def of_sums(items: st.ZSet[Item]) -> st.ZSet[Any]:
        one = st.group_reduce_flatten(items, by=GROUP, zero=int, pick_value=lambda i: i.small)
        by = st.Index.pick(st.Pair[int, str], lambda p: p.right)
        return st.group_reduce_flatten(one, by=by, zero=int, pick_value=lambda p: p.left)

    assert halves(of_sums)


def test_decimals() -> None:
    def cents(items: st.ZSet[Item]) -> st.ZSet[Any]:
        return st.aggregate(items, by=GROUP, into=Cents, sum=st.agg.sum(lambda i: i.cents))

    assert not halves(cents)


class Cents(st.Data):
    sum: Annotated[Decimal, st.Scale(2)] | None


def test_sums_are_exact_or_the_step_fails(place: Place) -> None:
    kept: st.Cache[Any] = st.Cache("kept")

    def query(items: st.ZSet[Item]) -> st.ZSet[Any]:
        sums = st.group_reduce_flatten(items, by=GROUP, zero=int, pick_value=lambda i: i.small)
        _ = kept[sums](lambda z: st.integrate(z))
        return sums

    graph = st.compile(query)
    most = Item(id=1, small=2**31 - 1)
    with place.opened(graph, allow_negative=True) as store:

        def by(count: int) -> None:
            store.step({"items": ZSetPython({most: count})})

        total = 0
        for count in (1, 2**31, 2**31, -(2**32), 5):
            by(count)
            total += count * most.small
            assert [row.left for row, _ in kept.zset(store).iter()] == [total]
        for count in (2**33, 2**40, -(2**62), 2**62):
            with pytest.raises(st.RowError):
                by(count)
            assert [row.left for row, _ in kept.zset(store).iter()] == [total]
        assert st.verify(store).ok


def test_arithmetic_needs_no_guard() -> None:
    """An int that overflows is a REAL on SQLite, which is looked for where it may be."""

    def texts(f: Any) -> str:
        def query(items: st.ZSet[Item]) -> st.ZSet[Any]:
            return st.map(items, f=f)

        program = st.compile(query).program("sqlite")
        return "".join(e.sql for step in program.plan.steps for e in step.statements)

    assert "CASE" not in texts(lambda i: i.small * i.large + 3)
    assert "CASE" in texts(lambda i: i.small * i.plain)
    assert "CASE" in texts(lambda i: i.large * i.large * i.large)


def test_arithmetic_of_ranges_is_exact(place: Place) -> None:
    def query(items: st.ZSet[Item]) -> st.ZSet[Any]:
        pairs = st.join(items, items, on_left=GROUP, on_right=GROUP)
        return st.map(pairs, f=lambda p: p.left.small * p.right.large - p.left.small)

    graph = st.compile(query)
    with place.opened(graph) as store:
        rows = [Item(id=1, small=2**31 - 1, large=2**31), Item(id=2, small=-100, large=1)]
        (items,) = st.actions(store, graph)
        found = dict(items.insert(*rows)[0].iter())
        wanted = [a.small * b.large - a.small for a in rows for b in rows]
        assert found == dict(ZSetPython((each, 1) for each in wanted).iter())
        with pytest.raises(st.RowError, match="is not from -100 to"):
            items.insert(Item(id=3, small=2**31))
