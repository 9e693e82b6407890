"""What kind of a thing a value is: has it items, is it a row, who wrote its methods."""

from __future__ import annotations

import inspect
from types import FunctionType
from typing import Any

from stepping.compiler.frontend.rowfn.values import (
    Items,
    Keywords,
    Record,
    SetOf,
    Static,
    Value,
    known,
)


def items_of(value: Value) -> tuple[Value, ...] | None:
    """The values in a tuple or a list, if it is one."""
    match value:
        case Items():
            return value.items
        case Record() if is_tuple(value):
            return value.values
        case Static(value=tuple() | list() as constant):
            return tuple(map(known, constant))
        case _:
            return None


def members_of(value: Value) -> tuple[Value, ...] | None:
    """The values in a set or frozenset, if it is one. Of those that are equal it has one."""
    match value:
        case SetOf():
            return value.items
        case Static(value=set() | frozenset() as constant):
            # Its own order differs between processes, and names of tables rest on what is made.
            return tuple(map(known, sorted(constant, key=repr)))
        case _:
            return None


def depends_on_order(constant: Any) -> bool:
    """Whether an object holds a set of several items, whose order is another in each process."""
    match constant:
        case set() | frozenset():
            return len(constant) > 1
        case tuple() | list():
            return any(map(depends_on_order, constant))
        case dict():
            return any(map(depends_on_order, constant.values()))
        case _:
            return False


def is_tuple(record: Record) -> bool:
    return issubclass(record.cls, tuple)


def container_of(value: Value) -> type:
    """Tuple, list or set, of what has items."""
    if isinstance(value, Static) and not isinstance(value.value, tuple):
        return type(value.value)
    return value.of if isinstance(value, Items | SetOf) else tuple


def changes_in_place(value: Value, method: str) -> bool:
    """Whether ``value`` has a method that changes it, or does what only its class knows."""
    match value:
        case Items() | SetOf():
            return hasattr(value.of, method)
        case Keywords():
            return hasattr(dict, method)
        case Record():
            return hasattr(value.cls, method)
        case Static():
            return hasattr(type(value.value), method)
        case _:
            return False


def method_of(cls: type, method: str) -> FunctionType | None:
    """A method that is written in Python, of a row class."""
    found = inspect.getattr_static(cls, method, None)
    return found if isinstance(found, FunctionType) else None


def kind_name(value: Value) -> str:
    match value:
        case Record():
            return value.cls.__name__
        case Items() | SetOf():
            return value.of.__name__
        case Static():
            return type(value.value).__name__
        case Keywords():
            return "dict"
        case _:
            return str(getattr(value, "type", "function"))
