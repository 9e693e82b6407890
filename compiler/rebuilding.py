"""Rows made of the values of their fields, without the code of their class.

A constructor that changes a value, or a ``__post_init__`` or ``__new__`` that does, would change it
again each time that a row is read, and a row that has been read could not be removed. So rows that
come from a database are filled as pickle and copy fill them. What a constructor sets beside the
fields is not there then: a property, or a `functools.cached_property`, has it when it is asked for.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any


def is_named_tuple(candidate: Any) -> bool:
    return (
        isinstance(candidate, type)
        and issubclass(candidate, tuple)
        and hasattr(candidate, "_fields")
    )


def is_generated(method: Any) -> bool:
    """Whether `dataclasses` wrote a method."""
    if not isinstance(method, types.FunctionType):
        return False
    inner = inspect.unwrap(method)  # the generated __repr__ is wrapped against recursion
    return isinstance(inner, types.FunctionType) and inner.__code__.co_qualname.startswith(
        "__create_fn__"
    )


def why_not(cls: Any, names: Sequence[str]) -> str | None:
    """Why rows of a class cannot be made of their fields; None if they can."""
    if is_named_tuple(cls):
        own = (name for name in names if not _is_position(inspect.getattr_static(cls, name)))
        name = next(own, None)
        return name and f"its field {name} is overridden"
    for name in names:
        found = inspect.getattr_static(cls, name, None)
        if hasattr(type(found), "__set__") and not isinstance(found, types.MemberDescriptorType):
            return f"its field {name} is a {type(found).__name__}, which has code of its own"
    try:
        object.__new__(cls)
    except TypeError as error:
        return str(error)
    return None


def _is_position(found: Any) -> bool:
    """Whether a class's attribute is what `collections.namedtuple` made: an item of the tuple."""
    return type(found).__name__ == "_tuplegetter"


def lines(
    cls: Any,
    values: Sequence[tuple[str, str]],
    row: str,
    constant: Callable[[Any, str], str],
) -> Iterator[str]:
    """Source that makes a row: the variable ``row``. ``values`` are names of fields and
    expressions; ``constant`` gives a name to what the source needs.
    """
    made = constant(cls, "cls")
    if is_named_tuple(cls):
        listed = "".join(f"{value}, " for _, value in values)
        yield f"{row} = {constant(tuple.__new__, 'new')}({made}, ({listed}))"
        return
    yield f"{row} = {constant(object.__new__, 'new')}({made})"
    slots = {name: found for name, _ in values if (found := _slot(cls, name)) is not None}
    fields = f"{row}_fields"
    if len(slots) < len(values):
        yield f"{fields} = {row}.__dict__"
    for name, value in values:
        if name in slots:
            yield f"{constant(slots[name].__set__, 'set')}({row}, {value})"
        else:
            yield f"{fields}[{name!r}] = {value}"


def _slot(cls: Any, name: str) -> types.MemberDescriptorType | None:
    found = inspect.getattr_static(cls, name, None)
    return found if isinstance(found, types.MemberDescriptorType) else None


@functools.lru_cache(maxsize=1024)
def maker(cls: Any, names: Sequence[str]) -> Callable[..., Any]:
    """A function of the values of a row's fields, in order: the row."""
    serial = itertools.count()
    scope: dict[str, Any] = {}

    def constant(value: Any, stem: str) -> str:
        name = f"{stem}{next(serial)}"
        scope[name] = value
        return name

    given = [f"v{position}" for position in range(len(names))]
    body = lines(cls, list(zip(names, given, strict=True)), "row", constant)
    text = "\n    ".join((f"def made({', '.join(given)}):", *body, "return row"))
    exec(compile(text, "<row>", "exec"), scope)
    function: Callable[..., Any] = scope["made"]
    return function
