"""A query function that looks at rows, which it never sees."""

from __future__ import annotations

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
