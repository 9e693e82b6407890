"""Rows without a match stay, beside Empty; the key may be None, which matches nothing."""

import stepping as st
from stepping import Empty, Index, Pair, ZSet


class Person(st.Data):
    name: str
    team: int | None


class Team(st.Data):
    number: int
    title: str


def outer_join(people: ZSet[Person], teams: ZSet[Team]) -> ZSet[Pair[Person, Team | Empty]]:
    return st.outer_join(
        people,
        teams,
        on_left=Index.pick(Person, lambda p: p.team),
        on_right=Index.pick(Team, lambda t: t.number),
    )
