"""Two inputs, joined: each keeps the other's rows by its key."""

import stepping as st
from stepping import Index, Pair, ZSet


class Product(st.Data):
    name: str
    price: float


class LineItem(st.Data):
    basket_id: int
    product_name: str


def join(products: ZSet[Product], line_items: ZSet[LineItem]) -> ZSet[Pair[Product, LineItem]]:
    return st.join(
        products,
        line_items,
        on_left=Index.pick(Product, lambda p: p.name),
        on_right=Index.pick(LineItem, lambda l: l.product_name),
    )
