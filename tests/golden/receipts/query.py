"""The query of the documentation: a join, kept in a cache with an index."""

import stepping as st
from stepping import Cache, Index, Pair, ZSet


class Product(st.Data):
    name: str
    price: float


class LineItem(st.Data):
    basket_id: int
    product_name: str


class ReceiptItem(st.Data):
    basket_id: int
    product: Product


cache = Cache[ReceiptItem](name="items")


def receipts(
    products: ZSet[Product], line_items: ZSet[LineItem]
) -> tuple[ZSet[ReceiptItem], ZSet[Pair[float, int]]]:
    joined = st.join(
        products,
        line_items,
        on_left=Index.pick(Product, lambda p: p.name),
        on_right=Index.pick(LineItem, lambda l: l.product_name),
    )
    items = st.map(joined, f=lambda p: ReceiptItem(basket_id=p.right.basket_id, product=p.left))
    by_basket = Index.pick(ReceiptItem, lambda r: r.basket_id)
    _ = cache[items](lambda z: st.integrate_indexed(z, indexes=(by_basket,)))
    totals = st.group_reduce_flatten(
        items, by=by_basket, zero=float, pick_value=lambda r: r.product.price
    )
    return items, totals
