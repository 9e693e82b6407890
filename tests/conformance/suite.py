"""The suite: a subclass says how a store is opened, and inherits what it must do.

```python
class TestMine(StoreSuite):
    stores = StoreMine

    @pytest.fixture
    def connection(self): ...  # to an empty database
```

`cases` are the queries that its operators are tried with: by default those of every operator.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import hypothesis
import pytest
from hypothesis import given

import stepping as st
from tests.support.histories import History, histories
from tests.support.law import Law, Opened, shown
from tests.support.queries import CASES, Case

settings = hypothesis.settings(max_examples=3, suppress_health_check=list(hypothesis.HealthCheck))


class Row(st.Data):
    k: int
    t: str | None


by_k = st.Index.pick(Row, lambda r: r.k)
kept = st.Cache[Row](name="kept")
sums = st.Cache[st.Pair[int, int]](name="sums")


def rows(a: st.ZSet[Row]) -> st.ZSet[st.Pair[int, int]]:
    found = st.group_reduce_flatten(a, by=by_k, zero=int, pick_value=lambda r: r.k)
    _ = kept[a](lambda z: st.integrate_indexed(z, indexes=(by_k,)))
    _ = sums[found](lambda z: st.integrate(z))
    return found


graph: Any = st.compile(rows)


def counts(cache: Any, store: Any) -> dict[Any, int]:
    return dict(cache.zset(store).iter())


class StoreSuite:
    """What a store must do, whatever its database."""

    stores: Any
    cases: ClassVar[Mapping[str, Case]] = CASES

    @pytest.fixture
    def connection(self) -> Any:
        """A connection to an empty database."""
        raise NotImplementedError("a subclass has the fixture `connection`")

    @pytest.fixture
    def store(self, connection: Any) -> Any:
        return self.stores.from_graph(connection, graph)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "case" in metafunc.fixturenames:
            metafunc.parametrize("case", self.cases.values(), ids=list(self.cases))

    def test_changes_add_up_to_the_meaning(self, connection: Any, case: Case) -> None:
        """The law: for each operator, in any history."""
        opened: Any = self.stores.from_graph(connection, case.graph)
        law = Law(case.graph, [Opened("store", opened)], allow_negative=False)

        @given(histories(case.row_types))
        @settings
        def holds(history: History) -> None:
            law.hold(history)

        holds()

    def test_a_cache_is_read_from_another_store(self, store: Any, connection: Any) -> None:
        (a,) = st.actions(store, graph)
        a.insert(Row(k=2, t="b"), Row(k=1, t=None), Row(k=1, t="a"))
        again = self.stores.from_graph(connection, graph, create_tables=False)
        found = [row.k for _, row, _ in kept.zset(again).iter_by_index(by_k)]
        assert found == [1, 1, 2]
        assert len(kept.zset(again)) == 3

    def test_a_step_that_fails_changes_nothing(self, store: Any) -> None:
        (a,) = st.actions(store, graph)
        a.insert(Row(k=1, t=None))
        with pytest.raises(st.RowError, match="it is not there"):
            a.replace(Row(k=2, t=None), Row(k=3, t=None))
        with pytest.raises(ZeroDivisionError):
            store.step({"a": st.ZSetPython({Row(k=5, t=None): 1})}, also=lambda: 1 // 0)
        assert counts(kept, store) == {Row(k=1, t=None): 1}
        assert counts(sums, store) == {st.Pair(1, 1): 1}

    def test_hostile_texts_are_values(self, store: Any) -> None:
        (a,) = st.actions(store, graph)
        texts = ("'; DROP TABLE x; --", '"', "%s %(a)s $1 ? :a", "\\", "ß\u0301\U0001f600", "")
        for k, text in enumerate(texts):
            a.insert(Row(k=k, t=text))
        assert counts(kept, store) == {Row(k=k, t=text): 1 for k, text in enumerate(texts)}

    def test_times_are_taken_once_and_waited_for(self, store: Any) -> None:
        (a,) = st.actions(store, graph)
        first, second = store.next_time(), store.next_time()
        a.insert(Row(k=1, t=None), time=st.Time(input_time=first))
        a.insert(Row(k=2, t=None), time=st.Time(input_time=second, frontier=first))
        with pytest.raises(st.TimePassed):
            a.insert(Row(k=3, t=None), time=st.Time(input_time=first))
        assert counts(kept, store) == {Row(k=1, t=None): 1, Row(k=2, t=None): 1}

    def test_the_queue_is_folded_in_once(self, store: Any) -> None:
        store.enqueue({"a": st.ZSetPython({Row(k=1, t=None): 2})})
        store.enqueue({"a": st.ZSetPython({Row(k=1, t=None): -1})})
        assert store.queued() == 2
        (change,) = store.drain().outputs
        assert shown(change) == shown(st.ZSetPython({st.Pair(1, 1): 1}))
        assert store.queued() == 0
        assert counts(kept, store) == {Row(k=1, t=None): 1}

    def test_a_migration_fills_what_is_new(self, store: Any, connection: Any) -> None:
        (a,) = st.actions(store, graph)
        a.insert(Row(k=1, t=None), Row(k=2, t="a"))
        more = st.Cache[int](name="more")

        def rows(a: st.ZSet[Row]) -> st.ZSet[int]:
            _ = kept[a](lambda z: st.integrate_indexed(z, indexes=(by_k,)))
            found = st.distinct(st.map(a, f=lambda r: r.k * 10))
            _ = more[found](lambda z: st.integrate(z))
            return found

        wanted: Any = st.compile(rows)
        with pytest.raises(st.SchemaMismatch):
            self.stores.from_graph(connection, wanted)
        st.plan(connection, wanted).apply()
        migrated = self.stores.from_graph(connection, wanted, create_tables=False)
        assert counts(more, migrated) == {10: 1, 20: 1}
        assert st.verify(migrated).ok

    def test_nothing_of_it_remains(self, store: Any, connection: Any) -> None:
        store.uninstall()
        with pytest.raises(st.SchemaMismatch, match="is not installed"):
            self.stores.from_graph(connection, graph, create_tables=False)
