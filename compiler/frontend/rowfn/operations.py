"""Python's operators on the values of a row function: arithmetic, comparison, truth, text."""

from __future__ import annotations

import ast
import dataclasses
import enum
import inspect
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn import functions
from stepping.compiler.frontend.rowfn.context import (
    Context,
    is_missing,
    missing_name,
    plain,
    sample,
    shown,
)
from stepping.compiler.frontend.rowfn.functions_calls import FALSE, TRUE, negated
from stepping.compiler.frontend.rowfn.values import (
    Bound,
    Choice,
    Closure,
    Items,
    Keywords,
    Method,
    Record,
    Scalar,
    Static,
    Value,
    known,
)
from stepping.compiler.schema import BOOL, TEXT, Atom, Kind
from stepping.errors import QueryError

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
_METHODS = {
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
# What folding may compute: nothing that runs a user's code, or for long.
_PLAIN = (int, float, complex, str, bytes, type(None), tuple, frozenset)
_MAX_FOLDED = 10_000


class Operations(Context, ABC):
    """Each operator is Python's, for each alternative of its operands."""

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

    def _binary(self, op: str, left: Value, right: Value, at: ast.AST | None) -> Value:
        if isinstance(left, Static) and isinstance(right, Static):
            return self.folded(PYTHON[op], (left.value, right.value), at)
        if isinstance(left, Record) or isinstance(right, Record):
            return self._by_method(op, left, right, at)
        items = (items_of(left), items_of(right))
        if op == "+" and items[0] is not None and items[1] is not None:
            if container_of(left) is not container_of(right):
                raise self.error(f"`{shown(at)}` adds a list and a tuple", at)
            return Items((*items[0], *items[1]), container_of(left))
        a, b = self.scalar_of(left), self.scalar_of(right)
        if a is None or b is None:
            return self.unsupported(PYTHON[op], (left, right), f"`{op}` of such values", at)
        return self.applied(
            PYTHON[op], (a, b), lambda: functions.binary(op, a, b), at, guess=op != "**"
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
            return self.raising(
                f"`{shown(at)}` needs a value, and there is {missing_name(missing)}", at
            )
        kind: Atom | None = None
        try:
            result = python(*map(sample, args))
        except TypeError as error:
            raise self.error(f"`{shown(at)}` is a TypeError in Python: {error}", at) from None
        except AttributeError as error:
            raise self.error(f"`{shown(at)}` is an error in Python: {error}", at) from None
        except Exception:  # of the sample, not of the types
            result = None
        if guess and result is not None:
            try:
                kind = functions.constant(result).type
            except LookupError:
                kind = None
        return self.fault(f"`{shown(at)}` has no exact SQL: {reason}", at, kind)

    def folded(
        self, python: Callable[..., Any], args: tuple[Any, ...], at: ast.AST | None
    ) -> Value:
        """``python(*args)``, computed now."""
        if any(arg is None for arg in args) and python not in (operator.eq, operator.ne):
            return self.raising(f"`{shown(at)}` needs a value, and there is None", at)
        if not _small(python, args):
            return self.fault(f"`{shown(at)}` is too much to compute while translating", at)
        try:
            return Static(python(*args))
        except TypeError as error:
            raise self.error(f"`{shown(at)}` is a TypeError in Python: {error}", at) from None
        except Exception as error:
            return self.fault(f"`{shown(at)}` raises {type(error).__name__}: {error}", at)

    def _by_method(self, op: str, left: Value, right: Value, at: ast.AST | None) -> Value:
        own, reflected = _METHODS.get(op, ("", ""))
        for receiver, method, other in ((left, own, right), (right, reflected, left)):
            if isinstance(receiver, Record):
                found = method_of(receiver.cls, method)
                if found is not None:
                    return self.call(Bound(Static(found), receiver), (other,), {}, at)
        for missing in filter(is_missing, (left, right)):
            return self.raising(
                f"`{shown(at)}` needs a value, and there is {missing_name(missing)}", at
            )
        kinds = " and ".join(kind_name(value) for value in (left, right))
        raise self.error(f"`{shown(at)}`: there is no `{op}` of {kinds}", at)

    # ---------------------------------------------------------------------------------- comparison

    def compare(self, op: str, left: Value, right: Value, at: ast.AST | None) -> ir.Scalar:
        match op:
            case "==":
                return self.equal(left, right, at)
            case "!=":
                return negated(self.equal(left, right, at))
            case "is":
                return self.identical(left, right, at)
            case "is not":
                return negated(self.identical(left, right, at))
            case "in":
                return self.contained(left, right, at)
            case "not in":
                return negated(self.contained(left, right, at))
            case _:
                return self.ordered(op, left, right, at)

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

    def equal(self, left: Value, right: Value, at: ast.AST | None) -> ir.Scalar:
        a, b = self.nullable(left, at), self.nullable(right, at)
        if a is not None and b is not None and Kind.PACKED not in (a.type.kind, b.type.kind):
            return self.condition(
                self.applied(operator.eq, (a, b), lambda: functions.compare("==", a, b), at)
            )
        return self.condition(self.lift(lambda x, y: self._equal(x, y, at), (left, right), at))

    def nullable(self, value: Value, at: ast.AST | None) -> ir.Scalar | None:
        """A value that is a scalar or None, as one scalar that may be NULL."""
        value = self.resolved(value)
        if not isinstance(value, Choice):
            if isinstance(value, Static) and isinstance(value.value, enum.Enum):
                return self.scalar_of(value)
            return value if isinstance(value, Scalar) else None
        leaves = list(self.leaves(value))
        scalars = [s for leaf in leaves if (s := self.scalar_of(leaf)) is not None]
        nones = [leaf for leaf in leaves if is_missing(leaf) and missing_name(leaf) == "None"]
        if not scalars or len(scalars) + len(nones) < len(leaves):
            return None
        kind = plain(scalars[0].type)
        if any(plain(s.type) != kind or s.type.python is not kind.python for s in scalars):
            return None
        return self.flat(value, kind.optional() if nones else kind, at)

    def _equal(self, left: Value, right: Value, at: ast.AST | None) -> Value:
        if isinstance(left, Static) and isinstance(right, Static):
            return self.folded(operator.eq, (left.value, right.value), at)
        for one, other in ((left, right), (right, left)):
            if isinstance(one, Record) and not _is_tuple(one):
                return self._equal_record(one, other, at)
        if is_missing(left) or is_missing(right):
            return FALSE
        a, b = self.scalar_of(left), self.scalar_of(right)
        if a is not None and b is not None:
            return self.applied(operator.eq, (a, b), lambda: functions.compare("==", a, b), at)
        first, second = items_of(left), items_of(right)
        if first is not None and second is not None:
            if container_of(left) is not container_of(right):
                return FALSE
            return self._equal_items(first, second, at)
        if (first is None) == (second is None):
            return self.unsupported(operator.eq, (left, right), "the comparison", at)
        return FALSE  # a tuple and something else

    def _equal_items(
        self, left: tuple[Value, ...], right: tuple[Value, ...], at: ast.AST | None
    ) -> ir.Scalar:
        if len(left) != len(right):
            return FALSE
        result: ir.Scalar = TRUE
        for a, b in zip(left, right, strict=True):
            result = self.both(result, lambda a=a, b=b: self.equal(a, b, at))  # type: ignore[misc]
        return result

    def _equal_record(self, record: Record, other: Value, at: ast.AST | None) -> Value:
        method = inspect.getattr_static(record.cls, "__eq__")
        if not is_generated(method):
            if isinstance(method, FunctionType):
                return self.call(Bound(Static(method), record), (other,), {}, at)
            return self.fault(f"`{record.cls.__name__}` is compared by identity", at, BOOL)
        if "__eq__" not in record.cls.__dict__:
            return self.fault(f"`{record.cls.__name__}` inherits its __eq__", at, BOOL)
        if not isinstance(other, Record) or other.cls is not record.cls:
            return FALSE
        return self._equal_items(_compared(record), _compared(other), at)

    def identical(self, left: Value, right: Value, at: ast.AST | None) -> ir.Scalar:
        return self.condition(self.lift(lambda a, b: self._identical(a, b, at), (left, right), at))

    def _identical(self, left: Value, right: Value, at: ast.AST | None) -> Value:
        if isinstance(left, Static) and isinstance(right, Static):
            singletons = (bool, type(None), type, enum.Enum, FunctionType)
            if is_missing(left) or is_missing(right) or isinstance(left.value, singletons):
                return Static(left.value is right.value)
        if is_missing(left) or is_missing(right):
            return FALSE
        a, b = self.scalar_of(left), self.scalar_of(right)
        if a is not None and b is not None:
            if a.type.kind is not b.type.kind:
                return FALSE
            # The only values of a column of which there is one object each.
            if a.type.kind in (Kind.BOOL, Kind.ENUM):
                return self.equal(a, b, at)
        return self.fault(f"`{shown(at)}` asks for the identity of an object", at, BOOL)

    def ordered(self, op: str, left: Value, right: Value, at: ast.AST | None) -> ir.Scalar:
        values = (self.compact(left, at), self.compact(right, at))
        return self.condition(self.lift(lambda a, b: self._ordered(op, a, b, at), values, at))

    def _ordered(self, op: str, left: Value, right: Value, at: ast.AST | None) -> Value:
        if isinstance(left, Static) and isinstance(right, Static):
            return self.folded(PYTHON[op], (left.value, right.value), at)
        if any(is_missing(v) and missing_name(v) != "None" for v in (left, right)):
            return self.fault(f"`{shown(at)}` orders st.EMPTY", at, BOOL)
        a, b = self.scalar_of(left), self.scalar_of(right)
        if a is not None and b is not None:
            return self.applied(PYTHON[op], (a, b), lambda: functions.compare(op, a, b), at)
        if isinstance(left, Record) and isinstance(right, Record) and left.cls is right.cls:
            method = method_of(left.cls, _METHODS[op][0])
            if method is not None and is_generated(method):
                return self._ordered_items(op, _compared(left), _compared(right), at)
        first, second = items_of(left), items_of(right)
        if first is not None and second is not None:
            return self._ordered_items(op, first, second, at)
        if isinstance(left, Record) or isinstance(right, Record):
            return self._by_method(op, left, right, at)
        return self.unsupported(PYTHON[op], (left, right), "the comparison", at)

    def _ordered_items(
        self, op: str, left: tuple[Value, ...], right: tuple[Value, ...], at: ast.AST | None
    ) -> Value:
        """The first pair that differs decides; if there is none, the lengths do."""
        if not left or not right:
            return Static(PYTHON[op](len(left), len(right)))
        return self.choose(
            self.equal(left[0], right[0], at),
            lambda: self._ordered_items(op, left[1:], right[1:], at),
            lambda: self._deciding(op, left[0], right[0], at),
        )

    def _deciding(self, op: str, left: Value, right: Value, at: ast.AST | None) -> Value:
        try:
            return self.ordered(op, left, right, at)
        except QueryError as error:  # only if the items in front of these are equal
            return self.raising(error.message, at)

    def contained(self, needle: Value, container: Value, at: ast.AST | None) -> ir.Scalar:
        def one(inside: Value) -> Value:
            items = items_of(inside)
            if items is None and isinstance(inside, Static) and _is_listed(inside.value):
                items = tuple(map(Static, inside.value))
            if items is not None:
                result: ir.Scalar = FALSE
                for item in sorted(items, key=_by_repr) if _unordered(inside) else items:
                    result = self.either(result, lambda i=item: self.equal(needle, i, at))  # type: ignore[misc]
                return result
            return self.lift(
                lambda part: self._contains(part, inside, at), (self.compact(needle, at),), at
            )

        return self.condition(self.lift(one, (self.compact(container, at),), at))

    def _contains(self, part: Value, inside: Value, at: ast.AST | None) -> Value:
        if isinstance(part, Static) and isinstance(inside, Static):
            return self.folded(_in, (part.value, inside.value), at)
        if isinstance(inside, Record):
            method = method_of(inside.cls, "__contains__")
            if method is not None:
                return self.truth(self.call(Bound(Static(method), inside), (part,), {}, at), at)
        a, b = self.scalar_of(part), self.scalar_of(inside)
        if a is None or b is None:
            return self.unsupported(_in, (part, inside), "`in` such a value", at)
        return self.applied(_in, (a, b), lambda: functions.contains(a, b), at)

    # ------------------------------------------------------------------------------ truth and text

    def truth(self, value: Value, at: ast.AST | None) -> ir.Scalar:
        """``bool(value)`` as a condition."""
        value = self.compact(value, at, strict=False)
        return self.condition(self.lift(lambda v: self._truth(v, at), (value,), at))

    def _truth(self, value: Value, at: ast.AST | None) -> Value:
        match value:
            case Items():
                return Static(bool(value.items))
            case Keywords():
                return Static(bool(value.items))
            case Bound() | Method() | Closure():
                return Static(True)
            case Record():
                return self._truth_of_record(value, at)
            case Static():
                if isinstance(value.value, (*_PLAIN, list, dict, set)) or is_missing(value):
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
        if _is_tuple(record):
            return Static(bool(record.values))
        for method in ("__bool__", "__len__"):
            found = method_of(record.cls, method)
            if found is not None:
                return self.truth(self.call(Bound(Static(found), record), (), {}, at), at)
        return Static(True)

    def text(self, value: Value, spec: str, at: ast.AST | None) -> Value:
        """``format(value, spec)``, which without a spec is ``str(value)``."""
        value = self.compact(value, at, strict=False)
        return self.lift(lambda v: self._text(v, spec, at), (value,), at)

    def _text(self, value: Value, spec: str, at: ast.AST | None) -> Value:
        if isinstance(value, Static):
            if value.value is None and spec:
                return self.raising(f"`{shown(at)}`: None has no format `{spec}`", at)
            if value.value is None:
                return Static("None")
            if isinstance(value.value, _PLAIN) or self.scalar_of(value) is not None:
                return self.folded(lambda v: format(v, spec), (value.value,), at)
        if isinstance(value, Record):
            return self._text_of_record(value, spec, at)
        scalar = self.scalar_of(value)
        if scalar is None:
            return self.fault(f"`{shown(at)}`: the text of such a value", at, TEXT)
        if scalar.type.kind is Kind.DECIMAL and not spec and not _as_stored(scalar):
            # Python keeps the trailing zeros of what was computed; what is stored has none.
            return self.fault(f"`{shown(at)}`: the text of a computed Decimal", at, TEXT)
        make = lambda: functions.formatted(scalar, spec)  # noqa: E731
        if not spec:
            make = lambda: functions.to_text(scalar)  # noqa: E731
        return self.applied(lambda v: format(v, spec), (scalar,), make, at)

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


def _is_listed(value: Any) -> bool:
    """Whether `in` looks for an equal item."""
    if isinstance(value, range):
        return len(value) <= _MAX_FOLDED
    return isinstance(value, list | set | frozenset | dict)


def _in(needle: Any, container: Any) -> bool:
    return bool(needle in container)


def _as_stored(scalar: ir.Scalar) -> bool:
    match scalar:
        case ir.ColumnRef():
            return True
        case ir.Case():
            return all(_as_stored(v) for _, v in scalar.whens) and _as_stored(scalar.otherwise)
        case ir.Raise():
            return True
        case _:
            return False


def items_of(value: Value) -> tuple[Value, ...] | None:
    """The values in a tuple, if it is one."""
    match value:
        case Items():
            return value.items
        case Record() if _is_tuple(value):
            return value.values
        case Static() if isinstance(value.value, tuple):
            return tuple(map(known, value.value))
        case _:
            return None


def container_of(value: Value) -> type:
    """Tuple, list or set, of what has items."""
    if isinstance(value, Static) and not isinstance(value.value, tuple):
        return type(value.value)
    return value.of if isinstance(value, Items) else tuple


def _compared(record: Record) -> tuple[Value, ...]:
    """The values that a generated comparison looks at."""
    names = {field.name for field in dataclasses.fields(record.cls) if field.compare}
    pairs = zip(record.names, record.values, strict=True)
    return tuple(value for name, value in pairs if name in names)


def _is_tuple(record: Record) -> bool:
    return issubclass(record.cls, tuple)


def method_of(cls: type, method: str) -> FunctionType | None:
    """A method that is written in Python, of a row class."""
    found = inspect.getattr_static(cls, method, None)
    return found if isinstance(found, FunctionType) else None


def is_generated(method: Any) -> bool:
    """Whether `dataclasses` wrote a method."""
    if not isinstance(method, FunctionType):
        return False
    inner = inspect.unwrap(method)  # the generated __repr__ is wrapped against recursion
    return isinstance(inner, FunctionType) and inner.__code__.co_qualname.startswith(
        "__create_fn__"
    )


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


def _by_repr(value: Value) -> str:
    # A set's own order differs between processes, and names of tables rest on what is made here.
    return repr(value.value) if isinstance(value, Static) else ""


def _unordered(value: Value) -> bool:
    return isinstance(value, Static) and isinstance(value.value, set | frozenset)


def _small(python: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    """Whether computing this is quick and small."""
    left, right, *_ = (*args, 0, 0)
    whole = isinstance(left, int) and isinstance(right, int)
    if whole and python in (operator.pow, operator.lshift):
        return bool(abs(right) * max(1, left.bit_length()) <= _MAX_FOLDED)
    if python is operator.mul:
        for times, value in ((left, right), (right, left)):
            if isinstance(times, int) and isinstance(value, str | bytes | tuple | list):
                return times * len(value) <= _MAX_FOLDED
    return True
