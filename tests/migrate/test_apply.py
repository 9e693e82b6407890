"""Applying scripts: what is refused, what a killed one leaves, and who goes on meanwhile."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import stepping as st
from stepping.compiler.plan.script import parsed
from stepping.runtime.apply import Done, apply
from stepping.runtime.stores import driver_for
from tests.migrate.shop import HISTORY, KINDS, MORE, Item, Kind, Product, Shape, feed
from tests.migrate.test_changes import contents, installed, planned, schema_of
from tests.support.place import Place, postgres_place, sqlite_place

ADDED = KINDS["an operator is added"]
ORDERED = KINDS["an ordered one is added"]


def scripts(place: Place, kind: Kind) -> tuple[str, str]:
    installed(place, kind)
    with place.connect() as connection:
        made = planned(connection, kind)
        return made.up_sql, made.down_sql


def run(place: Place, text: str, progress: Callable[[Done], None] | None = None) -> None:
    with place.connect() as connection:
        apply(driver_for(connection), text, progress=progress)


# ------------------------------------------------------------------------------ what is refused


def test_an_edited_script_is_refused_unless_it_is_meant(place: Place) -> None:
    up, _ = scripts(place, ADDED)
    edited = up.replace("-- Tables:", "-- tables:")
    with pytest.raises(st.MigrationError, match="was edited since it was written"):
        run(place, edited)
    with place.connect() as connection:
        apply(driver_for(connection), edited, edited=True)


def test_a_script_for_the_other_database_is_refused(
    place: Place, tmp_path: Path, postgres_db: str
) -> None:
    other = sqlite_place(tmp_path / "other.db")
    other = postgres_place(postgres_db) if place.name == "sqlite" else other
    up, _ = scripts(other, ADDED)
    installed(place, ADDED)
    with pytest.raises(st.MigrationError, match=f"is for {other.name}, and this database is"):
        run(place, up)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: "SELECT 1;\n", "is no script of `stepping migrate`"),
        (lambda text: text[: text.index("-- step 4 of")], "is cut off"),
        (lambda text: text.replace("-- step 3 of", "-- step 33 of"), "cut off or put together"),
    ],
)
def test_a_damaged_script_is_refused(
    place: Place, damage: Callable[[str], str], message: str
) -> None:
    up, _ = scripts(place, ADDED)
    before = schema_of(place)
    with pytest.raises(st.MigrationError, match=message):
        run(place, damage(up))
    assert schema_of(place) == before


def test_a_script_for_another_version_is_refused(place: Place) -> None:
    up, down = scripts(place, ADDED)
    with pytest.raises(st.MigrationError, match="applied already"):
        run(place, down)  # nothing to go back from
    run(place, up)
    other = Kind(ADDED.new, Shape(best=True))
    with place.connect() as connection:
        third = planned(connection, other).up_sql
    run(place, third)
    with pytest.raises(st.MigrationError, match="for another version of receipts"):
        run(place, up)


# ---------------------------------------------------------------------------------------- killed


def killed_at(place: Place, text: str, number: int) -> None:
    """Run a script in a process of its own, that is gone before a statement."""

    def stop(done: Done) -> None:
        if done.number == number:
            os._exit(0)

    child = os.fork()
    if child == 0:
        try:
            run(place, text, stop)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("kind", [ADDED, ORDERED], ids=["added", "indexes"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_killed_at_each_statement(place: Place, kind: Kind) -> None:
    up, down = scripts(place, kind)
    graph, old = kind.new.graph(), kind.old.graph()
    before, schema = contents(place, old), schema_of(place)
    _, steps, untouched = parsed(up, "up")
    assert untouched
    commit = next(i for i, step in enumerate(steps, 1) if step.kind == "commit")
    for number in range(1, len(steps)):
        killed_at(place, up, number)
        if number < commit:
            assert contents(place, old) == before
            if number % 2:  # backed out
                left = any(s.kind == "before" and "INDEX" in s.sql for s in steps[:number])
                if left and schema_of(place) != schema:
                    run(place, down)
                assert schema_of(place) == schema
            else:
                run(place, up)
                run(place, down)
        else:
            run(place, up)  # what stands behind the transaction
            run(place, down)
        assert (contents(place, old), schema_of(place)) == (before, schema), number
    run(place, up)
    with place.opened(graph, create_tables=False) as store:
        assert st.verify(store).ok


def test_an_error_leaves_nothing_behind(place: Place) -> None:
    up, _ = scripts(place, ADDED)
    before = schema_of(place)
    _, steps, _ = parsed(up, "up")
    last = [step for step in steps if step.kind == "switch"][-1]
    broken = up.replace(f"{last.sql};", f"{last.sql} nonsense;")
    with place.connect() as connection, pytest.raises(Exception, match=r"nonsense|syntax"):
        apply(driver_for(connection), broken, edited=True)
    assert schema_of(place) == before
    run(place, up)


# ------------------------------------------------------------------------------------- meanwhile


def test_a_process_with_the_old_version_fails_cleanly(place: Place) -> None:
    up, _ = scripts(place, ADDED)
    with place.opened(ADDED.old.graph()) as old:
        run(place, up)
        before = contents(place, ADDED.new.graph())
        with pytest.raises(st.SchemaMismatch, match="migrated to version 2 since"):
            feed(old, ADDED.old, MORE)
        assert contents(place, ADDED.new.graph()) == before
    with place.opened(ADDED.new.graph(), create_tables=False) as new:
        feed(new, ADDED.new, MORE)


def test_a_step_that_waits_for_a_migration_fails_cleanly(postgres_db: str) -> None:
    place = postgres_place(postgres_db)
    up, _ = scripts(place, ADDED)
    failures: list[BaseException] = []
    started = threading.Event()

    def work() -> None:
        with place.opened(ADDED.old.graph()) as store:
            _, items = st.actions(store, store.graph)
            started.set()
            try:
                items.insert(Item(basket=9, product="tv", qty=1))
            except BaseException as error:
                failures.append(error)

    worker = threading.Thread(target=work)

    def wait_in_between(done: Done) -> None:
        if "keeps steps of" in done.step.note:
            worker.start()
            started.wait(10)
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            while place.read(waiting) == [(0,)]:
                pass

    run(place, up, wait_in_between)
    worker.join()
    (failure,) = failures
    assert isinstance(failure, st.SchemaMismatch)
    with place.opened(ADDED.new.graph(), create_tables=False) as store:
        assert st.verify(store).ok


# -------------------------------------------------------------------------------------- backfill


def summed(field: str) -> Any:
    """A query that keeps sums and not its input."""

    def sums(items: st.ZSet[Item]) -> st.ZSet[st.Pair[int, int]]:
        value = {"qty": lambda i: i.qty, "twice": lambda i: i.qty * 2}[field]
        by: Any = st.Index.pick(Item, lambda i: i.basket)
        return st.group_reduce_flatten(items, by=by, zero=int, pick_value=value)

    return st.compile(sums)


ITEMS = [Item(basket=1, product="tv", qty=2), Item(basket=1, product="tv", qty=3)]


def test_what_no_table_has_is_said_before_anything_happens(place: Place) -> None:
    with place.opened(summed("qty")) as store:
        st.actions(store, store.graph)[0].insert(*ITEMS)
    with place.connect() as connection:
        made = st.plan(connection, summed("twice"))
        with pytest.raises(st.MigrationError) as caught:
            _ = made.up_sql
        text = str(caught.value)
        assert "items (basket, qty): no table has them" in text
        assert 'backfill={"items": "SELECT ..."}' in text
        assert "Not in the database" in made.summary
        connection.execute("CREATE TABLE shop_items (basket BIGINT, quantity BIGINT)")
        connection.execute("INSERT INTO shop_items VALUES (1, 2), (1, 3)")
        select = "SELECT basket, quantity AS qty FROM shop_items"
        made = st.plan(connection, summed("twice"), backfill={"items": select})
        apply(made.driver, made.up_sql)
    with place.opened(summed("twice"), create_tables=False) as store:
        (changed,) = st.actions(store, store.graph)[0].insert(ITEMS[0])
        assert changed == st.ZSetPython({st.Pair(10, 1): -1, st.Pair(14, 1): 1})


def test_rows_from_python(place: Place) -> None:
    with place.opened(summed("qty")) as store:
        st.actions(store, store.graph)[0].insert(*ITEMS)
    with place.connect() as connection:
        made = st.plan(connection, summed("twice"), backfill={"items": iter(ITEMS)})
        with pytest.raises(st.MigrationError, match="come from Python"):
            _ = made.up_sql
        made.apply()
    with place.opened(summed("twice"), create_tables=False) as store:
        (changed,) = st.actions(store, store.graph)[0].insert(ITEMS[0])
        assert changed == st.ZSetPython({st.Pair(10, 1): -1, st.Pair(14, 1): 1})


def test_rows_through_python_steps(place: Place) -> None:
    installed(place, ADDED)

    def letters(products: st.ZSet[Product]) -> st.ZSet[str]:
        def sorted_letters(product: Product) -> str:
            return "".join(sorted(product.name))

        kept: st.Cache[str] = st.Cache(name="letters")
        found = st.distinct(st.map(products, f=sorted_letters))
        _ = kept[found](lambda z: st.integrate(z))
        return found

    graph: Any = st.compile(letters)
    with place.connect() as connection:
        made = st.plan(connection, graph, shares={"products": "receipts"})
        assert "Python steps" in made.summary
        with pytest.raises(st.MigrationError, match="rows have to go through Python steps"):
            _ = made.up_sql
        made.apply()
        store = place.store(connection, graph, create_tables=False)
        (cache,) = graph.cache_names
        assert {row for row, _ in cache.zset(store).iter()} == {"tv", "adior"}


def test_a_new_query_over_a_store_with_history(place: Place) -> None:
    installed(place, ADDED)

    def stock(items: st.ZSet[Item]) -> st.ZSet[st.Pair[int, str]]:
        by: Any = st.Index.pick(Item, lambda i: i.product)
        return st.group_reduce_flatten(items, by=by, zero=int, pick_value=lambda i: i.qty)

    graph: Any = st.compile(stock)
    with place.connect() as connection:
        assert "receipts has an input of that name" in st.plan(connection, graph).summary
        with pytest.raises(st.MigrationError, match="there are items=receipts"):
            st.plan(connection, graph, shares={"items": "receipt"})
        with pytest.raises(st.MigrationError, match="both queries must have an input products"):
            st.plan(connection, graph, shares={"products": "receipts"})
        made = st.plan(connection, graph, shares={"items": "receipts"})
        assert "of the query receipts" in made.summary
        assert made.version == 1
        apply(made.driver, made.up_sql)
        down = made.down_sql
    with place.opened(graph, create_tables=False) as store:
        (items,) = st.actions(store, graph)
        (changed,) = items.insert(Item(basket=5, product="lamp", qty=1))
        assert changed == st.ZSetPython({st.Pair(7, "lamp"): -1, st.Pair(8, "lamp"): 1})
    run(place, down)
    assert not any("stock" in str(row) for row in schema_of(place))


def test_a_new_input_has_no_rows(place: Place) -> None:
    installed(place, ADDED)

    class Coupon(st.Data):
        product: str

    def receipts(items: st.ZSet[Item], coupons: st.ZSet[Coupon]) -> st.ZSet[Item]:
        return st.semi_join(
            items,
            coupons,
            on_left=st.Index.pick(Item, lambda i: i.product),
            on_right=st.Index.pick(Coupon, lambda c: c.product),
        )

    graph: Any = st.compile(receipts)
    with place.connect() as connection:
        made = st.plan(connection, graph)
        assert "coupons: a new input: it has no rows yet" in made.summary
        apply(made.driver, made.up_sql)
        store = place.store(connection, graph, create_tables=False)
        (changed,) = st.actions(store, graph)[1].insert(Coupon(product="radio"))
        assert changed == st.ZSetPython({Item(basket=1, product="radio", qty=4): 1})


# ----------------------------------------------------------------------------------------- hints


def test_hints_that_fit_nothing(place: Place) -> None:
    installed(place, ADDED)
    graph = ADDED.new.graph()
    with place.connect() as connection:
        with pytest.raises(st.MigrationError, match=r"there are Item\.basket"):
            st.plan(connection, graph, renames={"Product.prise": "cost"})
        with pytest.raises(st.MigrationError, match="no input of 'receipts'"):
            st.plan(connection, graph, backfill={"goods": "SELECT 1"})
        with pytest.raises(st.MigrationError, match="is not installed"):
            st.plan(connection, graph, renamed_from="bills")
        costs = KINDS["a field is renamed"].new.graph()
        with pytest.raises(st.MigrationError, match="Product had no cost, and it has no default"):
            _ = st.plan(connection, costs).up_sql


def test_tables_that_were_changed_by_hand(place: Place) -> None:
    installed(place, ADDED)
    first, second = "receipts__items", "receipts__products"
    with place.plain() as connection:
        connection.execute(f'ALTER TABLE "{first}" ADD COLUMN more INTEGER')
        connection.execute(f'DROP TABLE "{second}"')
    with place.connect() as connection, pytest.raises(st.SchemaMismatch) as caught:
        planned(connection, ADDED)
    assert f"{first} has other columns than it was made with: more" in str(caught.value)
    assert f"{second} is not there" in str(caught.value)


def test_settings_of_the_connection_stay(postgres_db: str) -> None:
    place = postgres_place(postgres_db)
    installed(place, ADDED)
    with place.connect() as connection:
        connection.execute("SET lock_timeout = '7s'")
        planned(connection, ADDED).apply()
        assert connection.execute("SHOW lock_timeout").fetchone() == ("7s",)


@pytest.mark.parametrize("name", ['it\'s "a"; DROP TABLE x; --', "$stepping$ END", "naïve ☃"])
def test_names_are_just_data(place: Place, name: str) -> None:
    old, new = Shape(query=name), Shape(query=name, counted=True)
    installed(place, Kind(old, new))
    up = planned_sql(place, Kind(old, new))
    run(place, up)
    with place.opened(new.graph(), create_tables=False) as store:
        assert st.verify(store).ok


def planned_sql(place: Place, kind: Kind) -> str:
    with place.connect() as connection:
        return planned(connection, kind).up_sql


@pytest.mark.parametrize("made", ["before", "after"])  # the script was written
def test_an_iteration_that_is_at_work_is_waited_for(place: Place, made: str) -> None:
    if made == "after":
        up, _ = scripts(place, ADDED)
    with place.opened(ADDED.old.graph(), features=["stages"]) as store:
        first, *_ = store.plan.kept
    if made == "before":
        with place.connect() as connection:
            up = planned(connection, ADDED).up_sql
    with place.plain() as connection:
        connection.execute(
            "INSERT INTO stepping_iterations (query, t, attempt, stage, stages, predecessor, plan, "
            "state, input, begun_at, lease_until) VALUES "
            "('receipts', 9, 1, 1, 2, 0, '', 'running', '', 0, 0)"
        )
        connection.execute(f"UPDATE last_update SET t = 9 WHERE table_name = '{first}'")  # noqa: S608
    before = schema_of(place)
    with pytest.raises(Exception, match="iterations of receipts are at work"):
        run(place, up)
    assert schema_of(place) == before
    with place.plain() as connection:
        connection.execute("DELETE FROM stepping_iterations")
        connection.execute("UPDATE last_update SET t = 9")
    run(place, up)


def test_nothing_to_do(place: Place) -> None:
    installed(place, ADDED)
    with place.connect() as connection:
        made = st.plan(connection, ADDED.old.graph())
        assert made.is_nothing
        assert made.kept == ADDED.old.graph().program(place.name).plan.kept or made.kept
        with pytest.raises(st.MigrationError, match="nothing to do"):
            made.apply()


def test_times_go_on(place: Place) -> None:
    with place.opened(ADDED.old.graph()) as store:
        products, items = st.actions(store, store.graph)
        products.insert(Product(name="tv", price=1), time=st.Time(7, -1, False))
        items.insert(Item(basket=1, product="tv", qty=1), time=st.Time(8, 7, False))
    with place.connect() as connection:
        planned(connection, ADDED).apply()
    assert set(place.times().values()) == {8}
    with place.opened(ADDED.new.graph(), create_tables=False) as store:
        st.actions(store, store.graph)[1].insert(
            Item(basket=1, product="tv", qty=1), time=st.Time(9, 8, False)
        )


def test_feeding_the_same_history_twice_is_no_accident(place: Place) -> None:
    """The counts of rows that stand twice are kept by each kind of source."""
    with place.opened(ADDED.old.graph()) as store:
        feed(store, ADDED.old, [*HISTORY[:5], *HISTORY[:5]])
    with place.connect() as connection:
        planned(connection, ADDED).apply()
    with place.opened(ADDED.new.graph(), create_tables=False) as store:
        assert st.verify(store).ok
