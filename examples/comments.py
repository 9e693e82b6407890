"""A comments page: its HTML is kept, and made again when a comment or a user's name changes."""

import datetime

import stepping as st


class User(st.Data):
    id: int
    name: str


class Comment(st.Data):
    id: int
    page: str
    user_id: int
    at: datetime.datetime
    text: str


class Item(st.Data):
    """A comment as HTML."""

    at: datetime.datetime
    comment_id: int
    html: str


class Items(st.Data):
    items: st.ZSetPython[Item]
    comments: int


class Page(st.Data):
    path: str
    comments: int
    html: str


CommentUser = st.Pair[Comment, User]
ItemOfPage = st.Pair[Item, str]
ItemsOfPage = st.Pair[Items, str]

PATH = st.Index.pick(Page, lambda page: page.path)

pages = st.Cache[Page](name="pages")


def escaped(text: str) -> str:
    """As html.escape, in the methods of str that are SQL on every database."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;").replace("'", "&#x27;")


def to_item(pair: CommentUser) -> ItemOfPage:
    comment, user = pair.left, pair.right
    html = (
        f'<li id="comment-{comment.id}"><b>{escaped(user.name)}</b> '
        f"on {comment.at:%Y-%m-%d at %H:%M}: {escaped(comment.text.strip())}</li>"
    )
    return st.Pair(Item(at=comment.at, comment_id=comment.id, html=html), comment.page)


def to_page(pair: ItemsOfPage) -> Page:
    items = sorted(item for item, _ in pair.left.items.iter())
    lines = ["<ul>", *(f"  {item.html}" for item in items), "</ul>"]
    return Page(path=pair.right, comments=pair.left.comments, html="\n".join(lines))


def query(users: st.ZSet[User], comments: st.ZSet[Comment]) -> st.ZSet[Page]:
    with_user = st.join(
        comments,
        users,
        on_left=st.Index.pick(Comment, lambda comment: comment.user_id),
        on_right=st.Index.pick(User, lambda user: user.id),
    )
    items = st.map(with_user, f=to_item)
    per_page = st.aggregate(
        items,
        by=st.Index.pick(ItemOfPage, lambda pair: pair.right),
        into=Items,
        items=st.agg.collect(lambda pair: pair.left),
        comments=st.agg.count(),
    )
    made = st.map(per_page, f=to_page)
    _ = pages[made](lambda z: st.integrate_indexed(z, indexes=(PATH,)))
    return made


graph = st.compile(query, name="comments")


def comment(id: int, page: str, by: User, at: str, text: str) -> Comment:
    time = datetime.datetime.fromisoformat(at)
    return Comment(id=id, page=page, user_id=by.id, at=time, text=text)


ANN = User(id=1, name="Ann")
BOB = User(id=2, name="Bob <b>")
COMMENTS = [
    comment(1, "/tea", ANN, "2024-03-04 09:10", "Milk first!"),
    comment(2, "/tea", BOB, "2024-03-04 09:15", "tea & milk > milk & tea"),
    comment(3, "/jam", BOB, "2024-03-04 10:00", " <script>boo()</script>\n"),
]


def get(store: st.Store, path: str) -> str:
    """What a web server answers: a look-up in the cache's index."""
    for _, page, _ in pages.zset(store).iter_by_index(PATH, match_keys=frozenset({path})):
        return page.html
    return "<p>Nobody has said anything yet.</p>"


def run(store: st.Store) -> None:
    users, comments = st.actions(store, graph)
    users.insert(ANN, BOB)
    comments.insert(*COMMENTS)
    for path in ("/tea", "/jam", "/pie"):
        print(f"{path}\n{get(store, path)}")

    print("\nAnn is called Anna now. Pages that are made again:")
    (change,) = users.replace(ANN, User(id=1, name="Anna"))
    for page, count in sorted(change.iter()):
        print(f"{count:+} {page.path}, {page.comments} comments")

    print("\nHer comment is deleted:")
    comments.remove(COMMENTS[0])
    print(get(store, "/tea"))


if __name__ == "__main__":
    with st.connection_sqlite(":memory:") as connection:
        run(st.StoreSQLite.from_graph(connection, graph))
