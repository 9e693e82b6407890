"""SQLite's words of a backfill. A column may hold values of any type, whatever is declared."""

from __future__ import annotations

import sqlite3

from stepping.compiler.plan.tables import Table, TableColumn
from stepping.compiler.schema import Kind
from stepping.dialects.backfill import MOST_SHOWN, BackfillWords

_MOST = 2**63 - 1
_DAY = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
_EARLIEST, _LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999  # of years 1 and 9999
_HAS_UNHEX = sqlite3.sqlite_version_info >= (3, 41)  # https://sqlite.org/lang_corefunc.html#unhex


class SQLiteBackfillWords(BackfillWords):
    def converted(self, column: TableColumn, value: str) -> str:
        atom = column.type
        made = self.of_kind(column, value)
        if atom.choices:
            stored = [getattr(each, "name", each) for each in atom.choices if each is not None]
            return _if(f"{value} IN ({self.literals(stored)})", made)
        return made

    def of_kind(self, column: TableColumn, value: str) -> str:
        atom = column.type
        match atom.kind:
            case Kind.INT:
                return _if(_is(value, "integer"), value)
            case Kind.FLOAT:
                is_number = f"typeof({value}) IN ('integer', 'real')"
                return _if(is_number, f"CAST({value} AS REAL) + 0.0")
            case Kind.BOOL:
                return _if(f"{_is(value, 'integer')} AND {value} IN (0, 1)", value)
            case Kind.TEXT:
                return _if(_is(value, "text"), value)
            case Kind.BYTES:
                return _if(_is(value, "blob"), value)
            case Kind.DECIMAL if atom.scale is None:
                return f"stepping_decimal_parse({value})"
            case Kind.DECIMAL:
                return scaled(value, atom.scale or 0)
            case Kind.DATE:
                return date(value)
            case Kind.DATETIME:
                return _if(plain(value), moment(value))
            case Kind.TIMESTAMP:
                return _if(plain(value), aware(value))
            case Kind.TIME:
                lengths = f"length({value}) BETWEEN 5 AND 15"
                return _if(f"{plain(value)} AND {lengths}", moment(f"('1970-01-01 ' || {value})"))
            case Kind.UUID:
                return uuid(value)
            case Kind.ENUM:
                names = self.literals(atom.members)
                return _if(f"{_is(value, 'text')} AND {value} IN ({names})", value)
            case Kind.NATIVE:
                return value  # as a column of that type holds it, which may be any
            case _:
                return "NULL"

    def refused(self, column: TableColumn, start: str, value: str, says: str, row: str) -> str:
        parts = [self.literal(f"stepping: {start}"), f"quote({value})", self.literal(says), row]
        return f"json_extract('{{}}', {' || '.join(parts)})"

    def row(self, table: Table) -> str:
        parts = [f"{self.literal(f'{n}=')} || quote({self.named(n)})" for n in table.names]
        shown = " || ', ' || ".join(parts)
        return f"substr({shown}, 1, {MOST_SHOWN})"

    def is_set(self, flag: str) -> str:
        return f"{flag} = 1"

    def nothing(self, column: TableColumn, value: str) -> str:
        # The flag of a row inside a row that is not there says that it is not there.
        return f"{value} IS NULL" if column.type.nullable else f"{value} IS 0"


def _if(condition: str, value: str) -> str:
    return f"CASE WHEN {condition} THEN {value} END"


def _is(value: str, name: str) -> str:
    return f"typeof({value}) = '{name}'"


def scaled(value: str, scale: int) -> str:
    """A number, or a text that is written as one, as an integer scaled by a power of ten."""
    power = 10**scale
    least = -(2**63 // power) + 1  # -2**63 as it stands is a float
    is_int = f"{value} BETWEEN {least} - 1 AND {_MOST // power}"
    # A float is one decimal of 15 digits, or none; where it is a whole number, that.
    rounded = f"CAST(round({value} * {power}.0) AS INTEGER)"
    is_one = f"abs({value}) < {10**15 // power} AND {rounded} / {power}.0 = {value}"
    whole = f"CAST({value} AS INTEGER)"
    is_whole = f"{is_int} AND {whole} = {value}"
    of_float = f"CASE WHEN {is_one} THEN {rounded} WHEN {is_whole} THEN {whole} * {power} END"
    return (
        f"CASE typeof({value}) WHEN 'integer' THEN {_if(is_int, f'{value} * {power}')}"
        f" WHEN 'real' THEN {of_float}"
        f" WHEN 'text' THEN {scaled_text(value, scale)} END"
    )


def scaled_text(value: str, scale: int) -> str:
    """The number that a text of digits with a point is, scaled."""
    sign = f"({value} GLOB '[-+]*')"
    unsigned = f"SELECT substr({value}, 1 + {sign}) AS t"
    halves = (
        "SELECT substr(t, 1, instr(t || '.', '.') - 1) AS whole,"
        f" substr(t, instr(t || '.', '.') + 1) AS rest FROM ({unsigned})"
    )
    digits = (
        f"SELECT whole || rest AS written, substr(rest, {scale + 1}) AS beyond,"
        f" ltrim(whole || substr(rest || '{'0' * scale}', 1, {scale}), '0') AS scaled"
        f" FROM ({halves})"
    )
    most = f"CASE WHEN {value} GLOB '-*' THEN '{2**63}' ELSE '{_MOST}' END"
    is_number = (
        f"{plain(value)} AND written NOT GLOB '*[^0-9]*' AND written <> ''"
        f" AND rtrim(beyond, '0') = ''"
        f" AND (length(scaled) < 19 OR length(scaled) = 19 AND scaled <= {most})"
    )
    made = f"CAST(rtrim(substr({value}, 1, 1), '+.0123456789') || '0' || scaled AS INTEGER)"
    return f"(SELECT {_if(is_number, made)} FROM ({digits}))"


def plain(value: str) -> str:
    """Whether it is a text of ASCII: in another, what is behind NUL would not be looked at."""
    return f"{_is(value, 'text')} AND length(CAST({value} AS BLOB)) = length({value})"


def date(value: str) -> str:
    seconds = f"strftime('%s', {value})"
    is_day = (
        f"{value} GLOB '{_DAY}' AND {value} >= '0001' AND date({seconds}, 'unixepoch') = {value}"
    )
    return _if(f"{plain(value)} AND {is_day}", f"CAST({seconds} AS INTEGER) / 86400")


def moment(text: str) -> str:
    """Microseconds since 1970 of an ISO text, which may leave out seconds, or the time."""
    time = f"substr({text}, 12, 8)"
    stamp = f"substr({text}, 1, 10) || ' ' || {time} || substr('00:00:00', length({time}) + 1)"
    seconds, behind = f"strftime('%s', {stamp})", f"substr({text}, 20)"
    form = (
        f"substr({text}, 11, 1) IN ('', ' ', 'T') AND {text} >= '0001' "
        f"AND (length({text}) IN (10, 16, 19) OR {behind} GLOB '.[0-9]*'"
        f" AND length({behind}) BETWEEN 2 AND 7 AND substr({behind}, 2) NOT GLOB '*[^0-9]*')"
    )
    is_there = f"datetime({seconds}, 'unixepoch') = {stamp}"
    fraction = f"CAST(substr(substr({text}, 21) || '000000', 1, 6) AS INTEGER)"
    return _if(f"{form} AND {is_there}", f"CAST({seconds} AS INTEGER) * 1000000 + {fraction}")


def aware(value: str) -> str:
    """The same of a text that ends with Z or with how far it is from UTC."""
    end = f"substr({value}, -6)"
    minutes = f"(CAST(substr({end}, 2, 2) AS INTEGER) * 60 + CAST(substr({end}, 5, 2) AS INTEGER))"
    is_offset = f"{end} GLOB '[+-][0-2][0-9]:[0-5][0-9]' AND substr({end}, 2, 2) < '24'"
    split = (
        f"SELECT substr({value}, 1, length({value}) - 1) AS t, 0 AS m"
        f" WHERE substr({value}, -1) = 'Z'"
        f" UNION ALL SELECT substr({value}, 1, length({value}) - 6),"
        f" CASE substr({end}, 1, 1) WHEN '-' THEN -1 ELSE 1 END * {minutes} WHERE {is_offset}"
    )
    utc = f"{moment('z.t')} - z.m * 60000000"
    has_time = "length(z.t) > 10"
    return (
        f"(SELECT CASE WHEN {has_time} AND u BETWEEN {_EARLIEST} AND {_LATEST} THEN u END"
        f" FROM (SELECT z.t, {utc} AS u FROM ({split}) AS z) AS z)"
    )


def uuid(value: str) -> str:
    digits = f"replace({value}, '-', '')"
    dashes = "-".join("?" * count for count in (8, 4, 4, 4, 12))
    form = f"(length({value}) = 32 OR {value} GLOB '{dashes}') AND length({digits}) = 32"
    form += f" AND {digits} NOT GLOB '*[^0-9a-fA-F]*'"
    made = f"unhex({digits})" if _HAS_UNHEX else f"stepping_unhex({digits})"
    return (
        f"CASE typeof({value}) WHEN 'blob' THEN CASE WHEN length({value}) = 16 THEN {value} END"
        f" WHEN 'text' THEN CASE WHEN {plain(value)} AND {form} THEN {made} END END"
    )
