"""The incremental type checker, against one that checks the whole program each time."""

from __future__ import annotations

import pytest

import stepping as st
from examples.type_checker import (
    BUILT_IN,
    Expression,
    Kind,
    Line,
    Report,
    Statement,
    graph,
    is_number,
    parse,
    reports,
)
from tests.examples.conftest import History, OpenStore

# Per line what it may be changed to, so that names are declared twice, never, or in a circle.
TEXTS = [
    ["class Animal", "class Animal(Dog)"],
    ["class Dog(Animal)", "class Dog", "class Dog(Dog)"],
    ["class Puppy(Dog)", "class Cat(Animal)"],
    ["def feed(who: Animal, grams: int) -> Animal", "def feed() -> Dog", "let feed: Cat"],
    ["def train(who: Dog) -> Dog", "def train(who: Animal) -> Puppy"],
    ["let rex: Puppy", "let rex: int", "let tom: Puppy", "let rex: "],
    ["feed(train(rex), 3)", "feed(rex, tom)", "feed()", "feed(3"],
    ["train(feed(rex, 3))", "train(train(train(rex)))", "train(rex, 3)", "3", "rex()", "feed"],
    ["train(train(5))", "feed(feed, feed(rex, rex))", "train(5), 6"],
]
LINES = [Line(number=n, text=text) for n, texts in enumerate(TEXTS, 1) for text in texts]


def test_reports(open_store: OpenStore) -> None:
    store = open_store(graph)
    history = History(st.actions(store, graph), (LINES,))
    for _ in range(40):
        history.step()
        assert reports.zset(store) == st.ZSetPython.of_rows(checked(history.rows[0]))


def checked(lines: list[Line]) -> list[Report]:
    program = Program([parse(line) for line in lines])
    found: dict[int, set[str]] = {line.number: set() for line in lines}
    for statement in program.statements:
        found[statement.line].update(program.problems(statement))
    return [
        Report(line=line.number, text=line.text, problems=tuple(sorted(found[line.number])))
        for line in lines
    ]


class Program:
    def __init__(self, statements: list[Statement]) -> None:
        self.statements = statements
        self.classes = [s for s in statements if s.kind is Kind.CLASS]
        self.functions = [s for s in statements if s.kind is Kind.FUNCTION]
        self.symbols = [s for s in statements if s.kind in (Kind.FUNCTION, Kind.VARIABLE)]

    def problems(self, statement: Statement) -> list[str]:
        if statement.kind is Kind.UNREADABLE:
            return ["cannot be read"]
        if statement.kind is Kind.CALL:
            assert statement.expression is not None
            return self.misuses(statement.expression)
        known = {*BUILT_IN, *(each.name for each in self.classes)}
        mentioned = {statement.type, *statement.parameters} - known
        return [f"there is no type {name}" for name in mentioned]

    def misuses(self, expression: Expression) -> list[str]:
        name, given = expression.name, expression.arguments
        number = None if given is None else len(given)
        symbols = [(s.type, s.arity) for s in self.symbols if s.name == name]
        found = [] if symbols or is_number(name) else [f"there is no {name}"]
        for _, arity in symbols or ([("int", None)] if is_number(name) else []):
            if arity is None and given is not None:
                found.append(f"{name} is no function")
            elif arity is not None and given is None:
                found.append(f"{name} is not called")
            elif arity != number:
                found.append(f"{name} takes {arity} arguments, not {number}")
        for position, argument in enumerate(given or ()):
            found += self.misuses(argument)
            for function in self.functions:
                if function.name == name and position < len(function.parameters):
                    wanted = function.parameters[position]
                    found += [
                        f"argument {position + 1} of {name} is of type {type}, not {wanted}"
                        for type in self.types_of(argument.name)
                        if type != wanted and wanted not in self.bases(type)
                    ]
        return found

    def types_of(self, name: str) -> list[str]:
        found = [s.type for s in self.symbols if s.name == name]
        return found or (["int"] if is_number(name) else [])

    def bases(self, name: str) -> set[str]:
        found: set[str] = set()
        more = {name}
        while more:
            more = {each.type for each in self.classes if each.name in more} - found
            found |= more
        return found


@pytest.mark.parametrize("text", ["", "(", "f(", "f(a,", "f)", "a b", "f(a b)", "let x", "f(,)"])
def test_what_cannot_be_read(text: str) -> None:
    assert parse(Line(number=1, text=text)).kind is Kind.UNREADABLE


def test_expressions_contain_others() -> None:
    statement = parse(Line(number=1, text="f(g(x), 3)"))
    x, three = Expression(name="x"), Expression(name="3")
    assert statement.expression == Expression(
        name="f", arguments=(Expression(name="g", arguments=(x,)), three)
    )
