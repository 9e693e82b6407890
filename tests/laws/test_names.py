"""Fields may have any name: one that a database keeps for itself, or that our statements use."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

import stepping as st
from stepping import Empty, Index, Pair, ZSet, agg
from tests.laws.test_operators import settings
from tests.support.histories import History, histories
from tests.support.law import law


class Short(st.Data):
    """The names of tables and columns in statements that are generated."""

    g: int
    m: int | None
    o: str
    c: int
    u: int | None
    n1: str
    d: int
    k0: int
    n: int


class Taken(st.Data):
    """The names of columns that every table has, and of columns that are ours."""

    ctid: int
    xmin: int | None
    stepping_rid: str
    stepping_h0: int
    stepping_old: int | None
    tableoid: str
    rowid: int
    oid: int
    stepping_count: int


class Ends(st.Data):
    n0: int | None
    stepping_upto: int | None
    c: int
    stepping_0: int


by_g = Index.pick(Short, lambda r: r.g)
by_ctid = Index.pick(Taken, lambda r: r.ctid)
by_rid = Index.pick(Taken, lambda r: (r.stepping_rid, r.xmin))


def joined(
    a: ZSet[Short], b: ZSet[Taken]
) -> tuple[ZSet[Pair[Short, Taken]], ZSet[Pair[Short, Taken | Empty]], ZSet[Taken]]:
    return (
        st.join(a, b, on_left=by_g, on_right=by_ctid),
        st.outer_join(a, b, on_left=Index.pick(Short, lambda r: (r.o, r.m)), on_right=by_rid),
        st.semi_join(b, a, on_left=by_ctid, on_right=by_g),
    )


def summed(a: ZSet[Short], b: ZSet[Taken]) -> tuple[ZSet[Pair[Ends, int]], ZSet[Pair[Ends, int]]]:
    return (
        st.aggregate(
            a,
            by=by_g,
            into=Ends,
            n0=agg.min(lambda r: r.m),
            stepping_upto=agg.max(lambda r: r.u),
            c=agg.count(),
            stepping_0=agg.sum(lambda r: r.c % 100),
        ),
        st.aggregate(
            b,
            by=by_ctid,
            into=Ends,
            n0=agg.min(lambda r: r.xmin),
            stepping_upto=agg.max(lambda r: r.stepping_old),
            c=agg.count(),
            stepping_0=agg.sum(lambda r: r.stepping_h0 % 100),
        ),
    )


def first(
    a: ZSet[Short], b: ZSet[Taken]
) -> tuple[ZSet[Short], ZSet[Taken], ZSet[Pair[Short, int]], ZSet[Pair[Taken, int]]]:
    order = Index.pick(Short, lambda r: (r.m, r.o))
    text = Index.pick(Taken, lambda r: r.stepping_rid, ascending=False)
    of_short = st.per_group[st.group(a, by=by_g)]
    of_taken = st.per_group[st.group(b, by=by_ctid)]
    return (
        st.first_n(a, index=order, n=2),
        st.first_n(b, index=by_rid, n=2),
        st.flatten(of_short(lambda g: st.first_n(g, index=order, n=2))),
        st.flatten(of_taken(lambda g: st.first_n(g, index=text, n=2))),
    )


def kept(a: ZSet[Short], b: ZSet[Taken]) -> tuple[ZSet[Short], ZSet[Taken]]:
    _ = st.Cache[Short](name="g")[st.distinct(a)](
        lambda z: st.integrate_indexed(z, indexes=(by_g,))
    )
    _ = st.Cache[Taken](name="ctid")[b](lambda z: st.integrate_indexed(z, indexes=(by_rid,)))
    return st.distinct(a), st.distinct(b)


@pytest.mark.parametrize("query", [joined, summed, first, kept], ids=lambda query: query.__name__)
def test_any_name(query: Any, every_postgres: list[tuple[str, str]]) -> None:
    with law(st.compile(query), every_postgres) as held:

        @given(histories((Short, Taken)))
        @settings
        def holds(history: History) -> None:
            held.hold(history)

        holds()
