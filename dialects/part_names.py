"""What the parts of one statement are called: by what they do, and for which table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sqlglot import exp

from stepping.compiler.plan.statements import Statement
from stepping.compiler.plan.tables import Table
from stepping.compiler.schema import bounded


@dataclass
class PartNames:
    """The names that are taken in one statement.

    Delta tables have longer names where they are tables, of a connection that other queries share.
    """

    called: dict[str, str] = field(default_factory=dict)  # delta tables, by their own names
    taken: set[str] = field(default_factory=set)

    @classmethod
    def beside(cls, statements: Iterable[Statement]) -> PartNames:
        """Names that none of the tables has which these statements read."""
        selects = (getattr(each, "select", None) for each in statements)
        trees = (each.walk(prune=is_column) for each in selects if each is not None)
        tables = (node.name.lower() for tree in trees for node in tree if type(node) is exp.Table)
        return cls(taken=set(tables))

    def call(self, table: Table, what: str) -> None:
        self.called[table.name] = self.free(f"{what}_change")

    def of(self, table: Table) -> Callable[[str], str]:
        """The names of the parts that write one table."""
        return lambda does: self.free(f"{table.input or table.serves}_{does}")

    def free(self, name: str) -> str:
        stem = re.sub(r"\W+", "_", name)
        found, serial = bounded(stem), 2
        while found.lower() in self.taken:
            found = bounded(f"{stem}_{serial}")
            serial += 1
        self.taken.add(found.lower())
        return found


def is_column(node: exp.Expr) -> bool:
    return isinstance(node, exp.Column)  # most of any tree, with no table in it
