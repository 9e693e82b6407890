"""What the signature of a query function says: its inputs and their rows, and where it stands."""

from __future__ import annotations

import functools
import inspect
import sys
import typing
from collections.abc import Callable, Mapping
from typing import Any

from stepping.compiler.frontend.rows import row_table, type_of
from stepping.compiler.plan.base_tables import TableRef
from stepping.compiler.schema import ValueType
from stepping.compiler.zset import ZSet
from stepping.errors import QueryError

# What is called between a query and the line that fails; a cached property is read by functools.
OURS = ("stepping.compiler.", "stepping.runtime.", "stepping.dialects.", "functools")


def inputs_of(query: Callable[..., Any]) -> tuple[tuple[str, ValueType, TableRef | None], ...]:
    """The inputs that the arguments of a query function name, the type of their rows, and the table
    of the application that these are in, if they are in one.
    """
    try:
        parameters = list(inspect.signature(query).parameters.values())
    except (TypeError, ValueError):
        raise QueryError(f"{query!r} has no signature", hint="pass a plain function") from None
    hints = annotations_of(query)
    inputs = []
    for parameter in parameters:
        annotation = hints.get(parameter.name)
        if typing.get_origin(annotation) is not ZSet:
            if parameter.default is not parameter.empty:
                continue  # an option of the application's: functools.partial(query, limit=5)
            raise QueryError(
                f"the argument {parameter.name!r} of {shown(query)} is annotated with "
                f"{annotation if annotation is not None else 'nothing'}, not with st.ZSet[...]",
                where=place_of(query),
                hint=f"{parameter.name}: st.ZSet[Product]",
            )
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise QueryError(
                f"{parameter} of {shown(query)} stands for any number of inputs",
                where=place_of(query),
                hint="give it an argument per input: products: st.ZSet[Product]",
            )
        (row,) = typing.get_args(annotation)
        try:
            namespace = namespace_of(query)
            type_ = type_of(row, namespace)
            inputs.append((parameter.name, type_, row_table(row, type_, namespace)))
        except QueryError as error:
            error.where = error.where or place_of(query)
            raise
    if not inputs:
        raise QueryError(
            f"{shown(query)} has no arguments, so nothing could ever change",
            where=place_of(query),
            hint="give it an argument per input: products: st.ZSet[Product]",
        )
    return tuple(inputs)


def call(query: Callable[..., Any], given: Mapping[str, Any]) -> Any:
    """What a query function returns for its inputs by name; its other arguments have defaults."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    skipped = False
    for name, parameter in inspect.signature(query).parameters.items():
        if name not in given:
            skipped = True
        elif skipped or parameter.kind is parameter.KEYWORD_ONLY:
            named[name] = given[name]
        else:
            positional.append(given[name])
    return query(*positional, **named)


def annotations_of(query: Callable[..., Any]) -> dict[str, Any]:
    """The types that a query function's arguments are annotated with, by name."""
    function: Any = inspect.unwrap(query)
    while not hasattr(function, "__annotations__") and hasattr(function, "func"):
        function = function.func  # functools.partial
    if not inspect.isroutine(function):
        function = type(function).__call__  # an instance that is called like a function
    try:
        return typing.get_type_hints(function, localns=namespace_of(query), include_extras=True)
    except NameError as error:
        raise QueryError(
            f"an annotation of {shown(query)} names {error.name!r}, which is not defined",
            where=place_of(query),
            hint="define the row class at the top of the module, or import it",
        ) from None


def namespace_of(query: Callable[..., Any]) -> dict[str, Any]:
    """Names that string annotations may use: the module's, the closure's, the callers' locals."""
    function: Any = inspect.unwrap(query)
    found: dict[str, Any] = {}
    frame = sys._getframe(1)
    frames = []
    while frame.f_back is not None:
        frame = frame.f_back
        if not frame.f_globals.get("__name__", "").startswith(OURS):
            frames.append(frame)
    for outer in reversed(frames[:20]):
        if outer.f_locals is not outer.f_globals:
            found |= outer.f_locals
    found |= getattr(function, "__globals__", {})
    if inspect.isfunction(function):
        found |= dict(inspect.getclosurevars(function).nonlocals)
        is_local = "<locals>" in function.__qualname__
        if is_local and frames and frames[0].f_locals is not frames[0].f_globals:
            found |= {k: v for k, v in frames[0].f_locals.items() if isinstance(v, type)}
    return found


def check_name(name: object, query: Callable[..., Any]) -> None:
    """Raise `QueryError` for the name of a query or a cache that a database cannot store."""
    try:
        fits = isinstance(name, str) and b"\0" not in name.encode()
    except UnicodeEncodeError:  # a lone surrogate
        fits = False
    if not fits:
        raise QueryError(
            f"a query or a cache is named {name!r}",
            where=place_of(query),
            hint="a name is a str of Unicode text, without NUL",
        )


def shown(query: Callable[..., Any]) -> str:
    """What messages call a query."""
    return f"the query {getattr(query, '__name__', repr(query))}"


def place_of(query: Callable[..., Any]) -> str:
    """``file:line`` of a query function."""
    function: Any = inspect.unwrap(query)
    while isinstance(function, functools.partial):
        function = function.func
    code = getattr(function, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else "st.compile"
