"""What the errors of Postgres and psycopg mean for a step."""

from __future__ import annotations

import re

import psycopg
from psycopg import errors

from stepping.compiler.canonical import BEYOND
from stepping.compiler.plan.tables import WITHIN, outside
from stepping.dialects.driver import add_hint

_RUN_AGAIN = (
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.LockNotAvailable,  # lock_timeout
    errors.QueryCanceled,  # statement_timeout
)


_CHECK = "stepping: "  # begins the message of a check in a plan
_QUOTED = re.compile(r"[\"„“«»]\s?(.+?)\s?[\"“”«»][^\"“”«»]*$", re.DOTALL)


def note(error: Exception, *, lost: bool) -> None:
    """Add to an error of psycopg what to do about it."""
    if not isinstance(error, psycopg.Error):
        return
    if lost:
        add_hint(
            error,
            "the connection is lost; open a connection, and a store on it. Nothing of this "
            "step was written, unless it was lost while the step was committed: then all of it "
            "may be",
        )
    elif isinstance(error, errors.InsufficientPrivilege):
        add_hint(
            error,
            "this role lacks a right: what makes tables needs their owner, and may be run as the "
            "script of `stepping ddl`; what a role needs that runs steps or reads is in "
            "docs/migrations.md, Roles",
        )
    elif isinstance(error, errors.ReadOnlySqlTransaction):
        add_hint(error, "nothing can be written here: connect to the primary, in read-write mode")
    elif isinstance(error, _RUN_AGAIN):
        add_hint(error, "nothing of this step was written; run it again")
    elif isinstance(error, errors.InvalidCursorName):
        add_hint(
            error,
            "DISCARD or CLOSE ALL has ended what was being read, or a pool has given this "
            "connection another session: read to_python() first",
        )


def is_of_input(error: BaseException) -> bool:
    """Whether an iteration failed because of its rows, and would whoever runs it."""
    if isinstance(error, psycopg.Error):
        of_rows = psycopg.DataError | psycopg.IntegrityError | errors.ProgramLimitExceeded
        return isinstance(error, of_rows)
    return isinstance(error, Exception) and not isinstance(error, MemoryError | OSError)


def is_of_table(error: BaseException) -> bool:
    """Whether a table has other columns than those that are named, or may not be read."""
    return isinstance(
        error, errors.UndefinedColumn | errors.UndefinedTable | errors.InsufficientPrivilege
    )


def is_transient(error: BaseException) -> bool:
    """Whether the same transaction can succeed when it is run again."""
    return isinstance(error, errors.SerializationFailure | errors.DeadlockDetected)


def failure(error: BaseException) -> str | None:
    """The message of a check in the plan that failed, if ``error`` comes from one."""
    if not isinstance(error, psycopg.Error):
        return None
    if quoted(error).startswith(_CHECK):
        return quoted(error).removeprefix(_CHECK)
    if isinstance(error, errors.CheckViolation):
        constraint = error.diag.constraint_name or ""
        if constraint.startswith(WITHIN):
            return outside(constraint, error.diag.table_name or "")
        return f"not negative: {error.diag.constraint_name}; {error.diag.message_detail}"
    if isinstance(error, errors.DivisionByZero):
        return "ZeroDivisionError: division by zero"
    if isinstance(error, errors.NumericValueOutOfRange) and "bigint" in str(error):
        return f"a count or a sum {BEYOND}"
    if isinstance(error, psycopg.DataError):  # what a value cannot be
        return str(error.diag.message_primary or error)
    return None


def refusal(error: BaseException) -> str | None:
    """What the guard of a migration script said, if ``error`` comes from one."""
    if not isinstance(error, errors.RaiseException):
        return None
    _, found, says = str(error.diag.message_primary or "").partition("stepping: ")
    return says if found else None


def quoted(error: psycopg.Error) -> str:
    """What a message has in quotes; they are others in each language (`lc_messages`)."""
    found = _QUOTED.search(str(error.diag.message_primary or ""))
    return found[1] if found else ""


def without_context(error: psycopg.Error) -> None:
    """Leave out of an error's text where in a function it was: that is the whole statement.

    ``error.diag.context`` still has it.
    """
    if error.args and isinstance(error.args[0], str):
        error.args = (re.split(r"\n(?:QUERY|CONTEXT):", error.args[0])[0], *error.args[1:])
