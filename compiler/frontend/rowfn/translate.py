"""A row function as typed scalars, or the reason why it has to run in Python."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

from stepping.compiler import ir
from stepping.compiler.bounds import with_infinities
from stepping.compiler.frontend.rowfn.calls import dotted
from stepping.compiler.frontend.rowfn.context import Abort, error_at
from stepping.compiler.frontend.rowfn.effects import guarded
from stepping.compiler.frontend.rowfn.identity import identity_of
from stepping.compiler.frontend.rowfn.inline import Inline
from stepping.compiler.frontend.rowfn.results import Untyped
from stepping.compiler.frontend.rowfn.source import place_of
from stepping.compiler.frontend.rowfn.type_relations import Mixed, widens
from stepping.compiler.frontend.rowfn.values import Items, Static, Unknown, Value, argument_of
from stepping.compiler.ir.function import RowFunction
from stepping.compiler.schema import BOOL, Build, Schema, Struct, ValueType, schema_of
from stepping.errors import QueryError

_TYPE_HINT = "annotate what the function returns: def f(row: Row) -> str"
_MIXED_HINT = "return one type for all rows, such as 1.0 and 2.5; only None may be another"
_NOTHING = Schema(Struct(()), ())


class Translator(Inline):
    """One translation of one function."""


def arguments_schema(arguments: tuple[ValueType, ...]) -> Schema:
    """The columns that the scalars of a row function read.

    Those of the argument's own schema; of several arguments, those of a tuple of them, so that
    the columns of the first begin with ``0_`` and those of the second with ``1_``.
    """
    if not arguments:
        return _NOTHING
    if len(arguments) == 1:
        return schema_of(arguments[0])
    fields = tuple((str(position), kind) for position, kind in enumerate(arguments))
    return schema_of(Struct(fields, build=Build.TUPLE))


def translate(f: Callable[..., Any], arguments: tuple[ValueType, ...], *, what: str) -> RowFunction:
    """Translate ``f``, which takes values of these types. ``what`` names its use in messages.

    The scalars read the columns of `arguments_schema`. A function that cannot be translated has
    none, and a reason; a `QueryError` means that it cannot mean anything for such rows, or that
    the type of what it returns is not known.
    """
    return _translated(f, arguments, what, None)


def _translated(
    f: Callable[..., Any],
    arguments: tuple[ValueType, ...],
    what: str,
    condition: Callable[..., bool] | None,
) -> RowFunction:
    if not callable(f):
        raise QueryError(f"{what} expects a function, got {type(f).__name__}")
    schema = arguments_schema(arguments)
    translator = Translator(what, schema)
    plain = _plain_function(f)
    translator.root = place = place_of(plain) if plain is not None else None
    value = _value_of(translator, f, arguments, schema)
    kind: ValueType | None = BOOL
    declared: ValueType | None = None
    if condition is None:
        declared = translator.returns(plain)
        kind = _kind_of(translator, value, declared)
    elif translator.reason is None:
        value = translator.truth(value, None)
    scalars: tuple[ir.Scalar, ...] | None = None
    if translator.reason is None and kind is not None:
        scalars = _scalars_of(translator, value, kind)
    name = _name_of(f)
    call = condition or f
    if translator.reason is None and scalars is not None:
        assert kind is not None
        # An annotation says float of what may be infinite as well.
        kind = with_infinities(kind, (not ir.is_finite(each) for each in scalars))
        return RowFunction(kind, scalars, source=place, call=call, name=name)
    reason = translator.reason or "its result is not known"
    # Also refuses what gives another result each time.
    python = identity_of(f, arguments, what)
    kind = declared or kind
    if kind is None:
        raise error_at(
            f"{what}: the type of what `{name}` returns is not known ({reason})",
            translator.fault_at or place,
            _MIXED_HINT if " for some rows and " in reason else _TYPE_HINT,
        )
    return RowFunction(
        kind,
        None,
        python=python,
        reason=reason,
        source=place,
        fault=translator.fault_at,
        call=call,
        name=name,
    )


def translate_condition(
    f: Callable[..., Any], arguments: tuple[ValueType, ...], *, what: str
) -> RowFunction:
    """``bool(f(...))`` as a row function: what `f` returns may be of several types."""

    def condition(*row: Any) -> bool:
        return bool(f(*row))

    return _translated(f, arguments, what, condition)


def _value_of(
    translator: Translator,
    f: Callable[..., Any],
    arguments: tuple[ValueType, ...],
    schema: Schema,
) -> Value:
    args: tuple[Value, ...] = ()
    if arguments:
        row = argument_of(schema)
        args = row.items if len(arguments) > 1 and isinstance(row, Items) else (row,)
    try:
        value = translator.call(Static(f), args, {}, None)
        translator.check()
        return value
    except Abort:
        return Unknown()
    except RecursionError:
        translator.fault("it is nested too deeply", None)
        return Unknown()


def _kind_of(translator: Translator, value: Value, declared: ValueType | None) -> ValueType | None:
    """The type of the result: as narrow as it is, but for what an annotation adds to it."""
    try:
        kind = translator.type_of_value(value)
    except Mixed as mixed:
        if declared is None or translator.reason is not None:
            translator.fault(str(mixed), None)
            return None
        try:
            translator.columns(value, declared)
        except QueryError:
            translator.fault(str(mixed), None)
        return declared
    except Untyped:
        translator.fault("always raises", None)
        return None
    return declared if declared is not None and widens(kind, declared) else kind


def _scalars_of(
    translator: Translator, value: Value, kind: ValueType
) -> tuple[ir.Scalar, ...] | None:
    try:
        scalars = translator.columns(value, kind)
        translator.check()
        unreachable = translator.witness("this cannot happen")
        scalars = guarded(scalars, translator.effects, unreachable)
        for scalar in scalars:
            translator.made(scalar, None)
    except Abort:
        return None
    except RecursionError:
        translator.fault("it is nested too deeply", None)
        return None
    return tuple(scalars)


def _plain_function(f: Any) -> types.FunctionType | None:
    """The function written in Python that ``f`` is or wraps."""
    while True:
        match f:
            case types.FunctionType():
                return f
            case functools.partial():
                f = f.func
            case types.MethodType() | staticmethod():
                f = f.__func__
            case functools._lru_cache_wrapper():
                f = f.__wrapped__
            case _:
                return None


def _name_of(f: Any) -> str:
    plain = _plain_function(f)
    if plain is None:
        return dotted(f)
    return "lambda" if plain.__name__ == "<lambda>" else plain.__name__
