"""How the size of a plan and the time to make it grow with the query.

    python -m benchmarks.plan_sizes --operators 1,2,5,10,20,50 --constants 1,100,10_000,100_000

For each shape a line for each size: milliseconds of processor time to compile and plan it, kB of
all statements, tables; and behind the last how much more each operator costs there than at the size
before: 1.0 is growth in proportion.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import stepping as st
from benchmarks import command
from stepping import Empty, Index, ZSet


class Fact(st.Data):
    id: int
    key: int
    text: str


class Name(st.Data):
    key: int
    text: str


FACT = Index.pick(Fact, lambda fact: fact.key)
NAME = Index.pick(Name, lambda name: name.key)
Facts = ZSet[Fact]
Names = ZSet[Name]


def joined(facts: Facts, names: Names) -> Facts:
    both = st.join(facts, names, on_left=FACT, on_right=NAME)
    return st.map(both, f=lambda p: Fact(id=p.left.id, key=p.left.key, text=p.right.text))


def outer_joined(facts: Facts, names: Names) -> Facts:
    both = st.outer_join(facts, names, on_left=FACT, on_right=NAME)
    return st.map(
        both,
        f=lambda p: Fact(
            id=p.left.id,
            key=p.left.key,
            text=p.left.text if isinstance(p.right, Empty) else p.right.text,
        ),
    )


def united(facts: Facts, names: Names) -> Facts:
    return st.add(facts, st.map(names, f=lambda name: Fact(id=0, key=name.key, text=name.text)))


def mapped(facts: Facts, names: Names) -> Facts:
    return st.map(facts, f=lambda fact: Fact(id=fact.id + 1, key=fact.key, text=fact.text))


def chain(step: Callable[[Facts, Names], Facts]) -> Callable[[int], Any]:
    """One operator after another, all with the same Z-set on the right."""

    def of(size: int) -> Any:
        def query(facts: Facts, names: Names) -> Facts:
            for _ in range(size):
                facts = step(facts, names)
            return facts

        return st.compile(query)

    return of


def star(size: int) -> Any:
    """Each operator on the inputs, and all results added up."""

    def query(facts: Facts, names: Names) -> Facts:
        found = facts
        for number in range(size):
            kept = st.filter(names, f=lambda name, number=number: name.key > number)  # type: ignore[misc]
            found = st.add(found, joined(facts, kept))
        return found

    return st.compile(query)


def caches(size: int) -> Any:
    """As many caches, each of rows of its own."""
    made: list[Any] = [st.Cache[Fact](f"cache_{number}") for number in range(size)]

    def query(facts: Facts) -> None:
        for number, cache in enumerate(made):
            kept = st.filter(facts, f=lambda fact, number=number: fact.key > number)  # type: ignore[misc]
            _ = cache[kept](lambda z: st.integrate(z))

    return st.compile(query)


def constants(size: int) -> Any:
    """A list of constants in a condition; a long one is looked up in a Python step."""
    numbers = frozenset(range(size))

    def known(name: Name) -> bool:
        return name.key in numbers

    def query(names: Names) -> ZSet[bool]:
        return st.map(names, f=known)

    return st.compile(query)


SHAPES: dict[str, Callable[[int], Any]] = {
    "a chain of joins": chain(joined),
    "a chain of outer joins": chain(outer_joined),
    "a chain of unions": chain(united),
    "a chain of maps": chain(mapped),
    "a star of joins": star,
    "caches": caches,
    "constants": constants,
}


@dataclass(frozen=True)
class Size:
    """What a plan is made of."""

    count: int
    seconds: float
    bytes: int
    tables: int


def measured(make: Callable[[int], Any], dialect: str, count: int) -> Size:
    started = time.process_time()
    plan = make(count).program(dialect).plan
    seconds = time.process_time() - started
    texts = [each.sql for step in plan.steps for each in step.statements]
    return Size(count, seconds, sum(map(len, texts)), len(plan.tables))


def lines(dialect: str, shape: str, counts: Sequence[int], most: float = 60) -> Iterator[str]:
    """The report of one shape; sizes after one that took ``most`` seconds are left out."""
    make, found = SHAPES[shape], []
    for count in counts:
        found.append(measured(make, dialect, count))
        last = found[-1]
        yield (
            f"{dialect}, {shape}, {count:,}: {1000 * last.seconds:,.0f} ms, "
            f"{last.bytes / 1000:,.0f} kB, {last.tables} tables"
        )
        if last.seconds > most:
            break
    if len(found) > 1:
        before, last = found[-2:]
        times = last.count / before.count
        in_time = last.seconds / before.seconds / times
        in_bytes = last.bytes / before.bytes / times
        yield (
            f"{dialect}, {shape}: from {before.count:,} to {last.count:,} each costs "
            f"{in_time:.1f} times the time and {in_bytes:.1f} times the bytes"
        )


def main() -> None:
    """The command."""
    parser = command.parser("benchmarks.plan_sizes", __doc__)
    operators, listed = (1, 2, 5, 10, 20, 50), (1, 100, 10_000, 100_000)
    parser.add_argument("--operators", type=command.numbers, default=operators)
    parser.add_argument("--constants", type=command.numbers, default=listed)
    parser.add_argument("--shape", choices=SHAPES, action="append")
    given = parser.parse_args()
    for dialect in given.dialect:
        for shape in given.shape or SHAPES:
            counts = given.constants if shape == "constants" else given.operators
            for line in lines(dialect, shape, counts):
                print(line, flush=True)


if __name__ == "__main__":
    main()
