"""Random histories: changes of a query's inputs, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.support.rows import of_type

Change = dict[Any, int]
Move = tuple[int, int, int]  # an input, a row of its pool, and how often it comes or goes


@dataclass(frozen=True)
class History:
    """Rows for each input, few, so that they meet again; and for each step what is done to them.

    A step changes one input or several, or none.
    """

    pools: tuple[tuple[Any, ...], ...]
    steps: tuple[tuple[Move, ...], ...]
    negative: bool = False

    def changes(
        self, step: Sequence[Move], there: Sequence[Mapping[Any, int]]
    ) -> tuple[Change, ...]:
        """What a step changes, given the rows that are there.

        No more is removed than is there, unless ``negative``.
        """
        changes: list[Change] = [{} for _ in self.pools]
        for which, position, count in step:
            pool, change = self.pools[which], changes[which]
            row = pool[position % len(pool)]
            if count < 0 and not self.negative:
                count = max(count, -there[which].get(row, 0) - change.get(row, 0))
            if count:
                change[row] = change.get(row, 0) + count
        return tuple({row: n for row, n in change.items() if n} for change in changes)


def histories(
    row_types: Sequence[Any],
    *,
    min_steps: int = 2,
    max_steps: int = 7,
    nasty: bool = True,
    negative: bool = False,
) -> st.SearchStrategy[History]:
    """Histories of inputs with these rows."""
    pools = [
        st.lists(of_type(each, nasty=nasty), min_size=1, max_size=6).map(tuple)
        for each in row_types
    ]
    moves = st.tuples(
        st.integers(0, len(row_types) - 1),
        st.integers(0, 5),
        st.sampled_from([1, 1, 1, -1, -1, 2, -2, -5]),
    )
    step = st.lists(moves, min_size=1, max_size=5).map(tuple)
    steps = st.lists(step, min_size=min_steps, max_size=max_steps).map(tuple)
    return st.builds(History, st.tuples(*pools), steps, st.just(negative))
