"""A dashboard: the figures of each day, and its best-selling products."""

import datetime

import stepping as st


class Order(st.Data):
    id: int
    at: datetime.datetime
    customer: str
    product: str
    cents: int


class Figures(st.Data):
    orders: int
    customers: int
    cents: int
    smallest: int
    largest: int
    average: float


class Sold(st.Data):
    product: str
    cents: int


class Top(st.Data):
    """One of the best-selling products of a day."""

    day: datetime.date
    product: str
    cents: int


Daily = st.Pair[Figures, datetime.date]
Revenue = st.Pair[int, tuple[datetime.date, str]]

DAY = st.Index.pick(Order, lambda order: order.at.date())
DAY_AND_PRODUCT = st.Index.pick(Order, lambda order: (order.at.date(), order.product))

LATEST_FIRST = st.Index.pick(Daily, lambda daily: daily.right, ascending=False)
BEST_FIRST = st.Index.pick(
    Top, lambda top: (top.day, top.cents, top.product), ascending=(False, False, True)
)

figures = st.Cache[Daily](name="figures")
top_products = st.Cache[Top](name="top_products")

TOP = 2


def query(orders: st.ZSet[Order]) -> tuple[st.ZSet[Daily], st.ZSet[Top]]:
    daily = per_day(orders)
    top = best_of_each_day(orders)
    _ = figures[daily](lambda z: st.integrate_indexed(z, indexes=(LATEST_FIRST,)))
    _ = top_products[top](lambda z: st.integrate_indexed(z, indexes=(BEST_FIRST,)))
    return daily, top


def per_day(orders: st.ZSet[Order]) -> st.ZSet[Daily]:
    return st.aggregate(
        orders,
        by=DAY,
        into=Figures,
        orders=st.agg.count(),
        customers=st.agg.count_distinct(lambda order: order.customer),
        cents=st.agg.sum(lambda order: order.cents),
        smallest=st.agg.min(lambda order: order.cents),
        largest=st.agg.max(lambda order: order.cents),
        average=st.agg.avg(lambda order: order.cents),
    )


def best_of_each_day(orders: st.ZSet[Order]) -> st.ZSet[Top]:
    revenue = st.group_reduce_flatten(
        orders, by=DAY_AND_PRODUCT, zero=int, pick_value=lambda order: order.cents
    )
    best = st.Index.pick(
        Revenue, lambda revenue: (revenue.left, revenue.right[1]), ascending=(False, True)
    )
    days = st.group(revenue, by=st.Index.pick(Revenue, lambda revenue: revenue.right[0]))
    top = st.flatten(st.per_group[days](lambda day: st.first_n(day, index=best, n=TOP)))
    return st.map(
        top,
        f=lambda pair: Top(day=pair.right, product=pair.left.right[1], cents=pair.left.left),
    )


graph = st.compile(query, name="dashboard")


def order(id: int, at: str, customer: str, product: str, cents: int) -> Order:
    time = datetime.datetime.fromisoformat(at)
    return Order(id=id, at=time, customer=customer, product=product, cents=cents)


ORDERS = [
    order(1, "2024-03-04 09:10", "Ann", "lamp", 4_500),
    order(2, "2024-03-04 11:30", "Bob", "chair", 9_000),
    order(3, "2024-03-04 16:45", "Ann", "mug", 1_200),
    order(4, "2024-03-05 08:05", "Eva", "mug", 1_200),
    order(5, "2024-03-05 10:20", "Bob", "lamp", 4_500),
    order(6, "2024-03-05 10:25", "Ann", "lamp", 4_500),
    order(7, "2024-03-05 17:50", "Tom", "desk", 25_000),
]


def money(cents: float) -> str:
    return f"{cents / 100:,.2f}"


def show(store: st.Store) -> None:
    """The whole dashboard: two caches, each read in the order of its index."""
    for day, daily, _ in figures.zset(store).iter_by_index(LATEST_FIRST):
        of = daily.left
        print(f"{day}: {of.orders} orders of {of.customers} customers, {money(of.cents)} in all,")
        print(f"  {money(of.smallest)} to {money(of.largest)}, {money(of.average)} on average")
    for _, top, _ in top_products.zset(store).iter_by_index(BEST_FIRST):
        print(f"{top.day} {top.product:<5} {money(top.cents):>8}")


def run(store: st.Store) -> None:
    (orders,) = st.actions(store, graph)
    orders.insert(*ORDERS)
    show(store)

    print("\nThe desk is cancelled. What changes in the products:")
    _, change = orders.remove(ORDERS[-1])
    print(change)
    show(store)


if __name__ == "__main__":
    with st.connection_sqlite(":memory:") as connection:
        run(st.StoreSQLite.from_graph(connection, graph))
