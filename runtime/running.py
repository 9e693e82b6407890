"""Running the statements of a step: rows handed to the database, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from operator import itemgetter
from typing import Any

from stepping.compiler.codec import Codec, codec_of
from stepping.compiler.plan.graph import AnyGraph, Program
from stepping.compiler.plan.sql_plan import Role, SQLFused, SQLStatement, SQLStep
from stepping.compiler.schema import schema_of
from stepping.compiler.zset import GivenPairs, GivenRows, ReadRows, ZSet, ZSetPython, added_up
from stepping.dialects.driver import CHECK, CLEAR, READ, RUN, STAGE, CountBelowZero, Driver, Row
from stepping.errors import RowError

Pairs = list[tuple[Any, int]]
Picker = Callable[[Row], Row]
Encode = Callable[[Iterable[tuple[Any, int]]], list[Row]]
Staged = Mapping[str, Sequence[Row]]  # of each changed input the rows, a count at their end


@dataclass(frozen=True)
class Input:
    """How the changed rows of an input are encoded for one kind of step."""

    encode: Encode
    is_pruned: bool  # it gives some columns of a row

    def rows(self, change: ZSet[Any]) -> Sequence[Row]:
        """Columns with a count at their end, no two of them equal."""
        try:
            rows: Sequence[Row] = self.encode(given_pairs(change))
        except RowError:
            if isinstance(change, GivenPairs):
                change.check()
            raise
        return rows if len(rows) < 2 else added_up(rows)


@dataclass(frozen=True)
class PythonSteps:
    """A plan with the Python steps of a migration, or of computing it anew, for its own."""

    plan: Any
    python_steps: Sequence[Any]


@dataclass
class Statements:
    """Runs statements of one plan over one connection, within a transaction that is open."""

    driver: Driver
    graph: AnyGraph
    program: Program
    codecs: dict[int, Codec] = field(default_factory=dict, init=False)
    inputs: dict[int, dict[str, Input]] = field(default_factory=dict, init=False)  # by step
    steps: dict[frozenset[str], SQLStep] = field(default_factory=dict, init=False)  # by inputs

    def __post_init__(self) -> None:
        self.plan = self.program.plan
        self.input_codecs = {
            name: self.codec(value_type)
            for name, value_type in zip(self.graph.input_names, self.graph.input_types, strict=True)
        }
        self.output_codecs = [self.codec(each) for each in self.graph.output_types]

    def codec(self, value_type: Any) -> Codec:
        return codec_of(value_type, self.driver.to_column, self.driver.from_column)

    def step_of(self, changed: frozenset[str]) -> SQLStep:
        """The statements for a set of changed inputs."""
        found = self.steps.get(changed)
        if found is None:
            found = self.steps[changed] = self.plan.step(changed)
        return found

    # -- rows to columns ------------------------------------------------------------------------

    def encoded(self, name: str, zset: ZSet[Any]) -> list[tuple[Row, int]]:
        """All columns of the rows of an input, with their counts."""
        encode = self.input_codecs[name].encode
        return [(encode(row), count) for row, count in zset.iter() if count]

    def whole(
        self, step: SQLStep, name: str, staged: Sequence[Row], zset: ZSet[Any]
    ) -> list[tuple[Row, int]]:
        """All columns of the rows of an input that are staged for a step."""
        if self.inputs[id(step)][name].is_pruned:
            return self.encoded(name, zset)
        return [(row[:-1], row[-1]) for row in staged]

    def staged(self, step: SQLStep, changes: Mapping[str, ZSet[Any]]) -> dict[str, Sequence[Row]]:
        """What a step is given: the columns that it needs, no row twice, and none that cancel."""
        inputs = self.inputs.get(id(step)) or self.prepared(step)
        found = {}
        for name, zset in changes.items():
            rows = inputs[name].rows(zset)
            if rows:
                found[name] = rows
        return found

    def prepared(self, step: SQLStep) -> dict[str, Input]:
        picked = {each.operator: each for each in stage_statements(step)}
        found = {}
        for name, codec in self.input_codecs.items():
            statement = picked.get(name)
            # Where nothing reads an input, its rows are checked all the same.
            positions = () if statement is None else positions_of(statement, codec.type)
            found[name] = Input(codec.encoder(positions), positions is not None)
        self.inputs[id(step)] = found
        return found

    # -- statements -----------------------------------------------------------------------------

    def fused(self, step: SQLStep, staged: Staged, *, output: bool) -> dict[int, Sequence[Row]]:
        """Run a whole step as one statement; returns the rows of its outputs."""
        assert step.fused is not None
        return outputs_of(step.fused, self.driver.fused(step.fused, staged, output=output))

    def fused_alone(
        self, step: SQLStep, staged: Staged, tables: Sequence[str], *, output: bool
    ) -> dict[int, Sequence[Row]] | None:
        """Run a whole step as one transaction, if the driver can; see `Driver.fused_alone`."""
        plan = self.plan
        if step.fused is None:
            return None
        fused = step.fused if step.growing is None or has_removals(staged) else step.growing
        where = (tables, plan.query, plan.fingerprint)
        returned = self.driver.fused_alone(fused, staged, *where, output=output)
        return None if returned is None else outputs_of(fused, returned)

    def picked(
        self, step: SQLStep, pairs: Mapping[str, Sequence[tuple[Row, int]]]
    ) -> dict[str, Sequence[Row]]:
        """What a step is given, of all columns of the changed rows."""
        found: dict[str, Sequence[Row]] = {
            name: [(*row, count) for row, count in each] for name, each in pairs.items()
        }
        for statement in stage_statements(step):
            each = pairs.get(statement.operator)
            positions = positions_of(statement, self.input_codecs[statement.operator].type)
            if each and positions is not None:
                pick = picker_of(positions, len(each[0][0]))
                found[statement.operator] = [(*pick(row), count) for row, count in each]
        return found

    def part(
        self, statements: Sequence[SQLStatement], staged: Staged, *, removes: bool
    ) -> dict[int, list[Row]]:
        """Run a part of a step; returns the rows of the outputs that it reads."""
        self.driver.open_session()
        self.driver.clear([each for each in statements if each.role is Role.CLEAR])
        others = [each for each in statements if each.role is not Role.CLEAR]
        return self.run(others, staged, removes=removes)

    def run(
        self,
        statements: Sequence[SQLStatement],
        staged: Staged,
        *,
        removes: bool,
        output: bool = True,
        empty: set[str] | None = None,
    ) -> dict[int, list[Row]]:
        """Run statements in order; returns the rows of the outputs that they read.

        ``empty`` has the delta tables that are known to hold no rows, and is kept up: they need not
        be emptied, and what reads no others is left out.
        """
        if removes:
            with self.driver.checking():
                return self.run_in_order(statements, staged, removes, output, empty)
        return self.run_in_order(statements, staged, removes, output, empty)

    def run_in_order(
        self,
        statements: Sequence[SQLStatement],
        staged: Staged,
        removes: bool,
        output: bool,
        empty: set[str] | None,
    ) -> dict[int, list[Row]]:
        found: dict[int, list[Row]] = {}
        driver = self.driver
        driver.open_session()
        known = set() if empty is None else empty
        for statement in statements:
            role = statement.role
            if statement.reads and known.issuperset(statement.reads):
                continue
            if role is RUN:
                if driver.run(statement):
                    known.discard(statement.fills)
            elif role is CLEAR:
                if statement.fills not in known:
                    driver.run(statement)
                    if empty is not None and statement.fills:
                        known.add(statement.fills)
            elif role is STAGE:
                rows = staged.get(statement.operator)
                if rows:
                    driver.stage(statement, rows)
                    known.discard(statement.fills)
            elif role is READ:
                if output:
                    found[statement.output] = driver.select(statement)
            elif role is CHECK:
                if removes:
                    self.check(statement)
            else:
                driver.plan_for(statement)
                if self.run_python(statement):
                    known.discard(statement.fills)
        return found

    def check(self, statement: SQLStatement) -> None:
        below = self.driver.select(statement)
        if below:
            raise CountBelowZero(statement, below[0])

    def run_python(self, statement: SQLStatement) -> bool:
        """Run a Python step; whether it has loaded anything."""
        return self.fold(statement) if statement.role is Role.FOLD else self.in_python(statement)

    def in_python(self, statement: SQLStatement) -> bool:
        """Read a change, run a row function on it, and load what it returns, if anything."""
        operator = self.program.python_steps[statement.step]
        (source,) = operator.inputs
        read = self.cached_codec(source.schema.type).decode_counted
        change = ZSetPython(read(self.driver.select(statement)))
        result = operator.evaluate(change)
        write = self.cached_codec(operator.schema.type)
        rows = write.encoder(positions_of(statement, operator.schema.type))(result.iter())
        if rows:
            self.driver.stage(statement, rows)
        return bool(rows)

    def fold(self, statement: SQLStatement) -> bool:
        """Read what changes in some groups' values and what they were; load what they are, if any
        has changed.
        """
        operator = self.program.python_steps[statement.step]
        decode = self.cached_codec(operator.item).decode
        groups: dict[Row, tuple[int | None, Any, list[tuple[tuple[Any] | None, int]]]] = {}
        for row in self.driver.select(statement):
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
        return bool(rows)

    def cached_codec(self, value_type: Any) -> Codec:
        known = self.codecs.get(id(value_type))
        if known is None or known.type is not value_type:
            known = self.codecs[id(value_type)] = self.codec(value_type)
        return known

    # -- columns to rows ------------------------------------------------------------------------

    def change(
        self, output: int, rows: Sequence[Row], *, distinct: bool = False
    ) -> ZSetPython[Any]:
        """The change of an output, from its rows as they were read."""
        return ReadRows(rows, self.output_codecs[output].decode_counted, distinct=distinct)


def given_pairs(change: ZSet[Any]) -> Iterable[tuple[Any, int]]:
    """The rows of a change as they were given, each with its count: two may be the same row."""
    if type(change) is GivenRows:
        return zip(change.given, repeat(change.count))
    return [(row, count) for row, count in change.iter() if count]


def has_removals(staged: Staged) -> bool:
    """Whether any row is taken away."""
    return any(removes(rows) for rows in staged.values())


def removes(rows: Sequence[Row]) -> bool:
    """Whether any of an input's rows is taken away."""
    return any(row[-1] < 0 for row in rows)


def outputs_of(fused: SQLFused, returned: Sequence[Row]) -> dict[int, Sequence[Row]]:
    """The rows of each output, of those that a fused step returned."""
    found: dict[int, Sequence[Row]] = {}
    for output, offset, width in fused.outputs:
        last = offset + width
        found[output] = [row[offset:last] for row in returned if row[0] == output]
    return found


def stage_statements(step: SQLStep) -> list[SQLStatement]:
    return [each for each in step.statements if each.role is Role.STAGE]


def positions_of(statement: SQLStatement, value_type: Any) -> tuple[int, ...] | None:
    """Which columns a delta table has, of all that a row has; None if it has them all."""
    names = schema_of(value_type).names
    positions = tuple(names.index(column.name) for column in statement.columns)
    return None if positions == tuple(range(len(names))) else positions


def picker_of(positions: Sequence[int], width: int) -> Picker:
    if list(positions) == list(range(width)):
        return lambda row: row
    if len(positions) == 1:
        (only,) = positions
        return lambda row: (row[only],)
    if not positions:
        return lambda row: ()
    return itemgetter(*positions)
