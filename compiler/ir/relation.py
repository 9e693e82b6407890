"""Relations: what changes in one step, and when each integral is read. The set is closed."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Mapping
from typing import assert_never

from stepping.compiler.ir.node import Node, node
from stepping.compiler.ir.operator import Operator
from stepping.compiler.ir.scalar import ColumnRef, Scalar
from stepping.compiler.schema import INT, Atom, Column
from stepping.errors import InternalError


class Moment(enum.Enum):
    """When, seen from one step, an integral is read (DBSP section 2: z^-1 is `BEFORE`)."""

    DELTA = "delta"  # not the integral: what this step adds to it
    BEFORE = "before"
    AFTER = "after"
    STORED = "stored"  # whatever its table holds then: what `moments` makes of the other two


class Stored(enum.Enum):
    """What the table of an integral holds while a step is computed: see `moments`."""

    BEFORE = "before"  # the integral without the step's change
    AFTER = "after"  # the integral with it
    WHOLE = "whole"  # the same, and nothing was before: the change is all there is


class Reads:
    """What a delta rule may ask for. ``by`` are the scalars the rows will be looked up by."""

    def delta(self, operator: Operator) -> Read:
        return Read(operator, Moment.DELTA)

    def before(self, operator: Operator, by: tuple[Scalar, ...]) -> Read:
        return Read(operator, Moment.BEFORE, by)

    def after(self, operator: Operator, by: tuple[Scalar, ...]) -> Read:
        return Read(operator, Moment.AFTER, by)


@node
class Read(Node):
    """The rows of an operator at a moment; delay tables are for all but ``DELTA``."""

    operator: Operator
    moment: Moment
    by: tuple[Scalar, ...] = ()


@node
class Project(Node):
    """Other columns, made of those of ``source``; equal rows' weights add up."""

    source: Relation
    columns: tuple[tuple[str, Scalar], ...]


@node
class Filter(Node):
    source: Relation
    predicate: Scalar


@node
class Match(Node):
    """Pairs of rows with equal keys, weights multiplied.

    None matches nothing; with ``null_safe`` it matches None. ``names`` are the columns of the
    result: the left's, then the right's.
    """

    left: Relation
    right: Relation
    on_left: tuple[Scalar, ...]
    on_right: tuple[Scalar, ...]
    names: tuple[str, ...]
    null_safe: bool = False


@node
class Sum(Node):
    """Z-set addition. All parts have the same columns."""

    parts: tuple[Relation, ...]


@node
class Negate(Node):
    source: Relation


class SumKind(enum.Enum):
    """How a running sum is kept."""

    INT = "int"
    FLOAT = "float"  # finite, and exact
    ANY_FLOAT = "any float"  # infinities are counted apart, since Inf - Inf is no number
    DECIMAL = "decimal"


@node
class RunningSum(Node):
    """A weighted sum over a group, under ``name``."""

    name: str
    kind: SumKind
    type: Atom


@node
class Contribution(Node):
    """Rows that change groups: their key, and what each adds to the running sums.

    ``values`` has a scalar per sum, None where the rows add nothing to it. ``counts``: whether a
    row's weight counts towards whether its group exists.
    """

    source: Relation
    keys: tuple[Scalar, ...]
    values: tuple[Scalar | None, ...]
    counts: bool = True


@node
class Extreme(Node):
    """The first value in order of each group, under ``name``; None for a group without one.

    ``operator`` has the columns of the group's key, then the value.
    """

    name: str
    operator: Operator
    largest: bool
    type: Atom  # nullable


@node
class Collected(Node):
    """The values of a group's rows with their counts, packed, under ``name``; None left out."""

    name: str
    items: tuple[Scalar, ...]  # the columns of a value
    type: Atom


@node
class Accumulate(Node):
    """The groups that some rows touch, each with its state before and after this step.

    A row has the columns of ``keys``; ``n0`` and ``n1``, how many rows make the group exist, before
    (NULL if the group was not there) and after; and for each sum the columns ``<name>_0`` and
    ``<name>_1``. It is no Z-set: each touched group stands in it once. ``operator`` names the
    keyed state.
    """

    operator: Operator
    contributions: tuple[Contribution, ...]
    keys: tuple[tuple[str, Atom], ...]
    sums: tuple[RunningSum, ...]
    extremes: tuple[Extreme, ...] = ()
    collected: Collected | None = None  # filled in Python, which alone can pack

    @property
    def others(self) -> tuple[Extreme | Collected, ...]:
        """What is kept of a group besides sums."""
        return (*self.extremes, *(() if self.collected is None else (self.collected,)))


class Rule(enum.Enum):
    """The weight that a row has in a `Threshold`, given its weight ``w`` in the integral."""

    PRESENT = "present"  # 1 where w is not 0
    POSITIVE = "positive"  # 1 where w is above 0
    TWICE = "twice"  # 1 where w is above 1
    SURPLUS = "surplus"  # w where it is above 0


@node
class Threshold(Node):
    """What a step changes in the rows of ``operator``, reweighed by a rule.

    ``source`` is the operator's change. With `Rule.POSITIVE` it is the incremental distinct (DBSP
    section 4.2: the function H).
    """

    operator: Operator
    source: Relation
    rule: Rule = Rule.POSITIVE
    change_of: Operator | None = None  # whose change it is, if not the operator's own
    stored: Stored = Stored.BEFORE  # in the operator's table


@node
class First(Node):
    """What a step changes in the first ``n`` rows of each group of ``operator``, in an order.

    Rows are counted with their weights; those of a weight below 1 are not there. ``source`` is the
    operator's change, ``by`` the group and ``order`` a total order of the rows.
    """

    operator: Operator
    source: Relation
    by: tuple[Scalar, ...]
    order: tuple[Scalar, ...]
    ascending: tuple[bool, ...]
    n: int
    stored: Stored = Stored.BEFORE  # in the operator's table
    old: Read | None = None  # what was first, where that table does not tell any more


@node
class Regroup(Node):
    """What a step changes in what is computed of all rows of each group of ``operator``.

    ``columns`` are expressions over its rows that see a whole group: window functions, a row of the
    result for each row, or aggregates with ``folded``, a row for each group. ``source`` is the
    operator's change, ``by`` the group. A group that the step touches is computed anew; what it had
    until then is taken from the result, ``old``, so that it is the very rows that were emitted,
    wherever the database may choose between several.
    """

    operator: Operator
    source: Relation
    by: tuple[Scalar, ...]
    columns: tuple[tuple[str, Scalar], ...]
    folded: bool
    by_result: tuple[Scalar, ...]  # the group's key, over the result
    stored: Stored = Stored.BEFORE  # in the operator's table
    old: Read | None = None  # None if nothing was before


@node
class Derivation(Node):
    """One way in which a row of a recursion is derived: a select over some sources.

    ``sources`` are positions among the recursion's externals, or `ITSELF`. Scalars name columns as
    ``<number of the source>.<column>``.
    """

    sources: tuple[int, ...]
    columns: tuple[Scalar, ...]
    equal: tuple[tuple[Scalar, Scalar], ...] = ()
    filters: tuple[Scalar, ...] = ()


ITSELF = -1  # the recursion's own rows, as a source of a rule


@node
class Closure(Node):
    """What a step changes in the least set of rows that some rules derive.

    ``state`` is the set, ``externals`` the operators that the rules read besides it, and
    ``presence`` which of their rows come to be there or cease to. Rows whose derivation is gone are
    taken away first, with all that was derived from them; then what is still derived otherwise,
    and what is new, is added.
    """

    operator: Operator
    state: Operator
    externals: tuple[Operator, ...]
    presence: tuple[Relation, ...]
    rules: tuple[Derivation, ...]
    stored: tuple[Stored, ...] = ()  # in the tables of the externals; () if it is all `BEFORE`


@node
class Constant(Node):
    """One row without columns, in the first step of a store only: what a sum over nothing is of."""

    names: tuple[str, ...] = ()


@node
class Computed(Node):
    """The rows of ``source`` put through a Python step, or a function that gives rows for each."""

    operator: Operator
    source: Relation


@node
class Nothing(Node):
    """No rows: what remains of a term whose delta is empty in a plan."""

    names: tuple[str, ...]


Relation = (
    Read
    | Project
    | Filter
    | Match
    | Sum
    | Negate
    | Accumulate
    | Threshold
    | First
    | Regroup
    | Closure
    | Computed
    | Constant
    | Nothing
)

# Relations that are always computed into a table of their own, whoever reads them.
Tabled = Accumulate | Threshold | First | Regroup | Closure

GROUP_OLD, GROUP_NEW = "n0", "n1"


def old_name(name: str) -> str:
    return f"{name}_0"


def new_name(name: str) -> str:
    return f"{name}_1"


def column_names(relation: Relation) -> tuple[str, ...]:
    """The names of a relation's columns, its weight apart."""
    match relation:
        case Read():
            return relation.operator.schema.names
        case Project() | Regroup():
            return tuple(name for name, _ in relation.columns)
        case Filter() | Negate():
            return column_names(relation.source)
        case Match():
            return relation.names
        case Sum():
            return column_names(relation.parts[0])
        case Accumulate():
            values = (*relation.sums, *relation.others)
            sums = (part(value.name) for value in values for part in (old_name, new_name))
            return (*(name for name, _ in relation.keys), GROUP_OLD, GROUP_NEW, *sums)
        case Computed() | Threshold() | First() | Closure():
            return relation.operator.schema.names
        case Constant() | Nothing():
            return relation.names
        case _:
            assert_never(relation)


def sources(relation: Relation) -> tuple[Relation, ...]:
    """The relations that one is made of."""
    match relation:
        case Read() | Constant() | Nothing():
            return ()
        case Project() | Filter() | Negate() | Threshold() | First() | Regroup() | Computed():
            return (relation.source,)
        case Closure():
            return relation.presence
        case Accumulate():
            return tuple(each.source for each in relation.contributions)
        case Match():
            return (relation.left, relation.right)
        case Sum():
            return relation.parts
        case _:
            assert_never(relation)


def with_sources(relation: Relation, parts: tuple[Relation, ...]) -> Relation:
    """The same relation over other ones."""
    match relation:
        case Read() | Constant() | Nothing():
            return relation
        case Project():
            return Project(parts[0], relation.columns)
        case Filter():
            return Filter(parts[0], relation.predicate)
        case Negate():
            return Negate(parts[0])
        case Accumulate():
            contributions = tuple(
                Contribution(part, each.keys, each.values, each.counts)
                for part, each in zip(parts, relation.contributions, strict=True)
                if not isinstance(part, Nothing)
            )
            return dataclasses.replace(relation, contributions=contributions)
        case Threshold():
            return dataclasses.replace(relation, source=parts[0])
        case First() | Regroup():
            return dataclasses.replace(relation, source=parts[0])
        case Closure():
            return dataclasses.replace(relation, presence=parts)
        case Computed():
            return Computed(relation.operator, parts[0])
        case Match():
            return dataclasses.replace(relation, left=parts[0], right=parts[1])
        case Sum():
            return Sum(parts)
        case _:
            assert_never(relation)


def within(relation: Relation) -> Iterator[Relation]:
    """A relation and all that it is made of."""
    yield relation
    for part in sources(relation):
        yield from within(part)


def tabled(relation: Relation) -> Iterator[Tabled]:
    """The relations within one that have tables of their own, inner ones first."""
    for part in sources(relation):
        yield from tabled(part)
    if isinstance(relation, Tabled):
        yield relation


def references(columns: tuple[Column, ...]) -> tuple[tuple[str, Scalar], ...]:
    """The columns as they are, for a `Project` that adds to them or leaves some out."""
    return tuple((column.name, ColumnRef(column.name, column.type)) for column in columns)


def column_types(relation: Relation) -> Mapping[str, Atom]:
    """Name to type for each column."""
    match relation:
        case Read() | Computed() | Threshold() | First() | Closure():
            return {column.name: column.type for column in relation.operator.schema.columns}
        case Project() | Regroup():
            return {name: scalar.type for name, scalar in relation.columns}
        case Filter() | Negate():
            return column_types(relation.source)
        case Match():
            left, right = column_types(relation.left), column_types(relation.right)
            both = (*left.values(), *right.values())
            return dict(zip(relation.names, both, strict=True))
        case Sum():
            return column_types(relation.parts[0])
        case Accumulate():
            types: dict[str, Atom] = dict(relation.keys)
            types |= {GROUP_OLD: INT.optional(), GROUP_NEW: INT}
            for each in (*relation.sums, *relation.others):
                types |= {old_name(each.name): each.type.optional(), new_name(each.name): each.type}
            return types
        case Constant() | Nothing():
            raise InternalError("an empty relation has no types")
        case _:
            assert_never(relation)
