"""Running the statements of a step: rows handed to the database, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from stepping.compiler.codec import Codec, codec_of
from stepping.compiler.plan.graph import AnyGraph, Program
from stepping.compiler.plan.sql_plan import Role, SQLStatement, SQLStep
from stepping.compiler.schema import schema_of
from stepping.compiler.zset import ZSet, ZSetPython
from stepping.dialects.driver import Driver, Row

Pairs = list[tuple[Any, int]]
Picker = Callable[[Row], Row]


class CountBelowZero(Exception):
    """A row that was removed is not there."""

    def __init__(self, operator: str, row: Mapping[str, Any]) -> None:
        super().__init__(operator)
        self.operator = operator
        self.row = row


@dataclass
class Statements:
    """Runs statements of one plan over one connection, within a transaction that is open."""

    driver: Driver
    graph: AnyGraph
    program: Program
    codecs: dict[int, Codec] = field(default_factory=dict, init=False)
    pickers: dict[int, Picker] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.plan = self.program.plan
        self.input_codecs = {
            name: self.codec(value_type)
            for name, value_type in zip(self.graph.input_names, self.graph.input_types, strict=True)
        }
        self.output_codecs = [self.codec(each) for each in self.graph.output_types]

    def codec(self, value_type: Any) -> Codec:
        return codec_of(value_type, self.driver.to_column, self.driver.from_column)

    def encoded(self, name: str, zset: ZSet[Any]) -> list[tuple[Row, int]]:
        encode = self.input_codecs[name].encode
        return [(encode(row), count) for row, count in zset.iter() if count]

    def fused(self, step: SQLStep, staged: Mapping[str, list[tuple[Row, int]]]) -> dict[int, Pairs]:
        assert step.fused is not None
        rows = {}
        for (name, columns), statement in zip(
            step.fused.inputs, stage_statements(step), strict=True
        ):
            pick = self.picker(statement, self.input_codecs[name].type)
            rows[name] = [(*pick(row), count) for row, count in staged.get(name, ())]
            assert len(columns) == len(statement.columns)
        returned = self.driver.fused(step.fused, rows)
        found: dict[int, Pairs] = {}
        for output, offset, width in step.fused.outputs:
            decode = self.output_codecs[output].decode_counted
            last = offset + width
            found[output] = [decode(row[offset:last]) for row in returned if row[0] == output]
        return found

    def statements(
        self,
        statements: Sequence[SQLStatement],
        staged: Mapping[str, list[tuple[Row, int]]],
        raw: dict[int, list[Row]] | None = None,
    ) -> dict[int, Pairs]:
        """Run statements in order; returns the outputs, or ``raw`` gets them as they are read."""
        found: dict[int, Pairs] = {}
        driver = self.driver
        driver.open_session()
        removes = any(count < 0 for rows in staged.values() for _, count in rows)
        for statement in statements:
            match statement.role:
                case Role.RUN | Role.CLEAR:
                    driver.run(statement)
                case Role.STAGE:
                    rows = staged.get(statement.operator)
                    if rows:
                        pick = self.picker(statement, self.input_codecs[statement.operator].type)
                        driver.stage(statement, [(*pick(row), count) for row, count in rows])
                case Role.PYTHON:
                    self.in_python(statement)
                case Role.FOLD:
                    self.fold(statement)
                case Role.CHECK:
                    below = driver.read(statement.sql) if removes else None
                    if below:
                        names = [column.name for column in statement.columns]
                        raise CountBelowZero(
                            statement.operator, dict(zip(names, below[0], strict=False))
                        )
                case Role.READ:
                    read = driver.read(statement.sql)
                    if raw is None:
                        found[statement.output] = self.decoded(statement.output, read)
                    else:
                        raw[statement.output] = read
        return found

    def decoded(self, output: int, rows: Sequence[Row]) -> Pairs:
        decode = self.output_codecs[output].decode_counted
        return [decode(row) for row in rows]

    def in_python(self, statement: SQLStatement) -> None:
        """Read a change, run a row function on it, and load what it returns."""
        operator = self.program.python_steps[statement.step]
        (source,) = operator.inputs
        read = self.cached_codec(source.schema.type).decode_counted
        change = ZSetPython(read(row) for row in self.driver.read(statement.sql))
        result = operator.evaluate(change)
        write = self.cached_codec(operator.schema.type)
        pick = self.picker(statement, operator.schema.type)
        rows = [(*pick(write.encode(row)), count) for row, count in result.iter()]
        if rows:
            self.driver.stage(statement, rows)

    def fold(self, statement: SQLStatement) -> None:
        """Read what changes in some groups' values and what they were; load what they are."""
        operator = self.program.python_steps[statement.step]
        decode = self.cached_codec(operator.item).decode
        groups: dict[Row, tuple[int | None, Any, list[tuple[tuple[Any] | None, int]]]] = {}
        for row in self.driver.read(statement.sql):
            key, item = row[: statement.keys], row[statement.keys : -3]
            count, n, old = row[-3:]
            _, _, changes = groups.setdefault(key, (n, old, []))
            given = operator.given(item)
            changes.append((None if given is None else (decode(given),), int(count)))
        rows = [
            (*key, *operator.folded(n, None if old is None else bytes(old), changes))
            for key, (n, old, changes) in groups.items()
        ]
        if rows:
            self.driver.stage(statement, rows)

    def cached_codec(self, value_type: Any) -> Codec:
        known = self.codecs.get(id(value_type))
        if known is None or known.type is not value_type:
            known = self.codecs[id(value_type)] = self.codec(value_type)
        return known

    def picker(self, statement: SQLStatement, value_type: Any) -> Picker:
        """The columns that a delta table has, of all that a row has."""
        known = self.pickers.get(id(statement))
        if known is None:
            names = schema_of(value_type).names
            wanted = [column.name for column in statement.columns]
            known = picker_of([names.index(name) for name in wanted], len(names))
            self.pickers[id(statement)] = known
        return known


def stage_statements(step: SQLStep) -> list[SQLStatement]:
    return [each for each in step.statements if each.role is Role.STAGE]


def picker_of(positions: Sequence[int], width: int) -> Picker:
    if list(positions) == list(range(width)):
        return lambda row: row
    if len(positions) == 1:
        (only,) = positions
        return lambda row: (row[only],)
    if not positions:
        return lambda row: ()
    return itemgetter(*positions)
