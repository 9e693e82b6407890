"""Rows of a table of the application that are read in an order, by an index that has them in it.

The first rows of a group, and its smallest and largest value, are read from the start of an index
whose columns are those of the group and then those of the order, up to where no two rows are alike.
An index is read in both directions. NULLs stand where it has them: one that has them last serves no
order that has them first, unless there are none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stepping.compiler import ir
from stepping.compiler.plan.base_tables import COPIED, IN_ORDER, BaseIndex, BaseTable
from stepping.compiler.schema import Atom, Kind

# Types of which two equal values are the same.
_COMPARED = frozenset(
    {
        *("smallint", "integer", "int", "bigint", "date"),
        *("timestamp without time zone", "timestamp with time zone"),
    }
)
_ORDERED = frozenset({Kind.INT, Kind.NATIVE})  # what every database keeps as it is
MOST_NULLABLE = 2  # columns of a group, each of which may have to be looked for in two ways


@dataclass(frozen=True)
class Placed:
    """A column of an order; ``nulls_first`` is None where there are no NULLs."""

    column: str
    ascending: bool
    nulls_first: bool | None

    def __str__(self) -> str:
        nulls = {None: "", True: " NULLS FIRST", False: " NULLS LAST"}[self.nulls_first]
        return f"{self.column}{'' if self.ascending else ' DESC'}{nulls}"


@dataclass(frozen=True)
class Served:
    """How rows are found in an order: the columns of their group, then those that order them."""

    by: tuple[Placed, ...]
    order: tuple[Placed, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(each.column for each in (*self.by, *self.order))


@dataclass(frozen=True)
class Asked:
    """An order that is asked of a table: see `order_of`.

    ``by`` are the columns of a group, ``total`` whether rows must be told apart to the last one.
    """

    by: tuple[str, ...]
    order: tuple[Placed, ...]
    total: bool

    def __str__(self) -> str:
        return ", ".join((*dict.fromkeys(self.by), *map(str, self.order)))


def order_of(
    scalars: Sequence[ir.Scalar], ascending: Sequence[bool], without_nulls: frozenset[str]
) -> tuple[Placed, ...] | None:
    """The columns of a table that scalars over them order by; None if there is anything else.

    In front of a column that may be NULL stands whether it is. ``without_nulls``: columns that no
    row is NULL in.
    """
    found: list[Placed] = []
    nulls_first: dict[str, bool] = {}
    for scalar, up in zip(scalars, ascending, strict=True):
        flag, value = _flag(scalar)
        if not isinstance(value, ir.ColumnRef):
            return None
        name = value.name
        if name in {each.column for each in found}:
            continue
        if set(nulls_first) - {name}:  # a flag whose column does not follow
            return None
        if flag is not None:
            nulls_first.setdefault(name, flag == up)
            continue
        first = nulls_first.pop(name, None)
        if value.type.nullable and name not in without_nulls and first is None:
            return None
        found.append(Placed(name, up, None if name in without_nulls else first))
    return None if nulls_first else tuple(found)


def _flag(scalar: ir.Scalar) -> tuple[bool | None, ir.Scalar]:
    """Of a scalar that says whether another one is there: True; or is not: False; and which."""
    match scalar:
        case ir.IsNull(part):
            return False, part
        case ir.Not(ir.IsNull(part)):
            return True, part
        case _:
            return None, scalar


def served(
    asked: Asked, types: Mapping[str, Atom], described: BaseTable, nulls_first: bool
) -> Served | str:
    """How a table's index has an order that is asked for; or why none has.

    ``nulls_first``: where an ascending order has NULLs if nothing is said.
    """
    how = described.fact("order")
    why = "" if how == COPIED else _is_hard(asked, types, described)
    if why:
        return why
    for index in described.indexes:
        found = _read_by(index, asked, described, nulls_first) if index.ordered else None
        if found is not None and how != COPIED:
            return found
    if how == IN_ORDER:
        return _told_apart(asked, described)
    return f"no index of {described} has the order {asked}"


def _is_hard(asked: Asked, types: Mapping[str, Atom], described: BaseTable) -> str:
    """Why the values, or those of a group, are not looked for in an index; empty if they are."""
    for each in asked.order:
        column = described.column(each.column)
        known = types[each.column].kind in _ORDERED and column is not None
        if not known or column is None or column.type not in _COMPARED:
            return f"values of the type of {each.column} are not read in an index's order"
    atoms = [types[name] for name in dict.fromkeys(asked.by)]
    if any(atom.native is not None and atom.native.is_row for atom in atoms):
        return "rows with parts are not looked up in an index"
    if sum(atom.nullable for atom in atoms) > MOST_NULLABLE:
        return f"more than {MOST_NULLABLE} columns of a group may be NULL"
    return ""


def _read_by(
    index: BaseIndex, asked: Asked, described: BaseTable, nulls_first: bool
) -> Served | None:
    by = set(asked.by)
    places = index.places(nulls_first)
    if described.row_id and described.row_id not in index.columns:
        # An index of SQLite's ends with the row's number.
        places = (*places, (described.row_id, False, True))
    if {name for name, *_ in places[: len(by)]} != by:
        return None
    backward: bool | None = None
    order: list[Placed] = []
    for each, (name, descending, first) in zip(asked.order, places[len(by) :], strict=False):
        turned = descending == each.ascending
        if name != each.column or backward not in (None, turned):
            break
        backward = turned
        shown = first != turned
        if each.nulls_first not in (None, shown):
            break
        order.append(Placed(name, each.ascending, shown))
        if not asked.total or _is_told_apart(described, by, order):
            break
    whole = len(order) == len(asked.order) or not asked.total
    if not order or not (whole or _is_told_apart(described, by, order)):
        return None
    groups = (Placed(n, down == bool(backward), first != backward) for n, down, first in places)
    return Served(tuple(groups)[: len(by)], tuple(order))


def _told_apart(asked: Asked, described: BaseTable) -> Served:
    """The order itself, where the index is gone that had it."""
    order: list[Placed] = []
    for each in asked.order if asked.total else asked.order[:1]:
        order.append(each)
        if _is_told_apart(described, set(asked.by), order):
            break
    by = (Placed(name, True, None) for name in dict.fromkeys(asked.by))
    return Served(tuple(by), tuple(order))


def _is_told_apart(described: BaseTable, by: set[str], order: Sequence[Placed]) -> bool:
    """Whether no two rows of a group are alike in the columns of an order."""
    columns = by | {each.column for each in order}
    never = {each.name for each in described.columns if not each.nullable}
    return any(each.unique and set(each.columns) <= columns & never for each in described.indexes)
