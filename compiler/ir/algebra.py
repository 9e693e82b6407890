"""Operators and relations: what the user asked for, and what changes of it in one step.

An `Operator` has its plain meaning (``evaluate``) and says what changes in one step (``delta``) as
a `Relation`, which reads operators. Operators are an open set, one class each; relations are a
closed one.
"""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import field
from typing import Any, ClassVar

from stepping.compiler.ir.function import Source
from stepping.compiler.ir.node import Node, node
from stepping.compiler.ir.scalar import Const, Scalar
from stepping.compiler.schema import Atom, Schema
from stepping.compiler.zset import ZSet


class Flow(enum.Enum):
    """What the value of an operator is in one step."""

    CHANGE = "change"  # this step's delta
    SNAPSHOT = "snapshot"  # the integral so far


@node
class Operator(Node):
    """One operator of a query: its schema, its plain meaning, and its delta rule.

    Subclasses are frozen nodes whose inputs are the fields that are Operators.
    """

    origin: Source | None = field(default=None, compare=False, kw_only=True)
    called: str = field(default="", compare=False, kw_only=True)

    # f(a + b) = f(a) + f(b) in each input, so the change of the result is f of the change
    # (DBSP theorem 3.3), and nothing needs to be kept.
    linear: ClassVar[bool] = False

    # Its change depends on the step before and not on its inputs alone (DBSP section 2, z^-1), so
    # that it may change in a step in which nothing else does.
    delays: ClassVar[bool] = False

    # Raise it when the operator's integral holds something else for the same query: what was stored
    # is then not taken for what is wanted.
    revision: ClassVar[int] = 1

    @property
    def inputs(self) -> tuple[Operator, ...]:
        raise NotImplementedError

    def over(self, inputs: tuple[Operator, ...]) -> Operator:
        """The same operator with other inputs."""
        given = iter(inputs)
        changed: dict[str, Any] = {}
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            if isinstance(value, Operator):
                changed[each.name] = next(given)
            elif isinstance(value, tuple) and value and isinstance(value[0], Operator):
                changed[each.name] = tuple(next(given) for _ in value)
        return dataclasses.replace(self, **changed)

    @property
    def schema(self) -> Schema:
        raise NotImplementedError

    @property
    def flow(self) -> Flow:
        """The kind of the inputs, which `tracing` has made sure is one."""
        return self.inputs[0].flow

    @property
    def label(self) -> str:
        """What `explain` calls it: the name of the public function."""
        return self.called or type(self).__name__.lower()

    def evaluate(self, *inputs: ZSet[Any]) -> ZSet[Any]:
        """The plain meaning on whole Z-sets: the definition that everything else is held to."""
        raise NotImplementedError

    def step(
        self, changes: tuple[ZSet[Any], ...], before: tuple[ZSet[Any], ...]
    ) -> ZSet[Any] | None:
        """The change of one step, for operators whose meaning is about steps; None for others.

        ``changes`` are the inputs' in this step, ``before`` their integrals until it. Operators
        that delay get the changes of the step before.
        """
        return None

    def delta(self, at: Reads) -> Relation:
        """What is added to the integral of the result in one step."""
        raise NotImplementedError

    def meaning(self, wanted: frozenset[str]) -> tuple[Any, ...]:
        """What tells its rows, seen through some columns, from those of others of its class.

        Its inputs are told apart elsewhere. To leave out what the wanted columns do not depend on
        is what lets stored rows be reused when the rest of a query changes.
        """
        own = []
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            several = isinstance(value, tuple) and bool(value) and isinstance(value[0], Operator)
            if each.compare and not isinstance(value, Operator) and not several:
                own.append((each.name, value))
        return tuple(own)

    @property
    def by_steps(self) -> bool:
        """Whether its integral depends on the steps, not on what was inserted alone."""
        return self.delays or type(self).step is not Operator.step

    def non_negative(self, inputs: tuple[bool, ...]) -> bool:
        """Whether no count of the result's integral can be below 0, given that of the inputs."""
        return False

    @property
    def python_functions(self) -> tuple[Any, ...]:
        """The row functions of this operator that run in Python."""
        return ()


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
    def is_one(self) -> bool:
        """Whether there is one group, of all rows."""
        return all(isinstance(key, Const) for each in self.contributions for key in each.keys)

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
