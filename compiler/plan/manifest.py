"""What is installed for a query, as the catalog says it: tables and inputs, without statements."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from stepping.compiler.plan.captures import Capture
from stepping.compiler.plan.data import FORMAT, coding, to_text
from stepping.compiler.plan.shown import Shown
from stepping.compiler.plan.tables import Table
from stepping.compiler.schema import Atom


@dataclass(frozen=True)
class SQLView:
    """A view of a kept table and the statement that creates it."""

    table: Table
    ddl: str


@dataclass(frozen=True)
class SQLTable:
    """A kept table and the statements that create it; and the views of it."""

    table: Table
    ddl: tuple[str, ...]
    views: tuple[SQLView, ...] = ()

    @property
    def script(self) -> tuple[str, ...]:
        """Everything that creates it, the views included."""
        return (*self.ddl, *(view.ddl for view in self.views))


@dataclass(frozen=True)
class InputColumn:
    """One column of an input's rows. ``path`` leads to it: names of fields and positions."""

    name: str
    path: tuple[str, ...]
    type: Atom


@dataclass(frozen=True)
class PlanInput:
    """An input: its name, what its rows are called in Python, and their columns."""

    name: str
    row: str
    columns: tuple[InputColumn, ...]


@dataclass(frozen=True)
class Manifest:
    """The tables of a query, what they hold and how they are made; and its inputs and caches."""

    query: str
    dialect: str
    fingerprint: str
    tables: tuple[SQLTable, ...]
    inputs: tuple[PlanInput, ...]
    caches: tuple[tuple[str, str], ...]  # the name of a cache, and its table
    allow_negative: bool = False
    starts: bool = False  # something has a result in the first step, whatever was inserted
    capture: Capture | None = None  # of a query whose inputs are tables of the application
    shown: tuple[Shown, ...] = ()  # what readers know the caches by

    @property
    def row(self) -> dict[str, Any]:
        """What the catalog says of the query, by column."""
        return {
            "name": self.query,
            "fingerprint": self.fingerprint,
            "dialect": self.dialect,
            "format": FORMAT,
            "tables": to_text(self, Manifest),
        }

    @property
    def kept(self) -> tuple[str, ...]:
        """Names of the tables, in the order in which they are locked."""
        return tuple(sorted(each.table.name for each in self.tables))

    @property
    def results(self) -> tuple[Shown, ...]:
        """What readers know the results by; without columns where the catalog does not say them."""
        if self.shown or self.capture is None:
            return self.shown
        return tuple(Shown(name, (), live) for _, name, live in self.capture.relations)

    def input_named(self, name: str) -> PlanInput | None:
        """The input of a name."""
        return next((each for each in self.inputs if each.name == name), None)

    def misread(self, other: Manifest) -> tuple[str, ...]:
        """The inputs whose rows, as this version queues them, another one cannot read."""
        columns = {each.name: each.columns for each in other.inputs}
        return tuple(i.name for i in self.inputs if columns.get(i.name) != i.columns)


def fingerprint_of(
    query: str,
    dialect: str,
    allow_negative: bool,
    tables: tuple[SQLTable, ...],
    follows: tuple[str, ...] = (),
) -> str:
    """What has to be the same for two plans to run on the same tables.

    Not how the DDL is spelled, nor what is said about a table. ``follows``: how a captured query
    follows the application's tables.
    """
    seen = (view.table for each in tables for view in each.views)
    kept = sorted(json.dumps(physical(each)) for each in (*(e.table for e in tables), *seen))
    text = json.dumps([query, dialect, allow_negative, kept, *follows])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def physical(table: Table) -> list[Any]:
    """What a database has of a table: its name, columns, keys, indexes; and what it holds."""
    encode, _ = coding(Atom)
    columns = [[column.name, encode(column.type)] for column in table.columns]
    indexes = [[i.name, i.columns, i.ascending, i.equal] for i in table.indexes]
    flags = [table.picked, table.non_negative]
    return [
        *(table.name, table.kind.value, columns, table.weight, table.key),
        *(indexes, flags, table.digest),
        *((table.of,) if table.of else ()),
        *([[each.column, each.low, each.high] for each in table.ranges]),
    ]
