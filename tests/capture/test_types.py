"""Columns of the application's tables, as SQLAlchemy and others write them, are what the row type
says: in joins, groups, sums, and as rows of a cache.
"""

from __future__ import annotations

import datetime as dt
import enum
import random
import sqlite3
import uuid
from decimal import Decimal
from typing import Annotated, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

import stepping as st
from tests.support.place import Place

UNHEX = sqlite3.sqlite_version_info >= (3, 41)


class Base(DeclarativeBase):
    pass


class Colour(enum.Enum):
    RED = "r"
    GREEN = "g"


class Thing(Base):
    __tablename__ = "things"
    id: Mapped[int] = mapped_column(primary_key=True)
    small: Mapped[int] = mapped_column(sa.SmallInteger)
    name: Mapped[str] = mapped_column(sa.String(40))
    note: Mapped[str | None]
    amount: Mapped[Decimal] = mapped_column(sa.Numeric(12, 2))
    ratio: Mapped[float]
    ok: Mapped[bool]
    raw: Mapped[bytes]
    day: Mapped[dt.date]
    at: Mapped[dt.datetime]
    utc: Mapped[dt.datetime] = mapped_column(sa.DateTime(timezone=True))
    time: Mapped[dt.time]
    colour: Mapped[Colour]
    payload: Mapped[Any] = mapped_column(sa.JSON, default=None)
    parent: Mapped[int | None] = mapped_column(sa.ForeignKey("things.id"), index=True)


class Seen(st.Data):
    id: int
    small: int
    name: str
    note: str | None
    amount: Annotated[Decimal, st.Scale(2)]
    ratio: float
    ok: bool
    raw: bytes
    day: dt.date
    at: dt.datetime
    utc: Annotated[dt.datetime, st.UTC]
    time: dt.time
    colour: Colour


class PerDay(st.Data):
    n: int
    amount: Annotated[Decimal, st.Scale(2)]
    ratio: float


def seen(thing: Thing) -> Seen:
    return Seen(
        id=thing.id,
        small=thing.small,
        name=thing.name,
        note=thing.note,
        amount=thing.amount,
        ratio=thing.ratio,
        ok=thing.ok,
        raw=thing.raw,
        day=thing.day,
        at=thing.at,
        utc=thing.utc,
        time=thing.time,
        colour=thing.colour,
    )


rows = st.Cache[Seen]("rows")
days = st.Cache[st.Pair[PerDay, dt.date]]("days")
pairs = st.Cache[tuple[int, str]]("pairs")


def things_of(things: st.ZSet[Thing]) -> None:
    _ = rows[st.map(things, f=seen)](lambda z: st.integrate(z))
    per_day = st.aggregate(
        things,
        by=st.Index.pick(Thing, lambda t: t.day),
        into=PerDay,
        n=st.agg.count(),
        amount=st.agg.sum(lambda t: t.amount),
        ratio=st.agg.sum(lambda t: t.ratio),
    )
    _ = days[per_day](lambda z: st.integrate(z))
    parents = st.join(
        things,
        things,
        on_left=st.Index.pick(Thing, lambda t: t.parent),
        on_right=st.Index.pick(Thing, lambda t: t.id),
    )
    _ = pairs[st.map(parents, f=lambda p: (p.left.id, p.right.name))](lambda z: st.integrate(z))


def made(number: int, pick: random.Random) -> dict[str, Any]:
    at = dt.datetime(1969, 12, 31, 23, 59, 59, 999_999) + dt.timedelta(
        days=pick.randrange(-3, 3), microseconds=pick.randrange(10**12)
    )
    return {
        "id": number,
        "small": pick.randrange(-5, 5),
        "name": pick.choice(["a", "A", "ä", "%", "o'x", ""]),
        "note": pick.choice([None, "n", "é"]),
        "amount": Decimal(pick.randrange(-(10**9), 10**9)) / 100,
        "ratio": pick.choice([0.5, -0.0, 3.0, -1.25]),
        "ok": pick.random() < 0.5,
        "raw": pick.randbytes(3),
        "day": at.date(),
        "at": at,
        "utc": at.replace(tzinfo=dt.UTC),
        "time": at.time(),
        "colour": pick.choice(list(Colour)),
        "payload": {"x": number},
        "parent": pick.choice([None, 1, 2]) if number > 2 else None,
    }


@pytest.mark.parametrize("refresh", ["immediate", "deferred"])
def test_values_are_those_that_the_application_wrote(place: Place, refresh: str) -> None:
    graph: Any = st.compile(things_of, refresh=refresh)
    pick = random.Random(5)
    engine = sa.create_engine(place.sqlalchemy_url)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(Thing(**made(i, pick)) for i in range(1, 20))
        session.commit()
    with place.connect() as connection:
        store = place.store(connection, graph)
        for turn in range(4):
            with Session(engine) as session:
                for number in range(20 + 5 * turn, 25 + 5 * turn):
                    session.add(Thing(**made(number, pick)))
                some = session.get_one(Thing, 3 + turn)
                some.amount, some.at = Decimal("0.07"), dt.datetime(2024, 2, 29, 1, 2, 3)
                some.day, some.note = some.at.date(), None
                session.delete(session.get_one(Thing, 10 + turn))
                session.commit()
            with Session(engine) as session:
                there = list(session.scalars(sa.select(Thing)))
                for thing in there:  # SQLite keeps no time zone
                    thing.utc = thing.utc.replace(tzinfo=dt.UTC)
                wanted = {seen(thing): 1 for thing in there}
                names = {thing.id: thing.name for thing in there}
                linked = {(t.id, names[t.parent]): 1 for t in there if t.parent in names}
                session.rollback()
            assert dict(rows.zset(store).iter()) == wanted
            assert dict(pairs.zset(store).iter()) == linked
            totals: dict[dt.date, list[Seen]] = {}
            for row in wanted:
                totals.setdefault(row.day, []).append(row)
            assert dict(days.zset(store).iter()) == {
                st.Pair(
                    PerDay(
                        n=len(each),
                        amount=sum((r.amount for r in each), Decimal(0)),
                        ratio=sum(r.ratio for r in each),
                    ),
                    day,
                ): 1
                for day, each in totals.items()
            }
        assert st.verify(store).ok
    engine.dispose()


class Tagged(st.Data, table="tagged"):
    key: uuid.UUID
    word: str


tagged_rows = st.Cache[Tagged]("rows")


def tagged(rows: st.ZSet[Tagged]) -> None:
    _ = tagged_rows[st.filter(rows, f=lambda t: t.word != "")](lambda z: st.integrate(z))


def test_a_uuid_is_a_uuid(place: Place) -> None:
    graph: Any = st.compile(tagged, refresh="immediate")
    key = uuid.UUID(int=7)
    kind = "CHAR(32)" if place.name == "sqlite" else "uuid"
    with place.connect() as connection:
        connection.execute(f"CREATE TABLE tagged (key {kind} PRIMARY KEY, word TEXT NOT NULL)")
        if place.name == "sqlite" and not UNHEX:
            with pytest.raises(st.CaptureError, match=r"3\.41"):
                place.store(connection, graph)
            return
        store = place.store(connection, graph)
        connection.execute(f"INSERT INTO tagged VALUES ('{key.hex}', 'x')")  # noqa: S608
        assert dict(tagged_rows.zset(store).iter()) == {Tagged(key=key, word="x"): 1}
        shown = connection.execute("SELECT * FROM tagged_rows").fetchall()
        assert [str(uuid.UUID(str(row[0]))) for row in shown] == [str(key)]


def test_rows_of_a_mapped_class_are_mapped_before_they_are_kept() -> None:
    kept: Any = st.Cache("kept")

    def whole(things: st.ZSet[Thing]) -> None:
        _ = kept[things](lambda z: st.integrate(z))

    with pytest.raises(st.QueryError, match=r"rows of the mapped class Thing[\s\S]*st\.map"):
        st.compile(whole)


def test_all_inputs_are_tables_or_none() -> None:
    class Other(st.Data):
        id: int

    def both(things: st.ZSet[Thing], others: st.ZSet[Other]) -> st.ZSet[Other]:
        return others

    with pytest.raises(st.QueryError, match="all inputs of a query are tables, or none"):
        st.compile(both)
    with pytest.raises(st.QueryError, match="for queries whose inputs are tables"):
        st.compile(lambda_query(Other), refresh="deferred")


def lambda_query(row: Any) -> Any:
    def query(others: Any) -> Any:
        return others

    query.__annotations__ = {"others": st.ZSet[row], "return": st.ZSet[row]}
    return query
