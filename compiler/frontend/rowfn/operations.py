"""Python's operators on the values of a row function: arithmetic, comparison, truth, text."""

from __future__ import annotations

import ast
import datetime
import decimal
import operator
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn import functions
from stepping.compiler.frontend.rowfn.choices import Choices
from stepping.compiler.frontend.rowfn.context import (
    is_missing,
    natural_kind,
    sample,
    shown,
)
from stepping.compiler.frontend.rowfn.functions_calls import FALSE, TRUE
from stepping.compiler.frontend.rowfn.shapes import (
    changes_in_place,
    container_of,
    depends_on_order,
    is_tuple,
    items_of,
    kind_name,
    members_of,
    method_of,
)
from stepping.compiler.frontend.rowfn.values import (
    Bound,
    Choice,
    Closure,
    Items,
    Keywords,
    Method,
    Never,
    Record,
    Scalar,
    SetOf,
    Static,
    Unknown,
    Value,
)
from stepping.compiler.schema import BOOL, FLOAT, INT, TEXT, Atom, Kind

PYTHON: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "<<": operator.lshift,
    ">>": operator.rshift,
    "@": operator.matmul,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
UNARY: dict[str, Callable[[Any], Any]] = {
    "-": operator.neg,
    "+": operator.pos,
    "~": operator.invert,
}
IN_PLACE = {
    "+": "__iadd__",
    "-": "__isub__",
    "*": "__imul__",
    "/": "__itruediv__",
    "//": "__ifloordiv__",
    "%": "__imod__",
    "**": "__ipow__",
    "&": "__iand__",
    "|": "__ior__",
    "^": "__ixor__",
    "<<": "__ilshift__",
    ">>": "__irshift__",
    "@": "__imatmul__",
}
METHODS = {
    "+": ("__add__", "__radd__"),
    "-": ("__sub__", "__rsub__"),
    "*": ("__mul__", "__rmul__"),
    "/": ("__truediv__", "__rtruediv__"),
    "//": ("__floordiv__", "__rfloordiv__"),
    "%": ("__mod__", "__rmod__"),
    "<": ("__lt__", "__gt__"),
    "<=": ("__le__", "__ge__"),
    ">": ("__gt__", "__lt__"),
    ">=": ("__ge__", "__le__"),
}
# What these give, whatever they are given.
_RESULTS = ((len, INT), (int, INT), (float, FLOAT), (str, TEXT), (bool, BOOL))
# What folding may compute: nothing that runs a user's code, or for long.
PLAIN = (int, float, complex, str, bytes, type(None), tuple, frozenset)
# What has a hash, and equals nothing but what has the same.
PLAIN_VALUES = (
    *(int, float, complex, str, bytes, range),
    *(datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID),
)
MAX_FOLDED = 10_000
# What does not ask in which order the items of a set are.
_ORDERLESS = frozenset(
    {len, min, max, sorted, any, all, set, frozenset, bool, type, isinstance, *PYTHON.values()}
)


class Operations(Choices, ABC):
    """Each operator is Python's, for each alternative of its operands."""

    @abstractmethod
    def compare(self, op: str, left: Value, right: Value, at: ast.AST | None) -> ir.Scalar:
        """One of Python's comparisons, ``in`` and ``is`` among them."""

    @abstractmethod
    def unpacked(self, value: Value, at: ast.AST | None) -> tuple[Value, ...] | Never | Unknown:
        """The values of something iterable, or a reason why there are none."""

    @abstractmethod
    def call(
        self,
        callee: Value,
        args: tuple[Value, ...],
        keywords: Mapping[str, Value],
        at: ast.AST | None,
    ) -> Value:
        """``callee(*args, **keywords)``."""

    # ---------------------------------------------------------------------------------- arithmetic

    def binary(self, op: str, left: Value, right: Value, at: ast.AST | None) -> Value:
        values = (self.compact(left, at), self.compact(right, at))
        return self.lift(lambda a, b: self._binary(op, a, b, at), values, at)

    def in_place(self, op: str, left: Value, right: Value, at: ast.AST | None) -> Value:
        """``left += right``, of what has no way of its own to do that."""

        def one(a: Value, b: Value) -> Value:
            if changes_in_place(a, IN_PLACE[op]):
                return self.fault(f"`{shown(at)}` changes a {kind_name(a)} in place", at)
            return self._binary(op, a, b, at)

        return self.lift(one, (self.compact(left, at), self.compact(right, at)), at)

    def _binary(self, op: str, left: Value, right: Value, at: ast.AST | None) -> Value:
        if isinstance(left, Static) and isinstance(right, Static):
            return self.folded(PYTHON[op], (left.value, right.value), at)
        records = [value for value in (left, right) if isinstance(value, Record)]
        own = (name for name in METHODS.get(op, ()))
        if any(not is_tuple(each) for each in records) or any(
            method_of(each.cls, name) for name in own for each in records
        ):
            return self._by_method(op, left, right, at)
        items = (items_of(left), items_of(right))
        if op == "+" and items[0] is not None and items[1] is not None:
            of = container_of(left)
            if of is container_of(right):
                return Items((*items[0], *items[1]), of)
        members = (members_of(left), members_of(right))
        if op == "|" and members[0] is not None and members[1] is not None:
            return SetOf((*members[0], *members[1]), container_of(left))
        moved = self._moved(op, left, right, at)
        if moved is not None:
            return moved
        a, b = self.scalar_of(left), self.scalar_of(right)
        if a is None or b is None:
            return self.unsupported(PYTHON[op], (left, right), f"`{op}` of such values", at)
        if op in ("&", "|") and a.type.kind is b.type.kind is Kind.BOOL:
            # Python evaluates both, always: what may raise stays an effect of this path.
            return self.both(a, lambda: b) if op == "&" else self.either(a, lambda: b)
        return self.applied(
            PYTHON[op], (a, b), lambda: functions.binary(op, a, b), at, guess=op != "**"
        )

    def _moved(self, op: str, left: Value, right: Value, at: ast.AST | None) -> Value | None:
        """``date + timedelta`` and the like, with a constant; None of anything else."""
        if op == "+" and isinstance(left, Static):
            left, right = right, left
        by = right.value if isinstance(right, Static) else None
        moment = self.scalar_of(left) if isinstance(by, datetime.timedelta) else None
        if op not in ("+", "-") or moment is None or moment.type.kind not in functions.MOMENTS:
            return None
        assert isinstance(by, datetime.timedelta)
        step = by if op == "+" else -by
        return self.applied(
            operator.add, (moment, Static(step)), lambda: functions.moved(moment, step), at
        )

    def unary(self, op: str, part: Value, at: ast.AST | None) -> Value:
        def one(value: Value) -> Value:
            if isinstance(value, Static):
                return self.folded(UNARY[op], (value.value,), at)
            scalar = self.scalar_of(value)
            if scalar is None:
                return self.unsupported(UNARY[op], (value,), f"`{op}` of such a value", at)
            return self.applied(UNARY[op], (scalar,), lambda: functions.unary(op, scalar), at)

        return self.lift(one, (self.compact(part, at),), at)

    def applied(
        self,
        python: Callable[..., Any],
        args: tuple[Value, ...],
        make: Callable[[], ir.Scalar],
        at: ast.AST | None,
        *,
        guess: bool = True,
    ) -> Value:
        """What ``make`` gives. If nothing, it is an error if it is one in Python."""
        try:
            return self.constant_back(self.made(make(), at))
        except LookupError as error:
            reason = str(error.args[0]) if error.args else "no exact SQL"
            return self.unsupported(python, args, reason, at, guess=guess)

    def constant_back(self, scalar: ir.Scalar) -> Value:
        return Static(scalar.value) if isinstance(scalar, ir.Const) else scalar

    def unsupported(
        self,
        python: Callable[..., Any],
        args: tuple[Value, ...],
        reason: str,
        at: ast.AST | None,
        *,
        guess: bool = True,
    ) -> Value:
        """No SQL for this: a query error if Python has no meaning for these types either."""
        for missing in filter(is_missing, args):
            return self.raising_missing(missing, at)
        kind: Atom | None = None
        try:
            result = python(*map(sample, args))
        except (TypeError, AttributeError) as error:
            return self.type_error(error, at)
        except Exception:  # of the sample, not of the types
            result = None
        if guess and result is not None:
            kind = natural_kind(result)
        elif result is None:
            kind = next((atom for known, atom in _RESULTS if known is python), None)
        for arg in args:
            if isinstance(arg, Static) and natural_kind(arg.value) is not None:
                try:
                    functions.constant(arg.value)
                except LookupError as error:
                    reason = str(error.args[0])
        if not reason.startswith("calls "):
            reason = f"`{shown(at)}` has no exact SQL: {reason}"
        return self.fault(reason, at, kind)

    def type_error(self, error: Exception, at: ast.AST | None) -> Value:
        name = type(error).__name__
        article = "a" if name == "TypeError" else "an"
        message = f"`{shown(at)}` is {article} {name} in Python: {error}"
        return self.wrong(message, at, raised=f"{name}: {error}")

    def folded(
        self, python: Callable[..., Any], args: tuple[Any, ...], at: ast.AST | None
    ) -> Value:
        """``python(*args)``, computed now."""
        if not _small(python, args):
            return self.fault(f"`{shown(at)}` is too much to compute while translating", at)
        if python not in _ORDERLESS and any(map(depends_on_order, args)):
            return self.fault(f"`{shown(at)}`: the items of a set have no order", at)
        try:
            return Static(python(*args))
        except TypeError as error:
            for missing in filter(is_missing, map(Static, args)):
                return self.raising_missing(missing, at)
            return self.type_error(error, at)
        except Exception as error:
            return self.fault(f"`{shown(at)}` raises {type(error).__name__}: {error}", at)

    def _by_method(self, op: str, left: Value, right: Value, at: ast.AST | None) -> Value:
        own, reflected = METHODS.get(op, ("", ""))
        for receiver, method, other in ((left, own, right), (right, reflected, left)):
            if isinstance(receiver, Record):
                found = method_of(receiver.cls, method)
                if found is not None:
                    return self.call(Bound(Static(found), receiver), (other,), {}, at)
        for missing in filter(is_missing, (left, right)):
            return self.raising_missing(missing, at)
        kinds = " and ".join(kind_name(value) for value in (left, right))
        problem = f"there is no `{op}` of {kinds}"
        return self.wrong(f"`{shown(at)}`: {problem}", at, raised=f"TypeError: {problem}")

    # ---------------------------------------------------------------------------------- conditions

    def condition(self, value: Value) -> ir.Scalar:
        """A value that is a bool for certain, as a condition."""
        value = self.resolved(value)
        match value:
            case Static():
                return TRUE if value.value else FALSE
            case Choice():
                return self.flat(value, BOOL, None)
            case _ if isinstance(value, Scalar):
                return value
            case _:  # Unknown, Never: there is a fault, or nothing more to know
                return self.flat(value, BOOL, None)

    def both(self, left: ir.Scalar, right: Callable[[], ir.Scalar]) -> ir.Scalar:
        return self.condition(self.choose(left, right, lambda: Static(False)))

    def either(self, left: ir.Scalar, right: Callable[[], ir.Scalar]) -> ir.Scalar:
        return self.condition(self.choose(left, lambda: Static(True), right))

    # ------------------------------------------------------------------------------------- truth

    def truth(self, value: Value, at: ast.AST | None) -> ir.Scalar:
        """``bool(value)`` as a condition."""
        value = self.compact(value, at, strict=False)
        return self.condition(self.lift(lambda v: self._truth(v, at), (value,), at))

    def _truth(self, value: Value, at: ast.AST | None) -> Value:
        match value:
            case Items() | SetOf() | Keywords():
                return Static(bool(value.items))
            case Bound() | Method() | Closure():
                return Static(True)
            case Record():
                return self._truth_of_record(value, at)
            case Static():
                if isinstance(value.value, (*PLAIN, list, dict, set)) or is_missing(value):
                    return Static(bool(value.value))
                scalar = self.scalar_of(value)
                if scalar is None:
                    kind = type(value.value)
                    if hasattr(kind, "__bool__") or hasattr(kind, "__len__"):
                        return self.fault(f"the truth of `{shown(at)}`", at, BOOL)
                    return Static(True)
                value = scalar
        scalar = self.scalar_of(value)
        assert scalar is not None
        return self.applied(bool, (scalar,), lambda: functions.truth(scalar), at)

    def _truth_of_record(self, record: Record, at: ast.AST | None) -> Value:
        if is_tuple(record):
            return Static(bool(record.values))
        for method in ("__bool__", "__len__"):
            found = method_of(record.cls, method)
            if found is not None:
                return self.truth(self.call(Bound(Static(found), record), (), {}, at), at)
        return Static(True)


def _small(python: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    """Whether computing this is quick and small."""
    if any(isinstance(arg, range) and len(arg) > MAX_FOLDED for arg in args):
        return python is len
    left, right, *_ = (*args, 0, 0)
    whole = isinstance(left, int) and isinstance(right, int)
    if whole and python in (operator.pow, operator.lshift):
        return bool(abs(right) * max(1, left.bit_length()) <= MAX_FOLDED)
    if python is operator.mul:
        for times, value in ((left, right), (right, left)):
            if isinstance(times, int) and isinstance(value, str | bytes | tuple | list):
                return times * len(value) <= MAX_FOLDED
    return True
