"""Four processes that commit in stages, against one that commits each step as a whole; and how
soon a step wakes up whose frontier has been reached.

    python -m benchmarks.parallel --batch 1000 --batches 24 --rounds 3

The rows are the line items of the receipts, 1,000 products and 20,000 baskets, in the same batches
for both. Each process is started and has opened its store before the clock runs. Ratios of medians
of alternating rounds.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import threading
import time
from typing import Any

import stepping as st
from benchmarks import command
from benchmarks.command import New
from benchmarks.shop import batches_of, fill, graph, opened
from benchmarks.workloads.receipts import LineItem

WORKERS = 4


def worker(
    dialect: str, where: str, work: list[tuple[list[LineItem], st.Time]], ready: Any, go: Any
) -> None:
    with opened(dialect, where) as store:
        _, line_items = st.actions(store, graph)
        ready.release()
        go.wait()
        for batch, when in work:
            line_items.insert(*batch, time=when)


def seconds(
    dialect: str, where: str, batches: list[list[LineItem]], workers: int, *, staged: bool
) -> float:
    """How long so many processes take for all batches, in the order of their times."""
    work = [
        (batch, st.Time(t, t - 1, True) if staged else st.Time())
        for t, batch in enumerate(batches, start=1)
    ]
    spawn = multiprocessing.get_context("spawn")
    ready, go = spawn.Semaphore(0), spawn.Event()
    processes = [
        spawn.Process(target=worker, args=(dialect, where, work[i::workers], ready, go))
        for i in range(workers)
    ]
    for process in processes:
        process.start()
    for _ in processes:
        ready.acquire()
    started = time.perf_counter()
    go.set()
    for process in processes:
        process.join()
    took = time.perf_counter() - started
    if any(process.exitcode for process in processes):
        raise SystemExit("a worker failed")
    return took


def measured(
    dialect: str, new: New, batches: list[list[LineItem]], workers: int, *, staged: bool
) -> float:
    with new() as where:
        with opened(dialect, where, create_tables=True) as store:
            fill(store)
        return seconds(dialect, where, batches, workers, staged=staged)


def wake_up_milliseconds(dialect: str, new: New, times: int = 40) -> list[float]:
    """From the commit of a time to the return of who waits for it."""
    item = LineItem(basket_id=1, product_name="product 1", qty=1)
    woke: list[float] = []
    committed: list[float] = []
    with new() as where, opened(dialect, where, create_tables=True) as store:
        waiting = threading.Semaphore(0)

        def wait() -> None:
            with opened(dialect, where) as other:
                for t in range(1, times):
                    waiting.release()
                    other.engine.wait(other.plan.kept, st.Time(frontier=t))
                    woke.append(time.perf_counter())

        thread = threading.Thread(target=wait)
        thread.start()
        _, line_items = st.actions(store, graph)
        for t in range(1, times):
            waiting.acquire()
            time.sleep(0.05)  # as long as a wait that has settled down
            line_items.insert(item, time=st.Time(t, t - 1))
            committed.append(time.perf_counter())
        thread.join()
    return sorted(1000 * (b - a) for a, b in zip(committed, woke, strict=True))


def report(dialect: str, new: New, size: int, count: int, rounds: int) -> str:
    """One line: four processes against one, for batches of a size."""
    batches = batches_of(size, count)
    one, four, four_whole = [], [], []
    for _ in range(rounds):
        one.append(measured(dialect, new, batches, 1, staged=False))
        four.append(measured(dialect, new, batches, WORKERS, staged=True))
        four_whole.append(measured(dialect, new, batches, WORKERS, staged=False))
    base = statistics.median(one)
    return (
        f"{dialect}, batches of {size}: one process {base:.2f} s; four in stages "
        f"{statistics.median(four) / base:.2f} of that; four without times "
        f"{statistics.median(four_whole) / base:.2f}"
    )


def main() -> None:
    """The command."""
    parser = command.parser("benchmarks.parallel", __doc__)
    parser.add_argument("--batch", type=command.numbers, default=(1_000,), help="rows of a step")
    parser.add_argument("--batches", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores")
    for dialect in given.dialect:
        with command.new_databases(dialect, given.postgres) as new:
            for size in given.batch:
                print(report(dialect, new, size, given.batches, given.rounds), flush=True)
            found = wake_up_milliseconds(dialect, new)
            print(
                f"{dialect}, wake-up: median {statistics.median(found):.1f} ms, "
                f"99% {found[int(len(found) * 0.99) - 1]:.1f} ms"
            )


if __name__ == "__main__":
    main()
