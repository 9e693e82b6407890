"""Stores where nothing may be written, and whatever else of SQLAlchemy's a store is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
import sqlalchemy.orm

import stepping as st
from stepping.compiler.zset import ZSetPython
from tests.support.place import Place
from tests.support.shop import ANN, BOB, graph, users_cache

VALUE = st.Index.pick(int, lambda value: value)


def ordered(values: st.ZSet[int]) -> st.ZSet[int]:
    """Its step has delta tables on Postgres, too."""
    return st.first_n(values, index=VALUE, n=1)


ordered_graph = st.compile(ordered)


def test_explain_and_read_on_a_replica(postgres_db: str) -> None:
    place = Place("postgres", postgres_db)
    with place.opened(graph) as store, place.opened(ordered_graph):
        st.actions(store, graph)[0].insert(ANN)
    with place.connect() as connection:
        connection.execute("SET default_transaction_read_only = on")
        store = place.store(connection, graph, create_tables=False)
        assert users_cache.zset(store) == ZSetPython({ANN: 1})
        text = str(st.explain(store))
        assert "Index Scan" in text
        other = place.store(connection, ordered_graph, create_tables=False)
        assert "first_n" in str(st.explain(other))
        assert not store.driver.in_transaction()


def test_a_raw_connection(place: Place) -> None:
    engine = sa.create_engine(place.sqlalchemy_url)
    with place.opened(graph):
        pass
    raw = engine.raw_connection()
    store = place.store(raw, graph)
    users = st.actions(store, graph)[0]
    users.insert(ANN)
    raw.commit()
    users.insert(BOB)
    raw.rollback()
    with place.opened(graph) as other:
        assert users_cache.zset(other) == ZSetPython({ANN: 1})
    raw.close()
    with pytest.raises(st.StoreError, match="given the store's connection back"):
        users.insert(BOB)
    engine.dispose()


GIVEN: dict[str, Callable[[sa.Engine], Any]] = {
    "sessionmaker": sa.orm.sessionmaker,
    "scoped_session": lambda engine: sa.orm.scoped_session(sa.orm.sessionmaker(engine)),
    "Session": sa.orm.Session,
    "pool": lambda engine: engine.pool,
    "URL": lambda engine: engine.url,
    "text": lambda engine: str(engine.url),
    "None": lambda engine: None,
}


@pytest.mark.parametrize("name", GIVEN)
def test_what_is_no_connection(name: str, place: Place) -> None:
    engine = sa.create_engine(place.sqlalchemy_url)
    with pytest.raises(st.StoreError) as caught:
        place.store(GIVEN[name](engine), graph)
    assert "hint: pass" in str(caught.value)
    engine.dispose()
