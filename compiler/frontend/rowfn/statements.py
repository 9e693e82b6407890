"""Statements of a row function, and its calls of functions written in Python.

A block has an outcome for each path through it: it returned a value, it came to its end, or it left
a loop.
"""

from __future__ import annotations

import ast
import enum
import inspect
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn.context import shown
from stepping.compiler.frontend.rowfn.expressions import BINARY, namespace_of
from stepping.compiler.frontend.rowfn.patterns import Patterns
from stepping.compiler.frontend.rowfn.proxy import Opaque, by_proxy
from stepping.compiler.frontend.rowfn.source import Definition, SourceMissing, definition_of
from stepping.compiler.frontend.rowfn.values import (
    NONE,
    Closure,
    Frame,
    Items,
    Keywords,
    Unknown,
    Value,
    join,
    known,
)
from stepping.compiler.frontend.rows import type_of
from stepping.compiler.schema import ValueType
from stepping.errors import QueryError

_MAX_DEPTH = 30
_NOT_PLAIN = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


class Way(enum.Enum):
    """How a path came to the end of a block."""

    ON = "on"  # to the next statement
    BREAK = "break"
    CONTINUE = "continue"


@dataclass(frozen=True, eq=False)
class Went:
    way: Way
    bindings: dict[str, Value]


@dataclass(frozen=True, eq=False)
class Returned:
    value: Value


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
                    if statement.value is None:
                        return Returned(NONE)
                    return Returned(self.expression(statement.value))
                case ast.Raise():
                    return Returned(self._raised(statement))
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
                    return Went(Way.BREAK, self.local.bindings)
                case ast.Continue():
                    return Went(Way.CONTINUE, self.local.bindings)
                case _:
                    self._simple(statement)
        return Went(Way.ON, self.local.bindings)

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
                # `x += y` is `x = x + y` for everything that does not change in place.
                before = self.expression(ast.copy_location(ast.Name(name.id, ast.Load()), name))
                value = self.expression(statement.value)
                op = BINARY[type(statement.op)]
                self.assign(name, self.binary(op, before, value, statement))
            case ast.Expr():
                self.expression(statement.value)
            case ast.Pass():
                pass
            case ast.FunctionDef(decorator_list=[]):
                closure = Closure(statement, self.local, self.defaults(statement.args))
                self._bind(statement.name, closure)
            case _:
                first = ast.unparse(statement).split("\n")[0]
                raise self.abort(f"`{first}` has no exact SQL", statement)

    def _bind(self, name: str, value: Value) -> None:
        self.local.bindings = {**self.local.bindings, name: value}

    def assign(self, target: ast.expr, value: Value) -> None:
        match target:
            case ast.Name():
                self._bind(target.id, value)
            case ast.Tuple() | ast.List():
                self._unpack(target, value)
            case _:
                self.fault(f"`{shown(target)} = ...` changes an object", target)

    def _unpack(self, target: ast.Tuple | ast.List, value: Value) -> None:
        items = self.unpacked(value, target)
        targets = target.elts
        if items is None:
            for part in targets:
                self.assign(part.value if isinstance(part, ast.Starred) else part, Unknown())
            return
        starred = [i for i, part in enumerate(targets) if isinstance(part, ast.Starred)]
        if starred:
            first = starred[0]
            length = len(items) - len(targets) + 1
            if length < 0:
                raise self.error(f"`{shown(target)}` has more names than values", target)
            middle = Items(items[first : first + length], list)
            items = (*items[:first], middle, *items[first + length :])
            targets = [p.value if isinstance(p, ast.Starred) else p for p in targets]
        if len(items) != len(targets):
            raise self.error(
                f"`{shown(target)}`: {len(targets)} names for {len(items)} values", target
            )
        for part, item in zip(targets, items, strict=True):
            self.assign(part, item)

    # ------------------------------------------------------------------------------------ branching

    def _fork(self, test: ir.Scalar, then: list[ast.stmt], otherwise: list[ast.stmt]) -> Outcome:
        holds = self.facts.value(test)
        if holds is not None:
            return self.block(then if holds else otherwise)
        before = self.local.bindings
        with self.assuming(test, True):
            first = self.block(then)
        self.local.bindings = before
        with self.assuming(test, False):
            second = self.block(otherwise)
        self.local.bindings = before
        return self._joined(test, first, second)

    def _joined(self, test: ir.Scalar, then: Outcome, otherwise: Outcome) -> Outcome:
        """Two paths that go on to the same place are one from there on."""
        if isinstance(then, Went) and isinstance(otherwise, Went) and then.way is otherwise.way:
            if then.bindings is otherwise.bindings:
                return then
            return Went(then.way, self.merged(test, then.bindings, otherwise.bindings))
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
                self.local.bindings = outcome.bindings
                return self.block(rest)
        return outcome

    def _match(self, statement: ast.Match) -> Outcome:
        subject = self.expression(statement.subject)

        def case(position: int) -> Outcome:
            if position == len(statement.cases):
                return Went(Way.ON, self.local.bindings)
            each = statement.cases[position]
            before = self.local.bindings
            test = self.pattern(each.pattern, subject)
            if each.guard is not None:
                guard = each.guard
                test = self.both(test, lambda: self.truth(self.expression(guard), guard))
            bound = self.local.bindings
            holds = self.facts.value(test)
            if holds:
                return self.block(each.body)
            self.local.bindings = before
            if holds is False:
                return case(position + 1)
            with self.assuming(test, True):
                self.local.bindings = bound
                first = self.block(each.body)
            self.local.bindings = before
            with self.assuming(test, False):
                second = case(position + 1)
            return self._joined(test, first, second)

        return case(0)

    def _for(self, statement: ast.For) -> Outcome:
        """A loop over what is known to have so many items, written out."""
        items = self.unpacked(self.expression(statement.iter), statement.iter)
        if items is None:
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
                return Went(Way.ON, outcome.bindings)
            case Went():
                self.local.bindings = outcome.bindings
                return self._turn(statement, items, position)
        return outcome

    # -------------------------------------------------------------------------------------- raising

    def _raised(self, statement: ast.Raise) -> Value:
        what = shown(statement.exc) if statement.exc is not None else "raise"
        return self.raising(f"`raise {what}`", statement)

    def _asserted(self, statement: ast.Assert) -> Outcome:
        test = self.truth(self.expression(statement.test), statement.test)
        # With -O, Python leaves asserts out.
        holds = True if not __debug__ else self.facts.value(test)
        went = Went(Way.ON, self.local.bindings)
        if holds:
            return went
        if holds is False:
            return Returned(self.raising(f"`assert {shown(statement.test)}`", statement))
        with self.assuming(test, False):
            failed = Returned(self.raising(f"`assert {shown(statement.test)}`", statement))
        return Fork(test, went, failed)

    # ------------------------------------------------------------------------------------ functions

    def run_function(
        self,
        function: types.FunctionType,
        args: tuple[Value, ...],
        keywords: Mapping[str, Value],
        at: ast.AST | None,
    ) -> Value:
        name, code = function.__name__, function.__code__
        kind = self.returns(function)
        if any(frame.function is function and frame.outer is None for frame in self.frames):
            return self.fault(f"`{name}` calls itself", at, kind)
        if code.co_flags & _NOT_PLAIN:
            return self.fault(f"`{name}` is a generator or a coroutine", at, kind)
        bindings = self._bound_to(
            inspect.signature(function, follow_wrapped=False), name, args, keywords, at
        )
        try:
            definition = definition_of(function)
        except SourceMissing as missing:
            try:
                return by_proxy(self, function, bindings)
            except Opaque as opaque:
                return self.fault(f"calls `{name}`: {missing}, and {opaque}", at, kind)
        return self._run(Frame(bindings, definition, function), definition.node, at, kind)

    def run_closure(
        self,
        closure: Closure,
        args: tuple[Value, ...],
        keywords: Mapping[str, Value],
        at: ast.AST | None,
    ) -> Value:
        name = closure.node.name if not isinstance(closure.node, ast.Lambda) else "lambda"
        if closure.frame.ways_out > 1:
            return self.fault(f"`{name}` was made by a function that returns in several ways", at)
        if any(
            frame.definition.node is closure.node and frame.outer is closure.frame
            for frame in self.frames
        ):
            return self.fault(f"`{name}` calls itself", at)
        if any(
            isinstance(n, ast.Yield | ast.YieldFrom | ast.Await) for n in ast.walk(closure.node)
        ):
            return self.fault(f"`{name}` is a generator", at)
        signature = _signature(closure)
        bindings = self._bound_to(signature, name, args, keywords, at)
        outer = closure.frame.definition
        definition = Definition(closure.node, outer.file, outer.lines)
        frame = Frame(bindings, definition, closure.frame.function, closure.frame)
        return self._run(frame, closure.node, at, None)

    def _bound_to(
        self,
        signature: inspect.Signature,
        name: str,
        args: tuple[Value, ...],
        keywords: Mapping[str, Value],
        at: ast.AST | None,
    ) -> dict[str, Value]:
        try:
            bound = signature.bind(*args, **keywords)
        except TypeError as error:
            hint = f"`{name}` is called with {len(args)} argument{'s'[: len(args) != 1]}"
            raise self.error(f"`{name}{signature}`: {error}", at, hint) from None
        found: dict[str, Value] = {}
        for parameter in signature.parameters.values():
            value = bound.arguments.get(parameter.name, parameter.default)
            match parameter.kind:
                case inspect.Parameter.VAR_POSITIONAL:
                    found[parameter.name] = Items(bound.arguments.get(parameter.name, ()))
                case inspect.Parameter.VAR_KEYWORD:
                    found[parameter.name] = Keywords(bound.arguments.get(parameter.name, {}))
                case _ if parameter.name in bound.arguments or isinstance(value, _Default):
                    found[parameter.name] = value.value if isinstance(value, _Default) else value
                case _:
                    found[parameter.name] = known(value)
        return found

    def _run(
        self,
        frame: Frame,
        node: ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef,
        at: ast.AST | None,
        kind: ValueType | None,
    ) -> Value:
        if len(self.frames) > _MAX_DEPTH:
            raise self.abort("its calls are nested too deeply", at)
        caller, self.frame = self.frame, frame
        self.frames.append(frame)
        try:
            if isinstance(node, ast.Lambda):
                value = self.expression(node.body)
                frame.ways_out = 1
            else:
                value = self._result(self.block(node.body), frame)
        finally:
            self.frames.pop()
            self.frame = caller
        if kind is not None and any(isinstance(leaf, Unknown) for leaf in self.leaves(value)):
            return self.opaque(kind)
        return value

    def _result(self, outcome: Outcome, frame: Frame) -> Value:
        match outcome:
            case Returned():
                frame.ways_out += 1
                return outcome.value
            case Went():
                frame.ways_out += 1
                return NONE
            case Fork():
                then = self._result(outcome.then, frame)
                return join(outcome.condition, then, self._result(outcome.otherwise, frame))

    def returns(self, function: Any) -> ValueType | None:
        """The type that a function is annotated to return."""
        annotation = getattr(function, "__annotations__", {}).get("return", inspect.Signature.empty)
        if annotation is inspect.Signature.empty:
            return None
        try:
            return type_of(annotation, namespace_of(function))
        except QueryError:  # Any, an abstract class, or a name that cannot be resolved here
            return None


@dataclass(frozen=True, eq=False)
class _Default:
    """A default of a function that is defined inside the row function."""

    value: Value


def _signature(closure: Closure) -> inspect.Signature:
    arguments = closure.node.args
    kinds = inspect.Parameter
    found: list[inspect.Parameter] = []

    def add(argument: ast.arg | None, kind: Any) -> None:
        if argument is not None:
            default: Any = inspect.Parameter.empty
            if argument.arg in closure.defaults:
                default = _Default(closure.defaults[argument.arg])
            found.append(inspect.Parameter(argument.arg, kind, default=default))

    for argument in arguments.posonlyargs:
        add(argument, kinds.POSITIONAL_ONLY)
    for argument in arguments.args:
        add(argument, kinds.POSITIONAL_OR_KEYWORD)
    add(arguments.vararg, kinds.VAR_POSITIONAL)
    for argument in arguments.kwonlyargs:
        add(argument, kinds.KEYWORD_ONLY)
    add(arguments.kwarg, kinds.VAR_KEYWORD)
    return inspect.Signature(found)
