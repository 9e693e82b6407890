"""The driver's own connection behind what an application has: that itself, or SQLAlchemy's."""

from __future__ import annotations

from typing import Any

from stepping.dialects.driver import Lender
from stepping.errors import StoreError


def opened(given: Any) -> Any:
    """What a store holds on to: of SQLAlchemy's `Engine` a connection, else what it was given.

    The connection goes back to the engine's pool when the store is gone. A `Session` must be asked
    for its connection, since it may have several.
    """
    if not is_sqlalchemy(given):
        return given
    if hasattr(given, "get_bind") and hasattr(given, "connection"):
        raise StoreError("a store was given an ORM Session", hint="pass session.connection()")
    return given.connect() if hasattr(given, "begin") and hasattr(given, "pool") else given


def is_sqlalchemy(given: Any) -> bool:
    """Whether it is one of SQLAlchemy's, which is not imported: who uses it has done so."""
    return type(given).__module__.startswith("sqlalchemy.")


def driver_connection(given: Any) -> Any:
    """The driver's connection of what `opened` returned."""
    return given.connection.driver_connection if is_sqlalchemy(given) else given


def lender_of(given: Any) -> Lender:
    """Whoever the driver's connection was got from."""
    return SQLAlchemyLender(given) if is_sqlalchemy(given) else Lender()


class SQLAlchemyLender(Lender):
    """A connection of SQLAlchemy. While this is held, so is the driver's: the pool would hand it to
    somebody else as soon as SQLAlchemy's is gone.
    """

    def __init__(self, given: Any) -> None:
        self.given = given

    def begun(self) -> bool:
        return bool(self.given.in_transaction())

    def was_given_back(self) -> bool:
        return bool(self.given.closed or self.given.invalidated)

    def lost(self) -> None:
        if not self.was_given_back():
            self.given.invalidate()
