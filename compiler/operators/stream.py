"""Operators over time: integrals, and the caches that keep them for readers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from stepping.compiler import ir
from stepping.compiler.frontend.index import Index
from stepping.compiler.frontend.tracing import (
    current_trace,
    operator_of,
    origin,
    query_error,
)
from stepping.compiler.operators.join import check_index
from stepping.compiler.zset import ZSet
from stepping.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import FromClause

T = TypeVar("T")


def integrate(a: ZSet[T]) -> ZSet[T]:
    """Everything that ``a`` has changed by so far (DBSP definition 3.27). Keeps it in a table."""
    return integrate_indexed(a, indexes=())


def integrate_indexed(a: ZSet[T], *, indexes: tuple[Index[T, Any], ...]) -> ZSet[T]:
    """As `integrate`, in a table that can be read in the order of each index."""
    operator = operator_of(a, "st.integrate")
    if operator.flow is not ir.Flow.CHANGE:
        raise query_error(
            "st.integrate was given a snapshot, which is an integral already",
            "leave st.integrate out, or st.differentiate the snapshot first",
        )
    for index in indexes:
        check_index("st.integrate_indexed indexes=", operator, index)
    keys = tuple(index.function for index in indexes)
    directions = tuple(index.column_ascending for index in indexes)
    return ir.Traced(ir.Integrate(operator, keys, directions, origin=origin()))


class ReadsCaches(Protocol):
    """What a cache needs of a store."""

    def cache_zset(
        self, cache: object, at_least: int = -1, *, stale: bool = False
    ) -> ZSet[Any]: ...


class HasInputTime(Protocol):
    """A `Time`."""

    @property
    def input_time(self) -> int: ...


class Cache(Generic[T]):
    """A maintained result that any process can read.

    ``_ = cache[z](lambda z: st.integrate(z))`` in a query keeps the integral of ``z``;
    ``cache.zset(store)`` reads it. The name is part of the table's name; without one, caches are
    ``cache``, ``cache_2``, ... in the order in which the query names them.
    """

    # Cache[ReceiptItem] is for checkers only: the argument may be a string and is never resolved.
    def __init__(self, name: str | None = None) -> None:
        self.name = name

    def __getitem__(self, zset: ZSet[T]) -> Callable[[Callable[[ZSet[T]], ZSet[T]]], ZSet[T]]:
        trace = current_trace()
        operator = operator_of(zset, "a cache")

        def keep(f: Callable[[ZSet[T]], ZSet[T]]) -> ZSet[T]:
            kept = f(ir.Traced(operator))
            snapshot = operator_of(kept, "a cache")
            if snapshot.flow is not ir.Flow.SNAPSHOT:
                raise query_error(
                    "a cache keeps an integral, and this is a change",
                    "write cache[z](lambda z: st.integrate(z))",
                )
            trace.caches.append((self, self.name, snapshot))
            return kept

        return keep

    def zset(
        self, store: ReadsCaches, at_least: int | HasInputTime = -1, *, stale: bool = False
    ) -> ZSet[T]:
        """The cached rows; read when iterated, each time as the database is then.

        Each iteration sees one state of the cache: that between two steps. ``at_least``, a `Time`
        or the number of one, waits here until what changed up to that time is in the cache, as a
        step waits for its frontier: `FrontierTimeout` if it does not come.

        Of a captured query, what waits is folded in here first; ``stale=True`` leaves that out.
        """
        read = getattr(store, "cache_zset", None)
        if read is None:
            raise StoreError(
                f"{type(store).__name__} is not a store",
                hint="cache.zset(store) takes what StoreSQLite.from_graph(...) and its like return",
            )
        time = getattr(at_least, "input_time", at_least)
        if type(time) is not int or time >= 2**63:
            raise StoreError(
                f"cache.zset at_least= is {at_least!r}",
                hint="a st.Time, or the number of one: an int of 64 bits",
            )
        zset: ZSet[T] = read(self, time, stale=stale)
        return zset

    def table(self, store: ReadsCaches) -> FromClause:
        """The cache as a SQLAlchemy table: ``select(cache.table(store).c.total)``.

        It has a column for each of a row's, under the name that a nested field has in SQL
        (``left_price``), and one for the count, mostly ``c``. Values are those that the rows have.
        """
        made = getattr(store, "cache_table", None)
        if made is None:
            raise StoreError(
                f"{type(store).__name__} has no tables",
                hint="cache.table(store) takes a StoreSQLite or a StorePostgres",
            )
        table: FromClause = made(self)
        return table

    def __repr__(self) -> str:
        return f"Cache(name={self.name!r})"
