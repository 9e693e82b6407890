"""`alembic revision --autogenerate` with queries: new, changed, gone, and nothing to do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

import stepping as st
from stepping.testing import assert_installed
from tests.support.place import Place

_ENV = """
import sqlalchemy as sa
from alembic import context
from tests.sql import test_revisions as page

engine = sa.create_engine({url!r}, poolclass=sa.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=page.METADATA[0])
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
"""
_TEMPLATE = """
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
from alembic import op
import sqlalchemy as sa
${imports if imports else ""}

def upgrade():
    ${upgrades if upgrades else "pass"}

def downgrade():
    ${downgrades if downgrades else "pass"}
"""
pytestmark = pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")
METADATA: list[sa.MetaData] = [sa.MetaData()]


def application(*views: str, least: int = 10, kind: Any = None) -> Any:
    """The tables of an application, with some of its views; with a fee of some kind."""
    metadata = METADATA[0] = sa.MetaData()
    orders = sa.Table(
        "orders",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("country", sa.String(2), nullable=False),
        sa.Column("cents", sa.Integer, nullable=False),
        sa.Column("note", sa.Text),
    )
    cents = sa.func.sum(orders.c.cents).label("cents")
    if kind is not None:
        orders.append_column(sa.Column("fee", kind))
        both = orders.c.cents + sa.func.coalesce(orders.c.fee, 0)
        cents = sa.func.sum(both).label("cents")
    selects = {
        "revenue": sa.select(orders.c.country, cents).group_by(orders.c.country),
        "big": sa.select(orders.c.id, orders.c.note).where(orders.c.cents > least),
        "notes": sa.select(orders.c.id).where(orders.c.note.like("50%:a%")),
    }
    for name in views:
        st.MaintainedView(selects[name], name, metadata=metadata)
    return orders


class Project:
    def __init__(self, place: Place, folder: Path) -> None:
        (folder / "versions").mkdir(parents=True)
        (folder / "script.py.mako").write_text(_TEMPLATE)
        (folder / "env.py").write_text(_ENV.format(url=place.sqlalchemy_url))
        self.config = Config()
        self.config.set_main_option("script_location", str(folder))
        self.engine = sa.create_engine(place.sqlalchemy_url, poolclass=sa.NullPool)

    def revision(self, message: str) -> str:
        made: Any = command.revision(self.config, message, autogenerate=True)
        return Path(made.path).read_text()

    def upgrade(self) -> None:
        command.upgrade(self.config, "head")
        command.check(self.config)
        with self.engine.connect() as connection:
            assert_installed(connection, METADATA[0])

    def downgrade(self) -> None:
        command.downgrade(self.config, "-1")

    def read(self, sql: str) -> list[Any]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql)]

    def relations(self) -> set[str]:
        with self.engine.connect() as connection:
            found = sa.inspect(connection)
            return {*found.get_table_names(), *found.get_view_names()}


def test_the_life_of_a_query(
    place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    project = Project(place, tmp_path / "migrations")
    orders = application("revenue", "notes")
    text = project.revision("first")
    assert text.index("op.create_table('orders'") < text.index("op.create_maintained_view(")
    assert text.count("op.create_maintained_view(") == 2
    assert "revenue" not in project.relations()
    project.upgrade()
    with project.engine.begin() as connection:
        rows = [{"id": i, "country": "ch", "cents": 6 * i, "note": "50%:ab"} for i in (1, 2)]
        connection.execute(sa.insert(orders), rows)
    assert project.read("SELECT * FROM revenue") == [("ch", 18)]
    assert sorted(project.read("SELECT * FROM notes")) == [(1,), (2,)]

    application("revenue", "big")
    text = project.revision("another one instead")
    assert re.search(r"op\.drop_maintained_view\(\s+'notes'.*op\.create_\w+\(\s+'big'", text, re.S)
    project.upgrade()
    assert project.read("SELECT * FROM big") == [(2, "50%:ab")]
    assert "notes" not in project.relations()

    application("revenue", "big", least=5)
    assert re.search(r"op\.alter_maintained_view\(\s+'big'", project.revision("changed"))
    project.upgrade()
    assert sorted(project.read("SELECT * FROM big")) == [(1, "50%:ab"), (2, "50%:ab")]

    project.downgrade()
    application("revenue", "big")
    assert project.read("SELECT * FROM big") == [(2, "50%:ab")]
    with project.engine.connect() as made:
        assert_installed(made, METADATA[0])
    command.upgrade(project.config, "head")

    application("revenue", "big", least=5)
    METADATA[0].tables["orders"]._columns.remove(METADATA[0].tables["orders"].c.note)
    project.revision("a column that is read")
    assert "The column orders.note is dropped, and is read by big" in caplog.text
    project.engine.dispose()


def test_columns_that_are_read_are_dropped_and_retyped(
    place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """In one revision with the queries that read them, on the way there and back."""
    if place.name == "sqlite":
        pytest.skip("SQLite changes no type, and drops a column by making the table anew")
    project = Project(place, tmp_path / "migrations")
    wide = application("revenue", kind=sa.Integer)
    project.revision("first")
    project.upgrade()
    with project.engine.begin() as connection:
        connection.execute(sa.insert(wide), [{"id": 1, "country": "ch", "cents": 6, "fee": 1}])

    wide = application("revenue", kind=sa.BigInteger)
    text = project.revision("another type")
    release = """op.execute('DROP TRIGGER IF EXISTS stepping_reads ON "orders"')"""
    assert text.count(release) == 4
    assert "op.alter_maintained_view(" in text
    assert "The column orders.fee is given another type, and is read by revenue" in caplog.text
    project.upgrade()
    with project.engine.begin() as connection:
        connection.execute(sa.insert(wide), [{"id": 2, "country": "ch", "cents": 6, "fee": 2**33}])
    assert project.read("SELECT cents FROM revenue") == [(2**33 + 13,)]

    application("revenue", kind=None)
    text = project.revision("without it")
    assert text.index("op.alter_maintained_view(") < text.index("op.drop_column('orders', 'fee')")
    project.upgrade()
    assert project.read("SELECT cents FROM revenue") == [(12,)]
    project.downgrade()
    assert project.read("SELECT cents FROM revenue") == [(12,)]  # the fees are gone
    with project.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM orders WHERE id = 2")
        connection.exec_driver_sql("UPDATE orders SET fee = 3")
    assert project.read("SELECT cents FROM revenue") == [(9,)]
    project.downgrade()
    with project.engine.begin() as connection:
        connection.execute(sa.insert(wide), [{"id": 3, "country": "ch", "cents": 6, "fee": 4}])
    assert project.read("SELECT cents FROM revenue") == [(19,)]
    project.engine.dispose()


def test_downgrade_to_nothing(place: Place, tmp_path: Path) -> None:
    project = Project(place, tmp_path / "migrations")
    application("revenue")
    project.revision("first")
    project.upgrade()
    project.downgrade()
    assert project.relations() - {"alembic_version"} == set()
    project.engine.dispose()


def test_queries_that_alembic_is_not_given(place: Place, tmp_path: Path) -> None:
    """What is installed otherwise is left as it is where the code names no query."""
    project = Project(place, tmp_path / "migrations")
    application("revenue")
    METADATA[0].create_all(project.engine)
    application()
    text = project.revision("nothing")
    assert "maintained_view" not in text
    assert "drop_table" not in text
    project.engine.dispose()
