"""From reads to delay tables: what is kept, under which names, in which order of columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any

from stepping.compiler import ir
from stepping.compiler.lowering import names
from stepping.compiler.lowering.arrangements import (
    Arrangement,
    Arrangements,
    KeyedState,
    View,
)
from stepping.compiler.lowering.demand import Demand, Key, Reading
from stepping.compiler.lowering.in_place import Base
from stepping.compiler.lowering.meaning import StorageDigests
from stepping.compiler.lowering.spans import Spans, ranges_of
from stepping.compiler.lowering.views import GroupProjection, viewed
from stepping.compiler.plan.tables import (
    SumColumns,
    Table,
    TableColumn,
    TableIndex,
    TableKind,
)
from stepping.compiler.schema import BOOL, INT, Atom, free_name

FLOATS = (ir.SumKind.FLOAT, ir.SumKind.ANY_FLOAT)
ONE = ir.Const(1, INT)

# Part of every digest: raise it when what a column holds changes for the same query.
STORAGE_VERSION = 2


def arrange(
    naming: names.Naming,
    demand: Demand,
    moments: ir.Moments,
    proven: set[ir.Operator],
    taken: set[str],
    exact_float: Atom,
    *,
    share: bool = True,
    base: Base | None = None,
) -> Arrangements:
    """One delay table for each operator whose integral is read, however many read it.

    ``share``: an integral that is an aggregate's groups is a view of the aggregate's own table.
    ``base``: what is read in tables of the application needs none either. ``exact_float``: what an
    exact sum of floats is kept in.
    """
    base = base or Base()
    digests = Digests()
    shown = viewed(demand) if share else {}
    kept = [op for op in demand.readings if op not in shown and op not in base.in_place]
    # An input's table has the name of the input, and what is made of it another.
    made = {
        operator: _delay_table(
            digests,
            naming,
            operator,
            frozenset(demand.stored[operator]),
            demand.readings[operator],
            naming.first.get(operator),
            operator in proven,
            base.copied.get(operator, ""),
        )
        for operator in sorted(kept, key=lambda op: bool(op.inputs))
    }
    delay = {operator: made[operator] for operator in kept}
    state = {}
    for operator, groups in demand.states.items():
        reads = [
            (each, reading)
            for of, each in shown.items()
            if each.groups.operator == operator
            for reading in demand.readings[of]
            if reading.key
        ]
        state[operator] = _state_table(digests, naming, groups, proven, taken, reads, exact_float)
    views = {
        operator: _view(
            digests,
            naming,
            operator,
            each,
            state[each.groups.operator],
            demand.readings[operator],
            naming.first.get(operator),
        )
        for operator, each in shown.items()
    }
    return Arrangements(delay, state, views, demand.flat, moments, base)


def where_of(operator: ir.Operator) -> str:
    """``file:line`` of the call in the query, the folder left out."""
    if operator.origin is None:
        return "the query's arguments"
    return f"{operator.origin.file.rsplit('/', 1)[-1]}:{operator.origin.line}"


@dataclass
class Digests:
    """Digests of the tables of one query: no two of its tables have the same."""

    meanings: StorageDigests = field(default_factory=StorageDigests)
    taken: set[bytes] = field(default_factory=set)

    def delay(self, operator: ir.Operator, columns: tuple[tuple[str, ir.Scalar], ...]) -> str:
        """The digest of a delay table, in whatever order its columns stand."""
        read = frozenset().union(*(ir.columns_read(scalar) for _, scalar in columns))
        named = tuple(sorted(columns, key=itemgetter(0)))
        return self.unique(("delay", STORAGE_VERSION, self.meanings.of(operator, read), named))

    def state(self, groups: ir.Accumulate, columns: tuple[TableColumn, ...]) -> str:
        """The digest of a state table."""
        whole = frozenset(groups.operator.schema.names)
        typed = tuple(sorted(((c.name, c.type) for c in columns), key=itemgetter(0)))
        return self.unique(
            ("state", STORAGE_VERSION, self.meanings.of(groups.operator, whole), typed)
        )

    def view(self, operator: ir.Operator, columns: tuple[tuple[str, ir.Scalar], ...]) -> str:
        """The digest of a view, which is no table's: one may take the place of the other."""
        read = frozenset(operator.schema.names)
        return self.unique(("view", STORAGE_VERSION, self.meanings.of(operator, read), columns))

    def unique(self, held: tuple[Any, ...]) -> str:
        digest = ir.digest_of(held)
        serial = 2
        while digest in self.taken:  # two operators of one meaning are kept as two tables
            digest = ir.digest_of((*held, serial))
            serial += 1
        self.taken.add(digest)
        return digest.hex()


def _delay_table(
    digests: Digests,
    naming: names.Naming,
    operator: ir.Operator,
    stored: frozenset[str],
    readings: list[Reading],
    cache: str | None,
    proven: bool,
    why_copied: str,
) -> Arrangement:
    # The first key leads the table's identity, so that one B-tree is table, identity and index:
    # a key that is ordered by, else the longest that rows are looked up by.
    ordered = sorted(readings, key=lambda r: (r.ascending is None, -len(r.key)))
    ordered.sort(key=lambda r: not r.picked)
    taken: set[str] = set()
    columns: list[tuple[str, ir.Scalar]] = []
    held: dict[ir.Scalar, str] = {}

    def hold(scalar: ir.Scalar, stem: str) -> str:
        if scalar not in held:
            held[scalar] = free_name(stem, taken)
            columns.append((held[scalar], scalar))
        return held[scalar]

    keys: dict[Key, tuple[str, ...]] = {}
    for reading in ordered:
        keys[reading.key] = tuple(hold(scalar, stem_of(scalar)) for scalar in reading.key)
    for column in operator.schema.columns:
        if column.name in stored:
            hold(ir.ColumnRef(column.name, column.type), column.name)
    if not columns:  # all that is read is how many rows there are
        hold(ir.Const(True, BOOL), "unit")
    weight = free_name("c", taken)
    first = keys[ordered[0].key] if ordered else ()
    digest = digests.delay(operator, tuple(columns))
    holds = tuple((n, s.name) for n, s in columns if isinstance(s, ir.ColumnRef))
    rows = digests.meanings.of(operator, frozenset(column for _, column in holds)).hex()
    name = naming.of(operator, digest, cache)
    table = Table(
        name,
        TableKind.DELAY,
        tuple(TableColumn(stored_name, scalar.type) for stored_name, scalar in columns),
        weight,
        key=first,
        indexes=_indexes(name, ordered, keys),
        picked=any(reading.picked for reading in readings),
        non_negative=proven,
        reason=_reason(operator, ordered, keys, cache)
        + (f"; not in place, since {why_copied}" if why_copied else ""),
        serves=operator.label,
        where=where_of(operator),
        digest=digest,
        rows=rows,
        holds=holds,
        input=operator.label if not operator.inputs else "",
        ranges=ranges_of(operator, columns),
        rows_of=str(operator.schema.type),
        node=operator.digest.hex(),
    )
    return Arrangement(operator, table, tuple(columns), keys)


def _view(
    digests: Digests,
    naming: names.Naming,
    operator: ir.Operator,
    shown: GroupProjection,
    state: KeyedState,
    readings: list[Reading],
    cache: str | None,
) -> View:
    """An integral as a view of a state table: its columns are those of the operator."""
    columns = ir.references(operator.schema.columns)
    keys = {
        reading.key: tuple(s.name for s in reading.key if isinstance(s, ir.ColumnRef))
        for reading in readings
    }
    digest = digests.view(operator, columns)
    table = Table(
        naming.of(operator, digest, cache),
        TableKind.VIEW,
        tuple(TableColumn(name, scalar.type) for name, scalar in columns),
        free_name("c", {name.lower() for name, _ in columns}),
        non_negative=True,
        reason=_reason(operator, [r for r in readings if r.key], keys, cache),
        serves=operator.label,
        where=where_of(operator),
        digest=digest,
        rows=digests.meanings.of(operator, frozenset(operator.schema.names)).hex(),
        holds=tuple((name, name) for name, _ in columns),
        of=state.table.name,
        rows_of=str(operator.schema.type),
        node=operator.digest.hex(),
    )
    return View(Arrangement(operator, table, columns, keys), shown, state)


def stem_of(scalar: ir.Scalar) -> str:
    """What a column that holds a key's scalar is called."""
    match scalar:
        case ir.ColumnRef():
            return scalar.name
        case ir.Not(ir.IsNull(ir.ColumnRef(name))):
            return f"{name}_is_set"
        case _:
            return "key"


def _indexes(
    table: str, readings: list[Reading], keys: Mapping[Key, tuple[str, ...]]
) -> tuple[TableIndex, ...]:
    """An index for each order, and for each key that no other look-up serves."""
    served = [keys[readings[0].key]] if readings else []
    found: list[TableIndex] = []
    for reading in readings:
        columns = keys[reading.key]
        if reading.ascending is None:
            if not columns or any(have[: len(columns)] == columns for have in served):
                continue
            served.append(columns)
        _add_index(found, table, columns, reading)
    return tuple(found)


def _add_index(
    found: list[TableIndex], table: str, columns: tuple[str, ...], reading: Reading
) -> None:
    """Add the index for a reading to those of a table, unless it is among them."""
    name = names.index_name(table, columns)
    made = TableIndex(name, columns, reading.ascending or (), reading.equal)
    if any(replace(made, name=each.name) == each for each in found):
        return
    if any(each.name == name for each in found):  # the same columns in other directions
        made = replace(made, name=names.another_index_name(table, columns, len(found)))
    found.append(made)


def _reason(
    operator: ir.Operator,
    readings: list[Reading],
    keys: Mapping[Key, tuple[str, ...]],
    cache: str | None,
) -> str:
    """Why the table exists, for `explain` and for the comment in the DDL."""
    lookups = [keys[r.key] for r in readings if r.key and r.ascending is None]
    orders = [keys[r.key] for r in readings if r.ascending is not None]
    whole = any(not r.key for r in readings)
    parts = []
    if cache:
        parts.append(f"the cache {cache!r}")
    elif whole:
        parts.append(f"the integral of {operator.label}")
    else:
        parts.append(f"the rows of {operator.label}")
    parts += [f"looked up by {', '.join(columns)}" for columns in lookups]
    parts += [f"read in the order of {', '.join(columns)}" for columns in orders]
    return ", ".join(parts)


def _state_table(
    digests: Digests,
    naming: names.Naming,
    groups: ir.Accumulate,
    proven: set[ir.Operator],
    taken: set[str],
    reads: list[tuple[GroupProjection, Reading]],
    exact_float: Atom,
) -> KeyedState:
    operator = groups.operator
    key = tuple(name for name, _ in groups.keys)
    inner = {name.lower() for name in key}
    weight = free_name("n", inner)
    keys = tuple(TableColumn(name, atom) for name, atom in groups.keys)
    sums: list[SumColumns] = []
    state_columns: list[TableColumn] = []
    change_columns: list[TableColumn] = []
    is_counted = operator.inputs[0] in proven
    spans = Spans()
    for position, running in enumerate(groups.sums):
        value = free_name(running.name, inner)
        state_columns.append(TableColumn(value, running.type))
        old, new = ir.old_name(running.name), ir.new_name(running.name)
        change_columns.append(TableColumn(old, running.type.optional()))
        change_columns.append(TableColumn(new, running.type))
        finite = exact = ""
        positive = negative = ""
        if running.kind in FLOATS:
            exact = free_name(f"{running.name}_exact", inner)
            state_columns.append(TableColumn(exact, exact_float))
        if running.kind is ir.SumKind.ANY_FLOAT:
            finite = free_name(f"{running.name}_finite", inner)
            positive = free_name(f"{running.name}_pos_inf", inner)
            negative = free_name(f"{running.name}_neg_inf", inner)
            change_columns.append(TableColumn(finite, running.type))
            state_columns += (TableColumn(each, INT) for each in (positive, negative))
        if exact:
            change_columns.append(TableColumn(exact, exact_float))
        change_columns += (TableColumn(each, INT) for each in (positive, negative) if each)
        apart = (finite, exact, positive, negative)
        of_rows = all(each.values[position] == ONE for each in groups.contributions)
        is_count = of_rows and all(each.counts for each in groups.contributions)
        vanishes = is_counted and not is_count and _vanishes(groups, position)
        low = free_name(f"{running.name}_low", inner)
        columns = SumColumns(running.type, value, old, new, *apart, vanishes=vanishes, low=low)
        small = not of_rows and spans.are_small(groups, position)
        sums.append(replace(columns, counts=of_rows, small=small))
    counts = (TableColumn(ir.GROUP_OLD, INT.optional()), TableColumn(ir.GROUP_NEW, INT))
    extremes: list[SumColumns] = []
    for extreme in groups.others:
        value = free_name(extreme.name, inner)
        old, new = ir.old_name(extreme.name), ir.new_name(extreme.name)
        state_columns.append(TableColumn(value, extreme.type))
        change_columns += (TableColumn(old, extreme.type), TableColumn(new, extreme.type))
        extremes.append(SumColumns(extreme.type, value, old, new))
    digest = digests.state(groups, (*keys, *state_columns))
    name = naming.of(operator, digest)
    table = Table(
        name,
        TableKind.STATE,
        (*keys, *state_columns),
        weight,
        key=_leading(key, reads),
        non_negative=is_counted,
        reason=f"one row per group of {operator.label}: its number of rows and its sums",
        serves=operator.label,
        where=where_of(operator),
        digest=digest,
        sums=tuple(sums),
        extremes=tuple(extremes),
        rows_of=str(operator.schema.type),
        node=operator.digest.hex(),
    )
    changed = (*keys, *counts, *change_columns)
    change = Table(
        names.delta_name(f"change_{names.role_of(operator)}", changed, taken),
        TableKind.CHANGE,
        changed,
        None,
        key=key,
        reason=f"the groups of {operator.label} that a step touches, before and after it",
        serves=operator.label,
        where=table.where,
        sums=tuple(sums),
        extremes=tuple(extremes),
        node=table.node,
    )
    state = KeyedState(groups, table, change)
    return replace(state, table=replace(table, indexes=_view_indexes(state, reads)))


def _vanishes(groups: ir.Accumulate, position: int) -> bool:
    """Whether a sum is of the rows that count its groups, and exact: 0 where no row is left."""
    if groups.sums[position].kind in FLOATS:
        return False
    adding = [each for each in groups.contributions if each.values[position] is not None]
    return bool(adding) and all(each.counts for each in adding)


def _leading(key: tuple[str, ...], reads: list[tuple[GroupProjection, Reading]]) -> tuple[str, ...]:
    """The key of a group in the order in which its rows are read through views, if they are.

    A group is looked up by all of its key, in whatever order it stands in the index.
    """
    for shown, reading in sorted(reads, key=lambda r: (r[1].ascending is None, -len(r[1].key))):
        held = tuple(shown.held(scalar) or "" for scalar in reading.key)
        if set(held) <= set(key):
            first = tuple(dict.fromkeys(held))
            return (*first, *(name for name in key if name not in first))
    return key


def _view_indexes(
    state: KeyedState, reads: list[tuple[GroupProjection, Reading]]
) -> tuple[TableIndex, ...]:
    """An index of a state table for each way in which it is read through views."""
    found: list[TableIndex] = []
    key = state.table.key
    for shown, reading in reads:
        columns = tuple(state.column_of(shown.held(scalar) or "") for scalar in reading.key)
        if reading.ascending is not None or key[: len(columns)] != columns:
            _add_index(found, state.table.name, columns, reading)
    return tuple(found)
