"""Names of tables and indexes: readable, stable, at most 63 bytes.

A kept table, or a view that other tables are computed of, is ``<query>__<role>``. The role is the
input's name where an input's rows are kept, as they are; the cache's where exactly one cache shows
what is kept; the inputs' names of a map or a filter of them; else the variable that the query
gives it, or what the operator is called. Where that name is taken, it is ``<query>__<role>_2``.

It is fixed when it is installed. What is installed keeps its name, found by the digest of what it
holds: so renaming a variable or moving a function changes nothing in a database, and what holds
something else than a table that is there, while that is there, has another name than it. With
``names="digest"`` a new table is ``<query>__<role>_<six hex digits of its digest>``.

No two queries of a database have a table of one name. The digest is of what the table holds, and
the same for two queries that mean the same; what comes before the first ``__`` is of one only. A
role has no ``__``, so that an index, whose name is its table's with ``__`` and columns behind it,
has the name of no other table.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from stepping.compiler import ir
from stepping.compiler.frontend.variables import named
from stepping.compiler.plan.table_names import TableNames, free
from stepping.compiler.plan.tables import TableColumn
from stepping.compiler.schema import IDENTIFIER_BYTES, bounded, fitted, query_prefix, relation_name

_DIGITS = 6
_DIGESTED = re.compile(r"_[0-9a-f]{6}$")


class Naming:
    """Gives the kept tables of one query their names."""

    def __init__(
        self,
        query: str,
        known: TableNames,
        caches: Mapping[str, ir.Operator],
        inputs: Iterable[ir.Operator],
    ) -> None:
        self.query, self.known = query, known
        shown = [operator.inputs[0] for operator in caches.values()]
        self.first = {op.inputs[0]: cache for cache, op in reversed(list(caches.items()))}
        often = Counter(shown)
        self.only = {op: cache for op, cache in self.first.items() if often[op] == 1}
        relations = [f"{query_prefix(query)}_{cache}" for cache in caches]
        relations += [relation_name(query, cache) for cache in caches]
        ours = [*relations, *(f"{each}_live" for each in relations), changed_name(query)]
        ours += [f"{query}__read", f"{query}__reading"]
        ours += [waiting_name(query, each.label) for each in inputs]
        self.taken = {bounded(each).lower() for each in ours} | known.taken
        self.taken |= {name.lower() for name in known.by.values()}

    def of(self, operator: ir.Operator, digest: str, cache: str | None = None) -> str:
        """The name of the table of an operator, whose rows a cache may show."""
        installed = self.known.by.get(digest)
        if installed is not None:
            return installed
        if self.known.by_digest:
            return table_name(self.query, cache or role_of(operator), digest)
        role = re.sub(r"[\s_]+", "_", self.role(operator, cache)).strip("_") or "rows"
        return free(f"{query_prefix(self.query)}__{role}", self.taken)

    def role(self, operator: ir.Operator, cache: str | None) -> str:
        """What a table holds, in the words of who wrote the query."""
        if not operator.inputs:
            return operator.label
        if cache is not None and operator in self.only:
            return cache
        if is_linear(operator):
            return role_of(operator)
        return named(operator.origin).variable or operator.label


def table_name(query: str, role: str, digest: str) -> str:
    """The name of a kept table that tells by its digest what it holds."""
    return fitted(f"{query_prefix(query)}__{role}", f"_{digest[:_DIGITS]}")


def index_name(table: str, columns: Iterable[str]) -> str:
    """The name of an index of a table, whose name it starts with."""
    return bounded(f"{table}__{'_'.join(columns)}")


def another_index_name(table: str, columns: Iterable[str], serial: int) -> str:
    """That of an index of columns that another index of the table has already."""
    if _DIGESTED.search(table):  # as it always was
        return index_name(f"{table}_{serial}", columns)
    return index_name(table, (*columns, str(serial + 1)))


def delta_name(role: str, columns: Iterable[TableColumn], taken: set[str]) -> str:
    """The name of a table that holds one step's change; it exists per connection only.

    Several queries may be run on one connection: what has the same name has the same columns, and
    is emptied by each step.
    """
    digest = ir.digest_of(tuple((column.name, column.type) for column in columns)).hex()
    tail = f"_{digest[:_DIGITS]}"
    name = stem = fitted(f"stepping_{role}", tail, IDENTIFIER_BYTES - 4)
    serial = 2
    while name.lower() in taken:
        name = f"{stem}_{serial}"
        serial += 1
    taken.add(name.lower())
    return name


def waiting_name(query: str, label: str) -> str:
    """The name of the view of an input's changes that wait to be folded into a captured query."""
    return bounded(re.sub(r"\s+", "_", f"{query_prefix(query)}__{label}_waiting"))


def changed_name(query: str) -> str:
    """The name of the view of how the groups of a captured query change by what waits."""
    return bounded(f"{query_prefix(query)}__changed_groups")


def role_of(operator: ir.Operator) -> str:
    """What an operator's rows are, by the input's name while they are that, or a map of it."""
    if is_linear(operator):
        names = [each.label for each in ir.topological(operator) if not each.inputs]
        return "_".join(dict.fromkeys(names))
    return operator.label


def is_linear(operator: ir.Operator) -> bool:
    """Whether each row of it is made of a row of an input."""
    return all(each.linear for each in ir.topological(operator))
