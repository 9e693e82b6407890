"""A query inside each group: a group is counted while it exists, also where nothing is left."""

import stepping as st
from stepping import Index, Pair, ZSet


class Task(st.Data):
    owner: str
    done: bool


def per_group_count(tasks: ZSet[Task]) -> ZSet[Pair[int, str]]:
    owners = st.group(tasks, by=Index.pick(Task, lambda t: t.owner))
    open_tasks = st.per_group[owners](lambda g: st.count(st.filter(g, f=lambda t: not t.done)))
    return st.flatten(open_tasks)
