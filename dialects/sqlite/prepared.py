"""What SQLite has of tables, written down: their own statements say everything."""

from __future__ import annotations

import sqlite3

from stepping.compiler.plan.answers import Answers
from stepping.dialects.sqlite.described import SQLiteDatabase


class NotingSQLite(SQLiteDatabase):
    """A schema of which it is noted what is asked for."""

    @property
    def answers(self) -> Answers:
        """The statements of the tables that were asked for, and of what those read."""
        known = {name: self.statements[name] for name in sorted(self._copied)}
        some = tuple(i for i in self.indexes if any(name in i.lower() for name in known))
        return Answers("sqlite", sqlite3.sqlite_version, statements=known, indexes=some)


def prepared(answers: Answers) -> SQLiteDatabase:
    """The schema as it was then."""
    made = SQLiteDatabase(answers.statements)
    made.indexes = answers.indexes
    made.queries = [of for each in answers.base.values() if (of := each.fact("of"))]
    return made
