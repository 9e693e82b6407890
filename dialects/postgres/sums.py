"""Running sums on Postgres, which are exact: ints and decimals, and floats as numerics."""

from __future__ import annotations

from sqlglot import exp

from stepping.compiler.plan.tables import SumColumns
from stepping.compiler.schema import Atom, Kind
from stepping.dialects.base import Dialect, Expression
from stepping.dialects.postgres.scalar_digits import exact
from stepping.dialects.postgres.scalar_floats import size, two
from stepping.dialects.postgres.scalar_numbers import FLOAT8, NUMERIC
from stepping.dialects.scalars import Sql, case, fn, lift, number, type_named
from stepping.dialects.sums import product

_TOO_LARGE = number("1.7976931348623158E308")  # no float is
# Half of the smallest float: what is no more has 0.0 as its nearest float.
_NOTHING = number("2.4703282292062327E-324")


class PostgresSums(Dialect):
    """How sums are added up, kept and checked."""

    def sum_of(self, atom: Atom, value: Expression, weight: Expression) -> Expression:
        one = exp.Literal.number(1)
        if atom.kind is Kind.INT:
            if one in (value, weight):
                total = exp.Sum(this=product(value, weight))
                return exp.Cast(this=total, to=type_named("bigint"))
            # numeric: a product may be beyond 64 bits where the sum is not
            value = exp.Cast(this=value, to=type_named("numeric"))
        return exp.Sum(this=product(value, weight))

    def count_where(self, condition: Expression, weight: Expression) -> Expression:
        # Rows that do not meet it cost only the condition. A sum of products would be numeric.
        total = exp.Filter(this=exp.Sum(this=weight), expression=exp.Where(this=condition))
        whole = exp.Cast(this=total, to=type_named("bigint"))
        return exp.func("COALESCE", whole, exp.Literal.number(0))

    def added(
        self, each: SumColumns, old: Expression, change: Expression, group: Expression
    ) -> Expression:
        kind = each.type.kind
        total: Expression = exp.Add(
            this=exp.func("COALESCE", old.copy(), self.zero(each.type)), expression=change.copy()
        )
        if kind is Kind.NATIVE:
            return total  # as the database adds up
        if kind is Kind.DECIMAL:
            return (
                exp.Anonymous(this="trim_scale", expressions=[total])
                if each.type.scale is None
                else total
            )
        fits = exp.Between(
            this=exp.paren(total.copy()),
            low=exp.Neg(this=exp.Literal.number(2**63)),
            high=exp.Literal.number(2**63 - 1),
        )
        message = exp.DPipe(
            this=exp.Literal.string(f"the sum {each.value} does not fit in 64 bits for the group "),
            expression=group.copy(),
        )
        return exp.Case(
            ifs=[exp.If(this=fits, true=exp.Cast(this=total, to=type_named("bigint")))],
            default=self.spelling.raised(Sql(message), each.type).tree,
        )

    def infinity(self, sign: int) -> Expression:
        text = exp.Literal.string("Infinity" if sign > 0 else "-Infinity")
        return exp.Cast(this=text, to=type_named("double precision", "postgres"))

    # A float is a numeric with a hundred digits at the most, but for those near to 0.

    @property
    def exact_float(self) -> Atom:
        return Atom(Kind.DECIMAL)

    def exact_sum(self, value: Expression, weight: Expression, condition: Expression) -> Expression:
        x = Sql(value.copy())
        tiny = (size(x) < two(-51)).and_(x.ne(0))
        # 2**-1000, since Postgres rounds what has so many digits: 5**1000 * 10**-1000.
        five = fn("power", lift(5).cast(NUMERIC), 1000) * number("1E-1000")
        numeric = case((tiny, exact(x * two(1000)) * five), otherwise=exact(x))
        total = exp.Sum(this=product(numeric.tree, weight.copy()))
        where = exp.Filter(this=total, expression=exp.Where(this=condition.copy()))
        return exp.func("COALESCE", where, exp.Literal.number(0))

    def exact_differs(self, change: Expression) -> Expression:
        return exp.NEQ(this=change.copy(), expression=exp.Literal.number(0))

    def exact_added(self, old: Expression, change: Expression) -> Expression:
        before = exp.func("COALESCE", old.copy(), exp.Literal.number(0))
        total = exp.Add(this=before, expression=change.copy())
        return exp.Anonymous(this="trim_scale", expressions=[total])

    def exact_total(
        self, each: SumColumns, old: Expression, change: Expression, group: Expression
    ) -> Expression:
        before = exp.func("COALESCE", old.copy(), exp.Literal.number(0))
        x = Sql(exp.Paren(this=exp.Add(this=before, expression=change.copy())))
        return case(
            (size(x) >= _TOO_LARGE, Sql(self.too_large(each, group))),
            (size(x) <= _NOTHING, number("0").cast(FLOAT8)),
            otherwise=x.cast(FLOAT8),
        ).tree
