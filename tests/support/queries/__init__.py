"""A corpus of small queries: each operator, alone and combined, over each kind of key and value."""

from tests.support.queries import groups, joins, linear, states
from tests.support.queries.case import Case as Case

CASES: dict[str, Case] = {
    case.name: case for module in (linear, joins, groups, states) for case in module.CASES
}
