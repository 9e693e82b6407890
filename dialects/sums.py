"""Running sums in SQL that every database takes."""

from __future__ import annotations

from typing import Any, Protocol

from sqlglot import exp

from stepping.compiler.schema import Atom, Kind
from stepping.dialects.scalars import Spelling, Sql, type_named, unshared

Expression = Any  # a sqlglot expression


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
