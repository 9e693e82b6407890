"""Texts of values: ``str()``, ``format()`` and f-strings."""

from __future__ import annotations

import ast
import re
from typing import Any

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn import functions
from stepping.compiler.frontend.rowfn.comparisons import Comparisons
from stepping.compiler.frontend.rowfn.context import shown
from stepping.compiler.frontend.rowfn.operations import PLAIN
from stepping.compiler.frontend.rowfn.shapes import method_of
from stepping.compiler.frontend.rowfn.values import Bound, Record, Static, Value
from stepping.compiler.rebuilding import is_generated
from stepping.compiler.schema import TEXT, Kind

_FIXED = re.compile(r"\.\d+[fF%]$")


class Texts(Comparisons):
    """What a value looks like."""

    def text(self, value: Value, spec: str, at: ast.AST | None) -> Value:
        """``format(value, spec)``, which without a spec is ``str(value)``."""
        value = self.compact(value, at, strict=False)
        return self.lift(lambda v: self._text(v, spec, at), (value,), at)

    def _text(self, value: Value, spec: str, at: ast.AST | None) -> Value:
        if isinstance(value, Static):
            if value.value is None and spec:
                return self.raising_missing(value, at, f"that has no format `{spec}`")
            if value.value is None:
                return Static("None")
            if isinstance(value.value, PLAIN) or self.scalar_of(value) is not None:
                return self.folded(lambda v: format(v, spec), (value.value,), at)
        if isinstance(value, Record):
            return self._text_of_record(value, spec, at)
        scalar = self.scalar_of(value)
        if scalar is None:
            return self.fault(f"`{shown(at)}`: the text of such a value", at, TEXT)
        if scalar.type.kind is Kind.DECIMAL and not _FIXED.search(spec) and not _is_stored(scalar):
            # Python keeps the trailing zeros of what was computed; what is stored has none.
            return self.fault(f"`{shown(at)}`: the text of a computed Decimal", at, TEXT)
        if scalar.type.kind is Kind.FLOAT and _may_be_minus_zero(scalar):
            # Python shows -0.0 as such; a value of a column, and so of SQL, is 0.0.
            return self.fault(f"`{shown(at)}`: the text of a float that may be -0.0", at, TEXT)
        make = lambda: functions.formatted(scalar, spec)  # noqa: E731
        if not spec:
            make = lambda: functions.to_text(scalar)  # noqa: E731

        def python(value: Any) -> str:
            try:
                return format(value, spec)
            except ValueError as error:  # of the spec, whatever the value
                raise TypeError(*error.args) from error

        return self.applied(python, (scalar,), make, at)

    def _text_of_record(self, record: Record, spec: str, at: ast.AST | None) -> Value:
        names = ("__format__",) if spec else ("__format__", "__str__", "__repr__")
        for method in names:
            found = method_of(record.cls, method)
            if found is not None and not is_generated(found):
                args: tuple[Value, ...] = (Static(spec),) if method == "__format__" else ()
                return self.call(Bound(Static(found), record), args, {}, at)
        return self.fault(f"`{shown(at)}`: the text of a whole {record.cls.__name__}", at, TEXT)

    def concatenated(self, parts: list[Value], at: ast.AST | None) -> Value:
        """Texts one after the other."""
        result: Value = Static("")
        for part in parts:
            if isinstance(result, Static) and result.value == "":
                result = part
            elif not (isinstance(part, Static) and part.value == ""):
                result = self.binary("+", result, part, at)
        return result


def _is_stored(scalar: ir.Scalar) -> bool:
    """Whether a value comes from a column as it is."""
    match scalar:
        case ir.ColumnRef() | ir.Raise():
            return True
        case ir.Case():
            return all(_is_stored(v) for _, v in scalar.whens) and _is_stored(scalar.otherwise)
        case _:
            return False


def _may_be_minus_zero(scalar: ir.Scalar) -> bool:
    """Whether Python may get -0.0 here."""
    match scalar:
        case ir.ColumnRef() | ir.Raise() | ir.Const():
            return False
        case ir.Case():
            values = [value for _, value in scalar.whens]
            return any(map(_may_be_minus_zero, [*values, scalar.otherwise]))
        case ir.Call(function="float.add" | "float.sub" | "min" | "max" | "float.sqrt"):
            # A sum is -0.0 only if both parts are.
            return any(map(_may_be_minus_zero, scalar.args))
        case ir.Call(function="float.of_int" | "float.abs" | "float.of_decimal"):
            return False
        case ir.Call(function="float.mul" | "float.truediv" | "int.truediv", args=(left, right)):
            if scalar.function == "float.mul" and left == right:
                return False
            operands = (left, right) if scalar.function == "float.mul" else (right,)
            if not any(isinstance(o, ir.Const) and o.value > 0 for o in operands):
                return True
            return any(o.type.kind is Kind.FLOAT and _may_be_minus_zero(o) for o in (left, right))
        case _:
            return True
