"""insert, remove and replace as changes of one input; iteration for changes of several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from types import GeneratorType
from typing import Any, Generic, Literal, TypeVar, TypeVarTuple, overload

from stepping.compiler.plan.graph import Graph, InputKey
from stepping.compiler.zset import GivenPairs, GivenRows, ZSet
from stepping.errors import RowError, StoreError
from stepping.runtime import keyed
from stepping.runtime.bulk import reporting
from stepping.runtime.frontier import Time
from stepping.runtime.given import changes_of
from stepping.runtime.store import Store

T = TypeVar("T")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
Outputs = TypeVar("Outputs", bound=tuple[Any, ...])
Ts = TypeVarTuple("Ts")


# What is given in the place of a row, and may hold several.
_HOLD_ROWS = (list, tuple, set, frozenset, dict, ZSet, GeneratorType)


NOT_WRITTEN = "nothing was written"  # in hints of one step


class Action(Generic[T, R_co]):
    """Changes one input of a store. Each call is one step, and returns the change per output.

    The rows of that change are made when it is first looked at. ``output=False`` does not even
    read them from the database: a change of one row that touches many results stays inside of it.
    """

    def __init__(self, store: Store, name: str) -> None:
        self.store = store
        self.name = name
        self._by_name = isinstance(getattr(store.graph, "tables", None), Mapping)

    def _rows(self, rows: tuple[T, ...]) -> tuple[T, ...]:
        """Rows as they are staged: of a query in SQL they may be mappings by column name."""
        if not self._by_name or not any(isinstance(row, Mapping) for row in rows):
            return rows
        types = dict(zip(self.store.graph.input_names, self.store.graph.input_types, strict=True))
        struct: Any = types[self.name]
        return tuple(self._of(row, struct) if isinstance(row, Mapping) else row for row in rows)

    def _of(self, row: Mapping[str, Any], struct: Any) -> Any:
        columns = [name for name, _ in struct.fields]
        missing = [name for name in columns if name not in row]
        if missing:
            raise RowError(
                f"{self.name}: the row {dict(row)!r} has no {', '.join(missing)}",
                hint=f"the query reads {', '.join(columns)}; nothing was written",
            )
        return struct.cls(*(row[name] for name in columns))

    def _meant(self, rows: tuple[Any, ...], error: RowError) -> RowError:
        """The error, or one that says what was meant where a row is not one but holds some."""
        graph = self.store.graph
        wanted = dict(zip(graph.input_names, graph.input_types, strict=True))[self.name]
        own = getattr(wanted, "cls", _HOLD_ROWS)  # a plain value may be a collected one
        held = (each for each in rows if isinstance(each, _HOLD_ROWS) and not isinstance(each, own))
        row = next(held, None)
        if row is None:
            return error
        hint = "each row is an argument by itself: insert(*rows), remove(*rows)"
        if isinstance(row, ZSet):
            hint = "st.iteration(store, graph, (zset, ...)) takes Z-sets"
        elif isinstance(row, dict):
            hint = f"make it a row: {wanted}(**fields)"
        return RowError(
            f"{self.name}: expected a row, {wanted}, and got a {type(row).__name__}",
            hint=f"{hint}; nothing was written",
        )

    @overload
    def insert(self, *rows: T, time: Time | None = ..., output: Literal[True] = ...) -> R_co: ...
    @overload
    def insert(self, *rows: T, time: Time | None = ..., output: bool) -> R_co | None: ...
    def insert(self, *rows: T, time: Time | None = None, output: bool = True) -> R_co | None:
        """Add rows, each once. With ``output=False`` the change is not read, and None returned."""
        name, given = self.name, self._rows(rows)
        try:
            found: Any = self.store.step({name: GivenRows(name, given, 1)}, time, output=output)
        except RowError as error:
            raise self._meant(given, error) from error.__cause__
        return found if output else None

    @overload
    def remove(self, *rows: T, time: Time | None = ..., output: Literal[True] = ...) -> R_co: ...
    @overload
    def remove(self, *rows: T, time: Time | None = ..., output: bool) -> R_co | None: ...
    def remove(self, *rows: T, time: Time | None = None, output: bool = True) -> R_co | None:
        """Take rows away, each once. A row that is not there is a `RowError`."""
        given = self._rows(rows)
        try:
            return self.step(GivenRows(self.name, given, -1), time, output)
        except RowError as error:
            raise self._meant(given, error) from error.__cause__

    @overload
    def replace(
        self, old: T, new: T, time: Time | None = ..., output: Literal[True] = ...
    ) -> R_co: ...
    @overload
    def replace(self, old: T, new: T, time: Time | None = ..., *, output: bool) -> R_co | None: ...
    def replace(self, old: T, new: T, time: Time | None = None, output: bool = True) -> R_co | None:
        """Take one row away and add another, in one step."""
        (removed,), (added,) = self._rows((old,)), self._rows((new,))
        try:
            return self.step(GivenPairs(self.name, ((removed, -1), (added, 1))), time, output)
        except RowError as error:
            raise self._meant((removed, added), error) from error.__cause__

    @overload
    def upsert(self, *rows: T, time: Time | None = ..., output: Literal[True] = ...) -> R_co: ...
    @overload
    def upsert(self, *rows: T, time: Time | None = ..., output: bool) -> R_co | None: ...
    def upsert(self, *rows: T, time: Time | None = None, output: bool = True) -> R_co | None:
        """Make rows those of their keys: each takes the place of the one that has its key, if any.

        For rows with a key, ``class Order(st.Data, key="id")``. What is there is looked up in the
        transaction of the step. Of several rows with one key the last one stays.
        """
        key, given = self._key("upsert"), self._rows(rows)

        def change() -> Mapping[str, ZSet[Any]]:
            return {self.name: keyed.upserting(self.store, self.name, key, given)}

        try:
            return self._changed(change, time, output)
        except RowError as error:
            raise self._meant(given, error) from error.__cause__

    @overload
    def delete(
        self, *keys: Any, time: Time | None = ..., output: Literal[True] = ..., **by: Any
    ) -> R_co: ...
    @overload
    def delete(
        self, *keys: Any, time: Time | None = ..., output: bool, **by: Any
    ) -> R_co | None: ...
    def delete(
        self, *keys: Any, time: Time | None = None, output: bool = True, **by: Any
    ) -> R_co | None:
        """Take the row of a key away: ``orders.delete(id=7)``, or several, ``delete(7, 8)``.

        For rows with a key. A key that no row has is a `RowError`.
        """
        key = self._key("delete")
        wanted = [*keys, *([keyed.key_given(self.name, key, by)] if by or not keys else [])]

        def change() -> Mapping[str, ZSet[Any]]:
            return {self.name: keyed.deleting(self.store, self.name, key, wanted)}

        return self._changed(change, time, output)

    def _key(self, what: str) -> InputKey:
        found = self.store.graph.keys.get(self.name)
        if found is None:
            raise StoreError(
                f"the rows of {self.name} have no key, so that {what} cannot find them",
                hint='say what tells them apart: class Order(st.Data, key="id")',
            )
        return found

    def _changed(
        self, change: Callable[[], Mapping[str, ZSet[Any]]], time: Time | None, output: bool
    ) -> R_co | None:
        found: Any = self.store.changed(change, time, output=output)
        return found if output else None

    def insert_many(
        self,
        rows: Iterable[T],
        *,
        batch: int = 10_000,
        progress: bool | Callable[[int], None] = False,
    ) -> int:
        """Insert rows of any number, ``batch`` of them in each step; returns how many they were.

        The change of the outputs is not read. Each step is committed by itself, unless the
        application has begun a transaction: what was inserted before an error stays.
        ``progress=True`` shows on a terminal how many rows there are and how many in a second; a
        function is called with the number of rows after each batch.
        """
        if batch < 1:
            raise StoreError(f"insert_many was given batch={batch!r}", hint="a number of rows")
        total = 0
        driver = getattr(self.store, "driver", None)
        joined = driver is not None and driver.in_transaction()
        with reporting(progress, self.name, rows) as report:
            for given in batched(rows, batch):
                try:
                    self.insert(*given, output=False)
                except Exception as error:
                    raise self._behind(total, len(given), joined, error) from error.__cause__
                total += len(given)
                report(total)
        return total

    def _behind(self, total: int, count: int, joined: bool, error: Exception) -> Exception:
        """The error of a batch, with how many rows were written before it, and where to go on."""
        if not total:
            return error
        kept = " in the application's transaction, which keeps them if it commits" * joined
        said = (
            f"the first {total:,} rows were written{kept}, and none of the {count:,} of the batch "
            f"behind them; go on with row {total + 1:,}"
        )
        if not isinstance(error, RowError):
            error.add_note(f"insert_many of {self.name}: {said}")
            return error
        others = [each for each in (error.hint or "").split("; ") if each not in ("", NOT_WRITTEN)]
        hint = "; ".join([*others, said])
        return RowError(error.message, where=error.where, source=error.source, hint=hint)

    def enqueue(self, insert: Iterable[T] = (), remove: Iterable[T] = ()) -> int:
        """Write rows down that are to be inserted or removed when the store is drained.

        Returns the change's number in the queue: see `Store.enqueue`.
        """
        pairs = [(row, 1) for row in self._rows(tuple(insert))]
        pairs += [(row, -1) for row in self._rows(tuple(remove))]
        try:
            return self.store.queue.enqueue({self.name: pairs})
        except RowError as error:
            raise self._meant(tuple(row for row, _ in pairs), error) from error.__cause__

    def step(self, change: ZSet[T], time: Time | None, output: bool) -> R_co | None:
        found: Any = self.store.step({self.name: change}, time, output=output)
        return found if output else None


@overload
def actions(store: Store, graph: Graph[ZSet[R], ZSet[T1]]) -> tuple[Action[T1, tuple[ZSet[R]]]]: ...
@overload
def actions(store: Store, graph: Graph[Outputs, ZSet[T1]]) -> tuple[Action[T1, Outputs]]: ...
@overload
def actions(
    store: Store, graph: Graph[ZSet[R], ZSet[T1], ZSet[T2]]
) -> tuple[Action[T1, tuple[ZSet[R]]], Action[T2, tuple[ZSet[R]]]]: ...
@overload
def actions(
    store: Store, graph: Graph[Outputs, ZSet[T1], ZSet[T2]]
) -> tuple[Action[T1, Outputs], Action[T2, Outputs]]: ...
@overload
def actions(
    store: Store, graph: Graph[ZSet[R], ZSet[T1], ZSet[T2], ZSet[T3]]
) -> tuple[Action[T1, tuple[ZSet[R]]], Action[T2, tuple[ZSet[R]]], Action[T3, tuple[ZSet[R]]]]: ...
@overload
def actions(
    store: Store, graph: Graph[Outputs, ZSet[T1], ZSet[T2], ZSet[T3]]
) -> tuple[Action[T1, Outputs], Action[T2, Outputs], Action[T3, Outputs]]: ...
@overload
def actions(
    store: Store, graph: Graph[ZSet[R], ZSet[T1], ZSet[T2], ZSet[T3], ZSet[T4]]
) -> tuple[
    Action[T1, tuple[ZSet[R]]],
    Action[T2, tuple[ZSet[R]]],
    Action[T3, tuple[ZSet[R]]],
    Action[T4, tuple[ZSet[R]]],
]: ...
@overload
def actions(
    store: Store, graph: Graph[Outputs, ZSet[T1], ZSet[T2], ZSet[T3], ZSet[T4]]
) -> tuple[Action[T1, Outputs], Action[T2, Outputs], Action[T3, Outputs], Action[T4, Outputs]]: ...
@overload
def actions(store: Store, graph: Any) -> tuple[Action[Any, Any], ...]: ...
def actions(store: Store, graph: Any) -> tuple[Action[Any, Any], ...]:
    """An `Action` per input of the query, in the order of its arguments."""
    check_graph(store, graph, "st.actions")
    if store.graph.captured is not None:
        raise StoreError(
            f"the inputs of {graph.name!r} are tables of the database",
            hint="write to the tables: the results follow, whoever writes",
        )
    return tuple(Action(store, name) for name in store.graph.input_names)


@overload
def iteration(
    store: Store,
    graph: Graph[ZSet[R], *Ts],
    inputs: tuple[*Ts],
    time: Time | None = ...,
    output: Literal[True] = ...,
) -> tuple[ZSet[R]]: ...
@overload
def iteration(
    store: Store,
    graph: Graph[Outputs, *Ts],
    inputs: tuple[*Ts],
    time: Time | None = ...,
    output: Literal[True] = ...,
) -> Outputs: ...
@overload
def iteration(
    store: Store,
    graph: Graph[Any, *Ts],
    inputs: tuple[*Ts],
    time: Time | None = ...,
    *,
    output: Literal[False],
) -> None: ...
def iteration(
    store: Store, graph: Any, inputs: Any, time: Time | None = None, output: bool = True
) -> Any:
    """One step with a change of each input, in the order of the query's arguments.

    Returns a tuple: one Z-set per output. With ``output=False`` it is not read, and None returned.
    """
    check_graph(store, graph, "st.iteration")
    found = store.step(changes_of(store.graph, inputs, "st.iteration"), time, output=output)
    return found if output else None


def check_graph(store: Any, graph: Any, what: str) -> None:
    if not isinstance(store, Store):
        raise StoreError(f"{what} expects a store, got {type(store).__name__}")
    if getattr(store.graph, "unbound", None) is graph:  # the same, as it is on a database
        return
    if getattr(graph, "inputs", None) != getattr(store.graph, "inputs", None) or (
        graph.name != store.graph.name
    ):
        raise StoreError(
            f"{what} was given another query than the store was opened with",
            hint="open a store for each query: StoreSQLite.from_graph(conn, graph)",
        )


def batched(iterable: Iterable[T], n: int) -> Iterator[list[T]]:
    """Lists of ``n`` items each, the last perhaps shorter."""
    iterator = iter(iterable)
    while batch := list(islice(iterator, n)):
        yield batch
