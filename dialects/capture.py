"""What is installed to capture changes of the application's tables: what every database shares.

A trigger of each table writes down what changes in the columns that any query reads: one log, and
one row in it for each changed row, however many queries read the table. For each query and input
a view, ``<query>__<input>_waiting``, shows those changes that the query has not folded in yet; a
fold is a step of the query whose changes are these views.
"""

from __future__ import annotations

import datetime
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stepping.compiler.plan.base_tables import BaseTable, TableRef
from stepping.compiler.plan.capture import DEFERRED, Captured
from stepping.compiler.plan.manifest import Manifest
from stepping.compiler.plan.sql_plan import (
    Capture,
    CapturedInput,
    Fill,
    Section,
    Source,
    SQLCache,
    SQLPlan,
)
from stepping.compiler.plan.statements import EmitDelta, MergeState
from stepping.compiler.schema import bounded, relation_name
from stepping.dialects.identifiers import quoted
from stepping.dialects.layout import indented
from stepping.errors import StoreError

Read = Callable[..., list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Live:
    """A cache as it is with all that waits: a SELECT of its columns, and what they are called."""

    cache: str
    sql: str


@dataclass(frozen=True)
class ChangedGroups:
    """The change of the groups that are all that a query keeps, as a ``view`` of what waits.

    Readers see it beside what is stored, and a fold merges it. ``parts`` compute it, the last of
    them the change itself.
    """

    view: str
    parts: tuple[EmitDelta, ...]
    merge: MergeState


@dataclass(frozen=True)
class PlannedCapture:
    """What the planner says of a captured query, before it is text.

    ``selects`` has the columns of each input's waiting view, as text over the log ``l``.
    """

    plan: SQLPlan
    captured: Captured
    inputs: tuple[CapturedInput, ...]
    selects: Mapping[str, Sequence[str]]
    live: tuple[Live, ...]
    deltas: tuple[str, ...]
    delta_names: tuple[str, ...]
    fill: Fill
    changed: ChangedGroups | None = None


@dataclass(frozen=True)
class Logged:
    """A table of the application's and the columns of it that any query reads.

    ``folds_by_itself``: whether any of them folds in what is written while it is written, or at its
    commit.
    """

    table: BaseTable
    columns: tuple[str, ...]
    folds_by_itself: bool = False


class CaptureWords(ABC):
    """One database's words for capturing its tables."""

    own_tables: tuple[str, ...]  # in the order in which they can be dropped
    keeps_what_is_read = False  # whether what a view reads cannot be dropped
    folds: str  # when what was written down is folded in, unless that is deferred
    release = ""  # drops what keeps a table's columns from being given another type, if anything

    def folds_at_once(self, capture: Capture) -> bool:
        """Whether triggers have to see to it that what they write down is folded in."""
        return capture.folds_by_itself

    @abstractmethod
    def own_ddl(self) -> tuple[str, ...]:
        """What every database with a captured query has."""

    @abstractmethod
    def own_drop(self) -> tuple[str, ...]:
        """Takes that away, when no captured query is left."""

    @abstractmethod
    def describe(self, read: Read, table: TableRef) -> BaseTable | None:
        """A table as the database describes it; None if there is none of its name."""

    @abstractmethod
    def refusals(self, table: BaseTable) -> list[str]:
        """Why a table cannot be captured, each with what to do; nothing if it can."""

    @abstractmethod
    def lock(self, tables: Sequence[BaseTable]) -> tuple[str, ...]:
        """Keeps others from writing to tables until the transaction ends."""

    @abstractmethod
    def table_ddl(self, logged: Logged) -> list[str]:
        """The log of a table and the triggers that fill it."""

    @abstractmethod
    def table_widened(self, logged: Logged, added: Sequence[str]) -> list[str]:
        """As `table_ddl`, where there is a log that lacks some columns."""

    @abstractmethod
    def table_narrowed(self, logged: Logged) -> list[str]:
        """As `table_ddl`, where there is a log that has more columns, or more was done."""

    @abstractmethod
    def table_again(self, logged: Logged) -> list[str]:
        """The triggers of a table that has a log, made again whether they are there or not."""

    @abstractmethod
    def table_drop(self, table: BaseTable) -> list[str]:
        """Takes away what `table_ddl` makes."""

    @abstractmethod
    def reader(self, query: str, position: int, each: CapturedInput, capture: Capture) -> str:
        """Says that a query follows a table from now on."""

    def read_by_others(self, lower: Manifest) -> tuple[str, ...]:
        """Has a query's results, which another one reads from now on, be right at all times."""
        return ()

    def read_by_nobody(self, lower: Manifest) -> tuple[str, ...]:
        """Takes that back."""
        return ()

    def seen(self, query: str) -> str:
        """Says that what this transaction's snapshot sees is in a query's results."""
        raise NotImplementedError

    @abstractmethod
    def begun(self, query: str, capture: Capture) -> tuple[str, ...]:
        """Says that all that is in the tables is in a query's results."""

    def outdated(self) -> tuple[str, ...]:
        """Has the writes of transactions fail that do not see, by their snapshot, who follows a
        table now.
        """
        return ()

    @abstractmethod
    def ended(self, query: str) -> tuple[str, ...]:
        """Says that a query follows no table any more."""

    def unread(self, relations: Sequence[str]) -> tuple[str, ...]:
        """Fails where the application has made something of relations that are to be dropped."""
        return ()

    def readers(self, read: Read, relations: Sequence[str]) -> list[tuple[str, str]]:
        """What the application has made of relations: what each is, and what makes it."""
        return []

    @abstractmethod
    def index_ddl(self, table: BaseTable, columns: Sequence[str]) -> str:
        """What creates an index that is missing, without keeping writers from writing."""

    @abstractmethod
    def lock_folds(self, query: str) -> tuple[str, ...]:
        """Keeps others from folding into a query's results until the transaction ends."""

    @abstractmethod
    def error(self, read: Read, query: str) -> str:
        """Why a query's results are stale, if they are."""

    def refreshed_at(self, read: Read, query: str) -> datetime.datetime | None:
        """When what waits was last folded in, where that is known."""
        return None

    @abstractmethod
    def triggers(self, read: Read, table: BaseTable) -> list[str]:
        """Triggers of ours that a table should have and has not, or that are switched off."""

    def unguarded(self, read: Read, table: BaseTable, columns: Sequence[str]) -> list[str]:
        """What keeps columns that are read from being dropped, and is gone."""
        return []

    def of_replication(self, read: Read, table: BaseTable) -> list[str]:
        """What keeps a table from being followed where it is written to by replication."""
        return []


DEFER = "it has to be deferred"  # of a refusal, whose hint says how that is written


@dataclass(frozen=True)
class Reader:
    """A query that follows a table: its log, the columns that it reads, and how."""

    query: str
    log: str
    columns: tuple[str, ...]
    folds_by_itself: bool = False


def logged(table: BaseTable, followers: Sequence[Reader]) -> Logged:
    """What of a table is written down for those who follow it."""
    columns = tuple(dict.fromkeys(column for each in followers for column in each.columns))
    return Logged(table, columns, any(each.folds_by_itself for each in followers))


def sections(words: CaptureWords, plan: SQLPlan, others: Sequence[Reader]) -> Iterator[Section]:
    """What installs a captured query, in order, but for what fills its tables and `begun`.

    The statements are run in one transaction. ``others`` are the queries that follow tables
    already.
    """
    capture = capture_of(plan)
    lock, *settings = words.lock([each.table for each in capture.inputs]) or ("",)
    own = (*settings, *plan.own_ddl, *words.own_ddl())
    yield Section("Once for a database, or a schema of it: which queries there are", own)
    if lock:
        yield Section("Writers of the tables wait from here to the end", (lock,))
    yield Section(f"{plan.query}: what is kept", plan.tables_ddl)
    for each in capture.inputs:
        made = followed(words, plan.query, capture, each, others)
        log = log_name(each.table)
        yield Section(f"{each.table}: triggers write down in {log} what changes", (*made,))
    readers = (words.reader(plan.query, i, each, capture) for i, each in enumerate(capture.inputs))
    when = "when it is refreshed" if capture.refresh == DEFERRED else words.folds
    yield Section(f"{plan.query}: what was written down is folded in {when}", capture.ddl)
    rows = (*plan.install, *readers, *words.outdated())
    yield Section(f"{plan.query}: what is installed, and which tables it follows", rows)


def installation(words: CaptureWords, plan: SQLPlan, others: Sequence[Reader]) -> list[str]:
    """The statements of `sections`."""
    return [text for each in sections(words, plan, others) for text in each.statements]


def followed(
    words: CaptureWords, query: str, capture: Capture, each: CapturedInput, others: Sequence[Reader]
) -> list[str]:
    """What has a table's triggers write down all that a query reads, beside what others do."""
    log = log_name(each.table)
    same = [other for other in others if other.log == log]
    at_once = words.folds_at_once(capture)
    wanted = logged(each.table, [*same, Reader(query, log, each.columns, at_once)])
    if not same:
        return words.table_ddl(wanted)
    there = logged(each.table, same)
    added = [column for column in wanted.columns if column not in there.columns]
    changed = added or wanted.folds_by_itself != there.folds_by_itself
    return words.table_widened(wanted, added) if changed else []


def filled(words: CaptureWords, plan: SQLPlan) -> Section:
    """What fills a query's tables, which are empty, and says so."""
    capture = capture_of(plan)
    fill = capture.fill
    texts = (*fill.session, *(each.sql for each in fill.statements), *fill.drop)
    begun = words.begun(plan.query, capture)
    return Section(f"{plan.query}: computed from what is in the tables", (*texts, *begun))


def removal(words: CaptureWords, manifest: Manifest, left: Sequence[Reader]) -> list[str]:
    """The statements that take a captured query away. ``left`` are the queries that remain."""
    capture = manifest.capture
    assert capture is not None
    shown = [name for each in manifest.results for name in each.names]
    texts = [*words.lock([each.table for each in capture.inputs]), *words.unread(shown)]
    texts += [*capture.drop, *removed(words, manifest, left)]
    return texts if left else [*texts, *words.own_drop()]


def making_way(
    words: CaptureWords, manifest: Manifest, left: Sequence[Reader], before: Iterable[str]
) -> list[str]:
    """As `removal`, where another version takes its place: ``before`` is done with the relations
    that readers know, which may stay.
    """
    capture = manifest.capture
    assert capture is not None
    locks = words.lock([each.table for each in capture.inputs])
    drops = [*unmade(manifest), *removed(words, manifest, left)]
    return [*locks, *before, *drops]


def unmade(manifest: Manifest) -> list[str]:
    """What drops all that was made of a query beside its tables, but for what readers know."""
    capture = manifest.capture
    assert capture is not None
    shown = {f"DROP VIEW IF EXISTS {quoted(n)}" for each in manifest.results for n in each.names}
    return [text for text in capture.drop if text not in shown]


def removed(words: CaptureWords, manifest: Manifest, left: Sequence[Reader]) -> list[str]:
    """The statements that take away the tables of a query, and what follows tables for it."""
    capture = manifest.capture
    assert capture is not None
    texts: list[str] = []
    for table in manifest.tables:
        texts += (f"DROP VIEW IF EXISTS {quoted(view.table.name)}" for view in table.views)
    texts += (f"DROP TABLE IF EXISTS {quoted(each.table.name)}" for each in manifest.tables)
    return [*texts, *unfollowed(words, manifest, left)]


def unfollowed(words: CaptureWords, manifest: Manifest, left: Sequence[Reader]) -> list[str]:
    """The statements that take away what follows tables for a query."""
    capture = manifest.capture
    assert capture is not None
    texts = [*words.ended(manifest.query)]
    for each in capture.inputs:
        same = [other for other in left if other.log == log_name(each.table)]
        if not same:
            texts += words.table_drop(each.table)
            continue
        kept = logged(each.table, same)
        unread = [column for column in each.columns if column not in kept.columns]
        if unread or words.folds_at_once(capture):
            texts += words.table_narrowed(kept)
        # Whoever reads one of them next adds it.
        log = quoted(log_name(each.table))
        texts += (f"ALTER TABLE {log} DROP COLUMN {quoted(column)}" for column in unread)
    return texts


def capture_of(plan: SQLPlan) -> Capture:
    if plan.capture is None:
        raise StoreError(f"the inputs of the query {plan.query!r} are no tables of the database")
    return plan.capture


def log_name(table: BaseTable) -> str:
    """The name of a table's log."""
    return bounded(f"stepping_log_{stem(table)}")


def stem(table: BaseTable) -> str:
    return f"{table.schema}_{table.name}" if table.schema else table.name


def sources(plan: SQLPlan, stored: Callable[[SQLCache], str]) -> Iterator[Source]:
    """The results of a query that other queries may read; ``stored`` is the SELECT of one."""
    tables = {each.table.name: each for each in plan.tables}
    for cache in plan.caches:
        kept = tables[cache.kept]
        parts = []
        for view in kept.views:
            if view.table.name == cache.table:
                body = view.ddl.partition(" AS\n")[2]
                parts.append(f"{quoted(cache.table)} AS (\n{indented(body)}\n)")
        columns = (*kept.table.names, *filter(None, (kept.table.weight,)))
        relation = relation_name(plan.query, cache.name)
        yield Source(relation, cache.kept, columns, tuple(parts), stored(cache))


def rows_of_result(table: BaseTable, changed: str) -> str:
    """The rows of a result that are made of some rows of the table that keeps it."""
    parts = [f"{quoted(table.fact('kept'))} AS ({changed})", *filter(None, [table.fact("parts")])]
    return f"WITH {', '.join(parts)}\nSELECT * FROM (\n{indented(table.fact('select'))}\n) AS s"


def literal(text: str) -> str:
    """A text constant."""
    return "'" + text.replace("'", "''") + "'"
