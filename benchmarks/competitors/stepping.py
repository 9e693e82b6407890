"""This library, used as its documentation says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import stepping as st
from benchmarks import databases
from benchmarks.competitor import Competitor, Counted
from benchmarks.workload import Change


class Stepping(Competitor):
    title = "stepping"
    unread: ClassVar[dict[str, Any]] = {"output": False}  # what says that nobody reads the change

    def open(self) -> Any:
        graph = st.compile(self.workload.query)
        connection = self.connect()
        store_class = st.StoreSQLite if self.dialect == "sqlite" else st.StorePostgres
        self.store: Any = store_class.from_graph(connection, graph, create_tables=True)
        self.graph = graph
        self.actions: dict[str, Any] = dict(
            zip(self.workload.inputs, st.actions(self.store, graph), strict=True)
        )
        return connection

    def connect(self) -> Any:
        if self.dialect == "sqlite":
            return databases.sqlite_connection(self.database)
        return databases.postgres_connection(self.database)

    def step(self, change: Change) -> Any:
        action = self.actions[change.input]
        how = {} if change.read else self.unread
        if not change.removed:
            returned = action.insert(*change.added, **how)
        elif not change.added:
            returned = action.remove(*change.removed, **how)
        else:
            (old,), (new,) = change.removed, change.added
            returned = action.replace(old, new, **how)
        return list(returned[0].iter()) if change.read else ()

    def changed(self, returned: Any) -> Iterable[Counted]:
        values = self.workload.changed_values
        return ((values(row), count) for row, count in returned)

    def contents(self) -> Iterable[Counted]:
        values = self.workload.values
        zset = self.workload.cache.zset(self.store)
        return ((values(row), count) for row, count in zset.iter())


competitor = Stepping
