"""A store of the receipts and its line items, for commands that measure more than steps."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import stepping as st
from benchmarks.workloads.receipts import BASKETS, PRODUCTS, LineItem, Product, receipts

graph = st.compile(receipts)


@contextlib.contextmanager
def opened(dialect: str, where: str, *, create_tables: bool = False) -> Iterator[Any]:
    """A store on a connection of its own, with the settings of the other benchmarks."""
    if dialect == "sqlite":
        with st.connection_sqlite(where) as lite:
            yield st.StoreSQLite.from_graph(lite, graph, create_tables=create_tables)
        return
    with st.connection_postgres(where) as connection:
        connection.execute("SET synchronous_commit = off")
        yield st.StorePostgres.from_graph(connection, graph, create_tables=create_tables)


def fill(store: Any) -> Any:
    """The products that line items are joined with; returns the line items' action."""
    products, line_items = st.actions(store, graph)
    products.insert(*(Product(name=f"product {i}", price=float(i % 90)) for i in range(PRODUCTS)))
    return line_items


def batches_of(size: int, count: int) -> list[list[LineItem]]:
    """The same line items at each call."""
    choice = random.Random(1)
    return [
        [
            LineItem(
                basket_id=choice.randrange(BASKETS),
                product_name=f"product {choice.randrange(PRODUCTS)}",
                qty=1 + choice.randrange(5),
            )
            for _ in range(size)
        ]
        for _ in range(count)
    ]
