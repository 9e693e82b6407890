"""``x < ANY (SELECT ...)`` and ``x > ALL (SELECT ...)``, with any comparison, in three values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.schema import BOOL
from stepping.compiler.sql.frames import Frame
from stepping.compiler.sql.parsing import Expression

if TYPE_CHECKING:
    from stepping.compiler.sql.select import Selects

_OPERATORS = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}


@dataclass
class Quantified:
    """Answers such comparisons. ``selects`` makes the rows of their subqueries."""

    selects: Selects

    def valued(self, frame: Frame, node: Expression, base: Frame | None) -> Frame:
        """The rows with the value of a comparison as a further column."""
        selects = self.selects
        subqueries = selects.subqueries
        frame = subqueries.computed(frame, node.this, base)
        width = frame.rows.width
        value = selects.scalars.scalar(node.this, frame)
        valued = frame.with_column(value, "value", id(node.this))
        asked = node.expression
        found = subqueries.belonging(asked.this, valued, base, whole=True)
        if found.result.width != 1:
            raise selects.error("a subquery must return only one column", asked)
        # Each different value is compared with the rows that it is asked of.
        mine = [*found.mine, valued.column(id(node.this))]
        some = valued.rows.project(mine, "mark").distinct(called="mark")
        keys = list(some.columns)
        pairs = some.joined(
            found.rows, keys[:-1], found.theirs, null_safe=found.null_safe, called="mark"
        )
        compared = pairs.columns[len(keys) - 1], pairs.columns[len(keys)]
        operator = _OPERATORS[type(node)]
        truth = selects.scalars.native(f"{{0}} {operator} {{1}}", compared, BOOL.optional())
        own = list(pairs.columns[: len(keys)])
        rows = valued.rows
        is_any = isinstance(asked, exp.Any)
        decides = truth if is_any else ir.Not(truth)
        for condition in (decides, ir.IsNull(truth)):
            marked = pairs.where(condition, "mark").project(own, "mark").distinct(called="mark")
            again = [*subqueries.again(found, rows), rows.columns[width]]
            rows = subqueries.marked(rows, marked, again, True)
        yes, no = selects.database.truth
        first, last = (yes, no) if is_any else (no, yes)
        words = f"CASE WHEN {{0}} THEN {first} WHEN {{1}} THEN NULL ELSE {last} END"
        made = selects.scalars.native(words, rows.columns[width + 1 :], BOOL.optional())
        columns = [(column.name, column) for column in rows.columns[:width]]
        return frame.over(rows.named([*columns, ("mark", made)], "mark")).also({id(node): width})
