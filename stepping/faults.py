"""What a command says of an error that is not ours: one line, and what to do about it."""

from __future__ import annotations

import re
import sqlite3
import sys
from typing import Any

_ROLES = "use the role that owns the tables, or GRANT what is missing: docs/migrations.md, Roles"
_EDITED = "was the script edited, or the database? Write it again with `stepping migrate`"
_READ_ONLY = "this database, or this connection, is for reading only: name the primary, or a file "
_READ_ONLY += "that may be written"
# By the name of psycopg's class, or by a word of SQLite's message.
_POSTGRES = {
    "InsufficientPrivilege": _ROLES,
    "ReadOnlySqlTransaction": _READ_ONLY,
    "LockNotAvailable": "somebody holds the lock; run it again, when less is going on",
    "QueryCanceled": "it was cancelled, or took longer than statement_timeout; run it again",
    "DeadlockDetected": "run it again",
    "SerializationFailure": "run it again",
    "DiskFull": "make room, and run it again",
    "SyntaxError": _EDITED,
    "UndefinedTable": _EDITED,
    "UndefinedColumn": _EDITED,
    "UndefinedObject": _EDITED,
    "DuplicateTable": _EDITED,
    "OperationalError": "is the server running? Run it again",
}
_SQLITE = {
    "readonly": _READ_ONLY,
    "locked": "another process is writing; run it again",
    "syntax error": _EDITED,
    "no such": _EDITED,
    "already exists": _EDITED,
    "full": "make room, and run it again",
    "unable to open": "may this user read and write the file, and its folder?",
    "not a database": "name a SQLite file, or a postgresql:// URL",
    "malformed": "the file is damaged: restore it from a backup",
}


def told(error: BaseException) -> str | None:
    """The lines for an error of a database or of a file; None for any other."""
    if isinstance(error, OSError):
        return f"{type(error).__name__}: {error}\n  hint: may this user read and write it?"
    if not is_of_database(error):
        return None
    first = str(error).strip().partition("\n")[0] or type(error).__name__
    notes = getattr(error, "__notes__", [])
    places = [note for note in notes if "hint:" not in note]
    hints = [note for note in notes if "hint:" in note] or [f"  hint: {hint_for(error)}"]
    return "\n".join([f"{type(error).__name__}: {first}", *places, *hints])


def is_of_database(error: BaseException) -> bool:
    psycopg: Any = sys.modules.get("psycopg")
    return isinstance(error, sqlite3.Error) or (
        psycopg is not None and isinstance(error, psycopg.Error)
    )


def hint_for(error: BaseException) -> str:
    if isinstance(error, sqlite3.Error):
        found = (hint for word, hint in _SQLITE.items() if re.search(word, str(error)))
    else:
        found = (
            _POSTGRES[cls.__name__] for cls in type(error).__mro__ if cls.__name__ in _POSTGRES
        )
    return next(found, "the database refuses it; what it was doing is taken back")
