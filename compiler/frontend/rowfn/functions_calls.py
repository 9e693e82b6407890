"""Rows of the function table applied to scalars: checked, typed, and folded where constant."""

from __future__ import annotations

import datetime
import enum
import math
import uuid
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

from stepping.compiler import ir
from stepping.compiler.bounds import computed_atom
from stepping.compiler.frontend.rowfn.functions_numbers import (
    COMPARISONS,
    DECIMALS,
    FLOATS,
    INTS,
    MAX_SCALE,
)
from stepping.compiler.frontend.rowfn.functions_table import Function, fit
from stepping.compiler.frontend.rowfn.functions_text import BYTES, TEXTS
from stepping.compiler.frontend.rowfn.functions_time import ENUMS, TIMES, UUIDS
from stepping.compiler.schema import BOOL, INT, NULL, TEXT, Atom, Kind
from stepping.errors import RowError

FUNCTIONS: dict[str, Function] = {
    function.name: function
    for rows in (COMPARISONS, INTS, FLOATS, DECIMALS, TEXTS, BYTES, TIMES, UUIDS, ENUMS)
    for function in rows
}

TRUE = ir.Const(True, BOOL)
FALSE = ir.Const(False, BOOL)

_KINDS: dict[type, Kind] = {
    bool: Kind.BOOL,
    int: Kind.INT,
    float: Kind.FLOAT,
    str: Kind.TEXT,
    bytes: Kind.BYTES,
    Decimal: Kind.DECIMAL,
    datetime.date: Kind.DATE,
    datetime.time: Kind.TIME,
    uuid.UUID: Kind.UUID,
}


def call(name: str, *args: ir.Scalar) -> ir.Call:
    """The row ``name`` applied. A LookupError says why it cannot be."""
    function = FUNCTIONS.get(name)
    if function is None:
        raise LookupError(f"there is no function {name}")
    result = function.result(tuple(arg.type.required() for arg in args))
    if result is None:
        types = ", ".join(str(arg.type.required()) for arg in args)
        raise LookupError(f"{function} does not take ({types})")
    for position in function.constant:
        if position < len(args) and not isinstance(args[position], ir.Const):
            raise LookupError(f"argument {position + 1} of {function} must be a constant")
    if result.kind is Kind.FLOAT and not all(map(ir.is_finite, args)):
        result = result.with_infinities()
    return ir.Call(name, args, result, function.partial)


def apply(name: str, *args: ir.Scalar) -> ir.Scalar:
    """As `call`, evaluated now where all arguments are constants.

    A database may evaluate a constant before the condition that protects it, so none that raises
    may be left over: that is a LookupError too.
    """
    made = call(name, *args)
    values = [arg.value for arg in args if isinstance(arg, ir.Const)]
    if len(values) < len(args):
        return made
    function = FUNCTIONS[name]
    try:
        return ir.Const(fit(function.python(*values), computed_atom(made.type)), made.type)
    except (ArithmeticError, ValueError, TypeError, LookupError) as error:
        raise LookupError(f"{function} of these constants raises: {error}") from error


def constant(value: Any) -> ir.Const:
    """A Python value as a constant of its natural type."""
    if value is None:
        return ir.Const(None, NULL)
    atom = atom_of(value)
    if atom.kind is Kind.TIMESTAMP and is_ambiguous(value):
        # Python's == says of it that it equals no time of another zone (PEP 495).
        raise LookupError(f"{value!r} is in an hour that comes twice or never")
    try:
        return ir.Const(fit(value, atom, "constant"), atom)
    except RowError as error:
        raise LookupError(error.message) from error


def is_ambiguous(value: datetime.datetime) -> bool:
    """Whether it depends on ``fold`` which moment an aware time is."""
    return value.utcoffset() != value.replace(fold=not value.fold).utcoffset()


def atom_of(value: Any) -> Atom:
    if isinstance(value, enum.Enum):
        members = tuple(member.name for member in type(value))
        return Atom(Kind.ENUM, members=members, python=type(value))
    if type(value) is datetime.datetime:
        return Atom(Kind.DATETIME if value.tzinfo is None else Kind.TIMESTAMP)
    kind = _KINDS.get(type(value))
    if kind is None:
        raise LookupError(f"a {type(value).__name__} is no value of a column")
    if kind is Kind.FLOAT and math.isinf(value):
        return Atom(kind).with_infinities()
    return Atom(kind)


def text(value: str) -> ir.Const:
    return ir.Const(value, TEXT)


def number(value: int) -> ir.Const:
    return ir.Const(value, INT)


def choose(condition: ir.Scalar, value: ir.Scalar, otherwise: ir.Scalar) -> ir.Scalar:
    """``value if condition else otherwise``, for two scalars of one type."""
    if isinstance(condition, ir.Const):
        return value if condition.value else otherwise
    nullable = value.type.nullable or otherwise.type.nullable
    atom = value.type.optional() if nullable else value.type
    return ir.Case(((condition, value),), otherwise, atom)


def negated(condition: ir.Scalar) -> ir.Scalar:
    match condition:
        case ir.Const():
            return FALSE if condition.value else TRUE
        case ir.Not():
            return condition.part
        case _:
            return ir.Not(condition)


def is_null(value: ir.Scalar) -> ir.Scalar:
    if isinstance(value, ir.Const):
        return TRUE if value.value is None else FALSE
    if not value.type.nullable:
        return FALSE
    return ir.IsNull(value)


# ------------------------------------------------------------------------------------- promotion


def member_of(value: ir.Scalar, member: Callable[[Any], Any]) -> ir.Scalar:
    """A function of an enum's members, evaluated now for each of them."""
    cls = value.type.python
    if not (isinstance(cls, type) and issubclass(cls, enum.Enum)):
        raise LookupError("the class of this enum is not known here")
    if isinstance(value, ir.Const):
        return constant(member(value.value))
    try:
        results = [constant(member(cls[name])) for name in value.type.members]
    except (TypeError, ValueError) as error:
        raise LookupError(str(error)) from error
    if len({result.type.kind for result in results}) != 1:
        raise LookupError(f"the members of {cls.__name__} have values of different types")
    *others, last = zip(value.type.members, results, strict=True)
    if len(set(results)) == 1:
        return last[1]
    if results == [text(name) for name in value.type.members]:
        return call("enum.name", value)
    whens = tuple((call("eq", value, ir.Const(cls[name], value.type)), r) for name, r in others)
    return ir.Case(whens, last[1], last[1].type)


def as_value(value: ir.Scalar) -> ir.Scalar:
    """A member of an IntEnum or StrEnum as what it also is: an int, a str."""
    cls = value.type.python
    if value.type.kind is not Kind.ENUM or not isinstance(cls, type):
        return value
    for base in (int, str, float):
        if issubclass(cls, base):
            return member_of(value, partial(_plain_value, base))
    return value


def _plain_value(base: type, member: enum.Enum) -> Any:
    return base(member.value)


def as_int(value: ir.Scalar) -> ir.Scalar:
    """Bools count as 0 and 1 in arithmetic."""
    return apply("int.of_bool", value) if value.type.kind is Kind.BOOL else value


def as_float(value: ir.Scalar) -> ir.Scalar:
    value = as_int(value)
    return apply("float.of_int", value) if value.type.kind is Kind.INT else value


def as_decimal(value: ir.Scalar) -> ir.Scalar:
    """An int as a Decimal; a constant with the scale that it has by itself."""
    value = as_int(value)
    if value.type.kind is Kind.INT:
        return apply("decimal.of_int", value)
    if isinstance(value, ir.Const) and value.type.scale is None:
        exponent = value.value.as_tuple().exponent
        if -exponent <= MAX_SCALE:
            try:
                return apply(f"decimal.scaled_{-exponent}", value)
            except LookupError:
                return value
    return value


def unscaled(value: ir.Scalar) -> ir.Scalar:
    return value if value.type.scale is None else apply("decimal.unscaled", value)


def scaled(value: ir.Scalar, scale: int) -> ir.Scalar:
    return value if value.type.scale == scale else apply(f"decimal.scaled_{scale}", value)


def coerced(value: ir.Scalar, atom: Atom) -> ir.Scalar:
    """A non-null value as a field of type ``atom`` takes it: an int as a float or a Decimal."""
    if atom.kind is Kind.FLOAT and value.type.kind is Kind.INT:
        return as_float(value)
    if atom.kind is Kind.DECIMAL and value.type.kind in (Kind.INT, Kind.DECIMAL):
        value = as_decimal(value)
        return unscaled(value) if atom.scale is None else scaled(value, atom.scale)
    if atom.kind is not value.type.kind:
        raise LookupError(f"a field of type {atom} does not take {value.type}")
    return value
