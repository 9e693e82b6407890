"""Rows to tuples of column values and back, by functions generated for each value type.

Encoding also checks a row and brings it into its canonical form, so that equal rows have equal
columns: an int in a float field becomes a float, -0.0 becomes 0.0, a Decimal is normalised, an
aware datetime becomes UTC. A value that does not fit is a `RowError` that names the field.

The column of a collected value holds its packed bytes on every store, the one in memory included:
equality, groups and joins then mean the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache
from typing import Any

from stepping.compiler.row_code import Columns, Decoder, Encoder, Pair
from stepping.compiler.row_code import Convert as Convert
from stepping.compiler.row_code import Inline as Inline
from stepping.compiler.schema import Atom, Kind, ValueType


class Codec:
    """``encode(row)`` gives a tuple of column values, ``decode(tuple)`` the row.

    The others do that for many rows at once, with their counts. Each function is generated when it
    is first asked for.
    """

    def __init__(self, value_type: ValueType, to_column: Convert, from_column: Convert) -> None:
        self.type = value_type
        self._to_column = to_column
        self._from_column = from_column
        self._encoders: dict[tuple[int, ...] | None, Callable[[Any], list[Columns]]] = {}

    @cached_property
    def encode(self) -> Callable[[Any], Columns]:
        return Encoder(self._to_column).row(self.type)

    @cached_property
    def decode(self) -> Callable[[Columns], Any]:
        return Decoder(self._from_column).row(self.type)

    @cached_property
    def decode_counted(self) -> Callable[[Iterable[Columns]], list[Pair]]:
        """From tuples of columns, each with the count behind them, ``(row, count)`` for each."""
        return Decoder(self._from_column).counted(self.type)

    def encoder(
        self, positions: tuple[int, ...] | None = None
    ) -> Callable[[Iterable[Pair]], list[Columns]]:
        """A function that gives of each ``(row, count)`` the columns at some positions, and behind
        them the count. All columns are checked.
        """
        known = self._encoders.get(positions)
        if known is None:
            known = Encoder(self._to_column).counted(self.type, positions)
            self._encoders[positions] = known
        return known

    def canonical(self, row: Any) -> Any:
        """The row as it would come back from a database."""
        return self.decode(self.encode(row))


def codec_of(
    value_type: ValueType, to_column: Convert | None = None, from_column: Convert | None = None
) -> Codec:
    """The codec of a type. ``to_column(atom, field)`` gives a database's conversion of a value
    that is not None (None where it needs none), and ``from_column`` the reverse.
    """
    # Types are equal that build different classes, so the type's own identity is part of the key;
    # the cache keeps the type alive, so that an identity is never used twice.
    return _codec(value_type, id(value_type), to_column or _as_it_is, from_column or _as_it_is)


@lru_cache(maxsize=1024)
def _codec(value_type: ValueType, identity: int, to_column: Convert, from_column: Convert) -> Codec:
    # Made once: an application may open a store for each request.
    return Codec(value_type, to_column, from_column)


def python_codec(value_type: ValueType) -> Codec:
    """The codec without a database: its columns hold canonical Python values, or packed bytes."""
    return codec_of(value_type)


def value_of(column: Any, atom: Atom) -> Any:
    """The value that a column of `python_codec` holds: itself, but for one that is packed."""
    return python_codec(atom).decode((column,)) if atom.kind is Kind.PACKED else column


def _as_it_is(atom: Atom, field: str) -> None:
    return None
