"""What Python evaluates and may raise, although its value does not end up in the result."""

from __future__ import annotations

from collections.abc import Iterator

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn.context import Path
from stepping.compiler.frontend.rowfn.functions_calls import TRUE, negated
from stepping.compiler.frontend.rowfn.narrowing import Facts
from stepping.compiler.ir.scalar import children
from stepping.compiler.schema import BOOL

Effect = tuple[Path, Facts, ir.Scalar]


def guarded(
    scalars: list[ir.Scalar], effects: list[Effect], unreachable: ir.Scalar | None
) -> list[ir.Scalar]:
    """The columns, where the first also evaluates each effect that no column does.

    ``y = 1 / row.x; return 2`` raises for x = 0. ``unreachable`` is the message of an error that
    cannot happen.
    """
    evaluated: dict[ir.Scalar, list[Path]] = {}

    def note(scalar: ir.Scalar) -> None:
        for part, path in _evaluations(scalar, ()):
            evaluated.setdefault(part, []).append(path)

    for scalar in scalars:
        note(scalar)
    first, *rest = scalars
    # What came later may contain what came before it.
    for path, facts, effect in reversed(effects):
        key = _key(effect)
        if any(all(facts.value(c) is v for c, v in way) for way in evaluated.get(key, ())):
            continue
        if unreachable is None:
            continue
        check = _check(path, effect)
        note(check)
        first = ir.Case(((check, first),), ir.Raise(unreachable, first.type), first.type)
    return [first, *rest]


def _key(effect: ir.Scalar) -> ir.Scalar:
    # The same failure stands for values of several types.
    return effect.message if isinstance(effect, ir.Raise) else effect


def _evaluations(scalar: ir.Scalar, path: Path) -> Iterator[tuple[ir.Scalar, Path]]:
    """The parts that may raise, each with the conditions under which it is evaluated."""
    match scalar:
        case ir.Raise():
            yield scalar.message, path
        case ir.Case():
            for test, value in scalar.whens:
                yield from _evaluations(test, path)
                yield from _evaluations(value, (*path, (test, True)))
                path = (*path, (test, False))
            yield from _evaluations(scalar.otherwise, path)
        case _:
            if isinstance(scalar, ir.Call) and scalar.partial:
                yield scalar, path
            for part in children(scalar):
                yield from _evaluations(part, path)


def _check(path: Path, effect: ir.Scalar) -> ir.Scalar:
    """True, or an error: ``effect`` evaluated where its path leads."""
    check: ir.Scalar
    if isinstance(effect, ir.Raise):
        check = ir.Raise(effect.message, BOOL)
    else:
        check = ir.Not(ir.IsNull(effect))
    for condition, holds in reversed(path):
        wanted = condition if holds else negated(condition)
        check = ir.Case(((wanted, check),), TRUE, BOOL)
    return check
