"""What the commands migrate and verify do with files and databases."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from stepping.compiler.plan.graph import AnyGraph
from stepping.database import connected
from stepping.runtime.apply import Done
from stepping.runtime.migrate import MigrationPlan, plan
from stepping.runtime.verify import JoinProbe, Verification, verify
from stepping.runtime.verify_each import by_itself, verify_installed


def written(made: MigrationPlan, folder: Path) -> list[Path]:
    """Write the scripts of a migration, under the next number of the folder: that which goes there,
    and the one that goes back, if there is a way.
    """
    texts = [(made.up_sql, "up")]
    if not made.not_undone:
        texts.append((made.down_sql, "down"))
    folder.mkdir(parents=True, exist_ok=True)
    taken = [re.match(r"(\d+)_", path.name) for path in folder.glob("*.sql")]
    numbers = [int(found.group(1)) for found in taken if found]
    number = max([*numbers, made.version - 1]) + 1
    query = re.sub(r"\W+", "_", made.migration.query)
    paths = []
    for text, direction in texts:
        path = folder / f"{number:04}_{query}_{made.what}.{direction}.sql"
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


def verified(
    url: str,
    names: Sequence[str],
    graphs: Sequence[AnyGraph],
    *,
    repair: bool = False,
    progress: Callable[[JoinProbe], None] | None = None,
) -> Iterator[Verification]:
    """Verify installed queries by their names and by their code, or all; each by itself."""
    with connected(url) as (cls, connection):
        driver = cls.driver_of(connection)
        if names or not graphs:
            yield from verify_installed(driver, names, repair=repair, progress=progress)
        for graph in graphs:

            def look(graph: AnyGraph = graph) -> Verification:
                graph.bound(lambda: driver.database)
                store = cls.from_graph(connection, graph, create_tables=False)
                return verify(store, repair=repair, progress=progress)

            yield by_itself(driver, graph.name, look)


_VIEW = re.compile(
    r"(?is)(\s|--[^\n]*\n|/\*.*?\*/)*"
    r"(CREATE\s+(OR\s+REPLACE\s+)?(MATERIALIZED\s+)?VIEW\b|(SELECT|WITH|VALUES)\b|\()"
)


def is_script(text: str) -> bool:
    """Whether a file is a script of `stepping migrate`, and none of views."""
    return "-- checksum: " in text or _VIEW.match(text) is None


def scripts_of(targets: Sequence[str]) -> dict[str, str]:
    """Those of some targets that are scripts, with their text; the others are queries."""
    found = {}
    for each in targets:
        path = Path(each)
        if ":" in each and not path.exists():
            continue  # a query of a module, or a view of a file
        try:
            # What is not text has no first lines, which is what it will be told.
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise click.UsageError(
                f"{each} cannot be read: {error.strerror}; name a script, a file of views, or a "
                "query: shop.queries:receipts"
            ) from error
        if is_script(text):
            found[each] = text
    return found


def applied(
    url: str,
    graphs: Sequence[AnyGraph],
    progress: Callable[[Done], None],
    batch_rows: int,
    features: Sequence[str] = (),
) -> Iterator[str]:
    """Install or migrate each query; a line for each."""
    for graph in graphs:
        with connected(url) as (_, connection):
            made = plan(connection, graph, features=features)
            if made.is_nothing:
                for each in made.features:
                    made.driver.features.make(each)
                yield f"{graph.name}: is installed as it is wanted"
                continue
            is_new = made.migration.old is None
            made.apply(progress, batch_rows=batch_rows)
            yield f"{graph.name}: {'installed' if is_new else 'migrated'}"
