"""Running sums on Postgres, which are exact: ints and decimals, and floats as numerics."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from stepping.compiler.plan.tables import SumColumns, Table
from stepping.compiler.schema import Atom, Kind
from stepping.dialects.base import Dialect, Expression
from stepping.dialects.postgres.scalar_numbers import ZERO_RAW, said
from stepping.dialects.scalars import Sql, type_named
from stepping.dialects.summing import LeftOver, OfGroup, is_number_of_rows, product


class PostgresSums(Dialect):
    """How sums are added up, kept and checked."""

    def sum_of(self, atom: Atom, value: Expression, weight: Expression) -> Expression:
        one = exp.Literal.number(1)
        if atom.kind is Kind.INT:
            if value == one == weight:
                return exp.Count(this=exp.Star())
            if is_small(atom) and not is_number_of_rows(atom):
                return exp.Sum(this=product(value, weight))
            if one in (value, weight) or is_number_of_rows(atom):
                total = exp.Sum(this=product(value, weight))
                return exp.Cast(this=total, to=type_named("bigint"))
            # numeric: a product may be beyond 64 bits where the sum is not
            value = exp.Cast(this=value, to=type_named("numeric"))
        return exp.Sum(this=product(value, weight))

    def sum_absorbs(self, each: SumColumns) -> frozenset[str]:
        is_exact = bool(each.exact) and not each.positive
        return frozenset({ZERO_RAW} if is_exact else ())  # -0.0 as a numeric is 0

    def count_where(self, condition: Expression, weight: Expression) -> Expression:
        # Rows that do not meet it cost only the condition. A sum of products would be numeric.
        total = exp.Filter(this=exp.Sum(this=weight), expression=exp.Where(this=condition))
        whole = exp.Cast(this=total, to=type_named("bigint"))
        return exp.func("COALESCE", whole, exp.Literal.number(0))

    def added(
        self, each: SumColumns, old: Expression | None, change: Expression, group: OfGroup
    ) -> Expression:
        kind = each.type.kind
        total = self.plus(old, change, each.type)
        if kind is Kind.NATIVE or each.counts or is_number_of_rows(each.type):
            return total  # as the database adds up
        if kind is Kind.DECIMAL:
            return (
                exp.Anonymous(this="trim_scale", expressions=[total])
                if each.type.scale is None
                else total
            )
        of = said(Sql(group.text.copy())).tree
        return exp.Anonymous(
            this="stepping_sum", expressions=[total, exp.Literal.string(each.shown), of]
        )

    def infinity(self, sign: int) -> Expression:
        text = exp.Literal.string("Infinity" if sign > 0 else "-Infinity")
        return exp.Cast(this=text, to=type_named("double precision", "postgres"))

    # By functions beside the table: see `sum_functions.py`.

    @property
    def exact_float(self) -> Atom:
        return Atom(Kind.DECIMAL)

    def exact_sum(
        self, value: Expression, weight: Expression, condition: Expression | None
    ) -> Expression:
        numeric = exp.Anonymous(this="stepping_exact", expressions=[value.copy()])
        total = exp.Sum(this=product(numeric, weight.copy()))
        if condition is None:
            return total
        where = exp.Filter(this=total, expression=exp.Where(this=condition.copy()))
        return exp.func("COALESCE", where, exp.Literal.number(0))

    def exact_differs(self, change: Expression) -> Expression:
        return exp.NEQ(this=change.copy(), expression=exp.Literal.number(0))

    def exact_added(self, old: Expression | None, change: Expression) -> Expression:
        total = self.plus(old, change, self.exact_float)
        return exp.Anonymous(this="trim_scale", expressions=[total])

    def exact_total(self, each: SumColumns, exact: Expression, group: OfGroup) -> Expression:
        fault = self.beyond(each, group)
        return exp.Anonymous(
            this="stepping_nearest", expressions=[exact.copy(), said(Sql(fault)).tree]
        )

    def left_over(self, table: Table, changed: Callable[[str], Expression]) -> LeftOver | None:
        found = super().left_over(table, changed)
        return found and LeftOver(found.condition, said(Sql(found.text)).tree)


def is_small(atom: Atom) -> bool:
    """Whether a product with a number of rows is within 64 bits."""
    return atom.low is not None and atom.low >= -(2**31) and atom.high < 2**31
