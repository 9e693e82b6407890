"""aggregate: several measures of the rows of a group, in one table and as one row."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, assert_never, overload

from stepping.compiler import ir
from stepping.compiler.bounds import with_infinities
from stepping.compiler.frontend.index import Index, picked
from stepping.compiler.frontend.recursion import packed_form
from stepping.compiler.frontend.rowfn import functions
from stepping.compiler.frontend.rows import Pair, pair_of, type_of
from stepping.compiler.frontend.tracing import (
    operator_of,
    origin,
    pointwise,
    query_error,
    translated,
)
from stepping.compiler.operators.agg import Agg, Measure
from stepping.compiler.operators.agg_values import counting, is_false, is_there, is_true, some
from stepping.compiler.operators.aggregate import Aggregate, Total, required
from stepping.compiler.operators.collect import Collect, without_missing, without_none
from stepping.compiler.operators.distinct import Distinct
from stepping.compiler.operators.join import Join, check_index, null_safe
from stepping.compiler.operators.linear import Filter, Map
from stepping.compiler.operators.reduce import ONE
from stepping.compiler.operators.topn import Ordered
from stepping.compiler.rebuilding import maker
from stepping.compiler.schema import (
    BOOL,
    INT,
    TEXT,
    Atom,
    Kind,
    Struct,
    ValueType,
    Weighted,
    schema_of,
)
from stepping.compiler.zset import ZSet

T = TypeVar("T")
S = TypeVar("S")
K = TypeVar("K")

Finish = Callable[[tuple[Any, ...]], Any]
_NUMBERS = (Kind.BOOL, Kind.INT, Kind.FLOAT, Kind.DECIMAL)


@overload
def aggregate(
    a: ZSet[T],
    /,
    *,
    by: Index[T, K],
    into: type[S],
    measures: Mapping[str, Agg] | Agg | None = ...,
    **named: Agg,
) -> ZSet[Pair[S, K]]: ...
@overload
def aggregate(
    a: ZSet[T],
    /,
    *,
    by: Agg | None = ...,
    into: type[S],
    measures: Mapping[str, Agg] | Agg | None = ...,
    **named: Agg,
) -> ZSet[S]: ...
@pointwise
def aggregate(
    a: ZSet[T],
    /,
    *,
    by: Index[T, K] | Agg | None = None,
    into: type[S],
    measures: Mapping[str, Agg] | Agg | None = None,
    **named: Agg,
) -> ZSet[Any]:
    """A row ``into(...)`` of measures per group, beside its key; or one row for all of ``a``.

    ``st.aggregate(z, by=index, into=Stats, total=st.agg.sum(lambda r: r.x), n=st.agg.count())``
    gives ``Pair[Stats, K]``; without ``by`` it gives ``Stats``, one row from the first step on.
    A field called ``by`` or ``into`` has its measure in ``measures={"by": st.agg.count()}``.
    All measures share one table; min and max keep their values in order, and count_distinct keeps
    the distinct values. Costs one look-up per changed group, and one per min and max.
    """
    operator = operator_of(a, "st.aggregate")
    index = None if isinstance(by, Agg) else by
    if index is not None:
        check_index("st.aggregate by=", operator, index)
    given = measures_of(named, by=by, measures=measures)
    row = type_of(into)
    if not isinstance(row, Struct) or {name for name, _ in row.fields} != set(given):
        fields = ", ".join(name for name, _ in row.fields) if isinstance(row, Struct) else "none"
        raise query_error(
            f"st.aggregate into= has the fields {fields}, and the measures are "
            f"{', '.join(given) or 'none'}",
            "give a measure for each field of the row class, under the field's name",
        )
    for name, measure in given.items():
        if not isinstance(measure, Agg):
            raise query_error(
                f"st.aggregate {name}= is a {type(measure).__name__}",
                "use st.agg: sum, count, min, max, avg, count_distinct, collect, any_, all_",
            )
    built = _Builder(operator, None if index is None else index.function)
    finishes = [built.measured(name, given[name], field) for name, field in row.fields]
    return ir.Traced(built.finished(row, finishes))


def measures_of(named: Mapping[str, Agg], **own: Any) -> dict[str, Agg]:
    """All measures by name. ``own`` are aggregate's arguments that may be measures as well."""
    listed = own["measures"]
    found = dict(listed) if isinstance(listed, Mapping) else {}
    named = {**named, **{name: each for name, each in own.items() if isinstance(each, Agg)}}
    twice = sorted(set(found) & set(named))
    if twice:
        raise query_error(
            f"st.aggregate has two measures for {', '.join(twice)}", "give one for each field"
        )
    return {**found, **named}


@dataclasses.dataclass
class Result:
    """How a field is made of the values that are kept: as a scalar if it can be, and in Python."""

    scalar: Callable[[list[ir.ColumnRef]], ir.Scalar]
    python: Finish


class _Builder:
    """Collects what the measures of one call keep."""

    def __init__(self, source: ir.Operator, by: ir.RowFunction | None) -> None:
        self.source = source
        self.by = by
        self.totals: list[Total] = []
        self.distincts: list[ir.Operator] = []
        self.extremes: list[ir.Operator] = []
        self.largest: list[bool] = []
        self.collections: list[ir.Operator] = []
        self.origin = origin()

    def measured(self, name: str, measure: Agg, field: ValueType) -> Result:
        what = f"st.agg.{measure.measure.value} ({name}=)"
        value = ONE
        if measure.f is not None:
            value = translated(measure.f, (self.source.schema.type,), what)
        if measure.measure is Measure.COLLECT:
            return self.collection(what, value, field)
        if not isinstance(value.type, Atom) or not isinstance(field, Atom):
            raise query_error(
                f"{what} measures plain values, got {value.type} for a field of type {field}",
                "pick one number, text, date or the like",
            )
        match measure.measure:
            case Measure.SUM:
                self.check(what, field, _summed(what, value.type))
                # Decimals are added up as they are: only their sum must fit the field's scale.
                same = field.kind is value.type.kind
                return self.total(name, value, value.type if same else field)
            case Measure.COUNT:
                self.check(what, field, INT)
                return self.total(name, counting(value, is_there), INT)
            case Measure.ANY | Measure.ALL:
                self.check(what, field, BOOL)
                return self.flag(name, value, every=measure.measure is Measure.ALL)
            case Measure.AVG:
                return self.average(what, name, value, field)
            case Measure.COUNT_DISTINCT:
                self.check(what, field, INT)
                return self.number(value)
            case Measure.MIN | Measure.MAX:
                self.check(what, field, self.maybe(value.type))
                if value.type.kind is Kind.PACKED:
                    raise query_error(
                        f"{what} is of a collected value, which has no order in a database",
                        "pick a number, a text or the like that a function makes of it",
                    )
                return self.extreme(value, field, largest=measure.measure is Measure.MAX)
            case Measure.COLLECT:
                raise AssertionError
            case _:
                assert_never(measure.measure)

    def check(self, what: str, field: Atom, given: Atom) -> None:
        same_class = field.kind is not Kind.ENUM or field.python is given.python
        fits = (field.kind is given.kind and same_class) or (
            given.kind is Kind.INT and field.kind in (Kind.FLOAT, Kind.DECIMAL)
        )
        if not fits or (given.nullable and not field.nullable):
            raise query_error(
                f"{what} gives {given}, and the field is {field}",
                f"annotate the field with {given}",
            )

    def maybe(self, value: Atom) -> Atom:
        """The type of a measure that is None for nothing."""
        return value if self.by is not None and not value.nullable else value.optional()

    # -- what is kept ---------------------------------------------------------------------------

    def total(self, name: str, value: ir.RowFunction, atom: Atom) -> Result:
        position = self.keep(Total(name, value, atom.required()))
        return Result(lambda kept: kept[position], lambda kept: kept[position])

    def keep(self, total: Total) -> int:
        self.totals.append(total)
        return len(self.totals) - 1

    def flag(self, name: str, value: ir.RowFunction, *, every: bool) -> Result:
        wanted = counting(value, is_false if every else is_true)
        position = self.keep(Total(name, wanted, INT))

        def scalar(kept: list[ir.ColumnRef]) -> ir.Scalar:
            zero = ir.Const(0, INT)
            return functions.compare("==" if every else ">", kept[position], zero)

        return Result(scalar, lambda kept: kept[position] == 0 if every else kept[position] > 0)

    def average(self, what: str, name: str, value: ir.RowFunction, field: Atom) -> Result:
        assert isinstance(value.type, Atom)
        summed = _summed(what, value.type)
        exact = summed.kind is Kind.DECIMAL
        self.check(
            what,
            field,
            self.maybe(dataclasses.replace(value.type, kind=Kind.DECIMAL if exact else Kind.FLOAT)),
        )
        top = self.keep(Total(f"{name}_sum", value, summed.required()))
        bottom = self.keep(Total(f"{name}_count", counting(value, is_there), INT))

        def scalar(kept: list[ir.ColumnRef]) -> ir.Scalar:
            quotient = functions.binary("/", kept[top], kept[bottom])
            empty = functions.compare("==", kept[bottom], ir.Const(0, INT))
            kind = quotient.type.optional() if field.nullable else quotient.type
            nothing: ir.Scalar = ir.Const(None, kind)
            if not field.nullable:
                # Not a constant: Postgres would evaluate that when it plans.
                said = ir.Const(f"{what} of nothing: the count is ", TEXT)
                count = functions.to_text(kept[bottom])
                nothing = ir.Raise(functions.binary("+", said, count), kind)
            return ir.Case(((empty, nothing),), quotient, kind)

        return Result(scalar, lambda kept: kept[top] / kept[bottom] if kept[bottom] else None)

    def number(self, value: ir.RowFunction) -> Result:
        rows = self.beside(value, value_first=True)
        position = len(self.distincts)
        self.distincts.append(self.named(Distinct(rows)))

        def index(kept: list[Any] | tuple[Any, ...]) -> int:
            return len(self.totals) + position

        return Result(lambda kept: kept[index(kept)], lambda kept: kept[index(kept)])

    def extreme(self, value: ir.RowFunction, field: Atom, *, largest: bool) -> Result:
        rows = self.beside(value, value_first=False)
        position = len(self.extremes)
        self.extremes.append(self.named(Ordered(rows)))
        self.largest.append(largest)

        def index() -> int:
            return len(self.totals) + len(self.distincts) + position

        def scalar(kept: list[ir.ColumnRef]) -> ir.Scalar:
            found = kept[index()]
            return found if field.nullable else some(found, "a smallest or largest of nothing")

        return Result(scalar, lambda kept: kept[index()])

    def collection(self, what: str, value: ir.RowFunction, field: ValueType) -> Result:
        items = Atom(Kind.PACKED, collected=Weighted(packed_form(without_none(value.type))))
        if items != field:
            raise query_error(
                f"{what} collects {items}, and the field is {field}",
                "annotate it with ZSetPython[...] of what the function returns",
            )
        key = ONE_KEY if self.by is None else self.by
        rows = self.named(Map(self.source, self.paired(without_missing(value), key)))
        position = len(self.collections)
        self.collections.append(self.named(Collect(rows, self.source, self.by)))

        def index() -> int:
            return len(self.totals) + len(self.distincts) + len(self.extremes) + position

        return Result(lambda kept: kept[index()], lambda kept: kept[index()])

    def beside(self, value: ir.RowFunction, *, value_first: bool) -> ir.Operator:
        """The values that are not None, each beside its group's key."""
        by = self.by
        function = value
        if by is not None:
            function = self.paired(value, by) if value_first else self.paired(by, value)
        rows: ir.Operator = self.named(Map(self.source, function))
        columns = rows.schema.columns
        column = columns[0] if value_first else columns[-1]
        if column.type.nullable:
            there = ir.Not(ir.IsNull(ir.ColumnRef(column.name, column.type)))

            def kept(row: Any) -> bool:
                if by is not None:
                    row = row.left if value_first else row.right
                return row is not None

            rows = self.named(Filter(rows, ir.RowFunction(BOOL, (there,), call=kept, name="there")))
        return rows

    def paired(self, first: ir.RowFunction, second: ir.RowFunction) -> ir.RowFunction:
        """Two functions of a row as one that gives a pair."""
        scalars = None
        if first.scalars is not None and second.scalars is not None:
            scalars = (*first.scalars, *second.scalars)
        return ir.RowFunction(
            pair_of(first.type, second.type),
            scalars,
            python="" if scalars else f"{ir.digest_of((first, second)).hex()}",
            reason=first.reason or second.reason,
            source=first.source,
            fault=first.fault or second.fault,
            call=lambda row: Pair(first.call(row), second.call(row)),
            name=first.name,
        )

    def named(self, operator: Any) -> Any:
        return dataclasses.replace(operator, origin=self.origin, called="aggregate")

    def key_of(self, operator: ir.Operator, upto: int, side: int) -> ir.RowFunction:
        """The group's key of what is kept, as a join key in which None equals None."""
        if self.by is None:
            return ONE_KEY
        width = len(schema_of(self.by.type))
        columns = operator.schema.columns[:upto] if upto else operator.schema.columns
        key = picked(self.by.type, columns[-width:])
        depth = 0 if side else self.depth(operator)

        def call(found: Any) -> Any:
            for _ in range(depth):
                found = found.left
            return found.right

        return null_safe(dataclasses.replace(key, call=call, name="group"))

    def depth(self, operator: ir.Operator) -> int:
        return 1 + self.depth(operator.left) if isinstance(operator, Join) else 0

    # -- the row --------------------------------------------------------------------------------

    def finished(self, row: Struct, results: list[Result]) -> ir.Operator:
        if not self.totals and not self.distincts and not self.extremes:
            self.keep(Total("rows", ONE, INT))  # which groups there are
        kept = self.named(
            Aggregate(
                self.source,
                self.by,
                tuple(self.totals),
                tuple(self.distincts),
                tuple(self.extremes),
                tuple(self.largest),
            )
        )
        width = len(self.totals) + len(self.distincts) + len(self.extremes)
        own = len(kept.schema)
        # What is collected stands in tables of its own, by the same keys.
        for collect in self.collections:
            kept = self.named(
                Join(kept, collect, self.key_of(kept, own, 0), self.key_of(collect, 0, 1))
            )
        columns = [ir.ColumnRef(c.name, c.type) for c in kept.schema.columns]
        values, key = columns[:width], columns[width:own]
        values += (each for each in columns[own:] if each.type.kind is Kind.PACKED)
        reason = ""
        scalars: tuple[ir.Scalar, ...] | None = None
        try:
            scalars = tuple(
                _as_field(result.scalar(values), field)
                for result, (_, field) in zip(results, row.fields, strict=True)
            )
            scalars = (*scalars, *key)
        except LookupError as error:
            reason = str(error)
        names = tuple(name for name, _ in row.fields)
        make = maker(row.cls, names)

        def stats(of: tuple[Any, ...]) -> Any:
            return make(*(result.python(of) for result in results))

        keyed = self.by is not None
        collections = len(self.collections)

        def call(found: Any) -> Any:
            collected = []
            for _ in range(collections):
                collected.append(found.right.left)
                found = found.left
            own_values = found.left if keyed else found
            made = stats((*own_values, *reversed(collected)))
            return Pair(made, found.right) if keyed else made

        result_type: ValueType = row
        if self.by is not None:
            result_type = pair_of(row, self.by.type)
        # An annotation says float of what may be infinite as well.
        infinite = (not ir.is_finite(each) for each in scalars or ())
        result_type = with_infinities(result_type, infinite)
        python = "" if scalars else f"aggregate {list(names)}"
        function = ir.RowFunction(
            result_type, scalars, python=python, reason=reason, call=call, name="stats"
        )
        finished: ir.Operator = self.named(Map(kept, function))
        return finished


ONE_KEY = ir.RowFunction(BOOL, (ir.Const(True, BOOL),), call=lambda row: True, name="one")


def _summed(what: str, value: Atom) -> Atom:
    if value.kind not in _NUMBERS:
        raise query_error(f"{what} adds up numbers, got {value}", "pick a number")
    return (
        dataclasses.replace(value.required(), kind=INT.kind)
        if value.kind is Kind.BOOL
        else value.required()
    )


def _as_field(scalar: ir.Scalar, field: ValueType) -> ir.Scalar:
    assert isinstance(field, Atom)  # `collection` and `measured` have made sure
    if scalar.type.kind is field.kind and scalar.type.scale == field.scale:
        return scalar
    if not scalar.type.nullable:
        return functions.coerced(scalar, field)
    whole = functions.coerced(required(scalar), field)
    nothing = ir.Const(None, field.optional())
    return ir.Case(((ir.IsNull(scalar), nothing),), whole, field.optional())
