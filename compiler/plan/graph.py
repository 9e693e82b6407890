"""What the runtime asks of a compiled query. It never imports the compiler's phases."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, TypeVarTuple

if TYPE_CHECKING:
    from stepping.compiler.plan.base_tables import BaseTable
    from stepping.compiler.plan.capture import Captured
    from stepping.compiler.plan.database import Database
    from stepping.compiler.plan.manifest import Manifest, SQLTable
    from stepping.compiler.plan.migration import Hints, Migration, MigrationStatement
    from stepping.compiler.plan.recompute import Recompute
    from stepping.compiler.plan.sql_plan import SQLPlan
    from stepping.compiler.schema import Schema, ValueType
    from stepping.compiler.zset import ZSet
    from stepping.errors import RowError

R_co = TypeVar("R_co", covariant=True)
Ts = TypeVarTuple("Ts")


class PythonStep(Protocol):
    """An operator that maps or filters a change in Python."""

    @property
    def inputs(self) -> Sequence[Any]: ...

    @property
    def schema(self) -> Schema: ...

    def evaluate(self, *inputs: ZSet[Any]) -> ZSet[Any]: ...


class Fold(PythonStep, Protocol):
    """An operator that collects values in Python."""

    @property
    def item(self) -> ValueType:
        """The type of a value, without None."""

    def given(self, columns: tuple[Any, ...]) -> Any:
        """None if the columns are those of no value."""

    def folded(
        self, n: int | None, old: bytes | None, changes: list[tuple[Any, int]]
    ) -> tuple[Any, ...]:
        """``n0, n1`` and the packed values before and after, from those before and a change."""


class Program(Protocol):
    """A plan for one dialect, and its Python steps."""

    @property
    def plan(self) -> SQLPlan: ...

    @property
    def python_steps(self) -> Sequence[Any]: ...


class Reference(Protocol):
    """The plain meaning of a query, in memory."""

    @property
    def turn(self) -> AbstractContextManager[object]:
        """Held by who steps or reads, where threads share it."""

    def step(
        self, changes: Mapping[str, ZSet[Any]], also: Callable[[], None] | None = None
    ) -> list[ZSet[Any]]:
        """What the changes of the outputs are; ``also`` is part of the step."""

    def cache(self, name: str) -> ZSet[Any]: ...


@dataclass(frozen=True)
class InputKey:
    """The key of an input's rows: its fields, an `Index`, and the cache that is read by it."""

    fields: tuple[str, ...]
    index: Any
    cache: object


IN_A_FILE = "file"  # of views: the way of a query that no call has made


class Graph(ABC, Generic[R_co, *Ts]):
    """A compiled query that returns ``R_co`` for inputs ``Ts``."""

    name: str
    captured: Captured | None  # how it follows its inputs, if they are tables
    way: str = "st.compile"  # what made it: for hints that say how an option is written there
    scans: bool = False  # tables without an index may be read whole: a `MaintainedView` says it

    @property
    def keys(self) -> Mapping[str, InputKey]:
        """How rows are found by their key, of each input whose rows have one."""
        return {}

    def saying(self, option: str, value: str) -> str:
        """How an option is written where the query is."""
        if self.way == IN_A_FILE:
            return f"-- stepping: {option}={value} above the view"
        return f"{self.way}(..., {option}={value!r})"

    @property
    def scanning(self) -> str:
        """How it is said that tables without an index may be read whole."""
        if self.way == IN_A_FILE:
            return f"{self.saying('scans', 'true')} (--allow-scans)"
        made = self.way if self.way == "st.MaintainedView" else "from_graph"
        return f"{made}(..., scans=True)"

    @property
    def naming(self) -> str:
        """How tables and columns are named where the query is."""
        if self.way != Graph.way:
            return "name in the SELECT what the database has: schema.table, column"
        return "name the table with table='schema.name', a column with st.Column('name')"

    def bound(self, database: Callable[[], Database]) -> AnyGraph:
        """The query as it is on a database, where that decides what it says."""
        return self

    def named_as(
        self,
        tables: Iterable[SQLTable],
        query: str = "",
        moved: Mapping[str, str] | None = None,
    ) -> AnyGraph:
        """The query with the names of tables that are installed of it; ``query`` is what it was
        called then, if not as it is now, and ``moved`` are digests as they were, by the new ones.
        """
        return self

    def staged(self) -> AnyGraph:
        """A captured query as it is installed beside what is there, filled while writers go on."""
        raise NotImplementedError

    @property
    @abstractmethod
    def input_names(self) -> tuple[str, ...]:
        """The names of the inputs, in the order of the query's arguments."""

    @property
    @abstractmethod
    def input_types(self) -> tuple[ValueType, ...]:
        """The type of each input's rows."""

    @property
    @abstractmethod
    def output_types(self) -> tuple[ValueType, ...]:
        """The type of each output's rows."""

    @property
    @abstractmethod
    def cache_names(self) -> Mapping[object, str]:
        """The name of each cache that the query function names."""

    @abstractmethod
    def cache_type(self, name: str) -> ValueType:
        """The type of a cache's rows."""

    @abstractmethod
    def program(
        self,
        dialect: str,
        *,
        allow_negative: bool = False,
        rewrites: bool = True,
        base: Tables | None = None,
    ) -> Program:
        """The plan for a dialect, and its Python steps."""

    @abstractmethod
    def plan_key(
        self,
        dialect: str,
        *,
        allow_negative: bool = False,
        rewrites: bool = True,
        base: Tables | None = None,
    ) -> str:
        """What has to be the same for a stored plan to be the one that `program` would make."""

    @abstractmethod
    def restored(
        self,
        plan: SQLPlan,
        *,
        allow_negative: bool = False,
        rewrites: bool = True,
        base: Tables | None = None,
    ) -> Program | None:
        """The program of a stored plan with the same `plan_key`; None if it does not fit."""

    @abstractmethod
    def recompute(
        self,
        dialect: str,
        *,
        allow_negative: bool = False,
        rewrites: bool = True,
        base: Tables | None = None,
    ) -> tuple[Recompute, Sequence[Any]]:
        """How the tables are computed anew from the stored inputs; and the Python steps of that."""

    @abstractmethod
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

    @abstractmethod
    def undo(
        self, migration: Migration, recompute: Recompute | None, renames: Mapping[str, str]
    ) -> tuple[tuple[MigrationStatement, ...], str]:
        """The way back of a migration, or why there is none."""

    def fault(self, changes: Mapping[str, ZSet[Any]]) -> RowError | None:
        """Which changed row a row function raises for, if it is the row of an input or made of one
        without any other; None if that cannot be said.
        """
        return None

    @abstractmethod
    def reference(self, *, allow_negative: bool = False) -> Reference:
        """The plain meaning of the query, in memory."""


Tables = tuple[tuple[str, "BaseTable"], ...]
AnyGraph = Graph[Any, *tuple[Any, ...]]
