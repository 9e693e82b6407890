"""`st.sql`: a SELECT as a query, kept up to date like those that are written in Python."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar, overload

from stepping.compiler.frontend.signature import check_name
from stepping.compiler.pipeline import Query
from stepping.compiler.plan.capture import IMMEDIATE, Captured
from stepping.compiler.plan.database import Database, KnownTable
from stepping.compiler.plan.graph import AnyGraph, Graph, Program
from stepping.compiler.sql.text import Text
from stepping.errors import QueryError

if TYPE_CHECKING:
    from stepping.compiler.plan.manifest import Manifest
    from stepping.compiler.plan.migration import Hints, Migration, MigrationStatement
    from stepping.compiler.plan.recompute import Recompute
    from stepping.compiler.plan.sql_plan import SQLPlan
    from stepping.compiler.schema import ValueType
    from stepping.compiler.sql.views import View
    from stepping.compiler.zset import ZSet

R = TypeVar("R")


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
                        hint=f"cast it in the SELECT: {column.name}::text",
                    )
        return made

    def check_dialect(self, dialect: str) -> None:
        if dialect != self.dialect:
            raise QueryError(
                f"the query {self.name!r} is in the SQL of {self.dialect}, not of {dialect}",
                where=self.where,
                hint="give the SELECT to st.sql again, and open it on the other database",
            )

    def reference(self, *, allow_negative: bool = False) -> NoReturn:
        no_python(self.name)


def no_python(name: str) -> NoReturn:
    raise QueryError(
        f"the query {name!r} is in SQL, whose expressions only a database can evaluate",
        hint='open a store in memory: StoreSQLite.from_graph(sqlite3.connect(":memory:"), graph)',
    )


@dataclass(eq=False, repr=False)
class SQLQuery(Graph[Any, *tuple[Any, ...]], Generic[R]):
    """A SELECT whose tables and types are asked of the database when a store is opened."""

    view: View
    name: str
    refresh: str | None = IMMEDIATE
    on_error: str | None = None
    into: type[R] | None = None
    _bound: Query[Any, *tuple[Any, ...]] | None = None

    @property
    def captured(self) -> Captured | None:  # type: ignore[override]
        return None if self.refresh is None else self.known.captured

    def __repr__(self) -> str:
        return f"<SQLQuery {self.name}>"

    def bound(self, database: Callable[[], Database]) -> AnyGraph:
        from stepping.compiler.sql.compiling import bind

        self._bound = bind(self.view, self, database())
        return self._bound

    def rows(self, store: Any) -> ZSet[R]:
        """The rows of the result, each with how often it is there; read when it is iterated."""
        found: ZSet[R] = store.cache_zset(self)
        return found

    # -- what a compiled query is asked ---------------------------------------------------------

    @property
    def known(self) -> Query[Any, *tuple[Any, ...]]:
        if self._bound is None:
            raise QueryError(
                f"the tables of the query {self.name!r} are not known yet",
                where=self.view.select.name,
                hint="open a store for it, or give its tables: st.sql(..., tables=metadata)",
            )
        return self._bound

    @property
    def input_names(self) -> tuple[str, ...]:
        return self.known.input_names

    @property
    def input_types(self) -> tuple[ValueType, ...]:
        return self.known.input_types

    @property
    def output_types(self) -> tuple[ValueType, ...]:
        return self.known.output_types

    @property
    def cache_names(self) -> Mapping[object, str]:
        return {self: self.name}

    def cache_type(self, name: str) -> ValueType:
        return self.known.cache_type(name)

    def program(self, dialect: str, **options: Any) -> Program:
        return self.known.program(dialect, **options)

    def plan_key(self, dialect: str, **options: Any) -> str:
        return self.known.plan_key(dialect, **options)

    def restored(self, plan: SQLPlan, **options: Any) -> Program | None:
        return self.known.restored(plan, **options)

    def recompute(self, dialect: str, **options: Any) -> tuple[Recompute, Sequence[Any]]:
        return self.known.recompute(dialect, **options)

    def migration(
        self,
        dialect: str,
        old: Manifest | None,
        others: Sequence[Manifest],
        hints: Hints,
        **options: Any,
    ) -> Migration:
        return self.known.migration(dialect, old, others, hints, **options)

    def undo(
        self, migration: Migration, recompute: Recompute | None, renames: Mapping[str, str]
    ) -> tuple[tuple[MigrationStatement, ...], str]:
        return self.known.undo(migration, recompute, renames)

    def reference(self, *, allow_negative: bool = False) -> NoReturn:
        no_python(self.name)


@overload
def sql(
    text: str,
    *,
    name: str | None = ...,
    into: None = ...,
    refresh: str | None = ...,
    on_error: str | None = ...,
) -> SQLQuery[Any]: ...
@overload
def sql(
    text: str,
    *,
    name: str | None = ...,
    into: type[R],
    refresh: str | None = ...,
    on_error: str | None = ...,
) -> SQLQuery[R]: ...
def sql(
    text: str,
    *,
    name: str | None = None,
    into: type[Any] | None = None,
    refresh: str | None = IMMEDIATE,
    on_error: str | None = None,
) -> SQLQuery[Any]:
    """A SELECT as a query: its result is kept up to date under its name.

    ``text`` is a SELECT, or ``CREATE MATERIALIZED VIEW name AS SELECT ...``, in the words of the
    database that a store of it is opened on. There its tables, columns and types are looked up; it
    means what it means there. Its rows are named tuples, or of the row class ``into``, whose fields
    are the SELECT's columns: see `SQLQuery.rows`.

    The result follows the tables, whoever writes to them, as `st.compile` says of ``refresh`` and
    ``on_error``. With ``refresh=None`` they are not looked at: changes are given to `st.actions`.
    """
    # sqlglot takes as long to import as the rest twice over.
    from stepping.compiler.sql.views import one_view

    caller = sys._getframe(1)
    place = f"{caller.f_code.co_filename}:{caller.f_lineno}"
    if not isinstance(text, str):
        raise QueryError(f"st.sql expects a SELECT as a text, got {type(text).__name__}")
    view = one_view(Text(text, place), name)
    check_name(view.name, sql)
    return SQLQuery(view, view.name, refresh, on_error, into)
