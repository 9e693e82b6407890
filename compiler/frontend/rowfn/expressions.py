"""Expressions of a row function."""

from __future__ import annotations

import ast
import builtins
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn import functions
from stepping.compiler.frontend.rowfn.calls import Calls
from stepping.compiler.frontend.rowfn.context import shown
from stepping.compiler.frontend.rowfn.functions_calls import FALSE, TRUE, negated
from stepping.compiler.frontend.rowfn.source import FunctionNode
from stepping.compiler.frontend.rowfn.values import (
    Choice,
    Closure,
    Frame,
    Items,
    Keywords,
    Never,
    Static,
    Unbound,
    Unknown,
    Value,
    known,
)
from stepping.compiler.schema import TEXT, Kind

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
# What goes through all of its one argument at once, and keeps nothing of it.
_CONSUMERS = (all, any, frozenset, list, max, min, set, sorted, sum, tuple)
_WEEK = ("year", "week", "weekday")
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
        value = self._expression(node)
        if not raises(value):
            self.valued.add(node)
        return value

    def _expression(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant():
                return Static(node.value)
            case ast.Name():
                return self._name(node)
            case ast.Attribute():
                return self._read(node)
            case ast.Subscript(
                value=ast.Call(func=ast.Attribute(attr="isocalendar") as iso, args=[], keywords=[]),
                slice=ast.Constant(value=int() as part),
            ) if part in (0, 1, 2):
                return self._week(self.expression(iso.value), _WEEK[part], node)
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
                items = self._elements(node.elts)
                if not isinstance(items, tuple):
                    return items
                if isinstance(node, ast.Set):
                    return self.set_of(items, set, node)
                return Items(items, tuple if isinstance(node, ast.Tuple) else list)
            case ast.Dict():
                return self._dict(node)
            case ast.JoinedStr():
                return self._text_of(node)
            case ast.NamedExpr():
                value = self.expression(node.value)
                self.assign(node.target, value)
                return value
            case ast.Lambda():
                return self.closure(node)
            case ast.ListComp() | ast.SetComp():
                return self._collected_by(node, list if isinstance(node, ast.ListComp) else set)
            case ast.GeneratorExp():
                return self.fault(f"`{shown(node)}` is evaluated when it is gone through", node)
        return self.fault(f"`{shown(node)}` has no exact SQL", node)

    # --------------------------------------------------------------------------------------- names

    def _name(self, node: ast.Name) -> Value:
        found = self.variable(node.id)
        if found is None:
            message = f"the name `{node.id}` is not defined"
            return self.wrong(message, node, raised=f"NameError: {message}", name=True)
        if any(isinstance(leaf, Unbound) for leaf in self.leaves(found)):
            return self.lift(lambda value: value, (found,), node)  # raises where it is unbound
        return found

    def variable(self, name: str) -> Value | None:
        """What a name stands for: a local, a captured or a global variable, a builtin."""
        owner = self.local.owner(name)
        if owner is not None:
            return self.state.get((owner, name)) or Unbound(name)
        function = self.local.function
        code = function.__code__
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
        match node.value:
            case ast.BinOp(left=first, op=ast.Sub(), right=second) if node.attr == "days":
                return self._days(self.expression(first), self.expression(second), node)
            case ast.Call(func=ast.Attribute(attr="isocalendar") as called, args=[], keywords=[]):
                if node.attr in _WEEK:
                    return self._week(self.expression(called.value), node.attr, node)
        return self.attribute(self.expression(node.value), node.attr, node)

    def _days(self, first: Value, second: Value, node: ast.Attribute) -> Value:
        """``(first - second).days``."""

        def python(one: Any, other: Any) -> Any:
            return (one - other).days

        def between(a: Value, b: Value) -> Value:
            x, y = self.scalar_of(a), self.scalar_of(b)
            if x is None or y is None or {x.type.kind, y.type.kind} != {Kind.DATE}:
                return self.attribute(self.binary("-", a, b, node.value), "days", node)
            return self.applied(python, (a, b), lambda: functions.days_between(x, y), node)

        both = (self.compact(first, node.value), self.compact(second, node.value))
        return self.lift(between, both, node)

    def _week(self, value: Value, part: str, node: ast.expr) -> Value:
        """``value.isocalendar().week`` and its other parts."""

        def of(a: Value) -> Value:
            x = self.scalar_of(a)
            if x is None:
                return self.fault(f"`{shown(node)}` has no exact SQL", node)

            def python(day: Any) -> Any:
                return getattr(day.isocalendar(), part)

            return self.applied(python, (a,), lambda: functions.week_part(x, part), node)

        return self.lift(of, (self.compact(value, node),), node)

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
        args = self._elements(node.args, callee if not node.keywords else None)
        if not isinstance(args, tuple):
            return args
        keywords: dict[str, Value] = {}
        for keyword in node.keywords:
            value = self.resolved(self.expression(keyword.value))
            if keyword.arg is not None:
                more = {keyword.arg: value}
            elif isinstance(value, Keywords):
                more = value.items
            elif isinstance(value, Static) and isinstance(value.value, dict):
                more = {name: known(v) for name, v in value.value.items()}
            else:
                return self.fault(f"`**{shown(keyword.value)}` has no exact SQL", node)
            twice = next((name for name in more if name in keywords), None)
            if twice is not None or not all(isinstance(name, str) for name in more):
                problem = f"a keyword that is given twice, or is no str: {twice}"
                return self.wrong(f"`{shown(node)}` has {problem}", node, raised="TypeError")
            keywords |= more
        return self.call(callee, args, keywords, node)

    def _elements(
        self, nodes: list[ast.expr], consumer: Value | None = None
    ) -> tuple[Value, ...] | Never | Unknown:
        """The values of several expressions; ``consumer`` is what is called with them."""
        found: list[Value] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                inside = node.value
                value = self._consumed(inside) if _is_lazy(inside) else self.expression(inside)
                items = self.unpacked(value, inside)
                if not isinstance(items, tuple):
                    return items
                found.extend(items)
            elif _is_lazy(node) and nodes == [node] and _goes_through(consumer):
                found.append(self._consumed(node))
            else:
                found.append(self.expression(node))
        return tuple(found)

    def _consumed(self, node: ast.expr) -> Value:
        """A generator where all that is done with it is to go through it, at once."""
        assert isinstance(node, ast.GeneratorExp)
        return self._collected_by(node, list)

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

    def closure(self, node: FunctionNode) -> Value:
        """A function that is defined here: its variables of enclosing scopes are looked up late."""
        defaults = self.defaults(node.args)
        frame: Frame | None = self.local
        while frame is not None:
            frame.is_captured = True
            frame = frame.outer
        return Closure(node, self.local, defaults)

    def _collected_by(self, node: ast.GeneratorExp | ast.ListComp | ast.SetComp, of: type) -> Value:
        """The elements over what is known to have so many items."""
        found: list[Value] = []
        blocked = self._each(node, lambda: found.append(self.expression(node.elt)))
        if blocked is not None:
            return blocked
        return self.set_of(tuple(found), of, node) if of is set else Items(tuple(found), of)

    def _each(
        self, node: ast.GeneratorExp | ast.ListComp | ast.SetComp, visit: Callable[[], None]
    ) -> Never | Unknown | None:
        """Call ``visit`` for each element, in a scope in which the variables are bound."""
        if any(generator.is_async for generator in node.generators):
            raise self.abort(f"`{shown(node)}` is asynchronous", node)
        first, *_ = node.generators
        items = self.unpacked(self.expression(first.iter), first.iter)
        if not isinstance(items, tuple):
            return items
        with self._scope(node):
            return self._each_of(items, node.generators, visit)

    def _each_of(
        self,
        items: tuple[Value, ...],
        generators: list[ast.comprehension],
        visit: Callable[[], None],
    ) -> Never | Unknown | None:
        first, *rest = generators
        for item in items:
            self.assign(first.target, item)
            wanted = True
            for condition in first.ifs:
                test = self.facts.value(self.truth(self.expression(condition), condition))
                if test is None:
                    reason = f"`if {shown(condition)}`: how many items depends on the row"
                    self.fault(reason, condition)
                    return Unknown()
                wanted = test
                if not wanted:
                    break
            if not wanted:
                continue
            if not rest:
                visit()
                continue
            inner = self.unpacked(self.expression(rest[0].iter), rest[0].iter)
            if not isinstance(inner, tuple):
                return inner
            blocked = self._each_of(inner, rest, visit)
            if blocked is not None:
                return blocked
        return None

    @contextmanager
    def _scope(self, node: ast.expr) -> Iterator[None]:
        """A comprehension's variables are its own."""
        outer = self.local
        self.frame = Frame(
            comprehension_variables(node), outer.definition, outer.function, outer=outer
        )
        try:
            yield
        finally:
            self.leave(self.frame)
            self.frame = outer

    def leave(self, frame: Frame) -> None:
        """What a scope's variables hold counts no more, but for functions that it defined."""
        if not frame.is_captured:
            self.state = {key: value for key, value in self.state.items() if key[0] is not frame}

    def _quantified_lazily(self, node: ast.GeneratorExp, conjunction: bool) -> Value:
        """``all(...)`` and ``any(...)`` stop at the first element that decides."""
        first, *_ = node.generators
        items = self.unpacked(self.expression(first.iter), first.iter)
        if not isinstance(items, tuple):
            return items
        with self._scope(node):
            return self._decided_by(items, node.generators, node.elt, conjunction)

    def _decided_by(
        self,
        items: tuple[Value, ...],
        generators: list[ast.comprehension],
        element: ast.expr,
        conjunction: bool,
    ) -> ir.Scalar:
        first, *rest = generators

        def inner() -> ir.Scalar:
            if not rest:
                return self.truth(self.expression(element), element)
            more = self.unpacked(self.expression(rest[0].iter), rest[0].iter)
            if isinstance(more, tuple):
                return self._decided_by(more, rest, element, conjunction)
            return self.condition(more)

        def of(item: Value) -> ir.Scalar:
            self.assign(first.target, item)
            wanted: ir.Scalar = TRUE
            for each in first.ifs:
                wanted = self.both(wanted, lambda c=each: self.truth(self.expression(c), c))  # type: ignore[misc]
            if conjunction:
                return self.either(negated(wanted), inner)
            return self.both(wanted, inner)

        result: ir.Scalar = TRUE if conjunction else FALSE
        combine = self.both if conjunction else self.either
        for item in items:
            result = combine(result, lambda i=item: of(i))  # type: ignore[misc]
        return result


def raises(value: Value) -> bool:
    """Whether there is no value on any path."""
    if isinstance(value, Choice):
        return raises(value.then) and raises(value.otherwise)
    return isinstance(value, Never)


def _is_lazy(node: ast.expr) -> bool:
    return isinstance(node, ast.GeneratorExp)


def _goes_through(consumer: Value | None) -> bool:
    """Whether a function does nothing with its argument but to go through all of it."""
    match consumer:
        case Static(value=thing):
            joins = isinstance(getattr(thing, "__self__", None), str) and thing.__name__ == "join"
            return joins or any(thing is known for known in _CONSUMERS)
        case _:
            return False


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


def variables_of(node: FunctionNode) -> frozenset[str]:
    """The names of a function's local variables."""
    arguments = node.args
    names = {a.arg for a in ast.walk(arguments) if isinstance(a, ast.arg)}
    body = [node.body] if isinstance(node, ast.Lambda) else node.body
    bound, elsewhere = _bound_in(body)
    return frozenset(names | (bound - elsewhere))


def comprehension_variables(node: ast.expr) -> frozenset[str]:
    generators: list[ast.comprehension] = getattr(node, "generators", [])
    names = (part for each in generators for part in ast.walk(each.target))
    return frozenset(part.id for part in names if isinstance(part, ast.Name))


def _outside_lambdas(node: ast.AST) -> Iterator[ast.AST]:
    for part in ast.iter_child_nodes(node):
        yield part
        if not isinstance(part, ast.Lambda):
            yield from _outside_lambdas(part)


def _bound_in(nodes: Sequence[ast.AST]) -> tuple[set[str], set[str]]:
    """The names that are bound in a function, and those that it says are not its own."""
    names: set[str] = set()
    elsewhere: set[str] = set()
    todo = list(nodes)
    while todo:
        part = todo.pop()
        match part:
            case ast.Lambda() | ast.FunctionDef() | ast.AsyncFunctionDef():
                # Its defaults are evaluated here.
                todo += [*part.args.defaults, *filter(None, part.args.kw_defaults)]
                if not isinstance(part, ast.Lambda):
                    names.add(part.name)
                    todo += part.decorator_list
                continue
            case ast.ClassDef():
                names.add(part.name)
                continue
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                # A comprehension's variables are its own, but for those of a walrus.
                todo += [n for n in _outside_lambdas(part) if isinstance(n, ast.NamedExpr)]
                continue
            case ast.Name(ctx=ast.Store() | ast.Del()):
                names.add(part.id)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                names.add(name)
            case ast.MatchMapping(rest=str(name)) | ast.ExceptHandler(name=str(name)):
                names.add(name)
            case ast.alias():
                names.add((part.asname or part.name).split(".")[0])
            case ast.Global() | ast.Nonlocal():
                elsewhere.update(part.names)
        todo.extend(ast.iter_child_nodes(part))
    return names, elsewhere
