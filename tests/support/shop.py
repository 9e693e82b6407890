"""A query whose steps touch several delay tables, for tests of the runtime."""

from __future__ import annotations

from stepping import Cache, Data, Index, Pair, ZSet, compile, group_reduce_flatten, integrate, join


class User(Data):
    id: int
    name: str


class Reading(Data):
    user_id: int
    day: int
    value: int


totals: Cache[Pair[int, str]] = Cache(name="totals")
users_cache: Cache[User] = Cache(name="users")


def shop(users: ZSet[User], readings: ZSet[Reading]) -> ZSet[Pair[int, str]]:
    both = join(
        users,
        readings,
        on_left=Index.pick(User, lambda u: u.id),
        on_right=Index.pick(Reading, lambda r: r.user_id),
    )
    sums = group_reduce_flatten(
        both,
        by=Index.pick(Pair[User, Reading], lambda p: p.left.name),
        zero=int,
        pick_value=lambda p: p.right.value,
    )
    _ = totals[sums](lambda z: integrate(z))
    _ = users_cache[users](lambda z: integrate(z))
    return sums


graph = compile(shop)

ANN, BOB = User(id=1, name="Ann"), User(id=2, name="Bob")


def reading(user_id: int, value: int, day: int = 1) -> Reading:
    return Reading(user_id=user_id, day=day, value=value)
