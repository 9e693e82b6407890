"""An incremental type checker for a toy language: an edit checks what depends on it, no more.

A program is lines of text, each a declaration or a call::

    class Dog(Animal)
    def feed(who: Animal, grams: int) -> Animal
    let rex: Dog
    feed(feed(rex, 3), 4)
"""

from __future__ import annotations

import enum
import re

import stepping as st

# ------------------------------------------------------------------------------- the language


class Line(st.Data):
    number: int
    text: str


class Kind(enum.Enum):
    CLASS = enum.auto()
    FUNCTION = enum.auto()
    VARIABLE = enum.auto()
    CALL = enum.auto()
    UNREADABLE = enum.auto()


class Expression(st.Data):
    """A name or a number; ``arguments`` are those of a call. It contains others of its kind."""

    name: str
    arguments: tuple[Expression, ...] | None = None


class Statement(st.Data):
    """What a line says. ``type`` is a variable's type, a function's result, or a class's base."""

    line: int
    kind: Kind
    name: str = ""
    type: str = "object"
    parameters: tuple[str, ...] = ()
    arity: int | None = None  # of a function
    expression: Expression | None = None  # of a call


CLASS = re.compile(r"class (\w+)(?:\((\w+)\))?")
FUNCTION = re.compile(r"def (\w+)\((.*)\) -> (\w+)")
VARIABLE = re.compile(r"let (\w+): (\w+)")


def parse(line: Line) -> Statement:
    number, text = line.number, line.text
    if found := CLASS.fullmatch(text):
        name, base = found.groups(default="object")
        return Statement(line=number, kind=Kind.CLASS, name=name, type=base)
    if found := VARIABLE.fullmatch(text):
        name, type = found.groups()
        return Statement(line=number, kind=Kind.VARIABLE, name=name, type=type)
    if found := FUNCTION.fullmatch(text):
        name, inside, result = found.groups()
        parameters = tuple(re.findall(r": (\w+)", inside))
        return Statement(
            line=number,
            kind=Kind.FUNCTION,
            name=name,
            type=result,
            parameters=parameters,
            arity=len(parameters),
        )
    try:
        expression = parse_expression(re.findall(r"\w+|\S", text))
    except (IndexError, ValueError):
        return Statement(line=number, kind=Kind.UNREADABLE)
    return Statement(line=number, kind=Kind.CALL, expression=expression)


def parse_expression(tokens: list[str], end: str = "") -> Expression:
    """Takes the expression that the tokens start with from their front."""
    name = tokens.pop(0)
    if not name.isalnum():
        raise ValueError(name)
    arguments = None
    if tokens and tokens[0] == "(":
        tokens.pop(0)
        arguments = []
        while tokens[0] != ")":
            arguments.append(parse_expression(tokens, end=",)"))
            if tokens[0] == ",":
                tokens.pop(0)
        tokens.pop(0)
    if tokens and tokens[0] not in end:
        raise ValueError(tokens[0])
    return Expression(name=name, arguments=None if arguments is None else tuple(arguments))


# --------------------------------------------------------------------------- what is in a line


class Symbol(st.Data):
    """A variable or a function, with its type or its result's."""

    name: str
    type: str
    arity: int | None


class Parameter(st.Data):
    line: int
    function: str
    position: int
    type: str


class Use(st.Data):
    """Where something is used: as an argument of ``function``, or on its own."""

    line: int
    name: str
    arguments: int | None  # how many a call has
    function: str | None
    position: int


def parameters_of(statement: Statement) -> frozenset[Parameter]:
    return frozenset(
        Parameter(line=statement.line, function=statement.name, position=position, type=type)
        for position, type in enumerate(statement.parameters, 1)
    )


def uses_in(statement: Statement) -> frozenset[Use]:
    found = set()

    def walk(expression: Expression, function: str | None, position: int) -> None:
        arguments = expression.arguments
        use = Use(
            line=statement.line,
            name=expression.name,
            arguments=None if arguments is None else len(arguments),
            function=function,
            position=position,
        )
        found.add(use)
        for number, argument in enumerate(arguments or (), 1):
            walk(argument, expression.name, number)

    assert statement.expression is not None
    walk(statement.expression, None, 0)
    return frozenset(found)


# ---------------------------------------------------------------------------------- the checks


class Problem(st.Data):
    line: int
    text: str


class Mention(st.Data):
    line: int
    type: str


class Argument(st.Data):
    line: int
    function: str
    position: int
    type: str


Resolved = st.Pair[Use, Symbol | st.Empty]
Placed = st.Pair[Argument, Parameter]
Subtype = st.Pair[str, str]

BUILT_IN = ("int", "object")


def problems_in(statements: st.ZSet[Statement]) -> st.ZSet[Problem]:
    classes = of_kind(statements, Kind.CLASS)
    functions = of_kind(statements, Kind.FUNCTION)
    variables = of_kind(statements, Kind.VARIABLE)
    parameters = st.map_many(functions, f=parameters_of)
    uses = st.map_many(of_kind(statements, Kind.CALL), f=uses_in)
    resolved = resolve(uses, st.add(functions, variables))
    return st.union_all(
        st.add3(
            unreadable(of_kind(statements, Kind.UNREADABLE)),
            unknown_types(st.add3(classes, functions, variables), parameters, classes),
            misused(resolved),
        ),
        misplaced(arguments(resolved), parameters, subtypes(classes)),
    )


def of_kind(statements: st.ZSet[Statement], kind: Kind) -> st.ZSet[Statement]:
    return st.filter(statements, f=lambda statement: statement.kind is kind)


def resolve(uses: st.ZSet[Use], declared: st.ZSet[Statement]) -> st.ZSet[Resolved]:
    """Each use beside what it names; beside nothing if nothing has that name."""
    symbols = st.map(
        declared, f=lambda each: Symbol(name=each.name, type=each.type, arity=each.arity)
    )
    return st.outer_join(
        uses,
        symbols,
        on_left=st.Index.pick(Use, lambda use: use.name),
        on_right=st.Index.pick(Symbol, lambda symbol: symbol.name),
    )


def subtypes(classes: st.ZSet[Statement]) -> st.ZSet[Subtype]:
    """Each class beside its base, the base of that, and so on."""
    return st.transitive_closure(st.map(classes, f=lambda each: st.Pair(each.name, each.type)))


def unreadable(statements: st.ZSet[Statement]) -> st.ZSet[Problem]:
    return st.map(statements, f=lambda each: Problem(line=each.line, text="cannot be read"))


def unknown_types(
    declared: st.ZSet[Statement], parameters: st.ZSet[Parameter], classes: st.ZSet[Statement]
) -> st.ZSet[Problem]:
    mentions = st.add(
        st.map(declared, f=lambda each: Mention(line=each.line, type=each.type)),
        st.map(parameters, f=lambda each: Mention(line=each.line, type=each.type)),
    )
    unknown = st.anti_join(
        st.filter(mentions, f=lambda mention: mention.type not in BUILT_IN),
        classes,
        on_left=st.Index.pick(Mention, lambda mention: mention.type),
        on_right=st.Index.pick(Statement, lambda statement: statement.name),
    )
    return st.map(
        unknown, f=lambda each: Problem(line=each.line, text=f"there is no type {each.type}")
    )


def is_number(name: str) -> bool:
    return "0" <= name[:1] <= "9"


def misused(resolved: st.ZSet[Resolved]) -> st.ZSet[Problem]:
    """Names that are nothing, functions that are not called, calls of what is no function."""
    wrong = st.filter(resolved, f=lambda pair: misuse(pair) is not None)
    return st.map(wrong, f=lambda pair: Problem(line=pair.left.line, text=misuse(pair) or ""))


def misuse(pair: Resolved) -> str | None:
    use, symbol = pair.left, pair.right
    arity = None if isinstance(symbol, st.Empty) else symbol.arity
    if isinstance(symbol, st.Empty) and not is_number(use.name):
        return f"there is no {use.name}"
    if arity == use.arguments:
        return None
    if arity is None:
        return f"{use.name} is no function"
    if use.arguments is None:
        return f"{use.name} is not called"
    return f"{use.name} takes {arity} arguments, not {use.arguments}"


def arguments(resolved: st.ZSet[Resolved]) -> st.ZSet[Argument]:
    """What is used as an argument, with its type: a number's is int."""
    known = st.filter(
        resolved,
        f=lambda pair: (
            pair.left.function is not None
            and (is_number(pair.left.name) or not isinstance(pair.right, st.Empty))
        ),
    )
    return st.map(
        known,
        f=lambda pair: Argument(
            line=pair.left.line,
            function=pair.left.function or "",
            position=pair.left.position,
            type="int" if isinstance(pair.right, st.Empty) else pair.right.type,
        ),
    )


def misplaced(
    arguments: st.ZSet[Argument], parameters: st.ZSet[Parameter], subtypes: st.ZSet[Subtype]
) -> st.ZSet[Problem]:
    """Arguments of another type than the parameter's, and of none that derives from it."""
    placed = st.join(
        arguments,
        parameters,
        on_left=st.Index.pick(Argument, lambda each: (each.function, each.position)),
        on_right=st.Index.pick(Parameter, lambda each: (each.function, each.position)),
    )
    other = st.filter(placed, f=lambda pair: pair.left.type != pair.right.type)
    wrong = st.anti_join(
        other,
        subtypes,
        on_left=st.Index.pick(Placed, lambda pair: (pair.left.type, pair.right.type)),
        on_right=st.Index.pick(Subtype, lambda pair: (pair.left, pair.right)),
    )
    return st.map(
        wrong,
        f=lambda pair: Problem(
            line=pair.left.line,
            text=(
                f"argument {pair.left.position} of {pair.left.function} "
                f"is of type {pair.left.type}, not {pair.right.type}"
            ),
        ),
    )


# --------------------------------------------------------------------------------- the reports


class Problems(st.Data):
    texts: st.ZSetPython[str]


class Report(st.Data):
    """A line and what is wrong with it."""

    line: int
    text: str
    problems: tuple[str, ...]


Found = st.Pair[Problems, int]

BY_LINE = st.Index.pick(Report, lambda report: report.line)

reports = st.Cache[Report](name="reports")


def to_report(pair: st.Pair[Line, Found | st.Empty]) -> Report:
    found = () if isinstance(pair.right, st.Empty) else pair.right.left.texts.iter()
    return Report(
        line=pair.left.number,
        text=pair.left.text,
        problems=tuple(sorted(text for text, _ in found)),
    )


def query(lines: st.ZSet[Line]) -> st.ZSet[Report]:
    statements = st.map(lines, f=parse)
    found = st.aggregate(
        problems_in(statements),
        by=st.Index.pick(Problem, lambda problem: problem.line),
        into=Problems,
        texts=st.agg.collect(lambda problem: problem.text),
    )
    with_problems = st.outer_join(
        lines,
        found,
        on_left=st.Index.pick(Line, lambda line: line.number),
        on_right=st.Index.pick(Found, lambda pair: pair.right),
    )
    rows = st.map(with_problems, f=to_report)
    _ = reports[rows](lambda z: st.integrate_indexed(z, indexes=(BY_LINE,)))
    return rows


graph = st.compile(query, name="type_checker")

PROGRAM = """\
class Animal
class Dog(Animal)
class Puppy(Dog)
def feed(who: Animal, grams: int) -> Animal
def train(who: Dog) -> Dog
let rex: Puppy
let tom: Cat
train(rex)
feed(train(rex), 3)
train(feed(rex, 3))
feed(tom, rex)
feed(rex)
"""


def show(store: st.Store) -> None:
    for _, report, _ in reports.zset(store).iter_by_index(BY_LINE):
        print(f"{report.line:>2}  {report.text}")
        for problem in report.problems:
            print(f"      ^ {problem}")


def run(store: st.Store) -> None:
    (lines,) = st.actions(store, graph)
    program = [
        Line(number=number, text=text) for number, text in enumerate(PROGRAM.splitlines(), 1)
    ]
    lines.insert(*program)
    show(store)

    print("\nDogs are no animals any more. What changes:")
    (change,) = lines.replace(program[1], Line(number=2, text="class Dog"))
    for report, count in sorted(change.iter()):
        print(f"{count:+}  {report.line:>2}  {report.text}: {'; '.join(report.problems) or 'ok'}")


if __name__ == "__main__":
    with st.connection_sqlite(":memory:") as connection:
        run(st.StoreSQLite.from_graph(connection, graph))
