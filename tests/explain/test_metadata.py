"""graph.metadata and cache.table, with the real Alembic and SQLAlchemy on both databases."""

from __future__ import annotations

import datetime
import enum
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

import stepping as st
from tests.support import shop
from tests.support.place import Place


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Thing(st.Data):
    id: uuid.UUID
    n: int | None
    name: str | None
    day: datetime.date
    at: datetime.datetime | None
    t: datetime.time
    price: Decimal
    colour: Colour
    ok: bool
    tags: tuple[str, ...]
    raw: bytes | None


things = st.Cache[Thing]("things")
by_name = st.Index.pick(Thing, lambda r: (r.name, r.n), ascending=(False, True))


def every_index(rows: st.ZSet[Thing]) -> st.ZSet[Thing]:
    """Indexes of every sort: by key, by a hash, in an order with None in it, of long values."""
    _ = things[rows](lambda z: st.integrate_indexed(z, indexes=(by_name,)))
    return st.first_n(rows, index=st.Index.pick(Thing, lambda r: r.day), n=2)


graph = st.compile(every_index)
ONE = Thing(
    id=uuid.UUID(int=5),
    n=None,
    name=None,
    day=datetime.date(2020, 1, 2),
    at=None,
    t=datetime.time(3, 4),
    price=Decimal("1.50"),
    colour=Colour.RED,
    ok=True,
    tags=("a", "b"),
    raw=None,
)
TWO = Thing(
    id=uuid.UUID(int=6),
    n=3,
    name="x",
    day=datetime.date(2020, 1, 3),
    at=datetime.datetime(2020, 1, 1, 5),
    t=datetime.time(3, 5),
    price=Decimal(2),
    colour=Colour.BLUE,
    ok=False,
    tags=(),
    raw=b"z",
)


@pytest.fixture
def engine(place: Place) -> Iterator[sa.Engine]:
    made = sa.create_engine(place.sqlalchemy_url, poolclass=sa.NullPool)
    yield made
    made.dispose()


@pytest.mark.parametrize("query", [graph, shop.graph])
def test_what_is_installed_is_what_the_metadata_says(
    place: Place, engine: sa.Engine, query: Any
) -> None:
    with place.opened(query) as store:
        tables = {*store.plan.kept, "last_update", "stepping_queries"}
    metadata = query.metadata(place.name)
    assert tables <= set(metadata.tables)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": False})
        assert compare_metadata(context, metadata) == []
        # And it is a comparison: one index less is seen.
        indexed = next(table for table in metadata.tables.values() if table.indexes)
        indexed.indexes.pop()
        assert [kind for kind, *_ in compare_metadata(context, metadata)] == ["remove_index"]


_ENV = """
import sqlalchemy as sa
from alembic import context
from tests.explain import test_metadata as page

application = sa.MetaData()
sa.Table("customers", application, sa.Column("id", sa.Integer, primary_key=True))
engine = sa.create_engine({url!r}, poolclass=sa.NullPool)
with engine.connect() as connection:
    context.configure(
        connection=connection, target_metadata=[application, page.graph.metadata({dialect!r})]
    )
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
"""
_TEMPLATE = """
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

def upgrade():
    ${upgrades if upgrades else "pass"}

def downgrade():
    ${downgrades if downgrades else "pass"}
"""


def test_autogenerate(place: Place, tmp_path: Path) -> None:
    """Alembic makes the tables, is quiet then, and a store works on them."""
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    (folder / "script.py.mako").write_text(_TEMPLATE)
    (folder / "env.py").write_text(_ENV.format(url=place.sqlalchemy_url, dialect=place.name))
    config = Config()
    config.set_main_option("script_location", str(folder))
    revision: Any = command.revision(config, "tables", autogenerate=True)
    written = Path(revision.path).read_text()
    for table in graph.program(place.name).plan.kept:
        assert f"create_table('{table}'" in written
    command.upgrade(config, "head")
    command.check(config)
    with place.opened(graph) as store:  # adds what Alembic has no words for
        (action,) = st.actions(store, graph)
        action.insert(ONE, TWO)
        action.remove(ONE)
        assert things.zset(store) == st.ZSetPython({TWO: 1})
        assert len(things.zset(store)) == 1  # the row that went is no longer there
    command.check(config)


def cheap(things: st.ZSet[Thing]) -> st.ZSet[Thing]:
    found = st.filter(things, f=lambda r: r.price < 2)
    return st.first_n(found, index=st.Index.pick(Thing, lambda r: r.day), n=1)


@pytest.mark.parametrize("named", [False, True])
def test_what_is_installed_is_not_proposed_to_be_dropped(
    place: Place, engine: sa.Engine, named: bool
) -> None:
    """Whatever the code has now: another version of the query, one of the queries, or none."""
    there: set[str] = set()
    for query in (graph, shop.graph):
        with place.opened(query) as store:
            there |= {*store.plan.kept, *(each.table.digest for each in store.plan.tables)}
    changed = st.compile(cheap, name=graph.name)
    wanted = changed.metadata(place.name) if named else sa.MetaData()
    with engine.begin() as connection:
        for name in ("customers", "every_index__notes"):
            connection.execute(sa.text(f"CREATE TABLE {name} (id INTEGER)"))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": False})
        found = compare_metadata(context, wanted)
    dropped = {table.name for kind, table in found if kind == "remove_table"}
    assert dropped == {"customers", "every_index__notes"}
    added = {table.name for kind, table in found if kind == "add_table"}
    tables = [each.table for each in changed.program(place.name).plan.tables] if named else []
    assert added == {each.name for each in tables if not {each.name, each.digest} & there}
    assert {kind for kind, _ in found} <= {"remove_table", "add_table", "add_index"}


def test_what_is_installed_by_another_name_is_there(place: Place, engine: sa.Engine) -> None:
    digits = st.compile(cheap, name=graph.name, names="digest")
    with place.opened(digits):
        pass
    wanted = st.compile(cheap, name=graph.name).metadata(place.name)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": False})
        assert compare_metadata(context, wanted) == []


def test_create_all_makes_the_triggers(sqlite_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{sqlite_path}", poolclass=sa.NullPool)
    graph.metadata("sqlite").create_all(engine)
    with engine.connect() as connection:
        rows = connection.execute(
            sa.text("SELECT count(*) FROM sqlite_master WHERE type='trigger'")
        )
        assert rows.scalar_one() == len(graph.program("sqlite").plan.kept)
    engine.dispose()


def test_a_cache_is_a_table(place: Place, engine: sa.Engine) -> None:
    with engine.begin() as connection:
        store = place.store(connection, graph)
        (action,) = st.actions(store, graph)
        action.insert(ONE, TWO, TWO)
        table: Any = things.table(store)
        found = connection.execute(sa.select(table).order_by(table.c.id)).all()
        values = [
            tuple(getattr(row, name) for name in Thing.__dataclass_fields__) for row in (ONE, TWO)
        ]
        assert [tuple(row) for row in found] == [(*values[0], 1), (*values[1], 2)]
        assert [type(a) for a in found[1][:-1]] == [type(b) for b in values[1]]

        def ids(condition: Any) -> list[int]:
            select = sa.select(table.c.id).where(condition).order_by(table.c.id)
            return [each.int for (each,) in connection.execute(select)]

        assert ids(table.c.name.is_(None)) == [5]
        assert ids(table.c.name.is_not(None)) == [6]
        assert ids(table.c.id == TWO.id) == [6]
        assert ids(table.c.at > datetime.datetime(2019, 1, 1)) == [6]
        assert ids(table.c.at < datetime.datetime(2019, 1, 1)) == []
        assert ids(table.c.day >= datetime.date(2020, 1, 2)) == [5, 6]
        assert ids(table.c.colour == Colour.BLUE) == [6]
        assert ids(table.c.price < Decimal("1.75")) == [5]
        assert ids(table.c.t.in_([datetime.time(3, 5)])) == [6]
        assert ids(table.c.ok) == [5]
        total = connection.execute(sa.select(sa.func.sum(table.c.n), sa.func.count(table.c.n)))
        assert tuple(total.one()) == (3, 1)


def test_a_cache_is_joined_with_tables_of_the_application(place: Place, engine: sa.Engine) -> None:
    metadata = sa.MetaData()
    notes = sa.Table("notes", metadata, sa.Column("user", sa.Integer), sa.Column("text", sa.Text))
    metadata.create_all(engine)
    with engine.begin() as connection:
        store = place.store(connection, shop.graph)
        users, readings = st.actions(store, shop.graph)
        users.insert(shop.ANN, shop.BOB)
        readings.insert(shop.reading(1, 5), shop.reading(1, 6), shop.reading(2, 7))
        connection.execute(notes.insert(), [{"user": 2, "text": "good"}])
        cached: Any = shop.users_cache.table(store)
        totals: Any = shop.totals.table(store)
        select = (
            sa.select(notes.c.text, totals.c.left)
            .join(cached, cached.c.id == notes.c.user)
            .join(totals, totals.c.right == cached.c.name)
        )
        assert [tuple(row) for row in connection.execute(select)] == [("good", 7)]


def test_a_store_in_memory_has_no_tables() -> None:
    with pytest.raises(st.StoreError, match="has no tables"):
        shop.totals.table(st.StorePython.from_graph(shop.graph))
