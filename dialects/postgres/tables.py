"""How Postgres keeps tables: their types, keys, hashes and indexes."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from sqlalchemy import types as sa
from sqlalchemy.dialects import postgresql as pg
from sqlglot import exp

from stepping.compiler.plan.tables import Table, TableColumn, TableIndex, TableKind
from stepping.compiler.schema import Kind, bounded
from stepping.dialects.base import Dialect, Expression
from stepping.dialects.metadata import Verbatim, create_statements
from stepping.dialects.natives import verbatim_type
from stepping.dialects.postgres.sum_functions import functions_of
from stepping.dialects.postgres.type_facts import plain_name

# Kinds whose values are short, so that a B-tree takes them: it refuses rows over 2,704 bytes.
_SHORT = frozenset(
    {
        Kind.INT,
        Kind.FLOAT,
        Kind.BOOL,
        Kind.DATE,
        Kind.DATETIME,
        Kind.TIMESTAMP,
        Kind.TIME,
        Kind.UUID,
        Kind.ENUM,
    }
)

_PREFIX = 200  # characters of a long value that an index orders by

_MOST_TERMS = 32  # of an index (postgresql.org/docs/current/limits.html); rows are compared whole

TEXTS = frozenset({Kind.TEXT, Kind.ENUM})


def starts(identity: tuple[str, ...], columns: tuple[str, ...]) -> bool:
    """Whether columns are the beginning of a primary key, whose index then serves them."""
    return identity[: len(columns)] == columns


def _engine() -> Any:
    # With its own paramstyle it writes a % in a name twice.
    return pg.dialect(paramstyle="named")  # type: ignore[no-untyped-call]


def text_image(value: Expression) -> Expression:
    """A text that tells a value from all that are not the same."""
    text = exp.Cast(this=value.copy(), to=verbatim_type("text"))
    return exp.Collate(this=text, expression=exp.to_identifier("C", quoted=True))


class PostgresTables(Dialect):
    """What is said of one table."""

    def source(self, table: Table) -> Expression:
        schema = self.identifier(table.schema) if table.schema else None
        return exp.Table(this=self.identifier(table.name), db=schema)

    def sqlalchemy_type(self, column: TableColumn) -> Any:
        match column.type.kind:
            case Kind.INT:
                return sa.BIGINT()
            case Kind.FLOAT:
                return pg.DOUBLE_PRECISION()
            case Kind.BOOL | Kind.NULL:
                return sa.BOOLEAN()
            case Kind.TEXT | Kind.ENUM:
                return sa.TEXT(collation="C")  # ordered by code point, as Python orders
            case Kind.BYTES | Kind.PACKED:
                return pg.BYTEA()
            case Kind.DECIMAL:
                scale = column.type.scale
                return sa.NUMERIC() if scale is None else sa.NUMERIC(38, scale)
            case Kind.DATE:
                return sa.DATE()
            case Kind.DATETIME:
                return pg.TIMESTAMP()
            case Kind.TIMESTAMP:
                return pg.TIMESTAMP(timezone=True)
            case Kind.TIME:
                return pg.TIME()
            case Kind.UUID:
                return pg.UUID()
            case Kind.NATIVE:
                return Verbatim(str(column.type.native))

    def allows_null(self, column: TableColumn) -> bool:
        return column.type.nullable

    def identity(self, table: Table) -> tuple[str, ...]:
        plain = len(table.key) <= _MOST_TERMS
        plain = plain and all(self.is_plain(table.column(name)) for name in table.key)
        return table.key if table.kind is TableKind.STATE and plain else ()

    def table_options(self, table: Table) -> dict[str, Any]:
        if table.kind is not TableKind.STATE:
            return {}
        # Room on the page for a group's next row: no index holds a sum, so that the update is
        # heap-only (postgresql.org/docs/current/storage-hot.html).
        return {"postgresql_with": {"fillfactor": 70}}

    def is_plain(self, column: TableColumn) -> bool:
        """Whether rows can be looked up by the column itself, not by its hash."""
        kind, scale, native = column.type.kind, column.type.scale, column.type.native
        short = kind in _SHORT or (kind is Kind.DECIMAL and scale is not None)
        short = short or (native is not None and native.short)
        return short and not column.type.nullable

    def column_type(self, column: TableColumn) -> str:
        return str(self.sqlalchemy_type(column).compile(dialect=_engine()))

    def table_ddl(self, table: Table) -> tuple[str, ...]:
        created = create_statements(table, self, _engine())
        orders = [self.order_index(table, each) for each in self.order_indexes(table)]
        on = self.quoted(table.name)
        keys = []
        taken: set[str] = set()
        for key, terms in self.key_indexes(table):
            called = bounded(f"{table.name}__{'_'.join(key) or 'row'}_key")
            if called in taken:  # a_b, and a with b
                called = bounded(f"{table.name}_{len(taken)}__{'_'.join(key)}_key")
            taken.add(called)
            index = self.quoted(called)
            keys.append(f"CREATE INDEX IF NOT EXISTS {index} ON {on} ({', '.join(terms)})")
        whole = () if self.identity(table) else self.published_whole(table.name)
        about = (self.comment(table), *functions_of(table, self.left_over(table, exp.column)))
        return (*created, *orders, *keys, *whole, *about)

    def published_whole(self, name: str) -> tuple[str, ...]:
        # Postgres refuses to update or delete rows of a published table without one. This costs
        # nothing where wal_level is not logical; there the old row is logged with each change of
        # it. A surrogate key costs a column and an index entry for each row, wherever it is.
        return (f"ALTER TABLE {self.quoted(name)} REPLICA IDENTITY FULL",)

    def order_indexes(self, table: Table) -> list[TableIndex]:
        """Those that rows are read in the order of, but for the primary key."""
        identity = self.identity(table)
        return [
            each
            for each in table.indexes
            if each.ascending and not (all(each.ascending) and starts(identity, each.columns))
        ]

    def key_indexes(self, table: Table) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        """The keys that rows are looked up by, each with the terms of its index."""
        is_delay, identity = table.kind is TableKind.DELAY, self.identity(table)
        looked_up = [i.columns for i in table.indexes if not i.ascending]
        found = []
        for position, key in enumerate(dict.fromkeys([table.key, *looked_up])):
            if is_delay and position == 0:
                found.append((key, self.identity_terms(table)))
            elif is_delay or (key and not starts(identity, key)):
                most = _MOST_TERMS - 1 if is_delay else _MOST_TERMS
                found.append((key, tuple(self.index_term(table.column(k)) for k in key[:most])))
        return found

    @functools.lru_cache(maxsize=256)  # noqa: B019 - dialects are few, and stay
    def index_terms(self, table: Table) -> list[tuple[str, ...]]:
        """The terms of each index of a table, in whatever direction they are sorted."""
        identity = self.identity(table)
        primary = [tuple(self.quoted(name) for name in identity)] if identity else []
        keys = [terms for _, terms in self.key_indexes(table)]
        orders = [self.order_terms(table, each) for each in self.order_indexes(table)]
        return [*primary, *keys, *(tuple(term for term, _ in order) for order in orders)]

    def comment(self, table: Table) -> str:
        r"""What `\d+` shows of a table."""
        text = str(exp.Literal.string(self.remark(table)).sql(dialect=self.sqlglot_name))
        return f"COMMENT ON TABLE {self.quoted(table.name)} IS {text}"

    def remark(self, table: Table) -> str:
        """What a table is for. Not where the query calls it: that moves, and the table stays."""
        return f"stepping: {table.reason}; for {table.serves}"

    def identity_terms(self, table: Table) -> tuple[str, ...]:
        # The hash of the whole row behind the key tells rows with equal keys apart; a hash
        # that is an expression is computed again when a dump is restored.
        parts = [self.index_term(table.column(each)) for each in table.key[: _MOST_TERMS - 1]]
        if table.kind is TableKind.STATE:
            return tuple(parts)
        return (*parts, f"({self.quoted_row_hash(table)})")

    def index_term(self, column: TableColumn) -> str:
        if self.is_plain(column):
            return self.quoted(column.name)
        reference = exp.column(self.identifier(column.name))
        return f"({self.text(self.hashed(column, reference))})"

    def hashed(self, column: TableColumn, value: Expression) -> Expression:
        """A 64-bit hash of a value of any length, of None as well."""
        native = column.type.native
        is_text = column.type.kind in TEXTS
        is_text = is_text or (
            native is not None and plain_name(native) in ("text", "character varying")
        )
        if is_text and not column.type.nullable:
            arguments = [value, exp.Literal.number(0)]
            return exp.Anonymous(this="hashtextextended", expressions=arguments)
        return self.row_hash(self.hashable([column], [value]))

    def hashable(
        self, columns: Sequence[TableColumn], values: Sequence[Expression]
    ) -> list[Expression]:
        """Values of which Postgres has a hash: of those without one, texts."""
        return [
            text_image(value)
            if column.type.native is not None and column.type.native.unhashed
            else value
            for column, value in zip(columns, values, strict=True)
        ]

    def row_hash(self, values: Sequence[Expression]) -> Expression:
        row = exp.Anonymous(this="ROW", expressions=[value.copy() for value in values])
        return exp.Anonymous(this="hash_record_extended", expressions=[row, exp.Literal.number(0)])

    def quoted_row_hash(self, table: Table) -> str:
        columns = [table.column(name) for name in table.names]
        values = [exp.column(self.identifier(name)) for name in table.names]
        return self.text(self.row_hash(self.hashable(columns, values)))

    def prefix(self, column: TableColumn, value: Expression) -> Expression | None:
        """The start of a value that may be too long for an index; it sorts first by that."""
        if column.type.kind is Kind.TEXT:
            return exp.Anonymous(
                this="left", expressions=[value.copy(), exp.Literal.number(_PREFIX)]
            )
        if column.type.kind in (Kind.BYTES, Kind.PACKED):
            return exp.Anonymous(
                this="substr",
                expressions=[value.copy(), exp.Literal.number(1), exp.Literal.number(_PREFIX)],
            )
        return None

    def plain_indexes(self, table: Table) -> tuple[TableIndex, ...]:
        return ()

    def order_index(self, table: Table, index: TableIndex) -> str:
        """An index that rows are read in the order of, whatever their length."""
        order = self.order_terms(table, index)
        terms = ", ".join(term if up else f"{term} DESC" for term, up in order)
        name, on = self.quoted(index.name), self.quoted(table.name)
        return f"CREATE INDEX IF NOT EXISTS {name} ON {on} ({terms})"

    def order_terms(self, table: Table, index: TableIndex) -> list[tuple[str, bool]]:
        """The terms of an index of an order, each with whether it ascends."""
        terms = []
        # A sort by more begins with the order of the index, and only orders its ties.
        ordered = list(zip(index.columns, index.ascending, strict=True))[:_MOST_TERMS]
        for position, (name, up) in enumerate(ordered):
            column = table.column(name)
            if position < index.equal:
                terms.append((self.index_term(column), True))
                continue
            native = column.type.native
            if native is not None and (native.unequal or native.name == "jsonb"):
                break  # no order, or values of any length: what is behind orders ties only
            reference = exp.column(self.identifier(name))
            prefix = self.prefix(column, reference)
            terms.append((self.quoted(name) if prefix is None else f"({self.text(prefix)})", up))
        return terms
