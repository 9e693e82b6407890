"""What is installed to capture changes of the application's tables: what every database shares.

A trigger of each table writes down what changes in the columns that any query reads: one log, and
one row in it for each changed row, however many queries read the table. For each query and input
a view, ``<query>_<input>_waiting``, shows those changes that the query has not folded in yet; a
fold is a step of the query whose changes are these views.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stepping.compiler.plan.base_tables import BaseTable
from stepping.compiler.plan.capture import Captured
from stepping.compiler.plan.sql_plan import CapturedInput, Fill, SQLPlan
from stepping.compiler.schema import bounded


@dataclass(frozen=True)
class Live:
    """A cache as it is with all that waits: a SELECT of its columns, and what they are called."""

    cache: str
    sql: str


@dataclass(frozen=True)
class PlannedCapture:
    """What the planner says of a captured query, before it is text.

    ``selects`` has the columns of each input's waiting view, as text over the log ``l``.
    """

    plan: SQLPlan
    captured: Captured
    inputs: tuple[CapturedInput, ...]
    selects: Mapping[str, Sequence[str]]
    live: tuple[Live, ...]
    deltas: tuple[str, ...]
    delta_names: tuple[str, ...]
    fill: Fill


@dataclass(frozen=True)
class Logged:
    """A table of the application's and the columns of it that any query reads."""

    table: BaseTable
    columns: tuple[str, ...]
    folds_by_itself: bool = False


def log_name(table: BaseTable) -> str:
    """The name of a table's log."""
    return bounded(f"stepping_log_{stem(table)}")


def stem(table: BaseTable) -> str:
    return f"{table.schema}_{table.name}" if table.schema else table.name


def literal(text: str) -> str:
    """A text constant."""
    return "'" + text.replace("'", "''") + "'"


def name(text: str) -> str:
    """A name: bare where that is the same."""
    return text if text.isidentifier() and text.isascii() and text == text.lower() and (
        text not in RESERVED
    ) else '"' + text.replace('"', '""') + '"'


def indented(text: str, by: int = 2) -> str:
    pad = " " * by
    return "\n".join(f"{pad}{line}" if line else line for line in text.splitlines())


# Words that are no names on SQLite or Postgres, or not everywhere.
RESERVED = frozenset(
    """
    abort action add after all alter always analyse analyze and any array as asc asymmetric attach
    authorization autoincrement before begin between binary both by cascade case cast check collate
    collation column commit concurrently conflict constraint create cross current current_catalog
    current_date current_role current_schema current_time current_timestamp current_user database
    default deferrable deferred delete desc detach distinct do drop each else end escape except
    exclude exclusive exists explain fail false fetch filter first following for foreign freeze from
    full generated glob grant group groups having if ignore ilike immediate in index indexed initially
    inner insert instead intersect into is isnull join key last lateral leading left like limit
    localtime localtimestamp match materialized natural no not nothing notnull null nulls of offset on
    only or order others outer over overlaps partition placing plan pragma preceding primary query
    raise range recursive references regexp reindex release rename replace restrict returning right
    rollback row rows savepoint select session_user set similar some symmetric system_user table
    tablesample temp temporary then ties to trailing transaction trigger true unbounded union unique
    update user using vacuum values variadic verbose view virtual when where window with without
    """.split()
)
