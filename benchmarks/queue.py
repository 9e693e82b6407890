"""What it costs to enqueue a change, against inserting its rows into a table of the application,
and what it costs to drain the queue, against a step for each change.

    python -m benchmarks.queue --batch 1,100,1000 --rounds 9

The rows are the line items of the receipts. The table has one index; both get the same rows, made
before the clock runs, in a transaction each. Ratios of medians of alternating rounds.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from benchmarks import command, databases
from benchmarks.command import New
from benchmarks.shop import batches_of, fill, opened
from benchmarks.workloads.receipts import LineItem

CHANGES_OF_A_ROUND = {1: 1_000, 100: 40, 1_000: 6}

DDL = (
    "CREATE TABLE application (basket_id BIGINT, product_name TEXT, qty BIGINT)",
    "CREATE INDEX application_by_product ON application (product_name)",
)


def plain_insert(dialect: str, connection: Any) -> Callable[[Sequence[LineItem]], None]:
    """Inserts rows of a class into the application's table, as quickly as the driver does it."""

    def on_sqlite(batch: Sequence[LineItem]) -> None:
        sql = "INSERT INTO application VALUES (?, ?, ?)"
        rows = [(each.basket_id, each.product_name, each.qty) for each in batch]
        if len(rows) == 1:
            connection.execute(sql, rows[0])
            return
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(sql, rows)
        connection.execute("COMMIT")

    def on_postgres(batch: Sequence[LineItem]) -> None:
        columns: list[list[Any]] = [
            [each.basket_id for each in batch],
            [each.product_name for each in batch],
            [each.qty for each in batch],
        ]
        if len(batch) == 1:
            sql = "INSERT INTO application VALUES (%s, %s, %s)"
            connection.execute(sql, [column[0] for column in columns], prepare=True)
            return
        sql = "INSERT INTO application SELECT * FROM unnest(%b::int8[], %b::text[], %b::int8[])"
        connection.execute(sql, columns, prepare=True)

    return on_sqlite if dialect == "sqlite" else on_postgres


def seconds_of(work: Callable[[Any], object], batches: Sequence[Any]) -> float:
    started = time.perf_counter()
    for batch in batches:
        work(batch)
    return (time.perf_counter() - started) / len(batches)


def enqueue_ratio(dialect: str, new: New, size: int, rounds: int, changes: int) -> float:
    """How many plain inserts an enqueue costs."""
    with new() as where, opened(dialect, where, create_tables=True) as store, new() as other:
        line_items = fill(store)
        connect: Any = getattr(databases, f"{dialect}_connection")
        with contextlib.closing(connect(other)) as connection:
            for sql in DDL:
                connection.execute(sql)
            plain = plain_insert(dialect, connection)
            batches = batches_of(size, changes)
            plains, enqueues = [], []
            for number in range(rounds + 1):
                found = seconds_of(plain, batches), seconds_of(line_items.enqueue, batches)
                if number:  # the first warms up
                    plains.append(found[0])
                    enqueues.append(found[1])
        return statistics.median(enqueues) / statistics.median(plains)


def drain_seconds(dialect: str, new: New, size: int, changes: int) -> tuple[float, float, float]:
    """Seconds a row: to drain the changes, to run a step for each, and one with all their rows."""
    batches = batches_of(size, changes)
    rows = size * changes
    found = []
    with new() as where, opened(dialect, where, create_tables=True) as store:
        line_items = fill(store)
        for batch in batches:
            line_items.enqueue(batch)
        found.append(seconds_of(lambda _: store.drain(), [None]) / rows)
    for grouped in (batches, [list(itertools.chain(*batches))]):
        with new() as where, opened(dialect, where, create_tables=True) as store:
            line_items = fill(store)
            work = partial(_insert, line_items)
            found.append(seconds_of(work, grouped) * len(grouped) / rows)
    return found[0], found[1], found[2]


def _insert(line_items: Any, batch: Sequence[LineItem]) -> None:
    line_items.insert(*batch)


def measured(
    dialect: str, new: New, sizes: Sequence[int], rounds: int, *, quick: bool = False
) -> list[str]:
    """The lines of the report for one database."""
    lines = []
    for size in sizes:
        changes = 5 if quick else CHANGES_OF_A_ROUND.get(size, 10)
        ratio = enqueue_ratio(dialect, new, size, rounds, changes)
        drained, single, whole = drain_seconds(dialect, new, size, 10 if quick else 10 * changes)
        lines.append(
            f"{dialect}, changes of {size}: enqueue {ratio:.2f} plain inserts; drain "
            f"{1 / drained:,.0f} rows/s, {single / drained:.1f} times as fast as a step for each "
            f"change, {whole / drained:.2f} times as fast as one step with all rows"
        )
    return lines


def main() -> None:
    """The command."""
    parser = command.parser("benchmarks.queue", __doc__)
    sizes = tuple(CHANGES_OF_A_ROUND)
    parser.add_argument("--batch", type=command.numbers, default=sizes, help="rows of a change")
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores")
    command.report(given, lambda dialect, new: measured(dialect, new, given.batch, given.rounds))


if __name__ == "__main__":
    main()
