"""What a team does not want in a query: for `stepping check`, which fails where there is any."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stepping.compiler.explain.model import Model, Operator


@dataclass(frozen=True)
class Rules:
    """What is not allowed. ``max_fan_out`` needs a database with rows."""

    python_steps: bool = True  # may be there
    recomputed: bool = False
    scans: bool = False
    regroup: bool = True
    max_fan_out: int | None = None


@dataclass(frozen=True)
class Problem:
    """Where, what, and what to do."""

    where: str  # file:line
    what: str
    hint: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}\n  hint: {self.hint}"


def problems(model: Model, rules: Rules) -> list[Problem]:
    """Everything in a query that the rules do not allow."""
    return list(dict.fromkeys(_problems(model, rules)))


def _problems(model: Model, rules: Rules) -> Iterator[Problem]:
    on = f"on {model.dialect}"
    if not rules.python_steps:
        for each in model.in_python:
            for function in each.python:
                where = function.at or place(model, each)
                yield Problem(
                    where,
                    f"Python step {on}: {each.title}: {function.name}: {function.reason}",
                    "write it with what docs/row-functions.md lists, or allow Python steps",
                )
    if not rules.recomputed:
        for each in model.recomputed:
            yield Problem(
                place(model, each),
                f"recomputed in each step {on}: {each.title}: {each.why}",
                "st.differentiate behind it, or let it act on the change",
            )
    if not rules.regroup:
        for each in model.by_group:
            yield Problem(
                place(model, each),
                f"computed by group {on}: {each.title}: {each.why}",
                "use aggregates that docs/from-sql.md lists as incremental, or smaller groups",
            )
    if not rules.scans:
        for scan in model.scans:
            yield Problem(
                place(model, model.operator(scan.operator)),
                f"a change of {scan.step} reads all of {scan.table} {on}: {scan.what}",
                f"{scan.create}; or --allow-scans, if the table is short"
                if scan.create
                else "see stepping explain; an index may have been dropped, or a key is missing",
            )
    if rules.max_fan_out is not None:
        for step in model.steps:
            for lookup in step.cost.lookups if step.cost is not None else ():
                most = lookup.most
                if lookup.limit is not None and most is not None:
                    most = min(most, lookup.limit)
                if most is not None and most > rules.max_fan_out:
                    yield Problem(
                        place(model, model.operator(lookup.operator)),
                        f"one changed row of {step.title} finds up to {most:,} rows of "
                        f"{lookup.table} by {', '.join(lookup.by)}, more than "
                        f"{rules.max_fan_out:,}",
                        "filter before the join, or raise --max-fan-out",
                    )


def place(model: Model, operator: Operator | None) -> str:
    if operator is None or operator.place is None:
        return model.place
    return f"{operator.place.file}:{operator.place.line}"
