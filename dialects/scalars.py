"""How a dialect spells scalars: SQL with Python's operators, and what a `Spelling` must say.

A *raw* expression has a value that may stand for a failure, such as the REAL that SQLite makes of
an int that overflows. Arithmetic hands such a value on, so that one check at the end of a chain of
operators is enough: the expression is then *settled*.
"""

from __future__ import annotations

import abc
import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from sqlglot import exp

from stepping.compiler.schema import Atom, Kind

# Trees that stand as operands without parentheses.
_CLOSED = (
    exp.Column,
    exp.Literal,
    exp.Anonymous,
    exp.Cast,
    exp.Paren,
    exp.Case,
    exp.Subquery,
    exp.Boolean,
    exp.Null,
    exp.HexString,
)

# How tightly operators bind, where SQLite and Postgres agree on it.
_RANKS: dict[type[exp.Expr], int] = {
    exp.Or: 1,
    exp.And: 2,
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.NullSafeEQ, exp.LT, exp.LTE, exp.GT, exp.GTE), 3),
    **dict.fromkeys((exp.Is, exp.Between), 3),
    **dict.fromkeys((exp.Add, exp.Sub), 4),
    **dict.fromkeys((exp.Mul, exp.Div, exp.Mod), 5),
}
_COMPARISON = 3  # these are no chain: a < b < c

# Casts to these cost next to nothing.
_CHEAP = {exp.DType.FLOAT, exp.DType.DOUBLE, exp.DType.INT, exp.DType.BIGINT}

Operand: TypeAlias = "Sql | int | str"
_Infix: TypeAlias = type[exp.Expr]


def unshared(tree: exp.Expr) -> exp.Expr:
    """``tree`` to stand in another one: itself the first time, then copies.

    Copying at each level takes as long as the square of a tree's depth.
    """
    if tree.parent is not None or tree.arg_key is not None:
        return tree.copy()
    tree.arg_key = "part"  # where it stands is noted when it does, and that may be later
    return tree


@functools.cache
def _type_named(name: str, dialect: str | None) -> exp.DataType:
    return exp.DataType.build(name, dialect=dialect, udt=True)


def type_named(name: str, dialect: str | None = None) -> exp.DataType:
    """A type by its name, which is read once: reading takes as long as a hundred nodes."""
    return _type_named(name, dialect).copy()


def called(value: exp.Expr, name: exp.Expr) -> exp.Expr:
    """``value AS name``, in a list of columns."""
    return exp.Alias(this=unshared(value), alias=name)


def closed(tree: exp.Expr) -> exp.Expr:
    """``tree`` as a part that is an operand: sqlglot adds no parentheses by itself."""
    return as_operand(unshared(tree))


def as_operand(tree: exp.Expr) -> exp.Expr:
    return tree if isinstance(tree, _CLOSED) else exp.Paren(this=tree)


def is_null(value: exp.Expr, atom: Atom | None) -> exp.Expr:
    """Whether a value is missing. Of a row of NULLs `IS NULL` is true, and it is there."""
    if atom is not None and atom.native is not None and atom.native.is_row:
        return exp.NullSafeEQ(this=value, expression=exp.Null())
    return exp.Is(this=value, expression=exp.Null())


def _operand(tree: exp.Expr, operator: _Infix, *, left: bool = False) -> exp.Expr:
    """As `closed`, without the parentheses that ``operator`` does not need."""
    outer, inner = _RANKS.get(operator, 0), _RANKS.get(type(tree), 0)
    chained = left and inner == outer != _COMPARISON
    if (outer and inner and (inner > outer or chained)) or (
        left and operator is exp.DPipe and isinstance(tree, exp.DPipe)
    ):
        return unshared(tree)
    return closed(tree)


@dataclass(frozen=True, eq=False)
class Sql:
    """A SQL expression. Operators make new ones, with parentheses where they are needed.

    As an argument of a row of the function table it also has its type and, where it is a
    constant, its value.
    """

    tree: exp.Expr
    type: Atom | None = None
    constant: bool = False
    value: Any = None
    raw: str = ""  # which kind of failure its value may stand for
    # Of a float that is not 0.0: what is known of its size, whatever its sign.
    least: float = 0.0
    most: float = math.inf
    span: tuple[int, int] | None = None  # of an int: what it is known to be between

    def __add__(self, other: Operand) -> Sql:
        return self._infix(exp.Add, other)

    def __sub__(self, other: Operand) -> Sql:
        return self._infix(exp.Sub, other)

    def __mul__(self, other: Operand) -> Sql:
        return self._infix(exp.Mul, other)

    def __truediv__(self, other: Operand) -> Sql:
        # Typed: the database's own division; else sqlglot casts the dividend to a float.
        left, right = self._sides(exp.Div, other)
        return Sql(exp.Div(this=left, expression=right, typed=True))

    def __mod__(self, other: Operand) -> Sql:
        return self._infix(exp.Mod, other)

    def __and__(self, other: Operand) -> Sql:
        return self._infix(exp.BitwiseAnd, other)

    def __or__(self, other: Operand) -> Sql:
        return self._infix(exp.BitwiseOr, other)

    def __xor__(self, other: Operand) -> Sql:
        return self._infix(exp.BitwiseXor, other)

    def __invert__(self) -> Sql:
        return Sql(exp.BitwiseNot(this=closed(self.tree)))

    def __neg__(self) -> Sql:
        return Sql(exp.Neg(this=closed(self.tree)))

    def __lt__(self, other: Operand) -> Sql:
        return self._infix(exp.LT, other)

    def __le__(self, other: Operand) -> Sql:
        return self._infix(exp.LTE, other)

    def __gt__(self, other: Operand) -> Sql:
        return self._infix(exp.GT, other)

    def __ge__(self, other: Operand) -> Sql:
        return self._infix(exp.GTE, other)

    def eq(self, other: Operand) -> Sql:
        return self._infix(exp.EQ, other)

    def ne(self, other: Operand) -> Sql:
        return self._infix(exp.NEQ, other)

    def same(self, other: Operand) -> Sql:
        """Equal, where NULL is equal to NULL only."""
        return self._infix(exp.NullSafeEQ, other)

    def between(self, low: Operand, high: Operand) -> Sql:
        this, low_tree = self._sides(exp.Between, low)
        return Sql(exp.Between(this=this, low=low_tree, high=closed(lift(high).tree)))

    def then(self, other: Operand) -> Sql:
        """This text followed by the other: ``||``."""
        return self._infix(exp.DPipe, other)

    def and_(self, other: Sql) -> Sql:
        return self._infix(exp.And, other)

    def or_(self, other: Sql) -> Sql:
        return self._infix(exp.Or, other)

    def is_null(self) -> Sql:
        return Sql(is_null(closed(self.tree), self.type))

    def cast(self, to: str) -> Sql:
        return Sql(exp.Cast(this=unshared(self.tree), to=type_named(to)))

    def _infix(self, operator: _Infix, other: Operand) -> Sql:
        left, right = self._sides(operator, other)
        return Sql(operator(this=left, expression=right))

    def _sides(self, operator: _Infix, other: Operand) -> tuple[exp.Expr, exp.Expr]:
        right = _operand(lift(other).tree, operator)
        return _operand(self.tree, operator, left=True), right

    @property
    def kind(self) -> Kind:
        assert self.type is not None
        return self.type.kind

    @property
    def scale(self) -> int | None:
        assert self.type is not None
        return self.type.scale

    @property
    def is_leaf(self) -> bool:
        """Whether it costs nothing to write (and evaluate) it again."""
        tree = self.tree
        while isinstance(tree, exp.Cast) and tree.to.this in _CHEAP:
            tree = tree.this
        return self.constant or isinstance(tree, exp.Column | exp.Literal)

    @property
    def finite(self) -> bool:
        """Of a float: whether it is known not to be infinite."""
        typed = not self.constant and self.type is not None and self.type.kind is Kind.FLOAT
        return self.most < math.inf or (typed and self.type is not None and not self.type.infinite)

    @property
    def factor(self) -> bool:
        """Of a float: whether it is known to be finite and not 0.0."""
        return self.constant and self.finite and bool(self.value)


def lift(value: Operand) -> Sql:
    if isinstance(value, Sql):
        return value
    if isinstance(value, str):
        return Sql(exp.Literal.string(value))
    return -number(str(-value)) if value < 0 else number(str(value))


def number(digits: str) -> Sql:
    """A numeric literal just as it is written."""
    return Sql(exp.Literal.number(digits))


def fn(name: str, *args: Operand) -> Sql:
    """A call of a function by the name it has in the database."""
    return Sql(exp.Anonymous(this=name, expressions=[unshared(lift(arg).tree) for arg in args]))


def case(*whens: tuple[Sql, Operand], otherwise: Operand | None = None) -> Sql:
    """CASE: the only expression of which databases evaluate no more than they need."""
    ifs = [exp.If(this=unshared(c.tree), true=unshared(lift(value).tree)) for c, value in whens]
    default = None if otherwise is None else unshared(lift(otherwise).tree)
    return Sql(exp.Case(ifs=ifs, default=default))


def concatenated(*parts: Operand) -> Sql:
    first, *rest = map(lift, parts)
    for part in rest:
        first = _joined(first, part)
    return first


def _joined(first: Sql, then: Sql) -> Sql:
    """Two texts as one; constants that meet are one constant."""
    begins = then.tree
    while isinstance(begins, exp.DPipe | exp.Paren):
        begins = begins.this
    if not (_is_text(first.tree) and _is_text(begins)):
        return first.then(then)
    whole = exp.Literal.string(first.tree.name + begins.name)
    if begins is then.tree:
        return Sql(whole)
    made = then.tree.copy()
    at = made
    while isinstance(at, exp.DPipe | exp.Paren):
        at = at.this
    at.replace(whole)
    return Sql(made)


def _is_text(tree: exp.Expr) -> bool:
    return isinstance(tree, exp.Literal) and tree.is_string


def let(values: Sequence[Sql], body: Callable[..., Sql], *, offset: bool, depth: int = 0) -> Sql:
    """``body`` of ``values``, each of which is written and evaluated once.

    As a scalar subquery over a subquery. ``offset`` adds OFFSET 0 to the inner one, which keeps
    Postgres from merging the two; SQLite never merges a subquery that has no FROM. A ``let``
    inside a body takes another ``depth``.
    """
    if all(value.is_leaf for value in values):
        return body(*values)
    # All but the constants: inside, a bare column's name could mean one of ours.
    names = [f"let{depth}_{i}" if i else f"let{depth}" for i in range(len(values))]
    bound = [
        value if value.constant else replace(value, tree=exp.column(name))
        for name, value in zip(names, values, strict=True)
    ]
    inner = exp.select(
        *(
            exp.alias_(value.tree.copy(), name)
            for name, value in zip(names, values, strict=True)
            if not value.constant
        )
    )
    if offset:
        inner = inner.offset(0)
    return Sql(
        exp.select(body(*bound).tree.copy()).from_(inner.subquery(f"lets{depth}")).subquery()
    )


def sum_is_number(a: Sql, b: Sql) -> bool:
    """Whether a sum or difference of two floats is never NaN: not both are infinite."""
    return a.finite or b.finite


def product_is_number(a: Sql, b: Sql) -> bool:
    """Whether a product of two floats is never NaN: no infinity meets 0.0."""
    return (a.finite and b.finite) or a.factor or b.factor


class Spelling(abc.ABC):
    """One database's words for scalars."""

    @abc.abstractmethod
    def call(self, function: str, args: Sequence[Sql], result: Atom) -> Sql:
        """A row of the function table applied; a LookupError where it has no exact spelling."""

    @abc.abstractmethod
    def absorbs(self, function: str, args: Sequence[Atom]) -> frozenset[str]:
        """What kinds of raw arguments the spelling hands on as raw results."""

    @abc.abstractmethod
    def settled(self, term: Sql, what: str) -> Sql:
        """A raw term as one that raises, naming ``what``, where its value stands for a failure."""

    @abc.abstractmethod
    def constant(self, value: Any, atom: Atom) -> Sql:
        """A constant in canonical form."""

    @abc.abstractmethod
    def raised(self, message: Sql, atom: Atom) -> Sql:
        """An expression of type ``atom`` that fails with ``message`` when it is evaluated."""

    def too_deep(self, tree: exp.Expr) -> str | None:
        """Why an expression cannot be parsed within a statement, or None if it can."""
        return None

    def registered(self, tree: exp.Expr) -> frozenset[str]:
        """Names of the functions in ``tree`` that must be registered on the connection."""
        return frozenset()


def visible_column(tree: exp.Expr) -> exp.Expr | None:
    """A column in ``tree`` that can be named beside it: none of those inside its subqueries."""
    if isinstance(tree, exp.Column):
        return tree
    if isinstance(tree, exp.Subquery):
        return None
    for part in tree.iter_expressions():
        found = visible_column(part)
        if found is not None:
            return found
    return None
