"""python -m examples.shop.app sqlite:///shop.db [PORT]

The shop as it was, but for the dashboards.
"""

import datetime
import sys
from typing import Any

import flask
import sqlalchemy as sa
from sqlalchemy import orm
from werkzeug.serving import make_server

from examples.shop import dashboards
from examples.shop.models import Item, Order, User, engine_of

VIEWS = (
    dashboards.revenue,
    dashboards.open_orders,
    dashboards.idle_users,
    dashboards.top_products,
)
DASHBOARDS = {each.name: each.table for each in VIEWS}


def make_app(engine: sa.Engine) -> flask.Flask:
    app = flask.Flask(__name__)

    @app.get("/dashboards/<name>")
    def dashboard(name: str) -> Any:
        if name not in DASHBOARDS:
            flask.abort(404)
        with engine.connect() as connection:
            rows = connection.execute(sa.select(DASHBOARDS[name]))
            return flask.jsonify([list(map(str, row)) for row in rows])

    @app.post("/users")
    def sign_up() -> Any:
        with orm.Session(engine) as session, session.begin():
            user = User(**flask.request.get_json())
            session.add(user)
            session.flush()
            return {"id": user.id}, 201

    @app.post("/orders")
    def place() -> Any:
        given = flask.request.get_json()
        with orm.Session(engine) as session, session.begin():
            items = [Item(**each) for each in given["items"]]
            placed = datetime.date.fromisoformat(given["placed"])
            order = Order(user_id=given["user_id"], placed=placed, items=items)
            session.add(order)
            session.flush()
            return {"id": order.id}, 201

    @app.post("/orders/<int:number>/pay")
    def pay(number: int) -> Any:
        with engine.begin() as connection:  # a bulk update, which no ORM event sees
            change = sa.update(Order).where(Order.id == number).values(status="paid")
            found = connection.execute(change).rowcount
        return ("", 204) if found else ("", 404)

    @app.delete("/orders/<int:number>")
    def cancel(number: int) -> Any:
        with engine.begin() as connection:  # its items go with it, by the foreign key
            found = connection.execute(sa.delete(Order).where(Order.id == number)).rowcount
        return ("", 204) if found else ("", 404)

    return app


if __name__ == "__main__":
    server = make_server(
        "127.0.0.1",
        int(sys.argv[2]) if len(sys.argv) > 2 else 0,
        make_app(engine_of(sys.argv[1])),
        threaded=True,
    )
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
