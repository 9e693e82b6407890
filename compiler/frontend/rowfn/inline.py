"""Functions written in Python, put in place of their calls."""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stepping.compiler.frontend.rowfn.expressions import namespace_of, variables_of
from stepping.compiler.frontend.rowfn.proxy import Opaque, by_proxy
from stepping.compiler.frontend.rowfn.source import (
    Definition,
    SourceMissing,
    definition_of,
)
from stepping.compiler.frontend.rowfn.statements import Fork, Outcome, Returned, Statements, Went
from stepping.compiler.frontend.rowfn.values import (
    NONE,
    Closure,
    Frame,
    Items,
    Keywords,
    State,
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


class Inline(Statements):
    """Calls of functions and of closures."""

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
        signature = inspect.signature(function, follow_wrapped=False)
        bindings = self._bound_to(signature, name, args, keywords, at)
        if not isinstance(bindings, dict):
            return bindings
        try:
            definition = definition_of(function)
        except SourceMissing as missing:
            try:
                return by_proxy(self, function, bindings)
            except Opaque as opaque:
                return self.fault(f"calls `{name}`: {missing}, and {opaque}", at, kind)
        frame = Frame(variables_of(definition.node), definition, function)
        return self._run(frame, bindings, at, kind)

    def run_closure(
        self,
        closure: Closure,
        args: tuple[Value, ...],
        keywords: Mapping[str, Value],
        at: ast.AST | None,
    ) -> Value:
        name = closure.node.name if not isinstance(closure.node, ast.Lambda) else "lambda"
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
        if not isinstance(bindings, dict):
            return bindings
        outer = closure.frame.definition
        definition = Definition(closure.node, outer.file, outer.lines)
        variables = variables_of(closure.node)
        frame = Frame(variables, definition, closure.frame.function, closure.frame)
        return self._run(frame, bindings, at, None)

    def _bound_to(
        self,
        signature: inspect.Signature,
        name: str,
        args: tuple[Value, ...],
        keywords: Mapping[str, Value],
        at: ast.AST | None,
    ) -> dict[str, Value] | Value:
        try:
            bound = signature.bind(*args, **keywords)
        except TypeError as error:
            hint = f"`{name}` is called with {len(args)} argument{'s'[: len(args) != 1]}"
            message = f"`{name}{_bare(signature)}`: {error}"
            return self.wrong(message, at, hint, raised=f"TypeError: {error}")
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
        bindings: Mapping[str, Value],
        at: ast.AST | None,
        kind: ValueType | None,
    ) -> Value:
        if len(self.frames) > _MAX_DEPTH:
            raise self.abort("its calls are nested too deeply", at)
        caller, self.frame = self.frame, frame
        self.state = {**self.state, **{(frame, name): value for name, value in bindings.items()}}
        self.frames.append(frame)
        node = frame.definition.node
        try:
            if isinstance(node, ast.Lambda):
                value = self.expression(node.body)
            else:
                value, self.state = self._result(self.block(node.body))
            self.leave(frame)
        finally:
            self.frames.pop()
            self.frame = caller
        if kind is not None and any(isinstance(leaf, Unknown) for leaf in self.leaves(value)):
            return self.opaque(kind)
        return value

    def _result(self, outcome: Outcome) -> tuple[Value, State]:
        """What a function returns, and what variables hold then."""
        match outcome:
            case Returned():
                return outcome.value, outcome.state
            case Went():
                return NONE, outcome.state
            case Fork():
                test = outcome.condition
                then, state_then = self._result(outcome.then)
                otherwise, state_otherwise = self._result(outcome.otherwise)
                return (
                    join(test, then, otherwise),
                    self.merged(test, state_then, state_otherwise),
                )

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


def _bare(signature: inspect.Signature) -> inspect.Signature:
    """Without annotations."""
    empty = inspect.Signature.empty
    parameters = [p.replace(annotation=empty) for p in signature.parameters.values()]
    return signature.replace(parameters=parameters, return_annotation=empty)
