"""The law of a query: what its changes add up to is what it means, on every store."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from psycopg import sql

import stepping as st
from stepping.compiler import ir
from stepping.compiler.codec import python_codec
from stepping.compiler.zset import ZSet, ZSetPython
from stepping.dialects.identifiers import quoted
from tests.support.histories import Change, History

_serial = itertools.count()


def meaning(graph: Any, inputs: Mapping[str, ZSet[Any]]) -> tuple[list[ZSet[Any]], dict[str, Any]]:
    """What a query's outputs and caches hold for whole inputs: each operator's plain meaning.

    Nothing incremental is in it, so that it can judge the reference as well.
    """
    values: dict[int, ZSet[Any]] = {}
    for operator in ir.topological(*graph.inputs, *graph.outputs, *graph.caches.values()):
        if operator.inputs:
            value = operator.evaluate(*(values[id(each)] for each in operator.inputs))
        else:
            value = inputs[operator.label]
        values[id(operator)] = value
    caches = {name: values[id(each)] for name, each in graph.caches.items()}
    return [values[id(each)] for each in graph.outputs], caches


def shown(zset: ZSet[Any]) -> dict[str, int]:
    """A Z-set by the text of its rows: 1, 1.0 and True are equal, and are not the same row."""
    return {repr(row): count for row, count in zset.iter()}


@dataclass
class Opened:
    """A store with a name for messages, and what its outputs' changes have added up to."""

    name: str
    store: st.Store
    sums: list[ZSetPython[Any]] = field(default_factory=list)


class Law:
    """One query on several stores, all at the same state. `hold` runs a history on them."""

    def __init__(self, graph: Any, stores: Sequence[Opened], *, allow_negative: bool) -> None:
        self.graph = graph
        self.stores = stores
        self.allow_negative = allow_negative
        self.caches = {name: cache for cache, name in graph.cache_names.items()}

    def hold(self, history: History) -> None:
        """Run a history from empty tables, and check every store after each step."""
        graph = self.graph
        reference = Opened(
            "python", st.StorePython.from_graph(graph, allow_negative=self.allow_negative)
        )
        opened = [reference, *self.stores]
        for each in self.stores:
            empty(each.store)
        for each in opened:
            each.sums = [ZSetPython() for _ in graph.outputs]
        inputs: dict[str, ZSetPython[Any]] = {name: ZSetPython() for name in graph.input_names}
        for moves in history.steps:
            there = [dict(inputs[name].iter()) for name in graph.input_names]
            step = history.changes(moves, there)
            changes = {
                name: self.canonical(position, change)
                for position, (name, change) in enumerate(zip(graph.input_names, step, strict=True))
            }
            after = {name: inputs[name] + changes[name] for name in inputs}
            expected, failure = self.expected(after)
            found = [self.stepped(each, step, failure) for each in opened]
            if failure is not None:
                continue  # nothing was written: the next step goes on from where this one began
            inputs = after
            outputs, caches = expected
            for each, changed in zip(opened, found, strict=True):
                self.check(each, changed, found[0], outputs, caches)
        for each in opened:
            self.check_reads(each, self.expected(inputs)[0][1])

    def canonical(self, position: int, change: Change) -> ZSetPython[Any]:
        form = python_codec(self.graph.input_types[position]).canonical
        return ZSetPython((form(row), count) for row, count in change.items())

    def expected(
        self, inputs: Mapping[str, ZSet[Any]]
    ) -> tuple[tuple[list[ZSet[Any]], dict[str, Any]], st.SteppingError | None]:
        try:
            return meaning(self.graph, inputs), None
        except st.RowError as error:  # an int beyond 64 bits, Inf - Inf
            return ([], {}), error

    def stepped(
        self, opened: Opened, step: Sequence[Change], failure: st.SteppingError | None
    ) -> tuple[ZSet[Any], ...]:
        if failure is None:
            try:
                return act(opened.store, self.graph, step)
            except st.RowError as error:
                raise AssertionError(f"{opened.name}: {error}") from error
        with pytest.raises(st.RowError):
            raise AssertionError(f"{opened.name} returned {act(opened.store, self.graph, step)}")
        return ()

    def check(
        self,
        opened: Opened,
        found: tuple[ZSet[Any], ...],
        reference: tuple[ZSet[Any], ...],
        outputs: Sequence[ZSet[Any]],
        caches: Mapping[str, ZSet[Any]],
    ) -> None:
        what = f"{opened.name}: output"
        for i, output in enumerate(self.graph.outputs):
            if output.flow is ir.Flow.SNAPSHOT:
                assert shown(found[i]) == shown(outputs[i]), f"{what} {i}, an integral"
                continue
            # A row that is taken away is the row that was added, so that no count is left over.
            opened.sums[i] += found[i]
            assert shown(found[i]) == shown(reference[i]), f"{what} {i}"
            assert shown(opened.sums[i]) == shown(outputs[i]), f"{what} {i}, all changes"
        for name, cache in self.caches.items():
            kept = cache.zset(opened.store)
            assert shown(kept) == shown(caches[name]), f"{opened.name}: cache {name}"

    def check_reads(self, opened: Opened, caches: Mapping[str, ZSet[Any]]) -> None:
        """A cache by row, by index, and how many rows it has."""
        for name, cache in self.caches.items():
            kept, wanted = cache.zset(opened.store), ZSetPython(caches[name].iter())
            what = f"{opened.name}: cache {name}"
            assert len(kept) == len(wanted), what
            some = frozenset([row for row, _ in wanted.iter()][::2])
            assert shown(ZSetPython(kept.iter(some))) == shown(ZSetPython(wanted.iter(some))), what
            for index in self.indexes(name):
                ordered = list(wanted.iter_by_index(index))
                assert repr(list(kept.iter_by_index(index))) == repr(ordered), what
                keys = frozenset([key for key, _, _ in ordered][::2])
                picked = list(kept.iter_by_index(index, keys))
                assert repr(picked) == repr(list(wanted.iter_by_index(index, keys))), what

    def indexes(self, cache: str) -> Sequence[Any]:
        return getattr(self.graph.caches[cache], "indexes", ())


def act(store: st.Store, graph: Any, step: Sequence[Change]) -> tuple[ZSet[Any], ...]:
    """Make a change by insert, remove or replace where one of them says it, else by iteration."""
    changed = [i for i, change in enumerate(step) if change]
    if len(changed) == 1:
        (only,) = changed
        action: st.Action[Any, tuple[ZSet[Any], ...]] = st.actions(store, graph)[only]
        counts = sorted(step[only].items(), key=lambda item: item[1])
        if all(count > 0 for _, count in counts):
            return action.insert(*(row for row, n in counts for _ in range(n)))
        if all(count < 0 for _, count in counts):
            return action.remove(*(row for row, n in counts for _ in range(-n)))
        if [count for _, count in counts] == [-1, 1]:
            return action.replace(counts[0][0], counts[1][0])
    return st.iteration(store, graph, tuple(ZSetPython(change) for change in step))


# ------------------------------------------------------------------------------------- databases


def empty(store: Any) -> None:
    """Take all rows from the tables of a store, as if nothing had been inserted yet.

    So the next step is the first one, in which a count of nothing appears.
    """
    store.engine.started = False
    connection = store.driver.connection
    connection.execute("UPDATE stepping_queries SET started = FALSE")
    names = [quoted(name) for name in store.plan.kept]
    if isinstance(connection, psycopg.Connection):
        if names:
            connection.execute(f"TRUNCATE {', '.join(names)}".encode())
    else:
        for name in names:
            connection.execute(f"DELETE FROM {name}")  # noqa: S608


@contextlib.contextmanager
def law(
    graph: Any, postgres: Sequence[tuple[str, str]], *, allow_negative: bool = False
) -> Iterator[Law]:
    """A query on SQLite and on each of ``postgres`` (name and URL), with rewrites and without.

    With ``allow_negative`` on one of each: planning costs most of a test's time.
    """
    options: dict[str, Any] = {"allow_negative": allow_negative}
    postgres = postgres[:1] if allow_negative else postgres
    with contextlib.ExitStack() as stack:
        stores = []
        for rewrites in (True,) if allow_negative else (True, False):
            connection = stack.enter_context(st.connection_sqlite(":memory:"))
            store: Any = st.StoreSQLite.from_graph(connection, graph, rewrites=rewrites, **options)
            stores.append(Opened(f"sqlite, rewrites={rewrites}", store))
        for position, (name, url) in enumerate(postgres):
            rewrites = position % 2 == 0
            connection_pg = stack.enter_context(schema(url))
            store = st.StorePostgres.from_graph(connection_pg, graph, rewrites=rewrites, **options)
            stores.append(Opened(f"{name}, rewrites={rewrites}", store))
        yield Law(graph, stores, allow_negative=allow_negative)


@contextlib.contextmanager
def schema(url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection whose current schema is a new one: sooner made than a database."""
    name = sql.Identifier(f"law_{os.getpid()}_{next(_serial)}")
    with st.connection_postgres(url) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
        connection.execute(sql.SQL("SET search_path = {}").format(name))
        try:
            yield connection
        finally:
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(name))
