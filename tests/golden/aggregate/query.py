"""Several measures of a group in one table; the smallest value from the start of an index."""

import stepping as st
from stepping import Index, Pair, ZSet, agg


class Order(st.Data):
    customer: int
    cents: int
    coupon: str | None


class Stats(st.Data):
    n: int
    cents: int
    cheapest: int
    coupons: int
    mean: float


def aggregate(orders: ZSet[Order]) -> ZSet[Pair[Stats, int]]:
    return st.aggregate(
        orders,
        by=Index.pick(Order, lambda o: o.customer),
        into=Stats,
        n=agg.count(),
        cents=agg.sum(lambda o: o.cents),
        cheapest=agg.min(lambda o: o.cents),
        coupons=agg.count_distinct(lambda o: o.coupon),
        mean=agg.avg(lambda o: o.cents),
    )
