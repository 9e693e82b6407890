"""GROUP BY: groups with running sums, numbers of distinct values, smallest and largest values."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.frontend.rows import pair_of
from stepping.compiler.operators.aggregate import Aggregate, Total
from stepping.compiler.operators.distinct import Distinct
from stepping.compiler.operators.linear import Filter, Map
from stepping.compiler.operators.regroup import Regroup
from stepping.compiler.operators.topn import Ordered
from stepping.compiler.plan.database import Given, Measure
from stepping.compiler.schema import (
    BOOL,
    INT,
    ONE_OR_NONE,
    Atom,
    DatabaseType,
    Kind,
    ValueType,
    bounded,
)
from stepping.compiler.sql.frames import Frame, Key
from stepping.compiler.sql.images import is_imaged, is_varied
from stepping.compiler.sql.parsing import Expression, token_range
from stepping.compiler.sql.rows import (
    ONE,
    TRUE,
    Rows,
    first_of_equal,
    function_of,
    name_of,
    shown_again,
    struct_of,
)
from stepping.compiler.sql.scalars import Form
from stepping.compiler.sql.selecting import Selecting

_NAMES = {"logicaland": "bool_and", "logicalor": "bool_or", "countif": "count_if"}
ZERO = ir.Const(0, INT)
_AS_TEXT = ("json", "jsonb")  # of which a text gives the very value again
# Aggregates that put values behind each other.
_OF_AN_ORDER = frozenset(
    {"string_agg", "group_concat", "array_agg", "json_agg", "jsonb_agg", "json_arrayagg", "xmlagg"}
    | {"json_object_agg", "json_objectagg", "json_group_array", "jsonb_group_array"}
    | {"json_group_object", "jsonb_group_object"}
)


@dataclass(frozen=True)
class GroupKey:
    """An expression that rows are grouped by: its form, its value, and its name."""

    form: Form
    scalar: ir.Scalar
    name: str
    told_apart: bool = False  # equal values that differ are in groups of their own


@dataclass
class Call:
    """One aggregate call: what it is of, and which rows it counts."""

    node: Expression  # with its FILTER
    function: str
    argument: Expression | None  # None of count(*)
    distinct: bool
    condition: Expression | None
    name: str = ""


@dataclass
class Side:
    """Sums over distinct values, in groups of their own."""

    rows: Rows
    totals: list[Total] = field(default_factory=list)
    calls: list[tuple[Call, Measure, list[int]]] = field(default_factory=list)
    nothing: dict[int, ir.Scalar] = field(default_factory=dict)


@dataclass
class Made:
    """What is kept for the calls of one GROUP BY, and how the value of each is got from that."""

    totals: list[Total] = field(default_factory=list)
    distincts: list[ir.Operator] = field(default_factory=list)
    extremes: list[ir.Operator] = field(default_factory=list)
    largest: list[bool] = field(default_factory=list)
    sides: dict[Any, Side] = field(default_factory=dict)
    # Of a call: a measure with the totals of its parts, or ("distinct" or "first", position, type).
    measures: dict[int, tuple[Measure, list[int]]] = field(default_factory=dict)
    others: dict[int, tuple[str, int, Atom]] = field(default_factory=dict)
    nothing: dict[int, ir.Scalar] = field(default_factory=dict)  # its value of no rows
    counts: dict[int, int] = field(default_factory=dict)
    calls: dict[int, Call] = field(default_factory=dict)

    def total(self, name: str, scalar: ir.Scalar, atom: Atom) -> int:
        """The position of a running sum of a scalar, one for all that ask for the same."""
        for position, known in enumerate(self.totals):
            assert known.function.scalars is not None
            if known.function.scalars[0] == scalar and known.type == atom:
                return position
        taken = {each.name for each in self.totals}
        unique, serial = bounded(name), 2
        while unique in taken:
            unique, serial = bounded(f"{name}_{serial}"), serial + 1
        self.totals.append(Total(unique, function_of(atom, (scalar,)), atom))
        return len(self.totals) - 1


class NotIncrementalError(Exception):
    """No running state of an aggregate is kept: its groups are computed anew."""


@dataclass
class Groups:
    """Makes the groups of one query. ``selects`` makes its scalars."""

    selects: Selecting

    def grouped(
        self,
        frame: Frame,
        keys: Sequence[GroupKey],
        nodes: Sequence[Expression],
        names: Mapping[int, str],
    ) -> tuple[Frame, dict[Key, ir.Scalar]]:
        """A row for each group, or one for all rows without keys; and the values of no rows.

        The frame has the value of each call under its node's identity, and the keys.
        """
        made = Made()
        varied = [key.scalar for key in keys if is_varied(key.scalar) and not key.told_apart]
        if not all(map(is_imaged, varied)):
            return self.anew(frame, keys, nodes, names)
        try:
            for node in nodes:
                call = self.call_of(node)
                call.name = names.get(id(node), call.function)
                made.calls[id(node)] = call
                self.measure(call, frame, keys, made)
        except NotIncrementalError:
            return self.anew(frame, keys, nodes, names)
        if not (made.totals or made.distincts or made.extremes):
            made.total("rows", ONE, INT)
        by = None
        if keys:
            struct = struct_of((key.name, key.scalar.type) for key in keys)
            by = function_of(struct, (key.scalar for key in keys))
        if varied:
            made.extremes.append(first_of_equal(frame.rows, by, varied, "group by"))
            made.largest.append(False)
        groups = Aggregate(
            frame.rows.operator,
            by,
            tuple(made.totals),
            tuple(made.distincts),
            tuple(made.extremes),
            tuple(made.largest),
            origin=frame.rows.at,
            called="group by",
        )
        rows = frame.rows.of(groups)
        widths = len(made.totals), len(made.distincts), len(made.extremes)
        totals = rows.columns[: widths[0]]
        distincts = rows.columns[widths[0] : sum(widths[:2])]
        firsts = rows.columns[sum(widths[:2]) : sum(widths)]
        key_columns = rows.columns[sum(widths) :] if keys else ()
        shown = shown_again(firsts[-1], varied) if varied else {}
        columns: list[tuple[str, ir.Scalar]] = [
            (key.name, shown.get(key.scalar, column))
            for key, column in zip(keys, key_columns, strict=True)
        ]
        places: dict[Key, int] = {}
        nothing: dict[Key, ir.Scalar] = {}
        for identity, call in made.calls.items():
            if identity in made.counts:
                value: ir.Scalar = totals[made.counts[identity]]
                nothing[identity] = ZERO
            elif identity in made.measures:
                measure, parts = made.measures[identity]
                value = self.finished(measure, [totals[i] for i in parts])
                nothing[identity] = made.nothing[identity]
            elif identity in made.others:
                kind, position, atom = made.others[identity]
                value = (distincts if kind == "distinct" else firsts)[position]
                nothing[identity] = ZERO if kind == "distinct" else self.selects.null(atom)
            else:
                continue
            places[identity] = len(columns)
            columns.append((call.name, value))
        forms = [key.form for key in keys]
        grouped = Frame.of_groups(frame, rows.named(columns, "group by"), forms, places)
        for side in made.sides.values():
            grouped = self.beside(grouped, side, len(keys), nothing)
        return grouped, nothing

    # -- groups anew ----------------------------------------------------------------------------

    def anew(
        self,
        frame: Frame,
        keys: Sequence[GroupKey],
        nodes: Sequence[Expression],
        names: Mapping[int, str],
    ) -> tuple[Frame, dict[Key, ir.Scalar]]:
        """The same, of groups of which all is computed anew when a row of them changes."""
        scalars = self.selects.scalars
        values: list[tuple[Expression, str, ir.Native]] = []
        for node in {id(node): node for node in nodes}.values():
            words = scalars.spliced(node, frame)
            self.check_order(node, words[2], keys)
            name = names.get(id(node)) or words[1][0].strip().partition(" ")[0]
            of_type = scalars.typed(node, words[0], words[2])
            is_count = words[1][0].startswith("count ")
            atom = Atom(Kind.NATIVE, nullable=not is_count, native=of_type)
            values.append(
                (node, bounded(name), ir.Native(words[1], words[2], atom, True, words[0]))
            )
        read = frozenset().union(*(ir.columns_read(value) for _, _, value in values))
        own = [(key.name, key.scalar) for key in keys] or [("one", TRUE)]
        used = [column for column in frame.rows.columns if column.name in read]
        rows = frame.rows.named([*own, *((c.name, c) for c in used)], "group by")
        width = len(own)
        renamed = {a.name: b for a, b in zip(used, rows.columns[width:], strict=True)}
        made = Regroup(
            Ordered(rows.operator, origin=rows.at, called="group by"),
            rows.columns[:width],
            tuple((name, self.kept(ir.substitute(value, renamed))) for _, name, value in values),
            folded=True,
            origin=rows.at,
            called="group by",
        )
        out = frame.rows.of(made)
        nothing: dict[Key, ir.Scalar] = {id(n): self.native_of_nothing(v) for n, _, v in values}
        places: dict[Key, int] = {id(n): i + len(keys) for i, (n, _, _) in enumerate(values)}
        own_keys = [(column.name, column) for column in out.columns[:width]] if keys else []
        shown = [
            (column.name, self.shown(column, value))
            for column, (_, _, value) in zip(out.columns[width:], values, strict=True)
        ]
        out = out.named([*own_keys, *shown], "group by")
        if not keys:
            total = Total("rows", function_of(INT, (ONE,)), INT)
            counted = frame.rows.of(
                Aggregate(frame.rows.operator, None, (total,), origin=rows.at, called="group by")
            )
            (count,) = counted.columns
            empty = counted.where(scalars.native("{0} = 0", (count,), BOOL), "group by")
            out = out.plus(
                empty.named([(name, nothing[id(node)]) for node, name, _ in values], "group by"),
                "group by",
            )
        return Frame.of_groups(frame, out, [key.form for key in keys], places), nothing

    def check_order(
        self, node: Expression, args: Sequence[ir.Scalar], keys: Sequence[GroupKey] = ()
    ) -> None:
        """Raise where an aggregate depends on the order of rows, and none is given."""
        place = token_range(node, self.selects.parsed.tokens)
        name = self.selects.scalars.token(place[0]).lower() if place is not None else ""
        is_postgres = self.selects.database.dialect == "postgres"
        if name not in _OF_AN_ORDER or node.find(exp.Order) is not None:
            return
        if is_postgres and node.find(exp.Distinct) is not None:  # for which it sorts
            return
        if set(args) <= {key.scalar for key in keys}:  # all values are the same
            return
        since = "" if is_postgres else "; SQLite has it inside of an aggregate from 3.44 on"
        raise self.selects.error(
            f"{name}() of rows in no order: each of many results is right",
            node,
            f"write ORDER BY in it, of what decides{since}",
        )

    def kept(self, value: ir.Scalar) -> ir.Scalar:
        """A value as the result keeps it: as a text if values of its type cannot be compared."""
        native = value.type.native
        if native is None or native.name not in _AS_TEXT:
            return value
        text = self.selects.database.typed(("CAST(NULL AS text)",), ())
        atom = Atom(Kind.NATIVE, nullable=True, native=text)
        return self.selects.scalars.native(self.selects.database.cast(text), (value,), atom)

    def shown(self, column: ir.ColumnRef, value: ir.Scalar) -> ir.Scalar:
        native = value.type.native
        if native is None or native.name not in _AS_TEXT:
            return column
        return self.selects.scalars.native(
            self.selects.database.cast(native), (column,), value.type
        )

    def native_of_nothing(self, value: ir.Native) -> ir.Scalar:
        """The value of an aggregate of no rows, as the database says."""
        database = self.selects.database
        nulls = [database.null(self.selects.scalars.type_of(arg)) for arg in value.args]
        first, *others = value.shown
        text = first + "".join(null + words for null, words in zip(nulls, others, strict=True))
        words = f"(SELECT {text} WHERE {database.truth[1]})"
        return ir.Native((words,), (), value.type)

    # -- one call -------------------------------------------------------------------------------

    def call_of(self, node: Expression) -> Call:
        condition = None
        inner = node
        if isinstance(inner, exp.Filter):
            condition = inner.expression.this
            inner = inner.this
        if isinstance(inner, exp.WithinGroup):
            raise NotIncrementalError
        if isinstance(inner, exp.Anonymous):
            function = str(inner.this).lower()
            arguments = list(inner.expressions)
        else:
            function = _NAMES.get(inner.key, inner.key)
            arguments = [inner.this] if inner.this is not None else []
            arguments += inner.expressions if "expressions" in inner.args else []
        if inner.args.get("order") or any(isinstance(each, exp.Order) for each in arguments):
            raise NotIncrementalError
        distinct = bool(arguments) and isinstance(arguments[0], exp.Distinct)
        if distinct:
            arguments = list(arguments[0].expressions)
        if len(arguments) > 1:
            raise NotIncrementalError
        argument = arguments[0] if arguments else None
        if isinstance(argument, exp.Star):
            argument = None
        return Call(node, function, argument, distinct, condition)

    def measure(self, call: Call, frame: Frame, keys: Sequence[GroupKey], made: Made) -> None:
        identity = id(call.node)
        scalars = self.selects.scalars
        condition = None
        if call.condition is not None:
            condition = self.selects.is_true(scalars.condition(call.condition, frame))
        if call.argument is None:
            if call.function != "count":
                raise NotIncrementalError
            counted = ONE if condition is None else ir.Case(((condition, ONE),), ZERO, INT)
            made.counts[identity] = made.total(call.name, counted, ONE_OR_NONE)
            return
        value = scalars.scalar(call.argument, frame)
        if condition is not None:
            atom = value.type.optional()
            value = scalars.native("CASE WHEN {0} THEN {1} END", (condition, value), atom)
        native = value.type.native
        kept = call.distinct or call.function in ("min", "max")
        unkept = native is not None and (native.fault or native.unequal)
        if kept and (unkept or (call.function == "count" and is_varied(value))):
            raise NotIncrementalError
        if call.function in ("min", "max"):
            made.extremes.append(self.ordered(frame.rows, keys, value))
            made.largest.append(call.function == "max")
            position = len(made.extremes) - 1
            made.others[identity] = ("first", position, value.type.optional())
        elif call.function == "count" and call.distinct:
            made.distincts.append(self.distinct_values(frame.rows, keys, value))
            made.others[identity] = ("distinct", len(made.distincts) - 1, INT)
        elif call.function == "count":
            there = ir.Case(((ir.IsNull(value), ZERO),), ONE, INT) if value.type.nullable else ONE
            made.counts[identity] = made.total(call.name, there, ONE_OR_NONE)
        elif call.distinct and call.function not in ("bool_and", "bool_or", "every"):
            self.of_distinct(call, frame, keys, value, made)
        else:
            given = Given(
                value.type.nullable,
                bool(keys),
                finite=self.is_made_of(call.argument, frame, is_finite),
                whole=self.is_made_of(call.argument, frame, is_whole),
                integral=self.is_made_of(call.argument, frame, is_integral),
            )
            measure = self.measured(call, value, given)
            parts = self.parts_of(call, measure, value, made)
            made.measures[identity] = (measure, parts)
            made.nothing[identity] = self.of_nothing(call, value)

    def measured(self, call: Call, value: ir.Scalar, given: Given) -> Measure:
        argument = self.selects.scalars.type_of(value)
        measure = self.selects.database.measure(call.function, argument, given)
        if measure is None:
            raise NotIncrementalError
        return measure

    def part(self, words: str, value: ir.Scalar, atom: Atom) -> ir.Scalar:
        if words == "1":
            return ONE
        return self.selects.scalars.native(words, (value,), atom)

    def parts_of(self, call: Call, measure: Measure, value: ir.Scalar, made: Made) -> list[int]:
        """The positions of a measure's sums. The first of them has the name of the call."""
        found = {
            part.name: made.total(
                call.name if part.name == "sum" else f"{call.name}_{part.name}",
                self.part(part.words, value, part.type),
                part.type,
            )
            for part in sorted(measure.parts, key=lambda part: part.name != "sum")
        }
        return [found[part.name] for part in measure.parts]

    def finished(self, measure: Measure, parts: Sequence[ir.Scalar]) -> ir.Scalar:
        """The value of an aggregate, of its running sums."""
        named = {part.name: each for part, each in zip(measure.parts, parts, strict=True)}
        atom = Atom(Kind.NATIVE, nullable=measure.nullable, native=measure.type)
        return self.selects.scalars.native(measure.value, (), atom, **named)

    def of_nothing(self, call: Call, value: ir.Scalar) -> ir.Scalar:
        """The value of an aggregate of no rows."""
        measure = self.measured(call, value, Given(nullable=True, grouped=False))
        if measure.nullable:
            return self.selects.null(Atom(Kind.NATIVE, nullable=True, native=measure.type))
        zeros = [ir.Const(0, INT) for _ in measure.parts]
        return self.finished(measure, zeros)

    def is_made_of(
        self,
        node: Expression,
        frame: Frame,
        meets: Callable[[DatabaseType | exp.Literal], bool],
    ) -> bool:
        """Whether a number is of such columns and literals, or their sum, difference or product."""
        found = self.selects.scalars.resolved(node, frame)
        if found is not None:
            return meets(self.selects.scalars.type_of(found))
        if isinstance(node, exp.Literal):
            return meets(node)
        if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Paren | exp.Neg):
            return all(self.is_made_of(part, frame, meets) for part in node.iter_expressions())
        return False

    # -- values of groups -----------------------------------------------------------------------

    def ordered(self, rows: Rows, keys: Sequence[GroupKey], value: ir.Scalar) -> ir.Operator:
        """``Pair[key, value]``, or values without a key, in a table of their order."""
        made = self.paired(rows, keys, value, key_first=True)
        return Ordered(made.operator, origin=rows.at, called="group by")

    def distinct_values(
        self, rows: Rows, keys: Sequence[GroupKey], value: ir.Scalar
    ) -> ir.Operator:
        """``Pair[value, key]``, or values without a key, each once."""
        made = self.paired(rows, keys, value, key_first=False)
        return Distinct(made.operator, origin=rows.at, called="group by")

    def paired(
        self, rows: Rows, keys: Sequence[GroupKey], value: ir.Scalar, *, key_first: bool
    ) -> Rows:
        own = [key.scalar for key in keys]
        value_type: ValueType = value.type
        scalars = [value]
        if keys:
            struct = struct_of((key.name, key.scalar.type) for key in keys)
            sides = (struct, value.type) if key_first else (value.type, struct)
            value_type = pair_of(*sides)
            scalars = [*own, value] if key_first else [value, *own]
        function = function_of(value_type, scalars)
        made = rows.of(Map(rows.operator, function, origin=rows.at, called="group by"))
        column = made.columns[-1 if key_first else 0]
        if not value.type.nullable:
            return made
        there = function_of(BOOL, (ir.Not(ir.IsNull(column)),))
        return rows.of(Filter(made.operator, there, origin=rows.at, called="group by"))

    # -- sums of distinct values ----------------------------------------------------------------

    def of_distinct(
        self,
        call: Call,
        frame: Frame,
        keys: Sequence[GroupKey],
        value: ir.Scalar,
        made: Made,
    ) -> None:
        """SUM(DISTINCT x) and the like: of the distinct values, in groups of their own."""
        if value.digest not in made.sides:
            named = [*((key.name, key.scalar) for key in keys), ("value", value)]
            rows = frame.rows.named(named, "group by")
            if value.type.nullable:
                rows = rows.where(ir.Not(ir.IsNull(rows.columns[-1])), "group by")
            made.sides[value.digest] = Side(rows.distinct(called="group by"))
        side = made.sides[value.digest]
        column = side.rows.columns[-1]
        known = dataclasses.replace(column, type=column.type.required())
        measure = self.measured(call, known, Given(False, bool(keys)))
        own = Made(totals=side.totals)
        parts = self.parts_of(call, measure, known, own)
        side.calls.append((call, measure, parts))
        side.nothing[id(call.node)] = self.of_nothing(call, known)

    def beside(self, frame: Frame, side: Side, keys: int, nothing: dict[Key, ir.Scalar]) -> Frame:
        """Groups, with the sums of distinct values that each has; or that of no values."""
        by = None
        columns = side.rows.columns[:keys]
        if keys:
            by = function_of(struct_of((c.name, c.type) for c in columns), columns)
        totals = tuple(side.totals)
        made = Aggregate(side.rows.operator, by, totals, origin=side.rows.at, called="group by")
        groups = side.rows.of(made)
        values = [
            (call.name, self.finished(measure, [groups.columns[i] for i in parts]))
            for call, measure, parts in side.calls
        ]
        width = len(totals)
        own_keys = [(c.name, c) for c in groups.columns[width : width + keys]] if keys else []
        groups = groups.named([*own_keys, *values], "group by")
        for call, _, _ in side.calls:
            nothing[id(call.node)] = side.nothing[id(call.node)]
        mine, theirs = frame.rows.columns[:keys], groups.columns[:keys]
        both = frame.rows.joined(
            groups, mine, theirs, null_safe=True, equal=True, called="group by"
        )
        start = frame.rows.width + keys
        kept = both.columns[: frame.rows.width]
        found = [
            dataclasses.replace(column, type=column.type.optional()) if keys else column
            for column in both.columns[start:]
        ]
        rows = both.project([*kept, *found], "group by")
        if keys:
            alone = frame.rows.without(both.project(kept, "group by"), "group by")
            empty = [(call.name, side.nothing[id(call.node)]) for call, _, _ in side.calls]
            some = [(c.name, c) for c in alone.columns]
            rows = rows.plus(alone.named([*some, *empty], "group by"), "group by")
        places: dict[Key, int] = {
            id(call.node): frame.rows.width + i for i, (call, _, _) in enumerate(side.calls)
        }
        return frame.over(rows).also(places)


def is_aggregate(node: Expression, known: Collection[str]) -> bool:
    """Whether it is a call of an aggregate. ``known``: the names of those without a class."""
    if isinstance(node, exp.Filter | exp.WithinGroup):
        return is_aggregate(node.this, known)
    if isinstance(node, exp.Min | exp.Max):
        return not node.expressions  # SQLite's of several values are of a row
    if isinstance(node, exp.AggFunc | exp.JSONArrayAgg | exp.JSONObjectAgg | exp.JSONBObjectAgg):
        return True
    return isinstance(node, exp.Anonymous) and str(node.this).lower() in known


def aggregates_in(node: Expression, known: Collection[str]) -> Iterator[Expression]:
    """The aggregate calls of an expression, not those of the queries in it."""
    if isinstance(node, exp.Query):
        return
    if isinstance(node, exp.Window):
        for part in node.iter_expressions():
            if part is not node.this:
                yield from aggregates_in(part, known)
        inner = node.this
        if isinstance(inner, exp.Filter):
            yield from aggregates_in(inner.expression, known)
            inner = inner.this
        for part in inner.iter_expressions():
            yield from aggregates_in(part, known)
        return
    if is_aggregate(node, known):
        yield node
        return
    for part in node.iter_expressions():
        yield from aggregates_in(part, known)


def name_of_key(node: Expression, scalar: ir.Scalar, names: Mapping[int, str]) -> str:
    return names.get(id(node)) or name_of(scalar)


def is_finite(number: DatabaseType | exp.Literal) -> bool:
    """Whether no value of a type is an infinity."""
    return isinstance(number, exp.Literal) or "(" in number.name or "int" in number.name


def is_whole(number: DatabaseType | exp.Literal) -> bool:
    """Whether all values of a type are integers, though its name does not say so."""
    return bool(number.is_int) if isinstance(number, exp.Literal) else number.whole


def is_integral(number: DatabaseType | exp.Literal) -> bool:
    """Whether values are integers but where something else was written on purpose."""
    return bool(number.is_int) if isinstance(number, exp.Literal) else number.integral
