"""What Alembic is told of our tables: that none which is installed is to be dropped.

A plugin of Alembic (from 1.18 on), under a name that the default pattern of autogenerate has:
``autogenerate_plugins=["alembic.autogenerate.*", "~alembic.autogenerate.stepping"]`` leaves it out.
"""

from __future__ import annotations

import sys
from typing import Any

from sqlalchemy import Connection, column, inspect, select, table

from stepping.compiler.plan.data import from_text
from stepping.compiler.plan.manifest import Manifest
from stepping.dialects.metadata import HOLDS

PLUGIN = "alembic.autogenerate.stepping"
CATALOG = "stepping_queries"


def setup(plugin: Any) -> None:
    """Called by Alembic."""
    from alembic.util import DispatchPriority

    last = DispatchPriority.LAST  # behind what compares tables
    plugin.add_autogenerate_comparator(leave_alone, "schema", priority=last)


def tell_alembic() -> None:
    """Set the plugin up where Alembic is in use and has not found it: of a zip, or a checkout."""
    plugins = sys.modules.get("alembic.runtime.plugins")
    if plugins is not None and PLUGIN not in plugins._all_plugins:
        plugins.Plugin.setup_plugin_from_module(sys.modules[__name__], PLUGIN)


def leave_alone(context: Any, upgrade: Any, schemas: set[str | None]) -> Any:
    """Take back what would change a table that is installed, unless the application names it."""
    from alembic.operations.ops import CreateTableOp, DropTableOp, ModifyTableOps
    from alembic.util import PriorityDispatchResult

    default = context.connection.dialect.default_schema_name
    wanted = {
        (None if each.schema == default else each.schema, each.name): each.info.get(HOLDS)
        for each in context.sorted_tables
    }
    ours: set[tuple[str | None, str]] = set()
    for schema in schemas:
        names, by_digest = installed(context.connection, schema)
        ours |= {(schema, name) for name in names if (schema, name) not in wanted}
        # What is installed keeps its name, where a new table of its kind has another.
        ours |= {
            (where, name)
            for (where, name), digest in wanted.items()
            if where == schema
            and digest
            and (digest in by_digest or name in names)
            and by_digest.get(digest) != name
        }
    upgrade.ops[:] = [
        each
        for each in upgrade.ops
        if not isinstance(each, CreateTableOp | DropTableOp | ModifyTableOps)
        or (each.schema, each.table_name) not in ours
    ]
    return PriorityDispatchResult.CONTINUE


def installed(connection: Connection, schema: str | None) -> tuple[set[str], dict[str | None, str]]:
    """The tables that are ours: those of each installed query, and those that say what is; and the
    names of those of queries by what they hold.
    """
    there = inspect(connection).get_table_names(schema=schema)
    if CATALOG not in there:
        return set(), {}
    catalog = table(CATALOG, column("tables"), schema=schema)
    found = {name for name in there if name == "last_update" or name.startswith("stepping_")}
    by_digest: dict[str | None, str] = {}
    for (text,) in connection.execute(select(catalog.c.tables)):
        manifest = from_text(text, Manifest, f"what {CATALOG} says of a query")
        found |= {each.table.name for each in manifest.tables}
        by_digest |= {each.table.digest: each.table.name for each in manifest.tables}
    return found, by_digest
