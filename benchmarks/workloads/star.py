"""TPC-H: line items join their orders' customers and their suppliers, revenue by nations and month.

The tables are those of query 7, "volume shipping", without its choice of two nations. The rows come
from `tpchgen-cli` (PyPI), in the scale that has as many line items as are asked for.
"""

from __future__ import annotations

import csv
import datetime as dt
import random
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import stepping as st
from benchmarks.competitor import Unavailable
from benchmarks.workload import Change, PlainTable, PlainTables, Values, Workload, in_batches

DATA = Path(__file__).parents[2] / "build" / "tpch"
LINE_ITEMS = 6_000_000  # about, at a scale of 1
LEAST_SCALE = 0.001  # has ten suppliers
EPOCH_DAY = dt.date(1970, 1, 1).toordinal()


class Customer(st.Data):
    cust_key: int
    nation: int


class Order(st.Data):
    order_key: int
    cust_key: int


class Supplier(st.Data):
    supp_key: int
    nation: int


class LineItem(st.Data):
    order_key: int
    line_number: int
    supp_key: int
    shipped: dt.date
    cents: int
    discount: int  # per cent


class Revenue(st.Data):
    month: int  # 199603
    seller: int
    buyer: int
    amount: int  # hundredths of a cent


Placed = st.Pair[Customer, Order]
Bought = st.Pair[Placed, LineItem]

cache = st.Cache[Revenue]()

CUSTOMER_KEY = st.Index.pick(Customer, lambda customer: customer.cust_key)
ORDER_CUSTOMER = st.Index.pick(Order, lambda order: order.cust_key)
PLACED_ORDER = st.Index.pick(Placed, lambda placed: placed.right.order_key)
ITEM_ORDER = st.Index.pick(LineItem, lambda item: item.order_key)
BOUGHT_SUPPLIER = st.Index.pick(Bought, lambda bought: bought.right.supp_key)
SUPPLIER_KEY = st.Index.pick(Supplier, lambda supplier: supplier.supp_key)
REVENUE_KEY = st.Index.pick(Revenue, lambda each: (each.month, each.seller, each.buyer))
REVENUE_MONTH = st.Index.pick(Revenue, lambda each: each.month)


def to_revenue(sold: st.Pair[Bought, Supplier]) -> Revenue:
    return Revenue(
        month=sold.left.right.shipped.year * 100 + sold.left.right.shipped.month,
        seller=sold.right.nation,
        buyer=sold.left.left.left.nation,
        amount=sold.left.right.cents * (100 - sold.left.right.discount),
    )


def pick_amount(revenue: Revenue) -> int:
    return revenue.amount


def to_total(total: st.Pair[int, tuple[int, int, int]]) -> Revenue:
    return Revenue(
        month=total.right[0], seller=total.right[1], buyer=total.right[2], amount=total.left
    )


def star(
    customers: st.ZSet[Customer],
    orders: st.ZSet[Order],
    suppliers: st.ZSet[Supplier],
    line_items: st.ZSet[LineItem],
) -> st.ZSet[Revenue]:
    placed = st.join(customers, orders, on_left=CUSTOMER_KEY, on_right=ORDER_CUSTOMER)
    bought = st.join(placed, line_items, on_left=PLACED_ORDER, on_right=ITEM_ORDER)
    sold = st.join(bought, suppliers, on_left=BOUGHT_SUPPLIER, on_right=SUPPLIER_KEY)
    each = st.map(sold, f=to_revenue)
    grouped = st.group_reduce_flatten(each, by=REVENUE_KEY, zero=int, pick_value=pick_amount)
    revenue = st.map(grouped, f=to_total)
    _ = cache[revenue](lambda z: st.integrate_indexed(z, indexes=(REVENUE_MONTH,)))
    return revenue


class Star(Workload):
    name = "star"
    title = "TPC-H: three joins, revenue by (month, seller's nation, buyer's nation)"
    inputs = ("customers", "orders", "suppliers", "line_items")
    query: ClassVar[Any] = staticmethod(star)
    cache: ClassVar[Any] = cache

    def __init__(self) -> None:
        self.rest: list[LineItem] = []  # those that come after the tables were filled

    def load(self, rows: int) -> Iterator[Change]:
        to_come = min(max(rows, 1_000), 50_000)
        folder = _generated(max(1.05 * (rows + to_come) / LINE_ITEMS, LEAST_SCALE))
        with (folder / "lineitem.csv").open(newline="") as file:
            items = (_line_item(row) for row in csv.DictReader(file))
            loaded = list(islice(items, rows))
            self.rest = list(islice(items, to_come))
        last = self.rest[-1].order_key
        yield from in_batches("customers", _rows(folder / "customer.csv", _customer))
        yield from in_batches("suppliers", _rows(folder / "supplier.csv", _supplier))
        orders = _rows(folder / "orders.csv", _order)
        yield from in_batches("orders", (each for each in orders if each.order_key <= last))
        yield from in_batches("line_items", loaded)

    def event(self, event: str, batch: int, seed: str) -> Change:
        chance = random.Random(seed)
        return Change("line_items", tuple(chance.choices(self.rest, k=batch)))

    def values(self, row: Any) -> Values:
        return (row.month, row.seller, row.buyer, row.amount)


def _generated(scale: float) -> Path:
    """The folder with the tables of a scale, which is made once."""
    folder = DATA / f"{scale:.6f}"
    if folder.is_dir():
        return folder
    program = Path(sysconfig.get_path("scripts")) / "tpchgen-cli"
    found = shutil.which(program) or shutil.which("tpchgen-cli")
    if found is None:
        raise Unavailable("its rows come from tpchgen-cli: pip install 'stepping[bench]'")
    DATA.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=DATA))
    subprocess.run(
        [
            *(found, "csv", "--scale-factor", f"{scale:.6f}", "--output-dir", str(made)),
            *("--tables", "customer,orders,supplier,lineitem"),
        ],
        check=True,
        capture_output=True,
    )
    try:
        made.rename(folder)
    except OSError:  # another process was first
        shutil.rmtree(made)
    return folder


def _rows(path: Path, make: Any) -> Iterator[Any]:
    with path.open(newline="") as file:
        yield from map(make, csv.DictReader(file))


def _customer(row: dict[str, str]) -> Customer:
    return Customer(cust_key=int(row["c_custkey"]), nation=int(row["c_nationkey"]))


def _order(row: dict[str, str]) -> Order:
    return Order(order_key=int(row["o_orderkey"]), cust_key=int(row["o_custkey"]))


def _supplier(row: dict[str, str]) -> Supplier:
    return Supplier(supp_key=int(row["s_suppkey"]), nation=int(row["s_nationkey"]))


def _line_item(row: dict[str, str]) -> LineItem:
    return LineItem(
        order_key=int(row["l_orderkey"]),
        line_number=int(row["l_linenumber"]),
        supp_key=int(row["l_suppkey"]),
        shipped=dt.date.fromisoformat(row["l_shipdate"]),
        cents=_hundredths(row["l_extendedprice"]),
        discount=_hundredths(row["l_discount"]),
    )


def _hundredths(text: str) -> int:
    whole, _, part = text.partition(".")
    return int(whole) * 100 + int(part.ljust(2, "0"))


def _customer_values(customer: Customer) -> Values:
    return (customer.cust_key, customer.nation)


def _order_values(order: Order) -> Values:
    return (order.order_key, order.cust_key)


def _supplier_values(supplier: Supplier) -> Values:
    return (supplier.supp_key, supplier.nation)


def _typed(item: LineItem) -> Values:
    return (
        item.order_key,
        item.line_number,
        item.supp_key,
        item.shipped,
        item.cents,
        item.discount,
    )


def _numbers(item: LineItem) -> Values:
    return (
        item.order_key,
        item.line_number,
        item.supp_key,
        item.shipped.toordinal() - EPOCH_DAY,
        item.cents,
        item.discount,
    )


Star.plain = {
    "sqlite": PlainTables(
        tables={
            "customers": PlainTable(
                create=(
                    "CREATE TABLE customers (cust_key INTEGER PRIMARY KEY, "
                    "nation INTEGER NOT NULL)",
                ),
                insert="INSERT INTO customers VALUES (?, ?)",
                delete="DELETE FROM customers WHERE cust_key = ? AND nation = ?",
                columns=_customer_values,
            ),
            "orders": PlainTable(
                create=(
                    "CREATE TABLE orders (order_key INTEGER PRIMARY KEY, "
                    "cust_key INTEGER NOT NULL)",
                ),
                insert="INSERT INTO orders VALUES (?, ?)",
                delete="DELETE FROM orders WHERE order_key = ? AND cust_key = ?",
                columns=_order_values,
            ),
            "suppliers": PlainTable(
                create=(
                    "CREATE TABLE suppliers (supp_key INTEGER PRIMARY KEY, "
                    "nation INTEGER NOT NULL)",
                ),
                insert="INSERT INTO suppliers VALUES (?, ?)",
                delete="DELETE FROM suppliers WHERE supp_key = ? AND nation = ?",
                columns=_supplier_values,
            ),
            "line_items": PlainTable(
                create=(
                    "CREATE TABLE line_items (order_key INTEGER NOT NULL, "
                    "line_number INTEGER NOT NULL, supp_key INTEGER NOT NULL, "
                    "shipped INTEGER NOT NULL, cents INTEGER NOT NULL, discount INTEGER NOT NULL)",
                    "CREATE INDEX line_items_order ON line_items (order_key, line_number)",
                ),
                insert="INSERT INTO line_items VALUES (?, ?, ?, ?, ?, ?)",
                delete="DELETE FROM line_items WHERE rowid = (SELECT rowid FROM line_items "
                "WHERE order_key = ? AND line_number = ? AND supp_key = ? AND shipped = ? "
                "AND cents = ? AND discount = ? LIMIT 1)",
                columns=_numbers,
            ),
        },
        select="""
            SELECT CAST(strftime('%Y%m', shipped * 86400, 'unixepoch') AS INTEGER) AS month,
                s.nation AS seller, c.nation AS buyer, sum(cents * (100 - discount)) AS amount
            FROM line_items JOIN orders USING (order_key) JOIN customers AS c USING (cust_key)
            JOIN suppliers AS s USING (supp_key) GROUP BY 1, 2, 3""",
    ),
    "postgres": PlainTables(
        tables={
            "customers": PlainTable(
                create=(
                    "CREATE TABLE customers (cust_key int8 PRIMARY KEY, nation int8 NOT NULL)",
                ),
                insert="INSERT INTO customers SELECT * FROM unnest($1::int8[], $2::int8[])",
                delete="DELETE FROM customers WHERE cust_key = $1 AND nation = $2",
                columns=_customer_values,
            ),
            "orders": PlainTable(
                create=(
                    "CREATE TABLE orders (order_key int8 PRIMARY KEY, cust_key int8 NOT NULL)",
                ),
                insert="INSERT INTO orders SELECT * FROM unnest($1::int8[], $2::int8[])",
                delete="DELETE FROM orders WHERE order_key = $1 AND cust_key = $2",
                columns=_order_values,
            ),
            "suppliers": PlainTable(
                create=(
                    "CREATE TABLE suppliers (supp_key int8 PRIMARY KEY, nation int8 NOT NULL)",
                ),
                insert="INSERT INTO suppliers SELECT * FROM unnest($1::int8[], $2::int8[])",
                delete="DELETE FROM suppliers WHERE supp_key = $1 AND nation = $2",
                columns=_supplier_values,
            ),
            "line_items": PlainTable(
                create=(
                    "CREATE TABLE line_items (order_key int8 NOT NULL, line_number int8 NOT NULL, "
                    "supp_key int8 NOT NULL, shipped date NOT NULL, cents int8 NOT NULL, "
                    "discount int8 NOT NULL)",
                    "CREATE INDEX line_items_order ON line_items (order_key, line_number)",
                ),
                insert="INSERT INTO line_items SELECT * FROM unnest($1::int8[], $2::int8[], "
                "$3::int8[], $4::date[], $5::int8[], $6::int8[])",
                delete="DELETE FROM line_items WHERE ctid = (SELECT ctid FROM line_items "
                "WHERE order_key = $1 AND line_number = $2 AND supp_key = $3 AND shipped = $4 "
                "AND cents = $5 AND discount = $6 LIMIT 1)",
                columns=_typed,
            ),
        },
        select="""
            SELECT (extract(year FROM shipped) * 100 + extract(month FROM shipped))::int8 AS month,
                s.nation AS seller, c.nation AS buyer,
                sum(cents * (100 - discount))::int8 AS amount
            FROM line_items JOIN orders USING (order_key) JOIN customers AS c USING (cust_key)
            JOIN suppliers AS s USING (supp_key) GROUP BY 1, 2, 3""",
    ),
}

WORKLOADS = (Star(),)
