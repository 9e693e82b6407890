"""What the kept tables of a query are called already: those that are installed keep their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from stepping.compiler.schema import fitted, query_prefix
from stepping.errors import QueryError

if TYPE_CHECKING:
    from stepping.compiler.plan.manifest import SQLTable

PLAIN, DIGEST = "plain", "digest"


@dataclass(frozen=True)
class TableNames:
    """Names of tables and views by the digest of what they hold; and how new ones are named.

    ``taken`` are names that no new table may have, in lower case: an installed one that goes is
    there until the end of the migration.
    """

    installed: frozenset[tuple[str, str]] = frozenset()
    taken: frozenset[str] = frozenset()
    by_digest: bool = False

    @cached_property
    def by(self) -> Mapping[str, str]:
        return dict(self.installed)

    def of(
        self,
        tables: Iterable[SQLTable],
        was: str,
        query: str,
        moved: Mapping[str, str] | None = None,
    ) -> TableNames:
        """Those of tables that are installed, of a query that may be called otherwise now.

        ``moved`` are tables that stay though their digest is another, by the new one.
        """
        names: dict[str, str] = {}
        there: set[str] = set()
        for each in tables:
            for table in (each.table, *(view.table for view in each.views)):
                there.add(table.name.lower())
                # A relation that readers know has the digest of what it shows, and comes behind.
                if table.digest:
                    names.setdefault(table.digest, table.name)
        names |= {now: names[before] for now, before in (moved or {}).items()}
        if was != query:
            names = _moved(names, was, query, there)
        return replace(self, installed=frozenset(names.items()), taken=frozenset(there))


NEW = TableNames()  # of a query of which nothing is installed


def _moved(names: Mapping[str, str], was: str, query: str, there: set[str]) -> dict[str, str]:
    """The names of tables whose query is renamed: what comes before the first ``__`` is its own."""
    before, after = f"{query_prefix(was)}__", f"{query_prefix(query)}__"
    taken = set(there)
    moved = {
        name: free(after + name.removeprefix(before), taken)
        for name in sorted(set(names.values()))
        if name.startswith(before)
    }
    return {digest: moved[name] for digest, name in names.items() if name in moved}


def free(stem: str, taken: set[str]) -> str:
    """A name in 63 bytes that is not in ``taken``, to which it is added: itself, or with ``_2``."""
    name, serial = fitted(stem), 2
    while name.lower() in taken or name.lower().endswith("_pkey"):  # as Postgres calls its indexes
        name = fitted(stem, f"_{serial}")
        serial += 1
    taken.add(name.lower())
    return name


def check_naming(names: str, where: str) -> None:
    """Raise for what ``names=`` of a query does not know."""
    if names not in (PLAIN, DIGEST):
        raise QueryError(
            f"names={names!r} does not say how tables are named",
            where=where,
            hint=f'names="{PLAIN}", the default, or names="{DIGEST}"',
        )
