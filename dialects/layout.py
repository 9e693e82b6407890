"""How text is laid out on lines."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH = 92  # of a line of generated SQL


def selected(columns: Sequence[str]) -> str:
    """SELECT and what it selects: on one line, or as many on each as there is room for."""
    one = f"SELECT {', '.join(columns)}"
    if len(one) <= WIDTH and "\n" not in one:
        return one
    return "SELECT\n" + indented(wrapped(columns), 4)


def wrapped(items: Sequence[str]) -> str:
    """A list, as much of it on each line as there is room for."""
    lines = [""]
    for each in items:
        if lines[-1] and ("\n" in each or len(lines[-1]) + len(each) > WIDTH - 4):
            lines.append("")
        lines[-1] += f"{' ' if lines[-1] else ''}{each},"
    return "\n".join(lines).removesuffix(",")


def indented(text: str, by: int = 2) -> str:
    pad = " " * by
    return "\n".join(f"{pad}{line}" if line else line for line in text.splitlines())
