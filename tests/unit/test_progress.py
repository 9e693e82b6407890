"""What is shown of a migration that goes on."""

from __future__ import annotations

import pytest

from stepping.compiler.plan.script import ScriptStep
from stepping.progress import Rate, left_shown, looked, shown
from stepping.runtime.apply import Done
from stepping.runtime.verify import JoinProbe


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (59.4, "59 s"), (61, "1 min 1 s"), (3 * 3600 + 125, "3 h 2 min")],
)
def test_the_time_that_is_left(seconds: float, text: str) -> None:
    assert left_shown(seconds) == text


def test_rows_per_second_are_those_of_this_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may go on where another was killed."""
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    said: list[str] = []

    class Bar:
        def update(self, task: object, **given: object) -> None:
            said.append(str(given["description"]))

    rate, step = Rate(), ScriptStep("batch", "COMMIT", "")
    for read in (5_100, 5_200):
        now += 1.0
        rate.batch(Done(1, 2, step, 0, 1.0, read, 6_000, 100), Bar(), 0)  # type: ignore[arg-type]
    assert said == [
        "5,100 of 6,000 rows read, 100 rows/s, 9 s left",
        "5,200 of 6,000 rows read, 100 rows/s, 8 s left",
    ]
    assert rate.total() == "200 rows read in 2.0 s (100 rows/s)"


def test_where_there_is_no_terminal_only_totals_are_printed(
    capfd: pytest.CaptureFixture[str],
) -> None:
    batch, insert = ScriptStep("batch", "COMMIT", ""), ScriptStep("switch", "INSERT INTO t", "x")
    with shown() as show:
        show(Done(1, 3, batch, 0, 0.1, 100, 100, 100))
        show(Done(2, 3, insert, 7, 0.5))
    with looked() as show_looked:
        show_looked(JoinProbe("t", 1, 2))
    found = capfd.readouterr()
    assert found.out == ""
    assert "100 rows read in" in found.err
    assert "7 rows in 0.5 s (14 rows/s)" in found.err
    assert "compared" not in found.err
