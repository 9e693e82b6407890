"""UNION, INTERSECT and EXCEPT, with and without ALL."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.schema import Atom, Kind
from stepping.compiler.sql.images import is_varied
from stepping.compiler.sql.parsing import Expression
from stepping.compiler.sql.rows import Rows
from stepping.compiler.sql.selecting import Env, Result, Selecting


@dataclass
class Sets:
    """Puts the results of two queries together. ``selects`` makes them."""

    selects: Selecting

    def operation(self, node: Expression, env: Env) -> Result:
        if node.args.get("by_name") or node.args.get("on"):
            raise self.selects.error("a set operation by name is not taken", node)
        first = self.selects.query(node.this, env)
        second = self.selects.query(node.expression, env)
        at = self.selects.clauses.set_operation(node)
        first, second = (replace(each, rows=each.rows.placed(at)) for each in (first, second))
        left, right = self.common(node, first, second)
        rows = self.combined(node, left, right)
        return replace(first, rows=rows, single=False, nothing=())

    def combined(self, node: Expression, left: Rows, right: Rows) -> Rows:
        as_set = bool(node.args.get("distinct"))
        varied = any(map(is_varied, (*left.columns, *right.columns)))
        if varied and not isinstance(node, exp.Union):
            return self.by_equality(node, left, right, as_set=as_set)
        match node:
            case exp.Union():
                both = left.plus(right, "union")
                return both.distinct(called="union") if as_set else both
            case exp.Intersect() if as_set:
                both = left.distinct(called="intersect").plus(right.distinct(called="intersect"))
                return both.distinct(ir.Rule.TWICE, called="intersect")
            case exp.Intersect():
                # min(v, w) = v - max(0, v - w)
                surplus = left.minus(right, "intersect").distinct(ir.Rule.SURPLUS, "intersect")
                return left.without(surplus, "intersect")
            case _:
                rule = ir.Rule.POSITIVE if as_set else ir.Rule.SURPLUS
                if as_set:
                    left, right = (each.distinct(called="except") for each in (left, right))
                return left.minus(right, "except").distinct(rule, "except")

    def by_equality(self, node: Expression, left: Rows, right: Rows, *, as_set: bool) -> Rows:
        """What both have, or one has and the other has not, where equal rows may differ."""
        called = "intersect" if isinstance(node, exp.Intersect) else "except"
        if as_set:
            left, right = left.distinct(called=called), right.distinct(called=called)
            some = left.matching(right, left.columns, null_safe=True, equal=True, called=called)
            return some if called == "intersect" else left.without(some, called)
        # All rows that are equal, as one of them: then they are the same.
        shown = left.plus(right, called).distinct(called=called)
        left, right = (
            each.joined(
                shown, each.columns, shown.columns, null_safe=True, equal=True, called=called
            )
            for each in (left, right)
        )
        left, right = (each.project(each.columns[shown.width :]) for each in (left, right))
        surplus = left.minus(right, called).distinct(ir.Rule.SURPLUS, called)
        return left.without(surplus, called) if called == "intersect" else surplus

    def common(self, node: Expression, first: Result, second: Result) -> tuple[Rows, Rows]:
        """Both with columns of the same types, as the database makes them of two."""
        selects = self.selects
        lefts: list[tuple[str, ir.Scalar]] = []
        rights: list[tuple[str, ir.Scalar]] = []
        written = [self.written(part, first.width) for part in (node.this, node.expression)]
        extra = [None] * (first.rows.width - first.width)
        nodes = zip(*((*each, *extra) for each in written), strict=True)
        columns = zip(first.rows.columns, second.rows.columns, nodes, strict=True)
        is_postgres = selects.database.dialect == "postgres"
        for a, b, said in columns:
            types = [selects.scalars.type_of(each) for each in (a, b)]
            found = selects.scalars.types_of((a, b), said)
            common = selects.database.common(found if is_postgres else types)
            nullable = a.type.nullable or b.type.nullable
            atom = Atom(Kind.NATIVE, nullable=nullable, native=common)
            lefts.append((a.name, self.cast(a, atom)))
            rights.append((a.name, self.cast(b, atom)))
        return first.rows.named(lefts), second.rows.named(rights)

    def written(self, node: Expression, width: int) -> list[Expression | None]:
        """What a SELECT says its columns are, where it is one."""
        outputs = self.selects.bound.outputs[id(node)]
        found = [each.value if isinstance(each.value, exp.Expr) else None for each in outputs]
        return found if isinstance(node, exp.Select) else [None] * width

    def cast(self, column: ir.ColumnRef, atom: Atom) -> ir.Scalar:
        of_type = self.selects.scalars.type_of(column)
        assert atom.native is not None
        if of_type.name == atom.native.name or self.selects.database.dialect == "sqlite":
            return replace(column, type=atom)
        return self.selects.scalars.native(self.selects.database.cast(atom.native), (column,), atom)
