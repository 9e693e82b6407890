"""Receipts: the total of each basket, right whatever changes, prices included."""

import stepping as st


class Product(st.Data):
    name: str
    price: float


class LineItem(st.Data):
    basket_id: int
    product_name: str
    qty: int


Sale = st.Pair[Product, LineItem]

receipts = st.Cache[str](name="receipts")


def pick_price(sale: Sale) -> float:
    return sale.left.price * sale.right.qty


def to_receipt(total: st.Pair[float, int]) -> str:
    return f"Basket id: {total.right} total: ${total.left}"


def query(products: st.ZSet[Product], line_items: st.ZSet[LineItem]) -> st.ZSet[str]:
    sales = st.join(
        products,
        line_items,
        on_left=st.Index.pick(Product, lambda product: product.name),
        on_right=st.Index.pick(LineItem, lambda item: item.product_name),
    )
    totals = st.group_reduce_flatten(
        sales,
        by=st.Index.pick(Sale, lambda sale: sale.right.basket_id),
        zero=float,
        pick_value=pick_price,
    )
    texts = st.map(totals, f=to_receipt)
    _ = receipts[texts](lambda z: st.integrate(z))
    return texts


graph = st.compile(query, name="receipts")


def run(store: st.Store) -> None:
    products, line_items = st.actions(store, graph)
    products.insert(Product(name="tv", price=3), Product(name="radio", price=5))
    line_items.insert(
        LineItem(basket_id=1, product_name="radio", qty=4),
        LineItem(basket_id=1, product_name="tv", qty=1),
        LineItem(basket_id=2, product_name="tv", qty=2),
    )
    print(receipts.zset(store))

    print("The price of a tv goes up. What changes:")
    (change,) = products.replace(Product(name="tv", price=3), Product(name="tv", price=3.5))
    print(change)

    print("The radio goes back to the shop:")
    line_items.remove(LineItem(basket_id=1, product_name="radio", qty=4))
    print(receipts.zset(store))


if __name__ == "__main__":
    with st.connection_sqlite(":memory:") as connection:
        run(st.StoreSQLite.from_graph(connection, graph))
