"""Meter readings: what each user's meters have measured per day."""

import datetime

import stepping as st


class User(st.Data):
    id: int
    name: str


class Meter(st.Data):
    id: int
    user_id: int


class Read(st.Data):
    meter_id: int
    at: datetime.datetime
    watt_hours: int


class Usage(st.Data):
    """What a meter of a user has measured on a day."""

    day: datetime.date
    user: str
    meter_id: int
    watt_hours: int


MeterRead = st.Pair[Read, Meter]
UserRead = st.Pair[MeterRead, User]

BY_DAY = st.Index.pick(Usage, lambda usage: usage.day)

usage = st.Cache[Usage](name="usage")


def query(users: st.ZSet[User], meters: st.ZSet[Meter], reads: st.ZSet[Read]) -> st.ZSet[Usage]:
    with_meter = st.join(
        reads,
        meters,
        on_left=st.Index.pick(Read, lambda read: read.meter_id),
        on_right=st.Index.pick(Meter, lambda meter: meter.id),
    )
    with_user = st.join(
        with_meter,
        users,
        on_left=st.Index.pick(MeterRead, lambda pair: pair.right.user_id),
        on_right=st.Index.pick(User, lambda user: user.id),
    )
    totals = st.group_reduce_flatten(
        with_user,
        by=st.Index.pick(
            UserRead,
            lambda pair: (pair.left.left.at.date(), pair.right.name, pair.left.right.id),
        ),
        zero=int,
        pick_value=lambda pair: pair.left.left.watt_hours,
    )
    rows = st.map(
        totals,
        f=lambda total: Usage(
            day=total.right[0],
            user=total.right[1],
            meter_id=total.right[2],
            watt_hours=total.left,
        ),
    )
    _ = usage[rows](lambda z: st.integrate_indexed(z, indexes=(BY_DAY,)))
    return rows


graph = st.compile(query, name="meter_readings")

MONDAY = datetime.date(2024, 3, 4)
TUESDAY = datetime.date(2024, 3, 5)


def hourly(meter_id: int, day: datetime.date, watt_hours: int) -> list[Read]:
    """A day of readings that rise until noon and fall again."""
    return [
        Read(
            meter_id=meter_id,
            at=datetime.datetime.combine(day, datetime.time(hour)),
            watt_hours=watt_hours + 10 * min(hour, 24 - hour),
        )
        for hour in range(24)
    ]


def show(store: st.Store, day: datetime.date) -> None:
    """What the cache has of one day: a look-up in its index."""
    rows = usage.zset(store).iter_by_index(BY_DAY, match_keys=frozenset({day}))
    for _, row, _ in rows:
        print(f"{row.day} {row.user:<4} meter {row.meter_id}: {row.watt_hours:>6,} Wh")


def run(store: st.Store) -> None:
    users, meters, reads = st.actions(store, graph)
    users.insert(User(id=1, name="Ann"), User(id=2, name="Bob"))
    meters.insert(Meter(id=10, user_id=1), Meter(id=11, user_id=1), Meter(id=20, user_id=2))
    for day in (MONDAY, TUESDAY):
        for meter_id, base in ((10, 200), (11, 50), (20, 120)):
            reads.insert(*hourly(meter_id, day, base))
    show(store, TUESDAY)

    print("\nOne reading was wrong. What changes:")
    noon = datetime.datetime.combine(TUESDAY, datetime.time(12))
    (change,) = reads.replace(
        Read(meter_id=10, at=noon, watt_hours=320), Read(meter_id=10, at=noon, watt_hours=20)
    )
    print(change)

    print("\nMeter 11 is Bob's, and always was:")
    meters.replace(Meter(id=11, user_id=1), Meter(id=11, user_id=2))
    show(store, TUESDAY)


if __name__ == "__main__":
    with st.connection_sqlite(":memory:") as connection:
        run(st.StoreSQLite.from_graph(connection, graph))
