"""Row classes that the tests of row functions share."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple

from hypothesis import strategies as st

from stepping.compiler.frontend.rows import EMPTY, Data, Empty, Pair, Scale, type_of
from stepping.compiler.schema import ValueType

RATE = 1.5
LIMITS = {"low": 1, "high": 10}
NAMES = ["tv", "radio"]


class Colour(enum.Enum):
    RED = "r"
    GREEN = "g"
    BLUE = "b"

    @property
    def warm(self) -> bool:
        return self is Colour.RED

    def shade(self, depth: int) -> str:
        return self.value * 2 if depth > 1 else self.name


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 10


class Named(Data):
    name: str

    def greeting(self) -> str:
        return f"Hello {self.name}"


class Priced(Data):
    price: float = 0.0

    @property
    def dear(self) -> bool:
        return self.price > 10

    def taxed(self, rate: float = 0.25) -> float:
        return self.price * (1 + rate)


class Product(Named, Priced):
    """Fields of two classes and its own."""

    qty: int | None = None
    colour: Colour = Colour.RED
    level: Level = Level.LOW

    discount = 3.5

    @property
    def label(self) -> str:
        if self.qty is None:
            return self.name
        return f"{self.name} x{self.qty}"

    def best(self, other: Product) -> Product:
        return self if self.price >= other.price else other


class Item(Data):
    basket: int
    product: str | None
    count: int = 1
    day: datetime.date = datetime.date(2024, 2, 29)


class Point(NamedTuple):
    x: int
    y: int | None = None

    @property
    def total(self) -> int:
        return self.x + (self.y or 0)

    def moved(self, by: int) -> Point:
        return self._replace(x=self.x + by)


@dataclasses.dataclass(frozen=True, order=True)
class Money:
    amount: Annotated[Decimal, Scale(2)]
    currency: str = "EUR"

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + other.amount, self.currency)

    def __bool__(self) -> bool:
        return self.amount != 0


class Place(Data):
    """Rows in rows, some of which may be missing."""

    point: Point | None
    money: Money
    product: Product | None
    pair: tuple[int, str]
    size: Literal["s", "m", "l"] = "m"


Joined = Pair[Product, Item | Empty]

texts = st.text(alphabet=" aAbzé0:x", max_size=5)
ints = st.integers(-20, 20)
floats = st.integers(-200, 200).map(lambda n: n / 8)
points = st.builds(Point, ints, st.none() | ints)
moneys = st.builds(
    Money, st.integers(-500, 500).map(lambda n: Decimal(n) / 100), st.sampled_from(["EUR", "USD"])
)
products = st.builds(
    Product,
    name=st.sampled_from(["tv", "radio", ""]) | texts,
    price=floats,
    qty=st.none() | ints,
    colour=st.sampled_from(Colour),
    level=st.sampled_from(Level),
)
items = st.builds(
    Item,
    basket=ints,
    product=st.none() | st.sampled_from(["tv", "radio"]) | texts,
    count=ints,
    day=st.dates(datetime.date(2020, 1, 1), datetime.date(2030, 1, 1)),
)
places = st.builds(
    Place,
    point=st.none() | points,
    money=moneys,
    product=st.none() | products,
    pair=st.tuples(ints, texts),
    size=st.sampled_from(["s", "m", "l"]),
)
joined = st.builds(Pair, products, st.just(EMPTY) | items)

ROWS: dict[Any, st.SearchStrategy[Any]] = {
    Product: products,
    Item: items,
    Point: points,
    Place: places,
    Joined: joined,
    str: texts,
    int: ints,
    tuple[int, str]: st.tuples(ints, texts),
}


def row_type(annotation: Any) -> ValueType:
    return type_of(annotation)
