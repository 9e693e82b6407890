"""Statements of a row function, and its calls of functions written in Python.

A block has an outcome for each path through it: it returned a value, it came to its end, or it left
a loop.
"""

from __future__ import annotations

import ast
import enum
from dataclasses import dataclass

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn.context import shown
from stepping.compiler.frontend.rowfn.expressions import BINARY
from stepping.compiler.frontend.rowfn.patterns import Patterns
from stepping.compiler.frontend.rowfn.values import (
    NONE,
    Items,
    Never,
    State,
    Unknown,
    Value,
)


class Way(enum.Enum):
    """How a path came to the end of a block."""

    ON = "on"  # to the next statement
    BREAK = "break"
    CONTINUE = "continue"


@dataclass(frozen=True, eq=False)
class Went:
    way: Way
    state: State


@dataclass(frozen=True, eq=False)
class Returned:
    value: Value
    state: State


@dataclass(frozen=True, eq=False)
class Fork:
    condition: ir.Scalar
    then: Outcome
    otherwise: Outcome


Outcome = Went | Returned | Fork


class Statements(Patterns):
    """Blocks, and the functions they are the bodies of."""

    # --------------------------------------------------------------------------------------- blocks

    def block(self, statements: list[ast.stmt]) -> Outcome:
        for position, statement in enumerate(statements):
            self.step(statement)
            rest = statements[position + 1 :]
            match statement:
                case ast.Return():
                    value = NONE if statement.value is None else self.expression(statement.value)
                    return Returned(value, self.state)
                case ast.Raise():
                    return Returned(self._raised(statement), self.state)
                case ast.Assert():
                    return self._after(self._asserted(statement), rest)
                case ast.If():
                    test = self.truth(self.expression(statement.test), statement.test)
                    return self._after(self._fork(test, statement.body, statement.orelse), rest)
                case ast.Match():
                    return self._after(self._match(statement), rest)
                case ast.For():
                    return self._after(self._for(statement), rest)
                case ast.Break():
                    return Went(Way.BREAK, self.state)
                case ast.Continue():
                    return Went(Way.CONTINUE, self.state)
                case _:
                    self._simple(statement)
        return Went(Way.ON, self.state)

    def _simple(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign():
                value = self.expression(statement.value)
                for target in statement.targets:
                    self.assign(target, value)
            case ast.AnnAssign():
                if statement.value is not None:
                    self.assign(statement.target, self.expression(statement.value))
            case ast.AugAssign(target=ast.Name() as name):
                before = self.expression(ast.copy_location(ast.Name(name.id, ast.Load()), name))
                value = self.expression(statement.value)
                op = BINARY[type(statement.op)]
                self.assign(name, self.in_place(op, before, value, statement))
            case ast.Expr():
                self.expression(statement.value)
            case ast.Pass() | ast.Nonlocal():
                pass
            case ast.FunctionDef(decorator_list=[]):
                self.bind(statement.name, self.closure(statement))
            case _:
                first = ast.unparse(statement).split("\n")[0]
                raise self.abort(f"`{first}` has no exact SQL", statement)

    def assign(self, target: ast.expr, value: Value) -> None:
        match target:
            case ast.Name():
                self.bind(target.id, value)
            case ast.Tuple() | ast.List():
                self._unpack(target, value)
            case _:
                self.fault(f"`{shown(target)} = ...` changes an object", target)

    def _unpack(self, target: ast.Tuple | ast.List, value: Value) -> None:
        items = self._fitted(target, self.unpacked(value, target))
        targets = [p.value if isinstance(p, ast.Starred) else p for p in target.elts]
        if not isinstance(items, tuple):
            items = (items,) * len(targets)
        for part, item in zip(targets, items, strict=True):
            self.assign(part, item)

    def _fitted(
        self, target: ast.Tuple | ast.List, items: tuple[Value, ...] | Never | Unknown
    ) -> tuple[Value, ...] | Value:
        """A value for each target, where one may take all that are left over."""
        if not isinstance(items, tuple):
            return items
        targets = target.elts
        starred = [i for i, part in enumerate(targets) if isinstance(part, ast.Starred)]
        if starred:
            first = starred[0]
            length = len(items) - len(targets) + 1
            if length >= 0:
                middle = Items(items[first : first + length], list)
                items = (*items[:first], middle, *items[first + length :])
        if len(items) == len(targets):
            return items
        problem = f"{len(targets)} names for {len(items)} values"
        return self.wrong(f"`{shown(target)}`: {problem}", target, raised=f"ValueError: {problem}")

    # ------------------------------------------------------------------------------------ branching

    def _fork(self, test: ir.Scalar, then: list[ast.stmt], otherwise: list[ast.stmt]) -> Outcome:
        holds = self.facts.value(test)
        if holds is not None:
            return self.block(then if holds else otherwise)
        before = self.state
        with self.assuming(test, True):
            first = self.block(then)
        self.state = before
        with self.assuming(test, False):
            second = self.block(otherwise)
        self.state = before
        return self._joined(test, first, second)

    def _joined(self, test: ir.Scalar, then: Outcome, otherwise: Outcome) -> Outcome:
        """Two paths that go on to the same place are one from there on."""
        if isinstance(then, Went) and isinstance(otherwise, Went) and then.way is otherwise.way:
            return Went(then.way, self.merged(test, then.state, otherwise.state))
        return Fork(test, then, otherwise)

    def _after(self, outcome: Outcome, rest: list[ast.stmt], *ways: Way) -> Outcome:
        """What becomes of the paths that go on, when ``rest`` is run on each."""
        match outcome:
            case Fork():
                with self.assuming(outcome.condition, True):
                    then = self._after(outcome.then, rest, *ways)
                with self.assuming(outcome.condition, False):
                    otherwise = self._after(outcome.otherwise, rest, *ways)
                return self._joined(outcome.condition, then, otherwise)
            case Went(way=way) if way in (ways or (Way.ON,)):
                self.state = outcome.state
                return self.block(rest)
        return outcome

    def _match(self, statement: ast.Match) -> Outcome:
        subject = self.expression(statement.subject)

        def case(position: int) -> Outcome:
            if position == len(statement.cases):
                return Went(Way.ON, self.state)
            each = statement.cases[position]
            before = self.state
            matched = test = self.pattern(each.pattern, subject)
            if each.guard is not None:
                guard = each.guard
                test = self.both(matched, lambda: self.truth(self.expression(guard), guard))
            bound = self.state
            holds = self.facts.value(test)
            if holds:
                return self.block(each.body)
            # What matched stays bound, although the guard did not hold.
            known = self.facts.value(matched)
            otherwise = self.merged(matched, bound, before)
            otherwise = otherwise if known is None else bound if known else before
            if holds is False:
                self.state = otherwise
                return case(position + 1)
            with self.assuming(test, True):
                first = self.block(each.body)
            self.state = otherwise
            with self.assuming(test, False):
                second = case(position + 1)
            return self._joined(test, first, second)

        return case(0)

    def _for(self, statement: ast.For) -> Outcome:
        """A loop over what is known to have so many items, written out."""
        items = self.unpacked(self.expression(statement.iter), statement.iter)
        if isinstance(items, Never):
            return Returned(items, self.state)
        if isinstance(items, Unknown):
            raise self.abort(f"`for {shown(statement.target)}` loops", statement)
        return self._turn(statement, items, 0)

    def _turn(self, statement: ast.For, items: tuple[Value, ...], position: int) -> Outcome:
        if position == len(items):
            return self.block(statement.orelse)
        self.assign(statement.target, items[position])
        outcome = self.block(statement.body)
        return self._turned(outcome, statement, items, position + 1)

    def _turned(
        self, outcome: Outcome, statement: ast.For, items: tuple[Value, ...], position: int
    ) -> Outcome:
        match outcome:
            case Fork():
                with self.assuming(outcome.condition, True):
                    then = self._turned(outcome.then, statement, items, position)
                with self.assuming(outcome.condition, False):
                    otherwise = self._turned(outcome.otherwise, statement, items, position)
                return self._joined(outcome.condition, then, otherwise)
            case Went(way=Way.BREAK):
                return Went(Way.ON, outcome.state)
            case Went():
                self.state = outcome.state
                return self._turn(statement, items, position)
        return outcome

    # -------------------------------------------------------------------------------------- raising

    def _raised(self, statement: ast.Raise) -> Value:
        return self.raising(_exception(statement.exc), statement)

    def _asserted(self, statement: ast.Assert) -> Outcome:
        test = self.truth(self.expression(statement.test), statement.test)
        # With -O, Python leaves asserts out.
        holds = True if not __debug__ else self.facts.value(test)
        went = Went(Way.ON, self.state)
        if holds:
            return went
        if holds is False:
            return Returned(self.raising("AssertionError", statement), self.state)
        with self.assuming(test, False):
            failed = Returned(self.raising("AssertionError", statement), self.state)
        return Fork(test, went, failed)


def _exception(raised: ast.expr | None) -> str:
    """The class of an exception, with its text if that is a constant."""
    match raised:
        case None:
            return "RuntimeError"
        case ast.Call(func=func, args=[ast.Constant(value=str(text))]):
            return f"{ast.unparse(func)}: {text}"
        case ast.Call(func=func):
            return ast.unparse(func)
        case _:
            return ast.unparse(raised)
