"""From how many rows on it pays: what one write costs more, and what one read costs less.

    python -m benchmarks.when_it_pays --rows 1_000,10_000,100_000

The tables and the SELECT of `benchmarks.captured`, in processor time. A result that is kept pays
where it is read more often than the ratio says that it is written: reads for each written row.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from benchmarks import command
from benchmarks.captured import ORDERS, SELECT, clock_of, numbered, seconds_of, written
from benchmarks.command import New

READ = "SELECT * FROM revenue"


def median_of(dialect: str, new: New, way: str, rows: int, rounds: int) -> tuple[float, float]:
    """Seconds of a write of one row, and of a read of the result."""
    with written(dialect, new, way, rows) as connection:
        clock = clock_of(dialect, connection)
        text = READ if way == "immediate" else SELECT
        writes = [
            seconds_of(connection, clock, [numbered(dialect, ORDERS, rows + 1 + number, 1)])
            for number in range(rounds + 5)
        ]
        reads = []
        for _ in range(rounds + 5):
            started = clock()
            connection.execute(text).fetchall()
            reads.append(clock() - started)
    return statistics.median(writes[5:]), statistics.median(reads[5:])  # the first ones warm up


def measured(dialect: str, new: New, sizes: tuple[int, ...], rounds: int) -> Iterator[str]:
    for rows in sizes:
        plain, computed = median_of(dialect, new, "plain", rows, rounds)
        kept, read = median_of(dialect, new, "immediate", rows, rounds)
        more, less = kept - plain, computed - read
        ratio = more / less if less > 0 else float("inf")
        yield (
            f"{dialect}, {rows:,} orders: computed in {1e3 * computed:.2f} ms, read in "
            f"{1e3 * read:.2f} ms; a write {1e6 * plain:,.0f} us, with the result "
            f"{1e6 * kept:,.0f} us; pays from {ratio:.3f} reads a write on"
        )


def main() -> None:
    """The command."""
    parser = command.parser("benchmarks.when_it_pays", __doc__)
    parser.add_argument("--rows", type=command.numbers, default=(1_000, 10_000, 100_000))
    parser.add_argument("--rounds", type=int, default=30)
    given = parser.parse_args()
    command.report(given, lambda dialect, new: measured(dialect, new, given.rows, given.rounds))


if __name__ == "__main__":
    main()
