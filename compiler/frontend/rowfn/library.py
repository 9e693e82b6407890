"""Builtin functions, and methods of builtin types, called in a row function.

Which of them have exact SQL is said by the function table. Here are those that look at Python's
objects rather than at values (`isinstance`, `len` of a tuple, `any`), and the folding of what is
known.
"""

from __future__ import annotations

import ast
import datetime
import decimal
import enum
import fractions
import operator
import types
import uuid
from collections.abc import Mapping
from typing import Any

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn import functions
from stepping.compiler.frontend.rowfn.access import class_of
from stepping.compiler.frontend.rowfn.context import alike, is_missing, missing_name, shown
from stepping.compiler.frontend.rowfn.functions_calls import FALSE, TRUE, negated
from stepping.compiler.frontend.rowfn.operations import container_of, items_of
from stepping.compiler.frontend.rowfn.results import Results
from stepping.compiler.frontend.rowfn.values import (
    Items,
    Keywords,
    Method,
    Record,
    Scalar,
    Static,
    UNKNOWN,
    Value,
    known,
    object_of,
)
from stepping.compiler.schema import BOOL, Kind

Args = tuple[Value, ...]

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
# Types whose constructor and methods may be run now on constants: they have no effects.
PURE_TYPES = (
    *(bool, bytes, complex, dict, float, frozenset, int, list, range, set, slice, str, tuple),
    *(datetime.date, datetime.datetime, datetime.time, datetime.timedelta, datetime.timezone),
    *(decimal.Decimal, fractions.Fraction, uuid.UUID),
)
_PURE_FUNCTIONS = (
    *(abs, ascii, bin, chr, divmod, format, hex, len, max, min, oct, ord, pow, repr, round),
    *(sorted, sum, any, all),
)


class Library(Results):
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
        known_args = self._constants(args, keywords)
        if known_args is not None:
            plain, named = known_args
            return self.folded(lambda: thing(*plain, **named), (), at)
        label = functions.builtin_name(thing)
        if keywords and thing is round and set(keywords) == {"ndigits"}:
            args, keywords = (*args, keywords["ndigits"]), {}
        if keywords:
            return self.fault(f"`{shown(at)}` has keyword arguments", at)
        values = tuple(self.compact(arg, at) for arg in args)
        return self.lift(lambda *parts: self._applied(thing, label, parts, at), values, at)

    def _applied(self, thing: Any, label: str | None, args: Args, at: ast.AST | None) -> Value:
        known_args = self._constants(args, {})
        if known_args is not None and not any(map(is_missing, args)):
            return self.folded(lambda: thing(*known_args[0]), (), at)
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
        )

    def _constants(
        self, args: Args, keywords: Mapping[str, Value]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """The arguments as Python objects, if all are known."""
        plain = [object_of(arg) for arg in args]
        named = {key: object_of(value) for key, value in keywords.items()}
        if any(value is UNKNOWN for value in (*plain, *named.values())):
            return None
        return tuple(plain), named

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
            case _, (value,) if thing is len:
                return (
                    self.lift(lambda leaf: self._len(leaf), (value,), at)
                    if self._has_items(value)
                    else None
                )
            case _, (value,) if thing in (tuple, list, set, frozenset):
                return self._collected(thing, value, at)
            case _, (value,) if thing is any or thing is all:
                return self._quantified(thing, value, at)
            case _, (value, *start) if thing is sum and len(start) < 2:
                return self._sum(value, start[0] if start else Static(0), at)
            case _, (first, *rest) if thing is max or thing is min:
                return self._extreme(thing, (first, *rest), at)
        return None

    def _has_items(self, value: Value) -> bool:
        leaves = list(self.leaves(value))
        return bool(leaves) and all(items_of(leaf) is not None for leaf in leaves)

    def _len(self, leaf: Value) -> Value:
        return Static(len(items_of(leaf) or ()))

    def _class_of(self, leaf: Value, at: ast.AST | None) -> Value:
        match leaf:
            case Record():
                return Static(leaf.cls)
            case Items():
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

    def _collected(self, thing: Any, value: Value, at: ast.AST | None) -> Value | None:
        constant = object_of(value)
        if constant is not UNKNOWN:
            return None  # folded
        items = self.unpacked(value, at)
        return None if items is None else Items(items, thing)

    def _quantified(self, thing: Any, value: Value, at: ast.AST | None) -> Value:
        items = self.unpacked(value, at)
        result: ir.Scalar = TRUE if thing is all else FALSE
        combine = self.both if thing is all else self.either
        for item in items or ():
            result = combine(result, lambda i=item: self.truth(i, at))  # type: ignore[misc]
        return result

    def _sum(self, value: Value, start: Value, at: ast.AST | None) -> Value | None:
        items = self.unpacked(value, at)
        if items is None:
            return self.fault(f"`{shown(at)}` has no exact SQL", at)
        total = start
        for item in items:
            if _is_float(item):
                # Since Python 3.12 a sum of floats is not the floats added one by one.
                return self.fault(f"`{shown(at)}` adds floats by sum(): write a + b", at)
            total = self.binary("+", total, item, at)
        return total

    def _extreme(self, thing: Any, args: Args, at: ast.AST | None) -> Value | None:
        """The first of the greatest, or of the least."""
        if len(args) == 1:
            items = self.unpacked(args[0], at)
            if items is None:
                return self.fault(f"`{shown(at)}` has no exact SQL", at)
            if not items:
                return self.raising(f"`{shown(at)}` of nothing", at)
            args = items
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

    # ------------------------------------------------------------------------------------- methods

    def method(
        self,
        receiver: Value,
        wanted: str,
        args: Args,
        keywords: Mapping[str, Value],
        at: ast.AST | None,
    ) -> Value:
        """``receiver.wanted(*args)`` of a builtin type."""
        receiver = self.compact(receiver, at)
        values = (receiver, *(self.compact(arg, at, strict=False) for arg in args))
        return self.lift(
            lambda first, *rest: self._method(first, wanted, rest, keywords, at), values, at
        )

    def _method(
        self,
        receiver: Value,
        wanted: str,
        args: Args,
        keywords: Mapping[str, Value],
        at: ast.AST | None,
    ) -> Value:
        if is_missing(receiver):
            return self.raising(f"`{shown(at)}`: {missing_name(receiver)} has no `{wanted}`", at)
        if isinstance(receiver, Record):
            return self.call(self.attribute(receiver, wanted, at), args, keywords, at)
        if isinstance(receiver, Keywords):
            return self._of_keywords(receiver, wanted, args, at)
        if isinstance(receiver, Static):
            found = self._of_constant(receiver, wanted, args, keywords, at)
            if found is not None:
                return found
        if keywords:
            return self.fault(f"`{shown(at)}` has keyword arguments", at)
        if wanted in ("startswith", "endswith") and len(args) == 1:
            options = items_of(args[0])
            if options is not None:
                result: ir.Scalar = FALSE
                for option in options:
                    result = self.either(
                        result,
                        lambda o=option: self.condition(  # type: ignore[misc]
                            self.method(receiver, wanted, (o,), {}, at)
                        ),
                    )
                return result
        subject = self.scalar_of(receiver)
        cls = class_of(subject) if subject is not None else container_of(receiver)
        python = getattr(cls, wanted, None) if cls is not None else None
        if subject is None or python is None:
            return self.fault(f"`{shown(at)}` has no exact SQL", at)
        scalars = tuple(s for arg in args if (s := self._argument(arg)) is not None)
        if len(scalars) < len(args):
            return self.unsupported(python, (receiver, *args), "such arguments", at)
        return self.applied(
            python, (receiver, *args), lambda: functions.method(subject, wanted, scalars), at
        )

    def _argument(self, value: Value) -> ir.Scalar | None:
        if isinstance(value, Static) and value.value is None:
            return functions.constant(None)
        return self.scalar_of(value)

    def _of_constant(
        self,
        receiver: Static,
        wanted: str,
        args: Args,
        keywords: Mapping[str, Value],
        at: ast.AST | None,
    ) -> Value | None:
        """A method of an object that is known; None if it depends on the row."""
        thing = receiver.value
        constants = self._constants(args, keywords)
        pure = isinstance(thing, (*PURE_TYPES, enum.Enum))
        if constants is not None and pure:
            plain, named = constants
            found = self.folded(lambda: getattr(thing, wanted)(*plain, **named), (), at)
            return known(found.value) if isinstance(found, Static) else found
        if isinstance(thing, dict) and wanted == "get" and args and not keywords:
            default = args[1] if len(args) > 1 else Static(None)
            return self.lift(
                lambda key: self._looked_up(receiver, key, at, default), (args[0],), at
            )
        if isinstance(thing, str) and wanted == "join" and len(args) == 1:
            items = self.unpacked(args[0], at)
            if items is not None:
                parts: list[Value] = []
                for item in items:
                    parts += [receiver, item] if parts else [item]
                return self.concatenated(parts, at)
        if not pure:
            return self.fault(f"`{shown(at)}` has no exact SQL", at)
        return None

    def _of_keywords(
        self, receiver: Keywords, wanted: str, args: Args, at: ast.AST | None
    ) -> Value:
        match wanted, args:
            case "get", (Static(value=key), *default) if len(default) < 2:
                return receiver.items.get(key) or (default[0] if default else Static(None))
            case "values", ():
                return Items(tuple(receiver.items.values()), list)
            case "keys", ():
                return Items(tuple(map(Static, receiver.items)), list)
            case "items", ():
                pairs = (Items((Static(k), v)) for k, v in receiver.items.items())
                return Items(tuple(pairs), list)
        return self.fault(f"`{shown(at)}` has no exact SQL", at)


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
