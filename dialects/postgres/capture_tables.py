"""The triggers of one of the application's tables on Postgres, and the log that they fill."""

from __future__ import annotations

from stepping.compiler.plan.base_tables import BaseColumn, BaseTable
from stepping.compiler.schema import bounded
from stepping.dialects.capture import Logged, literal, log_name, rows_of_result, stem
from stepping.dialects.identifiers import quoted
from stepping.dialects.layout import indented
from stepping.dialects.postgres.type_facts import is_known, named_type

READS = "reads"  # the trigger that names what is read
ME = "pg_current_xact_id()"
DEFINER = "SECURITY DEFINER SET search_path FROM CURRENT"


def table_ddl(logged: Logged) -> list[str]:
    """The log of a table and the triggers that fill it."""
    table, columns = logged.table, logged.columns
    log = log_name(table)
    described = {each.name: each for each in table.columns}
    kept = "".join(f",\n    {quoted(c)} {typed(described[c])}" for c in columns)
    capture = quoted(capture_name(table))
    return [
        f"CREATE TABLE {quoted(log)} (\n"
        f"    stepping_xid xid8 NOT NULL DEFAULT {ME},\n"
        "    stepping_n bigint NOT NULL,\n"
        f"    stepping_c integer NOT NULL{kept}\n)",
        f"ALTER TABLE {quoted(log)} REPLICA IDENTITY FULL",  # it may be published
        capture_function(logged),
        f"REVOKE ALL ON FUNCTION {capture}() FROM PUBLIC",
        *triggers(table),
        *guard(logged),
    ]


def guard(logged: Logged) -> list[str]:
    """A trigger that never fires. Postgres drops no column that it names, and changes the type of
    none: https://www.postgresql.org/docs/current/ddl-depend.html
    """
    table = logged.table
    if table.of or not logged.columns:
        return []
    listed = ", ".join(quoted(c) for c in logged.columns)
    name, on = quoted(trigger_name(table, READS)), written(table)
    return [
        f"CREATE OR REPLACE TRIGGER {name} AFTER UPDATE OF {listed} ON {on}\n"
        "WHEN (false) /* it keeps them from being dropped */ "
        f"EXECUTE FUNCTION {quoted(capture_name(table))}()"
    ]


def triggers(table: BaseTable) -> list[str]:
    """What has a table's changes written down."""
    on, capture = written(table), capture_name(table)
    trigger = [
        f"CREATE TRIGGER {quoted(trigger_name(table, what))} {when} ON {on}{rows}\n"
        f"FOR EACH {level} EXECUTE FUNCTION {quoted(capture)}()"
        for what, when, rows, level in events(table)
    ]
    if has_replica(table):
        # Logical replication fires row triggers only, and only those that are said to be for it.
        replica = quoted(trigger_name(table, "replica"))
        trigger += (
            f"CREATE TRIGGER {replica} AFTER INSERT OR UPDATE OR DELETE ON {on}\n"
            "FOR EACH ROW WHEN (current_setting('session_replication_role') = 'replica')\n"
            f"EXECUTE FUNCTION {quoted(capture)}()",
            f"ALTER TABLE {on} ENABLE REPLICA TRIGGER {replica}",
        )
    return trigger


def typed(column: BaseColumn) -> str:
    """A column's type as a CREATE TABLE says it."""
    return f"{column.type} COLLATE {quoted(column.collation)}" if column.collation else column.type


def events(table: BaseTable) -> list[tuple[str, str, str, str]]:
    """The triggers of a table. A partition that is written to itself fires row triggers only."""
    before = ("truncate", "BEFORE TRUNCATE", "", "STATEMENT")
    if table.fact("partitioned"):
        return [("change", "AFTER INSERT OR UPDATE OR DELETE", "", "ROW"), before]
    new, old = "NEW TABLE AS new_rows", "OLD TABLE AS old_rows"
    return [
        ("insert", "AFTER INSERT", f" REFERENCING {new}", "STATEMENT"),
        ("update", "AFTER UPDATE", f" REFERENCING {new} {old}", "STATEMENT"),
        ("delete", "AFTER DELETE", f" REFERENCING {old}", "STATEMENT"),
        before,
    ]


def has_replica(table: BaseTable) -> bool:
    """Whether a trigger of its own is for logical replication."""
    return not table.fact("partitioned") and not table.of


def capture_name(table: BaseTable) -> str:
    return bounded(f"stepping_capture_{stem(table)}")


def trigger_name(table: BaseTable, what: str) -> str:
    return bounded(f"stepping_{table.name}_{what}" if table.of else f"stepping_{what}")


def capture_function(logged: Logged) -> str:
    """What a table's triggers run."""
    table, columns = logged.table, logged.columns
    log = quoted(log_name(table))
    listed = ", ".join(quoted(c) for c in columns)
    into = f"INSERT INTO {log} (stepping_n, stepping_c{', ' if columns else ''}{listed})"

    def row(side: str) -> str:
        return "".join(f", {side}.{quoted(c)}" for c in columns)

    def rows(changed: str) -> str:
        if not table.of:
            return changed
        made = rows_of_result(table, f"SELECT * FROM {changed}")
        return f"(\n{indented(made, 4)}\n  ) AS made"

    rest = f", {listed}" if columns else ""
    by, values = as_grouped(logged)
    grouped = f" GROUP BY {', '.join(by)}" if columns else ""
    same = "".join(f", {value}" for value in values)
    unchanged: tuple[str, ...] = ()
    if columns and not table.of:  # an update of a result may change how often a row is there
        images = ", ".join(by)
        unchanged = (
            "IF TG_OP = 'UPDATE' AND TG_LEVEL = 'STATEMENT' THEN  -- of columns that are read?",
            f"  IF NOT EXISTS (SELECT {images} FROM new_rows\n"
            f"    EXCEPT ALL SELECT {images} FROM old_rows) THEN RETURN NULL; END IF;",
            "END IF;",
        )
    # Who is deferred asks the log itself.
    noted = (
        "IF FOUND THEN",
        f"  PERFORM stepping_note_change({literal(log_name(table))}, stepping_first);",
        "END IF;",
    )
    lines = [
        *unchanged,
        "IF TG_OP = 'TRUNCATE' THEN  -- before it: all rows are still there",
        f"  {into} SELECT stepping_first, -1{rest} FROM {qualified(table)};",
        *(
            ()
            if table.of
            else (
                "ELSIF TG_LEVEL = 'ROW' THEN",
                "  IF TG_OP <> 'INSERT' THEN "
                f"{into} VALUES (stepping_first, -1{row('OLD')}); END IF;",
                "  IF TG_OP <> 'DELETE' THEN "
                f"{into} VALUES (stepping_first, 1{row('NEW')}); END IF;",
            )
        ),
        "ELSIF TG_OP = 'INSERT' THEN",
        f"  {into} SELECT stepping_first, 1{rest} FROM {rows('new_rows')};",
        "ELSIF TG_OP = 'DELETE' THEN",
        f"  {into} SELECT stepping_first, -1{rest} FROM {rows('old_rows')};",
        "ELSE  -- rows that are the same in these columns cancel",
        f"  {into} SELECT stepping_first, sum(stepping_c){same}\n"
        f"    FROM (SELECT 1 AS stepping_c{rest} FROM {rows('new_rows')}\n"
        f"          UNION ALL SELECT -1{rest} FROM {rows('old_rows')}) AS r\n"
        f"   {grouped} HAVING sum(stepping_c) <> 0;",
        "END IF;",
        *(noted if logged.folds_by_itself else ()),
        "RETURN NULL;",
    ]
    text = "\n".join(indented(line) for line in lines)
    return (
        f"CREATE OR REPLACE FUNCTION {quoted(capture_name(table))}() RETURNS trigger\n"
        f"LANGUAGE plpgsql {DEFINER} AS $stepping$\n#variable_conflict use_column\n"
        "DECLARE stepping_first bigint := stepping_next_row();\n"
        f"BEGIN\n{text}\nEND $stepping$"
    )


def as_grouped(logged: Logged) -> tuple[list[str], list[str]]:
    """What rows are grouped by that are the same, and the values of a group.

    1.0 and 1.00 are equal and not the same; json has no equality at all. Of a type that is not
    Postgres's own a text says everything.
    """
    described = {each.name: each for each in logged.table.columns}
    by, values = [], []
    for column in logged.columns:
        name, of_type = quoted(column), described[column].type
        image = f'{name}::text COLLATE "C"'
        element = of_type.removesuffix("[]")
        known = named_type(element)
        if known.unequal or not is_known(element):
            # A cast to another type would leave a COLLATE next to it out.
            text = f"({image} || '')"
            by.append(text)
            values.append(f"{text}::{typed(described[column])}")
        else:
            exact = not known.varied and not described[column].collation
            by += [name] if exact else [name, image]
            values.append(name)
    return by, values


def table_drop(table: BaseTable) -> list[str]:
    """Takes away what `table_ddl` makes."""
    on = written(table)
    made = [what for what, *_ in events(table)]
    made += ["replica"] if has_replica(table) else []
    made += [] if table.of else [READS]
    return [
        *(f"DROP TRIGGER IF EXISTS {quoted(trigger_name(table, what))} ON {on}" for what in made),
        f"DROP FUNCTION IF EXISTS {quoted(capture_name(table))}()",
        f"DROP TABLE IF EXISTS {quoted(log_name(table))}",
    ]


def written(table: BaseTable) -> str:
    """The table whose rows are written: of a result of ours, the one that keeps it."""
    return quoted(table.fact("kept")) if table.of else qualified(table)


def qualified(table: BaseTable) -> str:
    return f"{quoted(table.schema)}.{quoted(table.name)}" if table.schema else quoted(table.name)
