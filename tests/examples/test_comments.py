"""The comments page, against HTML made with the standard library."""

from __future__ import annotations

import datetime
import html

import stepping as st
from examples.comments import Comment, Page, User, escaped, get, graph, pages
from tests.examples.conftest import History, OpenStore

HOSTILE = '<i>"O\'Neill" &amp; sons</i>'
USERS = [User(id=id, name=name) for id in (1, 2) for name in ("Ann", HOSTILE)]
COMMENTS = [
    Comment(
        id=number,
        page=("/tea", "/jam")[number % 2],
        user_id=1 + number % 3,
        at=datetime.datetime.fromisoformat(f"2024-03-04T{12 - number:02}"),
        text=text,
    )
    for number, text in enumerate([HOSTILE, "  plain ", "&&<<>>", "", "\u00e9\U0001f375", "\n'\n"])
]


def test_escaped_is_html_escape() -> None:
    for text in (HOSTILE, "", "&lt;", "a & b", "\u2028<"):
        assert escaped(text) == html.escape(text)


def test_pages(open_store: OpenStore) -> None:
    store = open_store(graph)
    history = History(st.actions(store, graph), (USERS, COMMENTS))
    for _ in range(60):
        history.step()
        made = expected(*history.rows)
        assert pages.zset(store) == st.ZSetPython.of_rows(made)
    for page in made:
        assert get(store, page.path) == page.html


def expected(users: list[User], comments: list[Comment]) -> list[Page]:
    lines: dict[str, list[str]] = {}
    for comment in sorted(comments, key=lambda comment: (comment.at, comment.id)):
        shown = [
            f'  <li id="comment-{comment.id}"><b>{html.escape(user.name)}</b> '
            f"on {comment.at:%Y-%m-%d at %H:%M}: {html.escape(comment.text.strip())}</li>"
            for user in users
            if user.id == comment.user_id
        ]
        if shown:
            lines.setdefault(comment.page, []).extend(sorted(shown))
    return [
        Page(path=path, comments=len(items), html="\n".join(["<ul>", *items, "</ul>"]))
        for path, items in lines.items()
    ]
