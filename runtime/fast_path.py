"""The fast path: a change of one input, without a time, outside of any transaction.

Most of the time of a step of one row goes into what Python does around the statements. Whatever
may be different in a step is left to `Engine.in_turn`: a time, other inputs, a transaction of the
application, tables that do not stand at one time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stepping.compiler.zset import GivenRows, ReadRows, ZSet, ZSetPython
from stepping.dialects.driver import CHECK, CLEAR, READ, RUN, STAGE, CountBelowZero, StepAlone
from stepping.runtime.running import Input, removes
from stepping.runtime.steps import Steps

_IN_SQL = {RUN, CLEAR, STAGE, READ, CHECK}


@dataclass(frozen=True)
class Prepared:
    """How the rows of an input are encoded, what is run, and what is returned."""

    input: Input
    step: StepAlone
    outputs: tuple[tuple[int, Any, bool], ...]  # how each is decoded, and whether rows come once


def run_alone(
    engine: Steps,
    known: dict[str, Prepared | None],
    changes: Mapping[str, ZSet[Any]],
    *,
    output: bool,
) -> list[ZSetPython[Any]] | None:
    """The change of each output; None if nothing was done, and `Engine.in_turn` is to do it.

    ``known``: what is prepared, by input.
    """
    if not engine.driver.can_step_alone():
        return None
    ((name, change),) = changes.items()
    if name not in known:
        known[name] = _prepared(engine, name)
    prepared = known[name]
    if prepared is None:
        return None
    rows = prepared.input.rows(change)
    if not rows:
        return None
    takes_away = change.count < 0 if type(change) is GivenRows else removes(rows)
    engine.loaded = None
    try:
        found = engine.driver.step_alone(prepared.step, rows, removes=takes_away, output=output)
    except Exception as error:
        if engine.driver.has_lost(error):
            return None
        explained = engine.explained(error, changes)
        if explained is None:
            raise
        raise explained from (None if isinstance(error, CountBelowZero) else error)
    if found is None:
        return None
    if not output:
        return []
    return [
        ReadRows(found.get(i, ()), decode, distinct=distinct)
        for i, decode, distinct in prepared.outputs
    ]


def _prepared(engine: Steps, name: str) -> Prepared | None:
    plan = engine.plan
    if plan.first is not None or plan.always:
        return None
    step = engine.step_of(frozenset({name}))
    in_sql = all(each.role in _IN_SQL for each in step.statements)
    if step.inputs != (name,) or not step.tables or step.fused is not None or not in_sql:
        return None
    lock = (step.tables, plan.query, plan.fingerprint)
    outputs = tuple(
        (i, codec.decode_counted, i in step.distinct)
        for i, codec in enumerate(engine.output_codecs)
    )
    return Prepared(engine.prepared(step)[name], StepAlone(step.statements, lock), outputs)
