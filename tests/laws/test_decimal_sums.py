"""Sums, averages and extremes of Decimals that a row function computes, whatever their scales."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any

import pytest

import stepping as st
from stepping import Index, Pair, ZSet, agg
from tests.support.oracle import Found, Judged, Rows, grouped, hold

Cents = Annotated[Decimal, st.Scale(2)]
Rate = Annotated[Decimal, st.Scale(4)]


class Sold(st.Data):
    shop: bool
    qty: int
    price: Cents
    rate: Rate
    weight: Decimal
    rebate: Cents | None


class Sums(st.Data):
    total: Decimal
    mean: Decimal
    low: Decimal


FORMS: dict[str, Callable[[Sold], Any]] = {
    "int_times_scaled": lambda s: s.qty * s.price,
    "scaled_times_int": lambda s: s.price * s.qty,
    "int_times_free": lambda s: s.qty * s.weight,
    "cast_times_scaled": lambda s: Decimal(s.qty) * s.price,
    "scaled_times_scaled": lambda s: s.price * s.rate,
    "scaled_times_free": lambda s: s.price * s.weight,
    "many_factors": lambda s: s.rate * s.rate * s.rate * s.price,
    "times_a_constant": lambda s: s.price * Decimal("1.19"),
    "constant_times_int": lambda s: Decimal("0.5") * s.qty,
    "times_a_bool": lambda s: s.price * s.shop,
    "negated": lambda s: -s.price,
    "absolute": lambda s: abs(s.rate - s.price),
    "rounded": lambda s: round(s.rate, 2),
    "of_all": lambda s: s.price + s.rate - s.weight,
    "two_scales": lambda s: s.price if s.qty > 0 else s.rate,
    "scale_or_none": lambda s: s.weight if s.qty > 0 else s.price,
    "or_nothing": lambda s: s.price if s.qty > 0 else Decimal(0),
    "or_a_constant": lambda s: s.price if s.qty > 0 else Decimal("0.125"),
    "or_an_int": lambda s: s.price if s.qty > 0 else 1,
    "an_int_or": lambda s: s.qty if s.shop else s.rate,
    "if_it_is_there": lambda s: s.rebate if s.rebate is not None else s.rate,
    "or_zero": lambda s: s.rebate or Decimal(0),
    "the_least": lambda s: min(s.price, s.rate),
    "the_most": lambda s: max(s.price, s.weight),
    "constant": lambda s: Decimal("1.5"),
}


def total(rows: Rows, f: Callable[[Sold], Any]) -> Decimal:
    return sum((Decimal(f(row)) * n for row, n in rows.items()), Decimal(0))


def summed(rows: Rows, f: Callable[[Sold], Any]) -> Sums:
    low = min(Decimal(f(row)) for row in rows)
    mean = total(rows, f) / sum(rows.values())
    return Sums(total=total(rows, f), mean=mean, low=low)


def case(name: str) -> Judged:
    f = FORMS[name]
    by_shop = Index.pick(Sold, lambda s: s.shop)

    def query(sold: ZSet[Sold]) -> tuple[ZSet[Any], ...]:
        return (
            st.group_reduce_flatten(sold, by=by_shop, zero=Decimal, pick_value=f),
            st.aggregate(
                sold,
                by=by_shop,
                into=Sums,
                total=agg.sum(f),
                mean=agg.avg(f),
                low=agg.min(f),
            ),
        )

    def oracle(sold: Rows) -> tuple[Found, ...]:
        by_key = grouped(sold, lambda s: s.shop)
        return (
            {Pair(total(own, f), key): 1 for key, own in by_key.items()},
            {Pair(summed(own, f), key): 1 for key, own in by_key.items()},
        )

    return Judged(query, False, oracle, nasty=False)


@pytest.mark.parametrize("name", FORMS)
def test_sums_of_computed_decimals(name: str, every_postgres: list[tuple[str, str]]) -> None:
    hold(case(name), every_postgres[:1])
