"""Scalars to sqlglot expressions, in the words of one dialect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn.functions import FUNCTIONS
from stepping.compiler.lowering.folding import folded
from stepping.compiler.schema import BOOL, Atom, Kind
from stepping.dialects.natives import spliced
from stepping.dialects.scalars import Spelling, Sql, as_operand, case, closed, is_null, unshared

Columns = Callable[[str], exp.Expr]
Spanned = Callable[[str], tuple[int, int] | None]


def scalar_sql(
    scalar: ir.Scalar,
    column: Columns,
    spell: Spelling,
    absorbed: frozenset[str] = frozenset(),
    span: Spanned = lambda _: None,
) -> exp.Expr:
    """The expression that gives exactly what ``scalar`` means. It can stand as an operand.

    ``column`` gives the expression for a column of the row, of the column's physical type.
    ``span``: between which ints the values of a column are known to be.
    ``absorbed``: what kinds of raw values are taken as they are. A LookupError says what ``spell``
    has no exact words for; ask `can_spell` first.
    """
    return closed(_Lowering(column, spell, span).lowered(folded(scalar), absorbed).tree)


def can_spell(scalar: ir.Scalar, spell: Spelling) -> str | None:
    """None if ``scalar`` can be spelled exactly, else what in it cannot."""
    try:
        tree = scalar_sql(scalar, exp.column, spell)
    except LookupError as error:
        return str(error.args[0])
    return spell.too_deep(tree)


def registered(scalar: ir.Scalar, spell: Spelling) -> frozenset[str]:
    """Names of the functions that must be registered on a connection that evaluates ``scalar``."""
    return spell.registered(scalar_sql(scalar, exp.column, spell))


MANY = 64  # parts of a condition: one beside the other, each would be a level deeper
_LISTED = (Kind.INT, Kind.TEXT)  # whose `=` is that of IN, on each database


def in_lists(
    parts: tuple[ir.Scalar, ...],
) -> tuple[tuple[ir.Scalar, ...], list[tuple[ir.Scalar, list[ir.Scalar]]]]:
    """The comparisons of one value with many constants, taken together; and the other parts."""
    lists: dict[ir.Scalar, list[ir.Scalar]] = {}
    others: list[ir.Scalar] = []
    for part in parts:
        match part:
            case ir.Call("eq", (value, ir.Const() as constant)) if (
                value.type.kind in _LISTED and value.type.kind is constant.type.kind
            ):
                lists.setdefault(value, []).append(constant)
            case _:
                others.append(part)
    return tuple(others), list(lists.items())


def balanced(operator: type[exp.Expr], parts: list[exp.Expr]) -> exp.Expr:
    """Parts put together no deeper than need be."""
    if len(parts) == 1:
        return closed(parts[0])
    half = len(parts) // 2
    left, right = balanced(operator, parts[:half]), balanced(operator, parts[half:])
    return exp.Paren(this=operator(this=left, expression=right))


class _Lowering:
    def __init__(self, column: Columns, spell: Spelling, span: Spanned) -> None:
        self.column = column
        self.spell = spell
        self.span = span
        self.done: dict[int, Sql] = {}  # by identity: digests would take longer than the rest

    def settled(self, scalar: ir.Scalar) -> Sql:
        return self.lowered(scalar, frozenset())

    def lowered(self, scalar: ir.Scalar, absorbed: frozenset[str]) -> Sql:
        """``scalar`` as SQL, raw only in a way that whoever asks takes as raw."""
        key = id(scalar)
        if key not in self.done:
            self.done[key] = self.sql(scalar)
        made = self.done[key]
        if made.raw and made.raw not in absorbed:
            assert isinstance(scalar, ir.Call)
            made = self.spell.settled(made, str(FUNCTIONS[scalar.function]))
            made = replace(made, type=scalar.type)
        return made

    def sql(self, scalar: ir.Scalar) -> Sql:
        match scalar:
            case ir.ColumnRef(name, atom):
                return Sql(self.column(name), atom, span=self.span(name))
            case ir.Const(value, atom):
                return self.spell.constant(value, atom)
            case ir.Call():
                return self.call(scalar)
            case ir.Case(whens, otherwise, atom):
                made = case(
                    *((self.settled(c), self.of_type(value, atom)) for c, value in whens),
                    otherwise=self.of_type(otherwise, atom),
                )
                finite = atom.kind is not Kind.FLOAT or ir.is_finite(scalar)
                return Sql(made.tree, atom if finite else atom.with_infinities())
            case ir.And(parts):
                return self.all_or_any(exp.And, parts, empty=True)
            case ir.Or(parts):
                return self.all_or_any(exp.Or, parts, empty=False)
            case ir.Not(part):
                return Sql(exp.Not(this=closed(self.settled(part).tree)), BOOL)
            case ir.IsNull(part):
                return Sql(is_null(closed(self.settled(part).tree), part.type), BOOL)
            case ir.Raise(message, atom):
                return Sql(self.spell.raised(self.settled(message), atom).tree, atom)
            case ir.Native():
                args = [self.settled(arg).tree for arg in scalar.args]
                return Sql(spliced(scalar.shown, args), scalar.type)
            case _:
                assert_never(scalar)

    def call(self, scalar: ir.Call) -> Sql:
        types = tuple(arg.type for arg in scalar.args)
        absorbed = self.spell.absorbs(scalar.function, types)
        args = [self.lowered(arg, absorbed) for arg in scalar.args]
        try:
            made = self.spell.call(scalar.function, args, scalar.type)
        except LookupError as error:
            raise LookupError(*error.args or (str(FUNCTIONS[scalar.function]),)) from error
        return replace(made, type=scalar.type, constant=False, value=None)

    def all_or_any(
        self, operator: type[exp.Expr], parts: tuple[ir.Scalar, ...], *, empty: bool
    ) -> Sql:
        if not parts:
            return self.spell.constant(empty, BOOL)
        if operator is exp.Or and len(parts) > MANY:
            parts, listed = in_lists(parts)
            lists = [self.listed(value, constants) for value, constants in listed]
            if not parts and len(lists) == 1:
                return Sql(lists[0], BOOL)
            return Sql(balanced(operator, [*(self.settled(p).tree for p in parts), *lists]), BOOL)
        made: exp.Expr
        made, *rest = [unshared(self.settled(each).tree) for each in parts]
        for each in rest:
            left = made if isinstance(made, operator) else as_operand(made)
            made = operator(this=left, expression=as_operand(each))
        return Sql(made, BOOL)

    def listed(self, value: ir.Scalar, constants: list[ir.Scalar]) -> exp.Expr:
        items = [self.settled(each).tree for each in constants]
        return exp.In(this=closed(self.settled(value).tree), expressions=items)

    def of_type(self, scalar: ir.Scalar, atom: Atom) -> Sql:
        """A branch of a Case: None has no type of its own."""
        if isinstance(scalar, ir.Const) and scalar.value is None:
            return self.spell.constant(None, atom)
        return self.settled(scalar)
