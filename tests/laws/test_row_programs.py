"""The law of row functions on random programs: on each store what CPython gives, or a failure.

A program that is not translated is a Python step; it is refused only if it has no
value for any row.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import hypothesis
from hypothesis import strategies

import stepping as st
from stepping.compiler.codec import python_codec
from stepping.compiler.frontend.rowfn.translate import translate
from stepping.compiler.frontend.rows import type_of
from stepping.compiler.ir.function import RowFunction
from tests.support.place import postgres_place
from tests.support.row_programs import Endless, Row, limited, module, program

EXAMPLES = hypothesis.settings().max_examples  # of the profile
TOGETHER = 5  # programs in one query: to open a store costs more than to run one
ROWS = [
    Row(which=0, i=0, j=1, s="", b=True, n=None),
    Row(which=0, i=2, j=2, s="ab", b=False, n=0),
    Row(which=0, i=-1, j=0, s="a", b=True, n=2),
    Row(which=0, i=3, j=-2, s="éab", b=False, n=None),
    Row(which=0, i=1, j=1, s="b", b=True, n=1),
]
ARGUMENTS = (type_of(Row),)
RAISED = "it raises"
FAILURES = (
    *(st.SteppingError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError),
    *(NameError, AssertionError),
)
SEEDS = strategies.integers(0, 2**63)
law = hypothesis.settings(
    phases=[hypothesis.Phase.generate], suppress_health_check=list(hypothesis.HealthCheck)
)


@dataclass
class Program:
    """A program, what it was translated to, and what CPython gives for each row."""

    source: str
    f: Callable[[Row], Any]
    function: RowFunction
    expected: list[str]


def plainly(f: Callable[[Row], Any]) -> list[Any]:
    """What CPython gives for each row."""
    found: list[Any] = []
    for row in ROWS:
        try:
            found.append(limited(f, row))
        except Endless:
            raise
        except Exception:
            found.append(RAISED)
    return found


def storable(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(storable, value))
    return value is not RAISED and isinstance(value, int | str | None)


def stored(function: RowFunction, value: Any) -> str:
    """A value as a column holds it, if it can."""
    if value is RAISED:
        return RAISED
    try:
        return repr(python_codec(function.type).canonical(value))
    except st.SteppingError:
        return RAISED


def alone(source: str) -> list[Any] | None:
    """What CPython gives in a module of its own, where it gives the same each time."""
    try:
        with module(source) as names:
            first, second = plainly(names.f), plainly(names.f)
    except (SyntaxError, Endless):  # such as a nonlocal variable that is a parameter
        return None
    return first if repr(first) == repr(second) else None


@contextlib.contextmanager
def loaded(source: str) -> Iterator[Program | None]:
    """A program with what is expected of it; None if nothing can be."""
    values = alone(source)
    if values is None:
        yield None
        return
    with module(source) as names:
        yield _program(source, names.f, values)


def _program(source: str, f: Callable[[Row], Any], values: list[Any]) -> Program | None:
    try:
        function = translate(f, ARGUMENTS, what="st.map f=")
    except st.QueryError as error:
        untyped = "f = lambda" in source and (
            " returns is not known" in str(error) or "cannot be stored" in str(error)
        )
        # A name that there is not is refused wherever it is.
        slip = "is not defined" in str(error) or "has no attribute" in str(error)
        assert untyped or slip or not any(map(storable, values)), f"{error}\n{source}"
        return None
    assert repr(plainly(f)) == repr(values), f"changed while it was translated:\n{source}"
    return Program(source, f, function, [stored(function, value) for value in values])


def query_of(programs: list[Program]) -> Callable[..., Any]:
    def query(rows: st.ZSet[Row]) -> tuple[st.ZSet[Any], ...]:
        return tuple(
            st.map(st.filter(rows, f=lambda row, k=k: row.which == k), f=each.f)  # type: ignore[misc]
            for k, each in enumerate(programs)
        )

    return query


def check(programs: list[Program], store: Any, graph: Any) -> None:
    (rows,) = st.actions(store, graph)
    for k, each in enumerate(programs):
        for row, expected in zip(ROWS, each.expected, strict=True):
            error: Exception | None = None
            try:
                changes = rows.insert(Row(**{**vars(row), "which": k}))
                ((found, weight),) = changes[k].iter()
                got = repr(found)
            except FAILURES as raised:
                got, error, weight = RAISED, raised, 1
            how = each.function.reason or "translated"
            if (got, weight) != (expected, 1):
                message = f"{type(store).__name__}: {got}, Python: {expected}, for {row}"
                raise AssertionError(f"{message}\n{each.source}\n{how}") from error


def run(seed: int, opened: Callable[[Any], contextlib.AbstractContextManager[Any]]) -> None:
    with contextlib.ExitStack() as stack:
        sources = (program(Random(f"{seed} {k}")) for k in range(TOGETHER))
        entered = [stack.enter_context(loaded(source)) for source in sources]
        programs = [each for each in entered if each is not None]
        if not programs:
            return
        if len(programs) == 1:
            programs *= 2
        graph = st.compile(query_of(programs))
        check(programs, stack.enter_context(opened(graph)), graph)


@contextlib.contextmanager
def in_python(graph: Any) -> Iterator[Any]:
    yield st.StorePython.from_graph(graph)


@contextlib.contextmanager
def in_sqlite(graph: Any) -> Iterator[Any]:
    with st.connection_sqlite(":memory:") as connection:
        yield st.StoreSQLite.from_graph(connection, graph)


@hypothesis.settings(law, max_examples=max(2, EXAMPLES // 25))
@hypothesis.given(SEEDS)
def test_in_memory(seed: int) -> None:
    run(seed, in_python)


@hypothesis.settings(law, max_examples=EXAMPLES // 4)
@hypothesis.given(SEEDS)
def test_on_sqlite(seed: int) -> None:
    run(seed, in_sqlite)


def test_on_postgres(postgres_db: str) -> None:
    place = postgres_place(postgres_db)
    numbers = itertools.count()

    @contextlib.contextmanager
    def in_postgres(graph: Any) -> Iterator[Any]:
        with place.connect() as connection:
            connection.execute(f"CREATE SCHEMA {(name := f's{next(numbers)}')}")
            connection.execute(f"SET search_path = {name}")
            yield place.store(connection, graph)

    @hypothesis.settings(law, max_examples=max(2, EXAMPLES // 25))
    @hypothesis.given(SEEDS)
    def test(seed: int) -> None:
        run(seed, in_postgres)

    test()


def test_most_kinds_of_programs_are_translated() -> None:
    """Else the law would be one of Python steps."""
    found = [0, 0]
    for seed in range(30):
        with loaded(program(Random(seed))) as each:
            if each is not None:
                found[each.function.scalars is not None] += 1
    assert found[True] > found[False] / 2 > 0
