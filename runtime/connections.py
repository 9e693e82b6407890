"""The driver's own connection behind what an application has: that itself, or SQLAlchemy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stepping.errors import StoreError


def driver_connection(given: Any) -> Any:
    """The driver's connection. SQLAlchemy is not imported: an application that uses it has it.

    Of an `Engine` a connection is taken that lives as long as the store does. A `Session` must be
    asked for its connection, since it may have several.
    """
    if not type(given).__module__.startswith("sqlalchemy."):
        return given
    if hasattr(given, "get_bind") and hasattr(given, "connection"):
        raise StoreError("a store was given an ORM Session", hint="pass session.connection()")
    connection = given.connect() if hasattr(given, "begin") and hasattr(given, "pool") else given
    found = connection.connection.driver_connection
    if connection is not given:
        _keep_alive(found, connection)
    return found


def begun_by(given: Any) -> Callable[[], bool]:
    """Whether the application has begun a transaction of which the driver may not know yet.

    SQLAlchemy begins one without a word to the driver, which begins its own at the first statement.
    A step that is the first must not commit by itself.
    """
    if type(given).__module__.startswith("sqlalchemy.") and hasattr(given, "in_transaction"):
        begun: Callable[[], bool] = given.in_transaction
        return begun
    return bool  # False: the driver knows


_HELD: dict[int, Any] = {}


def _keep_alive(driver: Any, connection: Any) -> None:
    # The pool would hand the connection to somebody else as soon as SQLAlchemy's object is gone.
    _HELD[id(driver)] = connection
