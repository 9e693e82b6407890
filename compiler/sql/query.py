"""`st.sql`: a SELECT as a query, kept up to date like those that are written in Python."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar, TypeVarTuple, overload

from stepping.compiler.frontend.signature import check_name
from stepping.compiler.plan.capture import IMMEDIATE, Captured
from stepping.compiler.plan.database import Database
from stepping.compiler.plan.graph import IN_A_FILE, AnyGraph, Graph, Program, Tables
from stepping.compiler.plan.table_names import PLAIN, check_naming
from stepping.compiler.sql.bound_query import BoundQuery, no_python
from stepping.compiler.sql.composed import is_select
from stepping.compiler.sql.text import Text
from stepping.errors import QueryError

if TYPE_CHECKING:
    from sqlalchemy import MetaData, Select
    from sqlalchemy.sql.expression import SelectBase

    from stepping.compiler.plan.manifest import Manifest, SQLTable
    from stepping.compiler.plan.migration import Hints, Migration, MigrationStatement
    from stepping.compiler.plan.recompute import Recompute
    from stepping.compiler.plan.sql_plan import Section, SQLPlan
    from stepping.compiler.schema import ValueType
    from stepping.compiler.sql.views import View
    from stepping.compiler.zset import ZSet

R = TypeVar("R")
Ts = TypeVarTuple("Ts")


_GIVEN = (
    "open a store for it, or give its tables: st.sql(..., tables=metadata); on the command line "
)


@dataclass(eq=False, repr=False)
class SQLQuery(Graph[Any, *tuple[Any, ...]], Generic[R]):
    """A SELECT whose tables and types are asked of the database when a store is opened."""

    name: str
    where: str
    text: View | Any  # a view, or a select() of SQLAlchemy's
    refresh: str | None = IMMEDIATE
    on_error: str | None = None
    into: type[R] | None = None
    tables_of: Any = None  # a MetaData, where there is no database to ask
    # What a database said before, and that database; where there is none to ask.
    prepared: Any = None
    way: str = "st.sql"
    names: str = PLAIN  # how tables are named: see `st.compile`
    later: Callable[[], Database] | None = None
    _bound: BoundQuery | None = None
    _unasked: dict[str, BoundQuery] = field(default_factory=dict)

    @property
    def captured(self) -> Captured | None:  # type: ignore[override]
        return None if self.refresh is None else self.known.captured

    def __repr__(self) -> str:
        return f"<SQLQuery {self.name}>"

    def written(self, dialect: str) -> View:
        """The SELECT in the words of a dialect."""
        from stepping.compiler.sql.views import View

        if isinstance(self.text, View):
            return self.text
        from stepping.compiler.sql.composed import text_of, views_in
        from stepping.compiler.sql.file_views import FileView, composed

        view = View(self.name, Text(text_of(self.text, dialect, self.where), self.where))
        others = [each.written(dialect) for each in views_in(self.text)]
        if not others:
            return view
        files = [FileView(each, each.select) for each in others]
        return View(self.name, composed(FileView(view, view.select), files))

    def bound(self, database: Callable[[], Database]) -> AnyGraph:
        from stepping.compiler.sql.compiling import bind

        asked = database()
        self._bound = bind(self.written(asked.dialect), self, asked)
        self._bound.scans = self.scans
        return self._bound

    def on(self, dialect: str) -> BoundQuery:
        """The query as it is on the database of its store, or on one with its ``tables=``."""
        if self._bound is not None and (self._bound.dialect == dialect or self.tables_of is None):
            return self._bound
        if self.tables_of is None:
            return self.known
        if dialect not in self._unasked:
            from stepping.compiler.sql.compiling import bind
            from stepping.dialects import described_by

            asked = described_by(dialect, self.tables_of)
            self._unasked[dialect] = bind(self.written(dialect), self, asked)
        return self._unasked[dialect]

    def rows(self, store: Any) -> ZSet[R]:
        """The rows of the result, each with how often it is there; read when it is iterated."""
        found: ZSet[R] = store.cache_zset(self)
        return found

    # -- what a compiled query is asked ---------------------------------------------------------

    @property
    def known(self) -> BoundQuery:
        if self._bound is not None:
            return self._bound
        if self.tables_of is not None:
            return next(iter(self._unasked.values()), None) or self.on("sqlite")
        if self.later is not None:
            self.bound(self.later)
            return self.known
        raise QueryError(
            f"the tables of the query {self.name!r} are not known yet",
            where=self.where,
            hint=("" if self.way == IN_A_FILE else _GIVEN)
            + "--db URL, or --tables MODULE:BASE, or once stepping prepare --db URL",
        )

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

    def named_as(
        self,
        tables: Iterable[SQLTable],
        query: str = "",
        moved: Mapping[str, str] | None = None,
    ) -> AnyGraph:
        return self if self._bound is None else self._bound.named_as(tables, query, moved)

    def program(self, dialect: str, **options: Any) -> Program:
        made: Program = self.on(dialect).program(dialect, **options)
        return made

    def plan_key(self, dialect: str, **options: Any) -> str:
        return self.on(dialect).plan_key(dialect, **options)

    def restored(self, plan: SQLPlan, **options: Any) -> Program | None:
        return self.on(plan.dialect).restored(plan, **options)

    def recompute(self, dialect: str, **options: Any) -> tuple[Recompute, Sequence[Any]]:
        return self.on(dialect).recompute(dialect, **options)

    def migration(
        self,
        dialect: str,
        old: Manifest | None,
        others: Sequence[Manifest],
        hints: Hints,
        **options: Any,
    ) -> Migration:
        return self.on(dialect).migration(dialect, old, others, hints, **options)

    def undo(
        self, migration: Migration, recompute: Recompute | None, renames: Mapping[str, str]
    ) -> tuple[tuple[MigrationStatement, ...], str]:
        return self.on(migration.dialect).undo(migration, recompute, renames)

    def script(self, dialect: str, *, base: Tables | None = None) -> tuple[str, ...]:
        """The statements that opening a store runs, in order."""
        return self.on(dialect).script(dialect, base=base)

    def sections(self, dialect: str, *, base: Tables | None = None) -> tuple[Section, ...]:
        """The statements of `script`, by what they are for."""
        return self.on(dialect).sections(dialect, base=base)

    def metadata(self, dialect: str) -> MetaData:
        """Everything that the script creates, as a SQLAlchemy `MetaData`."""
        return self.on(dialect).metadata(dialect)

    def reference(self, *, allow_negative: bool = False) -> NoReturn:
        no_python(self.name)


@overload
def sql(
    text: Select[*Ts],
    *,
    name: str,
    into: None = ...,
    refresh: str | None = ...,
    on_error: str | None = ...,
    names: str = ...,
    tables: Any = ...,
) -> SQLQuery[tuple[*Ts]]: ...
@overload
def sql(text: str, *, into: type[R], tables: Mapping[str, ZSet[Any]]) -> ZSet[R]: ...
@overload
def sql(
    text: str | SelectBase,
    *,
    name: str | None = ...,
    into: None = ...,
    refresh: str | None = ...,
    on_error: str | None = ...,
    names: str = ...,
    tables: Any = ...,
) -> SQLQuery[Any]: ...
@overload
def sql(
    text: str | SelectBase,
    *,
    name: str | None = ...,
    into: type[R],
    refresh: str | None = ...,
    on_error: str | None = ...,
    names: str = ...,
    tables: Any = ...,
) -> SQLQuery[R]: ...
def sql(
    text: str | SelectBase,
    *,
    name: str | None = None,
    into: type[Any] | None = None,
    refresh: str | None = IMMEDIATE,
    on_error: str | None = None,
    names: str = PLAIN,
    tables: Any = None,
) -> Any:
    """A SELECT as a query: its result is kept up to date under its name.

    ``text`` is a SELECT, or ``CREATE MATERIALIZED VIEW name AS SELECT ...``, in the words of the
    database that a store of it is opened on; or a `select()` of SQLAlchemy's, of which the text is
    made then. There its tables, columns and types are looked up; it means what it means there. Its
    rows are named tuples, or of the row class ``into``, whose fields are the SELECT's columns: see
    `SQLQuery.rows`.

    The result follows the tables, whoever writes to them, as `st.compile` says of ``refresh`` and
    ``on_error``, and of ``names``. With ``refresh=None`` they are not looked at: changes are given
    to `st.actions`.

    ``tables``, a SQLAlchemy `MetaData`, says what the tables are where there is no database to ask:
    for `st.explain(graph, dialect="sqlite")` and `stepping ddl`.

    Inside a query function it is an operator: ``tables={"orders": orders}`` has the Z-sets that the
    SELECT reads, and ``into`` the class of its rows. The result is a Z-set, like that of any other.
    """
    if isinstance(tables, Mapping):
        from stepping.compiler.sql.operator import is_operator, over

        if is_operator(tables) and isinstance(text, str):
            return over(text, tables, into)
    caller = sys._getframe(1)
    place = f"{caller.f_code.co_filename}:{caller.f_lineno}"
    check_naming(names, place)
    known = getattr(tables, "metadata", tables)
    if isinstance(text, str):
        # sqlglot takes as long to import as the rest twice over.
        from stepping.compiler.sql.views import one_view

        view = one_view(Text(text, place), name)
        check_name(view.name, sql)
        return SQLQuery(view.name, place, view, refresh, on_error, into, known, names=names)
    if not is_select(text):
        raise QueryError(
            f"st.sql expects a SELECT as a text or as a select(), got {type(text).__name__}",
            where=place,
        )
    if name is None:
        raise QueryError(
            "the result of a select() has no name",
            where=place,
            hint='st.sql(select(...), name="revenue")',
        )
    check_name(name, sql)
    return SQLQuery(name, place, text, refresh, on_error, into, known, names=names)
