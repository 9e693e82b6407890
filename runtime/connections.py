"""The driver's own connection behind what an application has: that itself, or SQLAlchemy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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


def begun_by(given: Any) -> Callable[[], bool]:
    """Whether the application has begun a transaction of which the driver may not know yet.

    SQLAlchemy begins one without a word to the driver, which begins its own at the first statement.
    A step that is the first must not commit by itself. Holds ``given``: the pool would hand the
    driver's connection to somebody else as soon as SQLAlchemy's is gone.
    """
    if is_sqlalchemy(given):
        begun: Callable[[], bool] = given.in_transaction
        return begun
    return bool  # False: the driver knows


def given_back(given: Any) -> Callable[[], bool]:
    """Whether SQLAlchemy has given the driver's connection back to its pool: that may be somebody
    else's now. A session does so when its transaction ends.
    """
    if is_sqlalchemy(given):
        return lambda: given.closed or given.invalidated
    return bool
