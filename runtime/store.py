"""Stores: where a query's results are kept, and how one is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from stepping.compiler.codec import codec_of, python_codec
from stepping.compiler.plan.graph import AnyGraph, Program
from stepping.compiler.zset import ZSet, ZSetPython
from stepping.dialects.driver import Driver
from stepping.dialects.features import features_of
from stepping.errors import CaptureError, FrontierTimeout, RowError, StoreError
from stepping.runtime import catalog, clock
from stepping.runtime.engine import Engine
from stepping.runtime.frontier import NO_TIME, Time, check_not_passed, time_of
from stepping.runtime.given import changes_of
from stepping.runtime.installing import install
from stepping.runtime.running import PythonSteps, Statements
from stepping.runtime.stored import StoredZSet

if TYPE_CHECKING:
    from sqlalchemy import FromClause

    from stepping.compiler.plan.recompute import Recompute
    from stepping.runtime.queue import Drained, Quarantined, Queue
    from stepping.runtime.status import Status


class Store:
    """Base of stores: a compiled query and where its results are kept."""

    graph: AnyGraph

    def step(
        self,
        changes: Mapping[str, ZSet[Any]],
        time: Time | None = None,
        also: Callable[[], None] | None = None,
        *,
        output: bool = True,
    ) -> tuple[ZSet[Any], ...]:
        """Apply changes of inputs, by name; returns a Z-set per output, or none of them with
        ``output=False``.

        ``also`` is called in the transaction of the step: what it raises undoes the step.
        """
        raise NotImplementedError

    def changed(
        self,
        change: Callable[[], Mapping[str, ZSet[Any]]],
        time: Time | None,
        also: Callable[[], None] | None = None,
        *,
        output: bool = True,
    ) -> tuple[ZSet[Any], ...]:
        """A step whose changes are found in its transaction, behind its locks: see `step`."""
        raise NotImplementedError

    def cache_zset(self, cache: object, at_least: int = -1, *, stale: bool = False) -> ZSet[Any]:
        """The rows of a cache, once all that changed up to a time is in it.

        Of a captured query what waits is folded in first, unless ``stale`` says that what is there
        will do.
        """
        raise NotImplementedError

    def next_time(self, lease_secs: float | None = None) -> int:
        """The next value of a clock that all processes on the store share."""
        raise NotImplementedError

    @property
    def queue(self) -> Queue:
        """The changes that wait to be drained."""
        raise NotImplementedError

    def enqueue(self, changes: Any) -> int:
        """Write a change down, to be folded in by `drain`; returns its number in the queue.

        ``changes`` are those of `st.iteration`: a tuple with a Z-set for each input. Or a mapping
        from names of inputs to Z-sets. It costs one INSERT, commits with the application's
        transaction if there is one, and is seen in no cache before it is drained. A row that
        cannot be stored is a `RowError` here.
        """
        given = changes_of(self.graph, changes, "store.enqueue")
        return self.queue.enqueue({name: tuple(zset.iter()) for name, zset in given.items()})

    def drain(self, limit: int | None = None, *, output: bool = True) -> Drained:
        """Fold all that is queued, or the first ``limit`` rows of it, into one step.

        With ``output=False`` the change of the outputs is not read.

        Each change is folded in exactly once and in the order of the queue, whatever is killed.
        One that makes the step fail, such as the removal of a row that is not there, is set
        aside with its error, and the others go on in several steps. Errors of the database are
        raised, and the queue is as it was.
        """
        return self.queue.drain(limit, output=output)

    def queued(self) -> int:
        """How many changes wait to be drained."""
        return self.queue.waiting()

    def quarantined(self) -> list[Quarantined]:
        """The queued changes that could not be folded in, each with its error."""
        return self.queue.quarantined()

    def retry_queued(self, *ids: int) -> int:
        """Let quarantined changes wait again, by ``id``; returns how many of them there were."""
        return self.queue.put_back(ids)

    def drop_queued(self, *ids: int) -> int:
        """Delete quarantined changes for good; returns how many of them there were."""
        return self.queue.discard(ids)

    def cache_name(self, cache: object) -> str:
        name = self.graph.cache_names.get(cache)
        if name is None:
            known = ", ".join(sorted(self.graph.cache_names.values())) or "none"
            raise StoreError(
                f"{cache!r} is not a cache of the query {self.graph.name!r}",
                hint=f"its caches are: {known}; use the Cache that the query function names",
            )
        return name


class StorePython(Store):
    """Keeps everything in memory, and evaluates the plain meaning of the query."""

    def __init__(self, graph: AnyGraph, *, allow_negative: bool = False) -> None:
        if graph.captured is not None:
            raise StoreError(
                f"the inputs of {graph.name!r} are tables of a database",
                hint="use StoreSQLite or StorePostgres, on the database that has them",
            )
        self.graph = graph
        self._reference = graph.reference(allow_negative=allow_negative)
        self._turn = self._reference.turn  # threads may share a store: one step at a time
        self._time = 0
        self._clock = 0

    @classmethod
    def from_graph(cls, graph: AnyGraph, *, allow_negative: bool = False) -> StorePython:
        """A store for a compiled query."""
        return cls(_graph(graph), allow_negative=allow_negative)

    def step(
        self,
        changes: Mapping[str, ZSet[Any]],
        time: Time | None = None,
        also: Callable[[], None] | None = None,
        *,
        output: bool = True,
    ) -> tuple[ZSet[Any], ...]:
        return self.changed(lambda: changes, time, also, output=output)

    def changed(
        self,
        change: Callable[[], Mapping[str, ZSet[Any]]],
        time: Time | None,
        also: Callable[[], None] | None = None,
        *,
        output: bool = True,
    ) -> tuple[ZSet[Any], ...]:
        time = time_of(time)
        with self._turn:
            given = self._canonical(change())
            if self.graph.keys:
                from stepping.runtime import keyed

                keyed.check(self, given, self.graph.keys)
            if time.input_time >= 0:
                check_not_passed({self.graph.name: self._time}, time)
            before = self._time
            try:
                found = self._reference.step(given, also)
            except BaseException as error:
                self._time = before  # a step of `also` may have moved it
                if isinstance(error, RowError) and self.graph.keys:
                    from stepping.runtime import keyed

                    keyed.explain_missing(self, given)
                raise
            if time.input_time >= 0:
                self._time = time.input_time
        return tuple(found) if output else ()

    def _canonical(self, changes: Mapping[str, ZSet[Any]]) -> dict[str, ZSet[Any]]:
        canonical: dict[str, ZSet[Any]] = {}
        for name, value_type in zip(self.graph.input_names, self.graph.input_types, strict=True):
            form = python_codec(value_type).canonical
            rows = changes.get(name, ZSetPython())
            canonical[name] = ZSetPython((form(row), count) for row, count in rows.iter())
        return canonical

    @property
    def queue(self) -> Queue:
        return self._queue

    @cached_property
    def _queue(self) -> Queue:
        from stepping.runtime.queue import Queue, QueueInMemory

        return Queue(
            self.graph,
            QueueInMemory(),
            step=self.step,
            check=self._canonical,
            is_of_input=lambda error: True,
            turn=lambda: self._turn,
        )

    def cache_zset(self, cache: object, at_least: int = -1, *, stale: bool = False) -> ZSet[Any]:
        if at_least > self._time:
            raise FrontierTimeout(
                f"the store stands at {self._time}, and {at_least} is asked for",
                hint="nobody else can change a StorePython: run the step at that time first",
            )
        return self._reference.cache(self.cache_name(cache))

    def next_time(self, lease_secs: float | None = None) -> int:
        with self._turn:
            self._clock += 1
            return self._clock


class StoreSQL(Store):
    """A store in a database."""

    dialect: ClassVar[str]

    def __init__(
        self,
        connection: Any,
        graph: AnyGraph,
        *,
        allow_negative: bool = False,
        max_sleep_secs: float | None = None,
        rewrites: bool = True,
    ) -> None:
        self.rewrites = rewrites
        self.driver = self.driver_of(connection)
        with self.driver.noting():
            self.graph = graph.bound(lambda: self.driver.database)
            self.program = self._program(allow_negative, rewrites)
        self.plan = self.program.plan
        self.engine = Engine(self.driver, graph, self.program, max_sleep_secs)

    def _program(self, allow_negative: bool, rewrites: bool) -> Program:
        """The plan that is stored, if it is of this very query; else it is made."""
        options: dict[str, Any] = {"allow_negative": allow_negative, "rewrites": rewrites}
        if self.graph.captured is not None:
            from stepping.runtime import captured

            options["base"] = captured.described(self.driver, self.graph)
            for each in captured.variants(options["base"]):
                key = self.graph.plan_key(self.dialect, **options | {"base": each})
                if catalog.stored_plan(self.driver, self.graph.name, key) is not None:
                    options["base"] = each
                    break
            else:
                self.graph = catalog.named(self.driver, self.graph)
                planned = {k: v for k, v in options.items() if k != "base"}
                options["base"] = captured.as_installed(self.driver, self.graph, **planned)
        self._options = options
        self._key = self.graph.plan_key(self.dialect, **options)
        stored = catalog.stored_plan(self.driver, self.graph.name, self._key)
        self._is_stored = stored is not None
        if stored is not None:
            self.graph = self.graph.named_as(stored.tables)
            made = self.graph.restored(stored, **options)
            return made or self.graph.program(self.dialect, **options)
        if self.graph.captured is None:
            self.graph = catalog.named(self.driver, self.graph)
        made = self.graph.program(self.dialect, **options)
        # What is planned again, for `verify`, has these names whatever its file says by then.
        self.graph = self.graph.named_as(made.plan.tables)
        return made

    def _remember(self) -> None:
        catalog.remember(self.driver, self.plan, self._key, self._recompute)

    def _recompute(self) -> Recompute:
        return self.recomputed()[0]

    def recomputed(self) -> tuple[Recompute, Sequence[Any]]:
        """How the tables are computed from the inputs, and the Python steps of that."""
        return self.graph.recompute(self.dialect, **self._options)

    @classmethod
    def driver_of(cls, connection: Any) -> Driver:
        """The driver for a connection of the database's own driver, or of SQLAlchemy."""
        raise NotImplementedError

    @classmethod
    def from_graph(
        cls,
        connection: Any,
        graph: AnyGraph,
        create_tables: bool = True,
        *,
        allow_negative: bool = False,
        max_sleep_secs: float | None = None,
        rewrites: bool = True,
        scans: bool = False,
        features: Iterable[str] = (),
    ) -> StoreSQL:
        """Open a store for a compiled query on a connection.

        ``create_tables=True`` creates its tables unless they are there; with False, a database
        without them, or with those of another version, is a `SchemaMismatch`.
        ``allow_negative`` lets counts of inputs fall below 0. ``max_sleep_secs`` is how long a step
        waits for its frontier.

        A captured query is installed in one transaction, in which writers of its tables wait: its
        triggers, its tables, and what is in them. A table that lacks an index which a look-up needs
        is a `CaptureError`, unless ``scans=True`` says that it is small.

        ``features`` of ``"queue"`` (`enqueue` and `drain`), ``"times"`` (`next_time`) and
        ``"stages"`` (``flush_every_set=True``) have tables of their own, which are made now; those
        that are not named are made when they are first used.
        """
        store = cls(
            connection,
            _graph(graph),
            allow_negative=allow_negative,
            max_sleep_secs=max_sleep_secs,
            rewrites=rewrites,
        )
        follows = store.plan.capture is not None
        wanted = features_of(store.graph.name, features, follows=follows)
        is_new = False
        with store.driver.noting():
            if store.plan.capture is not None:
                is_new = store._follow(create_tables=create_tables, scans=scans)
            elif create_tables:
                is_new = install(store.driver, store.plan, catalog.target_of(graph))
            else:
                store.check_installed()
            for each in wanted:
                if create_tables:
                    store.driver.features.make(each)
                else:
                    store.driver.features.require(each)
            if not store._is_stored:
                if catalog.can_remember(store.driver, store.plan, is_new=is_new):
                    store._remember()
                else:
                    store.engine.left = store._remember
            store.driver.prepare(store.plan)
        return store

    def step(
        self,
        changes: Mapping[str, ZSet[Any]],
        time: Time | None = None,
        also: Callable[[], None] | None = None,
        *,
        output: bool = True,
    ) -> tuple[ZSet[Any], ...]:
        self.driver.check()
        self._check_fed()
        if self.graph.keys:
            return self.changed(lambda: changes, time, also, output=output)
        return self._stepped(changes, time, also, output=output)

    def _check_fed(self) -> None:
        """Raise `StoreError` for a query that is given no changes, since it follows tables."""
        if self.plan.capture is not None:
            raise StoreError(
                f"the inputs of {self.graph.name!r} are tables of the database",
                hint="write to the tables: the results follow, whoever writes; store.refresh(), or "
                "`stepping refresh`, folds in what waits",
            )

    def changed(
        self,
        change: Callable[[], Mapping[str, ZSet[Any]]],
        time: Time | None,
        also: Callable[[], None] | None = None,
        *,
        output: bool = True,
    ) -> tuple[ZSet[Any], ...]:
        from stepping.runtime import keyed

        self.driver.check()
        changes: Mapping[str, ZSet[Any]] = {}
        try:
            at = NO_TIME if time is None else time_of(time)
            with self.in_turn(), keyed.alone(self.engine, at):
                given = change()
                keyed.validate(self.graph, given)
                changes = given
                keyed.check(self, changes, self.graph.keys)
                return self._stepped(changes, time, also, output=output)
        except RowError:
            keyed.explain_missing(self, changes)
            raise

    def _stepped(
        self,
        changes: Mapping[str, ZSet[Any]],
        time: Time | None,
        also: Callable[[], None] | None,
        *,
        output: bool,
    ) -> tuple[ZSet[Any], ...]:
        at = NO_TIME if time is None else time_of(time)
        try:
            found: Sequence[ZSet[Any]] = self.engine.step(changes, at, also, output=output)
        except Exception as error:
            self.driver.note(error)
            if self.driver.is_of_table(error) and not self.driver.in_transaction():
                self.engine.check_installed()
            raise
        if not self.plan.snapshots:
            return tuple(found)
        return tuple(
            self.stored(self.plan.snapshots[i], self.graph.output_types[i])
            if i in self.plan.snapshots
            else each
            for i, each in enumerate(found)
        )

    def _follow(self, *, create_tables: bool, scans: bool) -> bool:
        """Have a captured query installed, or check that it is; whether it was installed now."""
        from stepping.runtime import captured, drift

        if not create_tables or catalog.queries(self.driver).get(self.plan.query) is not None:
            self.check_installed()
            wrong = drift.damage(self.driver, self.plan.manifest)
            if wrong:
                raise CaptureError(
                    f"changes of the tables of {self.plan.query!r} are not seen:\n  "
                    + "\n  ".join(wrong),
                    hint="they are lost when a table is rebuilt or its triggers are switched off: "
                    f"make them again with `stepping repair {catalog.target_of(self.graph)} "
                    "--db URL`",
                )
            return False
        captured.check_tables(self.driver, self.plan, self.graph, scans=scans)
        captured.install(self.driver, self.plan, self._filling(), catalog.target_of(self.graph))
        return True

    def _filling(self) -> Statements:
        """What runs the Python steps of filling a captured query's tables."""
        from stepping.dialects.capture import capture_of

        in_python = capture_of(self.plan).in_python
        steps = self.recomputed()[1] if in_python else ()
        program: Any = PythonSteps(self.plan, steps)
        return Statements(self.driver, self.graph, program)

    def refresh(self) -> None:
        """Fold what waits into the results of a captured query.

        With ``refresh="immediate"`` that is what the caller's own transaction has written; with
        ``"deferred"`` all that is committed, and that. Costs in proportion to what has changed.
        """
        from stepping.runtime import captured

        with self.in_turn():
            captured.refresh(self.driver, self.plan, self.engine)

    def uninstall(self) -> None:
        """Take the query away: its tables, views, triggers and functions. Nothing of it remains.

        In one transaction, which waits for steps that are running. With the last query of a
        database our own tables go as well.
        """
        from stepping.runtime.uninstall import uninstall

        with self.in_turn():
            uninstall(self.driver, self.plan.query)
            self.engine.started = False

    def cache_zset(self, cache: object, at_least: int = -1, *, stale: bool = False) -> ZSet[Any]:
        name = self.cache_name(cache)
        if self.plan.capture is not None and not stale:
            self.refresh()
        kept = next(each for each in self.plan.caches if each.name == name)
        if at_least >= 0:
            with self.in_turn():
                try:
                    self.engine.wait((kept.kept,), Time(frontier=at_least))
                finally:
                    self.driver.unlisten()
        return self.stored(kept, self.graph.cache_type(name))

    def cache_table(self, cache: object) -> FromClause:
        """A cache as a SQLAlchemy table."""
        from stepping.dialects import get_dialect
        from stepping.dialects.cache_table import cache_table

        name = self.cache_name(cache)
        kept = next(each for each in self.plan.caches if each.name == name)
        tables = [each.table for each in self.plan.tables]
        tables += [view.table for each in self.plan.tables for view in each.views]
        table = next(each for each in tables if each.name == kept.table)
        driver = self.driver
        dialect = get_dialect(self.dialect)
        return cache_table(kept, table, dialect, driver.to_column, driver.from_column)

    def stored(self, kept: Any, value_type: Any) -> StoredZSet[Any]:
        codec = codec_of(value_type, self.driver.to_column, self.driver.from_column)
        return StoredZSet(self.driver, kept, codec, self.check_installed)

    def check_installed(self) -> None:
        """Raise `SchemaMismatch` unless what is installed is what this store was opened on."""
        catalog.check(self.driver, self.plan, catalog.target_of(self.graph))

    @contextmanager
    def in_turn(self) -> Iterator[None]:
        """While one thread uses the connection, others that share the store wait."""
        with self._in_turn():
            self.driver.check_schema()
            yield

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        self.driver.check()
        failed = True
        with self.engine.turn, self.driver.noting():
            try:
                yield
                failed = False
            finally:
                self.driver.settle(failed=failed)

    @property
    def queue(self) -> Queue:
        return self._queue

    @cached_property
    def _queue(self) -> Queue:
        from stepping.runtime.queue import Queue

        self._check_fed()
        return Queue(
            self.graph,
            self.driver.queue,
            step=self.step,
            check=self.engine.check_rows,
            is_of_input=self.driver.is_of_input,
            turn=self._in_turn,
        )

    def next_time(self, lease_secs: float | None = None) -> int:
        """The next value of a clock that all processes on the store share, with a lease.

        A time that is not used within ``lease_secs`` (`stepping.runtime.clock.LEASE_SECS`, 10
        seconds, by default) is passed over by whoever waits for it, and is refused from then on.
        A step that waits for its frontier keeps its time.
        """
        with self.in_turn():
            return clock.next_time(self.driver, self.plan.query, self.plan.kept, lease_secs)

    def status(self) -> Status:
        """Where the tables stand, who is at work on them, and what has been put aside."""
        from stepping.runtime.status import status_of

        with self.in_turn():
            return status_of(self.driver, self.plan.manifest)

    def repair(self) -> list[str]:
        """Make what captures the tables whole again, and compute the results from the tables.

        Returns what was wrong: triggers that were gone or switched off. What they did not see the
        other queries that follow these tables have not seen either: they are computed as well.
        Writers of the tables wait until it is done.
        """
        from stepping.runtime.repair import Filled, repair

        with self.in_turn():
            self.check_installed()
            return list(repair(self.driver, [Filled(self.plan, self._filling())]).wrong)

    def quarantined_input(self, time: int) -> Mapping[str, ZSet[Any]]:
        """The change of each input, by name, that was put aside at a time."""
        from stepping.runtime import quarantine

        with self.in_turn():
            return quarantine.quarantined_input(self.engine, time)

    def retry(self, time: int) -> tuple[ZSet[Any], ...]:
        """Run what was put aside at a time as a step of now, and forget that it was.

        If it fails again, it stays where it is, and the error is raised.
        """
        from stepping.runtime import quarantine

        with self.in_turn():
            return tuple(quarantine.retry(self.engine, time))

    def drop(self, time: int) -> None:
        """Forget what was put aside at a time."""
        from stepping.runtime import quarantine

        with self.in_turn():
            quarantine.drop(self.driver, self.plan.query, time)


def _graph(graph: Any) -> AnyGraph:
    if not hasattr(type(graph), "input_names"):
        raise StoreError(
            f"from_graph expects a compiled query, got {type(graph).__name__}",
            hint="view.store(connection) opens a view that is installed; its query is view.graph"
            if hasattr(graph, "graph")
            else "graph = st.compile(query)",
        )
    known: AnyGraph = graph
    return known
