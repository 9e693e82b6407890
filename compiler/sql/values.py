"""VALUES, and SELECTs without FROM: rows that no table has."""

from __future__ import annotations

from dataclasses import dataclass

from stepping.compiler import ir
from stepping.compiler.operators.aggregate import Aggregate, Total
from stepping.compiler.schema import INT, Atom, Kind
from stepping.compiler.sql.frames import Frame
from stepping.compiler.sql.nodes import row_of
from stepping.compiler.sql.parsing import Expression
from stepping.compiler.sql.rows import FALSE, ONE, TRUE, Rows, function_of
from stepping.compiler.sql.selecting import Env, Result, Selecting
from stepping.compiler.sql.subqueries import Subqueries


@dataclass
class Values:
    """Makes constant rows. ``selects`` makes their scalars."""

    selects: Selecting
    subqueries: Subqueries

    def one_row(self, node: Expression) -> Frame:
        """One row without columns that mean anything: what an aggregate of nothing gives."""
        selects = self.selects
        source = next((s for s in selects.bound.sources.values() if s.table is not None), None)
        if source is None:
            hint = "CREATE VIEW is enough for what never changes"
            raise selects.error("the query reads no table, so that it never changes", node, hint)
        nothing = selects.of_table(source).rows.where(FALSE, "values")
        total = Total("rows", function_of(INT, (ONE,)), INT)
        made = Aggregate(nothing.operator, None, (total,), origin=nothing.at, called="values")
        return Frame(nothing.of(made).named([("one", TRUE)], "values"), {})

    def rows(self, node: Expression, env: Env) -> Result:
        """The rows of VALUES."""
        selects = self.selects
        frame = env.outer if env.outer is not None else self.one_row(node)
        frame = frame.placed(selects.clauses.at("", [node]))
        carried = [selects.column_of(ref, frame) for ref in env.carried]
        lines = []
        texts: list[list[Expression]] = []
        for each in node.expressions:
            values = row_of(each)
            for value in values:
                frame = self.subqueries.computed(frame, value)
            texts.append(values)
            lines.append([selects.scalars.scalar(value, frame) for value in values])
        atoms = []
        for column, written in zip(zip(*lines, strict=True), zip(*texts, strict=True), strict=True):
            common = selects.database.common(selects.scalars.types_of(column, written))
            nullable = any(each.type.nullable for each in column)
            atoms.append(Atom(Kind.NATIVE, nullable=nullable, native=common))
        names = [f"column{i}" for i in range(1, len(atoms) + 1)]
        found: Rows | None = None
        for line in lines:
            own: list[tuple[str, ir.Scalar]] = [
                (name, self.subqueries.as_type(value, atom))
                for name, value, atom in zip(names, line, atoms, strict=True)
            ]
            own += [("carried", each) for each in carried]
            rows = frame.rows.named(own, "values")
            found = rows if found is None else found.plus(rows, "values")
        assert found is not None
        return Result(found, len(atoms), tuple(names))
