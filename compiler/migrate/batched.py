"""A migration that fills the new tables batch by batch, while writers go on."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence

from stepping.compiler.lowering.batching import Batching, batching
from stepping.compiler.lowering.planned import Planned
from stepping.compiler.migrate.diff import Migrating, ignored
from stepping.compiler.migrate.standing import Installed
from stepping.compiler.plan.changes import Fate
from stepping.compiler.plan.manifest import Manifest
from stepping.compiler.plan.migration import Hints, Migration, MigrationStatement, Phase
from stepping.compiler.plan.sql_plan import SQLPlan
from stepping.compiler.plan.tables import Table
from stepping.dialects.batches import FIRST, PROGRESS, at_name, log_name, to_name


def migration_of(
    planned: Planned,
    plan: SQLPlan,
    old: Manifest | None,
    others: Sequence[Manifest],
    hints: Hints,
) -> Migration:
    """The migration of a query to a plan. ``others`` are the other queries in the database."""
    plain = Migrating(planned, plan, old, others, hints)
    plain.check_hints()
    if not hints.in_batches:
        return plain.migration()
    made = Batched(planned, plan, old, others, hints)
    found = made.installed()
    why = made.why_not(found)
    if why:
        return dataclasses.replace(plain.migration(), unbatched=why)
    return made.in_batches(found)


class Batched(Migrating):
    """Makes one migration whose tables are filled before its switch."""

    made_at_once = frozenset({Fate.REBUILT})
    filled: Batching

    def kept_tables(self) -> dict[str, Table]:
        return {}  # nothing has been renamed yet when rows are read

    def why_not(self, found: Installed) -> str:
        """Why the new tables cannot be filled in batches; else how they are is known."""
        if self.hints.backfill:
            return f"the rows of {', '.join(self.hints.backfill)} are not read from kept tables"
        if not self.new:
            return "no table has to be filled from others"
        self.filled = batching(self.planned, self.new, found.find, self.empty())
        for each in self.filled.missing:
            return f"the rows of {each.operator.label} are in no table, but what is made of them"
        if not self.filled.sources:
            return "there are no rows to be read"
        return ""

    def in_batches(self, found: Installed) -> Migration:
        self.open(found)
        self.prepare(found)
        self.batch()
        self.phase = Phase.SWITCH
        self.last_batch()
        self.make_tables()
        self.copy()
        self.switch()
        self.drop()
        shadowed = sorted(self.filled.shadows)
        return self.done(found, {}, self.filled.python_steps, in_batches=True, room=tuple(shadowed))

    # -- before the switch ----------------------------------------------------------------------

    def prepare(self, found: Installed) -> None:
        """Make the new tables, and write down from now on what changes in those that are read."""
        self.phase = Phase.PREPARE
        self.keep_out(found, settled=False)
        start = len(self.statements)
        self.make_beforehand()
        made = self.statements[start:]
        del self.statements[start:]
        self.register(found, made)
        self.statements += made

    def make_beforehand(self) -> None:
        words, filled = self.words.batches, self.filled
        for change in self.changes:
            if change.new is not None and change.fate is Fate.NEW:
                self.make(change.new.table, change.new.ddl)
        for shadow in filled.shadows.values():
            self.make(shadow, self.dialect.table_ddl(shadow))
        for source in filled.sources:
            name = source.table.name
            self.add(words.log_ddl(source.table, source.number), f"what {name} changes by")
            self.published(log_name(source.number))
            for text in words.capture(source.table, source.number):
                lock = f"writers of {name}, while the trigger is made"
                self.add(text, f"writes down what {name} changes by", lock=lock)
            note = f"where in {name} the next batch begins"
            self.add(words.at_ddl(source.table, source.number), note)
            self.published(at_name(source.number))
        if filled.starts:
            # In the first batch, since without it no group without a key keeps what it sums up.
            self.add(words.like(FIRST, "SELECT 1 AS c"), "what is there before any row")
            self.published(FIRST)

    def published(self, name: str) -> None:
        for text in self.dialect.published_whole(name):
            self.add(text, "rows can be deleted, also where all tables are published")

    def register(self, found: Installed, made: Sequence[MigrationStatement]) -> None:
        """Say which migration is half done, and refuse another."""
        texts = json.dumps([each.sql for each in made]).encode()
        name = hashlib.blake2b(texts, digest_size=16).hexdigest()
        reads = json.dumps([each.table.name for each in self.filled.sources])
        row = (name, self.plan.query, reads, 0, 0)
        literal = self.words.literal
        values = ", ".join(literal(each) for each in (*row, json.dumps(self.back_out(found))))
        self.add(self.words.batches.progress_ddl(), "how far it is, and how it is taken back")
        self.add(
            f"INSERT INTO {PROGRESS}\nSELECT {values}\n"  # noqa: S608
            f"WHERE NOT EXISTS (SELECT 1 FROM {PROGRESS})",
            "nothing has been read yet",
        )
        says = "another migration is half done: see stepping abandon"
        for text in self.words.counted(f"{PROGRESS} WHERE migration = {literal(name)}", 1, says):
            self.add(text, "one at a time")

    def batch(self) -> None:
        words = self.words.batches
        self.phase = Phase.SESSION
        for source in self.filled.sources:
            for text in words.session(source.table, source.rows, source.number):
                note = f"holds the rows of a batch of {source.table.name}"
                self.add(text, note, ignore=ignored(text))
        for table in self.filled.temporary:
            for text in (self.dialect.drop_temporary(table.name), *self.dialect.session_ddl(table)):
                self.add(text, "holds what changes in a batch", ignore=ignored(text))
        self.phase = Phase.BATCH
        self.section()

    def section(self) -> None:
        """Read a batch, and fold it in."""
        for source in self.filled.sources:
            read = self.words.batches.read(source.table, source.rows, source.number)
            for text, note in read:
                self.add(text, note)
        for table in self.filled.temporary:
            self.add(self.words.batches.emptied(table.name), "what the last batch has left")
        self.run(self.filled.statements)
        if self.filled.starts:
            self.add(f"DELETE FROM {FIRST}", "it is there now")  # noqa: S608

    def half_done(self) -> None:
        """It is this migration that is: see `register`."""

    # -- the switch -----------------------------------------------------------------------------

    def last_batch(self) -> None:
        """What is left, and then nothing of all this."""
        text = f"UPDATE {PROGRESS} SET batch_rows = 0"  # noqa: S608
        self.add(text, "the last batch is all that is left")
        if self.filled.starts and self.begun:
            name = self.words.literal(self.begun)
            self.add(
                f"INSERT INTO {FIRST}\nSELECT -1 FROM stepping_queries\n"
                f"WHERE name = {name} AND NOT started",
                "the first step will bring it, if it has not been",
            )
        self.section()
        names = [s.rows.name for s in self.filled.sources]
        names += (to_name(s.number) for s in self.filled.sources)
        names += (table.name for table in self.filled.temporary)
        for name in names:
            text = self.dialect.drop_temporary(name)
            self.add(text, "is needed no longer", ignore=ignored(text))
        for text in self.released():
            self.add(text, "nothing is written down any longer", ignore=ignored(text))

    def released(self) -> list[str]:
        """The statements that drop everything but the new tables."""
        words = self.words.batches
        texts = []
        for source in self.filled.sources:
            texts += words.release(source.table, source.number)
            texts += [words.drop(log_name(source.number)), words.drop(at_name(source.number))]
        texts += (words.drop(shadow.name) for shadow in self.filled.shadows.values())
        if self.filled.starts:
            texts.append(words.drop(FIRST))
        texts.append(words.drop(PROGRESS))
        return texts

    def back_out(self, found: Installed) -> list[str]:
        """The statements that take a half-done migration back, in one transaction."""
        own = () if self.old is None else self.old.kept
        tables = sorted({*own, *(f.table for f in found.found.values() if f.table)})
        locks = [each.sql for each in self.words.lock(self.plan.query, tables)]
        new = (self.words.batches.drop(name) for name in sorted(self.new))
        made = (each.sql for each in self.statements if each.phase is Phase.BEFORE)
        indexes = (
            text.replace(" CONCURRENTLY", "") for text in made if text.startswith("DROP INDEX")
        )
        return [*locks, *self.released(), *new, *indexes]
