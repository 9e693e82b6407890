"""compile: trace a query function; the phases behind it run when a dialect is known."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from operator import attrgetter
from typing import Any, NoReturn, TypeVar, TypeVarTuple, Unpack

from stepping.compiler import ir
from stepping.compiler.bounds import any_floats, ends_of, given_type
from stepping.compiler.frontend.base_rows import check_results
from stepping.compiler.frontend.declared import contradicts, declared_type
from stepping.compiler.frontend.index import Index
from stepping.compiler.frontend.keys import key_fields
from stepping.compiler.frontend.signature import call, check_name, inputs_of, place_of, shown
from stepping.compiler.frontend.tracing import Trace, at_raising_line, query_error, tracing
from stepping.compiler.lowering.planner import planner
from stepping.compiler.lowering.program import Options, restored
from stepping.compiler.operators.input import Input
from stepping.compiler.operators.stream import Cache
from stepping.compiler.plan.base_tables import BaseTable
from stepping.compiler.plan.capture import DEFERRED, FAIL, Captured, capturing, staged_name
from stepping.compiler.plan.data import FORMAT
from stepping.compiler.plan.graph import Graph, InputKey
from stepping.compiler.plan.sql_plan import Section, SQLPlan
from stepping.compiler.plan.table_names import DIGEST, NEW, PLAIN, TableNames, check_naming
from stepping.compiler.schema import Struct, ValueType, free_name
from stepping.errors import QueryError, RowFunctionError

if typing.TYPE_CHECKING:
    MaintainedView = Any  # `stepping.maintained.MaintainedView`, which is above this layer
    from sqlalchemy import MetaData

    from stepping.compiler.lowering.planned import Planned
    from stepping.compiler.lowering.program import Program
    from stepping.compiler.plan.database import Database
    from stepping.compiler.plan.manifest import Manifest, SQLTable
    from stepping.compiler.plan.migration import Hints, Migration, MigrationStatement
    from stepping.compiler.plan.recompute import Recompute
    from stepping.compiler.reference import Reference
    from stepping.compiler.zset import ZSet
    from stepping.errors import RowError

Tables = tuple[tuple[str, BaseTable], ...]
ProgramKey = tuple[str, bool, bool, Tables]
R_co = TypeVar("R_co", covariant=True)
Ts = TypeVarTuple("Ts")


@dataclass(eq=False, repr=False)
class Query(Graph[R_co, *Ts]):
    """A traced query: its named inputs, its outputs and its caches. What `compile` returns."""

    name: str
    inputs: tuple[ir.Operator, ...]
    outputs: tuple[ir.Operator, ...]
    caches: Mapping[str, ir.Operator]
    names_of_caches: Mapping[object, str]
    where: str
    python_steps: bool = True
    keep: frozenset[str] = frozenset()  # inputs that are stored whole
    captured: Captured | None = None  # how it follows its inputs, if they are tables
    stored_after: frozenset[str] = frozenset()  # inputs whose tables have a step's change before it
    keyed: Mapping[str, InputKey] = field(default_factory=dict)  # by input
    names: TableNames = NEW  # of the tables that are installed
    _programs: dict[tuple[str, bool, bool, Tables], Program] = field(
        default_factory=dict, repr=False
    )
    _named: dict[TableNames, dict[ProgramKey, Program]] = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        inputs = ", ".join(
            f"{name}: {each}" for name, each in zip(self.input_names, self.input_types, strict=True)
        )
        outputs = ", ".join(map(str, self.output_types))
        caches = f", caches {', '.join(self.caches)}" if self.caches else ""
        return f"<Query {self.name}({inputs}) -> {outputs}{caches}>"

    def staged(self) -> Query[R_co, *Ts]:
        return self._staged

    @cached_property
    def _staged(self) -> Query[R_co, *Ts]:
        assert self.captured is not None
        follows = replace(self.captured, refresh=DEFERRED, on_error=FAIL)
        names = TableNames(by_digest=self.names.by_digest)
        own: dict[str, Any] = {"names": names, "_programs": {}, "_named": {}}
        return replace(self, name=staged_name(self.name), captured=follows, **own)

    def named_as(
        self,
        tables: Iterable[SQLTable],
        query: str = "",
        moved: Mapping[str, str] | None = None,
    ) -> Query[R_co, *Ts]:
        names = self.names.of(tables, query or self.name, self.name, moved)
        if names == self.names:
            return self
        made = copy(self)
        made.names = names
        made.__dict__.pop("_staged", None)
        if names not in self._named:  # what was made before it was installed has those names too
            self._named[names] = {
                key: program
                for key, program in self._programs.items()
                if TableNames(by_digest=names.by_digest).of(program.plan.tables, "", "") == names
            }
        made._programs = self._named[names]
        return made

    @property
    def input_names(self) -> tuple[str, ...]:
        return tuple(each.label for each in self.inputs)

    @property
    def input_types(self) -> tuple[ValueType, ...]:
        """The types of rows that are given, with the bounds of their numbers."""
        return tuple(given_type(each.schema.type) for each in self.inputs)

    @property
    def output_types(self) -> tuple[ValueType, ...]:
        return tuple(each.schema.type for each in self.outputs)

    @property
    def cache_names(self) -> Mapping[object, str]:
        return self.names_of_caches

    @property
    def keys(self) -> Mapping[str, InputKey]:
        return self.keyed

    def cache_type(self, name: str) -> ValueType:
        return self.caches[name].schema.type

    def program(
        self,
        dialect: str,
        *,
        allow_negative: bool = False,
        rewrites: bool = True,
        base: Tables | None = None,
    ) -> Program:
        """The plan for a dialect; made once.

        ``base`` has a captured query's tables as the database describes them, by input.
        """
        key = (dialect, allow_negative, rewrites, self._base(dialect, base))
        if key not in self._programs:
            # sqlglot and SQLAlchemy take as long to import as the rest twice over, and a service
            # that runs an installed plan needs neither.
            from stepping.compiler.lowering.plan_sql import plan_sql
            from stepping.dialects import get_dialect

            made = plan_sql(
                self.name,
                self.outputs,
                self.caches,
                self.inputs,
                get_dialect(dialect),
                self.options(*key[1:]),
                self.captured,
            )
            self._remember(key, made)
        return self._programs[key]

    def _base(self, dialect: str, base: Tables | None) -> Tables:
        """The tables of a captured query; where there is no database to ask, as they would be."""
        if self.captured is None:
            return ()
        if base is None:
            from stepping.compiler.lowering.in_place import assumed
            from stepping.dialects import get_dialect

            return tuple((i.label, assumed(i, get_dialect(dialect))) for i in self.inputs)
        return base

    def planned(
        self,
        dialect: str,
        *,
        allow_negative: bool = False,
        rewrites: bool = True,
        base: Tables | None = None,
    ) -> Planned:
        """What is kept on a dialect, before it is a plan: what tables are filled from."""
        from stepping.compiler.lowering.planned import planned
        from stepping.dialects import filling_dialect, get_dialect

        options = self.options(allow_negative, rewrites, self._base(dialect, base))
        named = get_dialect(dialect) if self.captured is None else filling_dialect(dialect)
        return planned(self.name, self.outputs, self.caches, self.inputs, named, options)

    def recompute(
        self,
        dialect: str,
        *,
        allow_negative: bool = False,
        rewrites: bool = True,
        base: Tables | None = None,
    ) -> tuple[Recompute, Sequence[Any]]:
        """How the tables are computed anew from the stored inputs; and the Python steps of that."""
        from stepping.compiler.lowering.recomputing import recompute_of

        options = {"allow_negative": allow_negative, "rewrites": rewrites}
        return recompute_of(self.planned(dialect, **options, base=base))

    def migration(
        self,
        dialect: str,
        old: Manifest | None,
        others: Sequence[Manifest],
        hints: Hints,
        *,
        allow_negative: bool = False,
    ) -> Migration:
        """From what is installed to this query."""
        from stepping.compiler.migrate.batched import migration_of

        plan = self.program(dialect, allow_negative=allow_negative).plan
        planned = self.planned(dialect, allow_negative=allow_negative)
        return migration_of(planned, plan, old, others, hints)

    def undo(
        self, migration: Migration, recompute: Recompute | None, renames: Mapping[str, str]
    ) -> tuple[tuple[MigrationStatement, ...], str]:
        """The way back of a migration, or why there is none."""
        from stepping.compiler.migrate.undo import undo_of

        allow_negative = migration.new.allow_negative
        planned = self.planned(migration.dialect, allow_negative=allow_negative)
        return undo_of(migration, recompute, renames, planned)

    def options(self, allow_negative: bool, rewrites: bool, base: Tables) -> Options:
        return Options(allow_negative, rewrites, self.keep, base, self.stored_after, self.names)

    def _remember(self, key: ProgramKey, made: Program) -> None:
        if not self.python_steps:
            for operator in made.python_steps:
                refuse(operator, key[0])
        self._programs[key] = made

    def plan_key(
        self,
        dialect: str,
        *,
        allow_negative: bool = False,
        rewrites: bool = True,
        base: Tables | None = None,
    ) -> str:
        """What has to be the same for a stored plan to be the one that `program` would make."""
        roots = (*self.outputs, *self.caches.values(), *self.inputs)
        # Names of columns as well: what two operators that mean the same are read by.
        known = tuple((each.digest, each.schema.names) for each in ir.topological(*roots))
        roots_at = tuple(each.digest for each in roots)
        stored = (tuple(sorted(self.keep)), tuple(sorted(self.stored_after)))
        # Types are equal whatever their ranges; tables are not.
        ranges = tuple(
            ends_of(column.type) for each in self.inputs for column in each.schema.columns
        )
        names = (self.name, tuple(self.caches), stored, *(ranges if any(ranges) else ()))
        options = (dialect, allow_negative, rewrites, FORMAT, planner())
        follows = () if self.captured is None else (self.captured, self._base(dialect, base))
        return ir.digest_of((known, roots_at, names, options, *follows)).hex()

    def restored(
        self,
        plan: SQLPlan,
        *,
        allow_negative: bool = False,
        rewrites: bool = True,
        base: Tables | None = None,
    ) -> Program | None:
        """The program of a stored plan with the same `plan_key`, without planning it anew."""
        key = (plan.dialect, allow_negative, rewrites, self._base(plan.dialect, base))
        if key not in self._programs:
            roots = (*self.outputs, *self.caches.values(), *self.inputs)
            options = self.options(*key[1:])
            made = restored(plan, roots, len(self.outputs), options)
            if made is None:
                return None
            self._remember(key, made)
        return self._programs[key]

    def script(self, dialect: str, *, base: Tables | None = None) -> tuple[str, ...]:
        """The statements that ``create_tables=True`` runs, in order; each may be run again.

        ``base`` has the tables of a captured query as the database describes them, by input.
        """
        sections = self.sections(dialect, base=base)
        return tuple(text for each in sections for text in each.statements)

    def sections(self, dialect: str, *, base: Tables | None = None) -> tuple[Section, ...]:
        """The statements of `script`, by what they are for."""
        from stepping.dialects.installation import sections_of

        return sections_of(self.program(dialect, base=base).plan)

    def metadata(self, dialect: str) -> MetaData:
        """Everything that the script creates, as a SQLAlchemy `MetaData`: for Alembic.

        Tables, columns, constraints and indexes of the query, and our own tables. From here on
        Alembic does not propose to drop tables that are installed: see docs/alembic.md.
        """
        from stepping.dialects import get_dialect
        from stepping.dialects.alembic import tell_alembic

        tell_alembic()
        made: MetaData = get_dialect(dialect).plan_metadata(self.program(dialect).plan)
        return made

    def view(self, cache: Any = None, *, metadata: Any = None, **options: Any) -> MaintainedView:
        """A cache as a `MaintainedView`: a table to select from and to map, which
        ``metadata.create_all`` makes with the query.

        ``cache`` is a `Cache` or its name, and may be left out where the query has one only.
        ``metadata`` is that of the mapped classes whose rows the query reads, unless it is given.
        """
        from importlib import import_module

        made: MaintainedView = import_module("stepping.maintained").view_of(
            self, cache, metadata, **options
        )
        return made

    def fault(self, changes: Mapping[str, ZSet[Any]]) -> RowError | None:
        from stepping.compiler.reference import fault

        return fault((*self.outputs, *self.caches.values()), changes)

    def reference(self, *, allow_negative: bool = False) -> Reference:
        """The plain meaning of the query, in memory."""
        from stepping.compiler.reference import Reference

        return Reference(self.outputs, self.caches, self.inputs, allow_negative)


@dataclass(eq=False, repr=False)
class UnboundQuery(Query[R_co, *Ts]):
    """A query function with SELECTs in it, whose types only a database can say.

    It is traced again for each database. Without one, what is known of the dialect has to do.
    """

    again: Callable[[Database], Query[R_co, *Ts]] = field(kw_only=True)
    _bound: tuple[str, Query[R_co, *Ts]] | None = None
    _unasked: dict[str, Query[R_co, *Ts]] = field(default_factory=dict)

    def bound(self, database: Callable[[], Database]) -> Query[R_co, *Ts]:
        asked = database()
        made = self.again(asked)
        made.scans = self.scans
        self._bound = (asked.dialect, made)
        return made

    def on(self, dialect: str) -> Query[R_co, *Ts]:
        """The query as it is on the database of its store, or on one without tables."""
        if self._bound is not None and self._bound[0] == dialect:
            return self._bound[1]
        if dialect not in self._unasked:
            from sqlalchemy import MetaData

            from stepping.dialects import described_by

            self._unasked[dialect] = self.again(described_by(dialect, MetaData()))
        return self._unasked[dialect]

    @property
    def keys(self) -> Mapping[str, InputKey]:
        return self.keyed if self._bound is None else self._bound[1].keyed

    @property
    def cache_names(self) -> Mapping[object, str]:
        known = {} if self._bound is None else self._bound[1].names_of_caches
        return {**self.names_of_caches, **known}

    def program(self, dialect: str, **options: Any) -> Program:
        return self.on(dialect).program(dialect, **options)

    def planned(self, dialect: str, **options: Any) -> Planned:
        return self.on(dialect).planned(dialect, **options)

    def plan_key(self, dialect: str, **options: Any) -> str:
        return self.on(dialect).plan_key(dialect, **options)

    def restored(self, plan: SQLPlan, **options: Any) -> Program | None:
        return self.on(plan.dialect).restored(plan, **options)

    def staged(self) -> Query[R_co, *Ts]:
        assert self._bound is not None
        return self._bound[1].staged()

    def named_as(
        self,
        tables: Iterable[SQLTable],
        query: str = "",
        moved: Mapping[str, str] | None = None,
    ) -> Query[R_co, *Ts]:
        return self if self._bound is None else self._bound[1].named_as(tables, query, moved)

    def reference(self, *, allow_negative: bool = False) -> NoReturn:
        raise QueryError(
            f"the query {self.name!r} has SELECTs, whose expressions only a database can evaluate",
            where=self.where,
            hint='a store in memory: StoreSQLite.from_graph(sqlite3.connect(":memory:"), graph)',
        )


def compile(
    query: Callable[[Unpack[Ts]], R_co],
    *,
    name: str | None = None,
    python_steps: bool = True,
    keep: Mapping[str, str] | None = None,
    refresh: str | None = None,
    on_error: str | None = None,
    names: str = PLAIN,
) -> Query[R_co, *Ts]:
    """Trace a query function into a graph that a store can run.

    ``name`` starts the names of its tables; the default is the function's own. With
    ``python_steps=False`` a row function that cannot become SQL is an error.
    ``keep={"products": "all"}`` stores that input whole, with columns that nothing reads yet, so
    that later versions of the query can be filled from it.

    Where the inputs' rows are those of tables of the application, the query is *captured*:
    ``refresh="immediate"``, the default, keeps its results right from the commit of a write on;
    with ``"deferred"`` what is written is folded in when the results are refreshed. ``on_error``
    says what becomes of a write whose change cannot be folded in: ``"fail"``, the default, makes it
    fail; ``"stale"`` lets it be and marks the results as stale.

    ``names="digest"`` ends the names of the tables that are kept with digits of what they hold, so
    that a name tells two versions of a table apart. What is installed keeps its names either way.

    Raises `QueryError` for a query that cannot mean anything, at its line.
    """
    if not callable(query):
        raise QueryError(
            f"st.compile expects a query function, got {type(query).__name__}",
            hint="def query(products: st.ZSet[Product]) -> st.ZSet[Product]: ...",
        )

    check_naming(names, place_of(query))

    def traced_on(database: Database | None) -> tuple[Query[R_co, *Ts], bool]:
        made, unbound = traced(query, name, python_steps, keep or {}, refresh, on_error, database)
        made.names = TableNames(by_digest=names == DIGEST)
        return made, unbound

    graph, unbound = traced_on(None)
    if not unbound:
        return graph
    # Its SELECTs are bound where there is a database to ask: then the function is traced again.
    parts = {each.name: getattr(graph, each.name) for each in fields(graph) if each.init}
    return UnboundQuery(**parts, again=lambda database: traced_on(database)[0])


def traced(
    query: Callable[[Unpack[Ts]], R_co],
    name: str | None,
    python_steps: bool,
    keep: Mapping[str, str],
    refresh: str | None,
    on_error: str | None,
    database: Database | None,
) -> tuple[Query[R_co, *Ts], bool]:
    """The graph of a query function, and whether it has SELECTs that no database was asked of."""
    # Nobody looks at what is written to a table of the application's.
    inputs = tuple(
        Input(label, rows if table is None else any_floats(rows), table)
        for label, rows, table in inputs_of(query)
    )
    tables = [(each.label, each.table) for each in inputs]
    captured = capturing(tables, place_of(query), refresh, on_error)
    called = name or getattr(query, "__name__", "query").strip("<>")
    with tracing(python_steps=python_steps, database=database) as trace, at_raising_line():
        returned = call(query, {each.label: ir.Traced(each) for each in inputs})
    outputs = outputs_of(query, returned, has_caches=bool(trace.caches))
    for each in (called, *(given for _, given, _ in trace.caches if given is not None)):
        check_name(each, query)
    caches, names = caches_of(trace)
    for cache, operator in ((each, op) for each, _, op in trace.caches):
        check_declared(cache, names[cache], operator)
    for position, output in enumerate(outputs):
        check_results(f"output {position + 1} of {shown(query)}", output.schema.type)
    for cache, operator in caches.items():
        check_results(f"the cache {cache!r}", operator.schema.type)
    for operator in ir.topological(*outputs, *caches.values()):
        check_rows(operator)
        if not operator.inputs and not isinstance(operator, Input):
            operator.evaluate()  # raises: it stands for rows that are known inside a function only
    kept = kept_inputs(keep, inputs, query)
    keyed = {} if captured is not None else keyed_inputs(inputs, caches, names)
    graph: Query[R_co, *Ts] = Query(
        called, inputs, outputs, caches, names, place_of(query), python_steps, kept, captured
    )
    graph.keyed = keyed
    if not python_steps:
        for operator in ir.topological(*outputs, *caches.values()):
            refuse(operator)
    return graph, trace.unbound


def compile_lazy(
    query: Callable[[Unpack[Ts]], R_co],
    *,
    name: str | None = None,
    python_steps: bool = True,
    keep: Mapping[str, str] | None = None,
    refresh: str | None = None,
    on_error: str | None = None,
    names: str = PLAIN,
) -> Callable[[], Query[R_co, *Ts]]:
    """A function that compiles the query when it is first called, and returns the same after."""
    made: list[Query[R_co, *Ts]] = []

    def graph() -> Query[R_co, *Ts]:
        if not made:
            options: dict[str, Any] = {"refresh": refresh, "on_error": on_error, "names": names}
            made.append(compile(query, name=name, python_steps=python_steps, keep=keep, **options))
        return made[0]

    return graph


def kept_inputs(
    keep: Mapping[str, str], inputs: tuple[Input, ...], query: Callable[..., Any]
) -> frozenset[str]:
    """The inputs that ``keep=`` asks to store whole."""
    names = [each.label for each in inputs]
    for name, what in keep.items():
        if name not in names or what != "all":
            raise QueryError(
                f"keep={{{name!r}: {what!r}}} names no input, or not what to keep of it",
                where=place_of(query),
                hint=f'the inputs are {", ".join(names)}; keep={{"{names[0]}": "all"}}',
            )
    return frozenset(keep)


def keyed_inputs(
    inputs: tuple[Input, ...], caches: dict[str, ir.Operator], names: dict[object, str]
) -> dict[str, InputKey]:
    """The inputs whose rows have a key, each kept whole in a cache that is looked up by it."""
    found = {}
    for each in inputs:
        fields = key_fields(each.type)
        if fields and isinstance(each.type, Struct):
            index: Index[Any, Any] = Index.pick(each.type.cls, attrgetter(*fields))
            name = free_name(f"{each.label}_by_key", set(caches))
            cache: Cache[Any] = Cache(name)
            directions = (index.column_ascending,)
            caches[name] = ir.Integrate(each, (index.function,), directions, origin=each.origin)
            names[cache] = name
            found[each.label] = InputKey(fields, index, cache)
    return found


def outputs_of(
    query: Callable[..., Any], returned: object, *, has_caches: bool
) -> tuple[ir.Operator, ...]:
    """The operators that a query function returned; none where its caches are all it is for."""
    if returned is None and has_caches:
        return ()
    several = returned if isinstance(returned, tuple) else (returned,)
    if not several or not all(isinstance(each, ir.Traced) for each in several):
        kinds = ", ".join(type(each).__name__ for each in several) or "an empty tuple"
        raise QueryError(
            f"{shown(query)} returns {kinds}, not a Z-set or a tuple of Z-sets",
            where=place_of(query),
            hint="return what an operator returned, for example st.join(...)",
        )
    return tuple(each.operator for each in several if isinstance(each, ir.Traced))


def caches_of(trace: Trace) -> tuple[dict[str, ir.Operator], dict[object, str]]:
    """The caches of a query by name: their own, or ``cache``, ``cache_2``, ..."""
    taken: set[str] = set()
    caches: dict[str, ir.Operator] = {}
    names: dict[object, str] = {}
    for cache, given, _ in trace.caches:
        if given is not None and given.lower() in taken:
            raise query_error(
                f"two caches are named {given!r}", "name them apart: st.Cache(name=...)"
            )
        if cache in names:
            raise query_error(
                f"the cache {names[cache]!r} is used twice in one query", "use a cache for each"
            )
        if given is not None:
            taken.add(given.lower())
            names[cache] = given
        else:
            names[cache] = ""
    for cache, given, operator in trace.caches:
        name = given if given is not None else free_name("cache", taken)
        names[cache] = name
        caches[name] = operator
    return caches, names


def check_declared(cache: object, name: str, operator: ir.Operator) -> None:
    """Raise where ``st.Cache[T]`` names another type than its rows have."""
    declared = declared_type(cache)
    if declared is not None and contradicts(declared, operator.schema.type):
        rows = operator.schema.type
        raise QueryError(
            f"the cache {name!r} is an st.Cache[{declared}], and its rows are {rows}",
            where=str(operator.origin) if operator.origin is not None else None,
            source=(operator.origin.text or None) if operator.origin is not None else None,
            hint=f"write st.Cache[{rows}], or map the rows to what it says",
        )


def check_rows(operator: ir.Operator) -> None:
    """Raise, at its line, for an operator whose rows cannot be stored."""
    try:
        _ = operator.schema
    except QueryError as error:
        if error.where is None and operator.origin is not None:
            error.where, error.source = str(operator.origin), operator.origin.text or None
        raise


def refuse(operator: ir.Operator, dialect: str | None = None) -> None:
    """Raise for a row function that runs in Python, where that was ruled out."""
    for function in operator.python_functions:
        fault = function.fault or function.source
        on = f" on {dialect}" if dialect else ""
        raise RowFunctionError(
            f"st.{operator.label} cannot be SQL{on}: {function.reason}; and python_steps=False",
            where=str(fault) if fault else None,
            source=fault.text if fault else None,
            hint="write it with what docs/row-functions.md lists, or allow Python steps",
        )
