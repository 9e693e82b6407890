"""Call a query function with symbolic Z-sets, and tell where in it each operator was called."""

from __future__ import annotations

import functools
import linecache
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import CodeType, TracebackType
from typing import Any, ParamSpec, Protocol, TypeVar, runtime_checkable

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn.translate import translate, translate_condition
from stepping.compiler.frontend.signature import OURS
from stepping.compiler.schema import ValueType
from stepping.compiler.zset import ZSet
from stepping.errors import QueryError, SteppingError

T = TypeVar("T")
Z = TypeVar("Z")
P = ParamSpec("P")


@dataclass
class Trace:
    """What a query function said while it was called, apart from what it returned."""

    caches: list[tuple[object, str | None, ir.Operator]] = field(default_factory=list)
    python_steps: bool = True
    database: Any = None  # the `Database` that SELECTs in the function are for, if it is known
    unbound: bool = False  # there are SELECTs, and no database


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


@contextmanager
def tracing(*, python_steps: bool, database: Any = None) -> Iterator[Trace]:
    trace = Trace(python_steps=python_steps, database=database)
    token = _current.set(trace)
    try:
        yield trace
    finally:
        _current.reset(token)


def current_trace() -> Trace:
    trace = _current.get()
    if trace is None:
        raise QueryError(
            "caches and operators belong into a query function",
            where=str(origin()),
            hint="call them in the function that is given to st.compile",
        )
    return trace


def origin() -> ir.Source:
    """The line of the user's code that is being run."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(OURS):
        frame = frame.f_back
    return source_at(frame.f_code, frame.f_lasti, frame.f_lineno)


def source_at(code: CodeType, offset: int, line: int) -> ir.Source:
    """The place of one instruction, with its source marked."""
    text = linecache.getline(code.co_filename, line).rstrip("\n")
    column = 0
    if text:
        positions = list(code.co_positions())
        where = positions[offset // 2] if offset // 2 < len(positions) else (None,) * 4
        first, last, start, end = where
        if first == line and start is not None:
            raw = text.encode()
            before = raw[:start].decode(errors="replace")
            stop = len(raw) if last != line or end is None else end
            column = len(before) + 1
            width = max(1, len(raw[start:stop].decode(errors="replace").rstrip()))
            text = f"    {text}\n    {' ' * len(before)}{'^' * width}"
        else:
            text = f"    {text}"
    return ir.Source(code.co_filename, line, column, text)


def query_error(message: str, hint: str | None = None, at: ir.Source | None = None) -> QueryError:
    """A `QueryError` at the line of the query that is being traced."""
    at = at or origin()
    return QueryError(message, where=f"{at.file}:{at.line}", source=at.text or None, hint=hint)


def operator_of(zset: object, what: str) -> ir.Operator:
    """The operator behind an argument of a public operator function."""
    if isinstance(zset, ir.Traced):
        return zset.operator
    if isinstance(zset, ZSet):
        raise query_error(
            f"{what} was given a Z-set with rows in it, outside of a query",
            "call operators in a query function, on its arguments; st.compile(query) runs it",
        )
    raise query_error(
        f"{what} expects a Z-set, got {type(zset).__name__}",
        "pass one of the query's arguments, or what another operator returned",
    )


def operators_of(what: str, *zsets: object) -> tuple[ir.Operator, ...]:
    """The operators behind several arguments, which must be of one kind."""
    operators = tuple(operator_of(zset, what) for zset in zsets)
    if len({operator.flow for operator in operators}) > 1:
        kinds = ", ".join(f"{o.label}: {o.flow.value}" for o in operators)
        raise query_error(
            f"{what} mixes changes and snapshots ({kinds})",
            "st.integrate the change, or st.differentiate the snapshot, so that both are one kind",
        )
    return operators


@contextmanager
def at_query_line() -> Iterator[None]:
    """Give errors from translating a row function the line of the query, if they have no place."""
    try:
        yield
    except SteppingError as error:
        if error.where is None:
            at = origin()
            error.where, error.source = f"{at.file}:{at.line}", error.source or at.text or None
        raise


@contextmanager
def at_raising_line() -> Iterator[None]:
    """Give errors without a place the last line of the query that was running.

    That an operator is called with arguments which it does not have is such an error, too.
    """
    try:
        yield
    except SteppingError as error:
        _place(error, error.__traceback__)
        raise
    except TypeError as error:
        fault = _of_arguments(error)
        if fault is None:
            raise
        _place(fault, error.__traceback__)
        raise fault from error


def _place(error: SteppingError, step: TracebackType | None) -> None:
    last = None
    while step is not None:
        if not step.tb_frame.f_globals.get("__name__", "").startswith(OURS):
            last = step
        step = step.tb_next
    if error.where is None and last is not None:
        at = source_at(last.tb_frame.f_code, last.tb_lasti, last.tb_lineno)
        error.where, error.source = f"{at.file}:{at.line}", at.text or None


def _of_arguments(error: TypeError) -> QueryError | None:
    """What a TypeError says that Python raises where it calls an operator of ours."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    # It has no frame of the operator. Python names the module where the call itself is wrong.
    found = re.fullmatch(r"(stepping\.[\w.]*\.)?(\w+)\(\) (.*)", str(error), re.DOTALL)
    if found is None or step is None:
        return None
    module, name, what = found.groups()
    if module is None and step.tb_frame.f_code.co_qualname != "pointwise.<locals>.called":
        return None
    twice = re.search(r"multiple values for keyword argument '(\w+)'", what)
    hint = None
    if twice and name == "aggregate":
        field = twice.group(1)
        hint = f'a field called {field} has its measure in measures={{"{field}": st.agg.count()}}'
    return QueryError(f"st.{name} {what}", hint=hint)


def translated(
    f: Callable[..., Any],
    arguments: tuple[ValueType, ...],
    what: str,
    *,
    condition: bool = False,
) -> ir.RowFunction:
    """A row function of an operator that is being traced; as a ``condition`` its truth counts."""
    if not callable(f):
        raise query_error(f"{what} expects a function, got {type(f).__name__}")
    with at_query_line():
        translator = translate_condition if condition else translate
        return translator(f, arguments, what=what)


def pointwise(function: Callable[P, Z]) -> Callable[P, Z]:
    """Let an operator function also take snapshots: it then gives a snapshot.

    On changes the operators are the incremental ones, whose results add up to what the operator
    gives for the sums of its inputs. So an operator on integrals is the integral of the operator on
    the changes, and nothing is ever computed anew in each step.
    """

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> Z:
        zsets = [each for each in args if isinstance(each, Flowing)]
        kinds = {each.flow for each in zsets}
        if ir.Flow.SNAPSHOT not in kinds:
            return function(*args, **kwargs)
        name = f"st.{function.__name__}"
        if len(kinds) > 1:
            raise query_error(
                f"{name} mixes changes and snapshots",
                "st.integrate the change, or st.differentiate the snapshot, so that both are one",
            )
        changes = [each.as_change() if isinstance(each, Flowing) else each for each in args]
        return function(*changes, **kwargs).as_snapshot()  # type: ignore[arg-type, attr-defined, no-any-return]

    return called


@runtime_checkable
class Flowing(Protocol):
    """A traced value: a Z-set or groups of them, as a change or as a snapshot."""

    @property
    def flow(self) -> ir.Flow: ...

    def as_change(self) -> Any: ...

    def as_snapshot(self) -> Any: ...
