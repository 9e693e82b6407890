"""`stepping demo`: real flights, kept up to date in a database and checked. Also an example."""

from stepping.demo.query import MOST_DELAYED as MOST_DELAYED
from stepping.demo.query import Flight as Flight
from stepping.demo.query import airline_days as airline_days
from stepping.demo.query import flights_query as flights_query
from stepping.demo.query import routes as routes
