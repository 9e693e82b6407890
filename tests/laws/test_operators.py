"""The law of operators (DBSP theorem 2.20 made a test): a query's changes add up to its meaning.

For random histories of inserts, removals, replacements and changes of several inputs: after each
step, on each store, the change that is returned is that of the reference; all changes together,
and what each cache holds, are what the query means on all rows so far. With rewrites and without.
"""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import given

from tests.support.histories import History, histories
from tests.support.law import law
from tests.support.queries import CASES, Case

EXAMPLES = hypothesis.settings().max_examples  # of the profile

settings = hypothesis.settings(
    max_examples=max(3, EXAMPLES // 10), suppress_health_check=list(hypothesis.HealthCheck)
)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_changes_add_up_to_the_meaning(case: Case, every_postgres: list[tuple[str, str]]) -> None:
    with law(case.graph, every_postgres) as held:

        @given(histories(case.row_types))
        @settings
        def holds(history: History) -> None:
            held.hold(history)

        holds()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_with_negative_counts(case: Case, every_postgres: list[tuple[str, str]]) -> None:
    with law(case.graph, every_postgres, allow_negative=True) as held:

        @given(histories(case.row_types, negative=True))
        @settings
        def holds(history: History) -> None:
            held.hold(history)

        holds()
