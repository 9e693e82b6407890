"""The schema that a store is in: the current one when it was opened.

Our statements name no schema, so that they find the tables by `search_path`. An application may set
that for each of its tenants, and again on a connection that a pool hands out: what a store reads
and writes must be where it was opened, or nothing.
"""

from __future__ import annotations

from stepping.errors import StoreError

CURRENT = "SELECT current_schema()"


def check(opened: str | None, current: str | None) -> None:
    """Raise `StoreError` if the current schema is another one than when a store was opened."""
    if opened is not None and current != opened:
        now = "there is none" if current is None else f"it is {current!r}"
        raise StoreError(
            f"the store was opened when the connection's current schema was {opened!r}, and now "
            f"{now}; nothing was read or written",
            hint="SET search_path back, or open a store in each schema",
        )
