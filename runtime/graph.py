"""What the runtime asks of a compiled query. It never imports the compiler's phases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from stepping.compiler.plan.sql_plan import SQLPlan
from stepping.compiler.schema import Schema, ValueType
from stepping.compiler.zset import ZSet


class RowFunction(Protocol):
    """A row function that runs in Python."""

    @property
    def call(self) -> Callable[..., Any]: ...


class PythonStep(Protocol):
    """An operator that maps or filters a change in Python."""

    @property
    def inputs(self) -> Sequence[PythonStep]: ...

    @property
    def schema(self) -> Schema: ...

    def evaluate(self, *inputs: ZSet[Any]) -> ZSet[Any]: ...


class Program(Protocol):
    """A plan for one dialect, and its Python steps."""

    @property
    def plan(self) -> SQLPlan: ...

    @property
    def python_steps(self) -> Sequence[Any]: ...


class Reference(Protocol):
    """The plain meaning of a query, in memory."""

    def step(self, changes: Mapping[str, ZSet[Any]]) -> list[ZSet[Any]]: ...

    def cache(self, name: str) -> ZSet[Any]: ...


class Graph(Protocol):
    """A compiled query."""

    @property
    def name(self) -> str: ...

    @property
    def input_names(self) -> tuple[str, ...]: ...

    @property
    def input_types(self) -> tuple[ValueType, ...]: ...

    @property
    def output_types(self) -> tuple[ValueType, ...]: ...

    @property
    def snapshots(self) -> tuple[bool, ...]: ...

    @property
    def cache_names(self) -> Mapping[object, str]: ...

    def cache_type(self, name: str) -> ValueType: ...

    def program(
        self, dialect: str, *, allow_negative: bool = False, rewrites: bool = True
    ) -> Program: ...

    def reference(self, *, allow_negative: bool = False) -> Reference: ...
