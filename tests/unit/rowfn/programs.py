"""Random row functions, as source: mostly well typed, and of the kind that users write."""

from __future__ import annotations

import linecache
import re
import warnings
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.unit.rowfn import corpus, corpus_statements

_INDENT = "    "


# What an expression of each kind may be; `$int$` stands for one of kind int. `maybe` is an int or
# None, `word` a str or None, `found` a Product or None, `item` an Item or EMPTY.
LEAVES: dict[str, tuple[str, ...]] = {
    "int": ("0", "1", "3", "p.left.level.value", "len(p.left.name)", "-2", "p.right.count"),
    "flag": ("0", "1", "-1"),
    "maybe": ("p.left.qty", "None", "p.right.count"),
    "float": ("p.left.price", "2.5", "0.0", "RATE"),
    "text": ("p.left.name", "'tv'", "''", "p.left.colour.name", "p.right.product"),
    "word": ("None", "p.left.name", "getattr(p.right, 'product')"),
    "bool": ("True", "p.left.dear", "(p.left.qty is None)", "(p.right is EMPTY)", "False"),
    "product": ("p.left", "Product(name='x', qty=1)"),
    "found": ("None", "p.left"),
    "item": ("p.right", "EMPTY"),
    "pair": ("p", "(p.left, p.right)"),
}
FORMS: dict[str, tuple[str, ...]] = {
    "int": (
        "($int$ + $int$)",
        "($int$ - $int$)",
        "($int$ * 2)",
        "($int$ // $int$)",
        "($int$ % $int$)",
        "(-$int$)",
        "($maybe$ or $int$)",
        "($maybe$ if $maybe$ is not None else $int$)",
        "($int$ and $int$)",
        "($int$ or $int$)",
        "$maybe$",
        "(lambda n: n + $int$)($int$)",
        "min($int$, $int$)",
        "max($int$, $int$, 2)",
        "abs($int$)",
        "($int$, $int$)[$flag$]",
        "i3()",
        "Point($int$, $maybe$).total",
        "Pair($text$, $int$).right",
        "$product$.qty",
        "$found$.qty",
        "$item$.count",
        "len($product$.label)",
    ),
    "flag": ("0", "1"),
    "maybe": (
        "($maybe$ or None)",
        "($maybe$ and $int$)",
        "(None if $bool$ else $int$)",
        "$int$",
        "($maybe$ if $bool$ else $maybe$)",
        "(p.right.basket if p.right is not EMPTY else None)",
        "Point(1, $maybe$).y",
    ),
    "float": (
        "($float$ + $float$)",
        "($float$ * $int$)",
        "($float$ - $float$)",
        "($int$ / $int$)",
        "p.left.taxed($float$)",
        "($float$ or $float$)",
        "float($int$)",
        "abs($float$)",
    ),
    "text": (
        "($text$ + $text$)",
        "(lambda a, b: f'{a} {b!s:>4}')($int$, $text$)",
        "(lambda a: f'{a}')($maybe$)",
        "str($maybe$)",
        "$text$.upper()",
        "($word$ or $text$)",
        "($word$ if $word$ is not None else $text$)",
        "($text$ or $text$)",
        "p.left.label",
        "p.left.best(p.left).name",
        "$text$[:2]",
        "helper(p.left, suffix=$text$)",
        "$product$.name",
        "$product$.label",
        "$found$.greeting()",
        "$item$.product",
    ),
    "word": (
        "(None if $bool$ else $text$)",
        "(None if isinstance(p.right, st.Empty) else p.right.product)",
        "($word$ and $text$)",
    ),
    "bool": (
        "($bool$ and $bool$)",
        "($bool$ or $bool$)",
        "(not $bool$)",
        "($int$ < $int$)",
        "($float$ <= $int$)",
        "($int$ < $int$ <= $int$)",
        "($maybe$ == $maybe$)",
        "($maybe$ is not None and $maybe$ > $int$)",
        "($word$ == $text$)",
        "($text$ in ('tv', 'radio', $text$))",
        "($text$ in $text$)",
        "($maybe$ in (None, 1, $int$))",
        "($maybe$ is None or $bool$)",
        "(p.left.colour is Colour.RED)",
        "isinstance(p.right, Item)",
        "(not isinstance(p.right, st.Empty) and $int$ > $int$)",
        "bool($word$)",
        "bool($maybe$)",
        "(($int$, $text$) < ($int$, $text$))",
        "(Point($int$, $maybe$) == Point($int$, $maybe$))",
        "any(x > $int$ for x in ($int$, $int$))",
        "all(x for x in ($maybe$, $text$))",
        "($text$ if $bool$ else $int$) == $int$",
        "($product$ == $product$)",
        "($found$ is None)",
        "($found$ == $found$)",
        "isinstance($item$, st.Empty)",
        "bool($found$)",
        "($item$ == $item$)",
        "($item$ is EMPTY)",
        "$product$.dear",
    ),
    "product": (
        "dataclasses.replace($product$, price=$float$)",
        "dataclasses.replace($product$, qty=$maybe$, name=$text$)",
        "Product(name=$text$, price=$int$ if $bool$ else $float$, qty=$maybe$)",
        "$product$.best($product$)",
        "($found$ or $product$)",
    ),
    "found": (
        "(None if $bool$ else $product$)",
        "($found$ if $bool$ else $found$)",
        "($found$ and $product$)",
    ),
    "item": (
        "(EMPTY if $bool$ else Item(basket=$int$, product=$word$))",
        "($item$ if $bool$ else p.right)",
        "dataclasses.replace($item$, count=$int$)",
    ),
    "pair": (
        "Pair($found$, $maybe$)",
        "Pair[Product, Any]($product$, $item$)",
        "($product$, ($item$, $word$))",
        "(($int$, $found$), $bool$)",
        "dataclasses.replace(p, right=$item$)",
    ),
}
KINDS = tuple(kind for kind in LEAVES if kind != "flag")


class Writer:
    """Draws one function. Variables that may be in scope are kept by type."""

    def __init__(self, draw: Callable[..., Any]) -> None:
        self.draw = draw
        self.scope: dict[str, list[str]] = {}

    def one(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def below(self, bound: int) -> int:
        return int(self.draw(st.integers(0, bound - 1)))

    def expression(self, kind: str, depth: int) -> str:
        leaves = [*LEAVES[kind], *self.scope.get(kind, [])]
        if depth <= 0 or self.below(4) == 0:
            return str(self.one(*leaves))
        template = self.one(*FORMS[kind], "($K$ if $bool$ else $K$)")

        def filled(hole: re.Match[str]) -> str:
            return self.expression(kind if hole[1] == "K" else hole[1], depth - 1)

        return re.sub(r"\$(\w+)\$", filled, template)

    # ----------------------------------------------------------------------------------- statements

    def block(self, result: str, depth: int, indent: str) -> list[str]:
        lines: list[str] = []
        for _ in range(self.below(4)):
            lines += self.statement(result, depth, indent)
        return lines or [f"{indent}pass"]

    def statement(self, result: str, depth: int, indent: str) -> list[str]:
        kind = self.one(*KINDS)
        form = self.one("assign", "assign", "augment", "if", "return", "walrus", "unpack", "drop")
        if form == "if" and depth > 0:
            test = self.one("bool", "maybe", "word", "text")
            lines = [f"{indent}if {self.expression(test, 2)}:"]
            lines += self.block(result, depth - 1, indent + _INDENT)
            if self.one(True, False):
                lines.append(f"{indent}else:")
                lines += self.block(result, depth - 1, indent + _INDENT)
            return lines
        if form == "return" and depth < 2:
            return [f"{indent}return {self.expression(result, 2)}"]
        if form == "augment" and self.scope.get("int"):
            name = self.one(*self.scope["int"])
            return [f"{indent}{name} {self.one('+=', '-=')} {self.expression('int', 2)}"]
        if form == "drop":
            return [f"{indent}{self.expression(kind, 2)}"]
        value = self.expression(kind, 3)
        name = f"{kind}_{self.below(3)}"
        if form == "unpack":
            other = self.expression("int", 2)
            lines = [f"{indent}{name}, int_9 = {value}, {other}"]
            self.scope.setdefault("int", []).append("int_9")
        elif form == "walrus":
            lines = [f"{indent}if ({name} := {value}):", f"{indent}{_INDENT}pass"]
        else:
            lines = [f"{indent}{name} = {value}"]
        self.scope.setdefault(kind, []).append(name)
        return lines

    def function(self) -> str:
        result = self.one(*KINDS)
        if self.one(True, False):
            return f"f = lambda p: {self.expression(result, 4)}\n"
        lines = ["def f(p):", *self.block(result, 2, _INDENT)]
        lines.append(f"{_INDENT}return {self.expression(result, 3)}")
        return "\n".join(lines) + "\n"


@st.composite
def programs(draw: Callable[..., Any]) -> str:
    return Writer(draw).function()


def loaded(source: str) -> Callable[..., Any]:
    """The function ``f`` of a source that `linecache` knows."""
    name = f"<program {hash(source)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    scope = {**vars(corpus), **vars(corpus_statements)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # `1 is None`
        exec(compile(source, name, "exec"), scope)
    function: Callable[..., Any] = scope["f"]
    return function
