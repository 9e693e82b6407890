"""Months, hours, ISO weeks and days between dates: no Python step, and what Python gives."""

from __future__ import annotations

import datetime
from typing import Annotated, Any

import stepping as st
from tests.support.place import Place


class Visit(st.Data):
    first: datetime.date
    last: datetime.date | None
    at: datetime.datetime
    moment: Annotated[datetime.datetime, st.UTC]


def shown(v: Visit) -> tuple[Any, ...]:
    return (
        v.first.replace(day=1),
        v.first.replace(month=1, day=1),
        v.at.replace(minute=0, second=0, microsecond=0),
        v.moment.replace(hour=0, minute=0, second=0, microsecond=0),
        v.first.isocalendar().week,
        v.at.isocalendar()[0],
        v.at.isocalendar()[2],
        (v.last - v.first).days if v.last is not None else -1,
        (v.at.date() - v.first).days,
    )


Shown = tuple[
    datetime.date,
    datetime.date,
    datetime.datetime,
    Annotated[datetime.datetime, st.UTC],
    int,
    int,
    int,
    int,
    int,
]


def query(visits: st.ZSet[Visit]) -> st.ZSet[Any]:
    return st.map(visits, f=shown)


shown.__annotations__["return"] = Shown


def test_as_python_says(place: Place) -> None:
    graph = st.compile(query, python_steps=False)
    days = [datetime.date(2020, 12, 31), datetime.date(2021, 1, 3), datetime.date(1, 1, 1)]
    days += [datetime.date(9999, 12, 31), datetime.date(1969, 2, 28), datetime.date(2024, 2, 29)]
    rows = [
        Visit(
            first=day,
            last=None if i == 1 else days[i - 1],
            at=datetime.datetime.combine(day, datetime.time(23 - i, 59, 58, i)),
            moment=datetime.datetime.combine(day, datetime.time(i, 1, 2, 3), datetime.UTC),
        )
        for i, day in enumerate(days)
    ]
    with place.opened(graph) as store:
        (visits,) = st.actions(store, graph)
        (change,) = visits.insert(*rows)
        assert change == st.ZSetPython.of_rows([shown(row) for row in rows])
