"""A shop whose query changes: every kind of change that a migration is for.

Each version is fed the same history, of rows as both versions of it have them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import stepping as st

History = list[tuple[str, str, dict[str, Any]]]  # insert or remove, an input, the row's fields

HISTORY: History = [
    ("insert", "products", {"name": "tv", "price": 300}),
    ("insert", "products", {"name": "radio", "price": 50}),
    ("insert", "products", {"name": "phone", "price": 200}),
    ("insert", "items", {"basket": 1, "product": "tv", "qty": 1}),
    ("insert", "items", {"basket": 1, "product": "radio", "qty": 4}),
    ("insert", "items", {"basket": 2, "product": "tv", "qty": 2}),
    ("insert", "items", {"basket": 2, "product": "tv", "qty": 2}),
    ("insert", "items", {"basket": 3, "product": "lamp", "qty": 7}),
    ("remove", "items", {"basket": 2, "product": "tv", "qty": 2}),
    ("remove", "products", {"name": "phone", "price": 200}),
]
MORE: History = [
    ("insert", "items", {"basket": 3, "product": "radio", "qty": 1}),
    ("remove", "items", {"basket": 1, "product": "radio", "qty": 4}),
    ("insert", "products", {"name": "lamp", "price": 20}),
    ("remove", "products", {"name": "tv", "price": 300}),
]


class Item(st.Data):
    basket: int
    product: str
    qty: int


class Product(st.Data):
    name: str
    price: int


_GRAPHS: dict[str, Any] = {}


@dataclass
class Shape:
    """One version of the query."""

    product: type = Product
    least: int = 0
    price: str = "price"
    key: str = "name"
    indexed: bool = False
    counted: bool = False
    grouped: bool = True
    best: bool = False
    names: bool = False
    query: str = "receipts"

    def graph(self) -> Any:
        """The compiled query; planned once for each database, however many tests have it."""
        if repr(self) not in _GRAPHS:
            _GRAPHS[repr(self)] = self.compiled()
        return _GRAPHS[repr(self)]

    def compiled(self) -> Any:
        receipts: Any = st.Cache(name="receipts")
        joined_cache: Any = st.Cache(name="joined")
        counts: Any = st.Cache(name="counts")
        best: Any = st.Cache(name="best")
        names: Any = st.Cache(name="names")
        product, least, shape = self.product, self.least, self
        pair: Any = st.Pair[product, Item]  # type: ignore[valid-type]

        def total(p: Any) -> int:
            return int(p.left.price * p.right.qty)

        def cost(p: Any) -> int:
            return int(p.left.cost * p.right.qty)

        keys: Any = {"name": lambda p: p.name, "title": lambda p: p.title}

        def receipts_of(products: Any, items: Any) -> Any:
            joined = st.join(
                products,
                items,
                on_left=st.Index.pick(product, keys[shape.key]),
                on_right=st.Index.pick(Item, lambda i: i.product),
            )
            joined = st.filter(joined, f=lambda p: p.right.qty >= least)
            basket: Any = st.Index.pick(pair, lambda p: p.right.basket)
            if shape.grouped:
                value = cost if shape.price == "cost" else total
                sums = st.group_reduce_flatten(joined, by=basket, zero=int, pick_value=value)
                by = st.Index.pick(st.Pair[int, int], lambda p: p.left, ascending=False)
                indexes = (by,) if shape.indexed else ()
                _ = receipts[sums](lambda z: st.integrate_indexed(z, indexes=indexes))
            _ = joined_cache[joined](lambda z: st.integrate(z))
            if shape.counted:
                grouped = st.per_group[st.group(items, by=st.Index.pick(Item, lambda i: i.product))]
                _ = counts[st.flatten(grouped(lambda g: st.count(g)))](lambda z: st.integrate(z))
            if shape.best:
                first = st.first_n(items, index=st.Index.pick(Item, lambda i: i.qty), n=2)
                _ = best[first](lambda z: st.integrate(z))
            if shape.names:
                some = st.distinct(st.map(joined, f=lambda p: p.left.name))
                _ = names[some](lambda z: st.integrate(z))
            return joined

        receipts_of.__annotations__ = {
            "products": st.ZSet[product],  # type: ignore[valid-type]
            "items": st.ZSet[Item],
            "return": st.ZSet[pair],
        }
        return st.compile(receipts_of, name=self.query)


class Described(st.Data):
    name: str
    price: int
    color: str = "grey"


class Costs(st.Data):
    name: str
    cost: int


class Titled(st.Data):
    title: str
    price: int


class Priced(st.Data):
    name: str
    price: float


class MaybePriced(st.Data):
    name: str
    price: int | None


class Named(st.Data):
    name: str


for each in (Described, Costs, Titled, Priced, MaybePriced, Named):
    each.__name__ = "Product"  # one class, as it is in each version


def plainly(row: dict[str, Any]) -> dict[str, Any]:
    return row


@dataclass
class Kind:
    """One kind of change: two versions, what is said of it, and how rows of one are the other's."""

    old: Shape
    new: Shape
    renames: Mapping[str, str] = field(default_factory=dict)
    renamed_from: str | None = None
    convert: Callable[[dict[str, Any]], dict[str, Any]] = plainly
    undone: bool = True


def renamed_price(row: dict[str, Any]) -> dict[str, Any]:
    return {"cost" if name == "price" else name: value for name, value in row.items()}


def titled(row: dict[str, Any]) -> dict[str, Any]:
    return {"title" if name == "name" else name: value for name, value in row.items()}


def unpriced(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "price"}


KINDS: dict[str, Kind] = {
    "an operator is added": Kind(Shape(), Shape(counted=True, names=True)),
    "an operator is removed": Kind(Shape(counted=True), Shape()),
    "an ordered one is added": Kind(Shape(), Shape(best=True)),
    "a filter's constant is changed": Kind(Shape(), Shape(least=2)),
    "a field is added": Kind(Shape(), Shape(product=Described)),
    "a field is removed": Kind(
        Shape(grouped=False), Shape(product=Named, grouped=False), convert=unpriced, undone=False
    ),
    "a field is renamed": Kind(
        Shape(), Shape(product=Costs, price="cost"), {"Product.price": "cost"}, None, renamed_price
    ),
    "a key is renamed": Kind(
        Shape(), Shape(product=Titled, key="title"), {"Product.name": "title"}, None, titled
    ),
    "a type is widened": Kind(Shape(), Shape(product=Priced), undone=False),
    "a field may be None": Kind(
        Shape(grouped=False), Shape(product=MaybePriced, grouped=False), undone=False
    ),
    "an index is added": Kind(Shape(), Shape(indexed=True)),
    "the query is renamed": Kind(Shape(), Shape(query="bills"), {}, "receipts"),
}


def feed(store: Any, shape: Shape, history: History, convert: Any = plainly) -> None:
    """Run a history, a step a row."""
    actions = dict(zip(("products", "items"), st.actions(store, store.graph), strict=True))
    classes = {"products": shape.product, "items": Item}
    for verb, name, fields in history:
        row = classes[name](**(convert(fields) if name == "products" else fields))
        getattr(actions[name], verb)(row)
