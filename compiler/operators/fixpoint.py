"""Recursion: the least fixpoint of a monotone step, maintained by delete-and-rederive.

DRed: Gupta, Mumick, Subrahmanian, "Maintaining Views Incrementally", SIGMOD 1993.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from dataclasses import field
from functools import cached_property
from typing import Any, TypeVar

from stepping.compiler import ir
from stepping.compiler.bounds import any_floats
from stepping.compiler.frontend.index import join_types, picked
from stepping.compiler.frontend.rows import Pair, pair_of
from stepping.compiler.frontend.tracing import operator_of, origin, pointwise, query_error
from stepping.compiler.operators.distinct import Distinct
from stepping.compiler.operators.join import Join
from stepping.compiler.operators.linear import Add, Filter, Map, same_rows
from stepping.compiler.operators.topn import Ordered
from stepping.compiler.schema import Schema, Struct, ValueType, schema_of
from stepping.compiler.zset import ZSet, ZSetPython
from stepping.errors import RowError

T = TypeVar("T")

_serial = itertools.count()
MOST_ROUNDS = 100_000


@pointwise
def fixpoint(seed: ZSet[T], step: Callable[[ZSet[T]], ZSet[T]]) -> ZSet[T]:
    """The least set ``y`` with ``y = distinct(seed + step(y))``, kept up to date.

    ``step`` is called once, with a Z-set that stands for ``y``; it may map, filter, add and join it
    with other Z-sets, each row of ``y`` at a time, and take `distinct`. A step must be monotone: a
    further row may only add rows (no ``neg``, ``except_``, outer join, aggregate or ``first_n`` of
    ``y``). Keeps ``y``, and the other Z-sets by the keys they are joined on. A change costs what is
    derived from it; a removal also what was derived from it and is derived otherwise.
    """
    operator = operator_of(seed, "st.fixpoint")
    at = origin()
    # Of what the step adds nothing is known before it is called.
    itself = Itself.of(any_floats(operator.schema.type), at)
    body = operator_of(step(ir.Traced(itself)), "st.fixpoint")
    same_rows("st.fixpoint", operator, body)
    return ir.Traced(recursion(operator, body, itself, at, "fixpoint"))


@pointwise
def transitive_closure(a: ZSet[Pair[T, T]]) -> ZSet[Pair[T, T]]:
    """Each pair of values between which there is a path of pairs, once. None ends a path.

    Keeps the pairs, by either side, and the closure. A pair that is added or removed costs what it
    connects; see `fixpoint`.
    """
    edges = operator_of(a, "st.transitive_closure")
    pair = edges.schema.type
    if not isinstance(pair, Struct) or pair.cls is not Pair:
        raise query_error(
            f"st.transitive_closure needs pairs, got {pair}", "st.map the rows to st.Pair(a, b)"
        )
    left, right = (inner for _, inner in pair.fields)
    if join_types(left) != join_types(right):
        raise query_error(
            f"st.transitive_closure needs pairs of one type, got {pair}",
            "st.map the rows to pairs of the same type",
        )
    at = origin()
    itself = Itself.of(pair, at)
    width = len(schema_of(left))
    columns = edges.schema.columns
    by_right = dataclasses.replace(picked(right, columns[width:]), call=lambda p: p.right)
    by_left = dataclasses.replace(picked(left, columns[:width]), call=lambda p: p.left)
    joined = Join(itself, edges, by_right, by_left, origin=at, called="transitive_closure")
    all_columns = joined.schema.columns
    ends = (*all_columns[:width], *all_columns[-len(schema_of(right)) :])
    function = dataclasses.replace(
        picked(pair_of(left, right), ends), call=lambda p: Pair(p.left.left, p.right.right)
    )
    body = Map(joined, function, origin=at, called="transitive_closure")
    return ir.Traced(recursion(edges, body, itself, at, "transitive_closure"))


@ir.node
class Itself(ir.Operator):
    """Stands for the recursion's own rows while its step is traced."""

    serial: int
    type: ValueType

    @classmethod
    def of(cls, value_type: ValueType, at: ir.Source) -> Itself:
        return cls(next(_serial), value_type, origin=at)

    @property
    def inputs(self) -> tuple[ir.Operator, ...]:
        return ()

    @cached_property
    def schema(self) -> Schema:
        return schema_of(self.type)

    @property
    def flow(self) -> ir.Flow:
        return ir.Flow.CHANGE

    def evaluate(self, *inputs: ZSet[Any]) -> ZSet[Any]:
        raise query_error(
            "the rows of a recursion are used outside of their st.fixpoint",
            "use the argument of the step inside it, and what st.fixpoint returns outside",
            at=self.origin,
        )

    def delta(self, at: ir.Reads) -> ir.Relation:
        self.evaluate()
        raise AssertionError


def recursion(
    seed: ir.Operator, body: ir.Operator, itself: Itself, at: ir.Source, called: str
) -> ir.Operator:
    """The operator of a recursion, with its rules."""
    rules = _Rules(itself)
    derivations = (*rules.of(seed), *rules.of(body))
    used = {i for rule in derivations for i in rule.sources if i != ir.ITSELF}
    assert used == set(range(len(rules.externals)))
    externals = tuple(Ordered(each, origin=at, called=called) for each in rules.externals)
    return Fixpoint(
        externals,
        derivations,
        seed,
        body,
        tuple(rules.externals),
        itself,
        origin=at,
        called=called,
    )


class _Rules:
    """Takes a monotone query over a recursion's rows apart into its derivations."""

    def __init__(self, itself: Itself) -> None:
        self.itself = itself
        self.externals: list[ir.Operator] = []
        self.known: dict[int, tuple[ir.Derivation, ...]] = {}
        self.recursive: dict[int, bool] = {}

    def depends(self, operator: ir.Operator) -> bool:
        for each in ir.topological(operator):
            if id(each) not in self.recursive:
                self.recursive[id(each)] = each is self.itself or any(
                    self.recursive[id(inner)] for inner in each.inputs
                )
        return self.recursive[id(operator)]

    def of(self, operator: ir.Operator) -> tuple[ir.Derivation, ...]:
        if operator is self.itself:
            return (self.source(ir.ITSELF, operator),)
        if not self.depends(operator):
            return (self.source(self.external(operator), operator),)
        match operator:
            case Map(source, function):
                scalars = self.scalars(operator, function)
                return tuple(
                    dataclasses.replace(
                        rule, columns=tuple(ir.substitute(s, columns) for s in scalars)
                    )
                    for rule in self.of(source)
                    for columns in [dict(zip(source.schema.names, rule.columns, strict=True))]
                )
            case Filter(source, function):
                self.scalars(operator, function)
                condition = operator.predicate
                assert condition is not None
                return tuple(
                    dataclasses.replace(
                        rule, filters=(*rule.filters, ir.substitute(condition, columns))
                    )
                    for rule in self.of(source)
                    for columns in [dict(zip(source.schema.names, rule.columns, strict=True))]
                )
            case Add(left, right) if type(operator) is Add:
                return (*self.of(left), *self.of(right))
            case Distinct(source, ir.Rule.POSITIVE):
                return self.of(source)
            case Join(left, right, on_left, on_right) if not operator.null_safe:
                if self.depends(left) and self.depends(right):
                    raise query_error(
                        "the step of st.fixpoint joins the recursion's rows with themselves",
                        "join them with another Z-set: y with the edges, not y with y",
                        at=operator.origin,
                    )
                keys = self.scalars(operator, on_left), self.scalars(operator, on_right)
                return tuple(
                    self.joined(a, b, left, right, *keys)
                    for a in self.of(left)
                    for b in self.of(right)
                )
            case _:
                raise query_error(
                    f"the step of st.fixpoint is not monotone: st.{operator.label} may lose rows "
                    "when the recursion gains some",
                    "use map, filter, add, join and distinct of y, and the rest outside of it",
                    at=operator.origin,
                )

    def external(self, operator: ir.Operator) -> int:
        for position, known in enumerate(self.externals):
            if known is operator:
                return position
        self.externals.append(operator)
        return len(self.externals) - 1

    def source(self, position: int, operator: ir.Operator) -> ir.Derivation:
        columns = tuple(
            ir.ColumnRef(f"0.{column.name}", column.type) for column in operator.schema.columns
        )
        return ir.Derivation((position,), columns)

    def scalars(self, operator: ir.Operator, function: ir.RowFunction) -> tuple[ir.Scalar, ...]:
        if function.scalars is None:
            raise query_error(
                f"st.{operator.label} in st.fixpoint cannot be SQL: {function.reason}",
                "apply it before or behind the recursion",
                at=operator.origin,
            )
        return function.scalars

    def joined(
        self,
        a: ir.Derivation,
        b: ir.Derivation,
        left: ir.Operator,
        right: ir.Operator,
        on_left: tuple[ir.Scalar, ...],
        on_right: tuple[ir.Scalar, ...],
    ) -> ir.Derivation:
        moved = shifted(b, len(a.sources))
        of_left = dict(zip(left.schema.names, a.columns, strict=True))
        of_right = dict(zip(right.schema.names, moved.columns, strict=True))
        equal = tuple(
            (ir.substitute(l, of_left), ir.substitute(r, of_right))
            for l, r in zip(on_left, on_right, strict=True)
        )
        return ir.Derivation(
            (*a.sources, *b.sources),
            (*a.columns, *moved.columns),
            (*a.equal, *moved.equal, *equal),
            (*a.filters, *moved.filters),
        )


def shifted(rule: ir.Derivation, by: int) -> ir.Derivation:
    """The rule with its sources counted from ``by`` on."""

    def change(part: ir.Scalar) -> ir.Scalar:
        if isinstance(part, ir.ColumnRef):
            number, _, column = part.name.partition(".")
            return ir.ColumnRef(f"{int(number) + by}.{column}", part.type)
        return ir.rebuild(part, change)

    return ir.Derivation(
        rule.sources,
        tuple(map(change, rule.columns)),
        tuple((change(a), change(b)) for a, b in rule.equal),
        tuple(map(change, rule.filters)),
    )


@ir.node
class Fixpoint(ir.Operator):
    """The least set of rows that the rules derive from the externals."""

    externals: tuple[ir.Operator, ...]
    rules: tuple[ir.Derivation, ...]
    seed: ir.Operator = field(compare=False)
    body: ir.Operator = field(compare=False)
    read: tuple[ir.Operator, ...] = field(compare=False)  # the externals as the step names them
    itself: Itself = field(compare=False)

    @property
    def inputs(self) -> tuple[ir.Operator, ...]:
        return self.externals

    def over(self, inputs: tuple[ir.Operator, ...]) -> ir.Operator:
        return dataclasses.replace(self, externals=inputs)

    @cached_property
    def schema(self) -> Schema:
        return schema_of(self.itself.type)

    def evaluate(self, *inputs: ZSet[Any]) -> ZSet[Any]:
        # A row that is there, is there; how often does not matter to what is derived.
        given = {
            id(operator): ZSetPython((row, 1) for row, count in rows.iter() if count > 0)
            for operator, rows in zip(self.read, inputs, strict=True)
        }
        found: ZSetPython[Any] = ZSetPython()
        for _ in range(MOST_ROUNDS):
            known = {**given, id(self.itself): found}
            rows = value_of(self.seed, dict(known)) + value_of(self.body, dict(known))
            more = ZSetPython((row, 1) for row, count in rows.iter() if count > 0)
            if more == found:
                return found
            found = more
        raise RowError(
            f"st.{self.label} has not come to an end after {MOST_ROUNDS} rounds",
            hint="the step makes ever new rows; bound them with st.filter",
        )

    def delta(self, at: ir.Reads) -> ir.Relation:
        state = Found(self, origin=self.origin, called=self.label)
        presence = tuple(
            ir.Threshold(each, at.delta(each), ir.Rule.POSITIVE) for each in self.externals
        )
        return ir.Closure(self, state, self.externals, presence, self.rules)

    def non_negative(self, inputs: tuple[bool, ...]) -> bool:
        return True


@ir.node
class Found(Ordered):
    """The rows of a recursion, in the table that it writes itself.

    A node of its own: what else reads these rows behind the step, another recursion or `first_n`,
    has a table that is merged into when they are known.
    """


def value_of(operator: ir.Operator, known: dict[int, Any]) -> Any:
    """The plain meaning of an operator, given that of some below it.

    Nothing below what is given is evaluated: what a recursion starts from may depend on the steps
    in which rows came, and has no meaning of its own.
    """
    todo = [operator]
    while todo:
        top = todo[-1]
        missing = [each for each in top.inputs if id(each) not in known]
        if id(top) not in known and not missing:
            known[id(top)] = top.evaluate(*(known[id(each)] for each in top.inputs))
        if id(top) in known:
            todo.pop()
        else:
            todo += missing
    return known[id(operator)]
