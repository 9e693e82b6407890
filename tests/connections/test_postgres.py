"""A store on a connection to Postgres that is set up in any odd way."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.adapt import Dumper, Loader
from psycopg.rows import dict_row
from psycopg.types.string import StrDumper

import stepping as st
from tests.connections.story import THINGS, everything_graph, hold, shown, stepwise_graph
from tests.support.postgres_database import database

CONNECT: dict[str, dict[str, Any]] = {
    "autocommit=False": {"autocommit": False},
    "prepare_threshold=None": {"prepare_threshold": None},
    "prepare_threshold=0": {"prepare_threshold": 0},
    "factories": {"row_factory": dict_row, "cursor_factory": psycopg.ClientCursor},
    "RawCursor, prepare_threshold=1": {
        "cursor_factory": psycopg.RawCursor,
        "prepare_threshold": 1,
    },
}

# Each that has made a difference is alone.
SETTINGS = {
    "styles": ("DateStyle = 'SQL, DMY'", "IntervalStyle = 'sql_standard'", "TimeZone = '+03:17'"),
    "standard_conforming_strings": ("standard_conforming_strings = off", "backslash_quote = off"),
    "LATIN1": ("client_encoding = 'LATIN1'",),
    "SQL_ASCII": ("client_encoding = 'SQL_ASCII'",),
    "isolation": (
        "default_transaction_isolation = 'serializable'",
        "default_transaction_deferrable = on",
    ),
    "texts": (
        *("extra_float_digits = -15", "bytea_output = 'escape'", "xmlbinary = hex"),
        *("array_nulls = off", "transform_null_equals = on", "quote_all_identifiers = on"),
        *("DateStyle = 'German'", "TimeZone = 'America/New_York'", "lc_numeric = 'C.UTF-8'"),
    ),
    "plans": (
        *("plan_cache_mode = force_custom_plan", "enable_indexscan = off", "jit = on"),
        *("enable_nestloop = off", "enable_hashjoin = off", "from_collapse_limit = 1"),
        *("geqo_threshold = 2", "debug_parallel_query = regress", "constraint_exclusion = on"),
        *("work_mem = '64kB'", "temp_buffers = '800kB'"),
    ),
    "others": (
        *("client_min_messages = debug5", "row_security = off", "synchronous_commit = off"),
        *("session_replication_role = replica", "check_function_bodies = off"),
        *("plpgsql.variable_conflict = 'error'", "plpgsql.extra_errors = 'all'"),
        *("idle_in_transaction_session_timeout = '20s'", "statement_timeout = '30s'"),
        *("lock_timeout = '20s'", "default_table_access_method = heap"),
    ),
}


class Odd(Dumper):
    """Makes something else of whatever it is given."""

    def dump(self, obj: Any) -> bytes:
        return b"7"


class OddText(StrDumper):
    def dump(self, obj: Any) -> Any:
        return super().dump(obj.upper() if isinstance(obj, str) else "7")


class Wrong(Loader):
    def load(self, data: Any) -> Any:
        return "wrong"


class WrongInBinary(Wrong):
    format = psycopg.pq.Format.BINARY


TYPES = (
    *("int2", "int4", "int8", "float8", "numeric", "bool", "text", "varchar", "name", "bytea"),
    *("date", "timestamp", "timestamptz", "time", "uuid", "json", "oid"),
)
CLASSES = (int, float, Decimal, bool, str, bytes, datetime.date, datetime.datetime, list)


def register(adapters: Any) -> None:
    for cls in CLASSES:
        adapters.register_dumper(cls, OddText if cls is str else Odd)
    for name in TYPES:
        adapters.register_loader(name, Wrong)
        adapters.register_loader(name, WrongInBinary)


def set_to(texts: tuple[str, ...], connection: Any) -> None:
    for text in texts:
        send(f"SET {text}", connection)
    if not connection.autocommit:
        connection.commit()


def send(text: str, connection: Any) -> None:
    """Past psycopg, which takes note of some of what its own cursors send."""
    assert connection.pgconn.exec_(text.encode()).error_message == b"", text


SET: dict[str, Callable[[Any], Any]] = {
    "row_factory": lambda c: setattr(c, "row_factory", dict_row),
    "adapters": lambda c: register(c.adapters),
    "isolation_level": lambda c: c.set_isolation_level(psycopg.IsolationLevel.SERIALIZABLE),
    **{name: functools.partial(set_to, texts) for name, texts in SETTINGS.items()},
}
LOSE = {
    "DISCARD ALL": ("DISCARD ALL",),
    "DISCARD TEMP": ("DISCARD TEMP",),
    "DEALLOCATE ALL": ("DEALLOCATE ALL",),
    "others": ("UNLISTEN *", "SELECT pg_advisory_unlock_all()", "RESET ALL", "CLOSE ALL"),
}


def stores(connection: Any) -> tuple[Any, Any]:
    opened = [
        st.StorePostgres.from_graph(connection, each) for each in (everything_graph, stepwise_graph)
    ]
    return opened[0], opened[1]


@pytest.fixture(scope="session")
def installed(postgres_url: str) -> Iterator[str]:
    """A database with the tables and the plans of both queries."""
    with database(postgres_url) as url:
        with st.connection_postgres(url) as connection:
            stores(connection)
        yield url


@pytest.fixture
def copied(installed: str, postgres_url: str) -> Iterator[str]:
    """A copy of it, for one test."""
    with database(postgres_url, template=installed) as url:
        yield url


@pytest.mark.parametrize("name", CONNECT)
def test_connected_with(name: str, copied: str) -> None:
    with psycopg.connect(copied, **{"autocommit": True, **CONNECT[name]}) as connection:
        opened = stores(connection)
        hold(*opened, connection.commit, in_stages=connection.autocommit)


@pytest.mark.parametrize("name", SET)
def test_set_later(name: str, copied: str) -> None:
    """Whatever a connection is set to when a store is opened, it may be set to something else."""
    with psycopg.connect(copied, autocommit=True) as connection:
        hold(*stores(connection), between=lambda: SET[name](connection))


def test_set_in_a_transaction(copied: str) -> None:
    """What the application has set is set again after each step."""
    with psycopg.connect(copied) as connection:
        opened = stores(connection)
        for texts in SETTINGS.values():
            set_to(texts, connection)
        (action,) = st.actions(opened[1], stepwise_graph)
        before = connection.execute("SELECT name, setting FROM pg_settings").fetchall()
        for _ in range(3):
            action.insert()
            assert connection.execute("SELECT name, setting FROM pg_settings").fetchall() == before
        connection.rollback()


def test_installed_where_all_is_set(postgres_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psycopg.postgres, "adapters", psycopg.adapt.AdaptersMap(psycopg.adapters))
    register(psycopg.postgres.adapters)
    with psycopg.connect(postgres_db, autocommit=True) as connection:
        for change in SET.values():
            change(connection)
        hold(*stores(connection))


@pytest.mark.parametrize("name", LOSE)
@pytest.mark.parametrize("is_told", [True, False])
def test_lost(name: str, is_told: bool, copied: str) -> None:
    with psycopg.connect(copied, autocommit=True) as connection:

        def lose() -> None:
            for text in LOSE[name]:
                if is_told:
                    connection.execute(text, prepare=False)
                else:
                    send(text, connection)

        hold(*stores(connection), between=lose)


def test_lost_in_a_transaction(copied: str) -> None:
    """A step that finds nothing of what the session had leaves the transaction usable."""
    with psycopg.connect(copied) as connection:
        opened, other = stores(connection)
        actions = st.actions(opened, everything_graph)[0], st.actions(other, stepwise_graph)[0]
        expected = []
        for text in ("SELECT", "DEALLOCATE ALL", "DISCARD TEMP", "DISCARD PLANS", "SELECT"):
            for action in actions:
                action.insert(*THINGS)
            connection.execute("SELECT", prepare=False)
            send(text, connection)
            expected.append([shown(zset) for a in actions for zset in a.remove(*THINGS)])
            connection.execute("SELECT", prepare=False)
            connection.rollback()
        assert expected == expected[:1] * len(expected)


def test_in_a_pipeline(copied: str) -> None:
    with psycopg.connect(copied, autocommit=True) as connection, connection.pipeline():
        hold(*stores(connection))
