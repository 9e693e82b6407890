"""SQLite's words of filling in batches."""

from __future__ import annotations

from stepping.compiler.plan.tables import Table
from stepping.dialects.batches import BatchRenderer, log_name


class SQLiteBatchRenderer(BatchRenderer):
    # A value with a column's affinity is no bound that an index takes, in a comparison of rows.
    bare = "+"

    def begin(self) -> str:
        return "BEGIN IMMEDIATE"

    def capture(self, table: Table, number: int) -> tuple[str, ...]:
        log, columns = log_name(number), self.columns(table)

        def row(which: str, sign: str) -> str:
            values = [f"{which}.{self.quoted(name)}" for name in table.names]
            values.append(f"{sign}{which}.{self.quoted(table.weight or '')}")
            return f"    INSERT INTO {log} ({columns}) VALUES ({', '.join(values)});\n"

        old, new = row("OLD", "-"), row("NEW", "")
        rows = {"INSERT": new, "UPDATE": old + new, "DELETE": old}
        return tuple(
            f"CREATE TRIGGER IF NOT EXISTS {self.trigger(number, event)}\n"
            f"AFTER {event} ON {self.quoted(table.name)}\nBEGIN\n{body}END"
            for event, body in rows.items()
        )

    def release(self, table: Table, number: int) -> tuple[str, ...]:
        events = ("INSERT", "UPDATE", "DELETE")
        return tuple(f"DROP TRIGGER IF EXISTS {self.trigger(number, event)}" for event in events)

    def trigger(self, number: int, event: str) -> str:
        return f"stepping_filling_{number}_{event.lower()}"
