"""Postgres's words of filling in batches."""

from __future__ import annotations

from stepping.compiler.plan.tables import Table
from stepping.dialects.batches import BatchRenderer, log_name

_EVENTS = {
    "INSERT": ("NEW TABLE AS stepping_new",),
    "UPDATE": ("OLD TABLE AS stepping_old", "NEW TABLE AS stepping_new"),
    "DELETE": ("OLD TABLE AS stepping_old",),
}


class PostgresBatchRenderer(BatchRenderer):
    def begin(self) -> str:
        # A change that was written down is seen if and only if the table is seen with it.
        return "BEGIN ISOLATION LEVEL REPEATABLE READ"

    def emptied(self, name: str) -> str:
        # What is deleted stays in a temporary table: nobody vacuums it.
        return f"TRUNCATE {self.quoted(name)}"

    def capture(self, table: Table, number: int) -> tuple[str, ...]:
        log, columns = log_name(number), self.columns(table)
        values = ", ".join(self.quoted(name) for name in table.names)
        weight = self.quoted(table.weight or "")

        def rows(source: str, sign: str) -> str:
            return (
                f"        INSERT INTO {log} ({columns})\n"
                f"        SELECT {values}, {sign}{weight} FROM {source};\n"
            )

        # Whoever writes to the table need have no right to write here.
        function = (
            f"CREATE OR REPLACE FUNCTION {self.function(number)}() RETURNS trigger\n"
            "LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $stepping$\nBEGIN\n"
            "    IF TG_OP <> 'INSERT' THEN\n" + rows("stepping_old", "-") + "    END IF;\n"
            "    IF TG_OP <> 'DELETE' THEN\n" + rows("stepping_new", "") + "    END IF;\n"
            "    RETURN NULL;\nEND $stepping$"
        )
        triggers = (
            f"CREATE OR REPLACE TRIGGER stepping_filling_{number}_{event.lower()}\n"
            f"AFTER {event} ON {self.quoted(table.name)} REFERENCING {' '.join(tables)}\n"
            f"FOR EACH STATEMENT EXECUTE FUNCTION {self.function(number)}()"
            for event, tables in _EVENTS.items()
        )
        return (function, *triggers)

    def release(self, table: Table, number: int) -> tuple[str, ...]:
        return (
            *(
                f"DROP TRIGGER IF EXISTS stepping_filling_{number}_{event.lower()} "
                f"ON {self.quoted(table.name)}"
                for event in _EVENTS
            ),
            f"DROP FUNCTION IF EXISTS {self.function(number)}()",
        )

    def function(self, number: int) -> str:
        return f"stepping_filling_{number}"
