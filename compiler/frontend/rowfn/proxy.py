"""Row functions without a source, as typed at a prompt: called once with values that record.

Attributes, arithmetic and comparison can be recorded so. Truth, texts and ``is`` cannot be
overloaded: a function that asks for them is not translated.
"""

from __future__ import annotations

import dataclasses
import dis
import enum
import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from stepping.compiler.frontend.rowfn.calls import custom_constructor
from stepping.compiler.frontend.rowfn.values import Items, Record, Static, Value, known, row_shape
from stepping.errors import SteppingError

# Instructions that look at an object without asking it, or that change something.
_REFUSED = ("IS_OP", "NONE", "STORE_ATTR", "STORE_GLOBAL", "STORE_SUBSCR", "DELETE", "IMPORT")
_REFUSED_TOO = ("MAKE_FUNCTION", "MATCH_", "YIELD", "RAISE", "GET_LEN", "SETUP", "BEFORE_WITH")
_CONSTANTS = (int, float, str, bytes, type(None), enum.Enum)


class Opaque(Exception):
    """A function that a proxy cannot see through. ``str(self)`` says why."""


def by_proxy(translator: Any, function: types.FunctionType, args: Mapping[str, Value]) -> Value:
    """What ``function`` returns for these arguments; `Opaque` if that cannot be recorded."""
    _inspect(function, set())
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        value = _wrapped(translator, args[parameter.name])
        match parameter.kind:
            case inspect.Parameter.VAR_POSITIONAL | inspect.Parameter.VAR_KEYWORD:
                raise Opaque("it takes any number of arguments")
            case inspect.Parameter.KEYWORD_ONLY:
                named[parameter.name] = value
            case _:
                positional.append(value)
    try:
        return _unwrapped(function(*positional, **named))
    except (Opaque, SteppingError):
        raise
    except Exception as error:
        raise Opaque(f"it cannot be called with a row that only records: {error}") from error


class Proxy:
    """A value of a row function, as an object that records what is done with it."""

    __slots__ = ("__translator", "__value")

    def __init__(self, translator: Any, value: Value) -> None:
        self.__translator = translator
        self.__value = value

    def __getattr__(self, name: str) -> Any:
        return _wrapped(self.__translator, self.__translator.attribute(self.__value, name, None))

    def __getitem__(self, index: Any) -> Any:
        value = self.__translator.subscript(self.__value, _unwrapped(index), None)
        return _wrapped(self.__translator, value)

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        given = {name: _unwrapped(value) for name, value in keywords.items()}
        value = self.__translator.call(self.__value, tuple(map(_unwrapped, args)), given, None)
        return _wrapped(self.__translator, value)

    def __iter__(self) -> Iterator[Any]:
        items = self.__translator.unpacked(self.__value, None)
        if items is None:
            raise Opaque("it goes through a value")
        return iter([_wrapped(self.__translator, item) for item in items])

    def __hash__(self) -> int:
        raise Opaque("it asks for a hash")


def _operator(op: str, *, reflected: bool = False) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        translator = self._Proxy__translator
        operands = (self._Proxy__value, _unwrapped(other))
        left, right = reversed(operands) if reflected else operands
        return _wrapped(translator, translator.binary(op, left, right, None))

    return method


def _comparison(op: str) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        translator = self._Proxy__translator
        value = translator.compare(op, self._Proxy__value, _unwrapped(other), None)
        return _wrapped(translator, value)

    return method


def _unary(op: str) -> Callable[[Any], Any]:
    def method(self: Any) -> Any:
        translator = self._Proxy__translator
        return _wrapped(translator, translator.unary(op, self._Proxy__value, None))

    return method


def _refusal(what: str) -> Callable[..., NoReturn]:
    def method(self: Any, *args: Any) -> NoReturn:
        raise Opaque(f"without its source, {what} cannot be seen")

    return method


_ARITHMETIC = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "truediv": "/",
    "floordiv": "//",
    "mod": "%",
    "pow": "**",
    "and": "&",
    "or": "|",
    "xor": "^",
    "lshift": "<<",
    "rshift": ">>",
}
for _name, _op in _ARITHMETIC.items():
    setattr(Proxy, f"__{_name}__", _operator(_op))
    setattr(Proxy, f"__r{_name}__", _operator(_op, reflected=True))
for _name, _op in {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}.items():
    setattr(Proxy, f"__{_name}__", _comparison(_op))
for _name, _op in {"neg": "-", "pos": "+", "invert": "~"}.items():
    setattr(Proxy, f"__{_name}__", _unary(_op))
for _name, _what in {
    "bool": "a condition",
    "len": "a length",
    "str": "a text",
    "repr": "a text",
    "format": "a text",
    "contains": "`in`",
    "int": "int()",
    "float": "float()",
    "index": "an index",
    "round": "round()",
    "abs": "abs()",
    "setattr": "a change",
}.items():
    setattr(Proxy, f"__{_name}__", _refusal(_what) if _name != "setattr" else Proxy.__setattr__)


def _wrapped(translator: Any, value: Value) -> Any:
    return value.value if isinstance(value, Static) else Proxy(translator, value)


def _unwrapped(thing: Any) -> Value:
    if type(thing) is Proxy:
        value: Value = thing._Proxy__value
        return value
    if isinstance(thing, type):
        return Static(thing)
    named = isinstance(thing, tuple) and hasattr(thing, "_fields")
    if named or dataclasses.is_dataclass(thing):
        cls = type(thing)
        shape = row_shape(cls, {})
        if shape is None or custom_constructor(cls):
            raise Opaque(f"it makes a {cls.__name__}")
        build, names, kinds = shape
        values = tuple(_unwrapped(getattr(thing, name)) for name in names)
        return Record(cls, build, names, kinds, values)
    if type(thing) is tuple:
        return Items(tuple(map(_unwrapped, thing)))
    return known(thing)


def _inspect(function: types.FunctionType, seen: set[types.CodeType]) -> None:
    """Refuse a function that could do what a proxy does not notice."""
    code = function.__code__
    if code in seen:
        return
    seen.add(code)
    if code.co_exceptiontable:
        raise Opaque("it handles exceptions")
    names: set[str] = set()
    for instruction in dis.get_instructions(code):
        name = instruction.opname
        if any(part in name for part in (*_REFUSED, *_REFUSED_TOO)):
            raise Opaque(f"without its source, {name.lower()} cannot be seen")
        if name in ("LOAD_GLOBAL", "LOAD_NAME"):
            names.add(instruction.argval)
        elif isinstance(instruction.argval, str) and instruction.argval.startswith("__"):
            raise Opaque(f"it uses {instruction.argval}")
    for name in names:
        if name not in function.__globals__:
            raise Opaque(f"without its source, `{name}` cannot be seen")
        _inspect_captured(name, function.__globals__[name], seen)
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        _inspect_captured(name, cell.cell_contents, seen)


def _inspect_captured(name: str, thing: Any, seen: set[types.CodeType]) -> None:
    if isinstance(thing, types.FunctionType):
        _inspect(thing, seen)
        return
    row = isinstance(thing, type) and (
        dataclasses.is_dataclass(thing) or issubclass(thing, enum.Enum) or hasattr(thing, "_fields")
    )
    constant = isinstance(thing, _CONSTANTS) or (
        isinstance(thing, tuple) and all(isinstance(item, _CONSTANTS) for item in thing)
    )
    facade = isinstance(thing, types.ModuleType) and thing.__name__ == "stepping"
    if not (row or constant or facade):
        raise Opaque(f"without its source, `{name}` cannot be seen")
