"""Maintained views of a MetaData: created and dropped with its tables, selected from, mapped."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

import stepping as st
from stepping.cli import main
from tests.support.place import Place


def shop(refresh: str = "immediate") -> Any:
    """The classes of an application, with a view and a view of that."""

    class Base(DeclarativeBase):
        pass

    class Order(Base):
        __tablename__ = "orders"
        id: Mapped[int] = mapped_column(primary_key=True)
        country: Mapped[str] = mapped_column(sa.String(2))
        cents: Mapped[int]

    revenue = st.MaintainedView(
        sa.select(
            Order.country, sa.func.sum(Order.cents).label("cents"), sa.func.count().label("n")
        ).group_by(Order.country),
        "revenue",
        metadata=Base.metadata,
        refresh=refresh,
    )
    big = st.MaintainedView(
        sa.select(revenue.table.c.country).where(revenue.table.c.cents > 100),
        "big",
        metadata=Base.metadata,
    )

    class Revenue(Base):
        __table__ = revenue.table

    Base.big, Base.Order, Base.Revenue, Base.revenue = big, Order, Revenue, revenue
    return Base


def test_the_whole_life(place: Place) -> None:
    base = shop()
    engine = sa.create_engine(place.sqlalchemy_url)
    base.metadata.create_all(engine)
    base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(
            [base.Order(id=1, country="ch", cents=70), base.Order(id=2, country="de", cents=5)]
        )
        session.commit()
        session.add(base.Order(id=3, country="ch", cents=50))
        session.commit()
        found = session.scalars(sa.select(base.Revenue).order_by(base.Revenue.country)).all()
        assert [(each.country, each.cents, each.n) for each in found] == [
            ("ch", 120, 2),
            ("de", 5, 1),
        ]
        assert session.get_one(base.Revenue, "de").n == 1
        assert session.execute(sa.select(base.big.table.c.country)).all() == [("ch",)]
        session.add(base.Revenue(country="fr", cents=1, n=1))
        with pytest.raises(st.StoreError, match="mapped on the maintained view revenue"):
            session.flush()
    with engine.connect() as connection:
        assert {"revenue", "big"} <= set(sa.inspect(connection).get_view_names())
        assert "revenue" not in base.metadata.tables
    base.metadata.drop_all(engine)
    with engine.connect() as connection:
        found = sa.inspect(connection)
        assert (found.get_table_names(), found.get_view_names()) == ([], [])
    engine.dispose()


def test_deferred(place: Place) -> None:
    base = shop("deferred")
    engine = sa.create_engine(place.sqlalchemy_url)
    base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(base.Order), [{"id": 1, "country": "ch", "cents": 7}])
    with engine.connect() as connection:
        assert connection.execute(sa.select(base.revenue.table)).all() == []
        connection.rollback()
        base.revenue.store(connection).refresh()
        connection.commit()
        assert connection.execute(sa.select(base.revenue.table)).all() == [("ch", 7, 1)]
    base.metadata.drop_all(engine)
    engine.dispose()


def test_a_cache_of_a_query_function(place: Place) -> None:
    class Base(DeclarativeBase):
        pass

    class Order(Base):
        __tablename__ = "orders"
        id: Mapped[int] = mapped_column(primary_key=True)
        country: Mapped[str] = mapped_column(sa.String(2))

    per_country = st.Cache[Any]("per_country")

    def sales(orders: st.ZSet[Order]) -> None:
        by = st.Index.pick(Order, lambda o: o.country)
        counts = st.group_reduce_flatten(orders, by=by, zero=int, pick_value=lambda o: o.id)
        _ = per_country[counts](lambda z: st.integrate(z))

    sales.__annotations__["orders"] = st.ZSet[Order]
    graph = st.compile(sales)
    view = graph.view(per_country)
    assert view.name == "sales_per_country"
    engine = sa.create_engine(place.sqlalchemy_url)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Order(id=i, country="ch") for i in (1, 2)])
        session.commit()
        assert session.execute(sa.select(view.table)).all() == [(3, "ch")]
    Base.metadata.drop_all(engine)
    engine.dispose()
    with pytest.raises(st.QueryError, match="not a cache"):
        graph.view("other")


def test_a_select_that_has_changed(place: Place) -> None:
    """create_all alters nothing, and says so; once it is migrated there is nothing to say."""
    engine = sa.create_engine(place.sqlalchemy_url)
    before = shop()
    before.metadata.create_all(engine)
    before.metadata.create_all(engine)  # as it is: no warning, which would be an error here
    after = sa.MetaData()
    orders = before.Order.__table__.to_metadata(after)
    changed = st.MaintainedView(
        sa.select(orders.c.country, sa.func.count().label("n")).group_by(orders.c.country),
        "revenue",
        metadata=after,
    )
    with pytest.warns(UserWarning, match="'revenue' has changed(.|\\n)*stepping migrate") as said:
        after.create_all(engine)
    assert said[0].filename == __file__
    with engine.begin() as connection:
        before.big.store(connection).uninstall()
    with place.connect() as connection:
        st.plan(connection, changed.graph).apply()
    after.create_all(engine)
    with place.plain() as plain:
        plain.execute("DROP TRIGGER " + first_trigger(place))
    with pytest.warns(UserWarning, match="'revenue' is installed(.|\\n)*stepping repair"):
        after.create_all(engine)
    engine.dispose()


def first_trigger(place: Place) -> str:
    """One of ours on the table of orders."""
    if place.name == "sqlite":
        sql = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'orders'"
        return str(place.read(sql)[0][0])
    sql = "SELECT tgname::text FROM pg_trigger WHERE tgrelid = 'orders'::regclass AND tgtype = 4"
    return f"{place.read(sql)[0][0]} ON orders"


MODULE = """
import sqlalchemy as sa
import stepping as st

metadata = sa.MetaData()
orders = sa.Table(
    "orders",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("country", sa.String(2), nullable=False),
)
counted = st.MaintainedView(
    sa.select(orders.c.country, sa.func.count().label("n")).group_by(orders.c.country),
    "counted",
    metadata=metadata,
)
"""


def test_on_the_command_line(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever a query is named."""
    (tmp_path / "boards.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "boards", raising=False)
    with place.plain() as connection:
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, country TEXT NOT NULL)")
        connection.execute("INSERT INTO orders VALUES (1, 'ch'), (2, 'ch')")
    for command, *options in (
        ("check",),
        ("explain",),
        ("ddl",),
        ("migrate", "--out", "scripts"),
        ("apply",),
        ("migrate", "--check"),
        ("verify",),
        ("refresh",),
        ("status",),
        ("repair",),
        ("uninstall", "--yes"),
    ):
        arguments = [command, "boards:counted", "--db", place.where, *options]
        found = CliRunner().invoke(main, arguments)
        assert found.exit_code == 0, (command, found.output)
        assert "counted" in found.output
        if command == "apply":
            assert place.read("SELECT * FROM counted") == [("ch", 2)]
    wrong = CliRunner().invoke(main, ["apply", "boards:count", "--db", place.where])
    assert "the queries of boards: counted" in wrong.output
