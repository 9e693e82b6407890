"""The script that ``create_tables=True`` runs, with a comment on each object."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from stepping.compiler.explain.model import Model, Operator, Table, View
from stepping.dialects import get_dialect
from stepping.dialects.features import FEATURES

_RULE = "-" * 78
_OWN = {
    "last_update": "up to which time each kept table is written; one row per table",
    "stepping_queries": "what is installed; one row per query",
    "stepping_clock": "where store.next_time() stands",
    "stepping_times": "the times that store.next_time() gave out; those in use",
    "stepping_iterations": "steps that are committed in stages; those at work or put aside",
    "stepping_journal": "what stages have handed to later ones; of steps that are at work",
    "stepping_queue": "changes that store.drain() will fold in; those that wait",
}
_FUNCTIONS = {
    "stepping_sum": "a sum of integers, or an error where it does not fit in 64 bits",
    "stepping_gone": "whether a group goes; an error where its sums say that rows are left",
}
_FUNCTION = re.compile(r"CREATE OR REPLACE FUNCTION (\w+)")
_OBJECT = re.compile(
    r"CREATE (?:UNIQUE |OR REPLACE )?(TABLE|INDEX|TRIGGER|SEQUENCE|VIEW)(?: IF NOT EXISTS)? "
    r"\"?([\w$]+)",
    re.IGNORECASE,
)


def ddl_text(model: Model, features: Sequence[str] = ()) -> str:
    """The script, to be read and run by hand: ``sqlite3 file < script`` or ``psql -f script``."""
    dialect = get_dialect(model.dialect)
    words = dialect.migrations
    lines = [*heading(model.query, model.dialect, model.fingerprint)]
    opening = words.opening()
    if opening:
        lines += map(ended, (*opening, words.begin()))
    lines += created(model)
    for each in features:
        lines += title(FEATURES[each].title)
        for text in dialect.feature_ddl(each):
            lines += [*own_purpose(text), ended(text)]
    if opening:
        lines.append(ended("COMMIT"))
    return "\n".join(lines) + "\n"


def heading(query: str, dialect: str, fingerprint: str) -> Iterator[str]:
    yield comment(f"The query {query} on {dialect}; fingerprint {fingerprint}")


def created(model: Model) -> Iterator[str]:
    """Every statement of the script, in its order."""
    of_table = {text: (table, i) for table in model.tables for i, text in enumerate(table.ddl)}
    views = {view.ddl: view for view in model.views}
    for section in model.script:
        if not section.statements:
            continue
        yield from title(section.title)
        for text in section.statements:
            found = of_table.get(text)
            view = views.get(text)
            if found is not None:
                table, position = found
                if position:
                    yield comment(f"  {purpose(table, text)}")
                else:
                    yield from _table(model, table)
                if "TIMESTAMP WITHOUT" in text:  # a datetime may be naive
                    yield comment("squawk-ignore-file prefer-timestamp-tz")
            elif view is not None:
                yield from _view(model, view)
            else:
                yield from own_purpose(text)
            yield ended(text)


def own_purpose(text: str) -> Iterator[str]:
    """What one of our own tables is for."""
    if (match := _OBJECT.match(text)) and match[2] in _OWN:
        yield comment(f"{match[2]}: {_OWN[match[2]]}")


def _table(model: Model, table: Table) -> Iterator[str]:
    operator = model.operator(table.operator)
    yield comment(f"{table.name}: {table.reason}")
    yield comment(f"for {served(operator)}" if operator else "for the query")
    yield comment(table.grows)


def _view(model: Model, view: View) -> Iterator[str]:
    operator = model.operator(view.operator)
    yield comment(f"{view.name}: {view.reason}")
    yield comment(f"for {served(operator)}" if operator else "for the query")
    yield comment(f"a view of {view.of}, with no rows of its own")


def served(operator: Operator) -> str:
    where = str(operator.place) if operator.place else "the query's arguments"
    return (
        f"{operator.name or operator.label} = {operator.label} ({where})"
        if (operator.name and operator.inputs)
        else f"{operator.label} ({where})"
    )


def purpose(table: Table, text: str) -> str:
    """What an index, a trigger or a comment of a table is for."""
    if text.startswith("COMMENT"):
        return f"{table.name}: what it is for, as \\d+ shows it"
    if match := _FUNCTION.match(text):
        return _FUNCTIONS.get(match[1], "for sums of floats, which are added up exactly")
    if text.startswith("ALTER"):
        return f"{table.name}: its rows can be changed where all tables are published"
    match = _OBJECT.match(text)
    kind, name = (match.group(1).upper(), match.group(2)) if match else ("", "")
    if kind == "TRIGGER":
        return f"{name}: removes a row whose count has fallen to 0"
    if name.endswith("__below_zero"):
        return f"{name}: finds a count below 0; it has no entry while there is none"
    for index in table.indexes:
        if index.name == name:
            return f"{name}: {index.use}; as many entries as the table has rows"
    return f"{name}: look-ups, and the row itself; as many entries as the table has rows"


def title(text: str) -> Iterator[str]:
    yield ""
    yield _RULE
    yield comment(text)
    yield _RULE


def comment(text: str) -> str:
    """The text as SQL comment lines, whatever is in it."""
    return "\n".join(f"-- {line}".rstrip() for line in text.splitlines() or [""])


def ended(sql: str) -> str:
    return f"{sql};"
