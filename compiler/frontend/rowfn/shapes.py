"""What kind of a thing a value is: has it items, is it a row, who wrote its methods."""

from __future__ import annotations

import inspect
from types import FunctionType

from stepping.compiler.frontend.rowfn.values import Items, Record, Static, Value, known


def items_of(value: Value) -> tuple[Value, ...] | None:
    """The values in a tuple, if it is one."""
    match value:
        case Items():
            return value.items
        case Record() if is_tuple(value):
            return value.values
        case Static() if isinstance(value.value, tuple):
            return tuple(map(known, value.value))
        case _:
            return None


def is_tuple(record: Record) -> bool:
    return issubclass(record.cls, tuple)


def container_of(value: Value) -> type:
    """Tuple, list or set, of what has items."""
    if isinstance(value, Static) and not isinstance(value.value, tuple):
        return type(value.value)
    return value.of if isinstance(value, Items) else tuple


def method_of(cls: type, method: str) -> FunctionType | None:
    """A method that is written in Python, of a row class."""
    found = inspect.getattr_static(cls, method, None)
    return found if isinstance(found, FunctionType) else None


def kind_name(value: Value) -> str:
    match value:
        case Record():
            return value.cls.__name__
        case Items():
            return value.of.__name__
        case Static():
            return type(value.value).__name__
        case _:
            return str(getattr(value, "type", "function"))
