"""The driver's own connection behind what an application has: that itself, or SQLAlchemy's."""

from __future__ import annotations

import sys
import weakref
from typing import Any

from stepping.dialects.driver import Lender
from stepping.errors import StoreError

_OWN: weakref.WeakSet[Any] = weakref.WeakSet()  # connections that nobody but a store has


def opened(given: Any) -> Any:
    """What a store holds on to: of SQLAlchemy's `Engine` a connection, else what it was given.

    The connection goes back to the engine's pool when the store is gone. A `Session` must be asked
    for its connection, since it may have several.
    """
    if not is_sqlalchemy(given):
        return given
    if hasattr(given, "get_bind") and hasattr(given, "connection"):
        raise StoreError("a store was given an ORM Session", hint="pass session.connection()")
    is_async = type(given).__module__.startswith("sqlalchemy.ext.asyncio")
    if not is_async and (is_raw(given) or hasattr(given, "in_transaction")):
        return given
    if is_async or not (hasattr(given, "begin") and hasattr(given, "pool")):
        raise StoreError(
            f"a store was given SQLAlchemy's {type(given).__name__}",
            hint="pass an Engine, a Connection, session.connection(), or engine.raw_connection()",
        )
    connection = given.connect()
    _OWN.add(connection)
    return connection


def is_sqlalchemy(given: Any) -> bool:
    """Whether it is one of SQLAlchemy's, which is not imported: who uses it has done so."""
    return type(given).__module__.startswith("sqlalchemy.")


def is_raw(given: Any) -> bool:
    """Whether it is what `Engine.raw_connection` gives: the driver's, on loan from the pool."""
    return hasattr(given, "driver_connection")


def driver_connection(given: Any) -> Any:
    """The driver's connection of what `opened` returned."""
    if not is_sqlalchemy(given):
        return given
    return given.driver_connection if is_raw(given) else given.connection.driver_connection


def lender_of(given: Any) -> Lender:
    """Whoever the driver's connection was got from."""
    if not is_sqlalchemy(given):
        return Lender()
    return RawLender(given) if is_raw(given) else SQLAlchemyLender(given)


class RawLender(Lender):
    """The pool. While the loan is held, so is the driver's connection; only the driver begins
    transactions on it.
    """

    def __init__(self, given: Any) -> None:
        self.given = given

    def was_given_back(self) -> bool:
        return not self.given.is_valid

    def lost(self) -> None:
        if not self.was_given_back():
            self.given.invalidate()


class SQLAlchemyLender(Lender):
    """A connection of SQLAlchemy. While this is held, so is the driver's: the pool would hand it to
    somebody else as soon as SQLAlchemy's is gone.
    """

    def __init__(self, given: Any) -> None:
        self.given = given
        self.is_shared = given not in _OWN
        self.has_begun = False

    def begun(self) -> bool:
        return bool(self.given.in_transaction())

    def begin(self) -> bool:
        if not self.is_shared:
            return False
        if self.given.in_transaction():
            send_savepoints(self.given)
            return False
        self.given.begin()  # an application may have it send BEGIN, by an event
        self.has_begun = True
        return True

    def end(self) -> None:
        self.has_begun = False
        self.given.rollback()

    def settle(self, *, failed: bool) -> None:
        if self.has_begun and failed and not self.was_given_back():
            self.end()
        self.has_begun = False

    def was_given_back(self) -> bool:
        return bool(self.given.closed or self.given.invalidated)

    def lost(self) -> None:
        if not self.was_given_back():
            self.given.invalidate()


def send_savepoints(connection: Any) -> None:
    """Send the savepoints of ORM sessions in whose transaction a connection is.

    A session that begins a nested transaction sends its savepoint when it uses the connection
    itself the next time, so that a step would come before it.
    """
    orm = sys.modules.get("sqlalchemy.orm.session")
    if orm is None:
        return
    # SQLAlchemy has no public way from a connection to its session.
    for reference in orm._sessions.valuerefs():
        session = reference()
        nested = None if session is None else session.get_nested_transaction()
        if nested is None or connection in nested._connections:
            continue
        if connection in session.get_transaction()._connections:
            session.connection(bind_arguments={"bind": connection})
