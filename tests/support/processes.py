"""Processes that a test starts and kills: forks, so that one costs milliseconds."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator
from typing import Any

_FORK = multiprocessing.get_context("fork")


@contextlib.contextmanager
def forked(work: Callable[..., None], *arguments: Any) -> Iterator[Any]:
    """A process that does some work; killed at the end if it is still at it."""
    process = _FORK.Process(target=work, args=arguments, daemon=True)
    process.start()
    try:
        yield process
    finally:
        if process.is_alive():
            process.kill()
        process.join()
        process.close()
