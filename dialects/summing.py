"""Running sums: how a dialect adds them up, keeps them, and says that one cannot be kept."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from sqlglot import exp

from stepping.compiler.canonical import NO_ROWS_LEFT
from stepping.compiler.plan.tables import SumColumns, Table, TableColumn
from stepping.compiler.schema import Atom, Kind
from stepping.dialects.scalars import Spelling, Sql, type_named, unshared
from stepping.dialects.tables import Expression, TableRenderer


@dataclass(frozen=True)
class OfGroup:
    """What errors say of a group: its key, or nothing of the one that has all rows.

    ``text`` is empty there, and of a column all the same: a constant error may be raised at once.
    """

    key: bool
    text: Expression

    def behind(self, said: str, of: str = " for the group ") -> Expression:
        """A message that ends with that."""
        words = exp.Literal.string(f"{said}{of}" if self.key else said)
        return exp.DPipe(this=words, expression=self.text.copy())


@dataclass(frozen=True)
class LeftOver:
    """That a group without rows has sums: the condition, and the text of the error."""

    condition: Expression
    text: Expression


class Summing(TableRenderer):
    """One database's sums."""

    is_there = False  # a group that is added to, so that its sums are no NULLs

    @property
    @abstractmethod
    def spelling(self) -> Any:
        """How scalars are spelled: see `compiler/lowering/scalar_sql.py`."""

    @abstractmethod
    def sum_of(self, atom: Atom, value: Expression, weight: Expression) -> Expression:
        """The aggregate that adds up ``value * weight``."""

    def count_in_bounds(
        self, count: Expression, of: str, group: OfGroup | None = None
    ) -> Expression:
        """A count that was computed, or an error where it is beyond 64 bits.

        Whose count it is: ``of``, and of which ``group``.
        """
        return count  # most databases raise by themselves

    def count_where(self, condition: Expression, weight: Expression) -> Expression:
        """The aggregate that adds up the weights of rows that meet a condition: 0 if none does."""
        # Rows that do not meet it cost only the condition.
        total = exp.Filter(this=exp.Sum(this=weight), expression=exp.Where(this=condition))
        return exp.func("COALESCE", total, exp.Literal.number(0))

    def sum_parts(
        self, each: SumColumns, value: Expression, weight: Expression
    ) -> list[tuple[str, Expression]]:
        """The columns of the change of a sum, and the aggregate of each."""
        return [(each.value, self.sum_of(each.type, value, weight.copy()))]

    def adds_once(self, each: SumColumns) -> bool:
        """Whether the aggregates of a sum name the value that is added up no more than once."""
        return not each.positive

    def sum_absorbs(self, each: SumColumns) -> frozenset[str]:
        """What kinds of raw values the aggregates of a sum take: see `dialects/scalars.py`."""
        return frozenset()

    def differs(self, each: SumColumns, change: Expression) -> list[Expression]:
        """Conditions any of which says that the change of a sum is not 0."""
        return [exp.NEQ(this=change.copy(), expression=self.zero(each.type))]

    @abstractmethod
    def added(
        self, each: SumColumns, old: Expression | None, change: Expression, group: OfGroup
    ) -> Expression:
        """The sum after a change, or an error that names the ``group``.

        ``old`` is None where all is in the change.
        """

    def plus(self, old: Expression | None, change: Expression, atom: Atom) -> Expression:
        """A sum, NULL where there was none, with its change."""
        if old is None:
            return unshared(change)
        before = unshared(old)
        if not self.is_there:
            before = exp.Coalesce(this=before, expressions=[self.zero(atom)])
        return exp.Add(this=before, expression=unshared(change))

    @property
    @abstractmethod
    def exact_float(self) -> Atom:
        """What an exact sum of floats is kept in."""

    @abstractmethod
    def exact_sum(
        self, value: Expression, weight: Expression, condition: Expression | None
    ) -> Expression:
        """The aggregate that adds up ``value * weight`` of floats, where ``condition`` holds."""

    @abstractmethod
    def exact_differs(self, change: Expression) -> Expression:
        """Whether an exact sum is not 0."""

    @abstractmethod
    def exact_added(self, old: Expression | None, change: Expression) -> Expression:
        """An exact sum (NULL where there was none) with its change."""

    @abstractmethod
    def exact_total(self, each: SumColumns, exact: Expression, group: OfGroup) -> Expression:
        """The float next to what `exact_added` gives, or an error that names the ``group``."""

    @property
    def names_exact_sums(self) -> bool:
        """Whether what `exact_added` gives is a column first: where it takes many words."""
        return False

    def too_large(self, each: SumColumns, group: OfGroup) -> Expression:
        """The error of a sum of floats that is none."""
        return self.spelling.raised(Sql(self.beyond(each, group)), each.type).tree

    def beyond(self, each: SumColumns, group: OfGroup) -> Expression:
        """What is said of a sum that is no float."""
        return group.behind(f"the sum {each.shown} is beyond the largest float")

    def float_total(
        self, finite: Expression, positive: Expression, negative: Expression
    ) -> Expression:
        """A sum of floats of its finite part and how many infinities of each sign are in it."""
        return float_total(self, finite, positive, negative)

    @abstractmethod
    def infinity(self, sign: int) -> Expression:
        """A float constant."""

    @abstractmethod
    def text_of(self, column: TableColumn, value: Expression) -> Expression:
        """A value as a text for an error message."""

    @abstractmethod
    def nothing_of(self, text: Expression) -> Expression:
        """An empty text, made of another one."""

    def none_of(self, column: TableColumn) -> str:
        """What a missing value is called there: as in SQL, or as in Python."""
        return "NULL" if column.type.native is not None else "None"

    def left_over(self, table: Table, changed: Callable[[str], Expression]) -> LeftOver | None:
        """Whether a group without rows has sums all the same, and what the error says of it.

        None where no sum tells. ``changed`` gives the columns of the change table.
        """
        sums = table.vanishing
        if not sums:
            return None
        left = exp.or_(
            *(exp.NEQ(this=changed(each.new), expression=self.zero(each.type)) for each in sums)
        )
        said: Expression = exp.Literal.string(f"{NO_ROWS_LEFT} ")
        for i, key in enumerate(table.key):
            said = said if not i else exp.DPipe(this=said, expression=exp.Literal.string(", "))
            said = exp.DPipe(this=said, expression=self.text_of(table.column(key), changed(key)))
        for each in sums:
            label = exp.Literal.string(f", whose {each.shown} is ")
            shown = self.text_of(TableColumn(each.value, each.type), changed(each.new))
            said = exp.DPipe(this=exp.DPipe(this=said, expression=label), expression=shown)
        return LeftOver(left, said)

    def absent(self, atom: Atom) -> Expression:
        """What a row adds to a sum that it has no part in."""
        return self.zero(atom)

    def zero(self, atom: Atom) -> Expression:
        """The sum of nothing."""
        return exp.Literal.number("0.0" if atom.kind is Kind.FLOAT else "0")


class Floats(Protocol):
    """What is asked of a dialect."""

    @property
    def spelling(self) -> Spelling: ...
    def infinity(self, sign: int) -> Expression: ...


def product(value: Expression, weight: Expression) -> Expression:
    """``value * weight``, without the 1s."""
    one = exp.Literal.number(1)
    if weight == one:
        return value
    if value == one:
        return weight
    return exp.Mul(
        this=exp.Paren(this=unshared(value)), expression=exp.Paren(this=unshared(weight))
    )


def float_total(
    dialect: Floats, finite: Expression, positive: Expression, negative: Expression
) -> Expression:
    """A sum of floats: its finite part, unless infinities of one sign are in it.

    A group that is not there has no sum, and NULLs for infinities.
    """
    zero = exp.Literal.number(0)
    up = exp.and_(
        exp.GTE(this=operand(positive), expression=zero.copy()),
        exp.LTE(this=operand(negative), expression=zero.copy()),
    )
    down = exp.and_(
        exp.LTE(this=operand(positive), expression=zero.copy()),
        exp.GTE(this=operand(negative), expression=zero.copy()),
    )
    text = exp.Cast(this=finite.copy(), to=type_named("text"))
    message = exp.DPipe(
        this=exp.Literal.string("a sum of inf and -inf is not a number: "),
        expression=text,
    )
    infinite = exp.Case(
        ifs=[
            exp.If(this=up, true=dialect.infinity(1)),
            exp.If(this=down, true=dialect.infinity(-1)),
        ],
        default=dialect.spelling.raised(Sql(message), Atom(Kind.FLOAT)).tree,
    )
    some = exp.or_(
        exp.NEQ(this=operand(positive), expression=zero.copy()),
        exp.NEQ(this=operand(negative), expression=zero.copy()),
    )
    return exp.Case(ifs=[exp.If(this=some, true=infinite)], default=finite.copy())


def operand(tree: Expression) -> Expression:
    """The tree as an operand: sqlglot adds no parentheses by itself."""
    return tree.copy() if isinstance(tree, exp.Column) else exp.paren(tree.copy())


def is_number_of_rows(atom: Atom) -> bool:
    """Whether a row adds 1 at the most, so that the sum is as far from 64 bits as tables are."""
    return bool(atom.low == 0 and atom.high == 1)
