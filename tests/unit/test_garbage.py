"""How often garbage is looked for while a plan is made, and afterwards."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from stepping.compiler.lowering.garbage import rarely_collected


@pytest.fixture
def thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("thresholds")
def test_it_is_as_before_once_all_plans_are_made() -> None:
    first, second = rarely_collected(), rarely_collected()
    first.__enter__()
    second.__enter__()
    assert gc.get_threshold()[0] > 10_000
    first.__exit__(None, None, None)  # by two threads, in any order
    assert gc.get_threshold()[0] > 10_000
    second.__exit__(None, None, None)
    assert gc.get_threshold() == (700, 10, 10)
    with pytest.raises(KeyError), rarely_collected():
        raise KeyError
    assert gc.get_threshold() == (700, 10, 10)


@pytest.mark.usefixtures("thresholds")
@pytest.mark.parametrize("own", [0, 1_000_000])
def test_what_an_application_has_set_stays(own: int) -> None:
    gc.set_threshold(own, 10, 10)
    with rarely_collected():
        assert gc.get_threshold()[0] == own
    assert gc.get_threshold()[0] == own
