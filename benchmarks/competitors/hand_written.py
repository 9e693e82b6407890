"""The pipeline that somebody who knows the database well writes by hand for one query.

One module per workload and database, for the workloads that have one.
"""

from __future__ import annotations

import importlib
from typing import Any

from benchmarks.competitor import Competitor, Unavailable


def competitor(workload: Any, dialect: str, database: str) -> Competitor:
    try:
        name = workload.by_hand or workload.name
        module = importlib.import_module(f"benchmarks.by_hand.{name}_{dialect}")
    except ModuleNotFoundError:
        raise Unavailable(f"nobody wrote {workload.name} by hand for {dialect}") from None
    made: Competitor = module.Pipeline(workload, dialect, database)
    return made
