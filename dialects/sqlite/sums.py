"""Running sums on SQLite, which are exact: 64-bit ints, decimals, floats."""

from __future__ import annotations

from decimal import Decimal

from sqlglot import exp

from stepping.compiler.canonical import BEYOND
from stepping.compiler.plan.tables import SumColumns, TableColumn
from stepping.compiler.schema import INT, TEXT, Atom, DatabaseType, Kind
from stepping.dialects.base import Dialect, Expression
from stepping.dialects.scalars import Sql, type_named
from stepping.dialects.sqlite import float_sums, float_words
from stepping.dialects.sqlite.scalar_numbers import FINITE_RAW, NULL_RAW, ZERO_RAW
from stepping.dialects.summing import OfGroup, is_number_of_rows, product

_HALF, _LOW = exp.Literal.number(32), exp.Literal.number(2**32 - 1)

# A bag of numbers, as a JSON object of how often each is there: it is summed up when it is read.
BAG = DatabaseType("JSON TEXT", short=True)


def is_bag(atom: Atom) -> bool:
    return atom.native == BAG


def is_whole(atom: Atom) -> bool:
    """Whether values are 64-bit integers: ints, and decimals with a scale."""
    return atom.kind is Kind.INT or (atom.kind is Kind.DECIMAL and atom.scale is not None)


def is_real(value: Expression) -> Expression:
    """Whether an int has been beyond 64 bits on its way: whatever is made of it is a REAL, too."""
    kind = exp.Anonymous(this="typeof", expressions=[value.copy()])
    return exp.EQ(this=kind, expression=exp.Literal.string("real"))


def in_halves(each: SumColumns) -> bool:
    """Whether a change of a sum is added up in two halves, since it may be beyond 64 bits."""
    counts = each.counts or is_number_of_rows(each.type)
    return is_whole(each.type) and not counts and not each.small


def as_integer(total: Expression) -> tuple[Expression, Expression]:
    """A sum, and whether it is one: SQLite makes a REAL of an int that overflows."""
    kind = exp.Anonymous(this="typeof", expressions=[total.copy()])
    return total, exp.EQ(this=kind, expression=exp.Literal.string("integer"))


class SQLiteSums(Dialect):
    """How sums are added up, kept and checked.

    ``counts_rows``: counts are those of rows of tables, of which none has 2**31 in a change.
    """

    counts_rows = False

    def sum_of(self, atom: Atom, value: Expression, weight: Expression) -> Expression:
        if atom.kind is Kind.DECIMAL and atom.scale is None:
            return exp.Anonymous(this="stepping_decimal_sum", expressions=[value, weight])
        if value == weight == exp.Literal.number(1):
            return exp.Count(this=exp.Star())
        return exp.Sum(this=product(value, weight))

    def count_in_bounds(
        self, count: Expression, of: str, group: OfGroup | None = None
    ) -> Expression:
        if self.counts_rows:
            return count
        # SQLite makes a REAL of an int that overflows, and of whatever is made of that.
        kind = exp.Anonymous(this="typeof", expressions=[count.copy()])
        fits = exp.EQ(this=kind, expression=exp.Literal.string("integer"))
        text = f"a count {BEYOND}: that of {of}"
        said = exp.Literal.string(text) if group is None else group.behind(text, " of the group ")
        fault = self.spelling.raised(Sql(said), INT).tree
        return exp.Case(ifs=[exp.If(this=fits, true=count.copy())], default=fault)

    def sum_parts(
        self, each: SumColumns, value: Expression, weight: Expression
    ) -> list[tuple[str, Expression]]:
        if is_bag(each.type):
            return [(each.value, float_words.bagged(value, weight))]
        if not in_halves(each):
            return super().sum_parts(each, value, weight)
        # SQLite turns an int that overflows into a REAL, and sum() raises, also where the sum that
        # the change is added to brings it back into 64 bits: so halves are added up.
        high = exp.BitwiseRightShift(this=exp.paren(value.copy()), expression=_HALF.copy())
        low = exp.BitwiseAnd(this=exp.paren(value.copy()), expression=_LOW.copy())
        return [
            (each.value, exp.Sum(this=product(high, weight.copy()))),
            (each.low, exp.Sum(this=product(low, weight.copy()))),
        ]

    def adds_once(self, each: SumColumns) -> bool:
        return super().adds_once(each) and not in_halves(each)

    def sum_absorbs(self, each: SumColumns) -> frozenset[str]:
        is_exact = bool(each.exact) and not each.positive
        return frozenset({FINITE_RAW, NULL_RAW, ZERO_RAW} if is_exact else ())

    def differs(self, each: SumColumns, change: Expression) -> list[Expression]:
        if is_bag(each.type):
            return [exp.Not(this=exp.Is(this=change.copy(), expression=exp.Null()))]
        found = super().differs(each, change)
        if in_halves(each):
            low = self.low_of(each, change)
            beyond = [] if self.counts_rows else [is_real(change), is_real(low)]
            return [*found, *super().differs(each, low), *beyond]
        checked = is_whole(each.type) and not self.counts_rows
        return [*found, is_real(change)] if checked else found

    def low_of(self, each: SumColumns, change: Expression) -> Expression:
        return exp.column(self.identifier(each.low), table=change.args["table"].copy())

    def added(
        self, each: SumColumns, old: Expression | None, change: Expression, group: OfGroup
    ) -> Expression:
        kind = each.type.kind
        if (each.counts or is_number_of_rows(each.type)) and self.counts_rows:
            return self.plus(old, change, each.type)
        if is_bag(each.type):
            return float_words.added(exp.null() if old is None else old, change)
        if kind is Kind.DECIMAL and each.type.scale is None:
            if old is None:
                return change.copy()
            return exp.Case(
                ifs=[
                    exp.If(this=exp.Is(this=old.copy(), expression=exp.Null()), true=change.copy())
                ],
                default=exp.Anonymous(
                    this="stepping_decimal_add", expressions=[old.copy(), change.copy()]
                ),
            )
        total, fits = (
            self.of_halves(each, old, change)
            if in_halves(each)
            else as_integer(self.plus(old, change, each.type))
        )
        message = group.behind(f"the sum {each.shown} {BEYOND}")
        return exp.Case(
            ifs=[exp.If(this=fits, true=total)],
            default=self.spelling.raised(Sql(message), each.type).tree,
        )

    def of_halves(
        self, each: SumColumns, old: Expression | None, change: Expression
    ) -> tuple[Expression, Expression]:
        """A sum with its change, of which there are two halves; and whether it is in 64 bits."""
        low: Expression = self.low_of(each, change)
        high: Expression = change.copy()
        if old is not None:
            before = exp.func("COALESCE", old.copy(), self.zero(each.type))
            old_low = exp.paren(exp.BitwiseAnd(this=before.copy(), expression=_LOW.copy()))
            low = exp.Add(this=old_low, expression=low)
            old_high = exp.paren(exp.BitwiseRightShift(this=before, expression=_HALF.copy()))
            high = exp.Add(this=old_high, expression=high)
        carry = exp.BitwiseRightShift(this=exp.paren(low.copy()), expression=_HALF.copy())
        high = exp.Add(this=high, expression=exp.paren(carry))
        total = exp.BitwiseOr(
            this=exp.paren(
                exp.BitwiseLeftShift(this=exp.paren(high.copy()), expression=_HALF.copy())
            ),
            expression=exp.paren(exp.BitwiseAnd(this=exp.paren(low), expression=_LOW.copy())),
        )
        fits: Expression = exp.Between(
            this=exp.paren(high),
            low=exp.Neg(this=exp.Literal.number(2**31)),
            high=exp.Literal.number(2**31 - 1),
        )
        if self.counts_rows:
            return total, fits
        # A half times a count of more than 31 bits may be beyond 64, and is a REAL then.
        parts = is_real(change), is_real(self.low_of(each, change))
        return total, exp.and_(fits, *(exp.Not(this=part) for part in parts))

    # Functions of ours, since two of SQLite's floats are not added exactly; see `float_sums.py`.

    @property
    def exact_float(self) -> Atom:
        return TEXT

    def exact_sum(
        self, value: Expression, weight: Expression, condition: Expression | None
    ) -> Expression:
        added = exp.Anonymous(this="stepping_float_sum", expressions=[value.copy(), weight.copy()])
        if condition is None:
            return added
        return exp.Filter(this=added, expression=exp.Where(this=condition.copy()))

    def exact_differs(self, change: Expression) -> Expression:
        return exp.NEQ(this=change.copy(), expression=exp.Literal.string(float_sums.ZERO))

    def exact_added(self, old: Expression | None, change: Expression) -> Expression:
        if old is None:
            return change.copy()
        return exp.Anonymous(this="stepping_float_add", expressions=[old.copy(), change.copy()])

    def exact_total(self, each: SumColumns, exact: Expression, group: OfGroup) -> Expression:
        total = exp.Anonymous(this="stepping_float_total", expressions=[exact.copy()])
        return exp.func("COALESCE", total, self.too_large(each, group))

    def absent(self, atom: Atom) -> Expression:
        return exp.null() if is_bag(atom) else super().absent(atom)

    def zero(self, atom: Atom) -> Expression:
        if is_bag(atom):
            return exp.Literal.string("{}")
        if atom.kind is Kind.DECIMAL and atom.scale is None:
            return self.spelling.constant(Decimal(0), atom).tree
        return super().zero(atom)

    def infinity(self, sign: int) -> Expression:
        literal = exp.Literal.number("9e999")  # sqlite.org/floatingpoint.html
        return literal if sign > 0 else exp.Neg(this=literal)

    def nothing_of(self, text: Expression) -> Expression:
        ends = [exp.Literal.number(1), exp.Literal.number(0)]
        return exp.Anonymous(this="substr", expressions=[text, *ends])

    def text_of(self, column: TableColumn, value: Expression) -> Expression:
        shown = value
        if column.type.kind in (Kind.BYTES, Kind.UUID, Kind.PACKED):
            shown = exp.Anonymous(this="hex", expressions=[value])
        if not column.type.nullable:
            return shown
        cast = exp.Cast(this=shown, to=type_named("text"))
        return exp.func("COALESCE", cast, exp.Literal.string(self.none_of(column)))
