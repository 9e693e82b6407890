"""pg_ivm: an extension of Postgres that keeps a materialized view by triggers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from psycopg import sql

from benchmarks import databases
from benchmarks.competitor import Competitor, Counted, Unavailable
from benchmarks.competitors.floor import FloorPostgres


class PgIvm(FloorPostgres):
    title = "pg_ivm"

    def open(self) -> Any:
        connection = databases.postgres_connection(self.database)
        row = connection.execute(
            "SELECT default_version FROM pg_available_extensions WHERE name = 'pg_ivm'"
        ).fetchone()
        if row is None:
            raise Unavailable("this Postgres has no extension pg_ivm")
        connection.close()
        connection = super().open()
        connection.execute("CREATE EXTENSION pg_ivm")
        self.title = f"pg_ivm {row[0]}"  # type: ignore[misc]
        # It has been in a schema of its own since 1.10.
        found = connection.execute(
            "SELECT nspname FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace "
            "WHERE proname = 'create_immv'"
        ).fetchone()
        assert found is not None
        create = sql.SQL("SELECT {}('result', %s)").format(sql.Identifier(found[0], "create_immv"))
        connection.execute(create, (self.plain.select,))
        # The view's own columns; it has hidden counters beside them.
        described = connection.execute("SELECT * FROM result LIMIT 0").description
        assert described is not None
        names = [each.name for each in described if not each.name.startswith("__ivm_")]
        self.read = sql.SQL("SELECT {} FROM result").format(
            sql.SQL(", ").join(map(sql.Identifier, names))
        )
        return connection

    def contents(self) -> Iterable[Counted]:
        rows = self.connection.execute(self.read).fetchall()
        return ((tuple(row), 1) for row in rows)


def competitor(workload: Any, dialect: str, database: str) -> Competitor:
    if dialect != "postgres":
        raise Unavailable("it is an extension of Postgres")
    return PgIvm(workload, dialect, database)
