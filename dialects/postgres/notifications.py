"""How a step that waits for its frontier is woken: by a notification of who moves a table."""

from __future__ import annotations

import select
import time as clock
from typing import Any

import psycopg

from stepping.dialects.postgres.transactions import Transactions

CHANNEL = "stepping"  # told whenever a table has been moved to a later time
_LISTEN_SECS = 0.1  # how long to wait for that before looking anyway


def is_standby(connection: psycopg.Connection[Any]) -> bool:
    """Whether the server is a hot standby; told by it without being asked."""
    return connection.info.parameter_status("in_hot_standby") == "on"


class Notifications:
    """Those of one connection, which the application may listen on as well."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.are_heard = False

    def listen(self, driver: Transactions) -> None:
        # A standby tells nobody, and refuses to be asked (HotStandby in the manual): there one has
        # to look again and again.
        if driver.in_transaction() or is_standby(self.connection):
            return
        with driver.one_statement():  # where psycopg begins a transaction by itself
            driver.execute(f"LISTEN {CHANNEL}")  # each time: DISCARD ends it
        if not self.are_heard:
            self.connection.add_notify_handler(self.told)
            self.are_heard = True

    def unlisten(self, driver: Transactions) -> None:
        if self.are_heard and driver.is_idle():
            with driver.one_statement():
                driver.execute(f"UNLISTEN {CHANNEL}")
            self.connection.remove_notify_handler(self.told)
            self.are_heard = False

    def told(self, notify: psycopg.Notify) -> None:
        # Without a handler psycopg keeps all that it is told until somebody asks for it, and for
        # ours nobody does. What the application listens for it must find where it would be.
        backlog = getattr(self.connection, "_notifies_backlog", None)
        if notify.channel != CHANNEL and backlog is not None:
            backlog.append(notify)

    def pause(self, seconds: float) -> None:
        if self.are_heard:
            # Only waited for, not read: the application may listen on the connection as well.
            select.select([self.connection.fileno()], [], [], max(seconds, _LISTEN_SECS))
        else:
            clock.sleep(seconds)
