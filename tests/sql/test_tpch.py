"""The queries of TPC-H over rows that meet their conditions, through random transactions."""

from __future__ import annotations

import itertools
import os
import random
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.sql_views import Database, Postgres, SQLite, Writer, application, watched_through

DDL = """
CREATE TABLE region (row_number serial PRIMARY KEY, r_regionkey integer NOT NULL,
    r_name char(25) NOT NULL);
CREATE TABLE nation (row_number serial PRIMARY KEY, n_nationkey integer NOT NULL,
    n_name char(25) NOT NULL, n_regionkey integer NOT NULL);
CREATE TABLE supplier (row_number serial PRIMARY KEY, s_suppkey integer NOT NULL,
    s_name char(25) NOT NULL, s_address varchar(40) NOT NULL, s_nationkey integer NOT NULL,
    s_phone char(15) NOT NULL, s_acctbal decimal(15,2) NOT NULL,
    s_comment varchar(101) NOT NULL);
CREATE TABLE part (row_number serial PRIMARY KEY, p_partkey integer NOT NULL,
    p_name varchar(55) NOT NULL, p_mfgr char(25) NOT NULL, p_brand char(10) NOT NULL,
    p_type varchar(25) NOT NULL, p_size integer NOT NULL, p_container char(10) NOT NULL);
CREATE TABLE partsupp (row_number serial PRIMARY KEY, ps_partkey integer NOT NULL,
    ps_suppkey integer NOT NULL, ps_availqty integer NOT NULL,
    ps_supplycost decimal(15,2) NOT NULL);
CREATE TABLE customer (row_number serial PRIMARY KEY, c_custkey integer NOT NULL,
    c_name varchar(25) NOT NULL, c_address varchar(40) NOT NULL, c_nationkey integer NOT NULL,
    c_phone char(15) NOT NULL, c_acctbal decimal(15,2) NOT NULL,
    c_mktsegment char(10) NOT NULL, c_comment varchar(117) NOT NULL);
CREATE TABLE orders (row_number serial PRIMARY KEY, o_orderkey integer NOT NULL,
    o_custkey integer NOT NULL, o_orderstatus char(1) NOT NULL,
    o_totalprice decimal(15,2) NOT NULL, o_orderdate date NOT NULL,
    o_orderpriority char(15) NOT NULL, o_shippriority integer NOT NULL,
    o_comment varchar(79) NOT NULL);
CREATE TABLE lineitem (row_number serial PRIMARY KEY, l_orderkey integer NOT NULL,
    l_partkey integer NOT NULL, l_suppkey integer NOT NULL, l_quantity decimal(15,2) NOT NULL,
    l_extendedprice decimal(15,2) NOT NULL, l_discount decimal(15,2) NOT NULL,
    l_tax decimal(15,2) NOT NULL, l_returnflag char(1) NOT NULL,
    l_linestatus char(1) NOT NULL, l_shipdate date NOT NULL, l_commitdate date NOT NULL,
    l_receiptdate date NOT NULL, l_shipinstruct char(25) NOT NULL,
    l_shipmode char(10) NOT NULL)
"""


def queries() -> dict[str, str]:
    text = Path(__file__).with_name("tpch.sql").read_text()
    return dict(re.findall(r"^-- (q\d+)\n(.*?);$", text, re.DOTALL | re.MULTILINE))


QUERIES = queries()


def sqlite_ddl() -> str:
    text = DDL.replace("serial PRIMARY KEY", "integer PRIMARY KEY")
    return re.sub(r"char\(\d+\)|date NOT", lambda m: "date NOT" if "date" in m[0] else "text", text)


def for_sqlite(select: str) -> str:
    """The same query where dates are texts."""
    month = {"3 month": "+3 months", "1 month": "+1 month", "1 year": "+1 year"}

    def moved(found: re.Match[str]) -> str:
        sign, amount = found[2], found[3]
        by = "-90 days" if sign == "-" else month[amount]
        return f"date('{found[1]}', '{by}')"

    # Names of a derived table's columns stand inside it.
    select = select.replace("count(o_orderkey)\n", "count(o_orderkey) AS c_count\n")
    select = select.replace(" (c_custkey, c_count)", "")
    select = re.sub(r"date '([\d-]+)' ([+-]) interval '([^']+)'", moved, select)
    select = re.sub(r"date '([\d-]+)'", r"'\1'", select)
    select = re.sub(r"extract\(year FROM (\w+)\)", r"CAST(strftime('%Y', \1) AS INTEGER)", select)
    return re.sub(r"substring\((\w+) from 1 for 2\)", r"substr(\1, 1, 2)", select)


Rows = Mapping[str, Callable[[random.Random], Mapping[str, Any]]]


def dense(name: str) -> Rows:
    """Rows of a few values, those that a query asks for among them."""
    constants = re.findall(r"'([^'%]*)'", QUERIES[name])
    dates = [each for each in constants if re.fullmatch(r"\d{4}-\d\d-\d\d", each)]
    years = [each[:4] for each in dates] or ["1995"]

    def among(*others: str) -> list[str]:
        found = [each for each in others if each in constants]
        return [*found, *others[:2]]

    def date(rng: random.Random) -> str:
        year = int(rng.choice(years)) + rng.choice([0, 0, 0, 1])
        return f"{year}-{rng.choice([1, 2, 3, 7, 9, 10]):02}-{rng.choice([1, 5, 16, 28]):02}"

    def key(rng: random.Random, most: int = 4) -> int:
        return rng.randint(1, most)

    def money(rng: random.Random) -> str:
        return f"{rng.choice([1, 5, 20, 90, 100])}.{rng.randint(0, 99):02}"

    nations = among("FRANCE", "GERMANY", "BRAZIL", "CANADA", "SAUDI ARABIA")
    regions = among("EUROPE", "ASIA", "AMERICA")
    types = among("ECONOMY ANODIZED STEEL", "SMALL BRASS")
    types += ["PROMO BRASS", "MEDIUM POLISHED TIN"]
    brands = among("Brand#12", "Brand#23", "Brand#45", "Brand#34")
    boxes = among("SM CASE", "MED BOX", "LG CASE")
    suppliers = itertools.count(1)
    return {
        "region": lambda r: {"r_regionkey": key(r, 2), "r_name": r.choice(regions)},
        "nation": lambda r: {
            "n_nationkey": key(r, 3), "n_name": r.choice(nations), "n_regionkey": key(r, 2)
        },
        "supplier": lambda r: {
            "s_suppkey": key(r), "s_name": f"Supplier#{next(suppliers) % 5}", "s_address": "x",
            "s_nationkey": key(r, 3), "s_phone": r.choice(["13-1", "99-2"]),
            "s_acctbal": money(r), "s_comment": r.choice(["", "Customer slow Complaints"]),
        },
        "part": lambda r: {
            "p_partkey": key(r), "p_name": r.choice(["forest green", "green tea", "blue"]),
            "p_mfgr": "M", "p_brand": r.choice(brands), "p_type": r.choice(types),
            "p_size": r.choice([15, 15, 3, 9, 5]), "p_container": r.choice(boxes),
        },
        "partsupp": lambda r: {
            "ps_partkey": key(r), "ps_suppkey": key(r), "ps_availqty": r.choice([1, 50, 900]),
            "ps_supplycost": money(r),
        },
        "customer": lambda r: {
            "c_custkey": key(r, 5), "c_name": f"C{key(r)}", "c_address": "y",
            "c_nationkey": key(r, 3), "c_phone": r.choice(["13-5", "31-6", "77-7"]),
            "c_acctbal": money(r), "c_mktsegment": r.choice(["BUILDING", "AUTOMOBILE"]),
            "c_comment": "z",
        },
        "orders": lambda r: {
            "o_orderkey": key(r, 5), "o_custkey": key(r, 5), "o_orderstatus": r.choice("FO"),
            "o_totalprice": money(r), "o_orderdate": date(r),
            "o_orderpriority": r.choice(["1-URGENT", "2-HIGH", "5-LOW"]), "o_shippriority": 0,
            "o_comment": r.choice(["", "special packages requests"]),
        },
        "lineitem": lambda r: {
            "l_orderkey": key(r, 5), "l_partkey": key(r), "l_suppkey": key(r),
            "l_quantity": r.choice([1, 5, 11, 22, 200]), "l_extendedprice": money(r),
            "l_discount": r.choice(["0.05", "0.06", "0.10"]), "l_tax": "0.02",
            "l_returnflag": r.choice("RAN"), "l_linestatus": r.choice("FO"),
            "l_shipdate": date(r), "l_commitdate": date(r), "l_receiptdate": date(r),
            "l_shipinstruct": r.choice(["DELIVER IN PERSON", "NONE"]),
            "l_shipmode": r.choice(["MAIL", "SHIP", "AIR", "AIR REG"]),
        },
    }  # fmt: skip


# Whose conditions few of these rows meet.
RARE = frozenset({"q10", "q16", "q20", "q21", "q22"})


WIDE = frozenset({"q2", "q5", "q7", "q8", "q9", "q18", "q21"})
SMALL = (8, 3, 10)  # rows of each table, transactions, and writes in each


def ordered(select: str) -> str:
    """A query that says which rows come first also where they are alike in what it orders by."""
    if "limit" not in select.lower():
        return select
    columns = {"q2": 8, "q3": 4, "q10": 8, "q18": 6, "q21": 2}
    name = next(each for each, text in QUERIES.items() if text.split()[:12] == select.split()[:12])
    more = ", ".join(str(i) for i in range(1, columns[name] + 1))
    return re.sub(r"(?i)(\s+limit \d+\s*)$", rf", {more}\1", select)


def through(database: Database, name: str, select: str) -> None:
    used = {t: f for t, f in dense(name).items() if re.search(rf"\b{t}\b", select)}
    writer = Writer(database, used, random.Random(name))
    size = SMALL if "STEPPING_TPCH" not in os.environ else (25, 10, 20)
    if name in WIDE:  # joins of as many tables, each row of which meets several of the next
        size = (min(size[0], 10), *size[1:])
    start, transactions, writes = size
    changed = watched_through(
        database,
        ordered(select),
        writer,
        start=start * len(used),
        transactions=transactions,
        writes=writes,
    )
    if "STEPPING_TPCH" in os.environ:
        assert changed > 1 or name in RARE, "the result has never changed"


@pytest.mark.parametrize("name", QUERIES)
def test_sqlite(name: str) -> None:
    with application(SQLite(), sqlite_ddl()) as database:
        through(database, name, for_sqlite(QUERIES[name]))


@pytest.mark.parametrize("name", QUERIES)
def test_postgres(postgres_db: str, name: str) -> None:
    with application(Postgres(postgres_db), DDL) as database:
        through(database, name, QUERIES[name])
