"""Comparisons in a row function: ``==``, ``<``, ``is`` and ``in``."""

from __future__ import annotations

import ast
import dataclasses
import enum
import inspect
import operator
from inspect import getattr_static
from types import FunctionType
from typing import Any

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn import functions
from stepping.compiler.frontend.rowfn.context import alike, is_missing, missing_name, plain, shown
from stepping.compiler.frontend.rowfn.functions_calls import FALSE, TRUE, negated
from stepping.compiler.frontend.rowfn.operations import (
    MAX_FOLDED,
    METHODS,
    PLAIN_VALUES,
    PYTHON,
    Operations,
)
from stepping.compiler.frontend.rowfn.shapes import (
    container_of,
    is_tuple,
    items_of,
    members_of,
    method_of,
)
from stepping.compiler.frontend.rowfn.values import (
    UNKNOWN,
    Bound,
    Choice,
    Items,
    Never,
    Record,
    Scalar,
    SetOf,
    Static,
    Unbound,
    Unknown,
    Value,
    constant_of,
    known,
)
from stepping.compiler.rebuilding import is_generated
from stepping.compiler.schema import BOOL, Kind
from stepping.errors import RowError

_HASHED = (*PLAIN_VALUES, enum.Enum, type)

MANY = 64  # items of a container


class Comparisons(Operations):
    """What compares two values of any kind."""

    def compare(self, op: str, left: Value, right: Value, at: ast.AST | None) -> ir.Scalar:
        match op:
            case "==":
                return self.equal(left, right, at)
            case "!=":
                return negated(self.equal(left, right, at))
            case "is":
                return self.identical(left, right, at)
            case "is not":
                return negated(self.identical(left, right, at))
            case "in":
                return self.contained(left, right, at)
            case "not in":
                return negated(self.contained(left, right, at))
            case _:
                return self.ordered(op, left, right, at)

    def equal(self, left: Value, right: Value, at: ast.AST | None) -> ir.Scalar:
        a, b = self.nullable(left, at), self.nullable(right, at)
        if a is not None and b is not None and Kind.PACKED not in (a.type.kind, b.type.kind):
            return self.condition(
                self.applied(operator.eq, (a, b), lambda: functions.compare("==", a, b), at)
            )
        return self.condition(self.lift(lambda x, y: self._equal(x, y, at), (left, right), at))

    def nullable(self, value: Value, at: ast.AST | None) -> ir.Scalar | None:
        """A value that is a scalar or None, as one scalar that may be NULL."""
        value = self.resolved(value)
        if not isinstance(value, Choice):
            if isinstance(value, Static) and isinstance(value.value, enum.Enum):
                return self.scalar_of(value)
            return value if isinstance(value, Scalar) else None
        leaves = list(self.leaves(value))
        scalars = [s for leaf in leaves if (s := self.scalar_of(leaf)) is not None]
        nones = [leaf for leaf in leaves if is_missing(leaf) and missing_name(leaf) == "None"]
        if not scalars or len(scalars) + len(nones) < len(leaves):
            return None
        kind = plain(scalars[0].type)
        if any(plain(s.type) != kind or s.type.python is not kind.python for s in scalars):
            return None
        return self.flat(value, kind.optional() if nones else kind, at)

    def _equal(self, left: Value, right: Value, at: ast.AST | None) -> Value:
        if isinstance(left, Static) and isinstance(right, Static):
            return self.folded(operator.eq, (left.value, right.value), at)
        a, b = self.scalar_of(left), self.scalar_of(right)
        for scalar, value in ((a, right), (b, left)):
            if scalar is not None and scalar.type.kind is Kind.PACKED and not is_missing(value):
                return self._equal_collected(scalar, value, at)
        for one, other in ((left, right), (right, left)):
            if isinstance(one, Record) and not is_tuple(one):
                return self._equal_record(one, other, at)
        if is_missing(left) or is_missing(right):
            return FALSE
        if a is not None and b is not None:
            return self.applied(operator.eq, (a, b), lambda: functions.compare("==", a, b), at)
        first, second = items_of(left), items_of(right)
        if first is not None and second is not None:
            if container_of(left) is not container_of(right):
                return FALSE
            return self._equal_items(first, second, at)
        some, others = members_of(left), members_of(right)
        if some is not None and others is not None:
            return self.both(self._all_in(some, right, at), lambda: self._all_in(others, left, at))
        if [first, some] == [None, None] == [second, others]:
            return self.unsupported(operator.eq, (left, right), "the comparison", at)
        return FALSE  # a tuple, a list or a set, and something else

    def _equal_collected(self, scalar: ir.Scalar, other: Value, at: ast.AST | None) -> Value:
        """Equal values have equal bytes; but a value of another type may be equal too."""
        second = self.scalar_of(other)
        if second is None and (constant := constant_of(other)) is not UNKNOWN:
            try:
                second = ir.Const(functions.fit(constant, scalar.type.required()), scalar.type)
            except RowError:
                second = None
        if second is None or not alike(scalar.type, second.type):
            return self.fault(f"`{shown(at)}` looks into a collected value", at, BOOL)
        known = second
        return self.applied(
            operator.eq, (scalar, known), lambda: functions.compare("==", scalar, known), at
        )

    def _equal_items(
        self, left: tuple[Value, ...], right: tuple[Value, ...], at: ast.AST | None
    ) -> ir.Scalar:
        if len(left) != len(right):
            return FALSE
        result: ir.Scalar = TRUE
        for a, b in zip(left, right, strict=True):
            result = self.both(result, lambda a=a, b=b: self.equal(a, b, at))  # type: ignore[misc]
        return result

    def _all_in(self, items: tuple[Value, ...], inside: Value, at: ast.AST | None) -> ir.Scalar:
        result: ir.Scalar = TRUE
        for item in items:
            result = self.both(result, lambda i=item: self.contained(i, inside, at))  # type: ignore[misc]
        return result

    def distinct(self, items: tuple[Value, ...], at: ast.AST | None) -> Value:
        """How many there are in a set of these."""
        count: Value = Static(0)
        for position, item in enumerate(items):
            before = Items(items[:position])
            one = self.choose(
                self.contained(item, before, at), lambda: Static(0), lambda: Static(1)
            )
            count = self.binary("+", count, one, at)
        return count

    def hashed(self, value: Value) -> bool:
        """Whether a set may hold a value: it has a hash, which equal ones have too."""
        return all(map(self._hashed, self.leaves(value)))

    def _hashed(self, value: Value) -> bool:
        match value:
            case Never() | Unknown() | Unbound():
                return True
            case Static():
                return is_missing(value) or isinstance(value.value, _HASHED)
            case Items() | SetOf():
                return value.of in (tuple, frozenset) and all(map(self.hashed, value.items))
            case Record():
                generated = (is_generated(vars(value.cls).get(n)) for n in ("__eq__", "__hash__"))
                of_tuple = getattr_static(value.cls, "__hash__") is getattr_static(
                    tuple, "__hash__"
                )
                return (of_tuple or all(generated)) and all(map(self.hashed, value.values))
            case _:
                return isinstance(value, Scalar) and value.type.kind is not Kind.PACKED

    def _equal_record(self, record: Record, other: Value, at: ast.AST | None) -> Value:
        method = inspect.getattr_static(record.cls, "__eq__")
        if not is_generated(method):
            if isinstance(method, FunctionType):
                return self.call(Bound(Static(method), record), (other,), {}, at)
            return self.fault(f"`{record.cls.__name__}` is compared by identity", at, BOOL)
        if "__eq__" not in record.cls.__dict__:
            return self.fault(f"`{record.cls.__name__}` inherits its __eq__", at, BOOL)
        if not isinstance(other, Record) or other.cls is not record.cls:
            return FALSE
        return self._equal_items(_compared(record), _compared(other), at)

    def identical(self, left: Value, right: Value, at: ast.AST | None) -> ir.Scalar:
        return self.condition(self.lift(lambda a, b: self._identical(a, b, at), (left, right), at))

    def _identical(self, left: Value, right: Value, at: ast.AST | None) -> Value:
        if isinstance(left, Static) and isinstance(right, Static):
            singletons = (bool, type(None), type, enum.Enum, FunctionType)
            if is_missing(left) or is_missing(right) or isinstance(left.value, singletons):
                return Static(left.value is right.value)
        if is_missing(left) or is_missing(right):
            return FALSE
        a, b = self.scalar_of(left), self.scalar_of(right)
        if a is not None and b is not None:
            if a.type.kind is not b.type.kind:
                return FALSE
            # The only values of a column of which there is one object each.
            if a.type.kind in (Kind.BOOL, Kind.ENUM):
                return self.equal(a, b, at)
        return self.fault(f"`{shown(at)}` asks for the identity of an object", at, BOOL)

    def ordered(self, op: str, left: Value, right: Value, at: ast.AST | None) -> ir.Scalar:
        values = (self.compact(left, at), self.compact(right, at))
        return self.condition(self.lift(lambda a, b: self._ordered(op, a, b, at), values, at))

    def _ordered(self, op: str, left: Value, right: Value, at: ast.AST | None) -> Value:
        if isinstance(left, Static) and isinstance(right, Static):
            return self.folded(PYTHON[op], (left.value, right.value), at)
        if any(is_missing(v) and missing_name(v) != "None" for v in (left, right)):
            return self.fault(f"`{shown(at)}` orders st.EMPTY", at, BOOL)
        a, b = self.scalar_of(left), self.scalar_of(right)
        if a is not None and b is not None:
            return self.applied(PYTHON[op], (a, b), lambda: functions.compare(op, a, b), at)
        if isinstance(left, Record) and isinstance(right, Record) and left.cls is right.cls:
            method = method_of(left.cls, METHODS[op][0])
            if method is not None and is_generated(method):
                return self._ordered_items(op, _compared(left), _compared(right), at)
        first, second = items_of(left), items_of(right)
        if first is not None and second is not None and container_of(left) is container_of(right):
            return self._ordered_items(op, first, second, at)
        some, others = members_of(left), members_of(right)
        if some is not None and others is not None:
            if op in (">", ">="):
                return self._ordered_sets(op == ">", others, right, some, left, at)
            return self._ordered_sets(op == "<", some, left, others, right, at)
        if isinstance(left, Record) or isinstance(right, Record):
            return self._by_method(op, left, right, at)
        return self.unsupported(PYTHON[op], (left, right), "the comparison", at)

    def _ordered_sets(
        self,
        strictly: bool,
        some: tuple[Value, ...],
        left: Value,
        others: tuple[Value, ...],
        right: Value,
        at: ast.AST | None,
    ) -> Value:
        """Whether all of ``some`` are among the others, and if ``strictly`` not the reverse."""
        within = self._all_in(some, right, at)
        if not strictly:
            return within
        return self.both(within, lambda: negated(self._all_in(others, left, at)))

    def _ordered_items(
        self, op: str, left: tuple[Value, ...], right: tuple[Value, ...], at: ast.AST | None
    ) -> Value:
        """The first pair that differs decides; if there is none, the lengths do."""
        if not left or not right:
            return Static(PYTHON[op](len(left), len(right)))
        return self.choose(
            self.equal(left[0], right[0], at),
            lambda: self._ordered_items(op, left[1:], right[1:], at),
            lambda: self.ordered(op, left[0], right[0], at),
        )

    def contained(self, needle: Value, container: Value, at: ast.AST | None) -> ir.Scalar:
        def one(inside: Value) -> Value:
            items, members = items_of(inside), members_of(inside)
            if members is None and isinstance(inside, Static) and isinstance(inside.value, dict):
                members = tuple(map(known, inside.value))
            if members is not None and not self.hashed(needle):
                return self.fault(f"`{shown(at)}` looks for what has no hash", at, BOOL)
            whole = inside.value if isinstance(inside, Static) else None
            if isinstance(whole, range) and len(whole) <= MAX_FOLDED:
                items = tuple(map(Static, whole))
            if members is not None:
                items = members
            if items is not None:
                result: ir.Scalar = FALSE
                if len(items) > MANY:
                    # One by one, each would be held against all before it.
                    parts = [self.equal(needle, item, at) for item in items]
                    if all(isinstance(part, ir.Call) and not part.partial for part in parts):
                        return ir.Or(tuple(dict.fromkeys(parts)))
                for item in items:
                    result = self.either(result, lambda i=item: self.equal(needle, i, at))  # type: ignore[misc]
                return result
            return self.lift(
                lambda part: self._contains(part, inside, at), (self.compact(needle, at),), at
            )

        return self.condition(self.lift(one, (self.compact(container, at),), at))

    def _contains(self, part: Value, inside: Value, at: ast.AST | None) -> Value:
        if isinstance(part, Static) and isinstance(inside, Static):
            return self.folded(_in, (part.value, inside.value), at)
        if isinstance(inside, Record):
            method = method_of(inside.cls, "__contains__")
            if method is not None:
                return self.truth(self.call(Bound(Static(method), inside), (part,), {}, at), at)
        a, b = self.scalar_of(part), self.scalar_of(inside)
        if a is None or b is None:
            return self.unsupported(_in, (part, inside), "`in` such a value", at)
        return self.applied(_in, (a, b), lambda: functions.contains(a, b), at)


def _in(needle: Any, container: Any) -> bool:
    return bool(needle in container)


def _compared(record: Record) -> tuple[Value, ...]:
    """The values that a generated comparison looks at."""
    names = {field.name for field in dataclasses.fields(record.cls) if field.compare}
    pairs = zip(record.names, record.values, strict=True)
    return tuple(value for name, value in pairs if name in names)
