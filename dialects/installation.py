"""The script that installs a query, whether it is fed by hand or follows tables."""

from __future__ import annotations

from stepping.compiler.plan.sql_plan import Section, SQLPlan
from stepping.dialects import capture_words
from stepping.dialects.capture import filled, sections


def sections_of(plan: SQLPlan) -> tuple[Section, ...]:
    """All that installs a query in a database where no other one is, in order."""
    if plan.capture is None:
        return plan.sections
    words = capture_words(plan.dialect)
    return (*sections(words, plan, ()), filled(words, plan))
