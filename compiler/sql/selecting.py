"""What the parts of a SELECT ask of the whole: rows of other queries, and words of the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from stepping.compiler import ir
from stepping.compiler.plan.database import Database
from stepping.compiler.schema import Atom
from stepping.compiler.sql.clauses import Clauses
from stepping.compiler.sql.frames import Frame
from stepping.compiler.sql.parsing import Expression, Parsed
from stepping.compiler.sql.rows import Rows
from stepping.compiler.sql.scalars import Scalars
from stepping.compiler.sql.scopes import Bound, Ref, Source
from stepping.errors import QueryError


@dataclass(frozen=True)
class Env:
    """What a query is asked for: for each of some rows of the query around it, if any.

    ``outer`` has those rows, each once, under the columns that the query names.
    """

    outer: Frame | None = None

    @property
    def carried(self) -> tuple[Ref, ...]:
        """The columns by which rows of the query belong to those rows."""
        if self.outer is None:
            return ()
        return tuple(key for key in self.outer.places if isinstance(key, Ref))


@dataclass(frozen=True)
class Result:
    """The rows of a query: its outputs, then the columns by which they belong to outer rows."""

    rows: Rows
    width: int  # number of outputs
    names: tuple[str, ...]
    single: bool = False  # one row for each outer row, also where nothing is there to sum up
    nothing: tuple[ir.Scalar, ...] = ()  # its values there

    @property
    def outputs(self) -> tuple[ir.ColumnRef, ...]:
        return self.rows.columns[: self.width]

    @property
    def carried(self) -> tuple[ir.ColumnRef, ...]:
        return self.rows.columns[self.width :]


class Comparisons(Protocol):
    """What answers comparisons with all rows of a subquery: see `quantified`."""

    def valued(self, frame: Frame, node: Expression, base: Frame | None) -> Frame: ...
    def among(self, frame: Frame, node: Expression, values: Sequence[Expression]) -> Frame: ...


class Selecting(Protocol):
    """What makes the rows of the queries of one statement: see `select`."""

    parsed: Parsed
    bound: Bound
    database: Database
    scalars: Scalars
    clauses: Clauses
    of_ctes: dict[int, Result]

    @property
    def quantified(self) -> Comparisons: ...

    def error(
        self, message: str, node: Expression | None, hint: str | None = None
    ) -> QueryError: ...
    def query(self, node: Expression, env: Env) -> Result: ...
    def select(
        self,
        node: Expression,
        env: Env,
        where: Sequence[Expression],
        keys: Sequence[Expression],
    ) -> Result: ...
    def source(self, source: Source) -> Frame: ...
    def of_table(self, source: Source) -> Frame: ...
    def framed(self, source: Source, result: Result) -> Frame: ...
    def completed(self, result: Result, outer: Frame) -> Result: ...
    def column_of(self, ref: Ref, frame: Frame) -> ir.Scalar: ...
    def null(self, atom: Atom) -> ir.Scalar: ...
    def is_true(self, condition: ir.Scalar) -> ir.Scalar: ...
    def equal(self, a: ir.Scalar, b: ir.Scalar) -> ir.Scalar: ...
    def first_of(self, values: Sequence[ir.Scalar]) -> ir.Scalar: ...
    def alike(
        self, a: ir.Scalar, b: ir.Scalar, *, swapped: bool = False
    ) -> tuple[ir.Scalar, ir.Scalar] | None: ...
    def known_keys(self, rows: Rows, keys: Sequence[ir.Scalar]) -> Rows: ...
