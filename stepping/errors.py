"""Every exception of the library. Each says what is wrong, where, and what to do."""

from __future__ import annotations


class SteppingError(Exception):
    """Base of all errors raised by stepping.

    ``str(error)`` has up to three parts: what is wrong (with the place in front of it, if there
    is one), the marked source, and a line that starts with ``hint:`` and says what to do.
    """

    def __init__(
        self,
        message: str,
        *,
        where: str | None = None,
        source: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.message = message
        self.where = where
        self.source = source
        self.hint = hint
        super().__init__(message)

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        if self.source:
            text += f"\n\n{self.source}"
        if self.hint:
            text += f"\n  hint: {self.hint}"
        return text


class QueryError(SteppingError):
    """The query cannot mean anything, or not what it says. Raised when compiling."""


class RowFunctionError(QueryError):
    """A row function cannot be translated where a Python step was ruled out."""


class RowError(SteppingError, ValueError):
    """A row, or a value computed from one, that cannot be stored. Nothing was written."""


class UnsupportedError(SteppingError):
    """This database, or this version of it, cannot do what is asked."""


class SchemaMismatch(SteppingError):
    """What is installed in the database does not fit the query."""


class CaptureError(SchemaMismatch):
    """A table of the application cannot be captured, or is not what a query takes it for."""


class MigrationError(SteppingError):
    """A migration script does not fit the database it is run on."""


class FrontierTimeout(SteppingError, TimeoutError):
    """A table did not reach the frontier in time."""


class TimePassed(SteppingError):
    """The input time has been taken already: a delay table stands at it or beyond."""


class StoreError(SteppingError):
    """The store cannot be used as asked: a wrong connection, a transaction that forbids it."""


class InternalError(SteppingError):
    """A bug in stepping itself. Please report it with the query."""
