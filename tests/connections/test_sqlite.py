"""A store on a SQLite connection that is set up in any odd way."""

from __future__ import annotations

import contextlib
import functools
import itertools
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import stepping as st
from tests.connections.story import everything_graph, hold, stepwise_graph


class Cursor(sqlite3.Cursor):
    def execute(self, *given: Any) -> Any:
        raise AssertionError("a cursor of the application")


class Connection(sqlite3.Connection):
    """Of an application that hands out cursors of its own."""

    def cursor(self, *_: Any) -> Any:
        return super().cursor(Cursor)

    def execute(self, *given: Any) -> Any:
        return self.cursor().execute(*given)


CONNECT: dict[str, dict[str, Any]] = {
    "isolation_level='EXCLUSIVE'": {"isolation_level": "EXCLUSIVE"},
    "detect_types": {"detect_types": sqlite3.PARSE_DECLTYPES | sqlite3.PARSE_COLNAMES},
    "factory, cached_statements=0": {"factory": Connection, "cached_statements": 0},
}

# Each that has made a difference is alone.
PRAGMAS = {
    "count_changes": ("count_changes = ON",),
    "ignore_check_constraints": ("ignore_check_constraints = ON",),
    "order": (
        "reverse_unordered_selects = ON",
        "automatic_index = OFF",
        "case_sensitive_like = ON",
    ),
    "names": ("short_column_names = OFF", "full_column_names = ON", "empty_result_callbacks = ON"),
    "others": (
        *("recursive_triggers = ON", "foreign_keys = ON", "defer_foreign_keys = ON"),
        *("legacy_alter_table = ON", "trusted_schema = OFF", "cell_size_check = ON"),
        *("read_uncommitted = ON", "secure_delete = ON", "locking_mode = EXCLUSIVE"),
        *("journal_mode = TRUNCATE", "synchronous = EXTRA", "cache_spill = OFF", "threads = 4"),
        *("busy_timeout = 0", "analysis_limit = 1", "cache_size = 10", "mmap_size = 1000000"),
    ),
}


def pragma(text: str, connection: Any) -> None:
    sqlite3.Connection.execute(connection, f"PRAGMA {text}")


def pragmas(texts: tuple[str, ...], connection: Any) -> None:
    for text in texts:
        pragma(text, connection)


def shouted(text: bytes) -> str:
    return text.decode().upper()


def limits(connection: Any) -> None:
    connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 30)
    connection.setlimit(sqlite3.SQLITE_LIMIT_COMPOUND_SELECT, 100)


SET: dict[str, Callable[[Any], Any]] = {
    "row_factory": lambda c: setattr(c, "row_factory", sqlite3.Row),
    "text_factory=bytes": lambda c: setattr(c, "text_factory", bytes),
    "text_factory=shouted": lambda c: setattr(c, "text_factory", shouted),
    "isolation_level": lambda c: setattr(c, "isolation_level", "IMMEDIATE"),
    "limits": limits,
    **{name: functools.partial(pragmas, texts) for name, texts in PRAGMAS.items()},
}


@contextlib.contextmanager
def connected(path: Path, **options: Any) -> Iterator[Any]:
    given = {"isolation_level": None, **options}
    with contextlib.closing(sqlite3.connect(path, **given)) as connection:
        yield connection


def stores(connection: Any) -> tuple[Any, Any]:
    opened = [
        st.StoreSQLite.from_graph(connection, each) for each in (everything_graph, stepwise_graph)
    ]
    return opened[0], opened[1]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the tables and the plans of both queries."""
    path = tmp_path_factory.mktemp("installed") / "stepping.db"
    with connected(path) as connection:
        stores(connection)
    return path


@pytest.fixture
def copied(sqlite_path: Path, installed: Path) -> Path:
    """A copy of it, for one test."""
    return Path(shutil.copy(installed, sqlite_path))


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Adapters and converters for whatever there is, of the whole process."""
    for cls in (int, float, str, bytes, bytearray, bool, type(None)):
        key: Any = (cls, sqlite3.PrepareProtocol)
        monkeypatch.setitem(sqlite3.adapters, key, lambda value: f"adapted {value!r}")
    for name in ("INTEGER", "REAL", "TEXT", "BLOB"):
        monkeypatch.setitem(sqlite3.converters, name, lambda data: ("converted", data))
    # The module looks at adapters of str only once one has been registered by its function.
    sqlite3.register_adapter(str, lambda text: f"adapted {text!r}")
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        assert connection.execute("SELECT ?", ("a",)).fetchone() == ("adapted 'a'",)


@pytest.mark.parametrize("name", CONNECT)
def test_connected_with(name: str, copied: Path) -> None:
    with connected(copied, **CONNECT[name]) as connection:
        hold(*stores(connection), between=connection.commit, in_stages=False)


@pytest.mark.parametrize("name", CONNECT)
def test_registered(name: str, copied: Path, registered: None) -> None:
    with connected(copied, **CONNECT[name]) as connection:
        hold(*stores(connection), in_stages=False)


@pytest.mark.parametrize("name", SET)
def test_set_later(name: str, copied: Path) -> None:
    """Whatever a connection is set to when a store is opened, it may be set to something else."""
    with connected(copied) as connection:
        opened = stores(connection)
        hold(*opened, lambda: SET[name](connection), in_stages=name != "isolation_level")


def test_installed_where_all_is_set(sqlite_path: Path, registered: None) -> None:
    with connected(sqlite_path, detect_types=sqlite3.PARSE_DECLTYPES) as connection:
        for change in SET.values():
            change(connection)
        hold(*stores(connection), connection.commit, in_stages=False)


def test_a_pragma_that_takes_temporary_tables_away(copied: Path) -> None:
    with connected(copied) as connection:
        kinds = itertools.cycle(("FILE", "MEMORY"))
        hold(*stores(connection), lambda: pragma(f"temp_store = {next(kinds)}", connection))


def test_what_was_set_is_as_before(copied: Path) -> None:
    with connected(copied) as connection:
        connection.text_factory = shouted
        pragmas(PRAGMAS["ignore_check_constraints"], connection)
        hold(*stores(connection))
        assert connection.text_factory is shouted
        assert connection.execute("PRAGMA ignore_check_constraints").fetchone() == (1,)
