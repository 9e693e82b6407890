"""Running one page of the documentation: its Python, its commands, and what they print.

What a fence is for is told by its language:

``python``   run, all of a page in one namespace. One that starts with a comment that names a file
             (``# queries.py``) is written there instead, to be imported.
``text``     what the Python before it printed.
``console``  lines that start with ``$`` are commands, run in the page's folder; what they print
             stands below each. ``sh``: commands alone. Only the programs below are run.

In what is printed, ``...`` stands for anything. A fence without a language is not looked at.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import types
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

from sybil import Document, Example
from sybil.evaluators.python import pad
from sybil.parsers.markdown import CodeBlockParser

ROOT = Path(__file__).parent.parent.parent
MODULE = "page"  # what functions of a page belong to, so that they can be pickled

_FILE = re.compile(r"# ([\w/]+\.py)\n")
_PROGRAMS = ("stepping", "sqlite3", "psql")


class Differs(AssertionError):
    """What a fence prints is not what the page says."""


@dataclass
class Page:
    path: Path
    folder: Path
    update: bool = False
    module: types.ModuleType = field(default_factory=lambda: types.ModuleType(MODULE))
    printed: str = ""
    replaced: list[tuple[int, int, str]] = field(default_factory=list)

    def run(self) -> None:
        """Run every fence in order; `Differs` where one prints something else."""
        parsers = [
            CodeBlockParser("python", self.python),
            CodeBlockParser("text", self.text),
            CodeBlockParser("console", self.console),
            CodeBlockParser("sh", self.shell),
        ]
        document = Document.parse(str(self.path), *parsers)
        for example in document.examples():
            example.evaluate()
        if self.replaced:
            text = document.text
            for start, end, new in reversed(self.replaced):
                text = text[:start] + new + text[end:]
            self.path.write_text(text, encoding="utf-8")

    def python(self, example: Example) -> None:
        source = example.parsed
        self.printed = ""
        named = _FILE.match(source)
        if named:
            path = self.folder / named.group(1)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source, encoding="utf-8")
            return
        code = compile(
            pad(source, example.line + source.line_offset),
            str(self.path),
            "exec",
            dont_inherit=True,
        )
        out = io.StringIO()
        with redirect_stdout(out):
            exec(code, self.module.__dict__)
        self.printed = out.getvalue()

    def text(self, example: Example) -> None:
        self.compare(example, example.parsed, self.printed)

    def console(self, example: Example) -> None:
        found = []
        for command, expected in commands(example.parsed):
            program = shlex.split(command)[0]
            printed = expected
            if program in _PROGRAMS and shutil.which(program, path=self.environment["PATH"]):
                printed = self.command(command).stdout
            found.append(f"$ {command}\n{printed}")
        self.compare(example, example.parsed, "".join(found))

    def shell(self, example: Example) -> None:
        for command in example.parsed.splitlines():
            if command.startswith("stepping "):
                found = self.command(command)
                assert found.returncode == 0, f"{command}\n{found.stdout}"

    def command(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            shell=True,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    @property
    def environment(self) -> dict[str, str]:
        """With the program `stepping` first on the PATH, as if it were installed."""
        programs = self.folder / ".programs"
        if not programs.exists():
            programs.mkdir()
            run = 'from stepping.cli import main; main(prog_name="stepping")'
            script = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(run)} "$@"\n'
            (programs / "stepping").write_text(script)
            (programs / "stepping").chmod(0o755)
        path = os.environ.get("PATH", "")
        return {
            **os.environ,
            "PATH": f"{programs}{os.pathsep}{path}",
            "PYTHONPATH": str(ROOT),
            "DB_URL": str(self.module.__dict__.get("DB_URL", "")),
            "COLUMNS": "80",
        }

    def compare(self, example: Example, expected: str, printed: str) -> None:
        printed = printed.replace(f"{self.folder}/", "").replace(f"{self.path}", self.path.name)
        printed = "\n".join(line.rstrip() for line in printed.splitlines()).strip("\n") + "\n"
        if matches(expected, printed):
            return
        if not self.update:
            raise Differs(
                f"{self.path}:{example.line}: expected\n{expected}\ngot\n{printed}\n"
                "pytest --update-golden writes it into the page"
            )
        start = example.start + example.region.lexemes["source"].offset
        self.replaced.append((start, start + len(expected), printed))


def commands(source: str) -> Iterator[tuple[str, str]]:
    """The commands of a console fence, each with what is printed below it."""
    command, below = "", ""
    for line in source.splitlines(keepends=True):
        if line.startswith("$ "):
            if command:
                yield command, below
            command, below = line[2:].strip(), ""
        else:
            below += line
    if command:
        yield command, below


def matches(expected: str, printed: str) -> bool:
    """Whether they are the same, where ``...`` stands for anything."""
    pattern = ".*?".join(map(re.escape, settled(expected.strip("\n")).split("...")))
    return re.fullmatch(pattern, settled(printed.strip("\n")), re.DOTALL) is not None


def settled(text: str) -> str:
    """Without what changes with each edit of a page, or with what a digest is made of."""
    text = re.sub(r"\b([\w-]+\.(?:py|md)):\d+(:\d+)?", r"\1:n", text)
    text = re.sub(r"\b[0-9a-f]{32}\b", "digest", text)
    return re.sub(r"_[0-9a-f]{6}(?=\b|_)|(?<=_)[0-9a-f]{8}\b", "_digest", text)
