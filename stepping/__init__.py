"""Incremental view maintenance inside the database you already have."""

import typing as _typing

from stepping.compiler.frontend.base_rows import Column as Column
from stepping.compiler.frontend.index import Index as Index
from stepping.compiler.frontend.rows import UTC as UTC
from stepping.compiler.frontend.rows import AnyFloat as AnyFloat
from stepping.compiler.frontend.rows import Data as Data
from stepping.compiler.frontend.rows import Long as Long
from stepping.compiler.frontend.rows import Pair as Pair
from stepping.compiler.frontend.rows import Range as Range
from stepping.compiler.frontend.rows import Scale as Scale
from stepping.compiler.operators import agg as agg
from stepping.compiler.operators.distinct import distinct as distinct
from stepping.compiler.operators.distinct import except_ as except_
from stepping.compiler.operators.distinct import except_all as except_all
from stepping.compiler.operators.distinct import intersect as intersect
from stepping.compiler.operators.distinct import intersect_all as intersect_all
from stepping.compiler.operators.distinct import union as union
from stepping.compiler.operators.distinct import union_all as union_all
from stepping.compiler.operators.fixpoint import fixpoint as fixpoint
from stepping.compiler.operators.fixpoint import transitive_closure as transitive_closure
from stepping.compiler.operators.group import Grouped as Grouped
from stepping.compiler.operators.group import flatten as flatten
from stepping.compiler.operators.group import group as group
from stepping.compiler.operators.group import per_group as per_group
from stepping.compiler.operators.join import join as join
from stepping.compiler.operators.linear import add as add
from stepping.compiler.operators.linear import add3 as add3
from stepping.compiler.operators.linear import filter as filter
from stepping.compiler.operators.linear import map as map
from stepping.compiler.operators.linear import neg as neg
from stepping.compiler.operators.measures import aggregate as aggregate
from stepping.compiler.operators.outer_join import anti_join as anti_join
from stepping.compiler.operators.outer_join import full_outer_join as full_outer_join
from stepping.compiler.operators.outer_join import outer_join as outer_join
from stepping.compiler.operators.outer_join import right_outer_join as right_outer_join
from stepping.compiler.operators.outer_join import semi_join as semi_join
from stepping.compiler.operators.python_rows import identity_print as identity_print
from stepping.compiler.operators.python_rows import map_many as map_many
from stepping.compiler.operators.reduce import count as count
from stepping.compiler.operators.reduce import group_reduce_flatten as group_reduce_flatten
from stepping.compiler.operators.reduce import reduce as reduce
from stepping.compiler.operators.scalar import make_scalar as make_scalar
from stepping.compiler.operators.scalar import make_set as make_set
from stepping.compiler.operators.stepwise import delay as delay
from stepping.compiler.operators.stepwise import delay_indexed as delay_indexed
from stepping.compiler.operators.stepwise import differentiate as differentiate
from stepping.compiler.operators.stepwise import haitch as haitch
from stepping.compiler.operators.stepwise import integrate_delay as integrate_delay
from stepping.compiler.operators.stream import Cache as Cache
from stepping.compiler.operators.stream import integrate as integrate
from stepping.compiler.operators.stream import integrate_indexed as integrate_indexed
from stepping.compiler.operators.topn import first_n as first_n
from stepping.compiler.pipeline import Query as Query
from stepping.compiler.pipeline import compile as compile
from stepping.compiler.pipeline import compile_lazy as compile_lazy
from stepping.compiler.schema import EMPTY as EMPTY
from stepping.compiler.schema import Empty as Empty
from stepping.compiler.sql.query import sql as sql
from stepping.compiler.zset import ZSet as ZSet
from stepping.compiler.zset import ZSetPython as ZSetPython
from stepping.errors import CaptureError as CaptureError
from stepping.errors import FrontierTimeout as FrontierTimeout
from stepping.errors import InternalError as InternalError
from stepping.errors import MigrationError as MigrationError
from stepping.errors import QueryError as QueryError
from stepping.errors import RowError as RowError
from stepping.errors import RowFunctionError as RowFunctionError
from stepping.errors import SchemaMismatch as SchemaMismatch
from stepping.errors import SteppingError as SteppingError
from stepping.errors import StoreError as StoreError
from stepping.errors import TimePassed as TimePassed
from stepping.errors import UnsupportedError as UnsupportedError
from stepping.runtime.actions import Action as Action
from stepping.runtime.actions import actions as actions
from stepping.runtime.actions import batched as batched
from stepping.runtime.actions import iteration as iteration
from stepping.runtime.frontier import Time as Time
from stepping.runtime.store import Store as Store
from stepping.runtime.store import StorePython as StorePython
from stepping.runtime.stores import StorePostgres as StorePostgres
from stepping.runtime.stores import StoreSQLite as StoreSQLite
from stepping.runtime.stores import connection_postgres as connection_postgres
from stepping.runtime.stores import connection_sqlite as connection_sqlite

if _typing.TYPE_CHECKING:
    from stepping.compiler.explain import Explanation as Explanation
    from stepping.compiler.explain import explain as explain
    from stepping.compiler.explain.pictures import write_png as write_png
    from stepping.compiler.explain.pictures import write_svg as write_svg
    from stepping.maintained import MaintainedView as MaintainedView
    from stepping.runtime.migrate import MigrationPlan as MigrationPlan
    from stepping.runtime.migrate import plan as plan
    from stepping.runtime.queue import Drained as Drained
    from stepping.runtime.status import Status as Status
    from stepping.runtime.verify import Difference as Difference
    from stepping.runtime.verify import Verification as Verification
    from stepping.runtime.verify import verify as verify

# What most processes never use is imported when it is first asked for.
_LATER = {
    "Explanation": "stepping.compiler.explain",
    "explain": "stepping.compiler.explain",
    "write_png": "stepping.compiler.explain.pictures",
    "write_svg": "stepping.compiler.explain.pictures",
    "MaintainedView": "stepping.maintained",
    "MigrationPlan": "stepping.runtime.migrate",
    "plan": "stepping.runtime.migrate",
    "Drained": "stepping.runtime.queue",
    "Status": "stepping.runtime.status",
    "Difference": "stepping.runtime.verify",
    "Verification": "stepping.runtime.verify",
    "verify": "stepping.runtime.verify",
}

if not _typing.TYPE_CHECKING:  # or a checker would take any name for one of these

    def __getattr__(name: str) -> _typing.Any:
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import importlib

        found = getattr(importlib.import_module(_LATER[name]), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
