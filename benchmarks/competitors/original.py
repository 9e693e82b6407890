"""The first version of this library, `stepping` 0.0.3, as it is on PyPI.

It has this library's import name, so its process is started with its own folder first on the path
(`benchmarks.lane`), and everything here that says `stepping` is the first version.
"""

from __future__ import annotations

import importlib.metadata
from typing import Any, ClassVar

from benchmarks import databases
from benchmarks.competitor import Competitor
from benchmarks.competitors.stepping import Stepping

VERSION = "0.0.3"


class Original(Stepping):
    title = f"stepping {VERSION}"
    most_rows = 100_000
    unread: ClassVar[dict[str, Any]] = {}

    def connect(self) -> Any:
        # It commits itself, and expects its driver's implicit transactions.
        if self.dialect == "sqlite":
            return databases.sqlite_connection(self.database, isolation_level="DEFERRED")
        return databases.postgres_connection(self.database, autocommit=False)


def competitor(*arguments: Any) -> Competitor:
    found = importlib.metadata.version("stepping")
    assert found == VERSION, f"stepping {found} is on the path before {VERSION}"
    return Original(*arguments)
