"""The first three of an order with None in it, from the start of an index."""

import stepping as st
from stepping import Index, ZSet


class Score(st.Data):
    player: str
    points: int | None


def first_n(scores: ZSet[Score]) -> ZSet[Score]:
    by_points = Index.pick(Score, lambda s: (s.points, s.player), ascending=(False, True))
    return st.first_n(scores, index=by_points, n=3)
