"""IR as an indented tree, for tests and for looking at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import assert_never

from stepping.compiler.ir.algebra import (
    ITSELF,
    Accumulate,
    Closure,
    Computed,
    Constant,
    Contribution,
    Derivation,
    Filter,
    First,
    Match,
    Negate,
    Nothing,
    Operator,
    Project,
    Read,
    Reads,
    Regroup,
    Relation,
    Sum,
    Threshold,
)
from stepping.compiler.ir.operator import topological
from stepping.compiler.ir.scalar import (
    And,
    Call,
    Case,
    ColumnRef,
    Const,
    IsNull,
    Native,
    Not,
    Or,
    Raise,
    Scalar,
)


def query_text(outputs: Iterable[Operator], caches: Iterable[tuple[str, Operator]] = ()) -> str:
    """The operators of a query, each once, inputs before what reads them, with their delta rules.

    In a rule an operator is named by its number.
    """
    roots = list(outputs)
    kept = list(caches)
    operators = list(topological(*roots, *(operator for _, operator in kept)))
    numbers = {operator: position for position, operator in reversed([*enumerate(operators, 1)])}
    lines = []
    for position, operator in enumerate(operators, 1):
        lines.append(
            f"{position}. {name_of(operator)}: {operator.flow.value} of {operator.schema.type}"
        )
        if operator.inputs:
            rule = relation_text(operator.delta(Reads()), lambda each: f"{numbers[each]}")
            lines += (f"     {line}" for line in rule.splitlines())
    lines += (f"output {i}: {numbers[each]}" for i, each in enumerate(roots))
    lines += (f"cache {name}: {numbers[each]}" for name, each in kept)
    return "".join(f"{line}\n" for line in lines)


def name_of(operator: Operator) -> str:
    """The operator's class, and the public function that it is part of."""
    kind = type(operator).__name__
    label = operator.label
    return kind if label.replace("_", "") == kind.lower() else f"{kind} ({label})"


def relation_text(relation: Relation, name: Callable[[Operator], str] = name_of) -> str:
    """A relation as an indented tree: when each operator is read, and what is made of it."""
    return "".join(f"{'  ' * depth}{line}\n" for depth, line in _lines(relation, 0, name))


def scalar_text(scalar: Scalar) -> str:
    """A scalar as one line."""
    match scalar:
        case ColumnRef(name):
            return name
        case Const(value):
            return repr(value)
        case Call(function, args):
            return f"{function}({scalars_text(args)})"
        case Case(whens, otherwise):
            tests = " ".join(f"when {scalar_text(c)} then {scalar_text(v)}" for c, v in whens)
            return f"case {tests} else {scalar_text(otherwise)} end"
        case And(parts):
            return f"({' and '.join(map(scalar_text, parts))})"
        case Or(parts):
            return f"({' or '.join(map(scalar_text, parts))})"
        case Not(IsNull(part)):
            return f"{scalar_text(part)} is not None"
        case Not(part):
            return f"not {scalar_text(part)}"
        case IsNull(part):
            return f"{scalar_text(part)} is None"
        case Raise(message):
            return f"raise({scalar_text(message)})"
        case Native():
            return native_text(scalar)
        case _:
            assert_never(scalar)


def native_text(scalar: Native) -> str:
    first, *others = scalar.shown
    pairs = zip(scalar.args, others, strict=True)
    return first + "".join(scalar_text(arg) + words for arg, words in pairs)


def scalars_text(scalars: Iterable[Scalar]) -> str:
    return ", ".join(map(scalar_text, scalars))


Line = tuple[int, str]  # how deep, and what
Name = Callable[[Operator], str]


def _lines(relation: Relation, depth: int, name: Name) -> Iterator[Line]:
    inner: tuple[Relation, ...] = ()
    match relation:
        case Read(operator, moment, by):
            key = f" by {scalars_text(by)}" if by else ""
            yield depth, f"{moment.value} {name(operator)}{key}"
        case Project(source, columns):
            inner = (source,)
            made = (f"{column} = {scalar_text(s)}" for column, s in columns)
            yield depth, f"project {', '.join(made)}"
        case Filter(source, predicate):
            inner = (source,)
            yield depth, f"filter {scalar_text(predicate)}"
        case Match(left, right, on_left, on_right):
            inner = (left, right)
            same = "is" if relation.null_safe else "="
            yield depth, f"match ({scalars_text(on_left)}) {same} ({scalars_text(on_right)})"
        case Sum(parts):
            inner = parts
            yield depth, "sum"
        case Negate(source):
            inner = (source,)
            yield depth, "negate"
        case Accumulate():
            yield from _accumulate_lines(relation, depth, name)
        case Threshold(operator, source, rule):
            inner = (source,)
            yield depth, f"threshold {rule.value} of {name(operator)}"
        case First(operator, source, by, order, ascending, n):
            inner = (source,)
            group = f" per ({scalars_text(by)})" if by else ""
            ways = zip(order, ascending, strict=True)
            terms = (scalar_text(s) + ("" if up else " descending") for s, up in ways)
            yield depth, f"first {n} of {name(operator)}{group} in the order {', '.join(terms)}"
        case Regroup(operator, source, by, columns, folded):
            inner = (source,)
            what = "a row" if folded else "its rows"
            yield depth, f"{what} of each group of {name(operator)} anew, by ({scalars_text(by)})"
            yield from ((depth + 1, f"{n} = {scalar_text(s)}") for n, s in columns)
        case Closure():
            inner = relation.presence
            yield depth, "closure of its own rows"
            yield from ((depth + 1, f"rule {_rule_text(rule)}") for rule in relation.rules)
        case Computed(operator, source):
            inner = (source,)
            how = "in Python " if operator.python_functions else ""
            yield depth, f"computed {how}by {name(operator)}"
        case Constant():
            yield depth, "one row, in the first step"
        case Nothing():
            yield depth, "nothing"
        case _:
            assert_never(relation)
    for part in inner:
        yield from _lines(part, depth + 1, name)


def _accumulate_lines(groups: Accumulate, depth: int, name: Name) -> Iterator[Line]:
    keys = ", ".join(key for key, _ in groups.keys)
    kept = [f"the sum {each.name}" for each in groups.sums]
    kept += (f"the {'last' if each.largest else 'first'} {each.name}" for each in groups.extremes)
    if groups.collected is not None:
        kept.append(f"all of {groups.collected.name}")
    yield depth, f"accumulate per ({keys}): {', '.join(kept) or 'whether it is there'}"
    for each in groups.contributions:
        yield depth + 1, _contribution_text(each)
        yield from _lines(each.source, depth + 2, name)


def _contribution_text(each: Contribution) -> str:
    values = ", ".join("-" if value is None else scalar_text(value) for value in each.values)
    counts = ", and counts as rows" if each.counts else ""
    return f"({scalars_text(each.keys)}) adds ({values}){counts}"


def _rule_text(rule: Derivation) -> str:
    sources = ("itself" if each == ITSELF else f"source {each}" for each in rule.sources)
    text = f"({scalars_text(rule.columns)}) from {', '.join(sources)}"
    equal = (f"{scalar_text(a)} = {scalar_text(b)}" for a, b in rule.equal)
    conditions = [*equal, *map(scalar_text, rule.filters)]
    return f"{text} where {' and '.join(conditions)}" if conditions else text
