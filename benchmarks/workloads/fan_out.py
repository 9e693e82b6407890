"""One user has all the reads, and is renamed: in `fan_out` each result row holds the name.

In `fan_out_unused` nothing reads the name, so that renaming should cost nothing.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from typing import Any, ClassVar

import stepping as st
from benchmarks.workload import Change, PlainTable, PlainTables, Values, Workload, in_batches

START = dt.datetime(2024, 1, 1)  # noqa: DTZ001  stored naive, as the query's type says
EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001
MICROSECOND = dt.timedelta(microseconds=1)
USERS = 1_000


class User(st.Data):
    user_id: int
    name: str


class Read(st.Data):
    user_id: int
    ts: dt.datetime
    value: float


class Named(st.Data):
    name: str
    ts: dt.datetime
    value: float


class Unnamed(st.Data):
    user_id: int
    ts: dt.datetime
    value: float


USER_ID = st.Index.pick(User, lambda user: user.user_id)
READ_USER = st.Index.pick(Read, lambda read: read.user_id)

named_cache = st.Cache[Named]()
unnamed_cache = st.Cache[Unnamed]()


def to_named(pair: st.Pair[User, Read]) -> Named:
    return Named(name=pair.left.name, ts=pair.right.ts, value=pair.right.value)


def to_unnamed(pair: st.Pair[User, Read]) -> Unnamed:
    return Unnamed(user_id=pair.left.user_id, ts=pair.right.ts, value=pair.right.value)


def fan_out(users: st.ZSet[User], reads: st.ZSet[Read]) -> st.ZSet[Named]:
    joined = st.join(users, reads, on_left=USER_ID, on_right=READ_USER)
    named = st.map(joined, f=to_named)
    _ = named_cache[named](lambda z: st.integrate(z))
    return named


def fan_out_unused(users: st.ZSet[User], reads: st.ZSet[Read]) -> st.ZSet[Unnamed]:
    joined = st.join(users, reads, on_left=USER_ID, on_right=READ_USER)
    unnamed = st.map(joined, f=to_unnamed)
    _ = unnamed_cache[unnamed](lambda z: st.integrate(z))
    return unnamed


class FanOut(Workload):
    name = "fan_out"
    title = "renaming a user all reads belong to; each result row holds the name"
    inputs = ("users", "reads")
    query: ClassVar[Any] = staticmethod(fan_out)
    cache: ClassVar[Any] = named_cache
    events: ClassVar[tuple[str, ...]] = ("insert", "rename", "rename, change not read")
    in_batches = False
    against = ("hand_written", "stepping", "recompute", "original")  # no floor: one row is changed
    head: ClassVar[str] = "name"

    def __init__(self) -> None:
        self.renamed = 0  # every competitor renames as often

    def load(self, rows: int) -> Iterator[Change]:
        self.renamed = 0
        chance = random.Random("fan_out")
        users = [User(user_id=i, name=f"user {i}") for i in range(1, USERS)]
        yield from in_batches("users", [self.user(), *users])
        yield from in_batches("reads", (_read(chance) for _ in range(rows)))

    def user(self) -> User:
        return User(user_id=0, name=f"user 0, renamed {self.renamed} times")

    def event(self, event: str, batch: int, seed: str) -> Change:
        if event == "insert":
            return Change("reads", (_read(random.Random(seed)),))
        old = self.user()
        self.renamed += 1
        return Change("users", (self.user(),), (old,), read=event == "rename")

    def steps(self, event: str, batch: int) -> int:
        return super().steps(event, batch) if event == "insert" else 1

    def values(self, row: Any) -> Values:
        head = row.name if self.head == "name" else row.user_id
        return (head, (row.ts - EPOCH) // MICROSECOND, row.value)


class FanOutUnused(FanOut):
    name = "fan_out_unused"
    title = "renaming a user all reads belong to; nothing reads the name"
    query = staticmethod(fan_out_unused)
    cache = unnamed_cache
    events = ("insert", "rename")
    head = "user_id"

    def steps(self, event: str, batch: int) -> int:
        return super().steps(event, batch) if event == "insert" else 3


def _read(chance: random.Random) -> Read:
    ts = START + dt.timedelta(microseconds=chance.randrange(10**15))
    return Read(user_id=0, ts=ts, value=chance.randrange(8_000) / 8)


def _user_values(user: User) -> Values:
    return (user.user_id, user.name)


def _numbers(read: Read) -> Values:
    return (read.user_id, (read.ts - EPOCH) // MICROSECOND, read.value)


def _typed(read: Read) -> Values:
    return (read.user_id, read.ts, read.value)


SQLITE = {
    "users": PlainTable(
        create=("CREATE TABLE users (user_id INTEGER PRIMARY KEY, name TEXT NOT NULL)",),
        insert="INSERT INTO users VALUES (?, ?)",
        delete="DELETE FROM users WHERE user_id = ? AND name = ?",
        columns=_user_values,
    ),
    "reads": PlainTable(
        create=(
            "CREATE TABLE reads (user_id INTEGER NOT NULL, ts INTEGER NOT NULL, "
            "value REAL NOT NULL)",
            "CREATE INDEX reads_user ON reads (user_id, ts)",
        ),
        insert="INSERT INTO reads VALUES (?, ?, ?)",
        delete="DELETE FROM reads WHERE rowid = (SELECT rowid FROM reads "
        "WHERE user_id = ? AND ts = ? AND value = ? LIMIT 1)",
        columns=_numbers,
    ),
}
POSTGRES = {
    "users": PlainTable(
        create=("CREATE TABLE users (user_id int8 PRIMARY KEY, name text NOT NULL)",),
        insert="INSERT INTO users SELECT * FROM unnest($1::int8[], $2::text[])",
        delete="DELETE FROM users WHERE user_id = $1 AND name = $2",
        columns=_user_values,
    ),
    "reads": PlainTable(
        create=(
            "CREATE TABLE reads (user_id int8 NOT NULL, ts timestamp NOT NULL, "
            "value float8 NOT NULL)",
            "CREATE INDEX reads_user ON reads (user_id, ts)",
        ),
        insert="INSERT INTO reads SELECT * FROM unnest($1::int8[], $2::timestamp[], $3::float8[])",
        delete="DELETE FROM reads WHERE ctid = (SELECT ctid FROM reads "
        "WHERE user_id = $1 AND ts = $2 AND value = $3 LIMIT 1)",
        columns=_typed,
    ),
}

FanOut.plain = {
    "sqlite": PlainTables(SQLITE, "SELECT name, ts, value FROM users JOIN reads USING (user_id)"),
    "postgres": PlainTables(
        POSTGRES,
        "SELECT name, (extract(epoch FROM ts) * 1000000)::int8 AS ts, value "
        "FROM users JOIN reads USING (user_id)",
    ),
}
FanOutUnused.plain = {
    "sqlite": PlainTables(
        SQLITE, "SELECT user_id, ts, value FROM users JOIN reads USING (user_id)"
    ),
    "postgres": PlainTables(
        POSTGRES,
        "SELECT user_id, (extract(epoch FROM ts) * 1000000)::int8 AS ts, value "
        "FROM users JOIN reads USING (user_id)",
    ),
}

WORKLOADS = (FanOut(), FanOutUnused())
