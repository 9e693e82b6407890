"""What it costs to write to a table of the application while results follow it, as a multiple of
the same statement without triggers; and what a fold costs, a row.

    python -m benchmarks.captured --rows 100_000 --rounds 7

Two joins and a group: revenue per country of orders with their users and products. The statements
make their rows in the database, so that no client is measured. On Postgres the time is that of the
server's process where /proc can be read, which others on the machine change little.

Besides: triggers as somebody would write them by hand, which are wrong when two transactions write
at once, and on Postgres a REFRESH MATERIALIZED VIEW in the same transaction.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg

import stepping as st
from benchmarks import command, databases
from benchmarks.command import New

SELECT = """
SELECT u.country, sum(o.qty * p.cents) AS cents, count(*) AS n
FROM orders o JOIN users u ON u.id = o.user_id JOIN products p ON p.id = o.product_id
GROUP BY u.country
"""
TABLES = (
    "CREATE TABLE users (id integer PRIMARY KEY, country text NOT NULL)",
    "CREATE TABLE products (id integer PRIMARY KEY, cents bigint NOT NULL)",
    """CREATE TABLE orders (id integer PRIMARY KEY, user_id integer NOT NULL,
    product_id integer NOT NULL, qty bigint NOT NULL, note text)""",
    "CREATE INDEX orders_user ON orders (user_id)",
    "CREATE INDEX orders_product ON orders (product_id)",
)
BY_HAND = {
    "sqlite": (
        "CREATE TABLE by_hand (country text PRIMARY KEY, cents integer, n integer)",
        """CREATE TRIGGER by_hand_insert AFTER INSERT ON orders BEGIN
        INSERT INTO by_hand SELECT u.country, NEW.qty * p.cents, 1 FROM users u, products p
        WHERE u.id = NEW.user_id AND p.id = NEW.product_id
        ON CONFLICT (country) DO UPDATE SET cents = cents + excluded.cents, n = n + 1; END""",
    ),
    "postgres": (
        "CREATE TABLE by_hand (country text PRIMARY KEY, cents numeric, n bigint)",
        """CREATE FUNCTION by_hand() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO by_hand SELECT u.country, sum(o.qty * p.cents), count(*) FROM added o
        JOIN users u ON u.id = o.user_id JOIN products p ON p.id = o.product_id
        GROUP BY u.country
        ON CONFLICT (country) DO UPDATE SET cents = by_hand.cents + excluded.cents,
        n = by_hand.n + excluded.n; RETURN NULL; END $$""",
        """CREATE TRIGGER by_hand AFTER INSERT ON orders REFERENCING NEW TABLE AS added
        FOR EACH STATEMENT EXECUTE FUNCTION by_hand()""",
    ),
}
WAYS = ("plain", "immediate", "deferred", "by hand", "refresh")


SERIES = {
    "sqlite": "(WITH RECURSIVE s (g) AS (SELECT ? UNION ALL SELECT g + 1 FROM s WHERE g < ?)"
    " SELECT g FROM s)",
    "postgres": "generate_series(%s::integer, %s::integer) AS s (g)",
}
ORDERS = "INSERT INTO orders SELECT g, g % 1000 + 1, g % 500 + 1, g % 7 + 1, NULL FROM "
USERS = "INSERT INTO users SELECT g, 'country ' || g % 40 FROM "
PRODUCTS = "INSERT INTO products SELECT g, 100 + g FROM "

Statement = tuple[str, tuple[int, ...]] | Callable[[Any], None]
WRITERS, THINK_SECS = 4, 0.003


def numbered(dialect: str, insert: str, first: int, count: int) -> Statement:
    """The statement that inserts rows with these ids, and its parameters."""
    text = insert.replace("%", "%%") if dialect == "postgres" else insert
    return text + SERIES[dialect], (first, first + count - 1)


def run(connection: Any, statement: Statement) -> None:
    if callable(statement):
        statement(connection)
    else:
        connection.execute(*statement)


def copied(first: int, count: int) -> Callable[[Any], None]:
    """The COPY of rows with these ids."""
    rows = range(first, first + count)
    text = "".join(f"{g}\t{g % 1000 + 1}\t{g % 500 + 1}\t{g % 7 + 1}\t\\N\n" for g in rows)

    def copy(connection: Any) -> None:
        with connection.cursor().copy("COPY orders FROM STDIN") as into:
            into.write(text)

    return copy


@contextlib.contextmanager
def written(dialect: str, new: New, way: str, rows: int) -> Iterator[Any]:
    """A connection to a database with rows, kept in step in one of the ways."""
    connect: Any = getattr(databases, f"{dialect}_connection")
    with new() as where, contextlib.closing(connect(where)) as connection:
        for text in TABLES:
            connection.execute(text)
        for text, count in ((USERS, 1000), (PRODUCTS, 500), (ORDERS, rows)):
            run(connection, numbered(dialect, text, 1, count))
        if way in ("immediate", "deferred"):
            cls: Any = st.StoreSQLite if dialect == "sqlite" else st.StorePostgres
            cls.from_graph(connection, st.sql(SELECT, name="revenue", refresh=way))
        elif way == "by hand":
            for text in BY_HAND[dialect]:
                connection.execute(text)
        elif way == "refresh":
            connection.execute(f"CREATE MATERIALIZED VIEW revenue AS {SELECT}")
        connection.execute("ANALYZE")
        yield connection


def clock_of(dialect: str, connection: Any) -> Callable[[], float]:
    """Seconds of processor time: of this process, or of the server's for the connection."""
    if dialect == "sqlite":
        return time.process_time
    path = Path(f"/proc/{connection.info.backend_pid}/schedstat")
    if not os.access(path, os.R_OK):
        return time.perf_counter
    return lambda: int(path.read_text().split()[0]) / 1e9


Write = Callable[[int], Sequence[Statement]]  # the statements of a transaction, from an id on


def seconds_of(
    connection: Any, clock: Callable[[], float], statements: Sequence[Statement]
) -> float:
    started = clock()
    if len(statements) == 1:
        run(connection, statements[0])
    else:
        connection.execute("BEGIN")
        for each in statements:
            run(connection, each)
        connection.execute("COMMIT")
    return clock() - started


def writes(dialect: str, sizes: Sequence[int]) -> dict[str, tuple[int, Write]]:
    """What is measured: how many ids it takes, and its statements."""
    found: dict[str, tuple[int, Write]] = {
        f"insert of {size:,}": (size, lambda i, size=size: [numbered(dialect, ORDERS, i, size)])  # type: ignore[misc]
        for size in sizes
    }
    if dialect == "postgres":
        found["COPY of 10,000"] = (10_000, lambda i: [copied(i, 10_000)])
    found["100 inserts in a transaction"] = (
        100,
        lambda i: [numbered(dialect, ORDERS, i + n, 1) for n in range(100)],
    )
    found["100 rows, a column that nothing reads"] = (
        0,
        lambda i: [("UPDATE orders SET note = 'x' WHERE id BETWEEN 1 AND 100", ())],
    )
    return found


def medians(
    dialect: str, new: New, way: str, rows: int, rounds: int, sizes: Sequence[int]
) -> dict[str, float]:
    """The median seconds of each kind of write, in one way."""
    found = {}
    with written(dialect, new, way, rows) as connection:
        clock = clock_of(dialect, connection)
        at = rows + 1
        after = [("REFRESH MATERIALIZED VIEW revenue", ())] if way == "refresh" else []
        for what, (ids, write) in writes(dialect, sizes).items():
            times = []
            for number in range(rounds + 2):
                seconds = seconds_of(connection, clock, [*write(at), *after])
                at += ids
                if number > 1:  # the first ones warm up
                    times.append(seconds)
            found[what] = statistics.median(times)
        if way == "deferred":
            fold = "INSERT INTO revenue_refresh VALUES (1)"
            if dialect == "postgres":
                fold = "SELECT stepping_refresh('revenue')"
            times = []
            for number in range(rounds):
                run(connection, numbered(dialect, ORDERS, at + 10_000 * number, 10_000))
                started = clock()
                connection.execute(fold)
                times.append((clock() - started) / 10_000)
            found["fold"] = statistics.median(times)
    return found


def throughput(new: New, way: str, rows: int, seconds: float) -> float:
    """Transactions per second of several writers, of two inserts with a moment between them."""
    done = []
    with written("postgres", new, way, rows) as connection:
        until = time.monotonic() + seconds
        where = connection.info.dsn

        def write(position: int) -> None:
            with psycopg.connect(where, autocommit=True) as writing:
                at = 10_000_000 * (position + 1)
                while time.monotonic() < until:
                    writing.execute("BEGIN")
                    run(writing, numbered("postgres", ORDERS, at, 1))
                    time.sleep(THINK_SECS)
                    run(writing, numbered("postgres", ORDERS, at + 1, 1))
                    writing.execute("COMMIT")
                    at += 2
                    done.append(at)

        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(write, range(WRITERS)))
    return len(done) / seconds


def shares(new: New, rows: int, rounds: int, seconds: float = 2.0) -> str:
    """The line of the report for several writers."""
    ways = [way for way in WAYS if way != "refresh"]
    found = {
        way: statistics.median(throughput(new, way, rows, seconds) for _ in range(rounds))
        for way in ways
    }
    plain = found["plain"]
    ratios = ", ".join(f"{way} {found[way] / plain:.0%}" for way in ways[1:])
    return (
        f"postgres, {WRITERS} writers with {1000 * THINK_SECS:.0f} ms between two inserts: "
        f"{plain:,.0f} transactions a second; {ratios}"
    )


def measured(dialect: str, new: New, rows: int, rounds: int, sizes: Sequence[int]) -> Iterator[str]:
    """The lines of the report for one database."""
    ways = [way for way in WAYS if way != "refresh" or dialect == "postgres"]
    found = {way: medians(dialect, new, way, rows, rounds, sizes) for way in ways}
    for what, plain in found["plain"].items():
        ratios = ", ".join(f"{way} {found[way][what] / plain:.2f}" for way in ways[1:])
        yield f"{dialect}, {what}: {1e6 * plain:,.0f} us; {ratios}"
    yield f"{dialect}, a fold of 10,000 rows: {1e6 * found['deferred']['fold']:.1f} us a row"
    if dialect == "postgres":
        yield shares(new, rows, max(rounds // 2, 1))


def main() -> None:
    """The command."""
    parser = command.parser("benchmarks.captured", __doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="orders that are there")
    parser.add_argument("--batch", type=command.numbers, default=(1, 100, 1_000, 10_000))
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    asked = given.rows, given.rounds, given.batch
    command.report(given, lambda dialect, new: measured(dialect, new, *asked))


if __name__ == "__main__":
    main()
