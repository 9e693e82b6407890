"""The application's own tables, as a query names them and as a database describes them.

A query whose inputs are such tables is *captured*: triggers write down what changes in them, and
they are read in place. Everything here is plain data; `dialects/*/catalog.py` reads it from a
database.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

COPIED, IN_ORDER = "copied", "in order"  # how values in their order are read, if it is said


@dataclass(frozen=True)
class TableRef:
    """Which table of the application an input is, and which of its columns each field is.

    ``schema`` is empty where the connection's own schema is meant. ``columns`` has pairs of a
    column of the row and a column of the table.
    """

    name: str
    schema: str = ""
    columns: tuple[tuple[str, str], ...] = ()

    def column(self, name: str) -> str:
        """The table's column for a column of the row."""
        return dict(self.columns)[name]

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True)
class BaseColumn:
    """A column of the application's: its type in the database's words.

    ``collation`` is empty where the database's usual one is meant, which is by bytes on SQLite.
    """

    name: str
    type: str
    nullable: bool = True
    collation: str = ""
    generated: bool = False


@dataclass(frozen=True)
class BaseIndex:
    """An index over whole columns, without a condition; ``unique`` if no two rows share a key.

    ``descending`` says so of each column, empty where all ascend; ``nulls_first`` as well, empty
    where NULLs stand where the database has them if nothing is said. ``ordered``: whether rows can
    be read in its order, as of a B-tree.
    """

    name: str
    columns: tuple[str, ...]
    unique: bool = False
    descending: tuple[bool, ...] = ()
    nulls_first: tuple[bool, ...] = ()
    ordered: bool = True

    def places(self, nulls_first: bool) -> tuple[tuple[str, bool, bool], ...]:
        """Each column, whether it descends, and whether NULLs stand first in it: if nothing is
        said, where an ascending one has them by ``nulls_first``.
        """
        down = self.descending or (False,) * len(self.columns)
        first = self.nulls_first or tuple(nulls_first != each for each in down)
        return tuple(zip(self.columns, down, first, strict=True))


@dataclass(frozen=True)
class BaseTable:
    """A table of the application's, as the database describes it.

    ``kind`` is "table", or what keeps it from being captured: "view", "foreign table", ... ``keys``
    are the columns of its primary key and unique constraints; ``row_id`` is the column that is
    SQLite's own row number. ``facts`` are what else matters for capturing, by name.
    """

    name: str
    schema: str = ""
    kind: str = "table"
    columns: tuple[BaseColumn, ...] = ()
    indexes: tuple[BaseIndex, ...] = ()
    keys: tuple[tuple[str, ...], ...] = ()
    row_id: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    rows: int = field(default=-1, compare=False)  # how many there are, if that is known

    def column(self, name: str) -> BaseColumn | None:
        return next((each for each in self.columns if each.name == name), None)

    @property
    def is_described(self) -> bool:
        """Whether a database has said what it is: else its indexes are not known."""
        return bool(self.facts)

    def index_by(self, key: tuple[str, ...]) -> BaseIndex | None:
        """An index that begins with the columns of a key, in whatever order; one with no other
        columns first.
        """
        found = (
            each for each in self.indexes if set(each.columns[: len(key)]) == set(key) != set()
        )
        return min(found, key=lambda each: len(each.columns), default=None)

    def is_indexed(self, key: tuple[str, ...]) -> bool:
        """Whether an index begins with the columns of a key, in whatever order."""
        return self.index_by(key) is not None

    @property
    def telling(self) -> tuple[str, ...] | None:
        """The columns of an index that tells rows apart and has them in order, if there is one."""
        never = {each.name for each in self.columns if not each.nullable}
        found = (
            each.columns
            for each in self.indexes
            if each.unique
            and each.ordered
            and set(each.columns) <= never
            and not any(each.descending)
        )
        return min(found, key=len, default=None)

    def is_unique(self, key: tuple[str, ...]) -> bool:
        """Whether no two rows have the same values in the columns of a key."""
        return any(each.unique and set(each.columns) <= set(key) for each in self.indexes)

    def read(self, how: str) -> BaseTable:
        """The table with values read in their order from a copy, or in it, whatever its indexes."""
        return replace(self, facts=(*self.facts, ("order", how)))

    def read_in_batches(self, view: str, position: tuple[str, ...]) -> BaseTable:
        """The table with a view of what has been read of it so far in its place; rows are told
        apart by ``position``.
        """
        facts = (*self.facts, ("read_as", view), ("position", "\0".join(position)))
        return replace(self, facts=facts)

    @property
    def read_as(self) -> str:
        """The view that is read in its place, if rows come batch by batch."""
        return self.fact("read_as")

    @property
    def position(self) -> tuple[str, ...]:
        """The columns by which rows come in batches, if they do."""
        return tuple(self.fact("position").split("\0")) if self.read_as else ()

    @property
    def of(self) -> str:
        """The query whose result it is, if it is one of ours."""
        return self.fact("of")

    def fact(self, name: str) -> str:
        return dict(self.facts).get(name, "")

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name
