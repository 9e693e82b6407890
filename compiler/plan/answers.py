"""What a database said of tables, types and expressions, kept to compile without one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from stepping.compiler.plan.base_tables import BaseTable
from stepping.compiler.plan.data import coding
from stepping.compiler.plan.database import Compared, GivenRows, KnownTable, KnownView
from stepping.compiler.schema import DatabaseType
from stepping.errors import QueryError


@dataclass
class Answers:
    """The answers of one database, by what was asked."""

    dialect: str
    version: str = ""
    own_schema: str = ""  # if a view is written with it
    statements: dict[str, str] = field(default_factory=dict)  # SQLite's own of its tables
    indexes: tuple[str, ...] = ()
    tables: dict[str, KnownTable | None] = field(default_factory=dict)
    views: dict[str, KnownView] = field(default_factory=dict)
    typed: dict[str, DatabaseType] = field(default_factory=dict)
    common: dict[str, DatabaseType] = field(default_factory=dict)
    compared: dict[str, Compared | None] = field(default_factory=dict)
    rows: dict[str, GivenRows] = field(default_factory=dict)
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    alike: dict[str, str | None] = field(default_factory=dict)
    unstable: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    refused: dict[str, tuple[str, str]] = field(default_factory=dict)  # what it said, and its hint
    aggregates: tuple[str, ...] = ()
    row_functions: tuple[str, ...] = ()
    base: dict[str, BaseTable] = field(default_factory=dict)  # by input

    def to_json(self) -> str:
        """As a text that a person can read, in which a change is a line or two."""
        encode, _ = coding(Answers)
        return json.dumps(encode(self), indent=1) + "\n"

    @classmethod
    def of_json(cls, text: str, where: str) -> Answers:
        _, decode = coding(Answers)
        try:
            found: Answers = decode(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise QueryError(
                f"this is not what `stepping prepare` writes: {error}",
                where=where,
                hint="write it again: stepping prepare ... --db URL",
            ) from error
        return found

    def differences(self, other: Answers) -> list[str]:
        """What another database says otherwise, in a line each."""
        found = [] if self.dialect == other.dialect else [f"it is {other.dialect}"]
        for path in dict.fromkeys([*self.tables, *other.tables]):
            found += _columns(path, self.tables.get(path), other.tables.get(path))
        for name in dict.fromkeys([*self.statements, *other.statements]):
            old, new = self.statements.get(name), other.statements.get(name)
            if old != new:
                found.append(f"the table {name} was {old or 'not there'}; it is {new or 'gone'}")
        for label in dict.fromkeys([*self.base, *other.base]):
            before, now = self.base.get(label), other.base.get(label)
            if before is not None and now is not None and before.indexes != now.indexes:
                found.append(f"the table {label} has other indexes")
        encode, _ = coding(Answers)
        mine, theirs = encode(self), encode(other)
        rest = {*mine, *theirs} - {"version", "tables", "base", "statements", "dialect"}
        for part in sorted(rest) if not found else ():
            a, b = mine.get(part), theirs.get(part)
            if a == b:
                continue
            if isinstance(getattr(self, part), dict):
                was, says = dict(a or ()), dict(b or ())  # pairs of a key and an answer
                found += [
                    f"{part} of {key}: {_shown(was.get(key))}, and now {_shown(says.get(key))}"
                    for key in dict.fromkeys([*was, *says])
                    if was.get(key) != says.get(key)
                ]
            else:
                found.append(f"{part}: {_shown(a)}, and now {_shown(b)}")
        return found


def _columns(path: str, old: KnownTable | None, new: KnownTable | None) -> list[str]:
    """What has become of the columns of a table."""
    if old is None or new is None:
        return [] if old is new else [f"the table {path} is {'gone' if new is None else 'new'}"]
    before, now = ({c.name: c for c in each.columns} for each in (old, new))
    found = []
    for name in dict.fromkeys([*before, *now]):
        a, b = before.get(name), now.get(name)
        said = [f"{c.type}{'' if c.nullable else ' NOT NULL'}" if c else "" for c in (a, b)]
        if said[0] != said[1]:
            was = f"was {said[0]}, and " if a else ""
            found.append(f"the column {path}.{name} {was}is {said[1] or 'gone'}")
    if not found and old != new:
        found.append(f"the table {path} has other keys")
    return found


def _shown(value: object) -> str:
    text = "nothing" if value is None else json.dumps(value)
    return text if len(text) < 200 else text[:200] + "..."


def key_of(words: Sequence[str], types: Sequence[DatabaseType]) -> str:
    """What is asked of an expression: its words, with types for its arguments."""
    first, *others = words
    return first + "".join(
        f"<{of_type}>{each}" for of_type, each in zip(types, others, strict=True)
    )
