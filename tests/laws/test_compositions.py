"""The law of operators, for random queries made of them."""

from __future__ import annotations

import hypothesis
from hypothesis import given
from hypothesis import strategies as st

from tests.support.compositions import Composition, compositions
from tests.support.histories import History, histories
from tests.support.law import law
from tests.support.rows import Item

EXAMPLES = hypothesis.settings().max_examples  # of the profile

settings = hypothesis.settings(
    max_examples=max(6, EXAMPLES // 4), suppress_health_check=list(hypothesis.HealthCheck)
)

# Several histories for each query: planning it costs more than running them.
several = st.lists(histories((Item, Item), nasty=False), min_size=3, max_size=3)
negative = st.lists(histories((Item, Item), nasty=False, negative=True), min_size=3, max_size=3)


@given(compositions(), several)
@settings
def check(postgres: list[tuple[str, str]], composition: Composition, runs: list[History]) -> None:
    with law(composition.graph(), postgres) as held:
        for history in runs:
            held.hold(history)


@given(compositions(), negative)
@settings
def check_negative(
    postgres: list[tuple[str, str]], composition: Composition, runs: list[History]
) -> None:
    with law(composition.graph(), postgres, allow_negative=True) as held:
        for history in runs:
            held.hold(history)


def test_compositions(every_postgres: list[tuple[str, str]]) -> None:
    check(every_postgres)


def test_compositions_with_negative_counts(every_postgres: list[tuple[str, str]]) -> None:
    check_negative(every_postgres)
