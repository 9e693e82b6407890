"""Patterns of ``match`` statements."""

from __future__ import annotations

import ast
from collections.abc import Callable

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn.context import shown
from stepping.compiler.frontend.rowfn.expressions import Expressions
from stepping.compiler.frontend.rowfn.functions_calls import FALSE, TRUE
from stepping.compiler.frontend.rowfn.shapes import items_of
from stepping.compiler.frontend.rowfn.values import Static, Value
from stepping.compiler.schema import BOOL

# The classes whose one positional pattern is the value itself.
_SELF = (bool, bytes, float, frozenset, int, str, tuple)


class Patterns(Expressions):
    """Whether a value matches, with the names bound where it does."""

    def pattern(self, pattern: ast.pattern, value: Value) -> ir.Scalar:
        match pattern:
            case ast.MatchValue():
                return self.equal(value, self.expression(pattern.value), pattern.value)
            case ast.MatchSingleton():
                return self.identical(value, Static(pattern.value), None)
            case ast.MatchAs():
                return self._named(pattern, value)
            case ast.MatchOr():
                return self._any_of(pattern.patterns, value)
            case ast.MatchSequence():
                return self._sequence(pattern, value)
            case ast.MatchClass():
                return self._class_pattern(pattern, value)
        return self.condition(
            self.fault(f"`case {shown(pattern)}` has no exact SQL", pattern, BOOL)
        )

    def _named(self, pattern: ast.MatchAs, value: Value) -> ir.Scalar:
        test = TRUE if pattern.pattern is None else self.pattern(pattern.pattern, value)
        if pattern.name is not None:
            with self.assuming(test, True):
                self.bind(pattern.name, self.resolved(value))
        return test

    def _any_of(self, patterns: list[ast.pattern], value: Value) -> ir.Scalar:
        result: ir.Scalar = FALSE
        for each in patterns:
            if _binds(each):
                return self.condition(
                    self.fault(f"`case {shown(each)}` binds names in an alternative", each, BOOL)
                )
            result = self.either(result, lambda p=each: self.pattern(p, value))  # type: ignore[misc]
        return result

    def _all_of(self, tests: list[Callable[[], ir.Scalar]]) -> ir.Scalar:
        """Each test where those before it hold; names that they bind stay bound."""
        result: ir.Scalar = TRUE
        for test in tests:
            if self.facts.value(result) is False:
                return FALSE
            with self.assuming(result, True):
                following = test()
            result = self.both(result, lambda f=following: f)  # type: ignore[misc]
        return result

    def _sequence(self, pattern: ast.MatchSequence, value: Value) -> ir.Scalar:
        parts = pattern.patterns
        if any(isinstance(part, ast.MatchStar) for part in parts):
            return self.condition(
                self.fault(f"`case {shown(pattern)}` has no exact SQL", pattern, BOOL)
            )

        def fits(leaf: Value) -> Value:
            items = items_of(leaf)
            return Static(items is not None and len(items) == len(parts))

        def part(position: int) -> Callable[[], ir.Scalar]:
            return lambda: self.pattern(
                parts[position], self.subscript(value, Static(position), None)
            )

        tests: list[Callable[[], ir.Scalar]] = [
            lambda: self.condition(self.lift(fits, (value,), None))
        ]
        return self._all_of(tests + [part(i) for i in range(len(parts))])

    def _class_pattern(self, pattern: ast.MatchClass, value: Value) -> ir.Scalar:
        cls = self.expression(pattern.cls)
        is_one = self.condition(self.is_instance(value, cls, pattern.cls))
        tests: list[Callable[[], ir.Scalar]] = [lambda: is_one]
        names = list(pattern.kwd_attrs)
        known = cls.value if isinstance(cls, Static) else None
        if pattern.patterns and known in _SELF:
            tests += [lambda p=p: self.pattern(p, value) for p in pattern.patterns]  # type: ignore[misc]
        else:
            matched = getattr(known, "__match_args__", ())
            if len(pattern.patterns) > len(matched):
                problem = f"{getattr(known, '__name__', 'it')} has {len(matched)} positional fields"
                message = f"`case {shown(pattern)}`: {problem}"
                raised = f"TypeError: {problem}"
                return self.condition(self.wrong(message, pattern, raised=raised))
            names = [*matched[: len(pattern.patterns)], *names]
            for name, inner in zip(names, [*pattern.patterns, *pattern.kwd_patterns], strict=True):
                tests.append(
                    lambda n=name, p=inner: self.pattern(p, self.attribute(value, n, pattern))  # type: ignore[misc]
                )
            return self._all_of(tests)
        for name, inner in zip(names, pattern.kwd_patterns, strict=True):
            tests.append(
                lambda n=name, p=inner: self.pattern(p, self.attribute(value, n, pattern))  # type: ignore[misc]
            )
        return self._all_of(tests)


def _binds(pattern: ast.pattern) -> bool:
    return any(isinstance(part, ast.MatchAs) and part.name for part in ast.walk(pattern))
