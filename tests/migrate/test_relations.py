"""Every cache is a relation `<query>_<cache>` for any reader, over all versions of its query."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Annotated, Any

import sqlalchemy as sa

import stepping as st
from tests.support.place import Place


class Sale(st.Data):
    shop: str
    day: datetime.date
    price: Annotated[Decimal, st.Scale(2)]


class Wider(st.Data):
    shop: str
    day: datetime.date
    price: Annotated[Decimal, st.Scale(2)]
    note: str | None


by_shop = st.Cache[st.Pair[int, str]]("by_shop")
days = st.Cache[tuple[datetime.date, Decimal]]("days")


def first(sales: st.ZSet[Sale]) -> None:
    counts = st.group_reduce_flatten(
        sales, by=st.Index.pick(Sale, lambda s: s.shop), zero=int, pick_value=lambda s: 1
    )
    _ = by_shop[counts](lambda z: st.integrate(z))
    _ = days[st.map(sales, f=lambda s: (s.day, s.price))](lambda z: st.integrate(z))


def second(sales: st.ZSet[Wider]) -> None:
    """The same caches of other rows, and one of them with other values."""
    counts = st.group_reduce_flatten(
        sales, by=st.Index.pick(Wider, lambda s: s.shop), zero=int, pick_value=lambda s: 1
    )
    doubled = st.map(counts, f=lambda p: st.Pair(2 * p.left, p.right))
    _ = by_shop[doubled](lambda z: st.integrate(z))
    _ = days[st.map(sales, f=lambda s: (s.day, s.price))](lambda z: st.integrate(z))


V1, V2 = st.compile(first, name="sales"), st.compile(second, name="sales")
DAY = datetime.date(2024, 2, 29)


def sale(shop: str, cents: int) -> Sale:
    return Sale(shop=shop, day=DAY, price=Decimal(cents).scaleb(-2))


def shown(place: Place, relation: str) -> list[tuple[Any, ...]]:
    return sorted(place.read(f"SELECT * FROM {relation}"))  # noqa: S608


def test_a_row_is_there_as_often_as_it_counts(place: Place) -> None:
    with place.opened(V1) as store:
        (sales,) = st.actions(store, V1)
        sales.insert(sale("a", 150), sale("a", 150), sale("b", 2000))
        assert shown(place, "sales_by_shop") == [(1, "b"), (2, "a")]
        if place.name == "sqlite":  # values as other clients know them
            expected: list[tuple[Any, ...]] = [(str(DAY), 1.5), (str(DAY), 1.5), (str(DAY), 20.0)]
        else:
            expected = [(DAY, Decimal("1.50")), (DAY, Decimal("1.50")), (DAY, Decimal("20.00"))]
        assert shown(place, "sales_days") == expected
        sales.remove(sale("a", 150), sale("b", 2000))
        assert shown(place, "sales_by_shop") == [(1, "a")]
        assert shown(place, "sales_days") == expected[:1]


def test_its_name_stays_over_versions(place: Place) -> None:
    with place.opened(V1) as store:
        st.actions(store, V1)[0].insert(sale("a", 150), sale("a", 150), sale("b", 2000))
        before = shown(place, "sales_days")
    with place.connect() as connection:
        st.plan(connection, V2).apply()
    with place.opened(V2, create_tables=False) as store:
        assert shown(place, "sales_by_shop") == [(2, "b"), (4, "a")]
        assert shown(place, "sales_days") == before
        store.uninstall()
    engine = sa.create_engine(place.sqlalchemy_url)
    assert sa.inspect(engine).get_view_names() == []
    engine.dispose()


def test_metadata_makes_it(place: Place) -> None:
    engine = sa.create_engine(place.sqlalchemy_url)
    metadata = V1.metadata(place.name)
    metadata.create_all(engine)
    assert {"sales_by_shop", "sales_days"} <= set(sa.inspect(engine).get_view_names())
    metadata.drop_all(engine)
    assert sa.inspect(engine).get_view_names() == []
    engine.dispose()
