"""What a query keeps and runs: as a tree with SQL, as data, as a page and as a drawing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from stepping.compiler.explain.model import Model, to_dict
from stepping.compiler.plan.sql_plan import SQLPlan
from stepping.dialects.features import features_of
from stepping.errors import QueryError


@dataclass(frozen=True)
class Explanation:
    """What `explain` returns: ``print`` it, or ask for ``.text``, ``.to_dict()`` or ``.html``."""

    model: Model
    inputs: tuple[str, ...] = ()  # whose steps the text has; all of them if empty

    @cached_property
    def text(self) -> str:
        """A tree of the query as comments, then its tables and its statements as SQL.

        Every statement can be run where the tables are, but for Python steps and the loading of
        changed rows, which are comments.
        """
        from stepping.compiler.explain.text import text_of

        return text_of(self.model, self.inputs)

    @cached_property
    def summary(self) -> str:
        """The query on one screen: its tree, the tables it keeps, what a changed row costs."""
        from stepping.compiler.explain.summary import summary_of

        return summary_of(self.model, self.inputs)

    @cached_property
    def tree(self) -> str:
        """The tree of the query, with the reason why each operator is incremental, or is not."""
        from stepping.compiler.explain.text import tree_of

        return tree_of(self.model)

    @cached_property
    def ddl(self) -> str:
        """The script that creates what the query keeps, with a comment on each object."""
        from stepping.compiler.explain.ddl import ddl_text as written

        return written(self.model)

    @cached_property
    def statements(self) -> str:
        """The statements that run when an input changes."""
        from stepping.compiler.explain.text import statements_of

        return statements_of(self.model, self.inputs)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, to be written as JSON: see docs/explain.md for its keys."""
        return to_dict(self.model)

    @property
    def html(self) -> str:
        """The same as one page, which loads nothing from anywhere."""
        from stepping.compiler.explain.html import page_of

        return page_of(self.model)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text


def explain(graph: Any, dialect: str | None = None, *, input: str | None = None) -> Explanation:
    """What a query keeps, what a change of each input runs, and what that costs.

    ``graph`` is a compiled query, to be explained for ``dialect``: ``"sqlite"`` or ``"postgres"``;
    or an open store, whose tables are then measured (their rows are counted), and whose database
    is asked for its own plan of each statement. With ``input``, the text has the statements for a
    change of that input alone.
    """
    from stepping.compiler.explain.build import model_of

    database = application = None
    if dialect is None:
        plan = getattr(graph, "plan", None)
        database = getattr(graph, "driver", None)
        application = getattr(graph, "application", None)
        if not isinstance(plan, SQLPlan):
            raise QueryError(
                "st.explain needs to know the database",
                hint='st.explain(graph, dialect="sqlite") or dialect="postgres"',
            )
        program, query = graph.program, graph.graph
    else:
        query = getattr(graph, "graph", graph)
        prepared = getattr(query, "prepared", None)
        base = {} if prepared is None else {"base": tuple(prepared.base.items())}
        program = query.program(dialect, **base)
        plan = program.plan
    inputs = () if input is None else (input,)
    if input is not None and input not in query.input_names:
        raise QueryError(
            f"the query {query.name!r} has no input {input!r}",
            hint=f"its inputs are {', '.join(query.input_names)}",
        )
    return Explanation(model_of(query, plan, program, database, application), inputs)


def ddl_text(graph: Any, dialect: str, base: Any = None, features: Iterable[str] = ()) -> str:
    """The script that ``create_tables=True`` runs, with a comment on each object.

    ``features`` are those whose tables are made as well: see `from_graph`.
    ``base`` has the tables of a query that follows some, as the database describes them.
    """
    from stepping.compiler.explain.build import model_of
    from stepping.compiler.explain.ddl import ddl_text as written

    follows = graph.captured is not None
    wanted = features_of(graph.name, features, follows=follows)
    program = graph.program(dialect, **({} if base is None else {"base": base}))
    model = model_of(graph, program.plan, program)
    if program.plan.capture is not None:
        model = replace(model, script=graph.sections(dialect, base=base))
    return written(model, wanted)
