"""Row functions and chains of operators that are nested more deeply than SQLite's parser takes."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from sqlglot import exp

import stepping as st
from stepping import Index, Pair, ZSet
from stepping.compiler.zset import ZSetPython
from stepping.dialects.natives import spliced
from stepping.dialects.sqlite.nesting import DEEPEST, nesting
from tests.support.place import Place


class Row(st.Data):
    a: int
    b: int


def turned(rows: ZSet[Row]) -> ZSet[Row]:
    return st.map(rows, f=lambda r: Row(a=(r.a + r.b) % 10, b=r.a // 2 % 7))


ROWS = [Row(a=i, b=3 * i) for i in range(-4, 5)]


def once(row: Row) -> Row:
    return Row(a=(row.a + row.b) % 10, b=row.a // 2 % 7)


def several_times(row: Row, times: int) -> Row:
    for _ in range(times):
        row = once(row)
    return row


@pytest.mark.parametrize("length", [3, 5, 20])
def test_chain_of_maps(place: Place, length: int) -> None:
    def chain(rows: ZSet[Row]) -> tuple[ZSet[Row], ZSet[Row]]:
        for _ in range(length):
            rows = turned(rows)
        return rows, st.integrate(rows)

    with place.opened(st.compile(chain)) as store:
        (action,) = st.actions(store, store.graph)
        changed, integral = action.insert(*ROWS)
        expected = ZSetPython((several_times(row, length), 1) for row in ROWS)
        assert changed == expected == integral


@pytest.mark.parametrize("length", [1, 4])
def test_chains_in_front_of_a_join_and_a_group(place: Place, length: int) -> None:
    def query(left: ZSet[Row], right: ZSet[Row]) -> ZSet[Pair[int, int]]:
        for _ in range(length):
            left, right = turned(left), turned(st.filter(right, f=lambda r: r.a % 5 != 1))
        pairs = st.join(
            left,
            right,
            on_left=Index.pick(Row, lambda r: r.a % 4),
            on_right=Index.pick(Row, lambda r: r.b % 4),
        )
        return st.group_reduce_flatten(
            pairs,
            by=Index.pick(Pair[Row, Row], lambda p: p.left.b % 3),
            zero=int,
            pick_value=lambda p: p.left.a * p.right.a % 11,
        )

    graph = st.compile(query)
    reference = st.StorePython.from_graph(graph)
    with place.opened(graph) as store:
        for change in [(ROWS, ROWS[:3]), (ROWS[2:5], ROWS), ([], ROWS[4:])]:
            zsets: Any = tuple(ZSetPython((row, 1) for row in rows) for rows in change)
            expected = st.iteration(reference, graph, zsets)
            assert st.iteration(store, graph, zsets) == expected


def test_a_row_function_that_is_too_deep_runs_in_python(place: Place) -> None:
    def query(rows: ZSet[Row]) -> ZSet[int]:
        return st.map(rows, f=lambda r: r.a // 3 % 100 // 2 % 50 // 2 % 20 // 2 % 10 // 2 % 5)

    def expected(a: int) -> int:
        return a // 3 % 100 // 2 % 50 // 2 % 20 // 2 % 10 // 2 % 5

    graph = st.compile(query)
    with place.opened(graph) as store:
        (changed,) = st.actions(store, graph)[0].insert(*ROWS)
        assert changed == ZSetPython((expected(row.a), 1) for row in ROWS)
    reasons = [s.reason for step in store.plan.steps for s in step.statements if s.reason]
    assert reasons == (
        ["it is nested too deeply for SQLite's parser"] if place.name == "sqlite" else []
    )


@pytest.mark.skipif(sqlite3.sqlite_version_info >= (3, 46), reason="the parser's stack grows")
@pytest.mark.parametrize("kind", ["paren", "call", "case", "subquery", "in"])
def test_nesting_is_what_sqlite_counts(kind: str) -> None:
    def takes(tree: exp.Expr) -> bool:
        connection = sqlite3.connect(":memory:")
        try:
            connection.execute(exp.select(tree).sql("sqlite"))
        except sqlite3.OperationalError as error:
            assert "parser stack overflow" in str(error)
            return False
        finally:
            connection.close()
        return True

    def nested(inner: exp.Expr) -> exp.Expr:
        one = exp.Literal.number(1)
        match kind:
            case "paren":
                return exp.Add(this=one, expression=exp.paren(inner))
            case "call":
                return exp.Anonymous(this="max", expressions=[one, inner])
            case "case":
                return exp.Case(ifs=[exp.If(this=one, true=one.copy())], default=inner)
            case "subquery":
                return exp.select(inner).from_(exp.select(one).subquery("a")).subquery()
            case _:
                return exp.In(this=one, expressions=[one.copy(), inner])

    tree: exp.Expr = exp.Literal.number(1)
    deepest = 0
    while takes(tree):
        deepest = nesting(exp.select(tree))
        tree = nested(tree)
    # What is said to be too deep may be taken, but never the reverse; and not by far.
    assert deepest >= DEEPEST - 15
    assert nesting(exp.select(tree)) > DEEPEST - 12  # what is left for INSERT INTO ...


NATIVE = {
    "doubled": lambda n: "(" * n + "a = 1" + ")" * n,
    "negated": lambda n: "NOT ((" * n + "a = 1" + "))" * n,
    "chained": lambda n: "(a = 2 OR b < 3 AND NOT " * n + "a = 1" + ")" * n,
    "calls": lambda n: "coalesce(a + " * n + "b" + ", 1)" * n,
}


@pytest.mark.parametrize("kind", NATIVE)
@pytest.mark.skipif(sqlite3.sqlite_version_info >= (3, 46), reason="its parser's stack grows")
def test_parentheses_in_words_of_the_database(kind: str) -> None:
    """What they are said to need is enough, and of those behind each other not far too much."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE r (a int, b int)")
    for times in range(1, 60):
        words = NATIVE[kind](times)
        # Each parenthesis around them takes one entry: so many are left.
        left = 0
        while left < 100:
            try:
                around = "(" * (left + 1) + words + ")" * (left + 1)
                connection.execute(f"EXPLAIN SELECT 1 FROM r WHERE {around}")  # noqa: S608
            except sqlite3.OperationalError as error:
                assert "overflow" in str(error)
                break
            left += 1
        needed = 95 - left  # less those in front of WHERE
        said = nesting(spliced((words,), ()))
        if left:
            assert needed <= said
            assert kind in ("calls", "chained") or said <= needed + 15
    connection.close()
