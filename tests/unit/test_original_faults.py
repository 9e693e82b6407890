"""What the first stepping, 0.0.3, got wrong: each of these fails there."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

import stepping as st


class Left(st.Data):
    k: int | None
    x: int


class Right(st.Data):
    k: int | None
    y: int


BY_LEFT = st.Index.pick(Left, lambda l: l.k)
BY_RIGHT = st.Index.pick(Right, lambda r: r.k)


@pytest.fixture
def connection() -> Iterator[Any]:
    with st.connection_sqlite(":memory:") as opened:
        yield opened


def opened(connection: Any, query: Any) -> Any:
    graph = st.compile(query)
    return st.actions(st.StoreSQLite.from_graph(connection, graph), graph)


def test_a_left_row_with_two_matches_has_no_empty_one(connection: Any) -> None:
    def query(l: st.ZSet[Left], r: st.ZSet[Right]) -> Any:
        return st.integrate(st.outer_join(l, r, on_left=BY_LEFT, on_right=BY_RIGHT))

    left, right = opened(connection, query)
    left.insert(Left(k=1, x=0))
    (kept,) = right.insert(Right(k=1, y=1), Right(k=1, y=2))
    assert kept == st.ZSetPython({st.Pair(Left(k=1, x=0), Right(k=1, y=y)): 1 for y in (1, 2)})
    (kept,) = right.remove(Right(k=1, y=1), Right(k=1, y=2))
    assert kept == st.ZSetPython({st.Pair(Left(k=1, x=0), st.EMPTY): 1})


def test_an_emptied_group_is_gone(connection: Any) -> None:
    def query(l: st.ZSet[Left]) -> Any:
        sums = st.group_reduce_flatten(l, by=BY_LEFT, zero=int, pick_value=lambda l: l.x)
        return st.integrate(sums)

    (left,) = opened(connection, query)
    left.insert(Left(k=1, x=5))
    (kept,) = left.remove(Left(k=1, x=5))
    assert kept == st.ZSetPython()


def test_the_first_three_of_five_equal_rows_are_three(connection: Any) -> None:
    def query(l: st.ZSet[Left]) -> Any:
        return st.first_n(l, index=st.Index.pick(Left, lambda l: l.x, ascending=False), n=3)

    (left,) = opened(connection, query)
    (change,) = left.insert(*[Left(k=1, x=5)] * 5)
    assert change == st.ZSetPython({Left(k=1, x=5): 3})


def test_the_closure_forgets_a_path_that_went_round(connection: Any) -> None:
    def query(edges: st.ZSet[st.Pair[int, int]]) -> Any:
        return st.integrate(st.transitive_closure(edges))

    (edges,) = opened(connection, query)
    edges.insert(st.Pair(0, 3))
    edges.insert(st.Pair(0, 0))
    (kept,) = edges.remove(st.Pair(0, 3))
    assert kept == st.ZSetPython({st.Pair(0, 0): 1})


def test_none_is_a_key_like_any_other_and_matches_nothing(connection: Any) -> None:
    def query(l: st.ZSet[Left], r: st.ZSet[Right]) -> Any:
        return st.join(l, r, on_left=BY_LEFT, on_right=BY_RIGHT)

    left, right = opened(connection, query)
    left.insert(Left(k=None, x=0))
    (change,) = right.insert(Right(k=None, y=0))
    assert change == st.ZSetPython()
    left.remove(Left(k=None, x=0))


def test_a_row_does_not_change() -> None:
    row: Any = Left(k=1, x=0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        row.x = 1


def test_a_row_that_is_not_there_is_not_removed(connection: Any) -> None:
    def query(l: st.ZSet[Left], r: st.ZSet[Right]) -> Any:
        return st.join(l, r, on_left=BY_LEFT, on_right=BY_RIGHT)

    left, _ = opened(connection, query)
    left.insert(Left(k=1, x=0))
    with pytest.raises(st.RowError, match=r"Left\(k=1, x=7\) was removed from l"):
        left.remove(Left(k=1, x=7))
    # And a step that failed does not hold up the next one.
    left.insert(Left(k=1, x=7))
    left.remove(Left(k=1, x=7))


def test_a_renamed_variable_renames_no_table(connection: Any) -> None:
    def query(l: st.ZSet[Left], r: st.ZSet[Right]) -> Any:
        some = st.join(l, r, on_left=BY_LEFT, on_right=BY_RIGHT)
        same = st.join(l, r, on_left=BY_LEFT, on_right=BY_RIGHT)
        return st.distinct(some), st.count(same)

    def renamed(l: st.ZSet[Left], r: st.ZSet[Right]) -> Any:
        one = st.join(l, r, on_left=BY_LEFT, on_right=BY_RIGHT)
        return st.distinct(one), st.count(one)

    def tables() -> set[str]:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {name for (name,) in found}

    for each in (query, renamed):
        st.StoreSQLite.from_graph(connection, st.compile(each, name="q"))
        assert {"q__l", "q__r", "q__some"} <= tables()
        assert "q__one" not in tables()
