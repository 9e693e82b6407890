"""The state of one translation: the path it is on, what that path has computed, what went wrong."""

from __future__ import annotations

import ast
import datetime
import decimal
import enum
import uuid
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn import functions
from stepping.compiler.frontend.rowfn.narrowing import Facts
from stepping.compiler.frontend.rowfn.values import (
    Choice,
    Frame,
    Items,
    Never,
    Record,
    Scalar,
    SetOf,
    State,
    Static,
    Unbound,
    Unknown,
    Value,
    argument_of,
    join,
    protection_of,
)
from stepping.compiler.ir.function import Source
from stepping.compiler.ir.scalar import children
from stepping.compiler.schema import (
    EMPTY,
    TEXT,
    Atom,
    Kind,
    Schema,
    ValueType,
    same_classes,
    schema_of,
)
from stepping.errors import QueryError

# Locals that are used several times are written out each time: beyond this the SQL would be longer
# than anyone reads, and slower than a Python step.
MAX_NODES = 4000
MAX_STEPS = 50_000

Path = tuple[tuple[ir.Scalar, bool], ...]

# These raise in SQL where the result has no column type (more than 64 bits, NaN), and never in
# Python: if the result is not used, nothing needs to be checked.
OUT_OF_RANGE_ONLY = frozenset(
    f"{kind}.{name}"
    for kind in ("int", "float", "decimal")
    for name in ("add", "sub", "mul", "neg", "abs")
) | {"int.pow"}

_SAMPLES: dict[Kind, Any] = {
    Kind.INT: 1,
    Kind.FLOAT: 1.5,
    Kind.BOOL: True,
    Kind.TEXT: "a",
    Kind.BYTES: b"a",
    Kind.DECIMAL: decimal.Decimal("1.5"),
    Kind.DATE: datetime.date(2000, 1, 2),
    Kind.DATETIME: datetime.datetime(2000, 1, 2, 3),  # noqa: DTZ001
    Kind.TIMESTAMP: datetime.datetime(2000, 1, 2, 3, tzinfo=datetime.UTC),
    Kind.TIME: datetime.time(3),
    Kind.UUID: uuid.UUID(int=1),
}

# What tells a user which row it was, cheapest to show first.
_WITNESSES = (Kind.TEXT, Kind.INT, Kind.UUID, Kind.DATE, Kind.BOOL)


class Abort(Exception):
    """The translation ends here; the fault is recorded."""


class Context:
    """What all parts of a translator share.

    ``facts``, ``path`` and ``state`` are what is known where the translation has come to, and what
    the variables hold there. ``effects`` are the scalars that Python would have evaluated, each
    with its path, and that may raise: one that does not end up in the result must still be
    evaluated.
    """

    def __init__(self, what: str, schema: Schema) -> None:
        self.what = what
        self.schema = schema
        self.protection = protection_of(schema)
        self.facts = Facts()
        self.path: Path = ()
        self.effects: list[tuple[Path, Facts, ir.Scalar]] = []
        self.reason: str | None = None
        self.fault_at: Source | None = None
        self.suspects: list[tuple[Hashable, QueryError]] = []
        self.valued: set[Hashable] = set()  # what has had a value on some path
        self.state: State = {}
        self.frame: Frame | None = None
        self.frames: list[Frame] = []  # of the functions that are being put in place
        self.root: Source | None = None  # of the row function itself
        self.steps = 0
        self.sizes: dict[ir.Scalar, int] = {}

    # ------------------------------------------------------------------------------ what went wrong

    def place(self, at: ast.AST | None) -> Source | None:
        if self.frame is None:
            return self.root
        return self.frame.definition.at(at)

    def fault(self, reason: str, at: ast.AST | None, kind: ValueType | None = None) -> Value:
        """Something that cannot be translated. The translation goes on, to know the type."""
        if self.reason is None:
            self.reason, self.fault_at = reason, self.place(at)
        return Unknown() if kind is None else self.opaque(kind)

    def abort(self, reason: str, at: ast.AST | None) -> Abort:
        self.fault(reason, at)
        return Abort(reason)

    def wrong(
        self,
        message: str,
        at: ast.AST | None,
        hint: str | None = None,
        *,
        raised: str,
        name: bool = False,
    ) -> Value:
        """Python raises here, as it would for values of these types in any row.

        If all rows come here the query cannot mean anything. On a path that only some rows take,
        and which may be none, they fail; but a ``name`` must be there on one path at least.
        """
        error = error_at(f"{self.what}: {message}", self.place(at), hint)
        if not self.path:
            raise error
        if name:
            self.suspects.append((at, error))
        return self.raising(raised, at)

    def check(self) -> None:
        """Raise the error of what is wrong on each path to it, though not all rows come there."""
        for suspect, error in self.suspects:
            if suspect not in self.valued:
                raise error

    def opaque(self, kind: ValueType) -> Value:
        """A value of which only the type is known."""
        schema = schema_of(kind)
        columns = tuple(replace(c, name=f"?{c.name}") for c in schema.columns)
        return argument_of(Schema(kind, columns))

    def step(self, at: ast.AST | None) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise self.abort("it has too many branches", at)

    # ------------------------------------------------------------------------------------- scalars

    def made(self, scalar: ir.Scalar, at: ast.AST | None) -> ir.Scalar:
        """A scalar that Python would evaluate here."""
        size = self.size(scalar)
        if size > MAX_NODES:
            self.fault(f"written out as SQL it would have more than {MAX_NODES} parts", at)
            return ir.ColumnRef("?large", scalar.type)
        match scalar:
            case ir.Call(partial=True) if scalar.function not in OUT_OF_RANGE_ONLY:
                self.effects.append((self.path, self.facts, scalar))
        return scalar

    def size(self, scalar: ir.Scalar) -> int:
        if scalar not in self.sizes:
            self.sizes[scalar] = 1 + sum(self.size(part) for part in children(scalar))
        return self.sizes[scalar]

    def total(self, scalar: ir.Scalar) -> bool:
        return self.protection.total(scalar, self.facts)

    def raising(self, message: str, at: ast.AST | None) -> Value:
        """Python raises here.

        The message is part of what the row function means to stepping, as are all constants: it
        says nothing that a change of names or of formatting would change.
        """
        witness = self.witness(message)
        if witness is None:
            return self.fault(f"it always raises: {message}", at)
        raised = ir.Raise(witness)
        self.effects.append((self.path, self.facts, raised))
        return Never(raised)

    def raising_missing(
        self, value: Value, at: ast.AST | None, problem: str = "where a value is needed"
    ) -> Value:
        """Python raises here, as there is None or `EMPTY`."""
        found = missing_name(value)
        for condition, holds in reversed(self.path):
            match condition:
                case ir.IsNull(part=ir.ColumnRef(name=column)) if holds:
                    found = f"{found} in `{column}`"
                    break
                case ir.ColumnRef(name=column) if not holds:
                    found = f"{found} for `{column.removesuffix('_present')}`"
                    break
        return self.raising(f"TypeError: there is {found}, {problem}", at)

    def witness(self, message: str) -> ir.Scalar | None:
        """The message with a value of the row, on which it must depend (see `ir.Raise`)."""
        for kind in _WITNESSES:
            for column in self.schema.columns:
                if column.type.kind is kind:
                    reference = ir.ColumnRef(column.name, column.type)
                    lead = functions.constant(f"{message} (where {column.name} is ")
                    shown = functions.binary("+", lead, functions.to_text(reference))
                    return functions.binary("+", shown, functions.constant(")"))
        if not self.schema.columns:
            return None
        column = self.schema.columns[0]
        text = functions.constant(message)
        return ir.Case(((ir.IsNull(ir.ColumnRef(column.name, column.type)), text),), text, TEXT)

    def constant(self, value: Any) -> ir.Scalar | None:
        """A known object as a scalar, where a column could hold it."""
        try:
            return functions.constant(value)
        except LookupError:
            return None

    def scalar_of(self, value: Value) -> ir.Scalar | None:
        """The one scalar that a value is, if it is one."""
        match value:
            case Static():
                return None if value.value is None else self.constant(value.value)
            case _ if isinstance(value, Scalar):
                return value
            case _:
                return None

    # --------------------------------------------------------------------------------------- paths

    def bind(self, name: str, value: Value) -> None:
        """Assign to a variable, of the scope that it belongs to."""
        assert self.frame is not None
        self.state = {**self.state, (self.frame.owner(name) or self.frame, name): value}

    @contextmanager
    def assuming(self, condition: ir.Scalar, holds: bool) -> Iterator[None]:
        facts, path = self.facts, self.path
        self.facts = facts.assume(condition, holds)
        self.path = (*path, (condition, holds))
        try:
            yield
        finally:
            self.facts, self.path = facts, path

    def choose(
        self, condition: ir.Scalar, then: Callable[[], Value], otherwise: Callable[[], Value]
    ) -> Value:
        """``then() if condition else otherwise()``, each knowing what it is conditioned on."""
        known = self.facts.value(condition)
        if known is not None:
            return then() if known else otherwise()
        before = self.state
        with self.assuming(condition, True):
            first = then()
        after, self.state = self.state, before
        with self.assuming(condition, False):
            second = otherwise()
        self.state = self.merged(condition, after, self.state)  # a walrus in a branch
        return join(condition, first, second)

    def merged(self, condition: ir.Scalar, then: State, otherwise: State) -> State:
        """What variables hold after an ``if``."""
        if then is otherwise:
            return then
        return {
            key: join(
                condition,
                then.get(key) or Unbound(key[1]),
                otherwise.get(key) or Unbound(key[1]),
            )
            for key in {**then, **otherwise}
        }

    def lift(
        self, function: Callable[..., Value], values: tuple[Value, ...], at: ast.AST | None
    ) -> Value:
        """``function(*values)``, done for each alternative of a value that is a choice."""
        self.step(at)
        for position, value in enumerate(values):
            match value:
                case Never() | Unknown():
                    return value
                case Unbound():
                    return self.raising("UnboundLocalError: a variable has no value yet", at)
                case Choice():

                    def alternative(chosen: Value, position: int = position) -> Value:
                        parts = (*values[:position], chosen, *values[position + 1 :])
                        return self.lift(function, parts, at)

                    return self.choose(
                        value.condition,
                        partial(alternative, value.then),
                        partial(alternative, value.otherwise),
                    )
        return function(*values)

    def resolved(self, value: Value) -> Value:
        """The value without the alternatives that are ruled out here."""
        while isinstance(value, Choice):
            known = self.facts.value(value.condition)
            if known is None:
                break
            value = value.then if known else value.otherwise
        return value

    def leaves(self, value: Value) -> Iterator[Value]:
        """What a value may turn out to be here."""
        value = self.resolved(value)
        if not isinstance(value, Choice):
            yield value
            return
        for inner, holds in ((value.then, True), (value.otherwise, False)):
            with self.assuming(value.condition, holds):
                found = list(self.leaves(inner))
            yield from found


def error_at(message: str, place: Source | None, hint: str | None = None) -> QueryError:
    where = str(place) if place else None
    return QueryError(
        message, where=where, source=(place.text or None) if place else None, hint=hint
    )


def unusable(kind: Atom) -> ir.Scalar:
    """Stands in for a scalar after a fault."""
    return ir.ColumnRef("?", kind)


def is_missing(value: Value) -> bool:
    return isinstance(value, Static) and (value.value is None or value.value is EMPTY)


def missing_name(value: Value) -> str:
    return "None" if isinstance(value, Static) and value.value is None else "st.EMPTY"


def shown(at: ast.AST | None) -> str:
    if at is None:
        return "it"
    text = ast.unparse(at).split("\n")[0]
    return text if len(text) <= 60 else text[:57] + "..."


def plain(kind: Atom) -> Atom:
    """The type without what holds for one column only."""
    return replace(kind, nullable=False, choices=())


def alike(a: Atom, b: Atom) -> bool:
    """Whether one column can hold values of both types as they are."""
    a, b = a.required(), b.required()
    return a == b and same_classes(a, b)


def sample(value: Value) -> Any:
    """Some Python object of the same type; LookupError if there is none."""
    match value:
        case Static() | ir.Const():
            return value.value
        case Items() | SetOf():
            return value.of(map(sample, value.items))
        case Record() | Choice() | Never():
            raise LookupError
    kind = getattr(value, "type", None)
    if isinstance(kind, Atom):
        cls = kind.python
        if kind.kind is Kind.ENUM and isinstance(cls, type) and issubclass(cls, enum.Enum):
            return next(iter(cls))
        if kind.kind in _SAMPLES:
            return _SAMPLES[kind.kind]
    raise LookupError


def natural_kind(value: Any) -> Atom | None:
    """The type of a Python object, also where this one could not be stored."""
    try:
        return functions.constant(value).type
    except LookupError:
        kinds = (kind for kind, one in _SAMPLES.items() if type(one) is type(value))
        return next(map(Atom, kinds), None)
