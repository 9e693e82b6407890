"""A select() of SQLAlchemy's as a query, and tables where there is no database to ask."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

import stepping as st
from stepping.compiler.explain import ddl_text
from tests.support.place import Place, postgres_place

AT = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customers"
    name: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    country: Mapped[str] = mapped_column(sa.String(2))


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer: Mapped[str] = mapped_column(sa.String(40), index=True)
    cents: Mapped[int | None]
    at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))
    local: Mapped[datetime.datetime]


def revenue() -> Any:
    return (
        sa.select(
            Customer.country,
            sa.func.sum(Order.cents).label("cents"),
            sa.func.count().label("n"),
        )
        .join(Order, Order.customer == Customer.name)
        .where(Order.customer.not_like("100\\%%:x"), Order.id % 100 != 7)
        .group_by(Customer.country)
    )


def test_rows_follow_the_tables(place: Place) -> None:
    with place.connect() as connection:
        engine = sa.create_engine(place.sqlalchemy_url)
        with engine.connect() as made:
            Base.metadata.create_all(made)
            made.commit()
            made.execute(sa.insert(Customer), [{"name": "Ann", "country": "de"}])
            made.execute(sa.insert(Customer), [{"name": "100\\%a:x", "country": "de"}])
            made.commit()
        graph = st.sql(revenue(), name="revenue")
        store = place.store(connection, graph)
        with engine.connect() as made:
            for i, (who, cents) in enumerate((("Ann", 5), ("Ann", None), ("100\\%a:x", 7)), 5):
                given = {"id": i, "customer": who, "cents": cents, "at": AT}
                given["local"] = AT.replace(tzinfo=None)
                made.execute(sa.insert(Order), [given])
            made.commit()
            expected = Counter(map(tuple, made.execute(revenue())))
            made.rollback()
        rows = {tuple(row): count for row, count in graph.rows(store).iter()}
        assert rows == dict(expected)
        assert sum(expected.values()) == 1
        engine.dispose()


@pytest.mark.parametrize(
    ("select", "dialect", "message"),
    [
        (
            lambda: sa.select(Order.id).where(Order.id > sa.bindparam("least")),
            "sqlite",
            "parameter 'least' .* has no value",
        ),
        (
            lambda: sa.select(Order.id).where(Order.local > AT),
            "postgres",
            "zone would be dropped",
        ),
        (
            lambda: sa.select(Order.id).where(Order.at > AT),
            "sqlite",
            "DATETIME drops it",
        ),
        (
            lambda: sa.select(Order.id).where(Order.at > datetime.datetime(2024, 1, 1)),
            "postgres",
            "zone of the session",
        ),
    ],
)
def test_what_a_text_cannot_say(select: Callable[[], Any], dialect: str, message: str) -> None:
    graph = st.sql(select(), name="v", tables=Base.metadata)
    with pytest.raises(st.QueryError, match=message) as caught:
        graph.script(dialect)
    assert "test_composed.py" in str(caught.value)


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_without_a_database(dialect: str) -> None:
    graph = st.sql(revenue(), name="revenue", tables=Base)
    assert "revenue AS\n" in ddl_text(graph, dialect)
    assert "revenue" in st.explain(graph, dialect).text


def test_as_the_database_says_it(each_postgres_db: str) -> None:
    """Types that are said without Postgres are those that it says."""
    with st.connection_postgres(each_postgres_db) as connection:
        engine = sa.create_engine(postgres_place(each_postgres_db).sqlalchemy_url)
        Base.metadata.create_all(engine)
        engine.dispose()
        graph = st.sql(revenue(), name="revenue", tables=Base.metadata)
        without = [each.ddl for each in graph.program("postgres").plan.tables]
        store = st.StorePostgres.from_graph(connection, graph)
        assert without == [each.ddl for each in store.plan.tables]


def test_what_only_postgres_can_say() -> None:
    select = sa.select(sa.func.to_hex(Order.id).label("h"))
    graph = st.sql(select, name="v", tables=Base.metadata)
    with pytest.raises(st.QueryError, match="only Postgres can say"):
        graph.script("postgres")


def test_a_name_is_asked_for() -> None:
    with pytest.raises(st.QueryError, match="has no name"):
        st.sql(revenue(), name=None)  # type: ignore[call-overload]
