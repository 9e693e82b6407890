"""A sum of floats per day: the group's row before and after, and infinities counted apart."""

import datetime

import stepping as st
from stepping import Index, Pair, ZSet


class Read(st.Data):
    meter: int
    at: datetime.datetime
    value: float


def group_sum(reads: ZSet[Read]) -> ZSet[Pair[float, datetime.date]]:
    return st.group_reduce_flatten(
        reads,
        by=Index.pick(Read, lambda r: r.at.date()),
        zero=float,
        pick_value=lambda r: r.value,
    )
