"""What the errors of Postgres and psycopg mean for a step."""

from __future__ import annotations

import re

import psycopg
from psycopg import errors

_RUN_AGAIN = (
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.LockNotAvailable,  # lock_timeout
    errors.QueryCanceled,  # statement_timeout
)


def note(error: Exception, *, lost: bool) -> None:
    """Add to an error of psycopg what to do about it."""
    if not isinstance(error, psycopg.Error):
        return
    if lost:
        error.add_note(
            "  hint: the connection is lost; open a connection, and a store on it. Nothing of this "
            "step was written, unless it was lost while the step was committed: then all of it "
            "may be"
        )
    elif isinstance(error, _RUN_AGAIN):
        error.add_note("  hint: nothing of this step was written; run it again")


def is_of_input(error: BaseException) -> bool:
    """Whether an iteration failed because of its rows, and would whoever runs it."""
    if isinstance(error, psycopg.Error):
        of_rows = psycopg.DataError | psycopg.IntegrityError | errors.ProgramLimitExceeded
        return isinstance(error, of_rows)
    return isinstance(error, Exception) and not isinstance(error, MemoryError | OSError)


def is_transient(error: BaseException) -> bool:
    """Whether the same transaction can succeed when it is run again."""
    return isinstance(error, errors.SerializationFailure | errors.DeadlockDetected)


def failure(error: BaseException) -> str | None:
    """The message of a check in the plan that failed, if ``error`` comes from one."""
    if not isinstance(error, psycopg.Error):
        return None
    found = re.search(r'"stepping: (.*)"$', str(error.diag.message_primary or ""), re.DOTALL)
    if found:
        return found.group(1)
    if isinstance(error, errors.CheckViolation):
        return f"not negative: {error.diag.constraint_name}; {error.diag.message_detail}"
    if isinstance(error, errors.NumericValueOutOfRange):
        return str(error.diag.message_primary)
    return None


def refusal(error: BaseException) -> str | None:
    """What the guard of a migration script said, if ``error`` comes from one."""
    if not isinstance(error, errors.RaiseException):
        return None
    _, found, says = str(error.diag.message_primary or "").partition("stepping: ")
    return says if found else None


def without_context(error: psycopg.Error) -> None:
    """Leave out of an error's text where in a function it was: that is the whole statement.

    ``error.diag.context`` still has it.
    """
    if error.args and isinstance(error.args[0], str):
        error.args = (re.split(r"\n(?:QUERY|CONTEXT):", error.args[0])[0], *error.args[1:])
