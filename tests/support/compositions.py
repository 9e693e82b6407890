"""Random queries: operators over operators, on rows of one type, so that any fit together."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

import stepping
from stepping import Cache, Index, Pair, ZSet
from tests.support import composed
from tests.support.rows import Item

Items = ZSet[Item]
NAMES = {0: "a", 1: "b"}

by_k = Index.pick(Item, lambda i: i.k)
by_t = Index.pick(Item, lambda i: i.t)
by_both = Index.pick(Item, lambda i: (i.n, i.t))


def dumped(i: Item) -> str:
    return json.dumps(i.t)


def named(i: Item) -> Item:
    return Item(k=i.k, t=NAMES.get(i.k, i.t), x=i.x, n=i.n)


by_dump = Index.pick(Item, dumped)

# ------------------------------------------------------------------------------------ one input


def turned(a: Items) -> Items:
    return stepping.map(a, f=lambda i: Item(k=i.n % 4, t=i.t, x=-i.x, n=i.k % 4))


def narrowed(a: Items) -> Items:
    return stepping.map(a, f=lambda i: Item(k=i.k, t=None, x=0.5, n=1))


def spelled(a: Items) -> Items:
    return stepping.map(a, f=lambda i: Item(k=i.k % 2, t=f"{i.t}!"[:3], x=i.x, n=i.n))


def named_in_python(a: Items) -> Items:
    return stepping.map(a, f=named)


def small(a: Items) -> Items:
    return stepping.filter(a, f=lambda i: i.k < 2)


def with_text(a: Items) -> Items:
    return stepping.filter(a, f=lambda i: i.t is not None and i.t != "")


def guarded(a: Items) -> Items:
    some = stepping.filter(a, f=lambda i: i.k != 0)
    return stepping.map(some, f=lambda i: Item(k=i.n // i.k % 4, t=i.t, x=i.x, n=i.n % i.k))


def kept_in_python(a: Items) -> Items:
    return stepping.filter(a, f=lambda i: len(dumped(i)) < 4)


def negated(a: Items) -> Items:
    return stepping.neg(a)


def sums_of_ints(a: Items) -> Items:
    sums = stepping.group_reduce_flatten(a, by=by_k, zero=int, pick_value=lambda i: i.n)
    return stepping.map(sums, f=lambda p: Item(k=p.right, t="sum", x=0.0, n=p.left % 4))


def sums_of_floats(a: Items) -> Items:
    sums = stepping.group_reduce_flatten(a, by=by_t, zero=float, pick_value=lambda i: i.x)
    return stepping.map(
        sums,
        f=lambda p: Item(k=1, t=p.right, x=p.left if -64.0 < p.left < 64.0 else 0.25, n=2),
    )


def sums_by_python_keys(a: Items) -> Items:
    sums = stepping.group_reduce_flatten(a, by=by_dump, zero=int, pick_value=lambda i: 1)
    return stepping.map(sums, f=lambda p: Item(k=p.left % 4, t=p.right[:2], x=0.0, n=0))


def joined_with_itself(a: Items) -> Items:
    return paired(stepping.join(a, a, on_left=by_k, on_right=by_k))


def distinct(a: Items) -> Items:
    return stepping.distinct(a)


# ----------------------------------------------------------------------------------- two inputs


def paired(pairs: ZSet[Pair[Item, Item]]) -> Items:
    return stepping.map(pairs, f=lambda p: Item(k=p.left.k, t=p.right.t, x=p.left.x, n=p.right.n))


def added(a: Items, b: Items) -> Items:
    return stepping.add(a, b)


def subtracted(a: Items, b: Items) -> Items:
    return stepping.add(a, stepping.neg(b))


def joined(a: Items, b: Items) -> Items:
    return paired(stepping.join(a, b, on_left=by_k, on_right=by_k))


def joined_on_text(a: Items, b: Items) -> Items:
    return paired(stepping.join(a, b, on_left=by_t, on_right=by_t))


def joined_on_both(a: Items, b: Items) -> Items:
    return paired(stepping.join(a, b, on_left=by_both, on_right=by_both))


def joined_in_python(a: Items, b: Items) -> Items:
    return paired(stepping.join(a, b, on_left=by_dump, on_right=by_dump))


def joined_with_sums(a: Items, b: Items) -> Items:
    sums = stepping.group_reduce_flatten(b, by=by_k, zero=int, pick_value=lambda i: i.n)
    pairs = stepping.join(
        a, sums, on_left=by_k, on_right=Index.pick(Pair[int, int], lambda p: p.right)
    )
    return stepping.map(
        pairs, f=lambda p: Item(k=p.left.k, t=p.left.t, x=p.left.x, n=p.right.left % 4)
    )


def left_over(a: Items, b: Items) -> Items:
    return stepping.anti_join(a, b, on_left=by_k, on_right=by_k)


ONE: tuple[Callable[[Items], Items], ...] = (
    *(turned, narrowed, spelled, named_in_python, small, with_text, guarded, kept_in_python),
    *(negated, sums_of_ints, sums_of_floats, sums_by_python_keys, joined_with_itself, distinct),
    *composed.ONE,
)
TWO: tuple[Callable[[Items, Items], Items], ...] = (
    *(added, subtracted, joined, joined_on_text, joined_on_both, joined_in_python),
    *(joined_with_sums, left_over),
    *composed.TWO,
)


# --------------------------------------------------------------------------------- compositions


@dataclass(frozen=True)
class Composition:
    """Operators by name, each over the inputs (0 and 1) and what those before it returned."""

    steps: tuple[tuple[str, int, int], ...]
    extra: int = 0  # one more output: which of them

    def graph(self) -> Any:
        """The compiled query: its last Z-set as a change, and in a cache; and another one."""
        functions: dict[str, Any] = {f.__name__: f for f in (*ONE, *TWO)}
        cache: Cache[Item] = Cache()
        steps, extra = self.steps, self.extra

        def composed(a: Items, b: Items) -> tuple[Items, Items, Items]:
            made = [a, b]
            for name, left, right in steps:
                function = functions[name]
                if function in ONE:
                    made.append(function(made[left]))
                else:
                    made.append(function(made[left], made[right]))
            last, other = made[-1], made[extra]
            _ = cache[last](lambda z: stepping.integrate_indexed(z, indexes=(by_t,)))
            return last, other, stepping.integrate(other)

        return stepping.compile(composed)


@st.composite
def compositions(draw: st.DrawFn, *, max_steps: int = 5) -> Composition:
    """Random compositions. What is not used is not in them."""
    names = [f.__name__ for f in (*ONE, *TWO)]
    steps = []
    for position in range(draw(st.integers(1, max_steps))):
        # The last ones more often, so that they stand above each other.
        source = st.one_of(st.integers(0, position + 1), st.just(position + 1))
        steps.append((draw(st.sampled_from(names)), draw(source), draw(source)))
    return Composition(tuple(steps), draw(st.integers(0, len(steps) + 1)))
