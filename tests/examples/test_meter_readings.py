"""Meter readings, against sums in Python."""

from __future__ import annotations

import datetime
from collections import Counter

import stepping as st
from examples.meter_readings import BY_DAY, Meter, Read, Usage, User, graph, usage
from tests.examples.conftest import History, OpenStore

# Names change, meters move to another user, and some users and meters are not known.
USERS = [User(id=id, name=name) for id in (1, 2) for name in ("Ann", "Bob")]
METERS = [Meter(id=id, user_id=user) for id in (10, 20) for user in (1, 2, 3)]
READS = [
    Read(
        meter_id=meter,
        at=datetime.datetime.fromisoformat(f"2024-03-{day:02}T{hour:02}"),
        watt_hours=100 * day + hour,
    )
    for meter in (10, 20, 30)
    for day in (4, 5)
    for hour in (0, 23)
]


def test_usage(open_store: OpenStore) -> None:
    store = open_store(graph)
    history = History(st.actions(store, graph), (USERS, METERS, READS))
    for _ in range(60):
        history.step()
        rows = expected(*history.rows)
        assert usage.zset(store) == st.ZSetPython.of_rows(rows)
        day = datetime.date(2024, 3, 5)
        of_day = usage.zset(store).iter_by_index(BY_DAY, match_keys=frozenset({day}))
        assert [row for _, row, _ in of_day] == sorted(row for row in rows if row.day == day)


def expected(users: list[User], meters: list[Meter], reads: list[Read]) -> list[Usage]:
    totals: Counter[tuple[datetime.date, str, int]] = Counter()
    for read in reads:
        for meter in meters:
            for user in users:
                if read.meter_id == meter.id and meter.user_id == user.id:
                    totals[read.at.date(), user.name, meter.id] += read.watt_hours
    return [
        Usage(day=day, user=user, meter_id=meter, watt_hours=total)
        for (day, user, meter), total in totals.items()
    ]
