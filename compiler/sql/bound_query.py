"""A query in SQL as it is on a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

from stepping.compiler.pipeline import Query
from stepping.compiler.plan.database import KnownTable
from stepping.compiler.plan.graph import IN_A_FILE
from stepping.errors import QueryError


class Unbound(Protocol):
    """What is known of a query before a database is asked: see `SQLQuery`."""

    refresh: str | None
    on_error: str | None
    into: Any
    way: str
    names: str


@dataclass(eq=False, repr=False)
class BoundQuery(Query[Any, *tuple[Any, ...]]):
    """A SQL query as it is on a database: its tables, columns and types are known."""

    unbound: Any = None
    tables: Mapping[str, KnownTable] = field(default_factory=dict)  # by the name of an input
    dialect: str = ""

    def program(self, dialect: str, **options: Any) -> Any:
        self.check_dialect(dialect)
        made = super().program(dialect, **options)
        for each in made.plan.tables:
            for column in each.table.columns:
                native = column.type.native
                if native is not None and native.fault:
                    raise QueryError(
                        f"the column {column.name} is of type {native.name}, and rows of it would "
                        f"be kept: {native.fault}",
                        where=self.where,
                        hint="leave it out of the SELECT, or make a number or a text of it there",
                    )
        return made

    def check_dialect(self, dialect: str) -> None:
        if dialect != self.dialect:
            raise QueryError(
                f"the query {self.name!r} is in the SQL of {self.dialect}, not of {dialect}",
                where=self.where,
                hint="give the command a database of that kind"
                if self.unbound.way == IN_A_FILE
                else f"give the SELECT to {self.unbound.way} again, for the other database",
            )

    def reference(self, *, allow_negative: bool = False) -> NoReturn:
        no_python(self.name)


def no_python(name: str) -> NoReturn:
    raise QueryError(
        f"the query {name!r} is in SQL, whose expressions only a database can evaluate",
        hint='open a store in memory: StoreSQLite.from_graph(sqlite3.connect(":memory:"), graph)',
    )
