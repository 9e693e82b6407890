"""Scalars evaluated over one row: what they mean, without a database.

Each row of the function table is its Python function followed by the canonical form of its result,
as a column would hold it. A `Case` evaluates what it needs and no more; anything else evaluates all
of its parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

from stepping.compiler import ir
from stepping.compiler.bounds import computed_atom
from stepping.compiler.codec import python_codec
from stepping.compiler.frontend.rowfn.functions import FUNCTIONS, fit
from stepping.compiler.frontend.rowfn.translate import arguments_schema
from stepping.compiler.schema import ValueType


class Raised(Exception):
    """A scalar said that Python raises."""


def interpret(scalar: ir.Scalar, row: Mapping[str, Any]) -> Any:
    """The value of a scalar for a row of column values."""
    match scalar:
        case ir.ColumnRef():
            value = row[scalar.name]
            if value is None and not scalar.type.nullable:
                raise AssertionError(f"{scalar.name} is read as if it were never NULL")
            return value
        case ir.Const():
            return scalar.value
        case ir.Call():
            return _called(scalar, [interpret(arg, row) for arg in scalar.args])
        case ir.Case():
            for test, value in scalar.whens:
                if _condition(interpret(test, row)):
                    return interpret(value, row)
            return interpret(scalar.otherwise, row)
        case ir.And():
            # A database may evaluate all of them, in any order.
            parts = [_condition(interpret(part, row)) for part in scalar.parts]
            return all(parts)
        case ir.Or():
            parts = [_condition(interpret(part, row)) for part in scalar.parts]
            return any(parts)
        case ir.Not():
            return not _condition(interpret(scalar.part, row))
        case ir.IsNull():
            return interpret(scalar.part, row) is None
        case ir.Raise():
            raise Raised(interpret(scalar.message, row))
        case ir.Native():
            raise AssertionError("only a database knows what its own words mean")
        case _:
            assert_never(scalar)


def _condition(value: Any) -> bool:
    assert isinstance(value, bool), f"a condition is {value!r}"
    return value


def _called(call: ir.Call, args: list[Any]) -> Any:
    for arg, given in zip(args, call.args, strict=True):
        assert arg is not None or call.function == "same" or isinstance(given, ir.Const), (
            f"{call.function} is given NULL"
        )
    made = FUNCTIONS[call.function].python(*args)
    return fit(made, computed_atom(call.type), call.function)


def columns_of(rows: tuple[Any, ...], types: tuple[ValueType, ...]) -> dict[str, Any]:
    """The column values of the arguments of a row function."""
    schema = arguments_schema(types)
    if len(types) == 1:
        return dict(zip(schema.names, python_codec(types[0]).encode(rows[0]), strict=True))
    values = python_codec(schema.type).encode(rows) if types else ()
    return dict(zip(schema.names, values, strict=True))


def run(function: ir.RowFunction, rows: tuple[Any, ...], types: tuple[ValueType, ...]) -> Any:
    """The result of a translated row function, as it would come back from a database."""
    assert function.scalars is not None, function.reason
    columns = columns_of(rows, types)
    values = tuple(interpret(scalar, columns) for scalar in function.scalars)
    return python_codec(function.type).decode(values)
