"""A migration as a script that a person can read, and psql, sqlite3 or `stepping apply` can run."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stepping.compiler.plan.migration import MigrationStatement, Phase
from stepping.errors import MigrationError

_STEP = re.compile(
    r"^-- step (\d+) of (\d+) "
    r"\((before|prepare|fill|batch|rest|fold|begin|switch|commit|after)\): ",
    re.MULTILINE,
)
_META = "-- stepping: "
_CHECKSUM = "-- checksum: "

_OF_COLUMNS = ("prefer-timestamp-tz", "prefer-bigint-over-int", "prefer-text-field")


@dataclass(frozen=True)
class ScriptStep:
    """One statement of a script.

    ``kind`` is before, prepare, fill, batch, rest, fold, begin, switch, commit or after. Those of
    prepare, of fill and of rest are one transaction each, with its BEGIN and COMMIT; those of batch
    and of fold are one that is run again and again.
    """

    kind: str
    sql: str
    note: str
    statement: MigrationStatement | None = None


@dataclass(frozen=True)
class Meta:
    """What a script is for."""

    query: str
    dialect: str
    direction: str
    installed_as: str  # the name of the query before
    before: str  # fingerprints; empty: not installed
    after: str
    staged: str = ""  # the fingerprint of what is installed beside it before the switch


def steps_of(
    statements: Sequence[MigrationStatement],
    opening: Sequence[str],
    begin: str,
    begin_batch: str = "BEGIN",
) -> list[ScriptStep]:
    """The statements with what stands around them, in order."""
    made = [ScriptStep("before", text, "how long to wait for others") for text in opening]
    by_phase = {phase: [s for s in statements if s.phase is phase] for phase in Phase}

    def in_one(name: str, phase: Phase, begins: str, why: str, done: str) -> Iterator[ScriptStep]:
        """The statements of a phase, if it has any, in a transaction of their own."""
        if by_phase[phase]:
            yield ScriptStep(name, begins, why)
            yield from (ScriptStep(name, s.sql, s.note, s) for s in by_phase[phase])
            yield ScriptStep(name, "COMMIT", done)

    why = "everything that is made beforehand, or nothing"
    made += in_one("prepare", Phase.PREPARE, begin, why, "from now on changes are written down")
    made += (ScriptStep("before", s.sql, s.note, s) for s in by_phase[Phase.BEFORE])
    made += (ScriptStep("before", s.sql, s.note, s) for s in by_phase[Phase.SESSION])
    why = "one state of all tables, while writers go on"
    made += in_one("fill", Phase.FILL, begin_batch, why, "what that snapshot saw is there")
    why = "a batch, while everybody works on: `stepping apply` does it until all is read,"
    why += "\nin short transactions; psql and sqlite3 read all at once"
    made += in_one("batch", Phase.BATCH, begin_batch, why, "the batch is there")
    why = "what no batch has read, in one state"
    made += in_one("rest", Phase.REST, begin_batch, why, "all rows are read")
    why = "what has changed since: `stepping apply` does it until little is left"
    made += in_one("fold", Phase.FOLD, begin_batch, why, "it is folded in")
    made.append(ScriptStep("begin", begin, "all or nothing from here"))
    made += (ScriptStep("switch", s.sql, s.note, s) for s in by_phase[Phase.SWITCH])
    made.append(ScriptStep("commit", "COMMIT", "all of it is there from now on"))
    made += (ScriptStep("after", s.sql, s.note, s) for s in by_phase[Phase.AFTER])
    return made


def script_text(meta: Meta, summary: str, steps: Sequence[ScriptStep]) -> str:
    """The script with its summary on top, and a checksum of it all."""
    lines = [f"-- {line}".rstrip() for line in summary.splitlines()]
    data = json.dumps(meta.__dict__, sort_keys=True)
    lines += ["--", f"{_META}{data}"]
    # Else the shell would go on behind an error.
    lines += ["", ".bail on" if meta.dialect == "sqlite" else "\\set ON_ERROR_STOP on"]
    for number, step in enumerate(steps, 1):
        head = f"-- step {number} of {len(steps)} ({step.kind}): "
        lines += ["", *_step_lines(step, head, linted=meta.dialect == "postgres")]
    text = "\n".join(lines) + "\n"
    return f"{_CHECKSUM}{checksum(text)}\n{text}"


def _step_lines(step: ScriptStep, head: str, *, linted: bool) -> Iterator[str]:
    first, *others = step.note.splitlines() or [""]
    yield head + first
    yield from (f"-- {line}" for line in others)
    if step.statement is not None:
        if step.statement.lock:
            yield f"-- lock: {step.statement.lock}"
        if step.statement.scans:
            yield f"-- reads or writes all of {step.statement.scans}"
        if step.statement.ignore and linted:
            for rule in step.statement.ignore:
                # Of columns squawk reads it for a whole file only.
                where = "squawk-ignore-file" if rule in _OF_COLUMNS else "squawk-ignore"
                yield f"-- {where} {rule}"
    yield f"{step.sql};"


def checksum(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def parsed(text: str, what: str) -> tuple[Meta, list[ScriptStep], bool]:
    """A script's meta, its steps, and whether it is as it was written. Raises `MigrationError`."""
    head, _, body = text.partition("\n")
    found = re.search(rf"^{_META}(.*)$", text, re.MULTILINE)
    if not head.startswith(_CHECKSUM) or found is None:
        raise MigrationError(
            f"{what} is no script of `stepping migrate`: its first lines say so",
            hint="run other scripts with psql -f or sqlite3",
        )
    try:
        meta = Meta(**json.loads(found.group(1)))
    except (ValueError, TypeError) as error:
        raise MigrationError(f"{what} is damaged: {error}", hint="write it anew") from error
    marks = list(_STEP.finditer(text))
    steps = []
    for position, mark in enumerate(marks, 1):
        end = marks[position].start() if position < len(marks) else len(text)
        if int(mark.group(1)) != position or int(mark.group(2)) != len(marks):
            raise MigrationError(
                f"{what} is cut off or put together: step {mark.group(1)} of {mark.group(2)} "
                f"stands in the place of step {position}",
                hint="write it anew with `stepping migrate`",
            )
        note, _, rest = text[mark.end() : end].partition("\n")
        steps.append(ScriptStep(mark.group(3), rest.strip().removesuffix(";"), note))
    if not steps or not any(step.kind == "commit" for step in steps):
        raise MigrationError(f"{what} is cut off", hint="write it anew with `stepping migrate`")
    return meta, steps, head.removeprefix(_CHECKSUM).strip() == checksum(body)
