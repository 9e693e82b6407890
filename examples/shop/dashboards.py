"""All that is added to the shop: four results that are kept up to date, whoever writes."""

import sqlalchemy as sa

import stepping as st
from examples.shop.models import Base, Item, Order, Product, User

revenue = st.MaintainedView(
    sa.select(
        *(User.country, Order.placed, sa.func.sum(Item.qty * Item.cents).label("cents")),
        sa.func.count().label("items"),
    )
    .join(Order, Order.user_id == User.id)
    .join(Item, Item.order_id == Order.id)
    .where(Order.status == "paid")
    .group_by(User.country, Order.placed),
    "revenue",
    metadata=Base.metadata,
)
n = sa.func.count().label("n")
open_orders = st.MaintainedView(
    sa.select(Order.user_id, n).where(Order.status == "open").group_by(Order.user_id),
    "open_orders",
    metadata=Base.metadata,
)
idle_users = st.MaintainedView(
    sa.select(User.id, User.name).where(~sa.exists().where(Order.user_id == User.id)),
    "idle_users",
    metadata=Base.metadata,
)
sold = sa.func.sum(Item.qty)
by_sold = [sold.desc(), Product.name]
place = sa.func.row_number().over(partition_by=Product.category, order_by=by_sold)
ranked = sa.select(Product.category, Product.name, sold.label("qty"), place.label("place"))
ranks = ranked.join(Item).group_by(Product.category, Product.name).subquery()
top_products = st.MaintainedView(
    sa.select(ranks.c.category, ranks.c.name, ranks.c.qty).where(ranks.c.place <= 10),
    "top_products",
    metadata=Base.metadata,
)
