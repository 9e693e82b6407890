"""Choices between scalars of one type, as one scalar."""

from __future__ import annotations

import ast

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn.context import (
    Context,
    alike,
    is_missing,
    missing_name,
    plain,
    unusable,
)
from stepping.compiler.frontend.rowfn.functions_calls import FALSE, TRUE
from stepping.compiler.frontend.rowfn.narrowing import cases, conditional
from stepping.compiler.frontend.rowfn.values import Choice, Never, Value
from stepping.compiler.schema import Atom, Kind


class Choices(Context):
    """A `Case` where a value is one of several scalars."""

    def compact(self, value: Value, at: ast.AST | None, *, strict: bool = True) -> Value:
        """A choice between scalars of one type as one scalar.

        ``strict``: for what raises on None in Python; else a value that may be None stays a choice.
        """
        value = self.resolved(value)
        if not isinstance(value, Choice):
            return value
        found: Atom | None = None
        for leaf in self.leaves(value):
            if isinstance(leaf, Never):
                continue
            if is_missing(leaf):
                if not strict:
                    return value
                continue
            scalar = self.scalar_of(leaf)
            if scalar is None or (found is not None and not alike(found, scalar.type)):
                return value
            found = plain(scalar.type)
        return value if found is None else self.flat(value, found, at)

    def flat(self, value: Value, kind: Atom, at: ast.AST | None) -> ir.Scalar:
        """A value whose alternatives are all of one type, or missing, as a scalar."""
        value = self.resolved(value)
        match value:
            case Choice():
                with self.assuming(value.condition, True):
                    then = self.flat(value.then, kind, at)
                with self.assuming(value.condition, False):
                    otherwise = self.flat(value.otherwise, kind, at)
                return self.made(self.branch(value.condition, then, otherwise, kind), at)
            case Never():
                return ir.Raise(value.raised.message, kind)
            case _ if is_missing(value):
                if kind.nullable and missing_name(value) == "None":
                    return ir.Const(None, kind)
                never = self.raising_missing(value, at)
                return self.flat(never, kind, at) if isinstance(never, Never) else unusable(kind)
        scalar = self.scalar_of(value)
        return unusable(kind) if scalar is None else self.decided(scalar)

    def decided(self, scalar: ir.Scalar) -> ir.Scalar:
        """A condition that is known here as a constant."""
        if scalar.type.kind is Kind.BOOL and not scalar.type.nullable:
            known = self.facts.value(scalar)
            if known is not None:
                return TRUE if known else FALSE
        return scalar

    def branch(
        self, condition: ir.Scalar, then: ir.Scalar, otherwise: ir.Scalar, kind: Atom
    ) -> ir.Scalar:
        if kind.kind is Kind.BOOL and not kind.nullable:
            return conditional(condition, then, otherwise, self.total)
        if (
            isinstance(condition, ir.IsNull)
            and isinstance(condition.part, ir.ColumnRef)
            and isinstance(otherwise, ir.ColumnRef)
            and isinstance(then, ir.Const)
            and then.value is None
            and otherwise.name == condition.part.name
        ):
            return condition.part  # `None if x is None else x`
        return cases(condition, then, otherwise, kind)
