"""Z-sets in a database, read when they are iterated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from stepping.compiler.codec import Codec, codec_of
from stepping.compiler.plan.sql_plan import SQLCache, SQLOrder
from stepping.compiler.zset import MATCH_ALL, MatchAll, ZSet, added_up, index_order
from stepping.dialects.driver import Driver

T = TypeVar("T")


class StoredZSet(ZSet[T]):
    """The integral in a table. Each iteration is one statement, and so sees one state of it.

    Reading streams: memory does not grow with the table.
    """

    def __init__(
        self,
        driver: Driver,
        cache: SQLCache,
        codec: Codec,
        check_installed: Callable[[], None] = lambda: None,
    ) -> None:
        self._check_installed = check_installed
        self._driver = driver
        self._cache = cache
        self._codec = codec

    def iter(self, match: frozenset[T] | MatchAll = MATCH_ALL) -> Iterator[tuple[T, int]]:
        if isinstance(match, MatchAll):
            yield from self._rows(self._cache.read_sql)
            return
        # Two of them may be one row in canonical form.
        for columns in added_up([(*self._codec.encode(row), 1) for row in match]):
            yield from self._rows(self._cache.match_sql, tuple(columns[:-1]))

    def iter_by_index(
        self, index: Any, match_keys: frozenset[Any] | MatchAll = MATCH_ALL
    ) -> Iterator[tuple[Any, T, int]]:
        order = self._order(index)
        everything = isinstance(match_keys, MatchAll)
        if order is None or (everything and not index.is_ordered):
            yield from super().iter_by_index(index, match_keys)  # sorted in memory
        elif isinstance(match_keys, MatchAll):
            for row, count in self._rows(order.read_sql):
                yield index.key(row), row, count
        else:
            encode = codec_of(index.type, self._driver.to_column, self._driver.from_column).encode
            wanted = {index.canonical(key) for key in match_keys}
            for key in sorted(wanted, key=lambda key: index_order(index, key)):
                for row, count in self._rows(order.match_sql, encode(key)):
                    yield key, row, count

    def of_keys(self, index: Any, keys: frozenset[Any]) -> Iterator[tuple[Any, T, int]]:
        """As `iter_by_index`, of keys that have few rows, in a transaction that is open."""
        order = self._order(index)
        if order is None:
            yield from self.iter_by_index(index, keys)
            return
        encode = codec_of(index.type, self._driver.to_column, self._driver.from_column).encode
        sql = self._driver.in_texts(order.match_sql, self._cache.columns)
        with self._driver.noting():
            wanted = list(keys)
            found = self._driver.read_each(sql, [encode(key) for key in wanted])
            for key, rows in zip(wanted, found, strict=True):
                for row, count in self._codec.decode_counted(rows):
                    yield key, row, count

    def _order(self, index: Any) -> SQLOrder | None:
        digest = index.function.digest.hex()
        wanted = (digest, index.column_ascending)
        return next(
            (each for each in self._cache.orders if (each.digest, each.ascending) == wanted), None
        )

    def _rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> Iterator[tuple[T, int]]:
        self._driver.check()
        decode = self._codec.decode_counted
        batches = self._driver.stream(self._driver.in_texts(sql, self._cache.columns), parameters)
        while True:
            try:
                batch = next(batches, None)
            except Exception as error:
                if self._driver.is_of_table(error) and not self._driver.in_transaction():
                    self._check_installed()  # it says so if the query has been migrated since
                self._driver.note(error)
                raise
            if batch is None:
                return
            yield from decode(batch)

    def __len__(self) -> int:
        self._driver.check()
        with self._driver.noting():
            ((count,),) = self._driver.read_alone(self._cache.count_sql)
        return int(count)
