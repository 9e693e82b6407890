"""A whole step as one function: one round trip locks its tables, then runs its one statement.

The lock must be an earlier statement than the one that reads, or its snapshot would be older than
the lock. In a function both are one message to the server and back, without BEGIN and COMMIT where
no transaction of the application is open. A one-row step takes less than half of the time then.

The functions are made in the connection's own temporary schema, not beside the tables: so they are
no part of what a migration reviews and changes, need no rights on the schema, and are always those
of this process's version of the query. A role that may not make them, or a pool that takes them
away, gets the separate statements.
"""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import errors

from stepping.compiler.plan.sql_plan import SQLFused
from stepping.dialects.driver import Row
from stepping.dialects.postgres import faults
from stepping.dialects.postgres.arrays import columns_of
from stepping.dialects.postgres.cursors import literal
from stepping.dialects.postgres.settings import SETTINGS
from stepping.dialects.postgres.transactions import Transactions

# In place of an output's position: nothing was written, see `Driver.fused_alone`.
RETRY_SLOW_PATH = -1
_MOST_ARGUMENTS = 100  # of a function: Postgres's FUNC_MAX_ARGS; one for each column of an input
_MOST_LOST = 3  # so often a function may be gone; then something takes them away regularly


@dataclass(frozen=True)
class StepFunction:
    """The text that makes a function, and the one that calls it; equal texts have one name."""

    name: str
    create: bytes
    call: bytes


@dataclass
class Functions:
    """Which functions a connection has."""

    asked: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)
    lost: int = 0
    refused: bool = False  # by the server, or because they get lost

    def are_gone(self, name: str) -> None:
        self.made.discard(name)
        self.lost += 1
        self.refused = self.lost > _MOST_LOST


# By connection, not by driver: a pool gives one connection to many stores, one after another.
_OF_CONNECTIONS: weakref.WeakKeyDictionary[psycopg.Connection[object], Functions] = (
    weakref.WeakKeyDictionary()
)


def functions_of(connection: psycopg.Connection[object]) -> Functions:
    """The functions of a connection, as far as this process knows."""
    return _OF_CONNECTIONS.setdefault(connection, Functions())


class StepFunctions:
    """Runs steps by functions."""

    def __init__(self) -> None:
        # What an id stands for stays.
        self.known: dict[tuple[int, bool, Sequence[str]], tuple[SQLFused, StepFunction]] = {}

    def run(
        self,
        driver: Transactions,
        fused: SQLFused,
        staged: Mapping[str, Sequence[Row]],
        tables: Sequence[str],
        query: str,
        fingerprint: str,
        *,
        output: bool,
    ) -> list[Row] | None:
        """See `Driver.fused_alone`."""
        connection = driver.connection
        functions = functions_of(connection)
        if functions.refused or not fused.returns or len(fused.parameters) > _MOST_ARGUMENTS:
            return None
        known = self.known.get((id(fused), output, tables))
        if known is None:
            where = tables, query, fingerprint
            made = step_function(fused, *where, schema=driver.schema, output=output)
            known = self.known[id(fused), output, tables] = fused, made
        function = known[1]
        if function.name not in functions.asked:
            # Not for the first step of its kind: a connection may be opened for one step only.
            functions.asked.add(function.name)
            return None
        is_new = creating = function.name not in functions.made
        if (is_new and is_two_phase(connection)) or driver.foreign_language():
            return None
        given = arrays(fused, staged)
        try:
            with driver.joining_once(savepoint=True):
                if is_new:
                    driver.execute(function.create)
                    creating = False
                cursor = driver.raw()
                rows = cursor.execute(function.call, given, prepare=True, binary=True).fetchall()
        except (errors.UndefinedFunction, errors.InvalidSchemaName, errors.InvalidSqlStatementName):
            # DISCARD, a pool that has given us another session, a rollback by the application.
            functions.are_gone(function.name)
            return None
        except errors.InsufficientPrivilege:
            if not creating:
                raise
            functions.refused = True  # no TEMPORARY on the database, no USAGE on plpgsql
            return None
        except psycopg.Error as error:
            faults.without_context(error)
            raise
        functions.made.add(function.name)
        return None if rows and rows[0][0] == RETRY_SLOW_PATH else rows


def is_two_phase(connection: Any) -> bool:
    """Whether the application's transaction will be prepared, which Postgres refuses where
    anything temporary was made in it. psycopg tells only its own methods.
    """
    return getattr(connection, "_tpc", None) is not None


def arrays(fused: SQLFused, staged: Mapping[str, Sequence[Row]]) -> list[list[Any]]:
    """The parameters of a fused step: an array for each column of each input."""
    given: list[list[Any]] = []
    for name, columns in fused.inputs:
        rows = staged.get(name, ())
        if rows:
            given += columns_of(rows, columns)
        else:
            given += ([] for _ in range(len(columns) + 1))
    return given


NOTHING = "SELECT 0{} WHERE FALSE"


def without_output(fused: SQLFused, into: str = "") -> str:
    """A step that returns nothing: what only its outputs read is not computed either."""
    if not fused.returning_at:
        return fused.sql
    return fused.sql[: fused.returning_at] + NOTHING.format(into and f" INTO {into}")


def step_function(
    fused: SQLFused,
    tables: Sequence[str],
    query: str,
    fingerprint: str,
    *,
    schema: str | None = None,
    output: bool = True,
) -> StepFunction:
    """The function that locks the clock rows of ``tables``, in their order, and runs a step.

    It returns one row with `RETRY_SLOW_PATH` and has written nothing if the query has another
    fingerprint, the current schema is not ``schema``, a clock row is missing, or they do not all
    stand at one time.
    """
    names = [f"stepping_{i}" for i in range(len(fused.returns))]
    columns = ", ".join(f"{n} {t}" for n, t in zip(names, fused.returns, strict=True))
    given = ", ".join(fused.parameters)
    otherwise = f"THEN {names[0]} := {RETRY_SLOW_PATH}; RETURN NEXT; RETURN; END IF;"
    lines = []
    for position, table in enumerate(tables):
        # One statement each: it costs less than one that puts several rows in order. They are
        # written, not only locked, for the reason that `PostgresDriver.lock` has.
        into, installed = "stepping_t", ""
        if position == 0:
            into = "stepping_first"
            installed = (
                " AND EXISTS (SELECT FROM stepping_queries AS q WHERE "
                f"q.name = {literal(query)} AND q.fingerprint = {literal(fingerprint)})"
            )
            if schema is not None:
                installed += f" AND current_schema() = {literal(schema)}"
        lines.append(
            f"UPDATE last_update AS u SET t = u.t WHERE u.table_name = {literal(table)}{installed} "
            f"RETURNING u.t INTO {into};"
        )
        wrong = "NOT FOUND" if position == 0 else f"{into} IS DISTINCT FROM stepping_first"
        lines.append(f"IF {wrong} {otherwise}")
    quiet = without_output(fused, "stepping_t")
    output = output or not fused.returning_at
    body = "\n".join(
        (
            "#variable_conflict use_column",
            "DECLARE stepping_first bigint; stepping_t bigint;",
            "BEGIN",
            *lines,
            *(("RETURN QUERY", f"{fused.sql};") if output else (f"{quiet};",)),
            "END",
        )
    )
    head = f"({given}) RETURNS TABLE ({columns}) LANGUAGE plpgsql "
    # As for the separate statements of a step: see `joins`.
    settings = {**SETTINGS, "enable_hashjoin": "on" if fused.joins_changes else "off"}
    head += " ".join(f"SET {name} = '{value}'" for name, value in settings.items())
    digest = hashlib.blake2b(f"{head}\n{body}".encode(), digest_size=16).hexdigest()
    name = f"pg_temp.stepping_step_{digest}"
    mark = f"$stepping_{digest}$"  # is not in the body, of which it is the digest
    create = f"CREATE OR REPLACE FUNCTION {name}{head} AS {mark}\n{body}\n{mark}"
    # Typed, for the same reason as parameters of statements are.
    values = ", ".join(f"CAST(${i} AS {t})" for i, t in enumerate(fused.parameters, 1))
    return StepFunction(name, create.encode(), f"SELECT * FROM {name}({values})".encode())
