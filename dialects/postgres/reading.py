"""Postgres's words of filling a captured query batch by batch of its largest table.

What has been read of the table so far is a view, which takes the table's place in the plan of what
is installed beside; another one shows what a fold has to take in: rows of the next batch, and what
was written down of rows in front of it. A change of rows that are still to be read is not written
twice: they are read as they are then. So each batch is a fold, in one snapshot of all tables, and
the delta rules hold for it whatever the query is.

Where the batch begins and ends stands in a table of one row, which is there from the first snapshot
on: ``f1, f2, ...`` and ``t1, t2, ...``, a position in an index that tells rows apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stepping.compiler.plan.base_tables import BaseTable
from stepping.compiler.plan.captures import CapturedInput, InBatches
from stepping.compiler.schema import bounded
from stepping.dialects.capture import literal
from stepping.dialects.identifiers import quoted
from stepping.dialects.layout import selected
from stepping.dialects.postgres.capture_tables import qualified

# The log's rows that are not folded in yet, as a SELECT with a condition.
Waiting = Callable[[CapturedInput, Sequence[str], str], str]


def in_batches(
    query: str,
    inputs: Sequence[tuple[CapturedInput, Sequence[str]]],
    waiting: Waiting,
    fold: str,
) -> InBatches | None:
    """How the query is filled in batches, if one of its tables is to be read so.

    ``inputs`` have the columns of their waiting views; ``waiting`` makes the SELECT of one.
    """
    read = [each for each in inputs if each[0].table.read_as]
    if not read:
        return None
    table = read[0][0].table
    at = Positions(table, quoted(bounded(f"{query}__reading")))
    columns = dict.fromkeys(column for each, _ in read for column in each.columns)
    listed = ", ".join(f"l.{quoted(column)}" for column in columns)
    so_far = f"VIEW {quoted(table.read_as)} AS\nSELECT {listed}\nFROM {qualified(table)} AS l"
    views = [f"CREATE {so_far}\nWHERE {at.compared('<', 't')}"]
    whole, plain = [f"CREATE OR REPLACE {so_far}"], []
    for each, selects in read:
        view = f"VIEW {quoted(each.waiting)} AS\n"
        logged = f"{view}{waiting(each, selects, at.compared('<', 'f'))}\nUNION ALL\n"
        shown = (*selects[:-1], f"1 AS {selects[-1].rpartition(' AS ')[2]}")
        rows = f"{selected(shown)}\nFROM {qualified(table)} AS l\nWHERE "
        rest = at.compared(">=", "f")
        views.append(f"CREATE {logged}{rows}{rest}\n  AND {at.compared('<', 't')}")
        whole.append(f"CREATE OR REPLACE {logged}{rows}{rest}")
        plain.append(f"CREATE OR REPLACE {view}{waiting(each, selects, '')}")
    return InBatches(
        table,
        at.name,
        # Else it could not be updated where a publication is FOR ALL TABLES.
        ddl=(at.ddl, f"ALTER TABLE {at.name} REPLICA IDENTITY FULL", *views),
        begun=(at.first,),
        batch=(at.next, f"SELECT {quoted(fold)}()", at.passed),
        rest=(at.first_now, *whole, f"SELECT {quoted(fold)}()", *plain, started(query)),
    )


def started(query: str) -> str:
    return f"UPDATE stepping_queries SET started = true WHERE name = {literal(query)}"


class Positions:
    """The words about the table that says where a batch begins and ends."""

    def __init__(self, table: BaseTable, name: str) -> None:
        self.table, self.name = table, name
        self.numbered = list(enumerate(table.position, 1))
        self.columns = ", ".join(quoted(column) for column in table.position)

    def compared(self, operator: str, side: str) -> str:
        """Rows ``l`` in front of where the batch begins (f) or ends (t), or behind it."""
        row = ", ".join(f"l.{quoted(column)}" for column in self.table.position)
        there = ", ".join(f"(SELECT {side}{i} FROM {self.name})" for i, _ in self.numbered)
        return f"({row}) {operator} ({there})"

    @property
    def ddl(self) -> str:
        both = (f"{quoted(column)} AS {side}{i}" for side in "ft" for i, column in self.numbered)
        return (
            f"CREATE TABLE {self.name} AS\n"
            f"SELECT {', '.join(both)}, 0::bigint AS batch_rows, 0::bigint AS rows_read\n"
            f"FROM {qualified(self.table)} WHERE false"
        )

    def found(self, where: str, bounds: str) -> str:
        """A position in the table, as ``p1, p2, ...``."""
        shown = ", ".join(f"l.{quoted(column)} AS p{i}" for i, column in self.numbered)
        order = ", ".join(f"l.{quoted(column)}" for column in self.table.position)
        return f"SELECT {shown} FROM {qualified(self.table)} AS l{where} ORDER BY {order} {bounds}"

    def sets(self, sides: str, to: str) -> str:
        return ", ".join(f"{side}{i} = {to}{i}" for side in sides for i, _ in self.numbered)

    @property
    def first(self) -> str:
        """The first batch begins at the first row, if there is any."""
        twice = ", ".join(f"n.p{i}" for _ in "ft" for i, _ in self.numbered)
        return (
            f"INSERT INTO {self.name}\nSELECT {twice}, 0, 0\n"
            f"FROM (SELECT) AS one LEFT JOIN ({self.found('', 'LIMIT 1')}) AS n ON true"
        )

    @property
    def first_now(self) -> str:
        """The same where there was none then."""
        found = self.found("", "LIMIT 1")
        sets = self.sets("ft", "n.p")
        return f"UPDATE {self.name} SET {sets}\nFROM ({found}) AS n WHERE f1 IS NULL"

    @property
    def next(self) -> str:
        """The batch ends so many rows on, if there are that many."""
        where = f"\n  WHERE {self.compared('>=', 't')}"
        where += f" AND (SELECT batch_rows > 0 FROM {self.name})\n "
        found = self.found(where, f"LIMIT 1 OFFSET (SELECT batch_rows FROM {self.name})")
        return f"UPDATE {self.name} SET {self.sets('t', 'n.p')}\nFROM ({found}) AS n"

    @property
    def passed(self) -> str:
        return (
            f"UPDATE {self.name} SET {self.sets('f', 't')}, rows_read = rows_read + batch_rows\n"
            f"WHERE ({', '.join(f'f{i}' for i, _ in self.numbered)}) <> "
            f"({', '.join(f't{i}' for i, _ in self.numbered)})"
        )
