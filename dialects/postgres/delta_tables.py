"""The temporary tables with the changes of a step that is not one statement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from stepping.compiler.plan.sql_plan import SQLStatement
from stepping.dialects.identifiers import quoted

_HASH_JOINS = "SELECT set_config('enable_hashjoin', %s, true)"
_MOST_LOST = 3  # so often they may be gone; then each transaction makes sure that they are there
_TRUNCATED = 32  # deleted rows stay in a delta table, which nobody vacuums: every so many steps


class Sending(Protocol):
    """What is asked of the driver."""

    def in_transaction(self) -> bool: ...
    def transaction(self) -> AbstractContextManager[None]: ...
    def several(self, *statements: str) -> None: ...
    def execute(self, sql: str | bytes, *parameters: Any, **options: Any) -> Any: ...


class DeltaTables:
    """Those of one connection, and how statements over them are planned: see `joins`."""

    def __init__(self) -> None:
        self.texts: tuple[str, ...] = ()
        self.are_there = False
        self.lost = 0
        # In the transaction that is open; None where statements are for whole tables.
        self.hash_joins: bool | None = True
        self.clears: Counter[str] = Counter()

    def add(self, texts: Sequence[str]) -> None:
        self.texts = tuple(dict.fromkeys((*self.texts, *texts)))
        self.are_there = False

    def create(self, driver: Sending) -> None:
        """Make them, if they are not there."""
        if self.are_there:
            return
        joined = driver.in_transaction()
        if self.lost > _MOST_LOST and not joined:
            return  # the next transaction may have another session
        with driver.transaction():
            driver.several(*self.texts)
        # In an application's transaction they may yet be rolled back.
        self.are_there = not joined

    def are_gone(self, missing: str) -> bool:
        """Whether a missing table is one of them, which DISCARD or a pool has taken away."""
        if not any(f" {quoted(missing)} (" in text for text in self.texts):
            return False
        self.are_there = False
        self.lost += 1
        return True

    def plan_for(self, driver: Sending, statement: SQLStatement) -> None:
        if self.hash_joins not in (None, statement.joins_changes):
            self.hash_joins = statement.joins_changes
            switch = "on" if statement.joins_changes else "off"
            driver.execute(_HASH_JOINS, (switch,), prepare=True)

    def clear(self, driver: Sending, statements: Sequence[SQLStatement]) -> None:
        texts = []
        for each in statements:
            self.clears[each.sql] += 1
            often = self.clears[each.sql] % _TRUNCATED == 0
            texts.append(each.sql.replace("DELETE FROM", "TRUNCATE", 1) if often else each.sql)
        driver.several(*texts)
