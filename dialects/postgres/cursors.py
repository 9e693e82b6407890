"""Cursors of our own on a connection of the application's.

What the application has registered on its connection, or for all of psycopg, is for its own values:
a dumper that sends `date.max` as infinity would change what a step writes. These cursors know
psycopg's own adapters and ours, and no others; their rows are tuples, whatever its factories make.
"""

from __future__ import annotations

from typing import Any, Self

import psycopg
from psycopg import errors, sql
from psycopg.adapt import AdaptersMap
from psycopg.postgres import register_default_adapters, register_default_types
from psycopg.pq import PipelineStatus, TransactionStatus
from psycopg.rows import tuple_row
from psycopg.types.array import register_all_arrays

from stepping.dialects.driver import Row
from stepping.dialects.postgres import arrays
from stepping.dialects.postgres.values import InUTC


def _adapters() -> AdaptersMap:
    made = AdaptersMap()
    register_default_types(made.types)
    register_default_adapters(made)
    register_all_arrays(made)
    arrays.register(made)
    made.register_loader("timestamptz", InUTC)
    return made


# Not a copy of `psycopg.adapters`, which an application may have changed before it imported this.
_ADAPTERS = _adapters()


def literal(value: object) -> str:
    """A constant as it is written in SQL, whatever is in it."""
    return sql.Literal(value).as_string(_ADAPTERS)


class Cursor(psycopg.Cursor[Row]):
    """Parameters are ``%s``."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        super().__init__(connection, row_factory=tuple_row)

    @property
    def adapters(self) -> AdaptersMap:
        return _ADAPTERS

    def execute(self, *given: Any, **options: Any) -> Self:
        # By itself psycopg would prepare what it has seen some times, or at once.
        options = {"prepare": False, **options}
        try:
            super().execute(*given, **options)
        except errors.InvalidSqlStatementName:
            # Somebody has thrown away what was prepared, and psycopg does not know it.
            if self.connection.info.transaction_status is not TransactionStatus.IDLE:
                raise
            super().execute("DEALLOCATE ALL")  # from which psycopg knows it
            super().execute(*given, **options)
        if in_pipeline(self.connection):
            end_pipeline(self.connection)
        return self


class RawCursor(Cursor, psycopg.RawCursor[Row]):
    """Parameters are ``$1``, ``$2``, ...; a % in the text is a %."""


def in_pipeline(connection: psycopg.Connection[Any]) -> bool:
    """Whether the application has put its connection into pipeline mode."""
    return connection.pgconn.pipeline_status != PipelineStatus.OFF


def end_pipeline(connection: psycopg.Connection[Any]) -> None:
    """Wait until all that was sent in a pipeline is done: until then nobody knows what came of it,
    nor whether a transaction is open. The application's pipeline can go on.
    """
    with connection.pipeline():
        pass
