"""Filling in batches: what comes out is a fresh store's, whoever writes or is killed meanwhile."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from click.testing import CliRunner

import stepping as st
from stepping.cli import main
from stepping.runtime.apply import Done, apply
from stepping.runtime.filling import abandon, half_done
from stepping.runtime.stores import driver_for
from tests.migrate.shop import HISTORY, KINDS, MORE, Item, Kind, feed
from tests.migrate.test_changes import (
    contents,
    installed,
    is_clean,
    run_in_shell,
    schema_of,
    told_apart,
)
from tests.support.place import Place, postgres_place

KIND = KINDS["an operator is added"]
LONG = hypothesis.settings().max_examples > 50  # the profile that looks for new examples
FILLED = {
    name: kind
    for name, kind in KINDS.items()
    if name not in ("an operator is removed", "an index is added", "the query is renamed")
}
LINTED = ["an operator is added", "an ordered one is added", "a field may be None"]
kinds = pytest.mark.parametrize("kind", FILLED.values(), ids=FILLED)


def planned(connection: Any, kind: Kind) -> st.MigrationPlan:
    return st.plan(
        connection,
        kind.new.graph(),
        renames=kind.renames,
        renamed_from=kind.renamed_from,
        in_batches=True,
    )


def writing(place: Place, kind: Kind, history: list[Any]) -> Callable[[Done], None]:
    """A step of the installed version on a connection of its own, behind each batch."""
    waiting = list(history)

    def write(done: Done) -> None:
        if done.to_read and waiting:
            with place.opened(kind.old.graph(), create_tables=False) as store:
                feed(store, kind.old, [waiting.pop(0)])

    write.waiting = waiting  # type: ignore[attr-defined]
    return write


@kinds
def test_the_tables_are_those_of_a_fresh_store(place: Place, fresh: Place, kind: Kind) -> None:
    if place.name == "postgres" and kind not in [FILLED[name] for name in LINTED] and not LONG:
        pytest.skip("in the long profile: what differs by database are the words only")
    installed(place, kind)
    graph = kind.new.graph()
    with place.connect() as connection:
        made = planned(connection, kind)
        write = writing(place, kind, MORE)
        made.apply(write, batch_rows=1)
    left = write.waiting  # type: ignore[attr-defined]
    assert made.migration.in_batches, made.migration.unbatched
    assert not left
    with fresh.opened(graph) as store:
        feed(store, kind.new, [*HISTORY, *MORE[: len(MORE) - len(left)]], kind.convert)
    assert contents(place, graph) == contents(fresh, graph)
    assert told_apart(place, graph) == told_apart(fresh, graph)
    with place.opened(graph, create_tables=False) as store:
        assert st.verify(store).ok
        feed(store, kind.new, left, kind.convert)


# ---------------------------------------------------------------------------------------- killed


def run(place: Place, text: str, progress: Callable[[Done], None] | None = None) -> None:
    with place.connect() as connection:
        apply(driver_for(connection), text, progress=progress, batch_rows=3)


def killed_behind(place: Place, text: str, calls: int) -> bool:
    """Run a script in a process of its own that is gone behind so many statements; if it was."""

    def stop(_: Done) -> None:
        nonlocal calls
        calls -= 1
        if not calls:
            os._exit(0)

    child = os.fork()
    if child == 0:
        try:
            run(place, text, stop)
        finally:
            os._exit(1 if calls > 0 else 2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_killed_at_any_statement(place: Place, fresh: Place) -> None:
    """It goes on from where it was, or is taken back; what was written meanwhile is in it."""
    installed(place, KIND)
    old, graph = KIND.old.graph(), KIND.new.graph()
    with place.connect() as connection:
        made = planned(connection, KIND)
        up, down = made.up_sql, made.down_sql
    schema, written = schema_of(place), [*HISTORY]
    calls = 1
    while True:
        before = contents(place, old)
        if not killed_behind(place, up, calls):
            break
        if version(place) == 2:
            run(place, up)  # what stands behind the switch
            break
        assert contents(place, old) == before, calls
        fields = {"basket": calls, "product": "tv", "qty": 1 + calls % 3}
        with place.opened(old, create_tables=False) as store:
            feed(store, KIND.old, [("insert", "items", fields)])
        written.append(("insert", "items", fields))
        if calls % 2 and half_done_in(place):
            run(place, down)
        if calls % 2:
            assert schema_of(place) == schema, calls
        calls += 1 if LONG else 1 + calls // 4
    with fresh.opened(graph) as store:
        feed(store, KIND.new, written)
    assert contents(place, graph) == contents(fresh, graph)
    assert told_apart(place, graph) == told_apart(fresh, graph)
    assert calls > 100
    assert version(place) == 2
    run(place, down)
    assert schema_of(place) == schema


def version(place: Place) -> int:
    ((found,),) = place.read("SELECT version FROM stepping_queries")
    return int(found)


def half_done_in(place: Place) -> bool:
    with place.connect() as connection:
        return half_done(driver_for(connection)) is not None


# -------------------------------------------------------------------------------------- meanwhile


def insert_until(kind: str, where: str, stop: Any, worker: int) -> int:
    """Steps of the installed version in a process of its own; how many there were."""
    place, done = Place(kind, where), 0
    with place.connect() as connection:
        store = place.store(connection, KIND.old.graph(), create_tables=False)
        _, items = st.actions(store, store.graph)
        while not stop.is_set():
            try:
                items.insert(Item(basket=worker, product="tv", qty=1))
            except st.SchemaMismatch:
                break  # the switch
            done += 1
    return done


def test_writers_go_on_meanwhile(place: Place) -> None:
    rows = [Item(basket=i, product="tv", qty=i) for i in range(1, 400)]
    with place.opened(KIND.old.graph()) as store:
        feed(store, KIND.old, HISTORY)
        st.actions(store, store.graph)[1].insert(*rows)
    context = multiprocessing.get_context("spawn")
    with (
        context.Manager() as manager,
        ProcessPoolExecutor(2, mp_context=context) as pool,
        place.connect() as connection,
    ):
        stop = manager.Event()
        workers = [
            pool.submit(insert_until, place.name, place.where, stop, 1000 + i) for i in (1, 2)
        ]
        read = []
        try:
            written = f"SELECT basket, c FROM {table_of_items(place)} WHERE basket > 1000"  # noqa: S608
            while len(place.read(written)) < 2:
                time.sleep(0.01)
            planned(connection, KIND).apply(
                lambda done: read.append(done.read) if done.to_read else None, batch_rows=20
            )
        finally:
            stop.set()
        done = {1001 + i: worker.result(timeout=60) for i, worker in enumerate(workers)}
    assert len(read) > 10
    with place.opened(KIND.new.graph(), create_tables=False) as store:
        assert st.verify(store).ok
    counts = dict(place.read(written))
    assert counts == done, "every step that was said to be done is there, once"


def table_of_items(place: Place) -> str:
    return next(n for n in KIND.old.graph().program(place.name).plan.kept if n.endswith("__items"))


# ------------------------------------------------------------------------- scripts, and by hand


def test_a_script_runs_in_the_databases_own_shell(
    place: Place, fresh: Place, tmp_path: Path
) -> None:
    installed(place, KIND)
    with place.connect() as connection:
        made = planned(connection, KIND)
        script = tmp_path / "up.sql"
        script.write_text(made.up_sql)
    run_in_shell(place, script)
    graph = KIND.new.graph()
    with fresh.opened(graph) as store:
        feed(store, KIND.new, HISTORY)
    assert contents(place, graph) == contents(fresh, graph)
    assert told_apart(place, graph) == told_apart(fresh, graph)


@pytest.mark.parametrize("kind", [FILLED[name] for name in LINTED], ids=LINTED)
def test_squawk_finds_nothing(kind: Kind, postgres_db: str, tmp_path: Path) -> None:
    place = postgres_place(postgres_db)
    installed(place, kind)
    with place.connect() as connection:
        is_clean(planned(connection, kind).up_sql, tmp_path)


def test_one_migration_at_a_time(place: Place) -> None:
    """While one is half done, another way of doing it is refused, and so is another migration."""
    installed(place, KIND)
    schema = schema_of(place)

    class Stopped(Exception):
        pass

    def stop(done: Done) -> None:
        if done.to_read:
            raise Stopped

    with place.connect() as connection:
        made = planned(connection, KIND)
        with pytest.raises(Stopped):
            made.apply(stop, batch_rows=1)
        at_once = st.plan(connection, KIND.new.graph(), in_batches=False)
        with pytest.raises(Exception, match="a migration is half done"):
            at_once.apply()
        other = planned(connection, KINDS["an ordered one is added"])
        with pytest.raises(Exception, match="another migration is half done"):
            other.apply()
        again = st.plan(connection, KIND.new.graph())
        assert again.migration.in_batches
        assert "is half done: 2 rows have been read" in again.summary
        assert abandon(made.driver) == "receipts"
        assert schema_of(place) == schema
        with pytest.raises(st.MigrationError, match="no migration is half done"):
            abandon(made.driver)
        other.apply()


def begun(place: Place) -> None:
    """A migration is half done."""
    installed(place, KIND)
    with place.connect() as connection, pytest.raises(KeyboardInterrupt):
        planned(connection, KIND).apply(interrupted, batch_rows=1)


def interrupted(done: Done) -> None:
    if done.to_read:
        raise KeyboardInterrupt


def test_one_that_was_changed_by_hand_does_not_go_on(place: Place) -> None:
    """It would read again what it has read."""
    begun(place)
    with place.plain() as connection:
        connection.execute("DROP TABLE stepping_filling_1_at")
    before = schema_of(place)
    with place.connect() as connection:
        made = planned(connection, KIND)
        with pytest.raises(st.MigrationError, match="stepping_filling_1_at is gone"):
            made.apply()
        assert schema_of(place) == before
        abandon(made.driver)
        made.apply()
    with place.opened(KIND.new.graph(), create_tables=False) as store:
        assert st.verify(store).ok


def test_what_cannot_be_taken_back_is_said(place: Place) -> None:
    begun(place)
    with place.plain() as connection:
        connection.execute("UPDATE stepping_filling SET back_out = '['")
    with place.connect() as connection, pytest.raises(st.MigrationError, match="changed by hand"):
        abandon(driver_for(connection))


def test_the_commands(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    name = f"queries_{place.name}"
    (tmp_path / f"{name}.py").write_text(
        "from tests.migrate.test_batches import KIND\nnew = KIND.new.graph()\n"
    )

    def stepping(*arguments: str) -> str:
        return CliRunner().invoke(main, [*arguments, "--db", place.where]).output

    begun(place)
    folder = tmp_path / "migrations"
    written = stepping("migrate", f"{name}:new", "--out", str(folder))
    assert "Filled in batches before the switch, while writers go on:" in written
    assert "A migration of receipts is half done: 2 rows have been read." in written
    assert stepping("abandon") == "receipts: as it was\n"
    assert "no migration is half done" in stepping("abandon")
    up = next(folder.glob("*.up.sql"))
    assert "receipts: done" in stepping("apply", str(up), "--batch-rows", "1")
    with place.opened(KIND.new.graph(), create_tables=False) as store:
        assert st.verify(store).ok


class Numbered(st.Data):
    p2: int
    p1: int


def test_fields_with_the_names_of_a_cursor(place: Place, fresh: Place) -> None:
    """Their rows are read in their own order nevertheless."""

    def old(rows: st.ZSet[Numbered]) -> st.ZSet[Numbered]:
        return rows

    def new(rows: st.ZSet[Numbered]) -> st.ZSet[Numbered]:
        _ = st.Cache[Numbered](name="even")[st.filter(rows, f=lambda r: r.p1 % 2 == 0)](
            lambda z: st.integrate(z)
        )
        return rows

    before: Any = st.compile(old, name="numbers", keep={"rows": "all"})
    after: Any = st.compile(new, name="numbers", keep={"rows": "all"})
    rows = [Numbered(p2=i % 3, p1=(7 * i) % 20) for i in range(20)]
    for where, graph in ((place, before), (fresh, after)):
        with where.opened(graph) as store:
            st.actions(store, graph)[0].insert(*rows)
    with place.connect() as connection:
        st.plan(connection, after, in_batches=True).apply(batch_rows=3)
    assert contents(place, after) == contents(fresh, after)
