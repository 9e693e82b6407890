"""Postgres's words of a backfill. It would round a number, or read a time in the session's zone, to
make it fit a column; and it has values that Python has not.
"""

from __future__ import annotations

import re

from stepping.compiler.plan.tables import Table, TableColumn
from stepping.compiler.schema import Kind
from stepping.dialects.backfill import MOST_SHOWN, BackfillWords

_INTS = ("smallint", "integer", "bigint")
_FLOATS = ("real", "double precision")
_BITS = {"smallint": 16, "integer": 32, "bigint": 64}
_TEXTS = ("text", "character varying", "character", "name")
_DAY = r"(?!0000)\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_TIME = r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?"
_ZONE = r"(Z|[+-](0\d|1[0-5])(:?[0-5]\d)?)"
_NUMBER = r"[-+]?(\d+\.?\d*|\.\d+)"
_UUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}"


class PostgresBackfillWords(BackfillWords):
    session = (
        "SET LOCAL datestyle = 'ISO, YMD'",
        "SET LOCAL extra_float_digits = 1",
    )

    def source(self, sql: str) -> str:
        # Behind OFFSET a constant is none: it would be cast, and fail, before its type is asked.
        return f"(SELECT * FROM (\n{sql}\n) AS r OFFSET 0)"

    def converted(self, column: TableColumn, value: str) -> str:
        made = self.of_kind(column, value)
        if column.type.choices:
            stored = [getattr(each, "name", each) for each in column.type.choices]
            some = self.literals(each for each in stored if each is not None)
            return f"CASE WHEN {made} IN ({some}) THEN {made} END"
        return made

    def of_kind(self, column: TableColumn, value: str) -> str:
        atom = column.type
        # Through text: so a SELECT of a type that cannot be cast is told which column it is.
        text = f"{value}::text"
        number = f"{text}::numeric"
        match atom.kind:
            case Kind.INT:
                whole = (
                    f"{number} BETWEEN {-(2**63)} AND {2**63 - 1} AND {number} = trunc({number})"
                )
                return _of(value, (_INTS, f"{text}::bigint"), (("numeric",), _if(whole, number)))
            case Kind.FLOAT:
                is_number = f"{text}::float8 <> 'NaN'"
                made = _if(is_number, f"{text}::float8 + 0.0::float8")
                return _of(value, ((*_INTS, "numeric", *_FLOATS), made))
            case Kind.BOOL:
                return _of(value, (("boolean",), f"{text}::boolean"))
            case Kind.TEXT:
                return _of(value, (_TEXTS, text))
            case Kind.BYTES:
                return _of(value, (("bytea",), f"{text}::bytea"))
            case Kind.DECIMAL:
                made = decimal(number, atom.scale)
                of_text = _if(matches(text, _NUMBER), made)
                return _of(value, ((*_INTS, "numeric", *_FLOATS), made), (_TEXTS, of_text))
            case Kind.DATE:
                made = within_years(f"{text}::date")
                return _of(value, (("date",), made), (_TEXTS, written(text, _DAY, made)))
            case Kind.DATETIME:
                made = within_years(f"{text}::timestamp")
                form = written(text, f"{_DAY}([ T]{_TIME})?", made)
                return _of(value, (("timestamp without time zone",), made), (_TEXTS, form))
            case Kind.TIMESTAMP:
                made = within_years(f"{text}::timestamptz", " UTC")
                form = written(text, f"{_DAY}[ T]{_TIME}{_ZONE}", made)
                return _of(value, (("timestamp with time zone",), made), (_TEXTS, form))
            case Kind.TIME:
                made = _if(f"{text}::time < '24:00'", f"{text}::time")
                form = _if(matches(text, _TIME), made)
                return _of(value, (("time without time zone",), made), (_TEXTS, form))
            case Kind.UUID:
                form = _if(matches(text, _UUID), f"{text}::uuid")
                return _of(value, (("uuid",), f"{text}::uuid"), (_TEXTS, form))
            case Kind.ENUM:
                return _if(f"{text} IN ({self.literals(atom.members)})", text)
            case Kind.NATIVE if atom.native is not None:
                return self.native(atom.native.name, value)
            case _:
                return f"NULL::{self.dialect.column_type(column)}"

    def native(self, name: str, value: str) -> str:
        """A value of one of the database's own types, from one that it would not be rounded or
        cut from.
        """
        base = re.sub(r"\([^)]*\)", "", name)
        text, cast = f"{value}::text", f"({value}::text)::{name}"
        if base in _BITS:
            number, most = f"{text}::numeric", 2 ** (_BITS[base] - 1)
            whole = f"{number} BETWEEN {-most} AND {most - 1} AND {number} = trunc({number})"
            return _of(value, ((*_INTS, "numeric"), _if(whole, f"{number}::{name}")))
        if base == "numeric" or base in _FLOATS:
            same = f"{cast}::numeric = {text}::numeric" if base == "numeric" else "true"
            return _of(value, ((*_INTS, "numeric", *_FLOATS), _if(same, cast)))
        same = f"{cast}::text = {text}" if base != name or base in _TEXTS else "true"
        return _of(value, (_TEXTS if base in _TEXTS else (base,), _if(same, cast)))

    def refused(self, column: TableColumn, start: str, value: str, says: str, row: str) -> str:
        parts = [self.literal(f"stepping: {start}"), f"coalesce({value}::text, 'NULL')"]
        parts += ["' ('", f"pg_typeof({value})::text", self.literal(f"){says}"), row]
        # The error quotes the text that is no integer.
        return f"({' || '.join(parts)})::integer::text::{self.cast_to(column)}"

    def cast_to(self, column: TableColumn) -> str:
        return self.dialect.column_type(column).partition(" COLLATE")[0]

    def row(self, table: Table) -> str:
        return f"left(to_jsonb(q)::text, {MOST_SHOWN})"

    def is_set(self, flag: str) -> str:
        return flag

    def nothing(self, column: TableColumn, value: str) -> str:
        if not column.type.nullable:
            return f"NOT {value}"
        native = column.type.native
        of_row = native is not None and native.is_row
        return f"{value} IS {'NOT DISTINCT FROM ' if of_row else ''}NULL"


def _if(condition: str, value: str) -> str:
    return f"CASE WHEN {condition} THEN {value} END"


def _of(value: str, *cases: tuple[tuple[str, ...], str]) -> str:
    """What is made of a value, by the names of its type."""
    whens = []
    for names, made in cases:
        listed = ", ".join(f"'{name}'" for name in names)
        whens.append(f"WHEN pg_typeof({value})::text IN ({listed}) THEN {made}")
    return f"CASE {' '.join(whens)} END"


def written(text: str, pattern: str, made: str) -> str:
    """What is made of a text that has a day in front which there is: any other would raise."""
    month = f"make_date(left({text}, 4)::int, substr({text}, 6, 2)::int, 1)"
    days = f"extract(day FROM {month} + interval '1 month' - interval '1 day')"
    return _if(matches(text, pattern), _if(f"substr({text}, 9, 2)::int <= {days}", made))


def matches(text: str, pattern: str) -> str:
    return f"{text} ~ '^({pattern})$'"


def decimal(number: str, scale: int | None) -> str:
    is_number = f"{number} NOT IN ('NaN', 'Infinity', '-Infinity')"
    if scale is None:
        return _if(is_number, f"trim_scale({number})")
    fits = f"{number} = round({number}, {scale})"
    bound = f"{number} * {10**scale} BETWEEN {-(2**63)} AND {2**63 - 1}"
    return _if(f"{is_number} AND {fits} AND {bound}", number)


def within_years(value: str, zone: str = "") -> str:
    """A date or a time that Python has as well."""
    first, last = f"'0001-01-01 00:00:00{zone}'", f"'9999-12-31 23:59:59.999999{zone}'"
    return _if(f"{value} BETWEEN {first} AND {last}", value)
