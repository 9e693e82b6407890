"""Rows of a query with named columns, and the operators that a SELECT is put together from.

What a SELECT says is said with the operators of `compiler/operators`; only their scalars are in the
database's own words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

from stepping.compiler import ir
from stepping.compiler.frontend.rows import pair_of
from stepping.compiler.operators.aggregate import Aggregate, Total
from stepping.compiler.operators.distinct import Distinct
from stepping.compiler.operators.join import Join
from stepping.compiler.operators.linear import Add, Filter, Map, Neg
from stepping.compiler.operators.outer_join import Difference
from stepping.compiler.operators.regroup import Regroup
from stepping.compiler.operators.topn import Ordered
from stepping.compiler.schema import BOOL, INT, Build, Struct, ValueType, free_name
from stepping.compiler.sql.images import IMAGES, imaged, is_imaged, is_varied
from stepping.compiler.sql.native import native
from stepping.errors import InternalError

TRUE, FALSE = ir.Const(True, BOOL), ir.Const(False, BOOL)
ONE = ir.Const(1, INT)

Named = tuple[str, ir.Scalar]


def unreachable(row: Any) -> NoReturn:
    raise InternalError("an expression of a SQL query has no meaning in Python")


def function_of(value_type: ValueType, scalars: Iterable[ir.Scalar]) -> ir.RowFunction:
    """A row function that only a database can evaluate."""
    return ir.RowFunction(value_type, tuple(scalars), name="sql", call=unreachable)


def struct_of(named: Iterable[tuple[str, Any]]) -> Struct:
    """The type of rows with these columns; names are made different from each other."""
    taken: set[str] = set()
    fields = tuple((free_name(name, taken), atom) for name, atom in named)
    return Struct(fields, cls=tuple, build=Build.TUPLE)


def key_of(scalars: Sequence[ir.Scalar]) -> ir.RowFunction:
    """A key of these scalars: rows are alike that have no key."""
    some = scalars or [TRUE]
    struct = Struct(
        tuple((str(i), each.type) for i, each in enumerate(some)), cls=tuple, build=Build.TUPLE
    )
    return function_of(struct, some)


def name_of(scalar: ir.Scalar) -> str:
    return scalar.name if isinstance(scalar, ir.ColumnRef) else "value"


@dataclass(frozen=True)
class Rows:
    """An operator, seen as rows with columns. ``at`` is where in the text it comes from."""

    operator: ir.Operator
    at: ir.Source | None = None

    @cached_property
    def columns(self) -> tuple[ir.ColumnRef, ...]:
        return tuple(ir.ColumnRef(c.name, c.type) for c in self.operator.schema.columns)

    @property
    def width(self) -> int:
        return len(self.columns)

    def placed(self, at: ir.Source | None) -> Rows:
        """The same, of which what comes next is made at another place of the text."""
        return self if at is None else Rows(self.operator, at)

    def of(self, operator: ir.Operator) -> Rows:
        return Rows(operator, self.at)

    def named(self, columns: Sequence[Named], called: str = "select") -> Rows:
        """Other columns, made of those that are there."""
        some = columns or [("one", TRUE)]
        function = function_of(struct_of((n, s.type) for n, s in some), (s for _, s in some))
        return self.of(Map(self.operator, function, origin=self.at, called=called))

    def project(self, scalars: Sequence[ir.Scalar], called: str = "select") -> Rows:
        """The same with the names that columns have already."""
        return self.named([(name_of(scalar), scalar) for scalar in scalars], called)

    def where(self, condition: ir.Scalar, called: str = "where") -> Rows:
        """The rows for which a condition is true, and not NULL."""
        function = function_of(BOOL, (condition,))
        return self.of(Filter(self.operator, function, origin=self.at, called=called))

    def distinct(self, rule: ir.Rule = ir.Rule.POSITIVE, called: str = "distinct") -> Rows:
        """The rows that a rule leaves; of equal rows that are not the same, one stands for all."""
        if rule is not ir.Rule.POSITIVE or not any(map(is_varied, self.columns)):
            return self.of(Distinct(self.operator, rule, origin=self.at, called=called))
        if any(map(is_imaged, self.columns)):
            return one_of_equal(self, called)
        # The one that was shown until now, if any.
        ordered = Ordered(self.operator, origin=self.at, called=called)
        return self.of(
            Regroup(ordered, self.columns, (), folded=True, origin=self.at, called=called)
        )

    def once(self, called: str = "distinct") -> Rows:
        """As `distinct`, where the rows are shown: as groups, of which the result is a view. So no
        row is kept twice.
        """
        if any(map(is_varied, self.columns)):
            return self.distinct(called=called)
        by = function_of(struct_of((c.name, c.type) for c in self.columns), self.columns)
        count = Total("rows", function_of(INT, (ONE,)), INT)
        rows = self.of(Aggregate(self.operator, by, (count,), origin=self.at, called=called))
        keys = zip(self.columns, rows.columns[1:], strict=True)
        return rows.named([(column.name, key) for column, key in keys], called)

    def different(self, called: str) -> Rows:
        """Each row once, but for those that are the same."""
        return self.of(Distinct(self.operator, ir.Rule.POSITIVE, origin=self.at, called=called))

    def plus(self, other: Rows, called: str = "union_all") -> Rows:
        return self.of(Add(self.operator, other.operator, origin=self.at, called=called))

    def minus(self, other: Rows, called: str = "except_all") -> Rows:
        """The rows less others, which may be more often there."""
        taken = Neg(other.operator, origin=self.at, called=called)
        return self.of(Add(self.operator, taken, origin=self.at, called=called))

    def without(self, some: Rows, called: str) -> Rows:
        """The rows less some of themselves."""
        taken = Neg(some.operator, origin=self.at, called=called)
        return self.of(Difference(self.operator, taken, origin=self.at, called=called))

    def joined(
        self,
        other: Rows,
        mine: Sequence[ir.Scalar],
        theirs: Sequence[ir.Scalar],
        *,
        null_safe: bool = False,
        equal: bool = False,
        called: str = "join",
    ) -> Rows:
        """Pairs of rows with equal keys: the columns of these, then those of the other.

        With ``null_safe`` the keys are the same, unless it is enough that they are ``equal``.
        """
        if null_safe and not equal:
            mine, theirs = [list(map(imaged, each)) for each in (mine, theirs)]
        keys = key_of(mine), key_of(theirs)
        join = Join(
            self.operator,
            other.operator,
            *keys,
            null_safe=null_safe and bool(mine),
            origin=self.at,
            called=called,
        )
        both = self.of(join)
        names = [each.name for each in (*self.columns, *other.columns)]
        return both.named(list(zip(names, both.columns, strict=True)), called)

    def matching(
        self,
        keys: Rows,
        mine: Sequence[ir.Scalar],
        theirs: Sequence[ir.Scalar] | None = None,
        *,
        null_safe: bool = False,
        equal: bool = False,
        called: str = "semi_join",
    ) -> Rows:
        """The rows whose key is among ``keys``, of which each is there once."""
        found = keys.columns if theirs is None else theirs
        both = self.joined(keys, mine, found, null_safe=null_safe, equal=equal, called=called)
        return both.project(both.columns[: self.width], called)


def one_of_equal(rows: Rows, called: str) -> Rows:
    """Of equal rows one, the first by its images: so that it changes with the rows alone."""
    values = [each for each in rows.columns if is_imaged(each)]
    by = function_of(struct_of((c.name, c.type) for c in rows.columns), rows.columns)
    first = first_of_equal(rows, by, values, called)
    made = Aggregate(rows.operator, by, (), (), (first,), (False,), origin=rows.at, called=called)
    groups = rows.of(made)
    image, *keys = groups.columns
    shown = shown_again(image, values)
    return groups.named(
        [
            (column.name, shown.get(column, key))
            for column, key in zip(rows.columns, keys, strict=True)
        ],
        called,
    )


def first_of_equal(
    rows: Rows, by: ir.RowFunction | None, values: Sequence[ir.Scalar], called: str
) -> Ordered:
    """In the order of a group: what its values look like that are equal, and not the same."""
    texts = [imaged(each) for each in values]
    places = ", ".join(f"{{{i}}}" for i, _ in enumerate(texts))
    image = native(f"ARRAY[{places}]", texts, IMAGES)
    value_type: ValueType = IMAGES if by is None else pair_of(by.type, IMAGES)
    scalars = [image] if by is None else [*(by.scalars or ()), image]
    made = Map(rows.operator, function_of(value_type, scalars), origin=rows.at, called=called)
    return Ordered(made, origin=rows.at, called=called)


def shown_again(image: ir.Scalar, values: Sequence[ir.Scalar]) -> dict[ir.Scalar, ir.Scalar]:
    """The values that stand for those of a group, of what `first_of_equal` gives."""
    found = {}
    for i, each in enumerate(values):
        of_type = each.type.native
        assert of_type is not None
        words = f"CAST(({{0}})[{i + 1}] AS {of_type.name})"
        words += f" COLLATE {of_type.collation}" if of_type.collation else ""
        found[each] = native(words, (image,), each.type)
    return found


def renaming(old: Rows, new: Sequence[ir.ColumnRef]) -> dict[str, ir.Scalar]:
    """By the name of each column of some rows, the column of others that it has become."""
    return {a.name: b for a, b in zip(old.columns, new, strict=True)}
