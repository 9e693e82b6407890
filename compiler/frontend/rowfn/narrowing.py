"""What is known on a path through a row function, and conditions made of other conditions.

A condition is a scalar of kind BOOL that is never NULL. `TRUE` and `FALSE` stand for what is known
while translating.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn.functions_calls import FALSE, TRUE, negated
from stepping.compiler.ir.scalar import children
from stepping.compiler.schema import BOOL, Atom, Column


@dataclass(frozen=True)
class Facts:
    """Conditions that are known to hold, or not to hold, where a path has come to."""

    known: Mapping[ir.Scalar, bool] = field(default_factory=dict)

    def value(self, condition: ir.Scalar) -> bool | None:
        """Whether ``condition`` holds here; None if that is not known."""
        match condition:
            case ir.Const():
                return bool(condition.value)
            case ir.Not():
                inner = self.value(condition.part)
                return None if inner is None else not inner
        if condition in self.known:
            return self.known[condition]
        match condition:
            case ir.And() | ir.Or():
                decisive = isinstance(condition, ir.Or)
                values = {self.value(part) for part in condition.parts}
                if decisive in values:
                    return decisive
                return None if None in values else not decisive
            case ir.Case():
                for test, then in condition.whens:
                    value = self.value(test)
                    if value is None:
                        return None
                    if value:
                        return self.value(then)
                return self.value(condition.otherwise)
        return None

    def assume(self, condition: ir.Scalar, value: bool) -> Facts:
        """The facts on the path where ``condition`` holds, or does not."""
        known = dict(self.known)
        _learn(known, condition, value)
        return Facts(known)


def _learn(known: dict[ir.Scalar, bool], condition: ir.Scalar, value: bool) -> None:
    if isinstance(condition, ir.Const):
        return
    known[condition] = value
    match condition:
        case ir.Not():
            _learn(known, condition.part, not value)
        case ir.And() | ir.Or():
            if value is isinstance(condition, ir.And):
                for part in condition.parts:
                    _learn(known, part, value)
        case ir.Call(function="same" | "eq", args=(left, right)) if value:
            # Equal to something that is not None.
            for one, other in ((left, right), (right, left)):
                if one.type.nullable and not other.type.nullable:
                    _learn(known, ir.IsNull(one), False)
        case ir.Case(whens=((test, then),), otherwise=otherwise):
            # `a and b` where b may raise is Case((a, b), False): if it holds, so do both.
            if _is(then, not value):
                _learn(known, test, False)
                _learn(known, otherwise, value)
            elif _is(otherwise, not value):
                _learn(known, test, True)
                _learn(known, then, value)


def _is(condition: ir.Scalar, value: bool) -> bool:
    return isinstance(condition, ir.Const) and condition.value is value


@dataclass(frozen=True)
class Protection:
    """Which columns may be NULL although a scalar reads them as if they were not.

    A path that has made sure that a value is there reads its column with a type that is not
    nullable. Outside of that path the same scalar would be evaluated on NULL.
    """

    columns: Mapping[str, Column]
    flags: Mapping[str, tuple[ir.Scalar, ...]]  # of the optional rows that a column is inside of
    own: frozenset[str]  # columns that may be NULL where their row is there

    def total(self, scalar: ir.Scalar, facts: Facts) -> bool:
        """Whether ``scalar`` can be evaluated for any row of which ``facts`` hold."""
        match scalar:
            case ir.Raise():
                return False
            case ir.ColumnRef():
                return self._readable(scalar, facts)
            case ir.Call(partial=True):
                return False
            case ir.Case():
                for test, then in scalar.whens:
                    if not self.total(test, facts):
                        return False
                    if not self.total(then, facts.assume(test, True)):
                        return False
                    facts = facts.assume(test, False)
                return self.total(scalar.otherwise, facts)
            case _:
                return all(self.total(part, facts) for part in children(scalar))

    def _readable(self, reference: ir.ColumnRef, facts: Facts) -> bool:
        column = self.columns.get(reference.name)
        if column is None or reference.type.nullable or not column.type.nullable:
            return True
        nullable = ir.ColumnRef(reference.name, column.type)
        if facts.value(ir.IsNull(nullable)) is False:
            return True
        if reference.name in self.own:
            return False
        return all(facts.value(flag) for flag in self.flags.get(reference.name, ()))


def conditional(
    test: ir.Scalar,
    then: ir.Scalar,
    otherwise: ir.Scalar,
    total: Callable[[ir.Scalar], bool],
) -> ir.Scalar:
    """The condition ``then if test else otherwise``, as And and Or where both sides are total."""
    if then == otherwise:
        return then
    yes, no = _is(then, True), _is(then, False)
    if _is(otherwise, False):
        if yes:
            return test
        if not no and total(then):
            return _all_of(test, then, total)
    elif _is(otherwise, True):
        if no:
            return negated(test)
        if not yes and total(then):
            return _any_of(negated(test), then, total)
    elif yes and total(otherwise):
        return _any_of(test, otherwise, total)
    elif no and total(otherwise):
        return _all_of(negated(test), otherwise, total)
    return cases(test, then, otherwise, BOOL)


def _all_of(left: ir.Scalar, right: ir.Scalar, total: Callable[[ir.Scalar], bool]) -> ir.Scalar:
    if not total(left):
        return ir.Case(((left, right),), FALSE, BOOL)
    return ir.And((*_parts(left, ir.And), *_parts(right, ir.And)))


def _any_of(left: ir.Scalar, right: ir.Scalar, total: Callable[[ir.Scalar], bool]) -> ir.Scalar:
    if not total(left):
        return ir.Case(((left, TRUE),), right, BOOL)
    return ir.Or((*_parts(left, ir.Or), *_parts(right, ir.Or)))


def _parts(condition: ir.Scalar, kind: type[ir.And] | type[ir.Or]) -> tuple[ir.Scalar, ...]:
    return condition.parts if isinstance(condition, kind) else (condition,)


def cases(test: ir.Scalar, then: ir.Scalar, otherwise: ir.Scalar, kind: Atom) -> ir.Scalar:
    """``then if test else otherwise``, with a chain of them as one Case."""
    if then == otherwise:
        return then
    if isinstance(test, ir.Not):
        test, then, otherwise = test.part, otherwise, then
    if isinstance(otherwise, ir.Case):
        return ir.Case(((test, then), *otherwise.whens), otherwise.otherwise, kind)
    return ir.Case(((test, then),), otherwise, kind)
