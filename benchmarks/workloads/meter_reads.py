"""Electricity meters: users join meters join reads, summed by (user, meter, day), kept by day.

Two joins and a group, and the output is the exact change of each day's sum. Reads come in any
order of time, or in order in `meter_reads_in_order`, where most of them add to the last day's sums.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from typing import Any

import stepping as st
from benchmarks.workload import Change, PlainTable, PlainTables, Values, Workload, in_batches

METERS = 1_000
READS_A_DAY = 10_000  # where they come in order
DAYS = 60
START = dt.datetime(2024, 1, 1)  # noqa: DTZ001  stored naive, as the query's type says
EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001
EPOCH_DAY = dt.date(1970, 1, 1).toordinal()
MICROSECOND = dt.timedelta(microseconds=1)


class User(st.Data):
    user_id: int
    name: str


class Meter(st.Data):
    meter_id: int
    user_id: int


class Read(st.Data):
    meter_id: int
    ts: dt.datetime
    value: float


class Dated(st.Data):
    user_id: int
    meter_id: int
    date: dt.date
    value: float


Of = st.Pair[User, Meter]
Key = tuple[int, int, dt.date]

cache = st.Cache[Dated]()

USERS_ID = st.Index.pick(User, lambda user: user.user_id)
METERS_USER = st.Index.pick(Meter, lambda meter: meter.user_id)
METERS_ID = st.Index.pick(Of, lambda pair: pair.right.meter_id)
READS_METER = st.Index.pick(Read, lambda read: read.meter_id)
DAILY_KEY = st.Index.pick(Dated, lambda dated: (dated.user_id, dated.meter_id, dated.date))
DAILY_DATE = st.Index.pick(Dated, lambda dated: dated.date)


def to_dated(pair: st.Pair[st.Pair[User, Meter], Read]) -> Dated:
    return Dated(
        user_id=pair.left.left.user_id,
        meter_id=pair.left.right.meter_id,
        date=pair.right.ts.date(),
        value=pair.right.value,
    )


def pick_value(dated: Dated) -> float:
    return dated.value


def to_daily(pair: st.Pair[float, tuple[int, int, dt.date]]) -> Dated:
    return Dated(user_id=pair.right[0], meter_id=pair.right[1], date=pair.right[2], value=pair.left)


# In the words of both versions of the library: the first one reads a query function's source, and
# knows assignments of single calls only.
def meter_reads(
    users: st.ZSet[User], meters: st.ZSet[Meter], reads: st.ZSet[Read]
) -> st.ZSet[Dated]:
    of = st.join(users, meters, on_left=USERS_ID, on_right=METERS_USER)
    joined = st.join(of, reads, on_left=METERS_ID, on_right=READS_METER)
    dated = st.map(joined, f=to_dated)
    grouped = st.group_reduce_flatten(dated, by=DAILY_KEY, zero=float, pick_value=pick_value)
    daily = st.map(grouped, f=to_daily)
    _ = cache[daily](lambda z: st.integrate_indexed(z, indexes=(DAILY_DATE,)))
    return daily


class MeterReads(Workload):
    name = "meter_reads"
    title = "meter reads: two joins, sum by (user, meter, day)"
    inputs = ("users", "meters", "reads")
    query = staticmethod(meter_reads)
    cache = cache

    def load(self, rows: int) -> Iterator[Change]:
        chance = random.Random("meter_reads")
        users = [User(user_id=i, name=f"user {i}") for i in range(METERS)]
        meters = [Meter(meter_id=i, user_id=chance.randrange(METERS)) for i in range(METERS)]
        yield from in_batches("users", users)
        yield from in_batches("meters", meters)
        yield from in_batches("reads", (_read(chance) for _ in range(rows)))

    def event(self, event: str, batch: int, seed: str) -> Change:
        chance = random.Random(seed)
        return Change("reads", tuple(_read(chance) for _ in range(batch)))

    def values(self, row: Any) -> Values:
        return (row.user_id, row.meter_id, row.date.toordinal() - EPOCH_DAY, row.value)


class MeterReadsInOrder(MeterReads):
    name = "meter_reads_in_order"
    title = "meter reads that come in the order of their times"
    by_hand = "meter_reads"

    def __init__(self) -> None:
        self.last = START  # every competitor sees the same reads in the same order

    def load(self, rows: int) -> Iterator[Change]:
        self.last = START
        for change in super().load(rows):
            yield self.in_order(change) if change.input == "reads" else change

    def event(self, event: str, batch: int, seed: str) -> Change:
        return self.in_order(super().event(event, batch, seed))

    def in_order(self, change: Change) -> Change:
        reads = []
        for read in change.added:
            self.last += dt.timedelta(days=1) / READS_A_DAY
            reads.append(Read(meter_id=read.meter_id, ts=self.last, value=read.value))
        return Change(change.input, tuple(reads))


def _read(chance: random.Random) -> Read:
    ts = START + dt.timedelta(milliseconds=chance.randrange(DAYS * 86_400_000))
    # Sums of eighths are exact, in whatever order they are added up.
    return Read(meter_id=chance.randrange(METERS), ts=ts, value=chance.randrange(8_000) / 8)


def _micros(read: Read) -> Values:
    return (read.meter_id, (read.ts - EPOCH) // MICROSECOND, read.value)


def _user(user: User) -> Values:
    return (user.user_id, user.name)


def _meter(meter: Meter) -> Values:
    return (meter.meter_id, meter.user_id)


def _typed(read: Read) -> Values:
    return (read.meter_id, read.ts, read.value)


MeterReads.plain = {
    "sqlite": PlainTables(
        tables={
            "users": PlainTable(
                create=("CREATE TABLE users (user_id INTEGER PRIMARY KEY, name TEXT NOT NULL)",),
                insert="INSERT INTO users VALUES (?, ?)",
                delete="DELETE FROM users WHERE user_id = ? AND name = ?",
                columns=_user,
            ),
            "meters": PlainTable(
                create=(
                    "CREATE TABLE meters (meter_id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL)",
                ),
                insert="INSERT INTO meters VALUES (?, ?)",
                delete="DELETE FROM meters WHERE meter_id = ? AND user_id = ?",
                columns=_meter,
            ),
            "reads": PlainTable(
                create=(
                    "CREATE TABLE reads (meter_id INTEGER NOT NULL, ts INTEGER NOT NULL, "
                    "value REAL NOT NULL)",
                    "CREATE INDEX reads_meter ON reads (meter_id, ts)",
                ),
                insert="INSERT INTO reads VALUES (?, ?, ?)",
                delete="DELETE FROM reads WHERE rowid = (SELECT rowid FROM reads "
                "WHERE meter_id = ? AND ts = ? AND value = ? LIMIT 1)",
                columns=_micros,
            ),
        },
        select="""
            SELECT m.user_id, r.meter_id, r.ts / 86400000000 AS date, sum(r.value) AS value
            FROM reads AS r JOIN meters AS m ON m.meter_id = r.meter_id
            JOIN users AS u ON u.user_id = m.user_id GROUP BY 1, 2, 3""",
    ),
    "postgres": PlainTables(
        tables={
            "users": PlainTable(
                create=("CREATE TABLE users (user_id int8 PRIMARY KEY, name text NOT NULL)",),
                insert="INSERT INTO users SELECT * FROM unnest($1::int8[], $2::text[])",
                delete="DELETE FROM users WHERE user_id = $1 AND name = $2",
                columns=_user,
            ),
            "meters": PlainTable(
                create=("CREATE TABLE meters (meter_id int8 PRIMARY KEY, user_id int8 NOT NULL)",),
                insert="INSERT INTO meters SELECT * FROM unnest($1::int8[], $2::int8[])",
                delete="DELETE FROM meters WHERE meter_id = $1 AND user_id = $2",
                columns=_meter,
            ),
            "reads": PlainTable(
                create=(
                    "CREATE TABLE reads (meter_id int8 NOT NULL, ts timestamp NOT NULL, "
                    "value float8 NOT NULL)",
                    "CREATE INDEX reads_meter ON reads (meter_id, ts)",
                ),
                insert="INSERT INTO reads "
                "SELECT * FROM unnest($1::int8[], $2::timestamp[], $3::float8[])",
                delete="DELETE FROM reads WHERE ctid = (SELECT ctid FROM reads "
                "WHERE meter_id = $1 AND ts = $2 AND value = $3 LIMIT 1)",
                columns=_typed,
            ),
        },
        select="""
            SELECT m.user_id, r.meter_id, r.ts::date - date '1970-01-01' AS date,
                sum(r.value) AS value
            FROM reads AS r JOIN meters AS m USING (meter_id) JOIN users AS u USING (user_id)
            GROUP BY 1, 2, 3""",
    ),
}

WORKLOADS = (MeterReads(), MeterReadsInOrder())
