"""What every database says of one table: its form, its rows, and its names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlglot import exp

from stepping.compiler.plan.tables import Table, TableColumn, TableIndex, TableKind, TableRange
from stepping.compiler.schema import INT, Atom, Kind
from stepping.dialects.identifiers import quoted
from stepping.dialects.writing import generator

Expression = Any  # a sqlglot expression: its classes are not typed


class TableRenderer(ABC):
    """One database's words for tables."""

    name: str
    sqlglot_name: str
    create_view = "CREATE VIEW IF NOT EXISTS"
    adds_checks = False  # to a table that is there

    def is_same_table(self, a: Table, b: Table) -> bool:
        """Whether a table can be made another by nothing but making and dropping indexes."""
        form = self.form(a)
        return set(a.columns) == set(b.columns) and form == self.form(b)

    def form(self, table: Table) -> tuple[Any, ...]:
        """What of a table cannot be changed without writing it anew."""
        return (
            self.identity(table),
            self.checks_count(table),
            tuple(self.table_options(table).items()),
            *(() if self.adds_checks else self.checked(table)),
        )

    @abstractmethod
    def identity(self, table: Table) -> tuple[str, ...]:
        """The columns of the primary key, if it has one."""

    @abstractmethod
    def identity_terms(self, table: Table) -> tuple[str, ...]:
        """What the index is of that tells a table's rows apart: no value of it is None."""

    @abstractmethod
    def table_options(self, table: Table) -> dict[str, Any]:
        """SQLAlchemy's options for a table."""

    @abstractmethod
    def source(self, table: Table) -> Expression:
        """The table in a FROM, an INSERT or a DELETE."""

    @abstractmethod
    def column_type(self, column: TableColumn) -> str:
        """The SQL type of a column."""

    @abstractmethod
    def table_ddl(self, table: Table) -> tuple[str, ...]:
        """The statements that create a kept table if it is not there."""

    def view_ddl(self, view: Table, rows: Expression) -> str:
        """The statement that creates a view of some rows if it is not there."""
        return f"{self.create_view} {self.quoted(view.name)} AS\n{self.text(rows)}"

    @abstractmethod
    def sqlalchemy_type(self, column: TableColumn) -> Any:
        """The SQLAlchemy type of a stored column."""

    def plain_indexes(self, table: Table) -> tuple[TableIndex, ...]:
        """The indexes over columns as they are."""
        return table.indexes

    @abstractmethod
    def allows_null(self, column: TableColumn) -> bool:
        """Whether a column of a kept table may be NULL."""

    def session_ddl(self, table: Table) -> tuple[str, ...]:
        """The statements that create a delta table for one connection if it is not there."""
        columns = [f"{self.quoted(c.name)} {self.column_type(c)}" for c in table.columns]
        if table.weight:
            weight = TableColumn(table.weight, INT)
            columns.append(f"{self.quoted(weight.name)} {self.column_type(weight)} NOT NULL")
        body = ",\n    ".join(columns)
        return (f"CREATE TEMP TABLE IF NOT EXISTS {self.quoted(table.name)} (\n    {body}\n)",)

    def temporary_ddl(self, table: Table) -> tuple[str, ...]:
        """The statements that create what has the form of a kept table, for one connection."""
        create, *others = self.table_ddl(table)
        made = create.replace("CREATE TABLE IF NOT EXISTS", "CREATE TEMP TABLE", 1)
        return (made, *(text for text in others if text.startswith("CREATE INDEX")))

    def drop_temporary(self, name: str) -> str:
        """The statement that drops a temporary table."""
        return f"DROP TABLE IF EXISTS {self.quoted(name)}"

    def delete_row(self, table: Table) -> str:
        """Deletes the row with some stored values: of a group by its key, else by all columns."""
        return self.text(exp.delete(self.source(table)).where(*self.is_row(table)))

    def find_row(self, table: Table) -> str:
        """Selects that row, with its count at the end."""
        names = (*table.names, table.weight or "")
        columns = (exp.column(self.identifier(name)) for name in names)
        return self.text(exp.select(*columns).from_(self.source(table)).where(*self.is_row(table)))

    def is_row(self, table: Table) -> list[Expression]:
        """Conditions that a row has the parameters' values, by an index."""
        is_state = table.kind is TableKind.STATE
        names = table.key if is_state else table.names
        values = [(name, self.parameter(i, table.column(name))) for i, name in enumerate(names, 1)]
        if is_state:
            return self.lookup(table, table.name, values, null_safe=True)
        return self.identical(table, table.name, values)

    def insert_row(self, table: Table) -> str:
        """Inserts a row of stored values, its count at the end."""
        columns = [*table.columns, TableColumn(table.weight or "", INT)]
        values = [self.parameter(i, column) for i, column in enumerate(columns, 1)]
        return self.text(self.insert(table, table.names, exp.select(*values)))

    def checks_count(self, table: Table) -> bool:
        """Whether a constraint of the table refuses counts below 0."""
        return table.non_negative

    def count_condition(self, table: Table) -> str:
        """What that constraint says."""
        return f"{self.quoted(table.weight or '')} >= 0"

    def checked(self, table: Table) -> tuple[TableRange, ...]:
        """The ranges that are constraints of a table."""
        return table.ranges if table.is_kept else ()

    def range_condition(self, table: Table, each: TableRange) -> str:
        """What the constraint of a range says."""
        column = table.column(each.column)
        value = self.loaded(table, column, exp.column(self.identifier(each.column)))
        read = {Kind.INT: int, Kind.FLOAT: float}.get(column.type.kind, Decimal)
        low, high = (
            self.range_end(read(end), column.type) if end else None for end in (each.low, each.high)
        )
        if low is not None and high is not None:
            return self.text(exp.Between(this=value, low=low, high=high))
        if low is not None:
            return self.text(exp.GTE(this=value, expression=low))
        return self.text(exp.LTE(this=value, expression=high))

    def range_end(self, value: Any, atom: Atom) -> Expression:
        """A number as it is compared with a stored value."""
        end = exp.Literal.number(f"{abs(value)}")
        return exp.Neg(this=end) if value < 0 else end

    @abstractmethod
    def loaded(self, table: Table, column: TableColumn, reference: Expression) -> Expression:
        """The value that a stored column stands for."""

    @abstractmethod
    def lookup(
        self,
        table: Table,
        alias: str,
        values: Sequence[tuple[str, Expression]],
        *,
        null_safe: bool,
    ) -> list[Expression]:
        """Conditions under which columns of ``table`` equal values, so that an index is used.

        ``null_safe``: None equals None, as for groups; else it matches nothing, as in joins.
        """

    def identical(
        self, table: Table, alias: str, values: Sequence[tuple[str, Expression]]
    ) -> list[Expression]:
        """Conditions under which a row of a delay table is the row with these values."""
        return self.lookup(table, alias, values, null_safe=True)

    def insert(self, table: Table, columns: Sequence[str], select: Expression) -> Expression:
        """``INSERT INTO table (columns) select``."""
        names = list(columns) + ([table.weight] if table.weight else [])
        into = exp.Schema(
            this=self.source(table), expressions=[self.identifier(name) for name in names]
        )
        return exp.Insert(this=into, expression=select)

    @abstractmethod
    def parameter(self, position: int, column: TableColumn) -> Expression:
        """A place for a value that is bound when the statement runs; counted from 1."""

    def differing_columns(self, table: Table) -> list[Expression]:
        """The columns of a table as its rows are told from those of another one of its form."""
        return [exp.column(self.identifier(name)) for name in table.names]

    def identifier(self, name: str) -> Expression:
        """A name, always quoted: a field may be called ``order`` or hold a quote."""
        return exp.Identifier(this=name, quoted=True)

    def column(self, name: str, alias: str = "") -> Expression:
        """A column of what is called so in a statement, as it is stored."""
        table = self.identifier(alias) if alias else None
        return exp.Column(this=self.identifier(name), table=table)

    def quoted(self, name: str) -> str:
        """A name as text."""
        return quoted(name)

    def text(self, tree: Expression, called: Mapping[str, str] | None = None) -> str:
        """SQL text; what the dialect cannot say is an error, never something else.

        ``called``: what tables are called in it, where it is not by their own names.
        """
        # Not copied: it changes none of the nodes that we use, and trees are large.
        return str(generator(self.sqlglot_name, called).generate(tree, copy=False))
