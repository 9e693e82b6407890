"""Finding the source of a function, wherever it was written."""
# fmt: off

from __future__ import annotations

import ast
import doctest
import functools
import linecache
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser
from sybil.parsers.rest import DocTestParser
from sybil.parsers.rest import PythonCodeBlockParser as RestCodeBlockParser

from stepping.compiler.frontend.rowfn.source import SourceMissing, definition_of, marked


def source_of(function: Any) -> str:
    assert isinstance(function, FunctionType)
    return ast.unparse(definition_of(function).node)


def test_two_lambdas_on_one_line() -> None:
    first, second = (lambda p: p.name), (lambda p: p.price)
    assert source_of(first) == "lambda p: p.name"
    assert source_of(second) == "lambda p: p.price"


def test_lambdas_that_differ_in_a_constant_only() -> None:
    found = [lambda: 1, lambda: 2, lambda: 1]
    assert [source_of(f) for f in found] == ["lambda: 1", "lambda: 2", "lambda: 1"]
    assert definition_of(found[0]).at().column < definition_of(found[2]).at().column  # type: ignore[arg-type]


def test_a_lambda_in_a_lambda() -> None:
    outer: Callable[[int], Any] = lambda a: lambda b: (a, b)  # noqa: E731
    assert source_of(outer) == "lambda a: lambda b: (a, b)"
    assert source_of(outer(1)) == "lambda b: (a, b)"


def test_conditional_and_parenthesised_bodies() -> None:
    found = [(lambda p: (p.a) if (p.b) else (p.c)), (lambda p: (p.d))]
    assert source_of(found[0]) == "lambda p: p.a if p.b else p.c"
    assert source_of(found[1]) == "lambda p: p.d"


def test_a_lambda_over_several_lines_in_a_call() -> None:
    def call(*functions: Any, **more: Any) -> list[Any]:
        return [*functions, *more.values()]

    one, two = call(
        lambda p: (
            p.a
            + p.b
        ), f=lambda p:
            p.c,
    )
    assert source_of(one) == "lambda p: p.a + p.b"
    assert source_of(two) == "lambda p: p.c"


def test_characters_of_several_bytes_in_front() -> None:
    text, f = "é€𝄞", lambda p: p.name + "é"
    place = definition_of(f).at(definition_of(f).node.body)  # type: ignore[arg-type]
    line, marks = place.text.split("\n")
    assert text
    assert line[marks.index("^") : marks.rindex("^") + 1] == 'p.name + "é"'
    assert line[4:][place.column - 1 :].startswith('p.name + "é"')


def test_tabs_stay_tabs() -> None:
    line = "\tx = (\ty)\n"
    (node,) = (n for n in ast.walk(ast.parse("if 1:\n" + line)) if getattr(n, "id", "") == "y")
    node.lineno = 1  # type: ignore[attr-defined]
    node.end_lineno = 1  # type: ignore[attr-defined]
    assert marked("f.py", (line,), node).text == "    \tx = (\ty)\n    \t     \t^"


def test_decorated_functions() -> None:
    def twice(f: Callable[[int], int]) -> Callable[[int], int]:
        @functools.wraps(f)
        def wrapper(n: int) -> int:
            return f(f(n))

        return wrapper

    @twice
    @functools.lru_cache
    def plus(n: int) -> int:
        return n + 1

    assert source_of(plus).startswith("@functools.wraps(f)\ndef wrapper")
    inner = plus.__wrapped__.__wrapped__  # type: ignore[attr-defined]
    assert source_of(inner).startswith("@twice\n@functools.lru_cache\ndef plus")


def test_functions_of_one_name() -> None:
    found = []
    for n in range(2):
        if n:
            def f() -> int:
                return 1
        else:
            def f() -> int:
                return 0
        found.append(f)
    assert [source_of(f)[-1] for f in found] == ["0", "1"]


def test_exec_with_a_source_in_linecache() -> None:
    source = "x = [\n  lambda p: p.a, lambda p: p.b]\n"
    linecache.cache["<made>"] = (len(source), None, source.splitlines(keepends=True), "<made>")
    scope: dict[str, Any] = {}
    exec(compile(source, "<made>", "exec"), scope)
    assert [source_of(f) for f in scope["x"]] == ["lambda p: p.a", "lambda p: p.b"]


def test_exec_without_a_source() -> None:
    scope: dict[str, Any] = {}
    exec("f = lambda p: p.a", scope)
    with pytest.raises(SourceMissing, match="there is no source for <string>"):
        definition_of(scope["f"])


def test_a_file_that_was_changed_after_it_was_loaded(tmp_path: Path) -> None:
    path = tmp_path / "changed.py"
    path.write_text("f = lambda p: p.a\n")
    scope: dict[str, Any] = {}
    exec(compile(path.read_text(), str(path), "exec"), scope)
    path.write_text("# a comment\ng = lambda p: p.b\nf = lambda p: p.a\n")
    with pytest.raises(SourceMissing, match="it was changed after it was loaded"):
        definition_of(scope["f"])
    path.write_text("f = lambda p: p.b\n\n\n\n\n")
    with pytest.raises(SourceMissing, match="it was changed after it was loaded"):
        definition_of(scope["f"])


def test_a_file_that_was_read_before_it_was_written_again(tmp_path: Path) -> None:
    path = tmp_path / "again.py"
    path.write_text("f = lambda p: p.a\n")
    assert linecache.getlines(str(path)) == ["f = lambda p: p.a\n"]
    path.write_text("\n\ng = lambda p: p.other\n")
    scope: dict[str, Any] = {}
    exec(compile(path.read_text(), str(path), "exec"), scope)
    assert source_of(scope["g"]) == "lambda p: p.other"


def test_doctest() -> None:
    text = """
    >>> check(lambda p: p.a, lambda p: p.b)
    'lambda p: p.a lambda p: p.b'
    >>> def f(p):
    ...     return p.c
    >>> print(check(f))
    def f(p):
        return p.c
    """

    def check(*functions: Any) -> str:
        return " ".join(map(source_of, functions))

    example = doctest.DocTestParser().get_doctest(text, {"check": check}, "it", "it.txt", 0)
    runner = doctest.DocTestRunner()
    runner.run(example)
    assert runner.summarize(verbose=False).failed == 0


MARKDOWN = """
# A page

It's here:

```python
f = lambda p: p.a
def g(p):
    x = p.b

    return x
both = [lambda p: p.c,
        lambda p: p.d]
def h():
    return dict(
        one=1,
        f=lambda p: p.e,
    )
```

```sh
don't run( this
```
"""


def test_a_page_of_markdown_run_by_sybil(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(MARKDOWN)
    document = Sybil([PythonCodeBlockParser()]).parse(path)
    for example in document.examples():
        example.evaluate()
    found = document.namespace
    assert source_of(found["f"]) == "lambda p: p.a"
    assert source_of(found["g"]) == "def g(p):\n    x = p.b\n    return x"
    assert [source_of(f) for f in found["both"]] == ["lambda p: p.c", "lambda p: p.d"]
    inner = found["h"]()["f"]
    assert source_of(inner) == "lambda p: p.e"
    place = definition_of(inner).at()
    assert place.line == MARKDOWN.split("\n").index("        f=lambda p: p.e,") + 1
    assert place.text == "            f=lambda p: p.e,\n              ^^^^^^^^^^^^^"


def test_a_page_of_restructured_text_run_by_sybil(tmp_path: Path) -> None:
    path = tmp_path / "page.rst"
    path.write_text(
        "A page\n======\n\n.. code-block:: python\n\n    f = lambda p: (\n        p.a)\n"
        "    def g(p):\n        return [lambda: p.b, lambda: p.c]\n\n"
        ">>> check(lambda p: p.d)\n'lambda p: p.d'\n"
    )
    document = Sybil([RestCodeBlockParser(), DocTestParser()]).parse(path)
    document.namespace["check"] = source_of
    for example in document.examples():
        example.evaluate()
    found = document.namespace
    assert source_of(found["f"]) == "lambda p: p.a"
    assert [source_of(f) for f in found["g"](1)] == ["lambda: p.b", "lambda: p.c"]


def run_python(*arguments: str, stdin: str = "") -> str:
    root = Path(__file__).parents[3]
    result = subprocess.run(
        [sys.executable, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        cwd=root,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


TRANSLATED = textwrap.dedent(
    """
    from stepping.compiler.frontend.rowfn.translate import translate
    from stepping.compiler.frontend.rows import Data, Pair, type_of

    class Product(Data):
        name: str
        price: float
        qty: int | None = None

    def show(f, *types):
        found = translate(f, tuple(map(type_of, types)), what="f=")
        print(found.type, bool(found.scalars), found.reason)

    show(lambda p: p.name, Product)
    show(lambda p: (p.left.name, p.right.price * 2), Pair[Product, Product])
    show(lambda p: p.price > 3, Product)
    """
)


@pytest.mark.parametrize("how", ["-c", "stdin"])
def test_picks_work_without_a_source(how: str) -> None:
    printed = run_python("-c", TRANSLATED) if how == "-c" else run_python("-", stdin=TRANSLATED)
    assert printed == "text True \ntuple[text, float] True \nbool True \n"


def test_without_debug_ranges(tmp_path: Path) -> None:
    more = "f, g = (lambda p: p.name), (lambda p: p.price); show(f, Product); show(g, Product)\n"
    same = "f, g = (lambda p: p.name if p.qty else ''), (lambda p: p.name if p.qty else '')\n"
    path = tmp_path / "program.py"
    path.write_text(TRANSLATED + more)
    printed = run_python("-X", "no_debug_ranges", str(path))
    assert printed.endswith("text True \nfloat True \n")
    path.write_text(
        TRANSLATED + same + "from stepping.errors import QueryError\n"
        "try:\n    show(f, Product)\nexcept QueryError as error:\n    print(error)\n"
    )
    printed = run_python("-X", "no_debug_ranges", str(path))
    assert "run Python without -X no_debug_ranges, or write one on each line" in printed
