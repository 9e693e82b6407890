"""The fields of a row class, and what the type variables in their annotations stand for."""

from __future__ import annotations

import dataclasses
import functools
import operator
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from stepping.compiler.rebuilding import is_generated, is_named_tuple, why_not
from stepping.compiler.schema import Build
from stepping.errors import QueryError

UNIONS = (typing.Union, types.UnionType)


def fields_of(row_class: Any) -> tuple[tuple[str, ...], Build]:
    """The fields of a row class, which must be such that its rows can be told apart and rebuilt."""
    name = row_class.__name__
    if is_named_tuple(row_class):
        _check(row_class, row_class._fields)
        return row_class._fields, Build.POSITIONAL
    if not row_class.__dataclass_params__.frozen:
        raise QueryError(
            f"{name} is a dataclass that is not frozen: a row must not change once stored",
            hint="write @dataclass(frozen=True), or derive from st.Data",
        )
    if row_class.__eq__ is object.__eq__:
        raise QueryError(
            f"{name} has no __eq__, so that no row equals one that was read back",
            hint="leave eq=False out",
        )
    for field in row_class.__dataclass_fields__.values():
        fault = ""
        if not field.init:
            fault = "has init=False, so a stored row could not be rebuilt"
        elif str(field._field_type) == "_FIELD_INITVAR":
            fault = "is an InitVar, so a stored row could not be rebuilt"
        elif not field.compare:
            fault = "has compare=False, so that rows would be equal that differ in it"
        if fault and str(field._field_type) != "_FIELD_CLASSVAR":
            raise QueryError(f"{name}.{field.name} {fault}", hint="make it a property")
    names = tuple(field.name for field in dataclasses.fields(row_class))
    _check(row_class, names)
    return names, Build.KEYWORD


def _check(row_class: Any, names: Sequence[str]) -> None:
    """Raise unless rows are the same if, and only if, their fields are."""
    own = own_comparison(row_class)
    if own:
        raise QueryError(
            f"{row_class.__name__} has an {own} of its own: a database compares rows by their "
            "fields, so that the same rows would be one there and two here",
            hint=f"leave {own} out; or let the field hold what counts, such as the text in lower "
            "case, and st.distinct or first_n pick one row for a key",
        )
    fault = why_not(row_class, names)
    if fault:
        raise QueryError(
            f"{row_class.__name__} cannot be made of its fields again: {fault}",
            hint="write a row class that has fields and nothing else: st.Data",
        )


def own_comparison(row_class: Any) -> str | None:
    """``__eq__`` or ``__hash__``, if it does not compare the fields of a row class as they are."""
    for name in ("__eq__", "__hash__"):
        owner = next(each for each in row_class.__mro__ if name in each.__dict__)
        if is_named_tuple(row_class):
            own = owner is not tuple
        else:
            fields = owner.__dict__.get("__dataclass_fields__", {})
            own = not is_generated(owner.__dict__[name]) or any(
                fields.get(each) is not field
                for each, field in row_class.__dataclass_fields__.items()
            )
        if own:
            return name
    return None


def owner_of(row_class: Any, name: str) -> Any:
    """The class that a field is declared in: its annotation uses the type variables of that one."""
    owner = row_class
    field = getattr(row_class, "__dataclass_fields__", {}).get(name)
    for base in row_class.__mro__:
        if field is not None and base.__dict__.get("__dataclass_fields__", {}).get(name) is field:
            owner = base
    return owner


def bound_variables(row_class: Any, arguments: tuple[Any, ...]) -> dict[Any, dict[Any, Any]]:
    """What the type variables of a row class and of each of its bases stand for."""
    bound: dict[Any, dict[Any, Any]] = {base: {} for base in row_class.__mro__}
    bound[row_class] = _zipped(row_class, arguments)
    for base in row_class.__mro__:
        for generic in base.__dict__.get("__orig_bases__", ()):
            origin = typing.get_origin(generic)
            if origin in bound and origin is not Generic:
                inner = tuple(substituted(a, bound[base]) for a in typing.get_args(generic))
                bound[origin] = _zipped(origin, inner)
    return bound


def _zipped(row_class: Any, arguments: tuple[Any, ...]) -> dict[Any, Any]:
    return dict(zip(getattr(row_class, "__parameters__", ()), arguments, strict=False))


def substituted(annotation: Any, variables: Mapping[Any, Any]) -> Any:
    """The annotation with what its type variables stand for."""
    if isinstance(annotation, TypeVar) or annotation is typing.Self:
        return variables.get(annotation, annotation)
    arguments = typing.get_args(annotation)
    origin = typing.get_origin(annotation)
    if not arguments or origin is typing.Literal:
        return annotation
    changed = tuple(substituted(argument, variables) for argument in arguments)
    if all(a is b for a, b in zip(arguments, changed, strict=True)):
        return annotation
    if origin in UNIONS:
        return functools.reduce(operator.or_, changed)
    return typing.Annotated[changed] if origin is typing.Annotated else origin[changed]
