"""`stepping init`: the files that a new user begins with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from stepping.errors import StoreError

_QUERIES = '''"""The queries whose results are kept up to date.

Look at one:        stepping explain queries:graph
Write a migration:  stepping migrate queries:graph --db URL --out migrations/
Run it:             stepping apply migrations/0001_sales_install.up.sql --db URL
"""

from typing import Annotated

import stepping as st


class Order(st.Data, table="orders"):  # a table that the application has; only what is needed
    id: int
    country: str


class Item(st.Data, table="items"):
    order_id: int
    qty: int
    price: Annotated[int, st.Column("unit_price")]  # where the table calls it otherwise


revenue = st.Cache[st.Pair[int, str]]("revenue")  # read it anywhere: SELECT * FROM sales_revenue


def sales(orders: st.ZSet[Order], items: st.ZSet[Item]) -> None:
    sold = st.join(
        orders,
        items,
        on_left=st.Index.pick(Order, lambda o: o.id),
        on_right=st.Index.pick(Item, lambda i: i.order_id),
    )
    sums = st.group_reduce_flatten(
        sold,
        by=st.Index.pick(st.Pair[Order, Item], lambda p: p.left.country),
        zero=int,
        pick_value=lambda p: p.right.qty * p.right.price,
    )
    _ = revenue[sums](lambda z: st.integrate(z))


graph = st.compile(sales)
'''
_VIEWS = """-- Or as SQL, with the same commands: stepping check views.sql --db URL
CREATE MATERIALIZED VIEW revenue_per_country AS
SELECT o.country, sum(i.qty * i.unit_price) AS cents, count(*) AS items
FROM orders o JOIN items i ON i.order_id = o.id
GROUP BY o.country;
"""
_MIGRATIONS = """Scripts that `stepping migrate` writes, each with its way back.

    stepping migrate queries:graph views.sql --db URL --out migrations/
    stepping apply migrations/0001_*.up.sql --db URL
"""


def started(folder: Path) -> Iterator[Path]:
    """Write the files, none over one that is there."""
    files = {
        folder / "queries.py": _QUERIES,
        folder / "views.sql": _VIEWS,
        folder / "migrations" / "README": _MIGRATIONS,
    }
    there = [str(path) for path in files if path.exists()]
    if there:
        raise StoreError(
            f"{', '.join(there)} is there already",
            hint="nothing was written; stepping init FOLDER takes another folder",
        )
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        yield path
