"""A part of the corpus, for tests that take long for each query."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest

from tests.support.queries import CASES

LONG = hypothesis.settings().max_examples > 50  # the profile that looks for new examples


def some(every: int, *always: str) -> Any:
    """All queries of the corpus in the long profile, else one of so many and those named."""
    sampled = list(CASES)[:: 1 if LONG else every]
    chosen = [CASES[name] for name in dict.fromkeys((*sampled, *always))]
    return pytest.mark.parametrize("case", chosen, ids=lambda case: case.name)
