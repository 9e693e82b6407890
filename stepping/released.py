"""What a revision of Alembic does to columns that installed queries read.

Postgres drops no column that the trigger `stepping_reads` of its table names, and changes the type
of none. So what is dropped is dropped behind the queries that read it no more, and in front of a
change of type, in both directions, the trigger goes. The migration of a query makes it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alembic.autogenerate.render import renderers
from alembic.operations import MigrateOperation, Operations, ops

Read = Mapping[tuple[str, str], Sequence[str]]  # who reads a column, by its table and its name


class ReleaseOp(MigrateOperation):
    """Lets the types of a table's columns be changed."""

    def __init__(self, statement: str) -> None:
        self.statement = statement

    def reverse(self) -> MigrateOperation:
        return self

    def to_diff_tuple(self) -> tuple[str, str]:
        return ("release_columns", self.statement)


@Operations.implementation_for(ReleaseOp)
def run(operations: Operations, operation: ReleaseOp) -> None:
    operations.execute(operation.statement)


@renderers.dispatch_for(ReleaseOp)
def rendered(_: Any, operation: ReleaseOp) -> str:
    return f"op.execute({operation.statement!r})"


def is_retyped(part: MigrateOperation) -> bool:
    return isinstance(part, ops.AlterColumnOp) and part.modify_type is not None


def released(operations: Sequence[MigrateOperation], read: Read, drop: str) -> list[Any]:
    """Some operations, where columns that are read may be given another type.

    ``drop`` drops the trigger of a table, whose name is to be put in.
    """
    found: list[Any] = []
    for each in operations:
        if not isinstance(each, ops.ModifyTableOps) or not any(
            is_retyped(part) and (each.table_name, getattr(part, "column_name", "")) in read
            for part in each.ops
        ):
            found.append(each)
            continue
        name = f'{each.schema}"."{each.table_name}' if each.schema else each.table_name
        release = ReleaseOp(drop.format(name))
        found += [release, each, release]  # the way back is the same, read from its end
    return found


def dropped_last(operations: Sequence[MigrateOperation], read: Read) -> list[Any]:
    """Some operations, of which those that drop a column that is read stand at the end."""
    found: list[Any] = []
    last: list[Any] = []
    for each in operations:
        if not isinstance(each, ops.ModifyTableOps):
            found.append(each)
            continue
        gone = [
            part
            for part in each.ops
            if isinstance(part, ops.DropColumnOp) and (each.table_name, part.column_name) in read
        ]
        stay = [part for part in each.ops if part not in gone]
        for parts, where in ((stay, found), (gone, last)):
            if parts:
                where.append(ops.ModifyTableOps(each.table_name, parts, schema=each.schema))
    return [*found, *last]
