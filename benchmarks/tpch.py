"""What a written order costs while a query of TPC-H is kept up to date, beside running the query.

    python -m benchmarks.tpch --scale 0.1

For each of the 22 queries, over tables of the application with an index for each key: how long its
SELECT takes, how long its result takes to be filled, and how long a transaction takes that inserts
one order with four lines, without and with the result. Medians, by the clock. The rows are made up:
as many as TPC-H has, and with values that its queries ask for.
"""

from __future__ import annotations

import datetime
import random
import re
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import stepping as st
from benchmarks import command, databases
from benchmarks.command import New
from tests.sql.test_tpch import DDL, QUERIES, for_sqlite, sqlite_ddl

FIRST_DAY = datetime.date(1992, 1, 1)
NATIONS = ["FRANCE", "GERMANY", "BRAZIL", "CANADA", "CHINA", "EGYPT", "INDIA", "IRAN", "KENYA"]
NATIONS += ["SAUDI ARABIA", "UNITED KINGDOM", "UNITED STATES", "VIETNAM", "RUSSIA", "JORDAN"]
REGIONS = ["AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"]
TYPES = [
    "ECONOMY ANODIZED STEEL",
    "SMALL PLATED BRASS",
    "PROMO BURNISHED TIN",
    "MEDIUM POLISHED TIN",
]
BOXES = ["SM CASE", "SM BOX", "MED BAG", "MED BOX", "LG CASE", "LG BOX", "JUMBO JAR", "WRAP PACK"]
COLORS = ["forest green", "green tea", "blue lace", "red rose", "black ivory", "snow white"]
MODES = ["MAIL", "SHIP", "AIR", "AIR REG", "RAIL", "TRUCK", "FOB"]
SHIP = ["DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"]
SEGMENTS = ["BUILDING", "AUTOMOBILE", "MACHINERY", "HOUSEHOLD", "FURNITURE"]
PRIORITIES = ["1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW"]
INDEXES = {
    "nation": ("n_nationkey", "n_regionkey"),
    "region": ("r_regionkey",),
    "supplier": ("s_suppkey", "s_nationkey"),
    "part": ("p_partkey",),
    "partsupp": ("ps_partkey, ps_suppkey", "ps_suppkey"),
    "customer": ("c_custkey", "c_nationkey"),
    "orders": ("o_orderkey", "o_custkey"),
    "lineitem": ("l_orderkey", "l_partkey, l_suppkey", "l_suppkey"),
}
Row = tuple[Any, ...]


class Made:
    """The rows of all tables, without the number that each has."""

    def __init__(self, scale: float) -> None:
        self.random = random.Random(7)
        self.orders = max(int(1_500_000 * scale), 100)
        self.customers, self.parts = self.orders // 10, max(int(200_000 * scale), 50)
        self.suppliers = max(int(10_000 * scale), 10)

    def number(self, most: int) -> int:
        return self.random.randint(1, most)

    def money(self, most: int) -> str:
        return f"{self.random.randint(1, most)}.{self.random.randint(0, 99):02}"

    def day(self, start: datetime.date, most: int) -> datetime.date:
        return start + datetime.timedelta(days=self.random.randint(1, most))

    def phone(self) -> str:
        return f"{self.random.randint(10, 34)}-{self.random.randint(100, 999)}"

    def tables(self) -> Iterator[tuple[str, list[Row]]]:
        pick = self.random.choice
        yield "region", [(i, name) for i, name in enumerate(REGIONS)]
        yield "nation", [(i, name, i % 5) for i, name in enumerate(NATIONS)]
        yield (
            "supplier",
            [
                (
                    i,
                    f"Supplier#{i}",
                    "x",
                    self.number(len(NATIONS)) - 1,
                    self.phone(),
                    self.money(9000),
                    pick(["", "", "", "Customer slow Complaints"]),
                )
                for i in range(1, self.suppliers + 1)
            ],
        )
        yield (
            "part",
            [
                (
                    i,
                    pick(COLORS),
                    f"Manufacturer#{self.number(5)}",
                    f"Brand#{self.number(5)}{self.number(5)}",
                    pick(TYPES),
                    self.number(50),
                    pick(BOXES),
                )
                for i in range(1, self.parts + 1)
            ],
        )
        yield (
            "partsupp",
            [
                (1 + i // 4, self.number(self.suppliers), self.number(9999), self.money(999))
                for i in range(4 * self.parts)
            ],
        )
        yield (
            "customer",
            [
                (
                    i,
                    f"Customer#{i}",
                    "y",
                    self.number(len(NATIONS)) - 1,
                    self.phone(),
                    self.money(9000),
                    pick(SEGMENTS),
                    "z",
                )
                for i in range(1, self.customers + 1)
            ],
        )
        orders, lines = [], []
        for key in range(1, self.orders + 1):
            order, four = self.order(key)
            orders.append(order)
            lines += four
        yield "orders", orders
        yield "lineitem", lines

    def order(self, key: int) -> tuple[Row, list[Row]]:
        """An order with its lines."""
        pick, day = self.random.choice, self.day(FIRST_DAY, 2400)
        order = (
            key,
            self.number(self.customers),
            pick("FOP"),
            self.money(300_000),
            day,
            pick(PRIORITIES),
            0,
            pick(["quick", "special requests", "final"]),
        )
        return order, [self.line(key, day) for _ in range(4)]

    def line(self, key: int, ordered: datetime.date) -> Row:
        pick, shipped = self.random.choice, self.day(ordered, 121)
        return (
            key,
            self.number(self.parts),
            self.number(self.suppliers),
            self.number(50),
            self.money(90_000),
            f"0.0{self.random.randint(0, 9)}",
            f"0.0{self.random.randint(0, 8)}",
            pick("ANR"),
            pick("OF"),
            shipped,
            self.day(ordered, 90),
            self.day(shipped, 30),
            pick(SHIP),
            pick(MODES),
        )


def columns(table: str) -> list[str]:
    """The columns of a table but for the number of its row."""
    body = DDL.partition(f"CREATE TABLE {table} (")[2].partition(";")[0]
    return [part.split()[0] for part in body.replace("(15,2)", "").split(",")][1:]


def filled(dialect: str, connection: Any, made: Made) -> None:
    ddl = DDL if dialect == "postgres" else sqlite_ddl()
    for statement in ddl.split(";"):
        connection.execute(statement)
    for table, rows in made.tables():
        listed = ", ".join(columns(table))
        if dialect == "postgres":
            with connection.cursor().copy(f"COPY {table} ({listed}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            connection.execute("BEGIN")
            connection.executemany(insert(dialect, table), map(plain, rows))
            connection.execute("COMMIT")
        for each in INDEXES[table]:
            name = "_".join((table, *each.split(", ")))
            connection.execute(f"CREATE INDEX {name} ON {table} ({each})")
    connection.execute("ANALYZE")


def insert(dialect: str, table: str) -> str:
    names = columns(table)
    mark = "%s" if dialect == "postgres" else "?"
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join([mark] * len(names))})"  # noqa: S608


def plain(row: Row) -> Row:
    """As SQLite keeps it: a day is a text, and money a number."""
    return tuple(str(each) if isinstance(each, datetime.date) else number(each) for each in row)


def number(value: Any) -> Any:
    is_number = isinstance(value, str) and value.replace(".", "", 1).isdigit()
    return float(value) if is_number else value


def read(connection: Any, select: str) -> list[str]:
    """The rows of a SELECT, in an order; a float as the sums of a database are exact to."""
    rows = connection.execute(select).fetchall()
    return sorted(repr([f"{v:.6g}" if isinstance(v, float) else v for v in row]) for row in rows)


def taken(connection: Any, select: str) -> float:
    return seconds(lambda: connection.execute(select).fetchall())


def index(connection: Any, store: Any, query: Any) -> None:
    """Create the indexes that a query asks for beside those of the keys."""
    try:
        store.from_graph(connection, query).uninstall()
    except st.CaptureError as error:
        for text in re.findall(r"CREATE INDEX .*", str(error)):
            connection.execute(text.replace(" CONCURRENTLY", ""))
        connection.execute("ANALYZE")


def seconds(does: Callable[[], object]) -> float:
    start = time.perf_counter()
    does()
    return time.perf_counter() - start


def measured(
    dialect: str, new: New, scale: float, rounds: int, names: Sequence[str]
) -> Iterator[str]:
    """A line of the report for each query."""
    connect = (
        databases.postgres_connection if dialect == "postgres" else databases.sqlite_connection
    )
    store = st.StorePostgres if dialect == "postgres" else st.StoreSQLite
    made = Made(scale)
    with new() as place:
        connection = connect(place)
        filled(dialect, connection, made)
        keys = iter(range(made.orders + 1, 10**9))

        def write() -> None:
            order, lines = made.order(next(keys))
            rows = [order, *lines] if dialect == "postgres" else [plain(r) for r in (order, *lines)]
            connection.execute("BEGIN")
            connection.execute(insert(dialect, "orders"), rows[0])
            for line in rows[1:]:
                connection.execute(insert(dialect, "lineitem"), line)
            connection.execute("COMMIT")

        for _ in range(rounds):
            write()
        without = statistics.median(seconds(write) for _ in range(rounds))
        for name in names:
            select = QUERIES[name] if dialect == "postgres" else for_sqlite(QUERIES[name])
            run = statistics.median(taken(connection, select) for _ in range(3))
            index(connection, store, st.sql(select, name=name))
            start = time.perf_counter()
            kept = store.from_graph(connection, st.sql(select, name=name))
            fill = time.perf_counter() - start

            def followed(kept: Any = kept) -> None:
                write()
                if dialect == "sqlite":
                    kept.refresh()  # else what is written is folded in now and then

            for _ in range(3):
                followed()
            step = statistics.median(seconds(followed) for _ in range(rounds)) - without
            assert read(connection, f"SELECT * FROM {name}") == read(connection, select), name  # noqa: S608
            kept.uninstall()
            yield (
                f"{dialect}, {name}: SELECT {1000 * run:,.1f} ms, filled in {fill:,.1f} s; "
                f"an order {1000 * without:.2f} ms, and {1000 * step:.2f} ms more: "
                f"{step / run:.3f} of the SELECT"
            )
        connection.close()


def main() -> None:
    """The command."""
    parser = command.parser("benchmarks.tpch", __doc__)
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--queries", type=command.choice(tuple(QUERIES)), default=tuple(QUERIES))
    given = parser.parse_args()
    asked = given.scale, given.rounds, given.queries
    command.report(given, lambda dialect, new: measured(dialect, new, *asked))


if __name__ == "__main__":
    main()
