"""A process that begins, and prints how long each part took: see `benchmarks.startup`."""

import time

_began = time.perf_counter(), time.process_time()

import stepping as st  # noqa: E402  what is imported before it costs it nothing

_taken = {"import stepping": (time.perf_counter() - _began[0], time.process_time() - _began[1])}

import contextlib  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from typing import Any  # noqa: E402

from benchmarks.ten_operators import late_days  # noqa: E402


@contextlib.contextmanager
def timed(name: str) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    _taken[name] = (time.perf_counter() - wall, time.process_time() - cpu)


def main(dialect: str, database: str, *install: str) -> None:
    connect: Any = getattr(st, f"connection_{dialect}")
    store_class: Any = {"sqlite": st.StoreSQLite, "postgres": st.StorePostgres}[dialect]
    graph = st.compile(late_days)
    with connect(database) as connection:
        if install:
            store_class.from_graph(connection, graph, create_tables=True)
            return
        with timed("open a store"):
            store_class.from_graph(connection, graph)
    with timed("compile first"):
        st.compile(late_days, name="first").script(dialect)
    with timed("compile"):
        st.compile(late_days, name="second").script(dialect)
    print(json.dumps(_taken))


main(*sys.argv[1:])
