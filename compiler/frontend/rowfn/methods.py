"""Methods of builtin types, called in a row function."""

from __future__ import annotations

import ast
import datetime
import decimal
import enum
import fractions
import uuid
from collections.abc import Mapping
from typing import Any

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn import functions
from stepping.compiler.frontend.rowfn.access import class_of
from stepping.compiler.frontend.rowfn.context import is_missing, shown
from stepping.compiler.frontend.rowfn.functions_calls import FALSE
from stepping.compiler.frontend.rowfn.results import Results
from stepping.compiler.frontend.rowfn.shapes import container_of, depends_on_order, items_of
from stepping.compiler.frontend.rowfn.values import (
    UNKNOWN,
    Items,
    Keywords,
    Record,
    Static,
    Value,
    known,
    object_of,
)

Args = tuple[Value, ...]

# Types whose constructor and methods may be run now on constants: they have no effects.
PURE_TYPES = (
    *(bool, bytes, complex, dict, float, frozenset, int, list, range, set, slice, str, tuple),
    *(datetime.date, datetime.datetime, datetime.time, datetime.timedelta, datetime.timezone),
    *(decimal.Decimal, fractions.Fraction, uuid.UUID),
)


# What changes the object it is called on.
_CHANGES = {
    list: frozenset(dir(list)) - frozenset(dir(tuple)) - {"copy"},
    set: frozenset(dir(set)) - frozenset(dir(frozenset)),
    dict: frozenset({"clear", "pop", "popitem", "setdefault", "update"})
    | {"__setitem__", "__delitem__", "__ior__", "__init__"},
}


class Methods(Results):
    """``receiver.name(*args)`` where the receiver is no row."""

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
            return self.raising_missing(receiver, at, f"that has no `{wanted}`")
        if isinstance(receiver, Record):
            return self.call(self.attribute(receiver, wanted, at), args, keywords, at)
        if isinstance(receiver, Keywords):
            return self._of_keywords(receiver, wanted, args, at)
        if isinstance(receiver, Static):
            found = self._of_constant(receiver, wanted, args, keywords, at)
            if found is not None:
                return found
        if wanted == "replace" and keywords and not args:
            return self._started(receiver, keywords, at)
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

    def _started(self, receiver: Value, keywords: Mapping[str, Value], at: ast.AST | None) -> Value:
        """``date.replace(day=1)`` and the like."""
        subject, known_ones = self.scalar_of(receiver), self.constants((), keywords)
        if subject is None or known_ones is None:
            return self.fault(f"`{shown(at)}` has keyword arguments", at)
        fields = known_ones[1]

        def python(value: Any) -> Any:
            return value.replace(**fields)

        return self.applied(python, (receiver,), lambda: functions.started(subject, fields), at)

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
        constants = self.constants(args, keywords)
        pure = isinstance(thing, (*PURE_TYPES, enum.Enum))
        for cls, names in _CHANGES.items():
            if isinstance(thing, cls) and wanted in (*names, "__init__"):
                return self.fault(f"`{shown(at)}` changes a {cls.__name__} in place", at)
        if constants is not None and pure:
            plain, named = constants
            ordered = not isinstance(thing, set | frozenset)
            if ordered and any(map(depends_on_order, (*plain, *named.values()))):
                return self.fault(f"`{shown(at)}`: the items of a set have no order", at)
            found = self.folded(lambda: getattr(thing, wanted)(*plain, **named), (), at)
            return known(found.value) if isinstance(found, Static) else found
        if isinstance(thing, dict) and wanted == "get" and args and not keywords:
            default = args[1] if len(args) > 1 else Static(None)
            return self.lift(
                lambda key: self._looked_up(receiver, key, at, default), (args[0],), at
            )
        if isinstance(thing, str) and wanted == "join" and len(args) == 1:
            items = self.unpacked(args[0], at)
            if not isinstance(items, tuple):
                return items
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

    def constants(
        self, args: Args, keywords: Mapping[str, Value]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """The arguments as Python objects, if all are known."""
        plain = [object_of(arg) for arg in args]
        named = {key: object_of(value) for key, value in keywords.items()}
        if any(value is UNKNOWN for value in (*plain, *named.values())):
            return None
        return tuple(plain), named
