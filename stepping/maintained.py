"""`MaintainedView`: a result that is kept up to date, as SQLAlchemy says a view.

It is made with the tables of a `MetaData` by ``create_all``, behind them, and dropped in front by
``drop_all``; its table can be selected from, joined, and mapped by an ORM class that only reads.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar, TypeVarTuple, overload

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Mapper

from stepping.autogenerate import tell_alembic
from stepping.compiler.plan.graph import AnyGraph
from stepping.compiler.schema import Atom, Kind, Struct, relation_name, schema_of, shown_names
from stepping.compiler.sql.composed import VIEW, is_select
from stepping.compiler.sql.query import sql
from stepping.compiler.zset import ZSet
from stepping.errors import CaptureError, QueryError, SchemaMismatch, SteppingError, StoreError
from stepping.runtime import catalog
from stepping.runtime.store import StoreSQL
from stepping.runtime.stores import StorePostgres, StoreSQLite, driver_for
from stepping.runtime.uninstall import uninstall

R = TypeVar("R")
Ts = TypeVarTuple("Ts")

REGISTERED = "stepping_views"  # in the info of a MetaData: its views by the name of their query
_BELOW = ("stepping.", "sqlalchemy.", "contextlib")  # modules between us and who calls create_all
_STORES: dict[str, type[StoreSQL]] = {"sqlite": StoreSQLite, "postgresql": StorePostgres}


class MaintainedView(Generic[R]):
    """A SELECT whose rows are kept: ``MaintainedView(select(...), "revenue", metadata=...)``.

    ``metadata.create_all`` makes it behind the tables that it reads, with their triggers, and fills
    it; one that is there is left as it is, with a warning if the SELECT has changed (`stepping
    migrate` and Alembic change it). ``metadata.drop_all`` takes it away before them. ``table`` is a
    `Table` with the columns of the SELECT. It is in no `MetaData` of the application, for which it
    would be one more table to create. An ORM class is mapped on it with
    ``__table__ = view.table``, and is read-only.

    ``refresh`` and ``on_error`` are those of `st.compile`. ``primary_key`` names the columns that
    tell a row from the others, which a mapped class needs; by default the columns of GROUP BY, or
    the key of the only table. ``scans=True`` lets tables without an index be read whole.

    A SELECT may read the table of another view.
    """

    @overload
    def __init__(
        self: MaintainedView[tuple[*Ts]],
        selectable: sa.Select[*Ts],
        name: str,
        *,
        metadata: Any,
        refresh: str = ...,
        on_error: str | None = ...,
        primary_key: Sequence[str] = ...,
        scans: bool = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: MaintainedView[Any],
        selectable: Any,
        name: str,
        *,
        metadata: Any,
        refresh: str = ...,
        on_error: str | None = ...,
        primary_key: Sequence[str] = ...,
        scans: bool = ...,
    ) -> None: ...
    def __init__(
        self,
        selectable: Any,
        name: str,
        *,
        metadata: Any,
        refresh: str = "immediate",
        on_error: str | None = None,
        primary_key: Sequence[str] = (),
        scans: bool = False,
    ) -> None:
        if not is_select(selectable):
            raise QueryError(
                f"MaintainedView expects a select(), got {type(selectable).__name__}",
                hint="of a query function: graph.view(cache); of a text: st.sql(...)",
            )
        known = metadata_of(metadata)
        options: dict[str, Any] = {"refresh": refresh, "on_error": on_error}
        self.name = name
        self.graph: Any = sql(selectable, name=name, tables=known, **options)
        caller = sys._getframe(1)
        self.graph.where = f"{caller.f_code.co_filename}:{caller.f_lineno}"
        self.scans = scans
        self.graph.scans, self.graph.way = scans, "st.MaintainedView"
        columns = [(each.name, each.type) for each in selectable.exported_columns]
        keys = tuple(primary_key) or key_of(selectable)
        self.table = made_table(name, columns, keys)
        self.table.info[VIEW] = self.graph
        register(known, self)

    def rows(self, store: Any) -> ZSet[R]:
        """The rows of an open store, each with how often it is there."""
        found: ZSet[R] = self.graph.rows(store)
        return found

    def store(self, connection: Any) -> StoreSQL:
        """The store of the view on a connection where it is installed: to refresh or verify it."""
        return store_class(driver_name(connection)).from_graph(
            connection, self.graph, create_tables=False
        )

    def __repr__(self) -> str:
        return f"<MaintainedView {self.name}>"


class CacheView(MaintainedView[Any]):
    """A cache of a query function as a maintained view."""

    def __init__(self, name: str, graph: AnyGraph, table: sa.Table, *, scans: bool) -> None:
        self.name, self.graph, self.table, self.scans = name, graph, table, scans
        graph.scans = graph.scans or scans

    def rows(self, store: Any) -> ZSet[Any]:
        names = {relation_name(self.graph.name, n): c for c, n in self.graph.cache_names.items()}
        found: ZSet[Any] = store.cache_zset(names[self.name])
        return found


def view_of(
    graph: Any,
    cache: Any,
    metadata: Any,
    *,
    primary_key: Sequence[str] = (),
    scans: bool = False,
) -> MaintainedView[Any]:
    """What `Query.view` returns."""
    if graph.captured is None:
        raise QueryError(
            f"the inputs of {graph.name!r} are no tables of the application",
            where=graph.where,
            hint="cache.table(store) is a cache of such a query as a table",
        )
    names = {name: name for name in graph.cache_names.values()} | dict(graph.cache_names)
    if cache is None and len(graph.cache_names) == 1:
        (cache,) = graph.cache_names
    if cache not in names:
        raise QueryError(
            f"{cache!r} is not a cache of the query {graph.name!r}",
            where=graph.where,
            hint=f"its caches are {', '.join(graph.cache_names.values())}: graph.view(cache)",
        )
    name = names[cache]
    schema = schema_of(graph.cache_type(name))
    types = (shown_type(each.type) for each in schema.columns)
    columns = list(zip(shown_names(schema), types, strict=True))
    table = made_table(relation_name(graph.name, name), columns, primary_key)
    made = CacheView(table.name, graph, table, scans=scans)
    register(metadata_of(metadata) if metadata is not None else metadata_read(graph), made)
    return made


def metadata_of(given: Any) -> sa.MetaData:
    """A `MetaData`, or that of a class of the application."""
    found = getattr(given, "metadata", given)
    if not isinstance(found, sa.MetaData):
        raise QueryError(
            f"metadata= is {type(given).__name__}, not a MetaData",
            hint="metadata=Base.metadata",
        )
    return found


def metadata_read(graph: Any) -> sa.MetaData:
    """That of the mapped classes whose rows a query reads."""
    for each in graph.input_types:
        found = getattr(each.cls, "metadata", None) if isinstance(each, Struct) else None
        if isinstance(found, sa.MetaData):
            return found
    raise QueryError(
        f"no input of {graph.name!r} has rows of a mapped class",
        where=graph.where,
        hint="say which MetaData makes it: graph.view(cache, metadata=Base.metadata)",
    )


def made_table(
    name: str, columns: Iterable[tuple[str, Any]], primary_key: Sequence[str]
) -> sa.Table:
    made = list(columns)
    names = [each for each, _ in made]
    unknown = [each for each in primary_key if each not in names]
    if unknown:
        raise QueryError(
            f"primary_key names {', '.join(unknown)}, and {name} has no such column",
            hint=f"its columns are {', '.join(names)}",
        )
    parts = [sa.Column(n, kind, primary_key=n in primary_key) for n, kind in made]
    return sa.Table(name, sa.MetaData(), *parts, info={"is_view": True})


def key_of(select: Any) -> tuple[str, ...]:
    """The columns that tell a row of a SELECT from the others, where that is plain to see."""
    if not isinstance(select, sa.Select):
        return ()
    own = {each.name: element for each, element in _columns(select)}
    grouped = list(getattr(select, "_group_by_clauses", ()))
    if grouped:
        found = [name for name, element in own.items() for g in grouped if same(element, g)]
        return tuple(dict.fromkeys(found)) if len(found) == len(grouped) else ()
    sources = select.get_final_froms()
    if len(sources) == 1 and isinstance(sources[0], sa.Table) and not select._distinct:
        key = list(sources[0].primary_key.columns)
        found = [name for c in key for name, element in own.items() if same(element, c)]
        return tuple(found) if len(found) == len(key) else ()
    return ()


def _columns(select: Any) -> Iterable[tuple[Any, Any]]:
    return zip(select.exported_columns, select._all_selected_columns, strict=False)


def same(selected: Any, grouped: Any) -> bool:
    """Whether a selected column is what is grouped by: itself, or by its label."""
    inner = getattr(selected, "element", selected)
    return any(a.compare(b) for a in (selected, inner) for b in (grouped,))


def shown_type(atom: Atom) -> Any:
    """The SQLAlchemy type that reads a column of a cache's relation."""
    match atom.kind:
        case Kind.INT:
            return sa.BigInteger()
        case Kind.FLOAT:
            return sa.Float()
        case Kind.BOOL:
            return sa.Boolean()
        case Kind.DECIMAL:
            return sa.Numeric(scale=atom.scale)
        case Kind.BYTES | Kind.PACKED:
            return sa.LargeBinary()
        case Kind.DATE:
            return sa.Date()
        case Kind.DATETIME:
            return sa.DateTime()
        case Kind.TIMESTAMP:
            return sa.DateTime(timezone=True)
        case Kind.TIME:
            return sa.Time()
        case Kind.UUID:
            return sa.Uuid()
        case Kind.ENUM if atom.python is not None:
            return sa.Enum(atom.python, native_enum=False)
        case _:
            return sa.Text()


# -- made and dropped with the tables


def register(metadata: sa.MetaData, view: MaintainedView[Any]) -> None:
    """Have a view made and dropped with the tables of a `MetaData`."""
    tell_alembic()
    if REGISTERED not in metadata.info:
        metadata.info[REGISTERED] = {}
        event.listen(metadata, "after_create", create_views)
        event.listen(metadata, "before_drop", drop_views)
    views = metadata.info[REGISTERED]
    there = views.get(view.name)
    if there is not None and there.graph is not view.graph:
        raise QueryError(
            f"two maintained views of one MetaData are named {view.name!r}",
            hint="name one of them otherwise",
        )
    if view.name in metadata.tables:
        raise QueryError(
            f"{view.name!r} is a table of the MetaData", hint="name the view otherwise"
        )
    views[view.name] = view


def registered(metadata: sa.MetaData) -> list[MaintainedView[Any]]:
    """The views of a `MetaData`, one for each query, in the order in which they were said."""
    found: dict[str, MaintainedView[Any]] = {}
    for each in metadata.info.get(REGISTERED, {}).values():
        found.setdefault(each.graph.name, each)
    return list(found.values())


def create_views(target: sa.MetaData, connection: sa.Connection, **given: Any) -> None:
    """Behind ``create_all``: the views that are not there, of tables that are."""
    driver = driver_for(connection)
    installed = catalog.queries(driver)
    there = None
    for each in registered(target):
        if each.graph.name in installed:
            warn_of_change(each, connection)
            continue
        if there is None:
            there = set(sa.inspect(connection).get_table_names())
        if not set(read_by(each, target)) <= there:
            continue  # create_all(tables=[...]) has left them out
        cls = store_class(connection.dialect.name)
        cls.from_graph(connection, each.graph, scans=each.scans)


def warn_of_change(view: MaintainedView[Any], connection: Any) -> None:
    """Say so if what is installed of a view is not what the code says, or no longer whole."""
    try:
        view.store(connection)
        return
    except SteppingError as error:
        if isinstance(error, SchemaMismatch) and not isinstance(error, CaptureError):
            text = (
                f"the view {view.name!r} has changed in the code, and create_all leaves what is "
                "installed as it is: migrate it with `stepping migrate MODULE:NAME --db URL "
                "--apply`, or with Alembic's revision --autogenerate"
            )
        else:
            text = f"the view {view.name!r} is installed, and left as it is: {error}"
    frame, level = sys._getframe(), 1
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(_BELOW):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, stacklevel=level)


def drop_views(target: sa.MetaData, connection: sa.Connection, **given: Any) -> None:
    """Before ``drop_all``: the views of the tables that are dropped."""
    driver = driver_for(connection)
    installed = catalog.queries(driver)
    gone = {each.name for each in given.get("tables") or ()}
    for each in reversed(registered(target)):
        if each.graph.name in installed and (not gone or gone & set(read_by(each, target))):
            uninstall(driver, each.graph.name)


def read_by(view: MaintainedView[Any], metadata: sa.MetaData) -> list[str]:
    """The tables in the connection's own schema that a view reads."""
    if isinstance(view, CacheView):
        captured = view.graph.captured
        tables = captured.tables if captured is not None else ()
        return [table.name for _, table in tables if not table.schema]
    return names_read(view.graph.text)


def names_read(select: Any) -> list[str]:
    from sqlalchemy.sql.visitors import iterate

    found: list[str] = []
    for each in iterate(select):
        if isinstance(each, sa.Table):
            query = each.info.get(VIEW)
            if query is not None:
                found += names_read(query.text)
            elif not each.schema:
                found.append(each.name)
    return list(dict.fromkeys(found))


def driver_name(connection: Any) -> str:
    return "sqlite" if driver_for(connection).dialect == "sqlite" else "postgresql"


def store_class(name: str) -> type[StoreSQL]:
    if name not in _STORES:
        raise StoreError(
            f"there are no stores in {name}", hint="maintained views are for SQLite and Postgres"
        )
    return _STORES[name]


# -- mapped classes


@event.listens_for(Mapper, "mapper_configured")
def make_read_only(mapper: Any, cls: Any) -> None:
    """Let no session write to a view."""
    info = getattr(mapper.local_table, "info", {})
    if info.get("is_view") and isinstance(mapper.local_table, sa.Table):
        for what in ("before_insert", "before_update", "before_delete"):
            event.listen(cls, what, refuse)


def refuse(mapper: Any, connection: Any, target: Any) -> None:
    raise StoreError(
        f"{mapper.class_.__name__} is mapped on the maintained view {mapper.local_table.name}",
        hint="write to the tables that it is made of: it follows them",
    )
