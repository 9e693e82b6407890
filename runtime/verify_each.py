"""Queries verified one after the other, by what the catalog says of them: one that cannot be
verified is told with the reason, and keeps nobody from looking at the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial

from stepping.dialects.driver import Driver
from stepping.errors import InternalError, SteppingError, StoreError
from stepping.runtime import captured, catalog
from stepping.runtime.drift import drift
from stepping.runtime.verify import JoinProbe, Verification, Verifier, check_outside, needs_code

Progress = Callable[[JoinProbe], None]


def verify_installed(
    driver: Driver,
    names: Sequence[str] = (),
    *,
    repair: bool = False,
    progress: Progress | None = None,
) -> Iterator[Verification]:
    """`verify` of the installed queries of these names, or of all, without their code."""
    check_outside(driver)
    installed = [catalog.installed(driver, each) for each in names]
    if not names:
        installed = [each for each in catalog.all_installed(driver).values() if not each.is_staged]
    for each in installed:
        look = partial(_by_catalog, driver, each, repair, progress)
        yield by_itself(driver, each.query, look)


def by_itself(driver: Driver, query: str, look: Callable[[], Verification]) -> Verification:
    """What was found of a query, or why nothing could be.

    What is no fault of the query is raised: a lost connection, a bug of ours.
    """
    try:
        return look()
    except InternalError:
        raise
    except (SteppingError, driver.error) as error:
        driver.check_open()
        return Verification(query, (), (), (), failed=reason(driver, query, error))


def reason(driver: Driver, query: str, error: Exception) -> str:
    """What an error says, and what of the query is not as it was installed."""
    if isinstance(error, SteppingError):
        said = str(error)
    else:
        said = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
    wrong: list[str] = []
    with suppress(SteppingError, driver.error):  # what cannot be read is what the error is about
        found = catalog.queries(driver).get(query)
        wrong = [] if found is None else drift(driver, found.manifest())
    return "\n  ".join([said, *wrong])


def _by_catalog(
    driver: Driver, found: catalog.Installed, repair: bool, progress: Progress | None
) -> Verification:
    """An installed query whose code is not at hand."""
    recompute = catalog.stored_recompute(driver, found.query)
    if recompute is None:
        raise StoreError(
            f"the catalog does not say how the tables of {found.query!r} are computed: no "
            "store was opened on them by a role that may write it",
            hint="name the query: stepping verify MODULE:QUERY --db URL, or the file of the view",
        )
    manifest = found.manifest()
    catalog.check_tables(driver, manifest)
    refresh = None
    if manifest.capture is not None:
        if manifest.capture.in_python:
            raise needs_code(found.query)
        refresh = partial(captured.refresh_installed, driver, manifest)
    names = found.query, found.fingerprint, manifest.kept
    verifier = Verifier(driver, *names, recompute, None, progress, refresh)
    return verifier.run(repair=repair)
