"""Two random versions of one query: some operators are in both, others in one of them only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

import stepping
from stepping import Cache, Index, ZSet
from tests.support.compositions import ONE, TWO
from tests.support.rows import Item

Items = ZSet[Item]
Steps = tuple[tuple[str, int, int], ...]

FUNCTIONS: dict[str, Any] = {f.__name__: f for f in (*ONE, *TWO)}
by_t = Index.pick(Item, lambda i: i.t)


@dataclass(frozen=True)
class Version:
    """Operators by name, as in a `Composition`; and which of the Z-sets it keeps in caches.

    ``keep``: whether the inputs are stored whole. ``ordered``: the caches have an index.
    """

    steps: Steps
    cached: tuple[int, ...]
    output: int
    keep: bool
    ordered: bool = False

    def graph(self, name: str = "versioned") -> Any:
        """The compiled query. A cache is called after its Z-set, so both versions name it alike."""
        caches = {each: Cache[Item](name=f"c{each}") for each in self.cached}
        indexes = (by_t,) if self.ordered else ()

        def versioned(a: Items, b: Items) -> Items:
            made = [a, b]
            for name, left, right in self.steps:
                function = FUNCTIONS[name]
                given = (made[left],) if function in ONE else (made[left], made[right])
                made.append(function(*given))
            for each, cache in caches.items():
                _ = cache[made[each]](lambda z: stepping.integrate_indexed(z, indexes=indexes))
            return made[self.output]

        keep = {"a": "all", "b": "all"} if self.keep else {}
        return stepping.compile(versioned, name=name, keep=keep)


@st.composite
def versions(draw: st.DrawFn, *, max_steps: int = 4) -> tuple[Version, Version]:
    """An installed version and a wanted one.

    Both take their operators from one list, so that some tables stay, and what is new is made of
    rows that stand at different places.
    """
    names = list(FUNCTIONS)
    steps = []
    for position in range(draw(st.integers(1, max_steps))):
        source = st.one_of(st.integers(0, position + 1), st.just(position + 1))
        steps.append((draw(st.sampled_from(names)), draw(source), draw(source)))
    last = len(steps) + 1
    every = st.lists(st.integers(0, last), max_size=3, unique=True).map(sorted)

    def version(*, new: bool) -> Version:
        cached = draw(every)
        if new and last not in cached and draw(st.booleans()):
            cached = [*cached, last]
        output = draw(st.integers(0, last))
        return Version(
            tuple(steps),
            tuple(cached),
            output,
            draw(st.sampled_from([True, True, False])),
            draw(st.booleans()),
        )

    return version(new=False), version(new=True)
