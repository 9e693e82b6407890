"""Calls in a row function: of row classes, builtins, methods, and of what wraps a function."""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import operator
import sys
import types
import typing
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from stepping.compiler.frontend.rowfn.context import is_missing, shown
from stepping.compiler.frontend.rowfn.library import Library
from stepping.compiler.frontend.rowfn.shapes import kind_name, method_of
from stepping.compiler.frontend.rowfn.values import (
    Bound,
    Closure,
    Items,
    Method,
    Record,
    Static,
    Value,
    known,
    row_shape,
)
from stepping.compiler.frontend.rowfn.volatile import clock_error, is_clock
from stepping.compiler.frontend.rows import type_of
from stepping.compiler.rebuilding import is_generated
from stepping.compiler.schema import EMPTY, Empty
from stepping.errors import QueryError

# Of `Pair[A, B]`; of `list[int]`, the builtin's.
_ALIASES: tuple[type, ...] = (types.GenericAlias, type(typing.Iterable[int]))


class Calls(Library):
    """``callee(*args, **keywords)``."""

    @abstractmethod
    def run_function(
        self,
        function: types.FunctionType,
        args: tuple[Value, ...],
        keywords: Mapping[str, Value],
        at: ast.AST | None,
    ) -> Value:
        """A function written in Python, put in place of its call."""

    @abstractmethod
    def run_closure(
        self,
        closure: Closure,
        args: tuple[Value, ...],
        keywords: Mapping[str, Value],
        at: ast.AST | None,
    ) -> Value:
        """The same for a function defined inside the row function."""

    @abstractmethod
    def namespace(self) -> Mapping[str, Any]:
        """The names that annotations may use where the translation is."""

    def call(
        self,
        callee: Value,
        args: tuple[Value, ...],
        keywords: Mapping[str, Value],
        at: ast.AST | None,
    ) -> Value:
        return self.lift(lambda one: self._call(one, args, keywords, at), (callee,), at)

    def _call(
        self,
        callee: Value,
        args: tuple[Value, ...],
        keywords: Mapping[str, Value],
        at: ast.AST | None,
    ) -> Value:
        match callee:
            case Bound():
                return self._bound(callee, args, keywords, at)
            case Closure():
                return self.run_closure(callee, args, keywords, at)
            case Method():
                return self.method(callee.receiver, callee.name, args, keywords, at)
            case Static():
                return self._object(callee.value, args, keywords, at)
            case Record():
                method = method_of(callee.cls, "__call__")
                if method is not None:
                    return self.call(Bound(Static(method), callee), args, keywords, at)
        return self._no_function(kind_name(callee), at)

    def _no_function(self, kind: str, at: ast.AST | None) -> Value:
        return self.wrong(
            f"`{shown(at)}` calls a {kind}, which is no function",
            at,
            raised=f"TypeError: a {kind} is no function",
        )

    def _bound(
        self,
        bound: Bound,
        args: tuple[Value, ...],
        keywords: Mapping[str, Value],
        at: ast.AST | None,
    ) -> Value:
        receiver, function = bound.receiver, bound.function
        if isinstance(receiver, Record) and isinstance(function, Static):
            if is_generated(function.value):
                return self._generated(receiver, function.value.__name__, args, at)
            if issubclass(receiver.cls, tuple) and function.value.__name__ == "_replace":
                return self.replaced(receiver, keywords, at)
        return self.call(function, (receiver, *args), keywords, at)

    def _generated(
        self, receiver: Record, method: str, args: tuple[Value, ...], at: ast.AST | None
    ) -> Value:
        """A method that `dataclasses` wrote, called by its name."""
        operators = {"__eq__": "==", "__lt__": "<", "__le__": "<=", "__gt__": ">", "__ge__": ">="}
        if method in operators and len(args) == 1:
            return self.compare(operators[method], receiver, args[0], at)
        return self.fault(f"`{shown(at)}` calls a generated method", at)

    def _object(
        self,
        thing: Any,
        args: tuple[Value, ...],
        keywords: Mapping[str, Value],
        at: ast.AST | None,
    ) -> Value:
        if is_clock(thing):
            raise clock_error(self.what, shown(at), self.place(at))
        match thing:
            case functools.partial():
                first = tuple(map(known, thing.args))
                given = {name: known(value) for name, value in thing.keywords.items()}
                return self.call(Static(thing.func), (*first, *args), {**given, **keywords}, at)
            case operator.attrgetter() | operator.itemgetter() | operator.methodcaller():
                return self._getter(thing, args, at)
            case types.MethodType():
                bound = Bound(Static(thing.__func__), known(thing.__self__))
                return self.call(bound, args, keywords, at)
            case functools._lru_cache_wrapper():
                return self.call(Static(thing.__wrapped__), args, keywords, at)
            case staticmethod():
                return self.call(Static(thing.__func__), args, keywords, at)
            case typing.NewType():
                return args[0] if len(args) == 1 else self.fault(f"`{shown(at)}`", at)
            case types.FunctionType():
                return self._function(thing, args, keywords, at)
            case type():
                return self._class(thing, args, keywords, at)
            case _ if isinstance(thing, _ALIASES) and isinstance(typing.get_origin(thing), type):
                return self.construct(thing, args, keywords, at)
            case _ if isinstance(thing, types.BuiltinFunctionType | types.MethodDescriptorType):
                return self.builtin(thing, args, keywords, at)
        method = inspect.getattr_static(type(thing), "__call__", None)
        if isinstance(method, types.FunctionType):
            return self.call(Bound(Static(method), known(thing)), args, keywords, at)
        if not callable(thing):
            return self._no_function(type(thing).__name__, at)
        return self.fault(f"calls `{dotted(thing)}`, which has no exact SQL", at)

    def _getter(self, getter: Any, args: tuple[Value, ...], at: ast.AST | None) -> Value:
        if len(args) != 1:
            problem = f"`{getter!r}` takes one argument, and there are {len(args)}"
            return self.wrong(problem, at, raised=f"TypeError: {problem}")
        made: tuple[Any, ...] = getter.__reduce__()
        if isinstance(getter, operator.methodcaller):
            # With keywords, it is pickled as a partial of its class.
            given: Any = made[0]
            named = isinstance(given, functools.partial)
            method, *first = (*given.args, *made[1]) if named else made[1]
            keywords = {n: known(v) for n, v in given.keywords.items()} if named else {}
            function = self.attribute(args[0], method, at)
            return self.call(function, tuple(map(known, first)), keywords, at)
        found: list[Value] = []
        for path in made[1]:
            value = args[0]
            if isinstance(getter, operator.attrgetter):
                for name in path.split("."):
                    value = self.attribute(value, name, at)
            else:
                value = self.subscript(value, Static(path), at)
            found.append(value)
        return found[0] if len(found) == 1 else Items(tuple(found))

    def _function(
        self,
        function: types.FunctionType,
        args: tuple[Value, ...],
        keywords: Mapping[str, Value],
        at: ast.AST | None,
    ) -> Value:
        if function is typing.cast and len(args) == 2 and not keywords:
            return args[1]
        if function is dataclasses.replace and len(args) == 1:
            return self.replaced(args[0], keywords, at)
        if is_generated(function) and args and isinstance(args[0], Record):
            return self._generated(args[0], function.__name__, args[1:], at)
        if function.__module__ is not None and in_library(function.__module__):
            return self.fault(f"calls `{dotted(function)}`, which has no exact SQL", at)
        return self.run_function(function, args, keywords, at)

    def _class(
        self,
        cls: type,
        args: tuple[Value, ...],
        keywords: Mapping[str, Value],
        at: ast.AST | None,
    ) -> Value:
        if cls is Empty:
            return Static(EMPTY)
        if dataclasses.is_dataclass(cls) or (issubclass(cls, tuple) and hasattr(cls, "_fields")):
            return self.construct(cls, args, keywords, at)
        return self.builtin(cls, args, keywords, at)

    # ---------------------------------------------------------------------------------------- rows

    def construct(
        self,
        annotation: Any,
        args: tuple[Value, ...],
        keywords: Mapping[str, Value],
        at: ast.AST | None,
    ) -> Value:
        """A row class called: its fields as given, and the defaults of the others."""
        cls = typing.get_origin(annotation) or annotation
        try:
            shape = row_shape(annotation, self.namespace())
        except QueryError as error:
            return self.wrong(error.message, at, error.hint, raised=f"TypeError: {error.message}")
        if shape is None:
            return self.fault(f"makes a `{cls.__name__}`, which is stored packed", at)
        build, names, types_ = shape
        own = custom_constructor(cls)
        if own:
            kind = None if None in types_ else type_of(annotation, self.namespace())
            return self.fault(f"`{cls.__name__}` has its own `{own}`", at, kind)
        try:
            bound = inspect.signature(cls).bind(*args, **keywords)
        except TypeError as error:
            hint = f"{cls.__name__} has the fields {', '.join(names)}"
            return self.wrong(f"`{shown(at)}`: {error}", at, hint, raised=f"TypeError: {error}")
        values: list[Value] = []
        for name in names:
            if name in bound.arguments:
                values.append(bound.arguments[name])
            else:
                values.append(self._default(cls, name, at))
        origins = self._origins(at, names)
        return Record(cls, build, names, types_, tuple(values), origins)

    def _default(self, cls: type, name: str, at: ast.AST | None) -> Value:
        if not dataclasses.is_dataclass(cls):
            return known(cls._field_defaults[name])  # type: ignore[attr-defined]
        field = cls.__dataclass_fields__[name]
        if field.default_factory is not dataclasses.MISSING:
            return self.call(Static(field.default_factory), (), {}, at)
        return known(field.default)

    def _origins(self, at: ast.AST | None, names: tuple[str, ...]) -> tuple[Any, ...]:
        """Where each field's value was given, for messages."""
        if not isinstance(at, ast.Call):
            return (self.place(at),) * len(names)
        given: dict[str, ast.AST] = dict(zip(names, at.args, strict=False))
        given |= {k.arg: k.value for k in at.keywords if k.arg}
        return tuple(self.place(given.get(name, at)) for name in names)

    def replaced(self, value: Value, changes: Mapping[str, Value], at: ast.AST | None) -> Value:
        """``dataclasses.replace(value, **changes)``, and the same of a NamedTuple."""

        def one(record: Value) -> Value:
            if is_missing(record):
                return self.raising_missing(record, at, "that has no fields")
            if not isinstance(record, Record):
                problem = f"a {kind_name(record)} has no fields"
                return self.wrong(f"`{shown(at)}`: {problem}", at, raised=f"TypeError: {problem}")
            for name in changes:
                if name not in record.names:
                    fields = ", ".join(record.names)
                    return self.wrong(
                        f"{record.cls.__name__} has no field `{name}`: it has {fields}",
                        at,
                        raised=f"TypeError: there is no field `{name}`",
                    )
            own = custom_constructor(record.cls)
            if own:
                return self.fault(f"`{record.cls.__name__}` has its own `{own}`", at)
            origins = dict(zip(record.names, self._origins(at, record.names), strict=True))
            return dataclasses.replace(
                record,
                values=tuple(
                    changes.get(name, old)
                    for name, old in zip(record.names, record.values, strict=True)
                ),
                origins=tuple(origins[name] for name in record.names),
            )

        return self.lift(one, (value,), at)


def custom_constructor(cls: type) -> str | None:
    """What a row class does itself when an instance is made, if anything."""
    if dataclasses.is_dataclass(cls):
        if hasattr(cls, "__post_init__"):
            return "__post_init__"
        if not is_generated(inspect.getattr_static(cls, "__init__")):
            return "__init__"
        if cls.__new__ not in (object.__new__, typing.Generic.__new__):
            return "__new__"
        return None
    made = inspect.getattr_static(cls, "__new__")
    made = made.__func__ if isinstance(made, staticmethod) else made
    return None if made.__code__.co_filename.startswith("<string>") else "__new__"


def in_library(module: str) -> bool:
    return module.split(".")[0] in sys.stdlib_module_names


def dotted(thing: Any) -> str:
    """``json.dumps``: how a user would write a function of a library."""
    module = getattr(thing, "__module__", None)
    name = getattr(thing, "__qualname__", None) or type(thing).__qualname__
    return name if module in (None, "builtins", "__main__") else f"{module}.{name}"
