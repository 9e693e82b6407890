"""Expressions of a row function."""

from __future__ import annotations

import ast
import builtins
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn.calls import Calls
from stepping.compiler.frontend.rowfn.context import shown
from stepping.compiler.frontend.rowfn.functions_calls import FALSE, TRUE, negated
from stepping.compiler.frontend.rowfn.values import (
    Closure,
    Frame,
    Items,
    Keywords,
    Static,
    Unbound,
    Value,
    known,
)
from stepping.compiler.schema import TEXT

BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.MatMult: "@",
}
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}
UNARY: dict[type[ast.unaryop], str] = {ast.USub: "-", ast.UAdd: "+", ast.Invert: "~"}


class Expressions(Calls):
    """Values of syntax trees."""

    @abstractmethod
    def assign(self, target: ast.expr, value: Value) -> None:
        """Bind a target, which may be a tuple of them."""

    @property
    def local(self) -> Frame:
        assert self.frame is not None
        return self.frame

    def expression(self, node: ast.expr) -> Value:
        self.step(node)
        match node:
            case ast.Constant():
                return Static(node.value)
            case ast.Name():
                return self._name(node)
            case ast.Attribute():
                return self._read(node)
            case ast.Subscript():
                return self.subscript(self.expression(node.value), self._index(node.slice), node)
            case ast.BinOp():
                left, right = self.expression(node.left), self.expression(node.right)
                return self.binary(BINARY[type(node.op)], left, right, node)
            case ast.UnaryOp(op=ast.Not()):
                return negated(self.truth(self.expression(node.operand), node.operand))
            case ast.UnaryOp():
                return self.unary(UNARY[type(node.op)], self.expression(node.operand), node)
            case ast.BoolOp():
                return self._bool(node.values, isinstance(node.op, ast.And))
            case ast.Compare():
                return self._comparison(node)
            case ast.IfExp():
                test = self.truth(self.expression(node.test), node.test)
                return self.choose(
                    test, lambda: self.expression(node.body), lambda: self.expression(node.orelse)
                )
            case ast.Call():
                return self._call_of(node)
            case ast.Tuple() | ast.List() | ast.Set():
                of = {ast.Tuple: tuple, ast.List: list, ast.Set: set}[type(node)]
                return Items(self._elements(node.elts), of)
            case ast.Dict():
                return self._dict(node)
            case ast.JoinedStr():
                return self._text_of(node)
            case ast.NamedExpr():
                value = self.expression(node.value)
                self.assign(node.target, value)
                return value
            case ast.Lambda():
                return Closure(node, self.local, self.defaults(node.args))
            case ast.GeneratorExp() | ast.ListComp() | ast.SetComp():
                items = tuple(make() for make in self._comprehended(node))
                return Items(items, set if isinstance(node, ast.SetComp) else list)
            case ast.Starred():
                return self.fault(f"`{shown(node)}` has no exact SQL", node)
        return self.fault(f"`{shown(node)}` has no exact SQL", node)

    # --------------------------------------------------------------------------------------- names

    def _name(self, node: ast.Name) -> Value:
        found = self.variable(node.id)
        if found is None:
            raise self.error(f"the name `{node.id}` is not defined", node)
        if any(isinstance(leaf, Unbound) for leaf in self.leaves(found)):
            return self.lift(lambda value: value, (found,), node)  # raises where it is unbound
        return found

    def variable(self, name: str) -> Value | None:
        """What a name stands for: a local, a captured or a global variable, a builtin."""
        found = self.local.lookup(name)
        if found is not None:
            return found
        function = self.local.function
        code = function.__code__
        frame: Frame | None = self.local
        while frame is not None:
            inner = frame.outer is not None
            if name in (assigned(frame.definition.node) if inner else code.co_varnames):
                return Unbound(name)
            frame = frame.outer
        if name in code.co_cellvars:
            return Unbound(name)
        if name in code.co_freevars:
            cell = function.__closure__[code.co_freevars.index(name)]
            try:
                return known(cell.cell_contents)
            except ValueError:
                return Unbound(name)
        # A nested function's global is one of the function around it.
        for scope in (function.__globals__, vars(builtins)):
            if name in scope:
                return known(scope[name])
        return None

    def namespace(self) -> Mapping[str, Any]:
        return namespace_of(self.local.function) if self.frame else {}

    def _read(self, node: ast.Attribute) -> Value:
        if node.attr.startswith("__") and not node.attr.endswith("__"):
            return self.fault(f"`{shown(node)}` is a name that Python mangles", node)
        return self.attribute(self.expression(node.value), node.attr, node)

    def _index(self, node: ast.expr) -> Value:
        if not isinstance(node, ast.Slice):
            return self.expression(node)
        bounds = [
            None if part is None else self.expression(part)
            for part in (node.lower, node.upper, node.step)
        ]
        values: list[Any] = []
        for bound in bounds:
            if bound is None:
                values.append(None)
            elif isinstance(bound, Static):
                values.append(bound.value)
            else:
                return self.fault(f"`{shown(node)}`: a slice that depends on the row", node)
        return Static(slice(*values))

    # ---------------------------------------------------------------------------------- conditions

    def _bool(self, nodes: list[ast.expr], conjunction: bool) -> Value:
        """``a and b`` is ``b`` where ``a`` is true, else ``a``."""
        first, *rest = nodes
        value = self.expression(first)
        if not rest:
            return value
        test = self.truth(value, first)
        if conjunction:
            return self.choose(test, lambda: self._bool(rest, True), lambda: value)
        return self.choose(test, lambda: value, lambda: self._bool(rest, False))

    def _comparison(self, node: ast.Compare) -> Value:
        """``a < b < c`` is ``a < b and b < c``, with ``b`` evaluated once."""
        left = self.expression(node.left)
        return self._chained(left, list(zip(node.ops, node.comparators, strict=True)), node)

    def _chained(
        self, left: Value, rest: list[tuple[ast.cmpop, ast.expr]], node: ast.Compare
    ) -> Value:
        (op, comparator), *more = rest
        right = self.expression(comparator)
        holds = self.compare(COMPARISONS[type(op)], left, right, node)
        if not more:
            return holds
        return self.choose(holds, lambda: self._chained(right, more, node), lambda: Static(False))

    # --------------------------------------------------------------------------------------- calls

    def _call_of(self, node: ast.Call) -> Value:
        callee = self.expression(node.func)
        match callee, node:
            case Static(value=quantifier), ast.Call(
                args=[ast.GeneratorExp() as inner], keywords=[]
            ):
                if quantifier is any or quantifier is all:
                    return self._quantified_lazily(inner, quantifier is all)
        args = self._elements(node.args)
        keywords: dict[str, Value] = {}
        for keyword in node.keywords:
            value = self.expression(keyword.value)
            if keyword.arg is not None:
                keywords[keyword.arg] = value
            elif isinstance(value, Keywords):
                keywords |= value.items
            elif isinstance(value, Static) and isinstance(value.value, dict):
                keywords |= {str(name): known(v) for name, v in value.value.items()}
            else:
                return self.fault(f"`**{shown(keyword.value)}` has no exact SQL", node)
        return self.call(callee, args, keywords, node)

    def _elements(self, nodes: list[ast.expr]) -> tuple[Value, ...]:
        found: list[Value] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                found.extend(self.unpacked(self.expression(node.value), node.value) or ())
            else:
                found.append(self.expression(node))
        return tuple(found)

    def _dict(self, node: ast.Dict) -> Value:
        """A dict with known keys: to be looked into, or passed on by ``**``."""
        items: dict[str, Value] = {}
        constants: dict[Any, Any] = {}
        for key, inner in zip(node.keys, node.values, strict=True):
            name = self.expression(key) if key is not None else None
            value = self.expression(inner)
            if not isinstance(name, Static):
                return self.fault(f"`{shown(node)}` has no exact SQL", node)
            if isinstance(value, Static):
                constants[name.value] = value.value
            if isinstance(name.value, str):
                items[name.value] = value
        if len(constants) == len(node.keys):
            return Static(constants)
        if len(items) == len(node.keys):
            return Keywords(items)
        return self.fault(f"`{shown(node)}` has no exact SQL", node)

    def defaults(self, arguments: ast.arguments) -> dict[str, Value]:
        """The defaults of a function that is defined here, which Python evaluates here."""
        positional = [*arguments.posonlyargs, *arguments.args]
        last = positional[len(positional) - len(arguments.defaults) :]
        found = {a.arg: self.expression(d) for a, d in zip(last, arguments.defaults, strict=True)}
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            if default is not None:
                found[argument.arg] = self.expression(default)
        return found

    # --------------------------------------------------------------------------------------- texts

    def _text_of(self, node: ast.JoinedStr) -> Value:
        parts: list[Value] = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                parts.append(self._formatted(part))
            else:
                parts.append(self.expression(part))
        return self.concatenated(parts, node)

    def _formatted(self, node: ast.FormattedValue) -> Value:
        value = self.expression(node.value)
        spec = self._text_of(node.format_spec) if node.format_spec else Static("")  # type: ignore[arg-type]
        if not isinstance(spec, Static):
            return self.fault(f"`{shown(node)}`: a format that depends on the row", node, TEXT)
        match node.conversion:
            case -1:
                return self.text(value, str(spec.value), node.value)
            case 115:  # !s
                return self.text(self.text(value, "", node.value), str(spec.value), node.value)
            case code:
                function = Static(repr if code == 114 else ascii)
                return self.text(
                    self.call(function, (value,), {}, node.value), str(spec.value), node.value
                )

    # ------------------------------------------------------------------------------ comprehensions

    def _comprehended(
        self, node: ast.GeneratorExp | ast.ListComp | ast.SetComp
    ) -> Iterator[Callable[[], Value]]:
        """The elements over what is known to have so many items, each to be evaluated or not."""
        if any(generator.is_async for generator in node.generators):
            raise self.abort(f"`{shown(node)}` is asynchronous", node)
        yield from self._generated_by(node.generators, node.elt)

    def _generated_by(
        self, generators: list[ast.comprehension], element: ast.expr
    ) -> Iterator[Callable[[], Value]]:
        if not generators:
            yield lambda: self.expression(element)
            return
        first, *rest = generators
        items = self.unpacked(self.expression(first.iter), first.iter)
        for item in items or ():
            with self._scope():
                self.assign(first.target, item)
                wanted = True
                for condition in first.ifs:
                    test = self.facts.value(self.truth(self.expression(condition), condition))
                    if test is None:
                        self.fault(
                            f"`if {shown(condition)}`: how many items depends on the row", condition
                        )
                    wanted = wanted and test is not False
                if wanted:
                    yield from self._generated_by(rest, element)

    @contextmanager
    def _scope(self) -> Iterator[None]:
        """A comprehension's variables are its own."""
        before = self.local.bindings
        try:
            yield
        finally:
            self.local.bindings = before

    def _quantified_lazily(self, node: ast.GeneratorExp, conjunction: bool) -> Value:
        """``all(...)`` and ``any(...)`` stop at the first element that decides."""
        result: ir.Scalar = TRUE if conjunction else FALSE
        combine = self.both if conjunction else self.either
        for make in self._comprehended(node):
            result = combine(result, lambda m=make: self.truth(m(), node.elt))  # type: ignore[misc]
        return result


def namespace_of(function: Any) -> dict[str, Any]:
    """Globals and captured variables of a function, for its annotations."""
    names = dict(getattr(function, "__globals__", {}))
    code = getattr(function, "__code__", None)
    for name, cell in zip(
        code.co_freevars if code else (), getattr(function, "__closure__", None) or (), strict=False
    ):
        try:
            names[name] = cell.cell_contents
        except ValueError:
            continue
    return names


def assigned(node: ast.AST) -> frozenset[str]:
    """Names that a nested function assigns, which are its local variables."""
    names: set[str] = set()
    todo = list(ast.iter_child_nodes(node))
    while todo:
        part = todo.pop()
        match part:
            case ast.Lambda():
                continue
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(part.name)
                continue
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                # A comprehension's variables are its own, but for those of a walrus.
                walruses = (n for n in ast.walk(part) if isinstance(n, ast.NamedExpr))
                names.update(n.target.id for n in walruses)
                continue
            case ast.Name(ctx=ast.Store()):
                names.add(part.id)
        todo.extend(ast.iter_child_nodes(part))
    return frozenset(names)
