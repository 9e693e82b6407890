"""Builtin functions, and methods of builtin types, called in a row function.

Which of them have exact SQL is said by the function table. Here are those that look at Python's
objects rather than at values (`isinstance`, `len` of a tuple, `any`), and the folding of what is
known.
"""

from __future__ import annotations

import ast
import enum
import operator
import types
from collections.abc import Mapping
from functools import partial
from typing import Any

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn import functions
from stepping.compiler.frontend.rowfn.access import class_of
from stepping.compiler.frontend.rowfn.context import alike, shown
from stepping.compiler.frontend.rowfn.functions_calls import FALSE, TRUE, negated
from stepping.compiler.frontend.rowfn.methods import PURE_TYPES, Args, Methods
from stepping.compiler.frontend.rowfn.operations import IN_PLACE
from stepping.compiler.frontend.rowfn.shapes import items_of, members_of
from stepping.compiler.frontend.rowfn.values import (
    UNKNOWN,
    Items,
    Never,
    Record,
    Scalar,
    SetOf,
    Static,
    Unknown,
    Value,
    known,
    object_of,
)
from stepping.compiler.schema import BOOL, Kind

BINARY: dict[Any, str] = {
    operator.add: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.truediv: "/",
    operator.floordiv: "//",
    operator.mod: "%",
    operator.pow: "**",
    operator.and_: "&",
    operator.or_: "|",
    operator.xor: "^",
    operator.lshift: "<<",
    operator.rshift: ">>",
    operator.concat: "+",
}
COMPARISONS: dict[Any, str] = {
    operator.eq: "==",
    operator.ne: "!=",
    operator.lt: "<",
    operator.le: "<=",
    operator.gt: ">",
    operator.ge: ">=",
    operator.is_: "is",
    operator.is_not: "is not",
}
_PURE_FUNCTIONS = (
    *(abs, ascii, bin, chr, divmod, format, hex, len, max, min, oct, ord, pow, repr, round),
    *(sorted, sum, any, all),
)


_CHANGES = [
    *(getattr(operator, method) for method in IN_PLACE.values()),
    *(operator.iconcat, operator.setitem, operator.delitem),
]


class Library(Methods):
    """Calls of what is not written in Python."""

    def builtin(
        self, thing: Any, args: Args, keywords: Mapping[str, Value], at: ast.AST | None
    ) -> Value:
        special = self._special(thing, args, keywords, at)
        if special is not None:
            return special
        owner = getattr(thing, "__self__", None)
        if isinstance(thing, types.MethodDescriptorType) and args:  # str.upper(p.name)
            return self.method(args[0], thing.__name__, args[1:], keywords, at)
        if owner is not None and not isinstance(owner, types.ModuleType | type):
            # "abc".startswith, of a constant
            return self.method(known(owner), thing.__name__, args, keywords, at)
        if not self._is_pure(thing):
            return self.fault(f"calls `{_dotted(thing)}`, which has no exact SQL", at)
        known_args = self.constants(args, keywords)
        if known_args is not None:
            plain, named = known_args
            return self.folded(partial(thing, **named), plain, at)
        label = functions.builtin_name(thing)
        if keywords and thing is round and set(keywords) == {"ndigits"}:
            args, keywords = (*args, keywords["ndigits"]), {}
        if keywords:
            return self.fault(f"`{shown(at)}` has keyword arguments", at)
        values = tuple(self.compact(arg, at) for arg in args)
        return self.lift(lambda *parts: self._applied(thing, label, parts, at), values, at)

    def _applied(self, thing: Any, label: str | None, args: Args, at: ast.AST | None) -> Value:
        known_args = self.constants(args, {})
        if known_args is not None:
            return self.folded(thing, known_args[0], at)
        if args and isinstance(args[0], Record):
            method = {len: "__len__", abs: "__abs__", int: "__int__", float: "__float__"}.get(thing)
            if method is not None:
                return self.call(self.attribute(args[0], method, at), (), {}, at)
        scalars = [self.scalar_of(arg) for arg in args]
        if label is None or any(scalar is None for scalar in scalars):
            reason = f"calls `{_dotted(thing)}`, which has no exact SQL"
            return self.unsupported(thing, args, reason, at)
        exact = tuple(scalar for scalar in scalars if scalar is not None)
        return self.applied(thing, args, lambda: functions.builtin(label, exact), at)

    def _is_pure(self, thing: Any) -> bool:
        if isinstance(thing, type):
            return issubclass(thing, (*PURE_TYPES, enum.Enum))
        owner = getattr(thing, "__self__", None)
        if isinstance(owner, type):
            return issubclass(owner, (*PURE_TYPES, enum.Enum))
        return any(thing is f for f in _PURE_FUNCTIONS) or (
            getattr(thing, "__module__", None) in ("math", "_operator")
            and not any(thing is change for change in _CHANGES)
        )

    # ------------------------------------------------------------------- what looks at the objects

    def _special(
        self, thing: Any, args: Args, keywords: Mapping[str, Value], at: ast.AST | None
    ) -> Value | None:
        """The functions that the function table does not know, as they take any value."""
        if keywords:
            return None
        match thing, args:
            case _, (left, right) if (op := _known(BINARY, thing)) is not None:
                return self.binary(op, left, right, at)
            case _, (left, right) if (op := _known(COMPARISONS, thing)) is not None:
                return self.compare(op, left, right, at)
            case _, (value,) if thing is bool or thing is operator.truth:
                return self.truth(value, at)
            case _, (value,) if thing is operator.not_:
                return negated(self.truth(value, at))
            case _, (value,) if thing is operator.neg or thing is operator.pos:
                return self.unary("-" if thing is operator.neg else "+", value, at)
            case _, (container, needle) if thing is operator.contains:
                return self.contained(needle, container, at)
            case _, (container, index) if thing is operator.getitem:
                return self.subscript(container, index, at)
            case _, (value,) if thing is str:
                return self.text(value, "", at)
            case _, (value, Static(value=str(spec))) if thing is format:
                return self.text(value, spec, at)
            case _, (value,) if thing is type:
                return self.lift(lambda leaf: self._class_of(leaf, at), (value,), at)
            case _, (value, classes) if thing is isinstance:
                return self.is_instance(value, classes, at)
            case _, (value, Static(value=str(wanted))) if thing is getattr:
                return self.attribute(value, wanted, at)
            case _, (value,) if thing is len and self._has_items(value):
                return self.lift(lambda leaf: self._len(leaf, at), (value,), at)
            case _, (value,) if thing in (tuple, list, set, frozenset):
                if object_of(value) is UNKNOWN:  # else it is folded
                    return self.lift(lambda one: self._collected(thing, one, at), (value,), at)
            case _, (value,) if thing is any or thing is all:
                return self.lift(lambda one: self._quantified(thing, one, at), (value,), at)
            case _, (value, *start) if thing is sum and len(start) < 2:
                first = start[0] if start else Static(0)
                return self.lift(lambda one: self._sum(one, first, at), (value,), at)
            case _, (value,) if thing is max or thing is min:
                return self.lift(lambda one: self._extreme_of(thing, one, at), (value,), at)
            case _, (first, *rest) if thing is max or thing is min:
                return self._extreme(thing, (first, *rest), at)
        return None

    def _has_items(self, value: Value) -> bool:
        leaves = list(self.leaves(value))
        return bool(leaves) and all(
            items_of(leaf) is not None or isinstance(leaf, SetOf) for leaf in leaves
        )

    def _len(self, leaf: Value, at: ast.AST | None) -> Value:
        if isinstance(leaf, SetOf):
            return self.distinct(leaf.items, at)
        return Static(len(items_of(leaf) or ()))

    def _class_of(self, leaf: Value, at: ast.AST | None) -> Value:
        match leaf:
            case Record():
                return Static(leaf.cls)
            case Items() | SetOf():
                return Static(leaf.of)
            case Static():
                return Static(type(leaf.value))
        cls = class_of(leaf) if isinstance(leaf, Scalar) else None
        if cls is None:
            return self.fault(f"`{shown(at)}`: the type of such a value", at)
        return Static(cls)

    def is_instance(self, value: Value, classes: Value, at: ast.AST | None) -> Value:
        wanted = object_of(classes)
        if wanted is UNKNOWN:
            return self.fault(f"`{shown(at)}`: such a class", at, BOOL)

        def one(leaf: Value) -> Value:
            cls = self._class_of(leaf, at)
            if not isinstance(cls, Static):
                return cls
            return self.folded(lambda: issubclass(cls.value, wanted), (), at)

        return self.lift(one, (value,), at)

    def _collected(self, thing: Any, value: Value, at: ast.AST | None) -> Value:
        items: tuple[Value, ...] | Never | Unknown | None = None
        if thing in (set, frozenset):
            items = members_of(value)
        if items is None:
            items = self.unpacked(value, at)
        if not isinstance(items, tuple):
            return items
        return self.set_of(items, thing, at) if thing in (set, frozenset) else Items(items, thing)

    def set_of(self, items: tuple[Value, ...], of: type, at: ast.AST | None) -> Value:
        if not all(map(self.hashed, items)):
            return self.fault(f"`{shown(at)}` is a set of what has no hash", at)
        return SetOf(items, of)

    def _quantified(self, thing: Any, value: Value, at: ast.AST | None) -> Value:
        # That something has a hash says that its truth does not raise: no order is asked for.
        items = members_of(value) or self.unpacked(value, at)
        if not isinstance(items, tuple):
            return items
        result: ir.Scalar = TRUE if thing is all else FALSE
        combine = self.both if thing is all else self.either
        for item in items:
            result = combine(result, lambda i=item: self.truth(i, at))  # type: ignore[misc]
        return result

    def _sum(self, value: Value, start: Value, at: ast.AST | None) -> Value:
        items = self.unpacked(value, at)
        if not isinstance(items, tuple):
            return items
        total = start
        for item in items:
            if _is_float(item):
                # Since Python 3.12 a sum of floats is not the floats added one by one.
                return self.fault(f"`{shown(at)}` adds floats by sum(): write a + b", at)
            total = self.binary("+", total, item, at)
        return total

    def _extreme_of(self, thing: Any, value: Value, at: ast.AST | None) -> Value:
        members = members_of(value)
        items = self.unpacked(value, at) if members is None else members
        if not isinstance(items, tuple):
            return items
        if not items:
            return self.raising("ValueError: the least or greatest of nothing", at)
        if members is not None and object_of(value) is UNKNOWN:
            # Which of 1 and True is in a set depends on the order in which they are put there.
            scalars = [self.scalar_of(self.compact(item, at)) for item in items]
            types_ = [scalar.type for scalar in scalars if scalar is not None]
            if len(types_) < len(items) or not all(alike(each, types_[0]) for each in types_):
                return self.fault(f"`{shown(at)}`: the items of a set have no order", at)
        return self._extreme(thing, items, at)

    def _extreme(self, thing: Any, args: Args, at: ast.AST | None) -> Value:
        """The first of the greatest, or of the least."""
        scalars = [self.scalar_of(self.compact(arg, at)) for arg in args]
        first = scalars[0]
        if first is not None and first.type.kind is not Kind.ENUM and len(args) > 1:
            exact = tuple(s for s in scalars if s is not None and alike(s.type, first.type))
            if len(exact) == len(scalars) and any(not isinstance(s, ir.Const) for s in exact):
                return self.applied(
                    thing, exact, lambda: functions.builtin(thing.__name__, exact), at
                )
        best = args[0]
        for arg in args[1:]:
            better = self.ordered(">" if thing is max else "<", arg, best, at)
            best = self.choose(better, lambda a=arg: a, lambda b=best: b)  # type: ignore[misc]
        return best


def _known(table: Mapping[Any, str], thing: Any) -> str | None:
    return next((op for function, op in table.items() if function is thing), None)


def _is_float(value: Value) -> bool:
    if isinstance(value, Static):
        return isinstance(value.value, float)
    return isinstance(value, Scalar) and value.type.kind is Kind.FLOAT


def _dotted(thing: Any) -> str:
    module = getattr(thing, "__module__", None)
    label = getattr(thing, "__qualname__", None) or type(thing).__qualname__
    return label if module in (None, "builtins", "__main__") else f"{module}.{label}"
