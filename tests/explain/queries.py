"""Queries whose explanation is looked at."""

from __future__ import annotations

import html

import stepping as st
from stepping import Index, Pair, ZSet
from tests.support.shop import Reading, User


def shouted(user: User) -> str:
    return html.escape(user.name)


def by_user(readings: ZSet[Reading]) -> ZSet[Pair[int, int]]:
    sums = st.group_reduce_flatten(
        readings,
        by=Index.pick(Reading, lambda r: r.user_id),
        zero=int,
        pick_value=lambda r: r.value,
    )
    return sums  # noqa: RET504  (its name is looked at)


def names(users: ZSet[User], readings: ZSet[Reading]) -> tuple[ZSet[str], ZSet[Pair[User, object]]]:
    """A Python step, an outer join, a helper that is called twice, and a loop."""
    loud = st.map(users, f=shouted)
    both = st.outer_join(
        users,
        readings,
        on_left=Index.pick(User, lambda u: u.id),
        on_right=Index.pick(Reading, lambda r: r.user_id),
    )
    kept = readings
    for _ in range(3):
        kept = st.filter(kept, f=lambda r: r.value > 0)
    first = by_user(readings)
    second = by_user(kept)
    union = st.union(first, second)
    return loud, both, union  # type: ignore[return-value]


graph = st.compile(names)
