"""A Range of a field is a CHECK of the table that keeps it; another Range, another CHECK."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any

import pytest

import stepping as st
from stepping.runtime.apply import apply
from stepping.runtime.stores import driver_for
from tests.support.place import Place

kept: st.Cache[Any] = st.Cache("kept")


def graph_of(bounds: Any, *, called: str = "percent", of: Any = int) -> Any:
    """A query that keeps rows with a field of these bounds, whatever their class is called."""
    field = Annotated[of, bounds] if bounds is not None else of
    row = type("Item", (st.Data,), {"__annotations__": {"id": int, called: field | None}})

    def items_of(items: st.ZSet[Any]) -> st.ZSet[Any]:
        _ = kept[items](lambda z: st.integrate(z))
        return items

    items_of.__annotations__ = {"items": st.ZSet[row], "return": st.ZSet[row]}  # type: ignore[valid-type]
    graph: Any = st.compile(items_of, name="shop")
    graph.row = row
    return graph


def insert(store: Any, graph: Any, *values: Any, called: str = "percent") -> None:
    rows = [graph.row(**{"id": i, called: value}) for i, value in enumerate(values)]
    st.actions(store, graph)[0].insert(*rows)


def written_by_another(place: Place, graph: Any, value: str) -> None:
    """A row that nobody has looked at."""
    (table,) = graph.program(place.name).plan.kept
    count = graph.program(place.name).plan.tables[0].table.weight
    with place.plain() as connection:
        names = f"id, percent, {count}"
        connection.execute(f"INSERT INTO {table} ({names}) VALUES (77, {value}, 1)")  # noqa: S608


WITHIN = [
    (int, st.Range(0, 100), [None, 0, 100], ["-1", "101"]),
    (int, st.Range(-5, math.inf), [None, -5, 2**63 - 1], ["-6"]),
    (int, st.Range(0.5, 2.5), [1, 2], ["0", "3"]),
    (float, st.Range(-0.5, 1e300), [None, -0.5, 1e300], ["-0.75", "2e300"]),
    (Decimal, st.Range(0, Decimal("9.99")), [None, Decimal("9.99")], ["-0.01", "10"]),
]


@pytest.mark.parametrize(("of", "bounds", "inside", "outside"), WITHIN)
def test_what_others_write_is_checked(
    place: Place, of: Any, bounds: Any, inside: list[Any], outside: list[str]
) -> None:
    graph = graph_of(bounds, of=of)
    with place.opened(graph) as store:
        insert(store, graph, *inside)
        assert len(list(kept.zset(store).iter())) == len(inside)
        for value in outside:
            if of is Decimal and place.name == "sqlite":
                continue  # a text, which no CHECK can compare
            with pytest.raises(Exception, match="within_percent") as error:
                written_by_another(place, graph, value)
            said = store.driver.failure(error.value) or ""
            assert said.startswith("a value of percent")
            assert said.endswith("is not within the st.Range of its field")


def test_a_decimal_with_a_scale(place: Place) -> None:
    graph = graph_of(st.Range(0, Decimal("9.999")), of=Annotated[Decimal, st.Scale(2)])
    with place.opened(graph) as store:
        insert(store, graph, None, Decimal(0), Decimal("9.99"))
        for value in ("-1", "1000") if place.name == "sqlite" else ("-0.01", "10"):
            with pytest.raises(Exception, match="within_percent"):
                written_by_another(place, graph, value)


def test_ends_that_say_nothing(place: Place) -> None:
    for bounds in (st.Range(-math.inf, math.inf), st.Range(-(2**63), 2**70), None):
        graph = graph_of(bounds)
        (table,) = graph.program(place.name).plan.tables
        assert "within_" not in "".join(table.ddl)


def test_what_is_computed_may_be_outside(place: Place) -> None:
    class Item(st.Data):
        id: int
        percent: Annotated[int, st.Range(0, 100)]

    def doubled(items: st.ZSet[Item]) -> st.ZSet[Item]:
        twice = st.map(items, f=lambda i: Item(id=i.id, percent=i.percent * 2))
        _ = kept[twice](lambda z: st.integrate(z))
        return twice

    graph = st.compile(doubled)
    with place.opened(graph) as store:
        st.actions(store, graph)[0].insert(Item(id=1, percent=99))
        assert list(kept.zset(store).iter()) == [(Item(id=1, percent=198), 1)]


def by_script(connection: Any, made: Any) -> None:
    apply(driver_for(connection), made.up_sql)


def at_once(connection: Any, made: Any) -> None:
    made.apply()


CHANGES = [
    (None, st.Range(0, 10)),
    (st.Range(0, 10), None),
    (st.Range(0, 10), st.Range(0, 100)),
    (st.Range(0, 100), st.Range(0, 10)),
    (st.Range(0, math.inf), st.Range(-math.inf, 10)),
]


@pytest.mark.parametrize("run", [by_script, at_once])
@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_another_range(
    place: Place, before: Any, after: Any, run: Callable[[Any, Any], None]
) -> None:
    old, new = graph_of(before), graph_of(after)
    with place.connect() as connection:
        insert(place.store(connection, old), old, 1, 10, None)
        rows = place.read(f"SELECT * FROM {old.program(place.name).plan.kept[0]}")  # noqa: S608
        with pytest.raises(st.SchemaMismatch):
            place.store(connection, new)
        made = st.plan(connection, new)
        down = made.down_sql
        run(connection, made)
        store = place.store(connection, new)
        assert store.plan.kept == old.program(place.name).plan.kept
        assert place.read(f"SELECT * FROM {store.plan.kept[0]}") == rows  # noqa: S608
        for value in (-1, 11, 101):
            is_inside = after is None or after.low <= value <= after.high
            if is_inside:
                written_by_another(place, new, str(value))
                with place.plain() as other:
                    other.execute(f"DELETE FROM {store.plan.kept[0]} WHERE id = 77")  # noqa: S608
            else:
                with pytest.raises(Exception, match="within_percent"):
                    written_by_another(place, new, str(value))
        assert st.verify(store).ok
        apply(driver_for(connection), down)
        insert(place.store(connection, old), old, 2)


def test_rows_that_are_outside_of_the_new_range(place: Place) -> None:
    old, new = graph_of(st.Range(0, 100)), graph_of(st.Range(0, 10))
    with place.connect() as connection:
        store = place.store(connection, old)
        insert(store, old, 1, 50)
        up = st.plan(connection, new).up_sql
        with pytest.raises(st.RowError, match=r"a value of percent.*is not within") as error:
            apply(driver_for(connection), up)
        wrong = {old.row(id=1, percent=50): 1}
        if place.name == "sqlite":
            assert "nothing was done" in str(error.value)
            st.actions(store, old)[0].remove(*wrong)
        else:  # rows that come are checked, those that are there are to be mended
            assert "all else of the migration is done" in str(error.value)
            store = place.store(connection, new, create_tables=False)
            with place.plain() as other:
                other.execute(f"DELETE FROM {store.plan.kept[0]} WHERE id = 1")  # noqa: S608
        apply(driver_for(connection), up)
        assert st.verify(place.store(connection, new)).ok


def test_a_field_that_is_renamed(place: Place) -> None:
    old, new = graph_of(st.Range(0, 10)), graph_of(st.Range(0, 10), called="part")
    with place.connect() as connection:
        insert(place.store(connection, old), old, 1, 10)
        made = st.plan(connection, new, renames={"Item.percent": "part"})
        assert made.renamed
        made.apply()
        store = place.store(connection, new)
        insert(store, new, 3, called="part")
        with place.plain() as other, pytest.raises(Exception, match="within_"):
            other.execute(f"UPDATE {store.plan.kept[0]} SET part = 11")  # noqa: S608
        assert st.verify(store).ok
