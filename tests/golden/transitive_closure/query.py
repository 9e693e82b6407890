"""Paths of any length, right when edges go: what is over-deleted is derived again."""

import stepping as st
from stepping import Pair, ZSet


def transitive_closure(edges: ZSet[Pair[int, int]]) -> ZSet[Pair[int, int]]:
    return st.transitive_closure(edges)
