"""Names of tables and indexes: readable, stable, at most 63 bytes.

``<query>__<role>_<six hex digits of the digest>``: the role says what the table holds. Renaming a
variable or moving a function changes nothing; changing what is stored changes the digest.

No two queries of a database have a table of one name. The digest is of what the table holds, and
the same for two queries that mean the same; what comes before the first ``__`` is of one only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from stepping.compiler import ir
from stepping.compiler.plan.tables import TableColumn
from stepping.compiler.schema import IDENTIFIER_BYTES, bounded, query_prefix

_DIGITS = 6


def table_name(query: str, role: str, digest: str) -> str:
    """The name of a kept table."""
    tail = f"_{digest[:_DIGITS]}"
    return _fitted(f"{query_prefix(query)}__{role}", IDENTIFIER_BYTES - len(tail)) + tail


def index_name(table: str, columns: Iterable[str]) -> str:
    """The name of an index of a table, whose name it starts with."""
    return bounded(f"{table}__{'_'.join(columns)}")


def delta_name(role: str, columns: Iterable[TableColumn], taken: set[str]) -> str:
    """The name of a table that holds one step's change; it exists per connection only.

    Several queries may be run on one connection: what has the same name has the same columns, and
    is emptied by each step.
    """
    digest = ir.digest_of(tuple((column.name, column.type) for column in columns)).hex()
    tail = f"_{digest[:_DIGITS]}"
    name = stem = _fitted(f"stepping_{role}", IDENTIFIER_BYTES - len(tail) - 4) + tail
    serial = 2
    while name.lower() in taken:
        name = f"{stem}_{serial}"
        serial += 1
    taken.add(name.lower())
    return name


def waiting_name(query: str, label: str) -> str:
    """The name of the view of an input's changes that wait to be folded into a captured query."""
    return bounded(_fitted(f"{query_prefix(query)}__{label}_waiting", 10_000))


def changed_name(query: str) -> str:
    """The name of the view of how the groups of a captured query change by what waits."""
    return bounded(f"{query_prefix(query)}__changed_groups")


def role_of(operator: ir.Operator) -> str:
    """What an operator's rows are, by the input's name while they are that, or a map of it."""
    if all(each.linear for each in ir.topological(operator)):
        names = [each.label for each in ir.topological(operator) if not each.inputs]
        return "_".join(dict.fromkeys(names))
    return operator.label


def _fitted(text: str, most: int) -> str:
    text = re.sub(r"\s+", "_", text)
    raw = text.encode("utf-8", "surrogatepass")
    return raw[:most].decode("utf-8", "ignore").rstrip("_") if len(raw) > most else text
