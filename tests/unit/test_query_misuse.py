"""A query function that looks at rows, which it never sees."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

import stepping as st

Numbers = st.ZSet[int]


def asks_for_truth(numbers: Numbers) -> Numbers:
    return numbers if numbers else st.neg(numbers)


def asks_for_length(numbers: Numbers) -> Numbers:
    return st.filter(numbers, f=lambda n: n > 1) if len(numbers) > 3 else numbers


def adds(numbers: Numbers) -> Numbers:
    return numbers + numbers


def negates(numbers: Numbers) -> Numbers:
    return -numbers


def iterates(numbers: Numbers) -> Numbers:
    return st.ZSetPython((n, count) for n, count in numbers)


@pytest.mark.parametrize(
    ("query", "marked"),
    [
        (asks_for_truth, "numbers if numbers else st.neg(numbers)"),
        (asks_for_length, "len(numbers)"),
        (adds, "numbers + numbers"),
        (negates, "-numbers"),
        (iterates, "numbers"),
    ],
)
def test_a_query_that_looks_at_rows(query: Callable[[Any], Any], marked: str) -> None:
    with pytest.raises(st.QueryError) as raised:
        st.compile(query)
    error = raised.value
    assert error.message == (
        "the query looks at the rows of numbers, and there are none to see: "
        "it is called once, when it is compiled"
    )
    assert error.where is not None
    assert error.where.startswith(f"{__file__}:")
    assert error.source is not None
    assert marked in error.source
    assert "^" in error.source
    assert error.hint is not None


@pytest.mark.parametrize("name", ["a\0b", "\ud800", 3])
def test_names_that_no_database_can_store(name: Any) -> None:
    def cached(numbers: Numbers) -> Numbers:
        _ = st.Cache[int](name)[numbers](lambda z: st.integrate(z))
        return numbers

    for make in (lambda: st.compile(negated, name=name), lambda: st.compile(cached)):
        with pytest.raises(st.QueryError, match="a query or a cache is named") as raised:
            make()
        assert raised.value.where is not None
        assert raised.value.where.startswith(f"{__file__}:")


def negated(numbers: Numbers) -> Numbers:
    return st.neg(numbers)


def any_number(*numbers: Numbers) -> Numbers:
    return numbers[0]


def test_a_query_of_any_number_of_inputs() -> None:
    with pytest.raises(st.QueryError, match="stands for any number of inputs"):
        st.compile(any_number)


def above(a: Numbers, least: int = 2, *, b: Numbers) -> Numbers:
    return st.add(st.filter(a, f=lambda n: n > least), b)


def of_two(least: int, a: Numbers) -> Numbers:
    return st.filter(a, f=lambda n: n > least)


def test_options_of_a_query_and_arguments_by_keyword_only() -> None:
    query: Any = above
    default: Any = st.compile(query)
    assert default.input_names == ("a", "b")
    partial: Any = st.compile(functools.partial(query, least=5))
    assert partial.input_names == ("a", "b")
    numbers, more = st.ZSetPython({3: 1, 6: 1}), st.ZSetPython({1: 1})
    for graph, expected in ((default, {3: 1, 6: 1, 1: 1}), (partial, {6: 1, 1: 1})):
        store = st.StorePython.from_graph(graph)
        (found,) = st.iteration(store, graph, (numbers, more))
        assert found == st.ZSetPython(expected)
    bound: Any = st.compile(functools.partial(of_two, 5))
    (found,) = st.iteration(st.StorePython.from_graph(bound), bound, (numbers,))
    assert found == st.ZSetPython({6: 1})
