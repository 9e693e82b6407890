"""ROLLUP, CUBE and GROUPING SETS: the groups of each set, beside each other."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.schema import Atom, Kind
from stepping.compiler.sql.aggregates import GroupKey, Groups
from stepping.compiler.sql.frames import Frame, Key
from stepping.compiler.sql.parsing import Expression
from stepping.compiler.sql.rows import Rows
from stepping.compiler.sql.selecting import Selecting

Sets = list[list[Expression]]


@dataclass
class Grouping:
    """Makes groups by several sets of keys. ``selects`` makes those of one."""

    selects: Selecting
    groups: Groups

    def grouped(
        self,
        group: Expression,
        frame: Frame,
        keys: Sequence[GroupKey],
        calls: Sequence[Expression],
        names: Mapping[int, str],
    ) -> tuple[Frame, Mapping[Key, ir.Scalar]]:
        """The groups of all sets: a key that a set has not is NULL there."""
        scalars = self.selects.scalars
        aggregates = [call for call in calls if not isinstance(call, exp.Grouping)]
        levels = [call for call in calls if isinstance(call, exp.Grouping)]
        found: Rows | None = None
        nothing: Mapping[Key, ir.Scalar] = {}
        for each in sets_of(group):
            forms = [scalars.form(node, frame) for node in each]
            own = [key for key in keys if key.form in forms]
            made, nothing = self.groups.grouped(frame, own, aggregates, names)
            columns: list[tuple[str, ir.Scalar]] = []
            for key in keys:
                atom = key.scalar.type.optional()
                if key in own:
                    column = made.rows.columns[own.index(key)]
                    columns.append((key.name, dataclasses.replace(column, type=atom)))
                else:
                    columns.append((key.name, ir.Const(None, atom)))
            for call in aggregates:
                column = made.column(id(call))
                atom = column.type.optional()
                columns.append((column.name, dataclasses.replace(column, type=atom)))
            columns += (("grouping", self.level(call, forms, frame)) for call in levels)
            rows = made.rows.named(columns, "grouping sets")
            found = rows if found is None else found.plus(rows, "grouping sets")
        assert found is not None
        places: dict[Key, int] = {
            id(call): len(keys) + i for i, call in enumerate([*aggregates, *levels])
        }
        return Frame.of_groups(frame, found, [key.form for key in keys], places), nothing

    def level(self, call: Expression, forms: Sequence[object], frame: Frame) -> ir.Scalar:
        """GROUPING(a, b): a bit for each argument that a set has not."""
        bits = 0
        for each in call.expressions:
            bits = bits * 2 + (self.selects.scalars.form(each, frame) not in forms)
        native = self.selects.database.typed((str(bits),), ())
        return self.selects.scalars.native(str(bits), (), Atom(Kind.NATIVE, native=native))


def sets_of(group: Expression) -> Sets:
    """The sets of keys that a GROUP BY says: each of one element with each of the others."""
    elements = [element(each) for each in group.expressions]
    for part in ("rollup", "cube", "grouping_sets"):
        elements += (element(each) for each in group.args.get(part) or ())
    return [list(itertools.chain.from_iterable(parts)) for parts in itertools.product(*elements)]


def element(node: Expression) -> Sets:
    """The sets that one element of a GROUP BY says."""
    match node:
        case exp.Rollup():
            parts = [flat(each) for each in node.expressions]
            return [joined(parts[:n]) for n in range(len(parts), -1, -1)]
        case exp.Cube():
            parts = [flat(each) for each in node.expressions]
            chosen = itertools.product((True, False), repeat=len(parts))
            return [
                joined(part for part, there in zip(parts, some, strict=True) if there)
                for some in chosen
            ]
        case exp.GroupingSets():
            return [found for each in node.expressions for found in element(each)]
        case _:
            return [flat(node)]


def joined(parts: Iterable[list[Expression]]) -> list[Expression]:
    return list(itertools.chain.from_iterable(parts))


def flat(node: Expression) -> list[Expression]:
    """The expressions of an element in parentheses."""
    if isinstance(node, exp.Tuple):
        return list(node.expressions)
    return [node.this] if isinstance(node, exp.Paren) else [node]
