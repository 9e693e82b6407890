"""Random row functions, as source: aliases, scopes, sets, slices, closures, loops, early returns.

They are typed loosely, and not all of them are translated: what is not must be a Python step.
"""

from __future__ import annotations

import linecache
import re
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from random import Random
from typing import Any

import stepping as st

_INDENT = "    "


class Row(st.Data):
    which: int  # of several programs
    i: int
    j: int
    s: str
    b: bool
    n: int | None


# The module around each program. What functions find there they find when they are called: some of
# it is defined after them.
BEFORE = """
from __future__ import annotations
from typing import NamedTuple

RATE = 2
XS = [1, 2]
PAIR = (1, 3)
SET = {1, 2}
FROZEN = frozenset({1, 3})
NAMES = ["a", "b"]
LIMITS = {"a": 1, "b": 2}


class Point(NamedTuple):
    x: int = 0
    y: int = 2

    def __iadd__(self, other):
        return Point(self.x + 10, self.y)


ORIGIN = Point(0, 0)


def helper(x, y=3, *rest, k=1):
    if x > y:
        return x + len(rest)
    for each in rest:
        if each == k:
            return each
    return y * k


def grown(xs):
    xs += [7]
    return xs


def counter(start):
    def up(by):
        nonlocal start
        start += by
        return start
    return up


"""
AFTER = """

LATE = 5


def late(x=1, *more):
    return LATE + x + len(more)


ADDERS = [lambda x: x + k for k in (1, 2, 3)]
"""

# What an expression of each kind may be. `$int$` stands for one of kind int, `$int/x$` for one in
# which the int `x` may be used.
LEAVES: dict[str, tuple[str, ...]] = {
    "int": (
        *("0", "1", "2", "3", "-1", "r.i", "r.j", "r.i", "r.j", "RATE", "LATE", "XS[0]"),
        "len(r.s)",
    ),
    "bool": ("True", "False", "r.b", "(r.i > 0)", "(r.n is None)"),
    "text": ("''", "'a'", "'ab'", "r.s", "r.s", "NAMES[0]"),
    "maybe": ("None", "r.n", "r.n", "1"),
    "ints": ("[]", "[1, 2]", "[r.i]", "[r.i, r.j]", "XS", "list(PAIR)"),
    "nums": ("set()", "{1}", "{r.i}", "{r.i, r.j}", "SET", "FROZEN", "frozenset()"),
    "pair": ("(1, 2)", "(r.i, r.j)", "PAIR", "(r.j, 0)"),
    "func": ("abs", "helper", "late", "ADDERS[0]", "(lambda x: x)"),
    "gen": ("(x for x in (1, 2))", "iter(XS)", "iter([r.i, r.j])", "(x for x in [r.i, r.j])"),
    "dict": ("{'a': 1}", "{'a': r.i, 'b': r.j}", "LIMITS", "{}", "{r.s: r.i}"),
    "point": ("ORIGIN", "Point(r.i, 1)", "Point(y=r.i)", "Point()"),
    "bound": (
        *("", "0", "1", "2", "-1", "-3", "5", "2**31", "2**32 + 1", "2**64", "-(2**33)"),
        "-(2**70)",
    ),
    "step": ("", "", "1", "2", "-1", "-2", "3", "2**33", "-(2**40)"),
}  # fmt: skip
FORMS: dict[str, tuple[str, ...]] = {
    "int": (
        "($int$ + $int$)",
        "($int$ - $int$)",
        "($int$ * 2)",
        "($int$ // $int$)",
        "($int$ % $int$)",
        "(-$int$)",
        "($int$ & $int$)",
        "abs($int$)",
        "int($bool$)",
        "min($int$, $int$)",
        "max($int$, $int$, $int$)",
        "min($ints$)",
        "max($nums$)",
        "len($ints$)",
        "len($nums$)",
        "len($nums$)",
        "len($text$)",
        "len($pair$ + $pair$)",
        "sum($ints$)",
        "sum($nums$)",
        "sum($pair$, $int$)",
        "$ints$[$int$]",
        "$ints$[0]",
        "$ints$[-1]",
        "$pair$[1]",
        "$pair$[$int$]",
        "sorted($ints$)[0]",
        "sorted($nums$)[-1]",
        "($maybe$ or $int$)",
        "$maybe$",
        "($int$ if $bool$ else $int$)",
        "($int$ and $int$)",
        "($int$ or $int$)",
        "(lambda x, y=$int$: $int/x$ + y)($int$)",
        "(lambda *a: len(a))(*$ints$)",
        "(lambda a, b=2, *c, d=3: a + b * d + len(c))(*$ints$)",
        "(lambda a, b=2, /, **k: a + b + len(k))(*$pair$, c=$int$)",
        "(lambda **k: k['a'] - k['b'])(b=$int$, a=$int$)",
        "(lambda a, b: a - b)(**{'b': $int$, 'a': $int$})",
        "(lambda: $int$)()",
        "$func$($int$)",
        "helper($int$, *$ints$)",
        "helper(*$pair$, k=$int$)",
        "helper(y=$int$, x=$int$)",
        "late(*$ints$)",
        "sum(grown($ints$))",
        "len(grown(XS[:]))",
        "counter($int$)($int$)",
        "sum($int/x$ for x in $ints$)",
        "sum($int/x$ for x in $ints$ if $bool/x$)",
        "sum([$int/x,y$ for x in $ints$ for y in $ints$])",
        "sum(y for x in [$ints$, $ints$] for y in x)",
        "sum(f() for f in [lambda: x for x in $ints$])",
        "sum(f($int$) for f in [lambda z, x=x: x + z for x in $ints$])",
        "[f(1) for f in ADDERS][0]",
        "sum((w := $int/x$) for x in $ints$)",
        "max($int/x$ for x in $pair$)",
        "LIMITS.get($text$, $int$)",
        "LIMITS[$text$]",
        "{'a': $int$, 'b': $int$}['a']",
        "len($ints$[$bound$:$bound$])",
        "sum($ints$[$bound$:$bound$:$step$])",
        "len($text$[$bound$:$bound$:$step$])",
        "len($pair$[$bound$:$bound$])",
        "$ints$.index($int$)",
        "$ints$.count($int$)",
        "$text$.find($text$)",
        "[*$ints$, $int$][-1]",
        "(*$ints$, *$pair$)[0]",
        "len([*$ints$, *$nums$])",
        "len({*$ints$})",
        "next(iter($ints$))",
        "len(list(range($int$)))",
        "sum($gen$)",
        "next($gen$)",
        "max($gen$)",
        "len([*$gen$])",
        "sum(x + y for x in $gen$ for y in $gen$)",
        "$dict$['a']",
        "$dict$[$text$]",
        "$dict$.get('b', $int$)",
        "len($dict$)",
        "sum($dict$.values())",
        "sum(v for k, v in $dict$.items() if k != $text$)",
        "$point$.x",
        "$point$[1]",
        "sum($point$)",
        "$point$._replace(x=$int$).x",
        "len({$point$, $point$})",
        "(lambda *, a, b=1: a + b)(**$dict$)",
        "(x0 := $int$)",
        "((y0 := $int$) + y0)",
    ),
    "bool": (
        "($int$ < $int$)",
        "($int$ < $int$ <= $int$)",
        "($int$ == $int$ != $int$)",
        "($int$ > $int$ in $ints$)",
        "($int$ in $ints$)",
        "($int$ in $nums$)",
        "($int$ not in $pair$)",
        "($maybe$ in ($int$, None))",
        "($maybe$ in {$int$, None})",
        "($text$ in {$text$, $text$})",
        "($text$ in $text$)",
        "($nums$ == $nums$)",
        "($nums$ != $nums$)",
        "($nums$ <= $nums$)",
        "($nums$ < $nums$)",
        "($nums$ >= $nums$ > $nums$)",
        "$nums$.issubset($nums$)",
        "$nums$.isdisjoint($ints$)",
        "($nums$ == $ints$)",
        "({$text$} == {$text$, $text$})",
        "({($int$, $text$), (1, 'a')} == {($int$, 'a')})",
        "({True, $int$} == {$int$, $bool$})",
        "($ints$ == $ints$)",
        "($ints$ < $ints$)",
        "($pair$ <= $pair$)",
        "($pair$ == $ints$)",
        "($ints$ is $ints$)",
        "($text$ == $int$)",
        "($maybe$ is None)",
        "($maybe$ == $int$)",
        "($maybe$ is not None and $maybe$ > $int$)",
        "($int$ in $gen$)",
        "any(x > 1 for x in $gen$)",
        "($text$ in $dict$)",
        "($dict$ == $dict$)",
        "($point$ == $point$)",
        "($point$ < $pair$)",
        "($point$ in {$point$, (1, 2)})",
        "({$point$, $pair$} == {$pair$})",
        "(not $bool$)",
        "($bool$ and $bool$)",
        "($bool$ or $bool$)",
        "($bool$ is $bool$)",
        "bool($nums$)",
        "bool($ints$)",
        "bool($text$)",
        "bool($maybe$)",
        "any($bool/x$ for x in $ints$)",
        "all($bool/x$ for x in $ints$ if $bool/x$)",
        "any($bool/x,y$ for x in $ints$ for y in $pair$)",
        "all($ints$)",
        "any($nums$)",
        "any(10 // x > 3 for x in $pair$)",
        "any([$bool$, $bool$])",
        "isinstance($nums$, set)",
        "isinstance($ints$, (list, tuple))",
        "(type($nums$) is frozenset)",
        "((z0 := $int$) > 1 and z0 < 5)",
    ),
    "text": (
        "($text$ + $text$)",
        "($text$ * 2)",
        "$text$[$bound$:$bound$]",
        "$text$[$bound$:$bound$]",
        "$text$[$bound$:$bound$:$step$]",
        "$text$[$int$]",
        "$text$[0]",
        "str($int$)",
        "str($bool$)",
        'f"""{$int$}{$text$!s:>3}"""',
        'f"""{$maybe$}"""',
        "''.join([$text$, $text$])",
        "'-'.join(t for t in ($text$, $text$))",
        "'-'.join(str(x) for x in $ints$)",
        "''.join(sorted({$text$, $text$}))",
        "''.join({$text$})",
        "$text$.upper()",
        "$text$.strip('a')",
        "($text$ if $bool$ else $text$)",
        "($text$ or $text$)",
        "str($ints$)",
        "repr($text$)",
    ),
    "maybe": (
        "(None if $bool$ else $int$)",
        "($maybe$ and $int$)",
        "($maybe$ if $bool$ else $maybe$)",
        "$int$",
        "{'a': None, 'b': $int$}[$text$]",
    ),
    "ints": (
        "[$int$, $int$]",
        "[$int$, $int$, $int$]",
        "[$int$]",
        "[*$ints$, $int$]",
        "[*$pair$]",
        "list($pair$)",
        "list($nums$)",
        "list($ints$)",
        "sorted($ints$)",
        "sorted($nums$)",
        "($ints$ + $ints$)",
        "($ints$ * 2)",
        "($ints$ if $bool$ else $ints$)",
        "($ints$ or $ints$)",
        "$ints$[$bound$:$bound$]",
        "$ints$[$bound$:$bound$:$step$]",
        "[$int/x$ for x in $ints$]",
        "[x for x in $ints$ if $bool/x$]",
        "[x for x in $pair$ if x in $nums$]",
        "[y for x in ($pair$, $ints$) for y in x]",
        "[x for x, *_ in ($pair$, $pair$)]",
        "list(map($func$, $ints$))",
        "list($gen$)",
        "[*$gen$, $int$]",
        "[x for x in $gen$]",
        "list($dict$.values())",
        "[a + b for a, b in zip($ints$, $pair$)]",
        "[k * v for k, v in enumerate($ints$)]",
        "list(range(3))",
        "[f($int$) for f in ($func$, $func$)]",
    ),
    "nums": (
        "{$int$, $int$}",
        "{$int$, $int$, $int$}",
        "{$int$}",
        "{*$ints$, $int$}",
        "set($ints$)",
        "frozenset($ints$)",
        "frozenset($nums$)",
        "set($pair$)",
        "{$int/x$ for x in $ints$}",
        "{x for x in $pair$ if $bool/x$}",
        "($nums$ | $nums$)",
        "($nums$ & $nums$)",
        "($nums$ - $nums$)",
        "($nums$ ^ $nums$)",
        "$nums$.union($ints$)",
        "($nums$ if $bool$ else $nums$)",
        "($nums$ or $nums$)",
    ),
    "pair": (
        "($int$, $int$)",
        "($int$, $int$)",
        "($pair$ if $bool$ else $pair$)",
        "tuple($ints$)",
        "divmod($int$, $int$)",
        "$pair$[::-1]",
        "(*$pair$,)",
        "$point$",
        "tuple($gen$)",
    ),
    "gen": (
        "($int/x$ for x in $ints$)",
        "(x for x in $ints$ if $bool/x$)",
        "iter($ints$)",
        "map($func$, $ints$)",
        "reversed($ints$)",
    ),
    "dict": (
        "{'a': $int$, 'b': $int$}",
        "{'a': $int$, 'a': $int$}",
        "{$text$: $int$}",
        "dict(a=$int$)",
        "{**$dict$, 'b': $int$}",
        "{t: $int$ for t in ($text$, 'a')}",
        "($dict$ | $dict$)",
    ),
    "point": (
        "Point($int$, $int$)",
        "Point(*$pair$)",
        "Point(**$dict$)",
        "$point$._replace(y=$int$)",
        "($point$ if $bool$ else $point$)",
    ),
    "func": (
        "(lambda x: $int/x$)",
        "(lambda x, y=$int$: $int/x,y$)",
        "(lambda x, *y: $int/x$ + len(y))",
        "($func$ if $bool$ else $func$)",
        "counter($int$)",
        "[lambda x: x + $int$, $func$][0]",
        "[lambda y: x + y for x in (1, $int$)][0]",
    ),
}  # fmt: skip
RESULTS = {
    "int": "int",
    "bool": "bool",
    "text": "str",
    "maybe": "int | None",
    "int, text": "tuple[int, str]",
    "bool, int": "tuple[bool, int]",
}
# What is done to a variable of a kind, which may be another name for what another one has.
CHANGES: dict[str, tuple[str, ...]] = {
    "int": ("{v} += $int$", "{v} -= $int$", "{v} *= 2", "{v} //= $int$", "{v} |= $int$"),
    "bool": ("{v} &= $bool$", "{v} |= $bool$", "{v} ^= $bool$"),
    "text": ("{v} += $text$", "{v} *= 2"),
    "maybe": ("{v} += $int$",),
    "pair": ("{v} += $pair$", "{v} *= 2"),
    "ints": (
        *("{v} += $ints$", "{v} += $ints$", "{v} += $pair$", "{v} += {w}", "{v} *= 2"),
        *("{v}.append($int$)", "{v}.extend($ints$)", "{v}[0] = $int$", "{v}.sort()", "del {v}[0]"),
        *("{v}[:1] = $ints$", "{v}[0] += $int$", "{v}.pop()", "{v}.insert(0, $int$)"),
    ),
    "nums": (
        *("{v} |= $nums$", "{v} -= $nums$", "{v} &= $nums$", "{v} ^= {w}", "{v}.add($int$)"),
        *("{v}.discard($int$)", "{v}.update($ints$)"),
    ),
    "gen": ("next({v})", "list({v})"),
    "dict": (
        *("{v}['a'] = $int$", "{v}.update(a=$int$)", "{v} |= $dict$", "{v}.pop('a', 0)"),
        *("{v}['a'] += $int$", "del {v}['a']", "{v}.setdefault('b', $int$)"),
    ),
    "point": ("{v} += $point$", "{v} += $pair$"),
    "func": ("{v} = {w}", "del {v}"),
}


# What is a Python step for certain: most programs have none of it, as each has but one reason.
_STEPS = re.compile(
    r"sorted|\.index|\.count|list\(\$nums|sum\(\$nums|next|range\(\$|map|zip|enumerate|divmod|reversed"
    r"| is \$ints|\$text\$\[\$int|\$gen|iter\(|\(x for|\.iss|\.isd|repr|str\(\$ints|:\$step"
    r"|(sum|\[x|\{x) .*if \$|\$nums\$ [&^-] |\.union|\$dict\$ \||t: |grown|\{v\}(\.|\[)|del "
    r"|\*\$nums|key|\{\$text|\{r.s|\{v\} [|&^*-]= \$?(nums|\{)|upper|\$ints\$ \* "
)


def _is_python(expression: str) -> bool:
    """Not all of it can be said anywhere: no walrus in what a comprehension goes through, and
    before Python 3.12 no f-string in one with the same quotes.
    """
    if ":=" not in expression and 'f"""' not in expression:
        return True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            compile(expression, "<expression>", "eval")
    except SyntaxError:
        return False
    return True


KINDS = (
    *("int", "int", "bool", "text", "maybe", "ints", "ints", "nums", "pair", "func"),
    *("point", "gen", "dict"),
)


class Writer:
    """Draws one function. Variables that may be in scope are kept by kind."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.anything = random.random() < 0.3
        self.scope: dict[str, list[str]] = {}
        self.serial = count()
        self.loops = 0
        self.outer: list[str] = []  # variables of the function around this one

    def one(self, *options: Any) -> Any:
        return self.random.choice(options)

    def form(self, forms: tuple[str, ...]) -> str:
        known = [form for form in forms if self.anything or not _STEPS.search(form)]
        return str(self.one(*(known or forms)))

    def below(self, bound: int) -> int:
        return self.random.randrange(bound)

    def expression(self, kind: str, depth: int) -> str:
        known = self.scope.get(kind, [])
        if known and self.below(3) == 0:
            return str(self.one(*known))
        if depth <= 0 or kind not in FORMS or self.below(4) == 0:
            return self.form(LEAVES[kind])
        found = self.filled(self.form(FORMS[kind]), depth - 1)
        return found if _is_python(found) else self.form(LEAVES[kind])

    def filled(self, template: str, depth: int) -> str:
        def hole(found: re.Match[str]) -> str:
            kind, _, names = found[1].partition("/")
            with self.within(names.split(",") if names else []):
                return self.expression(kind, depth)

        return re.sub(r"\$([\w/,]+)\$", hole, template)

    @contextmanager
    def within(self, names: list[str]) -> Iterator[None]:
        before = {kind: list(known) for kind, known in self.scope.items()}
        self.scope.setdefault("int", []).extend(names)
        try:
            yield
        finally:
            self.scope = before

    # ----------------------------------------------------------------------------------- statements

    def block(self, result: str, depth: int, indent: str) -> list[str]:
        lines: list[str] = []
        for _ in range(1 + self.below(3)):
            lines += self.statement(result, depth, indent)
        return lines

    def statement(self, result: str, depth: int, indent: str) -> list[str]:
        kind = self.one(
            "int", "int", "bool", "text", "maybe", "ints", "ints", "nums", "pair", "func"
        )
        forms = ["assign", "assign", "alias", "change", "change", "unpack"]
        if depth > 0:
            forms += ["if", "if", "for", "for", "def", "match", "lambda"]
            forms += ["while", "try"] if self.anything else []
        if self.loops:
            forms += ["break", "continue"]
        forms += ["return", "assert", "raise", "pass", "drop"]
        lines: list[str] = getattr(self, f"_{self.one(*forms)}")(kind, result, depth, indent)
        return [indent + line for line in lines]

    def variable(self, kind: str) -> str:
        name = f"{kind}_{self.below(2)}"
        if name not in self.scope.setdefault(kind, []):
            self.scope[kind].append(name)
        return name

    def _assign(self, kind: str, result: str, depth: int, indent: str) -> list[str]:
        value = self.expression(kind, 3)
        target = self.variable(kind)
        if self.below(4) == 0:
            target = f"{self.variable(kind)} = {target}"
        return [f"{target} = {value}"]

    def _alias(self, kind: str, result: str, depth: int, indent: str) -> list[str]:
        known = self.scope.get(kind)
        value = self.one(*known) if known else self.expression(kind, 1)
        return [f"{self.variable(kind)} = {value}"]

    def _change(self, kind: str, result: str, depth: int, indent: str) -> list[str]:
        known = self.scope.get(kind)
        if not known:
            return self._assign(kind, result, depth, indent)
        form = self.form(CHANGES[kind]).format(v=self.one(*known), w=self.one(*known))
        return [self.filled(form, 2)]

    def _unpack(self, kind: str, result: str, depth: int, indent: str) -> list[str]:
        form, source = self.one(
            ("{v}, {w}", "$pair$"), ("{v}, *{w}", "$ints$"), ("*{w}, {v}", "$pair$"),
            ("{v}, {w}", "$ints$"), ("{v},", "$nums$"), ("[{v}, ({w}, *_)]", "($int$, $pair$)"),
        )  # fmt: skip
        value = self.filled(source, 2)
        names = {"v": self.variable("int"), "w": self.variable("ints" if "*{w}" in form else "int")}
        return [f"{form.format(**names)} = {value}"]

    def _if(self, kind: str, result: str, depth: int, indent: str) -> list[str]:
        test = self.one("bool", "bool", "maybe", "text", "ints", "nums")
        lines = [f"if {self.expression(test, 2)}:", *self.block(result, depth - 1, _INDENT)]
        if self.below(3) == 0:
            lines.append(f"elif {self.expression('bool', 2)}:")
            lines += self.block(result, depth - 1, _INDENT)
        if self.below(2):
            lines += ["else:", *self.block(result, depth - 1, _INDENT)]
        return lines

    def _for(self, kind: str, result: str, depth: int, indent: str) -> list[str]:
        source = self.expression(self.one("ints", "pair", "pair", "nums"), 2)
        lines = [f"for {self.variable('int')} in {source}:"]
        self.loops += 1
        lines += self.block(result, depth - 1, _INDENT)
        self.loops -= 1
        if self.below(4) == 0:
            lines += ["else:", *self.block(result, depth - 1, _INDENT)]
        return lines

    def _while(self, kind: str, result: str, depth: int, indent: str) -> list[str]:
        name = f"n{next(self.serial)}"
        lines = [f"{name} = 0", f"while {name} < {self.one('2', 'r.i')}:", f"{_INDENT}{name} += 1"]
        self.loops += 1
        lines += self.block(result, depth - 1, _INDENT)
        self.loops -= 1
        return lines

    def _try(self, kind: str, result: str, depth: int, indent: str) -> list[str]:
        error = self.one("ZeroDivisionError", "Exception", "(IndexError, ValueError)")
        return [
            "try:",
            *self.block(result, depth - 1, _INDENT),
            f"except {error}:",
            *self.block(result, depth - 1, _INDENT),
        ]

    def _match(self, kind: str, result: str, depth: int, indent: str) -> list[str]:
        subject = self.expression(self.one("pair", "ints", "maybe", "int"), 2)
        name = self.variable("int")
        lines = [f"match {subject}:"]
        for pattern in (
            self.one("1", "None", "[]", f"int({name})", "(1, 2)"),
            self.one(f"[_, {name}]", f"({name}, 0)", f"{name} if {name}", f"[1 | 2 as {name}, _]"),
            "_",
        ):
            lines.append(f"{_INDENT}case {pattern}:")
            lines += self.block(result, depth - 1, _INDENT * 2)
        return lines

    def _def(self, kind: str, result: str, depth: int, indent: str) -> list[str]:
        name = f"func_{self.below(2)}"
        head = self.one(
            "x", "x, y={d}", "x, *y", "x=1, *, y={d}", "x, y={d}, /", "*x", "x, **y", "x, y={d}, *z"
        )  # fmt: skip
        head = head.format(d=self.expression("int", 2))
        mine = [v for known in self.scope.values() for v in known if re.fullmatch(r"[a-z]+_\d", v)]
        before, loops = {k: list(v) for k, v in self.scope.items()}, self.loops
        outer, self.outer = self.outer, mine
        self.loops = 0
        self.scope.setdefault("int", []).extend(["x"] if "*x" not in head else [])
        self.scope.setdefault("ints", []).extend(["x"] if "*x" in head else [])
        lines = [f"def {name}({head}):"]
        if mine and self.below(3) == 0:
            lines.append(f"{_INDENT}nonlocal {self.one(*mine)}")
        lines += self.block("int", depth - 1, _INDENT)
        lines.append(f"{_INDENT}return {self.expression('int', 2)}")
        self.scope, self.loops, self.outer = before, loops, outer
        if name not in self.scope.setdefault("func", []):
            self.scope["func"].append(name)
        return lines

    def _lambda(self, kind: str, result: str, depth: int, indent: str) -> list[str]:
        return [f"{self.variable('func')} = {self.filled(self.form(FORMS['func']), 2)}"]

    def _break(self, kind: str, result: str, depth: int, indent: str) -> list[str]:
        return [f"if {self.expression('bool', 2)}:", f"{_INDENT}break"]

    def _continue(self, kind: str, result: str, depth: int, indent: str) -> list[str]:
        return [f"if {self.expression('bool', 2)}:", f"{_INDENT}continue"]

    def _return(self, kind: str, result: str, depth: int, indent: str) -> list[str]:
        value = self.result(result)
        if self.below(3):
            return [f"if {self.expression('bool', 2)}:", f"{_INDENT}return {value}"]
        return [f"return {value}"]

    def _assert(self, kind: str, result: str, depth: int, indent: str) -> list[str]:
        return [f"assert {self.expression('bool', 2)} or r.j"]

    def _raise(self, kind: str, result: str, depth: int, indent: str) -> list[str]:
        return [f"if {self.expression('bool', 2)}:", f"{_INDENT}raise ValueError('no')"]

    def _pass(self, kind: str, result: str, depth: int, indent: str) -> list[str]:
        return ["pass"]

    def _drop(self, kind: str, result: str, depth: int, indent: str) -> list[str]:
        return [self.expression(kind, 2)]

    # ------------------------------------------------------------------------------------ functions

    def result(self, result: str) -> str:
        return ", ".join(self.expression(kind, 3) for kind in result.split(", "))

    def function(self) -> str:
        result = self.one(*RESULTS)
        if self.below(5) == 0:
            return f"f = lambda r: ({self.result(result)})\n"
        lines = [f"def f(r: R) -> {RESULTS[result]}:"]
        for _ in range(1 + self.below(4)):
            lines += self.statement(result, 2, _INDENT)
        lines.append(f"{_INDENT}return {self.result(result)}")
        return "\n".join(lines) + "\n"


def program(random: Random) -> str:
    """The source of a function ``f`` of a row ``r``."""
    return Writer(random).function()


class Module:
    """A source that was run as a module, which is in `sys.modules` while this is open."""

    def __init__(self, source: str) -> None:
        self.name = f"program_{hash(source) & 0xFFFFFFFF:08x}"
        self.source = source

    def __enter__(self) -> types.ModuleType:
        made = types.ModuleType(self.name)
        vars(made)["R"] = Row
        sys.modules[self.name] = made
        lines = self.source.splitlines(keepends=True)
        linecache.cache[self.name] = (len(self.source), None, lines, self.name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # `1 is None`
            code = compile(self.source, self.name, "exec", dont_inherit=True)
        exec(code, vars(made))
        return made

    def __exit__(self, *exception: object) -> None:
        del sys.modules[self.name]
        del linecache.cache[self.name]


def module(source: str) -> Module:
    """The module of a program."""
    return Module(f"{BEFORE}{source}{AFTER}")


class Endless(Exception):
    """A program takes more steps than any that is tried."""


def limited(function: Callable[..., Any], *args: Any, steps: int = 3000) -> Any:
    """``function(*args)``, or `Endless`."""
    left = steps

    def trace(frame: types.FrameType, event: str, argument: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise Endless
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        return function(*args)
    finally:
        sys.settrace(before)
