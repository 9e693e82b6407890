"""Queries that cannot mean anything: a QueryError at the query's line, with what to do."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import stepping as st
from stepping import Index, Pair, ZSet, agg


class Row(st.Data):
    k: int
    t: str | None
    x: float


class Other(st.Data):
    k: int
    name: str


class Stats(st.Data):
    n: int
    low: int


class Collected(st.Data):
    tags: frozenset[str]


class Named(st.Data):
    n: str


by_k = Index.pick(Row, lambda r: r.k)
by_t = Index.pick(Row, lambda r: r.t)
of_other = Index.pick(Other, lambda o: o.k)

Rows = ZSet[Row]
Error = tuple[str, str]  # of the message, and of the line that is marked

ERRORS: list[tuple[Callable[..., Any], str, str]] = []


def refused(message: str, marked: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(query: Callable[..., Any]) -> Callable[..., Any]:
        ERRORS.append((query, message, marked))
        return query

    return add


# ----------------------------------------------------------------------------- kinds of values


@refused("st.join mixes changes and snapshots", "st.join(st.integrate(a), a")
def a_join_of_a_snapshot_and_a_change(a: Rows) -> Any:
    return st.join(st.integrate(a), a, on_left=by_k, on_right=by_k)


@refused("st.add mixes changes and snapshots", "st.add(a, st.integrate(a))")
def a_sum_of_a_snapshot_and_a_change(a: Rows) -> Any:
    return st.add(a, st.integrate(a))


@refused("st.outer_join mixes changes and snapshots", "st.outer_join(")
def an_outer_join_of_both(a: Rows) -> Any:
    return st.outer_join(a, st.integrate(a), on_left=by_k, on_right=by_k)


@refused("st.integrate was given a snapshot", "st.integrate(st.integrate(a))")
def an_integral_of_an_integral(a: Rows) -> Any:
    return st.integrate(st.integrate(a))


@refused("st.delay_indexed was given a change", "st.delay_indexed(a")
def a_delayed_change_with_indexes(a: Rows) -> Any:
    return st.delay_indexed(a, indexes=(by_k,))


@refused("st.haitch needs what was there before the step", "st.haitch(st.integrate(a), a)")
def h_of_what_is_there_after_the_step(a: Rows) -> Any:
    return st.haitch(st.integrate(a), a)


@refused("a cache keeps an integral, and this is a change", "cache[a](lambda z: z)")
def a_cache_of_a_change(a: Rows) -> Any:
    cache: st.Cache[Row] = st.Cache()
    _ = cache[a](lambda z: z)
    return a


# ------------------------------------------------------------------------------ rows and indexes


@refused("st.union needs two Z-sets of the same rows, got Row and Other", "st.union(a, b)")
def sets_of_different_rows(a: Rows, b: ZSet[Other]) -> Any:
    return st.union(a, b)  # type: ignore[type-var]


@refused("st.except_all needs two Z-sets of the same rows", "st.except_all(a, b)")
def bags_of_different_rows(a: Rows, b: ZSet[Other]) -> Any:
    return st.except_all(a, b)  # type: ignore[type-var]


@refused("join keys differ in type: on_left is t (text | None)", "st.semi_join(")
def a_semi_join_on_keys_of_two_types(a: Rows, b: ZSet[Other]) -> Any:
    return st.semi_join(a, b, on_left=by_t, on_right=of_other)  # type: ignore[misc]


@refused("st.full_outer_join on_right= is an index of Row", "st.full_outer_join(")
def an_index_of_other_rows(a: Rows, b: ZSet[Other]) -> Any:
    return st.full_outer_join(a, b, on_left=by_k, on_right=by_k)  # type: ignore[arg-type]


@refused("st.group by= expects an Index, got function", "st.group(a, by=lambda")
def groups_by_a_function(a: Rows) -> Any:
    return st.flatten(st.group(a, by=lambda r: r.k))  # type: ignore[arg-type]


@refused("st.transitive_closure needs pairs, got Row", "st.transitive_closure(a)")
def the_closure_of_rows(a: Rows) -> Any:
    return st.transitive_closure(a)  # type: ignore[arg-type]


@refused("st.transitive_closure needs pairs of one type", "st.transitive_closure(a)")
def the_closure_of_unequal_pairs(a: ZSet[Pair[int, str]]) -> Any:
    return st.transitive_closure(a)  # type: ignore[arg-type]


@refused("st.map_many f= returns int, not several values", "st.map_many(a")
def many_of_one(a: Rows) -> Any:
    return st.map_many(a, f=lambda r: r.k)  # type: ignore[arg-type,return-value]


# ---------------------------------------------------------------------------------------- first_n


@refused("st.first_n n= is 0", "st.first_n(a, index=by_k, n=0)")
def the_first_none(a: Rows) -> Any:
    return st.first_n(a, index=by_k, n=0)


@refused("st.first_n n= is True", "st.first_n(a, index=by_k, n=True)")
def the_first_true(a: Rows) -> Any:
    return st.first_n(a, index=by_k, n=True)


@refused("st.first_n n= is '3'", "st.first_n(a, index=by_k")
def the_first_text(a: Rows) -> Any:
    return st.first_n(a, index=by_k, n="3")  # type: ignore[arg-type]


@refused("st.first_n index= orders by a collected value", "st.first_n(a")
def the_first_sets(a: ZSet[Collected]) -> Any:
    return st.first_n(a, index=Index.pick(Collected, lambda c: c.tags), n=1)


# -------------------------------------------------------------------------------------- aggregate


@refused("the fields n, low, and the measures are n", "st.aggregate(a, into=Stats")
def a_field_without_a_measure(a: Rows) -> Any:
    return st.aggregate(a, into=Stats, n=agg.count())


@refused("the fields n, and the measures are n, more", "st.aggregate(a, into=Named")
def a_measure_without_a_field(a: Rows) -> Any:
    return st.aggregate(a, into=Named, n=agg.count(), more=agg.count())


@refused("st.agg.count (n=) gives int, and the field is text", "st.aggregate(a, into=Named")
def a_field_of_another_type(a: Rows) -> Any:
    return st.aggregate(a, into=Named, n=agg.count())


@refused("st.agg.min (low=) gives int | None, and the field is int", "st.aggregate(a, into=Stats")
def the_least_of_nothing(a: Rows) -> Any:
    return st.aggregate(a, into=Stats, n=agg.count(), low=agg.min(lambda r: r.k))


@refused("st.agg.sum (n=) adds up numbers, got text | None", "st.aggregate(a, by=by_k")
def a_sum_of_texts(a: Rows) -> Any:
    return st.aggregate(a, by=by_k, into=Named, n=agg.sum(lambda r: r.t))


@refused("st.aggregate n= is a function", "st.aggregate(a, into=Named")
def a_measure_that_is_a_function(a: Rows) -> Any:
    return st.aggregate(a, into=Named, n=lambda r: r.k)  # type: ignore[call-overload]


@refused("zero= gives '' for values of type", "st.reduce(a")
def a_sum_that_starts_from_a_text(a: Rows) -> Any:
    return st.reduce(a, zero=str, pick_value=lambda r: r.t)  # type: ignore[type-var]


@refused("zero= gives 1, and a sum of nothing is 0", "st.reduce(a")
def a_sum_that_starts_from_one(a: Rows) -> Any:
    return st.reduce(a, zero=lambda: 1, pick_value=lambda r: r.k)


@refused("cannot add up int | None", "st.group_reduce_flatten(a")
def a_sum_of_none(a: ZSet[int | None]) -> Any:
    by: Any = Index.identity(int | None)  # type: ignore[arg-type]
    return st.group_reduce_flatten(a, by=by, zero=int, pick_value=lambda n: n)  # type: ignore[type-var]


# ----------------------------------------------------------------------------------------- groups


@refused("st.flatten expects groups, got Traced", "st.flatten(a)")
def flattened_rows(a: Rows) -> Any:
    return st.flatten(a)  # type: ignore[arg-type]


@refused("st.per_group expects groups, got Traced", "st.per_group[a]")
def groups_of_rows(a: Rows) -> Any:
    return st.per_group[a](lambda g: g)  # type: ignore[index]


@refused("does not use the group it is given", "st.per_group[g](lambda _: a)")
def a_group_that_is_not_used(a: Rows) -> Any:
    g = st.group(a, by=by_k)
    return st.flatten(st.per_group[g](lambda _: a))


@refused("used outside of their st.per_group", "st.per_group[g](keep)")
def a_group_outside(a: Rows) -> Any:
    kept: list[Any] = []
    g = st.group(a, by=by_k)

    def keep(rows: Any) -> Any:
        kept.append(rows)
        return rows

    st.per_group[g](keep)
    return kept[0]


# -------------------------------------------------------------------------------------- recursion


def step_of(a: Rows) -> Callable[[Rows], Rows]:
    return lambda y: st.map(st.join(y, a, on_left=by_k, on_right=by_k), f=lambda p: p.right)


@refused("not monotone: st.neg may lose rows", "st.neg(y)")
def a_step_that_negates(a: Rows) -> Any:
    return st.fixpoint(a, lambda y: st.neg(y))


@refused("not monotone: st.except_ may lose rows", "st.except_(a, y)")
def a_step_that_takes_away(a: Rows) -> Any:
    return st.fixpoint(a, lambda y: st.except_(a, y))


@refused("not monotone: st.anti_join may lose rows", "st.anti_join(a, y")
def a_step_with_an_anti_join(a: Rows) -> Any:
    return st.fixpoint(a, lambda y: st.anti_join(a, y, on_left=by_k, on_right=by_k))


@refused("not monotone: st.outer_join may lose rows", "st.outer_join(")
def a_step_with_an_outer_join(a: Rows) -> Any:
    def step(y: Rows) -> Rows:
        pairs = st.outer_join(a, y, on_left=by_k, on_right=by_k)
        return st.map(pairs, f=lambda p: p.left)

    return st.fixpoint(a, step)


@refused("not monotone: st.first_n may lose rows", "st.first_n(y")
def a_step_with_first_n(a: Rows) -> Any:
    return st.fixpoint(a, lambda y: st.first_n(y, index=by_k, n=1))


@refused("not monotone: st.count may lose rows", "st.count(y)")
def a_step_that_counts(a: ZSet[int]) -> Any:
    return st.fixpoint(a, lambda y: st.count(y))


@refused("not monotone: st.delay may lose rows", "st.delay(y)")
def a_step_that_delays(a: Rows) -> Any:
    return st.fixpoint(a, lambda y: st.delay(y))


@refused("joins the recursion's rows with themselves", "st.join(y, y")
def a_step_that_joins_with_itself(a: Rows) -> Any:
    return st.fixpoint(
        a,
        lambda y: st.map(st.join(y, y, on_left=by_k, on_right=by_k), f=lambda p: p.left),
    )


@refused("st.fixpoint needs two Z-sets of the same rows", "st.fixpoint(a")
def a_step_to_other_rows(a: Rows) -> Any:
    return st.fixpoint(a, lambda y: st.map(y, f=lambda r: r.k))  # type: ignore[arg-type,return-value]


def dumped(row: Row) -> Row:
    return Row(k=len(repr(row)), t=None, x=0.0)


@refused("cannot be SQL", "st.map(y, f=dumped)")
def a_step_in_python(a: Rows) -> Any:
    return st.fixpoint(a, lambda y: st.map(y, f=dumped))


@refused("used outside of their st.fixpoint", "st.fixpoint(a, step)")
def a_recursion_outside(a: Rows) -> Any:
    kept: list[Any] = []

    def step(y: Any) -> Any:
        kept.append(y)
        return y

    st.fixpoint(a, step)
    return kept[0]


# ----------------------------------------------------------------------- arguments of operators


@refused("missing 1 required keyword-only argument: 'on_right'", "st.join(a, a, on_left=by_k)")
def a_join_without_a_key(a: Rows) -> Any:
    return st.join(a, a, on_left=by_k)  # type: ignore[call-arg]


@refused("got an unexpected keyword argument 'by'", "st.distinct(a, by=by_k)")
def a_distinct_by(a: Rows) -> Any:
    return st.distinct(a, by=by_k)  # type: ignore[call-arg]


class By(st.Data):
    by: int


@refused("got multiple values for keyword argument 'by'", "st.aggregate(a, by=by_k")
def a_measure_named_by(a: Rows) -> Any:
    measures: Any = {"by": agg.count()}
    return st.aggregate(a, by=by_k, into=By, **measures)


@refused("has two measures for by", "st.aggregate(a, into=By")
def two_measures_of_one_name(a: Rows) -> Any:
    return st.aggregate(a, into=By, measures={"by": agg.count()}, by=agg.count())


# ------------------------------------------------------------------------------------------ tests


@pytest.mark.parametrize(
    ("query", "message", "marked"), ERRORS, ids=[each[0].__name__ for each in ERRORS]
)
def test_a_query_error_at_its_line(query: Any, message: str, marked: str) -> None:
    with pytest.raises(st.QueryError) as raised:
        st.compile(query)
    error = raised.value
    assert message in error.message
    lines, first = inspect.getsourcelines(query)
    line = error.where.rsplit(":", 2) if error.where else []
    assert error.where is not None
    assert error.where.startswith(f"{__file__}:")
    assert first <= int(line[1]) < first + len(lines)
    assert error.source is not None
    assert marked in error.source
    assert "^" in error.source
    assert error.hint is not None or "argument" in message
