"""Two tables of one form compared a range of keys at a time.

A range is of positions: the values of the index that tells rows apart. So no sort and no hash table
is of more rows than a range has, however long the tables are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stepping.compiler.plan.recompute import Compared

Bound = Sequence[Any] | None  # a position; None is beyond all rows


@dataclass(frozen=True)
class RangeRenderer:
    """The spelling of that, for one database."""

    placeholder: str  # in front of the number of a parameter
    minus: str  # rows of one SELECT that another has not
    bound: str = "{}"  # a value of a position, as it is bound again

    def position(
        self, table: str, each: Compared, start: Bound, rows: int
    ) -> tuple[str, list[Any]]:
        """A SELECT of the position that so many rows of a table are in front of, from a start."""
        order = ", ".join(each.positions)
        where, parameters = self.within(each, start, None)
        limit = f"LIMIT 1 OFFSET {int(rows)}"
        # Named, since ORDER BY would take a column of the result for one of the table.
        values = (self.bound.format(term) for term in each.positions)
        named = ", ".join(f"{value} AS p{i}" for i, value in enumerate(values, 1))
        return f"SELECT {named} FROM {table}{where} ORDER BY {order} {limit}", parameters

    def differing(
        self, first: str, second: str, each: Compared, start: Bound, end: Bound
    ) -> tuple[str, list[Any]]:
        """A SELECT of the rows of one table that another one has not, in a range."""
        where, parameters = self.within(each, start, end)
        rows = (f"SELECT {each.columns_sql} FROM {table}{where}" for table in (first, second))
        return f" {self.minus} ".join(rows), parameters

    def within(self, each: Compared, start: Bound, end: Bound) -> tuple[str, list[Any]]:
        parts: list[str] = []
        parameters: list[Any] = []
        for operator, bound in ((">=", start), ("<", end)):
            if bound is None:
                continue
            values = ", ".join(
                f"{self.placeholder}{len(parameters) + i}" for i in range(1, len(bound) + 1)
            )
            parts.append(f"({', '.join(each.positions)}) {operator} ({values})")
            parameters += bound
        return (f" WHERE {' AND '.join(parts)}" if parts else ""), parameters
