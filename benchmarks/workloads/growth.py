"""The meter reads at several sizes in turns: what a change costs must not grow with the tables."""

from __future__ import annotations

from benchmarks.workloads.meter_reads import MeterReads


class Growth(MeterReads):
    name = "growth"
    title = "meter reads at several sizes, in turns"
    by_size = True
    against = ("floor", "hand_written", "stepping")
    by_hand = "meter_reads"
    sizes = (1_000, 10_000, 100_000, 1_000_000)


WORKLOADS = (Growth(),)
