"""Inputs that were put aside since their iteration failed: run again, or dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stepping.compiler.zset import ZSetPython
from stepping.dialects.driver import Driver
from stepping.dialects.iterations import QUARANTINED
from stepping.errors import StoreError
from stepping.runtime.frontier import Time
from stepping.runtime.stages import unpacked_input

if TYPE_CHECKING:
    from stepping.runtime.engine import Engine


def quarantined_input(engine: Engine, t: int) -> Mapping[str, ZSetPython[Any]]:
    """The change of each input that was put aside at a time."""
    packed = _input(engine.driver, engine.plan.query, t)
    return {
        name: ZSetPython(
            (engine.input_codecs[name].decode(tuple(row)), count) for row, count in rows
        )
        for name, rows in unpacked_input(packed).items()
    }


def retry(engine: Engine, t: int) -> list[ZSetPython[Any]]:
    """Run what was put aside as a step of now; if that fails, it stays where it is."""
    changes = quarantined_input(engine, t)
    with engine.turn:
        joined = engine.driver.in_transaction()

        def run() -> list[ZSetPython[Any]]:
            with engine.driver.joining():
                drop(engine.driver, engine.plan.query, t)
                return engine.step(changes, Time())

        return engine.again(run, joined=joined)


def drop(driver: Driver, query: str, t: int) -> None:
    """Forget what was put aside at a time."""
    with driver.joining():
        _input(driver, query, t)
        driver.iterations.forget(query, t)


def _input(driver: Driver, query: str, t: int) -> bytes:
    found = driver.iterations.records(query, state=QUARANTINED, t=t, inputs=True)
    if not found:
        raise StoreError(
            f"nothing of the query {query!r} is quarantined at time {t}",
            hint="store.status() and `stepping status` show what is",
        )
    return found[0].input
