"""Where the Python of a step spends its time: what the thread is at, a thousand times a second.

A profiler that is called at each call would make small functions look dear. A signal that comes
while a C function runs is heard when that returns, so each sample counts for the time since the
one before it.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

ROOT = str(Path(__file__).parent.parent)
EVERY_SECS = 0.001
DRIVER = "the driver and the database"
_DRIVERS = ("dialects/", "benchmarks/statement_times.py")
_GENERATED = "<"  # <row codec>: the name of the file of a function that was generated


class Samples:
    """Seconds of the processor that this thread used, by function. For the main thread only."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.count = 0
        self._last = 0.0

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Take samples of what runs inside of this."""
        before = signal.signal(signal.SIGALRM, self._take)
        self._last = time.thread_time()
        signal.setitimer(signal.ITIMER_REAL, EVERY_SECS, EVERY_SECS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def _take(self, _: int, frame: FrameType | None) -> None:
        took = time.thread_time() - self._last
        if frame is None or frame.f_code.co_filename != __file__:
            self.seconds[place_of(frame)] += took
            self.count += 1
        self._last = time.thread_time()  # this function is nobody's cost


def place_of(frame: FrameType | None) -> str:
    """The innermost function of this project that a frame is in."""
    generated = ""
    while frame is not None:
        name, function = frame.f_code.co_filename, frame.f_code.co_name
        if name.startswith(_GENERATED) and not name.startswith("<frozen"):
            generated = f"{name} for "
        elif name.startswith(ROOT):
            path = Path(name).relative_to(ROOT).as_posix().removeprefix("stepping/")
            if path.startswith(_DRIVERS) and not generated:
                return DRIVER
            return f"{generated}{path}: {function}"
        frame = frame.f_back
    return "elsewhere"
