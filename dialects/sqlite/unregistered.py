"""SQLite's spelling of what any client may run, which has no functions of ours."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from stepping.compiler.plan.tables import SumColumns, Table
from stepping.dialects.base import Expression
from stepping.dialects.sqlite import float_words
from stepping.dialects.sqlite.sql import SQLiteDialect
from stepping.dialects.summing import LeftOver, OfGroup


class UnregisteredSQLite(SQLiteDialect):
    """Sums of floats are kept as the folds of triggers can add to them: see `float_words.py`."""

    counts_rows = True

    @property
    def filling(self) -> UnregisteredSQLite:
        return self

    def sum_absorbs(self, each: SumColumns) -> frozenset[str]:
        return frozenset()

    def exact_sum(
        self, value: Expression, weight: Expression, condition: Expression | None
    ) -> Expression:
        parts = exp.Anonymous(
            this="group_concat", expressions=[float_words.parts_of(value, weight)]
        )
        if condition is None:
            return parts
        return exp.Filter(this=parts, expression=exp.Where(this=condition.copy()))

    def exact_differs(self, change: Expression) -> Expression:
        return exp.Not(this=exp.Is(this=change.copy(), expression=exp.Null()))

    def exact_added(self, old: Expression | None, change: Expression) -> Expression:
        return float_words.added(exp.null() if old is None else old, change)

    def exact_total(self, each: SumColumns, exact: Expression, group: OfGroup) -> Expression:
        return float_words.total(exact, self.too_large(each, group))

    @property
    def names_exact_sums(self) -> bool:
        return True

    # A constraint says of a group that goes that nothing is left in its sums.

    def left_over(self, table: Table, changed: Callable[[str], Expression]) -> LeftOver | None:
        return None

    def count_condition(self, table: Table) -> str:
        if not table.vanishing:
            return super().count_condition(table)
        weight = self.quoted(table.weight or "")
        nothing = " AND ".join(
            f"{self.quoted(each.value)} = {self.text(self.zero(each.type))}"
            for each in table.vanishing
        )
        return f"{weight} > 0 OR ({weight} = 0 AND {nothing})"
