"""One database's connection: transactions, staging, reading. SQL comes from the plan."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from stepping.compiler.codec import Convert
from stepping.compiler.plan.base_tables import BaseTable, TableRef
from stepping.compiler.plan.sql_plan import Role, SQLFused, SQLPlan, SQLStatement
from stepping.compiler.plan.tables import TableColumn
from stepping.dialects.features import FeatureTables
from stepping.dialects.iterations import Iterations
from stepping.dialects.queue import QueueTable
from stepping.errors import StoreError

if TYPE_CHECKING:
    from stepping.compiler.plan.database import Database
    from stepping.compiler.plan.statistics import FanOut, PlanNode, TableSize
    from stepping.dialects.capture import CaptureWords

Row = tuple[Any, ...]

_forks = 0  # how many forks lie between the first process and this one


def forks() -> int:
    """A number that is another one in a forked process. Asking for the process's id, which would
    do, is a call of the system in each step.
    """
    return _forks


def _count_fork() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):  # not on Windows, which has no forks
    os.register_at_fork(after_in_child=_count_fork)


def add_hint(error: Exception, hint: str) -> None:
    """Add to an error of a driver what to do about it, once."""
    note = f"  hint: {hint}"
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)


class Lender:
    """Whoever the driver's connection was got from: here the application, which has made it."""

    is_shared = True  # by the application, which ends the transactions of the connection

    def begun(self) -> bool:
        """Whether the application has begun a transaction of which the driver may not know yet.

        SQLAlchemy begins one without a word to the driver, which begins its own at the first
        statement. A step that is the first must not commit by itself.
        """
        return False

    def begin(self) -> bool:
        """Begin what the application's next statement would begin; whether that is a transaction.

        SQLAlchemy does so when it is used itself, and a step does not go through it.
        """
        return False

    def end(self) -> None:
        """Take back what `begin` has begun."""

    def settle(self, *, failed: bool) -> None:
        """Told when what a transaction was begun for is done: it is the application's from now on,
        unless that failed.
        """

    def was_given_back(self) -> bool:
        """Whether the connection went back to a pool: it may be somebody else's now. A session
        gives it back when its transaction ends.
        """
        return False

    def lost(self) -> None:
        """Told when the connection was lost."""

    def check(self) -> None:
        """Raise `StoreError` if the connection was given back."""
        if self.was_given_back():
            raise StoreError(
                "SQLAlchemy has given the store's connection back to its pool, or has lost it",
                hint="a session gives it back when it commits or rolls back: open a store on "
                "session.connection() in each transaction",
            )


# Compared for each statement in each step.
RUN, CLEAR, STAGE, READ, CHECK = Role.RUN, Role.CLEAR, Role.STAGE, Role.READ, Role.CHECK


class CountBelowZero(Exception):
    """A row that was removed is not there."""

    def __init__(self, statement: SQLStatement, row: Row) -> None:
        super().__init__(statement.operator)
        self.operator = statement.operator
        names = [column.name for column in statement.columns]
        self.row = dict(zip(names, row, strict=False))


@dataclass(frozen=True)
class StepAlone:
    """A step that changes one input and runs in SQL throughout."""

    statements: tuple[SQLStatement, ...]
    lock: tuple[tuple[str, ...], str, str]  # tables, query and fingerprint: see `Driver.lock`


class Driver(ABC):
    """What the engine needs of a connection."""

    dialect: str
    error: ClassVar[type[Exception]]  # what all errors of the database are
    one_writer: ClassVar[bool] = False  # whoever writes keeps everybody else from writing
    patience: Callable[[], float] = staticmethod(lambda: 30.0)  # how long a lock is waited for
    forks: int  # what `forks` gave when it was opened
    together_secs: float  # for how long one transaction takes in stages of an iteration

    def check(self) -> None:
        """Raise `StoreError` unless this process can use the connection."""
        if self.forks != _forks:
            raise StoreError(
                "the store was opened before this process was forked, and a connection cannot be "
                "shared",
                hint="open a connection and a store in each process",
            )
        self.check_open()

    @abstractmethod
    def check_open(self) -> None:
        """Raise `StoreError` if the connection is closed."""

    @abstractmethod
    def settle(self, *, failed: bool) -> None:
        """End the application's transaction if it was begun for a step or the like that failed."""

    def check_schema(self) -> None:
        """Raise `StoreError` if names find other tables now than when a store was opened."""
        return

    @abstractmethod
    def note(self, error: Exception) -> None:
        """Add to an error of the driver what to do about it, unless that was done."""

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Around whatever the application asks for: errors of the driver say what to do."""
        try:
            yield
        except Exception as error:
            self.note(error)
            raise

    @abstractmethod
    def is_of_table(self, error: BaseException) -> bool:
        """Whether an error says that a table has other columns than those that are named, or that
        this role may not read it.
        """

    @property
    @abstractmethod
    def connection(self) -> Any:
        """The driver's own connection."""

    @property
    @abstractmethod
    def database(self) -> Database:
        """What a query in SQL asks of the database, over this connection."""

    @property
    @abstractmethod
    def to_column(self) -> Convert:
        """How a value that is not None is sent to a column."""

    @property
    @abstractmethod
    def from_column(self) -> Convert:
        """How a column's value that is not NULL is read."""

    @abstractmethod
    def prepare(self, plan: SQLPlan) -> None:
        """Make the connection fit for a plan: its registered functions and delta tables."""

    @abstractmethod
    def open_session(self) -> None:
        """Make the delta tables of the connection, if they are not there."""

    @abstractmethod
    def alone(self, what: str = "stepping") -> None:
        """Let no other process create tables (of a kind) until the transaction ends."""

    @property
    @abstractmethod
    def features(self) -> FeatureTables:
        """Which of our own tables are there that only some programs need."""

    @property
    @abstractmethod
    def iterations(self) -> Iterations:
        """The records of iterations that are committed in stages."""

    @abstractmethod
    def staging(self, gate: str | None = None) -> AbstractContextManager[None]:
        """As `writing`, for one stage of a staged step.

        ``gate`` names a query whose entry lock is taken first, so that steps enter in the order of
        their times.
        """

    def preparing(self) -> AbstractContextManager[None]:
        """Around what fills delta tables before a stage, without keeping others from writing."""
        return nullcontext()

    def holds_up_writers(self) -> bool:
        """Whether nobody else can write until the application's transaction has ended."""
        return False

    def listen(self) -> None:
        """From now on `pause` ends as soon as any table has been moved to a later time."""
        return  # where nobody is told

    def unlisten(self) -> None:
        """End what `listen` began."""
        return

    @abstractmethod
    def pause(self, seconds: float) -> None:
        """Wait for so long, or until somebody has moved a table, where that is told."""

    @abstractmethod
    def is_of_input(self, error: BaseException) -> bool:
        """Whether an iteration failed because of its rows, and would whoever runs it."""

    @abstractmethod
    def may_not_write(self, error: BaseException) -> bool:
        """Whether an error says that this connection may not write, or make tables."""

    @abstractmethod
    def is_transient(self, error: BaseException) -> bool:
        """Whether the same transaction can succeed when it is run again."""

    def gave_up_waiting(self, error: BaseException) -> bool:
        """Whether a lock was not to be had in the time for which it may be waited for."""
        return False

    def has_lost(self, error: BaseException) -> bool:
        """Whether something failed because the session has lost what we had made in it: a pool has
        reset it, or handed out another one. Then it is made again, and the same can be run again.
        """
        return False

    def checking(self) -> AbstractContextManager[None]:
        """Around statements that take rows away: CHECKs of tables are looked at."""
        return nullcontext()

    @abstractmethod
    def in_transaction(self) -> bool:
        """Whether the application has a transaction open on the connection."""

    @abstractmethod
    def joins(self) -> bool:
        """Whether what the application writes now is committed by the application: its transaction
        is open, or one begins with the next statement, since it is not in autocommit (PEP 249).
        """

    @abstractmethod
    def joining(self) -> AbstractContextManager[None]:
        """A transaction for what the application writes by a step.

        Where it `joins`, the transaction is the application's: begun if it was not, and left open
        at the end. On an exception it is what it was before. Else the same as `writing`.
        """

    @abstractmethod
    def writing(self) -> AbstractContextManager[None]:
        """A transaction for what is written on our own account, such as tables and leases:
        committed at the end, rolled back on an exception.

        Inside an application's transaction it is a savepoint, and nothing is committed.
        """

    def computing(self) -> AbstractContextManager[None]:
        """As `writing`, for statements that read whole tables and see one state of them."""
        return self.writing()

    @abstractmethod
    def reading(self) -> AbstractContextManager[None]:
        """A transaction that sees one state of the database and is not left open."""

    @abstractmethod
    def lock(self, tables: Sequence[str], query: str, fingerprint: str) -> Mapping[str, int]:
        """Lock the clock rows of tables, in one order, and return where they stand.

        Nothing is returned unless the installed query of this name has the fingerprint: a process
        that was started before a migration must not go on with its old plan.
        """

    @abstractmethod
    def lock_free(self, tables: Sequence[str], query: str, fingerprint: str) -> Mapping[str, int]:
        """As `lock`, but only those rows that can be locked without waiting."""

    def left_empty(self) -> set[str]:
        """The delta tables that are known to hold no rows; asked behind `lock`."""
        return set()

    def settled(self, empty: set[str]) -> None:
        """Told when a step that `lock` began has been committed, in a transaction of its own, and
        which delta tables it left empty.
        """
        return

    @abstractmethod
    def standing(self, tables: Sequence[str]) -> Mapping[str, int]:
        """Where tables stand, without locking."""

    @abstractmethod
    def advance(self, tables: Sequence[str], t: int) -> None:
        """Move the clock rows of tables to a time."""

    def plan_for(self, statement: SQLStatement) -> None:
        """Called before the select of a statement in Python; a `run` does it by itself."""
        return

    def advance_last(self, tables: Sequence[str], t: int) -> None:
        """As `advance`, as the last statement of a stage: it may be sent together with COMMIT."""
        self.advance(tables, t)

    @abstractmethod
    def run(self, statement: SQLStatement) -> int:
        """Run a statement that returns nothing; how many rows it wrote, -1 if nobody knows."""

    def clear(self, statements: Sequence[SQLStatement]) -> None:
        """Empty delta tables."""
        for statement in statements:
            self.run(statement)

    @abstractmethod
    def stage(self, statement: SQLStatement, rows: Sequence[Row]) -> None:
        """Load rows, each with its weight at the end."""

    @abstractmethod
    def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """All rows of a SELECT."""

    def select(self, statement: SQLStatement) -> list[Row]:
        """All rows of a SELECT of a plan."""
        return self.read(statement.sql)

    def read_alone(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """All rows of a SELECT that stands for itself; leaves no transaction open."""
        return [row for batch in self.stream(sql, parameters) for row in batch]

    def read_each(self, sql: str, several: Sequence[Sequence[Any]]) -> Iterator[list[Row]]:
        """The rows of a SELECT for each of several parameters, in a transaction that is open."""
        for parameters in several:
            yield self.read_alone(sql, parameters)

    def in_texts(self, sql: str, columns: Sequence[TableColumn], *, exactly: bool = False) -> str:
        """A SELECT of these columns and a count, as texts where rows in Python have texts.

        ``exactly``: also where Python has not every value of a type.
        """
        return sql

    @abstractmethod
    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[list[Row]]:
        """The rows of a SELECT in batches, in bounded memory."""

    def fused(
        self, fused: SQLFused, staged: Mapping[str, Sequence[Row]], *, output: bool = True
    ) -> list[Row]:
        """Run a whole step as one statement; returns the rows of its outputs, if they are asked
        for.
        """
        raise NotImplementedError(f"{self.dialect} has no fused steps")

    def can_step_alone(self) -> bool:
        """Whether `step_alone` can be called now: there is a quicker way, and no transaction."""
        return False

    def step_alone(
        self, step: StepAlone, rows: Sequence[Row], *, removes: bool, output: bool
    ) -> dict[int, list[Row]] | None:
        """`writing`, `lock` and the statements at once, for a step that does nothing else; returns
        the rows of the outputs.

        None, and nothing is written, where somebody else has written what has to be seen to first.
        """
        return None

    def fused_alone(
        self,
        fused: SQLFused,
        staged: Mapping[str, Sequence[Row]],
        tables: Sequence[str],
        query: str,
        fingerprint: str,
        *,
        output: bool = True,
    ) -> list[Row] | None:
        """`writing`, `lock` and `fused` at once, for a step that does nothing else.

        None, and nothing is written, where the database has no quicker way than those three, or
        where there is something to see to first: `lock` returns no row for a table, or the tables
        stand at different times.
        """
        return None

    @abstractmethod
    def script(self, statements: Sequence[str]) -> None:
        """Run DDL statements."""

    @abstractmethod
    def existing(self, tables: Sequence[str]) -> set[str]:
        """Which of these tables are there."""

    @abstractmethod
    def next_time(self) -> int:
        """The next value of the shared clock; called in a transaction."""

    @property
    @abstractmethod
    def capturing(self) -> CaptureWords:
        """The words for capturing the application's tables."""

    @property
    @abstractmethod
    def queue(self) -> QueueTable:
        """The changes that wait to be folded in."""

    def register(self, names: Sequence[str]) -> None:
        """Make functions known, as `SQLPlan.registered` names them."""
        return

    def settings_kept(self) -> AbstractContextManager[None]:
        """What a migration sets for itself is as it was before, behind this."""
        return nullcontext()

    @abstractmethod
    def columns(self, tables: Sequence[str]) -> dict[str, set[str]]:
        """The columns of those of these tables that are there."""

    @abstractmethod
    def undo(self) -> None:
        """Roll back the transaction that is open, if one is."""

    @abstractmethod
    def indexes(self, names: Sequence[str]) -> set[str]:
        """Which of these indexes are there."""

    @abstractmethod
    def change(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement that returns no rows; how many rows it changed."""

    @abstractmethod
    def remember(self, query: str, fingerprint: str, key: str, plan: str, recompute: str) -> None:
        """Store a plan in the catalog; nothing happens if this role may not, or it is busy."""

    @abstractmethod
    def start(self, query: str) -> bool:
        """Whether a query's first step has been; says from now on that it has."""

    @abstractmethod
    def failure(self, error: BaseException) -> str | None:
        """The message of a check in the plan that failed, if ``error`` comes from one."""

    @abstractmethod
    def refusal(self, error: BaseException) -> str | None:
        """What the guard of a migration script said, if ``error`` comes from one."""

    @abstractmethod
    def sizes(self, tables: Sequence[str]) -> Mapping[str, TableSize]:
        """How much tables hold. Counts rows, so it may cost a look at them all."""

    @abstractmethod
    def fan_out(
        self, table: str, columns: Sequence[str], schema: str = "", *, in_order: bool = True
    ) -> FanOut | None:
        """How many rows of a table a key finds, for `explain`; None where nobody knows.

        ``in_order``: an index has the rows in the order of the key.
        """

    def described(self, table: TableRef) -> BaseTable | None:
        """A table of the application, for `explain`; None if there is none of its name."""
        with self.reading():
            return self.capturing.describe(self.read, table)

    @abstractmethod
    def query_plans(self, statements: Sequence[str]) -> Sequence[Sequence[PlanNode]]:
        """The database's plans of statements as a step would run them; none of them is run."""
