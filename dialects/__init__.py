"""One folder per database: its words for plans and scalars, and its connection."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from stepping.errors import UnsupportedError

if not __name__.startswith("stepping."):  # a second copy of every class would follow
    raise ImportError("import stepping.dialects, not dialects")

if TYPE_CHECKING:
    from sqlalchemy import MetaData

    from stepping.compiler.plan.database import Database
    from stepping.dialects.base import Dialect
    from stepping.dialects.capture import CaptureWords

_CLASSES = {
    "sqlite": ("stepping.dialects.sqlite.sql", "SQLiteDialect"),
    "postgres": ("stepping.dialects.postgres.sql", "PostgresDialect"),
}
_CAPTURING = {
    "sqlite": ("stepping.dialects.sqlite.capturing", "CapturingSQLite"),
    "postgres": ("stepping.dialects.postgres.capturing", "CapturingPostgres"),
}
_FILLING = {"sqlite": ("stepping.dialects.sqlite.unregistered", "UnregisteredSQLite")}
_CAPTURE = {
    "sqlite": ("stepping.dialects.sqlite.capture_words", "SQLiteCaptureWords"),
    "postgres": ("stepping.dialects.postgres.capture_words", "PostgresCaptureWords"),
}
_DESCRIBED = {
    "sqlite": ("stepping.dialects.sqlite.from_metadata", "database_of"),
    "postgres": ("stepping.dialects.postgres.from_metadata", "database_of"),
}
_MADE: dict[tuple[str, str], Dialect] = {}


def get_dialect(name: str) -> Dialect:
    """The dialect of a name, imported when it is first asked for."""
    if name not in _CLASSES:
        raise UnsupportedError(
            f"there is no dialect {name!r}", hint=f"dialects are {', '.join(sorted(_CLASSES))}"
        )
    return _made(*_CLASSES[name])


def capturing_dialect(name: str) -> Dialect:
    """The dialect of a name, as it spells captured queries."""
    return _made(*_CAPTURING[name])


def filling_dialect(name: str) -> Dialect:
    """The same, as it spells what is computed for captured queries beside folds."""
    return _made(*(_FILLING.get(name) or _CLASSES[name]))


def _made(module: str, cls: str) -> Dialect:
    if (module, cls) not in _MADE:
        _MADE[module, cls] = getattr(importlib.import_module(module), cls)()
    return _MADE[module, cls]


def capture_words(name: str) -> CaptureWords:
    """The words of a dialect for capturing the application's tables."""
    module, cls = _CAPTURE[name]
    made: CaptureWords = getattr(importlib.import_module(module), cls)()
    return made


def described_by(name: str, tables: MetaData) -> Database:
    """What a database with these tables would say of them, without one to ask."""
    get_dialect(name)
    module, function = _DESCRIBED[name]
    made: Database = getattr(importlib.import_module(module), function)(tables)
    return made
