"""The query of the page on storing state: receipts of baskets."""

from __future__ import annotations

import stepping as st


class Product(st.Data):
    name: str
    price: float


class LineItem(st.Data):
    basket_id: int
    product_name: str
    qty: int


cache = st.Cache["ReceiptItem"]()  # type: ignore[name-defined] # as on the page


def pick_price(p: st.Pair[Product, LineItem]) -> float:
    return p.left.price * p.right.qty


def to_receipt_item(p: st.Pair[float, int]) -> str:
    return f"Basket id: {p.right} total: ${p.left}"


def query(
    products: st.ZSet[Product],
    line_items: st.ZSet[LineItem],
) -> st.ZSet[st.Pair[Product, LineItem]]:
    joined = st.join(
        products,
        line_items,
        on_left=st.Index.pick(Product, lambda p: p.name),
        on_right=st.Index.pick(LineItem, lambda l: l.product_name),
    )
    grouped = st.group_reduce_flatten(
        joined,
        by=st.Index.pick(st.Pair[Product, LineItem], lambda p: p.right.basket_id),
        zero=float,
        pick_value=pick_price,
    )
    receipt_items = st.map(grouped, f=to_receipt_item)
    _ = cache[receipt_items](lambda z: st.integrate(z))
    return joined


graph = st.compile(query)

TV, RADIO = Product(name="tv", price=3), Product(name="radio", price=5)
ITEMS = (
    LineItem(basket_id=1, product_name="radio", qty=4),
    LineItem(basket_id=1, product_name="tv", qty=1),
    LineItem(basket_id=2, product_name="tv", qty=2),
)
PRINTED = """\
╒═══════════╤═══════════════════════════╕
│   _count_ │ _value_                   │
╞═══════════╪═══════════════════════════╡
│         1 │ Basket id: 1 total: $23.0 │
├───────────┼───────────────────────────┤
│         1 │ Basket id: 2 total: $6.0  │
╘═══════════╧═══════════════════════════╛"""


def fill(store: st.Store) -> st.ZSet[st.Pair[Product, LineItem]]:
    """What the page inserts."""
    (product_action, line_item_action) = st.actions(store, graph)
    product_action.insert(TV, RADIO)
    (joined,) = line_item_action.insert(*ITEMS)
    return joined


# In parallel: module level functions, since they are sent to other processes.

Chunk = tuple[LineItem, ...]


def insert_chunk(kind: str, where: str, chunk: Chunk, time: st.Time) -> int:
    """Insert line items at a time, and return how many pairs that made."""
    connect = st.connection_sqlite if kind == "sqlite" else st.connection_postgres
    cls = st.StoreSQLite if kind == "sqlite" else st.StorePostgres
    with connect(where) as conn:
        store = cls.from_graph(conn, graph, create_tables=False)
        (_, line_item_action) = st.actions(store, graph)
        (joined,) = line_item_action.insert(*chunk, time=time)
        return sum(count for _, count in joined.iter())
