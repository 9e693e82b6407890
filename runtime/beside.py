"""A captured query filled beside what is there, while writers of its tables go on.

Under a short lock the tables get their triggers and logs, and the query, under a name of its own,
empty tables. Its tables are then filled: from one snapshot, which is kept; or, of very large
tables, batch by batch of the largest one, each with a snapshot of its own and committed by itself.
What the logs have of transactions that the last one did not see is folded in afterwards, again and
again until little is left. Under a second short lock the last of it is folded in, and the name of
the query is switched to what was filled. Each of these is a transaction; killed between two, it
goes on with the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from stepping.compiler.plan.base_tables import BaseTable
from stepping.compiler.plan.capture import staged_name
from stepping.compiler.plan.manifest import Manifest
from stepping.compiler.plan.migration import MigrationStatement, Phase
from stepping.compiler.plan.shown import shown_changes
from stepping.compiler.plan.sql_plan import Capture, SQLPlan
from stepping.dialects import capture_words, get_dialect
from stepping.dialects.capture import (
    Reader,
    capture_of,
    followed,
    log_name,
    logged,
    making_way,
    sections,
)
from stepping.dialects.driver import Driver
from stepping.dialects.identifiers import quoted
from stepping.dialects.migration import MigrationRenderer
from stepping.runtime import captured

# A lock that is waited for keeps everybody behind it waiting as well: `stepping apply` tries again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '200ms'"


@dataclass(frozen=True)
class Beside:
    """``staged`` is the query under the name that it has until the switch; ``others`` are the
    queries that follow tables beside it and the version before, ``old``.
    """

    driver: Driver
    plan: SQLPlan
    staged: SQLPlan
    old: Manifest | None
    others: Sequence[Reader]

    def statements(self) -> Iterator[MigrationStatement]:
        yield from self.prepared()
        yield from self.filled()
        yield from self.read()
        yield from self.folded()
        yield from self.switched()

    @property
    def capture(self) -> Capture:
        """What is installed of the query before the switch: nobody reads its results."""
        capture = capture_of(self.staged)
        shown = [f"VIEW {quoted(each)} AS" for _, *two in capture.relations for each in two if each]
        ddl = tuple(text for text in capture.ddl if not any(view in text for view in shown))
        return replace(capture, ddl=ddl)

    def prepared(self) -> Iterator[MigrationStatement]:
        """The triggers and logs of the tables, and empty tables of the query."""
        staged, words = replace(self.staged, capture=self.capture), self.driver.capturing
        name = staged.query
        yield from self.steps(Phase.PREPARE, [LOCK_TIMEOUT], "how long others may have to wait")
        yield from self.steps(
            Phase.PREPARE, staged.own_ddl, "our own tables, if they are not there"
        )
        found = guards(self.driver, self.plan, self.old, self.others)
        yield from self.steps(Phase.PREPARE, found, "the database is as it was then")
        not_there = self.catalog.guard(name, None, f"{name} is installed already")
        yield from self.steps(Phase.PREPARE, not_there, "and nobody else has begun")
        for each in sections(words, staged, [*self.others, *readers_of(self.old)]):
            made = (text for text in each.statements if text not in staged.own_ddl)
            yield from self.steps(Phase.PREPARE, made, each.title)
        # What is written down from now on is kept for it.
        yield from self.steps(Phase.PREPARE, [words.seen(name)], "from now on it follows")

    def filled(self) -> Iterator[MigrationStatement]:
        """The results as one snapshot has them."""
        words, name = self.driver.capturing, self.staged.query
        capture = capture_of(self.staged)
        fill, tables = capture.fill, self.tables
        yield from self.steps(Phase.FILL, words.lock_folds(name), "one at a time")
        yield from self.steps(Phase.FILL, self.not_filled, "once")
        batches = capture.in_batches
        if batches is not None:
            begun = self.catalog.counted(batches.progress, 0, f"{name} is being filled already")
            yield from self.steps(Phase.FILL, begun, "once")
        # But for the lock, which nobody needs here.
        settings = [text for text in words.lock(tables) if not text.startswith("LOCK ")]
        yield from self.steps(Phase.FILL, [*settings, *fill.session], "whole tables are read")
        read = ", ".join(sorted({str(each) for each in tables}))
        for each in fill.statements:
            what = f"the results, from {read}: {each.operator or 'a table'}"
            yield MigrationStatement(Phase.FILL, each.sql, what, scans=read)
        yield from self.steps(Phase.FILL, fill.drop, "no longer needed")
        if batches is None:
            begun = words.begun(name, capture)
        else:
            begun = (words.seen(name), *batches.begun)
        yield from self.steps(Phase.FILL, begun, "what this snapshot saw is in the results")

    def read(self) -> Iterator[MigrationStatement]:
        """The rows of the largest table, batch by batch: each batch a fold, in one snapshot."""
        batches = capture_of(self.staged).in_batches
        if batches is None:
            return
        lock = self.driver.capturing.lock_folds(self.staged.query)
        note = f"the next rows of {batches.table}, and what has changed in those before them"
        yield from self.steps(Phase.BATCH, lock, "one at a time")
        yield from self.steps(Phase.BATCH, batches.batch, note)
        yield from self.steps(Phase.REST, lock, "one at a time")
        yield from self.steps(Phase.REST, self.not_filled, "once")
        yield from self.steps(Phase.REST, batches.rest, f"what is left of {batches.table}")

    @property
    def not_filled(self) -> Iterator[str]:
        """Fails if the query has been filled to its end."""
        name = self.staged.query
        rows = f"stepping_queries WHERE name = {self.catalog.literal(name)} AND NOT started"
        yield from self.catalog.counted(rows, 1, f"{name} is filled already")

    def folded(self) -> Iterator[MigrationStatement]:
        capture = capture_of(self.staged)
        yield from self.steps(Phase.FOLD, [capture.fold], "what has changed since that snapshot")

    def switched(self) -> Iterator[MigrationStatement]:
        """The last fold; the version before goes, and what was filled gets its names."""
        words, plan, staged = self.driver.capturing, self.plan, self.staged
        capture = capture_of(plan)
        steps = self.steps
        yield from steps(
            Phase.SWITCH,
            ["SET TRANSACTION ISOLATION LEVEL READ COMMITTED", LOCK_TIMEOUT],
            "how long others may have to wait",
        )
        found = guards(self.driver, plan, self.old, self.others)
        yield from steps(Phase.SWITCH, found, "the database is as it was then")
        yield from steps(Phase.SWITCH, words.lock(self.tables), "what is folded in is all there is")
        yield from steps(Phase.SWITCH, [capture_of(staged).fold], "the last of it")
        follower = readers_of(staged.manifest)
        old = self.old
        changes = shown_changes(() if old is None else old.results, plan.manifest.results)
        if old is not None and old.capture is not None:
            first = {each.sql: each for each in self.catalog.before_shown(changes)}
            for text in making_way(words, old, [*self.others, *follower], first):
                note = "the version before goes"
                yield from [first[text]] if text in first else steps(Phase.SWITCH, [text], note)
        drops = [*self.capture.drop]
        for table in staged.tables:
            drops += (f"DROP VIEW IF EXISTS {quoted(view.table.name)}" for view in table.views)
        drops += words.ended(staged.query)
        drops += self.catalog.taken_out(staged.query, (), follows=True)
        yield from steps(Phase.SWITCH, drops, "all but the tables that were filled")
        for before, after in zip(staged.tables, plan.tables, strict=True):
            yield from self.catalog.rename(before, after)
            yield from self.catalog.comments(before, after)
        views = [view.ddl for each in plan.tables for view in each.views]
        yield from steps(Phase.SWITCH, [*views, *plan.install], "what reads them")
        texts = []
        for position, each in enumerate(capture.inputs):
            texts += followed(words, plan.query, capture, each, [*self.others, *follower])
            texts.append(words.reader(plan.query, position, each, capture))
        ddl = (self.catalog.shown_again(text, changes) for text in capture.ddl)
        texts += [*words.outdated(), *ddl, *words.begun(plan.query, capture)]
        yield from steps(Phase.SWITCH, texts, "what folds in from now on")
        yield from steps(Phase.SWITCH, self.narrowed(), "what was needed for the batches only")
        if old is not None:
            yield from self.catalog.after_shown(changes)
        if old is not None:
            installed = self.catalog.installed(plan.query, plan.manifest.row, True)
            yield from steps(Phase.SWITCH, [installed], "the catalog")

    def narrowed(self) -> Iterator[str]:
        """Takes columns out of a log that told rows apart, and that nobody reads any more."""
        read = [*self.others, *readers_of(self.plan.manifest)]
        for each in dict.fromkeys(i.table for i in capture_of(self.staged).inputs):
            kept = logged(each, [r for r in read if r.log == log_name(each)])
            unread = [column for column in each.position if column not in kept.columns]
            if unread:
                yield from self.driver.capturing.table_widened(kept, ())
            for column in unread:
                yield f"ALTER TABLE {quoted(log_name(each))} DROP COLUMN {quoted(column)}"

    # -- parts ----------------------------------------------------------------------------------

    @property
    def catalog(self) -> MigrationRenderer:
        words: MigrationRenderer = get_dialect(self.driver.dialect).migrations
        return words

    @property
    def tables(self) -> list[BaseTable]:
        return [each.table for each in capture_of(self.plan).inputs]

    def steps(self, phase: Phase, texts: Iterable[str], note: str) -> Iterator[MigrationStatement]:
        read = ", ".join(sorted({str(each) for each in self.tables}))
        for text in texts:
            lock = f"writers of {read}, for a moment" if text.startswith("LOCK TABLE") else ""
            yield MigrationStatement(phase, text, note, lock, ignore=on_purpose(text))


_ON_PURPOSE = {
    "DROP TABLE": ("ban-drop-table",),
    "DROP VIEW": ("ban-drop-view",),
    "DROP FUNCTION": ("ban-drop-function",),
    "DROP TRIGGER": ("ban-drop-trigger",),
    "DROP SEQUENCE": ("ban-drop-sequence",),
    "CREATE INDEX": ("require-concurrent-index-creation",),  # of tables that are new, or short
    # The types of a log's columns are those of the application's table.
    "CREATE TABLE stepping_log": (
        "prefer-bigint-over-int",
        "prefer-text-field",
        "prefer-timestamp-tz",
    ),
}


def on_purpose(text: str) -> tuple[str, ...]:
    """The rules of the linter squawk that a statement breaks on purpose."""
    return next((rules for head, rules in _ON_PURPOSE.items() if text.startswith(head)), ())


def readers_of(manifest: Manifest | None) -> list[Reader]:
    """What a query reads of tables, if it is one that follows some."""
    capture = None if manifest is None else manifest.capture
    if manifest is None or capture is None:
        return []
    itself = capture_words(manifest.dialect).folds_at_once(capture)
    return [Reader(manifest.query, log_name(i.table), i.columns, itself) for i in capture.inputs]


def guards(
    driver: Driver, plan: SQLPlan, old: Manifest | None, others: Sequence[Reader]
) -> Iterator[str]:
    """Fail unless the database is as it was when the script was written."""
    catalog = get_dialect(driver.dialect).migrations
    says = f"{plan.query} is not installed as it was when this script was written"
    if old is None:
        says = f"{plan.query} is installed already"
    fingerprint = None if old is None else old.fingerprint
    yield from catalog.guard(plan.query, fingerprint, says)
    known = {plan.query, staged_name(plan.query), *(each.query for each in others)}
    if driver.existing([captured.READERS]) or others:
        yield from catalog.counted(
            f"{captured.READERS} WHERE query NOT IN ({catalog.names(sorted(known))})",
            0,
            "another query follows tables since this script was written: write it anew",
        )
