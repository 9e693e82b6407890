"""python -m examples.web.app sqlite:///orders.db [PORT]"""

import sys
from typing import Any

import flask
import sqlalchemy as sa
from sqlalchemy import orm
from werkzeug.serving import make_server

import stepping as st
from examples.web.orders import Order, engine_of, graph, of_customer, store_on, totals


def make_app(engine: sa.Engine) -> flask.Flask:
    app = flask.Flask(__name__)

    @app.post("/orders")
    def add() -> Any:
        given = flask.request.get_json()
        with orm.Session(engine) as session, session.begin():
            order = Order(customer=given["customer"], cents=given["cents"])
            session.add(order)
            session.flush()  # gives it its id
            (orders,) = st.actions(store_on(session.connection()), graph)
            orders.insert(order.row())
            return {"id": order.id}, 201

    @app.delete("/orders/<int:number>")
    def remove(number: int) -> Any:
        with orm.Session(engine) as session, session.begin():
            # Locked: of two clients that delete one order, the second must see that it is gone.
            # Else both would take it away from the totals, which hold no orders to look at.
            order = session.get(Order, number, with_for_update=True)
            if order is None:
                flask.abort(404)
            (orders,) = st.actions(store_on(session.connection()), graph)
            orders.remove(order.row())
            session.delete(order)
            return "", 204

    @app.get("/totals/<customer>")
    def total(customer: str) -> Any:
        with orm.Session(engine) as session:
            kept = totals.zset(store_on(session.connection()))
            for _, found, _ in kept.iter_by_index(of_customer, frozenset({customer})):
                return {"orders": found.left.orders, "cents": found.left.cents}
        return {"orders": 0, "cents": 0}

    @app.errorhandler(st.RowError)
    def refused(error: st.RowError) -> Any:
        return {"error": error.message}, 422  # and the transaction was rolled back

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
