"""All that is added to the shop: four results that are kept up to date, whoever writes."""

import sqlalchemy as sa

import stepping as st
from examples.shop.models import Item, Product

revenue = st.sql(
    """
    SELECT u.country, o.placed, sum(i.qty * i.cents) AS cents, count(*) AS items
    FROM orders o JOIN users u ON u.id = o.user_id JOIN items i ON i.order_id = o.id
    WHERE o.status = 'paid' GROUP BY u.country, o.placed
    """,
    name="revenue",
)
open_orders = st.sql(
    "SELECT user_id, count(*) AS n FROM orders WHERE status = 'open' GROUP BY user_id",
    name="open_orders",
)
idle_users = st.sql(
    "SELECT id, name FROM users u WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.user_id = u.id)",
    name="idle_users",
)


class Sold(st.Data):
    category: str
    product: str
    qty: int


best = st.Cache[Sold]("products")


def top(items: st.ZSet[Item], products: st.ZSet[Product]) -> None:
    by_id = st.Index.pick(Product, lambda p: p.id)
    sold = st.join(
        items, products, on_left=st.Index.pick(Item, lambda i: i.product_id), on_right=by_id
    )
    by_product = st.Index.pick(st.Pair[Item, Product], lambda p: (p.right.category, p.right.name))
    sums = st.group_reduce_flatten(sold, by=by_product, zero=int, pick_value=lambda p: p.left.qty)
    rows = st.map(sums, f=lambda s: Sold(category=s.right[0], product=s.right[1], qty=s.left))
    most = st.Index.pick(Sold, lambda s: (s.qty, s.product), ascending=(False, True))
    groups = st.group(rows, by=st.Index.pick(Sold, lambda s: s.category))
    ten = st.flatten(st.per_group[groups](lambda each: st.first_n(each, index=most, n=10)))
    _ = best[st.map(ten, f=lambda pair: pair.left)](lambda z: st.integrate(z))


top_products = st.compile(top)


def install(engine: sa.Engine) -> None:
    """Once, after the tables are made; it does nothing where they are installed."""
    store = st.StoreSQLite if engine.dialect.name == "sqlite" else st.StorePostgres
    for query in (revenue, open_orders, idle_users, top_products):
        with engine.begin() as connection:
            store.from_graph(connection, query)
