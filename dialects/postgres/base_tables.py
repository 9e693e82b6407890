"""What Postgres says of the application's tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stepping.compiler.plan.base_tables import BaseColumn, BaseIndex, BaseTable, TableRef
from stepping.dialects.identifiers import quoted

Read = Callable[..., list[tuple[Any, ...]]]

_KINDS = {
    "v": "a view",
    "m": "a materialized view",
    "f": "a foreign table",
    "c": "a composite type",
    "S": "a sequence",
}
_TABLE = """
SELECT c.oid::bigint, n.nspname::text, c.relname::text, c.relkind::text, c.relpersistence::text,
       c.relforcerowsecurity, c.relrowsecurity, c.reltuples::bigint,
       n.nspname = current_schema(),
       EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid),
       EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid),
       pg_get_userbyid(c.relowner)::text,
       pg_has_role(current_user, c.relowner, 'USAGE'),
       (SELECT r.rolsuper OR r.rolbypassrls FROM pg_roles r WHERE r.rolname = current_user)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass($1)"""
_COLUMNS = """
SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
       CASE WHEN a.attcollation <> t.typcollation OR co.collname <> 'default'
            THEN co.collname::text ELSE '' END,
       a.attgenerated <> '',
       coalesce(co.collisdeterministic, true)
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_collation co ON co.oid = a.attcollation
WHERE a.attrelid = $1::bigint AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum"""
_INDEXES = """
SELECT i.indexrelid::regclass::text, i.indisunique,
       (SELECT array_agg(a.attname::text ORDER BY k.place)
        FROM unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, place)
        LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
        WHERE k.place <= i.indnkeyatts),
       i.indoption::int2[], am.amname = 'btree'
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am am ON am.oid = c.relam
WHERE i.indrelid = $1::bigint AND i.indisvalid AND i.indpred IS NULL"""


def described(read: Read, table: TableRef) -> BaseTable | None:
    """A table as it is in the database; None if there is none of that name."""
    rows = read(_TABLE, (named(table),))
    if not rows:
        return None
    (oid, schema, name, kind, persistence, forced, secured, count, is_own, *others) = rows[0]
    has_children, is_child, owner, owns, bypasses = others
    what = _KINDS.get(kind, "table")
    if what == "table" and persistence == "t":
        what = "a temporary table"
    if what == "table" and kind == "r" and has_children:
        what = "a table with inheritance children"
    facts = [("owner", owner)]
    facts += [("partitioned", "yes")] if kind == "p" else []
    facts += [("forced_rls", "yes")] if forced and not bypasses else []
    facts += [("rls", "yes")] if secured and not bypasses and not owns else []
    facts += [("not_owner", "yes")] if not owns else []
    facts += [("child", "yes")] if is_child else []
    columns = tuple(
        BaseColumn(column, type_, nullable, collation, generated)
        for column, type_, nullable, collation, generated, _ in read(_COLUMNS, (oid,))
    )
    indexes, keys = [], []
    for index, unique, on, options, is_btree in read(_INDEXES, (oid,)):
        if on and all(column is not None for column in on):
            # INDOPTION_DESC and INDOPTION_NULLS_FIRST; if nothing is said they go together.
            down = tuple(bool(each & 1) for each in options)
            first = tuple(bool(each & 2) for each in options)
            order = down if any(down) else (), first if first != down else ()
            indexes.append(BaseIndex(index, tuple(on), unique, *order, ordered=is_btree))
            keys += [tuple(on)] if unique else []
    return BaseTable(
        name,
        "" if is_own else schema,
        what,
        columns,
        tuple(indexes),
        tuple(dict.fromkeys(keys)),
        facts=tuple(facts),
        rows=max(count, -1),
    )


def named(table: TableRef) -> str:
    """A table's name as `to_regclass` reads it."""
    parts = [table.schema, table.name] if table.schema else [table.name]
    return ".".join(map(quoted, parts))
