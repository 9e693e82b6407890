"""What SQLite would say of tables that a SQLAlchemy `MetaData` describes: it is asked in memory."""

from __future__ import annotations

from sqlalchemy import MetaData, exc
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from stepping.dialects.sqlite.described import SQLiteDatabase
from stepping.errors import QueryError


def database_of(tables: MetaData) -> SQLiteDatabase:
    """A database with these tables, and without a row."""
    words = sqlite.dialect()
    statements, indexes = {}, []
    for table in tables.sorted_tables:
        try:
            statements[table.name] = str(CreateTable(table).compile(dialect=words))
            indexes += [
                str(CreateIndex(i).compile(dialect=words)) for i in table.indexes if i.unique
            ]
        except exc.CompileError as error:
            raise QueryError(
                f"the table {table.name} cannot be one of SQLite's: {error}",
                hint="its types are of another database; ask for that one: --dialect postgres",
            ) from error
    made = SQLiteDatabase(statements)
    made.indexes = indexes
    return made
