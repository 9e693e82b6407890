"""SQL text as a person would write it: what fits on a line stands on one, names are bare.

sqlglot knows how each construct is spelled in a dialect; here is only how the text is laid out. The
trees are not changed: parts of them stand in several statements.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect as Sqlglot
from sqlglot.errors import ErrorLevel

from stepping.dialects.identifiers import is_bare, quoted
from stepping.dialects.layout import WIDTH
from stepping.dialects.natives import Spliced

_Kinds = tuple[type[exp.Expr], ...]

# What needs no parentheses, whatever it stands in.
_CLOSED: _Kinds = (exp.Column, exp.Null, exp.Boolean, exp.Cast, exp.Coalesce, exp.Anonymous)
_CLOSED += (exp.Case, exp.Sum, exp.Count, exp.Min, exp.Max, exp.Abs, exp.Exists, exp.Placeholder)
# What binds more than AND, OR and NOT do.
_CONDITIONS: _Kinds = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Is, exp.In)
_CONDITIONS += (exp.NullSafeEQ, exp.NullSafeNEQ, exp.Not, *_CLOSED)
_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ)
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul)


# What is not the same, NULL as well; SQLite knows the standard's words from 3.39 on only.
_DIFFERS = {"sqlite": "IS NOT"}


def generator(sqlglot_name: str, called: Mapping[str, str] | None = None) -> Any:
    """What writes the trees of a dialect; what it cannot say is an error.

    ``called``: what tables are called in this text, where it is not by their own names.
    """
    cls = _generator_class(sqlglot_name)
    made = cls(
        dialect=sqlglot_name,
        pretty=True,
        max_text_width=WIDTH - 4,
        unsupported_level=ErrorLevel.RAISE,
        comments=False,  # there are none in our trees
        normalize_functions=False,  # names that sqlglot does not know, as they are written
    )
    made.called = called or {}
    made.types = {}
    return made


@functools.cache
def _generator_class(sqlglot_name: str) -> Any:
    base: Any = Sqlglot.get_or_raise(sqlglot_name).generator_class
    transforms = {**base.TRANSFORMS, Spliced: _spliced_sql}
    members = {"TRANSFORMS": transforms, "differs": _DIFFERS.get(sqlglot_name, "IS DISTINCT FROM")}
    return type(f"Readable{base.__name__}", (_Layout, base), members)


def _spliced_sql(writes: Any, tree: Spliced) -> str:
    # A line break may stand in a string: it is kept from being indented.
    first, *others = map(writes._replace_line_breaks, tree.texts)
    pairs = zip(tree.expressions, others, strict=True)
    return str(first) + "".join(writes.sql(arg) + words for arg, words in pairs)


def _fits(*parts: str) -> bool:
    return sum(map(len, parts)) <= WIDTH and not any("\n" in part for part in parts)


class _Layout:
    """Comes before the generator of a dialect, and says where lines end."""

    differs: str
    called: Mapping[str, str]
    types: dict[object, str]  # the words for some types without parameters
    sql: Any
    seg: Any
    sep: Any
    indent: Any
    query_modifiers: Any
    prepend_ctes: Any

    # ------------------------------------------------------------------------------------ names

    def identifier_sql(self, tree: exp.Identifier) -> str:
        name: str = tree.args["this"]
        if name in self.called and isinstance(tree.parent, exp.Table):
            return quoted(self.called[name])
        if is_bare(name):
            return name
        return str(super().identifier_sql(tree))  # type: ignore[misc]

    def column_sql(self, tree: exp.Column) -> str:
        # Most of any tree, and sqlglot looks for more parts of it.
        name, table, *others = map(tree.args.get, ("this", "table", "db", "catalog", "join_mark"))
        if any(others) or not isinstance(name, exp.Identifier):
            return str(super().column_sql(tree))  # type: ignore[misc]
        text = self.identifier_sql(name)
        return f"{self.identifier_sql(table)}.{text}" if table else text

    def datatype_sql(self, tree: exp.DataType) -> str:
        kind = tree.args["this"]
        if any(part for key, part in tree.args.items() if key != "this"):  # more than a name
            return str(super().datatype_sql(tree))  # type: ignore[misc]
        if kind not in self.types:
            self.types[kind] = str(super().datatype_sql(tree))  # type: ignore[misc]
        return self.types[kind]

    def alias_sql(self, tree: exp.Alias) -> str:
        # A column is called as it is without an alias. To ORDER BY that is its name on Postgres;
        # SQLite takes it for any column that is called so, of which there may be several.
        is_same = isinstance(tree.this, exp.Column) and tree.this.name == tree.alias
        if is_same and not is_ordered_by(tree):
            return str(self.sql(tree, "this"))
        if isinstance(tree.this, exp.Paren):
            return f"{self.sql(tree.this, 'this')} AS {self.sql(tree, 'alias')}"
        return str(super().alias_sql(tree))  # type: ignore[misc]

    # ------------------------------------------------------------------------------- expressions

    def paren_sql(self, tree: exp.Paren) -> str:
        inner = tree.this
        if isinstance(inner, (exp.Paren, *_CLOSED)) or _is_plain_number(inner):
            return str(self.sql(inner))
        return _in_parens(self, self.sql(inner))

    def dot_sql(self, tree: exp.Dot) -> str:
        return f"{self._kept(tree.this)}.{self.sql(tree, 'expression')}"

    def bracket_sql(self, tree: exp.Bracket) -> str:
        text = str(super().bracket_sql(tree))  # type: ignore[misc]
        inner = str(self.sql(tree, "this"))
        return self._kept(tree.this) + text[len(inner) :] if text.startswith(inner) else text

    def any_sql(self, tree: exp.Any) -> str:
        if isinstance(tree.this, exp.Paren):
            return f"ANY{self._kept(tree.this)}"
        return str(super().any_sql(tree))  # type: ignore[misc]

    def _kept(self, tree: exp.Expr) -> str:
        """An expression with its parentheses, where they say what it is: ``(row).field``."""
        text = str(self.sql(tree))
        return f"({text})" if isinstance(tree, exp.Paren) and not text.startswith("(") else text

    def not_sql(self, tree: exp.Not) -> str:
        inner = tree.this.unnest()
        if type(inner) is exp.EQ:
            return str(self.binary(inner, "<>"))
        if type(inner) is exp.NullSafeEQ:
            return str(self.binary(inner, self.differs))
        if type(inner) is exp.Is and not inner.args.get("negate"):
            return f"{self.sql(inner, 'this')} IS NOT {self.sql(inner, 'expression')}"
        if isinstance(inner, exp.Exists):
            return f"NOT {self.sql(inner)}"
        return str(super().not_sql(tree))  # type: ignore[misc]

    def binary(self, tree: exp.Binary, op: str) -> str:
        if isinstance(tree, _COMPARISONS):
            left, right = map(_without_parens, (tree.this, tree.expression))
            return f"{self.sql(left)} {op} {self.sql(right)}"
        return str(super().binary(tree, op))  # type: ignore[misc]

    def dpipe_sql(self, tree: exp.DPipe) -> str:
        return " || ".join(self.sql(part) for part in _parts(tree, ()))

    def case_sql(self, tree: exp.Case) -> str:
        this = self.sql(tree, "this")
        head = f"CASE {this}" if this else "CASE"
        lines = []
        for each in tree.args["ifs"]:
            when, then = f"WHEN {self.sql(each, 'this')}", f"THEN {self.sql(each, 'true')}"
            lines.append(f"{when} {then}" if _fits(when, then) else f"{when}\n{then}")
        if tree.args.get("default"):
            lines.append(f"ELSE {self.sql(tree, 'default')}")
        if _fits(head, *lines) and len(lines) < 3:
            return " ".join((head, *lines, "END"))
        return "\n".join((head, *map(self.indent, lines), "END"))

    def connector_sql(self, tree: Any, op: str, stack: list[Any] | None = None) -> str:
        if stack is not None:
            return str(super().connector_sql(tree, op, stack))  # type: ignore[misc]
        parts = [str(self.sql(part)) for part in _parts(tree, _CONDITIONS)]
        if _fits(*parts, " AND " * (len(parts) - 1)):
            return f" {op} ".join(parts)
        return f"\n{op} ".join(parts)

    def filter_sql(self, tree: exp.Filter) -> str:
        condition = str(self.sql(tree, "expression")).strip()
        return f"{self.sql(tree, 'this')} FILTER ({condition})"

    # ------------------------------------------------------------------------------------- lists

    def expressions(
        self, expression: Any = None, key: str | None = None, sqls: Any = None, **how: Any
    ) -> str:
        if how.get("flat") or how.get("dynamic") or how.get("sep") or how.get("prefix"):
            return str(
                super().expressions(expression, key=key, sqls=sqls, **how)  # type: ignore[misc]
            )
        listed = expression.args.get(key or "expressions") if expression else sqls
        parts = [text for text in map(self.sql, listed or ()) if text]
        text = "\n".join(_lines(parts))
        return str(self.indent(text)) if how.get("indent", True) and text else text

    def op_expressions(self, op: str, tree: exp.Expr, flat: bool = False) -> str:
        if flat:
            return str(super().op_expressions(op, tree, flat))  # type: ignore[misc]
        return str(self.seg(_after(self, op, self.expressions(tree, indent=False))))

    def schema_columns_sql(self, tree: exp.Expr) -> str:
        return _in_parens(self, self.expressions(tree, indent=False)) if tree.expressions else ""

    def wrap(self, tree: exp.Expr | str) -> str:
        whole = isinstance(tree, exp.UNWRAPPED_QUERIES)
        return _in_parens(self, self.sql(tree) if whole else self.sql(tree, "this"))

    # ----------------------------------------------------------------------------------- clauses

    def select_sql(self, tree: exp.Select) -> str:
        distinct = self.sql(tree, "distinct")
        head = f"SELECT {distinct}" if distinct else "SELECT"
        made = self.query_modifiers(
            tree,
            _after(self, head, self.expressions(tree, indent=False)),
            self.sql(tree, "from_", comment=False),
        )
        lines = made.split("\n")
        if sum(map(len, lines)) < 70 and not any(line.startswith((" ", ")")) for line in lines):
            made = " ".join(lines)
        return str(self.prepend_ctes(tree, made))

    def where_sql(self, tree: exp.Where) -> str:
        return str(self.seg(_after(self, "WHERE", self.sql(tree.this.unnest()))))

    def having_sql(self, tree: exp.Having) -> str:
        return str(self.seg(_after(self, "HAVING", self.sql(tree.this.unnest()))))

    def join_sql(self, tree: exp.Join, join_op: str | None = None) -> str:
        if not tree.args.get("on") or tree.args.get("using") or join_op:
            return str(super().join_sql(tree, join_op))  # type: ignore[misc]
        words = " ".join(word for word in (tree.method, tree.side, tree.kind, "JOIN") if word)
        what, on = f"{words} {self.sql(tree, 'this')}", self.sql(tree.args["on"].unnest())
        if _fits(what.rpartition("\n")[2], on):
            return str(self.seg(f"{what} ON {on}"))
        return str(self.seg(f"{what}\n{self.indent(f'ON {on}')}"))

    def update_sql(self, tree: exp.Update) -> str:
        lines = [f"UPDATE {self.sql(tree, 'this')}"]
        lines.append(_after(self, "SET", self.expressions(tree, indent=False)))
        lines += [str(self.sql(tree, key)).lstrip("\n") for key in ("from_", "where", "returning")]
        return str(self.prepend_ctes(tree, "\n".join(line for line in lines if line)))

    def delete_sql(self, tree: exp.Delete) -> str:
        lines = [f"DELETE FROM {self.sql(tree, 'this')}"]
        if tree.args.get("using"):
            lines.append(_after(self, "USING", self.expressions(tree, key="using", indent=False)))
        lines += [str(self.sql(tree, key)).lstrip("\n") for key in ("where", "returning")]
        text = "\n".join(line for line in lines if line)
        return str(self.prepend_ctes(tree, text))

    def insert_sql(self, tree: exp.Insert) -> str:
        if tree.args.get("alternative") or tree.args.get("default"):
            return str(super().insert_sql(tree))  # type: ignore[misc]
        parts = [f"INSERT INTO {self.sql(tree, 'this')}", self.sql(tree, "expression")]
        parts += [self.sql(tree, "conflict"), str(self.sql(tree, "returning")).lstrip()]
        return str(self.prepend_ctes(tree, "\n".join(part for part in parts if part)))

    def when_sql(self, tree: exp.When) -> str:
        condition = self.sql(tree, "condition")
        head = "WHEN MATCHED" if tree.args["matched"] else "WHEN NOT MATCHED"
        head += f" AND {condition} THEN" if condition else " THEN"
        then = tree.args["then"]
        if isinstance(then, exp.Update):
            return _after(self, f"{head} UPDATE SET", self.expressions(then, indent=False))
        if isinstance(then, exp.Insert):
            values = _in_parens(self, self.expressions(then.expression, indent=False))
            columns = self.expressions(then.this, indent=False)
            return f"{head} INSERT ({columns})\n{self.indent(f'VALUES {values}')}"
        return f"{head} {self.sql(then)}"

    def onconflict_sql(self, tree: exp.OnConflict) -> str:
        keys = ", ".join(map(self.sql, tree.args.get("conflict_keys") or ()))
        head = "ON CONFLICT" + (f" ({keys})" if keys else "")
        where = self.sql(tree, "index_predicate")
        head += f"{where} {self.sql(tree, 'action')}"
        sets = "\n".join(_lines([str(self.sql(each)) for each in tree.expressions]))
        text = _after(self, f"{head} SET", sets) if sets else head
        return f"{text}{self.sql(tree, 'where')}"


def _is_plain_number(tree: exp.Expr) -> bool:
    return isinstance(tree, exp.Literal)


def _without_parens(tree: exp.Expr) -> exp.Expr:
    """An operand of a comparison: arithmetic binds more than that."""
    inner = tree.unnest()
    return inner if isinstance(inner, _ARITHMETIC) else tree


def _parts(tree: exp.Expr, bare: tuple[Any, ...]) -> Iterator[exp.Expr]:
    """What a chain of one operator joins, without parentheses around these kinds."""
    stack: list[exp.Expr] = [tree]
    while stack:
        part = stack.pop()
        inner = part.unnest()
        if type(inner) is type(tree):
            stack += (inner.expression, inner.this)
        else:
            yield inner if isinstance(inner, bare) else part


def _in_parens(writes: Any, text: str) -> str:
    if _fits(text):
        return f"({text})"
    return f"(\n{writes.indent(text, level=1, pad=0)}\n)"


def _after(writes: Any, word: str, text: str) -> str:
    """A clause: behind its word, or below it."""
    if not text:
        return word
    return f"{word} {text}" if _fits(word, text) else f"{word}\n{writes.indent(text)}"


def _lines(parts: Sequence[str]) -> Iterator[str]:
    """A list with commas: several to a line where each of them is short."""
    listed = [f"{part}," for part in parts[:-1]] + list(parts[-1:])
    line = ""
    for part in listed:
        if line and _fits(line, " ", part):
            line = f"{line} {part}"
            continue
        if line:
            yield line
        line = part
    if line:
        yield line


def is_ordered_by(tree: exp.Alias) -> bool:
    """Whether rows are ordered by what has an alias, by its name."""
    select: Any = tree.parent
    while isinstance(select, exp.Query):
        order = select.args.get("order")
        if order is not None and any(
            not each.table and each.name == tree.alias for each in order.find_all(exp.Column)
        ):
            return True
        select = select.parent
    return False
