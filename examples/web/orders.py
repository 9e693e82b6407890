"""What the application stores with SQLAlchemy, and the query that stepping keeps up to date."""

import sqlite3
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, orm

import stepping as st


class Base(orm.DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    customer: orm.Mapped[str]
    cents: orm.Mapped[int] = orm.mapped_column(sa.BigInteger)

    def row(self) -> "OrderRow":
        return OrderRow(id=self.id, customer=self.customer, cents=self.cents)


class OrderRow(st.Data):
    id: int
    customer: str
    cents: int


class Total(st.Data):
    orders: int
    cents: int


by_customer = st.Index.pick(OrderRow, lambda o: o.customer)
of_customer = st.Index.pick(st.Pair[Total, str], lambda p: p.right)
totals = st.Cache[st.Pair[Total, str]]("totals")


def totals_query(orders: st.ZSet[OrderRow]) -> st.ZSet[st.Pair[Total, str]]:
    total = st.aggregate(
        orders,
        by=by_customer,
        into=Total,
        orders=st.agg.count(),
        cents=st.agg.sum(lambda o: o.cents),
    )
    _ = totals[total](lambda z: st.integrate_indexed(z, indexes=(of_customer,)))
    return total


graph = st.compile(totals_query, name="order_totals")


def engine_of(url: str) -> sa.Engine:
    """An engine whose transactions are right for stepping, with all tables made."""
    engine = sa.create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", set_up)
        event.listen(engine, "begin", begin)
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
        store_on(connection, create_tables=True)
    return engine


def set_up(connection: sqlite3.Connection, record: Any) -> None:
    connection.isolation_level = None  # else Python's driver begins transactions as it sees fit
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA busy_timeout = 30000")


def begin(connection: sa.Connection) -> None:
    # Not BEGIN: who reads first and writes later would fail where another has written in between.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def store_on(connection: sa.Connection, *, create_tables: bool = False) -> st.Store:
    """The store on a connection: cheap enough for each request."""
    if connection.dialect.name == "sqlite":
        return st.StoreSQLite.from_graph(connection, graph, create_tables)
    return st.StorePostgres.from_graph(connection, graph, create_tables)
