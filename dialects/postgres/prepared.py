"""What Postgres said, written down and said again: for work where there is no database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg

from stepping.compiler.plan.answers import Answers, key_of
from stepping.compiler.plan.database import (
    Compared,
    Database,
    GivenRows,
    KnownColumn,
    KnownTable,
    KnownView,
)
from stepping.compiler.schema import DatabaseType
from stepping.dialects.postgres.described import PostgresDatabase, PostgresWords
from stepping.errors import QueryError

T = TypeVar("T")


class NotingPostgres(PostgresDatabase):
    """A database whose answers are noted."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        super().__init__(connection)
        ((version,),) = self.rows("SHOW server_version")
        self.answers = Answers("postgres", str(version))

    def noted(self, known: dict[str, T], kind: str, key: str, ask: Callable[[], T]) -> T:
        try:
            known[key] = ask()
        except QueryError as error:
            self.answers.refused[f"{kind} {key}"] = (error.message, error.hint or "")
            raise
        return known[key]

    def is_own_schema(self, name: str) -> bool:
        found = super().is_own_schema(name)
        self.answers.own_schema = name if found else ""
        return found

    def table(self, name: str, schema: str | None) -> KnownTable | None:
        found = super().table(name, schema)
        self.answers.tables[path_of(name, schema)] = found
        return found

    def view(self, name: str, schema: str | None) -> KnownView | None:
        found = super().view(name, schema)
        if found is not None:
            self.answers.views[path_of(name, schema)] = found
        return found

    def typed(self, words: Sequence[str], args: Sequence[DatabaseType]) -> DatabaseType:
        def ask() -> DatabaseType:
            return super(NotingPostgres, self).typed(words, args)

        return self.noted(self.answers.typed, "typed", key_of(words, args), ask)

    def common(self, types: Sequence[DatabaseType]) -> DatabaseType:
        def ask() -> DatabaseType:
            return super(NotingPostgres, self).common(types)

        return self.noted(self.answers.common, "common", listed(types), ask)

    def compared(self, a: DatabaseType, b: DatabaseType) -> Compared | None:
        found = super().compared(a, b)
        self.answers.compared[listed((a, b))] = found
        return found

    def rows_of(
        self, words: Sequence[str], args: Sequence[DatabaseType], definitions: str
    ) -> GivenRows:
        def ask() -> GivenRows:
            return super(NotingPostgres, self).rows_of(words, args, definitions)

        key = f"{key_of(words, args)} {definitions}"
        return self.noted(self.answers.rows, "rows", key, ask)

    def names(self, select: str) -> list[str]:
        found = super().names(select)
        self.answers.names[select] = tuple(found)
        return found

    def reads_alike(self, original: str, printed: str) -> str | None:
        found = super().reads_alike(original, printed)
        self.answers.alike[original] = found
        self._note_functions(original)
        return found

    def unstable(self, select: str) -> list[tuple[str, str]]:
        found = super().unstable(select)
        self.answers.unstable[select] = tuple(found)
        return found

    def _note_functions(self, text: str) -> None:
        """Those of its functions that are named in a text."""
        lower = text.lower()
        some = [tuple(sorted(n for n in names if n in lower)) for names in self._functions()]
        known = self.answers.aggregates, self.answers.row_functions
        both = [tuple(sorted({*a, *b})) for a, b in zip(some, known, strict=True)]
        self.answers.aggregates, self.answers.row_functions = both

    def _functions(self) -> tuple[frozenset[str], frozenset[str]]:
        return self.aggregates, self.row_functions


class PreparedPostgres(PostgresWords):
    """A database that says again what was noted."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers

    def again(self, known: Mapping[str, T], kind: str, key: str) -> T:
        if key in known:
            return known[key]
        said = self.answers.refused.get(f"{kind} {key}")
        if said is not None:
            raise QueryError(said[0], hint=said[1] or None)
        raise QueryError(
            f"Postgres was not asked for this when it was prepared: {key}",
            hint="stepping prepare ... --db URL writes down what it says now",
        )

    @contextmanager
    def having(self, tables: Mapping[str, Sequence[KnownColumn]]) -> Iterator[Database]:
        yield self

    def is_own_schema(self, name: str) -> bool:
        return name == self.answers.own_schema

    def table(self, name: str, schema: str | None) -> KnownTable | None:
        return self.again(self.answers.tables, "table", path_of(name, schema))

    def view(self, name: str, schema: str | None) -> KnownView | None:
        return self.answers.views.get(path_of(name, schema))

    def typed(self, words: Sequence[str], args: Sequence[DatabaseType]) -> DatabaseType:
        return self.again(self.answers.typed, "typed", key_of(words, args))

    def common(self, types: Sequence[DatabaseType]) -> DatabaseType:
        return self.again(self.answers.common, "common", listed(types))

    def compared(self, a: DatabaseType, b: DatabaseType) -> Compared | None:
        return self.again(self.answers.compared, "compared", listed((a, b)))

    def rows_of(
        self, words: Sequence[str], args: Sequence[DatabaseType], definitions: str
    ) -> GivenRows:
        return self.again(self.answers.rows, "rows", f"{key_of(words, args)} {definitions}")

    def names(self, select: str) -> list[str]:
        return list(self.again(self.answers.names, "names", select))

    def reads_alike(self, original: str, printed: str) -> str | None:
        return self.again(self.answers.alike, "alike", original)

    def unstable(self, select: str) -> list[tuple[str, str]]:
        return list(self.again(self.answers.unstable, "unstable", select))

    @property
    def aggregates(self) -> frozenset[str]:
        return frozenset(self.answers.aggregates)

    @property
    def row_functions(self) -> frozenset[str]:
        return frozenset(self.answers.row_functions)


def path_of(name: str, schema: str | None) -> str:
    return name if schema is None else f"{schema}.{name}"


def listed(types: Sequence[DatabaseType]) -> str:
    return ", ".join(map(str, types))
