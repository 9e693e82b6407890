"""The shop's own tables. Nothing here knows of stepping."""

import datetime
import sqlite3
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, orm
from sqlalchemy.orm import Mapped, mapped_column


class Base(orm.DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    country: Mapped[str]


class Product(Base):
    __tablename__ = "products"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    category: Mapped[str]


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), index=True)
    placed: Mapped[datetime.date]
    status: Mapped[str] = mapped_column(default="open")
    items: Mapped[list["Item"]] = orm.relationship(passive_deletes=True)


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(
        sa.ForeignKey("orders.id", ondelete="CASCADE"), index=True
    )
    product_id: Mapped[int] = mapped_column(sa.ForeignKey("products.id"), index=True)
    qty: Mapped[int]
    cents: Mapped[int] = mapped_column(sa.BigInteger)


def engine_of(url: str) -> sa.Engine:
    """The shop's database, with its tables."""
    engine = sa.create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", set_up)
        event.listen(engine, "begin", begin)
    Base.metadata.create_all(engine)
    return engine


def set_up(connection: sqlite3.Connection, record: Any) -> None:
    connection.isolation_level = None  # else Python's driver begins transactions as it sees fit
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA busy_timeout = 30000")


def begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
