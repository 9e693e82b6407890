"""Queries that are also written in plain Python, so that a wrong composition is found as well.

The meaning that `law` holds stores to is that of the query's operators, one by one. Where an
operator of the user's is made of several (outer joins, `per_group`, `aggregate`), only something
that knows none of them can say whether they were put together rightly.
"""

from __future__ import annotations

import dataclasses
import enum
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import hypothesis
from hypothesis import given

import stepping as st
from stepping.compiler.codec import python_codec
from stepping.compiler.zset import ZSet, ZSetPython
from tests.support.histories import History, histories
from tests.support.law import Law, law, shown
from tests.support.queries.case import Case

Rows = Mapping[Any, int]
Found = Mapping[Any, int]
Oracle = Callable[..., Any]  # the rows of each input to the rows of the output, or of each output

_default = hypothesis.settings.default
EXAMPLES = _default.max_examples if _default else 50

settings = hypothesis.settings(
    max_examples=max(3, EXAMPLES // 10), suppress_health_check=list(hypothesis.HealthCheck)
)


@dataclass(frozen=True, eq=False)
class Judged(Case):
    """A query beside its oracle."""

    oracle: Oracle = dict
    nasty: bool = True
    together: bool = False  # inputs of the same rows draw them from one pool


class Judges(list[Judged]):
    """Collects queries: ``@judged(oracle)`` above each."""

    def __call__(
        self, oracle: Oracle, *, python: bool = False, nasty: bool = True, together: bool = False
    ) -> Any:
        def judge(query: Callable[..., Any]) -> Callable[..., Any]:
            self.append(Judged(query, python, oracle, nasty, together))
            return query

        return judge

    @property
    def by_name(self) -> dict[str, Judged]:
        return {case.name: case for case in self}


class JudgedLaw(Law):
    """The law of a query whose meaning is held to an oracle."""

    oracle: Oracle

    def expected(
        self, inputs: Mapping[str, ZSet[Any]]
    ) -> tuple[tuple[list[ZSet[Any]], dict[str, Any]], st.SteppingError | None]:
        (outputs, caches), failure = super().expected(inputs)
        if failure is None:
            judged = self.oracle(*(dict(inputs[name].iter()) for name in self.graph.input_names))
            several = judged if isinstance(judged, tuple) else (judged,)
            types = self.graph.output_types
            for i, (output, wanted) in enumerate(zip(outputs, several, strict=True)):
                form = python_codec(types[i]).canonical  # the oracle may say -0.0 or 1.50
                judge = ZSetPython((form(row), count) for row, count in wanted.items())
                assert shown(output) == shown(judge), f"the meaning of output {i}"
        return (outputs, caches), failure


def hold(
    case: Judged,
    postgres: Sequence[tuple[str, str]],
    *,
    negative: bool = False,
    **options: Any,
) -> None:
    """Hold a query to its oracle, for random histories and on every store."""
    with law(case.graph, postgres, allow_negative=negative) as opened:
        held = JudgedLaw(opened.graph, opened.stores, allow_negative=negative)
        held.oracle = case.oracle

        @given(drawn(case, negative=negative, **options))
        @settings
        def holds(history: History) -> None:
            held.hold(history)

        holds()


def run(
    case: Judged,
    postgres: Sequence[tuple[str, str]],
    *steps: tuple[dict[Any, int], ...],
    negative: bool = False,
) -> None:
    """Hold a query to its oracle for one history: a change of each input per step."""
    pools = [
        list(dict.fromkeys(row for step in steps for row in step[i])) or [None]
        for i in range(len(case.row_types))
    ]
    moves = tuple(
        tuple(
            (i, pools[i].index(row), count)
            for i, change in enumerate(step)
            for row, count in change.items()
        )
        for step in steps
    )
    with law(case.graph, postgres, allow_negative=negative) as opened:
        held = JudgedLaw(opened.graph, opened.stores, allow_negative=negative)
        held.oracle = case.oracle
        held.hold(History(tuple(map(tuple, pools)), moves, negative))


def drawn(case: Judged, **options: Any) -> Any:
    """The histories of a case."""
    row_types = case.row_types
    found = histories(row_types, nasty=case.nasty, **options)
    if not case.together:
        return found
    first = [row_types.index(each) for each in row_types]
    return found.map(
        lambda history: dataclasses.replace(history, pools=tuple(history.pools[i] for i in first))
    )


# ----------------------------------------------------------------------------------- for oracles


def there(rows: Rows) -> Iterable[Any]:
    """The rows that are there, once each: those with a positive count."""
    return (row for row, count in rows.items() if count > 0)


def total(pairs: Iterable[tuple[Any, int]]) -> Found:
    """The rows with their counts added up."""
    counts: Counter[Any] = Counter()
    for row, count in pairs:
        counts[row] += count
    return {row: count for row, count in counts.items() if count}


def grouped(rows: Rows, key: Callable[[Any], Any]) -> dict[Any, dict[Any, int]]:
    """The rows of each group."""
    groups: dict[Any, dict[Any, int]] = {}
    for row, count in rows.items():
        groups.setdefault(key(row), {})[row] = count
    return groups


def alone(query: Callable[..., Any]) -> Callable[..., Found]:
    """What a query gives for whole inputs, in memory and in one step."""
    graph: Any = st.compile(query)

    def found(*inputs: Rows) -> Found:
        store = st.StorePython.from_graph(graph, allow_negative=True)
        (output,) = st.iteration(store, graph, tuple(map(ZSetPython, inputs)))
        return dict(output.iter())

    return found


def in_each_group(query: Callable[..., Any], key: Callable[[Any], Any]) -> Callable[..., Found]:
    """What `per_group` means: a query of its own, with a store of its own, for each group."""
    inner = alone(query)

    def found(rows: Rows, *others: Rows) -> Found:
        return total(
            (st.Pair(row, group), count)
            for group, own in grouped(rows, key).items()
            for row, count in inner(own, *others).items()
        )

    return found


def plain(value: Any) -> Any:
    """A value by which rows are ordered as the documentation says: None first, text by code point,
    plain enums by name and others by value, a row by its columns."""
    if value is None:
        return (0,)
    if isinstance(value, enum.Enum):
        return (1, value.value if isinstance(value, int | str) else value.name)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return (1, *(plain(getattr(value, each.name)) for each in dataclasses.fields(value)))
    if isinstance(value, tuple):
        return (1, *map(plain, value))
    return (1, value)
