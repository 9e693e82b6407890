"""In which order the sources of a recursion's rule are looked up, given where one starts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stepping.compiler import ir

Pair = tuple[ir.Scalar, ir.Scalar]
GIVEN = "given"  # the prefix of the columns of a row that is asked for


@dataclass(frozen=True)
class Visit:
    """One source, and the scalars over its columns that equal scalars over those before it."""

    number: int  # among the rule's sources
    key: tuple[ir.Scalar, ...]  # over the source's own columns
    values: tuple[ir.Scalar, ...]  # over those of earlier sources


def visits(rule: ir.Derivation, start: int | None) -> tuple[list[Visit], list[Pair]]:
    """The other sources of a rule in order, each by as many of its columns as are known.

    ``start`` is the source that is there already; None where the row that the rule derives is. The
    pairs are equalities that no look-up has used.
    """
    equal: list[Pair] = list(rule.equal)
    placed: set[str] = set()
    if start is None:
        placed.add(GIVEN)
        equal += (
            (scalar, ir.ColumnRef(f"{GIVEN}.{i}", scalar.type))
            for i, scalar in enumerate(rule.columns)
        )
    else:
        placed.add(str(start))
    waiting = [i for i in range(len(rule.sources)) if i != start]
    order: list[Visit] = []
    while waiting:
        found = [(usable(equal, placed, str(i)), i) for i in waiting]
        # What is outside of the recursion first: its rows per key are fewer.
        pairs, chosen = max(
            found, key=lambda each: (len(each[0]), rule.sources[each[1]] != ir.ITSELF)
        )
        waiting.remove(chosen)
        placed.add(str(chosen))
        used = {id(pair) for pair, _, _ in pairs}
        equal = [pair for pair in equal if id(pair) not in used]
        own = tuple(unprefixed(key) for _, key, _ in pairs)
        order.append(Visit(chosen, own, tuple(value for _, _, value in pairs)))
    return order, equal


def usable(
    equal: Sequence[Pair], placed: set[str], source: str
) -> list[tuple[Pair, ir.Scalar, ir.Scalar]]:
    """The equalities between a source's columns and what is placed: (pair, own, other)."""
    found = []
    for pair in equal:
        for own, other in (pair, pair[::-1]):
            if prefixes(own) == {source} and prefixes(other) <= placed:
                found.append((pair, own, other))
                break
    return found


def prefixes(scalar: ir.Scalar) -> set[str]:
    """The sources that a scalar reads."""
    return {name.partition(".")[0] for name in ir.columns_read(scalar)}


def unprefixed(scalar: ir.Scalar) -> ir.Scalar:
    """A scalar over one source's columns, by their own names."""

    def change(part: ir.Scalar) -> ir.Scalar:
        if isinstance(part, ir.ColumnRef):
            return ir.ColumnRef(part.name.partition(".")[2], part.type)
        return ir.rebuild(part, change)

    return change(scalar)


def closure_keys(closure: ir.Closure) -> Iterator[tuple[ir.Operator, tuple[ir.Scalar, ...]]]:
    """The keys by which a recursion looks up its externals and itself."""
    for rule in closure.rules:
        for start in (*range(len(rule.sources)), None):
            for visit in visits(rule, start)[0]:
                position = rule.sources[visit.number]
                source = closure.state if position == ir.ITSELF else closure.externals[position]
                yield source, visit.key


def prefixed(scalar: ir.Scalar, number: int) -> ir.Scalar:
    """A scalar over one source's columns, by the names that a rule has for them."""

    def change(part: ir.Scalar) -> ir.Scalar:
        if isinstance(part, ir.ColumnRef):
            return ir.ColumnRef(f"{number}.{part.name}", part.type)
        return ir.rebuild(part, change)

    return change(scalar)
