"""The command: what it prints, on which stream, and how it ends."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import stepping as st
from stepping.cli import main
from stepping.compiler.explain import ddl_text
from stepping.target import load

ROOT = Path(__file__).parent.parent.parent

NOISE = "noise while it is imported\n"
QUERIES = """
import stepping as st

print("noise while it is imported")

class Product(st.Data):
    name: str
    price: float

def query(products: st.ZSet[Product]) -> st.ZSet[str]:
    return st.map(products, f=lambda p: f"{p.name}: {p.price}")

def total(products: st.ZSet[Product]) -> st.ZSet[st.Pair[float, str]]:
    by_name = st.Index.pick(Product, lambda p: p.name)
    return st.group_reduce_flatten(products, by=by_name, zero=float, pick_value=lambda p: p.price)

def wrong(a: st.ZSet[int], b: st.ZSet[str]) -> st.ZSet[st.Pair[int, str]]:
    return st.join(a, b, on_left=st.Index.identity(int), on_right=st.Index.identity(str))

def price(p: Product) -> float:
    return p.price

class Graphs:
    named = st.compile(total, name="order")

graph = st.compile(total, name="totals")
lazy = st.compile_lazy(total, name="lazy")
number = 3
"""

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run the command in a folder that has the package `shop`."""
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "__init__.py").write_text("")
    (shop / "queries.py").write_text(QUERIES)
    (shop / "broken.py").write_text("import stepping\nx = missing_name\n")
    (shop / "syntax.py").write_text("def f(:\n")
    (shop / "needs.py").write_text("import a_package_that_is_not_there\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def command(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments)

    yield command
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
        del sys.modules[name]


def process(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a program of its own, in the current folder."""
    return subprocess.run(
        [sys.executable, "-m", "stepping", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_and_version_import_no_database(run: Run) -> None:
    shown = run("--help")
    assert shown.exit_code == 0
    assert all(command in shown.stdout for command in ("explain", "ddl", "demo"))
    assert run("--version").stdout.startswith("stepping ")
    code = (
        "import sys; from stepping.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "heavy = {'sqlglot', 'sqlalchemy', 'psycopg', 'rich', 'tabulate'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize("target", ["query", "graph", "lazy", "Graphs.named"])
@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_explain_prints_what_explain_says(run: Run, dialect: str, target: str) -> None:
    found = st.explain(load(f"shop.queries:{target}"), dialect=dialect)
    for option, text in {
        "--all": str(found),
        "--tree": found.tree,
        "--ddl": found.ddl,
        "--sql": found.statements,
    }.items():
        shown = run("explain", f"shop.queries:{target}", "--dialect", dialect, option)
        assert shown.exit_code == 0, shown.output
        assert shown.stderr in (NOISE, "")  # the module is imported once
        assert shown.stdout == text
    shown = run("explain", f"shop.queries:{target}", "--dialect", dialect)
    assert shown.stdout == found.summary
    assert shown.stdout.count("\n") <= 25, "more than one screen"


def test_stdout_has_nothing_but_sql(run: Run) -> None:
    shown = process("ddl", "shop.queries:query")
    assert shown.returncode == 0
    assert shown.stderr == NOISE
    assert shown.stdout == run("ddl", "shop.queries:query").stdout
    failed = process("ddl", "shop.queries:qery")
    assert failed.returncode == 1
    assert failed.stdout == ""


def receipts(products: st.ZSet[st.Pair[str, float]]) -> st.ZSet[st.Pair[float, str]]:
    by = st.Index.pick(st.Pair[str, float], lambda p: p.left)
    return st.group_reduce_flatten(products, by=by, zero=float, pick_value=lambda p: p.right)


TOTALS = st.compile(receipts, name="totals")


def test_the_script_of_ddl_installs_the_query_on_sqlite(sqlite_path: Path) -> None:
    shown = process("ddl", "tests.unit.test_cli:TOTALS")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout == ddl_text(TOTALS, "sqlite")
    program = shutil.which("sqlite3")
    if program:
        subprocess.run(
            [program, "-bail", str(sqlite_path)], input=shown.stdout, text=True, check=True
        )
    else:
        with sqlite3.connect(sqlite_path) as plain:
            plain.executescript(shown.stdout)
        plain.close()
    with st.connection_sqlite(sqlite_path) as connection:
        store = st.StoreSQLite.from_graph(connection, TOTALS, create_tables=False)
        (action,) = st.actions(store, TOTALS)
        (change,) = action.insert(st.Pair("tv", 3.0), st.Pair("tv", 4.0))
        assert change == st.ZSetPython({st.Pair(7.0, "tv"): 1})


def test_the_script_of_ddl_installs_the_query_on_postgres(postgres_db: str, tmp_path: Path) -> None:
    import psycopg

    shown = process("ddl", "tests.unit.test_cli:TOTALS", "--dialect", "postgres")
    assert shown.returncode == 0, shown.stderr
    program = shutil.which("psql")
    if program:
        script = tmp_path / "script.sql"
        script.write_text(shown.stdout)
        subprocess.run(
            [program, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(script), postgres_db],
            check=True,
            capture_output=True,
        )
    else:
        with psycopg.connect(postgres_db) as plain:
            plain.execute(shown.stdout.encode())
    with st.connection_postgres(postgres_db) as connection:
        store = st.StorePostgres.from_graph(connection, TOTALS, create_tables=False)
        (action,) = st.actions(store, TOTALS)
        (change,) = action.insert(st.Pair("tv", 3.0), st.Pair("tv", 4.0))
        assert change == st.ZSetPython({st.Pair(7.0, "tv"): 1})


QUERIES_HINT = "  hint: the queries of shop.queries: query, total, wrong, graph, lazy\n"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "shop.queries",
            "QueryError: 'shop.queries': expected a module, a colon and the name of a query in it, "
            "or a .sql file\n"
            "  hint: shop.queries:receipts, views.sql, or one view of a file, views.sql:receipts\n",
        ),
        (
            "shop.queries:qery",
            "QueryError: 'shop.queries:qery': the module shop.queries has no 'qery'\n"
            + QUERIES_HINT,
        ),
        (
            "shop.queries:Graphs.other",
            "QueryError: 'shop.queries:Graphs.other': <class 'shop.queries.Graphs'> has no "
            "'other'\n" + QUERIES_HINT,
        ),
        (
            "shop.queries:price",
            "QueryError: 'shop.queries:price': this is a function without an argument of type "
            "st.ZSet[...], and not a query\n" + QUERIES_HINT,
        ),
        (
            "shop.queries:number",
            "QueryError: 'shop.queries:number': this is an object of type int, and not a query\n"
            + QUERIES_HINT,
        ),
        (
            "shop.queries:Product",
            "QueryError: 'shop.queries:Product': this is a class, and not a query\n" + QUERIES_HINT,
        ),
        (
            "shop.querys:query",
            "QueryError: 'shop.querys:query': there is no module shop.querys\n"
            "  hint: the package shop has broken, needs, queries, syntax\n",
        ),
        (
            "shops.queries:query",
            "QueryError: 'shops.queries:query': there is no module shops\n"
            "  hint: the current folder has shop\n",
        ),
        (
            "shop/queries.py:query",
            "QueryError: 'shop/queries.py:query': there is no module shop/queries\n"
            "  hint: write shop.queries:receipts for receipts in the file shop/queries.py\n",
        ),
    ],
)
def test_a_target_that_is_not_a_query(run: Run, target: str, message: str) -> None:
    shown = run("ddl", target)
    assert shown.exit_code == 1
    assert shown.stdout == ""
    assert shown.stderr.removeprefix(NOISE) == message


@pytest.mark.parametrize(
    ("module", "line", "message"),
    [
        ("broken", 2, "NameError: name 'missing_name' is not defined\n\n    x = missing_name\n"),
        ("syntax", 1, "SyntaxError: "),
        ("needs", 1, "ModuleNotFoundError: No module named 'a_package_that_is_not_there'\n"),
    ],
)
def test_a_module_that_cannot_be_imported(
    run: Run, tmp_path: Path, module: str, line: int, message: str
) -> None:
    shown = run("explain", f"shop.{module}:query")
    assert shown.exit_code == 1
    where = f"{tmp_path / 'shop' / module}.py:{line}"
    start = f"QueryError: {where}: the module shop.{module} cannot be imported: {message}"
    assert shown.stderr.startswith(start)
    assert "Traceback" not in shown.stderr


def test_an_error_of_the_query_has_no_traceback(run: Run) -> None:
    shown = run("explain", "shop.queries:wrong")
    assert shown.exit_code == 1
    assert shown.stdout == ""
    assert "QueryError: " in shown.stderr
    assert "join keys differ in type" in shown.stderr
    assert "Traceback" not in shown.stderr


# ------------------------------------------------------------------------------------------ drain


@pytest.mark.parametrize("form", ["path", "sqlite:///", "postgresql"])
def test_drain(run: Run, form: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    graph = load("shop.queries:graph")
    product = sys.modules["shop.queries"].Product
    if form == "postgresql":
        url = request.getfixturevalue("postgres_db")
        connection: Any = st.connection_postgres(url)
        cls: Any = st.StorePostgres
    else:
        url = f"{'' if form == 'path' else form}{tmp_path / 'a.db'}"
        connection, cls = st.connection_sqlite(tmp_path / "a.db"), st.StoreSQLite
    with connection as opened:
        store = cls.from_graph(opened, graph)
        (products,) = st.actions(store, graph)
        for price in range(5):
            products.enqueue([product(name="tv", price=price), product(name="pc", price=1)])
        shown = run("drain", "shop.queries:graph", "--db", url, "--limit", "4")
        assert shown.exit_code == 0, shown.output
        lines = shown.output.splitlines()
        assert lines[0].startswith("2 changes, 4 rows, ")
        assert [line.rpartition(";")[2] for line in lines] == [
            " 3 changes wait",
            " 1 changes wait",
            " 0 changes wait",
        ]


def test_drain_needs_what_is_there(run: Run, tmp_path: Path) -> None:
    for url, said in (
        (str(tmp_path / "absent.db"), "there is no file"),
        ("mysql://localhost/shop", "no kind of database 'mysql'"),
    ):
        shown = run("drain", "shop.queries:graph", "--db", url)
        assert shown.exit_code == 1
        assert said in shown.output
    sqlite3.connect(tmp_path / "empty.db").close()
    shown = run("drain", "shop.queries:graph", "--db", str(tmp_path / "empty.db"))
    assert "SchemaMismatch" in shown.output


def test_what_drain_has_set_aside(run: Run, tmp_path: Path) -> None:
    graph = load("shop.queries:graph")
    product = sys.modules["shop.queries"].Product
    url = str(tmp_path / "a.db")
    with st.connection_sqlite(url) as connection:
        store = st.StoreSQLite.from_graph(connection, graph)
        (products,) = st.actions(store, graph)
        numbers = [products.enqueue(remove=[product(name=name, price=1)]) for name in "abc"]
        assert "queue: 3 changes wait" in run("status", "--db", url).output
        shown = run("drain", "shop.queries:graph", "--db", url)
        assert "3 changes are in quarantine" in shown.output
        assert store.status().queued == 0
        shown = run("status", "--db", url, "shop.queries:graph")
        assert f"queued change {numbers[1]} is quarantined: RowError: " in shown.output
        products.insert(product(name="b", price=1))
        given = ("--retry", str(numbers[1]), "--drop", str(numbers[0]))
        shown = run("drain", "shop.queries:graph", "--db", url, *given)
        assert shown.output.startswith("1 changes, 1 rows, ")
        assert [each.id for each in store.status().quarantined_changes] == [numbers[2]]
        shown = run("drain", "shop.queries:graph", "--db", url, "--drop", "99")
        assert shown.exit_code == 1
        assert "there is no change 99 in quarantine" in shown.output


def test_a_file_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    for arguments in (
        ("explain", "shop.queries:query", "--html", str(absent / "a.html")),
        ("graph", "shop.queries:query", str(absent / "a.svg")),
    ):
        shown = run(*arguments)
        assert shown.exit_code == 1
        assert "No such file or directory" in shown.output
        assert str(absent) in shown.output
    sqlite3.connect(tmp_path / "a.db").close()
    absent.touch()
    options = ("--db", str(tmp_path / "a.db"), "--out", str(absent / "migrations"))
    shown = run("migrate", "shop.queries:query", *options)
    assert shown.exit_code == 1
    assert "Not a directory" in shown.output


def test_a_script_that_is_no_text(run: Run, tmp_path: Path) -> None:
    (tmp_path / "up.sql").write_bytes(b"\x98\xff\x00")
    sqlite3.connect(tmp_path / "a.db").close()
    shown = run("apply", str(tmp_path / "up.sql"), "--db", str(tmp_path / "a.db"))
    assert shown.exit_code == 1
    assert "is no script of `stepping migrate`" in shown.output


@pytest.mark.parametrize("command", ["explain", "ddl"])
def test_a_reader_that_has_enough(command: str, tmp_path: Path) -> None:
    """`stepping explain ... | head` ends as a program does that SIGPIPE ends, and says nothing."""
    (tmp_path / "big.py").write_text(BIG)
    run = [sys.executable, "-c", "from stepping.cli import main; main()"]
    process = subprocess.Popen(
        [*run, command, "big:graph"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    _, said = process.communicate()
    assert (process.returncode, said) == (128 + 13, b"")


BIG = """
import stepping as st


def query(words: st.ZSet[str]) -> st.ZSet[str]:
    return st.distinct(words)


graph = st.compile(query)
"""
