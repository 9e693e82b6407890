"""``x < ANY (SELECT ...)`` and ``x > ALL (SELECT ...)``, with any comparison, in three values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.schema import BOOL
from stepping.compiler.sql.frames import Frame
from stepping.compiler.sql.parsing import Expression
from stepping.compiler.sql.rows import renaming
from stepping.compiler.sql.selecting import Selecting
from stepping.compiler.sql.subqueries import Subqueries

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

    selects: Selecting
    subqueries: Subqueries

    def valued(self, frame: Frame, node: Expression, base: Frame | None) -> Frame:
        """The rows with the value of a comparison as a further column."""
        asked = node.expression
        operator, is_any = _OPERATORS[type(node)], isinstance(asked, exp.Any)
        return self.compared(frame, node, [node.this], asked.this, base, operator, is_any)

    def among(self, frame: Frame, node: Expression, values: Sequence[Expression]) -> Frame:
        """The rows with the value of ``(a, b) IN (SELECT ...)`` as a further column."""
        return self.compared(frame, node, values, node.args["query"], None, "=", True)

    def compared(
        self,
        frame: Frame,
        node: Expression,
        values: Sequence[Expression],
        query: Expression,
        base: Frame | None,
        operator: str,
        is_any: bool,
    ) -> Frame:
        selects = self.selects
        subqueries = self.subqueries
        for each in values:
            frame = subqueries.computed(frame, each, base)
        width = frame.rows.width
        valued = frame
        for each in values:
            scalar = selects.scalars.scalar(each, frame)
            valued = valued.with_column(self.over(scalar, frame, valued), "value")
        found = subqueries.belonging(query, valued, base, whole=True)
        count = len(values)
        if found.result.width != count:
            raise selects.error(
                f"a subquery of {found.result.width} columns is compared with {count}", query
            )
        # Each different value is compared with the rows that it is asked of.
        mine = [*found.mine, *valued.rows.columns[width:]]
        some = valued.rows.project(mine, "mark").different("mark")
        keys = list(some.columns)
        pairs = some.joined(
            found.rows,
            keys[: len(found.mine)],
            found.theirs,
            null_safe=found.null_safe,
            called="mark",
        )
        own = list(pairs.columns[: len(keys)])
        both = [*own[len(found.mine) :], *pairs.columns[len(keys) : len(keys) + count]]
        words = " AND ".join(f"{{{i}}} {operator} {{{i + count}}}" for i in range(count))
        truth = selects.scalars.native(words, both, BOOL.optional())
        rows = valued.rows
        decides = truth if is_any else ir.Not(truth)
        for condition in (decides, ir.IsNull(truth)):
            marked = pairs.where(condition, "mark").project(own, "mark").different("mark")
            again = [*subqueries.again(found, rows), *rows.columns[width : width + count]]
            rows = subqueries.marked(rows, marked, again, True)
        yes, no = selects.database.truth
        first, last = (yes, no) if is_any else (no, yes)
        words = f"CASE WHEN {{0}} THEN {first} WHEN {{1}} THEN NULL ELSE {last} END"
        made = selects.scalars.native(words, rows.columns[width + count :], BOOL.optional())
        columns = [(column.name, column) for column in rows.columns[:width]]
        return frame.over(rows.named([*columns, ("mark", made)], "mark")).also({id(node): width})

    def over(self, scalar: ir.Scalar, old: Frame, new: Frame) -> ir.Scalar:
        return ir.substitute(scalar, renaming(old.rows, new.rows.columns[: old.rows.width]))
