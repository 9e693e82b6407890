"""The suite on our own dialects, with some of the queries: the laws try all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

import stepping as st
from tests.conformance.suite import StoreSuite
from tests.support.queries import CASES

SOME = dict(list(CASES.items())[::12])


class TestSQLite(StoreSuite):
    stores = st.StoreSQLite
    cases: ClassVar[Any] = SOME

    @pytest.fixture
    def connection(self) -> Iterator[Any]:
        with st.connection_sqlite(":memory:") as connection:
            yield connection


class TestPostgres(StoreSuite):
    stores = st.StorePostgres
    cases: ClassVar[Any] = SOME

    @pytest.fixture
    def connection(self, postgres_db: str) -> Iterator[Any]:
        with st.connection_postgres(postgres_db) as connection:
            yield connection
