"""What is measured for docs/performance.md, the most important first: 25 minutes on idle cores.

The original takes so long to fill a table that it has 100,000 rows only where a target says so.
"""

from __future__ import annotations

from dataclasses import dataclass

BATCHES = (1, 100, 1_000, 10_000)
COMPETITORS = ("floor", "hand_written", "stepping", "recompute", "original", "pg_ivm")
QUICK = ("floor", "hand_written", "stepping", "recompute", "pg_ivm")
MINUTES = 25.0  # for both databases together
BUDGET_SECS = 12.0  # for the rounds of one batch size, where there is time
CHECK_ROWS = 500


@dataclass(frozen=True)
class Ask:
    """One run of a workload."""

    workload: str
    rows: tuple[int, ...]  # more than one only where a workload compares sizes
    against: tuple[str, ...] = COMPETITORS
    batches: tuple[int, ...] = BATCHES


STANDARD = (
    Ask("meter_reads", (100_000,)),
    Ask("star", (100_000,), QUICK),
    Ask("fan_out_unused", (100_000,), QUICK),
    Ask("growth", (1_000, 10_000, 100_000, 1_000_000)),
    Ask("receipts", (100_000,), QUICK),
    Ask("flights", (100_000,), QUICK),
    Ask("fan_out", (100_000,), QUICK),
    Ask("meter_reads_in_order", (100_000,), QUICK),
    Ask("closure_tree", (2_000,)),
    Ask("closure_graph", (2_000,)),
    Ask("meter_reads", (10_000,), COMPETITORS, (1, 100, 1_000)),
    Ask("star", (10_000,), COMPETITORS, (1, 100, 1_000)),
    Ask("receipts", (10_000,), COMPETITORS, (1, 100, 1_000)),
    Ask("flights", (10_000,), COMPETITORS, (1, 100, 1_000)),
    Ask("fan_out", (10_000,)),
    Ask("fan_out_unused", (10_000,)),
)
