"""A text that identifies a Python step: its source, what it calls, and what it captured.

Two texts are equal only if the functions give the same results: stored rows that a step made are
reused on the strength of it.
"""

from __future__ import annotations

import ast
import copy
import dataclasses
import datetime
import decimal
import dis
import enum
import functools
import inspect
import operator
import sys
import types
import unicodedata
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from stepping.compiler.frontend.rowfn.calls import dotted, in_library
from stepping.compiler.frontend.rowfn.context import shown
from stepping.compiler.frontend.rowfn.expressions import namespace_of
from stepping.compiler.frontend.rowfn.source import Definition, SourceMissing, definition_of
from stepping.compiler.frontend.rowfn.volatile import clock_error, is_clock
from stepping.compiler.rebuilding import is_generated
from stepping.compiler.schema import (
    Again,
    Alternatives,
    Collected,
    Members,
    Several,
    Struct,
    ValueType,
    Weighted,
)

_MAX_FUNCTIONS = 300
_MAX_DEPTH = 8
_PLAIN = (
    *(bool, int, float, complex, str, bytes, type(None), type(Ellipsis), range, slice),
    *(decimal.Decimal, datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo),
    uuid.UUID,
)


def identity_of(f: Any, arguments: tuple[ValueType, ...], what: str) -> str:
    """The text of a function. A `QueryError` if it asks a clock, or for a random number."""
    walk = _Walk(what, list(_row_classes(arguments)))
    described = walk.describe(f, 0)
    version = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    head = [version, f"Unicode {unicodedata.unidata_version}", f"calls {described}"]
    return "\n".join([*head, *walk.finished()])


def _row_classes(kinds: Iterable[ValueType | Collected]) -> Iterator[type]:
    for kind in kinds:
        if isinstance(kind, Struct):
            if isinstance(kind.cls, type) and kind.cls is not tuple:
                yield kind.cls
            yield from _row_classes(inner for _, inner in kind.fields)
        elif isinstance(kind, Alternatives):
            yield from _row_classes(inner for _, inner in kind.options)
        elif isinstance(kind, Several | Members | Weighted):
            yield from _row_classes((kind.item,))
        elif isinstance(kind, Again):
            pass  # the class that it is inside of has been met
        elif kind.collected is not None:
            yield from _row_classes((kind.collected,))
        elif isinstance(kind.python, type) and issubclass(kind.python, enum.Enum):
            yield kind.python


class _Walk:
    """The functions found so far, each described once."""

    def __init__(self, what: str, classes: list[type]) -> None:
        self.what = what
        self.classes = classes
        self.serials: dict[int, int] = {}
        self.kept: list[Any] = []  # so that no id is used twice
        self.texts: dict[int, str] = {}
        self.read: set[str] = set()  # names of attributes that are read anywhere

    def finished(self) -> Iterator[str]:
        # A method of a row is found by its name only: which row it is of is not known here.
        done: set[tuple[type, str]] = set()
        methods: list[str] = []
        while True:
            todo = [
                (cls, name)
                for cls in self.classes
                for name in sorted(self.read)
                if (cls, name) not in done
            ]
            if not todo:
                break
            for cls, name in todo:
                done.add((cls, name))
                found = inspect.getattr_static(cls, name, None)
                if isinstance(found, property | functools.cached_property | types.FunctionType):
                    methods.append(f"{cls.__name__}.{name}: {self.describe(found, 0)}")
        yield from methods
        yield from (self.texts[serial] for serial in sorted(self.texts))

    def describe(self, thing: Any, depth: int) -> str:
        """A text for an object: its type and value, or the serial number of a function."""
        if depth > _MAX_DEPTH:
            return f"a {dotted(type(thing))}"
        deeper = depth + 1

        def all_of(things: Any) -> str:
            return ", ".join(self.describe(item, deeper) for item in things)

        match thing:
            case enum.Enum():
                return f"{type(thing).__name__}.{thing.name} = {thing.value!r}"
            case _ if isinstance(thing, _PLAIN):
                return f"{type(thing).__name__} {thing!r}"
            case tuple() | list():
                return f"{type(thing).__name__}({all_of(thing)})"
            case set() | frozenset():
                # A set's own order differs between processes.
                items = sorted(self.describe(item, deeper) for item in thing)
                return f"{type(thing).__name__}({', '.join(items)})"
            case dict() | types.MappingProxyType():
                pairs = (
                    f"{self.describe(k, deeper)}: {self.describe(v, deeper)}"
                    for k, v in thing.items()
                )
                return f"dict({', '.join(pairs)})"
            case types.FunctionType():
                return self._function(thing)
            case functools.partial():
                return f"partial({all_of([thing.func, thing.args, thing.keywords])})"
            case operator.attrgetter() | operator.itemgetter() | operator.methodcaller():
                self.read.update(_names_read(thing))
                return repr(thing)
            case types.MethodType():
                return f"method({all_of([thing.__func__, thing.__self__])})"
            case functools._lru_cache_wrapper():
                return self.describe(thing.__wrapped__, deeper)
            case property():
                return f"property({all_of([thing.fget])})"
            case functools.cached_property():
                return f"property({all_of([thing.func])})"
            case staticmethod() | classmethod():
                return self.describe(thing.__func__, deeper)
            case types.ModuleType():
                return f"module {thing.__name__}"
            case type():
                return self._class(thing)
        return self._instance(thing, deeper)

    def _instance(self, thing: Any, depth: int) -> str:
        cls = type(thing)
        if callable(thing) and in_library(getattr(thing, "__module__", None) or "builtins"):
            return f"function {dotted(thing)}"
        state: dict[str, Any] = dict(getattr(thing, "__dict__", {}))
        if dataclasses.is_dataclass(cls):
            state |= {f.name: getattr(thing, f.name, None) for f in dataclasses.fields(cls)}
        parts = (f"{name}={self.describe(state[name], depth)}" for name in sorted(state))
        return f"{self._class(cls)}({', '.join(parts)})"

    def _class(self, cls: type) -> str:
        if cls not in self.classes and not in_library(cls.__module__):
            self.classes.append(cls)
            fields = getattr(cls, "__annotations__", {})
            self.texts[self._serial(cls)] = f"class {cls.__name__}: {', '.join(fields)}"
        return f"class {dotted(cls) if in_library(cls.__module__) else cls.__name__}"

    def _serial(self, thing: Any) -> int:
        if id(thing) not in self.serials:
            self.serials[id(thing)] = len(self.serials)
            self.kept.append(thing)
        return self.serials[id(thing)]

    # ------------------------------------------------------------------------------------ functions

    def _function(self, function: types.FunctionType) -> str:
        module = function.__module__ or ""
        if is_generated(function):
            return f"generated {function.__name__}"
        if in_library(module) or module.startswith("stepping."):
            return f"function {dotted(function)}"
        if id(function) not in self.serials:
            serial = self._serial(function)
            if len(self.serials) > _MAX_FUNCTIONS:
                self.texts[serial] = f"#{serial} {dotted(function)}"
            else:
                self.texts[serial] = f"#{serial}"  # while it is described: it may call itself
                self.texts[serial] = f"#{serial} {self._described(function)}"
        return f"#{self.serials[id(function)]}"

    def _described(self, function: types.FunctionType) -> str:
        code = function.__code__
        try:
            definition = definition_of(function)
            text = _normalised(definition.node)
            captured = dict(self._captured(function, definition))
        except SourceMissing:
            text = "\n".join(map(_code_text, _codes(code)))
            scope = namespace_of(function)
            names = sorted({name for each in _codes(code) for name in _globals_of(each)})
            names += code.co_freevars
            captured = {name: scope[name] for name in names if name in scope}
            for name, thing in captured.items():
                self._refuse_clock(thing, None, name)
            self.read.update(name for each in _codes(code) for name in each.co_names)
        parts = [text]
        if function.__defaults__ or function.__kwdefaults__:
            defaults = (function.__defaults__ or (), function.__kwdefaults__ or {})
            parts.append(f"defaults {self.describe(defaults, 0)}")
        parts += (f"{name} is {self.describe(captured[name], 0)}" for name in sorted(captured))
        return "\n".join(parts)

    def _captured(
        self, function: types.FunctionType, definition: Definition
    ) -> Iterator[tuple[str, Any]]:
        """Globals and captured variables, and the attributes of modules that are read."""
        scope = {**vars(sys.modules["builtins"]), **namespace_of(function)}
        names = {name for each in _codes(function.__code__) for name in _globals_of(each)}
        names |= set(function.__code__.co_freevars)
        chains = {
            id(part.value): part
            for part in ast.walk(definition.node)
            if isinstance(part, ast.Attribute)
        }
        for part in ast.walk(definition.node):
            if isinstance(part, ast.Attribute):
                self.read.add(part.attr)
            if not isinstance(part, ast.Name) or part.id not in names or part.id not in scope:
                continue
            thing, path, node = scope[part.id], part.id, part
            self._refuse_clock(thing, definition, shown(node), node)
            outer: ast.expr = node
            while isinstance(thing, types.ModuleType | type) and id(outer) in chains:
                above = chains[id(outer)]
                if not hasattr(thing, above.attr):
                    break
                thing, path, outer = getattr(thing, above.attr), f"{path}.{above.attr}", above
                self._refuse_clock(thing, definition, shown(outer), outer)
            yield path, thing

    def _refuse_clock(
        self, thing: Any, definition: Definition | None, text: str, node: ast.AST | None = None
    ) -> None:
        if is_clock(thing):
            raise clock_error(self.what, text, definition.at(node) if definition else None)


def _names_read(getter: Any) -> Iterator[str]:
    for part in getter.__reduce__()[1]:
        if isinstance(part, str):
            yield from part.split(".")


def _normalised(node: ast.AST) -> str:
    """The source without positions, names of the function, annotations and documentation."""
    if isinstance(node, ast.Lambda):
        return f"{_parameters(node.args)}: return {ast.unparse(node.body)}"
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    body = node.body
    if len(body) > 1 and ast.get_docstring(node, clean=False) is not None:
        body = body[1:]
    return f"{_parameters(node.args)}: " + "\n".join(map(ast.unparse, body))


def _parameters(arguments: ast.arguments) -> str:
    arguments = copy.deepcopy(arguments)
    for argument in ast.walk(arguments):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    return ast.unparse(arguments)


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _globals_of(code: types.CodeType) -> set[str]:
    loads = ("LOAD_GLOBAL", "LOAD_NAME")
    return {i.argval for i in dis.get_instructions(code) if i.opname in loads}


def _code_text(code: types.CodeType) -> str:
    constants = [c for c in code.co_consts if not isinstance(c, types.CodeType)]
    shape = (code.co_argcount, code.co_kwonlyargcount, code.co_names, code.co_varnames)
    return f"{shape} {constants!r} {code.co_code.hex()}"
