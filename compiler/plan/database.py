"""What a SQL query asks of the database that it is for: its tables, types and words.

The front end (`compiler/sql`) reads what a SELECT says; what its expressions are, only the database
knows. A dialect answers, over a connection or from a schema that it is given.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from stepping.compiler.schema import Atom, DatabaseType
from stepping.errors import QueryError


@dataclass(frozen=True)
class KnownColumn:
    """A column of a table of the application."""

    name: str
    type: DatabaseType
    nullable: bool = True


@dataclass(frozen=True)
class KnownTable:
    """A table that a query in SQL reads, with the types of its columns.

    ``schema`` is empty where it is the connection's own.
    """

    schema: str
    name: str
    columns: tuple[KnownColumn, ...]
    # Columns that tell a row from all others, of which none can be NULL.
    keys: tuple[tuple[str, ...], ...] = ()

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name

    def column(self, name: str) -> KnownColumn:
        return next(column for column in self.columns if column.name == name)


@dataclass(frozen=True)
class KnownView:
    """A plain view of the application: the statement that would make it."""

    name: str
    statement: str


@dataclass(frozen=True)
class Part:
    """A running sum of a measure: of ``words`` over the argument, which are never NULL."""

    name: str
    words: str
    type: Atom


@dataclass(frozen=True)
class Given:
    """What is known where an aggregate stands."""

    nullable: bool  # the argument may be NULL
    grouped: bool  # a group has at least one row
    finite: bool = False  # the argument is no infinity
    whole: bool = False  # it is an integer, or what is computed of integers is beyond 64 bits
    integral: bool = False  # it is one but where something else was written on purpose

    @property
    def may_be_of_nothing(self) -> bool:
        """Whether no argument at all may be there."""
        return self.nullable or not self.grouped


@dataclass(frozen=True)
class Measure:
    """An aggregate function as running sums, and its value as an expression over them.

    Words have ``{0}`` for the argument, and ``{name}`` for the part of that name.
    """

    parts: tuple[Part, ...]
    value: str
    type: DatabaseType
    nullable: bool


@dataclass(frozen=True)
class Compared:
    """The words and types that make two values one that a look-up compares as ``=`` does.

    A value is to be taken as it is where there are no words for it.
    """

    left: tuple[str, DatabaseType] | None = None
    right: tuple[str, DatabaseType] | None = None


@dataclass(frozen=True)
class GivenRows:
    """What a function in FROM gives: its columns, and how a statement names them.

    ``alias`` are the words behind the call, by which its columns have the ``names``.
    """

    columns: tuple[KnownColumn, ...]
    names: tuple[str, ...]
    alias: str
    scalar: bool = False  # one value for each row: its column has the name of the alias


class Said(QueryError):
    """What a database says against a text. ``offset`` is where in it, if it says that."""

    offset: int | None = None


class Database(ABC):
    """One database, asked while a SQL query is compiled."""

    dialect: str
    sqlglot_name: str

    @contextmanager
    def asked(self) -> Iterator[None]:
        """While it is asked: nothing that is made for a question stays."""
        yield

    @abstractmethod
    @contextmanager
    def having(self, tables: Mapping[str, Sequence[KnownColumn]]) -> Iterator[Database]:
        """The database with some more tables, while it is asked."""
        yield self

    @abstractmethod
    def folded(self, name: str, *, quoted: bool) -> str:
        """A name in the form in which two names of one thing are equal."""

    @abstractmethod
    def is_own_schema(self, name: str) -> bool:
        """Whether tables are made in this schema where a statement names none."""

    @abstractmethod
    def table(self, name: str, schema: str | None) -> KnownTable | None:
        """The table that a text means by a (folded) name, or None."""

    def view(self, name: str, schema: str | None) -> KnownView | None:
        """The plain view that a text means by a (folded) name, or None.

        What shows the result of a query of ours is none: it is followed as it is.
        """
        return None

    def table_names(self) -> Collection[str]:
        """The names of the tables that a name without a schema may mean, as far as it says."""
        return ()

    @abstractmethod
    def type_of(self, atom: Atom) -> DatabaseType:
        """The type of a column of our own."""

    @abstractmethod
    def typed(self, words: Sequence[str], args: Sequence[DatabaseType]) -> DatabaseType:
        """The type of an expression with arguments between its words.

        Raises a QueryError with what the database says where it is none.
        """

    @abstractmethod
    def rows_of(
        self, words: Sequence[str], args: Sequence[DatabaseType], definitions: str
    ) -> GivenRows:
        """What a function in FROM gives. ``definitions`` are columns with types, if it wants them.

        Raises a QueryError with what the database says where it is none.
        """

    @property
    def row_functions(self) -> Collection[str]:
        """The names of the functions that give rows where a value stands, in a select list."""
        return ()

    @abstractmethod
    def common(self, types: Sequence[DatabaseType]) -> DatabaseType:
        """The type that a UNION makes of these."""

    @abstractmethod
    def compared(self, a: DatabaseType, b: DatabaseType) -> Compared | None:
        """How ``=`` compares values of two types; None if a look-up cannot do that."""

    @abstractmethod
    def names(self, select: str) -> list[str]:
        """The names of the columns of a SELECT."""

    @abstractmethod
    def reads_alike(self, original: str, printed: str) -> str | None:
        """None if two SELECTs are the same to the database; else how it reads the first."""

    @abstractmethod
    def unstable(self, select: str) -> list[tuple[str, str]]:
        """The functions of a SELECT that may give another value tomorrow, each with why."""

    @abstractmethod
    def measure(self, function: str, argument: DatabaseType, given: Given) -> Measure | None:
        """How an aggregate of one argument is kept, or None if it is not by running sums."""

    @property
    @abstractmethod
    def aggregates(self) -> Collection[str]:
        """The names of its aggregate functions."""

    # Functions that depend on settings only where an argument does whose text does.
    by_arguments: frozenset[str] = frozenset()

    def unsettled_format(self, of_type: DatabaseType, text: str | None) -> str | None:
        """Why to_char() of a value by a format (None: not a constant) depends on settings."""
        return None

    def is_settled(self, of_type: DatabaseType) -> bool:
        """Whether the text of a value is the same whatever is set."""
        return True

    # -- words ----------------------------------------------------------------------------------

    @abstractmethod
    def cast(self, to: DatabaseType) -> str:
        """The words of a cast of ``{0}``."""

    @abstractmethod
    def null(self, of: DatabaseType) -> str:
        """The words of a NULL of a type."""

    is_true = "{0} IS TRUE"
    negated = "NOT {0}"
    truth: tuple[str, str] = ("TRUE", "FALSE")
