"""The plugin that Alembic loads when it is imported itself: what it compares is in `revisions`."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from stepping.dialects.alembic import tell_alembic as tables_are_left_alone

PLUGIN = "alembic.autogenerate.stepping_queries"


def setup(plugin: Any) -> None:
    """Called by Alembic."""
    from alembic.util import DispatchPriority
    from sqlalchemy.dialects.postgresql.base import PGDialect
    from sqlalchemy.types import Text

    # Alembic reflects every table, and columns of ours are of types that SQLAlchemy warns of.
    for name in ("pg_snapshot", "xid8"):
        PGDialect.ischema_names.setdefault(name, Text)
    plugin.add_autogenerate_comparator(compare, "schema", priority=DispatchPriority.LAST)


def compare(context: Any, upgrade: Any, schemas: set[str | None]) -> Any:
    """Add what has to be done for the queries of the code to be those that are installed."""
    return importlib.import_module("stepping.revisions").compare_queries(context, upgrade)


def tell_alembic() -> None:
    """Set the plugin up where Alembic is in use and has not found it: of a zip, or a checkout."""
    plugins = sys.modules.get("alembic.runtime.plugins")
    if plugins is not None:
        tables_are_left_alone()
        importlib.import_module("stepping.revisions")  # op.create_maintained_view
        if PLUGIN not in plugins._all_plugins:
            plugins.Plugin.setup_plugin_from_module(sys.modules[__name__], PLUGIN)
