"""What names in a query mean: sources, their columns, and the scopes that they are seen in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stepping.compiler.plan.database import KnownTable
from stepping.compiler.schema import DatabaseType
from stepping.compiler.sql.calls import Call
from stepping.compiler.sql.parsing import Expression


@dataclass(frozen=True)
class Ref:
    """A column of a source."""

    source: int
    name: str


@dataclass(frozen=True)
class Visible:
    """A name that a FROM item shows, and what it means."""

    name: str  # folded
    shown: str
    ref: Ref


@dataclass(frozen=True)
class Merged:
    """A column of USING or NATURAL: one of either side, or the first that is not NULL."""

    side: str  # "", "LEFT", "RIGHT" or "FULL"
    left: Ref
    right: Ref


@dataclass(frozen=True)
class Source:
    """A FROM item with columns of its own."""

    number: int
    alias: str
    node: Expression
    columns: tuple[Visible, ...]
    table: KnownTable | None = None
    query: Expression = None  # of a derived table, or of a CTE
    cte: Cte | None = None
    lateral: bool = False
    call: Call | None = None  # of a function
    types: tuple[DatabaseType, ...] = ()  # of its columns, if they are known


@dataclass(frozen=True)
class Joined:
    """Two FROM items and how they are joined."""

    node: Expression
    side: str  # "" of an inner join
    left: Item
    right: Item
    on: Expression = None
    using: tuple[tuple[Ref, Ref], ...] = ()


Item = Source | Joined


@dataclass(eq=False)
class Cte:
    """A WITH query: bound once, read as often as it is named."""

    name: str
    node: Expression
    columns: tuple[tuple[str, str], ...]  # folded, shown
    recursive: bool = False


@dataclass(frozen=True)
class Output:
    """A column of a query's result."""

    name: str
    value: Expression | Ref | None  # None of a set operation, which has its parts' columns


@dataclass
class Bound:
    """What the names of a statement mean, by the identities of the nodes that they stand in."""

    refs: dict[int, Ref] = field(default_factory=dict)  # of columns
    aliases: dict[int, Expression] = field(default_factory=dict)  # a column that names an output
    items: dict[int, tuple[Item, ...]] = field(default_factory=dict)  # of SELECTs
    outputs: dict[int, tuple[Output, ...]] = field(default_factory=dict)  # of queries
    free: dict[int, frozenset[Ref]] = field(default_factory=dict)  # of queries: columns outside
    merged: dict[Ref, Merged] = field(default_factory=dict)
    ctes: dict[int, Cte] = field(default_factory=dict)  # of CTE nodes
    sources: dict[int, Source] = field(default_factory=dict)  # by number
    kept: list[Any] = field(default_factory=list)  # so that no identity is used twice

    def output_names(self, query: Expression) -> tuple[str, ...]:
        return tuple(each.name for each in self.outputs[id(query)])


@dataclass
class Scope:
    """The sources that names in one SELECT may mean, and the scope around it."""

    outer: Scope | None
    ctes: Mapping[str, Cte]
    visible: list[tuple[Visible, ...]] = field(default_factory=list)  # of each FROM item
    sources: list[Source] = field(default_factory=list)
    free: set[Ref] = field(default_factory=set)
    outputs: Mapping[str, Expression] = field(default_factory=dict)  # names of the SELECT's own


def visible(number: int, columns: Sequence[tuple[str, str]]) -> tuple[Visible, ...]:
    return tuple(
        Visible(name, shown, Ref(number, str(position)))
        for position, (name, shown) in enumerate(columns)
    )
