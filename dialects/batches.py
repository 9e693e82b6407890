"""The words of filling in batches: what is read, how far, and what is changed meanwhile.

Rows of a stored table are read in the order of an index that tells them apart. A small table of one
row says where the next batch begins; it is empty when all has been read. Triggers write down what
the table's rows change by. Those changes that a batch sees are also in what it reads, unless they
are of rows in front of it: these it takes from what was written down.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

from stepping.compiler.plan.tables import Table
from stepping.dialects.base import Dialect

PROGRESS = "stepping_filling"
FIRST = "stepping_filling_first"
DEFAULT_ROWS = 10_000  # of each table, that a batch reads


def log_name(number: int) -> str:
    """What the rows of a table have changed by since the migration began."""
    return f"stepping_filling_{number}_log"


def at_name(number: int) -> str:
    """Where in a table the next batch begins; empty when all has been read."""
    return f"stepping_filling_{number}_at"


def to_name(number: int) -> str:
    """Where the batch ends that is being read; empty if with the last row."""
    return f"stepping_filling_{number}_to"


def rows_name(number: int) -> str:
    """The rows of a table that a batch has read."""
    return f"stepping_filling_{number}_rows"


class BatchRenderer(ABC):
    """One database's spelling of that."""

    bare = ""  # in front of a value that is compared as it is

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    def quoted(self, name: str) -> str:
        return self.dialect.quoted(name)

    def columns(self, table: Table) -> str:
        return ", ".join(self.quoted(name) for name in (*table.names, table.weight or ""))

    def like(self, name: str, select: str, *, temporary: bool = False) -> str:
        """Create a table with the columns of a SELECT if it is not there."""
        kind = "TEMP TABLE" if temporary else "TABLE"
        return f"CREATE {kind} IF NOT EXISTS {self.quoted(name)} AS\n{select}"

    @abstractmethod
    def begin(self) -> str:
        """Begin a transaction all of whose statements see one state."""

    @abstractmethod
    def capture(self, table: Table, number: int) -> tuple[str, ...]:
        """Write down what rows of a table change by, from now on."""

    @abstractmethod
    def release(self, table: Table, number: int) -> tuple[str, ...]:
        """Write it down no longer."""

    # -- made once ------------------------------------------------------------------------------

    def progress_ddl(self) -> str:
        return (
            f"CREATE TABLE IF NOT EXISTS {PROGRESS} (\n"
            "    migration TEXT NOT NULL PRIMARY KEY,\n"
            "    query TEXT NOT NULL,\n"
            "    reads TEXT NOT NULL,\n"
            "    batch_rows BIGINT NOT NULL,\n"
            "    rows_read BIGINT NOT NULL,\n"
            "    back_out TEXT NOT NULL\n)"
        )

    def log_ddl(self, table: Table, number: int) -> str:
        select = f"SELECT {self.columns(table)} FROM {self.quoted(table.name)}"
        return self.like(log_name(number), f"{select} WHERE 1 = 0")

    def at_ddl(self, table: Table, number: int) -> str:
        """Where the first batch begins: at the first row."""
        return self.like(at_name(number), f"{self.where(table)} LIMIT 1")

    def where(self, table: Table, condition: str = "") -> str:
        """The positions of rows, in their order."""
        positions = self.dialect.identity_terms(table)
        named = ", ".join(f"{each} AS p{i}" for i, each in enumerate(positions, 1))
        # By number: a column of the table may have the name that one is given here.
        order = ", ".join(str(i) for i in range(1, len(positions) + 1))
        where = f"\nWHERE {condition}" if condition else ""
        return f"SELECT {named}\nFROM {self.quoted(table.name)}{where}\nORDER BY {order}"

    def session(self, table: Table, rows: Table, number: int) -> tuple[str, ...]:
        """The tables of one connection: where the next batch ends, and the rows of one."""
        select = f"SELECT {self.columns(table)} FROM {self.quoted(table.name)} WHERE 1 = 0"
        return (
            self.drop(to_name(number)),
            self.like(to_name(number), self.where(table, "1 = 0"), temporary=True),
            self.drop(rows.name),
            self.like(rows.name, select, temporary=True),
        )

    def emptied(self, name: str) -> str:
        """Take all rows out of a table that only this connection has."""
        return f"DELETE FROM {self.quoted(name)}"

    def drop(self, name: str) -> str:
        return self.dialect.drop_temporary(name)

    # -- in each batch --------------------------------------------------------------------------

    def compared(self, table: Table, operator: str, with_: str) -> str:
        """Whether a row's position is before, or not before, the one in a table."""
        positions = self.dialect.identity_terms(table)
        values = ", ".join(
            f"(SELECT {self.bare}p{i} FROM {with_})" for i in range(1, len(positions) + 1)
        )
        return f"({', '.join(positions)}) {operator} ({values})"

    def read(self, table: Table, rows: Table, number: int) -> Iterable[tuple[str, str]]:
        """The statements that read the rows of a batch, each with what it does."""
        at, to, log = at_name(number), to_name(number), log_name(number)
        into = f"INSERT INTO {rows.name} ({self.columns(table)})\nSELECT {self.columns(table)}"
        source = self.quoted(table.name)
        begins = self.compared(table, ">=", at)
        more = f"EXISTS (SELECT 1 FROM {PROGRESS} WHERE batch_rows > 0)"
        yield self.emptied(to), "where the batch ends"
        limit = f"LIMIT 1 OFFSET (SELECT batch_rows FROM {PROGRESS})"
        yield (
            f"INSERT INTO {to}\n{self.where(table, f'{begins} AND {more}')}\n{limit}",
            f"where the batch ends: so many rows of {table.name} on, or with the last",
        )
        yield self.emptied(rows.name), "the rows of the batch"
        ends = f"{begins} AND {self.compared(table, '<', to)}"
        yield (
            f"{into}\nFROM {source}\nWHERE {ends}",
            f"the rows of {table.name} up to there",
        )
        # As a table of its own in front: SQLite would ask for it again for each row. Its column
        # is named, since without a name it is "1", as is the second one of a tuple.
        asked = f"(SELECT 1 AS stepping_asked WHERE NOT EXISTS (SELECT 1 FROM {to})) AS g"
        yield (
            f"{into}\nFROM {asked} CROSS JOIN {source}\nWHERE {begins}",
            f"or all that are left of {table.name}",
        )
        passed = self.compared(table, "<", at)
        yield (
            f"{into}\nFROM {log}\nWHERE NOT EXISTS (SELECT 1 FROM {at}) OR {passed}",
            "what has changed meanwhile in rows that were read before",
        )
        yield f"DELETE FROM {log}", "the batch has all that it sees"
        yield f"DELETE FROM {at}", "where the next batch begins"
        yield f"INSERT INTO {at} SELECT * FROM {to}", "where the next batch begins"
        yield (
            f"UPDATE {PROGRESS} SET rows_read = rows_read + (SELECT COUNT(*) FROM {rows.name})",
            "how far it is",
        )
